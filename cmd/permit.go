package cmd

import (
	"context"
	"fmt"
	"strings"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/verify"
)

// clientSecret is the secret by which a profile's client authenticates itself, or
// none where it has none: it comes by standard input, the environment or a program.
// Before it is looked up, it must be clear that it may go to the profile's issuer.
func (s *session) clientSecret(ctx context.Context, p *config.Profile) (secret.String, error) {
	if p.ClientAuth == "none" {
		return secret.String{}, nil
	}
	if s.secret.IsZero() && !hasSecret(s.app, p) {
		return secret.String{}, noSecret(p)
	}
	if err := s.maySend(ctx, p); err != nil {
		return secret.String{}, err
	}
	if !s.secret.IsZero() {
		s.app.Secrets.Add(secret.Basic(p.ClientID, s.secret))
		return s.secret, nil
	}
	return lookUpSecret(ctx, s.app, p)
}

// maySend reports a client secret that must not go to the profile's issuer. Where
// the user names the issuer by a flag, a variable or the own settings file, it
// may. A project's file is not enough: anybody can publish one with a profile's
// name and an issuer of theirs, and the secret of the environment is in every
// command that is run there. For such an issuer the user is asked, once.
func (s *session) maySend(ctx context.Context, p *config.Profile) error {
	issuer, origin := issuerOf(p), p.Origin("issuer")
	own, _, _ := verify.NormalizeIssuer(p.OwnIssuer)
	if origin.Kind != config.Project || issuer == "" || issuer == own {
		return nil
	}
	known, err := s.store.Permitted(issuer)
	if err != nil || known {
		return err
	}
	if s.ask == nil || !s.app.IO.InTerminal {
		return fault.New(fault.Usage, "the client secret is not sent to %s: only %s names that issuer", issuer, origin).
			WithHint("if the issuer is yours, say so once: gatepass login asks on a terminal. Elsewhere name it yourself: GATEPASS_ISSUER=%s, --issuer, or issuer in your own settings", issuer)
	}
	fmt.Fprintf(s.app.IO.Err, "The project's settings (%s) name this issuer, and you have sent it no secret yet:\n\n  %s\n\n", origin, s.app.clean(issuer))
	switch yes, err := s.ask(ctx, "Send the app's client secret to it, now and from now on? [y/N] "); {
	case err != nil:
		return err
	case !yes:
		return fault.New(fault.Denied, "the client secret was not sent, and nothing was done")
	}
	if err := s.store.Permit(ctx, issuer); err != nil {
		fmt.Fprintf(s.app.IO.Err, "gatepass: the answer could not be noted, and will be asked for again: %s\n", s.app.clean(err.Error()))
	}
	return nil
}

// askYes asks a question that only a yes is a yes to.
func (app *App) askYes(ctx context.Context, question string) (bool, error) {
	fmt.Fprint(app.IO.Err, question)
	line, err := answerLine(ctx, app.IO.In)
	if err != nil {
		fmt.Fprintln(app.IO.Err)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		return false, nil // nobody answers
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}
