package login_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gatepass/pkg/fault"
	"gatepass/pkg/login"
)

var otherKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// unsigned makes a token with alg none.
func unsigned(claims map[string]any) string {
	p, _ := json.Marshal(claims)
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + enc(p) + "."
}

// byPublicKey signs with HMAC and the public key as the secret, which a verifier
// that believes the token's alg accepts.
func byPublicKey(claims map[string]any) string {
	der, err := x509.MarshalPKIXPublicKey(signingKey().Public())
	if err != nil {
		panic(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return signedBy(jose.HS256, block, "one")(claims)
}

// An ID token with anything wrong in it ends the login, says what, and nobody is
// told that they are logged in.
func TestBadIDTokens(t *testing.T) {
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	set := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) { c[name] = value }
	}
	for name, tc := range map[string]struct {
		claims func(map[string]any)
		sign   func(map[string]any) string
		text   string
	}{
		"issuer":          {set("iss", "https://evil.onelogin.com/oidc/2"), nil, "iss is"},
		"issuer, slash":   {func(c map[string]any) { c["iss"] = c["iss"].(string) + "/" }, nil, "iss is"},
		"no issuer":       {set("iss", nil), nil, "iss"},
		"audience":        {set("aud", "other"), nil, "aud is"},
		"no audience":     {func(c map[string]any) { delete(c, "aud") }, nil, "no aud"},
		"audience object": {set("aud", map[string]any{"x": clientID}), nil, "aud"},
		"no azp":          {set("aud", []string{clientID, "other"}), nil, "azp"},
		"azp":             {func(c map[string]any) { c["aud"], c["azp"] = []string{clientID, "other"}, "other" }, nil, "azp is"},
		"azp alone":       {set("azp", "other"), nil, "azp is"},
		"expired":         {set("exp", in(-2*time.Minute)), nil, "expired"},
		"no exp":          {func(c map[string]any) { delete(c, "exp") }, nil, "no exp"},
		"exp as text":     {set("exp", "tomorrow"), nil, "exp"},
		"future":          {set("iat", in(time.Hour)), nil, "issued"},
		"not before":      {set("nbf", in(time.Hour)), nil, "good only in"},
		"nonce":           {set("nonce", "stale"), nil, "nonce is not the one"},
		"no nonce":        {func(c map[string]any) { delete(c, "nonce") }, nil, "no nonce"},
		"at_hash":         {set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), nil, "at_hash"},
		"no sub":          {func(c map[string]any) { delete(c, "sub") }, nil, "no sub"},
		"sub object":      {set("sub", map[string]any{}), nil, "not those of an ID token"},

		"alg none":         {nil, unsigned, "alg"},
		"hmac, public key": {nil, byPublicKey, "HS256"},
		"unknown kid":      {nil, signedBy(jose.RS256, signingKey(), "two"), "signature"},
		"other key":        {nil, func(c map[string]any) string { return signedBy(jose.RS256, otherKey(), "one")(c) }, "signature"},
		"cut":              {nil, func(c map[string]any) string { s := signed(c); return s[:len(s)-8] }, "signature"},
		"changed": {nil, func(c map[string]any) string {
			p := strings.Split(signed(c), ".")
			c["sub"] = "1"
			return p[0] + "." + strings.Split(signed(c), ".")[1] + "." + p[2]
		}, "signature"},
		"no jwt":        {nil, func(map[string]any) string { return "opaque" }, "ID token"},
		"five parts":    {nil, func(map[string]any) string { return "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d" }, "ID token"},
		"too long":      {set("pad", strings.Repeat("x", 70<<10)), nil, "bytes"},
		"escapes in it": {set("iss", "\x1b[31mred"), nil, `x1b[31mred`},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.id, i.sign = tc.claims, tc.sign
			b := newBrowser()
			got, _, err := login.Login(t.Context(), i.config(), login.UI{Open: b.open})
			want(t, err, fault.Invalid, tc.text)
			if !got.Access.IsZero() {
				t.Error("tokens were returned")
			}
			if strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("escape sequence in %q", err)
			}
			if status, body, _ := b.page(); status == 200 || strings.Contains(body, "You are logged in") {
				t.Errorf("page: %d %s", status, body)
			}
		})
	}
}

// What is odd and still right.
func TestGoodIDTokens(t *testing.T) {
	for name, tc := range map[string]struct {
		claims func(map[string]any)
		sign   func(map[string]any) string
	}{
		"audience list":      {func(c map[string]any) { c["aud"] = []string{clientID} }, nil},
		"two audiences":      {func(c map[string]any) { c["aud"], c["azp"] = []string{"other", clientID}, clientID }, nil},
		"no at_hash":         {func(c map[string]any) { delete(c, "at_hash") }, nil},
		"expired a bit":      {func(c map[string]any) { c["exp"] = time.Now().Add(-20 * time.Second).Unix() }, nil},
		"clock a bit behind": {func(c map[string]any) { c["iat"] = time.Now().Add(20 * time.Second).Unix() }, nil},
		"no kid":             {nil, signedBy(jose.RS256, signingKey(), "")},
		"PS256":              {nil, signedBy(jose.PS256, signingKey(), "one")},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.id, i.sign = tc.claims, tc.sign
			if _, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAlgorithmsAreOurs(t *testing.T) {
	i := newIssuer(t)
	i.sign = signedBy(jose.PS256, signingKey(), "one")
	cfg := i.config()
	cfg.Algorithms = []string{"RS256"}
	_, _, err := login.Login(t.Context(), cfg, login.UI{Open: newBrowser().open})
	want(t, err, fault.Invalid, "PS256")
}

func TestClockSkewIsNamed(t *testing.T) {
	i := newIssuer(t)
	cfg := i.config()
	cfg.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	_, _, err := login.Login(t.Context(), cfg, login.UI{Open: newBrowser().open})
	want(t, err, fault.Invalid, "clock is")
	want(t, err, fault.Invalid, "ahead of the issuer's")
}

// A clock that is wrong, and not enough to stop the login, is said.
func TestClockSkewIsSaid(t *testing.T) {
	for skew, want := range map[time.Duration]string{
		0: "", 45 * time.Second: "ahead of the issuer's", -45 * time.Second: "behind the issuer's", 10 * time.Minute: "ahead of the issuer's",
	} {
		i := newIssuer(t)
		cfg := i.config()
		cfg.Now = func() time.Time { return time.Now().Add(skew) }
		var notes string
		if _, _, err := login.Login(t.Context(), cfg, login.UI{Open: newBrowser().open, Note: func(s string) { notes += s }}); err != nil {
			t.Error(err)
		}
		if !strings.Contains(notes, want) || (want == "") != (notes == "") {
			t.Errorf("%s: notes %q, want %q", skew, notes, want)
		}
	}
}

// Token responses that are not what they should be.
func TestBadTokenResponses(t *testing.T) {
	change := func(name string, value any) func(map[string]any) {
		return func(r map[string]any) {
			if value == nil {
				delete(r, name)
				return
			}
			r[name] = value
		}
	}
	for name, tc := range map[string]struct {
		response func(map[string]any)
		kind     fault.Kind // 0: it is taken
		text     string
	}{
		"type mac":        {change("token_type", "mac"), fault.Failed, "only Bearer"},
		"type lower":      {change("token_type", "bearer"), 0, ""},
		"no type":         {change("token_type", nil), 0, ""},
		"no access token": {change("access_token", nil), fault.Failed, "no token response"},
		"access number":   {change("access_token", 7), fault.Failed, "no token response"},
		"no ID token":     {change("id_token", nil), fault.Failed, "no ID token"},
		"ID token number": {change("id_token", 7), fault.Failed, "no ID token"},
		"expires text":    {change("expires_in", "3600"), 0, ""},
		"expires never":   {change("expires_in", nil), 0, ""},
		"expires before":  {change("expires_in", -5), 0, ""},
		"expires huge":    {change("expires_in", 1<<50), 0, ""},
		"expires words":   {change("expires_in", "soon"), fault.Failed, "no token response"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.response = tc.response
			b := newBrowser()
			_, _, err := login.Login(t.Context(), i.config(), login.UI{Open: b.open})
			if tc.kind == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want(t, err, tc.kind, tc.text)
			if strings.Contains(err.Error(), "access-token-1") || strings.Contains(err.Error(), "refresh-token-1") {
				t.Errorf("a token is in the error: %v", err)
			}
			if status, _, _ := b.page(); status == 200 {
				t.Error("success was shown")
			}
		})
	}
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// endless sends a body that does not end.
func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, strings.Repeat(" ", 32<<10)); err != nil {
			return
		}
	}
}

// hang never answers. The body is read because a server sees that the other side
// has gone only after that.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// cut breaks off in the middle of the body.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"issuer":`)
}

func redirectTo(address string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", address)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}

const secretPage = "<html>it works <b>code-verifier</b></html>"

// Every place an issuer is asked at, and every way it may misbehave there.
func TestHostileEndpoints(t *testing.T) {
	const discovery, tokens, keys = "/.well-known/openid-configuration", "/token", "/certs"
	for name, tc := range map[string]struct {
		path string
		h    http.HandlerFunc
		kind fault.Kind
		text string
	}{
		"discovery 404":          {discovery, answer(404, "text/plain", "unrecognized route or not allowed method"), fault.Network, "404 Not Found"},
		"discovery 410":          {discovery, answer(410, "text/plain", ""), fault.Network, "410 Gone"},
		"discovery 500":          {discovery, answer(500, "text/html", secretPage), fault.Network, "500 Internal Server Error"},
		"discovery page":         {discovery, answer(200, "text/html", secretPage), fault.Network, "no JSON object"},
		"discovery list":         {discovery, answer(200, "application/json", "[]"), fault.Network, "no JSON object"},
		"discovery null":         {discovery, answer(200, "application/json", "null"), fault.Network, "calls itself"},
		"discovery types":        {discovery, answer(200, "application/json", `{"issuer":7}`), fault.Network, "no JSON object"},
		"discovery endless":      {discovery, endless, fault.Network, "longer than"},
		"discovery hangs":        {discovery, hang, fault.Network, "time limit"},
		"discovery cut":          {discovery, cut, fault.Network, "closed the connection"},
		"discovery to http":      {discovery, redirectTo("http://example.com/x"), fault.Network, "not safe"},
		"discovery to a file":    {discovery, redirectTo("file:///etc/passwd"), fault.Network, "not safe"},
		"discovery round":        {discovery, redirectTo("/oidc/2" + discovery), fault.Network, "more than 3 times"},
		"tokens page":            {tokens, answer(200, "text/html", secretPage), fault.Failed, "no token response"},
		"tokens text":            {tokens, answer(200, "text/plain", secretPage), fault.Failed, "no token response"},
		"tokens 500":             {tokens, answer(500, "text/html", secretPage), fault.Network, "500"},
		"tokens 403":             {tokens, answer(403, "text/html", secretPage), fault.Failed, "403 Forbidden"},
		"tokens 401":             {tokens, answer(401, "application/json", `{"error":"invalid_client","error_description":"client authentication failed"}`), fault.Usage, "Authentication Method: None (PKCE)"},
		"tokens 200 with error":  {tokens, answer(200, "application/json", `{"error":"invalid_grant","error_description":"grant request is invalid"}`), fault.Failed, "grant request is invalid"},
		"tokens endless":         {tokens, endless, fault.Network, "longer than"},
		"tokens hang":            {tokens, hang, fault.Network, "time limit"},
		"tokens cut":             {tokens, cut, fault.Network, "closed the connection"},
		"tokens redirect":        {tokens, redirectTo("https://evil.example/token"), fault.Network, "secrets do not follow"},
		"tokens redirect nearby": {tokens, redirectTo("/oidc/2/elsewhere"), fault.Network, "secrets do not follow"},
		"keys 404":               {keys, answer(404, "text/plain", ""), fault.Network, "404"},
		"keys page":              {keys, answer(200, "text/html", secretPage), fault.Network, "no key set"},
		"keys none":              {keys, answer(200, "application/json", `{"keys":[]}`), fault.Invalid, "signature"},
		"keys endless":           {keys, endless, fault.Network, "longer than"},
		"keys hang":              {keys, hang, fault.Network, "time limit"},
		"keys of HMAC":           {keys, answer(200, "application/json", `{"keys":[{"kty":"oct","kid":"one","k":"c2VjcmV0"}]}`), fault.Invalid, "signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			i.handle[tc.path] = tc.h
			cfg := i.config()
			cfg.HTTP = &http.Client{Timeout: 700 * time.Millisecond, Transport: &http.Transport{}}
			b := newBrowser()
			set, _, err := login.Login(t.Context(), cfg, login.UI{Open: b.open})
			want(t, err, tc.kind, tc.text)
			if !set.Access.IsZero() {
				t.Error("tokens were returned")
			}
			if strings.Contains(err.Error(), "it works") {
				t.Errorf("the answer's body is in the error: %v", err)
			}
		})
	}
}

func TestTooManyRequests(t *testing.T) {
	i := newIssuer(t)
	i.handle["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	_, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open})
	want(t, err, fault.Network, "try again after: 30")
}

// The discovery document of somebody else, or with endpoints that are not safe.
func TestLyingDiscovery(t *testing.T) {
	for name, tc := range map[string]struct {
		member string
		value  any
		kind   fault.Kind
		text   string
	}{
		"issuer":         {"issuer", "https://evil.onelogin.com/oidc/2", fault.Network, `calls itself "https://evil.onelogin.com/oidc/2"`},
		"no issuer":      {"issuer", nil, fault.Network, "calls itself"},
		"http login":     {"authorization_endpoint", "http://evil.example/auth", fault.Network, "loopback"},
		"script login":   {"authorization_endpoint", "javascript:alert(1)", fault.Network, "authorization_endpoint"},
		"file login":     {"authorization_endpoint", "file:///bin/sh", fault.Network, "authorization_endpoint"},
		"option login":   {"authorization_endpoint", "--new-window", fault.Network, "authorization_endpoint"},
		"no login":       {"authorization_endpoint", nil, fault.Network, "missing"},
		"http tokens":    {"token_endpoint", "http://evil.example/token", fault.Network, "loopback"},
		"user in tokens": {"token_endpoint", "https://a@evil.example/token", fault.Network, "user name"},
		"no keys":        {"jwks_uri", nil, fault.Network, "jwks_uri is missing"},
		"pushed only":    {"require_pushed_authorization_requests", true, fault.Network, "PAR"},
		"implicit only":  {"response_types_supported", []string{"id_token"}, fault.Network, "code flow"},
		"wrong type":     {"scopes_supported", "openid", fault.Network, "wrong type"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.discovery = func(doc map[string]any) {
				if doc[tc.member] = tc.value; tc.value == nil {
					delete(doc, tc.member)
				}
			}
			_, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open})
			want(t, err, tc.kind, tc.text)
		})
	}
}

func TestOtherHostsAreNamed(t *testing.T) {
	i, other := newIssuer(t), newIssuer(t)
	i.discovery = func(doc map[string]any) { doc["jwks_uri"] = other.url + "/certs" }
	var notes []string
	if _, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open, Note: func(s string) { notes = append(notes, s) }}); err != nil {
		t.Fatal(err)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], strings.TrimPrefix(other.URL, "http://")) {
		t.Errorf("notes %q", notes)
	}
}

// The URL for the browser is a plain one, whatever the document says.
func TestURLIsPutTogetherAgain(t *testing.T) {
	i := newIssuer(t)
	i.discovery = func(doc map[string]any) {
		doc["authorization_endpoint"] = i.url + "/a uth\"$(id)'`é?x=1"
	}
	i.handle["/a uth\"$(id)'`é"] = i.authorize
	var address string
	_, _, err := login.Login(t.Context(), i.config(), login.UI{
		Waiting: func(r login.Request) { address = r.URL },
		Open:    newBrowser().open,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{" ", `"`, "`", "é", "\n"} {
		if strings.Contains(address, bad) {
			t.Errorf("%q is in %s", bad, address)
		}
	}
}

// Unreachable issuers, told apart.
func TestUnreachable(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	secure.Config.ErrorLog = nil
	plain := newIssuer(t)

	none := &http.Client{Transport: &http.Transport{DialContext: nil}}
	nowhere := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}}
	})}
	expired := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return nil, &tls.CertificateVerificationError{Err: errors.New("x509: certificate has expired or is not yet valid")}
	})}
	for name, tc := range map[string]struct {
		issuer string
		client *http.Client
		text   string
	}{
		"no host":     {"https://acme.onelogin.com/oidc/2", nowhere, "there is no host acme.onelogin.com"},
		"refused":     {"http://" + closed.Addr().String(), none, "refuses connections"},
		"untrusted":   {secure.URL, none, `is by "Acme Co", who is not trusted here`},
		"expired":     {"https://acme.onelogin.com/oidc/2", expired, "certificate of acme.onelogin.com is not valid"},
		"not TLS":     {strings.Replace(plain.URL, "http:", "https:", 1), none, "does not speak TLS"},
		"breaks down": {"https://acme.onelogin.com/oidc/2", &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })}, "acme.onelogin.com closed the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := login.Login(t.Context(), login.Config{
				Issuer: tc.issuer, ClientID: clientID, RedirectURIs: []string{"http://127.0.0.1:0/"}, HTTP: tc.client,
			}, login.UI{})
			want(t, err, fault.Network, tc.text)
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Extra roots come in with the client, and are used for every request.
func TestOwnRoots(t *testing.T) {
	i := newIssuer(t)
	i.Close()
	i.Server = httptest.NewTLSServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.Close)
	i.url = i.URL + "/oidc/2"
	cfg := i.config()
	cfg.HTTP = i.Client()
	pasted := make(chan string, 1)
	_, _, err := login.Login(t.Context(), cfg, login.UI{Pasted: pasted, Waiting: func(r login.Request) {
		u, err := url.Parse(r.URL)
		if err != nil || u.Scheme != "https" {
			t.Errorf("login page %s: %v", r.URL, err)
		}
		i.mu.Lock()
		i.auth = u.Query()
		i.mu.Unlock()
		pasted <- "code=x&state=" + u.Query().Get("state")
	}})
	if err != nil {
		t.Error(err)
	}
	cfg.HTTP = nil
	_, _, err = login.Login(t.Context(), cfg, login.UI{})
	want(t, err, fault.Network, "not trusted here")
}

// The note about a redirect URI of two issuers comes with every login at one that
// does not name itself in its answers.
func TestSharedRedirectURIIsSaid(t *testing.T) {
	for _, names := range []bool{false, true} {
		i := newIssuer(t)
		i.discovery = func(doc map[string]any) { doc["authorization_response_iss_parameter_supported"] = names }
		if names {
			i.answer = func(_, back url.Values) { back.Set("iss", i.url) }
		}
		cfg := i.config()
		cfg.Sharing = []string{"https://login.other.example"}
		var notes []string
		if _, _, err := login.Login(t.Context(), cfg, login.UI{Open: newBrowser().open, Note: func(s string) { notes = append(notes, s) }}); err != nil {
			t.Fatal(err)
		}
		if names && len(notes) > 0 || !names && (len(notes) != 1 || !strings.Contains(notes[0], "https://login.other.example")) {
			t.Errorf("names itself: %v, notes %q", names, notes)
		}
	}
}
