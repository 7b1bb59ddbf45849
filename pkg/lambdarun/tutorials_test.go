package lambdarun_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/lambdarun"
)

// tutorial is the handler of a file in testdata.
func tutorial(file string) string { return filepath.Join("testdata", "handlers", file) }

// effect is what a policy says.
func effect(t *testing.T, o apigw.Output) string {
	t.Helper()
	var got struct {
		PolicyDocument struct{ Statement []struct{ Effect string } }
	}
	if err := json.Unmarshal([]byte(o.Text), &got); err != nil || len(got.PolicyDocument.Statement) != 1 {
		return said(o)
	}
	return got.PolicyDocument.Statement[0].Effect
}

// TestTutorials: the authorizers of the tutorials, as they should be.
func TestTutorials(t *testing.T) {
	const token = `{"type": "TOKEN", "methodArn": "arn:aws:execute-api:us-east-1:1:a/s/GET/pets", "authorizationToken": "`
	for _, file := range []string{"simple.js", "simple.py"} {
		t.Run(file, func(t *testing.T) {
			need(t, map[string]string{".js": "node", ".py": "python3"}[filepath.Ext(file)])
			f, _ := start(t, lambdarun.Options{Handler: tutorial(file)})
			for word, want := range map[string]string{"allow": "Allow", "deny": "Deny"} {
				if got := effect(t, invoke(f, token+word+`"}`)); got != want {
					t.Errorf("%s: %s", word, got)
				}
			}
			want(t, invoke(f, token+`unauthorized"}`), "error Unauthorized")
			if o := invoke(f, token+`x"}`); o.Kind != apigw.Failed || o.Message == "Unauthorized" || !strings.Contains(o.Message, "Invalid token") {
				t.Errorf("%s", said(o))
			}
		})
	}
}

func TestRequestAuthorizer(t *testing.T) {
	need(t, "node")
	f, _ := start(t, lambdarun.Options{Handler: tutorial("request.js")})
	const event = `{"type": "REQUEST", "methodArn": "arn:a", "headers": {"HeaderAuth1": "headerValue1"}, "queryStringParameters": {"QueryString1": "%s"}, "stageVariables": {"StageVar1": "stageValue1"}}`
	if got := effect(t, invoke(f, fmt.Sprintf(event, "queryValue1"))); got != "Allow" {
		t.Errorf("got %s", got)
	}
	want(t, invoke(f, fmt.Sprintf(event, "other")), "error Unauthorized")
}

func TestSimpleResponse(t *testing.T) {
	need(t, "node")
	f, _ := start(t, lambdarun.Options{Handler: tutorial("http.mjs"), Env: map[string]string{"SECRET": "s3cret"}})
	want(t, invoke(f, `{"version": "2.0", "routeKey": "GET /pets", "headers": {"authorization": "s3cret"}}`), `result {"isAuthorized":true,"context":{"roles":["reader"],"route":"GET /pets"}}`)
	want(t, invoke(f, `{"version": "2.0", "routeKey": "GET /pets", "headers": {}}`), `result {"isAuthorized":false,"context":{"roles":["reader"],"route":"GET /pets"}}`)
}

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func part(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// sign makes a JSON Web Token with RS256.
func sign(t *testing.T, header, claims map[string]any) string {
	t.Helper()
	text := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, signingKey(), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// TestJWTAuthorizer: the tutorial's second authorizer, which verifies what it decodes.
func TestJWTAuthorizer(t *testing.T) {
	need(t, "node")
	public := signingKey().PublicKey
	jwks := code(t, "keys.json", `{"keys": [{"kty": "RSA", "kid": "one", "n": "`+base64.RawURLEncoding.EncodeToString(public.N.Bytes())+
		`", "e": "`+base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes())+`"}]}`)
	f, l := start(t, lambdarun.Options{
		Handler: tutorial("jwt.js"), Env: map[string]string{"JWKS": jwks, "ISSUER": "https://acme.onelogin.com/oidc/2", "AUDIENCE": "orders"},
	})
	header := map[string]any{"alg": "RS256", "kid": "one"}
	good := map[string]any{
		"iss": "https://acme.onelogin.com/oidc/2", "aud": []string{"orders"}, "exp": time.Now().Add(time.Hour).Unix(), "sub": "42", "groups": []string{"Admins"},
	}
	with := func(m map[string]any, name string, value any) map[string]any {
		m = maps.Clone(m)
		m[name] = value
		return m
	}
	for _, tc := range []struct{ name, token, want, log string }{
		{"an admin", sign(t, header, good), "Allow", ""},
		{"one audience as text", sign(t, header, with(good, "aud", "orders")), "Allow", ""},
		{"somebody else", sign(t, header, with(good, "groups", []string{"Users"})), "Deny", ""},
		{"expired", sign(t, header, with(good, "exp", 1)), "error Unauthorized", "not valid now"},
		{"no expiry", sign(t, header, with(good, "exp", nil)), "error Unauthorized", "not valid now"},
		{"another audience", sign(t, header, with(good, "aud", "other")), "error Unauthorized", "another audience"},
		{"another issuer", sign(t, header, with(good, "iss", "https://evil.example")), "error Unauthorized", "another issuer"},
		{"another key", sign(t, with(header, "kid", "two"), good), "error Unauthorized", "no key"},
		{"no algorithm", sign(t, with(header, "alg", "none"), good), "error Unauthorized", "no key"},
		{"changed", strings.Replace(sign(t, header, good), ".", "."+part("x")[:4], 1), "error Unauthorized", "wrong signature"},
		{"no token", "x", "error Unauthorized", "no bearer token"},
	} {
		event, err := json.Marshal(map[string]string{"type": "TOKEN", "methodArn": "arn:aws:execute-api:us-east-1:1:a/s/GET/pets", "authorizationToken": "Bearer " + tc.token})
		if err != nil {
			t.Fatal(err)
		}
		before := len(l.text())
		if got := effect(t, f.Invoke(t.Context(), event)); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
		if said := l.text()[before:]; !strings.Contains(said, tc.log) {
			t.Errorf("%s: the log says %q, want %q", tc.name, said, tc.log)
		}
	}
}
