package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/store"
	"gatepass/pkg/token"
)

// ring is a keyring in memory.
type ring struct {
	mu   sync.Mutex
	text string
	err  error // what it answers
	hang chan struct{}
	asks int
}

func (r *ring) Get() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asks++
	if r.hang != nil {
		<-r.hang
	}
	if r.err == nil && r.text == "" {
		return "", store.ErrNoKey
	}
	return r.text, r.err
}

func (r *ring) Set(text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = text
	return r.err
}

func sealed(t *testing.T, s *store.Files, r *ring) {
	t.Helper()
	s.Keyring = r
	if err := s.Check(t.Context(), store.InKeyring); err != nil {
		t.Fatal(err)
	}
}

func saveAs(t *testing.T, s *store.Files, kind store.Kind, tokens token.Set) {
	t.Helper()
	if err := s.Save(t.Context(), key, store.Login{Name: "Ada", Kind: kind}, tokens); err != nil {
		t.Fatal(err)
	}
}

// again is another process with the same folder and keyring.
func again(s *store.Files) *store.Files { return &store.Files{Dir: s.Dir, Keyring: s.Keyring} }

func TestSealed(t *testing.T) {
	s, r := newStore(t), new(ring)
	sealed(t, s, r)
	want := set("one", noon)
	saveAs(t, s, store.InKeyring, want)
	data, err := os.ReadFile(s.Where(key))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"id-of-one", "refresh-of-one", `"one"`, "access_token"} {
		if strings.Contains(string(data), secret) {
			t.Errorf("%s is readable in %s", secret, data)
		}
	}
	if !strings.Contains(string(data), `"subject": "35666371"`) {
		t.Errorf("what may be known is not in %s", data)
	}
	if got, err := again(s).Load(key); err != nil || plain(got) != plain(want) {
		t.Errorf("%v: %s", err, plain(got))
	}
	// A refresh leaves them sealed.
	later := again(s)
	if _, err := later.Fresh(t.Context(), key, noon, time.Minute, func(context.Context, token.Set) (token.Set, error) {
		return set("two", noon.Add(time.Hour)), nil
	}); err != nil {
		t.Fatal(err)
	}
	if info, err := s.Info(key); err != nil || info.Kind != store.InKeyring {
		t.Errorf("%+v %v", info, err)
	}
	if got, err := s.Load(key); err != nil || got.Access.Reveal() != "two" {
		t.Errorf("%v", err)
	}
	// The same tokens twice do not give the same bytes.
	first, _ := os.ReadFile(s.Where(key))
	saveAs(t, s, store.InKeyring, set("two", noon.Add(time.Hour)))
	if second, _ := os.ReadFile(s.Where(key)); string(first) == string(second) {
		t.Error("the nonce was used again")
	}
}

// Sealed tokens open where they were sealed and nowhere else.
func TestSealIsBound(t *testing.T) {
	for name, change := range map[string]func(s *store.Files, r *ring, data string) string{
		"moved to another issuer": func(_ *store.Files, _ *ring, data string) string {
			return strings.Replace(data, "acme", "evil", 1)
		},
		"a changed byte": func(_ *store.Files, _ *ring, data string) string {
			at := strings.Index(data, `"sealed": "`) + 40
			c := byte('A')
			if data[at] == c {
				c = 'B'
			}
			return data[:at] + string(c) + data[at+1:]
		},
		"cut": func(_ *store.Files, _ *ring, data string) string {
			at := strings.Index(data, `"sealed": "`) + len(`"sealed": "`)
			return data[:at+8] + "\"\n}\n"
		},
		"another key": func(s *store.Files, r *ring, data string) string {
			r.text = ""
			s.Keyring = r
			if err := again(s).Check(context.Background(), store.InKeyring); err != nil {
				panic(err)
			}
			return data
		},
		"no key": func(_ *store.Files, r *ring, data string) string { r.text = ""; return data },
	} {
		t.Run(name, func(t *testing.T) {
			s, r := newStore(t), new(ring)
			sealed(t, s, r)
			saveAs(t, s, store.InKeyring, set("one", noon))
			data, err := os.ReadFile(s.Where(key))
			if err != nil {
				t.Fatal(err)
			}
			k := key
			if strings.HasPrefix(name, "moved") {
				k.Issuer = strings.Replace(k.Issuer, "acme", "evil", 1)
			}
			if err := os.WriteFile(s.Where(k), []byte(change(s, r, string(data))), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = again(s).Load(k)
			kind(t, err, fault.Login, "cannot be used")
			if _, err := s.Info(k); err != nil {
				t.Errorf("Info needs the key: %v", err)
			}
		})
	}
}

// Files of before, without a seal and a kind, are read.
func TestPlainFilesStayReadable(t *testing.T) {
	s := newStore(t)
	s.Keyring = &ring{err: errors.New("not to be asked")}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	old := `{"version": 1, "profile": "dev", "issuer": "https://acme.onelogin.com/oidc/2", "client_id": "e0001112", "name": "Ada",
  "token_type": "Bearer", "obtained_at": "2026-11-22T11:00:00Z", "can_refresh": true,
  "secrets": {"access_token": "one", "refresh_token": "r"}}`
	if err := os.WriteFile(s.Where(key), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(key); err != nil || got.Access.Reveal() != "one" {
		t.Errorf("%v", err)
	}
	if info, err := s.Info(key); err != nil || info.Kind != store.InFile {
		t.Errorf("%+v %v", info, err)
	}
	if err := s.Remember(t.Context(), key, store.Login{APIs: []string{"https://api.example.com:443"}}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(key); err != nil || got.Refresh.Reveal() != "r" {
		t.Errorf("after Remember: %v", err)
	}
	if info, _ := s.Info(key); len(info.APIs) != 1 || info.Name != "Ada" {
		t.Errorf("%+v", info)
	}
}

// A keyring that fails, hangs, forgets or talks nonsense is told from one that
// works, within the limit, and nothing is lost by it.
func TestKeyringDoesNotWork(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	for name, tc := range map[string]struct {
		ring store.Keyring
		text string
	}{
		"none":      {nil, "there is none"},
		"fails":     {&ring{err: errors.New("dbus: no such name")}, "dbus: no such name"},
		"hangs":     {&ring{hang: hang}, "did not answer within 50ms"},
		"panics":    {panicking{}, "runtime error"},
		"forgets":   {forgetful{}, "does not have it"},
		"nonsense":  {&ring{text: "hunter2"}, "no key"},
		"short key": {&ring{text: "c2hvcnQ="}, "no key"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			save(t, s, key, set("one", noon))
			s.Keyring, s.KeyringLimit = tc.ring, 50*time.Millisecond
			err := s.Check(t.Context(), store.InKeyring)
			if err == nil || !strings.Contains(err.Error(), tc.text) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("Check: %v, want %q", err, tc.text)
			}
			if !errors.Is(err, store.ErrKeyring) {
				t.Errorf("Check: %v is no ErrKeyring", err)
			}
			if err := s.Save(t.Context(), key, store.Login{Kind: store.InKeyring}, set("two", noon)); err == nil {
				t.Error("stored without a key")
			}
			if got, err := s.Load(key); err != nil || got.Access.Reveal() != "one" {
				t.Errorf("the tokens of before are gone: %v", err)
			}
		})
	}
}

// Whoever does not want to wait for the keyring need not.
func TestKeyringIsInterrupted(t *testing.T) {
	s, hang := newStore(t), make(chan struct{})
	defer close(hang)
	s.Keyring, s.KeyringLimit = &ring{hang: hang}, time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Check(ctx, store.InKeyring); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrKeyring) {
		t.Errorf("%v, want to be cancelled", err)
	}
}

// Sealed tokens while the keyring is locked: a login is needed or an unlocked
// keyring, and nothing is deleted.
func TestLockedKeyring(t *testing.T) {
	s, r := newStore(t), new(ring)
	sealed(t, s, r)
	saveAs(t, s, store.InKeyring, set("one", noon))
	r.err = errors.New("locked")
	other := again(s)
	_, err := other.Load(key)
	kind(t, err, fault.Login, "unlock the keyring")
	if !errors.Is(err, store.ErrKeyring) {
		t.Errorf("%v", err)
	}
	if _, err := other.Fresh(t.Context(), key, noon, 0, never(t)); !errors.Is(err, store.ErrKeyring) {
		t.Errorf("Fresh: %v", err)
	}
	r.err = nil
	if got, err := other.Load(key); err != nil || got.Access.Reveal() != "one" {
		t.Errorf("unlocked: %v", err)
	}
}

type panicking struct{}

func (panicking) Get() (string, error) { var none []string; return none[0], nil }
func (panicking) Set(string) error     { return nil }

type forgetful struct{}

func (forgetful) Get() (string, error) { return "", store.ErrNoKey }
func (forgetful) Set(string) error     { return nil }

// Knowing, locking and deleting need no keyring.
func TestKeyringIsLeftAlone(t *testing.T) {
	s, r := newStore(t), new(ring)
	sealed(t, s, r)
	saveAs(t, s, store.InKeyring, set("one", noon))
	asked := r.asks
	other := again(s)
	if _, err := other.Info(key); err != nil {
		t.Error(err)
	}
	if err := other.Remember(t.Context(), key, store.Login{APIs: []string{"a"}}); err != nil {
		t.Error(err)
	}
	unlock, _, err := other.LockLogin(t.Context(), key, time.Second, func() {})
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if got, err := s.Load(key); err != nil || got.Access.Reveal() != "one" {
		t.Errorf("after Remember: %v", err)
	}
	if had, err := other.Delete(t.Context(), key); !had || err != nil {
		t.Error(had, err)
	}
	if r.asks != asked {
		t.Errorf("the keyring was asked %d times", r.asks-asked)
	}
}

// All who find no key at the same time end up with one.
func TestOneKeyForAll(t *testing.T) {
	s, r := newStore(t), new(ring)
	s.Keyring = r
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			other, k := again(s), store.Key{Profile: fmt.Sprint(n)}
			if err := other.Check(t.Context(), store.InKeyring); err != nil {
				t.Error(err)
				return
			}
			if err := other.Save(t.Context(), k, store.Login{Kind: store.InKeyring}, set("one", noon)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for n := range 20 {
		if _, err := again(s).Load(store.Key{Profile: fmt.Sprint(n)}); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatIsRemembered(t *testing.T) {
	s := newStore(t)
	at := noon.Add(-time.Minute)
	l := store.Login{Name: "Ada", At: at, APIs: []string{"a", "b"}}
	if err := s.Save(t.Context(), key, l, set("one", noon)); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), key, store.Login{APIs: []string{"b", "c"}}, set("two", noon)); err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(key)
	if err != nil || info.Name != "Ada" || !info.LoginAt.Equal(at) || strings.Join(info.APIs, "") != "abc" {
		t.Errorf("%+v %v", info, err)
	}
	for n := range 100 {
		if err := s.Remember(t.Context(), key, store.Login{APIs: []string{fmt.Sprint(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	if info, _ := s.Info(key); len(info.APIs) != 32 || info.APIs[31] != "99" {
		t.Errorf("%d origins: %v", len(info.APIs), info.APIs)
	}
	if err := s.Remember(t.Context(), store.Key{Profile: "nobody"}, l); !errors.Is(err, store.ErrNone) {
		t.Errorf("%v, want ErrNone", err)
	}
}

// places is a store with folders in both places, in memory in name only.
func places(t *testing.T) *store.Places {
	t.Helper()
	return &store.Places{Disk: newStore(t), Memory: &store.Files{Dir: filepath.Join(t.TempDir(), "memory")}}
}

func TestPlaces(t *testing.T) {
	p := places(t)
	p.Disk.Keyring = new(ring)
	if err := p.Check(t.Context(), store.InKeyring); err != nil {
		t.Fatal(err)
	}
	if err := p.Save(t.Context(), key, store.Login{Name: "Ada", APIs: []string{"a"}}, set("one", noon)); err != nil {
		t.Fatal(err)
	}
	// Every way to move from one kind to another, and by a login.
	kinds := []store.Kind{store.InFile, store.InKeyring, store.InMemory}
	for _, from := range kinds {
		for _, to := range kinds {
			for _, move := range []func() error{
				func() error { return p.Move(t.Context(), key, to) },
				func() error { return p.Save(t.Context(), key, store.Login{Kind: to}, set("one", noon)) },
			} {
				if err := p.Move(t.Context(), key, from); err != nil {
					t.Fatal(err)
				}
				if err := move(); err != nil {
					t.Fatalf("%s to %s: %v", from, to, err)
				}
				info, err := p.Info(key)
				if err != nil || info.Kind != to || info.Name != "Ada" || len(info.APIs) != 1 {
					t.Errorf("%s to %s: %+v %v", from, to, info, err)
				}
				if got, err := p.Load(key); err != nil || got.Refresh.Reveal() != "refresh-of-one" {
					t.Errorf("%s to %s: %v", from, to, err)
				}
				left := p.Disk
				if to != store.InMemory {
					left = p.Memory
				}
				if _, err := os.Lstat(left.Where(key)); err == nil {
					t.Errorf("%s to %s: tokens are left in the other place", from, to)
				}
			}
		}
	}
	if had, err := p.Delete(t.Context(), key); !had || err != nil {
		t.Error(had, err)
	}
	if _, err := p.Info(key); !errors.Is(err, store.ErrNone) {
		t.Errorf("%v, want ErrNone", err)
	}
	if err := p.Move(t.Context(), key, store.InFile); !errors.Is(err, store.ErrNone) {
		t.Errorf("%v, want ErrNone", err)
	}
}

// A folder on a disk is not taken for memory.
func TestMemoryIsMemory(t *testing.T) {
	p := &store.Places{Disk: newStore(t)}
	kind(t, p.Check(t.Context(), store.InMemory), fault.Usage, "--store keyring")
	kind(t, p.Save(t.Context(), key, store.Login{Kind: store.InMemory}, set("one", noon)), fault.Usage, "--store")
	if _, err := os.Stat("/dev/shm"); err != nil {
		t.Skip("there is no /dev/shm")
	}
	t.Setenv("TMPDIR", "/dev/shm")
	dir := t.TempDir()
	if !strings.HasPrefix(dir, "/dev/shm") {
		t.Skip("/dev/shm takes no folder")
	}
	p.Memory = &store.Files{Dir: filepath.Join(dir, "tokens")}
	if err := p.Check(t.Context(), store.InMemory); err != nil {
		t.Error(err)
	}
	p.Memory.Dir = "/proc/self" // what is there is no tmpfs either, and always there
	if err := p.Check(t.Context(), store.InMemory); err == nil {
		t.Error("/proc is taken for memory")
	}
}
