package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatepass/pkg/apigw"
)

// request is the request as the core takes it. It is false when the request names
// another stage than the one that is served.
func (g *gateway) request(r *http.Request, now time.Time) (*apigw.Request, bool) {
	path, ok := g.Base.strip(r.URL.EscapedPath())
	r.URL.RawQuery = cleanQuery(r.URL.RawQuery)
	id := newIDs()
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	req := &apigw.Request{
		Method:     r.Method,
		Path:       path,
		Header:     r.Header,
		RawQuery:   r.URL.RawQuery,
		SourceIP:   ip,
		Protocol:   r.Proto,
		Host:       r.Host,
		Time:       now,
		ID:         id.request,
		ExtendedID: id.extended,
		NoTrace:    !g.Trace,
	}
	if g.API.Kind == apigw.WebSocket {
		req.ConnectionID = newIDs().extended // of the same form
		ok = ok && path == "/"               // there are no paths below the stage
	}
	if g.signed {
		req.Caller = g.Caller(r)
	}
	return req, ok
}

// strip takes the base off a path. Nothing else is done to a path: double slashes,
// dots and percent signs are the caller's, and the ARN's.
func (b Base) strip(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, b.Path)
	switch {
	case b.Path == "" || !ok, rest != "" && rest[0] != '/':
		rest, ok = path, b.Path == "" || b.Optional
	}
	if rest == "" || rest[0] != '/' {
		rest = "/" + rest // "GET http://host" has no path at all
	}
	return rest, ok
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

// ids are what API Gateway calls a request.
type ids struct{ request, extended string }

// newIDs makes ids in the forms of API Gateway: a UUID, and what looks like 11
// bytes in base64.
func newIDs() ids {
	var b [27]byte
	_, _ = rand.Read(b[:]) // never fails (package crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var u [36]byte
	hex.Encode(u[:8], b[:4])
	hex.Encode(u[9:13], b[4:6])
	hex.Encode(u[14:18], b[6:8])
	hex.Encode(u[19:23], b[8:10])
	hex.Encode(u[24:], b[10:16])
	u[8], u[13], u[18], u[23] = '-', '-', '-', '-'
	return ids{string(u[:]), base64.StdEncoding.EncodeToString(b[16:])}
}

// setPath puts a path as it was sent into a URL.
func setPath(u *url.URL, escaped string) {
	path, err := url.PathUnescape(escaped)
	if err != nil { // it came out of a URL, so this cannot be
		path = escaped
	}
	u.Path, u.RawPath = path, escaped
}
