package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// bootstrap builds the function as it is deployed, once.
var bootstrap = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gatepass-bootstrap-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bootstrap")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-tags", "lambda.norpc", "-o", path, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built {
		if path, err := bootstrap(); err == nil {
			_ = os.RemoveAll(filepath.Dir(path))
		}
	}
	os.Exit(code)
}

// built is set once a test has built the function.
var built bool

// service is Lambda's side of the Runtime API (Lambda Developer Guide, "Using the
// Lambda runtime API for custom runtimes"): events one after another, and what the
// function makes of each.
type service struct {
	*httptest.Server
	events  chan []byte
	answers chan string // "response …" or "error …"
}

func newService(t testing.TB) *service {
	s := &service{events: make(chan []byte), answers: make(chan string, 1)}
	mux := http.NewServeMux()
	const api = "/2018-06-01/runtime/"
	mux.HandleFunc("GET "+api+"invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case e := <-s.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(5*time.Second).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:authorizer")
			_, _ = w.Write(e)
		case <-r.Context().Done():
		}
	})
	tell := func(what string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			s.answers <- what + " " + string(body)
			w.WriteHeader(http.StatusAccepted)
		}
	}
	mux.HandleFunc("POST "+api+"invocation/{id}/response", tell("response"))
	mux.HandleFunc("POST "+api+"invocation/{id}/error", tell("error"))
	mux.HandleFunc("POST "+api+"init/error", tell("init"))
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// process is the built function as a process of its own.
type process struct {
	*service
	stdout, stderr bytes.Buffer
	stop           func() // ends it, once
}

func newProcess(t testing.TB, files map[string]string, env ...string) *process {
	t.Helper()
	path, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	built = true
	p := &process{service: newService(t)}
	root := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command(path)
	c.Dir, c.Stdout, c.Stderr = root, &p.stdout, &p.stderr
	c.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(p.URL, "http://"), "AWS_LAMBDA_FUNCTION_NAME=authorizer", "AWS_REGION=eu-west-1",
		"LAMBDA_TASK_ROOT=" + root, "_HANDLER=bootstrap", "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"),
	}, env...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	p.stop = sync.OnceFunc(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		p.Close()
	})
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("stdout:\n%s\nstderr:\n%s", &p.stdout, &p.stderr)
		}
	})
	return p
}

// invoke sends an event and waits for what the function makes of it.
func (p *process) invoke(t testing.TB, event []byte) string {
	t.Helper()
	limit := time.After(10 * time.Second)
	select {
	case p.events <- event:
	case <-limit:
		t.Fatal("the function asks for no event")
	}
	select {
	case a := <-p.answers:
		return a
	case <-limit:
		t.Fatal("the function does not answer")
	}
	return ""
}

// The events that AWS documents, of every kind, go through the process that is
// deployed.
func TestEveryEvent(t *testing.T) {
	issuer := newIssuer(t)
	raw := accessToken(t, issuer.URL, "42", "k1", time.Now())
	p := newProcess(t, map[string]string{"authorizer.yaml": authorizerFile(issuer.URL)})
	for name, want := range map[string]string{
		"token":   `/prod/GET/users/42/*"`,
		"request": `/test/GET/users/42/*"`,
		"http1":   `/test/GET/users/42/*"`,
		"http2":   `/test/GET/users/42/*"`,
		"connect": `/default/$connect"`,
	} {
		got := p.invoke(t, sample(t, name, raw))
		if !strings.HasPrefix(got, `response {"principalId":"42","policyDocument":`) || !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
		// A token that does not count is the error Unauthorized, exactly: a 401.
		got = p.invoke(t, sample(t, name, raw[:len(raw)-8]+"AAAAAAAA"))
		if !strings.HasPrefix(got, `error {"errorMessage":"Unauthorized",`) {
			t.Errorf("%s with another signature: %s", name, got)
		}
		if got := p.invoke(t, sample(t, name, "")); !strings.HasPrefix(got, `error {"errorMessage":"Unauthorized",`) {
			t.Errorf("%s without a token: %s", name, got)
		}
	}
	if got := p.invoke(t, []byte("no event")); !strings.HasPrefix(got, `error {"errorMessage":"the authorizer failed: `) {
		t.Errorf("no event: %s", got)
	}
	p.stop()
	if strings.Contains(p.stdout.String()+p.stderr.String(), raw[len(raw)-40:]) {
		t.Error("a signature is in the log")
	}
	if p.stderr.Len() > 0 {
		t.Errorf("what the journal has said is said again: %s", &p.stderr)
	}
}

// Simple responses are for payload 2.0 only; every other event gets a policy.
func TestSimple(t *testing.T) {
	issuer := newIssuer(t)
	p := newProcess(t, map[string]string{"authorizer.yaml": authorizerFile(issuer.URL)}, "GATEPASS_SIMPLE=1")
	for _, tc := range []struct{ event, sub, want string }{
		{"http2", "42", `response {"isAuthorized":true}`},
		{"http2", "43", `response {"isAuthorized":false}`},
		{"http1", "42", `response {"principalId":"42",`},
		{"request", "42", `response {"principalId":"42",`},
	} {
		raw := accessToken(t, issuer.URL, tc.sub, "k1", time.Now())
		if got := p.invoke(t, sample(t, tc.event, raw)); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s for %s: %s", tc.event, tc.sub, got)
		}
	}
}

// Somebody who runs it by hand is told what it is.
func TestByHand(t *testing.T) {
	path, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	built = true
	c := exec.Command(path)
	c.Env = []string{"SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "gatepass gateway") {
		t.Errorf("%v: %s", err, out)
	}
}

// The zip has a budget of 8 MB, of which Lambda's cold start takes its time.
func TestZipSize(t *testing.T) {
	path, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	built = true
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("bootstrap has %d bytes, the zip %d", len(data), b.Len())
	if b.Len() > 8<<20 {
		t.Errorf("the zip has %d bytes, more than 8 MB", b.Len())
	}
}

// BenchmarkFirstDecision is the whole of a cold start but for what Lambda itself
// does: from starting the process, with file and keys in the zip, to its first
// answer.
func BenchmarkFirstDecision(b *testing.B) {
	const issuer = "https://acme.onelogin.com/oidc/2"
	files := map[string]string{"authorizer.yaml": authorizerFile(issuer), "keys.json": jwks("k1")}
	event := sample(b, "request", accessToken(b, issuer, "42", "k1", time.Now()))
	if _, err := bootstrap(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p := newProcess(b, files, "GATEPASS_JWKS=keys.json")
		if got := p.invoke(b, event); !strings.HasPrefix(got, "response {") {
			b.Fatal(got)
		}
		b.StopTimer()
		p.stop()
		b.StartTimer()
	}
}
