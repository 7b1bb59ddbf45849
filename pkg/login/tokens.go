package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// leeway is how far the clocks of issuer and client may differ when an ID token
// is accepted.
const leeway = time.Minute

// tokens makes a set of the answer of the token endpoint, after checking it. An
// empty nonce is not checked: refreshed ID tokens need not have one (OpenID
// Connect Core section 12.2).
func (p *provider) tokens(ctx context.Context, cfg Config, tok *oauth2.Token, nonce string) (token.Set, token.Claims, error) {
	set, err := newSet(cfg, tok)
	if err != nil {
		return token.Set{}, token.Claims{}, err
	}
	if set.ID.IsZero() {
		return token.Set{}, token.Claims{}, fault.New(fault.Failed, "%s gave no ID token", hostOf(cfg.Issuer)).
			WithHint("is the app an OpenID Connect app? OneLogin gives one whenever the scope openid is asked for")
	}
	claims, err := p.verifyID(ctx, cfg, set, nonce)
	if err != nil {
		return token.Set{}, token.Claims{}, err
	}
	set.Subject = text(claims, "sub")
	if set.Subject == "" {
		return token.Set{}, token.Claims{}, invalid("there is no sub")
	}
	return set, claims, nil
}

// newSet takes over an answer of the token endpoint as it is.
func newSet(cfg Config, tok *oauth2.Token) (token.Set, error) {
	id, _ := tok.Extra("id_token").(string)
	cfg.known.Add(secret.New(tok.AccessToken), secret.New(tok.RefreshToken), secret.New(id))
	if n := max(len(tok.AccessToken), len(tok.RefreshToken)); n > token.MaxSize { // the ID token's is looked at with it
		return token.Set{}, fault.New(fault.Failed, "%s gave a token of %d bytes, and %d are the most that is taken", hostOf(cfg.Issuer), n, token.MaxSize)
	}
	// RFC 6749 section 7.1: a token of an unknown type must not be used.
	if !strings.EqualFold(tok.TokenType, "bearer") && tok.TokenType != "" {
		return token.Set{}, fault.New(fault.Failed, "%s gave a token of type %q, and only Bearer can be used", hostOf(cfg.Issuer), clip(tok.TokenType))
	}
	now := cfg.Now()
	set := token.Set{
		Access:     secret.New(tok.AccessToken),
		Refresh:    secret.New(tok.RefreshToken),
		ID:         secret.New(id),
		TokenType:  "Bearer",
		Scope:      strings.Join(cfg.Scopes, " "), // RFC 6749 section 5.1: the same as asked for when it says nothing
		Issuer:     cfg.Issuer,
		ClientID:   cfg.ClientID,
		ObtainedAt: now,
		Expiry:     expiry(now, tok),
	}
	if scope, ok := tok.Extra("scope").(string); ok && scope != "" {
		set.Scope = cfg.known.Text(scope) // it is shown
	}
	return set, nil
}

// expiry is when the access token ends: by expires_in, which is right whatever
// our clock says, else by its own exp, else not known.
func expiry(now time.Time, tok *oauth2.Token) time.Time {
	if tok.ExpiresIn > 0 {
		return now.Add(time.Duration(tok.ExpiresIn) * time.Second).Truncate(time.Second)
	}
	if t, err := token.Decode(tok.AccessToken); err == nil {
		if at, ok, err := t.ClaimSet().Date("exp"); ok && err == nil {
			return at
		}
	}
	return time.Time{}
}

// verifyID checks an ID token: signature, algorithm, issuer and audience by
// go-oidc, and every claim by our own rules, which word better what is wrong.
// Both must agree.
func (p *provider) verifyID(ctx context.Context, cfg Config, set token.Set, nonce string) (token.Claims, error) {
	t, err := token.Decode(set.ID.Reveal())
	if err != nil {
		return token.Claims{}, invalid(err.Error())
	}
	e := token.Expect{
		Issuer: cfg.Issuer, Audience: []string{cfg.ClientID}, ClientID: cfg.ClientID, Use: token.IDUse,
		Algorithms: cfg.Algorithms, Nonce: nonce, AccessToken: set.Access, Now: cfg.Now(), Leeway: leeway,
	}
	for _, c := range append(t.CheckHeader(e), t.CheckClaims(e)...) {
		if c.Result == token.Fail {
			return token.Claims{}, p.withSkew(c)
		}
	}
	verifier := oidc.NewVerifier(cfg.Issuer, p.keys, &oidc.Config{
		ClientID:             cfg.ClientID,
		SupportedSigningAlgs: cfg.Algorithms,
		SkipExpiryCheck:      true, // checked above, with a leeway
	})
	if _, err := verifier.Verify(p.context(ctx), set.ID.Reveal()); err != nil {
		return token.Claims{}, p.verifyFault(ctx, p.keys.err)
	}
	return t.ClaimSet(), nil
}

// verifyFault tells apart why an ID token does not verify, by the error of the
// key set.
func (p *provider) verifyFault(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return invalid("its form and claims are not those of an ID token")
	case isNetwork(err):
		return networkFault(ctx, p.meta.Keys, err)
	case errors.Is(err, errNoKeys):
		return fault.New(fault.Network, "%s gives no keys: %w", hostOf(p.meta.Keys), err).WithHint("tell who runs the issuer; gatepass doctor looks at its keys")
	}
	return invalid("its signature cannot be verified with the issuer's keys: " + err.Error())
}

// invalid is an ID token that must not be believed. The reason may have text of
// the token in it.
func invalid(reason string) *fault.Error {
	return fault.New(fault.Invalid, "the ID token is not valid: %s", iostreams.Visible(reason)).
		WithHint("the login was stopped; tokens from before are kept")
}

// withSkew says of a failed check of a time what the clocks have to do with it.
func (p *provider) withSkew(c token.Check) error {
	f := invalid(c.Reason)
	skew := time.Duration(p.web.skew.Load())
	timed := c.Name == token.CheckExpiry || c.Name == token.CheckNotBefore || c.Name == token.CheckIssuedAt
	if !timed || skew.Abs() <= clockLimit {
		return f
	}
	return f.WithHint("%s", clockOff(skew))
}

// clockLimit is how far the clocks may differ before it is said.
const clockLimit = leeway / 2

// clockOff says how far this machine's clock is from the issuer's, which is ahead by
// the skew.
func clockOff(skew time.Duration) string {
	how := "behind"
	if skew < 0 {
		how = "ahead of"
	}
	return fmt.Sprintf("this machine's clock is %s %s the issuer's: set it", skew.Abs().Round(time.Second), how)
}

// text is a claim that is a string.
func text(c token.Claims, name string) string {
	if v, ok := c.Lookup(name); ok && len(v) == 1 {
		return v[0]
	}
	return ""
}

// Refresh gets new tokens for old ones (RFC 6749 section 6, OpenID Connect Core
// section 12). The old refresh and ID tokens are kept when no new ones come. The
// issuer and subject must be the same as before. An error that has [ErrRejected]
// in it means that only a new login helps. When the context ends after the refresh
// token was sent, the answer is waited for a little longer, and is no error.
func Refresh(ctx context.Context, cfg Config, old token.Set) (_ token.Set, err error) {
	cfg = cfg.complete()
	cfg.known.Add(old.Access, old.ID, old.Refresh)
	defer cfg.veil(&err)
	if err := cfg.check(); err != nil {
		return token.Set{}, err
	}
	if old.Refresh.IsZero() {
		return token.Set{}, &fault.Error{Kind: fault.Login, Msg: "there is no refresh token", Hint: "log in again: gatepass login", Err: ErrRejected}
	}
	if old.Issuer != cfg.Issuer || old.ClientID != cfg.ClientID {
		return token.Set{}, fault.New(fault.Login, "the tokens are of another issuer or client").WithHint("log in again: gatepass login")
	}
	p, err := discover(ctx, cfg)
	if err != nil {
		return token.Set{}, err
	}
	if !old.ID.IsZero() {
		// An ID token is to be expected. What verifies it is had first: a refresh token
		// may be good once, and the new one is lost with an answer that cannot be checked.
		if err := p.keys.fetch(ctx); err != nil {
			return token.Set{}, p.verifyFault(ctx, err)
		}
	}
	asking, done := patient(ctx)
	defer done()
	source := cfg.oauth(p, "").TokenSource(p.context(asking), &oauth2.Token{RefreshToken: old.Refresh.Reveal()})
	tok, err := source.Token()
	if err != nil {
		return token.Set{}, p.endpointFault(ctx, cfg, err, true)
	}
	return p.renewed(ctx, cfg, tok, old)
}

// patience is how long the answer to a refresh is waited for when nobody else waits
// any more: whoever presses Ctrl-C does not notice it.
const patience = 2 * time.Second

// patient is a context that goes on for a while when another has ended. What is sent
// by then may have used up the old refresh token, and its answer has the new one.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	on, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		late := time.AfterFunc(patience, cancel)
		context.AfterFunc(on, func() { late.Stop() })
	})
	return on, func() { stop(); cancel() }
}

// renewed checks the answer to a refresh.
func (p *provider) renewed(ctx context.Context, cfg Config, tok *oauth2.Token, old token.Set) (token.Set, error) {
	set, err := newSet(cfg, tok)
	if err != nil {
		return token.Set{}, err
	}
	if tok.Extra("scope") == nil {
		set.Scope = old.Scope
	}
	if set.Refresh.IsZero() {
		set.Refresh = old.Refresh
	}
	set.Subject = old.Subject
	if set.ID.IsZero() {
		set.ID = old.ID
		return set, sameSubject(old, accessSubject(set.Access))
	}
	claims, err := p.verifyID(ctx, cfg, set, "")
	if err != nil {
		return token.Set{}, err
	}
	if err := sameNonce(old, claims); err != nil {
		return token.Set{}, err
	}
	return set, sameSubject(old, text(claims, "sub"))
}

// sameNonce refuses a refreshed ID token with the nonce of another login. It need
// not have one (OpenID Connect Core section 12.2).
func sameNonce(old token.Set, claims token.Claims) error {
	got, ok := claims.Lookup("nonce")
	if !ok || old.ID.IsZero() {
		return nil
	}
	t, err := token.Decode(old.ID.Reveal())
	if err != nil {
		return nil // what is stored says nothing of a nonce
	}
	if before, _ := t.ClaimSet().Lookup("nonce"); !slices.Equal(got, before) {
		return invalid("its nonce is not the one of the login")
	}
	return nil
}

// sameSubject refuses tokens of somebody else. An empty subject is not known.
func sameSubject(old token.Set, got string) error {
	if old.Subject == "" || got == "" || got == old.Subject {
		return nil
	}
	return invalid(fmt.Sprintf("the refresh gave tokens of the user %s, and the login was that of %s", clip(got), clip(old.Subject)))
}

// accessSubject is the "sub" of an access token that can be read.
func accessSubject(access secret.String) string {
	t, err := token.Decode(access.Reveal())
	if err != nil {
		return ""
	}
	return text(t.ClaimSet(), "sub")
}
