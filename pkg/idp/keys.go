package idp

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// keyRing has the keys of the server, the active one first.
type keyRing struct {
	mu   sync.RWMutex
	keys []signingKey
}

type signingKey struct {
	kid  string
	n, e string // as a JWK has them
	key  *rsa.PrivateKey
}

// minBits is the smallest RSA key that RS256 allows (RFC 7518 section 3.3).
const minBits = 2048

// add makes a key the active one.
func (k *keyRing) add(key *rsa.PrivateKey) error {
	if key.N == nil || key.N.BitLen() < minBits {
		return errors.New("the signing key must be an RSA key of 2048 bits or more")
	}
	n := base64.RawURLEncoding.EncodeToString(key.N.Bytes())
	e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())
	// RFC 7638 section 3: the required members, sorted, without white space.
	sum := sha256.Sum256(fmt.Appendf(nil, `{"e":"%s","kty":"RSA","n":"%s"}`, e, n))
	kid := base64.RawURLEncoding.EncodeToString(sum[:])
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = slices.Insert(slices.DeleteFunc(k.keys, func(s signingKey) bool { return s.kid == kid }), 0, signingKey{kid, n, e, key})
	return nil
}

func (k *keyRing) active() signingKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.keys[0]
}

// public finds the public key of a kid, or nil.
func (k *keyRing) public(kid string) *rsa.PublicKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, s := range k.keys {
		if s.kid == kid {
			return &s.key.PublicKey
		}
	}
	return nil
}

// document is the key set. OneLogin's entries have these members and no alg.
func (k *keyRing) document() object {
	k.mu.RLock()
	defer k.mu.RUnlock()
	list := make([]object, 0, len(k.keys))
	for _, s := range k.keys {
		list = append(list, object{{"kty", "RSA"}, {"kid", s.kid}, {"use", "sig"}, {"n", s.n}, {"e", s.e}})
	}
	return object{{"keys", list}}
}

func (s *Server) certs(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "private")
	writeJSON(w, http.StatusOK, s.keys.document())
}

// sign makes a JWT. Access tokens take the client's algorithm too (inferred: so
// does node-oidc-provider 5, and an app set to HS256 has tokens no key set can
// verify).
func (s *Server) sign(c *Client, claims object) (string, error) {
	method := jwt.GetSigningMethod(c.Algorithm)
	header := object{{"alg", c.Algorithm}, {"typ", "JWT"}}
	var key any
	if c.Algorithm == "HS256" {
		key = []byte(c.Secret.Reveal())
	} else {
		active := s.keys.active()
		key = active.key
		header.add("kid", active.kid)
	}
	h, err := encode(header)
	if err != nil {
		return "", err
	}
	p, err := encode(claims)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(p)
	sig, err := method.Sign(signed, key)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

// halfHash is the value of at_hash and s_hash: the left half of the hash of the
// token's algorithm, SHA-256 for all three (OpenID Connect Core 3.1.3.6).
func halfHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
