package netfault_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatepass/pkg/netfault"
)

// TestOf has real failures of a real client.
func TestOf(t *testing.T) {
	quiet := log.New(io.Discard, "", 0)
	// Nobody listens on port 1. A port that was just closed may be taken by others.
	const closed = "http://127.0.0.1:1"
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	plain.Config.ErrorLog = quiet
	t.Cleanup(plain.Close)
	gone := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(gone.Close)
	strict := httptest.NewUnstartedServer(http.NotFoundHandler())
	strict.Config.ErrorLog = quiet
	strict.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	strict.StartTLS()
	t.Cleanup(strict.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	config := func(name string, now time.Time) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name, Time: func() time.Time { return now }}}}
	}
	late := &http.Client{Timeout: time.Nanosecond}
	for _, tc := range []struct {
		name, url string
		client    *http.Client
		kind      netfault.Kind
		why, do   string
	}{
		{"refused", closed, http.DefaultClient, netfault.Refused, "refuses connections", "running"},
		{"late", plain.URL, late, netfault.Late, "did not answer", "HTTPS_PROXY"},
		{"closed", gone.URL, http.DefaultClient, netfault.Closed, "closed the connection", "try again"},
		{"not TLS", strings.Replace(plain.URL, "http:", "https:", 1), http.DefaultClient, netfault.NotTLS, "does not speak TLS", "port"},
		{"untrusted", secure.URL, http.DefaultClient, netfault.Untrusted, `is by "Acme Co", who is not trusted here`, "ca_file"},
		{"a certificate of the client", strict.URL, config("example.com", time.Now()), netfault.NoHandshake, "breaks off TLS: certificate required", "a certificate of the client"},
		{"another name", secure.URL, config("acme.onelogin.example", time.Now()), netfault.OtherName, "is for another name", "it is for example.com, "},
		{"another time", secure.URL, config("example.com", time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)), netfault.WrongTime, "has expired or is not valid yet", "is this machine's clock right?"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, err := tc.client.Get(tc.url + "/?secret=x")
			if err == nil {
				res.Body.Close()
				t.Fatal("there was an answer")
			}
			u, _ := url.Parse(tc.url)
			got := netfault.Of(err, u.Host)
			if got.Kind != tc.kind || !strings.Contains(got.Why, tc.why) || !strings.Contains(got.Why, u.Host) || !strings.Contains(got.Do, tc.do) {
				t.Errorf("%+v, want kind %d, %q, %q; of %v", got, tc.kind, tc.why, tc.do, err)
			}
		})
	}
}

func TestOfRareErrors(t *testing.T) {
	dial := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://a.test/?secret=x", Err: &net.OpError{Op: "dial", Err: err}}
	}
	for _, tc := range []struct {
		err  error
		kind netfault.Kind
		why  string
	}{
		{dial(&net.DNSError{Name: "api.invalid", IsNotFound: true}), netfault.NoHost, "there is no host api.invalid"},
		{dial(&net.DNSError{Name: "api.invalid", IsTimeout: true}), netfault.NoName, "the name server does not answer for api.invalid"},
		{dial(&net.DNSError{Err: "server misbehaving"}), netfault.NoName, "the name a.test:443 could not be looked up"},
		{dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), netfault.NoWay, "there is no way to a.test:443 from here"},
		{dial(os.NewSyscallError("connect", syscall.Errno(10061))), netfault.Refused, "a.test:443 refuses connections"},
		{dial(context.DeadlineExceeded), netfault.Late, "a.test:443 did not answer"},
		{&net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}, netfault.Refused, "the proxy refuses connections"},
		{&net.OpError{Op: "proxyconnect", Err: &net.DNSError{Name: "prxy.test", IsNotFound: true}}, netfault.NoHost, "there is no host prxy.test, the proxy"},
		{dial(&tls.CertificateVerificationError{Err: errors.New("x509: too many names")}), netfault.BadCertificate, "is not valid: x509: too many names"},
		{dial(tls.AlertError(40)), netfault.NoHandshake, "breaks off the TLS handshake"},
		{dial(fmt.Errorf("odd: %w", errors.New(strings.Repeat("x", 5000)))), netfault.Other, "a.test:443: odd: xxx"},
		{errors.New("odd"), netfault.Other, "a.test:443: odd"},
	} {
		got := netfault.Of(tc.err, "a.test:443")
		if got.Kind != tc.kind || !strings.Contains(got.Why, tc.why) || strings.Contains(got.Why+got.Do, "secret") || len(got.Why) > 400 {
			t.Errorf("%v: %+v, want kind %d and %q", tc.err, got, tc.kind, tc.why)
		}
	}
}

func ExampleOf() {
	_, err := net.DialTimeout("tcp", "", time.Second)
	fmt.Println(netfault.Of(err, "acme.onelogin.com").Why)
	// Output: acme.onelogin.com: missing address
}
