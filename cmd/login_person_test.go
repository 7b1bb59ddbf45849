package cmd_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tutorial's redirect URI, with the warning that a browser will give.
func TestLoginHTTPS(t *testing.T) {
	port := unused(t)
	d := newDeskAt(t, "https://localhost:"+port+"/oauth/callback")
	browser := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	d.visit = func(address string) error {
		resp, err := browser.Get(address)
		if err != nil {
			return err
		}
		resp.Body.Close()
		return nil
	}
	out, errs := d.run(0, "login")
	has(t, out, "logged in as Ada")
	has(t, errs, "will warn of the certificate", "--tls-cert", d.uri)
	if !regexp.MustCompile(`\n  ([0-9A-F]{2}:){16}\n  ([0-9A-F]{2}:){15}[0-9A-F]{2}\n`).MatchString(errs) {
		t.Errorf("there is no fingerprint:\n%s", errs)
	}
}

func TestLoginReauth(t *testing.T) {
	d := newDesk(t)
	d.run(0, "login")
	out, _ := d.run(0, "login", "--reauth")
	if len(d.opened) != 2 || strings.Contains(out, "still") || !strings.Contains(d.opened[1], "acr_values=onelogin%3Anist%3Alevel%3A1%3Are-auth") {
		t.Errorf("opened %q", d.opened)
	}
	// That login confirmed it, so it is not asked for again.
	out, _ = d.run(0, "login", "--acr-values", "onelogin:nist:level:1:re-auth")
	has(t, out, "still logged in")
	before := d.file()
	_, errs := d.run(3, "login", "--acr-values", "gold")
	has(t, errs, "did not confirm the authentication", "gold")
	if string(d.file()) != string(before) {
		t.Error("a login that was refused changed the stored one")
	}
}

// A profile that expects somebody takes nobody else, at login and afterwards.
func TestExpectedSubject(t *testing.T) {
	d := newDesk(t)
	out, _ := d.run(0, "login", "--json")
	var who struct{ Subject string }
	if err := json.Unmarshal([]byte(out), &who); err != nil || who.Subject == "" {
		t.Fatalf("%v: %s", err, out)
	}
	d.env["GATEPASS_EXPECT_SUBJECT"] = who.Subject
	d.run(0, "login", "--force")
	d.run(0, "token")
	_, errs := d.run(3, "login", "--force", "--login-hint", "grace")
	has(t, errs, "the profile expects", who.Subject)
	d.run(0, "token")

	d.env["GATEPASS_EXPECT_SUBJECT"] = "4711"
	for _, args := range [][]string{{"token"}, {"token", "--type", "id"}, {"whoami"}} {
		out, errs := d.run(4, args...)
		has(t, errs, who.Subject, "4711", "environment GATEPASS_EXPECT_SUBJECT", "gatepass login")
		if out != "" {
			t.Errorf("%v prints %s", args, out)
		}
	}
	// A login is tried then, and refused.
	d.run(3, "login")
	d.run(2, "login", "--client-credentials", "--force")
}

func TestFormPostThroughTheCommand(t *testing.T) {
	d := newDesk(t)
	d.visit = func(address string) error {
		resp, err := http.Get(address)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		form := map[string][]string{}
		for _, m := range regexp.MustCompile(`name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(string(page), -1) {
			form[m[1]] = []string{m[2]}
		}
		answer, err := http.PostForm(d.uri, form)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	}
	out, _ := d.run(0, "login", "--response-mode", "form_post")
	has(t, out, "logged in as Ada")
	has(t, d.opened[0], "response_mode=form_post")
}

// The browser of the settings is run as it stands, and not the platform's.
func TestBrowserOfTheSettings(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the browser of this test is a script")
	}
	d := newDesk(t)
	script := filepath.Join(t.TempDir(), "browser")
	seen := filepath.Join(t.TempDir(), "seen")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nprintf '%s\\n' \"$@\" >"+seen+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	settings := "version: 1\nprofiles:\n  default:\n    browser: [" + script + ", -P, my work, '--app={url}']\n"
	if err := os.WriteFile(filepath.Join(d.home, "gatepass.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	d.env["BROWSER"] = "/nonexistent/browser"
	_, errs := d.run(6, "login", "--timeout", "1s")
	got, err := os.ReadFile(seen)
	if err != nil {
		t.Fatalf("%v: %s", err, errs)
	}
	want := regexp.MustCompile(`^-P\nmy work\n--app=` + regexp.QuoteMeta(d.issuer) + `/auth\?\S+\n$`)
	if !want.Match(got) || len(d.opened) != 0 {
		t.Errorf("the browser got %q; %q was opened", got, d.opened)
	}
}

// Over ssh no browser is opened, and the command that forwards the port is said.
func TestLoginOverSSH(t *testing.T) {
	d := newDesk(t)
	d.env["SSH_CONNECTION"], d.env["USER"] = "192.0.2.1 50000 192.0.2.7 2222", "ada"
	_, errs := d.run(6, "login", "--timeout", "10ms")
	port := d.uri[strings.LastIndex(d.uri, ":")+1 : strings.LastIndex(d.uri, "/")]
	has(t, errs, "ssh -L "+port+":127.0.0.1:"+port+" -p 2222 ada@192.0.2.7", "in the browser where you are")
	if len(d.opened) != 0 {
		t.Error("a browser was opened")
	}
	d.env["DISPLAY"] = ":0"
	d.run(0, "login")
	if len(d.opened) != 1 {
		t.Error("no browser was opened though there is a display")
	}
}

func TestLogoutEverywhere(t *testing.T) {
	d := newDesk(t)
	d.run(0, "login")
	before := d.file()
	_, errs := d.run(2, "logout", "--everywhere")
	has(t, errs, "there is nobody to ask", "--yes")
	for _, answer := range []string{"n\n", "\n", "", "maybe\n"} {
		d.in, d.terminal = answer, true
		_, errs = d.run(3, "logout", "--everywhere")
		has(t, errs, "whole single-sign-on session", "every other app", "Go on? [y/N]", "nothing was done")
	}
	if string(d.file()) != string(before) || len(d.opened) != 1 {
		t.Errorf("something was done: %q", d.opened)
	}
	d.in = "Y\n"
	out, errs := d.run(0, "logout", "--everywhere")
	has(t, out, "✓ revoke the refresh token", "✓ delete the tokens here", "✓ open the issuer's logout page: "+d.issuer+"/logout")
	has(t, errs, "whole single-sign-on session")
	if len(d.opened) != 2 || d.opened[1] != d.issuer+"/logout" {
		t.Errorf("opened %q", d.opened)
	}

	d.in, d.terminal = "", false
	out, errs = d.run(0, "logout", "--everywhere", "--yes", "--no-browser")
	has(t, out, "open it yourself:", d.issuer+"/logout")
	has(t, errs, "whole single-sign-on session")
	if len(d.opened) != 2 {
		t.Errorf("opened %q", d.opened)
	}
	d.change(func() { d.down = true })
	_, errs = d.run(6, "logout", "--everywhere", "--yes")
	has(t, errs, "nothing was done")
}

// Where the API takes ID tokens, call sends one, and asks for a new one by its own
// expiry.
func TestCallWithIDTokens(t *testing.T) {
	d := newDesk(t)
	sent := make(chan string, 1)
	api := newAPI(t, func(_ http.ResponseWriter, r *http.Request) { sent <- r.Header.Get("Authorization") })
	d.env["GATEPASS_API_URL"], d.env["GATEPASS_API_TOKEN"] = api, "id"
	d.run(0, "login")
	first, _ := d.run(0, "token")
	d.run(0, "call", "/x")
	if got := <-sent; got != "Bearer "+strings.TrimSpace(first) {
		t.Errorf("sent %q", got)
	}
	// The access token has expired by now, and nobody needs one.
	d.change(func() { d.later, d.down = time.Hour+30*time.Minute, true })
	d.run(0, "call", "/x")
	if got := <-sent; got != "Bearer "+strings.TrimSpace(first) {
		t.Errorf("sent %q", got)
	}
	d.change(func() { d.later, d.down = 3*time.Hour, false })
	d.run(0, "call", "/x")
	if got := <-sent; got == "Bearer "+strings.TrimSpace(first) || !strings.HasPrefix(got, "Bearer eyJ") {
		t.Error("an expired ID token was sent")
	}
}

// process runs the real program with the desk's login.
func (d *desk) process(args ...string) *exec.Cmd {
	d.t.Helper()
	c := exec.CommandContext(d.t.Context(), os.Args[0])
	c.Args = append([]string{"gatepass"}, args...)
	c.Env = append(os.Environ(), "GATEPASS_HOME="+d.home, "GATEPASS_CLIENT_SECRET=s3cret-of-the-app", "TOK=old")
	for n, v := range d.env {
		c.Env = append(c.Env, n+"="+v)
	}
	c.Dir = d.home
	return c
}

// The command gets the token by its environment, and everything else as it is.
func TestExec(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands of this test are those of Unix")
	}
	d := newDesk(t)
	d.run(0, "login")
	raw, _ := d.run(0, "token")
	raw = strings.TrimSpace(raw)
	id, _ := d.run(0, "token", "--type", "id")
	for _, tc := range []struct {
		args []string
		in   string
		out  string
		exit int
	}{
		{[]string{"exec", "--", "sh", "-c", `printf %s "$GATEPASS_TOKEN"`}, "", raw, 0},
		{[]string{"exec", "--name", "TOK", "--type", "id", "--", "sh", "-c", `printf "%s|%s|" "$TOK" "$GATEPASS_TOKEN"; env | grep -c ^TOK=`}, "", strings.TrimSpace(id) + "||1\n", 0},
		{[]string{"exec", "--", "sh", "-c", `printf %s "$GATEPASS_CLIENT_SECRET"; exit 7`}, "", "", 7},
		{[]string{"exec", "--", "printf", "%s|", "a b", "$HOME", "--json", "--type", "'"}, "", "a b|$HOME|--json|--type|'|", 0},
		{[]string{"exec", "printf", "%s|", "--name", "x"}, "", "--name|x|", 0},
		{[]string{"exec", "--", "cat"}, "through", "through", 0},
		{[]string{"exec", "--min-ttl", "48h", "--", "echo", "ran"}, "", "", 4},
	} {
		c := d.process(tc.args...)
		c.Stdin = strings.NewReader(tc.in)
		out, err := c.Output()
		if got := c.ProcessState.ExitCode(); got != tc.exit || string(out) != tc.out {
			t.Errorf("%v: exit code %d, want %d; %q, want %q (%v)", tc.args, got, tc.exit, out, tc.out, err)
		}
	}

	// Signals are the command's.
	c := d.process("exec", "--", "sh", "-c", `trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done`)
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if got := c.ProcessState.ExitCode(); got != 9 {
		t.Errorf("exit code %d after SIGTERM, want the command's 9", got)
	}
}

// What a shell is told sets the variable in it.
func TestTokenInTheShell(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the shells of this test are those of Unix")
	}
	d := newDesk(t)
	d.env["GATEPASS_API_URL"] = "https://api.example.com:8443/prod"
	d.run(0, "login")
	raw, _ := d.run(0, "token")
	text, _ := d.run(0, "token", "--format", "env", "--shell", "bash", "--name", "MY_TOKEN")
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `eval "$1"; printf '%s\n' "$MY_TOKEN"`, "sh", text).Output()
	if err != nil || string(out) != raw {
		t.Errorf("the shell has %q (%v)", out, err)
	}
	text, _ = d.run(0, "token", "--format", "netrc")
	if text != "machine api.example.com login oauth2 password "+raw {
		t.Errorf("netrc %q", text)
	}
	text, _ = d.run(0, "token", "--format", "curl", "--api-send", "header authorizationToken")
	if text != "header = \"authorizationToken: "+strings.TrimSpace(raw)+"\"\n" {
		t.Errorf("curl %q", text)
	}
	text, _ = d.run(0, "token", "--format", "kubernetes")
	var cred struct {
		Kind   string
		Status struct {
			Token               string
			ExpirationTimestamp time.Time
		}
	}
	if err := json.Unmarshal([]byte(text), &cred); err != nil || cred.Kind != "ExecCredential" || cred.Status.Token+"\n" != raw || cred.Status.ExpirationTimestamp.Before(time.Now()) {
		t.Errorf("%v: %s", err, text)
	}
}

// newAPI is an API on this machine.
func newAPI(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	ts := httptest.NewServer(h)
	t.Cleanup(ts.Close)
	return ts.URL
}

// The real kubectl takes the token from gatepass, in both versions of its protocol.
func TestTokenForKubectl(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no kubectl on this machine")
	}
	d := newDesk(t)
	d.run(0, "login")
	raw, _ := d.run(0, "token", "--type", "id")
	sent := make(chan string, 9)
	ts := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent <- r.Header.Get("Authorization")
		_, _ = io.WriteString(w, "{}")
	}))
	defer ts.Close()
	program := filepath.Join(d.home, "gatepass") // the test's binary is gatepass by this name
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"v1", "v1beta1"} {
		file := filepath.Join(d.home, "kubeconfig")
		config := `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
 clusters: [{name: c, cluster: {server: "` + ts.URL + `", insecure-skip-tls-verify: true}}],
 users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/` + version + `, interactiveMode: Never,
  command: ` + program + `, args: [token, --format, kubernetes, --type, id]}}}]}`
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", file, "--cache-dir", d.home, "get", "--raw", "/x")
		c.Env = d.process().Env
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", version, err, out)
		}
		if got := <-sent; got != "Bearer "+strings.TrimSpace(raw) {
			t.Errorf("%s: kubectl sent %q", version, got)
		}
	}
}
