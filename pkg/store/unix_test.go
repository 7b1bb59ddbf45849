//go:build unix

package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/store"
	"gatepass/pkg/token"
)

// What the test binary does when it is started by a test.
const roleVariable = "STORE_TEST_ROLE"

func TestMain(m *testing.M) {
	s := &store.Files{Dir: os.Getenv("STORE_TEST_DIR")}
	switch os.Getenv(roleVariable) {
	case "refresh":
		os.Exit(refreshOnce(s))
	case "die":
		os.Exit(dieAt(s))
	case "login":
		os.Exit(logInOnce(s))
	case "service":
		os.Exit(useSecretService(s))
	case "hold":
		_, _ = s.Fresh(context.Background(), key, noon, 0, func(context.Context, token.Set) (token.Set, error) {
			fmt.Println("holding")
			time.Sleep(time.Minute) // until it is killed
			return token.Set{}, errors.New("nobody killed it")
		})
	case "full":
		os.Exit(writeOnFullDisk(s))
	}
	os.Exit(m.Run())
}

func child(t *testing.T, role, dir string, env ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe)
	// Under the race detector a process takes a second to end, unless it is told not to.
	c.Env = append(os.Environ(), append(env, "GORACE=atexit_sleep_ms=0", roleVariable+"="+role, "STORE_TEST_DIR="+dir)...)
	return c
}

// big is a set of more than one block, told apart by its number.
func big(n int) token.Set {
	return set(strings.Repeat(strconv.Itoa(n%10), 20000), noon)
}

// refreshOnce asks for fresh tokens; the issuer is a folder that each refresh
// leaves a file in.
func refreshOnce(s *store.Files) int {
	got, err := s.Fresh(context.Background(), key, noon, time.Minute, func(_ context.Context, old token.Set) (token.Set, error) {
		if old.Refresh.Reveal() != "refresh-of-one" {
			return token.Set{}, fmt.Errorf("%w: used already", store.ErrRejected)
		}
		f, err := os.CreateTemp(os.Getenv("STORE_TEST_ISSUER"), "refresh")
		if err != nil {
			return token.Set{}, err
		}
		time.Sleep(50 * time.Millisecond) // the network; the others come meanwhile
		return set("two", noon.Add(time.Hour)), f.Close()
	})
	if err != nil || got.Access.Reveal() != "two" {
		fmt.Println(got.Access.Reveal(), err)
		return 1
	}
	return 0
}

func TestManyProcessesRefreshOnce(t *testing.T) {
	s, issuer := newStore(t), t.TempDir()
	save(t, s, key, set("one", noon))
	const processes = 20
	var wg sync.WaitGroup
	for range processes {
		c := child(t, "refresh", s.Dir, "STORE_TEST_ISSUER="+issuer)
		wg.Go(func() {
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	seen, err := os.ReadDir(issuer)
	if err != nil || len(seen) != 1 {
		t.Errorf("%d processes made %d refreshes (%v), want 1", processes, len(seen), err)
	}
}

// The same within one process.
func TestManyGoroutinesRefreshOnce(t *testing.T) {
	s := newStore(t)
	save(t, s, key, set("one", noon))
	var wg sync.WaitGroup
	refreshes := make(chan struct{}, 100)
	for range 20 {
		wg.Go(func() {
			got, err := s.Fresh(t.Context(), key, noon, time.Minute, func(context.Context, token.Set) (token.Set, error) {
				refreshes <- struct{}{}
				return set("two", noon.Add(time.Hour)), nil
			})
			if err != nil || got.Access.Reveal() != "two" {
				t.Errorf("%q %v", got.Access.Reveal(), err)
			}
		})
	}
	wg.Wait()
	if n := len(refreshes); n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
}

// The margin may be longer than new tokens live. Those who waited still take
// them instead of asking for more.
func TestMarginLongerThanTokensLive(t *testing.T) {
	s := newStore(t)
	save(t, s, key, set("one", noon))
	var wg sync.WaitGroup
	refreshes := make(chan struct{}, 100)
	held := make(chan struct{})
	fresh := func() {
		got, err := s.Fresh(t.Context(), key, noon, 2*time.Hour, func(context.Context, token.Set) (token.Set, error) {
			refreshes <- struct{}{}
			<-held
			return set("two", noon.Add(time.Hour)), nil
		})
		if err != nil || got.Access.Reveal() != "two" {
			t.Errorf("%q %v", got.Access.Reveal(), err)
		}
	}
	wg.Go(fresh)
	for len(refreshes) == 0 {
		time.Sleep(time.Millisecond)
	}
	for range 5 {
		wg.Go(fresh)
	}
	time.Sleep(50 * time.Millisecond) // for them to have read the old ones; if not, the test passes all the same
	close(held)
	wg.Wait()
	if n := len(refreshes); n > 6 {
		t.Errorf("%d refreshes", n)
	}
}

// fileRing is a keyring that several processes see.
type fileRing struct{ path string }

func (r fileRing) Get() (string, error) {
	text, err := os.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", store.ErrNoKey
	}
	return string(text), err
}

func (r fileRing) Set(text string) error { return os.WriteFile(r.path, []byte(text), 0o600) }

// twoPlaces is the store of the processes that die: a disk, a memory that is
// none, a keyring.
func twoPlaces(dir string) *store.Places {
	ring := fileRing{filepath.Join(dir, "ring")}
	return &store.Places{
		Disk:   &store.Files{Dir: filepath.Join(dir, "disk"), Keyring: ring, LockLimit: 5 * time.Second},
		Memory: &store.Files{Dir: filepath.Join(dir, "memory"), LockLimit: 5 * time.Second},
	}
}

// deeds are what a process may die of: everything that writes. Each starts from
// the tokens "one", kept in some way, and would end with those it names.
func deeds() map[string]struct {
	before store.Kind // empty: nothing is stored
	after  string     // empty: nothing will be
	do     func(ctx context.Context, p *store.Places) error
} {
	type places = *store.Places
	one, two := set(strings.Repeat("1", 8000), noon), set(strings.Repeat("2", 8000), noon)
	refresh := func(ctx context.Context, p places) error {
		_, err := p.Fresh(ctx, key, noon, time.Minute, func(context.Context, token.Set) (token.Set, error) { return two, nil })
		return err
	}
	saveAs := func(kind store.Kind) func(context.Context, places) error {
		return func(ctx context.Context, p places) error {
			if kind == store.InKeyring {
				if err := p.Check(ctx, kind); err != nil {
					return err
				}
			}
			return p.Save(ctx, key, store.Login{Kind: kind}, two)
		}
	}
	moveTo := func(kind store.Kind) func(context.Context, places) error {
		return func(ctx context.Context, p places) error {
			if err := p.Disk.Check(ctx, store.InKeyring); err != nil {
				return err
			}
			return p.Move(ctx, key, kind)
		}
	}
	old, young := one.Access.Reveal(), two.Access.Reveal()
	return map[string]struct {
		before store.Kind
		after  string
		do     func(ctx context.Context, p places) error
	}{
		"first login":               {"", young, saveAs(store.InFile)},
		"first login, with keyring": {"", young, saveAs(store.InKeyring)},
		"login, sealed now":         {store.InFile, young, saveAs(store.InKeyring)},
		"login, in memory now":      {store.InKeyring, young, saveAs(store.InMemory)},
		"login, on disk now":        {store.InMemory, young, saveAs(store.InFile)},
		"refresh in a file":         {store.InFile, young, refresh},
		"refresh, sealed":           {store.InKeyring, young, refresh},
		"move to the keyring":       {store.InFile, old, moveTo(store.InKeyring)},
		"move to memory":            {store.InKeyring, old, moveTo(store.InMemory)},
		"move to a file":            {store.InMemory, old, moveTo(store.InFile)},
		"remember": {store.InKeyring, old, func(ctx context.Context, p places) error {
			return p.Remember(ctx, key, store.Login{APIs: []string{"https://api.example.com:443"}})
		}},
		"logout": {store.InKeyring, "", func(ctx context.Context, p places) error { return second(p.Delete(ctx, key)) }},
	}
}

// dieAt does a deed, and dies of a signal that cannot be caught at one of the
// points where something on disk has changed. Without so many it lives.
func dieAt(s *store.Files) int {
	p := twoPlaces(s.Dir)
	last, _ := strconv.Atoi(os.Getenv("STORE_TEST_POINT"))
	seen := 0
	stop := func(point string) {
		if seen++; seen == last {
			fmt.Println(point)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	p.Disk.StopAt(stop)
	p.Memory.StopAt(stop)
	if err := deeds()[os.Getenv("STORE_TEST_DEED")].do(context.Background(), p); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// Whatever a process does to the store, and wherever in it it dies: the tokens
// are those from before or the new ones, whole, and the next process can go on.
func TestKilledAtEveryWrite(t *testing.T) {
	for name, deed := range deeds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			points := 0
			for dead := true; dead; points++ {
				if points > 40 {
					t.Fatal("it dies without end")
				}
				dead = dieAndLook(t, name, points+1, deed.before, deed.after)
			}
			if points < 4 {
				t.Errorf("there were %d points to die at: the test looks at nothing", points)
			}
		})
	}
}

// dieAndLook reports whether the process died.
func dieAndLook(t *testing.T, deed string, point int, before store.Kind, after string) bool {
	t.Helper()
	dir := t.TempDir()
	one := strings.Repeat("1", 8000)
	if before != "" {
		p := twoPlaces(dir)
		if before == store.InKeyring {
			if err := p.Check(t.Context(), before); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Save(t.Context(), key, store.Login{Name: "Ada", Kind: before}, set(one, noon)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := child(t, "die", dir, "STORE_TEST_DEED="+deed, "STORE_TEST_POINT="+strconv.Itoa(point)).Output()
	var exit *exec.ExitError
	died := errors.As(err, &exit) && !exit.Exited()
	if err != nil && !died {
		t.Fatalf("point %d: %v: %s", point, err, out)
	}
	at := fmt.Sprintf("killed at point %d (%s)", point, strings.TrimSpace(string(out)))

	p := twoPlaces(dir)
	got, err := p.Load(key)
	a := got.Access.Reveal()
	switch {
	case errors.Is(err, store.ErrNone):
		if before != "" && after != "" {
			t.Errorf("%s: the tokens are gone", at)
		}
	case err != nil:
		t.Errorf("%s: %v", at, err)
	case got.Refresh.Reveal() != "refresh-of-"+a || a != after && (a != one || before == ""):
		t.Errorf("%s: tokens that never were", at)
	}
	if !died && err == nil && a != after || !died && (err == nil) != (after != "") {
		t.Errorf("it lived, and the tokens are not those it was to store: %v", err)
	}
	if _, infoErr := p.Info(key); (infoErr == nil) != (err == nil) {
		t.Errorf("%s: Info says %v, Load %v", at, infoErr, err)
	}
	// Whoever comes next is not stopped by it.
	next := twoPlaces(dir)
	if err := next.Check(t.Context(), store.InKeyring); err != nil {
		t.Errorf("%s: then %v", at, err)
	}
	if err := next.Save(t.Context(), key, store.Login{Kind: store.InKeyring}, set("next", noon)); err != nil {
		t.Errorf("%s: then %v", at, err)
	}
	if got, err := twoPlaces(dir).Load(key); err != nil || got.Access.Reveal() != "next" {
		t.Errorf("%s: then %q %v", at, got.Access.Reveal(), err)
	}
	return died
}

// logInOnce logs in unless somebody else has meanwhile; the issuer is a folder
// that each login leaves a file in.
func logInOnce(s *store.Files) int {
	unlock, waited, err := s.LockLogin(context.Background(), key, time.Minute, func() {})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer unlock()
	if waited {
		if got, err := s.Load(key); err == nil && got.Access.Reveal() == "two" {
			return 0
		}
	}
	f, err := os.CreateTemp(os.Getenv("STORE_TEST_ISSUER"), "login")
	if err != nil {
		return 1
	}
	_ = f.Close()
	time.Sleep(200 * time.Millisecond) // somebody types a password; the others come meanwhile
	if err := s.Save(context.Background(), key, store.Login{}, set("two", noon)); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// While one process logs in, others wait for it, and neither are reading and
// refreshing kept from their work.
func TestOneLoginAtATime(t *testing.T) {
	s, issuer := newStore(t), t.TempDir()
	unlock, waited, err := s.LockLogin(t.Context(), key, time.Second, func() { t.Error("waited for nobody") })
	if err != nil || waited {
		t.Fatal(waited, err)
	}
	var wg sync.WaitGroup
	for range 5 {
		c := child(t, "login", s.Dir, "STORE_TEST_ISSUER="+issuer)
		wg.Go(func() {
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	save(t, s, key, set("one", noon))
	if got, err := s.Fresh(t.Context(), key, noon.Add(-time.Hour), 0, never(t)); err != nil || got.Access.Reveal() != "one" {
		t.Errorf("reading during a login: %v", err)
	}
	said := false
	if _, waited, err := s.LockLogin(t.Context(), key, 30*time.Millisecond, func() { said = true }); err == nil || !waited || !said {
		t.Errorf("a second login: %v, waited %v, said so %v", err, waited, said)
	}
	if seen, _ := os.ReadDir(issuer); len(seen) != 0 {
		t.Errorf("%d logins during another", len(seen))
	}
	other, _, err := s.LockLogin(t.Context(), store.Key{Profile: "other"}, time.Second, func() { t.Error("waited for another profile") })
	if err != nil {
		t.Fatal(err)
	}
	other()
	unlock()
	wg.Wait()
	// All that waited may take the first one's login. One that came late, when
	// nobody was logging in, is a login of its own.
	if seen, _ := os.ReadDir(issuer); len(seen) < 1 || len(seen) > 5 {
		t.Errorf("%d logins", len(seen))
	}
}

// A process that dies while it holds the lock stops nobody.
func TestKilledWhileHolding(t *testing.T) {
	s := newStore(t)
	save(t, s, key, set("one", noon))
	c := child(t, "hold", s.Dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	s.LockLimit = 30 * time.Millisecond
	kind(t, s.Save(t.Context(), key, store.Login{}, set("x", noon)), fault.Failed, "another gatepass")
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	s.LockLimit = 5 * time.Second
	save(t, s, key, set("two", noon))
}

// writeOnFullDisk is a process whose files may have 4 KiB and no more.
func writeOnFullDisk(s *store.Files) int {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 4096, Max: 4096}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println("skip", err)
		return 0
	}
	err := s.Save(context.Background(), key, store.Login{}, big(1))
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Failed || !strings.Contains(f.Hint, "those from before are still there") {
		fmt.Println(err)
		return 1
	}
	limit.Cur = 1024
	if err := errors.Join(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit), s.Check(context.Background(), store.InFile)); err == nil || !strings.Contains(err.Error(), s.Dir) {
		fmt.Println("a login would begin:", err)
		return 1
	}
	_, err = s.Fresh(context.Background(), key, noon, time.Minute, func(context.Context, token.Set) (token.Set, error) {
		fmt.Println("refreshed, and the new refresh token will be lost")
		return big(1), nil
	})
	if !errors.As(err, &f) || f.Kind != fault.Failed {
		fmt.Println(err)
		return 1
	}
	fmt.Println("refused:", err)
	return 0
}

func TestFullDisk(t *testing.T) {
	s := newStore(t)
	save(t, s, key, set("one", noon))
	out, err := child(t, "full", s.Dir).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "refused:") || strings.Contains(string(out), "refreshed") {
		t.Fatalf("%v: %s", err, out)
	}
	if got, err := s.Load(key); err != nil || got.Access.Reveal() != "one" {
		t.Errorf("the old tokens are gone: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir, "*.new")); len(left) != 0 {
		t.Errorf("half-written tokens are left: %v", left)
	}
}

func TestModes(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0)) // whatever the user's umask is
	s := newStore(t)
	save(t, s, key, set("one", noon))
	for path, want := range map[string]fs.FileMode{s.Dir: 0o700, s.Where(key): 0o600, s.Where(key) + ".lock": 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", path, info.Mode().Perm(), err, want)
		}
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestOpenToOthers(t *testing.T) {
	s := newStore(t)
	save(t, s, key, set("one", noon))
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o602, 0o666} {
		chmod(t, s.Where(key), mode)
		kind(t, second(s.Load(key)), fault.Failed, "chmod 600 "+s.Where(key))
		kind(t, second(s.Info(key)), fault.Failed, "open to other users")
	}
	chmod(t, s.Where(key), 0o400)
	if _, err := s.Load(key); err != nil {
		t.Errorf("read-only: %v", err)
	}
	for _, mode := range []fs.FileMode{0o750, 0o705, 0o777} {
		chmod(t, s.Dir, mode)
		kind(t, second(s.Load(key)), fault.Failed, "chmod 700 "+s.Dir)
		kind(t, s.Save(t.Context(), key, store.Login{}, set("two", noon)), fault.Failed, "chmod 700 "+s.Dir)
	}
}

func TestOtherOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	s := newStore(t)
	save(t, s, key, set("one", noon))
	if err := os.Chown(s.Where(key), 12345, 12345); err != nil {
		t.Skip(err)
	}
	kind(t, second(s.Load(key)), fault.Failed, "belongs to another user (12345)")
	if err := os.Chown(s.Dir, 12345, 12345); err != nil {
		t.Skip(err)
	}
	kind(t, s.Check(t.Context(), store.InFile), fault.Failed, "belongs to another user")
}

// Nothing but a plain file is read or replaced.
func TestOtherThanFiles(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"symbolic link to tokens": func(path string) error {
			real := path + ".real"
			if err := os.Rename(path, real); err != nil {
				return err
			}
			return os.Symlink(real, path)
		},
		"dangling link": func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/nonexistent/tokens", path)) },
		"folder":        func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"pipe":          func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			save(t, s, key, set("one", noon))
			if err := make(s.Where(key)); err != nil {
				t.Fatal(err)
			}
			kind(t, second(s.Load(key)), fault.Failed, "emove it")
			kind(t, s.Save(t.Context(), key, store.Login{}, set("two", noon)), fault.Failed, "no ordinary file")
		})
	}
}

func TestFolderIsALink(t *testing.T) {
	real := filepath.Join(t.TempDir(), "real")
	save(t, &store.Files{Dir: real}, key, set("one", noon))
	s := &store.Files{Dir: filepath.Join(t.TempDir(), "link")}
	if err := os.Symlink(real, s.Dir); err != nil {
		t.Fatal(err)
	}
	kind(t, second(s.Load(key)), fault.Failed, "is no folder")
	kind(t, s.Save(t.Context(), key, store.Login{}, set("two", noon)), fault.Failed, "is no folder")
}
