package doctor

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gatepass/pkg/loopback"
	"gatepass/pkg/netfault"
)

// settings are what there is to work with, and where it comes from.
func (e *examination) settings(context.Context) []Finding {
	f := ok("settings", fmt.Sprintf("profile %s, %s", e.Profile, e.Why))
	for _, s := range e.Settings {
		f.Details = append(f.Details, fmt.Sprintf("%s: %s (%s)", s.Key, s.Value, s.From))
	}
	all := one(f)
	missing := func(what, why, change string) {
		all = append(all, Finding{Check: "settings", Result: Failed, What: what, Why: why, Change: change})
	}
	if e.Issuer == "" {
		missing("no issuer is set", "there is nobody to log in at", "gatepass init makes a profile from your OneLogin subdomain; or set issuer or subdomain")
	} else if e.issuer == nil {
		missing("the issuer is no URL: "+clip(e.Issuer), "there is nobody to log in at", "OneLogin's issuers look like https://SUBDOMAIN.onelogin.com/oidc/2")
	}
	if e.ClientID == "" {
		missing("no client id is set", "the issuer must know which app asks", "copy it from the SSO tab of the app in OneLogin, and set client_id")
	}
	if e.IssuerNote != "" {
		all = append(all, ok("settings", e.IssuerNote))
	}
	return all
}

// proxyVariables are those that Go heeds, and ALL_PROXY, which it does not.
func proxyVariables() []string { return []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"} }

// proxy shows the variables and what they mean for the hosts that are asked.
func (e *examination) proxy(context.Context) []Finding {
	f := ok("proxy", "no proxy is set")
	set := map[string]bool{}
	for _, name := range append(proxyVariables(), "SSL_CERT_FILE", "SSL_CERT_DIR") {
		for _, n := range []string{name, strings.ToLower(name)} {
			if v := e.getenv(n); v != "" && !set[name] {
				set[name] = true
				f.Details = append(f.Details, n+"="+withoutPassword(v))
			}
		}
	}
	var ways []string
	for _, u := range []*url.URL{e.issuer, e.api} {
		if u == nil || e.Proxy == nil || u == e.api && e.issuer != nil && sameHost(u, e.issuer) {
			continue
		}
		p, err := e.Proxy(&http.Request{Method: http.MethodGet, URL: u})
		switch {
		case err != nil:
			f.Result, f.What = Failed, "the proxy setting cannot be read"
			f.Why = "no request gets out"
			f.Change = "write HTTPS_PROXY=http://HOST:PORT"
			return one(f)
		case p != nil:
			ways = append(ways, fmt.Sprintf("%s by way of %s", u.Host, p.Redacted()))
		case len(set) > 0:
			ways = append(ways, u.Host+" directly")
		}
	}
	switch {
	case set["ALL_PROXY"] && !set["HTTPS_PROXY"]:
		f.Result, f.What = Warning, "ALL_PROXY is set and HTTPS_PROXY is not"
		f.Why, f.Change = "ALL_PROXY is not heeded, so requests go out directly", "set HTTPS_PROXY to the same"
	case len(ways) > 0:
		f.What = strings.Join(ways, ", ")
	}
	return one(f)
}

func (e *examination) getenv(name string) string {
	if e.Getenv == nil {
		return ""
	}
	return e.Getenv(name)
}

// withoutPassword shows a proxy's address without the password in it.
func withoutPassword(v string) string {
	at := strings.LastIndexByte(v, '@')
	if at < 0 {
		return clip(v)
	}
	scheme := ""
	if i := strings.Index(v, "://"); i >= 0 && i < at {
		scheme = v[:i+3]
	}
	return clip(scheme + "…" + v[at:])
}

// roots looks at the certificates that are trusted besides the system's.
func (e *examination) roots(context.Context) []Finding {
	if len(e.CAFiles) == 0 {
		return one(ok("roots", "the certificates that the system trusts"))
	}
	var all []Finding
	for _, file := range e.CAFiles {
		f := ok("roots", "")
		f.Subject = file.Path
		n := 0
		for block, rest := pem.Decode(file.PEM); block != nil; block, rest = pem.Decode(rest) {
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				continue
			}
			n++
			name := nameOf(c.Subject.CommonName, c.Subject.String())
			switch now := e.Now(); {
			case now.After(c.NotAfter), now.Before(c.NotBefore):
				f.Result, f.Why = Warning, "it makes nothing trusted"
				f.Change = "get the current one"
				f.Details = append(f.Details, fmt.Sprintf("%s is valid from %s to %s only", clip(name), c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly)))
			default:
				f.Details = append(f.Details, fmt.Sprintf("%s, until %s", clip(name), c.NotAfter.Format(time.DateOnly)))
			}
		}
		f.What = fmt.Sprintf("%d certificates of %s besides those of the system", n, file.Path)
		if n == 1 {
			f.What = fmt.Sprintf("one certificate of %s besides those of the system", file.Path)
		}
		all = append(all, f)
	}
	return all
}

// names looks up the hosts. Behind a proxy it is the proxy that does.
func (e *examination) names(ctx context.Context) []Finding {
	var checks []func(context.Context) []Finding
	seen := map[string]bool{}
	for _, u := range []*url.URL{e.issuer, e.api} {
		if u == nil || seen[u.Hostname()] {
			continue
		}
		seen[u.Hostname()] = true
		checks = append(checks, func(ctx context.Context) []Finding { return one(e.name(ctx, u)) })
	}
	if len(checks) == 0 {
		return one(skipped("dns", "no host is set"))
	}
	return e.together(ctx, checks...)
}

func (e *examination) name(ctx context.Context, u *url.URL) Finding {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	host := u.Hostname()
	f := Finding{Check: "dns", Subject: host, Result: OK}
	if _, err := netip.ParseAddr(host); err == nil {
		f.What = host + " is an address"
		return f
	}
	resolve := e.Resolve
	if resolve == nil {
		resolve = net.DefaultResolver.LookupHost
	}
	addresses, err := resolve(ctx, host)
	if err == nil && len(addresses) == 0 {
		err = &net.DNSError{Name: host, IsNotFound: true}
	}
	if err == nil {
		f.What = host + " is " + strings.Join(addresses[:min(len(addresses), 4)], ", ")
		return f
	}
	if e.Proxy != nil {
		if p, err := e.Proxy(&http.Request{Method: http.MethodGet, URL: u}); err == nil && p != nil {
			f.Result, f.What = Skipped, host+" is not known here; the proxy looks it up"
			return f
		}
	}
	f.Result, f.Network = Failed, true
	f.Why = "nothing can be asked of it"
	cause := netfault.Of(err, host)
	f.What, f.Change = cause.Why, cause.Do
	if f.Change == "" {
		f.Change = "check the network and its name servers"
	}
	return f
}

// ports sees whether a login could listen on the redirect URIs. Those of other
// machines are not for this program to answer.
func (e *examination) ports(ctx context.Context) []Finding {
	if len(e.RedirectURIs) == 0 {
		return one(Finding{
			Check: "port", Result: Failed, What: "no redirect URI is set", Why: "the answer of a login has nowhere to go",
			Change: "set redirect_uris to those that are registered for the app",
		})
	}
	var all []Finding
	free := 0
	for _, uri := range e.RedirectURIs {
		f := e.port(ctx, uri)
		if f.Result == OK {
			free++
		}
		all = append(all, f)
	}
	for i := range all {
		if all[i].Result == Warning && free == 0 {
			all[i].Result, all[i].Why = Failed, "a login has no port to listen on"
		}
	}
	return all
}

func (e *examination) port(ctx context.Context, uri string) Finding {
	f := Finding{Check: "port", Subject: uri, Result: OK}
	u, err := url.Parse(uri)
	if err != nil || !loopback.Is(u.Hostname()) {
		f.Result, f.What = Failed, "not on this machine: "+clip(uri)
		f.Why, f.Change = "the answer of a login comes to a port of this machine", "use a redirect URI on 127.0.0.1 or localhost, registered for the app"
		return f
	}
	families, port := e.listening(u)
	var free, absent []string
	for _, address := range families {
		at := net.JoinHostPort(address, port)
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", at)
		switch {
		case err == nil:
			ln.Close()
			free = append(free, at)
		case isAny(err, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, 10049, 10047):
			absent = append(absent, address)
		case isAny(err, syscall.EACCES, 10013):
			return taken(f, "you may not listen on "+at, "register a redirect URI with a port above 1023, and add it to redirect_uris")
		default:
			owner, command := e.owner(port)
			return taken(f, at+" is in use by "+owner, "find it with: "+command+"   or register one more redirect URI, and add it to redirect_uris")
		}
	}
	if len(free) == 0 {
		return taken(f, "there is no "+strings.Join(absent, " and ")+" on this machine", "use a redirect URI on 127.0.0.1")
	}
	f.What = strings.Join(free, " and ") + " can be listened on"
	if len(absent) > 0 {
		f.What += "; there is no " + absent[0] + " on this machine"
	}
	return f
}

// isAny reports whether an error is one of the system's. Those of Windows Sockets
// go by their numbers, which no other system uses.
func isAny(err error, numbers ...syscall.Errno) bool {
	return slices.ContainsFunc(numbers, func(n syscall.Errno) bool { return errors.Is(err, n) })
}

// listening is where a login listens for a redirect URI.
func (e *examination) listening(u *url.URL) (addresses []string, port string) {
	port = u.Port()
	switch {
	case port == "" && u.Scheme == "https":
		port = "443"
	case port == "":
		port = "80"
	}
	switch host, own, err := net.SplitHostPort(e.Listen); {
	case e.Listen != "" && err == nil:
		return []string{host}, own
	case e.Listen != "":
		return []string{strings.Trim(e.Listen, "[]")}, port
	case strings.EqualFold(u.Hostname(), "localhost"): // a browser may mean either by it
		return []string{"127.0.0.1", "::1"}, port
	}
	return []string{u.Hostname()}, port
}

// owner says who has a port, and how to find out.
func (e *examination) owner(port string) (owner, command string) {
	owner, command = "another program", "lsof -i :"+port
	n, err := strconv.Atoi(port)
	if e.PortOwner == nil || err != nil {
		return owner, command
	}
	name, command := e.PortOwner(n)
	if name != "" {
		owner += " (" + clip(name) + ")"
	}
	return owner, command
}

func taken(f Finding, what, change string) Finding {
	f.Result, f.What, f.Change = Warning, what, change
	f.Why = "a login passes over this redirect URI and takes the next one"
	return f
}
