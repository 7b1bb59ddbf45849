package authorizer

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/loopback"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// Expectation is an entry of the file's tokens: what a token of one issuer must
// be to count.
type Expectation struct {
	Issuer     string        // exactly this "iss"
	Audience   []string      // any of these in "aud"
	Algorithms []string      // any of these; never taken from the token
	Use        token.Use     // AnyUse takes access and ID tokens
	Leeway     time.Duration // allowed difference of clocks, on each side
}

// DefaultLeeway is the allowed difference of clocks when the file names none.
const DefaultLeeway = 30 * time.Second

// MaxLeeway is the largest leeway a file may ask for. More would make expiry
// meaningless.
const MaxLeeway = 5 * time.Minute

// algorithms are the signature algorithms a file may allow. "none" is not one.
func algorithms() []string {
	return []string{
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
		"HS256", "HS384", "HS512",
	}
}

func (l *loader) tokens(n *source.Node) {
	items := []*source.Node{n}
	switch n.Kind {
	case source.List:
		items = n.Items
	case source.Object:
	default:
		l.r.Failf(n, "want a list of {issuer, audience}, got %s", n.Kind)
		return
	}
	if len(items) == 0 {
		l.r.Failf(n, "the list is empty, so that no token would count: want at least one {issuer, audience}")
	}
	for _, it := range items {
		l.expectation(it)
	}
}

func (l *loader) expectation(n *source.Node) {
	e := Expectation{Algorithms: []string{"RS256"}, Use: token.AccessUse, Leeway: DefaultLeeway}
	l.r.Object(n, source.Fields{
		"issuer":     l.issuer(&e.Issuer),
		"audience":   l.words(&e.Audience, nil),
		"algorithms": l.words(&e.Algorithms, algorithms()),
		"use":        l.use(&e.Use),
		"leeway":     l.leeway(&e.Leeway),
	})
	if n.Kind != source.Object {
		return
	}
	if n.Get("issuer") == nil {
		l.r.Failf(n, "the issuer of these tokens is missing")
	}
	if n.Get("audience") == nil {
		err := n.Errorf("the audience of these tokens is missing")
		err.Hint = "at OneLogin it is the client id of the app: without it, a token for any other app of the account would count"
		l.r.Fail(err)
	}
	l.f.tokens = append(l.f.tokens, e)
}

func (l *loader) issuer(to *string) func(*source.Node) {
	return func(n *source.Node) {
		l.r.String(to)(n)
		switch {
		case *to == "" && n.Kind == source.String:
			l.r.Failf(n, "the issuer is empty")
		case *to != "" && !strings.HasPrefix(*to, "https://") && !strings.HasPrefix(*to, "http://"):
			l.r.Failf(n, "want the URL of the issuer, such as https://acme.onelogin.com/oidc/2, got %q", shorten(*to))
		case strings.HasPrefix(*to, "http://") && !loopback.Is(hostname(*to)):
			l.r.Failf(n, "an issuer is reached by https; http is for this machine's own addresses")
		case strings.ContainsAny(*to, "?# "):
			l.r.Failf(n, "the URL of an issuer has no query and no fragment (OpenID Connect Core section 2)")
		}
		for _, other := range l.f.tokens {
			if *to != "" && other.Issuer == *to {
				l.r.Failf(n, "the issuer %q is named twice: give one entry all audiences", shorten(*to))
			}
		}
	}
}

// hostname is the host of a URL; empty for what is no URL.
func hostname(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// words reads a list of strings that is not empty; known, if given, is what each
// must be one of.
func (l *loader) words(to *[]string, known []string) func(*source.Node) {
	return func(n *source.Node) {
		var list []string
		l.r.Strings(&list)(n)
		if n.Kind == source.Null || n.Kind == source.List && len(n.Items) == 0 {
			l.r.Failf(n, "want at least one value")
			return
		}
		for i, w := range list {
			at := n
			if n.Kind == source.List {
				at = n.Items[i]
			}
			l.word(at, w, known)
		}
		*to = list
	}
}

func (l *loader) word(at *source.Node, w string, known []string) {
	switch {
	case strings.TrimSpace(w) == "":
		l.r.Failf(at, "an empty value matches nothing")
	case known == nil || slices.Contains(known, w):
	case strings.EqualFold(w, "none"):
		l.r.Failf(at, "the algorithm none is no signature: anybody can make such tokens")
	default:
		err := at.Errorf("unknown algorithm %q", shorten(w))
		err.Hint = "known here: " + strings.Join(known, ", ")
		if near := source.Nearest(w, known); near != "" {
			err.Hint = "did you mean " + near + "?"
		}
		l.r.Fail(err)
	}
}

func (l *loader) use(to *token.Use) func(*source.Node) {
	return func(n *source.Node) {
		var word string
		l.r.OneOf(&word, "access", "id", "any")(n)
		switch word {
		case "id":
			*to = token.IDUse
		case "any":
			*to = token.AnyUse
		}
	}
}

func (l *loader) leeway(to *time.Duration) func(*source.Node) {
	return func(n *source.Node) {
		l.r.Duration(to)(n)
		if *to > MaxLeeway {
			l.r.Failf(n, "a leeway of %s makes expiry meaningless: want at most %s", *to, MaxLeeway)
		}
	}
}
