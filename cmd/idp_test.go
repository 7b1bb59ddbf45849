package cmd_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/cmd"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

// lines is a stream of standard error that several goroutines may look at.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// background is a command that runs until it is stopped.
type background struct {
	out    *bufio.Reader
	errOut *lines
	stop   func() int // interrupts it and returns its exit code
}

func runInBackground(t *testing.T, args ...string) *background {
	t.Helper()
	r, w := io.Pipe()
	errOut := new(lines)
	app := &cmd.App{
		IO:     &iostreams.Streams{In: strings.NewReader(""), Out: w, Err: errOut, Width: 80},
		Getenv: func(string) string { return "" }, Now: time.Now,
		Dir: t.TempDir(), HTTP: http.DefaultClient, Secrets: new(secret.Redactor),
		OpenURL: func(string) error { return nil },
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() {
		code := cmd.Run(ctx, app, args)
		_ = w.Close()
		done <- code
	}()
	stop := sync.OnceValue(func() int {
		cancel()
		go func() { _, _ = io.Copy(io.Discard, r) }()
		return <-done
	})
	t.Cleanup(func() { stop() })
	return &background{bufio.NewReader(r), errOut, stop}
}

type idpOutput struct {
	SchemaVersion int
	Issuer        string
	AutoLogin     string
	Clients       []struct {
		ClientID, ClientAuth string
		RedirectURIs         []string
	}
	Users []struct {
		Username, Subject string
		Groups            []string
	}
}

// TestIDPRuns: it says where it is, answers there, tells what happens, and ends
// with exit 0 when it is interrupted.
func TestIDPRuns(t *testing.T) {
	b := runInBackground(t, "idp", "--json", "--listen", "127.0.0.1:0", "--auto-login", "grace", "--redirect-uri", "http://127.0.0.1:9/x")
	var v idpOutput
	if err := json.NewDecoder(b.out).Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, b.errOut)
	}
	if v.SchemaVersion != 1 || v.AutoLogin != "grace" || len(v.Users) != 3 || v.Users[2].Groups == nil || v.Clients[0].ClientAuth != "none" || v.Clients[0].RedirectURIs[0] != "http://127.0.0.1:9/x" {
		t.Errorf("output %+v", v)
	}
	resp, err := http.Get(v.Issuer + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var doc struct{ Issuer string }
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil || doc.Issuer != v.Issuer {
		t.Errorf("discovery says %q, %v; want %q", doc.Issuer, err, v.Issuer)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	to, err := client.Get(v.Issuer + "/auth?client_id=" + v.Clients[0].ClientID + "&redirect_uri=http://127.0.0.1:9/x&response_type=code&scope=openid&code_challenge=x&code_challenge_method=S256&state=s")
	if err != nil {
		t.Fatal(err)
	}
	defer to.Body.Close()
	if got := to.Header.Get("Location"); !strings.HasPrefix(got, "http://127.0.0.1:9/x?code=") {
		t.Errorf("sent to %q", got)
	}
	if got := b.errOut.String(); !strings.Contains(got, "login") || !strings.Contains(got, "grace") {
		t.Errorf("stderr %q", got)
	}
	t.Run("the port is taken", func(t *testing.T) {
		address := strings.TrimSuffix(strings.TrimPrefix(v.Issuer, "http://"), "/oidc/2")
		other := runInBackground(t, "idp", "--listen", address)
		out, _ := io.ReadAll(other.out)
		if code := other.stop(); code != 1 || len(out) > 0 || !strings.Contains(other.errOut.String(), address+" is in use") || !strings.Contains(other.errOut.String(), "hint: ") {
			t.Errorf("exit %d, stdout %q, stderr %q", code, out, other.errOut)
		}
	})
	if code := b.stop(); code != 0 {
		t.Errorf("exit %d: %s", code, b.errOut)
	}
}

func TestIDPText(t *testing.T) {
	b := runInBackground(t, "idp", "--listen", "127.0.0.1:0")
	var text strings.Builder
	for !strings.Contains(text.String(), "scopes:") {
		line, err := b.out.ReadString('\n')
		if err != nil {
			t.Fatalf("%v: %s%s", err, &text, b.errOut)
		}
		text.WriteString(line)
	}
	for _, want := range []string{"OneLogin stand-in at http://127.0.0.1:", "/oidc/2\n", "ada", "Admins, Staff", "no groups", "issuer: http://127.0.0.1:", "- http://localhost:3000/oauth/callback"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if code := b.stop(); code != 0 {
		t.Errorf("exit %d: %s", code, b.errOut)
	}
}
