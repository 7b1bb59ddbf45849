package cmd

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// agreement makes up APIs and requests. One seed makes the same ones each time.
type agreement struct{ *rand.Rand }

func (g agreement) one(of ...string) string { return of[g.IntN(len(of))] }

// some are a few of the texts, in their order.
func (g agreement) some(of ...string) []string {
	return slices.DeleteFunc(of, func(string) bool { return g.IntN(3) == 0 })
}

// answer is what the function of an authorizer always answers.
func (g agreement) answer() string {
	policy := func(effect, resource string) string {
		return `{principalId: ann, context: {n: 1, s: "x"}, policyDocument: {Version: "2012-10-17", Statement: [{Effect: ` + effect + `, Action: "execute-api:Invoke", Resource: "` + resource + `"}]}}`
	}
	return g.one(policy("Allow", "*"), policy("Allow", "*"), policy("Deny", "*"), policy("Allow", "arn:aws:execute-api:*:*:*/*/GET/pets*"),
		policy("Deny", "arn:aws:execute-api:*:*:*/*/*/admin*"), policy("Allow", "arn:aws:execute-api:*:*:*/*/*/a%20b"), policy("allow", "*"),
		`{errorMessage: Unauthorized}`, `{errorMessage: boom}`, `{principalId: ann}`, `{isAuthorized: true}`, `{isAuthorized: false}`, `{notInvoked: gone}`)
}

// api is an API file.
func (g agreement) api(kind string) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("version: 1\nkind: %s\nstage: prod\nintegration: {mock: {status: 299, body: reached}}\nauthorizers:", kind)
	names := []string{"none"}
	for i := range 4 {
		names = append(names, fmt.Sprint("a", i))
		form := "type: request, " + g.one("identity_sources: [header X-Key]", "identity_sources: [header Authorization, query k]")
		if i == 3 { // of a gateway that knows no key
			form = "type: jwt, issuer: https://issuer.example.com/, audience: [a]"
			say("  a%d: {%s}", i, form)
			continue
		}
		if kind == "http" {
			form += g.one("", ", payload_format: '1.0'", ", simple_responses: true")
		} else if g.IntN(2) == 0 {
			form = "type: token" + g.one("", `, validation_expression: 'Bearer .*'`)
		}
		say("  a%d: {%s, ttl: %s, response: %s}", i, form, g.one("0", "300"), g.answer())
	}
	say("authorizer: %s\nroutes:", g.one(names...))
	for _, route := range g.some("GET /", "GET /pets", "ANY /pets/{id}", "POST /pets", "GET /admin", "ANY /{proxy+}", "GET /a%20b", "OPTIONS /pets", "GET /%7Eann/{x+}") {
		say("  %s: {authorizer: %s}", route, g.one(names...))
	}
	say("  HEAD /always: none")
	if kind == "http" {
		return b.String()
	}
	if g.IntN(2) == 0 {
		say(`gateway_responses: {DEFAULT_4XX: {headers: {X-Path: context.path, X-Key: method.request.header.X-Key}, body: '{"at":"$context.resourcePath","why":$context.error.messageString}'}, UNAUTHORIZED: {status: 418}}`)
	}
	if g.IntN(3) == 0 {
		say(`resource_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: "*", Action: "*", Resource: "*"}, {Effect: Deny, Principal: "*", Action: "*", Resource: "arn:aws:execute-api:*:*:*/*/*/admin*"}]}`)
	}
	if g.IntN(3) == 0 {
		say("api_key: true\napi_keys: [key-of-a-plan]")
	}
	return b.String()
}

// madeUp is a request as it is written on a command line, and on a connection.
type madeUp struct {
	method, target string
	header         []string
}

func (g agreement) request() madeUp {
	path := g.one("/", "/pets", "/pets/", "/pets/1", "/pets/%31", "/pets/a%2Fb", "/pets//", "//pets", "/admin", "/%61dmin", "/admin/x", "/ADMIN", "/a%20b", "/a b", "/caf\u00e9",
		"/%7Eann/x/y", "/~ann/x/", "/x/../admin", "/x/%2e%2E/admin", "/.", "/x;y=z/", "/x|%2F", "/100%", "/%zz", "/pets/%00", "/a:b", "/pets/{id}", "/pets/"+strings.Repeat("x", 1600))
	r := madeUp{method: g.one("GET", "GET", "GET", "POST", "HEAD", "OPTIONS", "TRACE", "BREW", "PATCH"), target: path + g.one("", "", "?k=1", "?k=", "?k=1&k=2", "?k=%zz", "?K=1", "?a;k=1", "?")}
	r.header = g.some("Authorization: "+g.one("Bearer x", "bearer x", "x", "", " ", "\t", "a,b", "Bearer a.b.c", "AWS4-HMAC-SHA256 x=y", "\u00e9"), "X-Key: "+g.one("1", "", "1,2"), "x-api-key: "+g.one("key-of-a-plan", "another"))
	if g.IntN(8) == 0 {
		r.header = append(r.header, "X-KEY: again", "Authorization: Bearer twice")
	}
	return r
}

// reply is what the two have to agree about.
type reply struct {
	Status  int
	Body    string
	Headers map[string]string
}

// decided is what "authorize" says.
func (r madeUp) decided(t *testing.T, x *world) reply {
	t.Helper()
	var out, errs bytes.Buffer
	app := testApp(t, &out, &errs)
	args := []string{"authorize", r.method, r.target, "--json", "--no-token", "--source-ip", "127.0.0.1", "--api-file", x.path("api.yaml"), "--jwks", x.path("keys.json")}
	for _, h := range r.header {
		args = append(args, "-H", h)
	}
	code := Run(t.Context(), app, args)
	var v struct {
		reply
		Allowed bool
	}
	if err := json.Unmarshal(out.Bytes(), &v); err != nil || code != 0 && code != 3 {
		t.Fatalf("%q: exit %d, %v\n%s", args, code, err, errs.String())
	}
	if v.Allowed {
		v.Status, v.Body = 299, "reached"
	}
	return v.reply
}

// served is what the gateway answers. The path is sent as curl sends it: spaces are
// encoded, other bytes are not.
func (r madeUp) served(t *testing.T, c net.Conn, br *bufio.Reader) reply {
	t.Helper()
	_, _ = fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n", r.method, strings.ReplaceAll(r.target, " ", "%20"), strings.Join(r.header, "\r\n")+"\r\nX-End: 1")
	res, err := http.ReadResponse(br, &http.Request{Method: r.method})
	if err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := reply{Status: res.StatusCode, Body: string(body), Headers: map[string]string{}}
	for name := range res.Header {
		got.Headers[strings.ToLower(name)] = res.Header.Get(name)
	}
	return got
}

// differs says in what an answer is not the one that was decided, or nothing.
func (r madeUp) differs(said, got reply) string {
	if said.Status != got.Status {
		return fmt.Sprintf("the status is %d, and authorize says %d: %s", got.Status, said.Status, said.Body)
	}
	if got.Headers["content-type"] == "text/plain; charset=utf-8" && got.Status == http.StatusBadRequest {
		return "" // from Go's server, which lets no gateway have it
	}
	if said.Body != got.Body && r.method != http.MethodHead {
		return fmt.Sprintf("the body is %s, and authorize says %s", got.Body, said.Body)
	}
	for name, want := range said.Headers {
		name = strings.ToLower(name)
		if have := got.Headers[name]; have != want && !strings.HasSuffix(name, "requestid") && name != "x-amz-apigw-id" {
			return fmt.Sprintf("%s is %q, and authorize says %q", name, have, want)
		}
	}
	return ""
}

// Whatever the API and whatever the request, the gateway answers what "authorize" says.
func TestGatewayAgreesWithAuthorize(t *testing.T) {
	seen := map[int]int{}
	for seed := range uint64(10) {
		g := agreement{rand.New(rand.NewPCG(seed, 5))}
		file := g.api([]string{"rest", "http"}[seed%2])
		x := newWorld(t, map[string]string{"api.yaml": file, "keys.json": `{"keys":[]}`})
		s, stop := x.start("--base-path", "/", "--jwks", x.path("keys.json"))
		for range 40 {
			r := g.request()
			c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			got := r.served(t, c, bufio.NewReader(c))
			seen[got.Status]++
			if why := r.differs(r.decided(t, x), got); why != "" {
				t.Errorf("%s %q with %q: %s\n(seed %d) %s", r.method, r.target, r.header, why, seed, file)
			}
			_ = c.Close()
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	for _, status := range []int{299, 400, 401, 403, 404, 414, 418, 500} {
		if seen[status] == 0 {
			t.Errorf("no request was answered with %d: %v", status, seen)
		}
	}
}
