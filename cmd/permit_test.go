package cmd_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"gatepass/pkg/idp"
	"gatepass/pkg/secret"
	"gatepass/pkg/store"
)

const appSecret = "s3cret-of-the-app-42"

// confidential is a desk whose app has a secret, and whose project's file names
// the issuer.
func confidential(t *testing.T) *desk {
	t.Helper()
	uri := "http://127.0.0.1:" + unused(t) + "/callback"
	d := newDeskAt(t, uri, idp.Client{ID: "confidential", Secret: secret.New(appSecret), Auth: "post", RedirectURIs: []string{uri}})
	d.dir = t.TempDir()
	d.names(d.issuer)
	delete(d.env, "GATEPASS_ISSUER")
	delete(d.env, "GATEPASS_CLIENT_ID")
	d.env["GATEPASS_CLIENT_SECRET"] = appSecret
	d.env["GATEPASS_STORE"] = "file"
	return d
}

func (d *desk) names(issuer string) {
	d.t.Helper()
	text := "profiles:\n  dev:\n    issuer: " + issuer + "\n    client_id: confidential\n    client_auth: post\n"
	if err := os.WriteFile(filepath.Join(d.dir, "gatepass.yaml"), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// A project's file cannot have a client secret sent to an issuer of its own that
// another issuer has: nobody has said that it may go there.
func TestSecretIsNotSentToAProjectsIssuer(t *testing.T) {
	d := confidential(t)
	d.run(0, "login", "--client-credentials") // the first issuer is the secret's own
	var asked atomic.Int64
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1) }))
	t.Cleanup(thief.Close)
	d.names(thief.URL)
	for _, args := range [][]string{
		{"login"}, {"login", "--client-credentials"}, {"login", "--force", "--no-browser"},
	} {
		out, errs := d.run(2, args...)
		wants(t, "stderr", errs, "the client secret is that of "+d.issuer, "not sent to "+thief.URL, "gatepass.yaml:3", "GATEPASS_ISSUER="+thief.URL)
		if out != "" || strings.Contains(errs, appSecret) {
			t.Errorf("%v: printed %s%s", args, out, errs)
		}
	}
	// Wherever it comes from.
	d.in = appSecret + "\n"
	d.run(2, "login", "--client-secret-stdin")
	d.in = ""
	delete(d.env, "GATEPASS_CLIENT_SECRET")
	d.env["GATEPASS_CLIENT_SECRET_COMMAND"] = "echo " + appSecret
	d.run(2, "login", "--client-credentials")
	if n := asked.Load(); n != 0 {
		t.Errorf("the issuer was asked %d times", n)
	}
}

// What the user names may have it: a variable, a flag, the own settings file.
func TestSecretGoesWhereTheUserSays(t *testing.T) {
	for name, set := range map[string]func(*desk) []string{
		"a flag":     func(d *desk) []string { return []string{"--issuer", d.issuer} },
		"a variable": func(d *desk) []string { d.env["GATEPASS_ISSUER"] = d.issuer; return nil },
		"own settings": func(d *desk) []string {
			own := "profiles:\n  dev:\n    issuer: " + d.issuer + "/\n" // to be normalised
			if err := os.WriteFile(filepath.Join(d.home, "gatepass.yaml"), []byte(own), 0o600); err != nil {
				t.Fatal(err)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := confidential(t)
			d.hasGoneElsewhere()
			d.run(2, "login", "--client-credentials")
			d.run(0, append([]string{"login", "--client-credentials"}, set(d)...)...)
		})
	}
}

// hasGoneElsewhere makes another issuer the one that has the secret.
func (d *desk) hasGoneElsewhere() {
	d.t.Helper()
	s := store.Files{Dir: filepath.Join(d.home, "state", "tokens")}
	if err := s.AddHolder(d.t.Context(), secret.New(appSecret), "https://acme.onelogin.com/oidc/2"); err != nil {
		d.t.Fatal(err)
	}
}

// On a terminal the user is asked once, and is not asked by anything but login.
func TestSecretIsAskedForOnce(t *testing.T) {
	d := confidential(t)
	d.hasGoneElsewhere()
	d.terminal = true
	for _, no := range []string{"", "\n", "n\n", "yess\n"} {
		d.in = no
		_, errs := d.run(3, "login", "--client-credentials")
		wants(t, "stderr", errs, d.issuer, "acme.onelogin.com", "gatepass.yaml:3", "[y/N]", "was not sent")
	}
	d.in = "y\n"
	if _, errs := d.run(0, "login", "--client-credentials"); !strings.Contains(errs, "[y/N]") {
		t.Errorf("nothing was asked: %s", errs)
	}
	d.terminal, d.in = false, ""
	if _, errs := d.run(0, "login", "--force"); strings.Contains(errs, "[y/N]") {
		t.Errorf("it was asked again: %s", errs)
	}
	info, err := os.Stat(filepath.Join(d.home, "state", "tokens", "client-secrets.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("what was said is not kept as it should be: %v %v", info, err)
	}
	// Another issuer is another question, and other commands ask nothing.
	d.terminal = true
	d.names(strings.Replace(d.issuer, "127.0.0.1", "localhost", 1))
	d.in = "y\n"
	if _, errs := d.run(4, "token"); strings.Contains(errs, "[y/N]") {
		t.Errorf("token asks: %s", errs)
	}
	_, errs := d.run(1, "doctor")
	if strings.Contains(errs, "[y/N]") {
		t.Errorf("doctor asks: %s", errs)
	}
}

// A public client has no secret, and nothing is asked for it.
func TestNoSecretNoQuestion(t *testing.T) {
	d := newDesk(t)
	d.dir = t.TempDir()
	text := "profiles:\n  dev:\n    issuer: " + d.issuer + "\n"
	if err := os.WriteFile(filepath.Join(d.dir, "gatepass.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	delete(d.env, "GATEPASS_ISSUER")
	d.env["GATEPASS_CLIENT_SECRET"], d.env["GATEPASS_STORE"] = appSecret, "file"
	d.run(0, "login")
}
