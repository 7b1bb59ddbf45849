package token_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

func TestLookup(t *testing.T) {
	c := claims(t, `{
		"sub": "35666371", "n": 1.50, "big": 12345678901234567890, "ok": true, "none": null, "empty": [], "blank": "",
		"groups": ["Admins", "Role 1"], "mixed": ["a", 2, false, null, {"x": 1}, ["y"]],
		"scope": " openid  profile ", "scp": ["a b", "c"], "nested": {"scope": "a b", "deep": {"er": "x"}, "a.b": "dotted"},
		"https://acme.com/roles": ["r1"], "https://acme.com/org": {"unit": "u"},
		"a.b": "whole", "a": {"b": "path"}, "obj": {}
	}`)
	for _, tc := range []struct {
		name string
		want []string
	}{
		{"sub", []string{"35666371"}},
		{"n", []string{"1.50"}},
		{"big", []string{"12345678901234567890"}},
		{"ok", []string{"true"}},
		{"none", nil},
		{"empty", nil},
		{"blank", []string{""}},
		{"absent", nil},
		{"groups", []string{"Admins", "Role 1"}},
		{"mixed", []string{"a", "2", "false"}},
		{"scope", []string{"openid", "profile"}},
		{"scp", []string{"a b", "c"}},
		{"nested.scope", []string{"a b"}},
		{"nested.deep.er", []string{"x"}},
		{"nested.a.b", []string{"dotted"}},
		{"nested", nil},
		{"nested.absent", nil},
		{"sub.x", nil},
		{"https://acme.com/roles", []string{"r1"}},
		{"https://acme.com/org.unit", []string{"u"}},
		{"a.b", []string{"whole"}},
		{"obj", nil},
		{"", nil},
		{".", nil},
	} {
		got, ok := c.Lookup(tc.name)
		if diff := cmp.Diff(tc.want, got); diff != "" || ok != (tc.want != nil) {
			t.Errorf("%q: %v (-want +got):\n%s", tc.name, ok, diff)
		}
	}
	if _, ok := (token.Claims{}).Lookup("sub"); ok {
		t.Error("no claims have a sub")
	}
	if token.NewClaims(c.Node().Get("sub")).Node() != nil {
		t.Error("a string is taken for claims")
	}
}

func TestJoinedGroups(t *testing.T) {
	v, ok := claims(t, `{"groups": "Admins; Staff;;Role 1"}`).Get("groups")
	if diff := cmp.Diff(token.Value{Values: []string{"Admins", "Staff", "Role 1"}, List: true, Split: true}, v); !ok || diff != "" {
		t.Error(diff)
	}
	v, _ = claims(t, `{"groups": "Admins"}`).Get("groups")
	if diff := cmp.Diff(token.Value{Values: []string{"Admins"}}, v); diff != "" {
		t.Error(diff)
	}
	v, _ = claims(t, `{"roles": "a;b"}`).Get("roles")
	if v.Split || len(v.Values) != 1 {
		t.Errorf("another claim is split: %v", v)
	}
}

func TestDate(t *testing.T) {
	for _, tc := range []struct {
		doc  string
		want string // RFC 3339, or the beginning of the error
	}{
		{`0`, "1970-01-01T00:00:00Z"},
		{`1725879903`, "2024-09-09T11:05:03Z"},
		{`1725879903.5`, "2024-09-09T11:05:03.5Z"},
		{`1.725879903e9`, "2024-09-09T11:05:03Z"},
		{`-1`, "1969-12-31T23:59:59Z"},
		{`1725879903000`, "want a number of seconds since 1970 up to the year 9999"},
		{`1e400`, "want a number of seconds since 1970 up to the year 9999"},
		{`-1e300`, "want a number of seconds since 1970 up to the year 9999"},
		{`"1725879903"`, "want a number of seconds since 1970, got a string"},
		{`true`, "want a number of seconds since 1970, got true or false"},
	} {
		at, ok, err := claims(t, `{"exp":`+tc.doc+`}`).Date("exp")
		got := at.UTC().Format("2006-01-02T15:04:05.999999999Z07:00")
		if err != nil {
			got = err.Error()
		}
		if !ok || got != tc.want {
			t.Errorf("%s: %v %q, want %q", tc.doc, ok, got, tc.want)
		}
	}
	for _, doc := range []string{`{}`, `{"exp":null}`} {
		if _, ok, err := claims(t, doc).Date("exp"); ok || err != nil {
			t.Errorf("%s: %v %v", doc, ok, err)
		}
	}
}

func TestParseClaims(t *testing.T) {
	base := claims(t, `{"sub":"1","groups":["X"],"keep":{"a":[1.50,null]}}`).Node()
	for _, tc := range []struct {
		name  string
		base  *source.Node
		words []string
		want  string // JSON, or part of the error
	}{
		{"none", nil, nil, `{}`},
		{"string", nil, []string{"sub=ada"}, `{"sub":"ada"}`},
		{"list", nil, []string{"groups=Admins", "sub=ada", "groups=Role 1"}, `{"groups":["Admins","Role 1"],"sub":"ada"}`},
		{"comma is text", nil, []string{"groups=Admins,Users"}, `{"groups":"Admins,Users"}`},
		{"typed", nil, []string{"level:=3", "ok:=true", "l:=[\"a\"]", "o:={\"x\":1.50}"}, `{"level":3,"ok":true,"l":["a"],"o":{"x":1.50}}`},
		{"name with colons and slashes", nil, []string{"https://acme.com/roles=r=1"}, `{"https://acme.com/roles":"r=1"}`},
		{"empty value", nil, []string{"sub="}, `{"sub":""}`},
		{"quotes", nil, []string{`a"b=c"<>d`}, `{"a\"b":"c\"<>d"}`},
		{"over a base", base, []string{"groups=Y", "new=z"}, `{"sub":"1","keep":{"a":[1.50,null]},"groups":"Y","new":"z"}`},
		{"no equals", nil, []string{"groups"}, "want a claim as name=value"},
		{"no name", nil, []string{"=x"}, "want a claim as name=value"},
		{"no typed name", nil, []string{":=1"}, "want a claim as name=value"},
		{"bad JSON", nil, []string{"a:={"}, "claim a:1:2: the JSON document ends too early"},
		{"two documents", nil, []string{`a:=1,"b":2`}, "unexpected text"},
		{"typed twice", nil, []string{"a:=1", "a:=2"}, `"a" is given twice`},
		{"typed and plain", nil, []string{"a=1", "a:=2"}, `"a" is given twice`},
		{"base is no object", claims(t, `{"x":[]}`).Node().Get("x"), nil, "want an object of claims"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, err := token.ParseClaims(tc.base, tc.words)
			if err != nil {
				if !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %s", err, tc.want)
				}
				return
			}
			var want any
			dec := json.NewDecoder(strings.NewReader(tc.want))
			dec.UseNumber()
			if err := dec.Decode(&want); err != nil {
				t.Fatalf("got %v, want the error %q", n.Any(), tc.want)
			}
			if diff := cmp.Diff(want, n.Any()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	_, err := token.ParseClaims(nil, []string{"a:={"})
	var s *source.Error
	if !errors.As(err, &s) {
		t.Errorf("%T is no *source.Error", err)
	}
}

// FuzzLookup wants that nothing panics, and that the whole name of a claim finds
// it, whatever it looks like.
func FuzzLookup(f *testing.F) {
	f.Add("sub", "a.b.c")
	f.Add("a.b", "x")
	f.Add("scope", "a b")
	f.Fuzz(func(t *testing.T, name, value string) {
		if strings.HasSuffix(name, ":") || name == "" || strings.Contains(name, "=") {
			return
		}
		n, err := token.ParseClaims(nil, []string{name + "=" + value})
		if err != nil {
			t.Fatal(err)
		}
		got, ok := token.NewClaims(n).Lookup(strings.ToValidUTF8(name, "\ufffd"))
		if name != "scope" && name != "scp" && name != "groups" && (!ok || len(got) != 1) {
			t.Errorf("%q=%q: %q %v", name, value, got, ok)
		}
	})
}
