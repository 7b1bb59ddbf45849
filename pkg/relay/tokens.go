package relay

import (
	"context"
	"errors"
	"sync"
	"time"

	"gatepass/pkg/crash"
	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
)

// Token is a bearer token.
type Token struct {
	Value secret.String
	Until time.Time // when it expires; zero where that is not known
}

// Bearer gives the token for the API, one that is good for a while more where that can
// be had: a minute, if it lives long enough. With renew, the API has refused the present one: another is wanted, if there
// can be one. An error of kind Login is the end of the session; after any other one it
// is asked again. Calls do not overlap.
type Bearer func(ctx context.Context, renew bool) (Token, error)

const (
	// early is how long before a token expires another is asked for.
	early = time.Minute
	// pause is how long a token that is about to expire, with none to follow, is used
	// until the next try.
	pause = 2 * time.Second
	// unknown is how long a token is used that does not say how long it is good.
	unknown = time.Minute
	// renewPause is how long after one renewal because of a refusal there is no other:
	// an API that takes no token at all must not make one refresh a request.
	renewPause = time.Minute
	// bearerLimit is how long it may take to get a token.
	bearerLimit = time.Minute
)

// tokens hold the token that is used, and get another when it is time: once for all
// requests that wait for it.
type tokens struct {
	get Bearer
	now func() time.Time

	mu      sync.Mutex
	held    secret.String
	again   time.Time // when to ask for another
	renewed time.Time // the last renewal because of a refusal
	age     int       // how often what was held was forgotten
	flight  *flight   // the call under way, or nil
}

// flight is a call of Bearer that requests wait for.
type flight struct {
	done  chan struct{}
	value secret.String
	err   error
}

// fresh returns a token to send.
func (t *tokens) fresh(ctx context.Context) (secret.String, error) {
	t.mu.Lock()
	if !t.held.IsZero() && t.now().Before(t.again) {
		defer t.mu.Unlock()
		return t.held, nil
	}
	f := t.join(ctx, false)
	t.mu.Unlock()
	return f.wait(ctx)
}

// another returns a token in place of one that the API has refused; the same one where
// there is no other.
func (t *tokens) another(ctx context.Context, refused secret.String) (secret.String, error) {
	t.mu.Lock()
	now := t.now()
	switch {
	case !t.held.IsZero() && t.held.Reveal() != refused.Reveal(): // somebody else has asked
		defer t.mu.Unlock()
		return t.held, nil
	case t.flight != nil: // somebody is asking
	case !t.renewed.IsZero() && now.Before(t.renewed.Add(renewPause)):
		defer t.mu.Unlock()
		return refused, nil
	default:
		t.renewed = now
	}
	f := t.join(ctx, true)
	t.mu.Unlock()
	return f.wait(ctx)
}

// join returns the call under way, or begins one. It outlives the request that began
// it: others wait for it, too.
func (t *tokens) join(ctx context.Context, renew bool) *flight {
	if t.flight == nil {
		f := &flight{done: make(chan struct{})}
		t.flight = f
		go t.fly(context.WithoutCancel(ctx), f, renew, t.age)
	}
	return t.flight
}

func (t *tokens) fly(ctx context.Context, f *flight, renew bool, age int) {
	ctx, cancel := context.WithTimeout(ctx, bearerLimit)
	defer cancel()
	var got Token
	var err error
	if mistake := crash.Catch(func() { got, err = t.get(ctx, renew) }); mistake != nil {
		err = mistake
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		err = fault.New(fault.Network, "no token could be had within %s", bearerLimit)
	}
	f.value, f.err = got.Value, err
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil && age == t.age {
		t.held, t.again = got.Value, t.next(got.Until)
	}
	t.flight = nil
	close(f.done)
}

// next is when to ask again after a token that expires at a time.
func (t *tokens) next(until time.Time) time.Time {
	now := t.now()
	switch at := until.Add(-early); {
	case until.IsZero():
		return now.Add(unknown)
	case at.After(now.Add(pause)):
		return at
	case until.Before(now.Add(pause)):
		return until
	}
	return now.Add(pause)
}

func (f *flight) wait(ctx context.Context) (secret.String, error) {
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		return secret.String{}, ctx.Err()
	}
}

func (t *tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held, t.renewed = secret.String{}, time.Time{}
	t.age++
}
