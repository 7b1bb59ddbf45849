package verify_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

// signer is a key pair for one algorithm.
type signer struct {
	alg    string
	method jwt.SigningMethod
	key    any
	jwk    string // without kid
}

// signers has one pair for each algorithm.
func signers(t testing.TB) []signer {
	t.Helper()
	rs := rsaJWK(rsaKey(), "")
	list := []signer{
		{"RS256", jwt.SigningMethodRS256, rsaKey(), rs}, {"RS384", jwt.SigningMethodRS384, rsaKey(), rs}, {"RS512", jwt.SigningMethodRS512, rsaKey(), rs},
		{"PS256", jwt.SigningMethodPS256, rsaKey(), rs}, {"PS384", jwt.SigningMethodPS384, rsaKey(), rs}, {"PS512", jwt.SigningMethodPS512, rsaKey(), rs},
	}
	for _, c := range []struct {
		alg    string
		method jwt.SigningMethod
		curve  elliptic.Curve
	}{
		{"ES256", jwt.SigningMethodES256, elliptic.P256()},
		{"ES384", jwt.SigningMethodES384, elliptic.P384()},
		{"ES512", jwt.SigningMethodES512, elliptic.P521()},
	} {
		k, err := ecdsa.GenerateKey(c.curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, signer{c.alg, c.method, k, ecJWK(t, &k.PublicKey)})
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, signer{"EdDSA", jwt.SigningMethodEdDSA, priv, fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":%q}`, b64(pub))})
	for _, c := range []struct {
		alg    string
		method jwt.SigningMethod
		size   int
	}{{"HS256", jwt.SigningMethodHS256, 32}, {"HS384", jwt.SigningMethodHS384, 48}, {"HS512", jwt.SigningMethodHS512, 64}} {
		k := make([]byte, c.size)
		_, _ = rand.Read(k)
		list = append(list, signer{c.alg, c.method, k, fmt.Sprintf(`{"kty":"oct","k":%q}`, b64(k))})
	}
	return list
}

func ecJWK(t testing.TB, k *ecdsa.PublicKey) string {
	t.Helper()
	point, err := k.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	half := len(point) / 2
	return fmt.Sprintf(`{"kty":"EC","crv":%q,"x":%q,"y":%q}`, k.Curve.Params().Name, b64(point[1:1+half]), b64(point[1+half:]))
}

// mark adds members to a JWK.
func mark(jwk, members string) string { return strings.TrimSuffix(jwk, "}") + "," + members + "}" }

func header(alg, more string) string { return `{"alg":"` + alg + `"` + more + `}` }

// run verifies a token and returns the report.
func run(t testing.TB, raw string, e token.Expect, keys verify.KeySource) token.Report {
	t.Helper()
	tok, err := token.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	r, err := verify.Verify(t.Context(), tok, e, keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// result returns one check of a report.
func result(r token.Report, name string) token.Check {
	for _, c := range r.Checks {
		if c.Name == name {
			return c
		}
	}
	return token.Check{Name: "none"}
}

func allowing(algs ...string) token.Expect {
	e := expectation()
	e.Algorithms = algs
	return e
}

// Every algorithm verifies what it has signed; with every other algorithm's key,
// and with one character changed anywhere, it does not.
func TestAlgorithms(t *testing.T) {
	all := signers(t)
	if len(all) != len(verify.Algorithms()) {
		t.Fatalf("%d algorithms are tested, there are %v", len(all), verify.Algorithms())
	}
	for _, s := range all {
		t.Run(s.alg, func(t *testing.T) {
			raw := sign(t, s.method, s.key, header(s.alg, ""), accessClaims())
			e := allowing(verify.Algorithms()...)
			if r := run(t, raw, e, keys(t, s.jwk)); !good(r) {
				t.Errorf("not verified: %v", r.Checks)
			}
			for _, other := range all {
				if other.jwk != s.jwk && good(run(t, raw, e, keys(t, other.jwk))) {
					t.Errorf("verified with the key of %s", other.alg)
				}
			}
			parts := strings.Split(raw, ".")
			changed := parts[0] + "." + b64([]byte(strings.Replace(accessClaims(), "35666371", "35666372", 1))) + "." + parts[2]
			if good(run(t, changed, e, keys(t, s.jwk))) {
				t.Error("verified with another payload")
			}
			if good(run(t, parts[0]+"."+parts[1]+".", e, keys(t, s.jwk))) {
				t.Error("verified without a signature")
			}
			if good(run(t, raw, allowing("none"), keys(t, s.jwk))) {
				t.Error("verified with an algorithm that is not allowed")
			}
		})
	}
}

func good(r token.Report) bool {
	_, ok := r.Verified()
	return ok
}

// The classic: an RSA key, which is public, used as the secret of an HMAC.
func TestAlgorithmConfusion(t *testing.T) {
	k := rsaKey()
	for _, secret := range []string{rsaJWK(k, ""), string(k.N.Bytes()), b64(k.N.Bytes())} {
		raw := sign(t, jwt.SigningMethodHS256, []byte(secret), header("HS256", ""), accessClaims())
		r := run(t, raw, allowing("RS256", "HS256"), keys(t, rsaJWK(k, "")))
		if c := result(r, token.CheckKey); good(r) || c.Result != token.Fail || !strings.Contains(c.Reason, "HS256 needs oct") {
			t.Errorf("%v", r.Checks)
		}
	}
	unsigned := b64([]byte(header("none", ""))) + "." + b64([]byte(accessClaims())) + "."
	if good(run(t, unsigned, allowing("none", "RS256"), keys(t, rsaJWK(k, "")))) {
		t.Error("an unsigned token is verified")
	}
}

// RFC 7518 section 3.5: the salt is as long as the hash.
func TestSaltLength(t *testing.T) {
	odd := &jwt.SigningMethodRSAPSS{
		SigningMethodRSA: &jwt.SigningMethodRSA{Name: "PS256", Hash: crypto.SHA256},
		Options:          &rsa.PSSOptions{SaltLength: 20},
	}
	raw := sign(t, odd, rsaKey(), header("PS256", ""), accessClaims())
	if good(run(t, raw, allowing("PS256"), keys(t, rsaJWK(rsaKey(), "")))) {
		t.Error("a salt of another length is verified")
	}
}

func TestChoosesKeys(t *testing.T) {
	k1 := rsaJWK(rsaKey(), "")
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	k2 := rsaJWK(other, "")
	es, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec := ecJWK(t, &es.PublicKey)
	named := sign(t, jwt.SigningMethodRS256, rsaKey(), rsHeader, accessClaims())
	unnamed := sign(t, jwt.SigningMethodRS256, rsaKey(), header("RS256", ""), accessClaims())
	oddID := sign(t, jwt.SigningMethodRS256, rsaKey(), header("RS256", `,"kid":1`), accessClaims())
	for _, tc := range []struct {
		name, raw string
		jwks      []string
		want      bool
		reason    string
	}{
		{"by kid", named, []string{mark(k2, `"kid":"k2"`), mark(k1, `"kid":"k1"`)}, true, "the one that the token names"},
		{"no such kid", named, []string{mark(k1, `"kid":"k2"`), mark(ec, `"kid":"k3"`)}, false, `no key has the kid "k1"; there are "k2", "k3"`},
		{"kid of the wrong key", named, []string{mark(k2, `"kid":"k1"`)}, false, "the one that the token names"},
		{"kid is matched exactly", named, []string{mark(k1, `"kid":"K1"`)}, false, "no key has the kid"},
		{"two of one kid", named, []string{mark(k2, `"kid":"k1"`), mark(k1, `"kid":"k1"`)}, true, "the one that the token names"},
		{"a set's key without kid", named, []string{k1}, false, `no key has the kid "k1"; there are one without kid`},
		{"no kid, one key", unnamed, []string{mark(k1, `"kid":"k1"`)}, true, `the token names no key; the key "k1" is the only one that is good for RS256`},
		{"no kid, one of its type", unnamed, []string{mark(k1, `"kid":"k1"`), ec}, true, "the only one"},
		{"no kid, two keys", unnamed, []string{k1, k2}, false, "the token names no key, and 2 are good for RS256"},
		{"kid is a number", oddID, []string{k1}, false, "kid is no string"},
		{"no keys", named, nil, false, "the key set is empty"},
		{"for encryption", named, []string{mark(k1, `"kid":"k1","use":"enc"`)}, false, "marked for use enc"},
		{"for signatures", named, []string{mark(k1, `"kid":"k1","use":"sig","key_ops":["verify"],"alg":"RS256"`)}, true, ""},
		{"for another algorithm", named, []string{mark(k1, `"kid":"k1","alg":"PS256"`)}, false, "marked for PS256"},
		{"for another operation", named, []string{mark(k1, `"kid":"k1","key_ops":["encrypt"]`)}, false, "key_ops do not have verify"},
		{"of another type", named, []string{mark(ec, `"kid":"k1"`)}, false, "it is of type EC, RS256 needs RSA"},
		{"that cannot be used", named, []string{`{"kty":"RSA","kid":"k1","e":"AQAB"}`}, false, `the key "k1" cannot be used: there is no n`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := run(t, tc.raw, expectation(), keys(t, tc.jwks...))
			if c := result(r, token.CheckKey); good(r) != tc.want || !strings.Contains(c.Reason, tc.reason) {
				t.Errorf("%v, %v: %q; want %v, %q", good(r), c.Result, c.Reason, tc.want, tc.reason)
			}
		})
	}
	single, err := verify.ParseKeySet("key.json", []byte(k1))
	if err != nil {
		t.Fatal(err)
	}
	if r := run(t, named, expectation(), single); !good(r) {
		t.Errorf("a key that is given by itself: %v", r.Checks)
	}
}

func TestCurvesMustFit(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw := sign(t, jwt.SigningMethodES384, p384, header("ES256", ""), accessClaims())
	c := result(run(t, raw, allowing("ES256"), keys(t, ecJWK(t, &p384.PublicKey))), token.CheckKey)
	if c.Result != token.Fail || !strings.Contains(c.Reason, "its curve is P-384, ES256 needs P-256") {
		t.Errorf("%v", c)
	}
}

func TestUnusableKeys(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no weak keys: ", err)
	}
	n := b64(rsaKey().N.Bytes())
	for _, tc := range []struct{ name, jwk, want string }{
		{"weak", rsaJWK(weak, ""), "1024 bits is too weak"},
		{"huge", fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQAB"}`, b64(append([]byte{1}, make([]byte, 1024)...))), "8193 bits is too large"},
		{"even modulus", fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQAB"}`, b64(append([]byte{0x80}, make([]byte, 255)...))), "modulus is even"},
		{"exponent 1", fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQ"}`, n), "exponent must be odd"},
		{"even exponent", fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"BA"}`, n), "exponent must be odd"},
		{"huge exponent", fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"_________w"}`, n), "exponent must be odd"},
		{"no exponent", fmt.Sprintf(`{"kty":"RSA","n":%q}`, n), "there is no e"},
		{"padding", fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQAB="}`, n), "e is not base64url without padding"},
		{"line break", fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQ\nAB"}`, n), "e is not base64url: it has a line break"},
		{"plain base64", `{"kty":"RSA","n":"a+b/","e":"AQAB"}`, "n is not base64url"},
		{"no point", fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q}`, b64(make([]byte, 32)), b64(make([]byte, 32))), "no point of P-256"},
		{"short coordinates", `{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`, "have 1 and 1 bytes, P-256 wants 32 each"},
		{"another curve", `{"kty":"EC","crv":"secp256k1","x":"AQ","y":"AQ"}`, `the curve "secp256k1" is not used`},
		{"X25519", `{"kty":"OKP","crv":"X25519","x":"AQ"}`, `the curve "X25519" is not used`},
		{"short Ed25519", `{"kty":"OKP","crv":"Ed25519","x":"AQ"}`, "x has 1 bytes, want 32"},
		{"empty secret", `{"kty":"oct","k":""}`, "there is no k"},
		{"another type", `{"kty":"AKP"}`, `the type "AKP" is not used`},
		{"no type", `{"kid":"x"}`, "there is no kty"},
		{"type is a number", `{"kty":1}`, "kty is a number, want a string"},
		{"empty key_ops", mark(rsaJWK(rsaKey(), ""), `"key_ops":[]`), "key_ops must be a list"},
		{"no object", `7`, "it is a number, want an object"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			set := keys(t, tc.jwk, rsaJWK(rsaKey(), ""))
			if len(set.Keys) != 1 || len(set.Skipped) != 1 || !strings.Contains(set.Skipped[0].Reason, tc.want) {
				t.Errorf("%d keys, skipped %v; want %q", len(set.Keys), set.Skipped, tc.want)
			}
		})
	}
}

func TestShortSecret(t *testing.T) {
	secret := []byte("secret")
	raw := sign(t, jwt.SigningMethodHS256, secret, header("HS256", ""), accessClaims())
	c := result(run(t, raw, allowing("HS256"), keys(t, fmt.Sprintf(`{"kty":"oct","k":%q}`, b64(secret)))), token.CheckKey)
	if c.Result != token.Fail || !strings.Contains(c.Reason, "it has 6 bytes, HS256 needs 32") {
		t.Errorf("%v", c)
	}
}

func TestParseKeySetRefuses(t *testing.T) {
	for _, tc := range []struct{ name, doc, want string }{
		{"too large", strings.Repeat(" ", verify.MaxKeySetSize+1), "f:1:1: 150001 bytes are more than the 150000"},
		{"too many keys", `{"keys":[` + strings.Repeat("0,", verify.MaxKeys) + `0]}`, "f:1:9: 101 keys are more than the 100"},
		{"no JSON", "<html>", "f:1:1: not valid JSON"},
		{"a list", "[]", "f:1:1: want a JWK set"},
		{"no keys", "{}", "f:1:1: want a JWK set"},
		{"keys are an object", `{"keys":{}}`, "f:1:1: want a JWK set"},
		{"a member twice", `{"keys":[],"keys":[]}`, `f:1:12: the key "keys" is given twice`},
	} {
		if _, err := verify.ParseKeySet("f", []byte(tc.doc)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

// Keys that cannot be had say nothing against the token.
func TestNoKeys(t *testing.T) {
	raw := sign(t, jwt.SigningMethodRS256, rsaKey(), rsHeader, accessClaims())
	r := run(t, raw, expectation(), nil)
	if _, failed := r.Failed(); failed || good(r) || result(r, token.CheckSignature).Result != token.Skip || result(r, token.CheckExpiry).Result != token.Pass {
		t.Errorf("%v", r.Checks)
	}
	tok, err := token.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	r, err = verify.Verify(t.Context(), tok, expectation(), failing{})
	if _, failed := r.Failed(); err == nil || failed || good(r) || result(r, token.CheckSignature).Result != token.Skip {
		t.Errorf("%v %v", err, r.Checks)
	}
}

type failing struct{}

func (failing) KeySet(context.Context, string) (*verify.KeySet, error) {
	return nil, fmt.Errorf("no network")
}

// All checks are made, whatever the first ones say.
func TestReportIsWhole(t *testing.T) {
	raw := sign(t, jwt.SigningMethodRS256, rsaKey(), rsHeader, `{"iss":"x","exp":1}`)
	e := expectation()
	e.ClientID = client
	var names []string
	for _, c := range run(t, raw, e, keys(t)).Checks {
		names = append(names, c.Name+" "+c.Result.String())
	}
	const want = "form pass, algorithm pass, critical pass, key fail, signature skip, issuer fail, audience fail, " +
		"authorized-party skip, expiry fail, not-before skip, issued-at skip, use fail"
	if got := strings.Join(names, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSignatureOnly(t *testing.T) {
	raw := sign(t, jwt.SigningMethodRS256, rsaKey(), rsHeader, "no claims")
	set := keys(t, mark(rsaJWK(rsaKey(), ""), `"kid":"k1"`))
	e := expectation()
	if r := run(t, raw, e, set); good(r) || result(r, token.CheckSignature).Result != token.Pass {
		t.Errorf("a JWS is taken for a JWT: %v", r.Checks)
	}
	e.SignatureOnly = true
	if r := run(t, raw, e, set); !good(r) || len(r.Checks) != 5 {
		t.Errorf("%v", r.Checks)
	}
	detached := strings.Split(raw, ".")
	if good(run(t, detached[0]+".."+detached[2], e, set)) {
		t.Error("a detached payload is verified")
	}
}

func TestCriticalAndUnencoded(t *testing.T) {
	set := keys(t, rsaJWK(rsaKey(), ""))
	for _, h := range []string{`{"alg":"RS256","crit":["exp"],"exp":1}`, `{"alg":"RS256","b64":true,"crit":["b64"]}`} {
		if r := run(t, sign(t, jwt.SigningMethodRS256, rsaKey(), h, accessClaims()), expectation(), set); good(r) {
			t.Errorf("%s is verified", h)
		}
	}
	input := b64([]byte(`{"alg":"RS256","b64":false}`)) + ".payload"
	sig, err := jwt.SigningMethodRS256.Sign(input, rsaKey())
	if err != nil {
		t.Fatal(err)
	}
	e := expectation()
	e.SignatureOnly = true
	if good(run(t, input+"."+b64(sig), e, set)) {
		t.Error("b64: false is verified")
	}
}

// FuzzParseKeySet wants that nothing panics, and that a token of somebody else
// is not verified by whatever keys come out.
func FuzzParseKeySet(f *testing.F) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	raw := sign(f, jwt.SigningMethodRS256, other, rsHeader, accessClaims())
	f.Add([]byte(`{"keys":[` + rsaJWK(rsaKey(), `,"kid":"k1","use":"sig","key_ops":["verify"]`) + `]}`))
	f.Add([]byte(`{"kty":"oct","k":"c2VjcmV0","kid":"k1"}`))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k1"}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"","y":null},7,null]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		set, err := verify.ParseKeySet("f", doc)
		if err != nil {
			return
		}
		if len(set.Keys)+len(set.Skipped) > verify.MaxKeys {
			t.Errorf("%d keys", len(set.Keys))
		}
		e := allowing(verify.Algorithms()...)
		if good(run(t, raw, e, set)) {
			t.Errorf("verified with %s", base64.StdEncoding.EncodeToString(doc))
		}
	})
}
