package idp

import (
	"github.com/golang-jwt/jwt/v5"
)

// hinted finds the client an ID token was made for. The token must be one of
// this server's; that it has expired does not matter (OpenID Connect RP-Initiated
// Logout 1.0 section 2).
func (s *Server) hinted(hint string) (*Client, bool) {
	var client *Client
	_, err := jwt.Parse(hint, func(t *jwt.Token) (any, error) {
		audience, err := t.Claims.GetAudience()
		if err != nil || len(audience) != 1 || s.clients[audience[0]] == nil {
			return nil, jwt.ErrTokenInvalidAudience
		}
		client = s.clients[audience[0]]
		if t.Method.Alg() != client.Algorithm {
			return nil, jwt.ErrTokenSignatureInvalid
		}
		if client.Algorithm == "HS256" {
			return []byte(client.Secret.Reveal()), nil
		}
		kid, _ := t.Header["kid"].(string)
		key := s.keys.public(kid)
		if key == nil {
			return nil, jwt.ErrTokenUnverifiable
		}
		return key, nil
	}, jwt.WithValidMethods([]string{"RS256", "PS256", "HS256"}), jwt.WithoutClaimsValidation())
	return client, err == nil
}
