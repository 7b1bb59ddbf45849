package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long anything may take before a test gives up.
const patience = 90 * time.Second

// binDir is where the binary under test is built; TestMain removes it.
var binDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "gatepass-e2e-") })

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := binDir(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// gatepass is the path of the binary, built once.
var gatepass = sync.OnceValues(func() (string, error) {
	dir, err := binDir()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "gatepass")
	out, err := exec.Command("go", "build", "-o", bin, "gatepass").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
})

// need skips the test unless all it needs is installed.
func need(t *testing.T) {
	t.Helper()
	missing := lacking()
	switch {
	case missing == "":
	case os.Getenv("GATEPASS_E2E") == "required":
		t.Fatalf("the browser test cannot run: %s", missing)
	default:
		t.Skipf("the browser test does not run here: %s", missing)
	}
}

func lacking() string {
	if runtime.GOOS != "linux" {
		return "it is written for Linux"
	}
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		return "Node.js is not installed"
	}
	version := strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < 20 {
		return "Node.js 20 or newer is needed, this is " + version
	}
	for _, module := range []string{"oidc-provider", "playwright-core"} {
		if _, err := os.Stat(filepath.Join("node_modules", module)); err != nil {
			return "the npm module " + module + ` is not installed: run "npm ci" in cmd/e2e`
		}
	}
	if _, err := exec.LookPath(chromium()); err != nil {
		return "Chromium is not installed at " + chromium()
	}
	return ""
}

func chromium() string {
	if path := os.Getenv("E2E_CHROMIUM"); path != "" {
		return path
	}
	return "/usr/bin/chromium"
}

// freePort is a port nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// provider is a running server.mjs.
type provider struct{ Issuer, Resource, Secret, Password string }

func startProvider(t *testing.T, redirectURI string, accessTTL time.Duration, more ...string) provider {
	t.Helper()
	var p provider
	env := append(os.Environ(), "E2E_REDIRECT_URI="+redirectURI, fmt.Sprintf("E2E_ACCESS_TTL=%d", int(accessTTL.Seconds())))
	start(t, &p, ".", append(env, more...), "node", "server.mjs")
	return p
}

// start runs a server in a folder until the test ends and decodes the JSON it
// prints when it is ready. Its standard input ends with the test, too.
func start(t *testing.T, ready any, dir string, env []string, name string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir, c.Env = dir, env
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	err = json.NewDecoder(stdout).Decode(ready)
	late.Stop()
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	t.Cleanup(func() {
		_ = c.Wait() // the test's context has ended, so it has been interrupted
		if t.Failed() {
			t.Logf("%s %s said:\n%s", filepath.Base(name), strings.Join(args, " "), &stderr)
		}
	})
	if err != nil {
		t.Fatalf("%s is not ready: %v\n%s", name, err, &stderr)
	}
}

// person is somebody at the browser, and what they do there.
type person struct {
	Username   string  `json:"username,omitempty"`
	Password   *string `json:"password"` // nil: a click on the user is enough
	Do         string  `json:"do,omitempty"`
	JavaScript *bool   `json:"javascript,omitempty"`
	Proceed    bool    `json:"proceed,omitempty"` // past the warning of a certificate
}

// seen is what the browser saw.
type seen struct {
	Asked, Title, URL, Text string
	Problems                []string
}

// browse runs the browser with a URL.
func browse(t *testing.T, who person, url string) seen {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seen.json")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, "node", "browser.mjs", url)
	c.Env = who.env(t, file)
	out, err := c.CombinedOutput()
	s := readSeen(t, file)
	if err != nil || len(s.Problems) > 0 {
		t.Fatalf("the browser: %v %v\n%s\non %s:\n%s", err, s.Problems, out, s.URL, s.Text)
	}
	return s
}

func (who person) env(t *testing.T, file string) []string {
	t.Helper()
	data, err := json.Marshal(who)
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "E2E_PERSON="+string(data), "E2E_SEEN="+file, "E2E_CHROMIUM="+chromium())
}

func readSeen(t *testing.T, file string) seen {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		return seen{Problems: []string{err.Error()}}
	}
	var s seen
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// user is a gatepass user: a project folder, a home and a terminal without
// anybody at it.
type user struct {
	*testing.T
	dir string
	env []string
}

func newUser(t *testing.T) *user {
	t.Helper()
	dir := t.TempDir()
	return &user{t, dir, append(os.Environ(), "GATEPASS_HOME="+filepath.Join(dir, "home"), "GATEPASS_STORE=file", "NO_COLOR=1", "TZ=UTC")}
}

// as is the same user in a subtest.
func (u *user) as(t *testing.T) *user { return &user{t, u.dir, u.env} }

// write makes a file in the project folder.
func (u *user) write(name, text string) {
	u.Helper()
	if err := os.WriteFile(filepath.Join(u.dir, name), []byte(text), 0o600); err != nil {
		u.Fatal(err)
	}
}

// result is how a command ended.
type result struct {
	code        int
	out, errOut string
}

// run runs gatepass. What it does is shown with -v: a reader of the log follows
// the story.
func (u *user) run(env []string, args ...string) result {
	u.Helper()
	bin, err := gatepass()
	if err != nil {
		u.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(u.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, bin, args...)
	c.Dir, c.Env = u.dir, append(append([]string{}, u.env...), env...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err = c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		u.Fatalf("gatepass %s: %v", strings.Join(args, " "), err)
	}
	r := result{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	u.Logf("$ gatepass %s  (exit %d)\n%s%s", strings.Join(args, " "), r.code, redact(r.out), r.errOut)
	return r
}

// redact keeps tokens out of the log.
func redact(s string) string {
	return regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`).ReplaceAllString(s, "eyJ…")
}

// ok runs gatepass and wants exit 0.
func (u *user) ok(args ...string) string {
	u.Helper()
	return u.exits(0, args...).out
}

// exits runs gatepass and wants an exit code.
func (u *user) exits(code int, args ...string) result {
	u.Helper()
	r := u.run(nil, args...)
	if r.code != code {
		u.Fatalf("gatepass %s: exit %d, want %d", strings.Join(args, " "), r.code, code)
	}
	return r
}

// login runs "gatepass login" with somebody at the browser.
func (u *user) login(who person, env []string, args ...string) (result, seen) {
	u.Helper()
	driver, err := filepath.Abs("browser.mjs")
	if err != nil {
		u.Fatal(err)
	}
	dir := u.TempDir()
	file, browser := filepath.Join(dir, "seen.json"), filepath.Join(dir, "browser")
	script := "#!/bin/sh\nexec node '" + driver + "' \"$1\" >'" + file + ".log' 2>&1\n"
	if err := os.WriteFile(browser, []byte(script), 0o700); err != nil {
		u.Fatal(err)
	}
	env = append(env, "BROWSER="+browser)
	r := u.run(append(who.env(u.T, file), env...), append([]string{"login"}, args...)...)
	return r, u.await(file)
}

// await waits for the browser to be done: it may be so after gatepass is.
func (u *user) await(file string) seen {
	u.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		data, err := os.ReadFile(file)
		var s seen
		if err == nil && json.Unmarshal(data, &s) == nil {
			if len(s.Problems) > 0 {
				u.Fatalf("the browser: %v\non %s:\n%s", s.Problems, s.URL, s.Text)
			}
			return s
		}
	}
	log, _ := os.ReadFile(file + ".log")
	u.Fatalf("the browser was not opened, or is stuck\n%s", log)
	return seen{}
}

// answer sends a request and reads the answer.
func (u *user) answer(r *http.Request) (status int, body string) {
	u.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		u.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		u.Fatal(err)
	}
	return resp.StatusCode, string(data)
}
