package cmd

import (
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/source"
)

// apiFlags say which API a decision is about and what authorizes its requests.
// They change what the profile or the API file says. What is left open comes from
// the URL of the profile's API, and is made up where that does not tell.
type apiFlags struct {
	arn, stage, id, region, account, denial  string
	kind, resourcePolicy, integration        string
	routes, scopes, planKeys, stageVariables []string
	keyRequired                              bool
	typ, validation, payload                 string
	sources, audience                        []string
	ttl                                      int
	simple                                   bool
	function                                 functionFlags
	flags                                    *pflag.FlagSet // about the authorizer; nil: none was given
}

// apiGroup are the flags about the API.
func (f *apiFlags) apiGroup() *pflag.FlagSet {
	fs := group()
	fs.StringVar(&f.kind, "kind", "", "`kind` of API: rest, http or websocket (default rest)")
	listVar(fs, &f.routes, "route", "", "a `route`: 'GET /pets/{id}', '/{proxy+}'; repeatable (default: every path is one)")
	listVar(fs, &f.scopes, "route-scope", "", "`scope` of which a token must have one; repeatable")
	fs.BoolVar(&f.keyRequired, "api-key-required", false, "the route asks for an API key")
	listVar(fs, &f.planKeys, "plan-key", "", "an API `key` that is in a usage plan; repeatable")
	fs.StringVar(&f.resourcePolicy, "resource-policy", "", "`file` with the resource policy of a REST API")
	listVar(fs, &f.stageVariables, "stage-variable", "", "stage variable, `name=value`; repeatable")
	fs.StringVar(&f.integration, "integration-payload", "", "payload `format` of HTTP APIs' integrations: 1.0 or 2.0")
	fs.StringVar(&f.denial, "denial-text", "", "texts of refusals, `current` or legacy: AWS changed them around 2025")
	fs.StringVar(&f.arn, "arn", "", "`ARN` of the API and stage, or of any method of it")
	fs.StringVar(&f.stage, "stage", "", "`name` of the stage (default: of the API's URL, or prod)")
	fs.StringVar(&f.id, "api-id", "", "`id` of the API in ARNs (default: of the API's URL, or local)")
	fs.StringVar(&f.region, "region", "", "`region` in ARNs (default: of the API's URL, or us-east-1)")
	fs.StringVar(&f.account, "account", "", "`account` in ARNs (default 123456789012)")
	return fs
}

// authorizerGroup are the flags about the authorizer.
func (f *apiFlags) authorizerGroup() *pflag.FlagSet {
	fs := group()
	fs.StringVar(&f.typ, "type", "", "`type` of authorizer: token, request, cognito, jwt, iam or none")
	listVar(fs, &f.sources, "identity-source", "", "identity `source`: 'header NAME', 'query NAME', 'stage NAME', 'context NAME', or as AWS writes it; repeatable")
	fs.StringVar(&f.validation, "validation", "", "validation `expression` that the whole token must match")
	fs.IntVar(&f.ttl, "ttl", 0, "`seconds` for which answers are cached, 0 to 3600 (default 300, HTTP APIs 0)")
	fs.StringVar(&f.payload, "payload", "", "payload `format` of a Lambda authorizer of HTTP APIs: 1.0 or 2.0")
	fs.BoolVar(&f.simple, "simple", false, "the function may answer isAuthorized (HTTP APIs)")
	listVar(fs, &f.audience, "audience", "", "an `audience` that will do, with jwt (default: the profile's client); repeatable. The issuer is that of --issuer")
	f.function.add(fs)
	f.flags = fs
	return fs
}

// group is a new set of flags that keeps their order.
func group() *pflag.FlagSet {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fs.SortFlags = false
	return fs
}

// defined is an API put together from what is written about it and the flags.
type defined struct {
	*config.Definition
	f    *apiFlags
	app  *App
	p    *config.Profile
	h    hints
	file *authorizer.File    // the profile's authorizer file, or nil
	all  []*apigw.Authorizer // those of the routes
	// function answers where nothing else is written: that of a flag, or of the
	// profile. Nil: none does.
	function *config.Function
	handlers map[string]*config.Function // by the files that name them
	// broken are authorizers that cannot be run, by their names; where it is nil, one
	// is an error.
	broken map[string]error
	// notes are what was taken for granted.
	notes []string
}

// hints are what is known before the API is: an event from a file says which kind
// of API it is of.
type hints struct {
	kind    apigw.Kind
	hasKind bool
	payload string // of the event
	arn     *apigw.ARN
	// variables are the event's stage variables, for an API of which none are said.
	variables map[string]string
	// response says that there is an answer of the authorizer, whoever it is.
	response bool
	apiKey   string // that is sent
}

// define puts the API together. Its errors are of the user's making.
func (f *apiFlags) define(app *App, p *config.Profile, h hints) (*defined, error) {
	written, err := p.Definition()
	if err != nil {
		return nil, err
	}
	d := &defined{Definition: written, f: f, app: app, p: p, h: h}
	for _, step := range []func() error{
		d.chooseKind, d.choosePlace, d.words, d.documents, d.chooseAccess, d.Settle, d.chooseFunction, d.chooseDefault, d.change, d.issuers, d.check,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *defined) chooseKind() error {
	f, h := d.f, d.h
	switch k, err := apigw.ParseKind(f.kind); {
	case f.kind != "" && err != nil:
		e := fault.New(fault.Usage, "--kind takes rest, http or websocket, not %q", cutText(f.kind, 40))
		if near := source.Nearest(f.kind, []string{"rest", "http", "websocket"}); near != "" {
			e = e.WithHint("did you mean %s?", near)
		}
		return e
	case f.kind != "":
		d.API.Kind = k
	case !d.Kind && h.hasKind:
		d.API.Kind = h.kind
	}
	return nil
}

// choosePlace fills in what ARNs are made of: the flags, the API file, the URL of the
// API, and what AWS's own examples have, in this order.
func (d *defined) choosePlace() error {
	f, p := d.f, d.p
	at := *p
	if d.URL != "" {
		at.API.URL = strings.TrimRight(d.URL, "/")
	}
	known := restAPI(&at)
	if d.API.Kind == apigw.HTTP && !stageInURL(at.API.URL) {
		known.Stage = "$default"
	}
	given := &apigw.API{Stage: f.stage, ID: f.id, Region: f.region, Account: f.account}
	if err := f.placeFromARN(given); err != nil {
		return err
	}
	for _, name := range []string{f.stage, f.id, f.region, f.account} {
		if strings.ContainsAny(name, "/: ") {
			return fault.New(fault.Usage, "%q cannot be part of an ARN: it has a slash, a colon or a space", cutText(name, 40))
		}
	}
	part := func(to *string, from ...string) {
		if i := slices.IndexFunc(from, func(s string) bool { return s != "" }); i >= 0 {
			*to = from[i]
		}
	}
	a := d.API
	if at := d.h.arn; at != nil { // the event knows where it is from
		a.Partition, a.Region, a.Account, a.ID, a.Stage = at.Partition, at.Region, at.Account, at.API, at.Stage
		return nil
	}
	part(&a.Partition, given.Partition, a.Partition, known.Partition)
	part(&a.Region, given.Region, a.Region, known.Region)
	part(&a.Account, given.Account, a.Account, known.Account)
	part(&a.ID, given.ID, a.ID, known.ID)
	part(&a.Stage, given.Stage, a.Stage, known.Stage)
	return nil
}

// placeFromARN reads the ARN of a stage, or of any method of it. Flags for single
// parts win.
func (f *apiFlags) placeFromARN(api *apigw.API) error {
	if f.arn == "" {
		return nil
	}
	text := f.arn
	for strings.Count(text, "/") < 2 { // API/STAGE will do
		text = strings.TrimSuffix(text, "/") + "/GET"
	}
	a, err := apigw.ParseARN(text)
	if err != nil {
		return fault.New(fault.Usage, "--arn: %w", err).
			WithHint("for example arn:aws:execute-api:eu-west-1:123456789012:abc123/prod")
	}
	api.Partition = a.Partition
	for _, x := range []struct{ to, from *string }{{&api.Region, &a.Region}, {&api.Account, &a.Account}, {&api.ID, &a.API}, {&api.Stage, &a.Stage}} {
		if *x.to == "" {
			*x.to = *x.from
		}
	}
	return nil
}

// words reads flags of few words.
func (d *defined) words() error {
	f := d.f
	switch f.denial {
	case "":
	case "current":
		d.API.Denial = apigw.CurrentText
	case "legacy":
		d.API.Denial = apigw.LegacyText
	default:
		return fault.New(fault.Usage, "--denial-text takes current or legacy, not %q", cutText(f.denial, 40))
	}
	if f.integration != "" {
		d.API.IntegrationPayload = f.integration
	}
	if d.API.StageVariables == nil {
		d.API.StageVariables = maps.Clone(d.h.variables)
	}
	for _, v := range f.stageVariables {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return fault.New(fault.Usage, "want --stage-variable name=value, got %q", cutText(v, 40))
		}
		if d.API.StageVariables == nil {
			d.API.StageVariables = map[string]string{}
		}
		d.API.StageVariables[name] = value
	}
	return nil
}

// documents reads the files that flags name.
func (d *defined) documents() error {
	f := d.f
	if f.resourcePolicy != "" {
		n, err := readDocument(d.app, f.resourcePolicy)
		if err != nil {
			return err
		}
		d.SetResourcePolicy(n)
	}
	return nil
}

// chooseAccess makes the flags' demands on the routes that name no authorizer.
func (d *defined) chooseAccess() error {
	f := d.f
	all := []*apigw.Access{&d.API.Default}
	for _, r := range d.Inheriting() {
		all = append(all, &r.Access)
	}
	for _, a := range all {
		if f.scopes != nil {
			a.Scopes = strings.Fields(strings.Join(f.scopes, " "))
		}
		a.APIKeyRequired = a.APIKeyRequired || f.keyRequired
	}
	d.API.PlanKeys = append(d.API.PlanKeys, f.planKeys...)
	if d.h.apiKey != "" && len(d.API.PlanKeys) == 0 && d.API.Kind == apigw.REST {
		d.API.PlanKeys = []string{d.h.apiKey}
		d.notes = append(d.notes, "no usage plan is given, so that the API key that is sent counts as one of its keys")
	}
	for _, r := range f.routes {
		d.AddRoute(r)
	}
	return nil
}

// chooseDefault chooses who decides about routes that name nobody: --type, what
// is written, or the authorizer file of the profile.
func (d *defined) chooseDefault() error {
	f, p := d.f, d.p
	d.all = d.Authorizers()
	byFlag := p.Origin("authorizer").Kind == config.Flag
	if p.Authorizer != "" && d.function == nil && !d.h.response && (f.typ != "" || !d.HasDefault || d.unanswered() || byFlag) {
		var err error
		if d.file, err = readAuthorizerFile(p.Authorizer); err != nil {
			return err
		}
		d.app.warnings(d.file.Lint())
	}
	z := d.API.Default.Authorizer
	switch {
	case f.typ != "":
		var err error
		if z, err = d.typed(); err != nil {
			return err
		}
	case !d.HasDefault && d.Inherits():
		if d.file == nil && d.function == nil && !d.h.response {
			return whoDecides()
		}
		z = d.standard()
	}
	if z != nil && !slices.Contains(d.all, z) {
		for slices.ContainsFunc(d.all, func(other *apigw.Authorizer) bool { return other.Name == z.Name }) {
			z.Name += "-default"
		}
		d.all = append(d.all, z)
	}
	switch {
	case z == nil || !isFunction(z):
	case byFlag && d.file != nil:
		d.Answers[z.Name] = config.Answer{File: p.Authorizer}
	case d.function != nil && (byFlag || f.function.named()):
		d.Answers[z.Name] = config.Answer{Function: d.function}
	}
	d.SetDefault(z)
	return d.checkFunction()
}

// chooseFunction finds out whether a function answers where nothing else is
// written: one of a flag, or a handler in place of the profile's authorizer file.
func (d *defined) chooseFunction() error {
	p := d.p
	byFlag := p.Origin("authorizer").Kind == config.Flag
	fn, err := d.f.function.given(d.app)
	switch {
	case err != nil:
		return err
	case fn != nil && (d.h.response || byFlag):
		other := "--authorizer"
		if d.h.response {
			other = "--response"
		}
		return fault.New(fault.Usage, "a function and %s both say who answers: give one", other)
	case fn == nil && config.IsHandler(p.Authorizer):
		fn = &config.Function{Handler: p.Authorizer}
	}
	if !d.h.response {
		d.function = fn
	}
	return nil
}

// checkFunction refuses a function of a flag that would never be asked.
func (d *defined) checkFunction() error {
	if !d.f.function.named() || slices.ContainsFunc(d.all, isFunction) {
		return nil
	}
	return fault.New(fault.Usage, "a function answers for Lambda authorizers, and there is none here").
		WithHint("leave out --type, or choose --type token or request")
}

// unanswered reports whether some Lambda authorizer names nobody who answers.
func (d *defined) unanswered() bool {
	return slices.ContainsFunc(d.Authorizers(), func(z *apigw.Authorizer) bool {
		return isFunction(z) && d.Answers[z.Name] == config.Answer{}
	})
}

// isFunction says that an authorizer is a Lambda function.
func isFunction(z *apigw.Authorizer) bool {
	return z.Type == apigw.AuthToken || z.Type == apigw.AuthRequest
}

func whoDecides() error {
	return fault.New(fault.Usage, "who decides? there is no authorizer file").
		WithHint("name one with --authorizer FILE, or a type that needs none: --type jwt; docs/authorizers.md shows every kind of authorizer")
}

// typed is the authorizer of --type; nil is none.
func (d *defined) typed() (*apigw.Authorizer, error) {
	f, h := d.f, d.h
	t, open, ok := config.ParseType(f.typ)
	if !ok {
		e := fault.New(fault.Usage, "--type takes %s, not %q", strings.Join(config.AuthorizerTypes(), ", "), cutText(f.typ, 40))
		if near := source.Nearest(f.typ, config.AuthorizerTypes()); near != "" {
			e = e.WithHint("did you mean %s?", near)
		}
		return nil, e
	}
	if open {
		return nil, nil
	}
	z := &apigw.Authorizer{Name: strings.ToLower(f.typ), Type: t}
	o := config.Open{Payload: true, Sources: true}
	if d.file != nil && isFunction(z) && !h.response {
		z.Name, z.IdentitySources, o.Sources = "policy", []string{identityOf(d.file.Source())}, false
	}
	z.PayloadFormat, o.Payload = h.payload, h.payload == ""
	config.Settle(d.API.Kind, z, o)
	return z, nil
}

// standard is the authorizer of a profile that says nothing of its type: a Lambda
// function that looks where the authorizer file does. For a fixed response it is
// what most are: one that looks at the Authorization header.
func (d *defined) standard() *apigw.Authorizer {
	h := d.h
	z := &apigw.Authorizer{Name: "response", PayloadFormat: h.payload}
	o := config.Open{Type: true, Payload: h.payload == "", Sources: true}
	if d.function != nil {
		z.Name = "function"
	} else if !h.response {
		s := d.file.Source()
		z.Name, z.IdentitySources, o.Sources = "policy", []string{identityOf(s)}, false
		if s.Place == authorizer.Cookie { // a TOKEN authorizer would take the header for the token
			z.Type, o.Type = apigw.AuthRequest, false
		}
	}
	config.Settle(d.API.Kind, z, o)
	return z
}

// identityOf is the identity source for where an authorizer file finds the token.
func identityOf(s authorizer.Source) string {
	switch s.Place {
	case authorizer.Query:
		return "query " + s.Name
	case authorizer.Cookie:
		return "header Cookie"
	}
	return "header " + s.Name
}

// change makes the changes to the default authorizer that the flags ask for.
func (d *defined) change() error {
	f := d.f
	z := d.API.Default.Authorizer
	if flag := f.changing(); flag != "" && (z == nil || !d.Inherits()) {
		return fault.New(fault.Usage, "--%s changes the authorizer of routes that name none, and there is none here", flag).
			WithHint("say it where the API's authorizers are written, or choose one with --type")
	} else if flag != "" && z.Type == apigw.AuthIAM {
		return fault.New(fault.Usage, "--%s says nothing about an authorizer of type iam", flag)
	}
	if f.given("ttl") {
		if f.ttl < 0 || f.ttl > 3600 {
			return fault.New(fault.Usage, "want --ttl from 0 to 3600 seconds, got %d", f.ttl)
		}
		for _, a := range d.all {
			if isFunction(a) {
				a.TTL = &f.ttl
			}
		}
	}
	if f.sources != nil {
		z.IdentitySources = slices.Clone(f.sources)
		if slices.Equal(f.sources, []string{""}) {
			z.IdentitySources = nil
		}
		config.Settle(d.API.Kind, z, config.Open{})
	}
	if f.validation != "" {
		z.ValidationExpression = f.validation
	}
	if f.payload != "" {
		z.PayloadFormat = f.payload
	}
	if f.simple {
		z.SimpleResponses = true
	}
	return nil
}

// changing is a flag that changes the default authorizer and was given, or
// nothing.
func (f *apiFlags) changing() string {
	for _, x := range []struct {
		name  string
		given bool
	}{{"identity-source", f.sources != nil}, {"validation", f.validation != ""}, {"payload", f.payload != ""}, {"simple", f.simple}, {"audience", f.audience != nil}} {
		if x.given {
			return x.name
		}
	}
	return ""
}

// given reports whether a flag was given.
func (f *apiFlags) given(name string) bool {
	return f.flags != nil && f.flags.Changed(name)
}

// issuers gives JWT authorizers that name no issuer that of the profile, and no
// audience its client: OneLogin's tokens are for the client that got them.
func (d *defined) issuers() error {
	f, p := d.f, d.p
	for _, z := range d.all {
		switch {
		case z.Type != apigw.AuthJWT && z.Type != apigw.AuthCognito:
			if z == d.API.Default.Authorizer && f.audience != nil {
				return fault.New(fault.Usage, "--audience is for authorizers of type jwt, and this one is of type %s", z.Type).
					WithHint("which audience an authorizer file takes is said in the file, below tokens")
			}
			continue
		case len(z.JWT.Issuers) == 0 && p.Issuer == "":
			if slices.Contains(d.Authorizers(), z) {
				continue // which Validate says, where it is written
			}
			return fault.New(fault.Usage, "whose tokens count? no issuer is given").
				WithHint("--issuer https://acme.onelogin.com/oidc/2, or issuer: in the profile")
		case len(z.JWT.Issuers) == 0:
			z.JWT.Issuers = []apigw.JWTIssuer{{}}
		}
		isDefault := z == d.API.Default.Authorizer
		for i := range z.JWT.Issuers {
			x := &z.JWT.Issuers[i]
			if x.Issuer == "" || isDefault && len(z.JWT.Issuers) == 1 && p.Origin("issuer").Kind == config.Flag {
				x.Issuer = issuerOf(p)
			}
			if isDefault && f.audience != nil {
				x.Audience = f.audience
			}
			if len(x.Audience) == 0 && z.Type == apigw.AuthJWT && p.ClientID != "" {
				x.Audience = []string{p.ClientID}
			}
		}
	}
	return nil
}

// check tells what API Gateway would refuse, where it is written.
func (d *defined) check() error {
	err := d.API.Prepare()
	warnings, mistakes := d.Mistakes(d.API.Validate())
	for _, w := range warnings {
		d.app.say("%s", w)
	}
	if mistakes == nil && err != nil { // Prepare and Validate find the same
		return fault.New(fault.Usage, "%w", err)
	}
	return mistakes
}

// stageInURL reports whether a URL of API Gateway's own names the stage.
func stageInURL(api string) bool {
	u, err := url.Parse(api)
	return err == nil && strings.Trim(u.Path, "/") != ""
}

// readDocument reads a JSON or YAML file named by the user; "-" is standard
// input.
func readDocument(app *App, name string) (*source.Node, error) {
	data, err := readFile(app, name, source.MaxJSON)
	if err != nil {
		return nil, err
	}
	if name == "-" {
		name = "standard input"
	}
	return source.Parse(name, data)
}

// readFile reads a file named by the user, up to a size; "-" is standard input.
func readFile(app *App, name string, most int64) ([]byte, error) {
	in, what := app.IO.In, "standard input"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fileError(err)
		}
		defer f.Close()
		in, what = f, name
	}
	return readUpTo(in, what, most)
}
