package verify_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

// rsaKey is one key for all tests of the package: making one is slow.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// rsaJWK is the public half of a key as a JWK.
func rsaJWK(k *rsa.PrivateKey, extra string) string {
	return fmt.Sprintf(`{"kty":"RSA","n":%q,"e":%q%s}`, b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes()), extra)
}

// sign makes a compact JWS of a header and payload that are given as JSON.
func sign(t testing.TB, m jwt.SigningMethod, key any, header, payload string) string {
	t.Helper()
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	sig, err := m.Sign(input, key)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(sig)
}

const (
	issuer   = "https://acme.onelogin.com/oidc/2"
	client   = "e0001112-9e47-0138-5b6c-023242b000010000ab"
	rsHeader = `{"alg":"RS256","typ":"JWT","kid":"k1"}`
)

// start is the time at which tests happen.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// accessClaims are those of OneLogin's access tokens.
func accessClaims() string {
	c, err := json.Marshal(map[string]any{
		"jti": "XGZ3p~1_yy-3dGvvW6lHk", "sub": "35666371", "iss": issuer, "iat": start.Unix() - 480,
		"exp": start.Unix() + 3120, "scope": "openid profile groups", "aud": client,
	})
	if err != nil {
		panic(err)
	}
	return string(c)
}

func keys(t testing.TB, jwks ...string) *verify.KeySet {
	t.Helper()
	set, err := verify.ParseKeySet("keys.json", []byte(`{"keys":[`+strings.Join(jwks, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func expectation() token.Expect {
	return token.Expect{Issuer: issuer, Audience: []string{client}, Use: token.AccessUse, Now: start}
}

// BenchmarkRS256 compares whole verifications with the bare signature check that
// they contain.
func BenchmarkRS256(b *testing.B) {
	k := rsaKey()
	raw := sign(b, jwt.SigningMethodRS256, k, rsHeader, accessClaims())
	set := keys(b, rsaJWK(k, `,"kid":"k1","use":"sig"`))
	tok, err := token.Decode(raw)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("crypto-rsa", func(b *testing.B) {
		for b.Loop() {
			sum := sha256.Sum256([]byte(tok.SigningInput()))
			if err := rsa.VerifyPKCS1v15(&k.PublicKey, crypto.SHA256, sum[:], tok.Signature); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			r, _ := verify.Verify(b.Context(), tok, expectation(), set)
			if _, ok := r.Verified(); !ok {
				b.Fatal(r.Checks)
			}
		}
	})
	b.Run("decode-and-verify", func(b *testing.B) {
		v := verify.NewVerifier(expectation(), set, -1)
		for b.Loop() {
			if _, err := v.Verify(b.Context(), raw, start); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("seen-before", func(b *testing.B) {
		v := verify.NewVerifier(expectation(), set, 0)
		for b.Loop() {
			if _, err := v.Verify(b.Context(), raw, start); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRS256Ratio times the three in turn, so that whatever else the machine
// does falls on all of them alike, and reports what their medians are to each
// other. The budget is 0.9 for verify.
func BenchmarkRS256Ratio(b *testing.B) {
	k := rsaKey()
	raw := sign(b, jwt.SigningMethodRS256, k, rsHeader, accessClaims())
	set := keys(b, rsaJWK(k, `,"kid":"k1","use":"sig"`))
	tok, err := token.Decode(raw)
	if err != nil {
		b.Fatal(err)
	}
	v := verify.NewVerifier(expectation(), set, -1)
	work := []func() error{
		func() error {
			sum := sha256.Sum256([]byte(tok.SigningInput()))
			return rsa.VerifyPKCS1v15(&k.PublicKey, crypto.SHA256, sum[:], tok.Signature)
		},
		func() error {
			_, err := verify.Verify(b.Context(), tok, expectation(), set)
			return err
		},
		func() error {
			_, err := v.Verify(b.Context(), raw, start)
			return err
		},
	}
	times := make([][]time.Duration, len(work))
	for b.Loop() {
		for i, f := range work {
			began := time.Now()
			if err := f(); err != nil {
				b.Fatal(err)
			}
			times[i] = append(times[i], time.Since(began))
		}
	}
	median := func(i int) float64 {
		slices.Sort(times[i])
		return float64(times[i][len(times[i])/2])
	}
	b.ReportMetric(median(0)/median(1), "verify/crypto-rsa")
	b.ReportMetric(median(0)/median(2), "decode-and-verify/crypto-rsa")
	b.ReportMetric(median(0), "crypto-rsa-ns")
}
