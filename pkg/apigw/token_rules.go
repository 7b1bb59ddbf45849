package apigw

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/source"
)

// tokenFailure is the first check a token failed.
type tokenFailure struct {
	check string // the name of the check
	text  string // the error description that is known, or empty
	why   string
	// inferred says what of this answer is not documented.
	inferred string
	scopes   bool // the token is good but lacks the scopes
	expired  bool
}

// textUnknown marks failures whose error description is not documented.
const textUnknown = "the status follows the general rule; AWS's text for this failure is not documented"

// tokenRules say what a kind of authorizer asks of a token.
type tokenRules struct {
	issuers    []JWTIssuer
	algorithms []string
	audience   bool // must match
	scopes     []string
	now        time.Time
}

// check looks at a token as HTTP APIs do, in their order (AWS: "Control access to
// HTTP APIs with JWT authorizers").
func (r *tokenRules) check(v *TokenVerdict) *tokenFailure {
	for _, step := range []func(*tokenRules, *TokenVerdict) *tokenFailure{
		(*tokenRules).form, (*tokenRules).algorithm, (*tokenRules).signature, (*tokenRules).issuer,
		(*tokenRules).expiry, (*tokenRules).notBefore, (*tokenRules).hasScope,
	} {
		if f := step(r, v); f != nil {
			return f
		}
	}
	return nil
}

func (r *tokenRules) form(v *TokenVerdict) *tokenFailure {
	const segments = "token contains an invalid number of segments"
	switch {
	case v.Malformed == segments:
		return &tokenFailure{check: "malformed", text: segments, why: "it is no JWT: it does not have three parts"}
	case v.Malformed != "":
		return &tokenFailure{check: "malformed", why: "it is no JWT: " + v.Malformed, inferred: textUnknown}
	case v.Claims == nil || v.Header == nil:
		return &tokenFailure{check: "malformed", why: "its header or claims could not be read", inferred: textUnknown}
	}
	return nil
}

// algorithm takes RSA only in HTTP APIs. The text was captured for ES256; that it
// is the same for other algorithms is inferred.
func (r *tokenRules) algorithm(v *TokenVerdict) *tokenFailure {
	alg := stringOf(v.Header.Get("alg"))
	if slices.Contains(r.algorithms, alg) {
		return nil
	}
	f := &tokenFailure{
		check: "algorithm", text: "signing method " + headerSafe(alg) + " is invalid",
		why: fmt.Sprintf("its algorithm %s is none of %s", quoted(alg), strings.Join(r.algorithms, ", ")),
	}
	if !strings.HasPrefix(alg, "ES") {
		f.inferred = "the error description was captured for ES256 only"
	}
	return f
}

func (r *tokenRules) signature(v *TokenVerdict) *tokenFailure {
	kid := v.Header.Get("kid")
	switch {
	case v.Assumed != "":
		return nil
	case v.Key == KeysUnavailable:
		return &tokenFailure{check: "keys-unavailable", why: "the issuer's keys could not be read: " + v.Detail, inferred: "what the gateway answers without keys is not documented"}
	case kid == nil || kid.Kind != source.String:
		return &tokenFailure{check: "key", why: "its header has no kid, so no key can be found for it", inferred: textUnknown}
	case v.Key != KeyFound:
		return &tokenFailure{check: "key", why: fmt.Sprintf("no key of the issuer has its kid %s", quoted(kid.Text)), inferred: textUnknown}
	case !v.Signature:
		return &tokenFailure{check: "signature", why: "its signature is not right by the issuer's key" + colon(v.Detail), inferred: textUnknown}
	}
	return nil
}

func colon(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + detail
}

// issuer checks iss, and aud of the issuer that it names. client_id counts only
// when there is no aud.
func (r *tokenRules) issuer(v *TokenVerdict) *tokenFailure {
	iss := stringOf(v.Claims.Get("iss"))
	i := slices.IndexFunc(r.issuers, func(k JWTIssuer) bool { return k.Issuer == iss })
	if i < 0 {
		return &tokenFailure{check: "issuer", why: fmt.Sprintf("its iss is %s, want %s, character by character", quoted(iss), issuerNames(r.issuers)), inferred: textUnknown}
	}
	if !r.audience {
		return nil
	}
	name := "aud"
	if v.Claims.Get("aud") == nil {
		name = "client_id"
	}
	have := stringsOf(v.Claims.Get(name))
	if !slices.ContainsFunc(have, func(a string) bool { return slices.Contains(r.issuers[i].Audience, a) }) {
		return &tokenFailure{
			check: "audience", text: "the token does not have a valid audience",
			why: fmt.Sprintf("its %s is %s, want one of %s", name, list(have), list(r.issuers[i].Audience)),
		}
	}
	return r.additional(v, r.issuers[i].Claims)
}

// additional checks the additional claims of REST APIs.
func (r *tokenRules) additional(v *TokenVerdict, rules []ClaimRule) *tokenFailure {
	for _, rule := range rules {
		n := v.Claims.Get(rule.Name)
		if n == nil && !rule.Required {
			continue
		}
		have := stringsOf(n)
		if len(have) == 1 && n.Kind == source.String && len(rule.Values) > 0 && !slices.Contains(rule.Values, have[0]) {
			have = strings.Fields(have[0])
		}
		ok := len(have) > 0 && (len(rule.Values) == 0 ||
			slices.ContainsFunc(have, func(a string) bool { return slices.Contains(rule.Values, a) }))
		if !ok {
			return &tokenFailure{check: "claim", why: fmt.Sprintf("its claim %s is %s, want %s", rule.Name, list(have), list(rule.Values)), inferred: textUnknown}
		}
	}
	return nil
}

// expiry wants exp after now. A token without one is refused: AWS lists the check
// without a condition.
func (r *tokenRules) expiry(v *TokenVerdict) *tokenFailure {
	n := v.Claims.Get("exp")
	if n == nil || n.Kind == source.Null {
		return &tokenFailure{check: "expiry", why: "it has no exp", inferred: "that a token without exp is refused is not documented"}
	}
	at, ok := dateOf(n)
	switch {
	case !ok:
		return &tokenFailure{check: "expiry", why: "its exp is no date", inferred: textUnknown}
	case at <= unix(r.now):
		return &tokenFailure{check: "expiry", text: "the token has expired", why: "it expired " + span(unix(r.now)-at) + " ago", expired: true}
	}
	return nil
}

// notBefore wants nbf and iat not after now, if they are there. No leeway is
// documented, none is given.
func (r *tokenRules) notBefore(v *TokenVerdict) *tokenFailure {
	for _, c := range []struct{ claim, check string }{{"nbf", "not-before"}, {"iat", "issued-at"}} {
		n := v.Claims.Get(c.claim)
		if n == nil || n.Kind == source.Null {
			continue
		}
		at, ok := dateOf(n)
		switch {
		case !ok:
			return &tokenFailure{check: c.check, why: "its " + c.claim + " is no date", inferred: textUnknown}
		case at > unix(r.now):
			return &tokenFailure{check: c.check, why: "its " + c.claim + " is " + span(at-unix(r.now)) + " in the future, and no leeway is given", inferred: textUnknown}
		}
	}
	return nil
}

// hasScope wants one of the route's scopes, if it has any.
func (r *tokenRules) hasScope(v *TokenVerdict) *tokenFailure {
	have := tokenScopes(v.Claims)
	if len(r.scopes) == 0 || slices.ContainsFunc(have, func(s string) bool { return slices.Contains(r.scopes, s) }) {
		return nil
	}
	return &tokenFailure{check: "scope", scopes: true, why: fmt.Sprintf("its scopes are %s, want one of %s", list(have), list(r.scopes))}
}

// tokenScopes are the scopes of scope (words) or scp (words or a list).
func tokenScopes(claims *source.Node) []string {
	all := []string{}
	for _, name := range []string{"scope", "scp"} {
		for _, s := range stringsOf(claims.Get(name)) {
			all = append(all, strings.Fields(s)...)
		}
	}
	return all
}

func issuerNames(issuers []JWTIssuer) string {
	names := make([]string, len(issuers))
	for i := range issuers {
		names[i] = issuers[i].Issuer
	}
	return list(names)
}

// list is a list of strings for people.
func list(s []string) string {
	switch len(s) {
	case 0:
		return "absent"
	case 1:
		return quoted(s[0])
	}
	return cut(strings.Join(s, ", "))
}

// headerSafe keeps text from a token out of the syntax of a header.
func headerSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, cut(s))
}

func stringOf(n *source.Node) string {
	if n == nil || n.Kind != source.String {
		return ""
	}
	return n.Text
}

// stringsOf are the values of a claim that is a string or a list; numbers and
// booleans count by their text.
func stringsOf(n *source.Node) []string {
	switch {
	case n == nil || n.Kind == source.Null || n.Kind == source.Object:
		return nil
	case n.Kind != source.List:
		return []string{n.Text}
	}
	var all []string
	for _, it := range n.Items {
		if it.Kind == source.String || it.Kind == source.Number || it.Kind == source.Bool {
			all = append(all, it.Text)
		}
	}
	return all
}

// dateOf is a NumericDate. A string with a number in it is taken as the number,
// which is not documented.
func dateOf(n *source.Node) (float64, bool) {
	if n.Kind != source.Number && n.Kind != source.String {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	return f, err == nil && math.Abs(f) <= math.MaxFloat64 // strings can say Infinity and NaN
}

func unix(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// span is a time span for people.
func span(seconds float64) string {
	const most = 1e9
	return time.Duration(min(seconds, most) * 1e9).Round(time.Second).String()
}
