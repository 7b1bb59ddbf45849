package cmd

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/human"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/relay"
	"gatepass/pkg/store"
	"gatepass/pkg/token"
)

// lookAgain is how often the proxy looks whether its login is still there. It reads
// what is known beside the tokens, not the tokens.
const lookAgain = time.Second

// errIdle is that nobody has needed the proxy for as long as was said.
var errIdle = errors.New("idle")

// sessionWatch ends the proxy with the login that it was started for.
type sessionWatch struct {
	s       *session
	profile *config.Profile
	start   store.Info // of the login
	until   time.Time  // when the first token expires; zero where that is not known
	idle    time.Duration
	last    atomic.Int64 // the last request's end, by the app's clock, in nanoseconds since 1970
}

// begin makes sure that there is a token and that it may go to the API, and says where
// the proxy gets tokens from.
func (x *proxyCommand) begin(ctx context.Context, s *session, o *relay.Options) (*sessionWatch, error) {
	if err := s.mayCall(ctx, x.profile); err != nil {
		return nil, err
	}
	w := &sessionWatch{s: s, profile: x.profile, idle: x.idle}
	o.Bearer = w.bearer
	first, err := w.bearer(ctx, false)
	if err != nil {
		return nil, err
	}
	w.until = first.Until
	if w.start, err = s.store.Info(s.key(x.profile)); err != nil {
		return nil, s.loginNeeded(x.profile, err)
	}
	w.last.Store(x.app.Now().UnixNano())
	return w, nil
}

// bearer is the profile's token as the proxy wants it.
func (w *sessionWatch) bearer(ctx context.Context, renew bool) (relay.Token, error) {
	if renew {
		if err := w.s.renew(ctx, w.profile); err != nil {
			return relay.Token{}, err
		}
	}
	value, until, err := w.s.bearer(ctx, w.profile, w.profile.API.Token, 0)
	return relay.Token{Value: value, Until: until}, err
}

// renew gets new tokens, however long those that are there are good for.
func (s *session) renew(ctx context.Context, p *config.Profile) error {
	set, err := s.store.Fresh(ctx, s.key(p), s.app.Now(), forever, func(ctx context.Context, old token.Set) (token.Set, error) {
		return s.refresh(ctx, p, old)
	})
	s.app.Secrets.Add(set.Access, set.ID, set.Refresh)
	if err != nil {
		return s.loginNeeded(p, err)
	}
	return nil
}

// onRequest notes when the last request was, and tells the next of them.
func (w *sessionWatch) onRequest(next func(*relay.Record)) func(*relay.Record) {
	return func(r *relay.Record) {
		w.last.Store(r.Start.Add(r.Took).UnixNano())
		next(r)
	}
}

// run ends the proxy when its login ends or when it is idle, until the context does.
func (w *sessionWatch) run(ctx context.Context, p *relay.Relay, end func(error)) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	known := w.start
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		info, err := w.s.store.Info(w.s.key(w.profile))
		now := w.s.app.Now()
		switch why := w.over(info, err, now); {
		case why != nil:
			end(why)
			return
		case err == nil && !info.ObtainedAt.Equal(known.ObtainedAt):
			known = info
			p.Forget()
		}
		if w.idle > 0 && p.Active() == 0 && now.Sub(time.Unix(0, w.last.Load())) >= w.idle {
			end(errIdle)
			return
		}
	}
}

// over is why the login has ended, if it has.
func (w *sessionWatch) over(info store.Info, err error, now time.Time) error {
	f := &fault.Error{Kind: fault.Login, Hint: loginCommand(w.profile)}
	switch {
	case errors.Is(err, store.ErrNone):
		f.Msg = "the login with the profile " + w.profile.Name + " has ended: somebody has logged out"
	case err != nil: // what cannot be read now may be readable later
		return nil
	case info.Subject != w.start.Subject:
		f.Msg = fmt.Sprintf("the login with the profile %s is that of another user now, %q", w.profile.Name, iostreams.Visible(info.Subject))
		f.Hint = "start the proxy again if it is to use that user's token"
	case w.profile.API.Token == "access" && !info.CanRefresh && !info.Expiry.IsZero() && !now.Before(info.Expiry):
		f.Msg = "the login with the profile " + w.profile.Name + " has ended: its token has expired, and there is no refresh token"
	default:
		return nil
	}
	return f
}

// described is whose token it is, and until when.
func (w *sessionWatch) described(v *proxied, now time.Time) string {
	who := w.start.Name
	if who == "" {
		who = w.start.Subject
	}
	if who == "" {
		who = "the login" // of a client for itself
	}
	s := fmt.Sprintf("%s token of %s (profile %s)", v.Token, who, v.Profile)
	switch {
	case w.until.IsZero():
	case w.start.CanRefresh:
		s += ", renewed in time"
	default:
		s += ", good for " + human.Span(w.until.Sub(now)) + ", then the proxy ends"
	}
	return s
}
