package cmd

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/apigw/apigwtest"
)

var casesFile = flag.String("cases", apigwtest.Own, "conformance cases, JSON lines")

// TestConformance runs the cases through "gatepass authorize": each becomes an API
// file, the file of an answer or a key set, and flags. Tokens are really signed and
// verified. Another file may be given: go test ./cmd -run Conformance -args -cases
// FILE.
func TestConformance(t *testing.T) {
	apigwtest.Run(t, *casesFile, func(t *testing.T, c *apigwtest.Case) { (&door{T: t, c: c}).run() })
}

// door is "gatepass authorize" for one case.
type door struct {
	*testing.T
	c    *apigwtest.Case
	more []string // flags
	out  bytes.Buffer
}

func (d *door) run() {
	if d.c.Config.Response != "" { // about a table that no request shows whole
		for _, p := range d.c.CheckDefault() {
			d.Error(p)
		}
		return
	}
	if d.c.Exchange == nil {
		d.configuration()
		return
	}
	o := d.decide()
	for _, p := range d.c.Check(o) {
		d.Error(p)
	}
	if d.c.Expected.Legacy != nil && *casesFile == apigwtest.Own {
		d.more = []string{"--denial-text", "legacy"}
		if o := d.decide(); !strings.Contains(o.Body, `"`+*d.c.Expected.Legacy+`"`) {
			d.Errorf("with the legacy texts the body is %s, want %q", o.Body, *d.c.Expected.Legacy)
		}
	}
}

// configuration is for cases without a request: the API file is refused, or not.
func (d *door) configuration() {
	_, err := d.ask(&apigwtest.Exchange{Request: &apigw.Request{Method: "GET", Path: "/", Time: apigwtest.Now(), SourceIP: "203.0.113.7"}})
	for _, p := range d.c.CheckRefusal(err) {
		d.Error(p)
	}
	if err != nil && !strings.Contains(err.Error(), "api.json:") {
		d.Errorf("the mistake has no place: %v", err)
	}
}

// decide makes the requests of the case, each with its own answer, against one
// cache.
func (d *door) decide() apigwtest.Observed {
	cache := apigw.NewCache(10)
	for i := range d.c.Prior {
		x := &d.c.Prior[i]
		q, err := d.ask(x)
		if err != nil {
			d.Fatal(err)
		}
		if v := q.decide(d.Context(), q.req, q.as, cache).Verdict; x.Status != 0 && v.Status != x.Status {
			d.Errorf("prior request %d: status %d, want %d", i, v.Status, x.Status)
		}
	}
	q, err := d.ask(d.c.Exchange)
	if err != nil {
		d.Fatal(err)
	}
	if d.c.Exchange.TestInvoke {
		return d.test(q)
	}
	if d.c.API.Kind == apigw.WebSocket && q.req.RouteKey != "" {
		q.req.Context = new(apigw.Backend) // the case is about a connection that is there
	}
	r := q.decide(d.Context(), q.req, q.as, cache)
	v := r.Verdict
	o := apigwtest.Observed{
		Status: v.Status, Headers: v.Headers, Body: v.Body, Called: v.AuthorizerCalled, Backend: v.BackendCalled, Verdict: v,
	}
	if r.Event != nil {
		if o.Event, err = json.Marshal(r.Event); err != nil {
			d.Error(err)
		}
	}
	return o
}

// test is a case of TestInvokeAuthorizer.
func (d *door) test(q *asked) apigwtest.Observed {
	d.out.Reset()
	_ = (&authorize{app: d.app()}).printTest(d.Context(), q) // that the client would be refused is in the output
	var r struct{ ClientStatus *int }
	if err := json.Unmarshal(d.out.Bytes(), &r); err != nil {
		d.Fatal(err)
	}
	return apigwtest.Observed{ClientStatus: r.ClientStatus, Called: *r.ClientStatus == 0}
}

func (d *door) app() *App {
	app := testApp(d.T, &d.out, &d.out)
	app.Now = apigwtest.Now
	return app
}

// ask puts a question together from files and flags, as the command does.
func (d *door) ask(x *apigwtest.Exchange) (*asked, error) {
	req := x.Request
	args := append([]string{
		"--api-file", d.file("api.json", d.definition()), "--no-token", "--jwks", d.file("keys.json", keySet()),
		"--at", fmt.Sprint(req.Time.Unix()), "--source-ip", req.SourceIP,
	}, d.more...)
	if d.c.Kind != "JWT" && d.c.Kind != "COGNITO_USER_POOLS" {
		args = append(args, "--response", d.file("answer.json", answerOf(x)))
	}
	if req.Caller != nil {
		args = append(args, "--caller", req.Caller.ARN, "--caller-policy", d.file("caller.json", req.Caller.Policy))
	}
	for name, values := range req.Header {
		for _, v := range values {
			args = append(args, "-H", name+": "+d.signed(v))
		}
	}
	query := url.Values{}
	for name, values := range req.Query {
		for _, v := range values {
			query.Add(name, d.signed(v))
		}
	}
	target := req.Path
	if d.c.API.Kind == apigw.WebSocket {
		target = routeKey(req)
	}
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	positional := []string{req.Method, target}
	if d.c.API.Kind == apigw.WebSocket {
		positional = positional[1:]
	}
	if d.c.Exchange != nil && d.c.Exchange.TestInvoke && target == "" {
		positional = nil
		args = append(args, "--test-invoke")
	}
	a := &authorize{app: d.app()}
	c := a.command()
	if err := c.ParseFlags(args); err != nil {
		return nil, err
	}
	p, err := a.settings.load(a.app)
	if err != nil {
		return nil, err
	}
	return a.ask(d.Context(), p, positional)
}

// file writes a file of the case.
func (d *door) file(name string, v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		d.Fatal(err)
	}
	path := filepath.Join(d.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		d.Fatal(err)
	}
	return path
}

// answerOf is what the authorizer of a case answers, as a file for --response.
func answerOf(x *apigwtest.Exchange) any {
	switch out := x.Invoke(apigw.Event{}); {
	case out.Kind == apigw.Returned:
		return json.RawMessage(out.Text)
	case out.Kind == apigw.Failed:
		return map[string]string{"errorMessage": out.Message}
	case out.Called:
		return map[string]string{"timedOut": out.Message}
	default:
		return map[string]string{"notInvoked": out.Message}
	}
}

// definition is the API of a case as an API file.
func (d *door) definition() map[string]any {
	api, cfg := d.c.API, &d.c.Config
	m := map[string]any{"kind": strings.ToLower(api.Kind.String())}
	for key, value := range map[string]string{
		"stage": api.Stage, "region": api.Region, "account": api.Account, "id": api.ID, "partition": api.Partition, "integration_payload": api.IntegrationPayload,
	} {
		if value != "" {
			m[key] = value
		}
	}
	m["stage_variables"], m["api_keys"], m["waf_blocks"] = api.StageVariables, append([]string{}, api.PlanKeys...), api.WAFBlocks
	m["api_key_source"] = map[apigw.APIKeySource]string{apigw.KeyFromHeader: "header", apigw.KeyFromAuthorizer: "authorizer"}[api.APIKeySource]
	if len(cfg.ResourcePolicy) > 0 {
		m["resource_policy"] = cfg.ResourcePolicy
	}
	responses := map[string]any{}
	for t, g := range api.Responses {
		responses[string(t)] = map[string]any{"headers": orEmpty(g.Headers), "templates": orEmpty(g.Templates)}
		if g.Status != 0 {
			responses[string(t)].(map[string]any)["status"] = g.Status
		}
	}
	m["gateway_responses"] = responses
	if api.Routes == nil {
		m["authorizer"], m["scopes"], m["api_key"] = authorizerIn(api.Default.Authorizer), append([]string{}, api.Default.Scopes...), api.Default.APIKeyRequired
		return m
	}
	name := "none"
	if z := api.Routes[0].Authorizer; z != nil { // the cases have one
		name, m["authorizers"] = z.Name, map[string]any{z.Name: authorizerIn(z)}
	}
	routes := map[string]any{}
	for _, r := range api.Routes {
		routes[r.Key()] = map[string]any{"authorizer": name, "scopes": append([]string{}, r.Scopes...), "api_key": r.APIKeyRequired}
	}
	m["routes"] = routes
	return m
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func authorizerIn(z *apigw.Authorizer) any {
	if z == nil {
		return "none"
	}
	m := map[string]any{
		"type": z.Type.String(), "identity_sources": append([]string{}, z.IdentitySources...), "validation_expression": z.ValidationExpression,
		"payload_format": z.PayloadFormat, "simple_responses": z.SimpleResponses, "credentials": z.Credentials,
	}
	if z.TTL != nil {
		m["ttl"] = *z.TTL
	}
	if z.Type != apigw.AuthJWT && z.Type != apigw.AuthCognito {
		return m
	}
	var issuers []any
	for _, i := range z.JWT.Issuers {
		issuers = append(issuers, map[string]any{"issuer": i.Issuer, "audience": i.Audience})
	}
	m["jwt"] = map[string]any{"issuers": issuers, "algorithms": append([]string{}, z.JWT.Algorithms...)}
	return m
}

// keySet is the key set of the cases: one RSA key, k1.
func keySet() any {
	key := testKey()
	return map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "kid": "k1", "use": "sig",
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}}}
}

// signed gives the tokens of the cases, which name their signature, a real one.
func (d *door) signed(value string) string {
	if d.c.Kind == "COGNITO_USER_POOLS" {
		return d.poolToken(value)
	}
	parts := strings.Split(value, ".")
	if d.c.Kind != "JWT" || len(parts) != 3 {
		return value
	}
	kind, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return value // a text that is no token
	}
	scheme, header, _ := strings.Cut(parts[0], " ") // Bearer
	if header == "" {
		scheme, header = "", parts[0]
	}
	input := header + "." + parts[1]
	return strings.TrimSpace(scheme + " " + input + "." + d.signature(input, string(kind)))
}

// signature signs with k1, in one of the ways that cases have.
func (d *door) signature(input, kind string) string {
	hash := signingHash(input).New()
	hash.Write([]byte(input))
	sig, err := rsa.SignPKCS1v15(rand.Reader, testKey(), signingHash(input), hash.Sum(nil))
	if err != nil {
		d.Fatal(err)
	}
	switch kind {
	case "", "empty":
		return ""
	case "tampered":
		sig[len(sig)/2] ^= 1
	case "hmac-with-public-key":
		public, err := x509.MarshalPKIXPublicKey(&testKey().PublicKey)
		if err != nil {
			d.Fatal(err)
		}
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
		mac.Write([]byte(input))
		sig = mac.Sum(nil)
	case "valid":
	default:
		d.Fatalf("unknown signature %q", kind)
	}
	return base64.RawURLEncoding.EncodeToString(sig)
}

// signingHash is the hash of the algorithm that a token names, SHA-256 for others than
// those of RSA.
func signingHash(token string) crypto.Hash {
	head, _, _ := strings.Cut(token, ".")
	data, _ := base64.RawURLEncoding.DecodeString(head)
	var h struct{ Alg string }
	_ = json.Unmarshal(data, &h)
	switch h.Alg {
	case "RS384":
		return crypto.SHA384
	case "RS512":
		return crypto.SHA512
	}
	return crypto.SHA256
}

// poolToken makes the token of a user pool that a case describes in words.
func (d *door) poolToken(value string) string {
	m := regexp.MustCompile(`^(Bearer )?<(valid |expired |invalid |tampered )?(ID|access) token(?: with (.+))?>$`).FindStringSubmatch(value)
	if m == nil {
		return value
	}
	claims := map[string]any{
		"iss": d.c.API.Default.Authorizer.JWT.Issuers[0].Issuer, "sub": "u1", "token_use": strings.ToLower(m[3]),
		"exp": apigwtest.Now().Add(5 * time.Minute).Unix(), "client_id": "client1", "scope": m[4],
	}
	if m[3] == "ID" {
		delete(claims, "scope")
		delete(claims, "client_id")
		claims["aud"] = "client1"
	}
	if m[2] == "expired " {
		claims["exp"] = apigwtest.Now().Add(-5 * time.Minute).Unix()
	}
	part := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			d.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	input := part(map[string]string{"alg": "RS256", "kid": "k1"}) + "." + part(claims)
	kind := "valid"
	if slices.Contains([]string{"invalid ", "tampered "}, m[2]) {
		kind = "tampered"
	}
	return m[1] + input + "." + d.signature(input, kind)
}
