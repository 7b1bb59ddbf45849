package verify_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/verify"
)

// kind returns the kind of an error.
func kind(err error) fault.Kind {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return 0
}

// document serves one answer as the discovery document, with ISSUER replaced by
// the server's own.
func document(t *testing.T, status int, contentType, body string) *httptest.Server {
	t.Helper()
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/oidc/2/.well-known/openid-configuration" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "ISSUER", s.URL+"/oidc/2"))
	}))
	t.Cleanup(s.Close)
	return s
}

const discoveryDocument = `{"issuer":"ISSUER","authorization_endpoint":"ISSUER/auth","token_endpoint":"ISSUER/token",` +
	`"userinfo_endpoint":"ISSUER/me","jwks_uri":"ISSUER/certs","revocation_endpoint":"ISSUER/token/revocation",` +
	`"introspection_endpoint":"ISSUER/token/introspection","end_session_endpoint":"ISSUER/logout",` +
	`"scopes_supported":["openid"],"id_token_signing_alg_values_supported":["RS256"],"code_challenge_methods_supported":["S256"]}`

func TestDiscover(t *testing.T) {
	s := document(t, 200, "application/json; charset=utf-8", discoveryDocument)
	p, err := verify.Discover(t.Context(), nil, s.URL+"/oidc/2")
	if err != nil {
		t.Fatal(err)
	}
	if p.Issuer != s.URL+"/oidc/2" || p.KeySetURL != p.Issuer+"/certs" || p.UserInfoURL != p.Issuer+"/me" || p.TokenURL != p.Issuer+"/token" ||
		p.RevocationURL == "" || p.OIDC == nil || len(p.Notes) != 0 {
		t.Errorf("%+v", p)
	}
}

// An issuer that ends in a slash is one, and is found and compared with it.
func TestDiscoverIssuerWithSlash(t *testing.T) {
	s := document(t, 200, "application/json", strings.Replace(discoveryDocument, `"ISSUER"`, `"ISSUER/"`, 1))
	p, err := verify.Discover(t.Context(), nil, s.URL+"/oidc/2/")
	if err != nil || p.Issuer != s.URL+"/oidc/2/" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestDiscoverNotesOtherHosts(t *testing.T) {
	s := document(t, 200, "application/json", strings.Replace(discoveryDocument, "ISSUER/certs", "https://keys.example/certs", 1))
	p, err := verify.Discover(t.Context(), nil, s.URL+"/oidc/2")
	if err != nil || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "jwks_uri is on another host than the issuer: keys.example") {
		t.Errorf("%v %+v", err, p)
	}
}

func TestDiscoverRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, contentType, body string
		status                  int
		want                    string
	}{
		{"wrong issuer", "application/json", strings.Replace(discoveryDocument, `"ISSUER"`, `"https://evil.example"`, 1), 200, `the issuer calls itself "https://evil.example", asked was "http://127.0.0.1:`},
		{"slash too many", "application/json", strings.Replace(discoveryDocument, `"ISSUER"`, `"ISSUER/"`, 1), 200, `the issuer calls itself`},
		{"no issuer", "application/json", `{}`, 200, "names no issuer"},
		{"login page", "text/html", "<html>", 200, "not the JSON of a discovery document"},
		{"not JSON after all", "application/json", "{", 200, "not the JSON of a discovery document"},
		{"not found", "text/plain", "unrecognized route or not allowed method", 404, "answered 404 Not Found"},
		{"gone", "text/plain", "", 410, "answered 410 Gone"},
		{"broken", "text/plain", "", 503, "answered 503 Service Unavailable"},
		{"too large", "application/json", `{"a":"` + strings.Repeat("x", verify.MaxKeySetSize) + `"}`, 200, "larger than the 150000 bytes"},
		{"no keys", "application/json", `{"issuer":"ISSUER"}`, 200, "has no jwks_uri"},
		{"keys over http", "application/json", `{"issuer":"ISSUER","jwks_uri":"http://keys.example/"}`, 200, "the jwks_uri of"},
		{"browser command", "application/json", `{"issuer":"ISSUER","jwks_uri":"ISSUER/certs","authorization_endpoint":"file:///bin/sh"}`, 200, "the authorization_endpoint of"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := document(t, tc.status, tc.contentType, tc.body)
			p, err := verify.Discover(t.Context(), nil, s.URL+"/oidc/2")
			if err == nil || kind(err) != fault.Network || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%+v, %v, kind %v; want %q", p, err, kind(err), tc.want)
			}
		})
	}
}

// What cannot be reached is told apart, with the way out.
func TestUnreachable(t *testing.T) {
	// Nobody listens on port 1. A port that was just closed may be taken by others.
	const closed = "http://127.0.0.1:1"
	silent := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	silent.Start()
	defer silent.Close()
	quiet := log.New(io.Discard, "", 0)
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = quiet
	untrusted.StartTLS()
	defer untrusted.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	plain.Config.ErrorLog = quiet
	started := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"issuer":`)
		_ = http.NewResponseController(w).Flush()
	}
	drips := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { started(w); <-r.Context().Done() }))
	defer drips.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { started(w); panic(http.ErrAbortHandler) }))
	defer cut.Close()
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }))
	defer loop.Close()
	away := httptest.NewServer(http.RedirectHandler("http://elsewhere.example/", http.StatusFound))
	defer away.Close()
	noHost := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "acme.onelogin.example", IsNotFound: true}}
	}}}
	trusting := untrusted.Client().Transport.(*http.Transport).Clone()
	trusting.TLSClientConfig = &tls.Config{RootCAs: trusting.TLSClientConfig.RootCAs, ServerName: "acme.onelogin.example"}
	late := trusting.Clone()
	late.TLSClientConfig = &tls.Config{RootCAs: trusting.TLSClientConfig.RootCAs, ServerName: "example.com", Time: func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }}
	for _, tc := range []struct {
		name   string
		client *http.Client
		issuer string
		want   string
		hint   string
	}{
		{"no host", noHost, "https://acme.onelogin.example/oidc/2", `there is no host acme.onelogin.example`, "spelling"},
		{"refused", nil, closed, "refuses connections", "running"},
		{"time limit", &http.Client{Timeout: 50 * time.Millisecond}, silent.URL, "did not answer within", "HTTPS_PROXY"},
		{"time limit in the answer", &http.Client{Timeout: 100 * time.Millisecond}, drips.URL, "did not answer within", "HTTPS_PROXY"},
		{"cut in the answer", nil, cut.URL, "closed the connection", ""},
		{"untrusted", nil, untrusted.URL, `is by "Acme Co", who is not trusted here`, "ca_file"},
		{"another host's certificate", &http.Client{Transport: trusting}, untrusted.URL, "is for another name", ""},
		{"certificate of another time", &http.Client{Transport: late}, untrusted.URL, "not valid yet", "clock"},
		{"no TLS", nil, strings.Replace(plain.URL, "http:", "https:", 1), "does not speak TLS", "port"},
		{"redirects without end", nil, loop.URL, "more than 3 redirects", ""},
		{"redirect to plain http", nil, away.URL, "http is taken for this machine only", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := verify.Discover(t.Context(), tc.client, tc.issuer)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Network || !strings.Contains(f.Msg, tc.want) || !strings.Contains(f.Hint, tc.hint) {
				t.Errorf("%v; want %q, hint %q", err, tc.want, tc.hint)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := verify.Discover(ctx, nil, silent.URL); !errors.Is(err, context.Canceled) || kind(err) != 0 {
		t.Errorf("cancelled: %v, kind %v", err, kind(err))
	}
}

func TestNormalizeIssuer(t *testing.T) {
	const want = "https://acme.onelogin.com/oidc/2"
	for _, tc := range []struct{ in, want, note string }{
		{want, want, ""},
		{" " + want + "\n", want, ""},
		{want + "/", want, "slash"},
		{want + "//", want, "slash"},
		{want + "/.well-known/openid-configuration", want, "discovery document"},
		{want + "/.well-known/openid-configuration?x=1", want, "discovery document"},
		{want + "//.well-known/openid-configuration", want, "discovery document"},
		{"https://acme.onelogin.com/oidc/", "https://acme.onelogin.com/oidc", "slash"},
		{"https://acme.eu.auth0.com/", "https://acme.eu.auth0.com/", ""}, // theirs do end in one
		{"https://auth.example/application/o/app/", "https://auth.example/application/o/app/", ""},
		{"https://acme.eu.auth0.com/.well-known/openid-configuration", "https://acme.eu.auth0.com", "discovery document"},
		{"http://127.0.0.1:9998/oidc/2", "http://127.0.0.1:9998/oidc/2", ""},
		{"http://localhost:9998", "http://localhost:9998", ""},
		{"http://[::1]:9998", "http://[::1]:9998", ""},
	} {
		got, note, err := verify.NormalizeIssuer(tc.in)
		if err != nil || got != tc.want || (tc.note == "") != (note == "") || !strings.Contains(note, tc.note) {
			t.Errorf("%q: %q, %q, %v", tc.in, got, note, err)
		}
	}
	for _, in := range []string{
		"", "acme", "acme.onelogin.com/oidc/2", "ftp://acme", "https://", "https:acme", "http://acme.onelogin.com/oidc/2", "http://127.0.0.1.evil.example",
		"https://acme?x", "https://acme/?", "https://acme#x", "https://u:p@acme", "http://localhost.evil.example", "http://10.0.0.1", "https://a b", "javascript:alert(1)",
	} {
		if got, _, err := verify.NormalizeIssuer(in); err == nil || kind(err) != fault.Usage || strings.Contains(err.Error(), ":p@") {
			t.Errorf("%q is taken: %q %v", in, got, err)
		}
	}
}

func TestUserInfo(t *testing.T) {
	var authorization string
	answer := func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		switch r.URL.Path {
		case "/me":
			_, _ = io.WriteString(w, `{"sub":"35666371","name":"Ada"}`)
		case "/empty":
			_, _ = io.WriteString(w, `{}`)
		case "/list":
			_, _ = io.WriteString(w, `[]`)
		case "/jwt":
			w.Header().Set("Content-Type", "application/jwt")
			_, _ = io.WriteString(w, `eyJ`)
		case "/large":
			_, _ = io.WriteString(w, `{"a":"`+strings.Repeat("x", verify.MaxKeySetSize)+`"}`)
		case "/redirect":
			http.Redirect(w, r, "/me", http.StatusTemporaryRedirect)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	s := httptest.NewServer(http.HandlerFunc(answer))
	defer s.Close()
	access := secret.New("the-access-token")
	n, err := verify.UserInfo(t.Context(), nil, s.URL+"/me", access, "35666371")
	if err != nil || n.Get("name").Text != "Ada" || authorization != "Bearer the-access-token" {
		t.Errorf("%v %v %q", n, err, authorization)
	}
	if n, err = verify.UserInfo(t.Context(), nil, s.URL+"/empty", access, ""); err != nil || len(n.Members) != 0 {
		t.Errorf("%v %v", n, err)
	}
	for _, tc := range []struct {
		path, want string
		kind       fault.Kind
	}{
		{"/me?", "the token belongs to", fault.Network},
		{"/empty", "does not say who it is about", fault.Network},
		{"/list", "no JSON object", fault.Network},
		{"/jwt", "a signed token, which is not read", fault.Network},
		{"/large", "larger than", fault.Network},
		{"/redirect", "the token is not sent on", fault.Network},
		{"/other", "does not take the access token any more", fault.Login},
	} {
		_, err := verify.UserInfo(t.Context(), nil, s.URL+tc.path, access, "another")
		if err == nil || kind(err) != tc.kind || !strings.Contains(err.Error(), tc.want) || strings.Contains(fmt.Sprint(err), "the-access-token") {
			t.Errorf("%s: %v, kind %v; want %q", tc.path, err, kind(err), tc.want)
		}
	}
	u, _ := url.Parse(s.URL)
	if _, err := verify.UserInfo(t.Context(), nil, "http://api.example:"+u.Port()+"/me", access, ""); kind(err) != fault.Usage {
		t.Errorf("the token is sent over http: %v", err)
	}
}
