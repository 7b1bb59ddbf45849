package authorizer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// designFile is an authorizer file with everything in it.
const designFile = `version: 1
tokens:
  - issuer: https://acme.onelogin.com/oidc/2
    audience: [e0001112-9e47-0138-5b6c-023242b000010000ab]
    algorithms: [RS256, PS256]
    use: access
    leeway: 10s
  - issuer: https://other.onelogin.com/oidc/2
    audience: other
    use: any
source: header Authorization Bearer
principal: ${jwt:sub}
context: { email: "${jwt:email}", groups: "${jwt:groups}", level: "${jwt:level}", fixed: 7, on: true }
refuse: unauthorized
policy:
  Version: "2012-10-17"
  Statement:
    - Sid: AdminsDoEverything
      Effect: Allow
      Resource: "* /*"
      Condition: { "ForAnyValue:StringEquals": { "jwt:groups": [Admins] } }
    - Sid: EverybodyReadsTheirOwn
      Effect: Allow
      Resource: "GET /users/${jwt:sub}/*"
    - Sid: OnlyFromTheOffice
      Effect: Deny
      Resource: "DELETE /*"
      Condition: { NotIpAddress: { "aws:SourceIp": [203.0.113.0/24] } }
`

func load(t testing.TB, text string) *File {
	t.Helper()
	n, err := source.Parse("authorizer.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Load(n)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLoad(t *testing.T) {
	f := load(t, designFile)
	want := []Expectation{
		{
			Issuer: "https://acme.onelogin.com/oidc/2", Audience: []string{"e0001112-9e47-0138-5b6c-023242b000010000ab"},
			Algorithms: []string{"RS256", "PS256"}, Use: token.AccessUse, Leeway: 10 * time.Second,
		},
		{
			Issuer: "https://other.onelogin.com/oidc/2", Audience: []string{"other"},
			Algorithms: []string{"RS256"}, Use: token.AnyUse, Leeway: DefaultLeeway,
		},
	}
	if got := f.Expectations(); !slices.EqualFunc(got, want, func(a, b Expectation) bool {
		return fmt.Sprint(a) == fmt.Sprint(b)
	}) {
		t.Errorf("expectations %+v, want %+v", got, want)
	}
	if f.Source() != DefaultSource() {
		t.Errorf("source %v", f.Source())
	}
	if e, ok := f.For("https://other.onelogin.com/oidc/2"); !ok || e.Audience[0] != "other" {
		t.Errorf("entry of the second issuer: %+v %v", e, ok)
	}
	for _, iss := range []string{"", "https://acme.onelogin.com/oidc/2/", "https://ACME.onelogin.com/oidc/2"} {
		if e, ok := f.For(iss); ok {
			t.Errorf("the issuer %q has the entry %+v", iss, e)
		}
	}
}

func TestDefaults(t *testing.T) {
	f := load(t, "version: 1\npolicy: {Version: 2012-10-17, Statement: [{Effect: Allow, Resource: GET /}]}\n")
	if f.Source() != DefaultSource() || f.refuse != Unauthorized || len(f.Expectations()) != 0 {
		t.Errorf("defaults %+v", f)
	}
	if got := fmt.Sprint(f.Lint()); !strings.Contains(got, "no-tokens") {
		t.Errorf("a file without tokens has the findings %s", got)
	}
}

// Every mistake has its position, and all of them are told at once.
func TestMistakes(t *testing.T) {
	const head = "version: 1\n"
	const rest = "policy: {Version: 2012-10-17, Statement: [{Effect: Allow, Resource: GET /}]}\n"
	statement := func(s string) string {
		return head + "policy:\n  Version: 2012-10-17\n  Statement:\n    - " + s + "\n"
	}
	for _, tc := range []struct{ text, at, want string }{
		{rest, "1:1", "version of the file is missing"},
		{"version: 2\n" + rest, "1:10", "from 1 to 1"},
		{head, "1:1", "no policy"},
		{head + "polcy: {}\n" + rest, "2:1", "unknown key"},
		{head + "source: body x\n" + rest, "2:9", "header, query or cookie"},
		{head + "source: [header]\n" + rest, "2:9", "as text"},
		{head + "principal: ''\n" + rest, "2:12", "whom the backend"},
		{head + "principal: ${jwt.sub}\n" + rest, "2:12", "unknown variable"},
		{head + "context: {claims: x}\n" + rest, "2:11", "reserved"},
		{head + "context: {x: [a]}\n" + rest, "2:14", "a list"},
		{head + "context: {x: null}\n" + rest, "2:14", "null"},
		{head + "context: {x: 0x1f}\n" + rest, "2:14", "as JSON has it"},
		{head + "context: [x]\n" + rest, "2:10", "keys with their values"},
		{head + "context: {x: '${jwt:}'}\n" + rest, "2:14", "names no claim"},
		{head + "refuse: 403\n" + rest, "2:9", "unauthorized, deny"},
		{head + "tokens: []\n" + rest, "2:9", "empty"},
		{head + "tokens: [{audience: a}]\n" + rest, "2:10", "issuer of these tokens is missing"},
		{head + "tokens: [{issuer: https://x}]\n" + rest, "2:10", "audience of these tokens is missing"},
		{head + "tokens: [{issuer: acme, audience: a}]\n" + rest, "2:19", "URL of the issuer"},
		{head + "tokens: [{issuer: http://x.example, audience: a}]\n" + rest, "2:19", "reached by https"},
		{head + "tokens: [{issuer: http://127.0.0.1.x.example, audience: a}]\n" + rest, "2:19", "reached by https"},
		{head + "tokens: [{issuer: 'https://a?b', audience: a}]\n" + rest, "2:19", "no query"},
		{head + "tokens: [{issuer: https://x, audience: []}]\n" + rest, "2:40", "at least one"},
		{head + "tokens: [{issuer: https://x, audience: ''}]\n" + rest, "2:40", "empty value"},
		{head + "tokens: [{issuer: https://x, audience: a, algorithms: [none]}]\n" + rest, "2:56", "no signature"},
		{head + "tokens: [{issuer: https://x, audience: a, algorithms: [RS255]}]\n" + rest, "2:56", "unknown algorithm"},
		{head + "tokens: [{issuer: https://x, audience: a, use: refresh}]\n" + rest, "2:48", "access, id, any"},
		{head + "tokens: [{issuer: https://x, audience: a, leeway: 1h}]\n" + rest, "2:51", "at most 5m0s"},
		{head + "tokens: [{issuer: https://x, audience: a, leeway: -1s}]\n" + rest, "2:51", "time span"},
		{head + "tokens: [{issuer: https://x, audience: a}, {issuer: https://x, audience: b}]\n" + rest, "2:53", "named twice"},
		{statement("{Effect: Allow, Resource: GET orders}"), "5:33", "starts with a slash"},
		{statement("{Effect: Allow, Resource: [GET /, get /x]}"), "5:41", "upper case"},
		{statement("{Effect: Allow, Resource: FETCH /x}"), "5:33", "no method"},
		{statement("{Effect: Allow, Resource: 'arn:aws:s3:::b/x'}"), "5:33", "execute-api"},
		{statement("{Effect: Allow, NotResource: 'arn:aws:execute-api:r:1:abc'}"), "5:36", "no method and path"},
		{statement("{Effect: allow, Resource: GET /}"), "5:16", "Allow"},
		{statement("{Effect: Allow, Resource: GET /, Condition: {StringEqual: {'jwt:sub': x}}}"), "5:52", "StringEqual"},
		{statement("{Effect: Allow, Resource: 'GET /" + strings.Repeat("x", 512) + "'}"), "5:33", "statement 1 has"},
		{head + "policy: []\n", "2:9", ""},
	} {
		n, err := source.Parse("f.yaml", []byte(tc.text))
		if err != nil {
			t.Fatalf("%s: %v", tc.text, err)
		}
		f, err := Load(n)
		var e *source.Error
		if f != nil || !errors.As(err, &e) {
			t.Errorf("%s: file %v, error %v", shorten(tc.text), f, err)
			continue
		}
		if got := fmt.Sprintf("%d:%d", e.Pos.Line, e.Pos.Column); got != tc.at || !strings.Contains(e.Error(), tc.want) {
			t.Errorf("%s\n\tgot  %v\n\twant %s with %q", tc.text, e, tc.at, tc.want)
		}
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	n, err := source.Parse("f.yaml", []byte("version: 3\nsource: x y\nrefuse: no\nprincipal: []\npolicy: {Statement: [{Effect: allow, Resource: x}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Load(n)
	if got := len(unjoin(err)); got < 6 {
		t.Errorf("%d mistakes told, want 6 or more:\n%v", got, err)
	}
}

// A policy that could never be returned is refused before there is a request.
func TestTooLargeForEverybody(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\npolicy:\n  Version: 2012-10-17\n  Statement:\n")
	for i := range 30 {
		fmt.Fprintf(&b, "    - {Sid: S%d, Effect: Allow, Resource: \"GET /%s\"}\n", i, strings.Repeat("x", 400))
	}
	n, err := source.Parse("f.yaml", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Load(n); err == nil || !strings.Contains(err.Error(), "(S20)") {
		t.Errorf("error %v, want one that names statement S20", err)
	}
}

// FuzzLoad: no file makes Load panic, and every mistake has a position.
func FuzzLoad(f *testing.F) {
	f.Add(designFile)
	f.Add("version: 1\npolicy: {Statement: {Effect: Deny, Resource: $connect}}")
	f.Add(`{"version":1,"tokens":[{}],"policy":{"Statement":[{}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := source.Parse("f", []byte(text))
		if err != nil {
			t.Skip()
		}
		file, err := Load(n)
		if (file == nil) == (err == nil) {
			t.Fatalf("file %v and error %v", file, err)
		}
		for _, e := range unjoin(err) {
			var s *source.Error
			if err != nil && (!errors.As(e, &s) || s.Pos.Line < 1) {
				t.Errorf("a mistake without a position: %v", e)
			}
		}
	})
}
