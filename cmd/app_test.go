package cmd

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"gatepass/pkg/secret"
)

func TestEnvironmentHidesSecrets(t *testing.T) {
	for _, name := range secretVariables() {
		t.Setenv(name, "from-env of "+name)
	}
	t.Setenv("GATEPASS_ISSUER", "https://acme.example/oidc/2")
	getenv := environment()
	if got := getenv("GATEPASS_ISSUER"); got != "https://acme.example/oidc/2" {
		t.Errorf("GATEPASS_ISSUER is %q", got)
	}
	for _, name := range []string{"GATEPASS_CLIENT_SECRET", "GATEPASS_API_KEY", "GATEPASS_PROXY_SECRET"} {
		if got := getenv(name); got != "from-env of "+name {
			t.Errorf("%s is %q", name, got)
		}
		if _, set := os.LookupEnv(name); set {
			t.Errorf("programs that are started would have %s", name)
		}
	}
}

func TestStderrIsGuarded(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stderr := os.Stderr
	os.Stderr = w
	app := system()
	os.Stderr = stderr
	app.Secrets.Add(secret.New("very-secret"))
	if _, err := app.IO.Err.Write([]byte("a very-secret thing\n")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	got := make([]byte, 100)
	n, err := r.Read(got)
	if err != nil || string(got[:n]) != "a [redacted] thing\n" {
		t.Errorf("stderr got %q, %v", got[:n], err)
	}
}

// What net/http catches in a handler of a server of ours is written without
// secrets, too.
func TestPanicOfAHandlerIsClean(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stderr, was := os.Stderr, log.Writer()
	os.Stderr = w
	app := system()
	os.Stderr = stderr
	defer log.SetOutput(was)
	app.Secrets.Add(secret.New("very-secret"))
	ts := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("very-secret") }))
	if resp, err := http.Get(ts.URL); err == nil {
		resp.Body.Close()
	}
	ts.Close()
	w.Close()
	said, err := io.ReadAll(r)
	if err != nil || !strings.Contains(string(said), "panic serving") || strings.Contains(string(said), "very-secret") {
		t.Errorf("%v %s", err, said)
	}
}

func TestWhatNetHTTPLogs(t *testing.T) {
	var b bytes.Buffer
	l := log.New(netLog{&b}, "", log.LstdFlags)
	l.Printf("Unsolicited response received on idle HTTP channel starting with %q; err=%v", "hello", nil)
	l.Print("http: panic serving 127.0.0.1:1: oh")
	if got := b.String(); strings.Contains(got, "hello") || !strings.HasSuffix(got, "panic serving 127.0.0.1:1: oh\n") {
		t.Errorf("logged %q", got)
	}
}
