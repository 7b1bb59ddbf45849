package cmd

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/login"
)

// gatewayCommand has the flags of "gatepass gateway".
type gatewayCommand struct {
	app      *App
	settings settings
	listen   string
	jwks     string
	base     string
	open     []string
	noReload bool
	control  string
	// controlURL is where calls for it go, once that is known.
	controlURL string
	back       backendFlags
	logs       logFlags
	tls        tlsFlags
	called     calledAs
	api        apiFlags
	json       bool
}

// backendFlags say what stands behind the gateway.
type backendFlags struct {
	upstream, handler string
	echo              bool
	headers           []string
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

What is allowed goes to --upstream, to the Lambda function of --integration-handler,
to the integration that the API file gives a route, or to a backend that answers
with what it was given, the context of the authorizer among it. The stage may stand
before the path (/prod/orders) or not (/orders), unless --base-path says where it
does.

A WebSocket API is served at the stage itself: $connect is decided about, then the
connection is handed to --upstream, or each message is answered with its route (the
member "action") and the context, which the connection keeps.

A route whose authorizer cannot be run here is never served: its file or program is
missing, or it asks for AWS signatures. The gateway does not start then, unless each
such route is opened by its name with --open.

When the keys of the issuer cannot be had, the answer is a 500, as with a deployed
authorizer that fails; it is not cached. Settings, API file, authorizer files and
handlers are read again when they change, without a request being dropped; while
there is a mistake in them, what was read before stays in force. It runs until it is
interrupted. docs/gateway.md says more.`,
		Example: `  gatepass gateway --authorizer authorizer.yaml
  gatepass gateway --upstream http://127.0.0.1:3000 --ttl 0
  gatepass gateway --upstream http://127.0.0.1:3000 --context-header X-User=principalId
  gatepass gateway --handler simple.js --integration-handler pets.js
  gatepass gateway --kind http --type jwt --audience orders --route-scope read
  gatepass gateway --kind websocket --identity-source 'header Authorization'
  gatepass gateway --api-file api.yaml --access-log - --access-log-format clf`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			g.json = wantJSON(c)
			return g.run(c.Context())
		},
	}
	f := group()
	f.StringVar(&g.listen, "listen", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	g.back.add(f)
	f.StringVar(&g.jwks, "jwks", "", "take the keys from this `file` or URL, not from the issuer")
	f.StringVar(&g.base, "base-path", "", "`path` before every route: /prod, or / for none (default: the stage, or nothing)")
	listVar(f, &g.open, "open", "", "serve this `route` without its authorizer, which cannot be run: 'GET /health', or * where no routes are given; repeatable")
	f.BoolVar(&g.noReload, "no-reload", false, "do not read files again when they change")
	f.StringVar(&g.control, "control", "", "loopback `address` that takes AWS's calls to flush the authorizers' cache")
	g.called.add(f)
	g.tls.add(f)
	g.logs.add(f)
	groups := []flagGroup{{"The gateway", f}, {"The API (see also --api-file)", g.api.apiGroup()}, {"The authorizer", g.api.authorizerGroup()}}
	for _, x := range groups {
		c.Flags().AddFlagSet(x.flags)
	}
	g.settings.bind(c, config.Target, config.Policy)
	g.settings.flags.String("issuer", "", "`URL` of the issuer whose tokens count, with jwt and cognito")
	c.Flags().AddFlag(g.settings.flags.Lookup("issuer"))
	c.SetUsageFunc(g.settings.groupedUsage(groups))
	return c
}

func (g *gatewayCommand) run(ctx context.Context) error {
	if err := g.back.check(); err != nil {
		return err
	}
	if err := g.called.check(g.listen, ""); err != nil {
		return err
	}
	log, err := g.openLogs()
	if err != nil {
		return err
	}
	defer log.close()
	r, err := g.start(ctx, log)
	if err != nil {
		return err
	}
	defer r.close()
	ln, err := listen(ctx, g.listen)
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }() // closed already when serve has run
	secured, err := g.tls.config(g.app.Now())
	if err != nil {
		return err
	}
	if r.at = ln.Addr(); r.current.Load().loops(r.at) {
		return errLoop(r.at)
	}
	g.called.reached(r.at, secured)
	control, err := g.serveControl(ctx, r)
	if err != nil {
		return err
	}
	defer control()
	if secured != nil && g.tls.cert == "" {
		g.note("the certificate is made on the spot, nobody trusts it (curl -k does); its SHA-256 is " + login.Fingerprint(&secured.Certificates[0]))
	}
	if err := g.announce(ln.Addr(), r.current.Load()); err != nil {
		return err
	}
	stop := r.watch(ctx)
	defer stop()
	return serveTLS(ctx, ln, g.called.guard(r, log.misdirected), secured)
}

// reloadEvery is how often files are looked at.
const reloadEvery = 500 * time.Millisecond

func (g *gatewayCommand) note(s string) {
	g.app.say("%s", s)
}

// noTokens is the error of an authorizer file that no token can please.
func noTokens(path string) error {
	return fault.New(fault.Usage, "%s says of no tokens that they count, so every request would be refused", path).
		WithHint("name the issuer and the audience in it: tokens: [{issuer: https://acme.onelogin.com/oidc/2, audience: CLIENT-ID}]")
}
