package cmd

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
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

	requireKeyring bool

	minTTL    time.Duration
	timeout   time.Duration
	reauth    bool
	countdown countdown
}

func newLogin(app *App) *cobra.Command {
	l := &loginFlags{app: app.cleaned()}
	c := &cobra.Command{
		Use:   "login",
		Short: "Log in with the browser and keep the tokens",
		Long: `Login opens the issuer's login page in the browser, takes the answer on one of
the app's redirect URIs on this machine, checks it, and keeps the tokens.
Whoever is still logged in stays so: --force logs in anew. While another login
with the same profile is under way, this one waits for it and takes what it
gets.

The tokens are in a file that only you can read, sealed by a key in the
system's keyring where there is one that works within 3 seconds; if not, that
is said once. --store chooses: keyring, file, or memory (gone when the machine
restarts). --require-keyring refuses anything else. The login is for the API
that is set when it is made; a project's file that names another is not given
its tokens.

The browser is the one of the setting browser (a program and its arguments,
{url} among them), or in BROWSER (a command; %s in it is the URL), or the
platform's own. On a terminal the address that the browser ends at may also be
pasted, for browsers that cannot reach this machine. docs/login.md has more:
ssh, containers, https redirect URIs, and proving again who one is.

The app's client secret, if it has one, comes from GATEPASS_CLIENT_SECRET or
from client_secret_command in your own gatepass.yaml. --client-secret-stdin
takes it from standard input for this login; renewing the tokens needs it
again. It is sent to an issuer that you name yourself; where only the project's
file names it, you are asked once, on a terminal.`,
		Example: `  gatepass login
  gatepass login --subdomain acme --client-id e0001112-... --redirect-uri http://localhost:3000/oauth/callback
  gatepass login --force --no-browser
  gatepass login --reauth
  gatepass login --redirect-uri https://localhost:3000/oauth/callback
  gatepass login --listen 0.0.0.0       # in a container, with -p 127.0.0.1:3000:3000`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return l.run(c.Context(), wantJSON(c)) },
	}
	f := c.Flags()
	f.BoolVar(&l.force, "force", false, "log in anew, also if still logged in; the issuer is asked to ask again")
	f.DurationVar(&l.minTTL, "min-ttl", 0, "log in anew if the token is good for less than this `time`")
	f.BoolVar(&l.noBrowser, "no-browser", false, "open no browser, only print the URL")
	f.DurationVar(&l.timeout, "timeout", login.DefaultTimeout, "how long to wait for the answer, a `time` such as 10m")
	f.BoolVar(&l.reauth, "reauth", false, "log in anew, and have the issuer confirm that the user proved again who they are")
	f.BoolVar(&l.credentials, "client-credentials", false, "get a token for the app itself, for no person")
	f.BoolVar(&l.requireKeyring, "require-keyring", false, "keep the tokens sealed by the keyring, or do not log in")
	f.BoolVar(&l.secretStdin, "client-secret-stdin", false, "read the client secret from standard input")
	l.settings.bind(c, config.Login, config.Person, config.Target)
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
	s.ask = l.app.askYes
	if s.secret, err = l.secret(); err != nil {
		return err
	}
	start := l.app.Now()
	already, err := l.stillIn(ctx, s, p)
	if err != nil {
		return err
	}
	if !already {
		if already, err = l.logIn(ctx, s, p, start); err != nil {
			return err
		}
	}
	if already {
		if err := l.rearrange(ctx, s, p); err != nil {
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

// stillIn reports whether there is nothing to do. The login of a person will not do
// for that of the app itself, which has no ID token, nor the other way round.
func (l *loginFlags) stillIn(ctx context.Context, s *session, p *config.Profile) (bool, error) {
	if l.anew() {
		return false, nil
	}
	set, err := s.tokens(ctx, p, l.minTTL)
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Login {
		return false, nil
	}
	return err == nil && set.ID.IsZero() == l.credentials && (l.credentials || confirms(set.ID, p.SignIn.ACRValues)), err
}

// logIn gets tokens and stores them. Where that fails, those from before stay. It
// reports whether another process did it meanwhile.
func (l *loginFlags) logIn(ctx context.Context, s *session, p *config.Profile, start time.Time) (already bool, err error) {
	cfg, err := s.client(ctx, p)
	if err != nil {
		return false, err
	}
	kind, err := l.keep(ctx, s, p) // before anybody has typed a password for it
	if err != nil {
		return false, err
	}
	unlock, waited, err := s.store.LockLogin(ctx, s.key(p), kind, l.timeout, func() {
		l.say("another login with the profile %s is under way: waiting for it", p.Name)
	})
	if err != nil {
		return false, err
	}
	defer unlock()
	if waited {
		if done, err := l.doneByAnother(ctx, s, p, start); done || err != nil {
			return done, err
		}
	}
	set, name, err := l.get(ctx, p, cfg)
	if err != nil {
		return false, err
	}
	l.app.Secrets.Add(set.Access, set.ID, set.Refresh)
	name = l.app.Secrets.Text(name) // an issuer may call somebody by their token
	before, _ := s.store.Info(s.key(p))
	l.warnOfChange(before, set)
	apis := s.newAPI(p, before)
	l.sayAPI(apis, before)
	return false, s.store.Save(ctx, s.key(p), store.Login{Name: name, At: l.app.Now(), Kind: kind, APIs: apis}, set)
}

// doneByAnother reports whether another process has logged in since this one
// started, so that its login will do.
func (l *loginFlags) doneByAnother(ctx context.Context, s *session, p *config.Profile, start time.Time) (bool, error) {
	if !l.anew() {
		return l.stillIn(ctx, s, p)
	}
	info, err := s.store.Info(s.key(p))
	return err == nil && !info.LoginAt.Before(start), nil
}

// warnOfChange says when the login is somebody else's than the one before: a
// browser that is logged in with another account does that without asking.
func (l *loginFlags) warnOfChange(before store.Info, set token.Set) {
	if before.Subject != "" && before.Subject != set.Subject {
		l.say("this is another user than before: %s, it was %s", cmp.Or(set.Subject, theApp), before.Subject)
	}
}

// status is what is known of a profile's login without the network and without
// reading a token. It counts as logged in when the access token is good for
// minTTL, or, where minTTL is zero, can be renewed.
func (s *session) status(p *config.Profile, minTTL time.Duration) (view.Session, error) {
	out := view.Session{
		SchemaVersion: 1, Profile: p.Name, Why: p.Why, Issuer: issuerOf(p), ClientID: p.ClientID,
		Store: string(s.likelyKind(p)), Where: s.store.Where(s.key(p)),
	}
	info, err := s.store.Info(s.key(p))
	if errors.Is(err, store.ErrNone) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Store, out.APIs = string(info.Kind), info.APIs
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
