package apigw_test

import (
	"strings"
	"testing"

	"gatepass/pkg/apigw"
)

// TestAnswers: what a REST Lambda authorizer may return, and what comes of it.
func TestAnswers(t *testing.T) {
	const config = `{"message":null}`
	statement := `"policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}`
	for _, tc := range []struct {
		name, doc string
		status    int
		body, log string
	}{
		{"allow", `{"principalId":"u",` + statement + `}`, 200, "", "Successfully completed authorizer execution"},
		{"unknown members", `{"principalId":"u","extra":[1],` + statement + `}`, 200, "", ""},
		{"number as principal", `{"principalId":7,` + statement + `}`, 200, "", ""},
		{"no principal", `{` + statement + `}`, 500, config, "Could not parse policy"},
		{"null principal", `{"principalId":null,` + statement + `}`, 500, config, "Could not parse policy"},
		{"list as principal", `{"principalId":["u"],` + statement + `}`, 500, config, "java.lang.String out of START_ARRAY token"},
		{"null", `null`, 500, config, "Could not parse policy"},
		{"string", `"allow"`, 500, config, "Could not parse policy"},
		{"true", `true`, 500, config, "Could not parse policy"},
		{"list", `[]`, 500, config, "Could not parse policy"},
		{"no JSON", `{`, 500, config, "Invalid JSON in response"},
		{"twice", `{"principalId":"u","principalId":"v",` + statement + `}`, 500, config, "Invalid JSON in response"},
		{"no policy", `{"principalId":"u"}`, 500, config, "Could not parse policy"},
		{"simple response", `{"isAuthorized":true}`, 500, config, "Could not parse policy"},
		{"policy as string", `{"principalId":"u","policyDocument":"{}"}`, 500, config, "Unable to parse given policy"},
		{"policy as list", `{"principalId":"u","policyDocument":[]}`, 500, config, "Unable to parse given policy"},
		{"empty policy", `{"principalId":"u","policyDocument":{}}`, 500, config, "Unable to parse given policy"},
		{"lower case", `{"principalId":"u","policyDocument":{"version":"2012-10-17","statement":[]}}`, 500, config, "Unable to parse given policy"},
		{"effect", strings.Replace(policyAnswer("Allow", "*", ""), `"Allow"`, `"ALLOW"`, 1), 500, config, "Unable to parse given policy"},
		{"long resource", policyAnswer("Allow", strings.Repeat("a", 513), ""), 500, config, "Unable to parse given policy"},
		{"resource of 512 long characters", strings.Replace(policyAnswer("Allow", "*", ""), `"*"`, `["*","`+strings.Repeat("é", 512)+`"]`, 1), 200, "", ""},
		{"context of a list", policyAnswer("Allow", "*", `,"context":{"a":[1]}`), 500, config, "java.lang.String out of START_ARRAY token"},
		{"context of an object", policyAnswer("Allow", "*", `,"context":{"a":{}}`), 500, config, "START_OBJECT"},
		{"context as list", policyAnswer("Allow", "*", `,"context":[]`), 500, config, "Invalid JSON in response"},
		{"context null", policyAnswer("Allow", "*", `,"context":null`), 200, "", ""},
		{"key as list", policyAnswer("Allow", "*", `,"usageIdentifierKey":[]`), 500, config, "START_ARRAY"},
		{"no statement matches", policyAnswer("Allow", "arn:aws:execute-api:*:*:other/*", ""), 403, implicitBody, "The client is not authorized to perform this operation."},
	} {
		v := apigw.Decide(rest(lambda()), get("/pets", "x"), nil, returns(tc.doc))
		log := strings.Join(v.Log, "\n")
		if v.Status != tc.status || v.Body != tc.body || !strings.Contains(log, tc.log) {
			t.Errorf("%s: %d %s (%s), want %d %s; log:\n%s", tc.name, v.Status, v.Body, v.Reason, tc.status, tc.body, log)
		}
		if !v.AuthorizerCalled {
			t.Errorf("%s: the authorizer is said not to have been called", tc.name)
		}
		if v.Status == 500 && (v.ErrorType != "AuthorizerConfigurationException" || v.AuthorizerError == "") {
			t.Errorf("%s: type %q, $context.authorizer.error %q", tc.name, v.ErrorType, v.AuthorizerError)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		out    apigw.Output
		status int
		called bool
	}{
		{apigw.ErrorOutput("Unauthorized"), 401, true},
		{apigw.ErrorOutput("unauthorized"), 500, true},
		{apigw.ErrorOutput("Unauthorized "), 500, true},
		{apigw.ErrorOutput("Unauthorized: expired"), 500, true},
		{apigw.ErrorOutput("Error: Unauthorized"), 500, true},
		{apigw.ErrorOutput(""), 500, true},
		{apigw.NotInvokedOutput("no permission"), 500, false},
		{apigw.NotInvokedOutput("Unauthorized"), 500, false},
		{apigw.TimeoutOutput("it ran for 3 s"), 500, true},
		{apigw.Output{}, 500, false},
		{apigw.TokenOutput(apigw.TokenVerdict{}), 500, true},
		{apigw.Output{Kind: apigw.Returned}, 500, true},
	} {
		for _, api := range []*apigw.API{rest(lambda()), httpAPI(simple()), connectAPI()} {
			req := get("/", "x")
			v := apigw.Decide(api, req, nil, func(apigw.Event) apigw.Output { return tc.out })
			if v.Status != tc.status || v.AuthorizerCalled != tc.called || v.Allowed {
				t.Errorf("%s %+v: %d, called %t, want %d, %t", api.Kind, tc.out, v.Status, v.AuthorizerCalled, tc.status, tc.called)
			}
			if tells := strings.Contains(v.Reason, "exactly"); tells != (tc.status == 500 && tc.out.Kind == apigw.Failed) || strings.Contains(v.AuthorizerError, "exactly") {
				t.Errorf("%s %+v: reason %q, error %q", api.Kind, tc.out, v.Reason, v.AuthorizerError)
			}
			if strings.Contains(v.Body, "permission") || strings.Contains(v.Body, "expired") {
				t.Errorf("the authorizer's words reach the caller: %s", v.Body)
			}
		}
	}
}

// TestMixedUp: an answer of another form is named for what it is.
func TestMixedUp(t *testing.T) {
	plain := simple()
	plain.SimpleResponses = false
	for _, tc := range []struct {
		api         *apigw.API
		doc, reason string
	}{
		{rest(lambda()), `{"statusCode":401,"body":"no"}`, "what a proxy integration answers"},
		{rest(lambda()), `{"isAuthorized":true}`, "only authorizers of HTTP APIs"},
		{httpAPI(plain), `{"isAuthorized":true}`, "not set to take (EnableSimpleResponses)"},
		{httpAPI(simple()), policyAnswer("Allow", "*", ""), "set to simple responses"},
	} {
		if v := apigw.Decide(tc.api, get("/pets", "x"), nil, returns(tc.doc)); v.Status != 500 || !strings.Contains(v.Reason, tc.reason) {
			t.Errorf("%s: %d %s, want %q", tc.doc, v.Status, v.Reason, tc.reason)
		}
	}
}

// simple is the authorizer of an HTTP API with simple responses.
func simple() *apigw.Authorizer {
	return &apigw.Authorizer{
		Name: "s", Type: apigw.AuthRequest, PayloadFormat: "2.0", SimpleResponses: true,
		IdentitySources: []string{"$request.header.Authorization"},
	}
}

func TestSimpleResponses(t *testing.T) {
	const failed = `{"message":"Internal Server Error"}`
	for doc, want := range map[string]struct {
		status int
		body   string
	}{
		`{"isAuthorized":true}`:                          {200, ""},
		`{"isAuthorized":true,"context":{"a":[{}]}}`:     {200, ""},
		`{"isAuthorized":true,"context":null}`:           {200, ""},
		`{"isAuthorized":false}`:                         {403, `{"message":"Forbidden"}`},
		`{"isAuthorized":"true"}`:                        {500, failed},
		`{"isAuthorized":true,"context":"x"}`:            {500, failed},
		`{}`:                                             {500, failed},
		`"x"`:                                            {500, failed},
		policyAnswer("Allow", "*", ""):                   {500, failed},
		`{"isAuthorized":true,"isAuthorized":false}`:     {500, failed},
		`{"IsAuthorized":true}`:                          {500, failed},
		`{"isAuthorized":true,"principalId":["ignore"]}`: {200, ""},
	} {
		v := apigw.Decide(httpAPI(simple()), get("/", "x"), nil, returns(doc))
		if v.Status != want.status || v.Body != want.body {
			t.Errorf("%s: %d %s, want %d %s", doc, v.Status, v.Body, want.status, want.body)
		}
		if v.Status == 500 && !strings.HasPrefix(v.RenderLog("$context.authorizer.error"), "The response from the Lambda Authorizer function doesn't match") {
			t.Errorf("%s: $context.authorizer.error is %s", doc, v.RenderLog("$context.authorizer.error"))
		}
		if len(v.Log) > 0 {
			t.Errorf("HTTP APIs have no execution log: %q", v.Log)
		}
	}
	plain := simple()
	plain.SimpleResponses = false
	if v := apigw.Decide(httpAPI(plain), get("/", "x"), nil, returns(`{"isAuthorized":true}`)); v.Status != 500 {
		t.Errorf("a simple response without being set to it: %d", v.Status)
	}
}

// TestBackend: what the backend sees of a context, for each kind of API.
func TestBackend(t *testing.T) {
	const context = `,"context":{"s":"x","n":1,"b":true,"big":12345678901234567890,"f":1.0,"z":null}`
	doc := policyAnswer("Allow", "*", context)
	iam := func(format string) *apigw.Authorizer {
		z := simple()
		z.SimpleResponses, z.PayloadFormat = false, format
		return z
	}
	integration1 := httpAPI(iam("2.0"))
	integration1.IntegrationPayload = "1.0"
	for _, tc := range []struct {
		name     string
		api      *apigw.API
		at, want string
	}{
		{"REST", rest(lambda()), "requestContext.authorizer", `{"b":"true","big":"12345678901234567890","f":"1.0","n":"1","principalId":"u1","s":"x"}`},
		{"WebSocket", connectAPI(), "requestContext.authorizer", `{"b":"true","big":"12345678901234567890","f":"1.0","n":"1","principalId":"u1","s":"x"}`},
		{"HTTP 2.0", httpAPI(iam("2.0")), "requestContext.authorizer.lambda", `{"b":true,"big":12345678901234567890,"f":1.0,"n":1,"s":"x","z":null}`},
		{"HTTP 1.0", integration1, "requestContext.authorizer", `{"b":true,"big":12345678901234567890,"f":1.0,"n":1,"principalId":"u1","s":"x","z":null}`},
		{"HTTP, authorizer 1.0", httpAPI(iam("1.0")), "requestContext.authorizer.lambda", `{"b":true,"big":12345678901234567890,"f":1.0,"n":1,"s":"x"}`},
	} {
		v := apigw.Decide(tc.api, get("/", "x"), nil, returns(doc))
		if !v.Allowed || v.Backend.At != tc.at || asJSON(t, v.Backend.Value) != tc.want {
			t.Errorf("%s: %s %s, want %s %s (%s)", tc.name, v.Backend.At, asJSON(t, v.Backend.Value), tc.at, tc.want, v.Reason)
		}
	}
	v := apigw.Decide(rest(lambda()), get("/", "x"), nil, returns(doc))
	if !strings.Contains(inferred(v), "number 1.0") || !strings.Contains(inferred(v), "null values") {
		t.Errorf("inferred %q", inferred(v))
	}
	// Payload 1.0: nested values and the key claims are taken for errors.
	for _, more := range []string{`,"context":{"a":[]}`, `,"context":{"claims":"x"}`} {
		if v := apigw.Decide(httpAPI(iam("1.0")), get("/", "x"), nil, returns(policyAnswer("Allow", "*", more))); v.Status != 500 {
			t.Errorf("%s with payload 1.0: %d", more, v.Status)
		}
	}
	open := httpAPI(nil)
	open.IntegrationPayload = "1.0"
	if v := apigw.Decide(open, get("/", ""), nil, never(t)); asJSON(t, v.Backend.Value) != `{"claims":null,"scopes":null}` {
		t.Errorf("HTTP 1.0 without authorizer: %s", asJSON(t, v.Backend.Value))
	}
	if v := apigw.Decide(rest(nil), get("/", ""), nil, never(t)); v.Backend != nil {
		t.Errorf("REST without authorizer: %s", asJSON(t, v.Backend))
	}
}

// TestLog: the execution log has AWS's lines in AWS's order and no token.
func TestLog(t *testing.T) {
	z := lambda()
	z.URI = "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/f/invocations"
	v := apigw.Decide(rest(z), get("/", "Bearer secret"), nil, returns(policyAnswer("Allow", "*", "")))
	log := strings.Join(v.Log, "\n")
	at := 0
	for _, line := range []string{
		"(id-1) Starting authorizer: a for request: id-1", "Incoming identity: ****", "Endpoint request URI: https://lambda",
		"Endpoint request headers", "Endpoint request body after transformations: {\"type\":\"TOKEN\"", "Authorizer result body before parsing: {",
		"Successfully completed authorizer execution", "Using valid authorizer policy for principal: ****",
	} {
		next := strings.Index(log[at:], line)
		if next < 0 {
			t.Fatalf("no %q in order in\n%s", line, log)
		}
		at += next
	}
	if strings.Contains(log, "secret") {
		t.Errorf("the log shows the token:\n%s", log)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(policyAnswer("Allow", "*", `,"context":{"a":1}`))
	f.Add(`{"isAuthorized":true}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, doc string) {
		for _, api := range []*apigw.API{rest(lambda()), httpAPI(simple()), connectAPI()} {
			traced := apigw.Decide(api, get("/pets", "x"), nil, returns(doc))
			quiet := get("/pets", "x")
			quiet.NoTrace = true
			v := apigw.Decide(api, quiet, nil, returns(doc))
			if v.Status != traced.Status || v.Body != traced.Body || v.Allowed != traced.Allowed {
				t.Errorf("%q: %d %s without trace, %d %s with it", doc, v.Status, v.Body, traced.Status, traced.Body)
			}
			if v.Status != 200 && v.Status != 101 && v.Status != 403 && v.Status != 500 {
				t.Errorf("%q: status %d", doc, v.Status)
			}
		}
	})
}
