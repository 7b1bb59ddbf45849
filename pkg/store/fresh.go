package store

import (
	"context"
	"errors"
	"time"

	"github.com/gofrs/flock"

	"gatepass/pkg/fault"
	"gatepass/pkg/token"
)

const (
	// lockLimit is how long to wait for another process by default: longer than
	// the requests of a refresh may take.
	lockLimit = time.Minute
	// lockPause is the pause between two tries to get a lock.
	lockPause = 20 * time.Millisecond
)

// Fresh returns the tokens of a key with an access token that is good for at
// least so long, and not within its [token.Margin]. Where the stored one is not, it
// refreshes: under a lock, after looking again, so that of all processes that come
// here at the same time one refreshes and the others get what it got. Before that
// it makes sure that what comes can be stored: a refresh token may be good once.
//
// A refresh that the issuer refused for good is to have [ErrRejected] in its
// error. Tokens that cannot be refreshed give [ErrExpired]. With every error the
// stored tokens come as well, if there are any: they may be good for less than
// that. The error of tokens that are new but could not be stored comes
// with the new ones.
func (s *Files) Fresh(ctx context.Context, k Key, now time.Time, least time.Duration, refresh func(context.Context, token.Set) (token.Set, error)) (token.Set, error) {
	first, err := s.Load(k)
	if err != nil || fresh(first, now, least) {
		return first, err
	}
	if first.Refresh.IsZero() {
		return first, expired(nil)
	}
	unlock, err := s.lock(ctx, k)
	if err != nil {
		return first, err
	}
	defer unlock()
	held, err := s.Load(k)
	if err != nil || fresh(held, now, least) || renewed(first, held, now) {
		return held, err
	}
	if err := s.roomFor(k); err != nil {
		return held, err
	}
	set, err := refresh(ctx, held)
	switch {
	case errors.Is(err, ErrRejected):
		return s.afterRejection(k, held, now, err)
	case err != nil:
		return held, err
	}
	return set, s.save(k, Login{}, set)
}

func fresh(set token.Set, now time.Time, least time.Duration) bool {
	return set.Fresh(now, max(least, set.Margin()))
}

// renewed reports whether another process has just refreshed. Its tokens are
// taken even if more was asked for than they live: another refresh would give
// no better ones.
func renewed(before, after token.Set, now time.Time) bool {
	return after.Access.Reveal() != before.Access.Reveal() && after.Fresh(now, 0)
}

// afterRejection looks once more before the session is called dead: something
// that does not know of the lock, such as a copy of this folder on another
// machine's file system, may have used the refresh token and stored the answer.
func (s *Files) afterRejection(k Key, before token.Set, now time.Time, rejection error) (token.Set, error) {
	if again, err := s.Load(k); err == nil && renewed(before, again, now) {
		return again, nil
	}
	return before, expired(rejection)
}

// expired is the error of tokens that only a login replaces.
func expired(why error) error {
	f := &fault.Error{Kind: fault.Login, Msg: ErrExpired.Error(), Hint: "log in again: gatepass login", Err: ErrExpired}
	if why != nil {
		f.Msg += ": " + why.Error()
		f.Err = errors.Join(ErrExpired, why)
	}
	return f
}

// lock keeps other processes from writing the tokens of a key.
func (s *Files) lock(ctx context.Context, k Key) (unlock func(), err error) {
	limit := s.LockLimit
	if limit <= 0 {
		limit = lockLimit
	}
	return s.lockFile(ctx, s.Where(k)+".lock", limit)
}

// lockFile holds a lock. It is on a file of its own, because that of the tokens
// is replaced; the operating system takes it away from a process that dies, and
// the file stays: removing it would let two processes hold a lock each.
func (s *Files) lockFile(ctx context.Context, path string, limit time.Duration) (unlock func(), err error) {
	if err := s.makeDir(); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	l := flock.New(path)
	ok, err := l.TryLockContext(waiting, lockPause)
	switch {
	case ok:
		s.at("locked")
		return func() { _ = l.Unlock() }, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fault.New(fault.Failed, "another gatepass has held the lock %s for more than %s", path, limit).
			WithHint("find it with: fuser -v %s", path)
	}
	return nil, notLocked(path, err)
}

func notLocked(path string, err error) error {
	return fault.New(fault.Failed, "%s cannot be locked: %w", path, cause(err)).
		WithHint("is it read-only, or somebody else's, or on a file system without locks? Set GATEPASS_HOME to use another folder")
}

// LockLogin keeps other processes from logging in for the same key, and does not
// keep them from reading, refreshing or storing tokens: a login takes minutes.
// Where another process is logging in, waiting is called once, and then its end
// is waited for, a limit at most. Waited reports that this happened: the tokens
// may be there already.
func (s *Files) LockLogin(ctx context.Context, k Key, limit time.Duration, waiting func()) (unlock func(), waited bool, err error) {
	if err := s.makeDir(); err != nil {
		return nil, false, err
	}
	path := s.Where(k) + ".login"
	l := flock.New(path)
	if ok, err := l.TryLock(); ok {
		return func() { _ = l.Unlock() }, false, nil
	} else if err != nil {
		return nil, false, notLocked(path, err)
	}
	waiting()
	unlock, err = s.lockFile(ctx, path, limit)
	return unlock, true, err
}
