package gateway

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"gatepass/pkg/apigw"
	"gatepass/pkg/urlpath"
)

// request is the request as the core takes it. It is false when the request names
// another stage than the one that is served.
func (x *exchange) request(r *http.Request) (ok bool) {
	g := x.g
	prefix, path, ok := g.Base.strip(x.rec.Path)
	x.prefix = prefix
	r.URL.RawQuery = cleanQuery(r.URL.RawQuery)
	delete(r.Header, "Host") // of HTTP/2, where the authority may be another: that counts
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	x.req = &x.asked
	x.asked = apigw.Request{
		Method:     r.Method,
		Path:       path,
		Header:     r.Header,
		RawQuery:   r.URL.RawQuery,
		SourceIP:   ip,
		Protocol:   r.Proto,
		Host:       r.Host,
		Time:       x.rec.Start,
		ID:         x.ids.request,
		ExtendedID: x.ids.extended,
		NoTrace:    !g.Trace,
	}
	if g.API.Kind == apigw.WebSocket {
		x.req.ConnectionID = newIDs().extended // of the same form
		ok = ok && path == "/"                 // there are no paths below the stage
	}
	if g.signed {
		x.req.Caller = g.Caller(r)
	}
	return ok
}

// sentPath is the path of a request as it was sent, in a form that can be handed on.
func sentPath(u *url.URL) string {
	if u.RawPath == "" {
		return u.EscapedPath() // which it was, as Go has no need to keep it
	}
	return urlpath.Encoded(u.RawPath) // Go would decode %2F to encode something else
}

// strip takes the base off a path. Nothing else is done to a path here: what it means is
// decided with the rest.
func (b Base) strip(path string) (prefix, rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, b.Path)
	switch {
	case b.Path == "" || !ok, rest != "" && rest[0] != '/':
		rest, ok = path, b.Path == "" || b.Optional
	default:
		prefix = b.Path
	}
	if rest == "" || rest[0] != '/' {
		rest = "/" + rest // "GET http://host" has no path at all
	}
	return prefix, rest, ok
}

// cleanQuery leaves out parameters that cannot be read, such as those with a
// semicolon, which servers read differently: the authorizer and the backend must
// see the same.
func cleanQuery(raw string) string {
	if !strings.ContainsAny(raw, ";%") {
		return raw
	}
	v, err := url.ParseQuery(raw)
	if err == nil {
		return raw
	}
	return v.Encode()
}
