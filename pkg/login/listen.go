package login

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/loopback"
)

// target is a redirect URI that can be listened on.
type target struct {
	raw  string
	uri  *url.URL
	host string // localhost or a loopback address
	port int
	at   address
}

func (t target) secure() bool { return t.uri.Scheme == "https" }

// address is where to listen in place of the redirect URI's own host and port: a
// container listens on all its addresses, and who runs it forwards the port.
type address struct {
	host string // an IP address; empty: that of the redirect URI
	port int    // negative: that of the redirect URI
}

// parseAddress reads ADDRESS, ADDRESS:PORT or :PORT. The address is an IP address
// and no name: what a name stands for is somebody else's to say.
func parseAddress(s string) (address, error) {
	bad := fault.New(fault.Usage, "the address to listen on is %q, want an IP address with or without a port", clip(s)).
		WithHint("for example 0.0.0.0 in a container whose port is forwarded, or 127.0.0.1:9000")
	if s == "" {
		return address{port: -1}, nil
	}
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return address{host: a.String(), port: -1}, nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return address{}, bad
	}
	at := address{port: -1}
	if host != "" {
		a, err := netip.ParseAddr(host)
		if err != nil {
			return address{}, bad
		}
		at.host = a.String()
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return address{}, bad
	}
	at.port = int(n)
	return at, nil
}

// exposed reports whether others than this machine can connect.
func (a address) exposed() bool { return a.host != "" && !loopback.Is(a.host) }

// parseTargets checks all redirect URIs before any is used.
func parseTargets(uris []string) ([]target, error) {
	if len(uris) == 0 {
		return nil, fault.New(fault.Usage, "there is no redirect URI").
			WithHint("give one that is registered for the app: --redirect-uri http://localhost:3000/oauth/callback")
	}
	var list []target
	for _, raw := range uris {
		t, err := parseTarget(raw)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

func parseTarget(raw string) (target, error) {
	u, err := url.Parse(raw)
	const example = "want a redirect URI such as http://localhost:3000/oauth/callback"
	switch {
	case err != nil:
		return target{}, fault.New(fault.Usage, "%q is no URL: %s", clip(raw), example)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return target{}, fault.New(fault.Usage, "%q is not http: %s", clip(raw), example)
	case !loopback.Is(u.Hostname()):
		return target{}, fault.New(fault.Usage, "the redirect URI %q is not on this machine: %s", clip(raw), example).
			WithHint("the answer of the login comes to a port of this machine; 127.0.0.1, [::1] and localhost are taken")
	case u.User != nil || strings.Contains(raw, "#") || u.RawQuery != "" || u.ForceQuery:
		return target{}, fault.New(fault.Usage, "the redirect URI %q has more than host, port and path: %s", clip(raw), example)
	}
	t := target{raw: raw, uri: u, host: u.Hostname(), port: 80}
	if t.secure() {
		t.port = 443
	}
	if p := u.Port(); p != "" {
		if t.port, err = strconv.Atoi(p); err != nil || t.port > 65535 {
			return target{}, fault.New(fault.Usage, "the redirect URI %q has no port from 0 to 65535: %s", clip(raw), example)
		}
	}
	return t, nil
}

// listener has the sockets of one redirect URI.
type listener struct {
	redirectURI string
	uri         *url.URL
	sockets     []net.Listener
	// certificate is the one made for the redirect URI; nil for http, and where
	// one was given.
	certificate *tls.Certificate
}

func (l *listener) close() {
	for _, s := range l.sockets {
		_ = s.Close()
	}
}

// listen opens the first redirect URI whose port is free.
func listen(ctx context.Context, targets []target) (*listener, error) {
	var taken, uris []string
	var last error
	first := 0
	for _, t := range targets {
		l, err := t.listen(ctx)
		if err == nil {
			return l, nil
		}
		if last = err; inUse(err) {
			port := t.listenPort()
			taken = append(taken, strconv.Itoa(port)+owned(port))
			first = cmp.Or(first, port)
		}
		uris = append(uris, t.raw)
	}
	if len(taken) == 0 {
		return nil, fault.New(fault.Failed, "cannot listen on %s: %w", strings.Join(uris, ", "), last)
	}
	return nil, fault.New(fault.Failed, "no redirect URI can be listened on, these ports are in use: %s", strings.Join(taken, ", ")).
		WithHint("stop that program, or register one more redirect URI for the app and add it. Find it with: %s", ownerCommand(first))
}

// owned names the program that has a port, where that can be found out.
func owned(port int) string {
	if name := portOwner(port); name != "" {
		return " (by " + iostreams.Visible(name) + ")"
	}
	return ""
}

func (t target) listenPort() int {
	if t.at.port >= 0 {
		return t.at.port
	}
	return t.port
}

// listen opens the target's sockets: one for an address, two for localhost,
// which a browser may take to mean either family. Were one of them left open,
// another program could take it, and the code with it. Two sockets, because one
// for both families would be open to the whole network.
func (t target) listen(ctx context.Context) (*listener, error) {
	addresses := []string{t.host}
	switch {
	case t.at.host != "":
		addresses = []string{t.at.host}
	case strings.EqualFold(t.host, "localhost"):
		addresses = []string{"127.0.0.1", "::1"}
	}
	const tries = 8 // a port taken at random for one family may be in use in the other
	for try := 0; ; try++ {
		l, err := t.open(ctx, addresses)
		if err == nil || t.listenPort() != 0 || try == tries {
			return l, err
		}
	}
}

func (t target) open(ctx context.Context, addresses []string) (*listener, error) {
	l := &listener{redirectURI: t.raw, uri: t.uri}
	port := t.listenPort()
	var missing error
	for _, a := range addresses {
		var lc net.ListenConfig
		s, err := lc.Listen(ctx, network(a), net.JoinHostPort(a, strconv.Itoa(port)))
		if noFamily(err) {
			missing = err // a machine without IPv6, or without IPv4
			continue
		}
		if err != nil {
			l.close()
			return nil, err
		}
		l.sockets = append(l.sockets, s)
		port = s.Addr().(*net.TCPAddr).Port
	}
	if len(l.sockets) == 0 {
		return nil, missing
	}
	if t.port == 0 {
		u := *t.uri
		u.Host = net.JoinHostPort(t.host, strconv.Itoa(port))
		l.uri, l.redirectURI = &u, u.String()
	}
	return l, nil
}

// network keeps 0.0.0.0 from meaning every address of both families.
func network(address string) string {
	if strings.Contains(address, ":") {
		return "tcp"
	}
	return "tcp4"
}

// secure makes the listener of an https redirect URI speak TLS: with the given
// certificate, or with one made now.
func (l *listener) secure(given *tls.Certificate, now time.Time) error {
	if l.uri.Scheme != "https" {
		return nil
	}
	c := given
	if c == nil {
		var err error
		if c, err = NewCertificate(now); err != nil {
			return fault.New(fault.Failed, "no certificate can be made for %s: %w", l.redirectURI, err)
		}
		l.certificate = c
	} else if err := checkCertificate(c, l.uri.Hostname(), now); err != nil {
		return err
	}
	for i, s := range l.sockets {
		l.sockets[i] = secure(s, c)
	}
	return nil
}

// serve answers until the returned function is called. That function lets a
// page under way be sent, under a time limit of its own: the login's context
// may have ended.
func (l *listener) serve(ctx context.Context, h http.Handler) (stop func()) {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
	srv.SetKeepAlivesEnabled(false)
	for _, s := range l.sockets {
		if l.uri.Scheme == "http" {
			s = plain{s}
		}
		go func() { _ = srv.Serve(s) }()
	}
	return func() {
		// Browsers open connections that they send nothing on, and Shutdown
		// waits for those: hence a limit that a person does not notice.
		fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
		defer cancel()
		if srv.Shutdown(fresh) != nil {
			_ = srv.Close()
		}
	}
}

// sameHost reports whether a request's Host is that of the redirect URI. A page
// of another site that makes its name mean 127.0.0.1 sends its own.
func sameHost(u *url.URL, host string) bool {
	usual := "80"
	if u.Scheme == "https" {
		usual = "443"
	}
	return strings.EqualFold(withPort(u.Host, usual), withPort(host, usual))
}

func withPort(host, usual string) string {
	u := url.URL{Host: host}
	if u.Port() != "" {
		return host
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && a.Is6() {
		return "[" + u.Hostname() + "]:" + usual
	}
	return u.Hostname() + ":" + usual
}
