package login

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/fault"
)

// target is a redirect URI that can be listened on.
type target struct {
	raw  string
	uri  *url.URL
	host string // localhost or a loopback address
	port int
}

// parseTargets checks all redirect URIs before any is used. Those with https are
// left out: answering them takes a certificate.
func parseTargets(uris []string, note func(string)) ([]target, error) {
	if len(uris) == 0 {
		return nil, fault.New(fault.Usage, "there is no redirect URI").
			WithHint("give one that is registered for the app: --redirect-uri http://localhost:3000/oauth/callback")
	}
	var list []target
	for _, raw := range uris {
		t, err := parseTarget(raw)
		switch {
		case err != nil:
			return nil, err
		case t.uri.Scheme == "https" && len(uris) > 1:
			note("https redirect URIs cannot be answered yet, trying the others: " + raw)
		case t.uri.Scheme == "https":
			return nil, errHTTPS(raw)
		default:
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		return nil, errHTTPS(uris[0])
	}
	return list, nil
}

func errHTTPS(raw string) error {
	return fault.New(fault.Usage, "https redirect URIs cannot be answered yet: %s", raw).
		WithHint("register an http one as well, which OneLogin takes for localhost: --redirect-uri http%s", strings.TrimPrefix(raw, "https"))
}

func parseTarget(raw string) (target, error) {
	u, err := url.Parse(raw)
	const example = "want a redirect URI such as http://localhost:3000/oauth/callback"
	switch {
	case err != nil:
		return target{}, fault.New(fault.Usage, "%q is no URL: %s", clip(raw), example)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return target{}, fault.New(fault.Usage, "%q is not http: %s", clip(raw), example)
	case !loopback(u.Hostname()):
		return target{}, fault.New(fault.Usage, "the redirect URI %q is not on this machine: %s", clip(raw), example).
			WithHint("the answer of the login comes to a port of this machine; 127.0.0.1, [::1] and localhost are taken")
	case u.User != nil || strings.Contains(raw, "#") || u.RawQuery != "" || u.ForceQuery:
		return target{}, fault.New(fault.Usage, "the redirect URI %q has more than host, port and path: %s", clip(raw), example)
	}
	t := target{raw: raw, uri: u, host: u.Hostname(), port: 80}
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
	for _, t := range targets {
		l, err := t.listen(ctx)
		if err == nil {
			return l, nil
		}
		if last = err; inUse(err) {
			taken = append(taken, strconv.Itoa(t.port))
		}
		uris = append(uris, t.raw)
	}
	if len(taken) == 0 {
		return nil, fault.New(fault.Failed, "cannot listen on %s: %w", strings.Join(uris, ", "), last)
	}
	return nil, fault.New(fault.Failed, "no redirect URI can be listened on: another program uses port %s", strings.Join(taken, ", ")).
		WithHint("find it with: lsof -i :%s   or register one more redirect URI for the app and add it", taken[0])
}

// listen opens the target's sockets: one for an address, two for localhost,
// which a browser may take to mean either family. Were one of them left open,
// another program could take it, and the code with it. Two sockets, because one
// for both families would be open to the whole network.
func (t target) listen(ctx context.Context) (*listener, error) {
	addresses := []string{t.host}
	if strings.EqualFold(t.host, "localhost") {
		addresses = []string{"127.0.0.1", "::1"}
	}
	const tries = 8 // a port taken at random for one family may be in use in the other
	for try := 0; ; try++ {
		l, err := t.open(ctx, addresses)
		if err == nil || t.port != 0 || try == tries {
			return l, err
		}
	}
}

func (t target) open(ctx context.Context, addresses []string) (*listener, error) {
	l := &listener{redirectURI: t.raw, uri: t.uri}
	port := t.port
	var missing error
	for _, a := range addresses {
		var lc net.ListenConfig
		s, err := lc.Listen(ctx, "tcp", net.JoinHostPort(a, strconv.Itoa(port)))
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
	return strings.EqualFold(withPort(u.Host), withPort(host))
}

func withPort(host string) string {
	u := url.URL{Host: host}
	if u.Port() != "" {
		return host
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && a.Is6() {
		return "[" + u.Hostname() + "]:80"
	}
	return u.Hostname() + ":80"
}
