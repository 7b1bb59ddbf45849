package idp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func compare(want, got any) string { return cmp.Diff(want, got) }

// thumbprint is that of RFC 7638 for an RSA key, computed the obvious way:
// encoding/json sorts the members of a map.
func thumbprint(t *testing.T, jwk string) string {
	t.Helper()
	var all map[string]string
	if err := json.Unmarshal([]byte(jwk), &all); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{"kty": all["kty"], "n": all["n"], "e": all["e"]})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
