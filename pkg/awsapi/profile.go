package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
)

// Machine is what profiles are read from, as function values: nothing of the machine
// is touched before credentials are needed.
type Machine struct {
	Getenv   func(string) string
	Home     func() (string, error)                        // the home directory
	ReadFile func(name string) ([]byte, error)             // fs.ErrNotExist for a file that is not there
	Shell    func(context.Context, string) ([]byte, error) // runs a command line, for credential_process
	// AWS runs the AWS CLI with arguments. The error is ErrNone when it is not
	// installed. Nil is the same.
	AWS func(ctx context.Context, args ...string) ([]byte, error)
}

// MaxProfiles is the largest file of profiles that is read, in bytes.
const MaxProfiles = 1 << 20

// Profile takes the credentials of a profile of AWS's tools (AWS SDKs and Tools
// Reference Guide, "Shared config and credentials files"): keys written there, what
// its credential_process prints, or else what the AWS CLI exports, which knows SSO,
// roles and everything newer. An empty name is AWS_PROFILE, or default.
func Profile(m Machine, name string) Provider {
	return func(ctx context.Context) (Credentials, error) {
		name := profileName(m, name)
		p, err := readProfile(m, name)
		if err != nil {
			return Credentials{}, err
		}
		if c, ok := p.static(); ok {
			return c, nil
		}
		if command := p["credential_process"]; command != "" && m.Shell != nil {
			out, err := m.Shell(ctx, command)
			if err != nil {
				return Credentials{}, fault.New(fault.Failed, "the credential_process of the AWS profile %s failed: %w", clip(name), err)
			}
			return parseExported(out, "the credential_process of the AWS profile "+clip(name))
		}
		return exported(ctx, m, name, p != nil)
	}
}

// ProfileRegion is the region of a profile, or empty.
func ProfileRegion(m Machine, name string) (string, error) {
	p, err := readProfile(m, profileName(m, name))
	return p["region"], err
}

func profileName(m Machine, name string) string {
	switch env := m.Getenv("AWS_PROFILE"); {
	case name != "":
		return name
	case env != "":
		return env
	}
	return "default"
}

// exported asks the AWS CLI.
func exported(ctx context.Context, m Machine, name string, known bool) (Credentials, error) {
	if m.AWS == nil {
		return Credentials{}, none(name, known)
	}
	out, err := m.AWS(ctx, "configure", "export-credentials", "--profile", name, "--format", "process")
	switch {
	case errors.Is(err, ErrNone):
		return Credentials{}, none(name, known)
	case err != nil && !known:
		return Credentials{}, ErrNone
	case err != nil:
		return Credentials{}, fault.New(fault.Failed, "the AWS CLI has no credentials for the profile %s: %w", clip(name), err).
			WithHint("log in: aws sso login --profile %s", clip(name))
	}
	return parseExported(out, "the AWS CLI")
}

// none is the error when the AWS CLI is not there to ask.
func none(name string, known bool) error {
	if !known {
		return ErrNone
	}
	return fault.New(fault.Usage, "the AWS profile %s needs the AWS CLI, which is not installed", clip(name)).
		WithHint("install it, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
}

// parseExported reads what credential processes print (AWS SDKs and Tools Reference
// Guide, "Process credential provider"). Nothing of it is shown.
func parseExported(out []byte, who string) (Credentials, error) {
	var doc struct {
		Version                                    int
		AccessKeyId, SecretAccessKey, SessionToken string
		Expiration                                 string
	}
	wrong := fault.New(fault.Failed, "%s printed no credentials of version 1", who)
	if json.Unmarshal(out, &doc) != nil || doc.Version != 1 || doc.AccessKeyId == "" || doc.SecretAccessKey == "" {
		return Credentials{}, wrong
	}
	c := Credentials{AccessKeyID: doc.AccessKeyId, SecretAccessKey: secret.New(doc.SecretAccessKey), SessionToken: secret.New(doc.SessionToken)}
	if doc.Expiration != "" {
		at, err := time.Parse(time.RFC3339, doc.Expiration)
		if err != nil {
			return Credentials{}, wrong
		}
		c.Expires = at
	}
	return c, nil
}

// profile are the settings of one profile; nil when there is none of that name.
type profile map[string]string

// static are the keys that are written in a profile.
func (p profile) static() (Credentials, bool) {
	c := Credentials{AccessKeyID: p["aws_access_key_id"], SecretAccessKey: secret.New(p["aws_secret_access_key"]), SessionToken: secret.New(p["aws_session_token"])}
	return c, c.AccessKeyID != "" && !c.SecretAccessKey.IsZero()
}

// readProfile joins what both files say of a profile; the credentials file counts.
func readProfile(m Machine, name string) (profile, error) {
	var p profile
	for _, f := range []struct{ variable, file, section string }{
		{"AWS_CONFIG_FILE", "config", "profile " + name},
		{"AWS_SHARED_CREDENTIALS_FILE", "credentials", name},
	} {
		section := f.section
		if name == "default" {
			section = name
		}
		at := m.Getenv(f.variable)
		if at == "" {
			home, err := m.Home()
			if err != nil {
				continue
			}
			at = path.Join(home, ".aws", f.file)
		}
		data, err := m.ReadFile(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fault.New(fault.Usage, "the AWS profiles in %s cannot be read: %w", clip(at), err)
		case len(data) > MaxProfiles:
			return nil, fault.New(fault.Usage, "%s is larger than the %d bytes that are read", clip(at), MaxProfiles)
		}
		p = readSection(string(data), section, p)
	}
	return p, nil
}

// readSection adds the settings of a section to a profile.
func readSection(text, section string, p profile) profile {
	inside := false
	for line := range strings.Lines(text) {
		nested := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			inside = strings.Join(strings.Fields(name), " ") == section
			if inside && p == nil {
				p = profile{}
			}
		case inside && !nested:
			if key, value, ok := strings.Cut(line, "="); ok {
				p[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
			}
		}
	}
	return p
}
