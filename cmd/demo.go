package cmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/demo"
	"gatepass/pkg/fault"
	"gatepass/pkg/gateway"
	"gatepass/pkg/idp"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/store"
	"gatepass/pkg/view"
)

func newDemo(app *App) *cobra.Command {
	d := &demonstration{app: app}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole story on this machine, with nothing to configure",
		Long: `Demo starts a stand-in for OneLogin, a sample API and a local gateway in front of
it, all on free loopback ports, and shows what gatepass does with them: a login, a
look into the token, requests that are allowed and refused, and why. Each step is
shown as the command one would type.

On a terminal the login happens in your browser; with --yes it happens by itself.
Nothing is left behind, unless --keep leaves it running to try things with.`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if wantJSON(c) {
				return fault.New(fault.Usage, "the demo is a story for people and has no JSON form").
					WithHint("each command it shows takes --json")
			}
			return d.run(c.Context())
		},
	}
	c.Flags().BoolVarP(&d.yes, "yes", "y", false, "log in without the browser")
	c.Flags().BoolVar(&d.keep, "keep", false, "leave everything running afterwards, until it is interrupted")
	return c
}

// demonstration is one run of the command.
type demonstration struct {
	app       *App
	yes, keep bool

	dir    string // everything is in here, and goes with it
	places demo.Places
	inner  *App // what the steps run with
	out    *view.Printer
}

// demoUser is who logs in when nobody is asked: she may read, and not delete.
const demoUser = "grace"

func (d *demonstration) run(ctx context.Context) error {
	d.yes = d.yes || !d.app.IO.OutTerminal || !d.app.IO.InTerminal
	d.out = d.app.printer()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dir, err := os.MkdirTemp("", "gatepass-demo-")
	if err != nil {
		return fault.New(fault.Failed, "no folder for the demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	d.dir = dir
	stopped, err := d.start(ctx)
	defer func() { cancel(); stopped() }()
	if err != nil {
		return err
	}
	if err := d.story(ctx); err != nil {
		return err
	}
	if d.keep {
		return d.stay(ctx)
	}
	d.out.Printf("\n%s\n", d.out.Dim("That was all. Try it by hand with: gatepass demo --keep"))
	return d.out.Err()
}

// start starts the stand-in, the sample API and the gateway. The function it
// returns waits for them to end.
func (d *demonstration) start(ctx context.Context) (wait func(), err error) {
	ends := make(chan struct{}, 3)
	running := 0
	wait = func() {
		for range running {
			<-ends
		}
	}
	up := func(make func(address string) (http.Handler, error)) error {
		ln, err := listen(ctx, "127.0.0.1:0")
		if err != nil {
			return err
		}
		h, err := make("http://" + ln.Addr().String())
		if err != nil {
			return errors.Join(err, ln.Close())
		}
		running++
		go func() {
			_ = serve(ctx, ln, new(calledAs).guard(h, nil)) // what goes wrong is seen by the steps that ask it
			ends <- struct{}{}
		}()
		return nil
	}
	var orders string
	if err := up(d.provider); err != nil {
		return wait, err
	}
	if err := up(func(at string) (http.Handler, error) { orders = at; return demo.Orders(), nil }); err != nil {
		return wait, err
	}
	return wait, up(func(at string) (http.Handler, error) { return d.gateway(ctx, at, orders) })
}

// provider is the stand-in.
func (d *demonstration) provider(at string) (http.Handler, error) {
	callback, err := freePort()
	if err != nil {
		return nil, err
	}
	d.places.Redirect = "http://" + callback + "/callback"
	o := idp.Options{Base: at, RedirectURIs: []string{d.places.Redirect}, Now: d.app.Now}
	if d.yes {
		o.AutoLogin = demoUser
	}
	server, err := idp.New(o)
	if err != nil {
		return nil, err
	}
	d.places.Issuer, d.places.ClientID = server.Issuer(), server.Settings().Clients[0].ID
	return server, nil
}

// freePort finds a loopback port that is free now, for the login's callback.
func freePort() (string, error) {
	ln, err := listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// gateway is the local gateway in front of the sample API, by the demo's own
// files, as "gatepass gateway" would serve them.
func (d *demonstration) gateway(ctx context.Context, at, orders string) (http.Handler, error) {
	d.places.API = at + "/prod"
	_, _, err := demo.Write(d.dir, d.places)
	if err != nil {
		return nil, err
	}
	d.inner = d.insideApp()
	p, err := new(settings).load(d.inner)
	if err != nil {
		return nil, err
	}
	command := gatewayCommand{app: d.inner, back: backendFlags{upstream: orders}}
	o, _, err := command.options(ctx, p)
	if err != nil {
		return nil, err
	}
	o.OnRequest = nil // the story has enough lines
	return gateway.New(o)
}

// insideApp is the App of the steps: the demo's folder is all they know, what
// they print goes to one place, and it looks as it would on a terminal.
func (d *demonstration) insideApp() *App {
	in := *d.app
	in.IO = &iostreams.Streams{
		In: strings.NewReader(""), Out: d.app.IO.Out, Err: d.app.IO.Out,
		OutTerminal: true, ErrTerminal: true, OutColor: d.app.IO.OutColor, ErrColor: d.app.IO.OutColor, Width: d.app.IO.Width,
	}
	in.Dir, in.ConfigDir = d.dir, filepath.Join(d.dir, "home")
	in.StateDir, in.CacheDir = filepath.Join(d.dir, "state"), filepath.Join(d.dir, "cache")
	in.Getenv = func(name string) string {
		switch {
		case name == "GATEPASS_STORE": // what the demo leaves behind is a folder that it removes
			return string(store.InFile)
		case d.yes && name == "DISPLAY": // the browser is right here: there is nothing to forward
			return ":"
		case d.yes && strings.HasPrefix(name, "SSH_"):
			return ""
		case strings.HasPrefix(name, "GATEPASS_"):
			return ""
		}
		return d.app.Getenv(name)
	}
	if d.yes {
		in.OpenURL = visit
	}
	return &in
}

// visit is a browser that needs nobody: it follows the redirects of a login.
func visit(address string) error {
	go func() {
		c := http.Client{Timeout: 30 * time.Second}
		// Whatever goes wrong is seen by the login that waits for the answer.
		if res, err := c.Get(address); err == nil { //nolint:noctx // ends with its time limit
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	}()
	return nil
}

// scene is one step of the story.
type scene struct {
	about string
	args  []string
	pipe  []string // a second command, fed by the first
	exit  int
}

func (d *demonstration) scenes() []scene {
	return []scene{
		{about: "Log in: OpenID Connect with PKCE. A stand-in plays OneLogin.", args: []string{"login"}},
		{about: "What is in the access token, and is it genuine?", args: []string{"token"}, pipe: []string{"decode", "--verify"}},
		{about: "What would API Gateway decide about this request, and why?", args: []string{"authorize", "GET", "/orders"}},
		{about: "And about this one?", args: []string{"authorize", "DELETE", "/orders/7"}, exit: int(fault.Denied)},
		{about: "What if she were an admin? Claims can be made up.", args: []string{"authorize", "DELETE", "/orders/7", "--claim", "sub=42", "--claim", "groups=Admins"}},
		{about: "The same requests for real, through a gateway that decides with the same code.", args: []string{"call", "GET", "/orders"}},
		{about: "A refusal is explained.", args: []string{"call", "DELETE", "/orders/7"}, exit: int(fault.Denied)},
	}
}

func (d *demonstration) story(ctx context.Context) error {
	for i, s := range d.scenes() {
		if i > 0 {
			d.out.Printf("\n")
		}
		d.out.Line(d.out.Dim("# " + s.about))
		line := "gatepass " + strings.Join(s.args, " ")
		if s.pipe != nil {
			line += " | gatepass " + strings.Join(s.pipe, " ")
		}
		d.out.Line(d.out.Dim("$"), d.out.Bold(line))
		if err := d.out.Err(); err != nil {
			return err
		}
		if got := d.play(ctx, s); got != s.exit {
			return d.unexpected(ctx, line, got, s.exit)
		}
	}
	return nil
}

// play runs one step and returns its exit code.
func (d *demonstration) play(ctx context.Context, s scene) int {
	if s.pipe == nil {
		return Run(ctx, d.inner, s.args)
	}
	first, between := *d.inner, new(bytes.Buffer)
	io1 := *d.inner.IO
	io1.Out, io1.OutTerminal, io1.OutColor = between, false, false
	first.IO = &io1
	if code := Run(ctx, &first, s.args); code != 0 {
		return code
	}
	second := *d.inner
	io2 := *d.inner.IO
	io2.In = between
	second.IO = &io2
	return Run(ctx, &second, s.pipe)
}

func (d *demonstration) unexpected(ctx context.Context, line string, got, want int) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := fault.New(fault.Failed, "the demo went wrong: %q ended with exit code %d, not %d", line, got, want)
	if !d.yes {
		return err.WithHint("in the browser, log in as %s; or let the demo do it: gatepass demo --yes", demoUser)
	}
	return err
}

// stay leaves everything running and says how to use it.
func (d *demonstration) stay(ctx context.Context) error {
	d.out.Heading("Still running")
	d.out.Pairs(2, []view.Pair{
		{Name: "stand-in", Value: d.places.Issuer},
		{Name: "gateway", Value: d.places.API},
		{Name: "files", Value: d.dir},
	})
	d.out.Printf("\nIn another terminal:\n\n  cd %s\n  export GATEPASS_HOME=%s\n  gatepass status\n  gatepass call /orders\n\nEdit authorizer.yaml there and ask again with gatepass authorize.\nCtrl-C ends it and removes the folder.\n", d.dir, d.dir)
	if err := d.out.Err(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
