package idp

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// submitScript sends the form of the form_post page. Without JavaScript its
// button does.
const submitScript = "document.forms[0].submit()"

// markup is HTML being written. Only constants go in as they are.
type markup struct{ strings.Builder }

// put writes a constant format whose arguments are all text: they are escaped
// for element content and quoted attributes, the only places formats put them.
func (m *markup) put(format string, text ...string) {
	escaped := make([]any, len(text))
	for i, t := range text {
		escaped[i] = html.EscapeString(t)
	}
	fmt.Fprintf(m, format, escaped...)
}

// page writes a whole page. The policy lets it load nothing but its own style,
// and be framed by nobody; extra adds directives.
func page(w http.ResponseWriter, status int, title, extra string, body func(*markup)) {
	var m markup
	m.put(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>%s</title>
<style>`, title)
	m.WriteString(style)
	m.put(`</style>
</head>
<body>
<main>
`)
	body(&m)
	m.put(`<footer>
<strong>This is not OneLogin.</strong> It is the stand-in of gatepass, for trying things out on this machine. It checks nobody&rsquo;s identity.
</footer>
</main>
</body>
</html>
`)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src '"+sourceHash(style)+"'; base-uri 'none'; frame-ancestors 'none'"+extra)
	h.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(m.String()))
}

// sourceHash is how a content security policy names inline text it allows.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// formTargets is the directive for where a form's answer may lead: here, and by
// redirect to the redirect URI. Browsers that check redirects stop at anything
// else. Policies cannot name IPv6 addresses, so for those there is no directive.
func formTargets(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || strings.ContainsAny(u.Host, "[];, '\"") {
		return ""
	}
	if u.Host == "" {
		return "; form-action 'self' " + u.Scheme + ":"
	}
	return "; form-action 'self' " + u.Scheme + "://" + u.Host
}

// loginView is what the login page shows.
type loginView struct {
	grant    string
	request  *authRequest
	username string // to begin with
	failed   bool   // the answer before this one was wrong
}

// loginPage asks who is there.
func (s *Server) loginPage(w http.ResponseWriter, r *http.Request, status int, v loginView) {
	now := ""
	if who := s.state.loggedIn(s.cookies.value(r, s.cookies.session), s.now()); who != nil {
		now = who.user.Username
	}
	page(w, status, "Log in · OneLogin stand-in", formTargets(v.request.redirectURI), func(m *markup) {
		m.put(`<header>
<p class="badge">Stand-in</p>
<h1>Who is logging in?</h1>
<p>A program asks for <code>%s</code> and gets its answer at <code>%s</code>.</p>
</header>
`, scopeText(v.request.scope), v.request.redirectURI)
		if v.failed {
			m.put("<p class=\"alert\" role=\"alert\">That username and password do not go together.</p>\n")
		}
		s.people(m, v, now)
		s.passwordForm(m, v)
		m.put(`<form method="post" action="%s">
<input type="hidden" name="grant" value="%s">
<button class="quiet" name="cancel" value="1">Cancel</button>
</form>
`, loginPath, v.grant)
	})
}

func scopeText(scope []string) string {
	if len(scope) == 0 {
		return "nothing in particular"
	}
	return strings.Join(scope, " ")
}

// people are the users one may be by a click: those without a password. The one
// hinted at, or else logged in now, comes first and has the focus.
func (s *Server) people(m *markup, v loginView, now string) {
	first := v.username
	if s.settings.user(first) == nil {
		first = now
	}
	var list []*User
	for i := range s.settings.Users {
		u := &s.settings.Users[i]
		switch {
		case u.Password.Reveal() != "":
		case u.Username == first:
			list = slices.Insert(list, 0, u)
		default:
			list = append(list, u)
		}
	}
	if len(list) == 0 {
		return
	}
	m.put("<form method=\"post\" action=\"%s\">\n<input type=\"hidden\" name=\"grant\" value=\"%s\">\n<ul class=\"people\">\n", loginPath, v.grant)
	for _, u := range list {
		person(m, u, u.Username == first, u.Username == now)
	}
	m.put("</ul>\n</form>\n")
}

func person(m *markup, u *User, first, now bool) {
	focus, below := "", u.Email
	if below == "" && u.Name != "" {
		below = u.Username
	}
	if first {
		focus = " autofocus"
	}
	m.put(`<li><button name="user" value="%s"`+focus+`>
<span class="avatar" aria-hidden="true">%s</span>
<span class="who"><span class="name">%s</span><span class="mail">%s</span></span>
<span class="groups">`, u.Username, initials(u), cmp.Or(u.Name, u.Username), below)
	if now {
		m.put(`<span class="chip now">logged in</span>`)
	}
	for _, g := range u.Groups {
		m.put(`<span class="chip">%s</span>`, g)
	}
	if len(u.Groups) == 0 {
		m.put(`<span class="chip none">no groups</span>`)
	}
	m.put("</span>\n</button></li>\n")
}

// initials are one or two letters for a user.
func initials(u *User) string {
	var out []rune
	for _, part := range []string{u.GivenName, u.FamilyName, u.Username} {
		r, _ := utf8.DecodeRuneInString(part)
		if len(out) < 2 && unicode.IsLetter(r) && (part != u.Username || len(out) == 0) {
			out = append(out, unicode.ToUpper(r))
		}
	}
	return string(out)
}

// passwordForm is there when some user has a password.
func (s *Server) passwordForm(m *markup, v loginView) {
	if !slices.ContainsFunc(s.settings.Users, func(u User) bool { return u.Password.Reveal() != "" }) {
		return
	}
	m.put(`<form method="post" action="%s" class="password">
<input type="hidden" name="grant" value="%s">
<label>Username<input name="username" value="%s" autocomplete="username" autocapitalize="none" spellcheck="false" required></label>
<label>Password<input name="password" type="password" autocomplete="current-password"></label>
<button class="main">Log in</button>
</form>
`, loginPath, v.grant, v.username)
}

// errorPage shows an error at the provider, where there is no redirect URI to
// send it to: as a page to browsers and as JSON to programs.
func (s *Server) errorPage(w http.ResponseWriter, r *http.Request, oe *protocolError) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		writeError(w, oe)
		return
	}
	page(w, oe.status, "Error · OneLogin stand-in", "; form-action 'none'", func(m *markup) {
		m.put(`<header>
<p class="badge">Stand-in</p>
<h1>That did not work</h1>
</header>
<dl class="error"><dt>%s</dt><dd>%s</dd></dl>
`, oe.code, oe.description)
		if oe.code == "redirect_uri_mismatch" {
			m.put("<p>The redirect URI must be one of those registered, letter for letter: scheme, host, port, path and trailing slash.</p>\n")
		}
	})
}

func (s *Server) loggedOutPage(w http.ResponseWriter) {
	page(w, http.StatusOK, "Logged out · OneLogin stand-in", "; form-action 'none'", func(m *markup) {
		m.put(`<header>
<p class="badge">Stand-in</p>
<h1>You are logged out</h1>
<p>The tokens of this session no longer work at the provider. You may close this page.</p>
</header>
`)
	})
}

// formPostPage sends an answer to the redirect URI as a form (OAuth 2.0 Form Post
// Response Mode).
func formPostPage(w http.ResponseWriter, target string, out url.Values) {
	extra := "; script-src '" + sourceHash(submitScript) + "'" + formTargets(target)
	page(w, http.StatusOK, "One moment · OneLogin stand-in", extra, func(m *markup) {
		m.put("<header><h1>One moment</h1></header>\n<form method=\"post\" action=\"%s\">\n", target)
		for _, name := range sortedKeys(out) {
			m.put("<input type=\"hidden\" name=\"%s\" value=\"%s\">\n", name, out.Get(name))
		}
		m.put("<button class=\"main\">Go on</button>\n</form>\n<script>" + submitScript + "</script>\n")
	})
}

func sortedKeys(v url.Values) []string {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// home says what this is to whoever opens the bare address.
func (s *Server) home(w http.ResponseWriter, _ *http.Request) {
	page(w, http.StatusOK, "OneLogin stand-in", "; form-action 'none'", func(m *markup) {
		m.put(`<header>
<p class="badge">Stand-in</p>
<h1>OpenID Connect, like OneLogin&rsquo;s</h1>
</header>
<dl>
<dt>Issuer</dt><dd><code>%s</code></dd>
<dt>Discovery</dt><dd><a href="%s">%s</a></dd>
`, s.issuer, IssuerPath+"/.well-known/openid-configuration", "openid-configuration")
		for i := range s.settings.Clients {
			c := &s.settings.Clients[i]
			m.put("<dt>Client</dt><dd><code>%s</code> %s</dd>\n", c.ID, authText(c.Auth))
		}
		m.put("<dt>Users</dt><dd>%s</dd>\n</dl>\n", s.settings.usernames())
	})
}

func authText(a AuthMethod) string {
	if a == AuthNone {
		return "public, with PKCE"
	}
	return "with a secret, sent by " + string(a)
}
