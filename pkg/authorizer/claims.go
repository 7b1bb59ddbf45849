package authorizer

import (
	"slices"

	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// Claims are what a decision is made from, together with where they are from.
// They come from a verified token ([Verified]) or are somebody's assumption
// ([MadeUp]); there is no way from a token that has only been decoded. The zero
// value is neither, and is refused.
type Claims struct {
	claims token.Claims
	origin origin
}

// origin says how far claims may be believed.
type origin string

const (
	verified origin = "verified"
	madeUp   origin = "made-up"
)

// Verified are the claims of a verified token. Those of the zero Verified are
// the zero Claims.
func Verified(v token.Verified) Claims {
	if v.Token() == nil {
		return Claims{}
	}
	return Claims{v.Claims(), verified}
}

// MadeUp are claims that nobody has signed, for questions of the kind "what if".
// Whatever decides about real requests must have no call of this function.
func MadeUp(c token.Claims) Claims { return Claims{c, madeUp} }

// Adding are the claims with more of them, which the issuer says of the token's
// owner elsewhere, as its userinfo endpoint does; nil for none. What the token itself
// says counts, and what a token is for (audience, times, scopes) nobody else can say.
func (c Claims) Adding(more *source.Node) Claims {
	if c.origin == "" || c.claims.Node() == nil || more == nil || more.Kind != source.Object {
		return c
	}
	all := *c.claims.Node()
	all.Members = slices.Clone(all.Members)
	for _, m := range more.Members {
		// A name may be a path into an object of the token, too.
		if _, has := c.claims.Get(m.Key); !has && all.Get(m.Key) == nil && !ofToken(m.Key) {
			all.Members = append(all.Members, m)
		}
	}
	return Claims{token.NewClaims(&all), c.origin}
}

// ofToken reports claims that speak of the token and not of its owner (RFC 7519
// section 4.1, RFC 9068 section 2.2, OpenID Connect Core section 2).
func ofToken(name string) bool {
	switch name {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "client_id", "scope", "scp", "nonce", "at_hash", "acr", "amr", "auth_time":
		return true
	}
	return false
}
