package config

import (
	"net/url"
	"slices"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/loopback"
	"gatepass/pkg/source"
)

// The checks of single values. Each says what was expected; where the value
// stands is added by who calls. An empty value is not checked, but by oneOf.

func want(format string, args ...any) *fault.Error {
	return fault.New(fault.Usage, format, args...)
}

// shown quotes a value for a message. Long ones are left out: somebody may have
// put a token where the kind of token was meant.
func shown(v string) string {
	if len(v) > 40 {
		return "something longer"
	}
	return `"` + iostreams.Visible(v) + `"`
}

func oneOf(values ...string) func(string) error {
	return func(v string) error {
		if slices.Contains(values, v) {
			return nil
		}
		e := want("want one of %s, got %s", strings.Join(values, ", "), shown(v))
		if near := source.Nearest(v, values); near != "" {
			return e.WithHint("did you mean %q?", near)
		}
		return e
	}
}

// checkVisible refuses what cannot be meant: line breaks and other characters
// one does not see.
func checkVisible(v string) error {
	if iostreams.Visible(v) != v || strings.TrimSpace(v) != v {
		return want("want text without spaces around it and without control characters")
	}
	return nil
}

// IssuerOf is the issuer of a OneLogin subdomain, of version 2 of its OpenID
// Connect API, the only one there is since April 2021.
func IssuerOf(subdomain string) string {
	return "https://" + strings.ToLower(subdomain) + ".onelogin.com/oidc/2"
}

func checkSubdomain(v string) error {
	if name, ok := strings.CutSuffix(strings.ToLower(v), ".onelogin.com"); ok {
		return want("want the subdomain alone").WithHint("%s", strings.TrimPrefix(name, "https://"))
	}
	label := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-'
	}
	if v == "" || len(v) > 63 || strings.Trim(v, "-") != v || strings.IndexFunc(v, func(r rune) bool { return !label(r) }) >= 0 {
		return want("want a subdomain such as acme, got %s", shown(v)).
			WithHint("it is the first part of the address where you log in: https://acme.onelogin.com")
	}
	return nil
}

// webURL parses an absolute http or https URL with nothing in it that does not
// belong into a setting.
func webURL(v, example string) (*url.URL, error) {
	hint := "it looks like " + example
	u, err := url.Parse(v)
	switch {
	case err != nil || checkVisible(v) != nil || strings.Contains(v, " "):
		return nil, want("want a URL").WithHint("%s", hint)
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Hostname() == "":
		return nil, want("want a URL that starts with https://, got %s", shown(v)).WithHint("%s", hint)
	case u.User != nil:
		return nil, want("a user name or password in a URL is not taken").WithHint("%s", hint)
	case u.Fragment != "":
		return nil, want("a URL with a # is not taken here").WithHint("%s", hint)
	}
	return u, nil
}

// checkIssuer takes an issuer as it is and as people paste it, with a slash or
// the path of the discovery document at its end: login is to forgive that and
// say so.
func checkIssuer(v string) error {
	if v == "" {
		return nil
	}
	const example = "https://acme.onelogin.com/oidc/2"
	u, err := webURL(v, example)
	switch {
	case err != nil:
		return err
	case u.RawQuery != "" || u.ForceQuery:
		return want("an issuer has no ? in it").WithHint("it looks like %s", example)
	case u.Scheme == "http" && !loopback.Is(u.Hostname()):
		return want("an issuer is reached by https; http is for this machine's own addresses").
			WithHint("https://%s%s", u.Host, u.Path)
	}
	return nil
}

func checkRedirect(v string) error {
	_, err := webURL(v, "http://localhost:3000/oauth/callback, exactly as registered in OneLogin")
	return err
}

// checkScope is scope-token of RFC 6749 section 3.3.
func checkScope(v string) error {
	for _, r := range v {
		if r < 0x21 || r > 0x7e || r == '"' || r == '\\' {
			return want("want a scope such as openid, got %s", shown(v))
		}
	}
	return nil
}

func checkAPI(v string) error {
	if v == "" {
		return nil
	}
	const example = "https://abc123.execute-api.eu-west-1.amazonaws.com/prod"
	u, err := webURL(v, example)
	if err == nil && (u.RawQuery != "" || u.ForceQuery) {
		return want("the base URL of an API has no ? in it").WithHint("it looks like %s", example)
	}
	return err
}

// Send says where a token goes in a request.
type Send struct {
	Header string // the name of a header field
	Scheme string // what stands before the token, or empty: the token alone
}

// String is the form that ParseSend reads.
func (s Send) String() string {
	return strings.TrimSpace("header " + s.Header + " " + s.Scheme)
}

// Value is the value of the header field for a token.
func (s Send) Value(token string) string {
	if s.Scheme == "" {
		return token
	}
	return s.Scheme + " " + token
}

// ParseSend reads "header NAME [Scheme]". Fields by which HTTP frames messages
// are refused.
func ParseSend(v string) (Send, error) {
	f := strings.Fields(v)
	if len(f) < 2 || len(f) > 3 || f[0] != "header" || !isToken(f[1]) || len(f) == 3 && !isToken(f[2]) {
		return Send{}, want("want header NAME or header NAME Scheme, got %s", shown(v)).
			WithHint("usual are: header Authorization Bearer, and: header authorizationToken")
	}
	switch strings.ToLower(f[1]) {
	case "host", "content-length", "content-type", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect", "keep-alive":
		return Send{}, want("the header %s cannot carry a token", f[1])
	}
	s := Send{Header: f[1]}
	if len(f) == 3 {
		s.Scheme = f[2]
	}
	return s, nil
}

func checkSend(v string) error {
	_, err := ParseSend(v)
	return err
}

// isToken is token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		alnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) < 0
}
