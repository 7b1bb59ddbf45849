package login_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gatepass/pkg/fault"
	"gatepass/pkg/login"
)

// A refreshed ID token need not have a nonce; one with another's is refused
// (OpenID Connect Core section 12.2).
func TestNonceOfARefresh(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(map[string]any)
		refused bool
	}{
		"the same": {func(map[string]any) {}, false},
		"none":     {func(c map[string]any) { delete(c, "nonce") }, false},
		"another":  {func(c map[string]any) { c["nonce"] = "of another login" }, true},
		"empty":    {func(c map[string]any) { c["nonce"] = "" }, true},
		"a list":   {func(c map[string]any) { c["nonce"] = []any{c["nonce"], "x"} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			cfg, old := loggedIn(t, i)
			i.id = tc.change
			set, err := login.Refresh(t.Context(), cfg, old)
			if !tc.refused {
				if err != nil || set.Access.IsZero() {
					t.Error(err)
				}
				return
			}
			want(t, err, fault.Invalid, "the ID token is not valid")
			if !set.Access.IsZero() {
				t.Error("tokens were returned")
			}
		})
	}
}

// Requests with a secret in them go where they were addressed, and nowhere else.
func TestSecretsDoNotFollowRedirects(t *testing.T) {
	var reached atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		i := newIssuer(t)
		cfg, set := loggedIn(t, i)
		away := func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, status)
		}
		i.handle["/token"], i.handle["/token/revocation"] = away, away
		_, _, err := login.Login(t.Context(), cfg, login.UI{Open: newBrowser().open})
		want(t, err, fault.Network, "secrets do not follow")
		_, err = login.Refresh(t.Context(), cfg, set)
		want(t, err, fault.Network, "secrets do not follow")
		done, err := login.Revoke(t.Context(), cfg, set)
		if err != nil || len(done) != 2 {
			t.Fatal(done, err)
		}
		want(t, done[0].Err, fault.Network, "secrets do not follow")
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

// Key sets as an issuer may serve them while it changes keys, and as none should.
func TestKeySets(t *testing.T) {
	key := func(k any, id string) jose.JSONWebKey { return jose.JSONWebKey{Key: k, KeyID: id, Use: "sig"} }
	right, wrong := signingKey().Public(), otherKey().Public()
	many := make([]jose.JSONWebKey, 10_000)
	for n := range many {
		many[n] = key(wrong, fmt.Sprint("k", n))
	}
	for name, tc := range map[string]struct {
		keys []jose.JSONWebKey
		kid  string
		kind fault.Kind // 0: it verifies
		text string
	}{
		"several, by kid":            {[]jose.JSONWebKey{key(wrong, "old"), key(right, "one")}, "one", 0, ""},
		"several, no kid":            {[]jose.JSONWebKey{key(wrong, "old"), key(right, "one")}, "", 0, ""},
		"two of one kid":             {[]jose.JSONWebKey{key(wrong, "one"), key(right, "one")}, "one", 0, ""},
		"kid of another key":         {[]jose.JSONWebKey{key(wrong, "one"), key(right, "two")}, "one", fault.Invalid, "signature"},
		"unknown kid":                {[]jose.JSONWebKey{key(right, "one")}, "two", fault.Invalid, "signature"},
		"several, none of them":      {[]jose.JSONWebKey{key(wrong, "a"), key(wrong, "b")}, "", fault.Invalid, "signature"},
		"ten thousand keys":          {append(many, key(right, "one")), "one", fault.Network, "longer than"},
		"a thousand keys, last fits": {append(many[:1000:1000], key(right, "one")), "one", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			body, err := json.Marshal(jose.JSONWebKeySet{Keys: tc.keys})
			if err != nil {
				t.Fatal(err)
			}
			var asked atomic.Int32
			i.handle["/certs"] = func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				_, _ = w.Write(body)
			}
			i.sign = signedBy(jose.RS256, signingKey(), tc.kid)
			begin := time.Now()
			_, _, err = login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open})
			if tc.kind == 0 && err != nil {
				t.Error(err)
			}
			if tc.kind != 0 {
				want(t, err, tc.kind, tc.text)
			}
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if n := asked.Load(); n != 1 {
				t.Errorf("keys were asked for %d times, want once", n)
			}
		})
	}
}

// Header members that would change what a signature means are refused, whoever
// signed them (RFC 7515 section 4.1.11, RFC 7797).
func TestCriticalHeaders(t *testing.T) {
	for name, extra := range map[string]map[jose.HeaderKey]any{
		"crit": {"crit": []string{"exp"}, "exp": 1},
		"b64":  {"b64": false},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.sign = func(claims map[string]any) string {
				opts := (&jose.SignerOptions{}).WithHeader("kid", "one")
				for n, v := range extra {
					opts = opts.WithHeader(n, v)
				}
				s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: signingKey()}, opts)
				if err != nil {
					t.Error(err)
					return ""
				}
				payload, _ := json.Marshal(claims)
				jws, err := s.Sign(payload)
				if err != nil {
					t.Error(err)
					return ""
				}
				out, err := jws.CompactSerialize()
				if err != nil {
					t.Error(err)
				}
				return out
			}
			_, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open})
			want(t, err, fault.Invalid, name)
		})
	}
}

// When the tokens expire, whatever the issuer says of it.
func TestExpiresIn(t *testing.T) {
	for name, tc := range map[string]struct {
		value any
		least time.Duration // from now; 0: not known
		most  time.Duration
	}{
		"number":   {3600, 59 * time.Minute, time.Hour},
		"text":     {"3600", 59 * time.Minute, time.Hour},
		"point":    {json.RawMessage("3600.0"), 59 * time.Minute, time.Hour},
		"part":     {json.RawMessage("3599.97"), 59 * time.Minute, time.Hour},
		"power":    {json.RawMessage("3.6e3"), 59 * time.Minute, time.Hour},
		"in text":  {"3600.0", 59 * time.Minute, time.Hour},
		"million":  {json.RawMessage("1e99"), 24 * time.Hour, 100 * 365 * 24 * time.Hour},
		"below":    {json.RawMessage("-1e3"), 0, 0},
		"absent":   {nil, 0, 0},
		"negative": {-5, 0, 0},
		"zero":     {0, 0, 0},
		"huge":     {1 << 50, 24 * time.Hour, 100 * 365 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			i.response = func(r map[string]any) {
				if r["expires_in"] = tc.value; tc.value == nil {
					delete(r, "expires_in")
				}
			}
			_, set := loggedIn(t, i)
			switch left := time.Until(set.Expiry); {
			case tc.most == 0 && !set.Expiry.IsZero():
				t.Errorf("expires %v, want it not known", set.Expiry)
			case tc.most != 0 && (left < tc.least || left > tc.most):
				t.Errorf("expires in %v, want %v to %v", left, tc.least, tc.most)
			}
		})
	}
}

// 429 says when to come back, wherever it is said.
func TestTooManyRequestsAnywhere(t *testing.T) {
	for _, path := range []string{"/.well-known/openid-configuration", "/token", "/certs"} {
		i := newIssuer(t)
		i.handle[path] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "30\u202e")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		_, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open})
		want(t, err, fault.Network, "too many requests")
		want(t, err, fault.Network, `try again after: 30\u202e`)
	}
}

// An error in the issuer's words is shown in the terminal, never in the page.
func TestMarkupInARefusal(t *testing.T) {
	const mark = "<img src=x onerror=alert(1)>"
	i := newIssuer(t)
	a := start(t, i, i.config())
	status, body, header := a.send("GET", a.query("error", mark, "error_description", mark+"\x1b]0;x\x07", "error_uri", "javascript:"+mark, "state", a.state), "")
	if status != 400 || strings.Contains(body, "onerror") || strings.Contains(body, "javascript") {
		t.Errorf("page: %d %s", status, body)
	}
	checkHeaders(t, header)
	err := a.end().err
	want(t, err, fault.Failed, mark)
	if strings.ContainsAny(err.Error(), "\x1b\x07") {
		t.Errorf("control characters in %q", err)
	}
}

// PKCE is S256, whatever the issuer offers; the tokens come by the code alone.
func TestPKCEIsNotNegotiable(t *testing.T) {
	for _, offered := range [][]string{nil, {"plain"}, {"plain", "S256"}, {}} {
		i := newIssuer(t)
		i.discovery = func(doc map[string]any) {
			doc["code_challenge_methods_supported"] = offered
			doc["response_types_supported"] = []string{"id_token token", "code"}
			doc["grant_types_supported"] = []string{"password", "implicit", "authorization_code"}
		}
		if _, _, err := login.Login(t.Context(), i.config(), login.UI{Open: newBrowser().open}); err != nil {
			t.Fatal(err)
		}
		if got := i.auth.Get("code_challenge_method"); got != "S256" || i.auth.Get("response_type") != "code" {
			t.Errorf("offered %q: method %q, type %q", offered, got, i.auth.Get("response_type"))
		}
		if v := i.forms[0].Get("code_verifier"); len(v) < 43 || v == i.auth.Get("code_challenge") {
			t.Errorf("verifier %q", v)
		}
	}
}

// Every login has its own state, nonce and verifier, and an answer to one is
// nothing to another that waits at the same time.
func TestAnswersAreNotExchanged(t *testing.T) {
	i := newIssuer(t)
	one, two := start(t, i, i.config()), start(t, i, i.config())
	if one.state == two.state {
		t.Fatal("two logins have the same state")
	}
	if status, _, _ := one.send("GET", one.query("code", "x", "state", two.state), ""); status != 400 {
		t.Errorf("status %d", status)
	}
	one.waits()
	two.waits()
	if len(i.forms) != 0 {
		t.Error("a code was exchanged")
	}
}
