package idp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"gatepass/pkg/idp"
	"gatepass/pkg/secret"
)

// testKey is one key for all tests: making one is slow.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

const (
	redirectURI = "http://127.0.0.1:8127/callback"
	theSecret   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	passphrase  = "correct horse"
	apiID       = "https://api.example.com/orders"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// settings has a client of each kind and users of each kind.
func settings() *idp.Settings {
	client := func(id string, auth idp.AuthMethod) idp.Client {
		c := idp.Client{ID: id, Auth: auth, RedirectURIs: []string{redirectURI, "http://localhost:3000/cb?x=1"}}
		if auth != idp.AuthNone {
			c.Secret = secret.New(theSecret)
		}
		return c
	}
	s := &idp.Settings{
		Users: []idp.User{
			{Username: "ada", Sub: "35666371", Name: "Ada Lovelace", Email: "ada@example.com", Phone: "+44 1", Locale: "en",
				Groups: []string{"Admins", "Staff"}, Params: []idp.Param{{Name: "department", Value: "engines"}, {Name: "a", Value: "b"}}},
			{Username: "grace", Password: secret.New(passphrase), Name: "Grace Hopper", Groups: []string{"Staff"}},
			{Username: "linus", Apps: []string{}},
		},
		Clients: []idp.Client{client("public", idp.AuthNone), client("poster", idp.AuthPost), client("basic", idp.AuthBasic)},
		APIs: []idp.API{{Resource: apiID, Audiences: []string{"orders", "invoices"}, Scopes: []string{"orders:read"}, Clients: []string{"public", "poster"},
			AccessLifetime: 5 * time.Minute,
			Claims:         []idp.Claim{{Name: "mail", Attribute: "email"}, {Name: "roles", Attribute: "groups"}, {Name: "tier", Value: "gold"}, {Name: "dep", Attribute: "params.department"}}}},
	}
	s.Clients[0].PostLogoutRedirectURIs = []string{"http://localhost:3000/bye"}
	return s
}

// standIn is a running server with a browser of its own.
type standIn struct {
	*testing.T
	*idp.Server
	base    string
	clock   *clock
	browser *http.Client // keeps cookies, follows no redirects
	events  *[]idp.Event
}

func start(t *testing.T, change func(*idp.Options)) *standIn {
	t.Helper()
	ts := httptest.NewUnstartedServer(nil)
	c := &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	var mu sync.Mutex
	events := &[]idp.Event{}
	o := idp.Options{Base: "http://" + ts.Listener.Addr().String(), Settings: settings(), Key: testKey(), Now: c.now,
		OnEvent: func(e idp.Event) { mu.Lock(); defer mu.Unlock(); *events = append(*events, e) }}
	if change != nil {
		change(&o)
	}
	s, err := idp.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ts.Config.Handler = s
	ts.Start()
	t.Cleanup(ts.Close)
	return &standIn{t, s, ts.URL, c, newBrowser(t), events}
}

func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is a response that has been read.
type answer struct {
	*http.Response
	body string
}

func (s *standIn) do(r *http.Request, c *http.Client) answer {
	s.Helper()
	resp, err := c.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer{resp, string(body)}
}

// open gets a page, as a browser does.
func (s *standIn) open(u string) answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.absolute(u), nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,*/*")
	return s.do(r, s.browser)
}

func (s *standIn) absolute(u string) string {
	if strings.HasPrefix(u, "/") {
		return s.base + u
	}
	return u
}

// post sends a form.
func (s *standIn) post(path string, form url.Values, header ...string) answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.absolute(path), strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return s.do(r, s.browser)
}

// pairs makes a form of names and values.
func pairs(kv ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(kv); i += 2 {
		v.Add(kv[i], kv[i+1])
	}
	return v
}

// authURL is an authorization request of the public client that is right, with
// changes; an empty value leaves a parameter out.
func (s *standIn) authURL(verifier string, kv ...string) string {
	v := pairs("client_id", "public", "redirect_uri", redirectURI, "response_type", "code", "scope", "openid profile groups",
		"state", "st", "nonce", "no", "code_challenge", oauth2.S256ChallengeFromVerifier(verifier), "code_challenge_method", "S256")
	for i := 0; i < len(kv); i += 2 {
		v.Set(kv[i], kv[i+1])
		if kv[i+1] == "" {
			v.Del(kv[i])
		}
	}
	return s.Issuer() + "/auth?" + v.Encode()
}

const verifier = "0123456789012345678901234567890123456789012"

var grantField = regexp.MustCompile(`name="grant" value="([^"]*)"`)

// choose goes through the login page and returns where it leads.
func (s *standIn) choose(authURL string, kv ...string) *url.URL {
	s.Helper()
	to := s.open(authURL)
	if to.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to.Header.Get("Location"), "/login2/?") {
		s.Fatalf("authorization request: %d to %q: %s", to.StatusCode, to.Header.Get("Location"), to.body)
	}
	page := s.open(to.Header.Get("Location"))
	grant := grantField.FindStringSubmatch(page.body)
	if page.StatusCode != http.StatusOK || grant == nil {
		s.Fatalf("login page: %d: %s", page.StatusCode, page.body)
	}
	return s.location(s.post("/login2/", pairs(append(kv, "grant", html.UnescapeString(grant[1]))...)))
}

func (s *standIn) location(a answer) *url.URL {
	s.Helper()
	u, err := a.Location()
	if err != nil {
		s.Fatalf("no redirect: %d: %s", a.StatusCode, a.body)
	}
	return u
}

// login gives the token response of the public client for ada.
func (s *standIn) login(kv ...string) map[string]any {
	s.Helper()
	back := s.choose(s.authURL(verifier, kv...), "user", "ada")
	a := s.post(s.Issuer()+"/token", pairs("grant_type", "authorization_code", "client_id", "public", "redirect_uri", redirectURI,
		"code", back.Query().Get("code"), "code_verifier", verifier))
	if a.StatusCode != http.StatusOK {
		s.Fatalf("token: %d: %s", a.StatusCode, a.body)
	}
	return s.object(a.body)
}

func (s *standIn) object(body string) map[string]any {
	s.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		s.Fatalf("%v: %s", err, body)
	}
	return m
}

// payload is part i of a JWT as text.
func payload(t *testing.T, token any, i int) string {
	t.Helper()
	parts := strings.Split(token.(string), ".")
	data, err := base64.RawURLEncoding.DecodeString(parts[i])
	if err != nil || len(parts) != 3 {
		t.Fatalf("%v: %v", token, err)
	}
	return string(data)
}

// names are the members of a JSON object in their order.
func names(t *testing.T, text string) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	var list []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, name.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(list, " ")
}

// TestCodeFlow logs in with the libraries that clients use, once per kind of
// client.
func TestCodeFlow(t *testing.T) {
	for _, tc := range []struct {
		client string
		style  oauth2.AuthStyle
		secret string
	}{
		{"public", oauth2.AuthStyleInParams, ""},
		{"poster", oauth2.AuthStyleInParams, theSecret},
		{"basic", oauth2.AuthStyleInHeader, theSecret},
	} {
		t.Run(tc.client, func(t *testing.T) {
			s := start(t, nil)
			ctx := oidc.ClientContext(t.Context(), s.browser)
			p, err := oidc.NewProvider(ctx, s.Issuer())
			if err != nil {
				t.Fatal(err)
			}
			endpoint := p.Endpoint()
			endpoint.AuthStyle = tc.style
			conf := oauth2.Config{ClientID: tc.client, ClientSecret: tc.secret, Endpoint: endpoint, RedirectURL: redirectURI, Scopes: []string{"openid", "profile", "email", "groups"}}
			verifier := oauth2.GenerateVerifier()
			back := s.choose(conf.AuthCodeURL("the state", oidc.Nonce("the nonce"), oauth2.S256ChallengeOption(verifier)), "user", "ada")
			if got := back.Query().Get("state"); got != "the state" {
				t.Errorf("state %q", got)
			}
			if back.Query().Has("iss") {
				t.Error("OneLogin sends no iss parameter")
			}
			if code := back.Query().Get("code"); len(code) != 27 {
				t.Errorf("code %q has %d characters, OneLogin's have 27", code, len(code))
			}
			tok, err := conf.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := tok.Extra("id_token").(string)
			id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: tc.client, Now: s.clock.now}).Verify(ctx, raw)
			if err != nil {
				t.Fatal(err)
			}
			if id.Nonce != "the nonce" || id.Subject != "35666371" {
				t.Errorf("nonce %q, subject %q", id.Nonce, id.Subject)
			}
			if err := id.VerifyAccessToken(tok.AccessToken); err != nil {
				t.Error(err)
			}
			if _, err := p.VerifierContext(ctx, &oidc.Config{ClientID: tc.client, Now: s.clock.now}).Verify(ctx, tok.AccessToken); err != nil {
				t.Errorf("access token: %v", err)
			}
			info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(tok))
			if err != nil || info.Subject != "35666371" || info.Email != "ada@example.com" {
				t.Errorf("userinfo %+v, %v", info, err)
			}
			fresh, err := conf.TokenSource(ctx, &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
			if err != nil || fresh.RefreshToken == tok.RefreshToken || fresh.AccessToken == tok.AccessToken {
				t.Errorf("refresh: %v", err)
			}
		})
	}
}

func TestTokenForms(t *testing.T) {
	s := start(t, nil)
	tok := s.login("scope", "openid profile email groups params phone", "acr_values", "onelogin:nist:level:1:re-auth")
	now := s.clock.now().Unix()
	t.Run("response", func(t *testing.T) {
		if tok["expires_in"] != 3600.0 || tok["token_type"] != "Bearer" || len(tok) != 5 {
			t.Errorf("token response %v", tok)
		}
	})
	t.Run("access", func(t *testing.T) {
		if got, want := names(t, payload(t, tok["access_token"], 0)), "alg typ kid"; got != want {
			t.Errorf("header %q, want %q", got, want)
		}
		text := payload(t, tok["access_token"], 1)
		if got, want := names(t, text), "jti sub iss iat exp scope aud"; got != want {
			t.Errorf("claims %q, want %q", got, want)
		}
		c := s.object(text)
		if c["aud"] != "public" || c["scope"] != "openid profile email groups params phone" || c["exp"] != float64(now+3600) || c["iss"] != s.Issuer() {
			t.Errorf("claims %v", c)
		}
	})
	t.Run("id", func(t *testing.T) {
		text := payload(t, tok["id_token"], 1)
		want := "sub email preferred_username name updated_at given_name family_name locale phone_number groups params acr nonce at_hash sid aud exp iat iss"
		if got := names(t, text); got != want {
			t.Errorf("claims %q, want %q", got, want)
		}
		if !strings.Contains(text, `"params":{"department":"engines","a":"b"}`) {
			t.Errorf("params not as in the file: %s", text)
		}
		c := s.object(text)
		if c["sub"] != "35666371" || c["aud"] != "public" || c["updated_at"] != float64(now) || c["exp"] != float64(now+7200) ||
			c["given_name"] != "Ada" || c["family_name"] != "Lovelace" || c["acr"] != "onelogin:nist:level:1:re-auth" {
			t.Errorf("claims %v", c)
		}
	})
	t.Run("userinfo", func(t *testing.T) {
		a := s.me(tok["access_token"])
		if got, want := names(t, a.body), "sub email preferred_username name updated_at given_name family_name locale phone_number groups params"; got != want {
			t.Errorf("claims %q, want %q", got, want)
		}
		if got := s.object(a.body)["updated_at"]; got != float64(now*1000) {
			t.Errorf("updated_at %v, want milliseconds", got)
		}
	})
}

func (s *standIn) me(token any) answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.Issuer()+"/me", nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token.(string))
	return s.do(r, s.browser)
}

func TestScopesGiveClaims(t *testing.T) {
	const tail = " nonce at_hash sid aud exp iat iss"
	for scope, want := range map[string]string{
		"openid":         "sub email preferred_username name" + tail,
		"openid profile": "sub email preferred_username name updated_at given_name family_name locale" + tail,
		"openid groups":  "sub email preferred_username name groups" + tail,
		"openid phone":   "sub email preferred_username name phone_number" + tail,
		"openid params":  "sub email preferred_username name params" + tail,
	} {
		t.Run(scope, func(t *testing.T) {
			s := start(t, nil)
			tok := s.login("scope", scope)
			if got := names(t, payload(t, tok["id_token"], 1)); got != want {
				t.Errorf("claims %q, want %q", got, want)
			}
		})
	}
	t.Run("without openid", func(t *testing.T) {
		s := start(t, nil)
		tok := s.login("scope", "profile")
		if tok["id_token"] != nil {
			t.Error("an ID token without the scope openid")
		}
		if a := s.me(tok["access_token"]); a.StatusCode != http.StatusOK || a.body != "{}" {
			t.Errorf("userinfo %d %s", a.StatusCode, a.body)
		}
	})
	t.Run("asked for by name", func(t *testing.T) {
		s := start(t, nil)
		tok := s.login("scope", "openid", "claims", `{"id_token":{"groups":null,"auth_time":{"essential":true}},"userinfo":{"phone_number":null}}`)
		if got, want := names(t, payload(t, tok["id_token"], 1)), "sub email preferred_username name groups auth_time"+tail; got != want {
			t.Errorf("claims %q, want %q", got, want)
		}
		if got, want := names(t, s.me(tok["access_token"]).body), "sub email preferred_username name phone_number"; got != want {
			t.Errorf("userinfo %q, want %q", got, want)
		}
	})
	t.Run("max_age gives auth_time", func(t *testing.T) {
		s := start(t, nil)
		tok := s.login("scope", "openid", "max_age", "60")
		if got := s.object(payload(t, tok["id_token"], 1))["auth_time"]; got != float64(s.clock.now().Unix()) {
			t.Errorf("auth_time %v", got)
		}
	})
}

func TestGroupsForms(t *testing.T) {
	for form, want := range map[string]string{"": `"groups":["Admins","Staff"]`, "list": `"groups":["Admins","Staff"]`, "joined": `"groups":"Admins;Staff"`, "none": ""} {
		t.Run(form, func(t *testing.T) {
			s := start(t, func(o *idp.Options) { o.Settings.Clients[0].Groups = form })
			text := payload(t, s.login("scope", "openid groups")["id_token"], 1)
			if want == "" && strings.Contains(text, "groups") || !strings.Contains(text, want) {
				t.Errorf("want %s in %s", want, text)
			}
		})
	}
}

func TestDiscovery(t *testing.T) {
	s := start(t, nil)
	a := s.open(s.Issuer() + "/.well-known/openid-configuration")
	iss := s.base + "/oidc/2"
	list := func(v ...any) []any { return v }
	methods := list("client_secret_basic", "client_secret_post", "none")
	algs := list("HS256", "RS256", "PS256")
	want := map[string]any{
		"issuer":                                        iss,
		"authorization_endpoint":                        iss + "/auth",
		"token_endpoint":                                iss + "/token",
		"userinfo_endpoint":                             iss + "/me",
		"jwks_uri":                                      iss + "/certs",
		"introspection_endpoint":                        iss + "/token/introspection",
		"revocation_endpoint":                           iss + "/token/revocation",
		"end_session_endpoint":                          iss + "/logout",
		"registration_endpoint":                         iss + "/register",
		"scopes_supported":                              list("openid", "name", "profile", "groups", "email", "params", "phone"),
		"response_types_supported":                      list("code", "id_token token", "id_token"),
		"response_modes_supported":                      list("form_post", "fragment", "query"),
		"grant_types_supported":                         list("authorization_code", "implicit", "refresh_token", "client_credentials", "password"),
		"token_endpoint_auth_methods_supported":         methods,
		"introspection_endpoint_auth_methods_supported": methods,
		"revocation_endpoint_auth_methods_supported":    methods,
		"id_token_signing_alg_values_supported":         algs,
		"userinfo_signing_alg_values_supported":         algs,
		"code_challenge_methods_supported":              list("S256"),
		"claims_supported": list("sub", "email", "preferred_username", "name", "updated_at", "given_name", "family_name", "locale",
			"groups", "email_verified", "params", "phone_number", "acr", "sid", "auth_time", "iss"),
		"acr_values_supported":            list("onelogin:nist:level:1:re-auth"),
		"claims_parameter_supported":      true,
		"request_parameter_supported":     false,
		"request_uri_parameter_supported": false,
		"subject_types_supported":         list("public"),
		"claim_types_supported":           list("normal"),
	}
	if diff := compare(want, s.object(a.body)); diff != "" {
		t.Error(diff)
	}
	if got := a.Header.Get("Cache-Control") + "|" + a.Header.Get("Vary") + "|" + a.Header.Get("Etag"); got != "private|Origin|" {
		t.Errorf("headers %q", got)
	}
}

func TestKeySet(t *testing.T) {
	s := start(t, nil)
	older, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	before := s.object(payload(t, s.login()["access_token"], 0))["kid"]
	if err := s.Rotate(older); err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal([]byte(s.open(s.Issuer()+"/certs").body), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 {
		t.Fatalf("%d keys after a rotation, want 2", len(set.Keys))
	}
	active := s.object(payload(t, s.login()["access_token"], 0))["kid"]
	for i, kid := range []any{active, before} {
		text := string(set.Keys[i])
		if got, want := names(t, text), "kty kid use n e"; got != want {
			t.Errorf("members %q, want %q", got, want)
		}
		if got := s.object(text)["kid"]; got != kid || got != thumbprint(t, text) {
			t.Errorf("kid %v, want %v, the thumbprint %v", got, kid, thumbprint(t, text))
		}
	}
}

func TestNewRefuses(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]idp.Options{
		"the base address must be like http://127.0.0.1:9998: scheme, host and port and nothing else": {Base: "http://127.0.0.1:1/path"},
		`no user "eve" to log in automatically: there are ada, grace, linus`:                          {Base: "http://h", AutoLogin: "eve"},
		`redirect URI "http://example.com/": OneLogin takes http only for localhost: use https`:       {Base: "http://h", RedirectURIs: []string{"http://example.com/"}},
		"the signing key must be an RSA key of 2048 bits or more":                                     {Base: "http://h", Key: small},
	} {
		if o.Key == nil {
			o.Key = testKey()
		}
		if _, err := idp.New(o); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// TestDeterministic: with a key, a clock and a source of randomness all answers
// are the same each time.
func TestDeterministic(t *testing.T) {
	run := func() string {
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		s, err := idp.New(idp.Options{Base: "http://127.0.0.1:1", Key: testKey(), AutoLogin: "ada", Now: func() time.Time { return now },
			Rand: bytes.NewReader(make([]byte, 10000))})
		if err != nil {
			t.Fatal(err)
		}
		v := pairs("client_id", idp.DefaultClientID, "redirect_uri", redirectURI, "response_type", "id_token token", "scope", "openid", "nonce", "n")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/oidc/2/auth?"+v.Encode(), nil))
		return w.Header().Get("Location")
	}
	first := run()
	if !strings.Contains(first, "access_token=") || first != run() {
		t.Errorf("two runs differ, or gave no token: %s", first)
	}
}
