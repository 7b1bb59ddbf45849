package authorizer

import "gatepass/pkg/token"

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
