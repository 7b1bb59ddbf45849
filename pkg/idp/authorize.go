package idp

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/source"
)

// authRequest is an authorization request whose client and redirect URI are
// known to be right.
type authRequest struct {
	client       *Client
	redirectURI  string
	responseType string // code, id_token, or "id_token token"
	mode         string // query, fragment or form_post
	state        string
	nonce        string
	scope        []string
	prompt       []string
	maxAge       int // seconds; -1 if not asked for
	acr          string
	challenge    string
	loginHint    string
	resource     *API
	claims       requestedClaims

	browser string // the browser it came from, for the login page
}

// requestedClaims are the names in the parameter claims (OpenID Connect Core
// section 5.5). Wanted values are not looked at.
type requestedClaims struct{ idToken, userinfo []string }

// authorize is the authorization endpoint.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	form, oe := authForm(r)
	if form == nil {
		s.errorPage(w, r, oe)
		return
	}
	client, redirectURI, refused := s.checkClient(form)
	if refused != nil {
		s.tell("refused", client, nil, "%s", refused.description)
		s.errorPage(w, r, refused)
		return
	}
	q := &authRequest{client: client, redirectURI: redirectURI, state: form.Get("state"), maxAge: -1}
	q.mode = defaultMode(form.Get("response_type"))
	if oe == nil {
		oe = s.read(q, form)
	}
	if oe != nil {
		s.refuse(w, q, oe)
		return
	}
	s.identify(w, r, q)
}

// authForm are the parameters: of the query, or of the body of a POST.
func authForm(r *http.Request) (url.Values, *protocolError) {
	if r.Method == http.MethodPost {
		return readForm(r)
	}
	return parseForm(r.URL.RawQuery)
}

// checkClient finds the client and compares the redirect URI as exact strings.
// What fails here is shown at the provider and never sent on: there is nobody to
// trust with the answer yet.
func (s *Server) checkClient(form url.Values) (*Client, string, *protocolError) {
	id := form.Get("client_id")
	if id == "" {
		return nil, "", missing("client_id")
	}
	client := s.clients[id]
	if client == nil {
		return nil, "", &protocolError{http.StatusBadRequest, "invalid_client", "client is invalid"}
	}
	uri := form.Get("redirect_uri")
	if uri == "" {
		return client, "", missing("redirect_uri")
	}
	if !slices.Contains(client.RedirectURIs, uri) {
		return client, "", &protocolError{http.StatusBadRequest, "redirect_uri_mismatch", "redirect_uri did not match any client's registered redirect_uris"}
	}
	return client, uri, nil
}

// read checks the rest of a request. Of the texts only those about offline_access
// and missing parameters are known to be OneLogin's; the others are inferred.
func (s *Server) read(q *authRequest, form url.Values) *protocolError {
	for _, check := range []func(*authRequest, url.Values) *protocolError{
		readUnsupported, readResponse, readPKCE, s.readScope, readLogin, readClaims,
	} {
		if oe := check(q, form); oe != nil {
			return oe
		}
	}
	return nil
}

func readUnsupported(_ *authRequest, form url.Values) *protocolError {
	for _, name := range []string{"request", "request_uri", "registration"} {
		if form.Has(name) {
			return &protocolError{http.StatusBadRequest, name + "_not_supported", name + " parameter provided but not supported"}
		}
	}
	return nil
}

func defaultMode(responseType string) string {
	if strings.Contains(responseType, "token") {
		return "fragment"
	}
	return "query"
}

func readResponse(q *authRequest, form url.Values) *protocolError {
	asked := words(form.Get("response_type"))
	slices.Sort(asked)
	q.responseType = strings.Join(asked, " ")
	switch q.responseType {
	case "":
		return missing("response_type")
	case "code", "id_token", "id_token token":
	default:
		return &protocolError{http.StatusBadRequest, "unsupported_response_type", "unsupported response_type requested"}
	}
	switch mode := form.Get("response_mode"); mode {
	case "":
	case "query":
		if q.responseType != "code" {
			return badRequest("response_mode not allowed for this response_type")
		}
	case "fragment", "form_post":
		q.mode = mode
	default:
		return &protocolError{http.StatusBadRequest, "unsupported_response_mode", "unsupported response_mode requested"}
	}
	return nil
}

// readPKCE reads the challenge (RFC 7636). Public clients must send one, and S256
// is the only method.
func readPKCE(q *authRequest, form url.Values) *protocolError {
	q.challenge = form.Get("code_challenge")
	method := form.Get("code_challenge_method")
	switch {
	case q.challenge != "" && method == "":
		return badRequest("plain code_challenge_method fallback disabled, code_challenge_method must be provided")
	case method != "" && method != "S256":
		return badRequest("not supported value of code_challenge_method")
	case method != "" && q.challenge == "":
		return badRequest("code_challenge must be provided with code_challenge_method")
	case q.challenge == "" && q.client.Auth == AuthNone && q.responseType == "code":
		return badRequest("PKCE must be provided for clients that do not authenticate")
	}
	return nil
}

func (s *Server) readScope(q *authRequest, form url.Values) *protocolError {
	if resource := form.Get("resource"); resource != "" {
		if q.resource = s.settings.api(resource, q.client); q.resource == nil {
			return badTarget()
		}
	}
	var oe *protocolError
	if q.scope, oe = allowedScopes(form.Get("scope"), q.resource, false); oe != nil {
		return oe
	}
	q.nonce = form.Get("nonce")
	if q.responseType == "code" {
		return nil
	}
	// OpenID Connect Core section 3.2.2.1.
	if q.nonce == "" {
		return missing("nonce")
	}
	if !slices.Contains(q.scope, "openid") {
		return badRequest("openid is required scope")
	}
	return nil
}

// readLogin reads what is asked of the login itself.
func readLogin(q *authRequest, form url.Values) *protocolError {
	q.prompt = words(form.Get("prompt"))
	for _, p := range q.prompt {
		if !slices.Contains([]string{"none", "login", "consent", "select_account"}, p) {
			return badRequest("invalid prompt value provided")
		}
	}
	if slices.Contains(q.prompt, "none") && len(q.prompt) > 1 {
		return badRequest("prompt none must only be used alone")
	}
	if age := form.Get("max_age"); age != "" {
		n, err := strconv.Atoi(age)
		if err != nil || n < 0 {
			return badRequest("invalid max_age parameter value")
		}
		q.maxAge = n
	}
	q.loginHint = form.Get("login_hint")
	if slices.Contains(words(form.Get("acr_values")), reAuth) {
		q.acr = reAuth
	}
	return nil
}

func readClaims(q *authRequest, form url.Values) *protocolError {
	text := form.Get("claims")
	if text == "" {
		return nil
	}
	n, err := source.JSON("claims", []byte(text))
	if err != nil {
		return badRequest("could not parse the claims parameter JSON")
	}
	if n.Kind != source.Object {
		return badRequest("claims parameter should be a JSON object")
	}
	for name, to := range map[string]*[]string{"id_token": &q.claims.idToken, "userinfo": &q.claims.userinfo} {
		part := n.Get(name)
		if part == nil {
			continue
		}
		if part.Kind != source.Object {
			return badRequest("claims.%s should be an object", name)
		}
		for _, m := range part.Members {
			*to = append(*to, m.Key)
		}
	}
	return nil
}

// identify finds out who is there: somebody by option, somebody logged in when no
// page may be shown, or whoever the login page says. The page is shown even to
// somebody logged in already, where OneLogin would go straight on: choosing a
// person is what a stand-in is for.
func (s *Server) identify(w http.ResponseWriter, r *http.Request, q *authRequest) {
	now := s.now()
	known := s.state.loggedIn(s.cookies.value(r, s.cookies.session), now)
	fresh := known != nil && q.acr == "" && (q.maxAge < 0 || now.Sub(known.since) <= time.Duration(q.maxAge)*time.Second)
	switch {
	case s.autoLogin != nil:
		user := s.autoLogin
		if hinted := s.settings.user(q.loginHint); hinted != nil {
			user = hinted
		}
		s.finish(w, q, s.newSession(w, user))
	case slices.Contains(q.prompt, "none") && fresh:
		s.finish(w, q, known)
	case slices.Contains(q.prompt, "none"):
		s.refuse(w, q, &protocolError{http.StatusBadRequest, "login_required", "End-User authentication is required"})
	default:
		s.askLogin(w, r, q)
	}
}

// finish answers an authorization request for somebody who is logged in. Errors
// of OneLogin for a user who is not assigned to the app: not found; this is what
// RFC 6749 section 4.1.2.1 has for it.
func (s *Server) finish(w http.ResponseWriter, q *authRequest, who *session) {
	if !who.user.assigned(q.client) {
		s.tell("refused", q.client, who.user, "not assigned to the app")
		s.refuse(w, q, &protocolError{http.StatusForbidden, "access_denied", "user is not assigned to this application"})
		return
	}
	g := &grant{
		client: q.client, user: who.user, scope: q.scope, resource: q.resource, nonce: q.nonce, acr: q.acr,
		sid: who.sid, authTime: who.since, withTime: q.maxAge >= 0, claims: q.claims, refresh: true,
	}
	s.state.join(who, g)
	s.tell("login", q.client, who.user, "%s", strings.Join(q.scope, " "))
	if q.responseType == "code" {
		s.respond(w, q, url.Values{"code": {s.newCode(g, q)}})
		return
	}
	out, err := s.frontChannel(g, q)
	if err != nil {
		s.refuse(w, q, serverError())
		return
	}
	s.respond(w, q, out)
}

// newCode makes an authorization code: 27 characters, as OneLogin's.
func (s *Server) newCode(g *grant, q *authRequest) string {
	value, now := s.id(20), s.now()
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.codes.put(value, &code{grant: g, redirectURI: q.redirectURI, challenge: q.challenge}, now.Add(codeLife), now)
	return value
}

// frontChannel makes the tokens of the implicit flow. There is no refresh token
// in it.
func (s *Server) frontChannel(g *grant, q *authRequest) (url.Values, error) {
	out := url.Values{}
	g.refresh = false
	var access issued
	var err error
	if q.responseType == "id_token token" {
		if access, err = s.newAccess(g, g.scope); err != nil {
			return nil, err
		}
		out.Set("access_token", access.value)
		out.Set("expires_in", strconv.FormatInt(access.seconds, 10))
		out.Set("token_type", "Bearer")
	}
	id, err := s.idToken(g, g.scope, access.value, q.state)
	if err != nil {
		return nil, err
	}
	out.Set("id_token", id)
	return out, nil
}

// refuse sends an error to the redirect URI.
func (s *Server) refuse(w http.ResponseWriter, q *authRequest, oe *protocolError) {
	s.tell("refused", q.client, nil, "%s", oe)
	s.respond(w, q, url.Values{"error": {oe.code}, "error_description": {oe.description}})
}

// respond sends the parameters of an answer to the redirect URI, with the state
// of the request. There is no iss parameter: OneLogin does not send it.
func (s *Server) respond(w http.ResponseWriter, q *authRequest, out url.Values) {
	if q.state != "" {
		out.Set("state", q.state)
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache, no-store")
	if q.mode == "form_post" {
		formPostPage(w, q.redirectURI, out)
		return
	}
	target := q.redirectURI + "#" + out.Encode()
	if q.mode == "query" {
		separator := "?"
		if strings.Contains(q.redirectURI, "?") {
			separator = "&"
		}
		target = q.redirectURI + separator + out.Encode()
	}
	h.Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}
