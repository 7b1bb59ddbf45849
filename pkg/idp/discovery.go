package idp

import "net/http"

// scopes are those of OpenID Connect that OneLogin advertises.
func scopes() []string {
	return []string{"openid", "name", "profile", "groups", "email", "params", "phone"}
}

// reAuth is the one acr value, which asks for a fresh login.
const reAuth = "onelogin:nist:level:1:re-auth"

// discovery answers with OneLogin's discovery document, as captured in 2022.
// What is absent there is absent here: no device endpoint, PAR, DPoP, RFC 9207
// flag, resource indicators or offline_access.
func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "private")
	writeJSON(w, http.StatusOK, s.document())
}

func (s *Server) document() object {
	methods := []string{"client_secret_basic", "client_secret_post", "none"}
	algorithms := []string{"HS256", "RS256", "PS256"}
	return object{
		{"acr_values_supported", []string{reAuth}},
		{"authorization_endpoint", s.issuer + "/auth"},
		{"claims_parameter_supported", true},
		{"claims_supported", []string{"sub", "email", "preferred_username", "name", "updated_at", "given_name", "family_name", "locale",
			"groups", "email_verified", "params", "phone_number", "acr", "sid", "auth_time", "iss"}},
		{"code_challenge_methods_supported", []string{"S256"}},
		{"end_session_endpoint", s.issuer + "/logout"},
		{"grant_types_supported", []string{"authorization_code", "implicit", "refresh_token", "client_credentials", "password"}},
		{"id_token_signing_alg_values_supported", algorithms},
		{"issuer", s.issuer},
		{"jwks_uri", s.issuer + "/certs"},
		{"registration_endpoint", s.issuer + "/register"},
		{"response_modes_supported", []string{"form_post", "fragment", "query"}},
		{"response_types_supported", []string{"code", "id_token token", "id_token"}},
		{"scopes_supported", scopes()},
		{"subject_types_supported", []string{"public"}},
		{"token_endpoint_auth_methods_supported", methods},
		{"token_endpoint", s.issuer + "/token"},
		{"request_parameter_supported", false},
		{"request_uri_parameter_supported", false},
		{"userinfo_endpoint", s.issuer + "/me"},
		{"userinfo_signing_alg_values_supported", algorithms},
		{"introspection_endpoint", s.issuer + "/token/introspection"},
		{"introspection_endpoint_auth_methods_supported", methods},
		{"revocation_endpoint", s.issuer + "/token/revocation"},
		{"revocation_endpoint_auth_methods_supported", methods},
		{"claim_types_supported", []string{"normal"}},
	}
}
