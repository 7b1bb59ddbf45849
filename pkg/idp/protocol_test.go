package idp_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/idp"
	"gatepass/pkg/secret"
)

// TestRefusedAtProvider has the authorization requests that must not be answered
// by a redirect.
func TestRefusedAtProvider(t *testing.T) {
	s := start(t, nil)
	for _, tc := range []struct {
		name, url, code, text string
	}{
		{"no client", s.authURL(verifier, "client_id", ""), "invalid_request", "missing required parameter(s). (client_id)"},
		{"unknown client", s.authURL(verifier, "client_id", "nobody"), "invalid_client", "client is invalid"},
		{"no redirect URI", s.authURL(verifier, "redirect_uri", ""), "invalid_request", "missing required parameter(s). (redirect_uri)"},
		{"other redirect URI", s.authURL(verifier, "redirect_uri", redirectURI+"/"), "redirect_uri_mismatch", "redirect_uri did not match any client's registered redirect_uris"},
		{"other port", s.authURL(verifier, "redirect_uri", "http://127.0.0.1:8128/callback"), "redirect_uri_mismatch", "redirect_uri did not match any client's registered redirect_uris"},
		{"two redirect URIs", s.authURL(verifier) + "&redirect_uri=http://evil.example/", "", ""},
		{"two clients", s.authURL(verifier) + "&client_id=public", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tc.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			a := s.do(r, s.browser)
			if tc.code == "" { // said twice: refused, and never sent to the second one
				if to := a.Header.Get("Location"); a.StatusCode < http.StatusBadRequest && !strings.HasPrefix(to, redirectURI+"?error=invalid_request") {
					t.Errorf("%d to %q", a.StatusCode, to)
				}
				return
			}
			if m := s.object(a.body); a.StatusCode != http.StatusBadRequest || m["error"] != tc.code || m["error_description"] != tc.text || a.Header.Get("Location") != "" {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
			page := s.open(tc.url)
			if page.StatusCode != http.StatusBadRequest || !strings.Contains(page.body, tc.code) || !strings.Contains(page.Header.Get("Content-Type"), "text/html") {
				t.Errorf("page %d: %s", page.StatusCode, page.body)
			}
		})
	}
}

// TestRefusedByRedirect has those whose errors go back to the program.
func TestRefusedByRedirect(t *testing.T) {
	s := start(t, nil)
	for _, tc := range []struct {
		name       string
		kv         []string
		code, text string
	}{
		{"offline_access", []string{"scope", "openid offline_access"}, "invalid_scope", "some of requested scopes are not whitelisted"},
		{"unknown scope", []string{"scope", "openid orders:read"}, "invalid_scope", "some of requested scopes are not whitelisted"},
		{"no response type", []string{"response_type", ""}, "invalid_request", "missing required parameter(s). (response_type)"},
		{"response type", []string{"response_type", "none"}, "unsupported_response_type", "unsupported response_type requested"},
		{"no PKCE", []string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request", "PKCE must be provided for clients that do not authenticate"},
		{"plain PKCE", []string{"code_challenge_method", "plain"}, "invalid_request", "not supported value of code_challenge_method"},
		{"PKCE without method", []string{"code_challenge_method", ""}, "invalid_request", "plain code_challenge_method fallback disabled, code_challenge_method must be provided"},
		{"PKCE without challenge", []string{"code_challenge", ""}, "invalid_request", "code_challenge must be provided with code_challenge_method"},
		{"unknown resource", []string{"resource", "https://other.example"}, "invalid_target", "requested resource is not registered or not allowed for this client"},
		{"foreign resource", []string{"client_id", "basic", "resource", apiID}, "invalid_target", "requested resource is not registered or not allowed for this client"},
		{"request object", []string{"request", "x"}, "request_not_supported", "request parameter provided but not supported"},
		{"request by reference", []string{"request_uri", "https://x"}, "request_uri_not_supported", "request_uri parameter provided but not supported"},
		{"prompt", []string{"prompt", "please"}, "invalid_request", "invalid prompt value provided"},
		{"prompt none and more", []string{"prompt", "none login"}, "invalid_request", "prompt none must only be used alone"},
		{"prompt none, nobody there", []string{"prompt", "none"}, "login_required", "End-User authentication is required"},
		{"mode", []string{"response_mode", "web_message"}, "unsupported_response_mode", "unsupported response_mode requested"},
		{"claims not JSON", []string{"claims", "{"}, "invalid_request", "could not parse the claims parameter JSON"},
		{"claims not an object", []string{"claims", "[]"}, "invalid_request", "claims parameter should be a JSON object"},
		{"claims member not an object", []string{"claims", `{"userinfo":1}`}, "invalid_request", "claims.userinfo should be an object"},
		{"max_age", []string{"max_age", "soon"}, "invalid_request", "invalid max_age parameter value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			to := s.location(s.open(s.authURL(verifier, tc.kv...)))
			q := to.Query()
			if !strings.HasPrefix(to.String(), redirectURI+"?") || q.Get("error") != tc.code || q.Get("error_description") != tc.text || q.Get("state") != "st" || q.Has("code") {
				t.Errorf("sent to %s", to)
			}
		})
	}
	t.Run("implicit errors are in the fragment", func(t *testing.T) {
		to := s.location(s.open(s.authURL(verifier, "response_type", "id_token", "nonce", "")))
		if q, err := url.ParseQuery(to.Fragment); err != nil || q.Get("error") != "invalid_request" || to.RawQuery != "" {
			t.Errorf("sent to %s", to)
		}
	})
	t.Run("redirect URI with a query", func(t *testing.T) {
		to := s.location(s.open(s.authURL(verifier, "redirect_uri", "http://localhost:3000/cb?x=1", "scope", "openid offline_access")))
		if q := to.Query(); q.Get("x") != "1" || q.Get("error") != "invalid_scope" || q.Get("state") != "st" {
			t.Errorf("sent to %s", to)
		}
	})
}

func TestSecretClientsNeedNoPKCE(t *testing.T) {
	s := start(t, nil)
	back := s.choose(s.authURL(verifier, "client_id", "poster", "code_challenge", "", "code_challenge_method", ""), "user", "ada")
	form := pairs("grant_type", "authorization_code", "client_id", "poster", "client_secret", theSecret, "redirect_uri", redirectURI, "code", back.Query().Get("code"))
	form.Set("code_verifier", verifier)
	if a := s.post(s.Issuer()+"/token", form); a.StatusCode != http.StatusBadRequest {
		t.Errorf("a verifier without a challenge: %d %s", a.StatusCode, a.body)
	}
	form.Del("code_verifier")
	if a := s.post(s.Issuer()+"/token", form); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// TestClientAuthentication tries every way of authenticating with every kind of
// client: one is right for each.
func TestClientAuthentication(t *testing.T) {
	s := start(t, nil)
	basic := func(id, secret string) []string {
		return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))}
	}
	for _, client := range []string{"public", "poster", "basic", "nobody"} {
		for _, way := range []string{"none", "post", "basic", "post wrong", "basic wrong"} {
			t.Run(client+" by "+way, func(t *testing.T) {
				form, header := pairs("token", "x"), []string{}
				switch way {
				case "none":
					form.Set("client_id", client)
				case "post":
					form.Set("client_id", client)
					form.Set("client_secret", theSecret)
				case "post wrong":
					form.Set("client_id", client)
					form.Set("client_secret", theSecret[1:])
				case "basic":
					header = basic(client, theSecret)
				case "basic wrong":
					header = basic(client, "")
				}
				right := map[string]string{"public": "none", "poster": "post", "basic": "basic"}[client] == way
				for _, path := range []string{"/token/introspection", "/token/revocation", "/token"} {
					a := s.post(s.Issuer()+path, form, header...)
					if right {
						if a.StatusCode == http.StatusUnauthorized {
							t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
						}
						continue
					}
					if a.StatusCode != http.StatusUnauthorized || a.body != `{"error":"invalid_client","error_description":"client authentication failed"}` {
						t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
					}
					if got := a.Header.Get("Www-Authenticate"); strings.HasPrefix(got, "Basic ") != (len(header) > 0) {
						t.Errorf("%s: WWW-Authenticate %q", path, got)
					}
				}
			})
		}
	}
	for name, tc := range map[string]struct {
		form   url.Values
		header []string
		text   string
	}{
		"nothing":     {pairs(), nil, "no client authentication mechanism provided"},
		"both":        {pairs("client_secret", theSecret), basic("basic", theSecret), "client authentication must only be provided using one mechanism"},
		"two ids":     {pairs("client_id", "public"), basic("basic", theSecret), "mismatch in body and authorization client ids"},
		"not basic":   {pairs(), []string{"Authorization", "Bearer x"}, "invalid authorization header value format"},
		"not base64":  {pairs(), []string{"Authorization", "Basic %%%"}, "invalid authorization header value format"},
		"no colon":    {pairs(), []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("basic"))}, "invalid authorization header value format"},
		"not encoded": {pairs(), []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("%zz:x"))}, "client_id and client_secret are not properly encoded"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.post(s.Issuer()+"/token", tc.form, tc.header...)
			if m := s.object(a.body); a.StatusCode != http.StatusBadRequest || m["error"] != "invalid_request" || m["error_description"] != tc.text {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestTokenRefuses(t *testing.T) {
	s := start(t, nil)
	code := func() string { return s.choose(s.authURL(verifier), "user", "ada").Query().Get("code") }
	right := func(kv ...string) url.Values {
		v := pairs("grant_type", "authorization_code", "client_id", "public", "redirect_uri", redirectURI, "code_verifier", verifier)
		for i := 0; i < len(kv); i += 2 {
			v.Set(kv[i], kv[i+1])
		}
		return v
	}
	late := code()
	s.clock.add(11 * time.Minute)
	for name, tc := range map[string]struct {
		form url.Values
		code string
		text string
	}{
		"no grant type":       {right("grant_type", ""), "invalid_request", "missing required parameter(s). (grant_type)"},
		"unknown grant type":  {right("grant_type", "magic"), "unsupported_grant_type", "unsupported grant_type requested (magic)"},
		"device code":         {right("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), "unsupported_grant_type", "unsupported grant_type requested (urn:ietf:params:oauth:grant-type:device_code)"},
		"no code":             {right(), "invalid_request", "missing required parameter(s). (code)"},
		"unknown code":        {right("code", "x"), "invalid_grant", "grant request is invalid"},
		"late":                {right("code", late), "invalid_grant", "grant request is invalid"},
		"wrong verifier":      {right("code", code(), "code_verifier", verifier+"x"), "invalid_grant", "grant request is invalid"},
		"no verifier":         {right("code", code(), "code_verifier", ""), "invalid_grant", "grant request is invalid"},
		"other redirect URI":  {right("code", code(), "redirect_uri", redirectURI+"/"), "invalid_grant", "grant request is invalid"},
		"another client's":    {right("code", code(), "client_id", "poster", "client_secret", theSecret), "invalid_grant", "grant request is invalid"},
		"unknown resource":    {right("code", code(), "resource", "https://other.example"), "invalid_target", "requested resource is not registered or not allowed for this client"},
		"no refresh token":    {right("grant_type", "refresh_token"), "invalid_request", "missing required parameter(s). (refresh_token)"},
		"bad refresh token":   {right("grant_type", "refresh_token", "refresh_token", "x"), "invalid_grant", "grant request is invalid"},
		"public client alone": {right("grant_type", "client_credentials"), "unauthorized_client", "requested grant type is restricted to this client"},
		"no password":         {right("grant_type", "password"), "invalid_request", "missing required parameter(s). (username,password)"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.post(s.Issuer()+"/token", tc.form)
			if m := s.object(a.body); a.StatusCode != http.StatusBadRequest || m["error"] != tc.code || m["error_description"] != tc.text {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
			if !strings.Contains(a.Header.Get("Cache-Control"), "no-store") {
				t.Errorf("Cache-Control %q", a.Header.Get("Cache-Control"))
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		v := right("code", "x")
		v.Add("code", "y")
		if a := s.post(s.Issuer()+"/token", v); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "parameters must not be provided twice. (code)") {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
	t.Run("JSON body", func(t *testing.T) {
		if a := s.post(s.Issuer()+"/token", right(), "Content-Type", "application/json"); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "content-type") {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
	t.Run("too long", func(t *testing.T) {
		if a := s.post(s.Issuer()+"/token", right("code", strings.Repeat("x", 1<<17))); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "too large") {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
}

// TestCodeReuse: a code that comes twice takes back what it gave.
func TestCodeReuse(t *testing.T) {
	s := start(t, nil)
	code := s.choose(s.authURL(verifier), "user", "ada").Query().Get("code")
	form := pairs("grant_type", "authorization_code", "client_id", "public", "redirect_uri", redirectURI, "code", code, "code_verifier", verifier)
	first := s.post(s.Issuer()+"/token", form)
	access := s.object(first.body)["access_token"]
	if a := s.me(access); a.StatusCode != http.StatusOK {
		t.Fatalf("userinfo: %d %s", a.StatusCode, a.body)
	}
	if a := s.post(s.Issuer()+"/token", form); a.StatusCode != http.StatusBadRequest {
		t.Errorf("second use: %d %s", a.StatusCode, a.body)
	}
	if a := s.me(access); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo after the second use: %d %s", a.StatusCode, a.body)
	}
}

func (s *standIn) refresh(token any, kv ...string) answer {
	s.Helper()
	v := pairs("grant_type", "refresh_token", "client_id", "public", "refresh_token", token.(string))
	for i := 0; i < len(kv); i += 2 {
		v.Set(kv[i], kv[i+1])
	}
	return s.post(s.Issuer()+"/token", v)
}

func TestRefreshRotates(t *testing.T) {
	s := start(t, nil)
	first := s.login()
	s.clock.add(time.Hour)
	if a := s.me(first["access_token"]); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("an access token works after its end: %d", a.StatusCode)
	}
	a := s.refresh(first["refresh_token"])
	second := s.object(a.body)
	if a.StatusCode != http.StatusOK || len(second) != 5 || second["refresh_token"] == first["refresh_token"] {
		t.Fatalf("refresh: %d %s", a.StatusCode, a.body)
	}
	before, after := s.object(payload(t, first["id_token"], 1)), s.object(payload(t, second["id_token"], 1))
	if before["nonce"] != after["nonce"] || before["sid"] != after["sid"] || before["iat"] == after["iat"] || before["at_hash"] == after["at_hash"] {
		t.Errorf("ID tokens %v and %v", before, after)
	}
	t.Run("narrowed", func(t *testing.T) {
		third := s.object(s.refresh(second["refresh_token"], "scope", "openid").body)
		if got := s.object(payload(t, third["access_token"], 1))["scope"]; got != "openid" {
			t.Errorf("scope %v", got)
		}
		for scope, text := range map[string]string{"openid email": "refresh token missing requested scope", "profile": "openid is required scope"} {
			if a := s.refresh(third["refresh_token"], "scope", scope); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, text) {
				t.Errorf("%s: %d %s", scope, a.StatusCode, a.body)
			}
		}
		// What was refused has not used up the token, and the whole scope is back.
		second = s.object(s.refresh(third["refresh_token"]).body)
		if got := s.object(payload(t, second["access_token"], 1))["scope"]; got != "openid profile groups" {
			t.Errorf("scope %v", got)
		}
	})
	t.Run("another client", func(t *testing.T) {
		if a := s.refresh(second["refresh_token"], "client_id", "poster", "client_secret", theSecret); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
	t.Run("reused", func(t *testing.T) {
		if a := s.me(second["access_token"]); a.StatusCode != http.StatusOK {
			t.Fatalf("userinfo: %d", a.StatusCode)
		}
		if a := s.refresh(first["refresh_token"]); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "invalid_grant") {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if a := s.refresh(second["refresh_token"]); a.StatusCode != http.StatusBadRequest {
			t.Errorf("the family lives after a reuse: %d %s", a.StatusCode, a.body)
		}
		if a := s.me(second["access_token"]); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("an access token of the family lives: %d %s", a.StatusCode, a.body)
		}
	})
	t.Run("too late", func(t *testing.T) {
		tok := s.login()
		s.clock.add(30 * 24 * time.Hour)
		if a := s.refresh(tok["refresh_token"]); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
}

func TestResource(t *testing.T) {
	for name, kv := range map[string][2][]string{
		"at the authorization endpoint": {{"resource", apiID}, nil},
		"at the token endpoint":         {nil, {"resource", apiID}},
		"at both":                       {{"resource", apiID}, {"resource", apiID}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			scope := "openid"
			if kv[0] != nil {
				scope = "openid orders:read"
			}
			back := s.choose(s.authURL(verifier, append(kv[0], "scope", scope)...), "user", "ada")
			a := s.post(s.Issuer()+"/token", pairs(append(kv[1], "grant_type", "authorization_code", "client_id", "public", "redirect_uri", redirectURI,
				"code", back.Query().Get("code"), "code_verifier", verifier)...))
			tok := s.object(a.body)
			if a.StatusCode != http.StatusOK || tok["expires_in"] != 300.0 {
				t.Fatalf("%d %s", a.StatusCode, a.body)
			}
			text := payload(t, tok["access_token"], 1)
			if got, want := names(t, text), "jti sub iss iat exp scope aud azp mail roles tier dep"; got != want {
				t.Errorf("claims %q, want %q", got, want)
			}
			for _, want := range []string{`"aud":["orders","invoices"]`, `"azp":"public"`, `"mail":"ada@example.com","roles":["Admins","Staff"],"tier":"gold","dep":"engines"`, `"scope":"` + scope + `"`} {
				if !strings.Contains(text, want) {
					t.Errorf("no %s in %s", want, text)
				}
			}
			if got := s.object(payload(t, tok["id_token"], 1))["aud"]; got != "public" {
				t.Errorf("aud of the ID token is %v", got)
			}
			// A refresh keeps the API.
			if got := payload(t, s.object(s.refresh(tok["refresh_token"]).body)["access_token"], 1); !strings.Contains(got, `"azp":"public"`) {
				t.Errorf("after a refresh: %s", got)
			}
		})
	}
}

func TestClientCredentials(t *testing.T) {
	s := start(t, nil)
	post := func(kv ...string) answer {
		return s.post(s.Issuer()+"/token", pairs(append(kv, "grant_type", "client_credentials", "client_id", "poster", "client_secret", theSecret)...))
	}
	a := post("scope", "openid")
	tok := s.object(a.body)
	if got, want := names(t, a.body), "access_token expires_in token_type"; got != want {
		t.Errorf("response %q, want %q", got, want)
	}
	if got, want := names(t, payload(t, tok["access_token"], 1)), "jti iss iat exp aud"; got != want {
		t.Errorf("claims %q, want %q", got, want)
	}
	if a := s.me(tok["access_token"]); a.body != "{}" {
		t.Errorf("userinfo %d %s", a.StatusCode, a.body)
	}
	text := payload(t, s.object(post("resource", apiID, "scope", "orders:read").body)["access_token"], 1)
	// A program has no attributes.
	if got, want := names(t, text), "jti iss iat exp scope aud azp tier"; got != want {
		t.Errorf("claims %q, want %q", got, want)
	}
	if a := post("scope", "orders:read"); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "invalid_scope") {
		t.Errorf("an API's scope without the API: %d %s", a.StatusCode, a.body)
	}
	if a := post("resource", "https://other.example"); !strings.Contains(a.body, "invalid_target") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestPasswordGrant(t *testing.T) {
	s := start(t, nil)
	post := func(kv ...string) answer {
		return s.post(s.Issuer()+"/token", pairs(append(kv, "grant_type", "password", "client_id", "public")...))
	}
	a := post("username", "grace", "password", passphrase, "scope", "openid")
	if tok := s.object(a.body); a.StatusCode != http.StatusOK || tok["refresh_token"] != nil || tok["id_token"] == nil {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	a = post("username", "grace", "password", passphrase, "scope", "openid offline_access")
	if tok := s.object(a.body); tok["refresh_token"] == nil {
		t.Errorf("no refresh token with offline_access: %d %s", a.StatusCode, a.body)
	}
	for _, kv := range [][]string{
		{"username", "grace", "password", "wrong"}, {"username", "eve", "password", passphrase},
		{"username", "ada", "password", "any"}, // has none
	} {
		if a := post(append(kv, "scope", "openid")...); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "invalid_grant") {
			t.Errorf("%v: %d %s", kv, a.StatusCode, a.body)
		}
	}
}

func TestImplicit(t *testing.T) {
	s := start(t, nil)
	to := s.choose(s.authURL(verifier, "response_type", "token id_token", "scope", "openid email"), "user", "ada")
	q, err := url.ParseQuery(to.Fragment)
	if err != nil || to.RawQuery != "" || q.Get("state") != "st" || q.Get("token_type") != "Bearer" || q.Get("expires_in") != "3600" || q.Has("refresh_token") {
		t.Fatalf("sent to %s", to)
	}
	if got, want := names(t, payload(t, q.Get("id_token"), 1)), "sub email preferred_username name nonce at_hash s_hash sid aud exp iat iss"; got != want {
		t.Errorf("claims %q, want %q", got, want)
	}
	if a := s.me(q.Get("access_token")); a.StatusCode != http.StatusOK {
		t.Errorf("userinfo %d", a.StatusCode)
	}
	to = s.choose(s.authURL(verifier, "response_type", "id_token"), "user", "ada")
	if q, err := url.ParseQuery(to.Fragment); err != nil || q.Has("access_token") || !q.Has("id_token") {
		t.Errorf("sent to %s", to)
	}
}

func TestAlgorithms(t *testing.T) {
	for alg, members := range map[string]string{"PS256": "alg typ kid", "HS256": "alg typ"} {
		t.Run(alg, func(t *testing.T) {
			s := start(t, func(o *idp.Options) {
				o.Settings.Clients[0] = idp.Client{ID: "public", Auth: idp.AuthPost, Secret: secret.New(theSecret), RedirectURIs: []string{redirectURI}, Algorithm: alg,
					PostLogoutRedirectURIs: []string{"http://localhost:3000/bye"}}
			})
			back := s.choose(s.authURL(verifier), "user", "ada")
			a := s.post(s.Issuer()+"/token", pairs("grant_type", "authorization_code", "client_id", "public", "client_secret", theSecret,
				"redirect_uri", redirectURI, "code", back.Query().Get("code"), "code_verifier", verifier))
			tok := s.object(a.body)
			for _, kind := range []string{"access_token", "id_token"} {
				header := payload(t, tok[kind], 0)
				if got := names(t, header); got != members || s.object(header)["alg"] != alg {
					t.Errorf("%s has the header %s", kind, header)
				}
			}
			// The server knows its own token again.
			out := s.open("/oidc/2/logout?" + pairs("id_token_hint", tok["id_token"].(string), "post_logout_redirect_uri", "http://localhost:3000/bye").Encode())
			if got := out.Header.Get("Location"); got != "http://localhost:3000/bye" {
				t.Errorf("logout to %q: %s", got, out.body)
			}
		})
	}
}

func TestUserinfoRefuses(t *testing.T) {
	s := start(t, nil)
	tok := s.login()
	for name, tc := range map[string]struct {
		header string
		status int
		body   string
	}{
		"nothing":    {"", 400, `{"error":"invalid_request","error_description":"no bearer token provided"}`},
		"not bearer": {"Basic x", 400, `{"error":"invalid_request","error_description":"invalid authorization header value format"}`},
		"two parts":  {"Bearer x y", 400, `{"error":"invalid_request","error_description":"invalid authorization header value format"}`},
		"unknown":    {"Bearer x", 401, `{"error":"invalid_token","error_description":"invalid token provided"}`},
		"ID token":   {"Bearer " + tok["id_token"].(string), 401, `{"error":"invalid_token","error_description":"invalid token provided"}`},
		"refresh":    {"Bearer " + tok["refresh_token"].(string), 401, `{"error":"invalid_token","error_description":"invalid token provided"}`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Issuer()+"/me", nil)
			if err != nil {
				t.Fatal(err)
			}
			if tc.header != "" {
				r.Header.Set("Authorization", tc.header)
			}
			a := s.do(r, s.browser)
			if a.StatusCode != tc.status || a.body != tc.body || !strings.HasPrefix(a.Header.Get("Www-Authenticate"), `Bearer realm="`+s.Issuer()) {
				t.Errorf("%d %s %v", a.StatusCode, a.body, a.Header)
			}
		})
	}
}

func TestIntrospectionAndRevocation(t *testing.T) {
	s := start(t, nil)
	introspect := func(token any) string {
		return s.post(s.Issuer()+"/token/introspection", pairs("client_id", "public", "token", token.(string), "token_type_hint", "access_token")).body
	}
	revoke := func(token any, kv ...string) answer {
		return s.post(s.Issuer()+"/token/revocation", pairs(append(kv, "client_id", "public", "token", token.(string))...))
	}
	const dead = `{"active":false}`
	tok := s.login()
	if got, want := names(t, introspect(tok["access_token"])), "active token_type sub client_id exp iat iss jti"; got != want {
		t.Errorf("introspection %q, want %q", got, want)
	}
	live, claims := s.object(introspect(tok["access_token"])), s.object(payload(t, tok["access_token"], 1))
	if live["jti"] != claims["jti"] || live["exp"] != claims["exp"] || live["client_id"] != "public" || live["token_type"] != "access_token" || live["active"] != true {
		t.Errorf("introspection %v of %v", live, claims)
	}
	if got := introspect(tok["id_token"]); got != dead {
		t.Errorf("introspection of an ID token: %s", got)
	}
	for _, path := range []string{"/token/introspection", "/token/revocation"} {
		a := s.post(s.Issuer()+path, pairs("client_id", "public"))
		if a.StatusCode != http.StatusBadRequest || a.body != `{"error":"invalid_request","error_description":"missing required parameter(s). (token)"}` {
			t.Errorf("%s without a token: %d %s", path, a.StatusCode, a.body)
		}
	}
	t.Run("by others", func(t *testing.T) {
		other := pairs("client_id", "poster", "client_secret", theSecret, "token", tok["access_token"].(string))
		if a := s.post(s.Issuer()+"/token/revocation", other); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "this token does not belong to you") {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if a := s.post(s.Issuer()+"/token/introspection", other); s.object(a.body)["active"] != true {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		programs := s.object(s.post(s.Issuer()+"/token", pairs("grant_type", "client_credentials", "client_id", "poster", "client_secret", theSecret)).body)
		if got := introspect(programs["access_token"]); got != dead {
			t.Errorf("a public client is told of another's token: %s", got)
		}
	})
	t.Run("access token", func(t *testing.T) {
		if a := revoke(tok["access_token"]); a.StatusCode != http.StatusOK || a.body != "" {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if got := introspect(tok["access_token"]); got != dead {
			t.Errorf("introspection %s", got)
		}
		if got := introspect(tok["refresh_token"]); !strings.Contains(got, `"token_type":"refresh_token"`) {
			t.Errorf("introspection of the refresh token: %s", got)
		}
		a := revoke(tok["access_token"])
		if a.StatusCode != http.StatusBadRequest || a.body != `{"error":"unsupported_token_type","error_description":"revocation of the presented token type is not supported"}` {
			t.Errorf("second time: %d %s", a.StatusCode, a.body)
		}
	})
	t.Run("refresh token", func(t *testing.T) {
		next := s.object(s.refresh(tok["refresh_token"]).body)
		if a := revoke(next["refresh_token"], "token_type_hint", "refresh_token"); a.StatusCode != http.StatusOK {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		for _, kind := range []string{"access_token", "refresh_token"} {
			if got := introspect(next[kind]); got != dead {
				t.Errorf("introspection of the %s: %s", kind, got)
			}
		}
	})
}

func TestLogout(t *testing.T) {
	const bye = "http://localhost:3000/bye"
	s := start(t, nil)
	tok := s.login()
	hint := tok["id_token"].(string)
	out := func(kv ...string) answer { return s.open("/oidc/2/logout?" + pairs(kv...).Encode()) }
	t.Run("bad hints", func(t *testing.T) {
		for _, bad := range []string{"x", hint + "x", strings.Replace(hint, ".", ".e30", 1), tok["refresh_token"].(string)} {
			if a := out("id_token_hint", bad, "post_logout_redirect_uri", bye); a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" {
				t.Errorf("%s: %d to %q", bad, a.StatusCode, a.Header.Get("Location"))
			}
		}
	})
	t.Run("unregistered", func(t *testing.T) {
		if a := out("id_token_hint", hint, "post_logout_redirect_uri", bye+"/"); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "post_logout_redirect_uri not registered") {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
	t.Run("none of these logged out", func(t *testing.T) {
		if a := s.me(tok["access_token"]); a.StatusCode != http.StatusOK {
			t.Errorf("userinfo %d", a.StatusCode)
		}
	})
	t.Run("tokens only", func(t *testing.T) {
		if a := out("logout", "false"); a.StatusCode != http.StatusOK {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if a := s.me(tok["access_token"]); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("userinfo %d", a.StatusCode)
		}
		if to := s.location(s.open(s.authURL(verifier, "prompt", "none"))); !to.Query().Has("code") {
			t.Errorf("the session is gone: %s", to)
		}
	})
	t.Run("whole", func(t *testing.T) {
		s.clock.add(3 * time.Hour) // an ID token past its end is a good hint
		if a := out("id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "s t"); a.Header.Get("Location") != bye+"?state=s+t" {
			t.Errorf("%d to %q: %s", a.StatusCode, a.Header.Get("Location"), a.body)
		}
		if to := s.location(s.open(s.authURL(verifier, "prompt", "none"))); to.Query().Get("error") != "login_required" {
			t.Errorf("the session lives: %s", to)
		}
	})
	t.Run("without a hint the URI counts for nothing", func(t *testing.T) {
		if a := out("post_logout_redirect_uri", bye); a.StatusCode != http.StatusOK || a.Header.Get("Location") != "" || !strings.Contains(a.body, "You are logged out") {
			t.Errorf("%d to %q", a.StatusCode, a.Header.Get("Location"))
		}
	})
}

func TestRoutes(t *testing.T) {
	s := start(t, nil)
	for _, tc := range []struct{ method, path string }{
		{"GET", "/oidc/2"}, {"GET", "/oidc/2/token"}, {"PUT", "/oidc/2/me"}, {"GET", "/oidc/2/auth/"}, {"GET", "/.well-known/openid-configuration"},
		{"POST", "/oidc/2/certs"}, {"OPTIONS", "/oidc/2/token"}, {"GET", "/oidc/.well-known/openid-configuration"}, {"GET", "//oidc/2/auth"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, s.base+tc.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.do(r, s.browser); a.StatusCode != http.StatusNotFound || !strings.Contains(a.body, "unrecognized route or not allowed method") {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, a.StatusCode, a.body)
		}
	}
	if a := s.post("/oidc/2/register", pairs()); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("register: %d %s", a.StatusCode, a.body)
	}
}

func TestOtherOrigins(t *testing.T) {
	s := start(t, nil)
	for path, readable := range map[string]bool{"/token": true, "/me": true, "/certs": true, "/.well-known/openid-configuration": true, "/auth": false, "/logout": false} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, s.Issuer()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "https://app.example")
		a := s.do(r, s.browser)
		if got := a.Header.Get("Access-Control-Allow-Origin") == "*" && a.StatusCode == http.StatusNoContent; got != readable || a.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %v", path, a.StatusCode, a.Header)
		}
	}
}

func TestAutoLogin(t *testing.T) {
	s := start(t, func(o *idp.Options) { o.AutoLogin = "ada" })
	for hint, sub := range map[string]string{"": "35666371", "nobody": "35666371", "grace": ""} {
		to := s.location(s.open(s.authURL(verifier, "login_hint", hint)))
		a := s.post(s.Issuer()+"/token", pairs("grant_type", "authorization_code", "client_id", "public", "redirect_uri", redirectURI,
			"code", to.Query().Get("code"), "code_verifier", verifier))
		got := s.object(payload(t, s.object(a.body)["id_token"], 1))
		if sub == "" {
			sub = s.Settings().Users[1].Sub
		}
		if got["sub"] != sub {
			t.Errorf("login_hint %q: sub %v, want %v", hint, got["sub"], sub)
		}
	}
	t.Run("not assigned", func(t *testing.T) {
		to := s.location(s.open(s.authURL(verifier, "login_hint", "linus")))
		if to.Query().Get("error") != "access_denied" {
			t.Errorf("sent to %s", to)
		}
	})
}
