package login_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/login"
	"gatepass/pkg/secret"
)

// want checks kind, message and hint of an error.
func want(t *testing.T, err error, kind fault.Kind, text string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("error %v, want one of kind %v with %q", err, kind, text)
	}
	if whole := f.Msg + "\n" + f.Hint; f.Kind != kind || !strings.Contains(whole, text) {
		t.Errorf("error of kind %v: %s\nwant kind %v with %q", f.Kind, whole, kind, text)
	}
}

func TestLogin(t *testing.T) {
	i := newIssuer(t)
	b := newBrowser()
	var asked login.Request
	set, result, err := login.Login(t.Context(), i.config(), login.UI{
		Open:    b.open,
		Waiting: func(r login.Request) { asked = r },
	})
	if err != nil {
		t.Fatal(err)
	}
	if set.Access.Reveal() != "access-token-1" || set.Refresh.Reveal() != "refresh-token-1" || set.ID.IsZero() {
		t.Errorf("tokens %q, %q", set.Access.Reveal(), set.Refresh.Reveal())
	}
	if set.Subject != "35666371" || set.Issuer != i.url || set.ClientID != clientID || set.Scope != "openid profile" {
		t.Errorf("set %+v", set)
	}
	if left := time.Until(set.Expiry); left < 59*time.Minute || left > time.Hour {
		t.Errorf("expires in %v, want about 1 h", left)
	}
	if result.Name() != "Ada" {
		t.Errorf("name %q, want Ada", result.Name())
	}
	if asked.RedirectURI != result.RedirectURI || !strings.HasPrefix(asked.URL, i.url+"/auth?") {
		t.Errorf("asked %+v", asked)
	}
	if status, body, _ := b.page(); status != 200 || !strings.Contains(body, "You are logged in") {
		t.Errorf("page: %d %s", status, body)
	}
}

func TestAuthorizationRequest(t *testing.T) {
	i := newIssuer(t)
	i.id = func(claims map[string]any) { claims["acr"] = "onelogin:nist:level:1:re-auth" }
	cfg := i.config()
	cfg.Resource, cfg.Prompt, cfg.LoginHint, cfg.ACRValues = "https://api.example.com", "login", "ada", "onelogin:nist:level:1:re-auth"
	if _, _, err := login.Login(t.Context(), cfg, login.UI{Open: newBrowser().open}); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"response_type": "code", "client_id": clientID, "scope": "openid profile", "code_challenge_method": "S256",
		"resource": cfg.Resource, "prompt": "login", "login_hint": "ada", "acr_values": cfg.ACRValues,
	} {
		if got := i.auth.Get(name); got != value {
			t.Errorf("%s=%q, want %q", name, got, value)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if b, err := base64.RawURLEncoding.DecodeString(i.auth.Get(name)); err != nil || len(b) < 32 {
			t.Errorf("%s has %d bytes (%v), want at least 32", name, len(b), err)
		}
	}
	if got := i.forms[0].Get("resource"); got != cfg.Resource {
		t.Errorf("resource at the token endpoint %q, want %q", got, cfg.Resource)
	}
	first := i.auth.Get("state")
	if _, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open}); err != nil {
		t.Fatal(err)
	}
	if i.auth.Get("state") == first {
		t.Error("two logins have the same state")
	}
	for _, name := range []string{"resource", "prompt", "login_hint", "acr_values"} {
		if i.auth.Has(name) {
			t.Errorf("%s is sent and was not set", name)
		}
	}
}

func TestClientAuthentication(t *testing.T) {
	for _, tc := range []struct {
		auth         login.Auth
		secret       string
		form, header bool
	}{
		{login.AuthNone, "", false, false},
		{login.AuthNone, "left over", false, false},
		{login.AuthPost, "s3cret-&+=", true, false},
		{login.AuthBasic, "s3cret-&+=", false, true},
	} {
		t.Run(string(tc.auth)+tc.secret, func(t *testing.T) {
			i := newIssuer(t)
			cfg := i.config()
			cfg.Auth, cfg.Secret = tc.auth, secret.New(tc.secret)
			set, _, err := login.Login(t.Context(), cfg, login.UI{Open: newBrowser().open})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := login.Refresh(t.Context(), cfg, set); err != nil {
				t.Fatal(err)
			}
			if _, err := login.Revoke(t.Context(), cfg, set); err != nil {
				t.Fatal(err)
			}
			if len(i.forms) != 2 || len(i.revoked) != 2 {
				t.Fatalf("%d token requests and %d revocations, want 2 and 2", len(i.forms), len(i.revoked))
			}
			for n, form := range append(i.forms, i.revoked...) {
				if form.Has("client_secret") != tc.form || tc.form && form.Get("client_secret") != tc.secret {
					t.Errorf("request %d: client_secret %q", n, form.Get("client_secret"))
				}
				if form.Has("client_id") == tc.header {
					t.Errorf("request %d: client_id in the body: %v", n, form.Has("client_id"))
				}
			}
			for n, h := range i.headers {
				user, password, ok := (&http.Request{Header: h}).BasicAuth()
				if ok != tc.header || ok && (user != clientID || password != url.QueryEscape(tc.secret)) {
					t.Errorf("request %d: Authorization %q", n, h.Get("Authorization"))
				}
			}
		})
	}
}

// What the settings alone make impossible.
func TestConfigMistakes(t *testing.T) {
	good := login.Config{Issuer: "https://acme.onelogin.com/oidc/2", ClientID: "x", RedirectURIs: []string{"http://127.0.0.1:8127/cb"}}
	for name, tc := range map[string]struct {
		change func(*login.Config)
		text   string
	}{
		"no issuer":           {func(c *login.Config) { c.Issuer = "" }, "no issuer"},
		"no client":           {func(c *login.Config) { c.ClientID = "" }, "no client id"},
		"http issuer":         {func(c *login.Config) { c.Issuer = "http://acme.onelogin.com/oidc/2" }, "loopback"},
		"no url":              {func(c *login.Config) { c.Issuer = "acme" }, "want a URL"},
		"file url":            {func(c *login.Config) { c.Issuer = "file://localhost/etc/passwd" }, "want an https URL"},
		"user in url":         {func(c *login.Config) { c.Issuer = "https://a:b@acme.onelogin.com" }, "user name"},
		"no secret":           {func(c *login.Config) { c.Auth = login.AuthPost }, "GATEPASS_CLIENT_SECRET"},
		"unknown auth":        {func(c *login.Config) { c.Auth = "digest" }, "none, post or basic"},
		"no redirect":         {func(c *login.Config) { c.RedirectURIs = nil }, "no redirect URI"},
		"https elsewhere":     {func(c *login.Config) { c.RedirectURIs = []string{"https://example.com/cb"} }, "not on this machine"},
		"listen on a name":    {func(c *login.Config) { c.Listen = "example.com:80" }, "want an IP address"},
		"listen on no port":   {func(c *login.Config) { c.Listen = "127.0.0.1:http" }, "want an IP address"},
		"foreign redirect":    {func(c *login.Config) { c.RedirectURIs = []string{"http://example.com:80/cb"} }, "not on this machine"},
		"all interfaces":      {func(c *login.Config) { c.RedirectURIs = []string{"http://0.0.0.0:8127/cb"} }, "not on this machine"},
		"custom scheme":       {func(c *login.Config) { c.RedirectURIs = []string{"com.acme://callback"} }, "not http"},
		"fragment":            {func(c *login.Config) { c.RedirectURIs = []string{"http://localhost:1/cb#x"} }, "more than"},
		"query":               {func(c *login.Config) { c.RedirectURIs = []string{"http://localhost:1/cb?x=1"} }, "more than"},
		"port":                {func(c *login.Config) { c.RedirectURIs = []string{"http://localhost:70000/cb"} }, "no port"},
		"second is a mistake": {func(c *login.Config) { c.RedirectURIs = append(c.RedirectURIs, "http://example.com/") }, "not on this machine"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			tc.change(&cfg)
			_, _, err := login.Login(t.Context(), cfg, login.UI{})
			want(t, err, fault.Usage, tc.text)
		})
	}
}

func TestLoginEndsWithItsContext(t *testing.T) {
	i := newIssuer(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, _, err := login.Login(ctx, i.config(), login.UI{Waiting: func(login.Request) { cancel() }})
	want(t, err, fault.Interrupted, "interrupted")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}

func TestLoginTimeLimit(t *testing.T) {
	i := newIssuer(t)
	cfg := i.config()
	cfg.Timeout = time.Millisecond
	_, _, err := login.Login(t.Context(), cfg, login.UI{})
	want(t, err, fault.Network, "nobody completed the login within 1ms")
	want(t, err, fault.Network, "http://127.0.0.1:") // the exact URI to register
}

func TestBrowserThatCannotBeOpened(t *testing.T) {
	i := newIssuer(t)
	notes := make(chan string, 1)
	var r login.Request
	_, _, err := login.Login(t.Context(), i.config(), login.UI{
		Waiting: func(got login.Request) { r = got },
		Open:    func(context.Context, string) error { return errors.New("no display") },
		Note: func(s string) {
			notes <- s
			go func() { _, _, _, _ = get(context.Background(), r.URL) }() // the person opens it by hand
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := <-notes; !strings.Contains(n, "no display") {
		t.Errorf("note %q", n)
	}
}

func TestPastedAnswer(t *testing.T) {
	i := newIssuer(t)
	pasted := make(chan string, 3)
	var notes []string
	set, _, err := login.Login(t.Context(), i.config(), login.UI{
		Note: func(s string) { notes = append(notes, s) },
		Waiting: func(r login.Request) {
			u, _ := url.Parse(r.URL)
			i.mu.Lock()
			i.auth = u.Query()
			i.mu.Unlock()
			pasted <- "hello"
			pasted <- r.RedirectURI + "?code=code-1&state=made-up"
			pasted <- "  '" + r.RedirectURI + "?code=code-1&state=" + u.Query().Get("state") + "#'\n"
		},
		Pasted: pasted,
	})
	if err != nil {
		t.Fatal(err)
	}
	if set.Access.IsZero() || len(notes) != 2 {
		t.Errorf("notes %q", notes)
	}
}
