package apigw

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/urlpath"
)

// MaxARN is the longest method ARN of a route with an authorizer, in bytes: beyond it
// the answer is 414 (AWS: quotas of API Gateway).
const MaxARN = 1600

// The limits of API Gateway that are checked here (AWS: quotas of API Gateway).
const (
	maxResourcePolicy = 8192 // characters
	maxConnectAnswer  = 8 << 10
	maxAudiences      = 50
	maxRouteScopes    = 10
	maxTTL            = 3600
	defaultTTL        = 300
)

// prepared is an API made ready for deciding.
type prepared struct {
	arnPrefix  string // of every ARN of the stage
	root       *node
	byKey      map[string]*route // routes without a path
	open       *route            // when every path is a route
	planKeys   map[string]bool
	policyKeys []string // the condition keys that the resource policy looks at
}

// authorizer is an Authorizer made ready.
type authorizer struct {
	*Authorizer
	sources []idSource
	expr    *regexp.Regexp // nil: none
	ttl     time.Duration
	scope   string // of its keys in the cache
	broken  string // why it can never decide, or empty
}

// Prepare compiles routes, identity sources and expressions, so that deciding need
// not do it each time. Call it before the API is shared among goroutines, and
// again after changing it. The error joins what Validate finds of severity error;
// such an API refuses what its faulty parts would decide.
func (a *API) Prepare() error {
	a.prepared = a.compile()
	var errs []error
	for _, f := range a.Validate() {
		if f.Severity == SeverityError {
			errs = append(errs, fmt.Errorf("%s: %s", f.Where, f.Message))
		}
	}
	return errors.Join(errs...)
}

func (a *API) compile() *prepared {
	partition := a.Partition
	if partition == "" {
		partition = "aws"
	}
	p := &prepared{
		arnPrefix:  "arn:" + partition + ":execute-api:" + a.Region + ":" + a.Account + ":" + a.ID + "/" + a.Stage + "/",
		root:       &node{},
		byKey:      map[string]*route{},
		planKeys:   map[string]bool{},
		policyKeys: a.ResourcePolicy.KeyNames(),
	}
	for _, k := range a.PlanKeys {
		p.planKeys[k] = true
	}
	ready := map[*Authorizer]*authorizer{}
	names := map[string]bool{}
	prepare := func(z *Authorizer) *authorizer {
		if z != nil && ready[z] == nil {
			ready[z] = a.compileAuthorizer(z)
			if names[z.Name] { // results of two authorizers are never mixed up
				ready[z].scope += fmt.Sprintf("\x00%d", len(ready))
			}
			names[z.Name] = true
		}
		return ready[z]
	}
	if a.Routes == nil {
		p.open = &route{Route: Route{Access: a.Default}, auth: prepare(a.Default.Authorizer)}
	}
	for i := range a.Routes {
		p.add(a.Kind, &route{Route: a.Routes[i], auth: prepare(a.Routes[i].Authorizer)})
	}
	return p
}

// add takes a route in.
func (p *prepared) add(k Kind, r *route) {
	r.Method = routeMethod(r.Method)
	r.key = r.Key()
	if r.Path == "" {
		p.byKey[r.Method] = r
		return
	}
	r.segs = segments(routable(k, urlpath.Plain(r.Path))) // as requests are read
	p.root.add(r)
}

// routeMethod is a method in capitals; route keys stay as they are.
func routeMethod(m string) string {
	if up := strings.ToUpper(m); up == "ANY" || slices.Contains(Methods(), up) {
		return up
	}
	return m
}

// Methods are those a route may have, in the order of the alphabet. ANY stands for all
// of them. There is no CONNECT and no TRACE.
func Methods() []string {
	return []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
}

// identitySources are the sources one by one. Authorizers that need exactly one and
// have none configured look at the Authorization header.
func (z *Authorizer) identitySources(k Kind) []string {
	if len(z.IdentitySources) == 0 && z.Type != AuthRequest && z.Type != AuthIAM {
		return []string{sourcePrefixes(k)[inHeader] + "Authorization"}
	}
	var all []string
	for _, list := range z.IdentitySources {
		if z.Type == AuthRequest && list == "" && len(z.IdentitySources) == 1 {
			break // how REST APIs write that there is none
		}
		for text := range strings.SplitSeq(list, ",") {
			all = append(all, strings.TrimSpace(text))
		}
	}
	return all
}

// kinds are the kinds of APIs that have authorizers of a type.
func (t AuthorizerType) kinds() []Kind {
	switch t {
	case AuthToken, AuthCognito:
		return []Kind{REST}
	case AuthJWT:
		return []Kind{REST, HTTP}
	}
	return []Kind{REST, HTTP, WebSocket}
}

// seconds is the time to live that is in force (API reference, CreateAuthorizer:
// 300 s by default in REST APIs; HTTP APIs cache when told to; WebSocket APIs
// never).
func (z *Authorizer) seconds(k Kind) int {
	switch {
	case k == WebSocket || z.Type != AuthToken && z.Type != AuthRequest:
		return 0
	case z.TTL != nil:
		return *z.TTL
	case k == REST:
		return defaultTTL
	}
	return 0
}

func (a *API) compileAuthorizer(z *Authorizer) *authorizer {
	r := &authorizer{Authorizer: z, ttl: time.Duration(z.seconds(a.Kind)) * time.Second}
	if !slices.Contains(z.Type.kinds(), a.Kind) {
		r.broken = fmt.Sprintf("%s APIs have no %s authorizers", a.Kind, z.Type)
		return r
	}
	r.scope = a.Region + "\x00" + a.Account + "\x00" + a.ID + "\x00" + a.Stage + "\x00" + z.Name
	for _, text := range z.identitySources(a.Kind) {
		s, err := parseSource(a.Kind, text)
		if err != nil {
			r.broken = err.Error()
			return r
		}
		r.sources = append(r.sources, s)
	}
	switch {
	case z.Type != AuthRequest && z.Type != AuthIAM && len(r.sources) != 1:
		r.broken = fmt.Sprintf("a %s authorizer has exactly one identity source, not %d", z.Type, len(r.sources))
	case r.ttl > 0 && len(r.sources) == 0:
		r.broken = "caching needs at least one identity source"
	case z.ValidationExpression != "" && (z.Type == AuthToken || z.Type == AuthCognito):
		expr, err := compileExpression(z.ValidationExpression)
		if err != nil {
			r.broken = err.Error()
		}
		r.expr = expr
	}
	return r
}

// ready is the prepared form: the stored one, or one made for this request.
func (a *API) ready() *prepared {
	if a.prepared != nil {
		return a.prepared
	}
	return a.compile()
}
