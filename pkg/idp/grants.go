package idp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// token is the token endpoint.
func (s *Server) token(c *Client, form url.Values) (object, *protocolError) {
	switch kind := form.Get("grant_type"); kind {
	case "":
		return nil, missing("grant_type")
	case "authorization_code":
		return s.codeGrant(c, form)
	case "refresh_token":
		return s.refreshGrant(c, form)
	case "client_credentials":
		return s.clientGrant(c, form)
	case "password":
		return s.passwordGrant(c, form)
	default:
		return nil, &protocolError{http.StatusBadRequest, "unsupported_grant_type", "unsupported grant_type requested (" + kind + ")"}
	}
}

// codeGrant redeems an authorization code (RFC 6749 section 4.1.3, RFC 7636
// section 4.6).
func (s *Server) codeGrant(c *Client, form url.Values) (object, *protocolError) {
	var lacking []string
	for _, name := range []string{"code", "redirect_uri"} {
		if form.Get(name) == "" {
			lacking = append(lacking, name)
		}
	}
	if lacking != nil {
		return nil, missing(lacking...)
	}
	redeemed, ok := s.state.redeem(form.Get("code"), s.now(), func(rec *code) bool {
		return rec.grant.client == c && rec.redirectURI == form.Get("redirect_uri") && verifies(form.Get("code_verifier"), rec.challenge)
	})
	if !ok {
		return nil, badGrant()
	}
	g := redeemed.grant
	if oe := s.aim(g, form); oe != nil {
		return nil, oe
	}
	return s.tokens(g, g.scope)
}

// verifies reports whether a verifier is that of an S256 challenge. A verifier
// without a challenge is wrong too: it may be an attempt to downgrade.
func verifies(verifier, challenge string) bool {
	if verifier == "" || challenge == "" {
		return verifier == challenge
	}
	sum := sha256.Sum256([]byte(verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(got), []byte(challenge)) == 1
}

// aim lets a token request name the API when the authorization request did not,
// or repeat it (RFC 8707 section 2.2). That OneLogin takes resource here is
// inferred.
func (s *Server) aim(g *grant, form url.Values) *protocolError {
	resource := form.Get("resource")
	if resource == "" {
		return nil
	}
	api := s.settings.api(resource, g.client)
	if api == nil || g.resource != nil && g.resource != api {
		return badTarget()
	}
	g.resource = api
	return nil
}

// badTarget is the answer to an API that is not known or not open to the client.
func badTarget() *protocolError {
	return &protocolError{http.StatusBadRequest, "invalid_target", "requested resource is not registered or not allowed for this client"}
}

func badScope(description string) *protocolError {
	return &protocolError{http.StatusBadRequest, "invalid_scope", description}
}

// refreshGrant rotates a refresh token. Scopes may be narrowed, and "openid" must
// stay among them (inferred).
func (s *Server) refreshGrant(c *Client, form url.Values) (object, *protocolError) {
	value := form.Get("refresh_token")
	if value == "" {
		return nil, missing("refresh_token")
	}
	old := s.state.livingRefresh(value, s.now())
	asked := words(form.Get("scope"))
	if old != nil && old.grant.client == c {
		for _, scope := range asked {
			if !slices.Contains(old.grant.scope, scope) {
				return nil, badScope("refresh token missing requested scope")
			}
		}
		if len(asked) > 0 && slices.Contains(old.grant.scope, "openid") && !slices.Contains(asked, "openid") {
			return nil, badScope("openid is required scope")
		}
	}
	taken, ok := s.state.rotate(value, c, s.now())
	if !ok {
		return nil, badGrant()
	}
	if len(asked) == 0 {
		asked = taken.grant.scope
	}
	if oe := s.aim(taken.grant, form); oe != nil {
		return nil, oe
	}
	return s.tokens(taken.grant, asked)
}

// clientGrant is for programs. Without a resource the token has neither sub nor
// scope, as OneLogin's; with one it has the API's scopes that were asked for.
func (s *Server) clientGrant(c *Client, form url.Values) (object, *protocolError) {
	if c.Auth == AuthNone { // RFC 6749 section 4.4: confidential clients only
		return nil, &protocolError{http.StatusBadRequest, "unauthorized_client", "requested grant type is restricted to this client"}
	}
	g := &grant{client: c, authTime: s.now()}
	if oe := s.aim(g, form); oe != nil {
		return nil, oe
	}
	scope, oe := allowedScopes(form.Get("scope"), g.resource, false)
	if oe != nil {
		return nil, oe
	}
	if g.resource != nil {
		g.scope = scope
	}
	return s.tokens(g, g.scope)
}

// passwordGrant takes a username and password. It starts no session, and gives a
// refresh token only for offline_access.
func (s *Server) passwordGrant(c *Client, form url.Values) (object, *protocolError) {
	username, password := form.Get("username"), form.Get("password")
	if username == "" || password == "" {
		return nil, missing("username", "password")
	}
	u := s.settings.user(username)
	if u == nil || !same(u.Password, password) || !u.assigned(c) {
		return nil, badGrant()
	}
	g := &grant{client: c, user: u, sid: s.uuid(), authTime: s.now()}
	if oe := s.aim(g, form); oe != nil {
		return nil, oe
	}
	var oe *protocolError
	if g.scope, oe = allowedScopes(form.Get("scope"), g.resource, true); oe != nil {
		return nil, oe
	}
	g.refresh = slices.Contains(g.scope, "offline_access")
	return s.tokens(g, g.scope)
}

// allowedScopes checks the scopes of a request. OneLogin refuses offline_access
// in all flows but the password grant, in these words; that it refuses whatever
// else it does not know in the same way is inferred.
func allowedScopes(asked string, api *API, offline bool) ([]string, *protocolError) {
	known := scopes()
	if api != nil {
		known = append(known, api.Scopes...)
	}
	if offline {
		known = append(known, "offline_access")
	}
	list := words(asked)
	for _, scope := range list {
		if !slices.Contains(known, scope) {
			return nil, badScope("some of requested scopes are not whitelisted")
		}
	}
	return list, nil
}

// tokens makes the answer of the token endpoint: new tokens of a grant.
func (s *Server) tokens(g *grant, scope []string) (object, *protocolError) {
	access, err := s.newAccess(g, scope)
	if err != nil {
		return nil, serverError()
	}
	o := object{{"access_token", access.value}, {"expires_in", access.seconds}}
	if g.user != nil && slices.Contains(scope, "openid") {
		id, err := s.idToken(g, scope, access.value, "")
		if err != nil {
			return nil, serverError()
		}
		o.add("id_token", id)
	}
	if g.refresh {
		o.add("refresh_token", s.newRefresh(g))
	}
	o.add("token_type", "Bearer")
	s.tell("token", g.client, g.user, "%s", strings.Join(scope, " "))
	return o, nil
}

func serverError() *protocolError {
	return &protocolError{http.StatusInternalServerError, "server_error", "oops something went wrong"}
}
