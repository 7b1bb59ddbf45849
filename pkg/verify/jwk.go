package verify

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// The limits of a key set. API Gateway's JWT authorizer takes documents of
// 150,000 bytes; the number of keys bounds what one token can make us try.
const (
	MaxKeySetSize = 150_000 // bytes
	MaxKeys       = 100
)

// Key is one public key, or the secret of an HMAC (RFC 7517).
type Key struct {
	ID         string   // kid, may be empty
	Type       string   // kty: RSA, EC, OKP or oct
	Curve      string   // crv, of EC and OKP keys
	Algorithm  string   // alg: the only algorithm it is for, or empty
	Use        string   // use: sig, enc, or empty
	Operations []string // key_ops, may be empty

	public any // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey or []byte
}

// SkippedKey is a key of a set that cannot be used, and why.
type SkippedKey struct {
	ID     string
	Reason string
}

// KeySet is the keys of one issuer. It is a [KeySource] that never changes.
type KeySet struct {
	Keys    []Key
	Skipped []SkippedKey

	single bool // a key that was given by itself and not in a set
}

// KeySet returns the set itself.
func (s *KeySet) KeySet(context.Context, string) (*KeySet, error) { return s, nil }

// ParseKeySet reads a JWK set, or a single JWK (RFC 7517). Keys that cannot be
// used for checking signatures are left out, with a reason in Skipped. The name
// is for error messages; errors are *source.Error.
func ParseKeySet(name string, data []byte) (*KeySet, error) {
	if len(data) > MaxKeySetSize {
		n, _ := source.JSON(name, []byte("null"))
		return nil, n.Errorf("%d bytes are more than the %d that are read of a key set", len(data), MaxKeySetSize)
	}
	n, err := source.JSON(name, data)
	if err != nil {
		return nil, err
	}
	set := &KeySet{}
	switch list := n.Get("keys"); {
	case list != nil && list.Kind == source.List:
		if len(list.Items) > MaxKeys {
			return nil, list.Errorf("%d keys are more than the %d that are read", len(list.Items), MaxKeys)
		}
		for _, k := range list.Items {
			set.add(k)
		}
	case list == nil && n.Get("kty") != nil:
		set.single = true
		set.add(n)
	default:
		return nil, n.Errorf(`want a JWK set, {"keys": [...]}, or a single JWK`)
	}
	return set, nil
}

func (s *KeySet) add(n *source.Node) {
	k, reason := parseKey(n)
	if reason != "" {
		s.Skipped = append(s.Skipped, SkippedKey{clip(k.ID), reason})
		return
	}
	s.Keys = append(s.Keys, k)
}

// parseKey reads one JWK. Private members are not looked at.
func parseKey(n *source.Node) (k Key, reason string) {
	if n.Kind != source.Object {
		return k, "it is " + n.Kind.String() + ", want an object"
	}
	for _, m := range []struct {
		name string
		to   *string
	}{{"kid", &k.ID}, {"kty", &k.Type}, {"crv", &k.Curve}, {"alg", &k.Algorithm}, {"use", &k.Use}} {
		v := n.Get(m.name)
		switch {
		case v == nil || v.Kind == source.Null:
		case v.Kind != source.String:
			return k, m.name + " is " + v.Kind.String() + ", want a string"
		default:
			*m.to = v.Text
		}
	}
	if ops := n.Get("key_ops"); ops != nil {
		for _, it := range ops.Items {
			k.Operations = append(k.Operations, it.Text)
		}
		if ops.Kind != source.List || len(ops.Items) == 0 {
			return k, "key_ops must be a list of operations"
		}
	}
	var err error
	k.public, err = material(&k, n)
	if err != nil {
		return k, err.Error()
	}
	return k, ""
}

// material makes the key itself.
func material(k *Key, n *source.Node) (any, error) {
	switch k.Type {
	case "RSA":
		k.Curve = ""
		return rsaKey(n)
	case "EC":
		return ecKey(k.Curve, n)
	case "OKP":
		if k.Curve != "Ed25519" {
			return nil, fmt.Errorf("the curve %s is not used here", quote(k.Curve))
		}
		x, err := bytesOf(n, "x")
		if err == nil && len(x) != ed25519.PublicKeySize {
			err = fmt.Errorf("x has %d bytes, want %d", len(x), ed25519.PublicKeySize)
		}
		return ed25519.PublicKey(x), err
	case "oct":
		k.Curve = ""
		return bytesOf(n, "k")
	case "":
		return nil, fmt.Errorf("there is no kty")
	}
	return nil, fmt.Errorf("the type %s is not used here", quote(k.Type))
}

// The limits of RSA keys. Below 2048 bits RFC 7518 section 3.3 forbids them;
// above 8192 a single check takes long enough to be an attack.
const minRSA, maxRSA = 2048, 8192

func rsaKey(n *source.Node) (any, error) {
	mod, err := bytesOf(n, "n")
	if err != nil {
		return nil, err
	}
	exp, err := bytesOf(n, "e")
	if err != nil {
		return nil, err
	}
	m, e := new(big.Int).SetBytes(mod), new(big.Int).SetBytes(exp)
	switch {
	case m.BitLen() < minRSA:
		return nil, fmt.Errorf("an RSA key of %d bits is too weak, want %d or more", m.BitLen(), minRSA)
	case m.BitLen() > maxRSA:
		return nil, fmt.Errorf("an RSA key of %d bits is too large, want %d or less", m.BitLen(), maxRSA)
	case m.Bit(0) == 0:
		return nil, fmt.Errorf("the RSA modulus is even")
	case e.BitLen() > 31 || e.Int64() < 3 || e.Bit(0) == 0:
		return nil, fmt.Errorf("the RSA exponent must be odd, 3 or more, and have 31 bits or less")
	}
	return &rsa.PublicKey{N: m, E: int(e.Int64())}, nil
}

func ecKey(curve string, n *source.Node) (any, error) {
	var c elliptic.Curve
	switch curve {
	case "P-256":
		c = elliptic.P256()
	case "P-384":
		c = elliptic.P384()
	case "P-521":
		c = elliptic.P521()
	default:
		return nil, fmt.Errorf("the curve %s is not used here", quote(curve))
	}
	x, err := bytesOf(n, "x")
	if err != nil {
		return nil, err
	}
	y, err := bytesOf(n, "y")
	if err != nil {
		return nil, err
	}
	// Full length, RFC 7518 section 6.2.1.2.
	if size := (c.Params().BitSize + 7) / 8; len(x) != size || len(y) != size {
		return nil, fmt.Errorf("x and y have %d and %d bytes, %s wants %d each", len(x), len(y), curve, size)
	}
	k, err := ecdsa.ParseUncompressedPublicKey(c, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, fmt.Errorf("x and y are no point of %s", curve)
	}
	return k, nil
}

// bytesOf reads a member that is base64url without padding.
func bytesOf(n *source.Node, name string) ([]byte, error) {
	v := n.Get(name)
	if v == nil || v.Kind != source.String || v.Text == "" {
		return nil, fmt.Errorf("there is no %s", name)
	}
	if strings.ContainsAny(v.Text, "\r\n") { // which the decoder would skip
		return nil, fmt.Errorf("%s is not base64url: it has a line break", name)
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(v.Text)
	if err != nil {
		return nil, fmt.Errorf("%s is not base64url without padding", name)
	}
	return data, nil
}

// choose returns the keys that may have signed a token, and says which and why,
// or why there are none. A token that names a key is checked with that key only.
func (s *KeySet) choose(t *token.Token) ([]*Key, string) {
	alg, _ := t.Algorithm()
	id, named := t.KeyID()
	switch {
	case !named && t.Header.Get("kid") != nil:
		return nil, "the token's kid is no string"
	case len(s.Keys)+len(s.Skipped) == 0:
		return nil, "the key set is empty"
	case named:
		return s.byID(id, alg)
	}
	fit, why := s.fit(alg, func(*Key) bool { return true })
	switch len(fit) {
	case 0:
		return nil, why
	case 1:
		return fit, "the token names no key; " + describe(fit[0]) + " is the only one that is good for " + alg
	}
	return nil, fmt.Sprintf("the token names no key, and %d are good for %s", len(fit), alg)
}

func (s *KeySet) byID(id, alg string) ([]*Key, string) {
	if s.single && len(s.Keys) == 1 && s.Keys[0].ID == "" {
		fit, why := s.fit(alg, func(*Key) bool { return true })
		if len(fit) == 1 {
			why = "the one that was given, which has no kid; the token's is " + quote(id)
		}
		return fit, why
	}
	if s.has(id) {
		fit, why := s.fit(alg, func(k *Key) bool { return k.ID == id })
		if len(fit) > 0 {
			why = "the one that the token names"
		}
		return fit, why
	}
	for _, k := range s.Skipped {
		if k.ID == clip(id) {
			return nil, fmt.Sprintf("the key %s cannot be used: %s", quote(id), k.Reason)
		}
	}
	return nil, fmt.Sprintf("no key has the kid %s; there are %s", quote(id), s.list())
}

// has reports whether a usable key has the ID.
func (s *KeySet) has(id string) bool {
	for i := range s.Keys {
		if s.Keys[i].ID == id {
			return true
		}
	}
	return false
}

// fit returns the keys that pass the filter and are good for an algorithm. If
// there are none it says why.
func (s *KeySet) fit(alg string, filter func(*Key) bool) (list []*Key, why string) {
	why = "no key of the set can be used"
	for i := range s.Keys {
		k := &s.Keys[i]
		if !filter(k) {
			continue
		}
		if reason := k.unfit(alg); reason != "" {
			why = describe(k) + " is not good for this token: " + reason
			continue
		}
		list = append(list, k)
	}
	if len(s.Keys) == 0 && len(s.Skipped) > 0 {
		why = "the key cannot be used: " + s.Skipped[0].Reason
	}
	return list, why
}

func describe(k *Key) string {
	if k.ID == "" {
		return "the key without kid"
	}
	return "the key " + quote(k.ID)
}

// list names the keys of a set.
func (s *KeySet) list() string {
	const most = 5
	var ids []string
	for i := range s.Keys {
		if len(ids) == most {
			ids = append(ids, fmt.Sprintf("%d more", len(s.Keys)-most))
			break
		}
		id := "one without kid"
		if s.Keys[i].ID != "" {
			id = quote(s.Keys[i].ID)
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return "none that can be used"
	}
	return strings.Join(ids, ", ")
}
