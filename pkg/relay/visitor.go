package relay

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/loopback"
	"gatepass/pkg/urlpath"
)

// refusal is why the relay answers in the API's place.
type refusal struct {
	status int
	kind   string // the error's kind in the body: docs/json.md
	error  string // the error type of RFC 9209 section 2.3
	msg    string // one line, without secrets
	hint   string
}

func forbidden(msg, hint string) *refusal {
	return &refusal{http.StatusForbidden, "denied", "http_request_denied", msg, hint}
}

func badRequest(msg, hint string) *refusal {
	return &refusal{http.StatusBadRequest, "usage", "http_request_error", msg, hint}
}

// admit decides whether a request may be made, and reads of it what the relay needs.
// What a browser cannot be made to lie about comes first.
func (p *Relay) admit(x *exchange, r *http.Request) *refusal {
	switch r.Method {
	case http.MethodConnect, http.MethodTrace, "TRACK":
		return &refusal{http.StatusMethodNotAllowed, "usage", "http_request_denied", r.Method + " is not let through", "this is a proxy for one API: call its address in place of the API's"}
	}
	// In absolute form the host of the target counts (RFC 9112 section 3.2.2), and
	// net/http has it in r.Host.
	if !slices.Contains(p.hosts, strings.ToLower(r.Host)) || r.URL.Scheme != "" && !strings.EqualFold(r.URL.Scheme, "http") {
		return forbidden("the request is for another host, and this proxy is called by a loopback address and its port",
			"the address to call was printed when gatepass proxy started; it is no proxy for HTTP_PROXY")
	}
	if refused := p.admitPage(x, r); refused != nil {
		return refused
	}
	if x.origin != "" && isPreflight(r) {
		return nil // browsers send no secret with these, where it is in a header
	}
	rest, known := p.know(x, r)
	if !known {
		return forbidden("the request does not know the secret of this proxy",
			"the address to call was printed when gatepass proxy started: its path begins with the secret, which may stand in the header "+SecretHeader+" instead")
	}
	if rest != "" && rest[0] != '/' { // the "*" of OPTIONS
		return badRequest("the request has no path", "")
	}
	x.rec.Path = rest
	if urlpath.Climbs(rest) {
		return badRequest("the path has . or .. for a segment, which could lead out of the API", "write the path that is meant")
	}
	x.path = rest
	if !isWebSocket(r) {
		// RFC 9110 section 7.8: a server may ignore the wish for another protocol.
		r.Header.Del("Upgrade")
	}
	return nil
}

// admitPage refuses requests of web pages: those of the relay's own origin, and of
// origins that were listed, may be made.
func (p *Relay) admitPage(x *exchange, r *http.Request) *refusal {
	switch origins := r.Header.Values("Origin"); {
	case len(origins) > 1:
		return badRequest("the request has more than one Origin", "")
	case len(origins) == 0, strings.EqualFold(origins[0], "http://"+r.Host):
	case slices.Contains(p.o.Origins, origins[0]):
		x.origin = origins[0]
		return nil
	default:
		return forbidden("pages of the origin "+quoted(origins[0])+" may not use this proxy",
			"if they are yours, start it with --allow-origin and that origin")
	}
	// Browsers say it of every request they make, and pages cannot change it (Fetch
	// Metadata, section 2.3). Without an Origin there is no telling which page it was.
	switch sites := r.Header.Values("Sec-Fetch-Site"); {
	case len(sites) == 0, len(sites) == 1 && (sites[0] == "none" || sites[0] == "same-origin"):
		return nil
	}
	return forbidden("the browser says that a page of another site makes this request", "a page is to use fetch in CORS mode, and its origin to be listed with --allow-origin")
}

// know reports whether a request has the secret, and returns the path that is meant
// for the API.
func (p *Relay) know(x *exchange, r *http.Request) (rest string, ok bool) {
	path := r.URL.EscapedPath()
	if p.o.Secret.IsZero() {
		return path, true
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if strings.HasPrefix(path, "/") && p.isSecret(first) {
		x.prefix = "/" + first
		return path[len(x.prefix):], true
	}
	given := r.Header.Values(SecretHeader)
	return path, len(given) == 1 && p.isSecret(given[0])
}

// isSecret compares in constant time; sums hide the length, too.
func (p *Relay) isSecret(s string) bool {
	want, got := sha256.Sum256([]byte(p.o.Secret.Reveal())), sha256.Sum256([]byte(s))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// hosts are what the Host of requests may be: the names of this machine with the port,
// and without it where it is that of http.
func hosts(a netip.AddrPort) []string {
	var all []string
	for _, name := range []string{"localhost", "127.0.0.1", "::1", a.Addr().Unmap().String()} {
		all = append(all, net.JoinHostPort(name, portText(a)))
		if a.Port() == 80 {
			all = append(all, strings.TrimSuffix(net.JoinHostPort(name, ""), ":"))
		}
	}
	return all
}

// ParseOrigin reads an origin as browsers write it: https://app.example.com,
// http://localhost:5173. It reports whether it is one of this machine.
func ParseOrigin(s string) (origin string, local bool, err error) {
	const hint = "it looks like http://localhost:5173, as the browser's address bar has it"
	if s == "*" || strings.EqualFold(s, "null") {
		return "", false, fault.New(fault.Usage, "--allow-origin %s would let every page that you visit use your token", s).
			WithHint("name the origin of your page; " + hint)
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(s, "*, \t") || !isASCII(s) {
		return "", false, fault.New(fault.Usage, "%s is no origin", quoted(s)).WithHint(hint)
	}
	host := strings.ToLower(u.Hostname())
	local = loopback.Is(host)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if p := u.Port(); p != "" && p != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host += ":" + p
	}
	return u.Scheme + "://" + host, local, nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// isWebSocket reports whether a request asks for a WebSocket (RFC 6455 section 4.1).
func isWebSocket(r *http.Request) bool {
	upgrade := false
	for _, v := range r.Header.Values("Connection") {
		for word := range strings.SplitSeq(v, ",") {
			upgrade = upgrade || strings.EqualFold(strings.TrimSpace(word), "upgrade")
		}
	}
	return upgrade && r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// isToken is token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		alnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}
