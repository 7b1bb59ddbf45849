package relay

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"gatepass/pkg/urlpath"
)

// portOf is the port of a URL, also where it is that of the scheme.
func portOf(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	}
	return "80"
}

func portText(a netip.AddrPort) string { return strconv.Itoa(int(a.Port())) }

// sameOrigin reports whether two URLs have one scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

// below is the part of a path behind a base, and whether it is there: neither is
// /produce below /prod.
func below(path, base string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, base)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// location is a redirect of the API as the client has to follow it: one that stays
// below the API's base leads through the relay, every other one where it says. Empty
// where it can be read by nobody.
func (p *Relay) location(x *exchange, asked *url.URL, given string) string {
	to, err := url.Parse(given)
	if err != nil {
		return ""
	}
	to = asked.ResolveReference(to)
	path := to.EscapedPath()
	rest, ok := below(path, p.base)
	if !ok || !sameOrigin(to, p.o.API) || to.User != nil || urlpath.Climbs(path) {
		return to.String()
	}
	// With scheme and host: a path that begins with two slashes would be a host.
	back := &url.URL{Scheme: "http", Host: x.host, RawQuery: to.RawQuery, ForceQuery: to.ForceQuery, Fragment: to.Fragment, RawFragment: to.RawFragment}
	urlpath.Set(back, x.prefix+rest)
	return back.String()
}
