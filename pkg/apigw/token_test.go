package apigw_test

import (
	"fmt"
	"strings"
	"testing"

	"gatepass/pkg/apigw"
)

const issuer = "https://issuer.example.com/"

func jwtAuthorizer() *apigw.Authorizer {
	return &apigw.Authorizer{
		Name: "j", Type: apigw.AuthJWT,
		JWT: apigw.JWTSettings{Issuers: []apigw.JWTIssuer{{Issuer: issuer, Audience: []string{"x", "api"}}}},
	}
}

// claims are good ones, with more members that go before and win by replacing.
func claims(change string) string {
	base := map[string]string{
		"iss": `"` + issuer + `"`, "aud": `"api"`, "exp": fmt.Sprint(at().Unix() + 300), "iat": fmt.Sprint(at().Unix() - 10), "sub": `"u1"`,
	}
	for part := range strings.SplitSeq(change, ";") {
		name, value, ok := strings.Cut(part, "=")
		switch {
		case !ok:
		case value == "-":
			delete(base, name)
		default:
			base[name] = value
		}
	}
	var all []string
	for name, value := range base {
		all = append(all, `"`+name+`":`+value)
	}
	return "{" + strings.Join(all, ",") + "}"
}

// checked says that a token with these claims has a good signature by the key k1.
func checked(t *testing.T, claims string) func(apigw.Event) apigw.Output {
	return signed(t, `{"alg":"RS256","kid":"k1"}`, claims, apigw.KeyFound, true)
}

func signed(t *testing.T, header, claims string, key apigw.KeyState, good bool) func(apigw.Event) apigw.Output {
	return func(e apigw.Event) apigw.Output {
		if e.Kind != apigw.EventJWT || strings.HasPrefix(e.Token, "Bearer ") {
			t.Errorf("event %+v", e)
		}
		return apigw.TokenOutput(apigw.TokenVerdict{Header: node(t, header), Claims: node(t, claims), Key: key, Signature: good})
	}
}

func TestJWT(t *testing.T) {
	now := at().Unix()
	for _, tc := range []struct {
		name, claims, scopes string
		status               int
		description          string // of the www-authenticate header; empty: none
	}{
		{"good", "", "", 200, ""},
		{"aud list", `aud=["other","api"]`, "", 200, ""},
		{"client_id without aud", `aud=-;client_id="api"`, "", 200, ""},
		{"client_id with another aud", `aud="no";client_id="api"`, "", 401, "the token does not have a valid audience"},
		{"empty aud list", `aud=[];client_id="api"`, "", 401, "the token does not have a valid audience"},
		{"no aud", `aud=-`, "", 401, "the token does not have a valid audience"},
		{"other issuer", `iss="https://issuer.example.com"`, "", 401, ""},
		{"no issuer", `iss=-`, "", 401, ""},
		{"expires now", fmt.Sprint("exp=", now), "", 401, "the token has expired"},
		{"expires in a second", fmt.Sprint("exp=", now+1), "", 200, ""},
		{"expires in a fraction", fmt.Sprintf("exp=%d.5", now), "", 200, ""},
		{"no exp", "exp=-", "", 401, ""},
		{"exp is no date", "exp=true", "", 401, ""},
		{"exp out of range", "exp=1e999", "", 401, ""},
		{"exp as text", `exp="1893456000"`, "", 200, ""},
		{"exp for ever", `exp="Infinity"`, "", 401, ""},
		{"exp of nothing", `exp="NaN"`, "", 401, ""},
		{"nbf for ever", `nbf="-Infinity"`, "", 401, ""},
		{"issued now", fmt.Sprint("iat=", now), "", 200, ""},
		{"issued later", fmt.Sprint("iat=", now+1), "", 401, ""},
		{"no iat", "iat=-", "", 200, ""},
		{"not yet", fmt.Sprint("nbf=", now+1), "", 401, ""},
		{"just now", fmt.Sprint("nbf=", now), "", 200, ""},
		{"scope word", `scope="x b"`, "a b", 200, ""},
		{"scp list", `scp=["b"]`, "a b", 200, ""},
		{"scp string", `scp="c b"`, "a b", 200, ""},
		{"no scope", ``, "a b", 403, "expected scopes: [a b]"},
		{"part of a scope", `scope="bb"`, "a b", 403, "expected scopes: [a b]"},
		{"expired beats scope", fmt.Sprint("exp=", now-1), "a b", 401, "the token has expired"},
	} {
		api := httpAPI(jwtAuthorizer())
		api.Default.Scopes = strings.Fields(tc.scopes)
		v := apigw.Decide(api, get("/", "Bearer t.t.t"), nil, checked(t, claims(tc.claims)))
		if v.Status != tc.status {
			t.Errorf("%s: status %d (%s), want %d", tc.name, v.Status, v.Reason, tc.status)
			continue
		}
		want := ""
		switch tc.status {
		case 401:
			want = `Bearer scope="` + tc.scopes + `" error="invalid_token"`
		case 403:
			want = `Bearer scope="` + tc.scopes + `" error="insufficient_scope"`
		}
		if tc.description != "" {
			want += ` error_description="` + tc.description + `"`
		}
		if got := v.Headers["www-authenticate"]; got != want {
			t.Errorf("%s: www-authenticate %s, want %s", tc.name, got, want)
		}
		if tc.status == 401 && tc.description == "" && inferred(v) == "" {
			t.Errorf("%s: the trace does not say that the text is not known", tc.name)
		}
		if v.ErrorType != "" || v.AuthorizerCalled {
			t.Errorf("%s: type %q, authorizer called %t", tc.name, v.ErrorType, v.AuthorizerCalled)
		}
	}
}

func TestJWTSignatures(t *testing.T) {
	for _, tc := range []struct {
		name, header string
		key          apigw.KeyState
		good         bool
		status       int
		description  string
	}{
		{"RS256", `{"alg":"RS256","kid":"k1"}`, apigw.KeyFound, true, 200, ""},
		{"RS512", `{"alg":"RS512","kid":"k1"}`, apigw.KeyFound, true, 200, ""},
		{"PS256", `{"alg":"PS256","kid":"k1"}`, apigw.KeyFound, true, 401, "signing method PS256 is invalid"},
		{"ES256", `{"alg":"ES256","kid":"k1"}`, apigw.KeyFound, true, 401, "signing method ES256 is invalid"},
		{"none", `{"alg":"none"}`, apigw.KeyFound, true, 401, "signing method none is invalid"},
		{"HS256", `{"alg":"HS256","kid":"k1"}`, apigw.KeyFound, true, 401, "signing method HS256 is invalid"},
		{"hostile alg", `{"alg":"a\"\r\nSet-Cookie: x"}`, apigw.KeyFound, true, 401, "signing method a???Set-Cookie: x is invalid"},
		{"no kid", `{"alg":"RS256"}`, apigw.KeyFound, true, 401, ""},
		{"unknown kid", `{"alg":"RS256","kid":"k2"}`, apigw.KeyUnknown, true, 401, ""},
		{"bad signature", `{"alg":"RS256","kid":"k1"}`, apigw.KeyFound, false, 401, ""},
		{"no keys", `{"alg":"RS256","kid":"k1"}`, apigw.KeysUnavailable, true, 401, ""},
	} {
		v := apigw.Decide(httpAPI(jwtAuthorizer()), get("/", "t.t.t"), nil, signed(t, tc.header, claims(""), tc.key, tc.good))
		if v.Status != tc.status || !strings.Contains(v.Headers["www-authenticate"], tc.description) {
			t.Errorf("%s: %d %s (%s), want %d with %q", tc.name, v.Status, v.Headers["www-authenticate"], v.Reason, tc.status, tc.description)
		}
	}
	api := httpAPI(jwtAuthorizer())
	api.JWTDescriptions = map[string]string{"signature": "crypto/rsa: verification error"}
	v := apigw.Decide(api, get("/", "t.t.t"), nil, signed(t, `{"alg":"RS256","kid":"k1"}`, claims(""), apigw.KeyFound, false))
	if !strings.HasSuffix(v.Headers["www-authenticate"], `error_description="crypto/rsa: verification error"`) {
		t.Errorf("the given description is not used: %s", v.Headers["www-authenticate"])
	}
	// Whoever cannot look at the token answers for no key.
	for _, out := range []apigw.Output{apigw.NotInvokedOutput("no network"), apigw.ErrorOutput("x"), {}, apigw.TokenOutput(apigw.TokenVerdict{})} {
		if v := apigw.Decide(api, get("/", "t.t.t"), nil, func(apigw.Event) apigw.Output { return out }); v.Status != 401 || v.Allowed {
			t.Errorf("%+v: %d", out, v.Status)
		}
	}
	// Claims that are made up are believed when the caller says so, and the trace has it.
	assumed := apigw.TokenVerdict{Header: node(t, `{"alg":"RS256"}`), Claims: node(t, claims("")), Assumed: "the claims are made up"}
	v = apigw.Decide(api, get("/", "t"), nil, func(apigw.Event) apigw.Output { return apigw.TokenOutput(assumed) })
	if !v.Allowed || !strings.Contains(asJSON(t, v.Trace), "made up") {
		t.Errorf("%d %s", v.Status, v.Reason)
	}
}

func TestJWTSource(t *testing.T) {
	for value, want := range map[string]string{
		"t.t.t": "t.t.t", "Bearer t.t.t": "t.t.t", "bearer t.t.t": "bearer t.t.t", "JWT t.t.t": "JWT t.t.t", "Bearer ": "",
	} {
		_, p := apigw.Begin(httpAPI(jwtAuthorizer()), get("/", value))
		if p == nil {
			t.Fatalf("%q: decided without a token", value)
		}
		if got := p.Event().Token; got != want {
			t.Errorf("%q: token %q, want %q", value, got, want)
		}
	}
	v := apigw.Decide(httpAPI(jwtAuthorizer()), get("/", ""), nil, never(t))
	wantVerdict(t, v, 401, `{"message":"Unauthorized"}`)
	if v.Headers["www-authenticate"] != "Bearer" {
		t.Errorf("www-authenticate %q", v.Headers["www-authenticate"])
	}
}

func TestJWTBackend(t *testing.T) {
	c := claims(`exp=1893456000;iat=-;admin=true;groups=["a","b"];o={"roles":["admin"]};n=null;f=1.50;big=12345678901234567890;scope="r w"`)
	api := httpAPI(jwtAuthorizer())
	v := apigw.Decide(api, get("/", "t.t.t"), nil, checked(t, c))
	want := `{"claims":{"admin":"true","aud":"api","big":"12345678901234567890","exp":"1893456000","f":"1.50","groups":"[a b]","iss":"` + issuer +
		`","o":"map[roles:[admin]]","scope":"r w","sub":"u1"},"scopes":null}`
	if v.Backend.At != "requestContext.authorizer.jwt" || asJSON(t, v.Backend.Value) != want {
		t.Errorf("%s %s, want %s", v.Backend.At, asJSON(t, v.Backend.Value), want)
	}
	if got := v.RenderLog("$context.authorizer.claims.sub $context.authorizer.claims['groups'] $context.authorizer.claims"); got != "u1 [a b] -" {
		t.Errorf("access log %q", got)
	}
	api.IntegrationPayload, api.Default.Scopes = "1.0", []string{"w"}
	v = apigw.Decide(api, get("/", "t.t.t"), nil, checked(t, c))
	if scopes := asJSON(t, v.Backend.Value["scopes"]); v.Backend.At != "requestContext.authorizer" || scopes != `["r","w"]` {
		t.Errorf("%s %s", v.Backend.At, scopes)
	}
}

func TestTokenBackend(t *testing.T) {
	c := node(t, `{"sub":"u1","n":1,"groups":["a","b"],"scope":"r"}`)
	for _, tc := range []struct {
		kind        apigw.Kind
		of          apigw.AuthorizerType
		integration string
		at, want    string
	}{
		{apigw.REST, apigw.AuthCognito, "", "requestContext.authorizer", `{"claims":{"groups":"a,b","n":"1","scope":"r","sub":"u1"}}`},
		{apigw.REST, apigw.AuthJWT, "", "requestContext.authorizer", `{"claims":{"groups":["a","b"],"n":1,"scope":"r","sub":"u1"}}`},
		{apigw.HTTP, apigw.AuthJWT, "1.0", "requestContext.authorizer", `{"claims":{"groups":"[a b]","n":"1","scope":"r","sub":"u1"},"scopes":["r"]}`},
		{apigw.HTTP, apigw.AuthJWT, "2.0", "requestContext.authorizer.jwt", `{"claims":{"groups":"[a b]","n":"1","scope":"r","sub":"u1"},"scopes":["r"]}`},
	} {
		b := apigw.TokenBackend(tc.kind, tc.of, tc.integration, []string{"r"}, c)
		if b.At != tc.at || asJSON(t, b.Value) != tc.want {
			t.Errorf("%s %s: %s %s, want %s %s", tc.kind, tc.of, b.At, asJSON(t, b.Value), tc.at, tc.want)
		}
	}
}

// TestRESTJWT: the authorizer of 2026-11-17, as far as it is known; everything
// else is marked.
func TestRESTJWT(t *testing.T) {
	z := jwtAuthorizer()
	z.JWT.Algorithms = []string{"ES256"}
	z.JWT.Issuers = append(z.JWT.Issuers, apigw.JWTIssuer{Issuer: "https://second.example.com", Audience: []string{"two"}, Claims: []apigw.ClaimRule{
		{Name: "tier", Values: []string{"gold", "silver"}, Required: true}, {Name: "extra", Values: []string{"x"}},
	}})
	second := `iss="https://second.example.com";aud="two"`
	es := func(c string) func(apigw.Event) apigw.Output {
		return signed(t, `{"alg":"ES256","kid":"k1"}`, claims(c), apigw.KeyFound, true)
	}
	for c, status := range map[string]int{
		"":                                   200,
		second + `;tier="gold"`:              200,
		second + `;tier=["bronze","silver"]`: 200,
		second + `;tier="bronze silver"`:     200,
		second + `;tier="bronze"`:            401,
		second:                               401,
		second + `;tier="gold";extra="y"`:    401,
		`iss="https://second.example.com"`:   401, // the audience of another issuer
		`aud="two"`:                          401,
	} {
		v := apigw.Decide(rest(z), get("/", "t.t.t"), nil, es(c))
		if v.Status != status || inferred(v) == "" {
			t.Errorf("%s: %d (%s), want %d; inferred %q", c, v.Status, v.Reason, status, inferred(v))
		}
	}
	if v := apigw.Decide(rest(z), get("/", "t.t.t"), nil, checked(t, claims(""))); v.Status != 401 {
		t.Errorf("RS256 where ES256 is declared: %d", v.Status)
	}
	api := rest(z)
	api.Default.Scopes = []string{"w"}
	wantVerdict(t, apigw.Decide(api, get("/", "t.t.t"), nil, es("")), 403, `{"message":"Forbidden"}`)
	v := apigw.Decide(api, get("/", "t.t.t"), nil, es(`scp=["w"];n=7;name="Zoë 😀";groups=["user","editor"]`))
	if got := asJSON(t, v.Backend.Value["claims"].(map[string]any)["n"]); got != "7" {
		t.Errorf("the claim n is %s, want its JSON type", got)
	}
	if got := v.Render(`$context.authorizer.claims.sub $context.authorizer.claims.groups $context.authorizer.claims.name`); got != `"u1" ["user","editor"] "Zo\u00eb \ud83d\ude00"` {
		t.Errorf("mapping template %s", got)
	}
}

func TestCognito(t *testing.T) {
	pool := &apigw.Authorizer{Name: "c", Type: apigw.AuthCognito, JWT: apigw.JWTSettings{Issuers: []apigw.JWTIssuer{{Issuer: issuer}}}}
	const no = `{"message":"Unauthorized"}`
	for _, tc := range []struct {
		name, claims, scopes, expr string
		status                     int
		body                       string
	}{
		{"ID token", `token_use="id"`, "", "", 200, ""},
		{"a token that does not say", "", "", "", 200, ""},
		{"access token", `token_use="access"`, "", "", 401, no},
		{"access token with scope", `token_use="access";scope="a b"`, "b", "", 200, ""},
		{"ID token where scopes are asked", `token_use="id";scope="b"`, "b", "", 401, no},
		{"wrong scope", `token_use="access";scope="a"`, "b", "", 401, no},
		{"expired", "exp=1", "", "", 401, `{"message":"The incoming token has expired"}`},
		{"other pool", `iss="https://other"`, "", "", 401, no},
		{"aud by expression", `aud="client1"`, "", "client[12]", 200, ""},
		{"aud not by expression", `aud="client10"`, "", "client[12]", 401, no},
		{"no aud", `aud=-;client_id="client1"`, "", "client[12]", 401, no},
	} {
		z := *pool
		z.ValidationExpression = tc.expr
		api := rest(&z)
		api.Default.Scopes = strings.Fields(tc.scopes)
		v := apigw.Decide(api, get("/", "t.t.t"), nil, checked(t, claims(tc.claims)))
		if v.Status != tc.status || v.Body != tc.body || v.Status == 401 && v.ErrorType != "UnauthorizedException" {
			t.Errorf("%s: %d %s %s (%s), want %d %s", tc.name, v.Status, v.Body, v.ErrorType, v.Reason, tc.status, tc.body)
		}
	}
	v := apigw.Decide(rest(pool), get("/", "t.t.t"), nil, checked(t, claims(`exp=1893456000;iat=-;cognito:groups=["a","b"]`)))
	if got := asJSON(t, v.Backend.Value); got != `{"claims":{"aud":"api","cognito:groups":"a,b","exp":"1893456000","iss":"`+issuer+`","sub":"u1"}}` {
		t.Errorf("backend %s", got)
	}
}
