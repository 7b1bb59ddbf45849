package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
	"gatepass/pkg/view"
)

func newAuthorize(app *App) *cobra.Command {
	a := &authorize{app: app}
	c := &cobra.Command{
		Use:   "authorize [METHOD] PATH",
		Short: "Say what the gateway would decide about a request, and why",
		Long: `Authorize says what API Gateway would answer to a request, and why, step by step:
the route, the token, the authorizer, the policy. Nothing is sent to the API.

It decides for the token you are logged in with, for another token, or for made-up
claims; by your authorizer file, or by what another authorizer has answered. With
--policy it answers a bare question: what does this policy say about this ARN?

The exit code is 0 when the request is allowed and 3 when it is not.`,
		Example: `  gatepass authorize GET /orders
  gatepass authorize DELETE /orders/7 --claim sub=42 --claim groups=Admins
  gatepass authorize GET /orders --token @token.txt --source-ip 198.51.100.7
  gatepass authorize GET /orders --response answer.json
  gatepass authorize GET /orders --claim sub=42 --event
  gatepass authorize --event-file event.json
  gatepass authorize --policy policy.json arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/orders`,
		Args: positional(cobra.MaximumNArgs(2)),
		RunE: func(c *cobra.Command, args []string) error { return a.run(c.Context(), wantJSON(c), args) },
	}
	fs := c.Flags()
	fs.StringVarP(&a.policy, "policy", "p", "", "ask this policy `file` alone about an ARN")
	fs.StringVar(&a.action, "action", "execute-api:Invoke", "`action` to ask the policy about")
	fs.StringVar(&a.response, "response", "", "`file` with what the authorizer answered, instead of asking ours")
	fs.StringVar(&a.token, "token", "", "another token: `@FILE`, or - for standard input")
	fs.BoolVar(&a.noToken, "no-token", false, "send no token")
	fs.StringArrayVar(&a.claims, "claim", nil, "made-up claim, `name=value` or name:=json; repeat it for lists")
	fs.StringVar(&a.claimsFile, "claims", "", "`file` with made-up claims as JSON")
	fs.BoolVar(&a.event, "event", false, "print the event the authorizer gets, and decide nothing")
	fs.StringVar(&a.eventFile, "event-file", "", "take the request from a `file` with an event, as AWS documents it")
	fs.StringVar(&a.at, "at", "", "decide as of a `time`: 2026-11-22T12:00:00Z, or seconds since 1970")
	fs.StringVar(&a.sourceIP, "source-ip", "127.0.0.1", "`address` the request comes from")
	fs.StringArrayVarP(&a.headers, "header", "H", nil, "`header` of the request: 'Name: value'")
	fs.StringVar(&a.jwks, "jwks", "", "`FILE` or URL with the issuer's keys, instead of those it publishes")
	a.api.bind(fs)
	a.settings.bind(c)
	return c
}

// authorize is one run of the command.
type authorize struct {
	app      *App
	settings settings
	api      apiFlags

	policy, action, response string
	token, claimsFile, jwks  string
	claims, headers          []string
	noToken, event           bool
	eventFile, at, sourceIP  string
	method, path, rawQuery   string
	now                      time.Time
	madeUp                   *source.Node     // the claims, when they are made up
	file                     *authorizer.File // ours, or nil with a fixed response
	fixed                    apigw.Output
}

func (a *authorize) run(ctx context.Context, asJSON bool, args []string) error {
	if a.policy != "" {
		return a.question(asJSON, args)
	}
	p, err := a.settings.load(a.app)
	if err != nil {
		return err
	}
	if err := a.read(p, args); err != nil {
		return err
	}
	api, err := a.api.api(p, a.authorizer())
	if err != nil {
		return err
	}
	req, subject, err := a.request(ctx, p, api)
	if err != nil {
		return err
	}
	if err := api.Prepare(); err != nil {
		return fault.New(fault.Usage, "%w", err)
	}
	verdict, pending := apigw.Begin(api, req)
	if a.event {
		return a.printEvent(verdict, pending)
	}
	result := &view.Authorize{Method: a.method, Path: a.path, Verdict: verdict, Claims: subject}
	if pending != nil {
		out, trace := a.invoke(ctx, pending.Event())
		event := pending.Event()
		result.Verdict, _ = pending.Finish(out)
		result.Event, result.Authorizer, result.Response = &event, trace, a.document(out)
	}
	if err := a.print(asJSON, result); err != nil {
		return err
	}
	if !result.Verdict.Allowed {
		return fault.Quiet(fault.Denied)
	}
	return nil
}

// read takes in the arguments and the files the flags name.
func (a *authorize) read(p *config.Profile, args []string) error {
	var err error
	if a.now, err = timeFlag("--at", a.at, a.app.Now); err != nil {
		return err
	}
	if _, err := netip.ParseAddr(a.sourceIP); err != nil {
		return fault.New(fault.Usage, "--source-ip: %q is no IP address", a.sourceIP)
	}
	if err := a.readRequestLine(args); err != nil {
		return err
	}
	if err := a.readAuthorizer(p); err != nil {
		return err
	}
	return a.readClaims()
}

func (a *authorize) readRequestLine(args []string) error {
	switch {
	case a.eventFile != "" && len(args) > 0:
		return fault.New(fault.Usage, "--event-file says what the request is: give no METHOD and PATH with it")
	case a.eventFile != "":
		return nil
	case len(args) == 0:
		return fault.New(fault.Usage, "which request? Give a method and a path").
			WithHint("for example: gatepass authorize GET /orders")
	case len(args) == 1:
		args = []string{"GET", args[0]}
	}
	a.method = strings.ToUpper(args[0])
	path, query, _ := strings.Cut(args[1], "?")
	if !strings.HasPrefix(path, "/") {
		return fault.New(fault.Usage, "%q is no path: it must start with a slash", path).
			WithHint("for example: gatepass authorize %s /%s", a.method, path)
	}
	a.path, a.rawQuery = path, query
	return nil
}

// readAuthorizer reads who decides: our authorizer file, or a fixed response.
func (a *authorize) readAuthorizer(p *config.Profile) error {
	if a.response != "" {
		n, err := readDocument(a.app, a.response)
		if err != nil {
			return err
		}
		return a.fix(n)
	}
	if p.Authorizer == "" {
		return fault.New(fault.Usage, "who decides? There is no authorizer file").
			WithHint("give one with --authorizer FILE, or what an authorizer answered with --response FILE; docs/authorizer.md shows how to write one")
	}
	var err error
	if a.file, err = readAuthorizerFile(p.Authorizer); err == nil {
		a.app.warnings(a.file.Lint())
	}
	return err
}

// fix makes the file of --response the authorizer's answer. A Lambda function
// that failed answers {"errorMessage": …}.
func (a *authorize) fix(n *source.Node) error {
	doc, err := json.Marshal(n.Any())
	if err != nil {
		return n.Errorf("this cannot be an answer in JSON")
	}
	a.fixed = apigw.ResultOutput(doc)
	if m := n.Get("errorMessage"); m != nil && n.Get("policyDocument") == nil {
		a.fixed = apigw.ErrorOutput(m.Text)
	}
	return nil
}

func (a *authorize) readClaims() error {
	if len(a.claims) == 0 && a.claimsFile == "" {
		return nil
	}
	if a.token != "" || a.noToken {
		return fault.New(fault.Usage, "made-up claims and a token at once: give --claim and --claims, or --token")
	}
	var base *source.Node
	var err error
	if a.claimsFile != "" {
		if base, err = readDocument(a.app, a.claimsFile); err != nil {
			return err
		}
	}
	a.madeUp, err = token.ParseClaims(base, a.claims)
	return err
}

// authorizer is the one the API is configured with. For a fixed response it is
// what most are: a TOKEN authorizer that looks at the Authorization header.
func (a *authorize) authorizer() *apigw.Authorizer {
	if a.file != nil {
		return authorizerOf(a.file, nil)
	}
	return &apigw.Authorizer{Name: "response", Type: apigw.AuthToken, IdentitySources: []string{"method.request.header." + authorizer.DefaultSource().Name}}
}

// source is where the token stands in a request.
func (a *authorize) source() authorizer.Source {
	if a.file != nil {
		return a.file.Source()
	}
	return authorizer.DefaultSource()
}

// question asks a bare policy about an ARN.
func (a *authorize) question(asJSON bool, args []string) error {
	if len(args) != 1 {
		return fault.New(fault.Usage, "--policy wants the ARN that is asked about, and nothing else").
			WithHint("for example arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/orders")
	}
	n, err := readDocument(a.app, a.policy)
	if err != nil {
		return err
	}
	doc, err := policy.Parse(n, policy.Options{})
	if err != nil {
		return err
	}
	if a.now, err = timeFlag("--at", a.at, a.app.Now); err != nil {
		return err
	}
	header, err := parseHeaders(a.headers)
	if err != nil {
		return err
	}
	req := &apigw.Request{SourceIP: a.sourceIP, Time: a.now, Header: header}
	q := &view.Question{
		Policy: a.policy, Action: a.action, Resource: args[0], Findings: policy.Validate(doc),
		Decision: doc.Explain(&policy.Request{Action: a.action, Resource: args[0], Keys: apigw.ConditionKeys(req)}),
	}
	if asJSON {
		err = view.QuestionJSON(a.app.IO.Out, q)
	} else {
		out := a.app.printer()
		out.Question(q)
		err = out.Err()
	}
	if err == nil && q.Decision.Effect != policy.Allow {
		return fault.Quiet(fault.Denied)
	}
	return err
}

// request makes the request, and says in words for whom.
func (a *authorize) request(ctx context.Context, p *config.Profile, api *apigw.API) (*apigw.Request, string, error) {
	header, err := parseHeaders(a.headers)
	if err != nil {
		return nil, "", err
	}
	req := &apigw.Request{
		Method: a.method, Path: a.path, RawQuery: a.rawQuery, Header: header,
		SourceIP: a.sourceIP, Time: a.now, ID: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", ExtendedID: "JZDDOGbfIAMFZ5A=",
	}
	if a.eventFile != "" {
		if err := a.fromEvent(api, req); err != nil {
			return nil, "", err
		}
	}
	raw, subject, err := a.credential(ctx, p)
	if err != nil {
		return nil, "", err
	}
	if raw != "" {
		a.put(p, req, raw)
	}
	return req, subject, nil
}

// fromEvent takes the request, and the API it is for, from an event.
func (a *authorize) fromEvent(api *apigw.API, req *apigw.Request) error {
	n, err := readDocument(a.app, a.eventFile)
	if err != nil {
		return err
	}
	ev, err := apigw.ParseEvent(n)
	if err != nil {
		return err
	}
	arn, err := apigw.ParseARN(ev.ARN)
	if err != nil {
		return n.Errorf("the event's ARN: %s", err)
	}
	api.Partition, api.Region, api.Account, api.ID, api.Stage = arn.Partition, arn.Region, arn.Account, arn.API, arn.Stage
	a.method, a.path = arn.Method, arn.Path
	req.Method, req.Path, req.RawQuery, req.Query = arn.Method, arn.Path, ev.RawQuery, ev.Query
	for name, values := range ev.Header {
		if _, given := headerOf(req.Header, name); !given {
			req.Header[name] = values
		}
	}
	if ev.Context.SourceIP != "" {
		req.SourceIP = ev.Context.SourceIP
	}
	if ev.Token != "" {
		req.Header[a.source().Name] = []string{ev.Token}
	}
	return nil
}

// madeUpToken stands where the token would be when there are only made-up
// claims, or a fixed response.
const madeUpToken = "made-up"

// credential is the token that is sent, and for whom it is. It is empty where
// the request has one already, or is to have none.
func (a *authorize) credential(ctx context.Context, p *config.Profile) (raw, subject string, err error) {
	switch {
	case a.noToken:
		return "", "nobody: no token is sent", nil
	case a.madeUp != nil:
		return madeUpToken, "made-up claims: " + shortClaims(a.madeUp), nil
	case a.token != "":
		raw, err := tokenFlag(a.app, a.token)
		return raw, "the token of --token", err
	case a.eventFile != "":
		return "", "the token of " + a.eventFile, nil
	case slices.ContainsFunc(a.headers, func(h string) bool { return carriesToken(h, a.source()) }):
		return "", "the token of --header", nil
	case a.fixed.Kind != apigw.NotInvoked:
		return madeUpToken, "the answer in " + a.response, nil
	}
	set, err := newSession(a.app).tokens(ctx, p, 0)
	if err != nil {
		return "", "", withHint(err, "log in with gatepass login, or make claims up: --claim sub=42 --claim groups=Admins")
	}
	if p.API.Token == "id" {
		return set.ID.Reveal(), "the ID token of profile " + p.Name, nil
	}
	return set.Access.Reveal(), "the access token of profile " + p.Name, nil
}

// put places the token where the profile sends it, which is where the authorizer
// looks for it unless the profile says otherwise.
func (a *authorize) put(p *config.Profile, req *apigw.Request, raw string) {
	s := a.source()
	if p.Origin("api.send").Kind != config.Default {
		s = authorizer.Source{Place: authorizer.Header, Name: p.API.Send.Header, Scheme: p.API.Send.Scheme}
	}
	switch s.Place {
	case authorizer.Query:
		if req.RawQuery != "" {
			req.RawQuery += "&"
		}
		req.RawQuery += url.QueryEscape(s.Name) + "=" + url.QueryEscape(raw)
	case authorizer.Cookie:
		req.Header["Cookie"] = append(req.Header["Cookie"], s.Name+"="+raw)
	default:
		req.Header[s.Name] = []string{strings.TrimSpace(s.Scheme + " " + raw)}
	}
}

// invoke asks the authorizer: the fixed response, ours about made-up claims, or
// ours about a token, which is verified first.
func (a *authorize) invoke(ctx context.Context, ev apigw.Event) (apigw.Output, *authorizer.Trace) {
	if a.file == nil {
		return a.fixed, nil
	}
	keys, err := issuerKeys(a.app, a.jwks, a.note)
	if err != nil {
		out, trace := authorizer.Fail(err)
		return out, &trace
	}
	ours := newPolicyAuthorizer(a.file, keys, func() time.Time { return a.now })
	if a.madeUp != nil {
		out, trace := ours.assume(ev, token.NewClaims(a.madeUp))
		return out, &trace
	}
	out, trace := ours.invoke(ctx, ev)
	return out, &trace
}

func (a *authorize) note(s string) {
	fmt.Fprintf(a.app.IO.Err, "gatepass: %s\n", a.app.clean(s))
}

// document is the authorizer's answer as JSON, or nil when it failed.
func (a *authorize) document(out apigw.Output) json.RawMessage {
	if out.Kind == apigw.Returned && json.Valid([]byte(out.Text)) {
		return json.RawMessage(out.Text)
	}
	return nil
}

// printEvent prints what the authorizer would be handed.
func (a *authorize) printEvent(verdict *apigw.Verdict, pending *apigw.Pending) error {
	if pending == nil {
		return fault.New(fault.Denied, "the authorizer would not be asked: %s", verdict.Reason).
			WithHint("leave out --event to see the whole verdict")
	}
	return view.JSON(a.app.IO.Out, pending.Event())
}

func (a *authorize) print(asJSON bool, r *view.Authorize) error {
	if asJSON {
		return view.AuthorizeJSON(a.app.IO.Out, r)
	}
	out := a.app.printer()
	out.Authorize(r)
	return out.Err()
}
