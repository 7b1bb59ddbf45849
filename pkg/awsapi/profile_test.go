package awsapi_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/awsapi"
	"gatepass/pkg/secret"
)

const config = `
[default]
region = eu-west-1
s3 =
  max_concurrent_requests = 20
  aws_access_key_id = nested

# a comment
[profile  work]
region=eu-central-1
credential_process = /opt/bin/credentials --for "work"

[profile sso]
sso_session = acme
role_arn = arn:aws:iam::123456789012:role/x

[services local]
aws_access_key_id = not-a-profile
`

const shared = `
[default]
aws_access_key_id = AKIDDEFAULT
aws_secret_access_key=secret=with=equals
; another comment
[plain]
aws_access_key_id     = AKIDPLAIN
AWS_SECRET_ACCESS_KEY = plain secret
aws_session_token     = session
`

// machine is a machine with the files above and variables, which counts nothing but
// what it was told to run.
func machine(env map[string]string, ran *[]string) awsapi.Machine {
	return awsapi.Machine{
		Getenv: func(name string) string { return env[name] },
		Home:   func() (string, error) { return "/home/me", nil },
		ReadFile: func(name string) ([]byte, error) {
			text, ok := map[string]string{"/home/me/.aws/config": config, "/home/me/.aws/credentials": shared, "/other": "[default]\naws_access_key_id=AKIDOTHER\naws_secret_access_key=x\n"}[name]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		},
		Shell: func(_ context.Context, command string) ([]byte, error) {
			*ran = append(*ran, command)
			return []byte(`{"Version":1,"AccessKeyId":"AKIDPROCESS","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-03-01T12:00:00Z"}`), nil
		},
		AWS: func(_ context.Context, args ...string) ([]byte, error) {
			*ran = append(*ran, "aws "+strings.Join(args, " "))
			if slices.Contains(args, "unknown") {
				return nil, errors.New("the config profile (unknown) could not be found")
			}
			return []byte(`{"Version":1,"AccessKeyId":"AKIDEXPORTED","SecretAccessKey":"s"}`), nil
		},
	}
}

func TestProfile(t *testing.T) {
	for name, tc := range map[string]struct {
		env     map[string]string
		profile string
		want    string // the access key, or a part of the error
		ran     string
	}{
		"the default":         {want: "AKIDDEFAULT"},
		"by name":             {profile: "plain", want: "AKIDPLAIN"},
		"by AWS_PROFILE":      {env: map[string]string{"AWS_PROFILE": "plain"}, want: "AKIDPLAIN"},
		"a process":           {profile: "work", want: "AKIDPROCESS", ran: `/opt/bin/credentials --for "work"`},
		"by the AWS CLI":      {profile: "sso", want: "AKIDEXPORTED", ran: "aws configure export-credentials --profile sso --format process"},
		"another file":        {env: map[string]string{"AWS_SHARED_CREDENTIALS_FILE": "/other"}, want: "AKIDOTHER"},
		"nobody":              {profile: "unknown", want: "there are no AWS credentials", ran: "aws configure export-credentials --profile unknown --format process"},
		"a section of others": {profile: "services local", want: "AKIDEXPORTED", ran: "aws configure export-credentials --profile services local --format process"},
	} {
		var ran []string
		c, err := awsapi.Profile(machine(tc.env, &ran), tc.profile)(t.Context())
		got := c.AccessKeyID
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tc.want) || strings.Join(ran, ";") != tc.ran {
			t.Errorf("%s: %s, ran %q; want %s", name, got, ran, tc.want)
		}
	}
	var ran []string
	c, _ := awsapi.Profile(machine(nil, &ran), "plain")(t.Context())
	if c.SecretAccessKey.Reveal() != "plain secret" || c.SessionToken.Reveal() != "session" {
		t.Errorf("secret %q, session %q", c.SecretAccessKey.Reveal(), c.SessionToken.Reveal())
	}
	if r, err := awsapi.ProfileRegion(machine(nil, &ran), "work"); err != nil || r != "eu-central-1" {
		t.Errorf("region %q, %v", r, err)
	}
}

// Without the AWS CLI a profile that needs it is an error, and one that is not there
// is no credentials.
func TestProfileWithoutCLI(t *testing.T) {
	var ran []string
	m := machine(nil, &ran)
	m.AWS = func(context.Context, ...string) ([]byte, error) { return nil, awsapi.ErrNone }
	if _, err := awsapi.Profile(m, "sso")(t.Context()); err == nil || !strings.Contains(err.Error(), "needs the AWS CLI") {
		t.Errorf("error %v", err)
	}
	if _, err := awsapi.Profile(m, "unknown")(t.Context()); !errors.Is(err, awsapi.ErrNone) {
		t.Errorf("error %v", err)
	}
}

// What a process prints is never shown.
func TestProcessPrintsNonsense(t *testing.T) {
	for _, out := range []string{"", "{}", `{"Version":2,"AccessKeyId":"a","SecretAccessKey":"topsecret"}`, "topsecret", `{"Version":1,"AccessKeyId":"a","SecretAccessKey":"topsecret","Expiration":"soon"}`} {
		var ran []string
		m := machine(nil, &ran)
		m.Shell = func(context.Context, string) ([]byte, error) { return []byte(out), nil }
		_, err := awsapi.Profile(m, "work")(t.Context())
		if err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s: error %v", out, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want string
	}{
		"both":          {map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s"}, "AKID"},
		"none":          {nil, "there are no AWS credentials"},
		"no secret":     {map[string]string{"AWS_ACCESS_KEY_ID": "AKID"}, "AWS_SECRET_ACCESS_KEY is not"},
		"no access key": {map[string]string{"AWS_SECRET_ACCESS_KEY": "s"}, "AWS_ACCESS_KEY_ID is not"},
	} {
		c, err := awsapi.Environment(func(n string) string { return tc.env[n] })(t.Context())
		got := c.AccessKeyID
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tc.want) {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// Credentials are got again shortly before they expire, and an error is not kept.
func TestKept(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	asked := 0
	var fails error
	p := awsapi.Kept(awsapi.FirstOf(awsapi.Environment(func(string) string { return "" }), func(context.Context) (awsapi.Credentials, error) {
		asked++
		return awsapi.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret.New("s"), Expires: now.Add(time.Hour)}, fails
	}), func() time.Time { return now })
	for _, step := range []struct {
		wait  time.Duration
		fails error
		asked int
	}{{0, nil, 1}, {50 * time.Minute, nil, 1}, {6 * time.Minute, errors.New("no"), 2}, {0, nil, 3}, {0, nil, 3}} {
		now, fails = now.Add(step.wait), step.fails
		_, err := p(t.Context())
		if asked != step.asked || (err != nil) != (step.fails != nil) {
			t.Errorf("asked %d times, want %d; %v", asked, step.asked, err)
		}
	}
}

// FuzzProfile: no file of profiles panics, and settings of one profile never turn up
// in another.
func FuzzProfile(f *testing.F) {
	f.Add(config)
	f.Add("[")
	f.Add("[default")
	f.Add("=\n[default]\n=\n= x\naws_access_key_id")
	f.Fuzz(func(t *testing.T, text string) {
		var ran []string
		m := machine(nil, &ran)
		m.ReadFile = func(string) ([]byte, error) { return []byte("[other]\naws_access_key_id=AKIDOTHER\n" + text), nil }
		c, err := awsapi.Profile(m, "default")(t.Context())
		if err == nil && c.AccessKeyID == "AKIDOTHER" && !strings.Contains(text, "AKIDOTHER") && !strings.Contains(text, "[other") {
			t.Errorf("the keys of another profile")
		}
	})
}
