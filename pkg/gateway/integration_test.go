package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
	"gatepass/pkg/gateway"
)

// answers is a function that always returns the same document.
func answers(doc string) gateway.Function {
	return func(context.Context, []byte) apigw.Output { return apigw.ResultOutput([]byte(doc)) }
}

// echoes is a function that answers with its event.
func echoes(_ context.Context, event []byte) apigw.Output {
	doc, _ := json.Marshal(map[string]any{"statusCode": 201, "headers": map[string]string{"Content-Type": "application/json"}, "body": string(event)})
	return apigw.ResultOutput(doc)
}

func httpTestAPI() *apigw.API {
	api := testAPI(0)
	api.Kind = apigw.HTTP
	z := api.Default.Authorizer
	z.Type, z.PayloadFormat, z.IdentitySources = apigw.AuthRequest, "1.0", []string{"$request.header.Authorization"}
	return api
}

// httpTokens answers the REQUEST events of HTTP APIs as tokens does.
func httpTokens(ctx context.Context, ev apigw.Event) (apigw.Output, string) {
	ev.Token = ev.Identity[0]
	return new(tokens).invoke(ctx, ev)
}

// A function gets the request as API Gateway would hand it on.
func TestFunctionEvent(t *testing.T) {
	o := options(new(tokens), 0)
	o.Integration.Function, o.Base = echoes, gateway.Base{Path: "/prod"}
	s := serve(t, o)
	req, _ := http.NewRequest(http.MethodPost, s.URL+"/prod/pets/7?a=1&a=2", strings.NewReader("hello"))
	req.Header.Set("Authorization", "allow")
	req.Header["X-Two"] = []string{"1", "2"}
	req.Header.Set("X-Forwarded-For", "192.0.2.1")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var e struct {
		Path, HTTPMethod, Body string
		Headers                map[string]string
		MultiValueHeaders      map[string][]string
		RequestContext         struct {
			Path       string
			Authorizer map[string]any
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&e); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(s.URL, "http://")
	_, port, _ := strings.Cut(host, ":")
	for name, pair := range map[string][2]string{
		"status":    {fmt.Sprint(res.StatusCode), "201"},
		"path":      {e.Path, "/pets/7"},
		"context":   {e.RequestContext.Path, "/prod/pets/7"},
		"method":    {e.HTTPMethod, "POST"},
		"body":      {e.Body, "hello"},
		"host":      {e.Headers["Host"], host},
		"for":       {e.Headers["X-Forwarded-For"], "192.0.2.1, 127.0.0.1"},
		"port":      {e.Headers["X-Forwarded-Port"], port},
		"proto":     {e.Headers["X-Forwarded-Proto"], "http"},
		"two":       {strings.Join(e.MultiValueHeaders["X-Two"], "+"), "1+2"},
		"principal": {fmt.Sprint(e.RequestContext.Authorizer["principalId"]), "ann"},
		"level":     {fmt.Sprint(e.RequestContext.Authorizer["level"]), "3"},
		"trace":     {e.Headers["X-Amzn-Trace-Id"], res.Header.Get("X-Amzn-Trace-Id")},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", name, pair[0], pair[1])
		}
	}
	if !strings.HasPrefix(e.Headers["X-Amzn-Trace-Id"], "Root=1-") || len(res.Header.Get("X-Amzn-Requestid")) != 36 || res.Header.Get("X-Amz-Apigw-Id") == "" {
		t.Errorf("ids: %v, %v", e.Headers, res.Header)
	}
}

// An authorizer that is given the request is given what API Gateway adds to it, and the
// function behind it the same.
func TestAuthorizerEventHeaders(t *testing.T) {
	var seen apigw.Event
	for _, k := range []apigw.Kind{apigw.REST, apigw.HTTP} {
		o := options(new(tokens), 0)
		o.API = httpTestAPI()
		if k == apigw.REST {
			o.API = testAPI(0)
			z := o.API.Default.Authorizer
			z.Type, z.IdentitySources = apigw.AuthRequest, []string{"method.request.header.Authorization"}
		}
		o.Authorizers = map[string]gateway.Invoke{"policy": func(ctx context.Context, ev apigw.Event) (apigw.Output, string) {
			seen = ev
			return httpTokens(ctx, ev)
		}}
		o.Integration.Function = echoes
		s := serve(t, o)
		res, body := call(t, "GET", s.URL+"/x", "allow")
		h := http.Header(seen.Header)
		if res.StatusCode != http.StatusCreated || h.Get("Host") != parse(t, s.URL).Host || h.Get("X-Forwarded-For") != "127.0.0.1" || h.Get("X-Forwarded-Proto") != "http" {
			t.Errorf("%s: %d, the authorizer was given %v", k, res.StatusCode, h)
		}
		if id := h.Get("X-Amzn-Trace-Id"); id == "" || !strings.Contains(body, id) {
			t.Errorf("%s: the trace id is %q for the authorizer, and another for the function: %s", k, id, body)
		}
	}
}

// What functions answer, and what callers get when they do not.
func TestFunctionAnswers(t *testing.T) {
	hang := func(ctx context.Context, _ []byte) apigw.Output {
		<-ctx.Done()
		return apigw.TimeoutOutput("it took too long")
	}
	for name, tc := range map[string]struct {
		f            gateway.Function
		rest, http   int // statuses
		body, hbody  string
		integration  int // status in the record
		hasError     bool
		restOnlyBody bool
	}{
		"an answer":         {f: answers(`{"statusCode":202,"body":"x"}`), rest: 202, http: 202, body: "x", hbody: "x", integration: 202},
		"no body allowed":   {f: answers(`{"statusCode":204,"body":"x"}`), rest: 204, http: 204, integration: 204},
		"its own refusal":   {f: answers(`{"statusCode":401,"body":"no"}`), rest: 401, http: 401, body: "no", hbody: "no", integration: 401},
		"the short form":    {f: answers(`{"a":1}`), rest: 502, http: 200, body: `{"message":"Internal server error"}`, hbody: `{"a":1}`, integration: 200, restOnlyBody: true},
		"an error":          {f: func(context.Context, []byte) apigw.Output { return apigw.ErrorOutput("boom") }, rest: 502, http: 500, body: `{"message":"Internal server error"}`, hbody: `{"message":"Internal Server Error"}`, hasError: true},
		"its own time-out":  {f: func(context.Context, []byte) apigw.Output { return apigw.TimeoutOutput("3 s") }, rest: 502, http: 500, body: `{"message":"Internal server error"}`, hbody: `{"message":"Internal Server Error"}`, hasError: true},
		"the gateway's one": {f: hang, rest: 504, http: 503, body: `{"message":"Endpoint request timed out"}`, hbody: `{"message":"Service Unavailable"}`, hasError: true},
	} {
		for _, k := range []apigw.Kind{apigw.REST, apigw.HTTP} {
			var rec gateway.Record
			o := options(new(tokens), 0)
			status, want := tc.rest, tc.body
			if k == apigw.HTTP {
				o.API, o.Authorizers = httpTestAPI(), map[string]gateway.Invoke{"policy": httpTokens}
				status, want = tc.http, tc.hbody
			}
			o.Integration = gateway.Integration{Function: tc.f, Timeout: 50 * time.Millisecond}
			done := make(chan struct{})
			o.OnRequest = func(r *gateway.Record) { rec = *r; close(done) }
			s := serve(t, o)
			res, body := call(t, "GET", s.URL+"/x", "allow")
			<-done
			if res.StatusCode != status || body != want || rec.Status != status {
				t.Errorf("%s, %s: %d %s (record %d), want %d %s", name, k, res.StatusCode, body, rec.Status, status, want)
			}
			i := rec.Integration
			if i == nil || !i.Lambda || (i.Error != "") != (tc.hasError || tc.restOnlyBody && k == apigw.REST) || i.Error == "" && i.Status != tc.integration {
				t.Errorf("%s, %s: the integration is %+v", name, k, i)
			}
		}
	}
}

// Functions spell headers as they like: each goes out once, and nothing is guessed.
func TestFunctionHeadersOnce(t *testing.T) {
	for name, want := range map[string][]string{
		`{"statusCode":200,"headers":{"content-type":"application/json","date":"then"},"body":"{}"}`: {"content-type: application/json", "date: then"},
		`{"statusCode":200,"headers":{"CONTENT-TYPE":""},"body":"<html>"}`:                           {"content-type: "},
		`{"statusCode":200,"body":"<html>"}`:                                                         {"content-type: text/plain; charset=utf-8"},
	} {
		o := options(new(tokens), 0)
		o.API, o.Authorizers = httpTestAPI(), map[string]gateway.Invoke{"policy": httpTokens}
		o.Integration.Function = answers(name)
		s := serve(t, o)
		head, _, _ := strings.Cut(raw(t, s.URL, "GET /x HTTP/1.1\r\nHost: x\r\nAuthorization: allow\r\nConnection: close\r\n\r\n"), "\r\n\r\n")
		head = strings.ToLower(head)
		for _, line := range want {
			if !strings.Contains(head, "\r\n"+line) || strings.Count(head, "content-type:") != 1 || strings.Count(head, "\r\ndate:") != 1 {
				t.Errorf("%s: want %q in\n%s", name, line, head)
			}
		}
	}
}

// A caller that goes away takes the function's time with it.
func TestFunctionCallerGone(t *testing.T) {
	started, ended := make(chan struct{}), make(chan struct{})
	o := options(new(tokens), 0)
	o.Integration.Function = func(ctx context.Context, _ []byte) apigw.Output {
		close(started)
		<-ctx.Done()
		close(ended)
		return apigw.TimeoutOutput("gone")
	}
	s := serve(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	req.Header.Set("Authorization", "allow")
	go func() { <-started; cancel() }()
	if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
		_ = res.Body.Close()
		t.Error("it was answered")
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the function runs on")
	}
}

// A body too large for Lambda is refused before the function is asked.
func TestFunctionEventLimit(t *testing.T) {
	o := options(new(tokens), 0)
	o.Integration.Function = func(context.Context, []byte) apigw.Output { t.Error("called"); return apigw.Output{} }
	s := serve(t, o)
	req, _ := http.NewRequest(http.MethodPost, s.URL, io.LimitReader(zeros{}, gateway.MaxEvent))
	req.Header.Set("Authorization", "allow")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Error(res.Status)
	}
}

// Routes have integrations of their own, behind the same authorizer.
func TestIntegrationsByRoute(t *testing.T) {
	o := options(new(tokens), 0)
	access := o.API.Default
	o.API.StageVariables = map[string]string{"greeting": "hello"}
	o.API.Routes = []apigw.Route{
		{Method: "get", Path: "/mock", Access: access}, {Method: "GET", Path: "/function", Access: access},
		{Method: "ANY", Path: "/up/{proxy+}", Access: access}, {Method: "GET", Path: "/else", Access: access},
	}
	o.Integrations = map[string]gateway.Integration{
		"GET /mock":        {Mock: &gateway.Mock{Status: 203, Header: map[string]string{"x-mock": "1"}, Body: "$stageVariables.greeting $context.authorizer.principalId"}},
		"GET /function":    {Function: answers(`{"statusCode":202}`)},
		"ANY /up/{proxy+}": {Upstream: upstream(t)},
	}
	o.Integration.Mock = &gateway.Mock{}
	s := serve(t, o)
	for _, tc := range []struct {
		path   string
		status int
		body   string
	}{
		{"/mock", 203, "hello ann"}, {"/function", 202, ""}, {"/up/a/b", 200, "GET /up/a/b\n"}, {"/else", 200, ""}, {"/none", 403, ""},
	} {
		res, body := call(t, "GET", s.URL+tc.path, "allow")
		if res.StatusCode != tc.status || !strings.HasPrefix(body, tc.body) {
			t.Errorf("%s: %d %s", tc.path, res.StatusCode, body)
		}
		if tc.path == "/mock" && res.Header.Get("X-Mock") != "1" {
			t.Errorf("%v", res.Header)
		}
		if tc.path == "/none" {
			continue
		}
		if res, _ := call(t, "GET", s.URL+tc.path, "deny"); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d without being allowed", tc.path, res.StatusCode)
		}
	}
}

func TestNewRefusesIntegrations(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*gateway.Options)
		want   string
	}{
		"two at once": {func(o *gateway.Options) { o.Integration = gateway.Integration{Function: echoes, Mock: &gateway.Mock{}} }, "several integrations"},
		"no route": {func(o *gateway.Options) {
			o.Integrations = map[string]gateway.Integration{"GET /x": {Mock: &gateway.Mock{}}}
		}, "no such route"},
		"a function and sockets": {func(o *gateway.Options) {
			o.API.Kind, o.API.Default.Authorizer.Type = apigw.WebSocket, apigw.AuthRequest
			o.API.Default.Authorizer.IdentitySources = []string{"route.request.header.Authorization"}
			o.Integration.Function = echoes
		}, "WebSocket"},
		"a mock's status":   {func(o *gateway.Options) { o.Integration.Mock = &gateway.Mock{Status: 99} }, "status"},
		"CORS and REST":     {func(o *gateway.Options) { o.CORS = &apigw.CORS{Origins: []string{"*"}} }, "only HTTP APIs"},
		"CORS without more": {func(o *gateway.Options) { o.API = httpTestAPI(); o.CORS = &apigw.CORS{} }, "origins"},
	} {
		o := options(new(tokens), 0)
		tc.change(&o)
		if _, err := gateway.New(o); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

// CORS headers are those of the configuration, in the answers of backends; refusals
// have none, and preflights do not ask the authorizer.
func TestCORS(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://of.the.backend")
		w.Header().Set("Access-Control-Allow-Credentials", "true")
	}))
	defer up.Close()
	for name, i := range map[string]gateway.Integration{
		"upstream": {Upstream: parse(t, up.URL)}, "echo": {}, "mock": {Mock: &gateway.Mock{Header: map[string]string{"Access-Control-Allow-Origin": "x"}}},
		"function": {Function: answers(`{"statusCode":200,"headers":{"access-control-allow-origin":"https://of.the.function"}}`)},
	} {
		o := options(new(tokens), 0)
		o.API, o.Authorizers = httpTestAPI(), map[string]gateway.Invoke{"policy": httpTokens}
		o.API.Routes = []apigw.Route{{Method: "GET", Path: "/x", Access: o.API.Default}}
		o.CORS, o.Integration = &apigw.CORS{Origins: []string{"https://a.example"}, Methods: []string{"GET"}, Headers: []string{"authorization"}}, i
		s := serve(t, o)
		for _, tc := range []struct {
			method, token, origin string
			status                int
			allowed               []string // Access-Control-Allow-Origin
		}{
			{"GET", "allow", "https://a.example", 200, []string{"https://a.example"}},
			{"GET", "allow", "https://b.example", 200, nil},
			{"GET", "allow", "", 200, nil},
			{"GET", "deny", "https://a.example", 403, nil},
			{"GET", "", "https://a.example", 401, nil},
			{"OPTIONS", "", "https://a.example", 204, []string{"https://a.example"}},
			{"OPTIONS", "", "https://b.example", 204, nil},
			{"OPTIONS", "", "", 404, nil},
		} {
			req, _ := http.NewRequest(tc.method, s.URL+"/x", nil)
			req.Header = http.Header{"Access-Control-Request-Method": {"GET"}}
			if tc.origin != "" {
				req.Header.Set("Origin", tc.origin)
			}
			if tc.token != "" {
				req.Header.Set("Authorization", tc.token)
			}
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if got := res.Header["Access-Control-Allow-Origin"]; res.StatusCode != tc.status || !slices.Equal(got, tc.allowed) || res.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: %+v: %d, %v", name, tc, res.StatusCode, res.Header)
			}
			if res.Header.Get("Apigw-Requestid") == "" {
				t.Errorf("%s: %+v: no id in %v", name, tc, res.Header)
			}
		}
	}
}

// A REST API renames headers of its backend that are its own; an HTTP API does not.
func TestRemappedHeaders(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Server"], w.Header()["WWW-Authenticate"] = []string{"up"}, []string{"Basic"}
	}))
	defer up.Close()
	for _, k := range []apigw.Kind{apigw.REST, apigw.HTTP} {
		o := options(new(tokens), 0)
		if k == apigw.HTTP {
			o.API, o.Authorizers = httpTestAPI(), map[string]gateway.Invoke{"policy": httpTokens}
		}
		o.Integration.Upstream = parse(t, up.URL)
		res, _ := call(t, "GET", serve(t, o).URL, "allow")
		prefix, other := "", "X-Amzn-Remapped-"
		if k == apigw.REST {
			prefix, other = other, prefix
		}
		for name, want := range map[string]string{"Server": "up", "Www-Authenticate": "Basic"} {
			if got := res.Header.Get(prefix + name); got != want || res.Header.Get(other+name) != "" {
				t.Errorf("%s: %s: %v", k, name, res.Header)
			}
		}
	}
}

// openAPI has routes whose authorizers can and cannot be run.
func openAPI() gateway.Options {
	o := options(new(tokens), 0)
	gone := &apigw.Authorizer{Name: "gone", Type: apigw.AuthToken}
	iam := &apigw.Authorizer{Name: "iam", Type: apigw.AuthIAM}
	o.API.Routes = []apigw.Route{
		{Method: "GET", Path: "/good", Access: o.API.Default}, {Method: "GET", Path: "/gone", Access: apigw.Access{Authorizer: gone}},
		{Method: "PUT", Path: "/gone", Access: apigw.Access{Authorizer: gone}}, {Method: "GET", Path: "/iam", Access: apigw.Access{Authorizer: iam}},
	}
	o.Broken = map[string]string{"gone": "there is no file gone.js"}
	return o
}

// Each route that cannot be protected is named with its reason.
func TestUnprotectedRoutesAreNamed(t *testing.T) {
	o := openAPI()
	want := gateway.Unprotected{
		{Route: "GET /gone", Reason: `the authorizer "gone", which cannot be run: there is no file gone.js`},
		{Route: "PUT /gone", Reason: `the authorizer "gone", which cannot be run: there is no file gone.js`},
		{Route: "GET /iam", Reason: "an authorizer that asks for AWS signatures (AWS_IAM), which cannot be checked here"},
	}
	if diff := cmp.Diff(want, o.Unprotected()); diff != "" {
		t.Error(diff)
	}
	_, err := gateway.New(o)
	const text = `the routes GET /gone, PUT /gone have the authorizer "gone", which cannot be run: there is no file gone.js; ` +
		`route GET /iam has an authorizer that asks for AWS signatures (AWS_IAM), which cannot be checked here`
	if err == nil || err.Error() != text {
		t.Errorf("%v\nwant %s", err, text)
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Usage || !strings.Contains(f.Hint, "--open 'GET /gone'") {
		t.Errorf("%#v", err)
	}
}

// A route is open only when it is named, and only when its authorizer cannot be run.
func TestOpen(t *testing.T) {
	o := openAPI()
	o.Open = []string{"get /gone", "GET /iam"}
	if _, err := gateway.New(o); err == nil || !strings.Contains(err.Error(), "PUT /gone") || strings.Contains(err.Error(), "GET /") {
		t.Errorf("a route that was not named: %v", err)
	}
	o.Open = []string{"GET /elsewhere"}
	if _, err := gateway.New(o); err == nil || !strings.Contains(err.Error(), `no route "GET /elsewhere"`) {
		t.Errorf("a route that there is not: %v", err)
	}
	o.Open = []string{gateway.EveryPath}
	if _, err := gateway.New(o); err == nil {
		t.Error("* opened routes that are given")
	}
	o = openAPI()
	o.Open = []string{"get /gone", "PUT /gone", "GET /iam", "GET /good"}
	opened := map[string]bool{}
	o.OnRequest = func(r *gateway.Record) { opened[r.Path] = r.Opened }
	h, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/gone": 200, "/iam": 200, "/good": 401, "/none": 403} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want || opened[path] != (want == 200) {
			t.Errorf("%s: %d, opened %t", path, w.Code, opened[path])
		}
	}
}

// Where no routes are given, every path is opened at once or not at all.
func TestOpenEveryPath(t *testing.T) {
	o := options(new(tokens), 0)
	o.Authorizers, o.Broken = nil, map[string]string{"policy": "there is no node"}
	if _, err := gateway.New(o); err == nil || !strings.Contains(err.Error(), `every path has the authorizer "policy", which cannot be run: there is no node`) {
		t.Error(err)
	}
	o.Open = []string{gateway.EveryPath}
	s := serve(t, o)
	if res, _ := call(t, "GET", s.URL+"/any", ""); res.StatusCode != http.StatusOK {
		t.Error(res.Status)
	}
}

// The calls that flush the cache are AWS's own.
func TestControl(t *testing.T) {
	for _, tc := range []struct {
		kind         apigw.Kind
		method, path string
		status       int
	}{
		{apigw.REST, "DELETE", "/restapis/abc123/stages/prod/cache/authorizers", 202},
		{apigw.HTTP, "DELETE", "/v2/apis/abc123/stages/prod/cache/authorizers", 204},
		{apigw.REST, "GET", "/restapis/abc123/stages/prod/cache/authorizers", 404},
		{apigw.REST, "DELETE", "/restapis/other/stages/prod/cache/authorizers", 404},
		{apigw.HTTP, "DELETE", "/restapis/abc123/stages/prod/cache/authorizers", 404},
		{apigw.WebSocket, "DELETE", "/restapis/abc123/stages/prod/cache/authorizers", 404},
	} {
		api := testAPI(0)
		api.Kind = tc.kind
		flushed := 0
		w := httptest.NewRecorder()
		gateway.Control(api, func() { flushed++ }).ServeHTTP(w, httptest.NewRequest(tc.method, tc.path, nil))
		if w.Code != tc.status || (flushed == 1) != (tc.status < 300) {
			t.Errorf("%+v: %d, flushed %d times", tc, w.Code, flushed)
		}
	}
}

// The access log knows what only the server does.
func TestRecordAccessLog(t *testing.T) {
	lines := make(chan string, 1)
	o := options(new(tokens), 0)
	o.Integration.Function, o.Base = answers(`{"statusCode":202,"body":"hello"}`), gateway.Base{Path: "/prod"}
	o.OnRequest = func(r *gateway.Record) {
		lines <- r.AccessLog("$context.status $context.path $context.responseLength $context.integration.status $context.integrationStatus $context.authorizer.principalId")
	}
	s := serve(t, o)
	for path, tc := range map[string]struct{ token, want string }{
		"/prod/x": {"allow", "202 /prod/x 5 202 200 ann"},
		"/prod/y": {"deny", "403 /prod/y 110 - - ann"},
		"/z":      {"allow", "403 /z 23 - - -"},
	} {
		call(t, "GET", s.URL+path, tc.token)
		if got := <-lines; got != tc.want {
			t.Errorf("%s: %q, want %q", path, got, tc.want)
		}
	}
}

// BenchmarkFunction is a request whose function answers at once, without the network.
func BenchmarkFunction(b *testing.B) {
	o := options(new(tokens), 3600)
	o.Integration.Function = answers(`{"statusCode":200,"body":"hello"}`)
	h, err := gateway.New(o)
	if err != nil {
		b.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodGet, "/orders/7", nil)
	req.Header.Set("Authorization", "allow")
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(discard{http.Header{}}, req)
	}
}

// An https upstream is spoken to in HTTP/2 where it can.
func TestUpstreamHTTP2(t *testing.T) {
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	up.EnableHTTP2 = true
	up.StartTLS()
	defer up.Close()
	o := options(new(tokens), 0)
	o.Integration.Upstream = parse(t, up.URL)
	if res, _ := call(t, "GET", serve(t, o).URL, "allow"); res.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("a certificate that nobody trusts: %s", res.Status)
	}
	o = options(new(tokens), 0)
	o.Integration.Upstream = parse(t, up.URL)
	o.TLS = up.Client().Transport.(*http.Transport).TLSClientConfig //nolint:forcetypeassert // what httptest documents
	if _, body := call(t, "GET", serve(t, o).URL, "allow"); body != "HTTP/2.0" {
		t.Errorf("spoken to in %s", body)
	}
}
