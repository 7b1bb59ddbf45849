package token

import (
	"slices"
	"strings"

	"gatepass/pkg/source"
)

// DefaultAlgorithm is the one allowed when a caller names none: it is what
// OneLogin signs with.
const DefaultAlgorithm = "RS256"

// CheckHeader checks what can be checked before any key is looked at: that the
// token is a JWT (or, for the signature alone, a JWS), that the algorithm is one
// the caller allows, and that there is no extension a receiver would have to
// understand.
func (t *Token) CheckHeader(e Expect) []Check {
	// Room for all other checks, so that they need not be copied.
	checks := make([]Check, 0, 16)
	switch {
	case t.Kind == JWT:
		checks = append(checks, pass(CheckForm, "a signed JWT"))
	case t.Kind == JWS && e.SignatureOnly:
		checks = append(checks, pass(CheckForm, "a JWS in compact form"))
	case t.Kind == JWS:
		checks = append(checks, Check{CheckForm, Fail, t.notJWT()})
	default:
		return append(checks, Check{CheckForm, Fail, t.notJWT()})
	}
	return append(checks, t.checkAlgorithm(e), t.checkCritical())
}

// notJWT says why a token that is no JWT is none.
func (t *Token) notJWT() string {
	switch t.Kind {
	case JWE:
		return "the token is encrypted (JWE): only its receiver can read it"
	case JWS:
		return "the payload is no object of claims: " + t.PayloadErr.Error()
	}
	return "the token is opaque: only its issuer can say what it means"
}

func (t *Token) checkAlgorithm(e Expect) Check {
	allowed := e.Algorithms
	if len(allowed) == 0 {
		allowed = []string{DefaultAlgorithm}
	}
	switch {
	case !t.algOK:
		return fail(CheckAlgorithm, "the header has no alg that is a string")
	case strings.EqualFold(t.alg, "none"):
		// Whatever the caller allows: an unsigned token is never right (RFC 8725
		// section 3.2).
		return fail(CheckAlgorithm, "alg is %s: the token is not signed", quote(t.alg))
	case !slices.Contains(allowed, t.alg):
		return fail(CheckAlgorithm, "alg is %s, allowed is %s", quote(t.alg), strings.Join(allowed, ", "))
	}
	return pass(CheckAlgorithm, "allowed")
}

// checkCritical refuses every extension: none is understood here (RFC 7515
// section 4.1.11). A "b64" that is not in "crit" is refused too (RFC 7797
// section 6).
func (t *Token) checkCritical() Check {
	crit, b64 := t.Header.Get("crit"), t.Header.Get("b64")
	switch {
	case b64 != nil && (b64.Kind != source.Bool || b64.Text == "false"):
		return fail(CheckCritical, "the header says b64: %s, which is not taken", b64.Text)
	case crit != nil:
		return fail(CheckCritical, "the header says crit: extensions that must be understood, and none is taken")
	}
	return pass(CheckCritical, "no extension that must be understood")
}
