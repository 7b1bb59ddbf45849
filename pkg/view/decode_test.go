package view_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/token"
	"gatepass/pkg/view"
)

var decodeTime = time.Date(2026, 3, 1, 12, 8, 0, 0, time.UTC)

func decoded(t *testing.T, header, payload string) *token.Token {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	tok, err := token.Decode(b64([]byte(header)) + "." + b64([]byte(payload)) + ".c2ln")
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func decodeText(d *view.Decode, color bool, width int) string {
	var b bytes.Buffer
	p := view.NewPrinter(&b, color, width, func() time.Time { return decodeTime })
	p.Zone = time.UTC
	p.Decode(d)
	return b.String()
}

// idClaims has one of each thing that is shown in a way of its own.
const idClaims = `{"sub":"35666371","name":"Ada","none":null,"n":1.50,"s":"","two":"a  b","groups":["Admins","Role 1",{"x":[true]}],` +
	`"params":{"dep":"eng","in":{"x":1},"empty":{}},"updated_at":1725879903000,"auth_time":1772366400.5,"exp":1772366760,"nonce":"n",` +
	`"long":"one two three four five six seven eight nine ten eleven twelve thirteen fourteen"}`

func TestDecodeText(t *testing.T) {
	tok := decoded(t, `{"alg":"RS256","kid":"k"}`, idClaims)
	r := token.Report{Token: tok, Notes: []string{"a note"}, Checks: []token.Check{
		{Name: "signature", Result: token.Pass, Reason: "right"},
		{Name: "expiry", Result: token.Fail, Reason: "expired 2 min ago"},
		{Name: "issuer", Result: token.Skip, Reason: "no issuer is expected, as nobody has said which one it should be, nor why"},
	}}
	const want = `INVALID  expiry: expired 2 min ago
JWT, ID token: it has nonce
expired 2 min ago

Header
  alg  RS256
  kid  k

Claims
  sub           "35666371"
  name          Ada
  none          null
  n             1.50
  s             ""
  two           a  b
  groups        ["Admins", "Role 1", {"x":[true]}]
  params.dep    eng
  params.in.x   1
  params.empty  {}
  updated_at    1725879903000  milliseconds? Mon 9 Sep 2024 11:05:03 UTC, 538 days ago
  auth_time     1772366400.5  Sun 1 Mar 2026 12:00:00 UTC, 8 min ago
  exp           1772366760  Sun 1 Mar 2026 12:06:00 UTC, 2 min ago
  nonce         n
  long          one two three four five six seven eight nine ten eleven twelve
                thirteen fourteen

Warnings
  ! something to know

Checks
  ✓ signature  right
  ✗ expiry     expired 2 min ago
  – issuer     no issuer is expected, as nobody has said which one it should be,
               nor why
  ! a note
`
	d := &view.Decode{Token: tok, Report: &r, Warnings: []token.Warning{{ID: "x", Message: "something to know"}}}
	if diff := cmp.Diff(want, decodeText(d, false, 80)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wide := decodeText(d, false, 200)
	if !strings.Contains(wide, "eleven twelve thirteen fourteen\n") || !strings.Contains(wide, "should be, nor why\n") {
		t.Errorf("at 200 columns there is room:\n%s", wide)
	}
	if plain := decodeText(d, true, 80); !strings.Contains(plain, "\x1b[31m\x1b[1mINVALID") {
		t.Errorf("no colour:\n%q", plain)
	}
}

// What came of the checks must not look like something else.
func TestDecodeState(t *testing.T) {
	tok := decoded(t, `{"alg":"RS256"}`, `{"jti":"x","scope":"s"}`)
	sig := func(r token.Result) token.Check {
		return token.Check{Name: token.CheckSignature, Result: r, Reason: "why"}
	}
	iss := func(r token.Result) token.Check { return token.Check{Name: token.CheckIssuer, Result: r} }
	report := func(checks ...token.Check) *token.Report { return &token.Report{Token: tok, Checks: checks} }
	for _, tc := range []struct {
		d    view.Decode
		line string
		json string
	}{
		{view.Decode{Token: tok}, "DECODED  not verified", "null"},
		{view.Decode{Token: tok, Report: report(sig(token.Skip))}, "NOT VERIFIED  the signature could not be checked", "null"},
		{view.Decode{Token: tok, Report: report(sig(token.Fail))}, "INVALID  signature: why", "false"},
		{view.Decode{Token: tok, Report: report(sig(token.Skip), iss(token.Fail))}, "INVALID  issuer:", "false"},
		{view.Decode{Token: tok, Report: report(sig(token.Pass), iss(token.Skip))}, "VERIFIED  issuer not checked", "true"},
		{view.Decode{Token: tok, Report: report(sig(token.Pass), iss(token.Pass))}, "VERIFIED", "true"},
		{view.Decode{Token: tok, Report: report(sig(token.Pass)), SignatureOnly: true}, "SIGNATURE RIGHT  nothing else was checked", "true"},
	} {
		line, _, _ := strings.Cut(decodeText(&tc.d, false, 80), "\n")
		if strings.TrimSpace(line) != tc.line {
			t.Errorf("got %q, want %q", line, tc.line)
		}
		var b bytes.Buffer
		if err := view.DecodeJSON(&b, &tc.d); err != nil {
			t.Fatal(err)
		}
		var got struct{ Verified json.RawMessage }
		if err := json.Unmarshal(b.Bytes(), &got); err != nil || string(got.Verified) != tc.json {
			t.Errorf("%s: verified %s (%v), want %s", tc.line, got.Verified, err, tc.json)
		}
	}
}

func TestDecodeJSONKeepsWhatIsWritten(t *testing.T) {
	var b bytes.Buffer
	d := &view.Decode{Token: decoded(t, `{"kid":"<&>","alg":"RS256"}`, `{"z":1.50,"big":12345678901234567890,"a":"\u00fc"}`)}
	if err := view.DecodeJSON(&b, d); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"z": 1.50,`, `"big": 12345678901234567890,`, `"kid": "<&>",`, `"checks": [],`, `"warnings": []`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
	if strings.Index(b.String(), `"z"`) > strings.Index(b.String(), `"a"`) || !strings.HasPrefix(b.String(), "{\n  \"schemaVersion\": 1,") {
		t.Errorf("the order is another:\n%s", b.String())
	}
	b.Reset()
	if err := view.DecodeJSON(&b, &view.Decode{Token: decoded(t, `{"alg":"RS256"}`, "\xff\xfe")}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `"payload": "__4"`) || !strings.Contains(b.String(), `"payloadEncoding": "base64url"`) || !strings.Contains(b.String(), `"claims": null`) {
		t.Errorf("a payload that is no text:\n%s", b.String())
	}
}

// Nothing in a token reaches the terminal as a command to it.
func TestDecodeTextIsSafe(t *testing.T) {
	evil := `\u001b[2J\u202e\n\r\u0007` + strings.Repeat("x", 5000)
	for _, tok := range []*token.Token{
		decoded(t, `{"alg":"`+evil+`","`+evil+`":"`+evil+`"}`, `{"`+evil+`":{"`+evil+`":"`+evil+`"},"iss":"`+evil+`","l":["`+evil+`"]}`),
		decoded(t, `{"alg":"x"}`, "text \x1b[2J\u202e"),
		decoded(t, `{"alg":"x"}`, "\xff\x1b"),
	} {
		out := decodeText(&view.Decode{Token: tok, Warnings: tok.Lint(decodeTime)}, false, 80)
		if strings.ContainsAny(out, "\x1b\r\x07\u202e") || !utf8.ValidString(out) {
			t.Errorf("%.300q", out)
		}
	}
}
