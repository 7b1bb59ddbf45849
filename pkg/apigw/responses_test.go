package apigw_test

import (
	"strings"
	"testing"

	"gatepass/pkg/apigw"
)

func TestDefaults(t *testing.T) {
	types := apigw.ResponseTypes()
	if len(types) != 21 {
		t.Errorf("%d types, want AWS's 21", len(types))
	}
	for _, r := range types {
		d, ok := r.Default()
		if !ok || (d.Status == 0) != strings.HasPrefix(string(r), "DEFAULT_") {
			t.Errorf("%s: %+v, %t", r, d, ok)
		}
	}
	if _, ok := apigw.ResponseType("access_denied").Default(); ok {
		t.Error("types have capitals")
	}
}

func TestCustomResponses(t *testing.T) {
	allow401 := apigw.GatewayResponse{Status: 418, Headers: map[string]string{
		"gatewayresponse.header.Access-Control-Allow-Origin": "'*'", "gatewayresponse.header.X-Path": "method.request.path.id",
		"X-Query": "method.request.querystring.q", "X-From": "method.request.header.origin", "X-Stage": "stageVariables.v", "X-None": "context.nothing",
		"X-AMZN-ErrorType": "'Mine'", "X-IP": "context.identity.sourceIp",
	}}
	api := rest(lambda())
	api.Routes = []apigw.Route{{Method: "GET", Path: "/pets/{id}", Access: api.Default}}
	api.StageVariables = map[string]string{"v": "1"}
	api.Responses = map[apigw.ResponseType]apigw.GatewayResponse{apigw.Unauthorized: allow401}
	req := get("/pets/7", "")
	req.RawQuery = "q=a%0D%0AX-Evil%3A+1"
	req.Header["Origin"] = []string{"https://app.example.com"}
	v := apigw.Decide(api, req, nil, never(t))
	if v.Status != 418 || v.Body != `{"message":"Unauthorized"}` || v.Response != apigw.Unauthorized {
		t.Errorf("%d %s %s", v.Status, v.Body, v.Response)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "X-Path": "7", "X-Query": "aX-Evil: 1", "X-From": "https://app.example.com", "X-Stage": "1",
		"X-AMZN-ErrorType": "Mine", "X-IP": "203.0.113.7",
	} {
		if v.Headers[name] != want {
			t.Errorf("%s: %q, want %q", name, v.Headers[name], want)
		}
	}
	for _, name := range []string{"X-None", "x-amzn-ErrorType"} {
		if value, ok := v.Headers[name]; ok {
			t.Errorf("%s is there: %q", name, value)
		}
	}
}

// TestTemplates: a customised template replaces the capital Message, and may show
// the authorizer's context.
func TestTemplates(t *testing.T) {
	api := rest(lambda())
	template := `{"error":$context.error.messageString,"plain":"$context.error.message","type":"$context.error.responseType","who":"$context.authorizer.principalId","why":"$context.authorizer.reason","id":"${context.requestId}","none":"$context.nope.","price":"$5","user":"$stageVariables.x"}`
	api.Responses = map[apigw.ResponseType]apigw.GatewayResponse{
		apigw.Default4XX: {Templates: map[string]string{"application/json": template, "text/plain": "$context.status"}},
	}
	api.Denial = apigw.LegacyText
	doc := policyAnswer("Deny", "*", `,"context":{"reason":"too \"late\""}`)
	v := apigw.Decide(api, get("/", "x"), nil, returns(doc))
	want := `{"error":"User is not authorized to access this resource with an explicit deny","plain":"User is not authorized to access this resource with an explicit deny","type":"ACCESS_DENIED","who":"u1","why":"too "late"","id":"id-1","none":".","price":"$5","user":""}`
	if v.Body != want {
		t.Errorf("body %s\nwant %s", v.Body, want)
	}
	req := get("/", "x")
	req.Header["accept"] = []string{"text/plain"}
	if v := apigw.Decide(api, req, nil, returns(doc)); v.Body != "403" || v.Headers["Content-Type"] != "text/plain" {
		t.Errorf("%s %s", v.Headers["Content-Type"], v.Body)
	}
	// The type's own customisation comes before DEFAULT_4XX, which does not touch 5xx.
	api.Responses[apigw.AccessDenied] = apigw.GatewayResponse{Templates: map[string]string{"application/json": "mine"}}
	if v := apigw.Decide(api, get("/", "x"), nil, returns(doc)); v.Body != "mine" {
		t.Errorf("body %s", v.Body)
	}
	wantVerdict(t, apigw.Decide(api, get("/", "x"), nil, returns("null")), 500, `{"message":null}`)
	api.Responses[apigw.Default5XX] = apigw.GatewayResponse{Templates: map[string]string{"application/json": `[$context.error.messageString,"$context.error.message"]`}}
	wantVerdict(t, apigw.Decide(api, get("/", "x"), nil, returns("null")), 500, `[null,""]`)
}

func TestRenderLog(t *testing.T) {
	v := apigw.Decide(rest(lambda()), get("/a/b?", "x"), nil, returns(policyAnswer("Allow", "*", `,"context":{"n":1}`)))
	for format, want := range map[string]string{
		"$context.identity.sourceIp - [$context.requestTime] $context.httpMethod $context.resourcePath $context.status": "203.0.113.7 - [22/Nov/2026:12:00:00 +0000] GET /a/b? 200",
		"$context.authorizer.n $context.authorizer.principalId $context.authorizer.missing":                             "1 u1 -",
		"$context.domainName $context.domainPrefix $context.stage $context.apiId $context.accountId $context.protocol":  "abc.execute-api.eu-west-1.amazonaws.com abc prod abc 123456789012 HTTP/1.1",
		"$context.requestTimeEpoch $context.extendedRequestId $context.path $context.routeKey":                          "1795348800000 ext-1 /a/b? GET /a/b?",
		"$ $$ $other ${context.stage} ${context.stage $context.":                                                        "$ $$ $other prod ${context.stage $context.",
	} {
		if got := v.RenderLog(format); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
	if got := (&apigw.Verdict{}).Render("$context.stage"); got != "$context.stage" {
		t.Errorf("a verdict of nobody: %q", got)
	}
}

func TestDomain(t *testing.T) {
	for host, want := range map[string]string{"api.example.com": "api.example.com", "localhost:8080": "localhost", "[::1]:8080": "[::1]", "[::1]": "[::1]"} {
		req := get("/", "")
		req.Host = host
		if got := apigw.Decide(rest(nil), req, nil, never(t)).RenderLog("$context.domainName"); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("$context.a ${context.b} $context.authorizer.claims['x']")
	f.Add("$${{context.}")
	v := apigw.Decide(rest(nil), get("/", ""), nil, nil)
	f.Fuzz(func(t *testing.T, template string) {
		got := v.Render(template)
		if !strings.Contains(template, "$") && got != template {
			t.Errorf("%q becomes %q", template, got)
		}
	})
}
