package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"gatepass/pkg/secret"
	"gatepass/pkg/store"
)

// What is said while somebody types an answer is said above it, and what they typed
// is there again.
func TestE2ENoteWhileTyping(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	u := newUser(t)
	s := newStandIn(u)
	// A browser that fails when it is told to.
	told, script := filepath.Join(u.dir, "told"), filepath.Join(u.dir, "browser")
	if err := syscall.Mkfifo(told, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, []byte("#!"+sh+"\ncat "+told+"\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	u.env = append(u.env, fmt.Sprintf("GATEPASS_BROWSER=[%q]", script))
	d := u.atTerminal("login")
	page := d.expect(`(?m)^ +(` + regexp.QuoteMeta(s.issuer) + `/auth\?\S+)\r\n`)
	d.expect(`\d:\d\d left`)
	at, err := url.Parse(s.visit(t, page))
	if err != nil {
		t.Fatal(err)
	}
	state, code := at.Query().Get("state"), at.Query().Get("code")
	typed := s.redirectURI + "?state=" + state[:8]
	// Keys that erase, an arrow, and the mark in front of a paste.
	d.typed("oops\x15one two\x17\x15" + typed + "xé\x7f\b\x1b[D\x1b[200~")
	d.expect(regexp.QuoteMeta("left " + typed + "\x1b[K"))
	if err := os.WriteFile(told, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d.expect(`exit status 3\r\n`)
	d.expect(`left ` + regexp.QuoteMeta(typed))
	lines := d.lines()
	if n := len(lines); !strings.HasSuffix(lines[n-1], "left "+typed) || !strings.HasSuffix(lines[n-2], "exit status 3") {
		t.Errorf("the screen ends with %q", lines)
	}
	d.typed(state[8:] + "&code=" + code + "\x1b[201~\r")
	if exit := d.end(); exit != 0 || !strings.Contains(d.shown, "logged in as Ada") {
		t.Errorf("exit %d", exit)
	}
	if strings.Contains(d.shown, code) {
		t.Error("the code is on the screen")
	}
}

// An answer may be longer than the lines that a terminal takes by itself, and the
// end of what is shown of it is what fits the screen.
func TestE2ELongAnswer(t *testing.T) {
	u := newUser(t)
	s := newStandIn(u)
	d := u.atTerminal("login", "--no-browser")
	page, err := url.Parse(d.page(s.issuer))
	if err != nil {
		t.Fatal(err)
	}
	d.typed(s.redirectURI + "?code=x&state=" + page.Query().Get("state") + "&x=" + strings.Repeat("y", 6000))
	d.expect(`left …y+\x1b\[K`)
	d.typed("\r")
	if exit := d.end(); exit != 1 || !strings.Contains(d.shown, "grant request is invalid") {
		t.Errorf("exit %d", exit)
	}
	for _, line := range d.lines() {
		if strings.Contains(line, "yyy") && len(line) > 82 { // … has three bytes
			t.Errorf("a line of %d bytes is shown", len(line))
		}
	}
}

// The end of the input is no answer: the browser's is still taken.
func TestE2EEndOfInput(t *testing.T) {
	u := newUser(t)
	s := newStandIn(u)
	d := u.atTerminal("login", "--no-browser")
	page := d.page(s.issuer)
	d.typed("\x04")
	resp, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if exit := d.end(); exit != 0 {
		t.Errorf("exit %d", exit)
	}
}

// Whoever ends a login by Ctrl-\ has a terminal that shows what they type then.
func TestE2EQuit(t *testing.T) {
	u := newUser(t)
	newStandIn(u)
	d := u.atTerminal("login", "--no-browser")
	d.expect(`left `)
	d.typed("half an answer\x1c")
	if exit := d.end(); exit == 0 || !strings.Contains(d.shown, "SIGQUIT") {
		t.Errorf("exit %d", exit)
	}
}

// A project's file that names an issuer is not sent the client secret of another one
// unasked; who says yes is asked once.
func TestE2ESecretIsAskedFor(t *testing.T) {
	u := newUser(t)
	newStandIn(u)
	u.env = append(u.env, "GATEPASS_CLIENT_SECRET=s3cret-of-the-app", "GATEPASS_CLIENT_AUTH=post")
	tokens := store.Files{Dir: filepath.Join(u.dir, "home", "state", "tokens")}
	if err := tokens.AddHolder(t.Context(), secret.New("s3cret-of-the-app"), "https://acme.onelogin.com/oidc/2"); err != nil {
		t.Fatal(err)
	}
	for _, no := range []string{"n\r", "\r", "\x04"} {
		d := u.atTerminal("login", "--no-browser")
		d.expect(`gatepass.yaml:\d+`)
		d.expect(`\[y/N\] `)
		d.typed(no)
		if exit := d.end(); exit != 3 || !strings.Contains(d.shown, "was not sent") {
			t.Errorf("%q: exit %d", no, exit)
		}
	}
	d := u.atTerminal("login", "--no-browser")
	d.expect(`\[y/N\] `)
	d.typed("\x03")
	if exit := d.end(); exit != 130 {
		t.Errorf("Ctrl-C: exit %d", exit)
	}
	for _, question := range []bool{true, false} {
		d := u.atTerminal("login", "--no-browser")
		if question {
			d.expect(`\[y/N\] `)
			d.typed("yes\r")
		}
		d.expect(`left `)
		d.typed("\x03")
		if exit := d.end(); exit != 130 || question != strings.Contains(d.shown, "[y/N]") {
			t.Errorf("asked: %v, exit %d", question, exit)
		}
	}
}
