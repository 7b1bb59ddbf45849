package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/verify"
)

// clientSecret is the secret by which a profile's client authenticates itself, or
// none where it has none: it comes by standard input, the environment or a program,
// and is for the profile's issuer.
func (s *session) clientSecret(ctx context.Context, p *config.Profile) (secret.String, error) {
	if p.ClientAuth == "none" {
		return secret.String{}, nil
	}
	value := s.secret
	switch {
	case !value.IsZero():
		s.app.Secrets.Add(secret.Basic(p.ClientID, value))
	case !hasSecret(s.app, p):
		return secret.String{}, noSecret(p)
	default:
		var err error
		if value, err = lookUpSecret(ctx, s.app, p); err != nil {
			return secret.String{}, err
		}
	}
	return value, s.maySend(ctx, p, value)
}

// maySend reports a client secret that must not go to the profile's issuer, and
// remembers where one goes. A secret that one issuer has does not go to another that
// only a project's file names: anybody can publish such a file, and the secret of the
// environment is in every command that is run there. The user is asked then, once.
// The first issuer is taken as it is: a pipeline begins with nothing, and whoever has
// used the secret before is protected.
func (s *session) maySend(ctx context.Context, p *config.Profile, value secret.String) error {
	issuer := issuerOf(p)
	if issuer == "" {
		return nil // there is nowhere to send it to, which is said elsewhere
	}
	have, err := s.store.Holders(value)
	if err != nil || slices.Contains(have, issuer) {
		return err
	}
	own, _, _ := verify.NormalizeIssuer(p.OwnIssuer)
	if len(have) > 0 && p.Origin("issuer").Kind == config.Project && issuer != own {
		if err := s.askToSend(ctx, p, have); err != nil {
			return err
		}
	}
	if err := s.store.AddHolder(ctx, value, issuer); err != nil {
		fmt.Fprintf(s.app.IO.Err, "gatepass: where the client secret goes could not be noted: %s\n", s.app.clean(err.Error()))
	}
	return nil
}

// askToSend asks whether a secret that issuers have may go to another one.
func (s *session) askToSend(ctx context.Context, p *config.Profile, have []string) error {
	issuer, origin := issuerOf(p), p.Origin("issuer")
	if s.ask == nil || !s.app.IO.InTerminal {
		return fault.New(fault.Usage, "the client secret is that of %s and is not sent to %s: only %s names that issuer", have[0], issuer, origin).
			WithHint("if it is yours, say so once: gatepass login asks on a terminal. Elsewhere name it yourself: GATEPASS_ISSUER=%s, --issuer, or issuer in your own settings", issuer)
	}
	fmt.Fprintf(s.app.IO.Err, "You have sent this client secret to:\n\n  %s\n\nThe project's settings (%s) want it sent to another issuer:\n\n  %s\n\n",
		s.app.clean(strings.Join(have, "\n  ")), origin, s.app.clean(issuer))
	switch yes, err := s.ask(ctx, "Send the app's client secret to it, now and from now on? [y/N] "); {
	case err != nil:
		return err
	case !yes:
		return fault.New(fault.Denied, "the client secret was not sent, and nothing was done")
	}
	return nil
}

// askYes asks a question that only a yes is a yes to.
func (app *App) askYes(ctx context.Context, question string) (bool, error) {
	line, err := app.answer(ctx, question)
	if err != nil {
		return false, ctx.Err() // or nobody answers
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}
