package cmd_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/pkg/store"
)

// keyring is one that works, or gives an error, and counts.
type keyring struct {
	mu   sync.Mutex
	text string
	err  error
	asks int
}

func (k *keyring) Get() (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asks++
	if k.err == nil && k.text == "" {
		return "", store.ErrNoKey
	}
	return k.text, k.err
}

func (k *keyring) Set(text string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asks++
	k.text = text
	return k.err
}

// kept is how status says that the login is kept.
func (d *desk) kept() string {
	d.t.Helper()
	out, _ := d.run(0, "status", "--json")
	var s struct{ Store string }
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		d.t.Fatal(err)
	}
	return s.Store
}

// readable reports whether tokens can be read in the store's file.
func (d *desk) readable() bool { return strings.Contains(string(d.file()), "access_token") }

func TestKeyringIsTheDefault(t *testing.T) {
	d := newDesk(t)
	ring := new(keyring)
	d.keyring = ring
	out, errs := d.run(0, "login")
	has(t, out, "logged in as Ada", "sealed by the keyring")
	if strings.Contains(errs, "keyring") || d.readable() || d.kept() != "keyring" {
		t.Errorf("kept in %s: %s%s", d.kept(), errs, d.file())
	}
	raw, _ := d.run(0, "token")
	d.change(func() { d.later = 2 * time.Hour })
	if renewed, _ := d.run(0, "token"); renewed == raw || d.readable() {
		t.Error("not renewed, or not sealed again")
	}
	// A keyring that is locked: what is stored stays, and a login needs no keyring.
	ring.err = errors.New("locked")
	_, errs = d.run(4, "token")
	has(t, errs, "locked", "--store file")
	_, errs = d.run(0, "login")
	has(t, errs, "the keyring cannot be used: locked", "only you can read")
	if d.kept() != "file" || !d.readable() {
		t.Errorf("kept in %s", d.kept())
	}
	// It was said once.
	if _, errs = d.run(0, "login", "--force"); strings.Contains(errs, "keyring") {
		t.Errorf("said again: %s", errs)
	}
	// Whoever wants it sealed gets that, or nothing.
	before := string(d.file())
	_, errs = d.run(1, "login", "--force", "--require-keyring")
	has(t, errs, "locked", "--store file")
	_, errs = d.run(1, "login", "--store", "keyring")
	has(t, errs, "locked")
	_, errs = d.run(2, "login", "--require-keyring", "--store", "file")
	has(t, errs, "--require-keyring, and store is file (flag --store)")
	if string(d.file()) != before {
		t.Error("the stored tokens have changed")
	}
	ring.err = nil
	pages := len(d.opened)
	out, _ = d.run(0, "login", "--require-keyring")
	has(t, out, "still logged in", "sealed by the keyring")
	if d.readable() || len(d.opened) != pages {
		t.Error("not sealed, or a new login")
	}
	d.run(0, "token")
	d.run(0, "logout")
	if d.file() != nil {
		t.Error("the tokens are still there")
	}
}

// Nothing is asked of anybody before it is known that the keyring works.
func TestRequireKeyringComesFirst(t *testing.T) {
	d := newDesk(t)
	_, errs := d.run(1, "login", "--require-keyring")
	has(t, errs, "there is none here")
	if len(d.opened) != 0 || d.file() != nil {
		t.Error("the browser was opened")
	}
}

func TestStoreIsChosen(t *testing.T) {
	shm, err := os.MkdirTemp("/dev/shm", "gatepass-test-") //nolint:usetesting // t.TempDir is on a disk
	if err != nil {
		t.Skip("there is no folder in memory: ", err)
	}
	defer func() { _ = os.RemoveAll(shm) }()
	d := newDesk(t)
	d.memory = filepath.Join(shm, "tokens")
	ring := new(keyring)
	d.keyring = ring
	d.env["GATEPASS_STORE"] = "memory"
	out, _ := d.run(0, "login")
	has(t, out, shm, "in memory")
	if d.file() != nil || d.kept() != "memory" || ring.asks != 0 {
		t.Errorf("on disk: %s; kept in %s; the keyring was asked %d times", d.file(), d.kept(), ring.asks)
	}
	raw, _ := d.run(0, "token")
	// The login remembers how it is kept, whatever is set later.
	d.env["GATEPASS_STORE"] = "file"
	if again, _ := d.run(0, "token"); again != raw || d.kept() != "memory" {
		t.Error("the choice was not remembered")
	}
	d.change(func() { d.later = 2 * time.Hour })
	d.run(0, "token")
	if d.kept() != "memory" || d.file() != nil {
		t.Error("a refresh has put the tokens on a disk")
	}
	// A login that goes on moves, without a browser.
	d.run(0, "login")
	if d.kept() != "file" || !d.readable() || len(d.opened) != 1 {
		t.Errorf("kept in %s, %d pages opened", d.kept(), len(d.opened))
	}
	if left, _ := filepath.Glob(filepath.Join(d.memory, "*.json")); len(left) != 0 {
		t.Errorf("tokens are left in memory: %v", left)
	}
	d.run(0, "login", "--store", "keyring")
	if d.kept() != "keyring" || d.readable() {
		t.Errorf("kept in %s", d.kept())
	}
	d.run(0, "login", "--force", "--store", "memory")
	if d.file() != nil {
		t.Error("the old tokens are still on the disk")
	}
	d.run(0, "logout")
	d.run(4, "status")
	_, errs := d.run(2, "login", "--store", "cloud")
	has(t, errs, "want one of keyring, file, memory")
	d.memory = ""
	_, errs = d.run(2, "login", "--store", "memory")
	has(t, errs, "cannot be kept in memory on this system")
}

// A project's file that chooses the plain file is named for it.
func TestProjectChoosesFile(t *testing.T) {
	d := newDesk(t)
	d.keyring = new(keyring)
	d.project("store: file")
	_, errs := d.run(0, "login")
	has(t, errs, "kept in a file, not in the keyring, because gatepass.yaml:5 says so")
}

// project writes a project's file with more settings of its one profile.
func (d *desk) project(lines ...string) {
	d.t.Helper()
	d.in = ""
	dir := filepath.Join(d.home, "project")
	if err := os.MkdirAll(filepath.Join(dir, ".git"), 0o700); err != nil {
		d.t.Fatal(err)
	}
	text := "version: 1\nprofiles:\n  default:\n    scopes: [openid, profile, groups]\n    " + strings.Join(lines, "\n    ") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "gatepass.yaml"), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.dir = dir
}

// status says what it knows without the keyring and the network.
func TestStatusAsksNobody(t *testing.T) {
	d := newDesk(t)
	ring := new(keyring)
	d.keyring = ring
	all := [][]string{{"status"}, {"status", "--json"}, {"status", "--check"}, {"status", "--prompt"}, {"status", "--min-ttl", "1m"}}
	for _, args := range all {
		d.run(4, args...)
	}
	d.run(0, "login")
	asked := ring.asks
	d.change(func() { d.down = true })
	for _, args := range all {
		d.run(0, args...)
	}
	if ring.asks != asked {
		t.Errorf("status asked the keyring %d times", ring.asks-asked)
	}
}

func TestStatusCheckAndPrompt(t *testing.T) {
	d := newDesk(t)
	say := func(exit int, want string, args ...string) {
		t.Helper()
		out, errs := d.run(exit, append([]string{"status"}, args...)...)
		if strings.TrimSuffix(out, "\n") != want || errs != "" {
			t.Errorf("status %v: %q %q, want %q", args, out, errs, want)
		}
	}
	say(4, "", "--check")
	say(4, "default: logged out", "--prompt")
	d.run(0, "login")
	say(0, "", "--check")
	say(0, "", "--check", "--min-ttl", "50m")
	say(4, "", "--check", "--min-ttl", "2h")
	d.change(func() { d.later = 10*time.Minute + 30*time.Second })
	say(0, "default: Ada Lovelace 49m", "--prompt")
	say(4, "default: Ada Lovelace 49m", "--prompt", "--min-ttl", "2h")
	d.change(func() { d.later = 2 * time.Hour })
	say(0, "", "--check")
	say(4, "", "--check", "--min-ttl", "1s")
	say(0, "default: Ada Lovelace renews", "--prompt")
	for _, args := range [][]string{{"--check", "--prompt"}, {"--check", "--json"}, {"--prompt", "--json"}} {
		_, errs := d.run(2, append([]string{"status"}, args...)...)
		has(t, errs, "one of --check, --prompt and --json")
	}
	d.env = map[string]string{}
	say(4, "", "--prompt")
	d.run(2, "status", "--check", "--profile", "nobody")
}

// Of two logins at once the second waits, and takes what the first got: also
// where both are to be new ones.
func TestSecondLoginWaits(t *testing.T) {
	for _, args := range [][]string{{"login", "--json"}, {"login", "--json", "--force"}} {
		d := newDesk(t)
		first, second := make(chan struct{}), make(chan string)
		d.page = func() {
			close(first)
			time.Sleep(300 * time.Millisecond) // somebody reads a page; the second login starts meanwhile
		}
		go func() {
			<-first
			d.page = nil
			out, errs := d.run(0, args...)
			second <- out + errs
		}()
		out, _ := d.run(0, "login", "--force")
		has(t, out, "logged in as Ada")
		has(t, <-second, "another login with the profile default is under way", `"already": true`)
		if len(d.opened) != 1 {
			t.Errorf("%v: %d pages were opened, want 1", args, len(d.opened))
		}
		// One that starts later is a login of its own.
		d.run(0, "login", "--force")
		if len(d.opened) != 2 {
			t.Errorf("%v: %d pages were opened, want 2", args, len(d.opened))
		}
	}
}

// A token goes to the API that the login was for. A project's file, which comes
// with a clone of somebody's repository, does not change that.
func TestTokenIsBoundToAPI(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	api := func(name string) string {
		ts := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if r.Header.Get("Authorization") != "" {
				seen = append(seen, name)
			}
		}))
		t.Cleanup(ts.Close)
		return ts.URL
	}
	got := func() string {
		mu.Lock()
		defer mu.Unlock()
		s := strings.Join(seen, " ")
		seen = nil
		return s
	}
	ours, theirs := api("ours"), api("theirs")
	d := newDesk(t)
	d.project("api: {url: " + ours + "}")
	d.run(0, "login")
	out, _ := d.run(0, "status")
	has(t, out, "for the API", ours)
	d.run(0, "call", "/x")
	if s := got(); s != "ours" {
		t.Fatalf("called %q", s)
	}

	// The same profile, issuer and client, another API.
	d.project("api: {url: " + theirs + "}")
	for _, args := range [][]string{{"call", "/x"}, {"call", theirs + "/x"}, {"call", "-L", "POST", "/x", "-d", "y"}} {
		_, errs := d.run(2, args...)
		has(t, errs, "is for "+ours, "gatepass.yaml:5 names another: "+theirs, "hint: if the token may go there, say so by logging in again: gatepass login")
	}
	d.change(func() { d.later = 2 * time.Hour }) // not even after a refresh
	d.run(2, "call", "/x")
	d.run(2, "token", "--format", "netrc") // which names the API
	d.run(0, "call", "--no-token", "/x")
	if s := got(); s != "" {
		t.Fatalf("the token went to %s", s)
	}
	// What the user says by hand counts.
	d.run(0, "call", "/x", "--api-url", theirs)
	d.env["GATEPASS_API_URL"] = theirs
	d.run(0, "call", "/x")
	delete(d.env, "GATEPASS_API_URL")
	if s := got(); s != "theirs theirs" {
		t.Fatalf("called %q", s)
	}
	d.run(2, "call", "/x") // and is no leave for the file

	pages := len(d.opened)
	_, errs := d.run(0, "login")
	has(t, errs, "the token may go to "+theirs+" from now on, as it may to "+ours)
	if len(d.opened) != pages {
		t.Error("a browser was opened")
	}
	d.run(0, "call", "/x")
	d.project("api: {url: " + ours + "}")
	d.run(0, "call", "/x")
	if s := got(); s != "theirs ours" {
		t.Fatalf("called %q", s)
	}
}

// A login without an API takes the first that the user names, not one that a
// project's file does.
func TestFirstUseOfAPI(t *testing.T) {
	var calls int
	ts := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
	defer ts.Close()
	d := newDesk(t)
	d.run(0, "login")
	d.project("api: {url: " + ts.URL + "}")
	_, errs := d.run(2, "call", "/x")
	has(t, errs, "is for no API")
	d.run(0, "call", "/x", "--api-url", ts.URL)
	d.run(0, "call", "/x") // the file names what the user did
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
	d.project("api: {url: http://127.0.0.1:1}")
	_, errs = d.run(2, "call", "/x")
	has(t, errs, "is for "+ts.URL)
}
