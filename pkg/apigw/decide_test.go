package apigw_test

import (
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
)

const (
	implicitBody = `{"Message":"User is not authorized to access this resource because no identity-based policy allows the execute-api:Invoke action"}`
	explicitBody = `{"Message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`
)

// TestOrder: each step is looked at before those behind it.
func TestOrder(t *testing.T) {
	api := rest(lambda())
	api.Routes = []apigw.Route{{Method: "GET", Path: "/pets/{id+}", Access: apigw.Access{Authorizer: lambda(), APIKeyRequired: true}}}
	api.PlanKeys = []string{"key-1"}
	api.ResourcePolicy = resourcePolicy(t, `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"arn:aws:execute-api:*:*:*/prod/GET/pets/secret"}]}`)
	api.WAFBlocks = true
	allow := policyAnswer("Allow", "*", "")

	step := func(name string, req *apigw.Request, invoke func(apigw.Event) apigw.Output, status int, body, want string) {
		t.Helper()
		v := apigw.Decide(api, req, nil, invoke)
		if got := steps(v); v.Status != status || v.Body != body || got != want {
			t.Errorf("%s: %d %s [%s], want %d %s [%s]", name, v.Status, v.Body, got, status, body, want)
		}
	}
	step("waf", get("/nope", ""), never(t), 403, `{"message":"Forbidden"}`, "waf refused")
	api.WAFBlocks = false
	step("route", get("/nope", ""), never(t), 403, `{"message":"Missing Authentication Token"}`, "route refused")
	step("414", get("/pets/"+strings.Repeat("a", 1600), ""), never(t), 414, `{"message":"Request URI too long"}`, "route ok, route refused")
	step("resource policy", get("/pets/secret", ""), never(t), 403,
		`{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: `+stageARN+`GET/pets/secret with an explicit deny"}`,
		"route ok, policy explicitly-denied")
	step("identity", get("/pets/1", ""), never(t), 401, `{"message":"Unauthorized"}`, "route ok, identity refused")
	step("authorizer", get("/pets/1", "x"), func(apigw.Event) apigw.Output { return apigw.ErrorOutput("boom") }, 500, `{"message":null}`,
		"route ok, identity ok, cache off, authorizer failed")
	step("policy", get("/pets/1", "x"), returns(policyAnswer("Deny", "*", "")), 403, explicitBody,
		"route ok, identity ok, cache off, authorizer ok, policy explicitly-denied, policy implicitly-denied")
	step("api key", get("/pets/1", "x"), returns(allow), 403, `{"message":"Forbidden"}`,
		"route ok, identity ok, cache off, authorizer ok, policy allowed, policy implicitly-denied, apikey refused")
	keyed := get("/pets/1", "x")
	keyed.Header["x-api-key"] = []string{"key-1"}
	keyed.Limit = apigw.Throttled
	step("throttled", keyed, returns(allow), 429, `{"message":"Too Many Requests"}`,
		"route ok, identity ok, cache off, authorizer ok, policy allowed, policy implicitly-denied, apikey ok, apikey refused")
	keyed.Limit = apigw.QuotaExceeded
	step("quota", keyed, returns(allow), 429, `{"message":"Limit Exceeded"}`,
		"route ok, identity ok, cache off, authorizer ok, policy allowed, policy implicitly-denied, apikey ok, apikey refused")
	keyed.Limit = apigw.NotLimited
	step("backend", keyed, returns(allow), 200, "",
		"route ok, identity ok, cache off, authorizer ok, policy allowed, policy implicitly-denied, apikey ok, backend reached")
}

func TestAPIKeyFromAuthorizer(t *testing.T) {
	api := rest(lambda())
	api.Default.APIKeyRequired = true
	api.APIKeySource, api.PlanKeys = apigw.KeyFromAuthorizer, []string{"key-1", ""} // an empty key is none
	req := get("/", "x")
	req.Header["x-api-key"] = []string{"key-1"} // does not count here
	for more, status := range map[string]int{`,"usageIdentifierKey":"key-1"`: 200, `,"usageIdentifierKey":"other"`: 403, `,"usageIdentifierKey":""`: 403, ``: 403} {
		v := apigw.Decide(api, req, nil, returns(policyAnswer("Allow", "*", more)))
		if v.Status != status {
			t.Errorf("%s: status %d, want %d: %s", more, v.Status, status, v.Reason)
		}
	}
}

func TestGatewayHeaders(t *testing.T) {
	v := apigw.Decide(rest(lambda()), get("/", ""), nil, never(t))
	for name, want := range map[string]string{
		"x-amzn-ErrorType": "UnauthorizedException", "x-amzn-RequestId": "id-1", "x-amz-apigw-id": "ext-1",
		"Content-Type": "application/json", "Content-Length": "26",
	} {
		if v.Headers[name] != want {
			t.Errorf("%s: %q, want %q", name, v.Headers[name], want)
		}
	}
	if len(v.Headers) != 5 {
		t.Errorf("headers %v: none but these, above all no CORS headers", v.Headers)
	}
	z := lambda()
	z.Type, z.PayloadFormat, z.IdentitySources = apigw.AuthRequest, "2.0", []string{"$request.header.Authorization"}
	v = apigw.Decide(httpAPI(z), get("/", ""), nil, never(t))
	if v.Headers["apigw-requestid"] != "ext-1" || len(v.Headers) != 3 {
		t.Errorf("HTTP API headers %v", v.Headers)
	}
}

func TestCache(t *testing.T) {
	z := lambda()
	z.TTL = nil // 300 s in REST APIs
	api := rest(z)
	if err := api.Prepare(); err != nil {
		t.Fatal(err)
	}
	cache := apigw.NewCache(10)
	calls := 0
	invoke := func(e apigw.Event) apigw.Output {
		calls++
		return apigw.ResultOutput([]byte(policyAnswer("Allow", e.ARN, "")))
	}
	ask := func(path, token string, after time.Duration) *apigw.Verdict {
		r := get(path, token)
		r.Time = r.Time.Add(after)
		return apigw.Decide(api, r, cache, invoke)
	}
	if v := ask("/pets", "t", 0); !v.Allowed || v.Cached || calls != 1 {
		t.Errorf("first: %+v", v)
	}
	if v := ask("/pets", "t", 299*time.Second); !v.Allowed || !v.Cached || v.AuthorizerCalled {
		t.Errorf("second: %+v", v)
	}
	v := ask("/orders", "t", time.Second)
	wantVerdict(t, v, 403, implicitBody)
	for _, part := range []string{"made for", stageARN + "GET/pets", stageARN + "*/*", "TTL to 0"} {
		if !strings.Contains(v.Reason, part) {
			t.Errorf("the classic mistake is not named (%q): %s", part, v.Reason)
		}
	}
	if calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
	ask("/pets", "other", 0)
	ask("/pets", "t", 300*time.Second)
	if calls != 3 {
		t.Errorf("%d calls after another token and after the TTL, want 3", calls)
	}
	cache.Flush()
	ask("/pets", "other", time.Second)
	if calls != 4 {
		t.Errorf("%d calls after a flush, want 4", calls)
	}
	// Errors are not cached.
	failing := func(apigw.Event) apigw.Output { calls++; return apigw.ErrorOutput("Unauthorized") }
	for range 2 {
		wantVerdict(t, apigw.Decide(api, get("/", "bad"), cache, failing), 401, `{"message":"Unauthorized"}`)
	}
	if calls != 6 {
		t.Errorf("%d calls, want every one for an error", calls)
	}
}

// TestCacheScope: entries belong to one authorizer of one stage of one API.
func TestCacheScope(t *testing.T) {
	cache := apigw.NewCache(10)
	variants := []func(*apigw.API){
		func(*apigw.API) {}, func(a *apigw.API) { a.Stage = "dev" }, func(a *apigw.API) { a.ID = "other" },
		func(a *apigw.API) { a.Default.Authorizer.Name = "b" }, func(a *apigw.API) { a.Region = "us-east-1" },
	}
	for i, change := range variants {
		z := lambda()
		z.TTL = new(60)
		api := rest(z)
		change(api)
		v := apigw.Decide(api, get("/", "t"), cache, returns(policyAnswer("Allow", "*", "")))
		if v.Cached {
			t.Errorf("variant %d uses another's result", i)
		}
	}
}

func TestRequestIdentity(t *testing.T) {
	z := &apigw.Authorizer{Name: "r", Type: apigw.AuthRequest, IdentitySources: []string{
		"method.request.header.X-Auth, method.request.querystring.q", "stageVariables.v", "context.identity.sourceIp",
	}}
	api := rest(z)
	api.StageVariables = map[string]string{"v": "1"}
	if err := api.Prepare(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, header, query string
		drop                func(*apigw.Request)
		want                bool
	}{
		{"all", "a", "q=1", nil, true},
		{"no header", "", "q=1", nil, false},
		{"empty query", "a", "q=", nil, false},
		{"other case of the query", "a", "Q=1", nil, false},
		{"no address", "a", "q=1", func(r *apigw.Request) { r.SourceIP = "" }, false},
		{"other case of the header", "a", "q=1", func(r *apigw.Request) {
			r.Header = map[string][]string{"x-auTH": {"a"}}
		}, true},
	} {
		req := get("/x", "")
		req.Header["X-Auth"], req.RawQuery = []string{tc.header}, tc.query
		if tc.drop != nil {
			tc.drop(req)
		}
		v, p := apigw.Begin(api, req)
		if (p != nil) != tc.want {
			t.Errorf("%s: asked %t, want %t: %+v", tc.name, p != nil, tc.want, v)
		}
	}
}

// TestKeysDiffer: lists of identity values never run together into one key.
func TestKeysDiffer(t *testing.T) {
	z := &apigw.Authorizer{Name: "r", Type: apigw.AuthRequest, IdentitySources: []string{"method.request.header.A", "method.request.header.B"}}
	api := rest(z)
	key := func(a, b string) apigw.Key {
		req := get("/", "")
		req.Header["A"], req.Header["B"] = []string{a}, []string{b}
		_, p := apigw.Begin(api, req)
		k, ok := p.Key()
		if !ok {
			t.Fatal("no key")
		}
		return k
	}
	if a, b := key("ab", "c"), key("ab", "c"); a != b {
		t.Error("keys of equal values differ")
	}
	if key("x", "1:y") == key("x1:", "y") || key("a,b", "c") == key("a", "b,c") {
		t.Error("keys of different values are equal")
	}
}

func TestSeveralValues(t *testing.T) {
	req := get("/", "")
	req.Header["Authorization"] = []string{"first", "last"}
	_, p := apigw.Begin(rest(lambda()), req)
	if e := p.Event(); e.Token != "last" {
		t.Errorf("token %q, want the last value", e.Token)
	}
	v, _ := p.Finish(apigw.ResultOutput([]byte(policyAnswer("Allow", "*", ""))))
	if !strings.Contains(inferred(v), "several values") {
		t.Errorf("the trace does not say that it chose: %q", inferred(v))
	}
}

// TestHostAsSource: net/http keeps Host apart from the other headers.
func TestHostAsSource(t *testing.T) {
	z := lambda()
	z.IdentitySources = []string{"method.request.header.host"}
	req := get("/", "")
	if v, _ := apigw.Begin(rest(z), req); v == nil || v.Status != 401 {
		t.Errorf("without a host: %+v, want 401", v)
	}
	req.Host = "api.example.com"
	_, p := apigw.Begin(rest(z), req)
	if p == nil {
		t.Fatal("the host is not found")
	}
	if e := p.Event(); e.Token != "api.example.com" {
		t.Errorf("token %q, want the host", e.Token)
	}
}

// TestNoMethod: the reason tells a path without the method from no path at all.
func TestNoMethod(t *testing.T) {
	api := rest(nil)
	api.Routes = []apigw.Route{{Method: "GET", Path: "/pets/{id}"}, {Method: "GET", Path: "/files/{path+}"}, {Method: "GET", Path: "/a/b"}}
	for path, deployed := range map[string]bool{
		"/pets/7": true, "/files/a/b": true, "/a/b": true, "/": false, "/pets": false, "/pets/7/x": false, "/files": false, "/a": false,
	} {
		req := get(path, "")
		req.Method = "POST"
		v, _ := apigw.Begin(api, req)
		if got := strings.Contains(v.Reason, "but not with the method POST"); v.Status != 403 || got != deployed {
			t.Errorf("POST %s: %d %s", path, v.Status, v.Reason)
		}
	}
}

// TestARN: the concrete path as sent; what is not documented about it is said.
func TestARN(t *testing.T) {
	for path, want := range map[string]struct{ arn, inferred string }{
		"/":            {"GET/", ""},
		"":             {"GET/", ""},
		"/pets/a1b2":   {"GET/pets/a1b2", ""},
		"/a:b":         {"GET/a:b", ""},
		"/pets/":       {"GET/pets/", "slash at the end"},
		"/caf%C3%A9/1": {"GET/caf%C3%A9/1", "percent-encoded"},
	} {
		_, p := apigw.Begin(rest(lambda()), get(path, "x"))
		v, _ := p.Finish(apigw.ResultOutput([]byte(policyAnswer("Allow", "*", ""))))
		if v.ARN != stageARN+want.arn || !strings.Contains(inferred(v), want.inferred) || want.inferred == "" && inferred(v) != "" {
			t.Errorf("%s: ARN %s, inferred %q", path, v.ARN, inferred(v))
		}
	}
}

func TestConditionKeys(t *testing.T) {
	doc := `{"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{
		"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"StringEquals":{"aws:UserAgent":"curl"},"Bool":{"aws:SecureTransport":"true"},
		"DateLessThan":{"aws:CurrentTime":"2026-11-22T12:00:01Z"},"NumericEquals":{"aws:EpochTime":"1795348800"},
		"Null":{"aws:PrincipalOrgID":"true","aws:SourceVpc":"true","aws:Referer":"true"}}}]}}`
	req := get("/", "x")
	req.Header["user-agent"] = []string{"curl"}
	v := apigw.Decide(rest(lambda()), req, nil, returns(doc))
	if !v.Allowed || !strings.Contains(inferred(v), "condition keys") {
		t.Errorf("%d %s; %s", v.Status, v.Reason, asJSON(t, v.Trace))
	}
	req.SourceIP = "198.51.100.1"
	if v := apigw.Decide(rest(lambda()), req, nil, returns(doc)); v.Allowed {
		t.Error("allowed from another address")
	}
	req.NoTrace = true
	if v := apigw.Decide(rest(lambda()), req, nil, returns(doc)); v.Allowed {
		t.Error("allowed from another address without a trace")
	}
}

// TestUnprepared: an API that nobody prepared decides the same.
func TestUnprepared(t *testing.T) {
	z := lambda()
	z.IdentitySources = []string{"method.request.path.id"}
	v := apigw.Decide(rest(z), get("/", "x"), nil, never(t))
	wantVerdict(t, v, 500, `{"message":null}`)
	if !strings.Contains(v.Reason, "path parameter") {
		t.Error(v.Reason)
	}
}

// TestRespond: what goes wrong behind the gateway is answered by the same rules.
func TestRespond(t *testing.T) {
	api := rest(nil)
	api.Responses = map[apigw.ResponseType]apigw.GatewayResponse{
		apigw.Default5XX: {Headers: map[string]string{"gatewayresponse.header.X-Why": "context.error.responseType"}},
	}
	v, _ := apigw.Begin(api, get("/", ""))
	r := v.Respond(apigw.IntegrationTimeout, "")
	if r.Status != 504 || r.Body != `{"message":"Endpoint request timed out"}` || r.ErrorType != "InternalServerErrorException" || r.Headers["X-Why"] != "INTEGRATION_TIMEOUT" || r.Allowed {
		t.Errorf("%+v", r)
	}
	v, _ = apigw.Begin(httpAPI(nil), get("/", ""))
	if r := v.Respond(apigw.IntegrationFailure, ""); r.Status != 503 || r.Body != `{"message":"Service Unavailable"}` {
		t.Errorf("HTTP API: %d %s", r.Status, r.Body)
	}
}
