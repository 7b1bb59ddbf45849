package cmd

import (
	"context"
	"strings"
	"sync"
	"time"

	"gatepass/pkg/apigw"
)

// The limits of a tokenMemory.
const (
	rememberTokens   = 2000            // at least, and up to twice as many
	rememberTokenFor = 5 * time.Minute // then the keys are asked again, which may have been withdrawn
	longestToken     = 8 << 10         // bytes
)

// tokenMemory remembers tokens whose signature was right, for JWT and Cognito
// authorizers: the same token comes with many requests. Whether a token counts at a
// time is decided anew each time. The zero value is empty; nil remembers nothing.
type tokenMemory struct {
	mu         sync.Mutex
	young, old map[string]seenToken // by the whole token; the old ones go when the young are many
}

type seenToken struct {
	verdict     apigw.TokenVerdict
	from, until time.Time
}

// recall finds a token that was right.
func (m *tokenMemory) recall(raw string, now time.Time) (apigw.TokenVerdict, bool) {
	if m == nil {
		return apigw.TokenVerdict{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.young[raw]
	if !ok {
		if s, ok = m.old[raw]; ok {
			m.put(raw, s)
		}
	}
	if !ok || now.Before(s.from) || !now.Before(s.until) {
		return apigw.TokenVerdict{}, false
	}
	return s.verdict, true
}

// remember keeps a token that is right.
func (m *tokenMemory) remember(raw string, v apigw.TokenVerdict, now time.Time) {
	if m == nil || v.Key != apigw.KeyFound || !v.Signature || v.Assumed != "" || len(raw) > longestToken {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(strings.Clone(raw), seenToken{v, now, now.Add(rememberTokenFor)})
}

func (m *tokenMemory) put(raw string, s seenToken) {
	if m.young == nil || len(m.young) >= rememberTokens {
		m.old, m.young = m.young, make(map[string]seenToken)
	}
	m.young[raw] = s
}

// look is check with a memory of tokens that were right.
func (r *runner) look(ctx context.Context, ev apigw.Event, as identity) apigw.TokenVerdict {
	if as.claims != nil {
		return r.check(ctx, ev, as)
	}
	if v, ok := r.seen.recall(ev.Token, as.now); ok {
		return v
	}
	v := r.check(ctx, ev, as)
	r.seen.remember(ev.Token, v, as.now)
	return v
}
