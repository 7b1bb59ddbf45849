package apigw_test

import (
	"slices"
	"strings"
	"testing"

	"gatepass/pkg/apigw"
)

func TestValidate(t *testing.T) {
	request := func(k apigw.Kind, sources ...string) *apigw.API {
		a := rest(&apigw.Authorizer{Name: "r", Type: apigw.AuthRequest, IdentitySources: sources, PayloadFormat: "2.0"})
		a.Kind = k
		return a
	}
	change := func(a *apigw.API, f func(*apigw.API, *apigw.Authorizer)) *apigw.API {
		f(a, a.Default.Authorizer)
		return a
	}
	routes := func(paths ...string) *apigw.API {
		a := rest(nil)
		a.Routes = []apigw.Route{}
		for _, p := range paths {
			method, path, _ := strings.Cut(p, " ")
			a.Routes = append(a.Routes, apigw.Route{Method: method, Path: path})
		}
		return a
	}
	for _, tc := range []struct {
		name, want string // the id of a finding, empty: none
		api        *apigw.API
	}{
		{"TOKEN", "", rest(lambda())},
		{"TOKEN of a query", "token-source", change(rest(lambda()), func(_ *apigw.API, z *apigw.Authorizer) { z.IdentitySources = []string{"method.request.querystring.x"} })},
		{"JWT of the query of an HTTP API", "", change(httpAPI(jwtAuthorizer()), func(_ *apigw.API, z *apigw.Authorizer) { z.IdentitySources = []string{"$request.querystring.x"} })},
		{"JWT of the query of a REST API", "token-source", change(rest(jwtAuthorizer()), func(_ *apigw.API, z *apigw.Authorizer) { z.IdentitySources = []string{"method.request.querystring.x"} })},
		{"JWT of the context", "token-source", change(httpAPI(jwtAuthorizer()), func(_ *apigw.API, z *apigw.Authorizer) { z.IdentitySources = []string{"$context.routeKey"} })},
		{"JWT of a stage variable", "token-source", change(httpAPI(jwtAuthorizer()), func(_ *apigw.API, z *apigw.Authorizer) { z.IdentitySources = []string{"$stageVariables.x"} })},
		{"an empty string for no sources", "", change(request(apigw.REST, ""), func(_ *apigw.API, z *apigw.Authorizer) { z.TTL = new(0) })},
		{"an empty string for no sources, cached", "authorizer", request(apigw.REST, "")},
		{"an empty source", "authorizer", request(apigw.REST, "method.request.header.A,")},
		{"TOKEN of an empty source", "authorizer", change(rest(lambda()), func(_ *apigw.API, z *apigw.Authorizer) { z.IdentitySources = []string{""} })},
		{"TOKEN of two headers", "authorizer", change(rest(lambda()), func(_ *apigw.API, z *apigw.Authorizer) {
			z.IdentitySources = []string{"method.request.header.A,method.request.header.B"}
		})},
		{"TOKEN of an HTTP API", "authorizer", httpAPI(lambda())},
		{"HTTP source in a REST API", "authorizer", request(apigw.REST, "$request.header.A")},
		{"REST source in an HTTP API", "authorizer", request(apigw.HTTP, "method.request.header.A")},
		{"path source", "authorizer", request(apigw.REST, "method.request.path.id")},
		{"strange header", "authorizer", request(apigw.REST, "method.request.header.a b")},
		{"no name", "authorizer", request(apigw.REST, "method.request.header.")},
		{"cache without sources", "authorizer", request(apigw.REST)},
		{"HTTP API without sources", "", request(apigw.HTTP)},
		{"TTL", "ttl", change(rest(lambda()), func(_ *apigw.API, z *apigw.Authorizer) { z.TTL = new(3601) })},
		{"negative TTL", "ttl", change(rest(lambda()), func(_ *apigw.API, z *apigw.Authorizer) { z.TTL = new(-1) })},
		{"TTL of a WebSocket API", "ttl-unused", change(connectAPI(), func(_ *apigw.API, z *apigw.Authorizer) { z.TTL = new(1) })},
		{"no payload format", "payload-format", change(request(apigw.HTTP), func(_ *apigw.API, z *apigw.Authorizer) { z.PayloadFormat = "" })},
		{"simple with 1.0", "simple-responses", change(httpAPI(simple()), func(_ *apigw.API, z *apigw.Authorizer) { z.PayloadFormat = "1.0" })},
		{"simple with a cache", "simple-cached", change(httpAPI(simple()), func(_ *apigw.API, z *apigw.Authorizer) { z.TTL = new(60) })},
		{"simple with a cache for each route", "", change(httpAPI(simple()), func(_ *apigw.API, z *apigw.Authorizer) {
			z.TTL, z.IdentitySources = new(60), []string{"$request.header.Authorization", "$context.routeKey"}
		})},
		{"simple without a cache", "", change(httpAPI(simple()), func(_ *apigw.API, z *apigw.Authorizer) { z.TTL = new(0) })},
		{"simple in a REST API", "simple-responses", change(rest(lambda()), func(_ *apigw.API, z *apigw.Authorizer) { z.SimpleResponses = true })},
		{"JWT", "", httpAPI(jwtAuthorizer())},
		{"JWT of a REST API", "", rest(jwtAuthorizer())},
		{"JWT of a WebSocket API", "authorizer", change(connectAPI(), func(a *apigw.API, _ *apigw.Authorizer) { a.Default.Authorizer = jwtAuthorizer() })},
		{"http issuer", "issuer", change(httpAPI(jwtAuthorizer()), func(_ *apigw.API, z *apigw.Authorizer) { z.JWT.Issuers[0].Issuer = "http://issuer.example.com" })},
		{"loopback issuer", "", change(httpAPI(jwtAuthorizer()), func(_ *apigw.API, z *apigw.Authorizer) { z.JWT.Issuers[0].Issuer = "http://127.0.0.1:8080/oidc/2" })},
		{"issuer with query", "issuer", change(httpAPI(jwtAuthorizer()), func(_ *apigw.API, z *apigw.Authorizer) { z.JWT.Issuers[0].Issuer += "?a=b" })},
		{"discovery as issuer", "issuer", change(httpAPI(jwtAuthorizer()), func(_ *apigw.API, z *apigw.Authorizer) {
			z.JWT.Issuers[0].Issuer += ".well-known/openid-configuration"
		})},
		{"two issuers", "issuer", change(httpAPI(jwtAuthorizer()), func(_ *apigw.API, z *apigw.Authorizer) { z.JWT.Issuers = append(z.JWT.Issuers, z.JWT.Issuers[0]) })},
		{"no audience", "audience", change(httpAPI(jwtAuthorizer()), func(_ *apigw.API, z *apigw.Authorizer) { z.JWT.Issuers[0].Audience = nil })},
		{"no issuer", "issuer", change(httpAPI(jwtAuthorizer()), func(_ *apigw.API, z *apigw.Authorizer) { z.JWT.Issuers = nil })},
		{"scopes of nobody", "scopes-unused", change(rest(lambda()), func(a *apigw.API, _ *apigw.Authorizer) { a.Default.Scopes = []string{"a"} })},
		{"expression of nobody", "expression-unused", change(request(apigw.HTTP), func(_ *apigw.API, z *apigw.Authorizer) { z.ValidationExpression = "a" })},
		{"expression", "authorizer", withExpression("(?=a)")},
		{"HTTP with resource policy", "only-rest", change(httpAPI(simple()), func(a *apigw.API, _ *apigw.Authorizer) { a.ResourcePolicy = statement(t, "Allow") })},
		{"HTTP with API keys", "only-rest", change(httpAPI(simple()), func(a *apigw.API, _ *apigw.Authorizer) { a.Default.APIKeyRequired = true })},
		{"HTTP with gateway responses", "only-rest", change(httpAPI(simple()), func(a *apigw.API, _ *apigw.Authorizer) {
			a.Responses = map[apigw.ResponseType]apigw.GatewayResponse{apigw.Unauthorized: {}}
		})},
		{"key from nobody", "key-source", change(rest(nil), func(a *apigw.API, _ *apigw.Authorizer) {
			a.Default.APIKeyRequired, a.APIKeySource = true, apigw.KeyFromAuthorizer
		})},
		{"response type", "response-type", change(rest(nil), func(a *apigw.API, _ *apigw.Authorizer) {
			a.Responses = map[apigw.ResponseType]apigw.GatewayResponse{"DENIED": {}}
		})},
		{"response status", "response-status", change(rest(nil), func(a *apigw.API, _ *apigw.Authorizer) {
			a.Responses = map[apigw.ResponseType]apigw.GatewayResponse{apigw.Unauthorized: {Status: 42}}
		})},
		{"large resource policy", "resource-policy-size", change(rest(nil), func(a *apigw.API, _ *apigw.Authorizer) {
			a.ResourcePolicy = resourcePolicy(t, `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"`+strings.Repeat("a", 8200)+`"}]}`)
		})},
		{"integration payload", "integration-payload", change(httpAPI(nil), func(a *apigw.API, _ *apigw.Authorizer) { a.IntegrationPayload = "3.0" })},
		{"routes", "", routes("GET /", "ANY /pets/{id}", "POST /{proxy+}")},
		{"method", "route-method", routes("FETCH /")},
		{"path", "route-path", routes("GET pets")},
		{"twice", "route-twice", routes("GET /a/{x}", "GET /a/{y}")},
		{"twice, once in another encoding", "route-twice", routes("GET /~a", "GET /%7ea")},
		{"in percent-encoding", "", routes("GET /a%20b/%7Eann/a..b:c")},
		{"not in percent-encoding", "route-unreachable", routes("GET /a b")},
		{"a percent sign alone", "route-unreachable", routes("GET /100%")},
		{"a part that climbs", "route-unreachable", routes("GET /a/%2e./b")},
		{"greedy in the middle", "route-greedy", routes("GET /{a+}/b")},
		{"part of a segment", "route-variable", routes("GET /a{b}")},
		{"no variable name", "route-variable", routes("GET /{}")},
		{"variable twice", "route-variable", routes("GET /{a}/{a}")},
		{"two of a name", "authorizer-name", change(routes("GET /a", "GET /b"), func(a *apigw.API, _ *apigw.Authorizer) {
			a.Routes[0].Authorizer, a.Routes[1].Authorizer = lambda(), lambda()
		})},
	} {
		var ids []string
		for _, f := range tc.api.Validate() {
			ids = append(ids, f.ID)
			if f.Where == "" || f.Message == "" || f.Severity != apigw.SeverityError && f.Severity != apigw.SeverityWarning {
				t.Errorf("%s: %+v", tc.name, f)
			}
		}
		if tc.want == "" && len(ids) > 0 || tc.want != "" && !slices.Contains(ids, tc.want) {
			t.Errorf("%s: findings %v, want %q", tc.name, tc.api.Validate(), tc.want)
		}
	}
}
