package relay

import (
	"net/http"
	"slices"
	"strings"
)

// preflightAge is for how many seconds browsers may remember what they may do.
const preflightAge = "600"

// isPreflight reports whether a browser asks whether a page may make a request (Fetch
// standard, "CORS-preflight request").
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight lets a page of an origin that was listed make the request it asks about.
func (p *Relay) preflight(w http.ResponseWriter, r *http.Request, x *exchange) {
	h := w.Header()
	p.share(h, x)
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	if m := r.Header.Get("Access-Control-Request-Method"); isToken(m) {
		h.Set("Access-Control-Allow-Methods", m)
	}
	if names := r.Header.Get("Access-Control-Request-Headers"); isTokens(names) {
		h.Set("Access-Control-Allow-Headers", names)
	}
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	h.Set("Access-Control-Max-Age", preflightAge)
	x.rec.Status = http.StatusNoContent
	w.WriteHeader(x.rec.Status)
}

// share lets the page that made a request read the answer. What the API says of that
// is about its own address and was taken away.
func (p *Relay) share(h http.Header, x *exchange) {
	if len(p.o.Origins) > 0 {
		h.Add("Vary", "Origin")
	}
	if x.origin == "" {
		return
	}
	if names := exposed(h); names != "" {
		h.Set("Access-Control-Expose-Headers", names)
	}
	h.Set("Access-Control-Allow-Origin", x.origin)
	if p.o.Cookies {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// exposed are the headers of an answer, by name: the page may read them all.
func exposed(h http.Header) string {
	var names []string
	for name := range h {
		if isToken(name) && name != "Set-Cookie" && name != "Vary" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// isTokens reports whether a text is a list of header names.
func isTokens(s string) bool {
	for name := range strings.SplitSeq(s, ",") {
		if !isToken(strings.TrimSpace(name)) {
			return false
		}
	}
	return true
}
