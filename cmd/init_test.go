package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatepass/cmd"
	"gatepass/pkg/idp"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

// newcomer is somebody with an empty folder at a terminal.
type newcomer struct {
	*desk
	dir      string
	terminal bool
}

func newNewcomer(t *testing.T) *newcomer {
	d := newDesk(t)
	d.env = map[string]string{}
	return &newcomer{desk: d, dir: t.TempDir(), terminal: true}
}

// types runs gatepass with what is typed, and checks its exit code.
func (n *newcomer) types(typed string, exit int, args ...string) (stdout, stderr string) {
	n.t.Helper()
	streams, out, errs := iostreams.Test("")
	// One line at a time, as a terminal gives them.
	streams.In, streams.InTerminal = &terminalInput{lines: strings.SplitAfter(typed, "\n")}, n.terminal
	app := &cmd.App{
		IO: streams, Getenv: func(name string) string { return n.env[name] }, Now: n.now, Dir: n.dir,
		ConfigDir: n.home, StateDir: filepath.Join(n.home, "state"), CacheDir: filepath.Join(n.home, "cache"),
		OpenURL: n.open, HTTP: &http.Client{Timeout: 30 * time.Second}, Secrets: new(secret.Redactor),
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if got := cmd.Run(ctx, app, args); got != exit {
		n.t.Errorf("gatepass %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, exit, out, errs)
	}
	n.noTokens(out)
	n.noTokens(errs)
	return out.String(), errs.String()
}

type terminalInput struct{ lines []string }

func (in *terminalInput) Read(p []byte) (int, error) {
	for len(in.lines) > 0 && in.lines[0] == "" {
		in.lines = in.lines[1:]
	}
	if len(in.lines) == 0 {
		return 0, io.EOF
	}
	k := copy(p, in.lines[0])
	in.lines[0] = in.lines[0][k:]
	return k, nil
}

func (n *newcomer) read(name string) string {
	n.t.Helper()
	data, err := os.ReadFile(filepath.Join(n.dir, name))
	if err != nil {
		n.t.Fatal(err)
	}
	return string(data)
}

func wants(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not have %q:\n%s", what, w, text)
		}
	}
}

// From nothing to somebody who is logged in, by answering questions.
func TestInitAtATerminal(t *testing.T) {
	n := newNewcomer(t)
	typed := "\nnot an issuer\nhttp://127.0.0.1:1/oidc/2\n" + n.issuer + "/.well-known/openid-configuration\n" +
		idp.DefaultClientID + "\nnonsense\n\n" + // the API
		"\n" + // doctor: yes
		"yes\n" // login
	out, errs := n.types(typed, 0, "init", "--redirect-uri", n.uri, "--authorizer", "authorizer.yaml")
	wants(t, "stderr", errs, "OneLogin subdomain", "refuses connections", "found the issuer "+n.issuer, "Client ID", "Base URL of the API", "[none]",
		"want a URL", "gatepass doctor)? [Y/n]", "gatepass login)? [Y/n]")
	wants(t, "stdout", out, "wrote gatepass.yaml", "wrote authorizer.yaml", n.uri, "all is well", "logged in as Ada")
	wants(t, "gatepass.yaml", n.read("gatepass.yaml"), "default: dev", "issuer: "+n.issuer, idp.DefaultClientID, "- "+n.uri, "authorizer: authorizer.yaml")
	n.terminal = false
	out, _ = n.types("", 0, "authorize", "GET", "/orders")
	wants(t, "authorize", out, "ALLOWED")
	n.types("", 3, "authorize", "DELETE", "/orders")
}

func TestInitDeclined(t *testing.T) {
	n := newNewcomer(t)
	out, errs := n.types(n.issuer+"\nx\n\nn\nN\n", 0, "init")
	if strings.Contains(out, "all is well") || len(n.opened) > 0 {
		t.Errorf("what was declined was done:\n%s%s", out, errs)
	}
	// The end of the input is a no, too.
	n.dir = t.TempDir()
	n.types(n.issuer+"\nx\n\n", 0, "init")
	n.dir = t.TempDir()
	_, errs = n.types("", 2, "init")
	wants(t, "stderr", errs, "nobody to answer", "--subdomain")
	if files, _ := os.ReadDir(n.dir); len(files) > 0 {
		t.Errorf("%v was written", files)
	}
}

func TestInitWithoutATerminal(t *testing.T) {
	n := newNewcomer(t)
	n.terminal = false
	args := []string{"init", "--issuer", n.issuer, "--client-id", "x", "--profile", "prod", "--api-url", "https://x.example/prod", "--json"}
	out, _ := n.types("", 0, args...)
	var got struct {
		SchemaVersion           int
		Profile, Issuer         string
		Files, Next, RedirectID []string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.SchemaVersion != 1 || got.Profile != "prod" || len(got.Files) != 1 || len(got.Next) == 0 {
		t.Errorf("%v %+v\n%s", err, got, out)
	}
	before := n.read("gatepass.yaml")

	// What is there is never changed; the profile is shown instead.
	out, errs := n.types("", 2, "init", "--issuer", n.issuer, "--client-id", "y", "--yes")
	wants(t, "stderr", errs, "is there already", "\n  dev:\n    issuer: "+n.issuer+"\n    client_id: \"y\"", "hint: ")
	if out != "" || n.read("gatepass.yaml") != before {
		t.Errorf("stdout %q, file\n%s", out, n.read("gatepass.yaml"))
	}
	_, errs = n.types("", 2, args[:len(args)-1]...)
	wants(t, "stderr", errs, "has a profile prod already")

	// An authorizer file that is there is used as it is.
	n.dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(n.dir, "a.yaml"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ = n.types("", 0, "init", "--issuer", n.issuer, "--client-id", "x", "--authorizer", "a.yaml")
	wants(t, "stdout", out, "left a.yaml as it was", "Next:\n  gatepass doctor\n  gatepass login")
	if n.read("a.yaml") != "mine" {
		t.Error("the authorizer file was overwritten")
	}
}

func TestInitRefuses(t *testing.T) {
	n := newNewcomer(t)
	n.terminal = false
	for _, tc := range []struct {
		exit  int
		words string
		args  []string
	}{
		{2, "--subdomain NAME or --issuer URL", []string{"--client-id", "x"}},
		{2, "--client-id", []string{"--issuer", n.issuer}},
		{2, "cannot be the name of a profile", []string{"--issuer", n.issuer, "--client-id", "x", "--profile", "a b"}},
		{6, "refuses connections", []string{"--issuer", "http://127.0.0.1:1/oidc/2", "--client-id", "x"}},
		{2, "subdomain", []string{"--subdomain", "a b", "--client-id", "x"}},
		{2, "there is no file", []string{"--issuer", n.issuer, "--client-id", "x", "--ca-file", "none.pem"}},
	} {
		_, errs := n.types("", tc.exit, append([]string{"init"}, tc.args...)...)
		wants(t, strings.Join(tc.args, " "), errs, tc.words)
	}
	if files, _ := os.ReadDir(n.dir); len(files) > 0 {
		t.Errorf("%v was written", files)
	}
}

// An issuer behind a certificate of one's own: without it there is no way in,
// with it everything works, and a project cannot bring its own.
func TestCAFile(t *testing.T) {
	n := newNewcomer(t)
	n.terminal = false
	var stand http.Handler
	ts := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/prod") {
			_, _ = io.WriteString(w, "the API")
			return
		}
		stand.ServeHTTP(w, r)
	}))
	ts.Config.ErrorLog = log.New(io.Discard, "", 0)
	ts.StartTLS()
	defer ts.Close()
	var err error
	if stand, err = idp.New(idp.Options{Base: ts.URL, Settings: idp.Default(n.uri), AutoLogin: "ada"}); err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(n.home, "ca.pem")
	var b bytes.Buffer
	_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: ts.Certificate().Raw})
	if err := os.WriteFile(ca, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"init", "--issuer", ts.URL + idp.IssuerPath, "--client-id", idp.DefaultClientID, "--redirect-uri", n.uri, "--api-url", ts.URL + "/prod"}
	_, errs := n.types("", 6, args...)
	wants(t, "stderr", errs, "certificate")
	n.types("", 0, append(args, "--ca-file", ca)...)
	out, _ := n.types("", 6, "doctor")
	wants(t, "doctor", out, "✗ tls", "--ca-file")
	n.env["GATEPASS_CA_FILE"] = ca
	out, _ = n.types("", 0, "doctor")
	wants(t, "doctor", out, "✓ tls", ca, "all is well")
	out, _ = n.types("", 0, "call", "--no-token", "/")
	wants(t, "call", out, "the API")

	project := strings.Replace(n.read("gatepass.yaml"), "    client_id:", "    ca_file: ca.pem\n    client_id:", 1)
	if err := os.WriteFile(filepath.Join(n.dir, "gatepass.yaml"), []byte(project), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs = n.types("", 2, "status")
	wants(t, "stderr", errs, "gatepass.yaml:7", "not taken from a project's file")
}

// The doctor sees what is wrong with a login's set-up, and says so by its exit
// code as well.
func TestDoctorCommand(t *testing.T) {
	d := newDesk(t)
	out, _ := d.run(0, "doctor")
	wants(t, "doctor", out, "all is well", "nobody is logged in")
	d.run(0, "login")
	out, _ = d.run(0, "doctor", "--json")
	var got struct {
		SchemaVersion int
		Well          bool
		Findings      []struct{ Check, Result, What string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.SchemaVersion != 1 || !got.Well || len(got.Findings) < 12 {
		t.Errorf("%v\n%s", err, out)
	}
	wants(t, "doctor", out, "logged in as Ada")
	out, _ = d.run(1, "doctor", "--client-id", "nobody")
	wants(t, "doctor", out, "does not know the client nobody", "1 thing is wrong")
	out, _ = d.run(6, "doctor", "--issuer", "http://127.0.0.1:1/oidc/2")
	wants(t, "doctor", out, "refuses connections")
	out, _ = d.run(1, "doctor", "--redirect-uri", "http://127.0.0.1:"+unused(t)+"/x")
	wants(t, "doctor", out, "not registered", "onelogin_oidc_apps")
	_, errs := d.run(2, "doctor", "--path", "a\nb")
	wants(t, "stderr", errs, "--path")

	// A file that others can read is not used, and said.
	files, _ := filepath.Glob(filepath.Join(d.home, "state", "tokens", "*.json"))
	if len(files) != 1 {
		t.Fatalf("%v", files)
	}
	if err := os.Chmod(files[0], 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ = d.run(1, "doctor")
	wants(t, "doctor", out, "open to other users", "chmod 600")
}
