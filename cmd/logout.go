package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/login"
	"gatepass/pkg/store"
	"gatepass/pkg/token"
	"gatepass/pkg/view"
)

// logoutCommand has the flags of "gatepass logout".
type logoutCommand struct {
	app        *App
	settings   settings
	everywhere bool
	yes        bool
	noBrowser  bool
}

func newLogout(app *App) *cobra.Command {
	l := &logoutCommand{app: app.cleaned()}
	c := &cobra.Command{
		Use:   "logout",
		Short: "Revoke the tokens and forget them",
		Long: `Logout tells the issuer to revoke the tokens, then deletes them here, and says
of each step how it went. The tokens are deleted even if they cannot be
revoked.

The login in the browser stays: that is the issuer's own, and other apps use
it. --everywhere ends it too, by opening the issuer's logout page in the
browser. At OneLogin that ends the whole single-sign-on session there and
revokes the tokens of every other app in it. It asks first; without a terminal
it needs --yes.

An API that checks a token by its signature alone goes on taking it until it
expires, as API Gateway's caches do.`,
		Example: `  gatepass logout
  gatepass logout --everywhere
  gatepass logout --everywhere --yes --no-browser`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return l.run(c.Context(), wantJSON(c)) },
	}
	f := c.Flags()
	f.BoolVar(&l.everywhere, "everywhere", false, "end the session in the browser, too, and with it those of all other apps")
	f.BoolVar(&l.yes, "yes", false, "with --everywhere: do not ask")
	f.BoolVar(&l.noBrowser, "no-browser", false, "with --everywhere: open no browser, only print the URL")
	l.settings.bind(c, config.Login)
	return c
}

func (l *logoutCommand) run(ctx context.Context, asJSON bool) error {
	if !l.everywhere && (l.yes || l.noBrowser) {
		return fault.New(fault.Usage, "--yes and --no-browser go with --everywhere")
	}
	p, err := l.settings.load(l.app)
	if err != nil {
		return err
	}
	s := newSession(l.app)
	page := ""
	if l.everywhere {
		if page, err = l.agree(ctx, p); err != nil {
			return err
		}
	}
	result, failed := s.end(ctx, p)
	if page != "" {
		step, err := l.endSession(p, page)
		result.Steps = append(result.Steps, step)
		failed = errors.Join(failed, err)
	}
	if asJSON {
		err = view.JSON(l.app.IO.Out, result)
	} else {
		out := l.app.printer()
		out.Logout(result)
		err = out.Err()
	}
	return errors.Join(failed, err)
}

// agree says what a logout everywhere ends and asks whether it is to be, before
// anything is done. It returns the page that does it.
func (l *logoutCommand) agree(ctx context.Context, p *config.Profile) (string, error) {
	if err := complete(p); err != nil {
		return "", err
	}
	if !l.yes && !l.app.IO.InTerminal {
		return "", fault.New(fault.Usage, "--everywhere ends the sessions of other apps too, and there is nobody to ask").
			WithHint("if that is meant: gatepass logout --everywhere --yes")
	}
	page, err := login.EndSession(ctx, login.Config{Issuer: issuerOf(p), HTTP: l.app.HTTP, Now: l.app.Now})
	if err != nil {
		return "", withHint(err, "nothing was done; to log out here alone: gatepass logout")
	}
	fmt.Fprintf(l.app.IO.Err, `This logs you out everywhere at %s: it ends the whole single-sign-on session of
your browser there, and revokes the tokens of every other app in it. Work in those
apps that is not saved may be lost.
`, issuerOf(p))
	if l.yes {
		return page, nil
	}
	return page, l.goOn(ctx)
}

// goOn asks. Everything but a yes is a no.
func (l *logoutCommand) goOn(ctx context.Context) error {
	if yes, err := l.app.askYes(ctx, "Go on? [y/N] "); err != nil || yes {
		return err
	}
	return fault.New(fault.Denied, "nothing was done")
}

// endSession opens the issuer's logout page, or says where it is.
func (l *logoutCommand) endSession(p *config.Profile, page string) (view.LogoutStep, error) {
	step := view.LogoutStep{Step: "open the issuer's logout page", Result: "done", Reason: page}
	if l.noBrowser {
		step.Result, step.Reason = "skipped", "open it yourself: "+page
		return step, nil
	}
	if err := l.app.browse(page, p.SignIn.Browser); err != nil {
		step.Result, step.Reason = "failed", err.Error()+"; open it yourself: "+page
		return step, withHint(err, "open this page to end the session: %s", page)
	}
	return step, nil
}

// end revokes the tokens of a profile and deletes them. What became of each step
// is in the result; the error is the first that matters.
func (s *session) end(ctx context.Context, p *config.Profile) (view.Logout, error) {
	out := view.Logout{SchemaVersion: 1, Profile: p.Name, Steps: []view.LogoutStep{}}
	set, err := s.store.Load(s.key(p))
	s.app.Secrets.Add(set.Access, set.ID, set.Refresh)
	switch {
	case errors.Is(err, store.ErrNone):
		return out, nil
	case err == nil:
		out.Steps, err = s.revoke(ctx, p, set)
	default: // what cannot be read is deleted all the same
		out.Steps = append(out.Steps, view.LogoutStep{Step: "revoke the tokens", Result: "failed", Reason: err.Error()})
	}
	_, deleteErr := s.store.Delete(ctx, s.key(p))
	last := view.LogoutStep{Step: "delete the tokens here", Result: "done"}
	if deleteErr != nil {
		last.Result, last.Reason = "failed", deleteErr.Error()
	}
	out.Steps = append(out.Steps, last)
	if deleteErr != nil {
		return out, deleteErr
	}
	return out, err
}

// revoke tells the issuer that the tokens are no longer wanted.
func (s *session) revoke(ctx context.Context, p *config.Profile, set token.Set) ([]view.LogoutStep, error) {
	cfg, err := s.client(ctx, p)
	var revoked []login.Revocation
	if err == nil {
		revoked, err = login.Revoke(ctx, cfg, set)
	}
	if errors.Is(err, login.ErrNoRevocation) {
		return []view.LogoutStep{{Step: "revoke the tokens", Result: "skipped", Reason: err.Error()}}, nil
	}
	if err != nil {
		return []view.LogoutStep{{Step: "revoke the tokens", Result: "failed", Reason: err.Error()}}, notRevoked(err)
	}
	var steps []view.LogoutStep
	for _, r := range revoked {
		step := view.LogoutStep{Step: "revoke the " + r.Token, Result: "done"}
		switch {
		case r.Err != nil && errors.Is(r.Err, login.ErrGone):
			step.Result, step.Reason = "skipped", r.Err.Error()
		case r.Err != nil:
			step.Result, step.Reason = "failed", r.Err.Error()
			err = notRevoked(r.Err)
		}
		steps = append(steps, step)
	}
	return steps, err
}

// notRevoked is the error of a logout that the issuer does not know of.
func notRevoked(err error) error {
	f := &fault.Error{Kind: fault.Failed, Msg: "the tokens are deleted here, but could not be revoked: " + err.Error(), Err: err}
	var cause *fault.Error
	if errors.As(err, &cause) {
		f.Kind = cause.Kind
	}
	return f.WithHint("they are good until they expire; the issuer's portal can end the session")
}
