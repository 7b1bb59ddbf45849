package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/idp"
	"gatepass/pkg/secret"
)

// page starts a login and returns the address of its page with the grant.
func (s *standIn) page(kv ...string) (path, grant string) {
	s.Helper()
	path = s.open(s.authURL(verifier, kv...)).Header.Get("Location")
	m := grantField.FindStringSubmatch(s.open(path).body)
	if m == nil {
		s.Fatalf("no login page at %q", path)
	}
	return path, m[1]
}

func TestLoginPage(t *testing.T) {
	s := start(t, nil)
	path, _ := s.page()
	a := s.open(path)
	for _, want := range []string{"This is not OneLogin.", "Ada Lovelace", "ada@example.com", `<span class="chip">Admins</span>`, "no groups", redirectURI, "openid profile groups", `name="password"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page has no %q:\n%s", want, a.body)
		}
	}
	if strings.Contains(a.body, `value="grace"`) {
		t.Error("somebody with a password can be chosen by a click")
	}
	csp := a.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' http://127.0.0.1:8127"} {
		if !strings.Contains(csp, want) {
			t.Errorf("no %s in the policy %s", want, csp)
		}
	}
	if strings.Contains(csp, "unsafe") || a.Header.Get("Cache-Control") != "no-cache, no-store" || a.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("headers %v", a.Header)
	}
	if got := a.Header.Get("Referrer-Policy"); got != "same-origin" { // or the form would come with "Origin: null"
		t.Errorf("Referrer-Policy %q", got)
	}
	if strings.Contains(a.body, "<script") || strings.Contains(a.body, "http://www") || strings.Contains(a.body, "src=") {
		t.Error("the page needs a script or loads something")
	}
}

// TestEscaping puts markup wherever text of a file or a request reaches a page.
func TestEscaping(t *testing.T) {
	const evil = `"><script>alert(1)</script><b x='`
	s := start(t, func(o *idp.Options) {
		o.Settings.Users = []idp.User{{Username: evil, Name: evil, Email: evil, Groups: []string{evil}}, {Username: "grace", Password: secret.New(passphrase)}}
		o.Settings.APIs[0].Scopes = []string{"<script>x"}
		o.Settings.Clients[0].RedirectURIs = append(o.Settings.Clients[0].RedirectURIs, `https://app.example/'"<script>`)
		o.Settings.Clients[1].ID = evil
	})
	pages := map[string]string{"home": s.open("/").body, "error": s.open("/oidc/2/auth?client_id=" + url.QueryEscape(evil)).body}
	path, grant := s.page("login_hint", evil+"x", "resource", apiID, "scope", "openid <script>x", "redirect_uri", `https://app.example/'"<script>`)
	pages["login"] = s.open(path).body
	pages["failed"] = s.post("/login2/", pairs("grant", grant, "username", evil+"y", "password", evil)).body
	pages["form_post"] = s.open(s.authURL(verifier, "response_mode", "form_post", "state", evil, "scope", "x", "redirect_uri", `https://app.example/'"<script>`)).body
	for name, body := range pages {
		if n := strings.Count(body, "<script>"); n > 1 || n == 1 && name != "form_post" || strings.Contains(body, "<b x") || !strings.Contains(body, "</html>") {
			t.Errorf("%s: text got out as markup:\n%s", name, body)
		}
	}
	for _, name := range []string{"login", "failed", "form_post"} {
		if !strings.Contains(pages[name], "&lt;script&gt;") {
			t.Errorf("%s does not show what was to be escaped", name)
		}
	}
	// And the evil user can log in all the same.
	if to := s.location(s.post("/login2/", pairs("grant", grant, "user", evil))); !to.Query().Has("code") {
		t.Errorf("sent to %s", to)
	}
}

func TestPassword(t *testing.T) {
	s := start(t, nil)
	_, grant := s.page()
	for name, form := range map[string]url.Values{
		"wrong":   pairs("username", "grace", "password", "wrong"),
		"none":    pairs("username", "grace"),
		"click":   pairs("user", "grace"),
		"nobody":  pairs("username", "eve", "password", passphrase),
		"nothing": pairs(),
	} {
		form.Set("grant", grant)
		a := s.post("/login2/", form)
		if a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "do not go together") || a.Header.Get("Location") != "" || strings.Contains(a.body, passphrase) {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	to := s.location(s.post("/login2/", pairs("grant", grant, "username", " grace ", "password", passphrase)))
	if !to.Query().Has("code") || to.Query().Get("state") != "st" {
		t.Errorf("sent to %s", to)
	}
	if a := s.post("/login2/", pairs("grant", grant, "user", "ada")); a.StatusCode != http.StatusBadRequest {
		t.Errorf("the page works twice: %d", a.StatusCode)
	}
}

// TestLoginForgery: a login page belongs to the browser that asked for it.
func TestLoginForgery(t *testing.T) {
	s := start(t, nil)
	path, grant := s.page()
	mine := s.browser
	s.browser = newBrowser(t)
	if a := s.open(path); a.StatusCode != http.StatusBadRequest {
		t.Errorf("another browser sees the page: %d", a.StatusCode)
	}
	if a := s.post("/login2/", pairs("grant", grant, "user", "ada")); a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" {
		t.Errorf("another browser answers the page: %d", a.StatusCode)
	}
	s.browser = mine
	for _, origin := range []string{"https://evil.example", "null"} {
		if a := s.post("/login2/", pairs("grant", grant, "user", "ada"), "Origin", origin); a.StatusCode != http.StatusForbidden {
			t.Errorf("another site answers the page: %d", a.StatusCode)
		}
	}
	if a := s.post("/login2/", pairs("grant", grant, "user", "ada"), "Origin", s.base); a.StatusCode != http.StatusSeeOther {
		t.Errorf("our own page: %d %s", a.StatusCode, a.body)
	}
	_, grant = s.page()
	s.clock.add(time.Hour)
	if a := s.post("/login2/", pairs("grant", grant, "user", "ada")); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "start again") {
		t.Errorf("an hour later: %d %s", a.StatusCode, a.body)
	}
}

func TestCookies(t *testing.T) {
	s := start(t, nil)
	_, grant := s.page()
	a := s.post("/login2/", pairs("grant", grant, "user", "ada"))
	if len(a.Cookies()) != 1 {
		t.Fatalf("cookies %v", a.Cookies())
	}
	c := a.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.MaxAge != 0 || !strings.HasSuffix(c.Name, s.base[strings.LastIndex(s.base, ":")+1:]) {
		t.Errorf("cookie %v", c)
	}
	secure := start(t, func(o *idp.Options) { o.Base = "https://idp.example" })
	if a := secure.open("/oidc/2/auth?" + strings.SplitN(secure.authURL(verifier), "?", 2)[1]); len(a.Cookies()) != 1 || !a.Cookies()[0].Secure {
		t.Errorf("cookies over https: %v", a.Cookies())
	}
}

func TestCancelAndNotAssigned(t *testing.T) {
	s := start(t, nil)
	if to := s.choose(s.authURL(verifier), "cancel", "1"); to.Query().Get("error") != "access_denied" || to.Query().Get("error_description") != "End-User aborted interaction" {
		t.Errorf("cancelled: %s", to)
	}
	to := s.choose(s.authURL(verifier), "user", "linus")
	if to.Query().Get("error") != "access_denied" || to.Query().Get("error_description") != "user is not assigned to this application" || to.Query().Has("code") {
		t.Errorf("not assigned: %s", to)
	}
	last := (*s.events)[len(*s.events)-1]
	if last.What != "refused" {
		t.Errorf("last event %+v", last)
	}
}

// TestSession: a session answers prompt=none, and the page comes otherwise.
func TestSession(t *testing.T) {
	s := start(t, nil)
	s.choose(s.authURL(verifier), "user", "ada")
	none := func(kv ...string) url.Values {
		return s.location(s.open(s.authURL(verifier, append(kv, "prompt", "none")...))).Query()
	}
	if !none().Has("code") {
		t.Error("prompt=none with a session is refused")
	}
	s.clock.add(time.Minute)
	if !none("max_age", "60").Has("code") || none("max_age", "59").Get("error") != "login_required" {
		t.Error("max_age is not looked at")
	}
	if none("acr_values", "onelogin:nist:level:1:re-auth").Get("error") != "login_required" {
		t.Error("the acr value for a fresh login is not looked at")
	}
	path, _ := s.page("login_hint", "linus")
	body := s.open(path).body
	if !strings.Contains(body, "logged in") || !strings.Contains(body, `value="linus" autofocus`) {
		t.Errorf("who is logged in is not marked, or the hint is not followed:\n%s", body)
	}
	s.clock.add(12 * time.Hour)
	if none().Get("error") != "login_required" {
		t.Error("the session never ends")
	}
}

func TestFormPost(t *testing.T) {
	s := start(t, nil)
	a := s.open(s.authURL(verifier, "response_mode", "form_post", "scope", "offline_access"))
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, `action="`+redirectURI+`"`) || !strings.Contains(a.body, `name="error" value="invalid_scope"`) || !strings.Contains(a.body, `name="state" value="st"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'sha256-") || !strings.Contains(csp, "form-action 'self' http://127.0.0.1:8127") {
		t.Errorf("policy %s", csp)
	}
}
