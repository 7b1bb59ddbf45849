package login

import (
	"context"
	"net/url"

	"gatepass/pkg/fault"
)

// EndSession returns the address of the issuer's page that ends the session of
// whoever's browser opens it (OpenID Connect RP-Initiated Logout 1.0). At OneLogin
// that is the whole single-sign-on session, and the tokens of every app in it.
// There is no token in the address: it would be kept in the browser's history.
func EndSession(ctx context.Context, cfg Config) (string, error) {
	cfg = cfg.complete()
	if err := checkURL("the issuer", cfg.Issuer); err != nil {
		return "", err
	}
	p, err := discover(ctx, cfg)
	if err != nil {
		return "", err
	}
	if p.meta.EndSession == "" {
		return "", fault.New(fault.Failed, "%s has no page that ends a session", hostOf(cfg.Issuer)).
			WithHint("log out of its portal in the browser")
	}
	if err := checkURL("the issuer's end_session_endpoint", p.meta.EndSession); err != nil {
		return "", theirs(err)
	}
	u, err := url.Parse(p.meta.EndSession)
	if err != nil {
		return "", theirs(fault.New(fault.Usage, "the issuer's end_session_endpoint is no URL: %w", err))
	}
	return u.String(), nil
}
