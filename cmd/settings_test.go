package cmd

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

// shell is a program that prints what a test wants. The commands of users are
// run without one.
func shell(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	return path
}

func TestClientSecret(t *testing.T) {
	sh := shell(t)
	for _, tc := range []struct {
		name, auth, env string
		command         []string
		want, fails     string
	}{
		{name: "a public client has none", auth: "none", env: "from-env", command: []string{sh, "-c", "exit 9"}},
		{name: "environment", auth: "post", env: "from-env", command: []string{sh, "-c", "exit 9"}, want: "from-env"},
		{name: "command", auth: "basic", command: []string{sh, "-c", `printf '%s\n' "$1"`, "x", "from command; $(no shell)"}, want: "from command; $(no shell)"},
		{name: "nowhere", auth: "post", fails: "client authentication post needs a client secret"},
		{name: "command fails", auth: "post", command: []string{sh, "-c", "echo secret-on-stdout; exit 3"}, fails: "exit status 3"},
		{name: "no such command", auth: "post", command: []string{filepath.Join(t.TempDir(), "none")}, fails: "no such file"},
		{name: "two lines", auth: "post", command: []string{sh, "-c", `printf 'secret-one\nsecret-two\n'`}, fails: "must print one line"},
		{name: "nothing", auth: "post", command: []string{sh, "-c", "true"}, fails: "must print one line"},
		{name: "too much", auth: "post", command: []string{sh, "-c", "while echo secretsecretsecretsecretsecretsecretsecret; do :; done"}, fails: "printed more than a secret"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			streams, _, stderr := iostreams.Test("")
			app := &App{IO: streams, Secrets: new(secret.Redactor), Getenv: func(name string) string {
				return map[string]string{secretVariable: tc.env}[name]
			}}
			got, err := newSession(app).clientSecret(context.Background(), &config.Profile{ClientAuth: tc.auth, ClientSecretCommand: tc.command})
			var f *fault.Error
			switch {
			case tc.fails != "":
				if !errors.As(err, &f) || !strings.Contains(f.Msg, tc.fails) {
					t.Errorf("error %v, want %q", err, tc.fails)
				}
				if err != nil && strings.Contains(err.Error()+stderr.String(), "secret-o") {
					t.Errorf("what the command printed is shown: %v %s", err, stderr)
				}
			case err != nil || got.Reveal() != tc.want:
				t.Errorf("secret %q, %v, want %q", got.Reveal(), err, tc.want)
			case tc.want != "" && app.Secrets.Text("x "+tc.want+" y") != "x [redacted] y":
				t.Errorf("the redactor does not know it: %q", app.Secrets.Text(tc.want))
			}
		})
	}
}

func TestClientSecretIsInterrupted(t *testing.T) {
	sh := shell(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	streams, _, _ := iostreams.Test("")
	app := &App{IO: streams, Secrets: new(secret.Redactor), Getenv: func(string) string { return "" }}
	_, err := newSession(app).clientSecret(ctx, &config.Profile{ClientAuth: "post", ClientSecretCommand: []string{sh, "-c", "sleep 60"}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's own", err)
	}
}
