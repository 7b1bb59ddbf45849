package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gatepass/pkg/secret"
)

const value = "s3cr3t-value"

func TestStringIsNeverPrinted(t *testing.T) {
	s := secret.New(value)
	type holder struct {
		Exported secret.String
		hidden   secret.String
	}
	h := holder{s, s}
	asJSON, err := json.Marshal(map[string]any{"s": s, "p": &s, "h": h})
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{
		fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s, s, s), fmt.Sprintf("%v %+v %#v", h, h, h),
		fmt.Sprintf("%v %+v", &h, []any{h}), string(asJSON), fmt.Errorf("x: %v", s).Error(),
	} {
		if strings.Contains(out, value) || strings.Contains(out, fmt.Sprintf("%x", value)) {
			t.Errorf("printed: %s", out)
		}
	}
	if s.Reveal() != value || s.IsZero() || !secret.New("").IsZero() || (secret.String{}).Reveal() != "" {
		t.Error("Reveal or IsZero is wrong")
	}
}

const (
	head = "eyJhbGciOiJSUzI1NiJ9"
	body = "eyJzdWIiOiIxIn0"
	sig  = "c2lnbmF0dXJlLXRoYXQtd29ya3M"
)

func TestRedact(t *testing.T) {
	jws := head + "." + body + "." + sig
	for _, tc := range []struct{ in, gone, kept string }{
		{"token " + jws + " end", sig, head + "." + body + ".[redacted] end"},
		{"Authorization: Bearer " + jws, sig, "Authorization: Bearer " + head},
		{"> authorization: bearer opaque-token-1", "opaque-token-1", "> authorization: bearer [redacted]"},
		{"Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", "Authorization: Basic [redacted]"},
		{"Set-Cookie: sid=abcdef; Path=/", "abcdef", "Set-Cookie: [redacted]"},
		{"Cookie: a=1; b=2", "b=2", "Cookie: [redacted]"},
		{"http://127.0.0.1/callback?code=abc123&state=x", "abc123", "state=x"},
		{"grant_type=refresh_token&refresh_token=r-1&client_secret=c-2", "r-1", "grant_type=refresh_token"},
		{"grant_type=refresh_token&refresh_token=r-1&client_secret=c-2", "c-2", "client_secret=[redacted]"},
		{`{"refresh_token": "r-1", "scope":"openid"}`, "r-1", `"scope":"openid"`},
		{`{"access_token":"opaque-1","token_type":"Bearer"}`, "opaque-1", `"token_type":"Bearer"`},
		{`{"id_token": "` + jws + `"}`, sig, head + "." + body + ".[redacted]"},
		{"https://x.example/#access_token=opaque-1&state=s", "opaque-1", "state=s"},
		{"client_assertion=" + jws + "&a=b", sig, head + "." + body + ".[redacted]&a=b"},
		{`{"body":"{\"refresh_token\":\"r-1\",\"access_token\":\"opaque-1\"}"}`, "r-1", `\"access_token\":`},
		{`{"body":"{\"refresh_token\":\"r-1\",\"access_token\":\"opaque-1\"}"}`, "opaque-1", `\"refresh_token\":`},
		{"x-api-key: k-12345", "k-12345", "x-api-key: [redacted]"},
		{"status code=401 is fine? code 401", "xxxx", "code 401"},
	} {
		got := secret.Redact(tc.in)
		if strings.Contains(got, tc.gone) || !strings.Contains(got, tc.kept) {
			t.Errorf("Redact(%q) = %q", tc.in, got)
		}
	}
}

func TestRedactorKnowsItsSecrets(t *testing.T) {
	var r secret.Redactor
	r.Add(secret.New(value), secret.New("abc"))
	if got := r.Text("a " + value + " abc"); got != "a [redacted] abc" {
		t.Errorf("got %q; secrets too short to tell from words must stay", got)
	}
	if got := (*secret.Redactor)(nil).Text("plain"); got != "plain" {
		t.Errorf("got %q", got)
	}
}

// Secrets with signs in them that a pattern ends at, or that a form encodes.
func TestSecretsWithSigns(t *testing.T) {
	for _, v := range []string{"s3cret-&-tail", "s3cret \"tail\"", "s3cret#tail+=/", "p%40ss-tail"} {
		var r secret.Redactor
		r.Add(secret.New(v))
		for _, in := range []string{
			"client_secret=" + v + "&a=b", "client_secret=" + url.QueryEscape(v) + "&a=b", `{"client_secret":"` + v + `"}`, "Cookie: " + v, v,
		} {
			if got := r.Text(in); strings.Contains(got, "tail") {
				t.Errorf("Text(%q) = %q", in, got)
			}
		}
	}
}

func TestWriterFindsSplitSecrets(t *testing.T) {
	var out bytes.Buffer
	var r secret.Redactor
	r.Add(secret.New(value))
	w := r.Writer(&out)
	for _, part := range []string{"one " + value[:4], value[4:] + " two\nthr", "ee " + value} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "one [redacted] two\nthree [redacted]" {
		t.Errorf("got %q", got)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("Authorization: Bearer ", "", " x")
	f.Add("{\"a\":\"", "eyJ9", "\"}")
	f.Fuzz(func(t *testing.T, before, claims, after string) {
		if strings.Contains(before+claims+after, sig) {
			t.Skip("the signature is in the text around it")
		}
		// Property: whatever stands around a token, its signature goes.
		if got := secret.Redact(before + " " + head + "." + body + "." + sig + " " + after); strings.Contains(got, sig) {
			t.Errorf("the signature is in %q", got)
		}
	})
}

// FuzzWriter: whatever is written, in whatever pieces, known secrets and the
// signatures of tokens do not come out.
func FuzzWriter(f *testing.F) {
	f.Add("Authorization: Bearer ", "\n", uint8(7))
	f.Add("{\"a\":\"", "\"}\r\n", uint8(1))
	f.Add("https://x/?code=1&t=", "#", uint8(200))
	f.Add("\x1b[2J\u202e ", "\x00", uint8(0))
	f.Add("x\n", "[redacted]", uint8(3))
	f.Fuzz(func(t *testing.T, before, after string, size uint8) {
		if strings.Contains(before+after, value) || strings.Contains(before+after, sig) {
			t.Skip("the secret is in the text around it")
		}
		text := before + value + after + " " + head + "." + body + "." + sig + " " + after + value
		var out bytes.Buffer
		var r secret.Redactor
		r.Add(secret.New(value))
		w := r.Writer(&out)
		for rest := []byte(text); len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			if got, err := w.Write(rest[:n]); got != n || err != nil {
				t.Fatal(got, err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{value, sig} {
			if strings.Contains(out.String(), s) || strings.Contains(r.Text(text), s) {
				t.Errorf("%q is in %q", s, out.String())
			}
		}
	})
}

// A panic shows the value it was called with, and prints nothing of a secret.
func TestPanicPrintsNoSecret(t *testing.T) {
	if mode := os.Getenv("SECRET_TEST_PANIC"); mode != "" {
		s := secret.New(value)
		deep := func(_ secret.String, _ struct{ s secret.String }) {
			switch mode {
			case "itself":
				panic(s)
			case "error":
				panic(fmt.Errorf("with %v and %+v", s, struct{ s secret.String }{s}))
			case "holder":
				panic(struct{ S secret.String }{s})
			}
			_ = []byte(s.Reveal())[len(os.Args)+1000] // the secret is on the stack
		}
		deep(s, struct{ s secret.String }{s})
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"itself", "error", "holder", "index"} {
		c := exec.CommandContext(t.Context(), exe, "-test.run=^TestPanicPrintsNoSecret$")
		c.Env = append(os.Environ(), "SECRET_TEST_PANIC="+mode, "GOTRACEBACK=all")
		out, err := c.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "panic") || !strings.Contains(string(out), "goroutine") {
			t.Errorf("%s: no panic: %v %s", mode, err, out)
		}
		if strings.Contains(string(out), value) || strings.Contains(string(out), fmt.Sprintf("%x", value)) {
			t.Errorf("%s: printed: %s", mode, out)
		}
	}
}

func TestGuardHoldsNothingBack(t *testing.T) {
	var out bytes.Buffer
	var r secret.Redactor
	r.Add(secret.New(value))
	w := r.Guard(&out)
	for _, tc := range []struct{ in, want string }{
		{"Password: ", "Password: "},
		{"a " + value + " b", "a [redacted] b"},
		{"x " + head + "." + body + "." + sig, "x " + head + "." + body + ".[redacted]"},
	} {
		out.Reset()
		if n, err := io.WriteString(w, tc.in); n != len(tc.in) || err != nil || out.String() != tc.want {
			t.Errorf("%q: wrote %d, %v, %q, want %q", tc.in, n, err, out.String(), tc.want)
		}
	}
}
