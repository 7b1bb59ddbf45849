package cmd

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/login"
	"gatepass/pkg/store"
	"gatepass/pkg/token"
	"gatepass/pkg/view"
)

func newLogout(app *App) *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "logout",
		Short: "Revoke the tokens and forget them",
		Long: `Logout tells the issuer to revoke the tokens, then deletes them here, and says of
each step how it went. The tokens are deleted even if they cannot be revoked.

The login in the browser stays: that is the issuer's own, and other apps use it.
An API that checks a token by its signature alone goes on taking it until it
expires, as API Gateway's caches do.`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := s.load(app)
			if err != nil {
				return err
			}
			result, failed := newSession(app).end(c.Context(), p)
			if wantJSON(c) {
				err = view.JSON(app.IO.Out, result)
			} else {
				out := app.printer()
				out.Logout(result)
				err = out.Err()
			}
			return errors.Join(failed, err)
		},
	}
	s.bind(c, config.Login)
	return c
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
			step.Result, step.Reason = "skipped", "it was revoked already"
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
