package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/store"
	"gatepass/pkg/token"
)

var (
	key  = store.Key{Profile: "dev", Issuer: "https://acme.onelogin.com/oidc/2", ClientID: "e0001112"}
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

func newStore(t *testing.T) *store.Files {
	t.Helper()
	return &store.Files{Dir: filepath.Join(t.TempDir(), "tokens")}
}

func set(access string, expiry time.Time) token.Set {
	return token.Set{
		Access: secret.New(access), ID: secret.New("id-of-" + access), Refresh: secret.New("refresh-of-" + access),
		TokenType: "Bearer", Scope: "openid profile", Issuer: key.Issuer, ClientID: key.ClientID, Subject: "35666371",
		Expiry: expiry, ObtainedAt: expiry.Add(-time.Hour),
	}
}

// plain is a set that can be compared and shown.
func plain(s token.Set) string {
	return fmt.Sprintf("%q %q %q %q %q %q %q %q %v %v", s.Access.Reveal(), s.ID.Reveal(), s.Refresh.Reveal(),
		s.TokenType, s.Scope, s.Issuer, s.ClientID, s.Subject, s.Expiry.UTC(), s.ObtainedAt.UTC())
}

func save(t *testing.T, s *store.Files, k store.Key, tokens token.Set) {
	t.Helper()
	if err := s.Save(t.Context(), k, store.Login{Name: "Ada"}, tokens); err != nil {
		t.Fatal(err)
	}
}

func kind(t *testing.T, err error, want fault.Kind, text string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != want || !strings.Contains(f.Msg+"\n"+f.Hint, text) {
		t.Errorf("error %v (%+v), want kind %v with %q", err, f, want, text)
	}
}

func TestRoundTrip(t *testing.T) {
	s := newStore(t)
	if _, err := s.Load(key); !errors.Is(err, store.ErrNone) {
		t.Errorf("before: %v, want ErrNone", err)
	}
	want := set("one", noon)
	save(t, s, key, want)
	got, err := s.Load(key)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
		t.Error(diff)
	}
	info, err := s.Info(key)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(store.Info{Subject: "35666371", Name: "Ada", Scope: "openid profile", Expiry: noon, ObtainedAt: noon.Add(-time.Hour), CanRefresh: true, Kind: store.InFile}, info); diff != "" {
		t.Error(diff)
	}
	// A later save without a name keeps it; a set without optional parts works.
	if err := s.Save(t.Context(), key, store.Login{}, token.Set{Access: secret.New("two"), TokenType: "Bearer"}); err != nil {
		t.Fatal(err)
	}
	if info, err := s.Info(key); err != nil || info.Name != "Ada" || info.CanRefresh || !info.Expiry.IsZero() {
		t.Errorf("%+v %v", info, err)
	}
	if had, err := s.Delete(t.Context(), key); err != nil || !had {
		t.Errorf("Delete: %v %v", had, err)
	}
	if had, err := s.Delete(t.Context(), key); err != nil || had {
		t.Errorf("second Delete: %v %v", had, err)
	}
	if _, err := s.Info(key); !errors.Is(err, store.ErrNone) {
		t.Errorf("after: %v, want ErrNone", err)
	}
}

func TestKeysAreApart(t *testing.T) {
	s := newStore(t)
	keys := []store.Key{
		key,
		{Profile: "Dev", Issuer: key.Issuer, ClientID: key.ClientID},
		{Profile: key.Profile, Issuer: key.Issuer + "/", ClientID: key.ClientID},
		{Profile: key.Profile, Issuer: key.Issuer, ClientID: "other"},
		{Profile: "../../etc/passwd", Issuer: key.Issuer, ClientID: key.ClientID},
		{Profile: strings.Repeat("ü/", 200), Issuer: key.Issuer, ClientID: key.ClientID},
		{},
	}
	for n, k := range keys {
		if filepath.Dir(s.Where(k)) != s.Dir {
			t.Errorf("%s is outside of the folder", s.Where(k))
		}
		if _, err := s.Load(k); !errors.Is(err, store.ErrNone) {
			t.Errorf("key %d has the tokens of another: %v", n, err)
		}
		save(t, s, k, set(fmt.Sprint(n), noon))
	}
	for n, k := range keys {
		if got, err := s.Load(k); err != nil || got.Access.Reveal() != fmt.Sprint(n) {
			t.Errorf("key %d: %q %v", n, got.Access.Reveal(), err)
		}
	}
}

func TestNoFolder(t *testing.T) {
	s := &store.Files{}
	for name, err := range map[string]error{
		"Load":   second(s.Load(key)),
		"Info":   second(s.Info(key)),
		"Save":   s.Save(t.Context(), key, store.Login{}, set("one", noon)),
		"Delete": second(s.Delete(t.Context(), key)),
		"Check":  s.Check(t.Context(), store.InFile),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		kind(t, err, fault.Failed, "GATEPASS_HOME")
	}
}

func second[T any](_ T, err error) error { return err }

// A file that is not what was written is an error that a login mends.
func TestDamagedFiles(t *testing.T) {
	s := newStore(t)
	save(t, s, key, set("one", noon))
	good, err := os.ReadFile(s.Where(key))
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(good), "acme", "evil", 1)
	for name, data := range map[string]string{
		"empty":      "",
		"cut":        string(good[:len(good)/2]),
		"no JSON":    "tokens",
		"list":       "[]",
		"null":       "null",
		"other key":  other,
		"no secrets": strings.Replace(string(good), "secrets", "secret", 1),
		"types":      strings.Replace(string(good), `"one"`, `7`, 1),
		"too long":   string(good) + strings.Repeat(" ", 1<<20),
	} {
		if err := os.WriteFile(s.Where(key), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.Load(key)
		kind(t, err, fault.Login, "gatepass login")
		if strings.Contains(err.Error(), "refresh-of-one") {
			t.Errorf("%s: a token is in the error: %v", name, err)
		}
	}
	newer := strings.Replace(string(good), `"version": 2`, `"version": 3`, 1)
	if err := os.WriteFile(s.Where(key), []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	kind(t, second(s.Load(key)), fault.Failed, "newer gatepass")
	save(t, s, key, set("two", noon))
	if got, err := s.Load(key); err != nil || got.Access.Reveal() != "two" {
		t.Errorf("after a login: %v", err)
	}
}

func never(t *testing.T) func(context.Context, token.Set) (token.Set, error) {
	return func(context.Context, token.Set) (token.Set, error) {
		t.Error("refreshed")
		return token.Set{}, errors.New("refreshed")
	}
}

func TestFresh(t *testing.T) {
	s := newStore(t)
	if _, err := s.Fresh(t.Context(), key, noon, time.Minute, never(t)); !errors.Is(err, store.ErrNone) {
		t.Errorf("nothing stored: %v, want ErrNone", err)
	}
	if _, err := os.Stat(s.Dir); err == nil {
		t.Error("asking made the folder")
	}
	save(t, s, key, set("one", noon.Add(time.Minute+time.Second)))
	got, err := s.Fresh(t.Context(), key, noon, time.Minute, never(t))
	if err != nil || got.Access.Reveal() != "one" {
		t.Errorf("still good: %q %v", got.Access.Reveal(), err)
	}
	got, err = s.Fresh(t.Context(), key, noon.Add(2*time.Second), time.Minute, func(_ context.Context, old token.Set) (token.Set, error) {
		if old.Refresh.Reveal() != "refresh-of-one" {
			t.Errorf("refreshed with %q", old.Refresh.Reveal())
		}
		return set("two", noon.Add(time.Hour)), nil
	})
	if err != nil || got.Access.Reveal() != "two" {
		t.Errorf("refreshed: %q %v", got.Access.Reveal(), err)
	}
	if stored, err := s.Load(key); err != nil || plain(stored) != plain(got) {
		t.Errorf("stored %s %v", plain(stored), err)
	}
	if info, err := s.Info(key); err != nil || info.Name != "Ada" {
		t.Errorf("the refresh lost the name: %+v %v", info, err)
	}
}

// Tokens that live a minute are not renewed each time they are asked for.
func TestFreshOfShortLives(t *testing.T) {
	s := newStore(t)
	short := set("one", noon.Add(time.Minute))
	short.ObtainedAt = noon
	save(t, s, key, short)
	if got, err := s.Fresh(t.Context(), key, noon.Add(53*time.Second), 0, never(t)); err != nil || got.Access.Reveal() != "one" {
		t.Errorf("with 7 seconds left: %q %v", got.Access.Reveal(), err)
	}
	got, err := s.Fresh(t.Context(), key, noon.Add(55*time.Second), 0, func(context.Context, token.Set) (token.Set, error) {
		return set("two", noon.Add(time.Hour)), nil
	})
	if err != nil || got.Access.Reveal() != "two" {
		t.Errorf("with 5 seconds left: %q %v", got.Access.Reveal(), err)
	}
}

func TestFreshWithoutRefreshToken(t *testing.T) {
	s := newStore(t)
	old := set("one", noon)
	old.Refresh = secret.String{}
	save(t, s, key, old)
	got, err := s.Fresh(t.Context(), key, noon, 0, never(t))
	kind(t, err, fault.Login, "gatepass login")
	if !errors.Is(err, store.ErrExpired) || got.Access.Reveal() != "one" {
		t.Errorf("%v, %q", err, got.Access.Reveal())
	}
}

// A refresh that fails changes nothing, whatever it fails of.
func TestFailedRefreshKeepsTokens(t *testing.T) {
	s := newStore(t)
	save(t, s, key, set("one", noon))
	before, err := os.ReadFile(s.Where(key))
	if err != nil {
		t.Fatal(err)
	}
	network := fault.New(fault.Network, "no route to host")
	for _, tc := range []struct{ fail, want error }{
		{network, network},
		{context.DeadlineExceeded, context.DeadlineExceeded},
		{fmt.Errorf("%w: invalid_grant", store.ErrRejected), store.ErrExpired},
	} {
		got, err := s.Fresh(t.Context(), key, noon, 0, func(context.Context, token.Set) (token.Set, error) { return token.Set{}, tc.fail })
		if !errors.Is(err, tc.want) || !errors.Is(err, tc.fail) {
			t.Errorf("error %v, want %v", err, tc.want)
		}
		if got.Access.Reveal() != "one" {
			t.Errorf("%v: the old tokens did not come with it", err)
		}
		if after, err := os.ReadFile(s.Where(key)); err != nil || string(after) != string(before) {
			t.Errorf("%v: the file has changed", tc.fail)
		}
	}
}

// Somebody who does not know of the lock used the refresh token first, and stored
// what it got: that is as good.
func TestRejectedAfterAnotherRefreshed(t *testing.T) {
	s := newStore(t)
	save(t, s, key, set("one", noon))
	elsewhere := &store.Files{Dir: filepath.Join(t.TempDir(), "copy")}
	save(t, elsewhere, key, set("two", noon.Add(time.Hour)))
	got, err := s.Fresh(t.Context(), key, noon, 0, func(context.Context, token.Set) (token.Set, error) {
		if err := os.Rename(elsewhere.Where(key), s.Where(key)); err != nil {
			t.Fatal(err)
		}
		return token.Set{}, fmt.Errorf("%w: invalid_grant", store.ErrRejected)
	})
	if err != nil || got.Access.Reveal() != "two" {
		t.Errorf("%q %v, want what the other got", got.Access.Reveal(), err)
	}
}

func TestLockLimit(t *testing.T) {
	s := newStore(t)
	save(t, s, key, set("one", noon))
	other := &store.Files{Dir: s.Dir, LockLimit: 50 * time.Millisecond}
	_, err := s.Fresh(t.Context(), key, noon, 0, func(context.Context, token.Set) (token.Set, error) {
		kind(t, other.Save(t.Context(), key, store.Login{}, set("x", noon)), fault.Failed, "another gatepass has held the lock")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Save(ctx, key, store.Login{}, set("x", noon)); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		// Another key is not locked, and reading never is.
		if err := other.Save(t.Context(), store.Key{Profile: "other"}, store.Login{}, set("x", noon)); err != nil {
			t.Error(err)
		}
		if _, err := other.Load(key); err != nil {
			t.Error(err)
		}
		return set("two", noon.Add(time.Hour)), nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := other.Save(t.Context(), key, store.Login{}, set("three", noon)); err != nil {
		t.Errorf("the lock is still held: %v", err)
	}
}

func TestLeftoversAreRemoved(t *testing.T) {
	s := newStore(t)
	save(t, s, key, set("one", noon))
	old, young := s.Where(key)+".00ff.new", s.Where(key)+".11ee.new"
	for _, path := range []string{old, young} {
		if err := os.WriteFile(path, []byte("half a tok"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	save(t, s, key, set("two", noon))
	if _, err := os.Stat(old); err == nil {
		t.Error("what a killed process left behind is still there")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error("what another process is writing was removed")
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	s := newStore(t)
	for range 3 {
		save(t, s, key, set("one", noon))
	}
	files, err := os.ReadDir(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	base := filepath.Base(s.Where(key))
	if diff := cmp.Diff([]string{base, base + ".lock"}, names); diff != "" {
		t.Error(diff)
	}
}

func ExampleFiles_Fresh() {
	dir, _ := os.MkdirTemp("", "tokens")
	defer func() { _ = os.RemoveAll(dir) }()
	s := &store.Files{Dir: dir}
	k := store.Key{Profile: "dev", Issuer: "https://acme.onelogin.com/oidc/2", ClientID: "e0001112"}
	ctx, now := context.Background(), time.Now()
	_ = s.Save(ctx, k, store.Login{Name: "Ada"}, token.Set{
		Access: secret.New("old"), Refresh: secret.New("r"), TokenType: "Bearer", Expiry: now.Add(10 * time.Second),
	})
	got, err := s.Fresh(ctx, k, now, time.Minute, func(_ context.Context, old token.Set) (token.Set, error) {
		old.Access, old.Expiry = secret.New("new"), now.Add(time.Hour) // ask the issuer
		return old, nil
	})
	fmt.Println(got.Access.Reveal(), err)
	// Output: new <nil>
}
