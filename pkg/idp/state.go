package idp

import (
	"slices"
	"sync"
	"time"
)

// state is what the server remembers. Tokens and codes are kept under their own
// text.
type state struct {
	mu       sync.Mutex
	requests table[*authRequest] // authorization requests that wait for a person
	sessions table[*session]     // people logged in, by cookie
	codes    table[*code]
	access   table[*accessToken]
	refresh  table[*refreshToken]
}

// session is a person logged in with one browser: OneLogin's single sign-on.
type session struct {
	user   *User
	since  time.Time
	sid    string // as in ID tokens
	grants []*grant
}

// grant is what one person allowed one client, and the family of all tokens that
// come of it. Revoking it revokes them all.
type grant struct {
	client   *Client
	user     *User // nil for client credentials
	scope    []string
	resource *API // nil for OneLogin's own
	nonce    string
	acr      string
	sid      string
	authTime time.Time
	withTime bool // auth_time was asked for
	claims   requestedClaims
	refresh  bool // refresh tokens are given
	revoked  bool // guarded by state.mu
}

// code is an authorization code.
type code struct {
	grant       *grant
	redirectURI string
	challenge   string // S256; empty without PKCE
	used        bool   // guarded by state.mu
}

type accessToken struct {
	grant    *grant
	jti      string
	iat, exp time.Time
	scope    []string
	revoked  bool // guarded by state.mu
}

type refreshToken struct {
	grant    *grant
	jti      string
	iat, exp time.Time
	used     bool // guarded by state.mu
}

// maxEntries is how much of one kind is remembered. Anybody can make the server
// remember something, so what is beyond is forgotten, the expired first.
const maxEntries = 10_000

// table is a bounded map whose entries expire. Its zero value is ready.
type table[T any] struct {
	entries map[string]entry[T]
	order   []string // keys, oldest first; may hold keys that are gone
}

type entry[T any] struct {
	value   T
	expires time.Time
}

func (t *table[T]) put(key string, value T, expires, now time.Time) {
	if t.entries == nil {
		t.entries = make(map[string]entry[T])
	}
	if len(t.order) >= maxEntries {
		t.prune(now)
	}
	t.entries[key] = entry[T]{value, expires}
	t.order = append(t.order, key)
}

// prune drops what has expired, and the older half of what is left if that is
// still too much.
func (t *table[T]) prune(now time.Time) {
	t.order = slices.DeleteFunc(t.order, func(key string) bool {
		e, ok := t.entries[key]
		if ok && !now.Before(e.expires) {
			delete(t.entries, key)
		}
		return !ok || !now.Before(e.expires)
	})
	if len(t.order) < maxEntries/2 {
		return
	}
	half := len(t.order) / 2
	for _, key := range t.order[:half] {
		delete(t.entries, key)
	}
	t.order = slices.Clone(t.order[half:])
}

func (t *table[T]) get(key string, now time.Time) (value T, ok bool) {
	e, ok := t.entries[key]
	if !ok || !now.Before(e.expires) {
		return value, false
	}
	return e.value, true
}

func (t *table[T]) remove(key string) { delete(t.entries, key) }

// How long things are remembered. All inferred.
const (
	requestLife = time.Hour        // an authorization request that waits
	codeLife    = 10 * time.Minute // an authorization code
	sessionLife = 12 * time.Hour
)

// redeem takes a code that no one has taken. A code that comes a second time
// revokes what the first one gave (RFC 6749 section 4.1.2). check runs under the
// lock and decides whether the code is spent at all.
func (st *state) redeem(value string, now time.Time, check func(*code) bool) (*code, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	c, ok := st.codes.get(value, now)
	if !ok || !check(c) {
		return nil, false
	}
	if c.used {
		c.grant.revoked = true
		return nil, false
	}
	c.used = true
	return c, !c.grant.revoked
}

// rotate takes a refresh token that no one has used. One that comes a second time
// has been stolen, or its thief has been faster: the family is revoked (RFC 9700
// section 4.14.2; inferred of OneLogin).
func (st *state) rotate(value string, c *Client, now time.Time) (*refreshToken, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	t, ok := st.refresh.get(value, now)
	if !ok || t.grant.client != c || t.grant.revoked {
		return nil, false
	}
	if t.used {
		t.grant.revoked = true
		return nil, false
	}
	t.used = true
	return t, true
}

// living finds an access token that works.
func (st *state) living(value string, now time.Time) *accessToken {
	st.mu.Lock()
	defer st.mu.Unlock()
	if t, ok := st.access.get(value, now); ok && !t.revoked && !t.grant.revoked {
		return t
	}
	return nil
}

// livingRefresh finds a refresh token that works.
func (st *state) livingRefresh(value string, now time.Time) *refreshToken {
	st.mu.Lock()
	defer st.mu.Unlock()
	if t, ok := st.refresh.get(value, now); ok && !t.used && !t.grant.revoked {
		return t
	}
	return nil
}

// login remembers who is logged in with a browser.
func (st *state) login(cookie string, s *session, now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sessions.put(cookie, s, now.Add(sessionLife), now)
}

// loggedIn finds the session of a browser, or nil.
func (st *state) loggedIn(cookie string, now time.Time) *session {
	st.mu.Lock()
	defer st.mu.Unlock()
	s, _ := st.sessions.get(cookie, now)
	return s
}

// join puts a grant under a session, so that logging out ends it.
func (st *state) join(s *session, g *grant) {
	st.mu.Lock()
	defer st.mu.Unlock()
	s.grants = slices.DeleteFunc(s.grants, func(g *grant) bool { return g.revoked })
	s.grants = append(s.grants, g)
}

// logout revokes all tokens of a session, and forgets the session itself if
// whole is true.
func (st *state) logout(cookie string, whole bool, now time.Time) *session {
	st.mu.Lock()
	defer st.mu.Unlock()
	s, ok := st.sessions.get(cookie, now)
	if !ok {
		return nil
	}
	for _, g := range s.grants {
		g.revoked = true
	}
	s.grants = nil
	if whole {
		st.sessions.remove(cookie)
	}
	return s
}
