package cmd

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

// testKey is one key for all tests of the package: making one is slow.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// testIssuer is an issuer of tokens as far as an authorizer needs one.
type testIssuer struct {
	*httptest.Server
	mu   sync.Mutex
	down bool
}

func newTestIssuer(t *testing.T) *testIssuer {
	t.Helper()
	i := new(testIssuer)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		down := i.down
		i.mu.Unlock()
		n := base64.RawURLEncoding.EncodeToString(testKey().N.Bytes())
		e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(testKey().E)).Bytes())
		switch {
		case down:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/.well-known/openid-configuration":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q,"authorization_endpoint":%q,"token_endpoint":%q}`, i.URL, i.URL+"/certs", i.URL+"/auth", i.URL+"/token")
		default:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"keys":[{"kty":"RSA","kid":"k1","use":"sig","n":%q,"e":%q}]}`, n, e)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

// token is an access token with more claims.
func (i *testIssuer) token(t *testing.T, more map[string]any) string {
	t.Helper()
	now := time.Now()
	claims := jwt.MapClaims{"iss": i.URL, "aud": "app", "sub": "42", "jti": "x", "scope": "openid", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	for k, v := range more {
		claims[k] = v
	}
	tok := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	tok.Header["kid"] = "k1"
	s, err := tok.SignedString(testKey())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lockedBuffer is a stream that a command writes while a test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// testApp is an App of a folder that holds nothing else.
func testApp(t *testing.T, out, errs io.Writer) *App {
	t.Helper()
	dir := t.TempDir()
	return &App{
		IO:     &iostreams.Streams{In: strings.NewReader(""), Out: out, Err: errs, Width: 80},
		Getenv: func(string) string { return "" }, Now: time.Now, Dir: dir,
		HTTP: &http.Client{Timeout: 10 * time.Second}, Secrets: new(secret.Redactor),
	}
}

const testPolicy = `
principal: ${jwt:sub}
context: {email: "${jwt:email}"}
policy:
  Version: "2012-10-17"
  Statement:
    - {Effect: Allow, Resource: "GET /users/${jwt:sub}/*"}
    - {Effect: Allow, Resource: "* /*", Condition: {"ForAnyValue:StringEquals": {"jwt:groups": [Admins]}}}
    - {Effect: Deny, Resource: "DELETE /*"}
`

// runGateway starts "gatepass gateway" with an authorizer file and returns where it
// is, what it says on stderr, and a function that interrupts it and returns its error.
func runGateway(t *testing.T, file string, args ...string) (base string, errs *lockedBuffer, stop func() error) {
	t.Helper()
	r, w := io.Pipe()
	errs = new(lockedBuffer)
	app := testApp(t, w, errs)
	path := filepath.Join(app.Dir, "authorizer.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	s, stop := startGateway(t, app, r, w, append([]string{"--authorizer", path}, args...)...)
	return s.URL, errs, stop
}

// startGateway starts it with an app whose standard output is a pipe.
func startGateway(t *testing.T, app *App, r *io.PipeReader, w *io.PipeWriter, args ...string) (s served, stop func() error) {
	t.Helper()
	c := newGateway(app)
	c.Flags().Bool("json", false, "")
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(append([]string{"--json", "--listen", "127.0.0.1:0"}, args...))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		err := c.ExecuteContext(ctx)
		_ = w.CloseWithError(err)
		done <- err
	}()
	if err := json.NewDecoder(bufio.NewReader(r)).Decode(&s); err != nil {
		cancel()
		t.Fatalf("no announcement: %v; %v", err, <-done)
	}
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return s, stop
}

// get makes a request and returns status, body and error type.
func get(t *testing.T, method, url, authorization string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
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
	return res.StatusCode, string(body)
}

// What the whole command answers, from the token to the body.
func TestGatewayCommand(t *testing.T) {
	i := newTestIssuer(t)
	file := "version: 1\ntokens: [{issuer: " + i.URL + ", audience: app}]" + testPolicy
	base, errs, stop := runGateway(t, file)
	user := "Bearer " + i.token(t, map[string]any{"email": "ann@acme.com"})
	admin := "Bearer " + i.token(t, map[string]any{"groups": []string{"Admins"}})
	other := newTestIssuer(t)
	cut := user[:len(user)-4]
	for name, tc := range map[string]struct {
		method, path, token string
		status              int
		body, said          string
	}{
		"a user's own":         {"GET", "/users/42/x", user, 200, `"email": "ann@acme.com"`, ""},
		"somebody else's":      {"GET", "/users/43/x", user, 403, "no identity-based policy allows", ""},
		"an admin":             {"PUT", "/users/43/x", admin, 200, `"principalId": "42"`, ""},
		"an explicit deny":     {"DELETE", "/users/43/x", admin, 403, "explicit deny", ""},
		"no token":             {"GET", "/users/42/x", "", 401, `{"message":"Unauthorized"}`, ""},
		"another scheme":       {"GET", "/users/42/x", "Basic abc", 401, `{"message":"Unauthorized"}`, "want Bearer"},
		"no JWT":               {"GET", "/users/42/x", "Bearer abc", 401, `{"message":"Unauthorized"}`, "opaque"},
		"changed":              {"GET", "/users/42/x", cut + "AAAA", 401, `{"message":"Unauthorized"}`, "signature"},
		"expired":              {"GET", "/users/42/x", "Bearer " + i.token(t, map[string]any{"exp": 1000}), 401, `{"message":"Unauthorized"}`, "expiry"},
		"another audience":     {"GET", "/users/42/x", "Bearer " + i.token(t, map[string]any{"aud": "x"}), 401, `{"message":"Unauthorized"}`, "audience"},
		"another issuer":       {"GET", "/users/42/x", "Bearer " + other.token(t, nil), 401, `{"message":"Unauthorized"}`, "no tokens of the issuer"},
		"an ID token":          {"GET", "/users/42/x", "Bearer " + i.token(t, map[string]any{"scope": nil, "jti": nil, "nonce": "n"}), 401, `{"message":"Unauthorized"}`, "use"},
		"no subject":           {"GET", "/users/42/x", "Bearer " + i.token(t, map[string]any{"sub": nil}), 401, `{"message":"Unauthorized"}`, "principal"},
		"a subject with stars": {"GET", "/users/43/x", "Bearer " + i.token(t, map[string]any{"sub": "*"}), 403, "no identity-based policy", ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := get(t, tc.method, base+tc.path, tc.token)
			if status != tc.status || !strings.Contains(body, tc.body) {
				t.Errorf("%d %s, want %d with %q", status, body, tc.status, tc.body)
			}
			if !strings.Contains(errs.String(), tc.said) {
				t.Errorf("no %q in the log:\n%s", tc.said, errs)
			}
		})
	}
	if err := stop(); err != nil {
		t.Errorf("interrupted, it ends with %v", err)
	}
	for _, secret := range []string{user[20:60], admin[len(admin)-40:]} {
		if strings.Contains(errs.String(), secret) {
			t.Errorf("the log shows a token:\n%s", errs)
		}
	}
}

// Without keys the answer is an error that is not kept, and never a Deny.
func TestGatewayWithoutKeys(t *testing.T) {
	for _, refuse := range []string{"unauthorized", "deny"} {
		i := newTestIssuer(t)
		i.down = true
		base, errs, _ := runGateway(t, "version: 1\nrefuse: "+refuse+"\ntokens: [{issuer: "+i.URL+", audience: app}]"+testPolicy)
		status, body := get(t, "GET", base+"/users/42/x", "Bearer "+i.token(t, nil))
		if status != 500 || body != `{"message":null}` {
			t.Errorf("%d %s", status, body)
		}
		if !strings.Contains(errs.String(), i.URL) {
			t.Errorf("the log does not say why:\n%s", errs)
		}
	}
}

func TestGatewayMistakes(t *testing.T) {
	const good = "version: 1\ntokens: [{issuer: https://x.example, audience: app}]" + testPolicy
	for name, tc := range map[string]struct {
		file string
		args []string
		want string
	}{
		"no tokens":           {"version: 1" + testPolicy, nil, "of no tokens that they count"},
		"a bad file":          {"version: 2" + testPolicy, nil, "authorizer.yaml:1:10"},
		"a long time to live": {good, []string{"--ttl", "3601"}, "0 to 3600"},
		"an upstream of ftp":  {good, []string{"--upstream", "ftp://x"}, "URL of the upstream"},
		"a base path":         {good, []string{"--base-path", "prod"}, "--base-path"},
		"a context header":    {good, []string{"--upstream", "http://x", "--context-header", "x"}, "HEADER=KEY"},
		"for the echo":        {good, []string{"--context-header", "x=y"}, "for an upstream"},
		"an address":          {good, []string{"--listen", "nowhere"}, "cannot listen"},
		"no keys there":       {good, []string{"--jwks", "none.json"}, "no file none.json"},
	} {
		app := testApp(t, io.Discard, io.Discard)
		path := filepath.Join(app.Dir, "authorizer.yaml")
		if err := os.WriteFile(path, []byte(tc.file), 0o600); err != nil {
			t.Fatal(err)
		}
		c := newGateway(app)
		c.SilenceErrors, c.SilenceUsage = true, true
		c.SetArgs(append([]string{"--listen", "127.0.0.1:0", "--authorizer", path}, tc.args...))
		err := c.ExecuteContext(t.Context())
		if err == nil || !strings.Contains(err.Error(), tc.want) || classify(t.Context(), err).Kind != fault.Usage {
			t.Errorf("%s: %v, want a mistake with %q", name, err, tc.want)
		}
	}
}

// What a person is told, and that it fits.
func TestGatewayAnnouncement(t *testing.T) {
	for name, tc := range map[string]struct {
		source, base string
		want         []string
		kind         string
	}{
		"a WebSocket API": {"header Authorization Bearer", "", []string{
			"at ws://127.0.0.1:8080/prod\n", "routes", "off\n", `wscat -c ws://127.0.0.1:8080/prod -H "Authorization: Bearer $(gatepass token)"`,
		}, "websocket"},
		"a WebSocket API with a query":  {"query t", "/", []string{`wscat -c "ws://127.0.0.1:8080?t=$(gatepass token)"`}, "websocket"},
		"a WebSocket API with a cookie": {"cookie s", "/", []string{`wscat -c ws://127.0.0.1:8080 -H "Cookie: s=$(gatepass token)"`}, "websocket"},
		"bearer": {"header Authorization Bearer", "", []string{
			"at http://127.0.0.1:8080/prod\n", "behind /prod or without it", "gatepass call GET / --api-url http://127.0.0.1:8080/prod\n",
			`curl -H "Authorization: Bearer $(gatepass token)" http://127.0.0.1:8080/prod/`,
		}, ""},
		"the tutorial's header": {"header authorizationToken", "/", []string{
			"at http://127.0.0.1:8080\n", "all\n", `--api-send 'header authorizationToken'`, `curl -H "authorizationToken: $(gatepass token)" http://127.0.0.1:8080/`,
		}, ""},
		"query":  {"query access_token", "/v1", []string{"behind /v1\n", `curl "http://127.0.0.1:8080/v1/?access_token=$(gatepass token)"`}, ""},
		"cookie": {"cookie session", "/", []string{`curl -b "session=$(gatepass token)" http://127.0.0.1:8080/`}, ""},
	} {
		var out bytes.Buffer
		app := testApp(t, &out, io.Discard)
		path := filepath.Join(app.Dir, "a.yaml")
		text := "version: 1\ntokens: [{issuer: https://x.example, audience: app}]\nsource: " + tc.source + testPolicy
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		g := &gatewayCommand{app: app, base: tc.base, api: apiFlags{kind: tc.kind}}
		o, s, err := g.options(t.Context(), &config.Profile{Authorizer: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.announce(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}, &generation{stage: s, options: o}); err != nil {
			t.Fatal(err)
		}
		for _, want := range tc.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, &out)
			}
		}
	}
}

// A WebSocket API through the whole command: refused without the token, else
// upgraded.
func TestGatewayWebSocket(t *testing.T) {
	i := newTestIssuer(t)
	file := "version: 1\ntokens: [{issuer: " + i.URL + ", audience: app}]\nsource: header Authorization Bearer" + `
policy:
  Version: "2012-10-17"
  Statement:
    - {Effect: Allow, Resource: "*"}
`
	base, errs, _ := runGateway(t, file, "--kind", "websocket", "--identity-source", "header Authorization")
	if !strings.HasPrefix(base, "ws://127.0.0.1:") || !strings.HasSuffix(base, "/prod") {
		t.Fatalf("it is at %s", base)
	}
	for token, want := range map[string]int{"": 401, "Bearer x": 401, "Bearer " + i.token(t, nil): 101} {
		req, err := http.NewRequest(http.MethodGet, "http"+strings.TrimPrefix(base, "ws"), nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13", "Sec-Websocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		} {
			req.Header.Set(name, value)
		}
		if token != "" {
			req.Header.Set("Authorization", token)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%.10q: %d, want %d; log:\n%s", token, res.StatusCode, want, errs)
		}
	}
}

// A gateway that others can reach says so.
func TestGatewayOpenAddress(t *testing.T) {
	for addr, want := range map[string]struct {
		base string
		open bool
	}{
		"127.0.0.1:80":   {"http://127.0.0.1:80", false},
		"[::1]:80":       {"http://[::1]:80", false},
		"0.0.0.0:80":     {"http://127.0.0.1:80", true},
		"[::]:80":        {"http://[::1]:80", true},
		"192.0.2.1:8080": {"http://192.0.2.1:8080", true},
	} {
		a, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if base, open := reachedAt(a); base != want.base || open != want.open {
			t.Errorf("%s is reached at %s, open %t; want %+v", addr, base, open, want)
		}
	}
}

// What is there to be tried is a request that the API has.
func TestGatewaySample(t *testing.T) {
	z, other := &apigw.Authorizer{Name: "z"}, &apigw.Authorizer{Name: "other"}
	route := func(method, path string, z *apigw.Authorizer) apigw.Route {
		return apigw.Route{Method: method, Path: path, Access: apigw.Access{Authorizer: z}}
	}
	for want, routes := range map[string][]apigw.Route{
		"GET /":       nil,
		"GET /pets":   {route("GET", "/open", nil), route("GET", "/other", other), route("POST", "/pets", z), route("GET", "/a/{b}", z), route("get", "/pets", z)},
		"GET /a/1/1":  {route("POST", "/pets", z), route("ANY", "/a/{b}/{c+}", z)},
		"DELETE /all": {route("DELETE", "/all", z), {Method: "$default", Access: apigw.Access{Authorizer: z}}},
	} {
		s := &stage{api: &apigw.API{Routes: routes, Default: apigw.Access{Authorizer: z}}}
		if got := s.sample(); got.Key() != want {
			t.Errorf("to be tried is %s, want %s", got.Key(), want)
		}
	}
	lines := strings.Join(tryIt("http://x/prod", authorizer.DefaultSource(), apigw.Route{Method: "POST", Path: "/pets"}), "\n")
	if !strings.Contains(lines, "gatepass call POST /pets --api-url http://x/prod\ncurl -X POST -H ") || !strings.HasSuffix(lines, " http://x/prod/pets") {
		t.Error(lines)
	}
	if got := untrusted([]string{"gatepass call GET /", "curl http://x", "wscat -c ws://x"}); strings.Join(got, "; ") != "curl -k http://x; wscat --no-check -c ws://x" {
		t.Error(got)
	}
}
