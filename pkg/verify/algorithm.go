package verify

import (
	"crypto"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of the signing methods
	_ "crypto/sha512"
	"fmt"
	"slices"

	"github.com/golang-jwt/jwt/v5"

	"gatepass/pkg/token"
)

// Algorithms are the ones that can be allowed (RFC 7518 section 3.1, RFC 8037
// section 3.1). "none" is not among them.
func Algorithms() []string {
	return []string{
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
		"ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512",
	}
}

// algorithm is what a key must be for it and how signatures are checked.
type algorithm struct {
	method  jwt.SigningMethod
	keyType string
	curve   string // of EC and OKP keys
	secret  int    // least length of an HMAC key in bytes
}

// lookUp returns the algorithm of a name, and false for every name that is not
// exactly one of Algorithms.
func lookUp(name string) (algorithm, bool) {
	switch name {
	case "RS256":
		return algorithm{method: jwt.SigningMethodRS256, keyType: "RSA"}, true
	case "RS384":
		return algorithm{method: jwt.SigningMethodRS384, keyType: "RSA"}, true
	case "RS512":
		return algorithm{method: jwt.SigningMethodRS512, keyType: "RSA"}, true
	case "PS256":
		return algorithm{method: pss(name, crypto.SHA256), keyType: "RSA"}, true
	case "PS384":
		return algorithm{method: pss(name, crypto.SHA384), keyType: "RSA"}, true
	case "PS512":
		return algorithm{method: pss(name, crypto.SHA512), keyType: "RSA"}, true
	case "ES256":
		return algorithm{method: jwt.SigningMethodES256, keyType: "EC", curve: "P-256"}, true
	case "ES384":
		return algorithm{method: jwt.SigningMethodES384, keyType: "EC", curve: "P-384"}, true
	case "ES512":
		return algorithm{method: jwt.SigningMethodES512, keyType: "EC", curve: "P-521"}, true
	case "EdDSA":
		return algorithm{method: jwt.SigningMethodEdDSA, keyType: "OKP", curve: "Ed25519"}, true
	case "HS256":
		return algorithm{method: jwt.SigningMethodHS256, keyType: "oct", secret: 32}, true
	case "HS384":
		return algorithm{method: jwt.SigningMethodHS384, keyType: "oct", secret: 48}, true
	case "HS512":
		return algorithm{method: jwt.SigningMethodHS512, keyType: "oct", secret: 64}, true
	}
	return algorithm{}, false
}

// pss is RSASSA-PSS with a salt as long as the hash, which RFC 7518 section 3.5
// wants. The library's own methods take a salt of any length.
func pss(name string, h crypto.Hash) *jwt.SigningMethodRSAPSS {
	return &jwt.SigningMethodRSAPSS{
		SigningMethodRSA: &jwt.SigningMethodRSA{Name: name, Hash: h},
		Options:          &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash},
	}
}

// unfit says why a key must not be used with an algorithm, or returns "".
func (k *Key) unfit(name string) string {
	a, ok := lookUp(name)
	switch {
	case !ok:
		return "no key is good for " + name
	case k.Type != a.keyType:
		return fmt.Sprintf("it is of type %s, %s needs %s", k.Type, name, a.keyType)
	case k.Curve != a.curve:
		return fmt.Sprintf("its curve is %s, %s needs %s", k.Curve, name, a.curve)
	case k.Algorithm != "" && k.Algorithm != name:
		return "it is marked for " + clip(k.Algorithm)
	case k.Use != "" && k.Use != "sig":
		return "it is marked for use " + clip(k.Use) + ", not sig"
	case len(k.Operations) > 0 && !slices.Contains(k.Operations, "verify"):
		return "its key_ops do not have verify"
	}
	if s, ok := k.public.([]byte); ok && len(s) < a.secret {
		return fmt.Sprintf("it has %d bytes, %s needs %d (RFC 7518 section 3.2)", len(s), name, a.secret)
	}
	return ""
}

// signed reports whether the key made the signature of a token. The key must be
// fit for the token's algorithm.
func (k *Key) signed(t *token.Token) bool {
	name, _ := t.Algorithm()
	a, ok := lookUp(name)
	return ok && k.unfit(name) == "" && a.method.Verify(t.SigningInput(), t.Signature, k.public) == nil
}
