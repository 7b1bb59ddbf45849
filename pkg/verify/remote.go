package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/source"
)

// Options are how keys are got. The zero value asks the network, and keeps
// nothing on disk.
type Options struct {
	// Client makes the requests, within this package's limits; nil is the default.
	Client *http.Client
	// CacheDir is where key sets are kept between runs; empty for nowhere. It is
	// made if it is not there.
	CacheDir string
	// MaxAge is how long a key set is good without asking again; zero is an hour.
	MaxAge time.Duration
	// Interval is the least time between two requests for keys; zero is a minute.
	// A token with an unknown key ID causes a request, and anybody can send one.
	Interval time.Duration
	// Retry is the least time between two requests while there are no keys at all:
	// nothing can be decided then. Zero is Interval.
	Retry time.Duration
	// Offline makes no requests. Keys come from the cache, whatever their age.
	Offline bool
	// Now is the clock; nil is the system's.
	Now func() time.Time
	// Note is told what a person should know, such as that keys out of the cache
	// are used because the issuer cannot be reached. It may be nil.
	Note func(string)
	// Fetched is told of every time an issuer was asked for keys, with what came of
	// it. It may be nil.
	Fetched func(error)
}

const (
	defaultMaxAge   = time.Hour
	defaultInterval = time.Minute
)

// Remote is a key source that gets its keys from an issuer when they are first
// needed, keeps them, and gets them again when they are old or a token names a
// key it does not know. It may be used by several goroutines.
type Remote struct {
	issuer  string // discovery says where the keys are …
	address string // … or this does
	o       Options

	current atomic.Pointer[snapshot]
	mu      sync.Mutex // held while keys are being got
	tried   time.Time  // when keys were last asked for
	err     error      // what came of it
}

// snapshot is a key set at a time.
type snapshot struct {
	set     *KeySet
	data    []byte
	address string
	at      time.Time
}

// FromIssuer gets keys from where the issuer's discovery document says. The
// issuer is compared as it stands.
func FromIssuer(issuer string, o Options) *Remote { return newRemote(issuer, "", o) }

// FromURL gets keys from an address.
func FromURL(address string, o Options) *Remote { return newRemote("", address, o) }

func newRemote(issuer, address string, o Options) *Remote {
	if o.MaxAge <= 0 {
		o.MaxAge = defaultMaxAge
	}
	if o.Interval <= 0 {
		o.Interval = defaultInterval
	}
	if o.Retry <= 0 {
		o.Retry = o.Interval
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	return &Remote{issuer: issuer, address: address, o: o}
}

// name is what the keys are called in messages and in the cache.
func (r *Remote) name() string {
	if r.issuer != "" {
		return r.issuer
	}
	return r.address
}

// KeySet returns the key set. See [KeySource].
func (r *Remote) KeySet(ctx context.Context, keyID string) (*KeySet, error) {
	if s := r.current.Load(); r.serves(s, keyID) {
		return s.set, nil
	}
	if !r.mu.TryLock() {
		// Somebody is asking already. Keys that are merely old still serve.
		if s := r.current.Load(); s != nil && s.set.has(keyID) {
			return s.set, nil
		}
		r.mu.Lock()
	}
	defer r.mu.Unlock()
	s := r.current.Load() // another goroutine may have got them meanwhile
	if s == nil {
		if s = r.load(); s != nil {
			r.current.Store(s)
		}
	}
	switch {
	case r.serves(s, keyID):
		return s.set, nil
	case r.o.Offline:
		return r.offline(s)
	case s == nil && r.triedWithin(r.o.Retry):
		return nil, r.err
	case s != nil && r.triedWithin(r.o.Interval):
		return s.set, nil
	}
	return r.refresh(ctx, s)
}

// triedWithin reports whether keys were asked for a short time ago.
func (r *Remote) triedWithin(d time.Duration) bool {
	return !r.tried.IsZero() && r.o.Now().Sub(r.tried) < d
}

// serves reports whether a snapshot answers for a key without asking the issuer.
func (r *Remote) serves(s *snapshot, keyID string) bool {
	if s == nil {
		return false
	}
	age := r.o.Now().Sub(s.at)
	// A time in the future is no time at which keys were got.
	return age >= 0 && age < r.o.MaxAge && (keyID == "" || s.set.has(keyID))
}

func (r *Remote) offline(s *snapshot) (*KeySet, error) {
	if s == nil {
		return nil, fault.New(fault.Network, "offline, and no keys of %s are in the cache", quote(r.name())).
			WithHint("run it once without --offline, or give the keys with --jwks FILE")
	}
	if age := r.o.Now().Sub(s.at); age > r.o.MaxAge {
		r.o.Note(fmt.Sprintf("offline: the keys are %s old", age.Round(time.Minute)))
	}
	return s.set, nil
}

// refresh asks the issuer. If that fails, old keys are better than none: they
// were the issuer's, and what they signed has an expiry of its own.
func (r *Remote) refresh(ctx context.Context, old *snapshot) (*KeySet, error) {
	fresh, err := r.fetch(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, err // the caller gave up, which says nothing about the issuer
	}
	r.tried, r.err = r.o.Now(), err
	if r.o.Fetched != nil {
		r.o.Fetched(err)
	}
	switch {
	case err != nil && old == nil:
		return nil, err
	case err != nil:
		r.o.Note(fmt.Sprintf("keys of %s are used: %v", old.at.UTC().Format(time.RFC3339), err))
		return old.set, nil
	}
	r.current.Store(fresh)
	r.save(fresh)
	return fresh.set, nil
}

func (r *Remote) fetch(ctx context.Context) (*snapshot, error) {
	address := r.address
	if r.issuer != "" {
		p, err := Discover(ctx, r.o.Client, r.issuer)
		if err != nil {
			return nil, err
		}
		address = p.KeySetURL
	}
	data, err := fetchKeys(ctx, r.o.Client, address)
	if err != nil {
		return nil, err
	}
	set, err := parseFetched(address, data)
	if err != nil {
		return nil, err
	}
	return &snapshot{set, data, address, r.o.Now()}, nil
}

const keySet = "key set"

func fetchKeys(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err == nil {
		err = allowed(u)
	}
	if err != nil {
		return nil, fault.New(fault.Usage, "the address of the key set is %s: %w", quote(address), err)
	}
	return newWire(client).get(ctx, keySet, address)
}

// parseFetched reads a key set that came over the network: what is wrong with it
// is no mistake in a file of the user's.
func parseFetched(address string, data []byte) (*KeySet, error) {
	set, err := ParseKeySet(keySet, data)
	var where *source.Error
	if errors.As(err, &where) {
		return nil, fault.New(fault.Network, "the answer of %s is no key set: %s", quote(address), where.Msg)
	}
	return set, err
}
