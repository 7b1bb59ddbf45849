package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/login"
	"gatepass/pkg/secret"
	"gatepass/pkg/store"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
	"gatepass/pkg/view"
)

// loginFlags has the flags of "gatepass login".
type loginFlags struct {
	app         *App
	settings    settings
	force       bool
	noBrowser   bool
	credentials bool
	secretStdin bool
	minTTL      time.Duration
	timeout     time.Duration
	hint, acr   string
}

func newLogin(app *App) *cobra.Command {
	l := &loginFlags{app: app}
	c := &cobra.Command{
		Use:   "login",
		Short: "Log in with the browser and keep the tokens",
		Long: `Login opens the issuer's login page in the browser, takes the answer on one of the
app's redirect URIs on this machine, checks it, and keeps the tokens in a file
that only you can read. Whoever is still logged in stays so: --force logs in anew.

The browser is the one in BROWSER (a command; %s in it is the URL), or the
platform's own. On a terminal the address that the browser ends at may also be
pasted, for browsers that cannot reach this machine.

The app's client secret, if it has one, comes from GATEPASS_CLIENT_SECRET or from
client_secret_command in your own gatepass.yaml. --client-secret-stdin takes it
from standard input for this login; renewing the tokens needs it again.`,
		Example: `  gatepass login
  gatepass login --subdomain acme --client-id e0001112-... --redirect-uri http://localhost:3000/oauth/callback
  gatepass login --force --no-browser`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return l.run(c.Context(), wantJSON(c)) },
	}
	f := c.Flags()
	f.BoolVar(&l.force, "force", false, "log in anew, also if still logged in; the issuer is asked to ask again")
	f.DurationVar(&l.minTTL, "min-ttl", 0, "log in anew if the token is good for less than this `time`")
	f.BoolVar(&l.noBrowser, "no-browser", false, "open no browser, only print the URL")
	f.DurationVar(&l.timeout, "timeout", login.DefaultTimeout, "how long to wait for the answer, a `time` such as 10m")
	f.StringVar(&l.hint, "login-hint", "", "tell the issuer which `user` is about to log in")
	f.StringVar(&l.acr, "acr-values", "", "the `kind` of authentication to ask for: onelogin:nist:level:1:re-auth")
	f.BoolVar(&l.credentials, "client-credentials", false, "get a token for the app itself, for no person")
	f.BoolVar(&l.secretStdin, "client-secret-stdin", false, "read the client secret from standard input")
	l.settings.bind(c)
	return c
}

func (l *loginFlags) run(ctx context.Context, asJSON bool) error {
	if l.timeout <= 0 || l.minTTL < 0 {
		return fault.New(fault.Usage, "--timeout must be more than nothing, and --min-ttl not less")
	}
	p, err := l.settings.load(l.app)
	if err != nil {
		return err
	}
	if _, note, err := verify.NormalizeIssuer(p.Issuer); err == nil && note != "" {
		l.say("%s", note)
	}
	s := newSession(l.app)
	if s.secret, err = l.secret(); err != nil {
		return err
	}
	already, err := l.stillIn(ctx, s, p)
	if err != nil {
		return err
	}
	if !already {
		if err := l.logIn(ctx, s, p); err != nil {
			return err
		}
	}
	result, err := s.status(p, 0)
	if err != nil {
		return err
	}
	result.Already = already
	return l.app.printSession(result, asJSON)
}

// secret is the client secret of standard input, if that is where it comes from.
func (l *loginFlags) secret() (secret.String, error) {
	if !l.secretStdin {
		return secret.String{}, nil
	}
	text, err := readUpTo(l.app.IO.In, "standard input", maxSecret)
	value := strings.TrimRight(string(text), "\r\n")
	if err == nil && (value == "" || strings.ContainsAny(value, "\r\n\x00")) {
		err = fault.New(fault.Usage, "standard input must be one line, the client secret")
	}
	s := secret.New(value)
	l.app.Secrets.Add(s)
	return s, err
}

// stillIn reports whether there is nothing to do.
func (l *loginFlags) stillIn(ctx context.Context, s *session, p *config.Profile) (bool, error) {
	if l.force {
		return false, nil
	}
	_, err := s.tokens(ctx, p, l.minTTL)
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Login {
		return false, nil
	}
	return err == nil, err
}

// logIn gets tokens and stores them. Where that fails, those from before stay.
func (l *loginFlags) logIn(ctx context.Context, s *session, p *config.Profile) error {
	cfg, err := s.client(ctx, p)
	if err != nil {
		return err
	}
	if err := s.store.Check(); err != nil { // before anybody has typed a password for it
		return err
	}
	set, name, err := l.get(ctx, cfg)
	if err != nil {
		return err
	}
	l.app.Secrets.Add(set.Access, set.ID, set.Refresh)
	l.warnOfChange(s, p, set)
	return s.store.Save(ctx, s.key(p), name, set)
}

// get logs a person in, or the app itself.
func (l *loginFlags) get(ctx context.Context, cfg login.Config) (token.Set, string, error) {
	if l.credentials {
		set, err := login.ClientCredentials(ctx, cfg)
		return set, "the app itself", err
	}
	cfg.Timeout, cfg.LoginHint, cfg.ACRValues = l.timeout, l.hint, l.acr
	if l.force {
		cfg.Prompt = "login"
	}
	ui := login.UI{Waiting: l.waiting, Note: func(s string) { l.say("%s", s) }}
	if !l.noBrowser {
		ui.Open = func(_ context.Context, address string) error { return l.app.browse(address) }
	}
	if l.app.IO.InTerminal && !l.secretStdin {
		ui.Pasted = lines(l.app.IO.In)
	}
	set, result, err := login.Login(ctx, cfg, ui)
	return set, result.Name(), err
}

// waiting says what to do while the login waits for its answer.
func (l *loginFlags) waiting(r login.Request) {
	w := l.app.IO.Err
	if l.noBrowser {
		fmt.Fprintf(w, "Open this page in a browser:\n\n  %s\n\n", iostreams.Visible(r.URL))
	} else {
		fmt.Fprintf(w, "The login page opens in your browser. If it does not, open it yourself:\n\n  %s\n\n", iostreams.Visible(r.URL))
	}
	paste := ""
	if l.app.IO.InTerminal {
		paste = "\nIf the browser cannot reach that address, paste it here as the browser shows it."
	}
	fmt.Fprintf(w, "Waiting until %s for the answer at %s.%s\n", r.Until.Local().Format("15:04:05"), r.RedirectURI, paste)
}

// warnOfChange says when the login is somebody else's than the one before: a
// browser that is logged in with another account does that without asking.
func (l *loginFlags) warnOfChange(s *session, p *config.Profile, set token.Set) {
	before, err := s.store.Info(s.key(p))
	if err == nil && before.Subject != "" && before.Subject != set.Subject {
		l.say("this is another user than before: %s, it was %s", set.Subject, before.Subject)
	}
}

func (l *loginFlags) say(format string, args ...any) {
	fmt.Fprintf(l.app.IO.Err, "gatepass: %s\n", l.app.clean(fmt.Sprintf(format, args...)))
}

// lines reads lines until there are no more. Nobody can stop a read from a
// terminal, so the goroutine lives as long as the process does.
func lines(r io.Reader) <-chan string {
	c := make(chan string)
	go func() {
		defer close(c)
		sc := bufio.NewScanner(r)
		sc.Buffer(nil, 64<<10)
		for sc.Scan() {
			if text := strings.TrimSpace(sc.Text()); text != "" {
				c <- text
			}
		}
	}()
	return c
}

// status is what is known of a profile's login without the network and without
// reading a token. It counts as logged in when the access token is good for
// minTTL, or, where minTTL is zero, can be renewed.
func (s *session) status(p *config.Profile, minTTL time.Duration) (view.Session, error) {
	out := view.Session{
		SchemaVersion: 1, Profile: p.Name, Why: p.Why, Issuer: issuerOf(p), ClientID: p.ClientID,
		Store: s.store.Kind(), Where: s.store.Where(s.key(p)),
	}
	info, err := s.store.Info(s.key(p))
	if errors.Is(err, store.ErrNone) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	now := s.app.Now()
	fresh := info.Expiry.IsZero() || now.Add(minTTL).Before(info.Expiry)
	out.LoggedIn = fresh || info.CanRefresh && minTTL == 0
	out.Subject, out.Name, out.Scope, out.CanRefresh = info.Subject, info.Name, info.Scope, info.CanRefresh
	if !info.Expiry.IsZero() {
		at := info.Expiry.UTC()
		out.ExpiresAt = &at
	}
	return out, nil
}

// printSession prints who is logged in.
func (app *App) printSession(v view.Session, asJSON bool) error {
	if asJSON {
		return view.JSON(app.IO.Out, v)
	}
	p := app.printer()
	p.Session(v)
	return p.Err()
}
