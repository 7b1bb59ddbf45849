package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gatepass/pkg/fault"
)

// Starter is a first profile. Empty members are left out of what is written.
type Starter struct {
	Name         string
	Issuer       string
	ClientID     string
	ClientAuth   string
	RedirectURIs []string
	Scopes       []string
	Resource     string
	API          API
	Authorizer   string // as it is to stand in the file
}

// ValidName reports whether a profile may be called so.
func ValidName(name string) bool { return validName(name) }

// File is a settings file with this profile. What it says is what [Load] reads.
func (s Starter) File() []byte {
	return []byte("# Settings of gatepass for this project. They hold no secrets: commit them.\n" +
		"version: 1\ndefault: " + scalar(s.Name) + "\nprofiles:\n  " +
		strings.ReplaceAll(strings.TrimSuffix(s.Profile(), "\n"), "\n", "\n  ") + "\n")
}

// Profile is the profile alone, to stand below "profiles:", less the indent.
func (s Starter) Profile() string {
	var b strings.Builder
	line := func(indent int, key, value, comment string) {
		if comment != "" {
			comment = " # " + comment
		}
		fmt.Fprintf(&b, "%s%s: %s%s\n", strings.Repeat("  ", indent), key, value, comment)
	}
	fmt.Fprintf(&b, "%s:\n", scalar(s.Name))
	if sub, ok := s.subdomain(); ok {
		line(1, "subdomain", scalar(sub), "")
	} else {
		line(1, "issuer", scalar(s.Issuer), "")
	}
	line(1, "client_id", scalar(s.ClientID), "")
	if s.ClientAuth != "" && s.ClientAuth != "none" {
		line(1, "client_auth", scalar(s.ClientAuth), "the secret comes from GATEPASS_CLIENT_SECRET")
	}
	if len(s.RedirectURIs) > 0 {
		b.WriteString("  redirect_uris: # exactly as registered for the app\n")
		for _, u := range s.RedirectURIs {
			b.WriteString("    - " + scalar(u) + "\n")
		}
	}
	if len(s.Scopes) > 0 && !slices.Equal(s.Scopes, defaultOf("scopes")) {
		var words []string
		for _, w := range s.Scopes {
			words = append(words, scalar(w))
		}
		line(1, "scopes", "["+strings.Join(words, ", ")+"]", "")
	}
	if s.Resource != "" {
		line(1, "resource", scalar(s.Resource), "")
	}
	s.api(line, &b)
	if s.Authorizer != "" {
		line(1, "authorizer", scalar(s.Authorizer), "")
	}
	return b.String()
}

func (s Starter) api(line func(int, string, string, string), b *strings.Builder) {
	send := s.API.Send.String()
	if s.API.Send.Header == "" || send == defaultOf("api.send")[0] {
		send = ""
	}
	idToken := s.API.Token == "id"
	if s.API.URL == "" && send == "" && !idToken {
		return
	}
	b.WriteString("  api:\n")
	if s.API.URL != "" {
		line(2, "url", scalar(s.API.URL), "")
	}
	if idToken {
		line(2, "token", "id", "")
	}
	if send != "" {
		line(2, "send", scalar(send), "")
	}
}

// AuthorizerFile is a first authorizer file for the profile's tokens.
func (s Starter) AuthorizerFile() []byte {
	send := s.API.Send.String()
	if s.API.Send.Header == "" {
		send = defaultOf("api.send")[0]
	}
	use, audience := "access", s.ClientID
	if s.API.Token == "id" {
		use = "id"
	}
	comment := ""
	if s.Resource != "" {
		comment = " # with a resource: the audiences of that API instead"
	}
	return []byte(`# Who may do what with the API: an IAM policy whose conditions may also speak of
# the token, with jwt: keys. Try it: gatepass authorize GET /orders
version: 1
tokens:
  - issuer: ` + scalar(s.Issuer) + `
    audience: [` + scalar(audience) + `]` + comment + `
    use: ` + use + `
source: ` + send + `
principal: ${jwt:sub}
policy:
  Version: "2012-10-17"
  Statement:
    - Sid: EverybodyReads
      Effect: Allow
      Resource: "GET /*"
    # - Sid: AdminsDoEverything
    #   Effect: Allow
    #   Resource: "* /*"
    #   Condition: { "ForAnyValue:StringEquals": { "jwt:groups": [Admins] } }
`)
}

// subdomain is the issuer's short form, where it has one.
func (s Starter) subdomain() (string, bool) {
	host, found := strings.CutPrefix(s.Issuer, "https://")
	name, _, _ := strings.Cut(host, ".")
	return name, found && checkSubdomain(name) == nil && IssuerOf(name) == s.Issuer
}

func defaultOf(key string) []string {
	for _, st := range Settings() {
		if st.Key == key {
			return st.Default
		}
	}
	return nil
}

// plain are texts that are themselves in YAML without quotes.
func plain() *regexp.Regexp {
	return regexp.MustCompile(`^(https?://[A-Za-z0-9._~/%-]+(:[0-9]+)?[A-Za-z0-9._~/%-]*|[A-Za-z][A-Za-z0-9._ /-]*[A-Za-z0-9])$`)
}

// scalar is a text in YAML. Words that are other things than text there are
// quoted.
func scalar(v string) string {
	if plain().MatchString(v) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "nan", "inf"}, strings.ToLower(v)) {
		return v
	}
	quoted, _ := json.Marshal(v) // a string has no error; JSON's are YAML's
	return string(quoted)
}

// Create writes a file that is not there yet: whole or not at all, readable by
// everybody. [fs.ErrExist] is in the error when there is something by that name.
func Create(path string, data []byte) error {
	if exists(path) {
		return fmt.Errorf("%s is there already: %w", path, fs.ErrExist)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".gatepass-*")
	if err != nil {
		return cannotWrite(path, err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return cannotWrite(path, err)
	}
	// A link, unlike a rename, never replaces what somebody else has just put there.
	err = os.Link(f.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) && !exists(path) {
		err = os.Rename(f.Name(), path) // a file system without links
	}
	if err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

func cannotWrite(path string, err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		err = p.Err
	case errors.As(err, &l):
		err = l.Err
	}
	return fault.New(fault.Failed, "%s cannot be written: %w", path, err)
}
