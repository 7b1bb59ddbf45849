package login_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/login"
)

// pinned is a browser whose user compared the fingerprint before going on. It
// verifies the name and the dates as a browser does.
func pinned(host, fingerprint string) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, // the certificate is compared instead
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			sum := sha256.Sum256(raw[0])
			if got := strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":"); got != fingerprint {
				return fmt.Errorf("fingerprint %s, want %s", got, fingerprint)
			}
			leaf, err := x509.ParseCertificate(raw[0])
			if err != nil {
				return err
			}
			if leaf.IsCA || leaf.NotAfter.Sub(leaf.NotBefore) > 48*time.Hour {
				return errors.New("the certificate is good for more than a login")
			}
			if _, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok {
				return fmt.Errorf("a key of type %T", leaf.PublicKey)
			}
			for _, name := range []string{host, "localhost", "127.0.0.1", "::1"} {
				if err := leaf.VerifyHostname(name); err != nil {
					return err
				}
			}
			roots := x509.NewCertPool()
			roots.AddCert(leaf)
			_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host})
			return err
		},
	}}}
}

// The tutorial's own redirect URI, with a certificate made on the spot: on every
// address that localhost may mean.
func TestHTTPSCallback(t *testing.T) {
	i := newIssuer(t)
	cfg := i.config()
	cfg.RedirectURIs = []string{"https://localhost:0/oauth/callback"}
	a := start(t, i, cfg)
	u, err := url.Parse(a.r.RedirectURI)
	if err != nil || u.Scheme != "https" || u.Port() == "0" {
		t.Fatalf("redirect URI %s", a.r.RedirectURI)
	}
	if got := i.auth.Get("redirect_uri"); got != a.r.RedirectURI {
		t.Errorf("the issuer was told %s", got)
	}
	if len(a.r.Fingerprint) != 32*3-1 {
		t.Fatalf("fingerprint %q", a.r.Fingerprint)
	}
	client := pinned("localhost", a.r.Fingerprint)
	get := func(address, host string) (int, http.Header) {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, resp.Header
	}
	good := "?" + url.Values{"code": {"code-1"}, "state": {a.state}}.Encode()

	// The same checks as without TLS.
	if status, _ := get(a.r.RedirectURI+"?code=x&state=wrong", ""); status != 400 {
		t.Errorf("wrong state: %d", status)
	}
	if status, _ := get(a.r.RedirectURI+good, "evil.example:"+u.Port()); status != 421 {
		t.Errorf("another host: %d", status)
	}
	// A browser that does not know the certificate gives up. So do others.
	if _, err := (&http.Client{Transport: &http.Transport{}}).Get(a.r.RedirectURI + good); err == nil {
		t.Error("a certificate that nobody signed was believed")
	}
	for _, family := range []string{"127.0.0.1", "[::1]"} {
		resp, err := http.Get("http://" + family + ":" + u.Port() + "/oauth/callback" + good)
		if err != nil {
			if family == "127.0.0.1" {
				t.Error(err)
			}
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "https") {
			t.Errorf("plain http: %d %s", resp.StatusCode, body)
		}
	}
	a.waits()
	status, header := get(a.r.RedirectURI+good, "")
	if status != 200 || !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d %v", status, header)
	}
	if o := a.end(); o.err != nil || o.set.Access.Reveal() != "access-token-1" {
		t.Errorf("%v", o.err)
	}
}

// certificate writes a certificate that its own authority has signed.
func certificate(t *testing.T, change func(*x509.Certificate)) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	change(leaf)
	root, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}))
	return certFile, keyFile, roots
}

func TestHTTPSCallbackWithACertificate(t *testing.T) {
	i := newIssuer(t)
	certFile, keyFile, roots := certificate(t, func(*x509.Certificate) {})
	cfg := i.config()
	cfg.RedirectURIs = []string{"https://127.0.0.1:0/callback"}
	var err error
	if cfg.Certificate, err = login.LoadCertificate(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	a := start(t, i, cfg)
	if a.r.Fingerprint != "" {
		t.Error("there is a warning of a certificate that was given")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	resp, err := client.Get(a.query("code", "code-1", "state", a.state))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if o := a.end(); o.err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%d %v", resp.StatusCode, o.err)
	}
}

func TestCertificatesThatNoBrowserTakes(t *testing.T) {
	i := newIssuer(t)
	for text, change := range map[string]func(*x509.Certificate){
		"is not for localhost": func(c *x509.Certificate) { c.DNSNames = []string{"example.com"} },
		"has expired":          func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) },
		"not valid before":     func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) },
	} {
		cfg := i.config()
		cfg.RedirectURIs = []string{"https://localhost:0/callback"}
		certFile, keyFile, _ := certificate(t, change)
		var err error
		if cfg.Certificate, err = login.LoadCertificate(certFile, keyFile); err != nil {
			t.Fatal(err)
		}
		_, _, err = login.Login(t.Context(), cfg, login.UI{})
		want(t, err, fault.Usage, text)
	}
	certFile, keyFile, _ := certificate(t, func(*x509.Certificate) {})
	_, otherKey, _ := certificate(t, func(*x509.Certificate) {})
	for _, tc := range [][3]string{
		{certFile, otherKey, "no certificate with its key"},
		{keyFile, certFile, "no certificate with its key"},
		{certFile, keyFile + ".none", "cannot be read"},
	} {
		_, err := login.LoadCertificate(tc[0], tc[1])
		want(t, err, fault.Usage, tc[2])
	}
}

func post(t *testing.T, address, kind, body string) int {
	t.Helper()
	resp, err := http.Post(address, kind, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

const formType = "application/x-www-form-urlencoded"

// An answer as a form passes the same checks as one in the address.
func TestFormPost(t *testing.T) {
	i := newIssuer(t)
	i.discovery = func(doc map[string]any) { doc["response_modes_supported"] = []string{"query", "form_post"} }
	cfg := i.config()
	cfg.FormPost = true
	a := start(t, i, cfg)
	if got := i.auth.Get("response_mode"); got != "form_post" {
		t.Errorf("response_mode %q", got)
	}
	good := url.Values{"code": {"code-1"}, "state": {a.state}}.Encode()
	for name, tc := range map[string]struct {
		address, kind, body string
		status              int
	}{
		"wrong state":          {a.r.RedirectURI, formType, "code=x&state=wrong", 400},
		"no state":             {a.r.RedirectURI, formType, "error=access_denied", 400},
		"state twice":          {a.r.RedirectURI, formType, good + "&state=" + a.state, 400},
		"all in the address":   {a.r.RedirectURI + "?" + good, formType, "", 400},
		"state in the address": {a.query("state", a.state), formType, "code=code-1", 400},
		"JSON":                 {a.r.RedirectURI, "application/json", `{"code":"x"}`, 415},
		"plain text":           {a.r.RedirectURI, "text/plain", good, 415},
		"no type":              {a.r.RedirectURI, "", good, 415},
		"too long":             {a.r.RedirectURI, formType, good + "&x=" + strings.Repeat("x", 64<<10), 400},
		"bad escape":           {a.r.RedirectURI, formType, good + "&x=%zz", 400},
		"other path":           {a.r.RedirectURI + "/", formType, good, 404},
	} {
		if got := post(t, tc.address, tc.kind, tc.body); got != tc.status {
			t.Errorf("%s: status %d, want %d", name, got, tc.status)
		}
	}
	if status, _, h := a.send(http.MethodPut, a.r.RedirectURI, ""); status != 405 || h.Get("Allow") != "GET, POST" {
		t.Errorf("PUT: %d, Allow %q", status, h.Get("Allow"))
	}
	a.waits()
	if got := post(t, a.r.RedirectURI, formType+"; charset=utf-8", good); got != 200 {
		t.Errorf("status %d", got)
	}
	if o := a.end(); o.err != nil {
		t.Error(o.err)
	}
}

// A refusal comes as a form too; an issuer that knows no forms is not asked.
func TestFormPostRefused(t *testing.T) {
	i := newIssuer(t)
	cfg := i.config()
	cfg.FormPost = true
	a := start(t, i, cfg)
	if got := post(t, a.r.RedirectURI, formType, url.Values{"error": {"access_denied"}, "state": {a.state}}.Encode()); got != 400 {
		t.Errorf("status %d", got)
	}
	want(t, a.end().err, fault.Denied, "access_denied")

	i.discovery = func(doc map[string]any) { doc["response_modes_supported"] = []string{"query", "fragment"} }
	_, _, err := login.Login(t.Context(), cfg, login.UI{})
	want(t, err, fault.Usage, "does not offer the response mode form_post")
}

// Where nobody asked for forms, none is taken.
func TestNoFormUnasked(t *testing.T) {
	i := newIssuer(t)
	a := start(t, i, i.config())
	if got := post(t, a.r.RedirectURI, formType, url.Values{"code": {"x"}, "state": {a.state}}.Encode()); got != 405 {
		t.Errorf("status %d", got)
	}
	if got := i.auth.Get("response_mode"); got != "" {
		t.Errorf("response_mode %q", got)
	}
	a.waits()
}

// In a container the listener is where the port is forwarded to, and the redirect
// URI stays what is registered.
func TestListenElsewhere(t *testing.T) {
	i := newIssuer(t)
	cfg := i.config()
	const registered = "http://localhost:3999/oauth/callback"
	cfg.RedirectURIs, cfg.Listen = []string{registered}, "127.0.0.1:"+freePort(t)
	a := start(t, i, cfg)
	if a.r.RedirectURI != registered || i.auth.Get("redirect_uri") != registered {
		t.Errorf("redirect URI %s", a.r.RedirectURI)
	}
	address := "http://" + cfg.Listen + "/oauth/callback?" + url.Values{"code": {"code-1"}, "state": {a.state}}.Encode()
	if status, _, _ := a.send(http.MethodGet, address, ""); status != 421 {
		t.Errorf("the listener's own host: status %d, want 421", status)
	}
	if status, _, _ := a.send(http.MethodGet, address, "localhost:3999"); status != 200 {
		t.Errorf("status %d", status)
	}
	if o := a.end(); o.err != nil {
		t.Error(o.err)
	}
}

func TestListenToTheNetworkIsSaid(t *testing.T) {
	i := newIssuer(t)
	for listen, warned := range map[string]bool{"0.0.0.0": true, "0.0.0.0:0": true, "::": true, "127.0.0.1:0": false, "::1": false, "[::1]:0": false, ":0": false, "": false} {
		cfg := i.config()
		cfg.Listen = listen
		ctx, cancel := context.WithCancel(t.Context())
		said := ""
		_, _, err := login.Login(ctx, cfg, login.UI{Note: func(s string) { said += s }, Waiting: func(login.Request) { cancel() }})
		cancel()
		if got := strings.Contains(said, "whoever can reach"); got != warned {
			t.Errorf("%q: warned %v: %q, %v", listen, got, said, err)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// A browser that is set to https only learns at once that the redirect URI is http,
// and takes that.
func TestTLSToAnHTTPRedirectURI(t *testing.T) {
	i := newIssuer(t)
	b := newBrowser()
	_, _, err := login.Login(t.Context(), i.config(), login.UI{
		Waiting: func(r login.Request) {
			u, err := url.Parse(r.RedirectURI)
			if err != nil {
				t.Error(err)
				return
			}
			begin := time.Now()
			d := &tls.Dialer{Config: &tls.Config{ServerName: "localhost"}}
			c, err := d.DialContext(t.Context(), "tcp", u.Host)
			if err == nil {
				c.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "protocol version") || time.Since(begin) > 2*time.Second {
				t.Errorf("after %v: %v", time.Since(begin), err)
			}
		},
		Open: b.open,
	})
	if err != nil {
		t.Error(err)
	}
}
