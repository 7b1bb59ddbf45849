package cmd

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/gateway"
)

// askJWT runs "gatepass authorize GET /orders --json" and returns what it prints.
func askJWT(t *testing.T, app *App, args ...string) (status int, reason string) {
	t.Helper()
	var out bytes.Buffer
	app.IO.Out = &out
	c := newAuthorize(app)
	c.Flags().Bool("json", false, "")
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(append([]string{"GET", "/orders", "--json"}, args...))
	err := c.ExecuteContext(t.Context())
	var r struct {
		Status int
		Reason string
	}
	if json.Unmarshal(out.Bytes(), &r) != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	return r.Status, r.Reason
}

// tokenFile keeps a token off the command line.
func tokenFile(t *testing.T, tok string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(tok), 0o600); err != nil {
		t.Fatal(err)
	}
	return "@" + path
}

// Tokens are verified with what the issuer publishes, once: the keys are kept for
// the next run.
func TestAuthorizeJWT(t *testing.T) {
	i, other := newTestIssuer(t), newTestIssuer(t)
	app := testApp(t, io.Discard, io.Discard)
	app.CacheDir = t.TempDir()
	good := i.token(t, nil)
	for _, kind := range []string{"http", "rest"} {
		base := []string{"--kind", kind, "--type", "jwt", "--issuer", i.URL, "--audience", "app"}
		for name, tc := range map[string]struct {
			token  string
			args   []string
			status int
			reason string
		}{
			"good":              {good, nil, 200, "the backend is called"},
			"scope":             {good, []string{"--route-scope", "openid"}, 200, ""},
			"no such scope":     {good, []string{"--route-scope", "admin"}, 403, `want one of "admin"`},
			"another audience":  {good, []string{"--audience", "x"}, 200, ""},
			"a forged one":      {good[:len(good)-4] + "AAAA", nil, 401, "signature"},
			"expired":           {i.token(t, map[string]any{"exp": 1000}), nil, 401, "expired"},
			"of another issuer": {other.token(t, nil), nil, 401, "its iss is"}, // both have one key
			"opaque":            {"abc", nil, 401, "three parts"},
		} {
			status, reason := askJWT(t, app, append(append(base, "--token", tokenFile(t, tc.token)), tc.args...)...)
			if status != tc.status || !strings.Contains(reason, tc.reason) {
				t.Errorf("%s, %s: %d, %s; want %d, %s", kind, name, status, reason, tc.status, tc.reason)
			}
		}
	}
	i.mu.Lock()
	i.down = true
	i.mu.Unlock()
	again := []string{"--kind", "http", "--type", "jwt", "--issuer", i.URL, "--audience", "app", "--token", tokenFile(t, good)}
	if status, reason := askJWT(t, app, again...); status != 200 {
		t.Errorf("with keys from the cache: %d, %s", status, reason)
	}
	app.CacheDir = ""
	if status, reason := askJWT(t, app, again...); status != 401 || !strings.Contains(reason, "keys could not be read") {
		t.Errorf("without keys: %d, %s", status, reason)
	}
}

// Of several issuers the token's own is asked for keys, and nobody else.
func TestAuthorizeSeveralIssuers(t *testing.T) {
	i, j, stranger := newTestIssuer(t), newTestIssuer(t), newTestIssuer(t)
	i.down = true // whoever asks it gets no keys
	app := testApp(t, io.Discard, io.Discard)
	path := filepath.Join(app.Dir, "api.yaml")
	text := "authorizer: {type: jwt, issuers: [{issuer: " + i.URL + ", audience: app}, {issuer: " + j.URL + ", audience: app}]}"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		token  string
		status int
	}{
		"the second":  {j.token(t, nil), 200},
		"the first":   {i.token(t, nil), 401},
		"a stranger":  {stranger.token(t, nil), 401},
		"a wrong aud": {j.token(t, map[string]any{"aud": "x"}), 401},
	} {
		if status, reason := askJWT(t, app, "--api-file", path, "--token", tokenFile(t, tc.token)); status != tc.status {
			t.Errorf("%s: %d, %s; want %d", name, status, reason, tc.status)
		}
	}
}

// The gateway decides by the same API file.
func TestGatewayOfEveryKind(t *testing.T) {
	i := newTestIssuer(t)
	app := testApp(t, io.Discard, io.Discard)
	path := filepath.Join(app.Dir, "api.yaml")
	if err := os.WriteFile(path, []byte(`kind: http
authorizers:
  users: {issuer: `+i.URL+`, audience: app}
  keys: {identity_sources: header X-Key, response: {isAuthorized: true, context: {plan: gold}}, simple_responses: true, ttl: 60}
authorizer: users
routes:
  GET /orders: {scopes: [openid]}
  PUT /orders: {scopes: [admin]}
  GET /keys: keys
  GET /health: none
`), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &gatewayCommand{app: app}
	c := newGateway(app)
	if err := c.ParseFlags([]string{"--api-file", path}); err != nil {
		t.Fatal(err)
	}
	g.settings.flags = c.Flags()
	p, err := g.settings.load(app)
	if err != nil {
		t.Fatal(err)
	}
	o, s, err := g.options(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	o.OnRequest, o.Now = nil, time.Now
	h, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	bearer := "Bearer " + i.token(t, nil)
	for name, tc := range map[string]struct {
		method, path, token string
		status              int
		body                string
	}{
		"a good token":  {"GET", "/orders", bearer, 200, `"scope": "openid"`},
		"no token":      {"GET", "/orders", "", 401, `{"message":"Unauthorized"}`},
		"no scope":      {"PUT", "/orders", bearer, 403, `{"message":"Forbidden"}`},
		"no key":        {"GET", "/keys", bearer, 401, `{"message":"Unauthorized"}`},
		"an open route": {"GET", "/health", "", 200, ""},
		"no route":      {"GET", "/else", bearer, 404, `{"message":"Not Found"}`},
	} {
		if status, body := get(t, tc.method, server.URL+tc.path, tc.token); status != tc.status || !strings.Contains(body, tc.body) {
			t.Errorf("%s: %d %s, want %d with %s", name, status, body, tc.status, tc.body)
		}
	}
	var out bytes.Buffer
	app.IO.Out = &out
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.announce(address(u.Host), &generation{stage: s, options: o}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"4 routes", "authorizer users", "JWT", i.URL, "authorizer keys", "always the same answer", "header X-Key"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// address is where a server listens.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }
