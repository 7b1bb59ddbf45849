package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
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
