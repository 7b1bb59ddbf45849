package cmd

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"gatepass/pkg/caller"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// send makes the request, and once more with a renewed token where the API says
// 401 and that may be why.
func (a *call) send(ctx context.Context, client *caller.Client) (*caller.Response, error) {
	begun := a.app.Now()
	resp, err := client.Do(ctx, a.request)
	if err != nil || !a.mayRenew(resp) {
		return resp, err
	}
	stale, expired := challenged(resp.Header)
	if !stale {
		return resp, nil
	}
	fresh, err := newSession(a.app).renewed(ctx, a.profile, a.request.Token, expired)
	switch {
	case ctx.Err() != nil:
		_ = resp.Body.Close()
		return nil, ctx.Err()
	case err != nil:
		a.note("the token may be stale, and could not be renewed: %s", err)
		return resp, nil
	case fresh.IsZero():
		return resp, nil
	}
	a.note("the API answered 401: trying once more with a renewed token")
	_, _ = io.CopyN(io.Discard, resp.Body, mostSeen) // so that the connection serves again
	_ = resp.Body.Close()
	a.request.Token = fresh
	if a.timeout > 0 { // which is for everything
		left := time.Duration(a.timeout) - a.app.Now().Sub(begun)
		client = client.Within(max(left, time.Millisecond))
	}
	return client.Do(ctx, a.request)
}

// mayRenew reports whether a refusal is one that a renewed token may mend, and the
// request can be made again.
func (a *call) mayRenew(resp *caller.Response) bool {
	return resp.StatusCode == http.StatusUnauthorized && resp.WithToken && a.token == "" && !a.request.Body.Once
}

// challenged reads what a 401 says of the token: whether it may be one that was good
// when it was stored, because it has expired by another clock or was revoked, and
// whether it is said to be. API Gateway's JWT authorizers say what is wrong in
// WWW-Authenticate (RFC 6750 section 3); others say nothing.
func challenged(header http.Header) (stale, expired bool) {
	text := strings.ToLower(strings.Join(header.Values("Www-Authenticate"), ", "))
	switch {
	case strings.Contains(text, "expired"), strings.Contains(text, "revoked"):
		return true, true
	case strings.Contains(text, "insufficient_scope"), strings.Contains(text, "error_description="):
		return false, false
	}
	return true, false
}

// justNow is how long ago tokens were issued that are not renewed again: whatever
// is wrong with them would be wrong with the next.
const justNow = time.Minute

// issuedJustNow reports whether tokens are new, by the one of them that says so.
func issuedJustNow(now time.Time, tokens ...secret.String) bool {
	for _, text := range tokens {
		t, err := token.Decode(text.Reveal())
		if err != nil {
			continue
		}
		if at, ok, err := t.ClaimSet().Date("iat"); err == nil && ok {
			return good(at, now, -justNow)
		}
	}
	return false
}

// renewed returns the profile's token in place of one that an API did not take:
// what another process has stored meanwhile, or what the issuer gives for the
// refresh token. It is zero where there is no refresh token, and where the token is
// new, unless it is known to have expired.
func (s *session) renewed(ctx context.Context, p *config.Profile, stale secret.String, expired bool) (secret.String, error) {
	kind := func(set token.Set) secret.String {
		if p.API.Token == "id" {
			return set.ID
		}
		return set.Access
	}
	set, err := s.store.Load(s.key(p))
	s.app.Secrets.Add(set.Access, set.ID, set.Refresh)
	if err == nil && kind(set).Equal(stale) {
		if set.Refresh.IsZero() || !expired && issuedJustNow(s.app.Now(), stale, set.ID) {
			return secret.String{}, nil
		}
		set, err = s.store.Fresh(ctx, s.key(p), s.app.Now(), forever, func(ctx context.Context, old token.Set) (token.Set, error) {
			return s.refresh(ctx, p, old)
		})
		s.app.Secrets.Add(set.Access, set.ID, set.Refresh)
	}
	switch other := otherUser(p, set); {
	case err != nil:
		return secret.String{}, err
	case other != nil:
		return secret.String{}, other
	case kind(set).Equal(stale):
		return secret.String{}, fault.New(fault.Login, "the issuer gives the same token once more")
	}
	return kind(set), nil
}
