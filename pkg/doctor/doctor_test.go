package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/pkg/authorizer"
	"gatepass/pkg/doctor"
	"gatepass/pkg/fault"
	"gatepass/pkg/idp"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
)

// patient is a set-up that is well, at a stand-in of its own, for a test to make
// ill.
type patient struct {
	doctor.Options
	t      *testing.T
	server *httptest.Server

	mu     sync.Mutex
	events []idp.Event
	front  func(w http.ResponseWriter, r *http.Request) bool // answers before the stand-in does
}

// signingKey is slow to make, so there is one.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{t: t}
	uri := "http://127.0.0.1:" + unused(t) + "/callback"
	settings := idp.Default(uri)
	settings.Clients = append(settings.Clients, idp.Client{ID: "poster", Auth: idp.AuthPost, Secret: secret.New("correct-horse"), RedirectURIs: []string{uri}})
	var stand http.Handler
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.front == nil || !p.front(w, r) {
			stand.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(p.server.Close)
	var err error
	stand, err = idp.New(idp.Options{Base: p.server.URL, Settings: settings, AutoLogin: "ada", Key: signingKey(), OnEvent: func(e idp.Event) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.events = append(p.events, e)
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.Options = doctor.Options{
		Profile: "dev", Why: "the only one", Issuer: p.server.URL + idp.IssuerPath, ClientID: idp.DefaultClientID, Auth: "none",
		RedirectURIs: []string{uri}, Scopes: []string{"openid", "profile", "groups"},
		API: doctor.API{Token: "access", Header: "Authorization", Scheme: "Bearer"}, Now: time.Now,
		Keys: func(name string, data []byte) (int, error) {
			n, err := source.JSON(name, data)
			if err != nil || n.Get("keys") == nil {
				return 0, errors.New("want a key set")
			}
			return len(n.Get("keys").Items), nil
		},
		Secret: func(context.Context) (secret.String, error) { return secret.New("correct-horse"), nil },
		Login:  func() (doctor.Login, error) { return doctor.Login{}, nil },
	}
	return p
}

func unused(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

func (p *patient) run() doctor.Report {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return doctor.Run(ctx, p.Options)
}

// finds runs an examination and wants a finding; the words must be in what it
// says, why, and what to change.
func (p *patient) finds(check string, result doctor.Result, words ...string) doctor.Finding {
	p.t.Helper()
	return find(p.t, p.run(), check, result, words...)
}

// says has the issuer say yes to a member of its discovery document, and little else.
func (p *patient) says(member string) {
	p.front = func(w http.ResponseWriter, r *http.Request) bool {
		asked := strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration")
		if asked {
			fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q,"jwks_uri":%q,%q:true}`,
				p.Issuer, p.Issuer+"/auth", p.Issuer+"/token", p.Issuer+"/certs", member)
		}
		return asked
	}
}

func find(t *testing.T, r doctor.Report, check string, result doctor.Result, words ...string) doctor.Finding {
	t.Helper()
	for _, f := range r.Findings {
		if f.Check != check || f.Result != result {
			continue
		}
		all := strings.Join(append(f.Details, f.What, f.Why, f.Change, f.Terraform), "\n")
		for _, w := range words {
			if !strings.Contains(all, w) {
				t.Errorf("%s does not say %q:\n%s", check, w, all)
			}
		}
		if result == doctor.Warning || result == doctor.Failed {
			if f.What == "" || f.Why == "" || f.Change == "" {
				t.Errorf("%s: a finding says what, why and what to change: %+v", check, f)
			}
			if r.Well() {
				t.Errorf("with %s %s all seems to be well", check, result)
			}
		}
		return f
	}
	t.Errorf("no finding %s %s in\n%s", check, result, list(r))
	return doctor.Finding{}
}

func list(r doctor.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		b.WriteString(strings.Join([]string{string(f.Result), f.Check, f.Subject, f.What, strings.Join(f.Details, "; ")}, " | ") + "\n")
	}
	return b.String()
}

func TestAllIsWell(t *testing.T) {
	p := newPatient(t)
	r := p.run()
	if !r.Well() || r.NetworkOnly() {
		t.Errorf("not well:\n%s", list(r))
	}
	for _, check := range []string{"settings", "proxy", "roots", "dns", "tls", "clock", "discovery", "pkce", "auth_method", "scopes", "keys", "client", "client_auth", "port"} {
		find(t, r, check, doctor.OK)
	}
	for _, check := range []string{"login", "api", "authorizer"} {
		find(t, r, check, doctor.Skipped)
	}
}

// The stand-in logs in whoever comes. The examination must not be somebody.
func TestNobodyIsLoggedIn(t *testing.T) {
	p := newPatient(t)
	p.run()
	p.mu.Lock()
	defer p.mu.Unlock()
	refused := false
	for _, e := range p.events {
		refused = refused || e.What == "refused"
		if e.What == "login" || e.What == "token" {
			t.Errorf("the examination made a %s: %s", e.What, e.Detail)
		}
	}
	if !refused {
		t.Errorf("the authorization endpoint was not asked: %v", p.events)
	}
}

func TestClient(t *testing.T) {
	t.Run("unknown", func(t *testing.T) {
		p := newPatient(t)
		p.ClientID = "nobody"
		p.finds("client", doctor.Failed, "does not know the client nobody", "SSO", "Client ID")
		p.finds("client_auth", doctor.Skipped, "does not know the client")
	})
	t.Run("unregistered redirect URI", func(t *testing.T) {
		p := newPatient(t)
		other := "http://127.0.0.1:" + unused(t) + "/callback"
		p.RedirectURIs = append(p.RedirectURIs, other)
		f := p.finds("client", doctor.Failed, "not registered", other, "Configuration", "10 minutes", `redirect_uri = "`+p.RedirectURIs[0]+`\n`+other+`"`)
		if f.Subject != other {
			t.Errorf("subject %q", f.Subject)
		}
		p.finds("client", doctor.OK)
	})
	t.Run("post", func(t *testing.T) {
		p := newPatient(t)
		p.ClientID, p.Auth = "poster", "post"
		if r := p.run(); !r.Well() {
			t.Errorf("not well:\n%s", list(r))
		}
	})
	t.Run("another method than the app's", func(t *testing.T) {
		p := newPatient(t)
		p.ClientID = "poster"
		p.finds("client_auth", doctor.Failed, "None (PKCE)", `token_endpoint_auth_method = "2"`)
		p.Auth = "basic"
		p.finds("client_auth", doctor.Failed, `token_endpoint_auth_method = "0"`)
	})
	t.Run("wrong secret", func(t *testing.T) {
		p := newPatient(t)
		p.ClientID, p.Auth = "poster", "post"
		p.Secret = func(context.Context) (secret.String, error) { return secret.New("battery-staple"), nil }
		r := p.run()
		find(t, r, "client_auth", doctor.Failed, "compare the client secret")
		if strings.Contains(list(r), "battery-staple") {
			t.Error("the secret is in the report")
		}
	})
	t.Run("no secret", func(t *testing.T) {
		p := newPatient(t)
		p.ClientID, p.Auth = "poster", "post"
		p.Secret = func(context.Context) (secret.String, error) {
			return secret.String{}, fault.New(fault.Usage, "needs a client secret")
		}
		p.finds("client_auth", doctor.Failed, "GATEPASS_CLIENT_SECRET")
	})
	t.Run("offline_access", func(t *testing.T) {
		p := newPatient(t)
		p.Scopes = append(p.Scopes, "offline_access")
		p.finds("client", doctor.Failed, "refuses a scope")
		p.finds("scopes", doctor.Failed, "without it")
	})
	t.Run("unknown resource", func(t *testing.T) {
		p := newPatient(t)
		p.Resource = "https://nothing.example"
		p.finds("client", doctor.Failed, "resource", "API Authorization")
	})
}

// Redirects are followed at the issuer's host only, and the answer to the
// redirect URI is never delivered.
func TestRedirectsStayAtTheIssuer(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("somebody else was asked for %s", r.URL)
	}))
	defer elsewhere.Close()
	p := newPatient(t)
	p.front = func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/auth"):
			http.Redirect(w, r, "/login2/", http.StatusFound)
		case r.URL.Path == "/login2/":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
			http.Redirect(w, r, "/login3/", http.StatusFound)
		case r.URL.Path == "/login3/":
			if len(r.Cookies()) > 0 {
				t.Error("a cookie was kept")
			}
			http.Redirect(w, r, elsewhere.URL+"/sso", http.StatusFound)
		default:
			return false
		}
		return true
	}
	host, _ := url.Parse(elsewhere.URL)
	p.finds("client", doctor.OK, "goes on at "+host.Host)
}

func TestIssuer(t *testing.T) {
	document := func(answer func(w http.ResponseWriter)) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
				return false
			}
			answer(w)
			return true
		}
	}
	text := func(s string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { _, _ = io.WriteString(w, s) }
	}
	for _, tc := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		result doctor.Result
		words  []string
	}{
		{"another issuer", text(`{"issuer":"https://evil.example/oidc/2"}`), doctor.Failed, []string{"calls itself", "evil.example", "to the letter"}},
		{"no issuer", text(`{}`), doctor.Failed, []string{"names no issuer"}},
		{"a list", text(`[]`), doctor.Failed, []string{"not JSON"}},
		{"a web page", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>Welcome to the hotel")
		}, doctor.Failed, []string{"web page", "guest network"}},
		{"not found", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, doctor.Failed, []string{"404 Not Found", "/oidc/2"}},
		{"down", func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }, doctor.Failed, []string{"503", "later"}},
		{"too long", func(w http.ResponseWriter) {
			for range 40 {
				_, _ = w.Write(make([]byte, 64<<10))
			}
		}, doctor.Failed, []string{"longer than"}},
		{"to http elsewhere", func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://192.0.2.1/")
			w.WriteHeader(http.StatusFound)
		}, doctor.Failed, []string{"not safe to follow"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPatient(t)
			p.front = document(tc.answer)
			r := p.run()
			find(t, r, "discovery", tc.result, tc.words...)
			find(t, r, "client", doctor.Skipped)
		})
	}
	t.Run("http endpoints", func(t *testing.T) {
		p := newPatient(t)
		p.front = document(text(`{"issuer":"` + p.Issuer + `","authorization_endpoint":"http://192.0.2.1/a","token_endpoint":"https://x/t","jwks_uri":"https://x/k"}`))
		p.finds("discovery", doctor.Failed, "authorization_endpoint", "192.0.2.1")
	})
	t.Run("nothing listens", func(t *testing.T) {
		p := newPatient(t)
		p.server.Close()
		r := p.run()
		find(t, r, "discovery", doctor.Failed, "refuses connections")
		if !r.NetworkOnly() {
			t.Errorf("more than the network is wrong:\n%s", list(r))
		}
	})
	t.Run("no key set", func(t *testing.T) {
		p := newPatient(t)
		p.front = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/certs") {
				_, _ = io.WriteString(w, `{"keys":[]}`)
				return true
			}
			return false
		}
		p.finds("keys", doctor.Failed, "no key")
	})
}

func TestClock(t *testing.T) {
	for _, tc := range []struct {
		ahead  time.Duration // of our clock
		result doctor.Result
		words  string
	}{
		{25 * time.Second, doctor.OK, "agrees"},
		{4 * time.Minute, doctor.Warning, "ahead of"},
		{-4 * time.Minute, doctor.Warning, "behind"},
	} {
		p := newPatient(t)
		p.Now = func() time.Time { return time.Now().Add(tc.ahead) }
		p.finds("clock", tc.result, tc.words)
	}
	p := newPatient(t)
	p.front = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header()["Date"] = nil
		return false
	}
	p.finds("clock", doctor.Skipped)
}

// signed is a server whose certificate is by an authority with a name.
func signed(t *testing.T, authority string, h http.Handler) (*httptest.Server, []byte) {
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: authority, Organization: []string{authority}}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	root, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "acme.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewUnstartedServer(h)
	ts.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert, root}, PrivateKey: key}}}
	ts.Config.ErrorLog = log.New(io.Discard, "", 0)
	ts.StartTLS()
	t.Cleanup(ts.Close)
	return ts, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root})
}

func TestInterceptingProxy(t *testing.T) {
	p := newPatient(t)
	ts, root := signed(t, "Zscaler Root CA", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	p.Issuer = ts.URL + idp.IssuerPath
	r := p.run()
	f := find(t, r, "tls", doctor.Failed, "Zscaler Root CA", "Zscaler looks into", "ca_file", "--ca-file")
	if !f.Network || len(f.Details) == 0 {
		t.Errorf("%+v", f)
	}
	find(t, r, "client", doctor.Skipped)

	// With its root it is trusted, and still named.
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	p.Client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	p.CAFiles = []doctor.CAFile{{Path: "corp.pem", PEM: root}}
	r = p.run()
	find(t, r, "tls", doctor.OK, "by Zscaler")
	find(t, r, "roots", doctor.OK, "one certificate of corp.pem", "Zscaler Root CA")
}

func TestUnknownAuthority(t *testing.T) {
	p := newPatient(t)
	ts, _ := signed(t, "Somebody", http.NotFoundHandler())
	p.Issuer = ts.URL + idp.IssuerPath
	p.finds("tls", doctor.Failed, `is by "Somebody"`, "--ca-file")
}

func TestPorts(t *testing.T) {
	p := newPatient(t)
	ln, err := net.Listen("tcp", strings.TrimSuffix(strings.TrimPrefix(p.RedirectURIs[0], "http://"), "/callback"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p.finds("port", doctor.Failed, "in use by another program", "no port to listen on", "lsof")
	p.PortOwner = func(int) (string, string) { return "httpd, process 42", "ss -ltnp" }
	p.finds("port", doctor.Failed, "(httpd, process 42)", "ss -ltnp")
	p.Listen = "127.0.0.1:" + unused(t)
	p.finds("port", doctor.OK, p.Listen)
	p.Listen = ""
	p.RedirectURIs = append(p.RedirectURIs, "http://localhost:"+unused(t)+"/callback")
	r := p.run()
	find(t, r, "port", doctor.Warning, "takes the next one")
	find(t, r, "port", doctor.OK, "127.0.0.1")
	p.RedirectURIs = []string{"https://app.example.com/callback"}
	p.finds("port", doctor.Failed, "not on this machine")
	p.RedirectURIs = nil
	p.finds("port", doctor.Failed, "redirect_uris")
}

func TestSettingsMissing(t *testing.T) {
	p := newPatient(t)
	p.Issuer, p.ClientID = "", ""
	r := p.run()
	find(t, r, "settings", doctor.Failed, "no issuer", "gatepass init")
	find(t, r, "discovery", doctor.Skipped)
}

func TestProxy(t *testing.T) {
	p := newPatient(t)
	env := map[string]string{"https_proxy": "http://ada:hunter2@proxy.example:8080"}
	p.Getenv = func(n string) string { return env[n] }
	p.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(env["https_proxy"]) }
	r := p.run()
	find(t, r, "proxy", doctor.OK, "by way of", "proxy.example:8080")
	if strings.Contains(list(r), "hunter2") {
		t.Error("the proxy's password is in the report")
	}
	env = map[string]string{"ALL_PROXY": "socks5://x"}
	p.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	p.finds("proxy", doctor.Warning, "not heeded")
	p.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("x") }
	p.finds("proxy", doctor.Failed, "HTTPS_PROXY")
}

func TestNames(t *testing.T) {
	p := newPatient(t)
	p.Issuer = "https://acme.invalid/oidc/2"
	p.Client = &http.Client{Transport: failing{&net.DNSError{Name: "acme.invalid", IsNotFound: true}}}
	p.Resolve = func(context.Context, string) ([]string, error) {
		return nil, &net.DNSError{Name: "acme.invalid", IsNotFound: true}
	}
	r := p.run()
	find(t, r, "dns", doctor.Failed, "no host acme.invalid")
	find(t, r, "discovery", doctor.Failed, "no host acme.invalid")
	if !r.NetworkOnly() {
		t.Errorf("more than the network is wrong:\n%s", list(r))
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestLogin(t *testing.T) {
	p := newPatient(t)
	p.Login = func() (doctor.Login, error) {
		return doctor.Login{Name: "Ada", LoggedIn: true, Renewed: true, Where: "file x"}, nil
	}
	p.finds("login", doctor.OK, "logged in as Ada", "renewed")
	p.Login = func() (doctor.Login, error) { return doctor.Login{Name: "Ada", Expiry: time.Now()}, nil }
	p.finds("login", doctor.Skipped, "has ended")
	p.Login = func() (doctor.Login, error) {
		return doctor.Login{}, fault.New(fault.Failed, "x.json is open to other users").WithHint("chmod 600 x.json")
	}
	p.finds("login", doctor.Failed, "open to other users", "chmod 600")
}

func TestKeyring(t *testing.T) {
	p := newPatient(t)
	broken := func() error { return errors.New("no D-Bus") }
	p.finds("keyring", doctor.Skipped, "only you can read")
	p.Keyring = func() error { return nil }
	p.finds("keyring", doctor.OK)
	p.Keyring = broken
	p.finds("keyring", doctor.Skipped)
	p.Keyring = func() error { panic("nonsense") }
	p.Store = "keyring"
	p.finds("keyring", doctor.Failed, "nonsense")
	p.Keyring, p.Store = broken, ""
	p.Login = func() (doctor.Login, error) { return doctor.Login{Name: "Ada", LoggedIn: true, Store: "keyring"}, nil }
	p.finds("keyring", doctor.Failed, "no D-Bus", "--store file")
	p.Keyring = nil
	p.finds("keyring", doctor.Failed)
	p.Store = "file"
	p.finds("keyring", doctor.Skipped, "store: file")
}

func TestAPI(t *testing.T) {
	for _, tc := range []struct {
		name, path string
		status     int
		header     map[string]string
		body       string
		result     doctor.Result
		words      string
	}{
		{"it wants a token", "", 401, map[string]string{"x-amzn-ErrorType": "UnauthorizedException"}, `{"message":"Unauthorized"}`, doctor.OK, "it wants a token in Authorization"},
		{"no route at the root", "", 403, map[string]string{"x-amzn-ErrorType": "MissingAuthenticationTokenException"}, `{"message":"Missing Authentication Token"}`, doctor.OK, "--path"},
		{"no route where there should be one", "/orders", 403, map[string]string{"x-amzn-ErrorType": "MissingAuthenticationTokenException"}, `{"message":"Missing Authentication Token"}`, doctor.Warning, "GET /orders"},
		{"open", "", 200, nil, "hello", doctor.OK, "open to everybody"},
		{"open where it should not be", "/orders", 200, nil, "hello", doctor.Warning, "let in"},
		{"the authorizer fails", "/orders", 500, map[string]string{"x-amzn-ErrorType": "AuthorizerConfigurationException"}, `{"message":null}`, doctor.Warning, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" || !strings.HasPrefix(r.URL.Path, "/prod/") {
					t.Errorf("asked with %v for %s", r.Header, r.URL)
				}
				for k, v := range tc.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}))
			defer ts.Close()
			p := newPatient(t)
			p.API.URL, p.API.Path = ts.URL+"/prod", tc.path
			p.finds("api", tc.result, tc.words)
		})
	}
	p := newPatient(t)
	p.API.URL = "http://127.0.0.1:1" // nobody listens there
	if f := p.finds("api", doctor.Failed, "refuses connections"); !f.Network {
		t.Error("that is the network")
	}
}

func TestAuthorizerFile(t *testing.T) {
	load := func(p *patient, text string) {
		p.AuthorizerFile = "authorizer.yaml"
		p.Authorizer = func() (*authorizer.File, error) {
			text := strings.NewReplacer("ISSUER", p.Issuer, "CLIENT", p.ClientID).Replace(text)
			n, err := source.Parse("authorizer.yaml", []byte(text))
			if err != nil {
				return nil, err
			}
			return authorizer.Load(n)
		}
	}
	const rest = "principal: ${jwt:sub}\npolicy:\n  Version: \"2012-10-17\"\n  Statement:\n    - {Effect: Allow, Resource: \"GET /orders\"}\n"
	good := "version: 1\ntokens: [{issuer: ISSUER, audience: [CLIENT], use: access}]\nsource: header Authorization Bearer\n" + rest
	p := newPatient(t)
	load(p, good)
	if r := p.run(); !r.Well() {
		t.Errorf("not well:\n%s", list(r))
	}
	load(p, strings.Replace(good, "header Authorization Bearer", "header authorizationToken", 1))
	p.finds("token_place", doctor.Failed, "header authorizationToken", "api.send", "401")
	load(p, strings.Replace(good, "[CLIENT]", "[another]", 1))
	p.finds("tokens", doctor.Failed, "audience")
	load(p, strings.Replace(good, "issuer: ISSUER", "issuer: https://other.example", 1))
	p.finds("tokens", doctor.Failed, "takes no tokens of")
	load(p, strings.Replace(good, "use: access", "use: id", 1))
	p.finds("tokens", doctor.Failed, "the other kind")
	load(p, "version: 1\npolciy: {}\n")
	p.finds("authorizer", doctor.Failed, "authorizer.yaml:2")
}

// A server that never answers is given up, and the others are heard meanwhile.
func TestEveryCheckEnds(t *testing.T) {
	block := make(chan struct{})
	p := newPatient(t)
	p.front = func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-block:
		case <-r.Context().Done():
		}
		return true
	}
	defer close(block)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	r := doctor.Run(ctx, p.Options)
	find(t, r, "discovery", doctor.Failed, "time limit")
	find(t, r, "port", doctor.OK)
	if !slices.ContainsFunc(r.Findings, func(f doctor.Finding) bool { return f.Network }) {
		t.Error("a time limit is the network's")
	}
}

func Example() {
	report := doctor.Run(context.Background(), doctor.Options{
		Profile: "dev", Why: "the only one", Now: time.Now,
		Login: func() (doctor.Login, error) { return doctor.Login{}, nil },
	})
	for _, f := range report.Findings {
		if f.Result == doctor.Failed {
			fmt.Println(f.Check+":", f.What)
		}
	}
	// Output:
	// settings: no issuer is set
	// settings: no client id is set
	// port: no redirect URI is set
}

// A redirect URI that answers of two issuers come to is said, unless the answers
// say whose they are.
func TestSharedRedirectURI(t *testing.T) {
	p := newPatient(t)
	p.Sharing = []string{"the profile other, of https://login.other.example"}
	if r := p.run(); r.Well() {
		t.Error("all is well")
	}
	p.finds("mix_up", doctor.Warning, "profile other", "redirect URI for each issuer")
	p.says("authorization_response_iss_parameter_supported")
	for _, f := range p.run().Findings {
		if f.Check == "mix_up" {
			t.Errorf("found %+v", f)
		}
	}
}

// What no login can do is not well, whatever the authorization endpoint answers.
func TestPushedRequests(t *testing.T) {
	p := newPatient(t)
	p.says("require_pushed_authorization_requests")
	p.finds("client", doctor.Failed, "PAR")
}
