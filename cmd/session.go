package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/human"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/login"
	"gatepass/pkg/secret"
	"gatepass/pkg/store"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

// tokenStore is where tokens are between two commands. That they are in files is
// known here only.
type tokenStore interface {
	Where(k store.Key) string
	Check(ctx context.Context, kind store.Kind) error
	Info(k store.Key) (store.Info, error)
	Load(k store.Key) (token.Set, error)
	Save(ctx context.Context, k store.Key, l store.Login, set token.Set) error
	Remember(ctx context.Context, k store.Key, l store.Login) error
	Move(ctx context.Context, k store.Key, kind store.Kind) error
	Delete(ctx context.Context, k store.Key) (bool, error)
	Fresh(ctx context.Context, k store.Key, now time.Time, least time.Duration, refresh func(context.Context, token.Set) (token.Set, error)) (token.Set, error)
	Holders(of secret.String) ([]string, error)
	AddHolder(ctx context.Context, of secret.String, issuer string) error
	LockLogin(ctx context.Context, k store.Key, kind store.Kind, limit time.Duration, waiting func()) (unlock func(), waited bool, err error)
}

// session is the tokens of a profile: where they are kept, and how they are
// renewed.
type session struct {
	app    *App
	store  tokenStore
	secret secret.String // the client secret, where it came in by standard input
	// ask asks the user a question. Nil: this command asks nothing.
	ask func(ctx context.Context, question string) (bool, error)
}

func newSession(app *App) *session {
	places := &store.Places{Disk: &store.Files{Keyring: app.Keyring}, Memory: new(store.Files)}
	if app.MemoryDir != nil {
		places.Memory.Dir = app.MemoryDir()
	}
	if app.StateDir != "" {
		places.Disk.Dir = filepath.Join(app.StateDir, "tokens")
	}
	return &session{app: app, store: places}
}

func (s *session) key(p *config.Profile) store.Key {
	return store.Key{Profile: p.Name, Issuer: issuerOf(p), ClientID: p.ClientID}
}

// issuerOf is the profile's issuer, less what people paste with it. One that is
// no issuer stays as it is: client reports it.
func issuerOf(p *config.Profile) string {
	if issuer, _, err := verify.NormalizeIssuer(p.Issuer); err == nil {
		return issuer
	}
	return p.Issuer
}

// tokens returns the profile's tokens with an access token that is good for at
// least minTTL, and not about to expire, refreshing it where need be; with zero what
// is left of a token that cannot be refreshed will do, too. It never opens a browser:
// where only a login helps, the error is of kind Login. The redactor learns of the
// tokens.
func (s *session) tokens(ctx context.Context, p *config.Profile, minTTL time.Duration) (token.Set, error) {
	now := s.app.Now()
	set, err := s.store.Fresh(ctx, s.key(p), now, minTTL, func(ctx context.Context, old token.Set) (token.Set, error) {
		return s.refresh(ctx, p, old)
	})
	s.app.Secrets.Add(set.Access, set.ID, set.Refresh)
	if other := otherUser(p, set); other != nil {
		return token.Set{}, other
	}
	switch {
	case err == nil && ctx.Err() != nil: // meanwhile; the tokens are stored
		return token.Set{}, ctx.Err()
	case err == nil && set.Fresh(now, minTTL):
		return set, nil
	case err != nil && set.Fresh(now, minTTL) && ctx.Err() == nil:
		// It does. If it cannot be renewed by the time it does not, that will be
		// said then; if it is new and could not be stored, it is said now.
		s.warn(set, now, err)
		return set, nil
	case err == nil:
		return token.Set{}, fault.New(fault.Login, "the issuer's tokens do not live as long as %s", minTTL).
			WithHint("ask for less with --min-ttl")
	case errors.Is(err, store.ErrExpired) && set.ID.IsZero():
		return token.Set{}, withHint(s.loginNeeded(p, err), "%s --client-credentials", loginCommand(p))
	}
	return token.Set{}, s.loginNeeded(p, err)
}

// bearer returns one of the profile's tokens, "access" or "id", that is good for
// at least minTTL, and when it expires. ID tokens have a lifetime of their own:
// where theirs has passed, new ones are asked for.
func (s *session) bearer(ctx context.Context, p *config.Profile, kind string, minTTL time.Duration) (secret.String, time.Time, error) {
	if kind == "access" {
		set, err := s.tokens(ctx, p, minTTL)
		return set.Access, set.Expiry, err
	}
	set, err := s.store.Load(s.key(p))
	s.app.Secrets.Add(set.Access, set.ID, set.Refresh)
	switch other := otherUser(p, set); {
	case err != nil:
		return secret.String{}, time.Time{}, s.loginNeeded(p, err)
	case other != nil:
		return secret.String{}, time.Time{}, other
	case set.ID.IsZero():
		return secret.String{}, time.Time{}, fault.New(fault.Login, "the login gave no ID token").
			WithHint("it was that of an app itself; %s --force", loginCommand(p))
	}
	now := s.app.Now()
	until := timeIn(set.ID, "exp")
	if good(until, now, max(minTTL, token.Margin(until.Sub(timeIn(set.ID, "iat"))))) {
		return set.ID, until, nil
	}
	renewed, err := s.store.Fresh(ctx, s.key(p), now, forever, func(ctx context.Context, old token.Set) (token.Set, error) {
		return s.refresh(ctx, p, old)
	})
	s.app.Secrets.Add(renewed.Access, renewed.ID, renewed.Refresh)
	switch at := timeIn(renewed.ID, "exp"); {
	case err == nil && ctx.Err() != nil: // meanwhile; the tokens are stored
		return secret.String{}, time.Time{}, ctx.Err()
	case err == nil && good(at, now, minTTL):
		return renewed.ID, at, nil
	case minTTL <= 0 && good(until, now, 0):
		return set.ID, until, nil
	case err == nil:
		return secret.String{}, time.Time{}, &fault.Error{Kind: fault.Login, Msg: "the ID token has expired, and the issuer gives no new one without a login", Hint: loginCommand(p) + " --force"}
	}
	return secret.String{}, time.Time{}, s.loginNeeded(p, err)
}

// otherUser reports tokens of somebody else than the profile expects.
func otherUser(p *config.Profile, set token.Set) error {
	if want := p.SignIn.Subject; want != "" && !set.Access.IsZero() && set.Subject != want {
		return &fault.Error{
			Kind: fault.Login, Hint: loginCommand(p),
			Msg: fmt.Sprintf("the login with the profile %s is that of the user %q, and %q is expected (%s)",
				p.Name, iostreams.Visible(set.Subject), iostreams.Visible(want), p.Origin("expect_subject")),
		}
	}
	return nil
}

// forever is longer than any token lives: asking for it makes a refresh.
const forever = 100 * 365 * 24 * time.Hour

// good reports whether a token that expires at a time is good for a span more.
func good(until, now time.Time, span time.Duration) bool { return now.Add(span).Before(until) }

// timeIn is a time in a JWT's claims; zero where it does not say.
func timeIn(jwt secret.String, claim string) time.Time {
	t, err := token.Decode(jwt.Reveal())
	if err != nil {
		return time.Time{}
	}
	at, _, err := t.ClaimSet().Date(claim)
	if err != nil {
		return time.Time{}
	}
	return at
}

// warn tells of a failed refresh that does no harm yet.
func (s *session) warn(set token.Set, now time.Time, err error) {
	if !set.Refresh.IsZero() {
		fmt.Fprintf(s.app.IO.Err, "gatepass: using a token that is good for %s more: %s\n",
			human.Span(set.Expiry.Sub(now)), s.app.clean(err.Error()))
	}
}

// refresh gets new tokens of the issuer, in words that the store understands.
func (s *session) refresh(ctx context.Context, p *config.Profile, old token.Set) (token.Set, error) {
	s.app.Secrets.Add(old.Access, old.ID, old.Refresh)
	cfg, err := s.client(ctx, p)
	if err != nil {
		return token.Set{}, err
	}
	set, err := login.Refresh(ctx, cfg, old)
	if errors.Is(err, login.ErrRejected) {
		return set, rejected{err}
	}
	return set, err
}

// rejected is the issuer's refusal of a refresh token, as the store knows it.
type rejected struct{ error }

func (r rejected) Is(target error) bool { return target == store.ErrRejected }
func (r rejected) Unwrap() error        { return r.error }

// client is the profile as pkg/login wants it. The client secret is looked up.
func (s *session) client(ctx context.Context, p *config.Profile) (login.Config, error) {
	if err := complete(p); err != nil {
		return login.Config{}, err
	}
	issuer, _, err := verify.NormalizeIssuer(p.Issuer)
	if err != nil {
		return login.Config{}, err
	}
	known, err := s.clientSecret(ctx, p)
	if err != nil {
		return login.Config{}, err
	}
	return login.Config{
		Issuer: issuer, ClientID: p.ClientID, Auth: login.Auth(p.ClientAuth), Secret: known,
		RedirectURIs: p.RedirectURIs, Scopes: p.Scopes, Resource: p.Resource,
		HTTP: s.app.HTTP, Now: s.app.Now,
	}, nil
}

// complete reports what must be set before anything can be asked of an issuer.
func complete(p *config.Profile) error {
	switch {
	case p.Issuer == "":
		return fault.New(fault.Usage, "the profile %s has no issuer", p.Name).
			WithHint("give one with --issuer https://SUBDOMAIN.onelogin.com/oidc/2 or --subdomain SUBDOMAIN, or set it in %s", config.FileName)
	case p.ClientID == "":
		return fault.New(fault.Usage, "the profile %s has no client id", p.Name).
			WithHint("it is on the SSO tab of the app in OneLogin: --client-id ID, or client_id in %s", config.FileName)
	}
	return nil
}

// loginNeeded words the errors that a login ends, with the command to run.
func (s *session) loginNeeded(p *config.Profile, err error) error {
	incomplete := complete(p)
	f := &fault.Error{Kind: fault.Login, Hint: loginCommand(p), Err: err}
	var refusal rejected
	switch {
	case errors.Is(err, store.ErrNone) && incomplete != nil:
		return incomplete
	case errors.Is(err, store.ErrNone):
		f.Msg = "nobody is logged in with the profile " + p.Name
	case errors.As(err, &refusal):
		f.Msg = "the login with the profile " + p.Name + " has ended: " + refusal.Error()
	case errors.Is(err, store.ErrExpired):
		f.Msg = "the login with the profile " + p.Name + " has ended: its token has expired, and there is no refresh token"
	default:
		return err
	}
	return f
}

// loginCommand is the command that logs in with a profile. Where no file has the
// settings, neither has the command: they were flags or variables.
func loginCommand(p *config.Profile) string {
	if len(p.Known) > 1 {
		return "log in: gatepass login --profile " + p.Name
	}
	return "log in: gatepass login"
}
