package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatepass/pkg/loopback"
	"gatepass/pkg/netfault"
)

// maxAnswer is the most that is read of an answer, in bytes.
const maxAnswer = 1 << 20

// answer is what a server said.
type answer struct {
	url     *url.URL // of the last request, after redirects
	status  int
	header  http.Header
	body    []byte
	tls     *tls.ConnectionState
	asked   time.Time // by our clock, in the middle of the request
	stopped bool      // at a redirect that was not followed
}

var errTooLong = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)

// do makes a request, without cookies, and follows the redirects that follow says
// yes to, five at most. Only a GET is ever redirected.
func (e *examination) do(ctx context.Context, req *http.Request, follow func(*url.URL) bool) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	req.Header.Set("User-Agent", "gatepass")
	for hops := 0; ; hops++ {
		a, err := e.once(req.WithContext(ctx))
		if err != nil || a.status < 300 || a.status > 399 {
			return a, err
		}
		next, err := a.url.Parse(a.header.Get("Location"))
		if err != nil || a.header.Get("Location") == "" || req.Method != http.MethodGet || hops == 5 || !follow(next) {
			a.stopped = true
			return a, nil
		}
		if req, err = http.NewRequestWithContext(ctx, http.MethodGet, next.String(), nil); err != nil {
			a.stopped = true
			return a, nil
		}
	}
}

func (e *examination) once(req *http.Request) (*answer, error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if e.Client != nil {
		client.Transport = e.Client.Transport
	}
	before := e.Now()
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	after := e.Now()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxAnswer:
		return nil, errTooLong
	}
	return &answer{
		url: req.URL, status: resp.StatusCode, header: resp.Header, body: body, tls: resp.TLS,
		asked: before.Add(after.Sub(before) / 2),
	}, nil
}

// get asks for a document of the issuer. Redirects are followed as the login
// follows them: to https, or to where it stays on this machine.
func (e *examination) get(ctx context.Context, address string) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	return e.do(ctx, req, func(u *url.URL) bool {
		return u.Scheme == "https" || u.Scheme == "http" && req.URL.Scheme == "http" && loopback.Is(u.Hostname())
	})
}

// unreachable is the finding for a request without an answer.
func (e *examination) unreachable(check string, u *url.URL, err error) Finding {
	f := Finding{Check: check, Result: Failed, Network: true, Why: "nothing can be asked of " + u.Host + " from here"}
	if errors.Is(err, errTooLong) {
		f.What, f.Network = errTooLong.Error(), false
		f.Change = "check the address: something else answers there"
		return f
	}
	cause := netfault.Of(err, u.Host)
	f.What, f.Change = cause.Why, cause.Do
	if f.Change == "" {
		f.Change = "check the network, and try again"
	}
	var v *tls.CertificateVerificationError
	if !errors.As(err, &v) {
		return f
	}
	f.Details = chainOf(v.UnverifiedCertificates)
	if cause.Kind != netfault.Untrusted {
		return f
	}
	f.Why = "browsers may trust more than other programs do, so that the login page opens and the login fails"
	f.Change = "if that is your network's proxy: save its root certificate as PEM and set ca_file in your own settings, or --ca-file FILE; otherwise somebody is in between"
	if who := interceptor(v.UnverifiedCertificates); who != "" {
		f.What += ": " + who + " looks into the connections of this network"
		f.Change = "save the root certificate of " + who + " as PEM (your administrators have it) and set ca_file in your own settings, or --ca-file FILE"
	}
	return f
}

// chainOf names the certificates of a chain, the server's first.
func chainOf(chain []*x509.Certificate) []string {
	var list []string
	for _, c := range chain[:min(len(chain), 6)] {
		list = append(list, fmt.Sprintf("%s, signed by %s, until %s", clip(nameOf(c.Subject.CommonName, c.Subject.String())),
			clip(nameOf(c.Issuer.CommonName, c.Issuer.String())), c.NotAfter.Format(time.DateOnly)))
	}
	return list
}

func nameOf(common, whole string) string {
	if common != "" {
		return common
	}
	return whole
}

// interceptors are words in the names of certificates with which proxies and
// virus scanners sign in place of the server's owner, and whose they are.
func interceptors() [][2]string {
	return [][2]string{
		{"zscaler", "Zscaler"},
		{"netskope", "Netskope"},
		{"goskope", "Netskope"},
		{"fortinet", "Fortinet"},
		{"fortigate", "Fortinet"},
		{"palo alto", "Palo Alto Networks"},
		{"cisco umbrella", "Cisco Umbrella"},
		{"cloudflare gateway", "Cloudflare Gateway"},
		{"gateway ca - cloudflare", "Cloudflare Gateway"},
		{"forcepoint", "Forcepoint"},
		{"blue coat", "Blue Coat"},
		{"skyhigh", "Skyhigh Security"},
		{"sophos", "Sophos"},
		{"check point", "Check Point"},
		{"barracuda", "Barracuda"},
		{"watchguard", "WatchGuard"},
		{"sonicwall", "SonicWall"},
		{"cato networks", "Cato Networks"},
		{"menlo security", "Menlo Security"},
		{"iboss", "iboss"},
		{"kaspersky", "Kaspersky"},
		{"eset ssl filter", "ESET"},
		{"bitdefender", "Bitdefender"},
		{"avast", "Avast"},
		{"mitmproxy", "mitmproxy"},
		{"charles proxy", "Charles"},
		{"do_not_trust_fiddlerroot", "Fiddler"},
		{"portswigger", "Burp"},
	}
}

// interceptor is who looks into a connection, by the names in the chain; empty
// where nobody is known to.
func interceptor(chain []*x509.Certificate) string {
	for _, c := range chain {
		names := strings.ToLower(c.Issuer.String())
		for _, i := range interceptors() {
			if strings.Contains(names, i[0]) {
				return i[1]
			}
		}
	}
	return ""
}

// clip cuts text from outside to what fits a line or two.
func clip(s string) string {
	const most = 160
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
