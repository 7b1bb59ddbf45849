package token

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/human"
	"gatepass/pkg/source"
)

// Warning is something about a token that its reader should know.
type Warning struct {
	ID      string `json:"id"`      // stable, for scripts
	Message string `json:"message"` // what is wrong and why it matters
}

// longLife is the lifetime above which a token is called long-lived. OneLogin's
// access tokens live an hour by custom, and up to months where an administrator
// says so.
const longLife = 24 * time.Hour

// Lint says what is wrong or unusual about a token, whether it is verified or
// not: what will make a verifier refuse it, and what will make a careless one
// accept it.
func (t *Token) Lint(now time.Time) []Warning {
	l := linter{t: t, now: now}
	switch t.Kind {
	case Opaque:
		l.warn("opaque", "the token is opaque: only its issuer can say what it means, by introspection or userinfo; a JWT authorizer refuses it")
		return l.list
	case JWE:
		l.warn("encrypted", "the token is encrypted: only its receiver can read it; an authorizer that expects a JWT refuses it")
	}
	l.header()
	if t.Kind == JWS {
		l.warn("no-claims", "the payload is no object of claims (%v): this is a signed message, not a JWT", t.PayloadErr)
	}
	if t.Kind == JWT {
		l.claims()
		l.dates()
		l.content()
	}
	return l.list
}

type linter struct {
	t    *Token
	now  time.Time
	list []Warning
}

func (l *linter) warn(id, format string, args ...any) {
	l.list = append(l.list, Warning{id, fmt.Sprintf(format, args...)})
}

func (l *linter) header() {
	h, alg := l.t.Header, l.t.alg
	switch {
	case alg == "":
		l.warn("alg-missing", "the header names no alg: no verifier can tell how it is signed, and every one must refuse it")
	case strings.EqualFold(alg, "none"):
		l.warn("alg-none", "alg is %s: the token is not signed, anybody can have written it", quote(alg))
	case strings.HasPrefix(alg, "HS"):
		l.warn("alg-hmac", "alg is %s: signed with a shared secret, so no key set can verify it and whoever can check it can also forge it", quote(alg))
	}
	if l.t.Kind != JWE && len(l.t.Signature) == 0 && !strings.EqualFold(alg, "none") {
		l.warn("no-signature", "the signature is empty: the token proves nothing")
	}
	switch kid := h.Get("kid"); {
	case kid == nil, kid.Kind == source.String && kid.Text == "":
		l.warn("kid-missing", "the header has no kid: a verifier cannot tell which of the issuer's keys to use, and API Gateway's own JWT authorizer refuses the token")
	case kid.Kind != source.String:
		l.warn("kid-type", "kid is %s, want a string: no key can be found by it", kid.Kind)
	}
	if h.Get("crit") != nil {
		l.warn("crit", "the header has crit: verifiers that do not know the extensions must refuse the token")
	}
	for _, name := range []string{"jku", "x5u", "jwk", "x5c"} {
		if h.Get(name) != nil {
			l.warn("header-"+name, "the header brings its own key (%s): a verifier that believes it lets anybody sign", name)
		}
	}
	l.typ(h.Get("typ"))
}

// typ looks at the header's "typ" (RFC 7519 section 5.1, RFC 9068 section 2.1).
func (l *linter) typ(n *source.Node) {
	if n == nil {
		return
	}
	switch v := strings.ToLower(n.Text); {
	case n.Kind != source.String:
		l.warn("typ", "typ is %s, want a string such as JWT", n.Kind)
	case v == "jwt", v == "at+jwt", v == "application/at+jwt", v == "jose", l.t.Kind != JWT:
	default:
		l.warn("typ", "typ is %s: not an access or ID token but another kind of JWT, which verifiers should not take for one", quote(n.Text))
	}
}

func (l *linter) claims() {
	c := l.t.Claims
	for _, name := range []string{"iss", "sub"} {
		if n := c.Get(name); n != nil && n.Kind != source.String {
			l.warn(name+"-type", "%s is %s, want a string (RFC 7519): verifiers may refuse the token", name, n.Kind)
		}
	}
	if iss := c.Get("iss"); iss == nil || iss.Kind == source.String && iss.Text == "" {
		l.warn("iss-missing", "there is no iss: nobody can tell whose keys to check it with")
	}
	switch list, ok := l.t.ClaimSet().audiences(); {
	case !ok:
		l.warn("aud-type", "aud must be a string or a list of strings: verifiers may refuse the token")
	case strings.Join(list, "") == "":
		l.warn("aud-missing", "there is no aud: nothing says which API the token is for, so it fits wherever its issuer is trusted")
	case mixed(list):
		l.warn("aud-mixed", "aud names client ids and APIs alike: whoever receives the token at one can use it at the other")
	}
	if use, why := l.t.Use(); use == AnyUse {
		l.warn("use-unclear", "it is not clear whether this is an access token or an ID token: %s", why)
	} else if use == IDUse {
		l.warn("id-token", "this is an ID token (%s): it tells an app who has logged in, and is not meant to be sent to an API", why)
	}
}

// mixed reports whether some of the audiences look like URLs and some do not:
// client ids of OneLogin are no URLs, identifiers of APIs usually are.
func mixed(list []string) bool {
	urls := 0
	for _, a := range list {
		if strings.Contains(a, "://") {
			urls++
		}
	}
	return urls > 0 && urls < len(list)
}

// milliseconds is the value from which a number of seconds is taken for
// milliseconds: as seconds it is a date after the year 5138.
const milliseconds = 100_000_000_000

// Milliseconds is a date that was most likely written in milliseconds.
func Milliseconds(n *source.Node) (time.Time, bool) {
	f, err := strconv.ParseFloat(n.Text, 64)
	if n.Kind != source.Number || err != nil || f < milliseconds || f > 1000*latest {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(f)), true
}

func (l *linter) dates() {
	c := l.t.ClaimSet()
	usable := map[string]time.Time{}
	for _, name := range []string{"exp", "iat", "nbf", "auth_time", "updated_at"} {
		n := c.node.Get(name)
		at, ok, err := c.Date(name)
		if n == nil || !ok && err == nil {
			continue
		}
		_, milli := Milliseconds(n)
		switch {
		case milli:
			l.warn(name+"-milliseconds", "%s is in milliseconds, want seconds: read as it stands it is a date in the far future", name)
		case err != nil && name == "updated_at":
			// OneLogin's first version gave a date as text there: harmless.
		case err != nil:
			l.warn(name+"-type", "%s: %v; verifiers refuse the token", name, err)
		default:
			usable[name] = at
		}
	}
	l.lifetime(usable)
}

func (l *linter) lifetime(at map[string]time.Time) {
	exp, hasExp := at["exp"]
	iat, hasIat := at["iat"]
	nbf, hasNbf := at["nbf"]
	if l.t.has("exp") == "" {
		l.warn("exp-missing", "there is no exp: the token has no expiry, so whoever finds it can use it for ever; careful verifiers refuse it")
	}
	if hasExp && !exp.After(l.now) {
		l.warn("expired", "expired %s ago: every verifier that checks the time refuses it", human.Span(l.now.Sub(exp)))
	}
	if hasIat && iat.After(l.now) {
		l.warn("iat-future", "issued %s from now: a clock is wrong, and strict verifiers refuse it", human.Span(iat.Sub(l.now)))
	}
	if hasNbf && nbf.After(l.now) {
		l.warn("nbf-future", "good only in %s: verifiers refuse it until then", human.Span(nbf.Sub(l.now)))
	}
	if hasExp && hasIat && exp.Before(iat) {
		l.warn("exp-before-iat", "it expires before it was issued: it was never good")
	} else if life := exp.Sub(iat); hasExp && hasIat && life > longLife {
		l.warn("long-lived", "good for %s in all: whoever finds it can use it that long, and checking it offline does not notice a revocation", human.Span(life))
	}
}

func (l *linter) content() {
	if v, ok := l.t.ClaimSet().Get("groups"); ok && v.Split {
		l.warn("groups-joined", "groups is one string joined with semicolons: gatepass reads it as a list of %d, other verifiers see one name; "+
			"in OneLogin set the parameter's transformation to Semicolon Delimited Input", len(v.Values))
	}
	for _, m := range l.t.Claims.Members {
		if secretName(m.Key) && m.Value.Kind == source.String && m.Value.Text != "" {
			l.warn("secret-claim", "the claim %s looks like a secret: everybody who sees the token can read its claims", quote(m.Key))
		}
	}
}

// secretName reports whether a claim is named like a secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"password", "passwd", "secret", "private_key", "apikey", "api_key", "access_key", "credit_card"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
