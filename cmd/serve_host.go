package cmd

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatepass/pkg/fault"
	"gatepass/pkg/loopback"
)

// calledAs are the names that a server of ours may be called by. A browser calls it by
// the name in its address bar, and anybody can make a name of theirs lead to this
// machine: their page would then read what is served here (DNS rebinding). Addresses
// cannot be made to lead anywhere else. The port is not looked at: tunnels and
// containers have others, and it makes no name another.
type calledAs struct {
	more  []string // of --allow-host: in lower case; * is every name
	names []string // that other settings say, likewise
	cert  *x509.Certificate
	open  bool // other machines reach the server, by any of its addresses
}

func (c *calledAs) add(f *pflag.FlagSet) {
	listVar(f, &c.more, "allow-host", "", "take requests for this host `name`, too, such as host.docker.internal; * takes every name; repeatable")
}

// check refuses what is no name, and notes the names that the other settings say: the
// host of a URL and of the address to listen on.
func (c *calledAs) check(listen, base string) error {
	for i, name := range c.more {
		name = strings.ToLower(name)
		if name == "" || name != "*" && strings.ContainsAny(name, "*/: \t@") {
			return fault.New(fault.Usage, "want a host name for --allow-host, got %q", cutText(name, 60)).
				WithHint("without http:// and without a port: api.example.com")
		}
		c.more[i] = strings.TrimSuffix(name, ".")
	}
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		c.names = append(c.names, strings.ToLower(host))
	}
	if u, err := url.Parse(base); err == nil && u.Hostname() != "" {
		c.names = append(c.names, strings.ToLower(u.Hostname()))
	}
	return nil
}

// reached notes where the server is, and the names of its certificate if it has one.
func (c *calledAs) reached(at net.Addr, secured *tls.Config) {
	_, c.open = reachedAt(at)
	if secured != nil {
		c.cert, _ = x509.ParseCertificate(secured.Certificates[0].Certificate[0]) // it was read before
	}
}

// takes reports whether a request may have a Host. One without any is no browser's.
func (c *calledAs) takes(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if host == "" || loopback.Is(host) {
		return true
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return c.open || slices.Contains(c.names, a.WithZone("").String())
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	// Names below localhost are nobody's: browsers keep them on this machine (RFC 6761
	// section 6.3).
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || isAWSName(host) ||
		slices.Contains(c.names, host) || slices.Contains(c.more, "*") || slices.Contains(c.more, host) ||
		c.cert != nil && c.cert.VerifyHostname(host) == nil
}

// isAWSName reports whether a name is one of API Gateway's, which AWS alone can make
// lead anywhere: a copied request may keep its Host.
func isAWSName(host string) bool {
	return strings.Contains(host, ".execute-api.") && (strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn"))
}

// guard refuses requests for other names, and tells of them.
func (c *calledAs) guard(h http.Handler, refused func(r *http.Request, why string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.takes(r.Host) {
			h.ServeHTTP(w, r)
			return
		}
		name := r.Host
		if host, _, err := net.SplitHostPort(name); err == nil {
			name = host
		}
		name = cutText(name, 80)
		why := "the request is for the host " + name + ", which this server is not called by; if it is, start it with --allow-host " + name
		if refused != nil {
			refused(r, why)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusMisdirectedRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": why}) // whoever has gone away needs no answer
	})
}
