package authorizer

import (
	"encoding/json"
	"strings"
	"testing"

	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// claimsOf are the claims of a JSON object.
func claimsOf(t testing.TB, text string) token.Claims {
	t.Helper()
	n, err := source.JSON("claims", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return token.NewClaims(n)
}

const sample = `{
	"sub": "35666371", "email": "ann@acme.com", "level": 3, "ratio": 1.0, "big": 12345678901234567890,
	"admin": true, "nobody": null, "empty": "", "groups": ["Admins", "Users"], "joined": ["a,b", "c"],
	"scope": "read write", "address": {"country": "DE", "zip": 10115}, "https://acme.com/roles": ["x"],
	"a.b": "whole", "a": {"b": "inside", "c": "path"}, "none": []
}`

func TestTemplate(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"plain", `"plain"`},
		{"${jwt:sub}", `"35666371"`},
		{"user ${jwt:sub}!", `"user 35666371!"`},
		{"${jwt:sub}${jwt:email}", `"35666371ann@acme.com"`},
		{"${jwt:level}", `3`},
		{"${jwt:ratio}", `1.0`},
		{"${jwt:big}", `12345678901234567890`},
		{"${jwt:admin}", `true`},
		{"level ${jwt:level}", `"level 3"`},
		{"${jwt:groups}", `"Admins,Users"`},
		{"${jwt:scope}", `"read,write"`},
		{"${jwt:address.country}", `"DE"`},
		{"${jwt:address.zip}", `10115`},
		{"${jwt:https://acme.com/roles}", `"x"`},
		{"${jwt:a.b}", `"whole"`},
		{"${jwt:a.c}", `"path"`},
		{"${jwt:missing, 'no one'}", `"no one"`},
		{"${jwt:missing, ''}", `""`},
		{"${jwt:sub, 'no one'}", `"35666371"`},
		{"costs 5$, ${$}{jwt:sub} is no variable", `"costs 5$, ${jwt:sub} is no variable"`},
		{"<b>&", `"<b>&"`},
	} {
		r := new(source.Reader)
		tpl := parseTemplate(r, stringNode(t, tc.text))
		if err := r.Err(); err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		f, err := tpl.fill(claimsOf(t, sample))
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		got, err := plain(f.value)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s = %s, %v; want %s", tc.text, got, err, tc.want)
		}
	}
}

func TestTemplateWithoutClaim(t *testing.T) {
	for text, want := range map[string]string{
		"${jwt:missing}":      "no claim missing",
		"x ${jwt:nobody}":     "no claim nobody",
		"${jwt:address}":      "it is an object",
		"${jwt:address.x}":    "no claim address.x",
		"${jwt:none}":         "no claim none",
		"${jwt:sub}${jwt:no}": "no claim no",
	} {
		r := new(source.Reader)
		_, err := parseTemplate(r, stringNode(t, text)).fill(claimsOf(t, sample))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}

func TestTemplateMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"${jwt:sub":         "no closing brace",
		"${aws:SourceIp}":   "unknown variable",
		"${jwt.sub}":        "unknown variable",
		"${}":               "unknown variable",
		"${jwt:}":           "names no claim",
		"${jwt: }":          "names no claim",
		"${jwt:sub, x}":     "single quotes",
		"${jwt:sub,}":       "single quotes",
		"ok ${jwt:a} ${JWT": "no closing brace",
	} {
		r := new(source.Reader)
		parseTemplate(r, stringNode(t, text))
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}

func TestTemplateNotes(t *testing.T) {
	for text, want := range map[string]string{
		"${jwt:joined}": "comma",
		"${jwt:groups}": "joined with",
	} {
		r := new(source.Reader)
		f, err := parseTemplate(r, stringNode(t, text)).fill(claimsOf(t, `{"joined":["a,b","c"],"groups":"a;b"}`))
		if err != nil || len(f.notes) != 1 || !strings.Contains(f.notes[0], want) {
			t.Errorf("%s: notes %q, %v; want one with %q", text, f.notes, err, want)
		}
	}
}

func stringNode(t testing.TB, s string) *source.Node {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	n, err := source.JSON("text", data)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// FuzzTemplate: no text makes a template panic, and text without variables and
// dollar signs is itself.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"a", "${jwt:sub}", "${$}", "${", "}${jwt:a.b, 'x'}$", "$${jwt:sub}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		data, err := json.Marshal(text)
		if err != nil {
			t.Skip()
		}
		n, err := source.JSON("text", data)
		if err != nil {
			t.Skip()
		}
		r := new(source.Reader)
		v, err := parseTemplate(r, n).fill(claimsOf(t, sample))
		if !strings.Contains(n.Text, "$") && (r.Err() != nil || err != nil || v.value.text != n.Text) {
			t.Errorf("%q became %q, %v", n.Text, v.value.text, err)
		}
	})
}
