package apigw

import (
	"fmt"
	"strings"

	"gatepass/pkg/policy"
	"gatepass/pkg/urlpath"
)

// invoke is the action a request asks for.
const invoke = "execute-api:Invoke"

// Begin takes a request as far as it goes without an authorizer. Exactly one of
// the results is not nil: the Verdict when no authorizer has to be asked, else
// what is pending on one.
//
// The order of checks of a REST API is WAF, route, explicit denials of the resource
// policy, identity sources, authorizer or its cached result, policies, API key and
// usage plan, backend. AWS documents it but for the relative order of the first
// three and of the API key, which are inferred.
func Begin(api *API, req *Request) (*Verdict, *Pending) {
	p := &Pending{api: api, prep: api.ready(), req: req, path: req.Path, trace: !req.NoTrace}
	if api.Kind == WebSocket {
		return p.beginMessage()
	}
	if v := p.waf(); v != nil {
		return v, nil
	}
	if v := p.tooLarge(); v != nil {
		return v, nil
	}
	if v := p.readPath(); v != nil {
		return v, nil
	}
	if v := p.lookup(); v != nil {
		return v, nil
	}
	if p.route.auth == nil {
		return p.openRoute(), nil
	}
	if v := p.uriLength(); v != nil {
		return v, nil
	}
	return p.authenticate()
}

// Pending is a request that waits for an authorizer. Event may be asked for any
// time; one of Finish and FinishCached is called, once.
type Pending struct {
	api   *API
	prep  *prepared
	req   *Request
	path  string // of the request, made plain
	trace bool

	route    *route
	arn      string
	values   []string  // of the identity sources
	few      [2]string // room for them: most authorizers have one
	key      Key
	token    string              // the bare token, for EventJWT
	params   map[string][]string // the query
	test     bool                // by TestInvoke
	called   bool
	cached   bool
	backend  *Backend
	who      string // principalId
	authErr  string // $context.authorizer.error
	decision string

	reason string
	steps  []Step
	log    []string
}

// step records a step. The reason of the last one is that of the verdict.
func (p *Pending) step(s Step) {
	p.reason = s.Reason
	if p.trace {
		p.steps = append(p.steps, s)
	}
}

// logf adds a line to the execution log, which only REST and WebSocket APIs have.
func (p *Pending) logf(format string, args ...any) {
	if !p.trace || p.api.Kind == HTTP {
		return
	}
	prefix := "(" + p.req.ID + ") "
	if p.test {
		prefix = p.req.Time.UTC().Format(testTime)
	}
	p.log = append(p.log, prefix+fmt.Sprintf(format, args...))
}

// waf refuses what AWS WAF blocks: it comes before everything else.
func (p *Pending) waf() *Verdict {
	if !p.api.WAFBlocks || p.api.Kind != REST {
		return nil
	}
	p.step(Step{Step: StepWAF, Outcome: OutcomeRefused, Reason: "AWS WAF blocks the request; nothing else was looked at"})
	return p.refuse(refusal{t: WAFFiltered, message: "Forbidden"})
}

// readPath makes the path of the request plain, so that no letter can be written in a
// way that a policy does not name, and refuses paths that a backend may take for others
// than was decided about. What API Gateway does with either was not found.
func (p *Pending) readPath() *Verdict {
	s := Step{Step: StepRoute, Outcome: OutcomeRefused, Inferred: "what API Gateway does with such a path is not documented"}
	switch p.path = urlpath.Plain(p.req.Path); {
	case !urlpath.WellEncoded(p.req.Path):
		s.Reason = fmt.Sprintf("the path %s has a percent sign that encodes nothing", p.req.Path)
	case urlpath.Climbs(p.path):
		s.Reason = fmt.Sprintf("the path %s has . or .. for a part, by which a backend may mean another path than was decided about", p.path)
	default:
		return nil
	}
	p.step(s)
	return p.refuse(refusal{t: Default4XX, status: 400, message: "Bad Request", errorType: "BadRequestException"})
}

// lookup finds the route of the request.
func (p *Pending) lookup() *Verdict {
	p.route = p.prep.match(p.api.Kind, p.req.Method, p.path)
	if p.route == nil {
		return p.noRoute()
	}
	path := p.path
	if path == "" {
		path = "/"
	}
	p.arn = p.prep.arnPrefix + p.req.Method + path
	if !p.trace {
		return nil
	}
	s := Step{Step: StepRoute, Outcome: OutcomeOK, Reason: "the route is " + p.RouteKey()}
	if p.prep.open != nil {
		s.Reason = "every path is a route, as no routes are given"
	}
	switch {
	case p.path != p.req.Path:
		s.Reason += "; the path, less the percent-encoding that it does not need, is " + path
		s.Inferred = "that letters, digits and -._~ count the same in percent-encoding is not documented"
	case strings.Contains(path, "%"):
		s.Inferred = "that percent-encoded characters stay in the ARN as they were sent is not documented"
	case len(path) > 1 && strings.HasSuffix(path, "/"):
		s.Inferred = "that a slash at the end of the path stays in the ARN is not documented"
	}
	p.step(s)
	return nil
}

// RouteKey is the key of the route, such as GET /pets/{petId}. Where every path is
// a route it is method and path of the request.
func (p *Pending) RouteKey() string {
	switch {
	case p.route == nil:
		return ""
	case p.route.key != "":
		return p.route.key
	}
	return p.req.Method + " " + p.path
}

// Resource is the path template of the route.
func (p *Pending) Resource() string {
	switch {
	case p.route == nil:
		return ""
	case p.route.Path != "" || p.route.key != "":
		return p.route.Path
	}
	return p.path
}

// noRoute is the answer to a method or path that is not deployed.
func (p *Pending) noRoute() *Verdict {
	rest := routable(p.api.Kind, p.path)
	s := Step{Step: StepRoute, Outcome: OutcomeRefused}
	s.Reason = fmt.Sprintf("no route for %s %s is deployed in the stage %s", p.req.Method, p.path, p.api.Stage)
	switch {
	case !isVerb(p.req.Method):
		s.Reason = fmt.Sprintf("API Gateway has no method %q: routes are for %s, and ANY for all of these", p.req.Method, strings.Join(Methods(), ", "))
		s.Inferred = "what the answer to other methods is, is not documented"
	case p.prep.root.anyPath(rest, rest == ""):
		s.Reason = fmt.Sprintf("the path %s is deployed, but not with the method %s", p.path, p.req.Method)
	}
	if p.api.Kind == HTTP {
		p.step(s)
		return p.refuse(refusal{status: 404, message: "Not Found"})
	}
	if text, ok := unsigned(last(p.req.header("Authorization"))); ok {
		s.Reason += "; the gateway then takes the Authorization header for an AWS signature"
		s.Inferred = "which gateway response this is, is not documented"
		p.step(s)
		return p.refuse(refusal{t: Default4XX, status: 403, message: text, errorType: "IncompleteSignatureException"})
	}
	p.step(s)
	return p.refuse(refusal{t: MissingAuthenticationToken, message: "Missing Authentication Token"})
}

// unsigned is the complaint about an Authorization header that is taken for an AWS
// signature: a scheme with parameters that are no key=value pairs (captured in
// serverless issue 3205 with a bearer token). A value of one word has no
// parameters to complain about.
func unsigned(value string) (string, bool) {
	_, rest, ok := strings.Cut(strings.TrimSpace(value), " ")
	pair, _, _ := strings.Cut(strings.TrimSpace(rest), ",")
	if !ok || pair == "" || strings.Contains(pair, "=") {
		return "", false
	}
	return fmt.Sprintf("'%s' not a valid key=value pair (missing equal-sign) in Authorization header: '%s'", pair, value), true
}

// uriLength refuses method ARNs beyond what the gateway evaluates (AWS: quotas; 414).
func (p *Pending) uriLength() *Verdict {
	if len(p.arn) <= MaxARN || p.api.Kind != REST {
		return nil
	}
	p.step(Step{
		Step: StepRoute, Outcome: OutcomeRefused,
		Reason:   fmt.Sprintf("the method ARN has %d bytes, more than the %d that can be authorized", len(p.arn), MaxARN),
		Inferred: "status and phrase are documented, body and error type are not",
	})
	return p.refuse(refusal{t: Default4XX, status: 414, message: "Request URI too long"})
}

// openRoute decides about a route without an authorizer: by the resource policy
// and the API key.
func (p *Pending) openRoute() *Verdict {
	p.step(Step{Step: StepAuthorizer, Outcome: OutcomeSkipped, Reason: "the route has no authorizer"})
	if p.hasResourcePolicy() {
		e := p.evaluateResource("")
		p.decision = e.String()
		if e != policy.Allow {
			return p.denyAnonymous(e)
		}
	}
	if p.api.Kind == HTTP && p.api.IntegrationPayload == "1.0" {
		p.backend = &Backend{At: "requestContext.authorizer", Value: map[string]any{"claims": nil, "scopes": nil}}
	}
	return p.admit("")
}

// authenticate checks what must be there before the authorizer is asked.
func (p *Pending) authenticate() (*Verdict, *Pending) {
	z := p.route.auth
	if z.broken != "" {
		p.step(Step{Step: StepAuthorizer, Outcome: OutcomeFailed, Reason: "the authorizer is not configured right: " + z.broken})
		return p.misconfigured(), nil
	}
	if z.Type == AuthIAM {
		return p.decideIAM(), nil
	}
	if v := p.earlyDeny(); v != nil {
		return v, nil
	}
	if v := p.identify(); v != nil {
		return v, nil
	}
	return nil, p
}

// earlyDeny is the first phase of a resource policy with a Lambda authorizer: an
// explicit deny ends the matter before the function is called (AWS: "API Gateway
// resource policies' effect on the authorization workflow").
func (p *Pending) earlyDeny() *Verdict {
	z := p.route.auth
	if !p.hasResourcePolicy() || z.Type != AuthToken && z.Type != AuthRequest {
		return nil
	}
	r := p.policyRequest(p.prep.policyKeys, "")
	if p.api.ResourcePolicy.Decide(&r) != policy.ExplicitDeny {
		return nil
	}
	p.evaluateResource("")
	p.decision = policy.ExplicitDeny.String()
	return p.denyAnonymous(policy.ExplicitDeny)
}

// identify collects the identity values. Each must be there and not empty, also
// when a cached result would do (AWS: CreateAuthorizer, identitySource).
func (p *Pending) identify() *Verdict {
	z := p.route.auth
	p.values = p.few[:0]
	inferred := ""
	for i := range z.sources {
		s := &z.sources[i]
		v, several := p.value(s)
		if v == "" {
			return p.unidentified(fmt.Sprintf("the identity source %s is missing or empty; the authorizer was not called", s.text))
		}
		if several {
			inferred = "which of several values of " + s.text + " counts is not documented"
		}
		p.values = append(p.values, v)
	}
	if z.expr != nil && z.Type == AuthToken && !z.expr.MatchString(p.values[0]) {
		return p.unidentified(fmt.Sprintf("the value of %s does not match the validation expression %s as a whole; the authorizer was not called",
			z.sources[0].text, z.ValidationExpression))
	}
	p.token = bearer(z.Type, p.values)
	p.key = makeKey(z.scope, p.values)
	if p.trace {
		reason := "no identity source is asked for"
		if len(z.sources) > 0 {
			reason = "found: " + sourceNames(z.sources)
		}
		p.step(Step{Step: StepIdentity, Outcome: OutcomeOK, Reason: reason, Inferred: inferred})
	}
	return nil
}

func sourceNames(sources []idSource) string {
	names := make([]string, len(sources))
	for i := range sources {
		names[i] = sources[i].text
	}
	return strings.Join(names, ", ")
}

// bearer is the token in the one identity value of a JWT or Cognito authorizer:
// the value itself, or what follows "Bearer " in just this spelling (other
// spellings are not documented).
func bearer(t AuthorizerType, values []string) string {
	if t != AuthJWT && t != AuthCognito {
		return ""
	}
	return strings.TrimPrefix(values[0], "Bearer ")
}

// unidentified is the answer when an identity value is missing. It is not logged.
func (p *Pending) unidentified(reason string) *Verdict {
	z := p.route.auth
	s := Step{Step: StepIdentity, Outcome: OutcomeRefused, Reason: reason}
	r := refusal{t: Unauthorized, status: 401, message: "Unauthorized"}
	if z.Type == AuthJWT {
		r.challenge = "Bearer"
		if p.api.Kind == REST {
			s.Inferred = inferredRESTJWT
		}
	}
	p.step(s)
	return p.refuse(r)
}

// Event is what the authorizer is handed.
func (p *Pending) Event() Event { return p.event() }

// Key is the key of the result cache. It is false when results of this authorizer
// are not cached.
func (p *Pending) Key() (Key, bool) { return p.key, p.route.auth.ttl > 0 }

// Authorizer is who must be asked.
func (p *Pending) Authorizer() *Authorizer { return p.route.auth.Authorizer }

// Finish decides with what the authorizer said. The Result is what may be cached
// under Key, or nil.
func (p *Pending) Finish(out Output) (*Verdict, *Result) {
	if p.trace {
		p.cacheStep()
	}
	switch p.route.auth.Type {
	case AuthJWT:
		return p.finishJWT(out), nil
	case AuthCognito:
		return p.finishCognito(out), nil
	}
	return p.finishLambda(out)
}

// cacheStep says in the trace why the authorizer was called.
func (p *Pending) cacheStep() {
	z := p.route.auth
	switch {
	case z.Type == AuthJWT || z.Type == AuthCognito:
	case z.ttl == 0:
		p.step(Step{Step: StepCache, Outcome: OutcomeOff, Reason: "results of this authorizer are not cached"})
	default:
		p.step(Step{
			Step: StepCache, Outcome: OutcomeMiss,
			Reason: fmt.Sprintf("no cached result for these identity values; a result is kept for %s", seconds(z.ttl)),
		})
	}
}

// FinishCached decides with a cached result: its policy is evaluated anew for the
// ARN of this request.
func (p *Pending) FinishCached(r *Result) *Verdict {
	p.cached = true
	if p.trace {
		p.step(Step{
			Step: StepCache, Outcome: OutcomeHit,
			Reason: "a cached result for these identity values decides; the authorizer was not called. It was made for " + r.madeFor,
		})
	}
	return p.apply(r)
}

// Decide is Begin and Finish with a cache, which may be nil, and a function that
// runs the authorizer. Everything that decides goes through it or through the two.
func Decide(api *API, req *Request, cache *Cache, invoke func(Event) Output) *Verdict {
	v, p := Begin(api, req)
	if v != nil {
		return v
	}
	key, cacheable := p.Key()
	cacheable = cacheable && cache != nil
	if cacheable {
		if r, ok := cache.Get(key, req.Time); ok {
			return p.FinishCached(r)
		}
	}
	v, r := p.Finish(invoke(p.Event()))
	if cacheable && r != nil {
		cache.Put(key, r, req.Time)
	}
	return v
}
