package idp

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
)

// loginPath is where OneLogin's login page is.
const loginPath = "/login2/"

// cookieNames are the names of the server's cookies. Cookies do not tell ports
// apart, so the names do.
type cookieNames struct {
	browser string // ties a login page to the browser that asked for it
	session string // single sign-on
	secure  bool
}

func cookiesFor(base string) cookieNames {
	u, err := url.Parse(base)
	if err != nil { // base has been through checkBase
		u = &url.URL{}
	}
	return cookieNames{"gatepass_browser_" + u.Port(), "gatepass_session_" + u.Port(), u.Scheme == "https"}
}

func (c cookieNames) value(r *http.Request, name string) string {
	cookie, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (c cookieNames) set(w http.ResponseWriter, name, value string) {
	age := 0 // until the browser is closed
	if value == "" {
		age = -1
	}
	//nolint:gosec // Secure is set wherever the server is reached by https; a stand-in on loopback is not
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode})
}

// askLogin sends the browser to the login page. The request waits under an
// identifier that works in this browser only.
func (s *Server) askLogin(w http.ResponseWriter, r *http.Request, q *authRequest) {
	q.browser = s.cookies.value(r, s.cookies.browser)
	if len(q.browser) != 43 { // not one of ours: 32 bytes
		q.browser = s.id(32)
		s.cookies.set(w, s.cookies.browser, q.browser)
	}
	id, now := s.id(20), s.now()
	s.state.mu.Lock()
	s.state.requests.put(id, q, now.Add(requestLife), now)
	s.state.mu.Unlock()
	w.Header().Set("Cache-Control", "no-cache, no-store")
	w.Header().Set("Location", loginPath+"?"+url.Values{"client_id": {q.client.ID}, "grant": {id}}.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// waiting finds the request a login page is for. It is the same for an
// identifier that is unknown, expired, or another browser's.
func (s *Server) waiting(r *http.Request, id string) (*authRequest, *protocolError) {
	s.state.mu.Lock()
	q, ok := s.state.requests.get(id, s.now())
	s.state.mu.Unlock()
	if !ok || subtle.ConstantTimeCompare([]byte(q.browser), []byte(s.cookies.value(r, s.cookies.browser))) != 1 {
		return nil, badRequest("this login page has expired or belongs to another browser: start again from your program")
	}
	return q, nil
}

// showLogin shows the login page.
func (s *Server) showLogin(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("grant")
	q, oe := s.waiting(r, id)
	if oe != nil {
		s.errorPage(w, r, oe)
		return
	}
	s.loginPage(w, r, http.StatusOK, loginView{grant: id, request: q, username: q.loginHint})
}

// takeLogin takes the answer of the login page: somebody chosen, a username with
// a password, or "cancel".
func (s *Server) takeLogin(w http.ResponseWriter, r *http.Request) {
	form, q, oe := s.readLogin(r)
	if oe != nil {
		s.tell("refused", nil, nil, "login page: %s", oe.description)
		s.errorPage(w, r, oe)
		return
	}
	id := form.Get("grant")
	if form.Has("cancel") {
		s.forget(id)
		s.refuse(w, q, &protocolError{http.StatusForbidden, "access_denied", "End-User aborted interaction"})
		return
	}
	user := s.chosen(form)
	if user == nil {
		s.tell("refused", q.client, nil, "login page: wrong username or password")
		s.loginPage(w, r, http.StatusUnauthorized, loginView{grant: id, request: q, username: form.Get("username"), failed: true})
		return
	}
	s.forget(id)
	s.finish(w, q, s.newSession(w, user))
}

// readLogin reads the form of the login page and finds the request it answers.
// A form that another site sent is refused.
func (s *Server) readLogin(r *http.Request) (url.Values, *authRequest, *protocolError) {
	if origin := r.Header.Get("Origin"); origin != "" && origin != s.base {
		return nil, nil, &protocolError{http.StatusForbidden, "invalid_request", "this form was sent from another site"}
	}
	form, oe := readForm(r)
	if oe != nil {
		return nil, nil, oe
	}
	q, oe := s.waiting(r, form.Get("grant"))
	return form, q, oe
}

// chosen is who the form names, or nil for a wrong name or password. A user
// without a password needs none, and takes no other.
func (s *Server) chosen(form url.Values) *User {
	name := form.Get("user")
	if name == "" {
		name = strings.TrimSpace(form.Get("username"))
	}
	u := s.settings.user(name)
	if u != nil && u.Password.Reveal() != "" && !same(u.Password, form.Get("password")) {
		return nil
	}
	return u
}

func (s *Server) forget(id string) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.requests.remove(id)
}

// newSession logs somebody in with the browser that gets the answer.
func (s *Server) newSession(w http.ResponseWriter, u *User) *session {
	now := s.now()
	who := &session{user: u, since: now, sid: s.uuid()}
	cookie := s.id(32)
	s.state.login(cookie, who, now)
	s.cookies.set(w, s.cookies.session, cookie)
	return who
}

// logout ends the session of a browser and revokes the tokens of every client in
// it; with logout=false only the tokens. It goes on to a registered
// post_logout_redirect_uri only with an ID token of its client as a hint.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	form, oe := parseForm(r.URL.RawQuery)
	var target string
	if oe == nil {
		target, oe = s.afterLogout(form)
	}
	if oe != nil {
		s.errorPage(w, r, oe)
		return
	}
	whole := form.Get("logout") != "false"
	if who := s.state.logout(s.cookies.value(r, s.cookies.session), whole, s.now()); who != nil {
		s.tell("logout", nil, who.user, "")
	}
	if whole {
		s.cookies.set(w, s.cookies.session, "")
	}
	if target == "" {
		s.loggedOutPage(w)
		return
	}
	w.Header().Set("Cache-Control", "no-cache, no-store")
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// afterLogout is where to go after a logout, or "" to stay.
func (s *Server) afterLogout(form url.Values) (string, *protocolError) {
	hint, uri := form.Get("id_token_hint"), form.Get("post_logout_redirect_uri")
	if hint == "" {
		return "", nil // the URI is not looked at without a hint
	}
	client, ok := s.hinted(hint)
	if !ok {
		return "", badRequest("could not validate id_token_hint")
	}
	if uri == "" {
		return "", nil
	}
	for _, registered := range client.PostLogoutRedirectURIs {
		if registered != uri {
			continue
		}
		if state := form.Get("state"); state != "" {
			separator := "?"
			if strings.Contains(uri, "?") {
				separator = "&"
			}
			uri += separator + url.Values{"state": {state}}.Encode()
		}
		return uri, nil
	}
	return "", badRequest("post_logout_redirect_uri not registered")
}
