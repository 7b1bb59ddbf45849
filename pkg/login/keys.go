package login

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"gatepass/pkg/iostreams"
)

// keySet are the keys of an issuer as its document has them now. It is fetched when
// a key is first looked for, or before, and keeps the error of looking one up, of
// which the verifier makes text.
type keySet struct {
	web        *web
	address    string
	algorithms []string
	list       []json.RawMessage // nil until it has been fetched
	err        error
}

// errNoKeys is in the error of a document that is no key set.
var errNoKeys = errors.New("its answer is no key set")

// VerifySignature checks a token's signature with the keys it can be of: the one it
// names, or any where it names none.
func (k *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.verify(ctx, jwt)
	k.err = err
	return payload, err
}

func (k *keySet) verify(ctx context.Context, jwt string) ([]byte, error) {
	var algorithms []jose.SignatureAlgorithm
	for _, a := range k.algorithms {
		algorithms = append(algorithms, jose.SignatureAlgorithm(a))
	}
	signed, err := jose.ParseSignedCompact(jwt, algorithms)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, errors.New("it is not signed in a way that is known here")
	}
	if err := k.fetch(ctx); err != nil {
		return nil, err
	}
	header := signed.Signatures[0].Header
	why := "no key of the issuer's made it"
	for _, raw := range k.list {
		key, reason := usable(raw, header.Algorithm)
		switch {
		case header.KeyID != "" && key.KeyID != header.KeyID:
			continue
		case reason != "":
			why = named(key.KeyID) + " " + reason
			continue
		}
		if payload, err := signed.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New(why)
}

// named is a key for a message.
func named(kid string) string {
	if kid == "" {
		return "a key without a kid"
	}
	return fmt.Sprintf("the key %q", iostreams.Visible(clip(kid)))
}

// fetch gets the document, once. Its members are read one by one, so that a key of a
// kind that is not known here spoils no other (RFC 7517 section 5).
func (k *keySet) fetch(ctx context.Context) error {
	if k.list != nil {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.address, nil)
	if err != nil {
		return err
	}
	resp, err := k.web.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		return errNoKeys
	}
	k.list = doc.Keys
	return nil
}

// The limits of RSA keys, in bits. RFC 7518 section 3.3 forbids less, and with more
// a check takes long enough to be an attack.
const minRSA, maxRSA = 2048, 8192

// usable reads a key (RFC 7517 section 4), and says why it is not for signatures of
// an algorithm.
func usable(raw json.RawMessage, algorithm string) (key jose.JSONWebKey, why string) {
	var marks struct {
		ID         string   `json:"kid"`
		Operations []string `json:"key_ops"`
	}
	if json.Unmarshal(raw, &marks) != nil || json.Unmarshal(raw, &key) != nil {
		key.KeyID = marks.ID
		return key, "cannot be read"
	}
	switch {
	case !key.IsPublic(): // a secret, or a private key that everybody has
		return key, "is not a public key"
	case key.Use != "" && key.Use != "sig":
		return key, "is marked for another use"
	case len(marks.Operations) > 0 && !slices.Contains(marks.Operations, "verify"):
		return key, "is marked for other operations"
	case key.Algorithm != "" && key.Algorithm != algorithm:
		return key, "is marked for another algorithm"
	}
	if k, ok := key.Key.(*rsa.PublicKey); ok && (k.N.BitLen() < minRSA || k.N.BitLen() > maxRSA) {
		return key, fmt.Sprintf("has %d bits, want %d to %d", k.N.BitLen(), minRSA, maxRSA)
	}
	return key, ""
}
