package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/gateway"
)

// tokens is an authorizer as in the tutorials: the token itself says what the
// answer is. It counts how often it is asked.
type tokens struct {
	mu    sync.Mutex
	asked int
	last  apigw.Event
}

func (a *tokens) invoke(_ context.Context, ev apigw.Event) (apigw.Output, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	a.last = ev
	word, _, _ := strings.Cut(strings.TrimPrefix(ev.Token, "Bearer "), "-")
	whole := ev.ARN[:strings.Index(ev.ARN, "/")] + "/prod/*"
	switch word {
	case "allow":
		return policyOutput("Allow", whole), "it is allow"
	case "once":
		return policyOutput("Allow", ev.ARN), ""
	case "deny":
		return policyOutput("Deny", whole), ""
	case "unauthorized":
		return apigw.ErrorOutput("Unauthorized"), "the token has expired"
	}
	return apigw.ErrorOutput("Error: Invalid token"), ""
}

func (a *tokens) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

func policyOutput(effect, resource string) apigw.Output {
	doc, _ := json.Marshal(map[string]any{
		"principalId": "ann",
		"policyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{
			map[string]any{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource},
		}},
		"context": map[string]any{"email": "ann@acme.com", "level": 3, "name": "Ann Ä\r\nX-Evil: 1"},
	})
	return apigw.ResultOutput(doc)
}

// testAPI is a REST API of which every path is a route.
func testAPI(ttl int) *apigw.API {
	a := &apigw.Authorizer{Name: "policy", Type: apigw.AuthToken, TTL: &ttl, IdentitySources: []string{"method.request.header.Authorization"}}
	return &apigw.API{
		Kind: apigw.REST, Region: "eu-west-1", Account: "123456789012", ID: "abc123", Stage: "prod",
		Default: apigw.Access{Authorizer: a},
	}
}

// serve runs a gateway on a loopback port.
func serve(t testing.TB, o gateway.Options) *httptest.Server {
	t.Helper()
	h, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// options are those of a gateway over testAPI.
func options(a *tokens, ttl int) gateway.Options {
	return gateway.Options{API: testAPI(ttl), Authorizers: map[string]gateway.Invoke{"policy": a.invoke}}
}

// call makes a request and reads the whole answer.
func call(t testing.TB, method, url, token string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// upstream is a server that answers with what it got, one line a fact.
func upstream(t testing.TB) *url.URL {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s\n", r.Method, r.RequestURI)
		names := make([]string, 0, len(r.Header))
		for name := range r.Header {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Fprintf(w, "%s: %s\n", name, strings.Join(r.Header[name], " | "))
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "\n%s", body)
	}))
	t.Cleanup(s.Close)
	return parse(t, s.URL)
}

func parse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAnswers(t *testing.T) {
	a := new(tokens)
	s := serve(t, options(a, 0))
	for name, tc := range map[string]struct {
		token     string
		status    int
		body      string
		errorType string
	}{
		"no token":     {"", 401, `{"message":"Unauthorized"}`, "UnauthorizedException"},
		"unauthorized": {"unauthorized", 401, `{"message":"Unauthorized"}`, "UnauthorizedException"},
		"deny": {
			"deny", 403, `{"Message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`,
			"AccessDeniedException",
		},
		"anything else": {"x", 500, `{"message":null}`, "AuthorizerConfigurationException"},
	} {
		t.Run(name, func(t *testing.T) {
			res, body := call(t, "GET", s.URL+"/orders", tc.token)
			if res.StatusCode != tc.status || body != tc.body {
				t.Errorf("%d %s, want %d %s", res.StatusCode, body, tc.status, tc.body)
			}
			for header, want := range map[string]string{
				"Content-Type": "application/json", "Content-Length": strconv.Itoa(len(tc.body)), "X-Amzn-Errortype": tc.errorType,
			} {
				if got := res.Header.Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			if len(res.Header.Get("X-Amzn-Requestid")) != 36 || len(res.Header.Get("X-Amz-Apigw-Id")) != 16 {
				t.Errorf("ids %v", res.Header)
			}
			for name := range res.Header {
				if strings.HasPrefix(name, "Access-Control-") || name == "X-Content-Type-Options" || name == "Server" {
					t.Errorf("API Gateway sends no %s", name)
				}
			}
		})
	}
	res, body := call(t, "GET", s.URL+"/orders", "allow")
	if res.StatusCode != http.StatusOK || !strings.Contains(body, `"email": "ann@acme.com"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

// The names of headers go over the network in the spelling of API Gateway.
func TestHeaderSpelling(t *testing.T) {
	s := serve(t, options(new(tokens), 0))
	answer := raw(t, s.URL, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	for _, want := range []string{"\r\nx-amzn-RequestId: ", "\r\nx-amz-apigw-id: ", "\r\nx-amzn-ErrorType: UnauthorizedException\r\n", "\r\nContent-Length: 26\r\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in\n%s", want, answer)
		}
	}
}

// raw sends bytes and returns all that comes back.
func raw(t testing.TB, server, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", parse(t, server).Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// A HEAD is decided about as such, and has no body.
func TestHead(t *testing.T) {
	a := new(tokens)
	s := serve(t, options(a, 0))
	res, body := call(t, "HEAD", s.URL+"/x", "")
	if res.StatusCode != http.StatusUnauthorized || body != "" || res.ContentLength != 26 {
		t.Errorf("%d %q, length %d", res.StatusCode, body, res.ContentLength)
	}
	if _, _ = call(t, "HEAD", s.URL+"/x", "allow"); !strings.HasSuffix(a.last.ARN, "/prod/HEAD/x") {
		t.Errorf("ARN %s", a.last.ARN)
	}
}

// Paths reach the authorizer and the upstream as they were sent, and both the same.
func TestPaths(t *testing.T) {
	a := new(tokens)
	o := options(a, 0)
	o.Integration.Upstream = upstream(t)
	s := serve(t, o)
	for _, path := range []string{
		"/", "/a/b", "/a/", "//a//b", "/a..b/...", "/a%2Fb", "/a%20b", "/caf%C3%A9", "/a:b:c", "/a;v=1", "/*", "/a?b=1&b=2&c=%26",
	} {
		answer := raw(t, s.URL, "GET "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: allow\r\nConnection: close\r\n\r\n")
		_, body, _ := strings.Cut(answer, "\r\n\r\n")
		if !strings.Contains(body, "GET "+path+"\n") {
			t.Errorf("%s reached the upstream as\n%s", path, body)
		}
		plain, _, _ := strings.Cut(path, "?")
		if !strings.HasPrefix(a.last.ARN, "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/") {
			t.Errorf("%s has the ARN %s", plain, a.last.ARN)
		}
	}
	for _, path := range []string{"/a/../b", "/a/./b", "/..", "/%2e%2e/x", "/a/..%2fb", "/%252e%252e/x", "/a/..;x/b", "/..\\b", "/.%2E"} {
		before := a.count()
		answer := raw(t, s.URL, "GET "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: allow\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 400 ") || !strings.HasSuffix(answer, `{"message":"Bad Request"}`) || a.count() != before {
			t.Errorf("%s: %s", path, answer)
		}
	}
	answer := raw(t, s.URL, "GET /%61dmin%2F%7e HTTP/1.1\r\nHost: x\r\nAuthorization: allow\r\nConnection: close\r\n\r\n")
	if !strings.Contains(answer, "GET /admin%2F~\n") || !strings.HasSuffix(a.last.ARN, "/prod/GET/admin%2F~") {
		t.Errorf("what needs no encoding: ARN %s, upstream\n%s", a.last.ARN, answer)
	}
	raw(t, s.URL, "GET /a:b HTTP/1.1\r\nHost: x\r\nAuthorization: allow\r\nConnection: close\r\n\r\n")
	if !strings.HasSuffix(a.last.ARN, "/prod/GET/a:b") {
		t.Errorf("ARN %s", a.last.ARN)
	}
}

// Parameters that servers read differently reach neither side.
func TestQueryThatCannotBeRead(t *testing.T) {
	a := new(tokens)
	o := options(a, 0)
	o.Integration.Upstream = upstream(t)
	s := serve(t, o)
	answer := raw(t, s.URL, "GET /x?a=1;b=2&c=3&d=%zz HTTP/1.1\r\nHost: x\r\nAuthorization: allow\r\nConnection: close\r\n\r\n")
	if !strings.Contains(answer, "GET /x?c=3\n") {
		t.Errorf("the upstream got\n%s", answer)
	}
}

func TestBase(t *testing.T) {
	for name, tc := range map[string]struct {
		base gateway.Base
		path string
		want string // the end of the ARN, or empty for a stage that is not there
	}{
		"custom domain":          {gateway.Base{}, "/prod/x", "/GET/prod/x"},
		"invoke URL":             {gateway.Base{Path: "/prod"}, "/prod/x", "/GET/x"},
		"root of the stage":      {gateway.Base{Path: "/prod"}, "/prod", "/GET/"},
		"root with a slash":      {gateway.Base{Path: "/prod"}, "/prod/", "/GET/"},
		"another stage":          {gateway.Base{Path: "/prod"}, "/dev/x", ""},
		"a stage that begins so": {gateway.Base{Path: "/prod"}, "/production/x", ""},
		"optional, with":         {gateway.Base{Path: "/prod", Optional: true}, "/prod/x", "/GET/x"},
		"optional, without":      {gateway.Base{Path: "/prod", Optional: true}, "/x", "/GET/x"},
		"optional, longer":       {gateway.Base{Path: "/prod", Optional: true}, "/production", "/GET/production"},
	} {
		t.Run(name, func(t *testing.T) {
			a := new(tokens)
			o := options(a, 0)
			o.Base = tc.base
			s := serve(t, o)
			res, body := call(t, "GET", s.URL+tc.path, "allow")
			if tc.want == "" {
				if res.StatusCode != http.StatusForbidden || body != `{"message":"Forbidden"}` || a.count() != 0 {
					t.Errorf("%d %s", res.StatusCode, body)
				}
				return
			}
			if res.StatusCode != http.StatusOK || !strings.HasSuffix(a.last.ARN, "/prod"+tc.want) {
				t.Errorf("%d, ARN %s, want one that ends %s", res.StatusCode, a.last.ARN, tc.want)
			}
		})
	}
}

// A cached policy is evaluated anew for every route, and only that of the same
// token.
func TestCache(t *testing.T) {
	a := new(tokens)
	now := time.Unix(1_800_000_000, 0)
	o := options(a, 300)
	o.Now = func() time.Time { return now }
	s := serve(t, o)
	want := func(path, token string, status, asked int) {
		t.Helper()
		res, body := call(t, "GET", s.URL+path, token)
		if res.StatusCode != status || a.count() != asked {
			t.Errorf("%s with %s: %d after %d questions, want %d after %d: %s", path, token, res.StatusCode, a.count(), status, asked, body)
		}
	}
	want("/a", "allow", 200, 1)
	want("/b", "allow", 200, 1)
	want("/a", "allow-2", 200, 2)
	want("/a", "once", 200, 3)
	want("/b", "once", 403, 3)
	want("/a", "unauthorized", 401, 4)
	want("/a", "unauthorized", 401, 5) // errors are not kept
	now = now.Add(301 * time.Second)
	want("/b", "once", 200, 6)
}

// What New cannot serve safely it does not serve.
func TestNewRefuses(t *testing.T) {
	run := map[string]gateway.Invoke{"policy": new(tokens).invoke}
	other := &apigw.Authorizer{Name: "other", Type: apigw.AuthToken}
	with := func(change func(*gateway.Options)) gateway.Options {
		o := gateway.Options{API: testAPI(0), Authorizers: run}
		change(&o)
		return o
	}
	for name, tc := range map[string]struct {
		o    gateway.Options
		want string
	}{
		"nothing":          {gateway.Options{}, "no API"},
		"no authorizer":    {with(func(o *gateway.Options) { o.Authorizers = nil }), `the authorizer "policy"`},
		"a nil authorizer": {with(func(o *gateway.Options) { o.Authorizers = map[string]gateway.Invoke{"policy": nil} }), `the authorizer "policy"`},
		"one route without": {with(func(o *gateway.Options) {
			o.API.Routes = []apigw.Route{
				{Method: "GET", Path: "/open"},
				{Method: "GET", Path: "/pets", Access: o.API.Default},
				{Method: "PUT", Path: "/pets", Access: apigw.Access{Authorizer: other}},
			}
		}), "PUT /pets"},
		"AWS signatures": {with(func(o *gateway.Options) {
			o.API.Default.Authorizer = &apigw.Authorizer{Name: "iam", Type: apigw.AuthIAM}
		}), "AWS_IAM"},
		"AWS signatures that an authorizer is to check": {with(func(o *gateway.Options) {
			o.API.Default.Authorizer = &apigw.Authorizer{Name: "policy", Type: apigw.AuthIAM}
		}), "AWS_IAM"},
		"TOKEN in a WebSocket API": {with(func(o *gateway.Options) { o.API.Kind = apigw.WebSocket }), "WEBSOCKET"},
		"a connection without": {with(func(o *gateway.Options) {
			o.API.Kind = apigw.WebSocket
			o.API.Routes = []apigw.Route{{Method: "$connect", Access: apigw.Access{Authorizer: &apigw.Authorizer{Name: "other", Type: apigw.AuthRequest}}}}
		}), "$connect"},
		"a base without /":    {with(func(o *gateway.Options) { o.Base.Path = "prod" }), "base path"},
		"a base with / after": {with(func(o *gateway.Options) { o.Base.Path = "/prod/" }), "base path"},
		"an upstream of ftp":  {with(func(o *gateway.Options) { o.Integration.Upstream = parse(t, "ftp://x") }), "URL of the upstream"},
		"an upstream path":    {with(func(o *gateway.Options) { o.Integration.Upstream = parse(t, "/x") }), "URL of the upstream"},
		"a password in it":    {with(func(o *gateway.Options) { o.Integration.Upstream = parse(t, "http://a:b@x") }), "URL of the upstream"},
		"a context header": {with(func(o *gateway.Options) {
			o.Integration.Upstream, o.ContextHeaders = parse(t, "http://x"), map[string]string{"host": "email"}
		}), "host"},
	} {
		h, err := gateway.New(tc.o)
		if h != nil || err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "a:b@") {
			t.Errorf("%s: %v, want an error with %q", name, err, tc.want)
		}
	}
}

func TestRecord(t *testing.T) {
	a := new(tokens)
	var mu sync.Mutex
	var records []gateway.Record
	o := options(a, 0)
	o.Trace = true
	o.OnRequest = func(r *gateway.Record) {
		mu.Lock()
		defer mu.Unlock()
		records = append(records, *r)
	}
	s := serve(t, o)
	call(t, "POST", s.URL+"/a?access_token=secret", "allow")
	call(t, "GET", s.URL+"/b", "unauthorized")
	s.Close() // waits for the handlers
	mu.Lock()
	defer mu.Unlock()
	if len(records) != 2 {
		t.Fatalf("%d records", len(records))
	}
	if r := records[0]; r.Method != http.MethodPost || r.Path != "/a" || r.Status != 200 || !r.Verdict.Allowed || len(r.Verdict.Trace) == 0 || r.ID == "" || r.Took < r.Authorizing {
		t.Errorf("record %+v", r)
	}
	if r := records[1]; r.Status != 401 || r.Reason == "" || r.Said != "the token has expired" {
		t.Errorf("record %+v", r)
	}
}

func TestEcho(t *testing.T) {
	a := new(tokens)
	o := options(a, 0)
	o.API.Default.Authorizer.IdentitySources = []string{"method.request.header.X-Token"}
	s := serve(t, o)
	req, err := http.NewRequest(http.MethodPut, s.URL+"/orders/7?q=1&z=1&z=2&access_token=SECRET", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]string{"X-Token": "allow-SECRET", "Authorization": "SECRET", "Cookie": "a=SECRET", "X-Other": "shown"} {
		req.Header.Set(name, v)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body)
	var got struct {
		Method, Path   string
		Query, Headers map[string]any
		BodyBytes      int
		RequestContext struct{ Authorizer map[string]any }
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if got.Method != http.MethodPut || got.Path != "/orders/7" || got.Query["q"] != "1" || got.BodyBytes != 5 || got.Headers["X-Other"] != "shown" || fmt.Sprint(got.Query["z"]) != "[1 2]" {
		t.Errorf("echo %s", body)
	}
	if c := got.RequestContext.Authorizer; c["principalId"] != "ann" || c["level"] != "3" {
		t.Errorf("context %v", c)
	}
	if strings.Contains(string(body), "SECRET") {
		t.Errorf("the echo shows a secret: %s", body)
	}
}

func TestUpstreamHeaders(t *testing.T) {
	a := new(tokens)
	o := options(a, 0)
	o.Integration.Upstream = upstream(t)
	o.ContextHeaders = map[string]string{"x-user-email": "email", "X-Level": "level", "X-Name": "name", "X-None": "none"}
	s := serve(t, o)
	answer := raw(t, s.URL, "GET /x HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: allow\r\n"+
		"Forwarded: for=evil\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil\r\nX-User-Email: boss@acme.com\r\nX-None: evil\r\n"+
		"Connection: close, X-Level\r\nX-Level: 9\r\nX-Keep: a\r\nX-Keep: b\r\n\r\n")
	for _, want := range []string{
		"\nX-User-Email: ann@acme.com\n", "\nX-Level: 3\n", "\nX-Name: Ann %C3%84%0D%0AX-Evil: 1\n", "\nX-Keep: a | b\n", "\nAuthorization: allow\n",
		"\nX-Forwarded-For: 127.0.0.1\n", "\nX-Forwarded-Host: api.example.com\n",
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in\n%s", want, answer)
		}
	}
	if strings.Contains(answer, "evil") || strings.Contains(answer, "boss") {
		t.Errorf("what the caller claims reaches the upstream:\n%s", answer)
	}
}

// Upstreams that fail are told apart, and a client learns no more of it than from
// API Gateway.
func TestUpstreamFailures(t *testing.T) {
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer slow.Close()
	defer close(hang)
	// Nobody listens on port 1. A port that was just closed may be taken by others.
	const dead = "http://127.0.0.1:1"
	for name, tc := range map[string]struct{ upstream, want string }{
		"refused": {dead, "Internal server error"},
		"slow":    {slow.URL, "Endpoint request timed out"},
	} {
		var rec gateway.Record
		done := make(chan struct{})
		o := options(new(tokens), 0)
		o.Integration.Upstream, o.Integration.Timeout = parse(t, tc.upstream), 100*time.Millisecond
		o.OnRequest = func(r *gateway.Record) { rec = *r; close(done) }
		s := serve(t, o)
		res, body := call(t, "GET", s.URL+"/x", "allow")
		<-done
		if res.StatusCode != http.StatusGatewayTimeout || !strings.Contains(body, tc.want) || rec.Backend == nil || rec.Status != http.StatusGatewayTimeout {
			t.Errorf("%s: %d %s, record %+v", name, res.StatusCode, body, rec)
		}
	}
}

// An upstream that breaks off in the middle must not look like one that is done.
func TestUpstreamBreaksOff(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, rw, _ := http.NewResponseController(w).Hijack()
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		_ = rw.Flush()
		_ = c.Close()
	}))
	defer up.Close()
	done := make(chan gateway.Record, 1)
	o := options(new(tokens), 0)
	o.Integration.Upstream = parse(t, up.URL)
	o.OnRequest = func(r *gateway.Record) { done <- *r }
	s := serve(t, o)
	req, _ := http.NewRequest(http.MethodGet, s.URL, nil)
	req.Header.Set("Authorization", "allow")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		defer func() { _ = res.Body.Close() }()
		_, err = io.ReadAll(res.Body)
	}
	if err == nil {
		t.Error("the caller does not notice")
	}
	if r := <-done; r.Backend == nil {
		t.Errorf("record %+v", r)
	}
}

// Bodies of more than 10 MB are refused, whether or not their length is known.
func TestBodyLimit(t *testing.T) {
	for name, up := range map[string]*url.URL{"upstream": upstream(t), "echo": nil} {
		for _, tc := range []struct {
			size   int64
			known  bool
			status int
		}{
			{gateway.MaxBody, true, 200},
			{gateway.MaxBody + 1, true, 413},
			{gateway.MaxBody, false, 200},
			{gateway.MaxBody + 1, false, 413},
		} {
			o := options(new(tokens), 0)
			o.Integration.Upstream = up
			s := serve(t, o)
			req, _ := http.NewRequest(http.MethodPost, s.URL, io.LimitReader(zeros{}, tc.size))
			if tc.known {
				req.ContentLength = tc.size
			}
			req.Header.Set("Authorization", "allow")
			req.Header.Set("Expect", "100-continue")
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Errorf("%s, %+v: %v", name, tc, err)
				continue
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode != tc.status {
				t.Errorf("%s, %+v: %d", name, tc, res.StatusCode)
			}
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Answers reach the caller as the upstream sends them, not when they are whole.
func TestStreaming(t *testing.T) {
	next := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "part %d\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}))
	defer up.Close()
	o := options(new(tokens), 0)
	o.Integration.Upstream = parse(t, up.URL)
	s := serve(t, o)
	req, _ := http.NewRequest(http.MethodGet, s.URL, nil)
	req.Header.Set("Authorization", "allow")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	for i := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprintf("part %d", i) {
			t.Fatalf("part %d: %q %v", i, lines.Text(), lines.Err())
		}
		next <- struct{}{} // the upstream goes on only now
	}
}

// A connection that is upgraded passes in both directions.
func TestUpgrade(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, rw, _ := http.NewResponseController(w).Hijack()
		defer func() { _ = c.Close() }()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString(strings.ToUpper(line))
		_ = rw.Flush()
	}))
	defer up.Close()
	o := options(new(tokens), 0)
	o.Integration.Upstream = parse(t, up.URL)
	s := serve(t, o)
	c, err := net.Dial("tcp", parse(t, s.URL).Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: allow\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	in := bufio.NewReader(c)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", res, err)
	}
	_, _ = io.WriteString(c, "hello\n")
	if line, err := in.ReadString('\n'); line != "HELLO\n" {
		t.Errorf("%q %v", line, err)
	}
	// Another protocol would carry requests that nobody has decided about.
	for _, h := range []string{"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", "Connection: Upgrade\r\nUpgrade: shout\r\n", "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"} {
		p := options(new(tokens), 0)
		p.Integration.Upstream = upstream(t)
		answer := cut(t, serve(t, p).URL, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: allow\r\n"+h+"\r\nGET / HTTP/1.0\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 200") || strings.Contains(answer, "\nUpgrade:") || strings.Contains(answer, "\nHttp2-Settings:") {
			t.Errorf("%q: %s", h, answer)
		}
	}
	// A refused one is answered as any other request.
	if answer := raw(t, s.URL, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUpgrade: websocket\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 401") {
		t.Errorf("%s", answer)
	}
}

// With two token headers there is one answer, and it is that for the token the
// authorizer was shown. Which of them that is was not found documented.
func TestTwoTokenHeaders(t *testing.T) {
	a := new(tokens)
	s := serve(t, options(a, 0))
	for _, order := range []string{
		"Authorization: allow\r\nAuthorization: deny\r\n", "Authorization: deny\r\nauthorization: allow\r\n",
	} {
		answer := raw(t, s.URL, "GET / HTTP/1.1\r\nHost: x\r\n"+order+"Connection: close\r\n\r\n")
		want := map[string]string{"allow": "HTTP/1.1 200", "deny": "HTTP/1.1 403"}[a.last.Token]
		if want == "" || !strings.HasPrefix(answer, want) {
			t.Errorf("%q: token %q, answer %s", order, a.last.Token, answer)
		}
	}
}

// A caller that goes away ends the authorizer's work.
func TestCallerGoesAway(t *testing.T) {
	ended := make(chan error, 1)
	began := make(chan struct{})
	o := gateway.Options{API: testAPI(300), Authorizers: map[string]gateway.Invoke{
		"policy": func(ctx context.Context, _ apigw.Event) (apigw.Output, string) {
			close(began)
			<-ctx.Done()
			ended <- ctx.Err()
			return apigw.NotInvokedOutput("the caller has gone away"), ""
		},
	}}
	s := serve(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	req.Header.Set("Authorization", "x")
	go func() { <-began; cancel() }()
	if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
		_ = res.Body.Close()
		t.Error("there is an answer")
	}
	if err := <-ended; err == nil {
		t.Error("the context did not end")
	}
}

// Many callers at once get their own answers, cached or not.
func TestManyAtOnce(t *testing.T) {
	for _, ttl := range []int{0, 300} {
		o := options(new(tokens), ttl)
		o.Integration.Upstream = upstream(t)
		o.OnRequest = func(*gateway.Record) {}
		s := serve(t, o)
		var wg sync.WaitGroup
		for worker := range 16 {
			wg.Go(func() {
				for i := range 20 {
					want := map[string]int{"allow": 200, "deny": 403, "unauthorized": 401, "x": 500}
					for word, status := range want {
						token := fmt.Sprintf("%s-%d", word, (worker+i)%5)
						res, body := call(t, http.MethodGet, s.URL+"/"+token, token)
						if res.StatusCode != status {
							t.Errorf("%s: %d, want %d", token, res.StatusCode, status)
						}
						if status == 200 && !strings.HasPrefix(body, "GET /"+token+"\n") {
							t.Errorf("%s got somebody else's answer: %s", token, body)
						}
					}
				}
			})
		}
		wg.Wait()
	}
}
