package store

import (
	"context"
	"errors"
	"os"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// Places is where a user's logins are: on disk, sealed or not, and in memory. A
// login is in one of them.
type Places struct {
	Disk   *Files
	Memory *Files // nil: nothing can be kept in memory
}

// of is the place that has the tokens of a key, the disk if neither has.
func (p *Places) of(k Key) *Files {
	if p.Memory != nil && p.Memory.Dir != "" {
		if _, err := os.Lstat(p.Memory.Where(k)); err == nil {
			return p.Memory
		}
	}
	return p.Disk
}

// forKind is the place for tokens that are kept in a way.
func (p *Places) forKind(kind Kind) (*Files, error) {
	if kind != InMemory {
		return p.Disk, nil
	}
	if p.Memory == nil || p.Memory.Dir == "" {
		return nil, fault.New(fault.Usage, "tokens cannot be kept in memory on this system").
			WithHint("--store keyring keeps them sealed, --store file in a file that only you can read")
	}
	return p.Memory, nil
}

// Where is the path of the file with the tokens of a key.
func (p *Places) Where(k Key) string { return p.of(k).Where(k) }

// Check is [Files.Check] for the place of a kind.
func (p *Places) Check(ctx context.Context, kind Kind) error {
	f, err := p.forKind(kind)
	if err != nil {
		return err
	}
	return f.Check(ctx, kind)
}

// Info is [Files.Info].
func (p *Places) Info(k Key) (Info, error) { return p.of(k).Info(k) }

// Load is [Files.Load].
func (p *Places) Load(k Key) (token.Set, error) { return p.of(k).Load(k) }

// Fresh is [Files.Fresh].
func (p *Places) Fresh(ctx context.Context, k Key, now time.Time, least time.Duration, refresh func(context.Context, token.Set) (token.Set, error)) (token.Set, error) {
	return p.of(k).Fresh(ctx, k, now, least, refresh)
}

// Remember is [Files.Remember].
func (p *Places) Remember(ctx context.Context, k Key, l Login) error {
	return p.of(k).Remember(ctx, k, l)
}

// LockLogin is [Files.LockLogin]. Logins that are to be kept in different places
// do not wait for each other.
func (p *Places) LockLogin(ctx context.Context, k Key, kind Kind, limit time.Duration, waiting func()) (unlock func(), waited bool, err error) {
	f, err := p.forKind(kind)
	if err != nil {
		return nil, false, err
	}
	return f.LockLogin(ctx, k, limit, waiting)
}

// Save is [Files.Save]. Tokens that go to another place than before are deleted
// where they were, once they are stored.
func (p *Places) Save(ctx context.Context, k Key, l Login, set token.Set) error {
	before, err := p.Info(k)
	if err == nil {
		l = l.over(record{Name: before.Name, LoginAt: before.LoginAt, Kind: before.Kind, APIs: before.APIs})
	}
	to, err := p.forKind(l.Kind)
	if err != nil {
		return err
	}
	from := p.of(k)
	if err := to.Save(ctx, k, l, set); err != nil || from == to {
		return err
	}
	_, err = from.Delete(ctx, k)
	return err
}

// Move keeps the tokens of a key in another way, as they are.
func (p *Places) Move(ctx context.Context, k Key, kind Kind) error {
	to, err := p.forKind(kind)
	if err != nil {
		return err
	}
	from := p.of(k)
	unlock, err := from.lock(ctx, k)
	if err != nil {
		return err
	}
	defer unlock()
	set, err := from.Load(k)
	if err != nil {
		return err
	}
	r, err := from.read(k)
	if err != nil {
		return err
	}
	l := Login{Kind: kind}.over(r)
	if from == to {
		return from.save(k, l, set)
	}
	if err := to.Save(ctx, k, l, set); err != nil {
		return err
	}
	return from.remove(k)
}

// Delete is [Files.Delete], in every place.
func (p *Places) Delete(ctx context.Context, k Key) (bool, error) {
	had, err := p.Disk.Delete(ctx, k)
	if p.Memory == nil || p.Memory.Dir == "" {
		return had, err
	}
	had2, err2 := p.Memory.Delete(ctx, k)
	return had || had2, errors.Join(err, err2)
}

// Holders is [Files.Holders]. It is remembered on disk, however the tokens are kept.
func (p *Places) Holders(of secret.String) ([]string, error) { return p.Disk.Holders(of) }

// AddHolder is [Files.AddHolder].
func (p *Places) AddHolder(ctx context.Context, of secret.String, issuer string) error {
	return p.Disk.AddHolder(ctx, of, issuer)
}
