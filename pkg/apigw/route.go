package apigw

import (
	"slices"
	"strings"
)

// route is a Route made ready for matching.
type route struct {
	Route
	auth *authorizer // nil: open
	key  string
	segs []string // of the template
}

// node is a node of the tree of path segments. The tree has one node for each
// beginning of a template, so that a search visits each at most once.
type node struct {
	static  map[string]*node
	param   *node             // {name}
	greedy  *node             // {name+}
	methods map[string]*route // ANY among them
}

// segments splits a template, without the slash at its beginning, into its parts:
// a/{b} is a, {b}.
func segments(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

func isGreedy(seg string) bool {
	return strings.HasPrefix(seg, "{") && strings.HasSuffix(seg, "+}")
}

func isParam(seg string) bool {
	return strings.HasPrefix(seg, "{") && strings.HasSuffix(seg, "}")
}

// paramName is the name of a variable: {id} is id, {proxy+} is proxy.
func paramName(seg string) string { return strings.TrimSuffix(strings.Trim(seg, "{}"), "+") }

// add puts a route into the tree. The first of two equal ones stays.
func (n *node) add(r *route) {
	for _, seg := range r.segs {
		var next **node
		switch {
		case isGreedy(seg):
			next = &n.greedy
		case isParam(seg):
			next = &n.param
		default:
			if n.static == nil {
				n.static = map[string]*node{}
			}
			if n.static[seg] == nil {
				n.static[seg] = &node{}
			}
			n = n.static[seg]
			continue
		}
		if *next == nil {
			*next = &node{}
		}
		n = *next
	}
	if n.methods == nil {
		n.methods = map[string]*route{}
	}
	if n.methods[r.Method] == nil {
		n.methods[r.Method] = r
	}
}

// find returns the route for a method and the rest of a path, which has no slash
// at its beginning; done says that the path ends here. Static segments come
// before variables and those before greedy ones; a resource that lacks the method
// leaves it to the next (LocalStack's router tests, checked against AWS, show this
// for greedy siblings; for {variables} it is inferred).
func (n *node) find(method, rest string, done bool) *route {
	if done {
		if r := n.methods[method]; r != nil {
			return r
		}
		return n.methods["ANY"]
	}
	seg, tail, more := strings.Cut(rest, "/")
	if next := n.static[seg]; next != nil {
		if r := next.find(method, tail, !more); r != nil {
			return r
		}
	}
	if n.param != nil && seg != "" {
		if r := n.param.find(method, tail, !more); r != nil {
			return r
		}
	}
	if n.greedy != nil && rest != "" {
		return n.greedy.find(method, "", true)
	}
	return nil
}

// anyPath reports whether some route has this path, whatever its method.
func (n *node) anyPath(rest string, done bool) bool {
	if done {
		return len(n.methods) > 0
	}
	seg, tail, more := strings.Cut(rest, "/")
	if next := n.static[seg]; next != nil && next.anyPath(tail, !more) {
		return true
	}
	if n.param != nil && seg != "" && n.param.anyPath(tail, !more) {
		return true
	}
	return n.greedy != nil && rest != ""
}

// isVerb reports whether a request's method is one that a route can be for, in
// this very spelling (RFC 9110 section 9.1: methods are case-sensitive).
func isVerb(method string) bool {
	return slices.Contains(Methods(), method)
}

// match finds the route of a request in a REST or HTTP API. That ANY and $default
// stand for the seven methods a route may have, and not for TRACE or inventions,
// is inferred.
func (p *prepared) match(kind Kind, method, path string) *route {
	if !isVerb(method) {
		return nil
	}
	if p.open != nil {
		return p.open
	}
	rest := routable(kind, path)
	r := p.root.find(method, rest, rest == "")
	if r == nil && kind == HTTP {
		return p.byKey["$default"]
	}
	return r
}

// routable is the path as routes see it: without the slash at its beginning, and
// in REST APIs without one at its end (LocalStack's router tests). That HTTP APIs
// tell the two apart is inferred.
func routable(kind Kind, path string) string {
	rest := strings.TrimPrefix(path, "/")
	if kind == REST && rest != "" {
		rest = strings.TrimSuffix(rest, "/")
	}
	return rest
}

// parameters are the values of the template's variables in a path that matched it,
// as they were sent.
func (r *route) parameters(kind Kind, path string) map[string]string {
	if !slices.ContainsFunc(r.segs, isParam) {
		return nil
	}
	vars := map[string]string{}
	rest := routable(kind, path)
	for _, seg := range r.segs {
		if isGreedy(seg) {
			vars[paramName(seg)] = rest
			break
		}
		var value string
		value, rest, _ = strings.Cut(rest, "/")
		if isParam(seg) {
			vars[paramName(seg)] = value
		}
	}
	return vars
}
