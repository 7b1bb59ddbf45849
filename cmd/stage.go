package cmd

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
	"gatepass/pkg/view"
)

// stage is an API with those who answer for its authorizers: everything that
// decides about requests in this package goes through it. Several goroutines may
// use it.
type stage struct {
	api     *apigw.API // prepared
	runners map[string]*runner
	p       *config.Profile
	cors    *apigw.CORS // which answers preflights, before anything is decided
	// functions are those of the runners. Whoever is done with the stage closes it.
	functions *functions
	behind    *functions // those of integrations, or nil
	files     []string   // that were read for the API and its authorizers
}

// close ends the processes of functions.
func (s *stage) close() {
	s.functions.close()
	if s.behind != nil {
		s.behind.close()
	}
}

// newStage finds out who answers for each authorizer of an API. The answer, which
// may be nil, is that of every Lambda authorizer, whatever is written about them.
// Keys are those of an issuer; they are only asked for when a token needs them.
func newStage(app *App, d *defined, answer *source.Node, keys func(issuer string) verify.KeySource) (*stage, error) {
	s := &stage{api: d.API, runners: map[string]*runner{}, p: d.p, cors: d.CORS, functions: &functions{app: app, flags: &d.f.function, api: d.API}}
	files := map[string]*authorizer.File{d.p.Authorizer: d.file}
	for _, z := range d.all {
		r := &runner{}
		s.runners[z.Name] = r
		written := d.answerFor(z)
		switch {
		case z.Type == apigw.AuthJWT || z.Type == apigw.AuthCognito:
			r.keys, r.seen = map[string]verify.KeySource{}, new(tokenMemory)
			for _, i := range z.JWT.Issuers {
				r.keys[i.Issuer] = keys(i.Issuer)
			}
		case !isFunction(z):
		case answer != nil:
			r.fixed = answer
		case written.Response != nil:
			r.fixed = written.Response
		case written.Function != nil:
			var err error
			if r.function, err = s.functions.open(written.Function); err != nil {
				if d.broke(z, err) {
					continue
				}
				s.close()
				return nil, err
			}
			r.function.project = d.ofProject(written.Function)
		case written.File != "":
			file, err := openFile(app, files, written.File)
			if err != nil {
				if d.broke(z, err) {
					continue
				}
				s.close()
				return nil, err
			}
			r.ours, r.path = newPolicyAuthorizer(file, keys, app.Now), written.File
		}
	}
	return s, nil
}

// answerFor is who answers for a Lambda authorizer: what is written for it, else
// what the flags or the profile say. The file of an authorizer may be code.
func (d *defined) answerFor(z *apigw.Authorizer) config.Answer {
	written := d.Answers[z.Name]
	switch {
	case config.IsHandler(written.File):
		written.Function, written.File = d.handlerOf(written.File), ""
	case written != config.Answer{}:
	case d.function != nil:
		written.Function = d.function
	case d.file != nil:
		written.File = d.p.Authorizer
	}
	return written
}

// handlerOf is the function of a file, the same one for the same file.
func (d *defined) handlerOf(file string) *config.Function {
	if d.handlers[file] == nil {
		if d.handlers == nil {
			d.handlers = map[string]*config.Function{}
		}
		d.handlers[file] = &config.Function{Handler: file}
	}
	return d.handlers[file]
}

// ofProject reports whether it is a project's file that names a function.
func (d *defined) ofProject(fn *config.Function) bool {
	if fn != d.function {
		return d.p.DefinitionOrigin().Kind == config.Project
	}
	return !d.f.function.named() && d.p.Origin("authorizer").Kind == config.Project
}

// openFile reads an authorizer file that was not read yet.
func openFile(app *App, files map[string]*authorizer.File, path string) (*authorizer.File, error) {
	if f := files[path]; f != nil {
		return f, nil
	}
	f, err := readAuthorizerFile(path)
	if err != nil {
		return nil, err
	}
	app.warnings(f.Lint())
	files[path] = f
	return f, nil
}

// identity is whom a request comes from, as far as authorizers are concerned.
type identity struct {
	claims *source.Node // made up, or nil: the token of the request counts
	now    time.Time
}

// runner answers for an authorizer. At most one of its members is set; none is for
// AWS_IAM, and for functions that nobody answers for.
type runner struct {
	ours  *policyAuthorizer
	path  string // of its file
	fixed *source.Node
	keys  map[string]verify.KeySource // by issuer, for JWT and Cognito
	seen  *tokenMemory                // of the same

	function *userFunction
}

// run answers an event.
func (r *runner) run(ctx context.Context, ev apigw.Event, as identity) (apigw.Output, *authorizer.Trace) {
	switch {
	case r.fixed != nil:
		return fixedOutput(r.fixed), nil
	case r.keys != nil:
		return apigw.TokenOutput(r.look(ctx, ev, as)), nil
	case r.function != nil:
		return r.function.answer(ctx, ev), nil
	case r.ours == nil:
		return apigw.NotInvokedOutput("nobody here answers for the authorizer"), nil
	}
	ours := *r.ours
	ours.now = func() time.Time { return as.now }
	if as.claims != nil {
		out, trace := ours.assume(ev, token.NewClaims(as.claims))
		return out, &trace
	}
	out, trace := ours.invoke(ctx, ev)
	return out, &trace
}

// fixedOutput makes a document the answer of a function. One that failed answers
// {"errorMessage": …}, as Lambda has it; {"notInvoked": reason} and
// {"timedOut": reason} stand for a function that could not be run, or not to its
// end.
func fixedOutput(n *source.Node) apigw.Output {
	if len(n.Members) == 1 {
		switch m := n.Members[0]; m.Key {
		case "notInvoked":
			return apigw.NotInvokedOutput(m.Value.Text)
		case "timedOut":
			return apigw.TimeoutOutput(m.Value.Text)
		}
	}
	if m := n.Get("errorMessage"); m != nil && n.Get("policyDocument") == nil {
		return apigw.ErrorOutput(m.Text)
	}
	doc, err := json.Marshal(n.Any())
	if err != nil { // a number that JSON does not have, such as YAML's 0x1F
		return apigw.Output{Kind: apigw.Returned, Text: n.Text, Message: err.Error()}
	}
	return apigw.Output{Kind: apigw.Returned, Value: n, Text: string(doc)} // mistakes in it have their place in the file
}

// check looks at the token of a JWT or Cognito authorizer: key and signature are
// found out here, all else about it is API Gateway's to decide.
func (r *runner) check(ctx context.Context, ev apigw.Event, as identity) apigw.TokenVerdict {
	if as.claims != nil {
		return assumed(ev.Authorizer, as)
	}
	v := apigw.DecodeToken(ev.Token)
	t, err := token.Decode(ev.Token)
	if v.Malformed != "" || err != nil {
		return v
	}
	keys := r.keysFor(v.Claims)
	if keys == nil {
		v.Detail = "its issuer is none of the authorizer's"
		return v
	}
	report, err := verify.Verify(ctx, t, token.Expect{Algorithms: verify.Algorithms(), SignatureOnly: true}, keys)
	if err != nil {
		v.Key, v.Detail = apigw.KeysUnavailable, err.Error()
		return v
	}
	for _, k := range report.Checks {
		switch {
		case k.Name == token.CheckKey && k.Result == token.Pass:
			v.Key = apigw.KeyFound
		case k.Name == token.CheckSignature && k.Result == token.Pass:
			v.Signature = true
		case k.Result == token.Fail && v.Detail == "":
			v.Detail = k.Reason
		}
	}
	return v
}

// keysFor are the keys that a token is checked with: those of the one issuer,
// whatever the token says of its own, or of the one among several that it names.
func (r *runner) keysFor(claims *source.Node) verify.KeySource {
	if len(r.keys) == 1 {
		for _, keys := range r.keys {
			return keys
		}
	}
	if iss := claims.Get("iss"); iss != nil && iss.Kind == source.String {
		return r.keys[iss.Text]
	}
	return nil
}

// assumed is what made-up claims are taken for: a token with a right signature.
// What every token has and nobody wants to make up is filled in: iss and aud that
// the authorizer takes, and exp.
func assumed(z *apigw.Authorizer, as identity) apigw.TokenVerdict {
	claims := map[string]any{}
	if len(z.JWT.Issuers) > 0 {
		i := z.JWT.Issuers[0]
		claims["iss"] = i.Issuer
		if len(i.Audience) > 0 && z.Type == apigw.AuthJWT && as.claims.Get("client_id") == nil {
			claims["aud"] = i.Audience[0]
		}
	}
	claims["exp"] = as.now.Add(time.Hour).Unix()
	filled := slices.DeleteFunc(slices.Sorted(maps.Keys(claims)), func(name string) bool { return as.claims.Get(name) != nil })
	made, _ := as.claims.Any().(map[string]any)
	maps.Copy(claims, made)
	algorithm := "RS256"
	if len(z.JWT.Algorithms) > 0 {
		algorithm = z.JWT.Algorithms[0]
	}
	v := apigw.TokenVerdict{
		Header: node(map[string]any{"alg": algorithm, "kid": "made-up"}), Claims: node(claims),
		Assumed: "its claims are made up",
	}
	if len(filled) > 0 {
		v.Assumed += "; " + strings.Join(filled, ", ") + " were filled in"
	}
	return v
}

// node is a value as a tree.
func node(v any) *source.Node {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	n, err := source.JSON("claims", data)
	if err != nil {
		return nil
	}
	return n
}

// decide decides about a request. The cache, which may be nil, holds answers of
// authorizers to earlier requests.
func (s *stage) decide(ctx context.Context, req *apigw.Request, as identity, cache *apigw.Cache) *view.Authorize {
	if refused := s.connect(ctx, req, as); refused != nil {
		return refused
	}
	result := &view.Authorize{Method: req.Method, Path: req.Path}
	if s.api.Kind == apigw.WebSocket {
		result.Method, result.Path = "", routeKey(req)
	}
	result.Verdict = apigw.Decide(s.api, req, cache, func(ev apigw.Event) apigw.Output {
		out, trace := s.runners[ev.Authorizer.Name].run(ctx, ev, as)
		if ev.Kind != apigw.EventJWT { // which is no event of AWS
			result.Event = &ev
		}
		result.Authorizer, result.Response = trace, document(out)
		return out
	})
	if s.cors != nil && s.api.IsPreflight(req) {
		result.Notes = append(result.Notes, "it is a preflight that no route takes: API Gateway answers it by the CORS configuration, with 204, and decides nothing about it")
	}
	return result
}

// routeKey is the route of a message of a WebSocket API.
func routeKey(req *apigw.Request) string {
	if req.RouteKey == "" {
		return "$connect"
	}
	return req.RouteKey
}

// connect makes the connection on which a message of a WebSocket API comes: the
// message keeps what the authorizer said then. It returns the refusal when there
// can be no message. A request with a context is on a connection already.
func (s *stage) connect(ctx context.Context, req *apigw.Request, as identity) *view.Authorize {
	if s.api.Kind != apigw.WebSocket || routeKey(req) == "$connect" || req.Context != nil {
		return nil
	}
	first := *req
	first.RouteKey = ""
	r := s.decide(ctx, &first, as, nil)
	if r.Verdict.Allowed {
		req.Context = r.Verdict.Backend
		return nil
	}
	r.Notes = append(r.Notes, "the connection is refused, so that the message "+req.RouteKey+" is never sent")
	return r
}

// document is an authorizer's answer as JSON, or nil when it failed.
func document(out apigw.Output) json.RawMessage {
	if out.Kind == apigw.Returned && json.Valid([]byte(out.Text)) {
		return json.RawMessage(out.Text)
	}
	return nil
}

// authorizerFor is who decides about a request, or nil; found says that there is
// a route for it.
func (s *stage) authorizerFor(req *apigw.Request) (z *apigw.Authorizer, found bool) {
	if s.api.Routes == nil {
		return s.api.Default.Authorizer, true
	}
	quiet := *req
	quiet.NoTrace = true
	if s.api.Kind == apigw.WebSocket {
		quiet.RouteKey = "" // it is the connection that is authorized
	}
	v, p := apigw.Begin(s.api, &quiet)
	if p != nil {
		return p.Authorizer(), true
	}
	for i := range s.api.Routes {
		if r := &s.api.Routes[i]; strings.EqualFold(r.Key(), v.RouteKey) {
			return r.Authorizer, true
		}
	}
	return nil, false
}

// authorizers are those of the routes.
func (s *stage) authorizers() []*apigw.Authorizer {
	var all []*apigw.Authorizer
	add := func(z *apigw.Authorizer) {
		if z != nil && !slices.Contains(all, z) {
			all = append(all, z)
		}
	}
	if s.api.Routes == nil {
		add(s.api.Default.Authorizer)
	}
	for i := range s.api.Routes {
		add(s.api.Routes[i].Authorizer)
	}
	return all
}

// answered reports a function that nobody here answers for.
func (s *stage) answered(z *apigw.Authorizer) error {
	if z == nil || !isFunction(z) {
		return nil
	}
	if r := s.runners[z.Name]; r.ours != nil || r.fixed != nil || r.function != nil {
		return nil
	}
	return fault.New(fault.Usage, "nothing says what the authorizer %s answers", z.Name).
		WithHint("give it a file: authorizer.yaml, a handler: simple.js, or a response: answer.json, where it is written; or --authorizer, --handler or --response FILE")
}

// tokenPlace is where a token goes in a request that an authorizer decides about:
// where the profile says, where the authorizer file looks for it, or the first
// header or parameter among the identity sources.
func (s *stage) tokenPlace(z *apigw.Authorizer) authorizer.Source {
	if s.p.Origin("api.send").Kind != config.Default && s.p.API.Send.Header != "" {
		return authorizer.Source{Place: authorizer.Header, Name: s.p.API.Send.Header, Scheme: s.p.API.Send.Scheme}
	}
	place := authorizer.DefaultSource()
	if z == nil {
		return place
	}
	ours := s.runners[z.Name].ours
	if ours != nil {
		if place = ours.file.Source(); z.Type != apigw.AuthToken {
			return place
		}
	}
	for _, text := range z.IdentitySources {
		if _, name, ok := strings.Cut(text, ".querystring."); ok {
			return authorizer.Source{Place: authorizer.Query, Name: name}
		}
		_, name, ok := strings.Cut(text, ".header.")
		switch {
		case !ok:
			continue
		case strings.EqualFold(name, "Authorization"), ours != nil: // a TOKEN authorizer has the header of its identity source
			place.Place, place.Name = authorizer.Header, name
			return place
		}
		return authorizer.Source{Place: authorizer.Header, Name: name}
	}
	return place
}
