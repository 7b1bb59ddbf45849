package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// rsaKey is one key for all tests of the package: making one is slow.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// jwks is a key set with the public half of the key, under a key ID.
func jwks(kid string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	k := rsaKey()
	return fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":%q,"use":"sig","n":%q,"e":%q}]}`, kid, b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes()))
}

// accessToken is an access token as OneLogin makes them, good for an hour from a
// time.
func accessToken(t testing.TB, issuer, sub, kid string, at time.Time) string {
	t.Helper()
	tok := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"jti": "j-" + sub, "sub": sub, "iss": issuer, "aud": "app", "scope": "openid groups", "iat": at.Unix(), "exp": at.Add(time.Hour).Unix(),
	})
	tok.Header["kid"] = kid
	raw, err := tok.SignedString(rsaKey())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// issuerServer is an issuer on this machine. Each of its pages may be changed while it
// runs.
type issuerServer struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]http.HandlerFunc
	asked map[string]int
}

func newIssuer(t testing.TB) *issuerServer {
	t.Helper()
	i := &issuerServer{pages: map[string]http.HandlerFunc{}, asked: map[string]int{}}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		page := i.pages[r.URL.Path]
		i.asked[r.URL.Path]++
		i.mu.Unlock()
		if page == nil {
			http.NotFound(w, r)
			return
		}
		page(w, r)
	}))
	t.Cleanup(i.Close)
	i.set("/.well-known/openid-configuration", text(fmt.Sprintf(
		`{"issuer":%q,"jwks_uri":%q,"userinfo_endpoint":%q,"introspection_endpoint":%q,"authorization_endpoint":%q,"token_endpoint":%q}`,
		i.URL, i.URL+"/certs", i.URL+"/me", i.URL+"/token/introspection", i.URL+"/auth", i.URL+"/token")))
	i.set("/certs", text(jwks("k1")))
	return i
}

func (i *issuerServer) set(path string, page http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.pages[path] = page
}

func (i *issuerServer) count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

// text is a page with JSON.
func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, s)
	}
}

// authorizerFile is an authorizer file for tokens of an issuer.
func authorizerFile(issuer string) string {
	return `
version: 1
tokens: [{issuer: "` + issuer + `", audience: app}]
context: {groups: "${jwt:groups}"}
refuse: unauthorized
policy:
  Version: "2012-10-17"
  Statement:
    - {Sid: Own, Effect: Allow, Resource: "GET /users/${jwt:sub}/*"}
    - {Sid: Socket, Effect: Allow, Resource: "$connect"}
    - {Sid: Admins, Effect: Allow, Resource: "* /*", Condition: {"ForAnyValue:StringEquals": {"jwt:groups": [Admins]}}}
`
}

// bench is a function that was started in this process, with its log and a clock.
type bench struct {
	*handler
	out  *strings.Builder
	dir  string
	mu   sync.Mutex
	time time.Time
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.time
}

func (b *bench) wait(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.time = b.time.Add(d)
}

// started starts a function with files in its zip and variables in its environment.
func started(t testing.TB, files, env map[string]string) *bench {
	t.Helper()
	b := &bench{out: &strings.Builder{}, dir: t.TempDir(), time: time.Now()}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	getenv := func(name string) string {
		if v, ok := env[name]; ok {
			return v
		}
		return map[string]string{
			"LAMBDA_TASK_ROOT": b.dir, "AWS_LAMBDA_FUNCTION_NAME": "authorizer", "AWS_REGION": "eu-west-1",
			"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AWS_SESSION_TOKEN": "session",
		}[name]
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // a hanging issuer must not make tests slow
	defer cancel()
	if env["TEST_START_LIMIT"] != "" {
		ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
	}
	b.handler = start(ctx, machine{getenv: getenv, now: b.clock, out: b.out, http: &http.Client{}})
	return b
}

// ask sends an event of testdata/events with a token, and returns the answer or the
// error message.
func (b *bench) ask(t testing.TB, name, raw string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	out, err := b.Invoke(ctx, sample(t, name, raw))
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// sample is one of the events that AWS documents, with a token.
func sample(t testing.TB, name, raw string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.ReplaceAll(string(data), "{{token}}", raw))
}

// lines are the lines of the log so far, each of which is one JSON object.
func (b *bench) lines(t testing.TB) []map[string]any {
	t.Helper()
	var all []map[string]any
	for l := range strings.Lines(b.out.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		all = append(all, m)
	}
	return all
}
