package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/store"
)

// useSecretService is one process that works with sealed tokens.
func useSecretService(s *store.Files) int {
	ctx := context.Background()
	s.Keyring = store.System{}
	var err error
	switch os.Getenv("STORE_TEST_DEED") {
	case "login":
		if err = s.Check(ctx, store.InKeyring); err == nil {
			err = s.Save(ctx, key, store.Login{Name: "Ada", Kind: store.InKeyring}, set("one", noon))
		}
	case "token":
		got, loadErr := s.Load(key)
		if err = loadErr; err == nil && got.Access.Reveal() != "one" {
			err = errors.New("other tokens")
		}
	case "probe":
		s.KeyringLimit = time.Second
		start := time.Now()
		err = s.Check(ctx, store.InKeyring)
		if !errors.Is(err, store.ErrKeyring) || time.Since(start) > 2*time.Second {
			fmt.Println("after", time.Since(start), err)
			return 1
		}
		return 0
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// bus is a D-Bus of this test's own, with a Secret Service on it.
type bus struct {
	t       *testing.T
	home    string
	address string
}

// startBus skips the test where the programs are missing, unless everything must
// be tested.
func startBus(t *testing.T) *bus {
	t.Helper()
	for _, program := range []string{"dbus-daemon", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("GATEPASS_E2E") == "required" {
				t.Fatalf("%s is not installed, and GATEPASS_E2E=required", program)
			}
			t.Skipf("%s is not installed: the Secret Service is not tested", program)
		}
	}
	b := &bus{t: t, home: t.TempDir()}
	c := exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address",
		"--address=unix:path="+filepath.Join(b.home, "bus"))
	c.Env = b.env()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.start(c)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("dbus-daemon: %v", err)
	}
	b.address = strings.TrimSpace(line)
	return b
}

// env is the environment of everything on the bus: nothing of this machine's own
// sessions.
func (b *bus) env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + b.home, "XDG_RUNTIME_DIR=" + b.home, "XDG_DATA_HOME=" + filepath.Join(b.home, "data"),
		"XDG_CONFIG_HOME=" + filepath.Join(b.home, "config"), "XDG_CACHE_HOME=" + filepath.Join(b.home, "cache"),
		"DBUS_SESSION_BUS_ADDRESS=" + b.address,
	}
}

func (b *bus) start(c *exec.Cmd) {
	b.t.Helper()
	if err := c.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
}

// keyring starts the service with a keyring that is unlocked.
func (b *bus) keyring() {
	b.t.Helper()
	c := exec.Command("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets", "--control-directory="+filepath.Join(b.home, "control"))
	c.Env, c.Stdin = b.env(), strings.NewReader("a password")
	b.start(c)
	// It is on the bus when it says so.
	for deadline := time.Now().Add(20 * time.Second); ; {
		ask := exec.Command("dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
			"org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets")
		ask.Env = b.env()
		if out, err := ask.CombinedOutput(); err == nil && strings.Contains(string(out), "true") {
			return
		} else if time.Now().After(deadline) {
			b.t.Fatalf("the Secret Service does not come up: %v %s", err, out)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (b *bus) run(deed, dir string) error {
	c := child(b.t, "service", dir)
	c.Env = append(b.env(), "GORACE=atexit_sleep_ms=0", roleVariable+"=service", "STORE_TEST_DIR="+dir, "STORE_TEST_DEED="+deed)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", deed, err, out)
	}
	return nil
}

func TestE2ESecretService(t *testing.T) {
	b, s := startBus(t), newStore(t)
	b.keyring()
	for _, deed := range []string{"login", "token", "login", "token"} {
		if err := b.run(deed, s.Dir); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := s.Info(key); err != nil || info.Kind != store.InKeyring || info.Name != "Ada" {
		t.Errorf("%+v %v", info, err)
	}
	data, err := os.ReadFile(s.Where(key))
	if err != nil || strings.Contains(string(data), "refresh-of-one") {
		t.Errorf("%v: the tokens are readable: %s", err, data)
	}
}

// A bus without a Secret Service, or with one that nobody unlocks, and no bus at
// all: that is found out within the limit.
func TestE2ENoSecretService(t *testing.T) {
	b, s := startBus(t), newStore(t)
	if err := b.run("probe", s.Dir); err != nil {
		t.Error(err)
	}
	b.address = "unix:path=" + filepath.Join(b.home, "nothing")
	if err := b.run("probe", s.Dir); err != nil {
		t.Error(err)
	}
}
