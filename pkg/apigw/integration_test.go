package apigw_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/apigw"
)

// proxied is a request that reached its integration.
func proxied(t testing.TB, api *apigw.API, change func(*apigw.Request)) *apigw.Verdict {
	t.Helper()
	if err := api.Prepare(); err != nil {
		t.Fatal(err)
	}
	r := get("/pets/7", "x")
	r.Host, r.RawQuery = "abc.execute-api.eu-west-1.amazonaws.com", "a=1&a=2&b=%20"
	r.Header["X-Two"], r.Header["Cookie"] = []string{"1", "2"}, []string{"s=1; t=2"}
	r.Header["User-Agent"], r.Header["Content-Type"] = []string{"test"}, []string{"application/json"}
	if change != nil {
		change(r)
	}
	v := apigw.Decide(api, r, nil, func(ev apigw.Event) apigw.Output {
		return apigw.ResultOutput([]byte(policyAnswer("Allow", ev.ARN, `,"context":{"level":3,"list":`+listFor(api)+`}`)))
	})
	if !v.Allowed {
		t.Fatalf("%d %s: %s", v.Status, v.Body, v.Reason)
	}
	return v
}

// listFor is a value that only payload 2.0 of HTTP APIs can carry.
func listFor(api *apigw.API) string {
	if api.Kind == apigw.HTTP && api.IntegrationPayload != "1.0" {
		return `["a","b"]`
	}
	return `"a"`
}

// petsAPI has one route with a variable.
func petsAPI(k apigw.Kind, payload string) *apigw.API {
	z := lambda()
	z.IdentitySources = []string{"method.request.header.Authorization"}
	api := rest(nil)
	api.StageVariables = map[string]string{"v": "1"}
	if api.Kind = k; k == apigw.HTTP {
		api.IntegrationPayload, api.Stage = payload, "dev"
		z.Type, z.PayloadFormat, z.IdentitySources = apigw.AuthRequest, "2.0", []string{"$request.header.Authorization"}
		if payload == "1.0" {
			z.PayloadFormat = payload
		}
	}
	api.Routes = []apigw.Route{{Method: "GET", Path: "/pets/{id}", Access: apigw.Access{Authorizer: z}}}
	return api
}

func event(t testing.TB, v *apigw.Verdict, r apigw.ProxyRequest) map[string]any {
	t.Helper()
	data, err := v.ProxyEvent(r)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return m
}

// keys are the members of an object, sorted.
func keys(m any) []string {
	var all []string
	for k := range m.(map[string]any) {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// The members are those of AWS's samples: "Input format of a Lambda function for
// proxy integration" and "Payload format version".
func TestProxyEventMembers(t *testing.T) {
	one := []string{
		"body", "headers", "httpMethod", "isBase64Encoded", "multiValueHeaders", "multiValueQueryStringParameters", "path", "pathParameters",
		"queryStringParameters", "requestContext", "resource", "stageVariables",
	}
	context := []string{
		"accountId", "apiId", "authorizer", "domainName", "domainPrefix", "extendedRequestId", "httpMethod", "identity", "path", "protocol", "requestId",
		"requestTime", "requestTimeEpoch", "resourceId", "resourcePath", "stage",
	}
	rest := event(t, proxied(t, petsAPI(apigw.REST, ""), nil), apigw.ProxyRequest{Body: []byte(`{}`)})
	http1 := event(t, proxied(t, petsAPI(apigw.HTTP, "1.0"), nil), apigw.ProxyRequest{Body: []byte(`{}`)})
	http2 := event(t, proxied(t, petsAPI(apigw.HTTP, "2.0"), nil), apigw.ProxyRequest{Body: []byte(`{}`)})
	for name, tc := range map[string]struct {
		got  any
		want []string
	}{
		"REST":                 {rest, one},
		"REST, context":        {rest["requestContext"], context},
		"HTTP 1.0":             {http1, append(slices.Clone(one), "version")},
		"HTTP 1.0, context":    {http1["requestContext"], context},
		"HTTP 1.0, authorizer": {http1["requestContext"].(map[string]any)["authorizer"], []string{"level", "list", "principalId"}},
		"HTTP 2.0": {http2, []string{
			"body", "cookies", "headers", "isBase64Encoded", "pathParameters", "queryStringParameters", "rawPath", "rawQueryString", "requestContext",
			"routeKey", "stageVariables", "version",
		}},
		"HTTP 2.0, context": {http2["requestContext"], []string{
			"accountId", "apiId", "authorizer", "domainName", "domainPrefix", "http", "requestId", "routeKey", "stage", "time", "timeEpoch",
		}},
	} {
		got := keys(tc.got)
		slices.Sort(tc.want)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestProxyEventValues(t *testing.T) {
	took := 12 * time.Millisecond
	for name, tc := range map[string]struct {
		api  *apigw.API
		want map[string]any // by a path of members
	}{
		"REST": {petsAPI(apigw.REST, ""), map[string]any{
			"resource": "/pets/{id}", "path": "/pets/7", "requestContext.path": "/stage/pets/7", "pathParameters.id": "7", "stageVariables.v": "1",
			"headers.X-Two": "2", "multiValueHeaders.X-Two": []any{"1", "2"}, "queryStringParameters.a": "2",
			"multiValueQueryStringParameters.a": []any{"1", "2"}, "requestContext.authorizer.level": "3", "requestContext.authorizer.principalId": "u1",
			"requestContext.authorizer.integrationLatency": 12.0, "requestContext.identity.sourceIp": "203.0.113.7", "requestContext.requestId": "id-1",
			"requestContext.identity.user": nil, "body": "hello", "isBase64Encoded": false, "requestContext.resourceId": "abc123",
		}},
		"HTTP 1.0": {petsAPI(apigw.HTTP, "1.0"), map[string]any{
			"version": "1.0", "path": "/stage/pets/7", "requestContext.authorizer.level": 3.0, "requestContext.resourceId": nil, "requestContext.requestId": "ext-1",
		}},
		"HTTP 2.0": {petsAPI(apigw.HTTP, ""), map[string]any{
			"version": "2.0", "rawPath": "/stage/pets/7", "requestContext.http.path": "/stage/pets/7", "routeKey": "GET /pets/{id}",
			"rawQueryString": "a=1&a=2&b=%20", "queryStringParameters.a": "1,2", "headers.x-two": "1,2", "headers.cookie": nil, "cookies": []any{"s=1", "t=2"},
			"requestContext.authorizer.lambda.level": 3.0, "requestContext.authorizer.lambda.list": []any{"a", "b"}, "requestContext.stage": "dev",
			"requestContext.requestId": "ext-1", "body": "hello",
		}},
	} {
		e := event(t, proxied(t, tc.api, nil), apigw.ProxyRequest{Body: []byte("hello"), Prefix: "/stage", AuthorizerTook: took})
		for path, want := range tc.want {
			var got any = e
			for part := range strings.SplitSeq(path, ".") {
				got, _ = got.(map[string]any)[part]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, path, diff)
			}
		}
	}
}

// What is not there is null in payload 1.0, and left out of 2.0.
func TestProxyEventEmpty(t *testing.T) {
	bare := func(r *apigw.Request) {
		r.Path, r.RawQuery, r.Header = "/", "", map[string][]string{"Authorization": {"x"}}
	}
	for _, k := range []apigw.Kind{apigw.REST, apigw.HTTP} {
		api := petsAPI(k, "")
		api.StageVariables, api.Routes[0].Path = nil, "/"
		e := event(t, proxied(t, api, bare), apigw.ProxyRequest{})
		for _, key := range []string{"pathParameters", "queryStringParameters", "stageVariables", "body"} {
			value, there := e[key]
			if there != (k == apigw.REST) || value != nil {
				t.Errorf("%s: %s is %v, there %t", k, key, value, there)
			}
		}
		api = petsAPI(k, "")
		api.Routes[0].Authorizer = nil
		e = event(t, proxied(t, api, nil), apigw.ProxyRequest{})
		if a, ok := e["requestContext"].(map[string]any)["authorizer"]; ok {
			t.Errorf("%s: an authorizer on an open route: %v", k, a)
		}
	}
}

func TestProxyEventBody(t *testing.T) {
	for name, tc := range map[string]struct {
		kind    apigw.Kind
		media   string
		binary  []string
		body    string
		encoded bool
	}{
		"REST, text":                {apigw.REST, "image/png", nil, "x", false},
		"REST, a binary type":       {apigw.REST, "image/png", []string{"image/png"}, "x", true},
		"REST, a binary kind":       {apigw.REST, "image/png; a=b", []string{"image/*"}, "x", true},
		"REST, everything":          {apigw.REST, "", []string{"*/*"}, "x", true},
		"REST, another binary type": {apigw.REST, "image/gif", []string{"image/png"}, "x", false},
		"HTTP, JSON":                {apigw.HTTP, "application/json; charset=utf-8", nil, "x", false},
		"HTTP, vendor JSON":         {apigw.HTTP, "application/vnd.api+json", nil, "x", false},
		"HTTP, text":                {apigw.HTTP, "text/csv", nil, "x", false},
		"HTTP, a form":              {apigw.HTTP, "application/x-www-form-urlencoded", nil, "a=b", true},
		"HTTP, a picture":           {apigw.HTTP, "image/png", nil, "x", true},
		"HTTP, JSON that is none":   {apigw.HTTP, "application/json", nil, "\xff", true},
		"HTTP, nothing said":        {apigw.HTTP, "", nil, "x", false},
	} {
		v := proxied(t, petsAPI(tc.kind, ""), nil)
		e := event(t, v, apigw.ProxyRequest{Header: map[string][]string{"content-type": {tc.media}}, Body: []byte(tc.body), BinaryTypes: tc.binary})
		want := tc.body
		if tc.encoded {
			want = base64.StdEncoding.EncodeToString([]byte(tc.body))
		}
		if e["isBase64Encoded"] != tc.encoded || e["body"] != want {
			t.Errorf("%s: %v, encoded %v; want %q, %t", name, e["body"], e["isBase64Encoded"], want, tc.encoded)
		}
	}
	e := event(t, proxied(t, petsAPI(apigw.REST, ""), nil), apigw.ProxyRequest{Body: []byte("a\xffb")})
	if e["body"] != "a\uFFFDb" {
		t.Errorf("bytes that are no text: %q", e["body"])
	}
}

func TestProxyAnswer(t *testing.T) {
	const rest, one, two = "REST", "1.0", "2.0"
	type header = map[string][]string
	for name, tc := range map[string]struct {
		in, out string
		status  int // 0: the gateway's own answer
		body    string
		header  header // nil: not looked at
	}{
		"nothing but a status":          {rest, `{"statusCode":204}`, 204, "", header{"Content-Type": {"application/json"}}},
		"nothing at all":                {rest, `{}`, 200, "", header{"Content-Type": {"application/json"}}},
		"a status in a string":          {rest, `{"statusCode":"418","body":"x"}`, 418, "x", nil},
		"null members":                  {rest, `{"statusCode":null,"headers":null,"multiValueHeaders":null,"body":null,"isBase64Encoded":null}`, 200, "", nil},
		"headers":                       {rest, `{"headers":{"X-A":"1","X-B":true,"content-type":"text/plain"}}`, 200, "", header{"X-A": {"1"}, "X-B": {"true"}, "content-type": {"text/plain"}}},
		"several values":                {rest, `{"multiValueHeaders":{"Set-Cookie":["a=1","b=2"],"Content-Type":["a/b"]}}`, 200, "", header{"Set-Cookie": {"a=1", "b=2"}, "Content-Type": {"a/b"}}},
		"both kinds of headers":         {rest, `{"headers":{"x-a":"1","X-B":"3","content-type":"a/b"},"multiValueHeaders":{"X-A":["1","2"]}}`, 200, "", header{"X-A": {"1", "2"}, "X-B": {"3"}, "content-type": {"a/b"}}},
		"renamed headers":               {rest, `{"headers":{"Date":"d","WWW-Authenticate":"w","Server":"s","Transfer-Encoding":"chunked"}}`, 200, "", header{"x-amzn-Remapped-Date": {"d"}, "x-amzn-Remapped-WWW-Authenticate": {"w"}, "x-amzn-Remapped-Server": {"s"}, "Content-Type": {"application/json"}}},
		"ids of another gateway":        {rest, `{"headers":{"X-AMZ-APIGW-ID":"evil","apigw-requestid":"evil"}}`, 200, "", header{"Content-Type": {"application/json"}}},
		"a header that ends a line":     {rest, `{"headers":{"X-A":"1\r\nX-Evil: 2"}}`, 200, "", header{"X-A": {"1X-Evil: 2"}, "Content-Type": {"application/json"}}},
		"base64 that is not binary":     {rest, `{"body":"aGk=","isBase64Encoded":true}`, 200, "aGk=", nil},
		"a string":                      {rest, `"hello"`, 0, "", nil},
		"null":                          {rest, `null`, 0, "", nil},
		"a list":                        {rest, `[]`, 0, "", nil},
		"no JSON":                       {rest, `{`, 0, "", nil},
		"an object for a body":          {rest, `{"statusCode":200,"body":{"a":1}}`, 0, "", nil},
		"a number for a body":           {rest, `{"body":1}`, 0, "", nil},
		"another member":                {rest, `{"statusCode":200,"more":1}`, 0, "", nil},
		"cookies of 2.0":                {rest, `{"statusCode":200,"cookies":["a=1"]}`, 0, "", nil},
		"a word for a status":           {rest, `{"statusCode":"ok"}`, 0, "", nil},
		"a status of 99":                {rest, `{"statusCode":99}`, 0, "", nil},
		"a status of 1000":              {rest, `{"statusCode":1000}`, 0, "", nil},
		"an interim status":             {rest, `{"statusCode":100}`, 0, "", nil},
		"a list for headers":            {rest, `{"headers":["a"]}`, 0, "", nil},
		"a number for a header":         {rest, `{"headers":{"X-A":1}}`, 0, "", nil},
		"HTTP 1.0":                      {one, `{"statusCode":201,"headers":{"X-A":"1"},"multiValueHeaders":{"X-B":["2","3"]},"body":"x"}`, 201, "x", header{"X-A": {"1"}, "X-B": {"2", "3"}, "Content-Type": {"text/plain; charset=utf-8"}}},
		"HTTP 1.0, no status":           {one, `{"body":"x"}`, 0, "", nil},
		"HTTP 1.0, a string":            {one, `"x"`, 0, "", nil},
		"HTTP 1.0, base64":              {one, `{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`, 200, "hi", nil},
		"HTTP 2.0":                      {two, `{"statusCode":201,"headers":{"Date":"d","X-N":1},"cookies":["a=1","b=2"],"body":"x"}`, 201, "x", header{"Date": {"d"}, "X-N": {"1"}, "Set-Cookie": {"a=1", "b=2"}, "Content-Type": {"text/plain; charset=utf-8"}}},
		"HTTP 2.0, short, an object":    {two, `{ "message": "hi" }`, 200, `{ "message": "hi" }`, header{"Content-Type": {"application/json"}}},
		"HTTP 2.0, short, a string":     {two, `"hi"`, 200, `"hi"`, header{"Content-Type": {"application/json"}}},
		"HTTP 2.0, short, null":         {two, `null`, 200, `null`, header{"Content-Type": {"application/json"}}},
		"HTTP 2.0, no JSON":             {two, `{`, 0, "", nil},
		"HTTP 2.0, a bad body":          {two, `{"statusCode":200,"body":{}}`, 0, "", nil},
		"HTTP 2.0, base64 that is none": {two, `{"statusCode":200,"body":"%%","isBase64Encoded":true}`, 0, "", nil},
		"HTTP 2.0, the connection's":    {two, `{"statusCode":200,"headers":{"Content-Length":"9","connection":"close"}}`, 200, "", header{"Content-Type": {"text/plain; charset=utf-8"}}},
	} {
		api := petsAPI(apigw.REST, "")
		if tc.in != rest {
			api = petsAPI(apigw.HTTP, tc.in)
		}
		a, failed := proxied(t, api, nil).ProxyAnswer(apigw.ResultOutput([]byte(tc.out)), apigw.ProxyRequest{})
		if tc.status == 0 {
			wantBadFunction(t, name, api.Kind, a, failed)
			continue
		}
		if failed != nil {
			t.Errorf("%s: %d %s", name, failed.Status, failed.Reason)
			continue
		}
		if a.Status != tc.status || string(a.Body) != tc.body {
			t.Errorf("%s: %d %q, want %d %q", name, a.Status, a.Body, tc.status, tc.body)
		}
		if diff := cmp.Diff(tc.header, a.Header); tc.header != nil && diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// wantBadFunction wants the answer to a function that failed.
func wantBadFunction(t *testing.T, name string, k apigw.Kind, a *apigw.ProxyAnswer, failed *apigw.Verdict) {
	t.Helper()
	status, body, kind := 502, `{"message":"Internal server error"}`, "InternalServerErrorException"
	if k == apigw.HTTP {
		status, body, kind = 500, `{"message":"Internal Server Error"}`, ""
	}
	switch {
	case a != nil || failed == nil:
		t.Errorf("%s: taken for an answer: %+v", name, a)
	case failed.Status != status || failed.Body != body || failed.ErrorType != kind || failed.Allowed || failed.Reason == "":
		t.Errorf("%s: %d %s %q, because %q", name, failed.Status, failed.Body, failed.ErrorType, failed.Reason)
	}
}

// Whatever goes wrong in a function looks the same from outside.
func TestProxyAnswerFailed(t *testing.T) {
	for name, out := range map[string]apigw.Output{
		"an error":         apigw.ErrorOutput("boom"),
		"Unauthorized":     apigw.ErrorOutput("Unauthorized"), // is an authorizer's word
		"not invoked":      apigw.NotInvokedOutput("no such function"),
		"its own time-out": apigw.TimeoutOutput("3 s"),
	} {
		for _, k := range []apigw.Kind{apigw.REST, apigw.HTTP} {
			a, failed := proxied(t, petsAPI(k, ""), nil).ProxyAnswer(out, apigw.ProxyRequest{})
			wantBadFunction(t, name, k, a, failed)
		}
	}
	api := petsAPI(apigw.REST, "")
	api.Responses = map[apigw.ResponseType]apigw.GatewayResponse{apigw.Default5XX: {Status: 599, Templates: map[string]string{"text/plain": "sorry"}}}
	if _, failed := proxied(t, api, nil).ProxyAnswer(apigw.ErrorOutput("boom"), apigw.ProxyRequest{}); failed.Status != 599 || failed.Body != "sorry" {
		t.Errorf("customised: %d %s", failed.Status, failed.Body)
	}
}

// A REST API decodes what the caller takes as binary, by the first media type that it
// accepts.
func TestProxyAnswerBinary(t *testing.T) {
	for accept, want := range map[string]string{"image/png": "hi", "image/png, text/html": "hi", "text/html, image/png": "aGk=", "": "aGk="} {
		r := apigw.ProxyRequest{Header: map[string][]string{"Accept": {accept}}, BinaryTypes: []string{"image/png"}}
		a, failed := proxied(t, petsAPI(apigw.REST, ""), nil).ProxyAnswer(apigw.ResultOutput([]byte(`{"body":"aGk=","isBase64Encoded":true}`)), r)
		if failed != nil || string(a.Body) != want {
			t.Errorf("Accept: %s: %q, want %q", accept, a.Body, want)
		}
	}
}

// No answer of a function makes a panic or a header that ends a line, and one that is
// taken has a status that can be sent.
func FuzzProxyAnswer(f *testing.F) {
	for _, s := range []string{
		`{"statusCode":200,"headers":{"a":"b"},"multiValueHeaders":{"a":["b"]},"body":"x","isBase64Encoded":true,"cookies":["a"]}`,
		`"x"`, `null`, `{"headers":{"":""}}`, `{"statusCode":1e9}`, `{"cookies":{}}`, "{\"headers\":{\"a\":\"\\u0000\\n\"}}",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	verdicts := map[bool]*apigw.Verdict{false: proxied(f, petsAPI(apigw.REST, ""), nil), true: proxied(f, petsAPI(apigw.HTTP, "2.0"), nil)}
	f.Fuzz(func(t *testing.T, doc []byte, http bool) {
		a, failed := verdicts[http].ProxyAnswer(apigw.ResultOutput(doc), apigw.ProxyRequest{BinaryTypes: []string{"*/*"}})
		if (a == nil) == (failed == nil) {
			t.Fatalf("answer %v, failure %v", a, failed)
		}
		if a == nil {
			return
		}
		if a.Status < 200 || a.Status > 599 {
			t.Errorf("status %d", a.Status)
		}
		for name, values := range a.Header {
			if slices.ContainsFunc(values, func(v string) bool { return strings.ContainsAny(v, "\r\n\x00") }) {
				t.Errorf("%q: %q", name, values)
			}
		}
	})
}

func TestCORS(t *testing.T) {
	age := 300
	c := &apigw.CORS{
		Origins: []string{"https://www.example.com", "http://*"}, Methods: []string{"GET", "PUT"}, Headers: []string{"authorization"},
		Expose: []string{"x-id"}, MaxAge: &age, Credentials: true,
	}
	for origin, allowed := range map[string]bool{
		"https://www.example.com": true, "HTTPS://www.example.com": true, "http://anything": true, "https://evil.example": false,
		"https://www.example.com.evil": false, "": false, "null": false,
	} {
		h := map[string][]string{"Access-Control-Allow-Origin": {"*"}, "access-control-max-age": {"1"}, "X-Id": {"7"}}
		c.Answer(h, origin)
		want := map[string][]string{"X-Id": {"7"}}
		if allowed {
			want["Access-Control-Allow-Origin"], want["Access-Control-Allow-Credentials"] = []string{origin}, []string{"true"}
			want["Access-Control-Expose-Headers"] = []string{"x-id"}
		}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s (-want +got):\n%s", origin, diff)
		}
		p := map[string][]string{}
		c.Preflight(p, origin)
		want = map[string][]string{}
		if allowed {
			want = map[string][]string{
				"Access-Control-Allow-Origin": {origin}, "Access-Control-Allow-Credentials": {"true"}, "Access-Control-Allow-Methods": {"GET,PUT"},
				"Access-Control-Allow-Headers": {"authorization"}, "Access-Control-Max-Age": {"300"},
			}
		}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Errorf("preflight of %s (-want +got):\n%s", origin, diff)
		}
	}
	h := map[string][]string{}
	(&apigw.CORS{Origins: []string{"*"}}).Answer(h, "https://a.example")
	if h["Access-Control-Allow-Origin"][0] != "*" {
		t.Error(h)
	}
}

func TestCORSCheck(t *testing.T) {
	tooLong := 86401
	for _, tc := range []struct {
		c    apigw.CORS
		want string // empty: right
	}{
		{apigw.CORS{Origins: []string{"*"}}, ""},
		{apigw.CORS{Origins: []string{"https://a.example", "https://*"}, Credentials: true}, ""},
		{apigw.CORS{}, "origins"},
		{apigw.CORS{Origins: []string{"http://localhost*"}}, "matches nothing"},
		{apigw.CORS{Origins: []string{"https://*.example.com"}}, "matches nothing"},
		{apigw.CORS{Origins: []string{"*"}, Credentials: true}, "credentials"},
		{apigw.CORS{Origins: []string{"a.example"}}, "such as https"},
		{apigw.CORS{Origins: []string{"https://a.example/"}}, "slash"},
		{apigw.CORS{Origins: []string{"*"}, MaxAge: &tooLong}, "max age"},
	} {
		err := tc.c.Check()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.c, err, tc.want)
		}
	}
}

func TestIsPreflight(t *testing.T) {
	routes := func(keys ...string) *apigw.API {
		api := httpAPI(nil)
		for _, key := range keys {
			method, path, _ := strings.Cut(key, " ")
			api.Routes = append(api.Routes, apigw.Route{Method: method, Path: path})
		}
		return api
	}
	for name, tc := range map[string]struct {
		api    *apigw.API
		method string
		drop   string // a header that is not sent
		want   bool
	}{
		"no OPTIONS route":     {routes("GET /pets"), "OPTIONS", "", true},
		"another path":         {routes("GET /else"), "OPTIONS", "", true},
		"an OPTIONS route":     {routes("OPTIONS /pets"), "OPTIONS", "", false},
		"ANY takes it":         {routes("ANY /pets"), "OPTIONS", "", false},
		"$default takes it":    {routes("$default"), "OPTIONS", "", false},
		"no routes given":      {routes(), "OPTIONS", "", true},
		"another method":       {routes("GET /pets"), "GET", "", false},
		"no origin":            {routes("GET /pets"), "OPTIONS", "Origin", false},
		"no method to ask for": {routes("GET /pets"), "OPTIONS", "Access-Control-Request-Method", false},
		"a REST API":           {rest(nil), "OPTIONS", "", false},
	} {
		r := get("/pets", "")
		r.Method = tc.method
		r.Header["Origin"], r.Header["Access-Control-Request-Method"] = []string{"https://a.example"}, []string{"GET"}
		delete(r.Header, tc.drop)
		if got := tc.api.IsPreflight(r); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

// A Lambda proxy integration: the event of an allowed request, and what its function
// answers.
func ExampleVerdict_ProxyEvent() {
	api := &apigw.API{Kind: apigw.HTTP, Stage: "$default", ID: "abc", Region: "eu-west-1", Account: "123456789012"}
	v := apigw.Decide(api, &apigw.Request{Method: "GET", Path: "/pets", Time: at()}, nil, nil)
	event, err := v.ProxyEvent(apigw.ProxyRequest{})
	fmt.Println(string(event[:60]), err)
	answer, _ := v.ProxyAnswer(apigw.ResultOutput([]byte(`{"statusCode": 201, "body": "meow"}`)), apigw.ProxyRequest{})
	fmt.Println(answer.Status, string(answer.Body))
	// Output:
	// {"version":"2.0","routeKey":"GET /pets","rawPath":"/pets","r <nil>
	// 201 meow
}
