package apigw_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// firstCause is what each gateway response is explained as, when its built-in
// answer comes without a token.
func firstCause() map[apigw.ResponseType]string {
	return map[apigw.ResponseType]string{
		apigw.AccessDenied: "denied", apigw.APIConfigurationError: "api-misconfigured", apigw.AuthorizerConfigurationError: "authorizer-failed",
		apigw.AuthorizerFailure: "authorizer-failure", apigw.BadRequestParameters: "bad-parameters", apigw.BadRequestBody: "bad-body",
		apigw.ExpiredToken: "credentials-expired", apigw.IntegrationFailure: "integration-failed", apigw.IntegrationTimeout: "integration-timeout",
		apigw.InvalidAPIKey: "api-key", apigw.InvalidSignature: "signature", apigw.MissingAuthenticationToken: "no-route",
		apigw.QuotaExceededResponse: "quota", apigw.RequestTooLarge: "too-large", apigw.ResourceNotFound: "resource-not-found",
		apigw.ThrottledResponse: "throttled", apigw.Unauthorized: "missing-token", apigw.UnsupportedMediaType: "media-type", apigw.WAFFiltered: "waf",
	}
}

// TestExplainResponseTypes: every gateway response, as it is built in and as an API
// makes it its own.
func TestExplainResponseTypes(t *testing.T) {
	want := firstCause()
	for _, typ := range apigw.ResponseTypes() {
		d, _ := typ.Default()
		if d.Status == 0 { // DEFAULT_4XX and DEFAULT_5XX have no answer of their own
			continue
		}
		message := `"` + d.Message + `"`
		if d.Message == "" {
			message = "null"
		}
		seen := apigw.Seen{
			Method: "GET", Path: "/orders", Status: d.Status, Body: []byte(`{"message":` + message + `}`),
			Header: map[string][]string{"X-Amzn-Errortype": {d.ErrorType}, "X-Amz-Apigw-Id": {"a"}},
		}
		if got := apigw.ExplainResponse(seen); len(got) == 0 || got[0].ID != want[typ] {
			t.Errorf("%s: %s, want %s first", typ, ids(got), want[typ])
		}
		// Its own, with another status and nothing of AWS's in it.
		api := rest(nil)
		api.Responses = map[apigw.ResponseType]apigw.GatewayResponse{
			typ:              {Status: 418, Headers: map[string]string{"gatewayresponse.header.X-Ours": "'yes'"}, Templates: map[string]string{"text/plain": "no: $context.error.message ($context.requestId)"}},
			apigw.Default4XX: {Status: 419, Templates: map[string]string{"text/plain": "no"}},
		}
		seen.API, seen.Status, seen.Body = api, 418, []byte("no: "+d.Message+" (42)")
		seen.Header = map[string][]string{"X-Ours": {"yes"}}
		got := apigw.ExplainResponse(seen)
		if len(got) == 0 || got[0].ID != want[typ] || !strings.Contains(got[0].Sign, string(typ)) {
			t.Errorf("customised %s: %s, want %s first: %+v", typ, ids(got), want[typ], got)
		}
		// With another header it is somebody else's.
		seen.Header = map[string][]string{"X-Ours": {"no"}}
		if got := apigw.ExplainResponse(seen); ids(got) != "not-the-gateway" {
			t.Errorf("not %s: %s", typ, ids(got))
		}
	}
}

// TestExplainCustomised: what a template of DEFAULT_4XX tells is used.
func TestExplainCustomised(t *testing.T) {
	for _, tc := range []struct {
		name, template, body, want string
	}{
		{"by its type", `{"type":"$context.error.responseType","id":"$context.requestId"}`, `{"type":"QUOTA_EXCEEDED","id":"x"}`, "quota"},
		{"by its message", `{"error":{"text":$context.error.messageString}}`, `{"error":{"text":"Missing Authentication Token"}}`, "no-route"},
		{"in braces", `<e>${context.error.message}</e>`, "<e>User is not authorized to access this resource</e>", "implicit-deny"},
		{"white space around it", "\n{\"m\":$context.error.messageString}\n", `{"m":"User is not authorized to access this resource with an explicit deny"}`, "explicit-deny"},
		{"without a word", `{"oops":true}`, `{"oops":true}`, "refused"},
		{"an unknown type", `$context.error.responseType`, "NOT_ONE", "refused"},
		{"another body", `{"oops":true}`, `{"oops":false}`, "not-the-gateway"},
		{"too short", `a$context.requestId`, "", "not-the-gateway"},
		{"something behind it", `a$context.requestId!b`, "axx!bc", "not-the-gateway"},
	} {
		api := rest(nil)
		api.Responses = map[apigw.ResponseType]apigw.GatewayResponse{apigw.Default4XX: {Templates: map[string]string{"application/json": tc.template}}}
		got := apigw.ExplainResponse(apigw.Seen{Status: 403, Body: []byte(tc.body), API: api})
		if len(got) == 0 || got[0].ID != tc.want {
			t.Errorf("%s: %s, want %s first", tc.name, ids(got), tc.want)
		}
	}
	// A status of the default that the settings leave to another type.
	api := rest(nil)
	api.Responses = map[apigw.ResponseType]apigw.GatewayResponse{apigw.Default5XX: {Templates: map[string]string{"a": "x"}}}
	if got := apigw.ExplainResponse(apigw.Seen{Status: 403, Body: []byte("x"), API: api}); ids(got) != "not-the-gateway" {
		t.Errorf("a 403 is no DEFAULT_5XX: %s", ids(got))
	}
}

// TestExplainFacts: what the token's claims say against it is named.
func TestExplainFacts(t *testing.T) {
	claims := func(text string) *source.Node {
		n, err := source.JSON("claims", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const now = 1_800_000_000
	at := time.Unix(now, 0)
	scoped := rest(lambda())
	scoped.Default.Scopes = []string{"write"}
	jwts := httpAPI(jwtAuthorizer())
	expect := []token.Expect{{Issuer: "https://a/", Audience: []string{"api"}}, {Issuer: "https://b", Audience: []string{"other"}}}
	for _, tc := range []struct {
		name, claims string
		expect       []token.Expect
		api          *apigw.API
		at           time.Time
		want         []string
	}{
		{"nothing against it", `{"iss":"https://a/","aud":"api","exp":1800003600}`, expect, nil, at, nil},
		{"expired", `{"iss":"https://a/","aud":"api","exp":1799996400}`, expect, nil, at, []string{"the token: expired 1 h ago"}},
		{"not yet", `{"iss":"https://a/","aud":"api","exp":1800007200,"nbf":1800003600}`, expect, nil, at, []string{"the token: good only in 1 h"}},
		{"audience", `{"iss":"https://b","aud":"api","exp":1800003600}`, expect, nil, at, []string{`the token's audience: aud is "api", want "other"`}},
		{"issuer", `{"iss":"https://a","aud":"api","exp":1800003600}`, expect[:1], nil, at, []string{`they differ in the slash at the end`}},
		{"no time is known", `{"iss":"https://a/","aud":"api","exp":1}`, expect, nil, time.Time{}, nil},
		{"scopes", `{"exp":1800003600,"scope":"read"}`, nil, scoped, at, []string{"its scopes are"}},
		{"of the JWT authorizer", `{"iss":"` + issuer + `","aud":"wrong","exp":1800003600}`, nil, jwts, at, []string{"the token's audience: aud is \"wrong\""}},
		{"several", `{"iss":"https://a/","aud":"x","exp":1}`, expect, nil, at, []string{"audience", "expired"}},
	} {
		got := apigw.ExplainResponse(apigw.Seen{
			Method: "GET", Path: "/orders?a=b", Status: 401, Header: map[string][]string{"x-amzn-errortype": {"UnauthorizedException"}}, Authorization: "Bearer x",
			Claims: claims(tc.claims), Expect: tc.expect, API: tc.api, Time: tc.at,
		})
		facts := got[0].Facts
		ok := len(facts) == len(tc.want)
		for i := range tc.want {
			ok = ok && strings.Contains(facts[i], tc.want[i])
		}
		if !ok {
			t.Errorf("%s: %q, want %q", tc.name, facts, tc.want)
		}
	}
}

// TestExplainUnknownRequest: what was not seen is not held against anybody.
func TestExplainUnknownRequest(t *testing.T) {
	seen := apigw.Seen{Status: 401, Header: map[string][]string{"x-amzn-errortype": {"UnauthorizedException"}}, RequestUnknown: true}
	got := apigw.ExplainResponse(seen)
	if ids(got) != "missing-token authorizer-unauthorized token-not-sent-there" || got[0].Sure {
		t.Errorf("%s: %+v", ids(got), got[0])
	}
	for _, c := range got {
		if strings.Contains(c.Meaning, "GET") || strings.Contains(c.Next, "GET") {
			t.Errorf("it is not known that it was GET: %+v", c)
		}
	}
	if got[1].Next != "See whether the token is still good and meant for this API: gatepass decode --verify; then gatepass authorize METHOD PATH." {
		t.Errorf("next: %s", got[1].Next)
	}
}

// TestExplainForPages: a browser hides a refusal without CORS headers.
func TestExplainForPages(t *testing.T) {
	seen := apigw.Seen{Status: 403, Header: map[string][]string{"x-amzn-errortype": {"WafFilteredException"}}, Origin: true}
	if got := apigw.ExplainResponse(seen); len(got[0].Facts) != 1 || !strings.Contains(got[0].Facts[0], "CORS") {
		t.Errorf("facts: %q", got[0].Facts)
	}
	seen.Header["Access-Control-Allow-Origin"] = []string{"*"}
	if got := apigw.ExplainResponse(seen); len(got[0].Facts) != 0 {
		t.Errorf("facts: %q", got[0].Facts)
	}
}

// TestExplainWho: each row says who answers, and the ones that only the network can
// give are not the gateway's.
func TestExplainWho(t *testing.T) {
	known := []apigw.Who{apigw.ByGateway, apigw.ByAuthorizer, apigw.ByBackend, apigw.ByBetween, apigw.ByClient}
	for _, c := range apigw.Causes() {
		if !slices.Contains(known, c.Who) {
			t.Errorf("%s is said by %q", c.ID, c.Who)
		}
		if strings.HasPrefix(c.ID, "cloudfront") && c.Who != apigw.ByBetween || strings.HasPrefix(c.ID, "jwt-") && c.Who != apigw.ByGateway {
			t.Errorf("%s is said by %s", c.ID, c.Who)
		}
	}
}

// FuzzExplainCustomised: a template fits what it renders to, and explaining never
// panics.
func FuzzExplainCustomised(f *testing.F) {
	f.Add(`{"m":$context.error.messageString}`, `{"m":"x"}`)
	f.Add("${context.a}${context.b}", "")
	f.Add("$context.", "$context.")
	f.Add("$$stageVariables.x$", "y")
	f.Fuzz(func(t *testing.T, template, body string) {
		api := &apigw.API{Responses: map[apigw.ResponseType]apigw.GatewayResponse{apigw.Default4XX: {Templates: map[string]string{"a": template}}}}
		got := apigw.ExplainResponse(apigw.Seen{Status: 403, Body: []byte(body), API: api})
		if len(got) == 0 {
			t.Fatalf("%q %q: nothing", template, body)
		}
		if !strings.Contains(template, "$") && len(template) < 1000 {
			got := apigw.ExplainResponse(apigw.Seen{Status: 403, Body: []byte(template), API: api})
			if !strings.Contains(got[0].Sign, "DEFAULT_4XX") {
				t.Fatalf("%q is not recognised: %+v", template, got)
			}
		}
	})
}
