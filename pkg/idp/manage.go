package idp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// introspect says whether a token works, with the members OneLogin documents. A
// public client is told about its own tokens only (inferred).
func (s *Server) introspect(c *Client, form url.Values) (object, *protocolError) {
	value := form.Get("token")
	if value == "" {
		return nil, missing("token")
	}
	var o object
	if t := s.state.living(value, s.now()); t != nil && visible(c, t.grant) {
		o = object{{"active", true}, {"token_type", "access_token"}}
		return s.describe(o, t.grant, t.iat.Unix(), t.exp.Unix(), t.jti), nil
	}
	if t := s.state.livingRefresh(value, s.now()); t != nil && visible(c, t.grant) {
		o = object{{"active", true}, {"token_type", "refresh_token"}}
		return s.describe(o, t.grant, t.iat.Unix(), t.exp.Unix(), t.jti), nil
	}
	return object{{"active", false}}, nil
}

func visible(c *Client, g *grant) bool { return c.Auth != AuthNone || g.client == c }

func (s *Server) describe(o object, g *grant, iat, exp int64, jti string) object {
	if g.user != nil {
		o.add("sub", g.user.Sub)
	}
	return append(o, member{"client_id", g.client.ID}, member{"exp", exp}, member{"iat", iat},
		member{"iss", s.issuer}, member{"jti", jti})
}

// revoke takes back a token: with a refresh token go all tokens of its family,
// an access token goes alone. Unlike RFC 7009 section 2.2, OneLogin documents an
// error for a token it does not know or has revoked already.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	form, oe := readForm(r)
	if oe != nil {
		writeError(w, oe)
		return
	}
	client, oe := s.authenticate(r, form)
	if oe != nil {
		s.challenge(w, r, oe)
		return
	}
	if oe := s.revokeToken(client, form.Get("token")); oe != nil {
		writeError(w, oe)
		return
	}
	w.Header().Set("Cache-Control", "no-cache, no-store")
	w.WriteHeader(http.StatusOK)
}

func (s *Server) revokeToken(c *Client, value string) *protocolError {
	if value == "" {
		return missing("token")
	}
	g, end := s.revocable(value)
	if g == nil {
		return &protocolError{http.StatusBadRequest, "unsupported_token_type", "revocation of the presented token type is not supported"}
	}
	if g.client != c {
		return badRequest("this token does not belong to you")
	}
	s.state.mu.Lock()
	end()
	s.state.mu.Unlock()
	s.tell("revoked", c, g.user, "")
	return nil
}

// revocable finds a token that works, and what is to be done to end it.
func (s *Server) revocable(value string) (*grant, func()) {
	if t := s.state.livingRefresh(value, s.now()); t != nil {
		return t.grant, func() { t.grant.revoked = true }
	}
	if t := s.state.living(value, s.now()); t != nil {
		return t.grant, func() { t.revoked = true }
	}
	return nil, nil
}

// me is the userinfo endpoint. Without the scope openid the answer is empty.
// Tokens for an API work too (not found of OneLogin).
func (s *Server) me(w http.ResponseWriter, r *http.Request) {
	value, oe := readBearer(r)
	if oe == nil {
		if t := s.state.living(value, s.now()); t == nil {
			oe = invalidToken()
		} else {
			writeJSON(w, http.StatusOK, s.userinfo(t))
			return
		}
	}
	w.Header().Set("WWW-Authenticate", s.authenticateHeader("Bearer", oe))
	writeError(w, oe)
}

func (s *Server) userinfo(t *accessToken) object {
	if t.grant.user == nil || !slices.Contains(t.scope, "openid") {
		return object{}
	}
	return s.userClaims(t.grant, t.scope, t.grant.claims.userinfo, true)
}

// readBearer reads the token of a request to the userinfo endpoint. Both texts
// are OneLogin's.
func readBearer(r *http.Request) (string, *protocolError) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", badRequest("no bearer token provided")
	}
	scheme, value, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || value == "" || strings.Contains(value, " ") {
		return "", badRequest("invalid authorization header value format")
	}
	return value, nil
}
