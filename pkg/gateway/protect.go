package gateway

import (
	"fmt"
	"slices"
	"strings"

	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
)

// EveryPath stands for every path in [Options].Open, where no routes are given.
const EveryPath = "*"

// Unprotected are routes whose authorizer cannot be run, in their order.
type Unprotected []UnprotectedRoute

// UnprotectedRoute is a route whose authorizer cannot be run.
type UnprotectedRoute struct {
	// Route is the key of the route as it can be opened by, or EveryPath.
	Route string
	// Reason names its authorizer and says why that cannot be run.
	Reason string
}

// Error names each route with its reason; routes that share one are told together.
func (u Unprotected) Error() string {
	var reasons []string
	routes := map[string][]string{}
	for _, r := range u {
		if routes[r.Reason] == nil {
			reasons = append(reasons, r.Reason)
		}
		routes[r.Reason] = append(routes[r.Reason], r.Route)
	}
	for i, why := range reasons {
		switch all := routes[why]; {
		case all[0] == EveryPath:
			reasons[i] = "every path has " + why
		case len(all) == 1:
			reasons[i] = "route " + all[0] + " has " + why
		default:
			reasons[i] = "the routes " + strings.Join(all, ", ") + " have " + why
		}
	}
	return strings.Join(reasons, "; ")
}

// Unprotected are the routes of the API whose authorizer cannot be run.
func (o *Options) Unprotected() Unprotected {
	var all Unprotected
	if o.API.Routes == nil {
		if why := o.unrunnable(o.API.Default.Authorizer); why != "" {
			all = append(all, UnprotectedRoute{EveryPath, why})
		}
	}
	for i := range o.API.Routes {
		r := &o.API.Routes[i]
		if why := o.unrunnable(r.Authorizer); why != "" {
			all = append(all, UnprotectedRoute{r.Key(), why})
		}
	}
	return all
}

// unrunnable names an authorizer that cannot be run, with the reason; empty is one
// that can.
func (o *Options) unrunnable(a *apigw.Authorizer) string {
	switch {
	case a == nil:
		return ""
	case a.Type == apigw.AuthIAM && o.Caller == nil:
		return "an authorizer that asks for AWS signatures (AWS_IAM), which cannot be checked here"
	case a.Type == apigw.AuthIAM:
		return ""
	case o.Broken[a.Name] != "":
		return fmt.Sprintf("the authorizer %q, which cannot be run: %s", a.Name, o.Broken[a.Name])
	case o.Authorizers[a.Name] == nil:
		return fmt.Sprintf("the authorizer %q (%s), and nothing here runs it", a.Name, a.Type)
	}
	return ""
}

// protect refuses an API with routes whose authorizer cannot be run, but for those
// that are opened by name: these lose it, and what belongs to it. It returns the keys
// of the routes that it opened.
func (o *Options) protect() (opened map[string]bool, err error) {
	for _, key := range o.Open {
		if !o.hasRoute(key) {
			return nil, fault.New(fault.Usage, "there is no route %q to be opened", key).WithHint("%s", o.namesRoutes())
		}
	}
	opened = map[string]bool{}
	var left Unprotected
	for _, u := range o.Unprotected() {
		if slices.ContainsFunc(o.Open, func(key string) bool { return SameRoute(key, u.Route) }) {
			opened[sameKey(u.Route)] = true
			continue
		}
		left = append(left, u)
	}
	if len(left) > 0 {
		return nil, fault.New(fault.Usage, "%w", left).
			WithHint("a route is never served open because its authorizer is missing; to open one for now, name it: --open '%s'", left[0].Route)
	}
	if opened[EveryPath] {
		o.API.Default = apigw.Access{APIKeyRequired: o.API.Default.APIKeyRequired}
	}
	for i := range o.API.Routes {
		if r := &o.API.Routes[i]; opened[sameKey(r.Key())] {
			r.Access = apigw.Access{APIKeyRequired: r.APIKeyRequired}
		}
	}
	return opened, nil
}

// opens is the key by which the route of a request would have been opened.
func (g *gateway) opens(v *apigw.Verdict) string {
	if g.API.Routes == nil {
		return EveryPath
	}
	return sameKey(v.RouteKey)
}

// hasRoute reports whether there is a route with a key.
func (o *Options) hasRoute(key string) bool {
	if o.API.Routes == nil {
		return key == EveryPath
	}
	return slices.ContainsFunc(o.API.Routes, func(r apigw.Route) bool { return SameRoute(key, r.Key()) })
}

// namesRoutes says which routes there are.
func (o *Options) namesRoutes() string {
	const most = 10
	if o.API.Routes == nil {
		return "no routes are given; every path together is " + EveryPath
	}
	var keys []string
	for i := range o.API.Routes {
		if len(keys) == most {
			keys = append(keys, "…")
			break
		}
		keys = append(keys, o.API.Routes[i].Key())
	}
	return "there are " + strings.Join(keys, ", ")
}

// SameRoute reports whether two keys are of the same route: methods are written in
// any case.
func SameRoute(a, b string) bool { return sameKey(a) == sameKey(b) }

// sameKey is the key of a route with its method in capitals, as verdicts have it.
func sameKey(key string) string {
	method, path, ok := strings.Cut(key, " ")
	if !ok {
		return key
	}
	return strings.ToUpper(method) + " " + path
}
