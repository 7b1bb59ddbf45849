package idp

import (
	"slices"
	"strings"
	"time"
)

// issued is a token with its lifetime.
type issued struct {
	value   string
	seconds int64
}

// newAccess makes an access token: a JWT with OneLogin's claims in its order.
// For an API aud is the list of its audiences and azp the client; otherwise aud
// is the client id.
func (s *Server) newAccess(g *grant, scope []string) (issued, error) {
	life := g.client.AccessLifetime
	if g.resource != nil && g.resource.AccessLifetime > 0 {
		life = g.resource.AccessLifetime
	}
	iat := s.now()
	t := &accessToken{grant: g, jti: s.id(32), iat: iat, exp: iat.Add(life), scope: scope}
	claims := object{{"jti", t.jti}}
	if g.user != nil {
		claims.add("sub", g.user.Sub)
	}
	claims.add("iss", s.issuer)
	claims.add("iat", t.iat.Unix())
	claims.add("exp", t.exp.Unix())
	claims.text("scope", strings.Join(scope, " "))
	if g.resource == nil {
		claims.add("aud", g.client.ID)
	} else {
		claims.add("aud", g.resource.Audiences)
		claims.add("azp", g.client.ID)
		s.customClaims(&claims, g)
	}
	value, err := s.sign(g.client, claims)
	if err != nil {
		return issued{}, err
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.access.put(value, t, t.exp, iat)
	return issued{value, int64(life / time.Second)}, nil
}

// customClaims adds the claims configured for an API. A program has no user to
// take attributes from.
func (s *Server) customClaims(to *object, g *grant) {
	for _, c := range g.resource.Claims {
		value := c.Value
		if c.Attribute != "" {
			if g.user == nil {
				continue
			}
			var ok bool
			if value, ok = s.attribute(g.user, c.Attribute); !ok {
				continue
			}
		}
		if !to.has(c.Name) {
			to.add(c.Name, value)
		}
	}
}

// newRefresh makes a refresh token, which is opaque. Each lives as long as the
// first would have.
func (s *Server) newRefresh(g *grant) string {
	now := s.now()
	value := s.id(32)
	t := &refreshToken{grant: g, jti: s.id(32), iat: now, exp: now.Add(g.client.RefreshLifetime)}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.refresh.put(value, t, t.exp, now)
	return value
}

// idToken makes an ID token. The claims are those of the scopes, then those of
// the login; at_hash goes with an access token, s_hash with a state that is sent
// through the front channel. aud is always one string.
func (s *Server) idToken(g *grant, scope []string, access, state string) (string, error) {
	now := s.now()
	claims := s.userClaims(g, scope, g.claims.idToken, false)
	claims.text("acr", g.acr)
	if g.withTime || slices.Contains(g.claims.idToken, "auth_time") {
		claims.add("auth_time", g.authTime.Unix())
	}
	claims.text("nonce", g.nonce)
	if access != "" {
		claims.add("at_hash", halfHash(access))
	}
	if state != "" {
		claims.add("s_hash", halfHash(state))
	}
	claims.text("sid", g.sid)
	claims.add("aud", g.client.ID)
	claims.add("exp", now.Add(g.client.IDLifetime).Unix())
	claims.add("iat", now.Unix())
	claims.add("iss", s.issuer)
	return s.sign(g.client, claims)
}

// given lists the claims about a user with the scopes that give them, in
// OneLogin's order. That "openid" alone gives email, preferred_username and name
// is what OneLogin's sample ID token shows.
func given() []struct{ claim, scopes string } {
	return []struct{ claim, scopes string }{
		{"sub", "openid"},
		{"email", "openid email"},
		{"preferred_username", "openid profile"},
		{"name", "openid profile name"},
		{"updated_at", "profile"},
		{"given_name", "profile"},
		{"family_name", "profile"},
		{"locale", "profile"},
		{"phone_number", "phone"},
		{"groups", "groups"},
		{"params", "params"},
	}
}

// userClaims are the claims about the user of a grant, by scope and by name. At
// the userinfo endpoint updated_at is in milliseconds, as in OneLogin's
// documentation; in ID tokens it is in seconds, as observed.
func (s *Server) userClaims(g *grant, scope, names []string, userinfo bool) object {
	var o object
	for _, c := range given() {
		byScope := slices.ContainsFunc(strings.Fields(c.scopes), func(w string) bool { return slices.Contains(scope, w) })
		if !byScope && !slices.Contains(names, c.claim) {
			continue
		}
		if value, ok := s.claim(g, c.claim, userinfo); ok {
			o.add(c.claim, value)
		}
	}
	return o
}

func (s *Server) claim(g *grant, name string, userinfo bool) (value any, ok bool) {
	switch name {
	case "updated_at":
		if userinfo {
			return s.started.UnixMilli(), true
		}
		return s.started.Unix(), true
	case "groups":
		switch g.client.Groups {
		case "none":
			return nil, false
		case "joined":
			return strings.Join(g.user.Groups, ";"), true
		}
	}
	return s.attribute(g.user, name)
}

// attributes are the names of what is known of a user.
func attributes() []string {
	return []string{"sub", "email", "preferred_username", "name", "given_name", "family_name", "locale", "phone_number", "groups", "params"}
}

// attribute is one fact about a user, or one of the custom parameters by
// "params.NAME". What is empty is not there, except for groups: nobody in none
// has an empty list (inferred).
func (s *Server) attribute(u *User, name string) (any, bool) {
	text := func(v string) (any, bool) { return v, v != "" }
	if param, ok := strings.CutPrefix(name, "params."); ok {
		i := slices.IndexFunc(u.Params, func(p Param) bool { return p.Name == param })
		if i < 0 {
			return nil, false
		}
		return u.Params[i].Value, true
	}
	switch name {
	case "sub":
		return text(u.Sub)
	case "email":
		return text(u.Email)
	case "preferred_username":
		return text(u.Username)
	case "name":
		return text(u.Name)
	case "given_name":
		return text(u.GivenName)
	case "family_name":
		return text(u.FamilyName)
	case "locale":
		return text(u.Locale)
	case "phone_number":
		return text(u.Phone)
	case "groups":
		return append([]string{}, u.Groups...), true
	case "params":
		o := object{}
		for _, p := range u.Params {
			o.add(p.Name, p.Value)
		}
		return o, len(o) > 0
	}
	return nil, false
}
