package cmd

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
	"gatepass/pkg/view"
)

func newWhoami(app *App) *cobra.Command {
	app = app.cleaned()
	var s settings
	c := &cobra.Command{
		Use:   "whoami",
		Short: "Ask the issuer who the token belongs to",
		Long: `Whoami shows the profile of whoever is logged in, as the issuer's userinfo
endpoint (at OneLogin /oidc/2/me) gives it for the access token. Which claims
there are depends on the scopes of the login: profile, email, groups, params,
phone.`,
		Example: `  gatepass whoami
  gatepass whoami --json`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := s.load(app)
			if err != nil {
				return err
			}
			result, err := whoami(c.Context(), app, p)
			if err != nil {
				return err
			}
			if wantJSON(c) {
				return view.UserJSON(app.IO.Out, result)
			}
			out := app.printer()
			out.User(result)
			return out.Err()
		},
	}
	s.bind(c, config.Login)
	return c
}

func whoami(ctx context.Context, app *App, p *config.Profile) (view.User, error) {
	set, err := newSession(app).tokens(ctx, p, 0)
	if err != nil {
		return view.User{}, err
	}
	issuer, err := verify.Discover(ctx, app.HTTP, set.Issuer)
	if err != nil {
		return view.User{}, err
	}
	if issuer.UserInfoURL == "" {
		return view.User{}, fault.New(fault.Failed, "the issuer has no userinfo endpoint").
			WithHint(seeIDToken)
	}
	claims, err := verify.UserInfo(ctx, app.HTTP, issuer.UserInfoURL, set.Access, set.Subject)
	if err != nil {
		return view.User{}, notForUserInfo(set, issuer.UserInfoURL, err)
	}
	return view.User{Profile: p.Name, Issuer: set.Issuer, Claims: claims}, nil
}

const seeIDToken = "see the ID token instead: gatepass token --type id | gatepass decode"

// notForUserInfo says of a token that userinfo refused that a login does not help:
// one that was asked for by resource is for that API, and may be for no other.
func notForUserInfo(set token.Set, endpoint string, err error) error {
	var f *fault.Error
	t, decodeErr := token.Decode(set.Access.Reveal())
	if !errors.As(err, &f) || f.Kind != fault.Login || decodeErr != nil {
		return err
	}
	aud, ok := t.ClaimSet().Lookup("aud")
	own := func(a string) bool { return a == set.ClientID || a == set.Issuer || a == endpoint }
	if !ok || slices.ContainsFunc(aud, own) {
		return err
	}
	return fault.New(fault.Failed, "the issuer's userinfo does not take the access token, which is for %s", iostreams.Visible(strings.Join(aud, ", "))).
		WithHint(seeIDToken)
}
