package login_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/login"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// loggedIn is the tokens of a login at the issuer, and its client.
func loggedIn(t *testing.T, i *issuer) (login.Config, token.Set) {
	t.Helper()
	set, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open})
	if err != nil {
		t.Fatal(err)
	}
	return i.config(), set
}

func TestRefresh(t *testing.T) {
	i := newIssuer(t)
	cfg, old := loggedIn(t, i)
	i.id = func(c map[string]any) { delete(c, "nonce") } // OpenID Connect Core section 12.2: should not have one
	set, err := login.Refresh(t.Context(), cfg, old)
	if err != nil {
		t.Fatal(err)
	}
	form := i.forms[1]
	if form.Get("grant_type") != "refresh_token" || form.Get("refresh_token") != "refresh-token-1" || form.Get("client_id") != clientID {
		t.Errorf("request %v", form)
	}
	if set.Access.Reveal() != "access-token-2" || set.Refresh.Reveal() != "refresh-token-2" || set.ID.Reveal() == old.ID.Reveal() ||
		set.Subject != old.Subject || set.Issuer != old.Issuer || set.ClientID != old.ClientID {
		t.Errorf("set %+v", set)
	}
}

func TestRefreshKeepsWhatDoesNotCome(t *testing.T) {
	i := newIssuer(t)
	cfg, old := loggedIn(t, i)
	old.Scope = "openid orders"
	i.response = func(r map[string]any) { delete(r, "refresh_token"); delete(r, "id_token") }
	set, err := login.Refresh(t.Context(), cfg, old)
	if err != nil {
		t.Fatal(err)
	}
	if set.Refresh.Reveal() != "refresh-token-1" || set.ID.Reveal() != old.ID.Reveal() || set.Scope != "openid orders" || set.Subject != old.Subject {
		t.Errorf("set %+v", set)
	}
}

func TestBadRefreshes(t *testing.T) {
	access := signed(map[string]any{"sub": "666", "jti": "x", "scope": "openid", "exp": time.Now().Add(time.Hour).Unix()})
	for name, tc := range map[string]struct {
		change   func(*issuer)
		kind     fault.Kind
		text     string
		rejected bool
	}{
		"somebody else": {func(i *issuer) { i.id = func(c map[string]any) { c["sub"] = "666" } }, fault.Invalid, "user 666", false},
		"somebody else, by access token": {func(i *issuer) {
			i.response = func(r map[string]any) { delete(r, "id_token"); r["access_token"] = access }
		}, fault.Invalid, "user 666", false},
		"other issuer": {func(i *issuer) { i.id = func(c map[string]any) { c["iss"] = "https://evil.example" } }, fault.Invalid, "iss is", false},
		"other key":    {func(i *issuer) { i.sign = signedBy("RS256", otherKey(), "one") }, fault.Invalid, "signature", false},
		"used up": {func(i *issuer) {
			i.handle["/token"] = answer(400, "application/json", `{"error":"invalid_grant","error_description":"refresh token is invalid"}`)
		}, fault.Login, "refresh token is invalid", true},
		"wrong client": {func(i *issuer) {
			i.handle["/token"] = answer(401, "application/json", `{"error":"invalid_client","error_description":"client authentication failed"}`)
		}, fault.Usage, "client_auth", false},
		"busy":    {func(i *issuer) { i.handle["/token"] = answer(429, "text/plain", "") }, fault.Network, "too many requests", false},
		"down":    {func(i *issuer) { i.handle["/token"] = answer(503, "text/html", "") }, fault.Network, "503", false},
		"type":    {func(i *issuer) { i.response = func(r map[string]any) { r["token_type"] = "mac" } }, fault.Failed, "Bearer", false},
		"nothing": {func(i *issuer) { i.handle["/token"] = answer(200, "application/json", `{}`) }, fault.Failed, "no token response", false},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			cfg, old := loggedIn(t, i)
			tc.change(i)
			_, err := login.Refresh(t.Context(), cfg, old)
			want(t, err, tc.kind, tc.text)
			if errors.Is(err, login.ErrRejected) != tc.rejected {
				t.Errorf("%v is ErrRejected: %v, want %v", err, !tc.rejected, tc.rejected)
			}
			if strings.Contains(err.Error(), "refresh-token-1") {
				t.Errorf("a token is in the error: %v", err)
			}
		})
	}
}

// A refresh token may be good once: nothing that the check of the answer needs is
// still missing when it is used.
func TestRefreshHasTheKeysFirst(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"down":       answer(500, "text/plain", "oops"),
		"no key set": answer(200, "text/html", "<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			cfg, old := loggedIn(t, i)
			i.handle["/certs"] = h
			_, err := login.Refresh(t.Context(), cfg, old)
			want(t, err, fault.Network, "")
			if i.rounds != 1 {
				t.Error("the refresh token was used")
			}
		})
	}
}

// Whoever interrupts a refresh that is under way loses no login by it, and waits for
// an answer that does not come for a moment only.
func TestInterruptedRefresh(t *testing.T) {
	i := newIssuer(t)
	cfg, old := loggedIn(t, i)
	ctx, cancel := context.WithCancel(t.Context())
	i.handle["/token"] = func(w http.ResponseWriter, r *http.Request) {
		cancel()
		time.Sleep(50 * time.Millisecond) // until the client has heard of it
		i.token(w, r)
	}
	set, err := login.Refresh(ctx, cfg, old)
	if err != nil || set.Refresh.Reveal() != "refresh-token-2" {
		t.Errorf("the new refresh token is lost: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	i.handle["/token"] = func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}
	_, err = login.Refresh(ctx, cfg, set)
	want(t, err, fault.Interrupted, "interrupted")
}

func TestRefreshOfWhatIsNotThere(t *testing.T) {
	i := newIssuer(t)
	cfg := i.config()
	_, err := login.Refresh(t.Context(), cfg, token.Set{Access: secret.New("x")})
	want(t, err, fault.Login, "no refresh token")
	_, err = login.Refresh(t.Context(), cfg, token.Set{Refresh: secret.New("r"), Issuer: "https://other.example", ClientID: clientID})
	want(t, err, fault.Login, "another issuer or client")
	if i.rounds != 0 {
		t.Error("the refresh token of another issuer was sent")
	}
}

func TestRevoke(t *testing.T) {
	i := newIssuer(t)
	cfg, set := loggedIn(t, i)
	done, err := login.Revoke(t.Context(), cfg, set)
	if err != nil || len(done) != 2 || done[0].Err != nil || done[1].Err != nil {
		t.Fatalf("%+v %v", done, err)
	}
	for n, want := range []struct{ token, hint string }{{"refresh-token-1", "refresh_token"}, {"access-token-1", "access_token"}} {
		if got := i.revoked[n]; got.Get("token") != want.token || got.Get("token_type_hint") != want.hint {
			t.Errorf("revocation %d: %v", n, got)
		}
	}
}

func TestRevokeWithoutEndpoint(t *testing.T) {
	i := newIssuer(t)
	cfg, set := loggedIn(t, i)
	i.discovery = func(doc map[string]any) { delete(doc, "revocation_endpoint") }
	_, err := login.Revoke(t.Context(), cfg, set)
	if !errors.Is(err, login.ErrNoRevocation) {
		t.Errorf("%v, want ErrNoRevocation", err)
	}
	i.discovery = func(doc map[string]any) { doc["revocation_endpoint"] = "http://evil.example/revoke" }
	_, err = login.Revoke(t.Context(), cfg, set)
	want(t, err, fault.Network, "revocation_endpoint")
}

func TestRevocationsThatFail(t *testing.T) {
	i := newIssuer(t)
	cfg, set := loggedIn(t, i)
	for name, tc := range map[string]struct {
		h    http.HandlerFunc
		gone bool
		kind fault.Kind
		text string
	}{
		"gone":     {answer(400, "application/json", `{"error":"unsupported_token_type","error_description":"revocation of the presented token type is not supported"}`), true, 0, ""},
		"client":   {answer(401, "application/json", `{"error":"invalid_client"}`), false, fault.Usage, "invalid_client"},
		"down":     {answer(500, "text/html", "no"), false, fault.Network, "500"},
		"moved":    {redirectTo("https://evil.example/"), false, fault.Network, "secrets do not follow"},
		"missing":  {answer(404, "text/plain", "no"), false, fault.Failed, "404"},
		"teapot":   {answer(418, "application/json", `{"error":7}`), false, fault.Failed, "418"},
		"too long": {endless, false, fault.Network, "longer than"},
	} {
		i.handle["/token/revocation"] = tc.h
		done, err := login.Revoke(t.Context(), cfg, set)
		if err != nil || len(done) != 2 {
			t.Fatalf("%s: %v %v", name, done, err)
		}
		if errors.Is(done[0].Err, login.ErrGone) != tc.gone {
			t.Errorf("%s: %v", name, done[0].Err)
		}
		if !tc.gone {
			want(t, done[0].Err, tc.kind, tc.text)
		}
	}
}

func TestClientCredentials(t *testing.T) {
	i := newIssuer(t)
	i.response = func(r map[string]any) { delete(r, "refresh_token") } // the ID token has no business to be there
	cfg := i.config()
	_, err := login.ClientCredentials(t.Context(), cfg)
	want(t, err, fault.Usage, "client_auth is none")
	cfg.Auth, cfg.Secret, cfg.Resource = login.AuthPost, secret.New("s3cret"), "https://api.example.com"
	cfg.Scopes = []string{"openid", "profile", "groups", "orders:read"}
	set, err := login.ClientCredentials(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	form := i.forms[0]
	if form.Get("grant_type") != "client_credentials" || form.Get("scope") != "orders:read" || form.Get("resource") != cfg.Resource || form.Get("client_secret") != "s3cret" {
		t.Errorf("request %v", form)
	}
	if set.Access.Reveal() != "access-token-1" || !set.ID.IsZero() || !set.Refresh.IsZero() || set.Subject != "" || set.Scope != "orders:read" {
		t.Errorf("set %+v", set)
	}
}

// Without expires_in the access token itself may say when it expires.
func TestExpiryOfTheAccessToken(t *testing.T) {
	i := newIssuer(t)
	at := time.Now().Add(90 * time.Minute).Truncate(time.Second)
	access := signed(map[string]any{"sub": "35666371", "jti": "x", "scope": "openid", "exp": at.Unix()})
	i.response = func(r map[string]any) { delete(r, "expires_in"); r["access_token"] = access }
	i.id = func(c map[string]any) { delete(c, "at_hash") }
	if _, set := loggedIn(t, i); !set.Expiry.Equal(at) {
		t.Errorf("expiry %v, want %v", set.Expiry, at)
	}
}

// Whatever is printed of a result or an error has no secret in it.
func TestNothingSecretIsPrinted(t *testing.T) {
	i := newIssuer(t)
	_, set := loggedIn(t, i)
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s", set, set, set, data)
	for _, s := range []string{"access-token-1", "refresh-token-1", set.ID.Reveal()} {
		if strings.Contains(all, s) {
			t.Errorf("%s is printed", s)
		}
	}
}

func ExampleLogin() {
	cfg := login.Config{
		Issuer:       "https://acme.onelogin.com/oidc/2",
		ClientID:     "e0001112-9e47-0138-5b6c-023242b000010000ab",
		RedirectURIs: []string{"http://example.com/oauth/callback"},
	}
	_, _, err := login.Login(context.Background(), cfg, login.UI{})
	fmt.Println(err)
	// Output: the redirect URI "http://example.com/oauth/callback" is not on this machine: want a redirect URI such as http://localhost:3000/oauth/callback
}
