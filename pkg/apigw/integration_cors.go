package apigw

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gatepass/pkg/urlpath"
)

// CORS is the CORS configuration of an HTTP API (AWS: "Configure CORS for HTTP APIs
// in API Gateway"; API reference, Cors). REST APIs have none: there an OPTIONS method
// answers preflights, and refusals have what gateway responses say.
type CORS struct {
	// Origins may call: scheme, host and port, or "*", "http://*", "https://*".
	Origins []string
	// Methods and Headers are those that may be used, Expose the headers that may be
	// read; "*" is all.
	Methods, Headers, Expose []string
	// MaxAge is for how many seconds a preflight counts; nil leaves it to the browser.
	MaxAge *int
	// Credentials lets the browser send cookies.
	Credentials bool
}

// Check says what is wrong with a configuration, or nothing.
func (c *CORS) Check() error {
	switch {
	case len(c.Origins) == 0:
		return fmt.Errorf("want the origins that may call")
	case c.Credentials && slices.Contains(c.Origins, "*"):
		return fmt.Errorf("credentials cannot be allowed to every origin: API Gateway refuses * with allow_credentials")
	case c.MaxAge != nil && (*c.MaxAge < -1 || *c.MaxAge > 86400):
		return fmt.Errorf("want a max age from -1 to 86400 seconds, got %d", *c.MaxAge)
	}
	for _, o := range c.Origins {
		if o != "*" && !strings.HasPrefix(o, "http://") && !strings.HasPrefix(o, "https://") {
			return fmt.Errorf("want an origin such as https://www.example.com, or *, got %q", cut(o))
		}
		if strings.Contains(o, "*") && !everyHost(o) && o != "*" {
			return fmt.Errorf("a star stands for every host, as in https://*, and for nothing less: %q matches nothing", cut(o))
		}
		if strings.HasSuffix(o, "/") && !strings.HasSuffix(o, "//") {
			return fmt.Errorf("an origin has no slash at its end: %q matches nothing", cut(o))
		}
	}
	return nil
}

// origin is the value of Access-Control-Allow-Origin for a caller's origin.
func (c *CORS) origin(origin string) (string, bool) {
	if origin == "" {
		return "", false
	}
	if slices.Contains(c.Origins, "*") {
		return "*", true
	}
	for _, o := range c.Origins {
		if strings.EqualFold(o, origin) || everyHost(o) && strings.HasPrefix(strings.ToLower(origin), strings.TrimSuffix(o, "*")) {
			return origin, true
		}
	}
	return "", false
}

// everyHost reports whether an allowed origin is every one with its scheme.
func everyHost(o string) bool { return o == "http://*" || o == "https://*" }

// Answer puts the headers for a caller's origin in the place of those of the
// backend, which API Gateway ignores. An origin that may not call gets none.
func (c *CORS) Answer(h map[string][]string, origin string) {
	for name := range h {
		if strings.HasPrefix(strings.ToLower(name), "access-control-") {
			delete(h, name)
		}
	}
	allowed, ok := c.origin(origin)
	if !ok {
		return
	}
	h["Access-Control-Allow-Origin"] = []string{headerLine(allowed)}
	if c.Credentials {
		h["Access-Control-Allow-Credentials"] = []string{"true"}
	}
	if len(c.Expose) > 0 {
		h["Access-Control-Expose-Headers"] = []string{strings.Join(c.Expose, ",")}
	}
}

// Preflight is the answer to a preflight request, which has no body and the status
// 204. That an origin which may not call gets the same without CORS headers is
// inferred.
func (c *CORS) Preflight(h map[string][]string, origin string) {
	c.Answer(h, origin)
	if h["Access-Control-Allow-Origin"] == nil {
		return
	}
	delete(h, "Access-Control-Expose-Headers") // for answers
	if len(c.Methods) > 0 {
		h["Access-Control-Allow-Methods"] = []string{strings.Join(c.Methods, ",")}
	}
	if len(c.Headers) > 0 {
		h["Access-Control-Allow-Headers"] = []string{strings.Join(c.Headers, ",")}
	}
	if c.MaxAge != nil {
		h["Access-Control-Max-Age"] = []string{strconv.Itoa(*c.MaxAge)}
	}
}

// preflightMethod is the method of preflight requests.
const preflightMethod = "OPTIONS"

// IsPreflight reports whether an HTTP API with CORS answers a request itself: a
// preflight for a path whose routes do not take OPTIONS. One that a route takes, as
// ANY and $default do, goes to that route and its authorizer (AWS: the same page, on
// the $default route and authorizers). Where every path is a route, as none is given,
// no route takes it.
func (a *API) IsPreflight(req *Request) bool {
	if a.Kind != HTTP || req.Method != preflightMethod || last(req.header("Origin")) == "" ||
		last(req.header("Access-Control-Request-Method")) == "" {
		return false
	}
	p := a.ready()
	return p.open != nil || p.match(a.Kind, req.Method, urlpath.Plain(req.Path)) == nil
}
