package login

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// ErrNoRevocation is in the error of Revoke when the issuer has no revocation
// endpoint: tokens are good until they expire, and nobody can change that.
var ErrNoRevocation = errors.New("no revocation endpoint")

// ErrGone is in the error of a token that the issuer does not revoke: OneLogin says
// so of those that went with the refresh token, and other issuers of every JWT.
var ErrGone = errors.New("it was revoked already, or the issuer cannot revoke it: whoever looks at its signature alone takes it until it expires")

// Revocation is what became of one token.
type Revocation struct {
	Token string // "refresh token" or "access token"
	Err   error  // nil when it was revoked
}

// Revoke tells the issuer to end the tokens (RFC 7009): the refresh token first,
// which at OneLogin ends all that came from it, then the access token. Those who
// verify a JWT by its signature go on accepting it until it expires.
//
// The error is set when nothing could be tried; what became of each token is in
// the list.
func Revoke(ctx context.Context, cfg Config, set token.Set) (_ []Revocation, err error) {
	cfg = cfg.complete()
	cfg.known.Add(set.Access, set.ID, set.Refresh)
	defer cfg.veil(&err)
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p, err := discover(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if p.meta.Revocation == "" {
		return nil, &fault.Error{Kind: fault.Failed, Msg: "the issuer has no revocation endpoint: the tokens are good until they expire", Err: ErrNoRevocation}
	}
	if err := checkURL("the issuer's revocation_endpoint", p.meta.Revocation); err != nil {
		return nil, theirs(err)
	}
	var done []Revocation
	for _, x := range []struct {
		name, hint string
		value      secret.String
	}{
		{"refresh token", "refresh_token", set.Refresh},
		{"access token", "access_token", set.Access},
	} {
		if !x.value.IsZero() {
			err := p.revoke(ctx, cfg, x.value, x.hint)
			cfg.veil(&err)
			done = append(done, Revocation{x.name, err})
		}
	}
	return done, nil
}

// revoke ends one token. The client authenticates as at the token endpoint.
func (p *provider) revoke(ctx context.Context, cfg Config, value secret.String, hint string) error {
	form := url.Values{"token": {value.Reveal()}, "token_type_hint": {hint}}
	if cfg.Auth != AuthBasic {
		form.Set("client_id", cfg.ClientID)
	}
	if cfg.Auth == AuthPost {
		form.Set("client_secret", cfg.Secret.Reveal())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.meta.Revocation, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cfg.Auth == AuthBasic {
		// RFC 6749 section 2.3.1: encoded before they are joined.
		req.SetBasicAuth(url.QueryEscape(cfg.ClientID), url.QueryEscape(cfg.Secret.Reveal()))
	}
	resp, err := p.web.client.Do(req)
	if err != nil {
		return networkFault(ctx, p.meta.Revocation, err)
	}
	defer resp.Body.Close()
	return p.revocationFault(cfg, resp)
}

func (p *provider) revocationFault(cfg Config, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	body, _ := io.ReadAll(resp.Body) // capped by web
	switch r := plainRefusal(body); r.code {
	case "":
	case "unsupported_token_type":
		return ErrGone
	default:
		return r.explain(cfg, p.meta)
	}
	return statusFault(p.meta.Revocation, resp)
}
