package function

import (
	"sync"
	"time"

	"gatepass/pkg/authorizer"
	"gatepass/pkg/recent"
	"gatepass/pkg/token"
)

// The limits of what is remembered.
const (
	defaultRemember = 2_000 // tokens
	maxPlaces       = 8     // stages and forms of one token
)

// place is what an answer depends on besides the token.
type place struct {
	stage string // as authorizer.StageOf has it
	form  authorizer.Form
}

// memory keeps the decisions about verified tokens, those used last when there are
// too many. A token is known by its address: the verifier gives the same one as long
// as it vouches for it, and another one after that. Nothing is kept of a token that
// was not verified.
type memory struct {
	max int

	mu    sync.Mutex
	known recent.Map[*token.Token, *entry]
}

// entry is what is kept of a token. The decisions never change once they can be
// seen.
type entry struct {
	found     Found
	until     time.Time // when found must be looked up again; zero: never
	decisions []placed
}

type placed struct {
	place
	decision *authorizer.Decision
}

// kept is what is remembered of a token now.
type kept struct {
	fresh     bool // found counts
	found     Found
	decisions []placed
}

// decision is the one for a place, or nil.
func (k kept) decision(p place) *authorizer.Decision {
	for i := range k.decisions {
		if k.decisions[i].place == p {
			return k.decisions[i].decision
		}
	}
	return nil
}

func newMemory(most int) *memory {
	if most == 0 {
		most = defaultRemember
	}
	return &memory{max: most}
}

func (m *memory) recall(t *token.Token, now time.Time) kept {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.known.Get(t)
	switch {
	case !ok:
		return kept{}
	case !e.until.IsZero() && !now.Before(e.until):
		m.known.Delete(t)
		return kept{}
	}
	return kept{true, e.found, e.decisions}
}

// remember keeps what was found out about a token, and a decision unless it is nil.
// What was found out before and is still fresh keeps its time.
func (m *memory) remember(t *token.Token, found Found, until time.Time, p place, d *authorizer.Decision) {
	if m.max < 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.known.Get(t)
	if !ok || e.found != found {
		e = &entry{found: found, until: until}
		m.known.Put(t, e)
	}
	if d != nil {
		old := e.decisions
		if len(old) >= maxPlaces {
			old = old[1:]
		}
		e.decisions = append(append(make([]placed, 0, len(old)+1), old...), placed{p, d})
	}
	if m.known.Len() > m.max {
		oldest, _, _ := m.known.Oldest()
		m.known.Delete(oldest)
	}
}
