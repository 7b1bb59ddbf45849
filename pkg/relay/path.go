package relay

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// climbs reports whether a path, as it is sent, has a segment that some server may take
// for "this folder" or "the folder above": "." and ".." in any encoding, however often
// it was encoded, between slashes of either kind, and with parameters behind them
// ("..;x", which some servers cut off). It takes time linear in the length.
func climbs(path string) bool {
	var seg segment
	for i := 0; i < len(path); {
		c, n := decoded(path[i:])
		i += n
		if c != '/' && c != '\\' {
			seg.add(c)
			continue
		}
		if seg.climbs() {
			return true
		}
		seg = segment{}
	}
	return seg.climbs()
}

// segment is what counts of a path's segment.
type segment struct {
	dots               int
	other, afterParams bool
}

func (s *segment) add(c byte) {
	switch {
	case s.afterParams, c <= ' ', c == 0x7f: // some servers drop what cannot be seen
	case c == ';' && (s.dots > 0 || s.other):
		s.afterParams = true
	case c == '.':
		s.dots++
	default:
		s.other = true
	}
}

func (s *segment) climbs() bool { return !s.other && (s.dots == 1 || s.dots == 2) }

// decoded is the first byte of a text in percent-encoding, with as many layers of the
// encoding taken off as there are, and how long it is there: "%252e" is ".", as "%2e"
// is. What is no encoding stands for itself.
func decoded(s string) (c byte, n int) {
	if s[0] != '%' {
		return s[0], 1
	}
	n = 1
	for strings.HasPrefix(s[n:], "25") {
		n += 2
	}
	if len(s) >= n+2 {
		if v, err := strconv.ParseUint(s[n:n+2], 16, 8); err == nil {
			return byte(v), n + 2
		}
	}
	return '%', n
}

// setPath puts a path as it was sent into a URL.
func setPath(u *url.URL, escaped string) {
	path, err := url.PathUnescape(escaped)
	if err != nil { // it came out of a URL, so this cannot be
		path = escaped
	}
	u.Path, u.RawPath = path, escaped
}

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
	if !ok || !sameOrigin(to, p.o.API) || to.User != nil || climbs(path) {
		return to.String()
	}
	// With scheme and host: a path that begins with two slashes would be a host.
	back := &url.URL{Scheme: "http", Host: x.host, RawQuery: to.RawQuery, ForceQuery: to.ForceQuery, Fragment: to.Fragment, RawFragment: to.RawFragment}
	setPath(back, x.prefix+rest)
	return back.String()
}
