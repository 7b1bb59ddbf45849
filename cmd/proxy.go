package cmd

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/caller"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/human"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/loopback"
	"gatepass/pkg/relay"
	"gatepass/pkg/secret"
	"gatepass/pkg/view"
)

// proxySecretVariable holds the secret of the proxy, where it is to be the same every
// time.
const proxySecretVariable = "GATEPASS_PROXY_SECRET"

// proxyCommand has the flags of "gatepass proxy".
type proxyCommand struct {
	app      *App
	settings settings
	listen   string
	origins  []string
	noSecret bool
	cookies  bool
	idle     time.Duration
	timeout  span
	json     bool
	profile  *config.Profile
}

func newProxy(app *App) *cobra.Command {
	x := &proxyCommand{app: app}
	c := &cobra.Command{
		Use:   "proxy",
		Short: "Run a proxy on this machine that adds your token to requests",
		Long: `Run a proxy on this machine for programs that cannot get a token: Postman, the
development server of a web page, the HTTP client of an editor. What they send
to its address goes to the profile's API with the token you are logged in with,
which is renewed in time. They hold no token, and have none to leak.

Whoever can use the proxy can use your token. So it is reached from this machine
only, under an address with a secret in it: a new one each time it starts, or
the one in GATEPASS_PROXY_SECRET. The secret may stand in the header
X-Gatepass-Secret instead, with the address without it. Pages in a browser may
use the proxy if their origin is listed with --allow-origin; CORS is answered by
the proxy then.

What the client says of a token itself (in the header where the token goes) is
put aside. Cookies are for --cookies only: those of 127.0.0.1 belong to every
program that serves pages there. Redirects of the API are handed on. A 401 that
could mean that the token is a stale one is tried once more with a new one,
where the request has no body and can be repeated.

It runs until it is interrupted, until the login ends (exit code 4), or until no
request has come for --idle.`,
		Example: `  gatepass proxy
  gatepass proxy --allow-origin http://localhost:5173
  gatepass proxy --profile dev --listen 127.0.0.1:0 --json
  GATEPASS_PROXY_SECRET=$(openssl rand -hex 16) gatepass proxy --idle 8h`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			x.json = wantJSON(c)
			return x.run(c.Context())
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&x.listen, "listen", "127.0.0.1:8181", "`address` of this machine to listen on; port 0 takes a free one")
	listVar(f, &x.origins, "allow-origin", "", "let pages of this `origin` use the proxy, such as http://localhost:5173; may be repeated")
	f.BoolVar(&x.noSecret, "no-secret", false, "ask for no secret: every program of everybody on this machine may use your token")
	f.BoolVar(&x.cookies, "cookies", false, "let cookies through, in both directions")
	f.DurationVar(&x.idle, "idle", 0, "end when no request has come for this `time`")
	f.Var(&x.timeout, "timeout", "`time` that the API may take until it answers (default: 5m)")
	x.settings.bind(c, config.Login, config.Target)
	return c
}

func (x *proxyCommand) run(ctx context.Context) error {
	o, err := x.options()
	if err != nil {
		return err
	}
	s := newSession(x.app)
	w, err := x.begin(ctx, s, &o)
	if err != nil {
		return err
	}
	ln, err := listen(ctx, x.listen)
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }() // closed already when serve has run
	o.Address = addressOf(ln.Addr())
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	o.OnEnd, o.OnRequest = cancel, w.onRequest(x.watch())
	p, err := relay.New(o)
	if err != nil {
		return err
	}
	if err := x.announce(&o, w); err != nil {
		return err
	}
	go w.run(ctx, p, cancel)
	return x.serve(ctx, ln, p)
}

// serve runs the proxy until it is interrupted, or has a reason of its own to end.
func (x *proxyCommand) serve(ctx context.Context, ln net.Listener, p *relay.Relay) error {
	stop := context.AfterFunc(ctx, p.Close) // WebSockets are not the server's to end
	defer stop()
	defer p.Close()
	if err := serve(ctx, ln, p); err != nil {
		return err
	}
	var why *fault.Error
	switch err := context.Cause(ctx); {
	case errors.Is(err, errIdle):
		x.note("no request has come for %s", human.Span(x.idle))
	case errors.As(err, &why):
		return why
	}
	return nil
}

// options are what the flags and the profile say.
func (x *proxyCommand) options() (o relay.Options, err error) {
	if x.profile, err = x.settings.load(x.app); err != nil {
		return o, err
	}
	api := x.profile.API
	if o.API, err = url.Parse(api.URL); err != nil || api.URL == "" {
		return o, fault.New(fault.Usage, "no API is set, so there is none to add the token for").
			WithHint("say which it is: --api-url URL, or api: {url: URL} in %s", config.FileName)
	}
	if x.idle < 0 {
		return o, fault.New(fault.Usage, "--idle must not be negative")
	}
	if err := x.checkListen(); err != nil {
		return o, err
	}
	if o.Origins, err = x.pages(); err != nil {
		return o, err
	}
	if o.Secret, err = x.secret(); err != nil {
		return o, err
	}
	if len(x.profile.CAFiles) > 0 {
		pem, err := readRoots(x.profile.CAFiles)
		if err != nil {
			return o, err
		}
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: withSystemRoots(pem)}
	}
	o.Key = api.Key // begin sees to it that an API of a project's file is the login's
	x.app.Secrets.Add(o.Key)
	o.Header, o.Scheme, o.Cookies = api.Send.Header, api.Send.Scheme, x.cookies
	o.Proxy, o.Timeout, o.Now, o.Decode = http.ProxyFromEnvironment, time.Duration(x.timeout), x.app.Now, caller.Decode
	return o, nil
}

// checkListen refuses addresses that others reach, before anything is opened there.
func (x *proxyCommand) checkListen() error {
	host, _, err := net.SplitHostPort(x.listen)
	if err == nil && !loopback.Is(host) {
		return fault.New(fault.Usage, "--listen %s is open to other machines, and whoever reaches the proxy uses your token", cutText(x.listen, 60)).
			WithHint("it listens on this machine's own addresses alone: 127.0.0.1, [::1] or localhost; from elsewhere, come by ssh -L")
	}
	return nil
}

// pages are the origins that may use the proxy.
func (x *proxyCommand) pages() ([]string, error) {
	var all []string
	for _, given := range x.origins {
		origin, local, err := relay.ParseOrigin(given)
		if err != nil {
			return nil, err
		}
		if !local {
			x.note("warning: the pages of %s can use your token while this runs", origin)
		}
		all = append(all, origin)
	}
	return all, nil
}

// secret is what clients must know. The redactor learns of it: the log is no place for
// it.
func (x *proxyCommand) secret() (secret.String, error) {
	own := secret.New(x.app.Getenv(proxySecretVariable))
	switch {
	case x.noSecret:
		x.note("warning: every program on this machine can use your token, also those of other users")
		return secret.String{}, nil
	case own.IsZero():
		own = relay.NewSecret()
	default:
		if err := relay.CheckSecret(own); err != nil {
			var f *fault.Error
			if errors.As(err, &f) {
				f.Msg = proxySecretVariable + ": " + f.Msg
			}
			return secret.String{}, err
		}
	}
	x.app.Secrets.Add(own)
	return own, nil
}

// addressOf is the address that a listener has.
func addressOf(a net.Addr) netip.AddrPort {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{} // which relay.New refuses
	}
	return ap
}

func (x *proxyCommand) note(format string, args ...any) {
	x.app.say(format, args...)
}

// proxied is what the command says of itself once it can be called. docs/json.md
// promises the JSON form.
type proxied struct {
	SchemaVersion int      `json:"schemaVersion"`
	URL           string   `json:"url"` // with the secret
	Secret        string   `json:"secret,omitempty"`
	API           string   `json:"api"`
	Profile       string   `json:"profile"`
	Subject       string   `json:"subject,omitempty"`
	Token         string   `json:"token"`  // access or id
	Source        string   `json:"source"` // where it goes
	APIKey        bool     `json:"apiKey"` // one is sent, too
	ExpiresAt     string   `json:"expiresAt,omitempty"`
	Origins       []string `json:"origins"`
	Cookies       bool     `json:"cookies"`
}

func (x *proxyCommand) announce(o *relay.Options, w *sessionWatch) error {
	api := x.profile.API
	v := proxied{
		SchemaVersion: 1, URL: "http://" + o.Address.String(), Secret: o.Secret.Reveal(), API: api.URL, Profile: x.profile.Name,
		Subject: w.start.Subject, APIKey: !o.Key.IsZero(), Token: api.Token, Source: api.Send.String(), Origins: append([]string{}, o.Origins...), Cookies: o.Cookies,
	}
	if v.Secret != "" {
		v.URL += "/" + v.Secret
	}
	if !w.until.IsZero() {
		v.ExpiresAt = w.until.UTC().Format(time.RFC3339)
	}
	if o.API.Scheme == "http" && !loopback.Is(o.API.Hostname()) {
		x.note("warning: the token goes to %s unencrypted", o.API.Host)
	}
	if x.json {
		return view.JSON(x.app.IO.Out, v)
	}
	return x.announceText(&v, w)
}

func (x *proxyCommand) announceText(v *proxied, w *sessionWatch) error {
	out := x.app.printer()
	out.Line(out.Bold("Proxy"), "at", out.Good(out.Outside(v.URL)))
	pages, cookies := "none (see --allow-origin)", "dropped (see --cookies)"
	if len(v.Origins) > 0 {
		pages = strings.Join(v.Origins, ", ")
	}
	if v.Cookies {
		cookies = "let through"
	}
	sent := v.Source
	if v.APIKey {
		sent += ", and the API key in x-api-key"
	}
	out.Pairs(2, []view.Pair{
		{Name: "API", Value: out.Outside(v.API)},
		{Name: "token", Value: out.Outside(w.described(v, x.app.Now()))},
		{Name: "sent in", Value: out.Outside(sent)},
		{Name: "pages", Value: out.Outside(pages)},
		{Name: "cookies", Value: cookies},
	})
	out.Heading("Try it")
	out.Line("  curl " + out.Outside(v.URL) + "/")
	if v.Secret != "" {
		out.Printf("\n%s\n", out.Dim(out.Wrap(0, "Whoever knows the address can use your token while this runs.")))
	}
	out.Printf("\n%s\n", out.Dim("One line a request follows. Stop it with Ctrl-C."))
	return out.Err()
}

// relayed is a request in the JSON form of the log.
type relayed struct {
	SchemaVersion int    `json:"schemaVersion"`
	Time          string `json:"time"`
	Method        string `json:"method"`
	Path          string `json:"path,omitempty"`
	Status        int    `json:"status,omitempty"`
	Refused       string `json:"refused,omitempty"`
	Error         string `json:"error,omitempty"`
	Renewed       bool   `json:"renewed,omitempty"`
	Microseconds  int64  `json:"microseconds"`
}

// watch prints a line on stderr for each request.
func (x *proxyCommand) watch() func(*relay.Record) {
	var mu sync.Mutex
	p := view.NewPrinter(x.app.IO.Err, x.app.IO.ErrColor, x.app.IO.Width, x.app.Now)
	enc := json.NewEncoder(x.app.IO.Err)
	enc.SetEscapeHTML(false)
	return func(r *relay.Record) {
		mu.Lock()
		defer mu.Unlock()
		if x.json {
			_ = enc.Encode(x.jsonLine(r)) // nobody reads stderr any more, which is no reason to stop
			return
		}
		p.Line(x.textLine(p, r)...)
	}
}

func (x *proxyCommand) jsonLine(r *relay.Record) relayed {
	v := relayed{
		SchemaVersion: 1, Time: r.Start.UTC().Format(time.RFC3339Nano), Method: x.app.clean(r.Method), Path: x.app.clean(r.Path),
		Status: r.Status, Refused: x.app.clean(r.Refused), Renewed: r.Renewed, Microseconds: r.Took.Microseconds(),
	}
	if r.Err != nil {
		v.Error = x.app.clean(r.Err.Error())
	}
	return v
}

func (x *proxyCommand) textLine(p *view.Printer, r *relay.Record) []string {
	status := strconv.Itoa(r.Status)
	switch {
	case r.Status == 0:
		status = p.Dim("---")
	case r.Status >= 500:
		status = p.Warn(status)
	case r.Status >= 400:
		status = p.Bad(status)
	default:
		status = p.Good(status)
	}
	parts := []string{p.Dim(r.Start.Format("15:04:05")), iostreams.Visible(r.Method), iostreams.Visible(x.app.Secrets.Text(r.Path)), status}
	if r.Path == "" {
		parts[2] = "-"
	}
	if said := whatBecame(r); said != "" {
		parts = append(parts, iostreams.Visible(x.app.Secrets.Text(said)))
	}
	return append(parts, p.Dim(r.Took.Round(time.Microsecond).String()))
}

// whatBecame is what there is to say of a request that was not simply answered.
func whatBecame(r *relay.Record) string {
	switch {
	case r.Refused != "" && r.Err == nil:
		return "refused by the proxy: " + r.Refused
	case r.Refused != "":
		return r.Refused
	case r.Err != nil && r.Status != 0:
		return "the answer broke off: " + r.Err.Error()
	case r.Err != nil:
		return r.Err.Error()
	case r.Renewed:
		return "with a new token, the first one was refused"
	}
	return ""
}
