package authorizer

import (
	"strings"
	"testing"
)

func TestParseSource(t *testing.T) {
	for text, want := range map[string]Source{
		"header Authorization Bearer":    {Header, "Authorization", "Bearer"},
		"  header   authorizationToken ": {Header, "authorizationToken", ""},
		"query access_token":             {Query, "access_token", ""},
		"cookie session":                 {Cookie, "session", ""},
	} {
		got, err := ParseSource(text)
		if err != nil || got != want {
			t.Errorf("%q = %+v, %v; want %+v", text, got, err, want)
		}
		if again, err := ParseSource(got.String()); err != nil || again != got {
			t.Errorf("%q printed as %q reads %+v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{
		"", "header", "body token", "Header Authorization", "query a b", "cookie a b", "header a b c",
		"header a: Bearer", "header Autho:rization", "cookie a=b",
	} {
		if got, err := ParseSource(text); err == nil {
			t.Errorf("%q is taken as %+v", text, got)
		}
	}
}

func TestFindToken(t *testing.T) {
	bearer, bare := DefaultSource(), Source{Place: Header, Name: "authorizationToken"}
	headers := func(kv ...string) carried {
		c := carried{headers: map[string][]string{}}
		for i := 0; i < len(kv); i += 2 {
			c.headers[kv[i]] = append(c.headers[kv[i]], kv[i+1])
		}
		return c
	}
	event := func(s string) carried { return carried{isToken: true, token: s} }
	for name, tc := range map[string]struct {
		source Source
		in     carried
		want   string
		refuse string
	}{
		"header":              {source: bearer, in: headers("Authorization", "Bearer x.y.z"), want: "x.y.z"},
		"header in any case":  {source: bearer, in: headers("authorization", "bearer x.y.z"), want: "x.y.z"},
		"several spaces":      {source: bearer, in: headers("authorization", "Bearer   x.y.z "), want: "x.y.z"},
		"TOKEN event":         {source: bearer, in: event("Bearer x.y.z"), want: "x.y.z"},
		"bare TOKEN event":    {source: bare, in: event("x.y.z"), want: "x.y.z"},
		"query":               {source: Source{Query, "t", ""}, in: carried{query: map[string][]string{"t": {"x"}}}, want: "x"},
		"cookie":              {source: Source{Cookie, "s", ""}, in: headers("Cookie", "a=b; s=x.y; c=d"), want: "x.y"},
		"two cookie headers":  {source: Source{Cookie, "s", ""}, in: headers("Cookie", "a=b", "cookie", "s=x"), want: "x"},
		"quoted cookie":       {source: Source{Cookie, "s", ""}, in: headers("cookie", `s="x"`), want: "x"},
		"no header":           {source: bearer, in: headers("X", "y"), refuse: "missing"},
		"empty header":        {source: bearer, in: headers("Authorization", "  "), refuse: "missing or empty"},
		"empty TOKEN event":   {source: bearer, in: event(""), refuse: "missing or empty"},
		"another scheme":      {source: bearer, in: headers("Authorization", "Basic abc"), refuse: "want Bearer"},
		"no scheme":           {source: bearer, in: headers("Authorization", "x.y.z"), refuse: "want Bearer"},
		"scheme alone":        {source: bearer, in: headers("Authorization", "Bearer "), refuse: "want Bearer"},
		"scheme run together": {source: bearer, in: headers("Authorization", "Bearerx.y.z"), refuse: "want Bearer"},
		"two headers":         {source: bearer, in: headers("Authorization", "Bearer a", "authorization", "Bearer b"), refuse: "given 2 times"},
		"two in the query":    {source: Source{Query, "t", ""}, in: carried{query: map[string][]string{"t": {"x", "y"}}}, refuse: "given 2 times"},
		"two cookies":         {source: Source{Cookie, "s", ""}, in: headers("Cookie", "s=a; s=b"), refuse: "given 2 times"},
		"query has a case":    {source: Source{Query, "t", ""}, in: carried{query: map[string][]string{"T": {"x"}}}, refuse: "missing"},
		"query, TOKEN event":  {source: Source{Query, "t", ""}, in: event("x"), refuse: "REQUEST"},
		"cookie, TOKEN event": {source: Source{Cookie, "t", ""}, in: event("x"), refuse: "REQUEST"},
	} {
		got, err := tc.source.find(tc.in)
		switch {
		case tc.refuse == "" && (err != nil || got != tc.want):
			t.Errorf("%s: %q, %v; want %q", name, got, err, tc.want)
		case tc.refuse != "" && (err == nil || !strings.Contains(err.Error(), tc.refuse)):
			t.Errorf("%s: %q, error %v; want one with %q", name, got, err, tc.refuse)
		}
		if err != nil && strings.Contains(err.Error(), "x.y.z") {
			t.Errorf("%s: the error shows the token: %v", name, err)
		}
	}
}
