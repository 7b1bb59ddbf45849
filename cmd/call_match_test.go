package cmd_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// jwt is a token with claims whose signature is to be seen nowhere.
func jwt(t *testing.T, claims map[string]any) string {
	t.Helper()
	b, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ." + base64.RawURLEncoding.EncodeToString(b) + ".c2lnbmF0dXJlLXRoYXQtaXMtc2VjcmV0"
}

// What the API will not like about the token is said before it is sent, as far as
// the settings tell; the request is made all the same.
func TestCallWarnsOfAMismatch(t *testing.T) {
	calls := 0
	c := newCall(t, status(200, nil, "fine"))
	c.write("policy.yaml", `version: 1
tokens: {issuer: https://acme.onelogin.com/oidc/2, audience: orders}
principal: ${jwt:sub}
policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Resource: "* /*"}]}
`)
	c.write("api.yaml", `kind: http
authorizers:
  login: {type: jwt, issuer: https://acme.onelogin.com/oidc/2, audience: [orders]}
routes:
  GET /open: {authorizer: none}
  GET /orders: {authorizer: login, scopes: ['orders:read']}
`)
	c.write("broken.yaml", "version: [")
	now := time.Now()
	good := func(more ...any) map[string]any {
		claims := map[string]any{
			"iss": "https://acme.onelogin.com/oidc/2", "aud": "orders", "sub": "1", "scope": "openid orders:read", "jti": "1",
			"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
		}
		for i := 0; i < len(more); i += 2 {
			claims[more[i].(string)] = more[i+1]
		}
		return claims
	}
	const warning = "gatepass: the API may not take the token: "
	for _, tc := range []struct {
		name, settings, path string
		claims               map[string]any
		want                 string
	}{
		{"nothing is known", "", "/orders", good("iss", "x", "aud", "y"), ""},
		{"expired", "", "/orders", good("exp", now.Add(-5*time.Minute).Unix()), "expired 5 min ago"},
		{"not yet valid", "", "/orders", good("nbf", now.Add(time.Hour).Unix()), "good only in 59 min"},
		{"without an end", "", "/orders", map[string]any{"sub": "1"}, ""},
		{"authorizer file: good", "--authorizer policy.yaml", "/orders", good(), ""},
		{"authorizer file: issuer", "--authorizer policy.yaml", "/orders", good("iss", "https://other.example"), `iss is "https://other.example", want "https://acme.onelogin.com/oidc/2"`},
		{"authorizer file: audience", "--authorizer policy.yaml", "/orders", good("aud", "billing"), `"billing"`},
		{"authorizer file: ID token", "--authorizer policy.yaml", "/orders", good("nonce", "n", "at_hash", "h", "scope", nil, "jti", nil), "an ID token, want an access token"},
		{"JWT authorizer: good", "--api-file api.yaml", "/orders", good(), ""},
		{"JWT authorizer: issuer", "--api-file api.yaml", "/orders", good("iss", "https://other.example"), "token: its iss is"},
		{"JWT authorizer: audience", "--api-file api.yaml", "/orders", good("aud", "billing"), `its aud is "billing", want`},
		{"JWT authorizer: scopes", "--api-file api.yaml", "/orders", good("scope", "openid"), `its scopes are "openid", want`},
		{"JWT authorizer: expired", "--api-file api.yaml", "/orders", good("exp", now.Add(-5*time.Minute).Unix()), "token: it expired 5m"},
		{"JWT authorizer: opaque", "--api-file api.yaml", "/orders", nil, "it is no JWT"},
		{"opaque, and nothing is known", "", "/orders", nil, ""},
		{"opaque, and a function decides", "--authorizer policy.yaml", "/orders", nil, ""},
		{"an open route", "--api-file api.yaml", "/open", good("aud", "billing"), ""},
		{"a broken file is others' business", "--authorizer broken.yaml", "/orders", good(), ""},
		{"silence", "-s --api-file api.yaml", "/orders", good("aud", "billing"), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.write("token", "opaque-token-of-the-issuer")
			if tc.claims != nil {
				c.write("token", jwt(t, tc.claims))
			}
			args := append([]string{tc.path}, strings.Fields(strings.NewReplacer("policy.yaml", c.dir+"/policy.yaml", "api.yaml", c.dir+"/api.yaml", "broken.yaml", c.dir+"/broken.yaml").Replace(tc.settings))...)
			stdout, stderr := c.run(0, args...)
			if calls++; stdout != "fine" {
				t.Errorf("answered %q", stdout)
			}
			switch {
			case tc.want == "" && stderr != "":
				t.Errorf("said %q, want nothing", stderr)
			case tc.want != "" && (!strings.HasPrefix(stderr, warning) || !strings.Contains(stderr, tc.want) || strings.Count(stderr, "\n") != 1):
				t.Errorf("said %q, want %q", stderr, warning+tc.want)
			}
		})
	}
}
