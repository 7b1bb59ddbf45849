package config

import (
	"slices"
	"strings"

	"gatepass/pkg/apigw"
	"gatepass/pkg/source"
)

// splitRoute takes a route apart as it is written: "GET /pets/{id}"; a path alone
// is for every method, a word alone the key of a route without a path.
func splitRoute(key string) (method, path string) {
	if strings.HasPrefix(key, "/") {
		return "ANY", key
	}
	method, path, _ = strings.Cut(strings.TrimSpace(key), " ")
	return method, strings.TrimSpace(path)
}

// routes reads the routes: a list of them, or an object with how each is
// protected. No routes at all would make every path one, so an empty list is a
// mistake.
func (r *definer) routes(n *source.Node) {
	switch {
	case n.Kind == source.Null:
		return
	case n.Kind == source.List && len(n.Items) > 0:
		for _, it := range n.Items {
			var key string
			r.String(&key)(it)
			r.route(key, place{it.Errorf, it}, nil)
		}
	case n.Kind == source.Object && len(n.Members) > 0:
		for i := range n.Members {
			m := &n.Members[i]
			r.route(m.Key, place{m.Errorf, m.Value}, m.Value)
		}
	default:
		err := n.Errorf("want routes, got none")
		if n.Kind != source.List && n.Kind != source.Object {
			err = n.Errorf("want an object of routes, got %s", n.Kind)
		}
		err.Hint = "for example: routes: {GET /pets: users, GET /health: none}; without routes every path is one"
		r.Fail(err)
	}
}

// route reads one route. Its value is nothing, for the default authorizer; the
// name of an authorizer; or an object.
func (r *definer) route(key string, at place, n *source.Node) {
	method, path := splitRoute(key)
	route := apigw.Route{Method: method, Path: path}
	r.at["route "+route.Key()] = at
	inherits := true
	switch {
	case n == nil, n.Kind == source.Null:
	case n.Kind == source.String:
		route.Authorizer, inherits = r.byName(n), false
	default:
		r.Object(n, source.Fields{
			"authorizer": func(n *source.Node) {
				if n.Kind != source.Null {
					route.Authorizer, inherits = r.authorizerOf(n, route.Key()), false
				}
			},
			"scopes":  r.Strings(&route.Scopes),
			"api_key": r.Bool(&route.APIKeyRequired),
			"integration": func(n *source.Node) {
				if i := r.integration(n); i != nil {
					r.Integrations[route.Key()] = i
				}
			},
		})
	}
	if inherits {
		r.inherits = append(r.inherits, len(r.API.Routes))
		r.inherit(&route, n)
	}
	r.API.Routes = append(r.API.Routes, route)
}

// inherit gives a route with the default authorizer what else is said for all.
func (r *definer) inherit(route *apigw.Route, n *source.Node) {
	if n.Get("scopes") == nil {
		route.Scopes = slices.Clone(r.API.Default.Scopes)
	}
	if n.Get("api_key") == nil {
		route.APIKeyRequired = r.API.Default.APIKeyRequired
	}
}

// needDefault refuses routes that name no authorizer where several are defined
// and none is the default: which one is meant cannot be known, and a route must
// not be open by accident.
func (r *definer) needDefault() {
	if r.HasDefault || len(r.authorizers) == 0 || !r.Inherits() {
		return
	}
	where := r.node.Get("authorizers")
	if len(r.inherits) > 0 {
		where = r.node.Get("routes")
	}
	named := r.names()
	if where == nil || len(named) == 0 {
		return
	}
	err := where.Errorf("nothing says which authorizer decides where none is named")
	if len(r.inherits) > 0 {
		err = where.Errorf("nothing says which authorizer decides about %s", r.API.Routes[r.inherits[0]].Key())
	}
	err.Hint = "write authorizer: " + named[0] + " beside authorizers, or authorizer: none"
	r.Fail(err)
}

// names are the names in authorizers.
func (r *definer) names() []string {
	var names []string
	if n := r.node.Get("authorizers"); n != nil {
		for i := range n.Members {
			names = append(names, n.Members[i].Key)
		}
	}
	return names
}

// onlyOne makes the only authorizer there is the default.
func (r *definer) onlyOne() {
	if r.HasDefault || len(r.names()) != 1 || len(r.authorizers) == 0 {
		return
	}
	name := r.names()[0]
	for _, a := range r.authorizers {
		if a.z.Name == name {
			r.HasDefault, r.API.Default.Authorizer = true, a.z
		}
	}
}
