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
	case "write":
		for n := 0; ; n++ {
			if err := s.Save(context.Background(), key, "", big(n)); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			if n == 0 {
				fmt.Println("writing")
			}
		}
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
	c.Env = append(os.Environ(), append(env, roleVariable+"="+role, "STORE_TEST_DIR="+dir)...)
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

// A process that is killed while it writes leaves the old or the new file, whole,
// and no lock.
func TestKilledWhileWriting(t *testing.T) {
	s := newStore(t)
	for round := range 15 {
		c := child(t, "write", s.Dir)
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
		time.Sleep(time.Duration(round*7%20) * time.Millisecond / 4)
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		got, err := s.Load(key)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if a := got.Access.Reveal(); len(a) != 20000 || strings.Trim(a, a[:1]) != "" || got.Refresh.Reveal() != "refresh-of-"+a {
			t.Fatalf("round %d: a mixture of two files", round)
		}
		quick := &store.Files{Dir: s.Dir, LockLimit: 5 * time.Second}
		save(t, quick, key, big(round))
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
	kind(t, s.Save(t.Context(), key, "", set("x", noon)), fault.Failed, "another gatepass")
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
	err := s.Save(context.Background(), key, "", big(1))
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Failed || !strings.Contains(f.Hint, "those from before are still there") {
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
	if err != nil || !strings.Contains(string(out), "refused:") {
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
		kind(t, s.Save(t.Context(), key, "", set("two", noon)), fault.Failed, "chmod 700 "+s.Dir)
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
	kind(t, s.Check(), fault.Failed, "belongs to another user")
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
			kind(t, s.Save(t.Context(), key, "", set("two", noon)), fault.Failed, "no ordinary file")
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
	kind(t, s.Save(t.Context(), key, "", set("two", noon)), fault.Failed, "is no folder")
}
