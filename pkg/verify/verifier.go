package verify

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"gatepass/pkg/recent"
	"gatepass/pkg/token"
)

// The limits of what a [Verifier] remembers.
const (
	defaultRemember = 10_000
	maxRemembered   = 8 << 10         // bytes of one token
	rememberFor     = 5 * time.Minute // then the keys are asked again, which may have been withdrawn
)

// Refused is the error for a token that is not what was expected.
type Refused struct {
	Report token.Report
}

// Error is the reason of the first check that failed.
func (e *Refused) Error() string {
	if c, ok := e.Report.Failed(); ok {
		return "the token is refused: " + c.Name + ": " + c.Reason
	}
	return "the token is refused: its signature was not checked"
}

// Verifier verifies tokens one after another against the same expectation, and
// remembers those that were right: the same token comes with many requests, and
// its signature need be checked only once. It may be used by several goroutines.
type Verifier struct {
	expect token.Expect
	keys   KeySource
	seed   maphash.Seed
	max    int

	mu    sync.Mutex
	known recent.Map[uint64, remembered]
}

// remembered is a verified token.
type remembered struct {
	raw         string
	token       token.Verified
	from, until time.Time // when it may be used without another check
}

// NewVerifier makes a verifier that remembers up to max tokens; zero is 10,000,
// a negative number none. The Now of the expectation is not used.
func NewVerifier(e token.Expect, keys KeySource, max int) *Verifier {
	if max == 0 {
		max = defaultRemember
	}
	return &Verifier{expect: e, keys: keys, seed: maphash.MakeSeed(), max: max}
}

// Verify verifies a token at a time. The error is a *[Refused] for a token that
// is not right, malformed ones included; otherwise keys could not be had, and
// nothing is known about the token.
func (v *Verifier) Verify(ctx context.Context, raw string, now time.Time) (token.Verified, error) {
	if t, ok := v.Recall(raw, now); ok {
		return t, nil
	}
	t, err := token.Decode(raw)
	if err != nil {
		return token.Verified{}, &Refused{token.Report{Checks: []token.Check{{Name: token.CheckForm, Result: token.Fail, Reason: err.Error()}}}}
	}
	return v.VerifyToken(ctx, t, now)
}

// Recall returns a token that was verified before and is still good at a time,
// without asking for keys. As long as it is remembered the result holds the same
// *token.Token, so that what was made of it can be kept under its address.
func (v *Verifier) Recall(raw string, now time.Time) (token.Verified, bool) {
	return v.recall(maphash.String(v.seed, raw), raw, now)
}

// VerifyToken is Verify for a token that has been decoded already, without looking
// whether it is remembered.
func (v *Verifier) VerifyToken(ctx context.Context, t *token.Token, now time.Time) (token.Verified, error) {
	e := v.expect
	e.Now = now
	r, err := Verify(ctx, t, e, v.keys)
	if err != nil {
		return token.Verified{}, err
	}
	good, ok := r.Verified()
	if !ok {
		return token.Verified{}, &Refused{r}
	}
	raw := t.Raw().Reveal()
	v.remember(maphash.String(v.seed, raw), raw, good, now)
	return good, nil
}

// recall finds a token that was verified before and is still good. The hash only
// finds it; the whole token decides.
func (v *Verifier) recall(hash uint64, raw string, now time.Time) (token.Verified, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, ok := v.known.Get(hash)
	if !ok || m.raw != raw {
		return token.Verified{}, false
	}
	if now.Before(m.from) || !now.Before(m.until) {
		v.known.Delete(hash)
		return token.Verified{}, false
	}
	return m.token, true
}

func (v *Verifier) remember(hash uint64, raw string, t token.Verified, now time.Time) {
	if v.max < 0 || len(raw) > maxRemembered {
		return
	}
	until := now.Add(rememberFor)
	if exp, ok, err := t.Claims().Date("exp"); err != nil {
		return
	} else if exp = exp.Add(v.expect.Leeway); ok && exp.Before(until) {
		until = exp
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known.Put(hash, remembered{raw: raw, token: t, from: now, until: until})
	if v.known.Len() > v.max {
		oldest, _, _ := v.known.Oldest()
		v.known.Delete(oldest)
	}
}

// IsRefused returns the report of a refused token, if that is what the error is.
func IsRefused(err error) (token.Report, bool) {
	var r *Refused
	if errors.As(err, &r) {
		return r.Report, true
	}
	return token.Report{}, false
}
