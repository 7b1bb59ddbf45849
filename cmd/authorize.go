package cmd

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gatepass/pkg/apigw"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/source"
	"gatepass/pkg/view"
)

const authorizeLong = `Authorize says what API Gateway would answer to a request, and why, step by
step: the route, the token, the authorizer, the policy. Nothing is sent to the
API.

It decides for the token you are logged in with, for another token, or for
made-up claims. Who decides is your authorizer file unless flags, the api block
of the profile or an API file say otherwise: your own Lambda function, run here
(--handler) or asked (--invoke, --function), one that answers as a file says
(--response), or API Gateway itself, which checks tokens (jwt, cognito), AWS
signatures (iam), API keys and resource policies. docs/authorizers.md has them
all, docs/handlers.md says how functions are run.

With --policy it answers a bare question: what does this policy say about this
ARN?

The exit code is 0 when the request is allowed and 3 when it is not.`

const authorizeExample = `  gatepass authorize GET /orders
  gatepass authorize DELETE /orders/7 --claim sub=42 --claim groups=Admins
  gatepass authorize GET /orders --token @token.txt --source-ip 198.51.100.7
  gatepass authorize POST /orders --claim sub=42 --after 'GET /orders'
  gatepass authorize GET /orders --claim sub=42 --event
  gatepass authorize GET /pets --handler simple.js --token allow
  gatepass authorize GET /pets --handler auth.py#check --env AUDIENCE=orders
  gatepass authorize --event-file event.json
  gatepass authorize --batch requests.jsonl
  gatepass authorize --policy policy.json \
      arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/orders

 Each kind of authorizer (R stands for: gatepass authorize GET /orders):
  REST, TOKEN     R --type token --validation 'Bearer .+' --response answer.json
  REST, REQUEST   R --type request --identity-source 'header X-Key' \
                    -H 'X-Key: 7' --response answer.json
  REST, Cognito   R --type cognito --issuer https://POOL --route-scope orders
  REST, JWT       R --type jwt --issuer https://ISSUER --audience orders
  REST, IAM       R --type iam --caller arn:aws:iam::123456789012:user/ann \
                    --caller-policy allow.json
  REST, none      R --type none --resource-policy only-office.json \
                    --api-key-required --api-key K1
  HTTP, JWT       R --kind http --type jwt --audience orders \
                    --claim scope=read --route-scope read
  HTTP, Lambda    R --kind http --response yes.json --payload 2.0 --simple
  HTTP, IAM       R --kind http --type iam --caller-policy allow.json
  WebSocket       gatepass authorize '$connect' --kind websocket \
                    --identity-source 'query token' --response answer.json
  from a file     R --api-file api.yaml`

func newAuthorize(app *App) *cobra.Command { return (&authorize{app: app}).command() }

func (a *authorize) command() *cobra.Command {
	c := &cobra.Command{
		Use:     "authorize [METHOD] PATH",
		Short:   "Say what the gateway would decide about a request, and why",
		Long:    authorizeLong,
		Example: authorizeExample,
		Args:    positional(cobra.MaximumNArgs(2)),
		RunE:    func(c *cobra.Command, args []string) error { return a.run(c.Context(), wantJSON(c), args) },
	}
	groups := []flagGroup{
		{"The request", a.requestFlags()},
		{"Whose token", a.tokenFlags()},
		{"The API (see also --api-file)", a.api.apiGroup()},
		{"The authorizer", a.authorizerFlags()},
		{"What is shown", a.outputFlags()},
	}
	for _, g := range groups {
		c.Flags().AddFlagSet(g.flags)
	}
	a.settings.bind(c)
	c.SetUsageFunc(a.settings.groupedUsage(groups))
	return c
}

func (a *authorize) requestFlags() *pflag.FlagSet {
	fs := group()
	listVar(fs, &a.headers, "header", "H", "`header` of the request: 'Name: value'")
	fs.StringVar(&a.sourceIP, "source-ip", "127.0.0.1", "`address` the request comes from")
	fs.StringVar(&a.at, "at", "", "decide as of a `time`: 2026-11-22T12:00:00Z, or seconds since 1970")
	listVar(fs, &a.after, "after", "", "an earlier `request` whose answer may be cached: 'GET /pets', or with how long ago: '10m GET /pets'; repeatable")
	fs.StringVar(&a.eventFile, "event-file", "", "take the request from a `file` with an event, as AWS documents it")
	fs.StringVar(&a.apiKey, "api-key", "", "API `key` to send; without --plan-key it counts as a good one")
	fs.BoolVar(&a.throttled, "throttled", false, "decide as if there were too many requests just now")
	fs.BoolVar(&a.quota, "quota-exceeded", false, "decide as if the quota of the API key's usage plan were used up (REST)")
	fs.StringVar(&a.vpce, "vpc-endpoint", "", "`id` of the VPC endpoint the request comes through")
	fs.StringVar(&a.vpc, "vpc", "", "`id` of the VPC the request comes from")
	fs.StringVar(&a.caller, "caller", "", "`ARN` of the user or role that signs the request, with iam")
	fs.StringVar(&a.callerPolicy, "caller-policy", "", "`file` with what the caller's own account allows, with iam")
	return fs
}

func (a *authorize) tokenFlags() *pflag.FlagSet {
	fs := group()
	fs.StringVar(&a.token, "token", "", "another token: `@FILE`, or - for standard input; a word such as allow for a function")
	fs.BoolVar(&a.noToken, "no-token", false, "send no token")
	listVar(fs, &a.claims, "claim", "", "made-up claim, `name=value` or name:=json; repeat it for lists")
	fs.StringVar(&a.claimsFile, "claims", "", "`file` with made-up claims as JSON")
	fs.StringVar(&a.jwks, "jwks", "", "`FILE` or URL with the issuer's keys, instead of those it publishes")
	return fs
}

func (a *authorize) authorizerFlags() *pflag.FlagSet {
	fs := a.api.authorizerGroup()
	fs.StringVar(&a.response, "response", "", "`file` with what the authorizer answered, instead of asking ours")
	return fs
}

func (a *authorize) outputFlags() *pflag.FlagSet {
	fs := group()
	fs.BoolVar(&a.event, "event", false, "print the event the authorizer gets, and decide nothing")
	fs.BoolVar(&a.backend, "backend", false, "print what the backend sees of the authorizer, and nothing else")
	fs.BoolVar(&a.testInvoke, "test-invoke", false, "test the authorizer as the console's Test button does (REST)")
	fs.StringVarP(&a.policy, "policy", "p", "", "ask this policy `file` alone about an ARN")
	fs.StringVar(&a.action, "action", "execute-api:Invoke", "`action` to ask the policy about")
	fs.StringVar(&a.batch, "batch", "", "answer a `file` of requests and policy questions, JSON lines in and out, or - for standard input")
	return fs
}

// authorize is one run of the command.
type authorize struct {
	app      *App
	settings settings
	api      apiFlags

	policy, action, response string
	batch                    string
	token, claimsFile, jwks  string
	claims, headers, after   []string
	noToken, event           bool
	backend, testInvoke      bool
	throttled, quota         bool
	eventFile, at, sourceIP  string
	apiKey, vpc, vpce        string
	caller, callerPolicy     string
}

// asked is a question put together: the API, the request, whose it is, and what
// went before.
type asked struct {
	*stage
	req     *apigw.Request
	as      identity
	subject string // for whom, in words
	earlier []*apigw.Request
	notes   []string
}

func (a *authorize) run(ctx context.Context, asJSON bool, args []string) error {
	if err := a.onlyOne(); err != nil {
		return err
	}
	switch {
	case a.policy != "":
		return a.question(asJSON, args)
	case a.batch != "":
		return a.runBatch(ctx, args)
	}
	p, err := a.settings.load(a.app)
	if err != nil {
		return err
	}
	q, err := a.ask(ctx, p, args)
	if err != nil {
		return err
	}
	defer q.close()
	switch {
	case a.event:
		return a.printEvent(q)
	case a.testInvoke:
		return a.printTest(ctx, q)
	}
	result := q.answer(ctx)
	if err := ctx.Err(); err != nil { // the function was not waited for
		return err
	}
	if err := a.print(asJSON, result); err != nil {
		return err
	}
	if !result.Verdict.Allowed {
		return fault.Quiet(fault.Denied)
	}
	return nil
}

// onlyOne refuses flags that ask for different things at once.
func (a *authorize) onlyOne() error {
	given := []string{}
	for _, x := range []struct {
		name  string
		given bool
	}{{"--policy", a.policy != ""}, {"--event", a.event}, {"--backend", a.backend}, {"--test-invoke", a.testInvoke}, {"--batch", a.batch != ""}} {
		if x.given {
			given = append(given, x.name)
		}
	}
	if len(given) > 1 {
		return fault.New(fault.Usage, "%s and %s ask for different things: give one", given[0], given[1])
	}
	return nil
}

// ask puts the question together.
func (a *authorize) ask(ctx context.Context, p *config.Profile, args []string) (*asked, error) {
	in, err := a.read(args)
	if err != nil {
		return nil, err
	}
	s, d, err := a.stage(p, in, a.note)
	if err != nil {
		return nil, err
	}
	q := &asked{stage: s, as: identity{claims: in.claims, now: in.now}, notes: d.notes}
	if err := a.complete(ctx, q, in, args); err != nil {
		s.close()
		return nil, err
	}
	return q, nil
}

// complete makes the requests that are asked about.
func (a *authorize) complete(ctx context.Context, q *asked, in *input, args []string) error {
	s := q.stage
	var err error
	if q.req, err = a.request(q, in, args); err != nil {
		return err
	}
	z, found := s.authorizerFor(q.req)
	if err := s.answered(z); err != nil {
		return err
	}
	if err := a.earlier(q); err != nil {
		return err
	}
	return a.send(ctx, q, z, found)
}

// stage is the API, and those who answer for its authorizers.
func (a *authorize) stage(p *config.Profile, in *input, note func(string)) (*stage, *defined, error) {
	in.hints.response, in.hints.apiKey = in.answer != nil, a.apiKey
	d, err := a.api.define(a.app, p, in.hints)
	if err != nil {
		return nil, nil, err
	}
	keys, err := issuerKeys(a.app, a.jwks, note)
	if err != nil {
		return nil, nil, err
	}
	s, err := newStage(a.app, d, in.answer, keys)
	return s, d, err
}

// input is what the flags' files say.
type input struct {
	now    time.Time
	event  *apigw.Event
	answer *source.Node // of the authorizer
	claims *source.Node // made up
	caller *apigw.Caller
	hints  hints // for putting the API together
}

// answer decides about the request, after those that went before.
func (q *asked) answer(ctx context.Context) *view.Authorize {
	cache := apigw.NewCache(len(q.earlier) + 1)
	var earlier []view.Earlier
	for _, req := range q.earlier {
		as := q.as
		as.now = req.Time
		v := q.decide(ctx, req, as, cache)
		earlier = append(earlier, view.Earlier{
			Method: v.Method, Path: v.Path, Ago: q.req.Time.Sub(req.Time), Status: v.Verdict.Status, Allowed: v.Verdict.Allowed,
			AuthorizerCalled: v.Verdict.AuthorizerCalled, Cached: v.Verdict.Cached, Reason: v.Verdict.Reason,
		})
	}
	result := q.decide(ctx, q.req, q.as, cache)
	result.Claims, result.Earlier = q.subject, earlier
	result.Notes = append(result.Notes, q.notes...)
	return result
}

func (a *authorize) note(s string) {
	a.app.say("%s", s)
}
