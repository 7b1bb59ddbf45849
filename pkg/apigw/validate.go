package apigw

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"gatepass/pkg/loopback"
	"gatepass/pkg/urlpath"
)

// The severities of findings.
const (
	SeverityError   = "error"   // API Gateway refuses it, or it can never decide
	SeverityWarning = "warning" // it does something else than it looks like
)

// Finding is something about an API that cannot be or will not do what was meant.
type Finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"` // SeverityError or SeverityWarning
	Where    string `json:"where"`    // "the API", "authorizer policy", "route GET /pets"
	Message  string `json:"message"`
}

// findings gathers findings about one place.
type findings struct {
	where string
	all   []Finding
}

func (f *findings) error(id, format string, args ...any) {
	f.all = append(f.all, Finding{ID: id, Severity: SeverityError, Where: f.where, Message: fmt.Sprintf(format, args...)})
}

func (f *findings) warn(id, format string, args ...any) {
	f.all = append(f.all, Finding{ID: id, Severity: SeverityWarning, Where: f.where, Message: fmt.Sprintf(format, args...)})
}

// Validate finds configurations that API Gateway refuses, and such as will
// surprise.
func (a *API) Validate() []Finding {
	f := &findings{where: "the API"}
	a.validateAPI(f)
	a.validateRoutes(f)
	for _, z := range a.authorizers() {
		f.where = "authorizer " + z.label()
		a.validateAuthorizer(f, z)
	}
	return f.all
}

func (z *Authorizer) label() string {
	if z.Name == "" {
		return "without a name"
	}
	return z.Name
}

// authorizers are all authorizers in the order of their routes.
func (a *API) authorizers() []*Authorizer {
	var all []*Authorizer
	add := func(z *Authorizer) {
		if z != nil && !slices.Contains(all, z) {
			all = append(all, z)
		}
	}
	if a.Routes == nil {
		add(a.Default.Authorizer)
	}
	for i := range a.Routes {
		add(a.Routes[i].Authorizer)
	}
	return all
}

func (a *API) validateAPI(f *findings) {
	if a.Kind != REST {
		a.validateOnlyREST(f)
	}
	if p := a.IntegrationPayload; p != "" && p != "1.0" && p != "2.0" {
		f.error("integration-payload", "want 1.0 or 2.0 as the payload format of integrations, got %q", cut(p))
	}
	if a.ResourcePolicy != nil {
		if text, err := json.Marshal(a.ResourcePolicy); err == nil && utf8.RuneCount(text) > maxResourcePolicy {
			f.error("resource-policy-size", "the resource policy has %d characters, more than the %d that API Gateway takes", utf8.RuneCount(text), maxResourcePolicy)
		}
	}
	for t, g := range a.Responses {
		if _, ok := t.Default(); !ok {
			f.error("response-type", "%q is no type of gateway response", cut(string(t)))
		}
		if g.Status != 0 && (g.Status < 100 || g.Status > 599) {
			f.error("response-status", "%d of the gateway response %s is no HTTP status", g.Status, t)
		}
	}
	names := map[string]bool{}
	for _, z := range a.authorizers() {
		if names[z.Name] {
			f.error("authorizer-name", "two authorizers are named %q", z.Name)
		}
		names[z.Name] = true
	}
	if n := len(a.authorizers()); n > 10 {
		f.warn("authorizer-quota", "%d authorizers are more than the 10 that an API may have unless AWS raises the quota", n)
	}
}

// validateOnlyREST finds what only REST APIs have.
func (a *API) validateOnlyREST(f *findings) {
	for _, c := range []struct {
		has  bool
		what string
	}{
		{a.ResourcePolicy != nil, "resource policies"},
		{len(a.Responses) > 0 && a.Kind == HTTP, "gateway responses"},
		{len(a.PlanKeys) > 0 && a.Kind == HTTP, "API keys"},
		{a.UsagePlan != nil && a.Kind == HTTP, "usage plans"},
		{a.WAFBlocks, "AWS WAF"},
	} {
		if c.has {
			f.error("only-rest", "%s APIs have no %s", a.Kind, c.what)
		}
	}
}

func (a *API) validateRoutes(f *findings) {
	if a.Routes == nil {
		f.where = "the default route"
		a.validateAccess(f, &Route{Access: a.Default})
	}
	seen := map[string]bool{}
	for i := range a.Routes {
		r := &a.Routes[i]
		f.where = "route " + r.Key()
		a.validateRoute(f, r)
		shape := routeMethod(r.Method)
		if r.Path != "" {
			shape += " " + templateShape(routable(a.Kind, urlpath.Plain(r.Path)))
		}
		if seen[shape] {
			f.error("route-twice", "another route has the same method and path")
		}
		seen[shape] = true
	}
}

// templateShape is a template with the names of its variables left out.
func templateShape(path string) string {
	segs := strings.Split(path, "/")
	for i, s := range segs {
		switch {
		case isGreedy(s):
			segs[i] = "{+}"
		case isParam(s):
			segs[i] = "{}"
		}
	}
	return strings.Join(segs, "/")
}

func (a *API) validateRoute(f *findings, r *Route) {
	switch {
	case a.Kind == WebSocket && r.Path != "":
		f.error("route-path", "routes of WebSocket APIs have a route key and no path")
	case a.Kind == WebSocket && r.Method == "":
		f.error("route-key", "a route needs a route key such as $connect")
	case a.Kind == HTTP && r.Method == "$default" && r.Path == "", a.Kind == WebSocket:
	case routeMethod(r.Method) != "ANY" && !isVerb(routeMethod(r.Method)):
		f.error("route-method", "want ANY or one of %s as the method, got %q", strings.Join(Methods(), " "), cut(r.Method))
	case !strings.HasPrefix(r.Path, "/"):
		f.error("route-path", "want a path that begins with a slash, got %q", cut(r.Path))
	default:
		validateTemplate(f, r.Path)
	}
	a.validateAccess(f, r)
}

func validateTemplate(f *findings, path string) {
	segs := segments(strings.TrimPrefix(path, "/"))
	names := map[string]bool{}
	for i, s := range segs {
		switch {
		case isGreedy(s) && i < len(segs)-1:
			f.error("route-greedy", "%s must be the last part of the path", cut(s))
		case !isParam(s) && strings.ContainsAny(s, "{}"):
			f.error("route-variable", "a variable fills a whole part of the path: %q", cut(s))
		case isParam(s) && paramName(s) == "":
			f.error("route-variable", "a variable needs a name")
		case isParam(s) && names[paramName(s)]:
			f.error("route-variable", "the variable %s is there twice", cut(s))
		case isParam(s):
		case urlpath.Encoded(s) != s:
			f.warn("route-unreachable", "requests have %q in percent-encoding: want %s", cut(s), cut(urlpath.Encoded(s)))
		case !urlpath.WellEncoded(s) || urlpath.Climbs(s):
			f.warn("route-unreachable", "a request with %s for a part of its path is answered with 400", cut(s))
		}
		if isParam(s) {
			names[paramName(s)] = true
		}
	}
}

func (a *API) validateAccess(f *findings, r *Route) {
	z := r.Authorizer
	if len(r.Scopes) > maxRouteScopes {
		f.error("scopes-quota", "%d scopes are more than the %d that a route may have", len(r.Scopes), maxRouteScopes)
	}
	if len(r.Scopes) > 0 && (z == nil || z.Type != AuthJWT && z.Type != AuthCognito) {
		f.warn("scopes-unused", "scopes only mean something with JWT and COGNITO_USER_POOLS authorizers")
	}
	if r.APIKeyRequired && a.Kind == HTTP {
		f.error("only-rest", "HTTP APIs have no API keys")
	}
	if r.APIKeyRequired && a.Kind == REST && a.APIKeySource == KeyFromAuthorizer && (z == nil || z.Type != AuthToken && z.Type != AuthRequest) {
		f.error("key-source", "API keys come from the authorizer, and the route has no Lambda authorizer")
	}
	if a.Kind == WebSocket && a.Routes != nil && z != nil && r.Method != "$connect" {
		f.error("connect-only", "only $connect can have an authorizer")
	}
}

func (a *API) validateAuthorizer(f *findings, z *Authorizer) {
	if broken := a.compileAuthorizer(z).broken; broken != "" {
		f.error("authorizer", "%s", broken)
	}
	if z.Type == AuthIAM || !slices.Contains(z.Type.kinds(), a.Kind) {
		return
	}
	a.validateTTL(f, z)
	a.validatePayload(f, z)
	if z.ValidationExpression != "" && z.Type != AuthToken && z.Type != AuthCognito {
		f.warn("expression-unused", "%s authorizers do not use a validation expression", z.Type)
	}
	if z.Type == AuthJWT || z.Type == AuthCognito {
		a.validateJWT(f, z)
	}
	a.validateTokenSource(f, z)
	if z.Type == AuthRequest && a.Kind == WebSocket && len(z.identitySources(a.Kind)) == 0 {
		f.warn("no-source", "without identity sources the function is called for every connection")
	}
}

// validateTokenSource wants the token of an authorizer that looks at one in a header;
// JWT authorizers of HTTP APIs take it from the query, too.
func (a *API) validateTokenSource(f *findings, z *Authorizer) {
	if z.Type == AuthRequest {
		return
	}
	places := "a header"
	if z.Type == AuthJWT && a.Kind == HTTP {
		places = "a header or the query"
	}
	for _, text := range z.identitySources(a.Kind) {
		s, err := parseSource(a.Kind, text)
		if err != nil || s.place == inHeader || s.place == inQuery && places != "a header" {
			continue
		}
		f.error("token-source", "a %s authorizer takes its token from %s, not from %s", z.Type, places, cut(text))
	}
}

func (a *API) validateTTL(f *findings, z *Authorizer) {
	if z.TTL == nil {
		return
	}
	switch {
	case *z.TTL < 0 || *z.TTL > maxTTL:
		f.error("ttl", "want a TTL from 0 to %d seconds, got %d", maxTTL, *z.TTL)
	case *z.TTL > 0 && a.Kind == WebSocket:
		f.warn("ttl-unused", "WebSocket APIs do not cache results")
	case *z.TTL > 0 && z.SimpleResponses && !slices.Contains(z.IdentitySources, "$context.routeKey"):
		f.warn("simple-cached", "isAuthorized is cached for all routes of the authorizer: the yes to one opens the others; want a TTL of 0, or $context.routeKey among the identity sources where the answer does not depend on the path")
	}
}

func (a *API) validatePayload(f *findings, z *Authorizer) {
	switch {
	case a.Kind != HTTP || z.Type != AuthRequest:
		if z.SimpleResponses {
			f.error("simple-responses", "only Lambda authorizers of HTTP APIs have simple responses")
		}
		return
	case z.PayloadFormat != "1.0" && z.PayloadFormat != "2.0":
		f.error("payload-format", "want 1.0 or 2.0 as the payload format, got %q", cut(z.PayloadFormat))
	case z.SimpleResponses && z.PayloadFormat != "2.0":
		f.error("simple-responses", "simple responses need payload format 2.0")
	}
}

func (a *API) validateJWT(f *findings, z *Authorizer) {
	issuers := z.JWT.Issuers
	if len(issuers) == 0 {
		f.error("issuer", "no issuer is given")
	}
	if len(issuers) > 1 && a.Kind == HTTP {
		f.error("issuer", "a JWT authorizer of an HTTP API has one issuer, not %d", len(issuers))
	}
	for _, i := range issuers {
		if problem := issuerProblem(i.Issuer); problem != "" {
			f.error("issuer", "the issuer %q %s", cut(i.Issuer), problem)
		}
		if len(i.Audience) == 0 && z.Type == AuthJWT {
			f.error("audience", "no audience is given for the issuer %q", cut(i.Issuer))
		}
		if len(i.Audience) > maxAudiences && a.Kind == HTTP {
			f.error("audience-quota", "%d audiences are more than the %d that a JWT authorizer may have", len(i.Audience), maxAudiences)
		}
		if strings.HasSuffix(i.Issuer, "/.well-known/openid-configuration") {
			f.error("issuer", "the issuer is what stands before /.well-known/openid-configuration")
		}
	}
	if a.Kind == HTTP && len(z.JWT.Algorithms) > 0 {
		f.warn("algorithms-unused", "JWT authorizers of HTTP APIs take RS256, RS384 and RS512, whatever is given")
	}
}

// issuerProblem says what is wrong with an issuer, or nothing. Plain http is let
// pass for loopback addresses, where a stand-in may play the issuer.
func issuerProblem(issuer string) string {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "":
		return "is no absolute URL"
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "must have no query and no fragment"
	case u.Scheme == "https" || u.Scheme == "http" && loopback.Is(u.Hostname()):
		return ""
	}
	return "must be an https URL"
}
