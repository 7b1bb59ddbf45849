package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/gateway"
	"gatepass/pkg/human"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/view"
)

// gatewayCommand has the flags of "gatepass gateway".
type gatewayCommand struct {
	app      *App
	settings settings
	listen   string
	upstream string
	echo     bool
	jwks     string
	base     string
	headers  []string
	api      apiFlags
	json     bool
}

func newGateway(app *App) *cobra.Command {
	g := &gatewayCommand{app: app}
	c := &cobra.Command{
		Use:   "gateway",
		Short: "Run API Gateway on this machine, with your authorizer",
		Long: `Run a REST API of API Gateway on this machine, every path of it protected by the
authorizer file: tokens are verified against the issuer's keys, the policy is made
from their claims, cached and evaluated as API Gateway does it, and a refusal has
the status, the headers and the body that API Gateway gives it. It is the code that
"gatepass authorize" asks, and other kinds of APIs, routes and authorizers are asked
for as there: by flags, in the api block of the profile, or in an API file.

What is allowed goes to --upstream, or to a backend that answers with what it was
given, the context of the authorizer among it. The stage may stand before the path
(/prod/orders) or not (/orders), unless --base-path says where it does.

A WebSocket API is served at the stage itself: $connect is decided about, then the
connection is handed to --upstream, or each message is answered with its route (the
member "action") and the context, which the connection keeps. Routes that ask for
AWS signatures cannot be served: "gatepass authorize" decides about those.

When the keys of the issuer cannot be had, the answer is a 500, as with a deployed
authorizer that fails; it is not cached. It runs until it is interrupted.`,
		Example: `  gatepass gateway --authorizer authorizer.yaml
  gatepass gateway --upstream http://127.0.0.1:3000 --ttl 0
  gatepass gateway --upstream http://127.0.0.1:3000 --context-header X-User=principalId
  gatepass gateway --kind http --type jwt --audience orders --route-scope read
  gatepass gateway --kind websocket --identity-source 'header Authorization'
  gatepass gateway --api-file api.yaml`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			g.json = wantJSON(c)
			return g.run(c.Context())
		},
	}
	f := group()
	f.StringVar(&g.listen, "listen", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	f.StringVar(&g.upstream, "upstream", "", "`URL` of the server that gets what is allowed")
	f.BoolVar(&g.echo, "echo", false, "answer with what the backend would see (the default without --upstream)")
	listVar(f, &g.headers, "context-header", "", "give the upstream a value of the context: `HEADER=KEY`; may be repeated")
	f.StringVar(&g.jwks, "jwks", "", "take the keys from this `file` or URL, not from the issuer")
	f.StringVar(&g.base, "base-path", "", "`path` before every route: /prod, or / for none (default: the stage, or nothing)")
	groups := []flagGroup{{"The gateway", f}, {"The API (see also --api-file)", g.api.apiGroup()}, {"The authorizer", g.api.authorizerGroup()}}
	for _, x := range groups {
		c.Flags().AddFlagSet(x.flags)
	}
	c.MarkFlagsMutuallyExclusive("upstream", "echo")
	g.settings.bind(c, config.Target, config.Policy)
	g.settings.flags.String("issuer", "", "`URL` of the issuer whose tokens count, with jwt and cognito")
	c.Flags().AddFlag(g.settings.flags.Lookup("issuer"))
	c.SetUsageFunc(g.settings.groupedUsage(groups))
	return c
}

func (g *gatewayCommand) run(ctx context.Context) error {
	p, err := g.settings.load(g.app)
	if err != nil {
		return err
	}
	o, s, err := g.options(p)
	if err != nil {
		return err
	}
	handler, err := gateway.New(o)
	if err != nil {
		return err
	}
	ln, err := listen(ctx, g.listen)
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }() // closed already when serve has run
	if err := g.announce(ln.Addr(), s, &o); err != nil {
		return err
	}
	return serve(ctx, ln, handler)
}

// options are what the flags and the profile say, and the API that is served.
func (g *gatewayCommand) options(p *config.Profile) (gateway.Options, *stage, error) {
	o := gateway.Options{Now: g.app.Now, OnRequest: g.watch()}
	s, err := g.stage(p)
	if err != nil {
		return o, nil, err
	}
	o.API, o.Authorizers = s.api, s.invokers(g.app.Now)
	if o.ContextHeaders, err = contextHeaders(g.headers); err != nil {
		return o, nil, err
	}
	if o.Base, err = basePath(g.base, o.API.Stage); err != nil {
		return o, nil, err
	}
	if g.upstream == "" {
		if len(g.headers) > 0 {
			return o, nil, fault.New(fault.Usage, "--context-header is for an upstream").WithHint("the echo backend shows the whole context anyway")
		}
		return o, s, nil
	}
	if o.Upstream, err = url.Parse(g.upstream); err != nil {
		return o, nil, fault.New(fault.Usage, "--upstream is no URL").WithHint("it looks like http://127.0.0.1:3000")
	}
	return o, s, nil
}

// stage is the API that is served, with authorizers that can all answer.
func (g *gatewayCommand) stage(p *config.Profile) (*stage, error) {
	d, err := g.api.define(g.app, p, hints{})
	if err != nil {
		return nil, err
	}
	keys, err := issuerKeys(g.app, g.jwks, g.note)
	if err != nil {
		return nil, err
	}
	s, err := newStage(g.app, d, nil, keys)
	if err != nil {
		return nil, err
	}
	for _, z := range s.authorizers() {
		if err := s.answered(z); err != nil {
			return nil, err
		}
		if r := s.runners[z.Name]; r.ours != nil && len(r.ours.file.Expectations()) == 0 {
			return nil, fault.New(fault.Usage, "%s says of no tokens that they count, so every request would be refused", r.path).
				WithHint("name the issuer and the audience in it: tokens: [{issuer: https://acme.onelogin.com/oidc/2, audience: CLIENT-ID}]")
		}
	}
	return s, nil
}

// invokers run the authorizers for a gateway. Those of AWS_IAM are left out: what
// they check cannot be checked here, which the gateway says itself.
func (s *stage) invokers(now func() time.Time) map[string]gateway.Invoke {
	all := map[string]gateway.Invoke{}
	for _, z := range s.authorizers() {
		r := s.runners[z.Name]
		if z.Type == apigw.AuthIAM {
			continue
		}
		all[z.Name] = func(ctx context.Context, ev apigw.Event) (apigw.Output, string) {
			out, trace := r.run(ctx, ev, identity{now: now()})
			if trace == nil {
				return out, ""
			}
			return out, trace.Reason
		}
	}
	return all
}

// basePath reads --base-path.
func basePath(given, stage string) (gateway.Base, error) {
	switch {
	case given == "":
		return gateway.Base{Path: "/" + stage, Optional: true}, nil
	case given == "/":
		return gateway.Base{}, nil
	case strings.HasPrefix(given, "/"):
		return gateway.Base{Path: strings.TrimRight(given, "/")}, nil
	}
	return gateway.Base{}, fault.New(fault.Usage, "want --base-path as /prod, or as / for none, got %q", given)
}

// contextHeaders reads --context-header HEADER=KEY.
func contextHeaders(words []string) (map[string]string, error) {
	m := make(map[string]string, len(words))
	for _, w := range words {
		name, key, ok := strings.Cut(w, "=")
		if !ok || name == "" || key == "" {
			return nil, fault.New(fault.Usage, "want --context-header HEADER=KEY, got %q", w).
				WithHint("for example X-User=principalId; KEY is one of the authorizer's context")
		}
		m[name] = key
	}
	return m, nil
}

func (g *gatewayCommand) note(s string) {
	fmt.Fprintf(g.app.IO.Err, "gatepass: %s\n", g.app.clean(s))
}

// served is what the command says of itself once it can be called. docs/json.md
// promises the JSON form.
type served struct {
	SchemaVersion int    `json:"schemaVersion"`
	URL           string `json:"url"` // with the stage
	API           string `json:"api"` // the ARN of the API and stage
	Stage         string `json:"stage"`
	Authorizer    string `json:"authorizer"`
	Source        string `json:"source"` // where the token is
	TTL           int    `json:"ttl"`
	Upstream      string `json:"upstream,omitempty"` // none: the echo backend
}

func (g *gatewayCommand) announce(addr net.Addr, st *stage, o *gateway.Options) error {
	base, open := reachedAt(addr)
	if o.API.Kind == apigw.WebSocket {
		base = "ws" + strings.TrimPrefix(base, "http")
	}
	z := st.mainAuthorizer()
	s := served{
		SchemaVersion: 1, URL: base + o.Base.Path, Stage: o.API.Stage, Source: st.tokenPlace(z).String(), TTL: ttlOf(o.API, z), Authorizer: "none",
		API: "arn:" + o.API.Partition + ":execute-api:" + o.API.Region + ":" + o.API.Account + ":" + o.API.ID + "/" + o.API.Stage,
	}
	if z != nil {
		s.Authorizer = st.describe(z)
	}
	if o.Upstream != nil {
		s.Upstream = o.Upstream.String()
	}
	if open {
		g.note("warning: this address is open to other machines; the gateway speaks plain HTTP, so that tokens can be read on the way")
	}
	if g.json {
		return view.JSON(g.app.IO.Out, s)
	}
	return g.announceText(&s, st, o)
}

// mainAuthorizer is the default one, or the first of the routes; nil where every
// route is open.
func (s *stage) mainAuthorizer() *apigw.Authorizer {
	all := s.authorizers()
	switch {
	case s.api.Default.Authorizer != nil:
		return s.api.Default.Authorizer
	case len(all) > 0:
		return all[0]
	}
	return nil
}

// describe is who decides, in a few words.
func (s *stage) describe(z *apigw.Authorizer) string {
	switch r := s.runners[z.Name]; {
	case r.ours != nil:
		return r.path
	case r.fixed != nil:
		return "always the same answer"
	}
	return z.Type.String()
}

// issuers are those whose tokens an authorizer takes, as far as is known.
func (s *stage) issuers(z *apigw.Authorizer) []string {
	var all []string
	if r := s.runners[z.Name]; r.ours != nil {
		for _, e := range r.ours.file.Expectations() {
			all = append(all, e.Issuer)
		}
	}
	for _, i := range z.JWT.Issuers {
		all = append(all, i.Issuer)
	}
	return all
}

// ttlOf is for how many seconds answers of an authorizer are kept.
func ttlOf(api *apigw.API, z *apigw.Authorizer) int {
	switch {
	case z == nil || !isFunction(z) || api.Kind == apigw.WebSocket: // which caches nothing
		return 0
	case z.TTL != nil:
		return *z.TTL
	case api.Kind == apigw.REST:
		return 300
	}
	return 0
}

func (g *gatewayCommand) announceText(s *served, st *stage, o *gateway.Options) error {
	out := g.app.printer()
	out.Line(out.Bold("API Gateway"), "at", out.Good(out.Outside(s.URL)))
	backend, cached, paths := "echo: answers with what it was given", "off", "all"
	place, socket := "paths", o.API.Kind == apigw.WebSocket
	if socket {
		place = "routes"
	}
	if s.Upstream != "" {
		backend = s.Upstream
	}
	if s.TTL > 0 {
		cached = "answers of the authorizer are kept for " + human.Span(time.Duration(s.TTL)*time.Second)
	}
	if o.API.Routes != nil {
		paths = fmt.Sprintf("%d routes", len(o.API.Routes))
		if socket {
			paths = strconv.Itoa(len(o.API.Routes))
		}
	}
	if o.Base.Path != "" && !socket { // whose URL says it
		paths += ", behind " + o.Base.Path
	}
	if o.Base.Optional && !socket {
		paths += " or without it"
	}
	pairs := []view.Pair{{Name: "API", Value: out.Outside(s.API)}, {Name: place, Value: out.Outside(paths)}}
	all := st.authorizers()
	if len(all) == 0 {
		pairs = append(pairs, view.Pair{Name: "authorizer", Value: "none"})
	}
	for _, z := range all {
		name := "authorizer"
		if len(all) > 1 {
			name = "authorizer " + out.Outside(z.Name)
		}
		pairs = append(pairs, view.Pair{Name: name, Value: out.Outside(st.describe(z))})
		if issuers := st.issuers(z); issuers != nil {
			pairs = append(pairs, view.Pair{Name: "tokens of", Value: out.Outside(strings.Join(issuers, ", "))})
		}
		pairs = append(pairs, view.Pair{Name: "token in", Value: out.Outside(st.tokenPlace(z).String())})
	}
	out.Pairs(2, append(pairs, view.Pair{Name: "cache", Value: cached}, view.Pair{Name: "backend", Value: out.Outside(backend)}))
	out.Heading("Try it")
	lines := tryIt(s.URL, st.tokenPlace(st.mainAuthorizer()))
	if socket {
		lines = tryConnect(s.URL, st.tokenPlace(st.mainAuthorizer()))
	}
	for _, line := range lines {
		out.Line(" ", out.Outside(line))
	}
	out.Printf("\n%s\n", out.Dim("One line a request follows. Stop it with Ctrl-C."))
	return out.Err()
}

// tryIt are commands that call the gateway.
func tryIt(base string, s authorizer.Source) []string {
	const token = "$(gatepass token)"
	switch s.Place {
	case authorizer.Query:
		return []string{`curl "` + base + "/?" + s.Name + "=" + token + `"`}
	case authorizer.Cookie:
		return []string{`curl -b "` + s.Name + "=" + token + `" ` + base + "/"}
	}
	call := "gatepass call GET / --api-url " + base
	if s != authorizer.DefaultSource() {
		call += " --api-send '" + s.String() + "'"
	}
	value := strings.TrimSpace(s.Scheme + " " + token)
	return []string{call, `curl -H "` + s.Name + ": " + value + `" ` + base + "/"}
}

// tryConnect is a command that connects to a WebSocket API.
func tryConnect(base string, s authorizer.Source) []string {
	const token = "$(gatepass token)"
	switch s.Place {
	case authorizer.Query:
		return []string{`wscat -c "` + base + "?" + s.Name + "=" + token + `"`}
	case authorizer.Cookie:
		return []string{`wscat -c ` + base + ` -H "Cookie: ` + s.Name + "=" + token + `"`}
	}
	return []string{`wscat -c ` + base + ` -H "` + s.Name + ": " + strings.TrimSpace(s.Scheme+" "+token) + `"`}
}

// handled is a request in the JSON form of the log.
type handled struct {
	SchemaVersion int    `json:"schemaVersion"`
	Time          string `json:"time"`
	RequestID     string `json:"requestId"`
	Method        string `json:"method"`
	Path          string `json:"path"`
	Status        int    `json:"status"`
	Reason        string `json:"reason"`
	Said          string `json:"authorizer,omitempty"` // what the authorizer said, if it was asked
	Cached        bool   `json:"cached"`
	Error         string `json:"error,omitempty"`
	Microseconds  int64  `json:"microseconds"`
}

// watch prints a line on stderr for each request.
func (g *gatewayCommand) watch() func(*gateway.Record) {
	var mu sync.Mutex
	p := view.NewPrinter(g.app.IO.Err, g.app.IO.ErrColor, g.app.IO.Width, g.app.Now)
	enc := json.NewEncoder(g.app.IO.Err)
	enc.SetEscapeHTML(false)
	return func(r *gateway.Record) {
		mu.Lock()
		defer mu.Unlock()
		if g.json {
			_ = enc.Encode(g.jsonLine(r)) // nobody reads stderr any more, which is no reason to stop
			return
		}
		p.Line(g.textLine(p, r)...)
	}
}

func (g *gatewayCommand) jsonLine(r *gateway.Record) handled {
	h := handled{
		SchemaVersion: 1, Time: r.Start.UTC().Format(time.RFC3339Nano), RequestID: r.ID, Method: r.Method, Path: g.app.clean(r.Path),
		Status: r.Status, Reason: g.app.clean(r.Reason), Said: g.app.clean(r.Said), Cached: r.Verdict != nil && r.Verdict.Cached, Microseconds: r.Took.Microseconds(),
	}
	if r.Backend != nil {
		h.Error = g.app.clean(r.Backend.Error())
	}
	return h
}

func (g *gatewayCommand) textLine(p *view.Printer, r *gateway.Record) []string {
	status := strconv.Itoa(r.Status)
	switch {
	case r.Status >= 500:
		status = p.Warn(status)
	case r.Status >= 400:
		status = p.Bad(status)
	default:
		status = p.Good(status)
	}
	return []string{
		p.Dim(r.Start.Format("15:04:05")), r.Method, iostreams.Visible(r.Path), status,
		iostreams.Visible(g.app.Secrets.Text(why(r))), p.Dim(r.Took.Round(time.Microsecond).String()),
	}
}

// why is what decided about a request, in a line. What our authorizer says of its
// refusals says more than how the gateway saw them.
func why(r *gateway.Record) string {
	reason := r.Reason
	switch {
	case r.Said == "":
	case r.Status == http.StatusUnauthorized:
		reason = r.Said
	default:
		reason += "; " + r.Said
	}
	if r.Verdict != nil && r.Verdict.Cached {
		reason += " (cached)"
	}
	if r.Backend != nil {
		reason += ": " + r.Backend.Error()
	}
	return reason
}
