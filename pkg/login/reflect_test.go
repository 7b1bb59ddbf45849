package login_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"gatepass/pkg/fault"
	"gatepass/pkg/login"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// shows fails the test if an error has one of the secrets in it.
func shows(t *testing.T, what string, err error, secrets ...string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Errorf("%s: %v", what, err)
		return
	}
	for _, s := range secrets {
		if text := f.Msg + f.Detail + f.Hint; strings.Contains(text, s) {
			t.Errorf("%s: %q is in %q", what, s, text)
		}
	}
}

// An issuer that says back what it was sent, or what it sends, has none of it shown.
func TestNothingIsSaidBack(t *testing.T) {
	const clientSecret, access, refresh = "correct-horse-battery", "access-planted-0123456789", "refresh-planted-0123456789"
	said := func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		reply(w, 400, map[string]any{"error": "invalid_request", "error_description": r.PostForm.Encode() + r.Header.Get("Authorization"), "error_uri": "https://x.example/" + r.PostForm.Get("code")})
	}
	confidential := func(i *issuer) login.Config {
		cfg := i.config()
		cfg.Auth, cfg.Secret = login.AuthPost, secret.New(clientSecret)
		return cfg
	}
	old := func(i *issuer) token.Set {
		return token.Set{Access: secret.New(access), Refresh: secret.New(refresh), Issuer: i.url, ClientID: clientID}
	}
	t.Run("login", func(t *testing.T) {
		i := newIssuer(t)
		i.answer = func(_, back url.Values) { back.Set("code", "code-planted-0123456789") }
		var verifier string
		i.handle["/token"] = func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			verifier = r.PostForm.Get("code_verifier")
			said(w, r)
		}
		_, _, err := login.Login(t.Context(), confidential(i), login.UI{Open: newBrowser().open})
		if len(verifier) < 43 {
			t.Fatal("there was no verifier")
		}
		shows(t, "login", err, clientSecret, "code-planted-0123456789", verifier)
	})
	t.Run("refresh", func(t *testing.T) {
		i := newIssuer(t)
		i.handle["/token"] = said
		_, err := login.Refresh(t.Context(), confidential(i), old(i))
		shows(t, "refresh", err, clientSecret, refresh)
	})
	t.Run("client credentials", func(t *testing.T) {
		i := newIssuer(t)
		i.handle["/token"] = said
		_, err := login.ClientCredentials(t.Context(), confidential(i))
		shows(t, "client credentials", err, clientSecret)
	})
	t.Run("basic", func(t *testing.T) {
		i := newIssuer(t)
		i.handle["/token"] = said
		cfg := confidential(i)
		cfg.Auth = login.AuthBasic
		_, err := login.ClientCredentials(t.Context(), cfg)
		shows(t, "basic", err, clientSecret, base64.StdEncoding.EncodeToString([]byte(clientID+":"+clientSecret)))
	})
	t.Run("revoke", func(t *testing.T) {
		i := newIssuer(t)
		i.handle["/token/revocation"] = said
		done, err := login.Revoke(t.Context(), confidential(i), old(i))
		if err != nil || len(done) != 2 {
			t.Fatal(done, err)
		}
		for _, d := range done {
			shows(t, d.Token, d.Err, clientSecret, access, refresh)
		}
	})
	for what, change := range map[string]func(r map[string]any){
		"the type":    func(r map[string]any) { r["token_type"] = access },
		"an issuer":   func(r map[string]any) { r["id_token"] = nil; r["iss"] = access },
		"the scope":   func(r map[string]any) { r["scope"] = access },
		"the refusal": func(r map[string]any) { r["error"] = access },
	} {
		t.Run("token in "+what, func(t *testing.T) {
			i := newIssuer(t)
			i.id = func(claims map[string]any) { delete(claims, "at_hash"); claims["azp"] = access }
			i.response = func(r map[string]any) { r["access_token"] = access; change(r) }
			set, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open})
			shows(t, what, err, access)
			if strings.Contains(set.Scope, access) {
				t.Error("the scope is the token")
			}
		})
	}
}
