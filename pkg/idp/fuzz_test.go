package idp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gatepass/pkg/idp"
)

// FuzzAuthorize: whatever the query is, the answer leads to the login page, to
// the registered redirect URI, or nowhere.
func FuzzAuthorize(f *testing.F) {
	for _, query := range []string{
		"client_id=public&redirect_uri=http://127.0.0.1:8127/callback&response_type=code&code_challenge=x&code_challenge_method=S256&scope=openid",
		"client_id=public&redirect_uri=http://127.0.0.1:8127/callback&redirect_uri=http://evil.example/",
		"client_id=public&redirect_uri=http://127.0.0.1:8127/callback&state=%0d%0aX:y&response_mode=fragment",
		"client_id=public&redirect_uri=http://127.0.0.1:8127/callback%0d%0a", "%zz", "client_id=a;b",
	} {
		f.Add(query)
	}
	s, err := idp.New(idp.Options{Base: "http://127.0.0.1:1", Settings: settings(), Key: testKey()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/oidc/2/auth", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		to := w.Header().Get("Location")
		if strings.ContainsAny(to, "\r\n") {
			t.Fatalf("line break in %q", to)
		}
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		switch u.Host {
		case "", "127.0.0.1:8127", "localhost:3000":
		default:
			t.Fatalf("sent to %q", to)
		}
		if to == "" && w.Code < 400 && !strings.Contains(w.Body.String(), `method="post"`) {
			t.Fatalf("%d without a way on: %s", w.Code, w.Body)
		}
	})
}
