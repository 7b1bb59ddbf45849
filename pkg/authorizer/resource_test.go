package authorizer

import (
	"strings"
	"testing"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

func TestShortResources(t *testing.T) {
	p := place{"aws-cn", "cn-north-1", "123456789012", "abc", "$default"}
	const base = "arn:aws-cn:execute-api:cn-north-1:123456789012:abc/$default/"
	for text, want := range map[string]string{
		"* /*":                  base + "*/*",
		"GET /":                 base + "GET/",
		"GET /users/${jwt:sub}": base + "GET/users/${jwt:sub}",
		"DELETE /a/*/b?":        base + "DELETE/a/*/b?",
		"$connect":              base + "$connect",
	} {
		s, ok, err := parseShort(text)
		if err != nil || !ok || p.expand(s) != want {
			t.Errorf("%q: %v %v, expands to %q; want %q", text, ok, err, p.expand(s), want)
		}
	}
	for _, text := range []string{
		"*", "arn:aws:execute-api:*", "arn:aws:execute-api:eu-west-1:*:abc/prod/GET/*",
		"arn:aws:execute-api:eu-west-1:123456789012:*", "arn:aws:execute-api:eu-west-1:123456789012:abc/*",
		"arn:*:execute-api:eu-west-1:123456789012:abc/prod/GET/a:b", "arn:aws:*:eu-west-1:1:abc/prod/GET/",
		"arn:aws:execute-api:eu-west-1:1:abc/prod/$connect", "arn:aws:execute-api:eu-west-1:1:${jwt:api}",
	} {
		if _, ok, err := parseShort(text); ok || err != nil {
			t.Errorf("%q: short %v, error %v; want a full resource", text, ok, err)
		}
	}
	for text, want := range map[string]string{
		"":                                  "empty",
		"GET orders":                        "starts with a slash",
		"get /orders":                       "upper case: GET",
		"FETCH /orders":                     "no method",
		"ANY /orders":                       "every method is *",
		"TRACE /orders":                     "no method",
		"/orders":                           "want a method",
		"orders":                            "want METHOD /path",
		"GET  /orders":                      "one space",
		"arn:aws:s3:::bucket/*key":          "execute-api",
		"arn:aws:execute-api:eu-west-1":     "want arn:aws:execute-api",
		"arn:aws:execute-api:r:1:abc":       "matches no request",
		"arn:aws:execute-api:r:1:abc/prod/": "",
	} {
		_, _, err := parseShort(text)
		if want == "" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

// What an event says of its API must not become a wildcard.
func TestPlaceIsLiteral(t *testing.T) {
	p := place{"aws", "*", "1?", "a${aws:x}", "prod*"}
	if got, want := p.base(), "arn:aws:execute-api:${*}:1${?}:a${$}{aws:x}/prod${*}/"; got != want {
		t.Errorf("base %q, want %q", got, want)
	}
}

// FuzzResource: a full resource that is refused could have matched no request,
// or the check would take something away from the author.
func FuzzResource(f *testing.F) {
	const request = "arn:aws:execute-api:eu-west-1:123456789012:abc/prod/GET/pets/1"
	for _, s := range []string{"*", "arn:aws:execute-api:*", request, "arn:aws:s3:*", "GET /pets/*", "arn:*:*:*", "arn:aws:execute-api:eu-west-1:123456789012:abc/prod", "arn:*"} {
		f.Add(s)
	}
	p := place{"aws", "eu-west-1", "123456789012", "abc", "prod"}
	f.Fuzz(func(t *testing.T, text string) {
		s, short, err := parseShort(text)
		switch {
		case short && err == nil && s.method != "" && !strings.HasPrefix(p.expand(s), p.base()):
			t.Errorf("%q expands to %q", text, p.expand(s))
		case !short && err != nil && allows(t, text, request):
			t.Errorf("%q matches a request and is refused: %v", text, err)
		}
	})
}

// allows reports whether a policy with one resource allows a request.
func allows(t *testing.T, resource, request string) bool {
	t.Helper()
	text, err := plain(map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{"Effect": "Allow", "Action": "*", "Resource": resource},
	}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := source.JSON("policy", text)
	if err != nil {
		return false
	}
	d, err := policy.Parse(n, policy.Options{})
	return err == nil && d.Decide(&policy.Request{Action: invoke, Resource: request}) == policy.Allow
}
