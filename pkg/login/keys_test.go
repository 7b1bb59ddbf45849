package login_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"gatepass/pkg/fault"
	"gatepass/pkg/login"
)

// jwk is a public key as a key set has it, with more members.
func jwk(t *testing.T, k any, more map[string]any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(jose.JSONWebKey{Key: k, KeyID: "one", Use: "sig"})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	maps.Copy(m, more)
	return m
}

// A key is used for what it is marked for, and one that cannot be used spoils no
// other.
func TestKeysThatAreNone(t *testing.T) {
	right := signingKey().Public()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	// Verifying with it takes minutes, if nobody looks at its length first.
	huge := encode(append(append([]byte{0x80}, make([]byte, 1<<15)...), 1))
	type members = map[string]any
	for name, tc := range map[string]struct {
		keys []any
		sign func(map[string]any) string
		text string // empty: it verifies
	}{
		"good":                    {keys: []any{jwk(t, right, nil)}},
		"for this algorithm":      {keys: []any{jwk(t, right, members{"alg": "RS256", "key_ops": []string{"verify"}})}},
		"for encryption":          {keys: []any{jwk(t, right, members{"use": "enc"})}, text: "marked for another use"},
		"for other operations":    {keys: []any{jwk(t, right, members{"key_ops": []string{"encrypt"}})}, text: "other operations"},
		"for another algorithm":   {keys: []any{jwk(t, right, members{"alg": "PS512"})}, text: "another algorithm"},
		"private":                 {keys: []any{jwk(t, signingKey(), nil)}, text: "not a public key"},
		"shared":                  {keys: []any{members{"kty": "oct", "kid": "one", "k": encode(make([]byte, 32))}}, text: "not a public key"},
		"weak":                    {keys: []any{jwk(t, weak.Public(), nil)}, sign: signedBy(jose.RS256, weak, "one"), text: "1024 bits"},
		"huge":                    {keys: []any{jwk(t, right, members{"n": huge})}, text: `the key "one"`},
		"exponent 1":              {keys: []any{jwk(t, right, members{"e": "AQ"})}, text: "signature"},
		"off its curve":           {keys: []any{jwk(t, elliptical.Public(), members{"x": encode(big.NewInt(5).FillBytes(make([]byte, 32)))})}, sign: signedBy(jose.ES256, elliptical, "one"), text: "cannot be read"},
		"a certificate alone":     {keys: []any{members{"kty": "RSA", "kid": "one", "x5c": []string{"MIIB"}}}, text: "cannot be read"},
		"no objects":              {keys: []any{1, "x", nil, []string{}}, text: "no key"},
		"after unknown ones":      {keys: []any{members{"kty": "AKP", "kid": "x"}, members{"kty": "RSA", "n": "!!", "e": "AQAB"}, 7, jwk(t, right, nil)}},
		"after one of its kid":    {keys: []any{members{"kty": "oct", "kid": "one", "k": "AAAA"}, jwk(t, otherKey().Public(), nil), jwk(t, right, nil)}},
		"without a kid, shadowed": {keys: []any{jwk(t, right, members{"use": "enc"}), jwk(t, right, nil)}, sign: signedBy(jose.RS256, signingKey(), "")},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.sign = tc.sign
			i.handle["/certs"] = func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]any{"keys": tc.keys}) }
			_, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open})
			if tc.text == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want(t, err, fault.Invalid, tc.text)
		})
	}
}

// A token that nothing could keep is refused before it is kept.
func TestEndlessTokens(t *testing.T) {
	for _, member := range []string{"access_token", "refresh_token"} {
		i := newIssuer(t)
		i.response = func(r map[string]any) { r[member] = strings.Repeat("x", 100_000) }
		i.id = func(claims map[string]any) { delete(claims, "at_hash") }
		_, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open})
		want(t, err, fault.Failed, "100000 bytes")
	}
}

// What the authorization endpoint has of parameters stays, and ours are there once.
func TestEndpointWithParameters(t *testing.T) {
	i := newIssuer(t)
	i.discovery = func(doc map[string]any) {
		doc["authorization_endpoint"] = i.url + "/auth?p=policy&state=mine&redirect_uri=https://evil.example/&response_type=token#here"
	}
	if _, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open}); err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for name, values := range i.auth {
		if len(values) != 1 {
			t.Errorf("%s is there %d times", name, len(values))
		}
	}
	if i.auth.Get("p") != "policy" || i.auth.Get("state") == "mine" || i.auth.Get("response_type") != "code" {
		t.Errorf("asked with %v", i.auth)
	}
}

// An OAuth 2.0 error is one, whatever the answer says of its kind.
func TestRefusalOfAnyKind(t *testing.T) {
	for _, kind := range []string{"application/json", "text/plain", "text/html", ""} {
		i := newIssuer(t)
		i.handle["/token"] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{kind}
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"invalid_grant","error_description":"grant request is invalid"}`)
		}
		_, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open})
		want(t, err, fault.Failed, "invalid_grant (grant request is invalid)")
	}
}
