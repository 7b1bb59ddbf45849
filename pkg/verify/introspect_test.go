package verify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

func TestIntrospect(t *testing.T) {
	as := verify.Client{ID: "app", Secret: secret.New("topsecret"), Method: verify.ClientPost}
	for name, tc := range map[string]struct {
		status int
		body   string
		active bool
		kind   fault.Kind
	}{
		"active":       {200, `{"active":true,"sub":"42"}`, true, 0},
		"not active":   {200, `{"active":false}`, false, 0},
		"text":         {200, `{"active":"true"}`, false, fault.Network},
		"nothing":      {200, `{}`, false, fault.Network},
		"no JSON":      {200, `<html>`, false, fault.Network},
		"a list":       {200, `[true]`, false, fault.Network},
		"the client":   {401, `{"error":"invalid_client"}`, false, fault.Usage},
		"out of order": {500, `{"active":true}`, false, fault.Network},
		"too large":    {200, `{"active":true,"x":"` + strings.Repeat("x", verify.MaxKeySetSize) + `"}`, false, fault.Network},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.FormValue("token") != "a.token" || r.FormValue("token_type_hint") != "access_token" || r.FormValue("client_secret") != "topsecret" {
					t.Errorf("%s with %v", r.Method, r.Form)
				}
				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.body)
			}))
			defer s.Close()
			active, err := verify.Introspect(t.Context(), nil, s.URL, secret.New("a.token"), as)
			var f *fault.Error
			if active != tc.active || (err != nil) != (tc.kind != 0) || errors.As(err, &f) && f.Kind != tc.kind {
				t.Errorf("active %t, error %v", active, err)
			}
			if err != nil && strings.Contains(err.Error(), "topsecret") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

// Token and secret are sent to no address that the endpoint refers to, and to none
// where they could be read on the way.
func TestIntrospectGoesNowhereElse(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s %s", r.Method, r.URL) }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	for _, endpoint := range []string{s.URL, "http://issuer.example.com/x", "ftp://127.0.0.1/", ":"} {
		if active, err := verify.Introspect(t.Context(), nil, endpoint, secret.New("t"), verify.Client{ID: "app"}); err == nil || active {
			t.Errorf("%s: active %t", endpoint, active)
		}
	}
}

// A token that is remembered is the same value as long as it is, and another one
// after it was verified again.
func TestRecall(t *testing.T) {
	k := rsaKey()
	raw := sign(t, jwt.SigningMethodRS256, k, rsHeader, accessClaims())
	v := verify.NewVerifier(expectation(), keys(t, rsaJWK(k, `,"kid":"k1"`)), 0)
	if _, ok := v.Recall(raw, start); ok {
		t.Error("a token is remembered that was never seen")
	}
	tok, err := token.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	first, err := v.VerifyToken(t.Context(), tok, start)
	if err != nil {
		t.Fatal(err)
	}
	again, ok := v.Recall(raw, start.Add(time.Minute))
	if !ok || again.Token() != first.Token() {
		t.Errorf("remembered %t, the same %t", ok, again.Token() == first.Token())
	}
	if _, ok := v.Recall(raw, start.Add(10*time.Minute)); ok {
		t.Error("a token counts although the keys have not been asked for long")
	}
	if _, ok := v.Recall(raw, start.Add(-time.Second)); ok {
		t.Error("a token counts before it was seen")
	}
}

// Without any keys they are asked for again after a shorter time.
func TestRetryWithoutKeys(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	now, told := start, 0
	r := verify.FromURL(s.URL, verify.Options{Now: func() time.Time { return now }, Retry: 2 * time.Second, Fetched: func(err error) {
		if err != nil {
			told++
		}
	}})
	for _, step := range []struct {
		wait  time.Duration
		asked int
	}{{0, 1}, {time.Second, 1}, {time.Second, 2}, {time.Second, 2}} {
		now = now.Add(step.wait)
		if _, err := r.KeySet(context.Background(), "k1"); err == nil || asked != step.asked || told != asked {
			t.Errorf("asked %d times, want %d, told of %d; %v", asked, step.asked, told, err)
		}
	}
}
