package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pty is a pseudo-terminal: what is written to the keyboard is typed at it, and
// what programs write to the terminal comes from the screen.
type pty struct {
	t        *testing.T
	keyboard *os.File
	terminal *os.File
	screen   chan string
	shown    string // all that has come so far
	seen     int    // how much of it has been expected already
}

// openPTY opens a pseudo-terminal until the test ends, see pty(7).
func openPTY(t *testing.T) *pty {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("there are no pseudo-terminals: %v", err)
	}
	p := &pty{t: t, keyboard: os.NewFile(uintptr(fd), "/dev/ptmx"), screen: make(chan string, 1)}
	t.Cleanup(func() { _ = p.keyboard.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatalf("TIOCSPTLCK: %v", err)
	}
	number, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatalf("TIOCGPTN: %v", err)
	}
	p.terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() { defer close(read); p.read() }()
	t.Cleanup(func() {
		_ = p.terminal.Close() // the last one: reading ends with EIO
		go func() {
			for range p.screen {
			}
		}()
		<-read
	})
	return p
}

func (p *pty) read() {
	defer close(p.screen)
	buf := make([]byte, 4<<10)
	for {
		n, err := p.keyboard.Read(buf)
		if n > 0 {
			p.screen <- string(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// attributes are the settings of the terminal, such as echo.
func (p *pty) attributes() unix.Termios {
	p.t.Helper()
	a, err := unix.IoctlGetTermios(int(p.terminal.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return *a
}

// typed types at the keyboard.
func (p *pty) typed(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.keyboard, text); err != nil {
		p.t.Fatal(err)
	}
}

// expect waits for text after what was expected before and returns it, or the
// group in it.
func (p *pty) expect(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		if at := re.FindStringSubmatchIndex(p.shown[p.seen:]); at != nil {
			rest := p.shown[p.seen:]
			p.seen += at[1]
			return rest[at[len(at)-2]:at[len(at)-1]]
		}
		select {
		case text, ok := <-p.screen:
			if !ok {
				p.t.Fatalf("the terminal is gone, and showed no %s:\n%q", pattern, p.shown)
			}
			p.shown += text
		case <-late:
			p.t.Fatalf("the terminal never showed %s:\n%q", pattern, p.shown)
		}
	}
}

// lines are what a person sees of all that was shown: a carriage return goes back
// to the start of the line, what comes then is written over it, and ESC [K erases
// the rest.
func (p *pty) lines() []string {
	var all []string
	for _, line := range strings.Split(p.shown, "\n") {
		var cells []rune
		for _, part := range strings.Split(line, "\r") {
			before, after, erased := strings.Cut(part, "\x1b[K")
			over := []rune(before)
			if erased {
				cells = append(over, []rune(after)...)
				continue
			}
			cells = append(over, cells[min(len(over), len(cells)):]...)
		}
		all = append(all, strings.TrimRight(string(cells), " "))
	}
	return all
}

// dialogue is gatepass at a terminal, leading its session.
type dialogue struct {
	*pty
	command *exec.Cmd
	ended   chan struct{}
	before  unix.Termios
}

// atTerminal starts gatepass at a terminal of its own. Where the person sits must
// not depend on how this test was reached.
func (u *user) atTerminal(args ...string) *dialogue {
	u.Helper()
	bin, err := gatepass()
	if err != nil {
		u.Fatal(err)
	}
	d := &dialogue{pty: openPTY(u.T), ended: make(chan struct{})}
	ctx, cancel := context.WithTimeout(u.Context(), 2*patience)
	c := exec.CommandContext(ctx, bin, args...)
	c.Dir, c.Env = u.dir, append(append([]string{}, u.env...), "SSH_CONNECTION=", "BROWSER=")
	c.Stdin, c.Stdout, c.Stderr = d.terminal, d.terminal, d.terminal
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	d.command, d.before = c, d.attributes()
	if err := c.Start(); err != nil {
		cancel()
		u.Fatal(err)
	}
	go func() { defer close(d.ended); _ = c.Wait() }()
	u.Cleanup(func() { cancel(); <-d.ended }) // before the terminal is closed
	return d
}

// end waits for the end of the program and of what it shows, and returns the exit
// code. The terminal must be as it was.
func (d *dialogue) end() int {
	d.t.Helper()
	for running := true; running; {
		select {
		case <-d.ended:
			running = false
		case text := <-d.screen:
			d.shown += text
		}
	}
	if after := d.attributes(); after != d.before {
		d.t.Errorf("the terminal was\n%+v and is\n%+v", d.before, after)
	}
	// What it wrote is there by now, in order; this comes after it.
	const mark = "~ the program has ended ~"
	_, _ = io.WriteString(d.terminal, mark)
	d.expect(regexp.QuoteMeta(mark))
	d.shown = strings.TrimSuffix(d.shown, mark)
	lines := d.lines()
	d.t.Logf("$ gatepass %s  (exit %d)\n%s", strings.Join(d.command.Args[1:], " "), d.command.ProcessState.ExitCode(), strings.Join(lines, "\n"))
	if last := lines[len(lines)-1]; last != "" {
		d.t.Errorf("the shell's prompt comes after %q", last)
	}
	for _, line := range lines { // one with an answer typed behind it stays
		if regexp.MustCompile(`^ *\d+:\d\d left$`).MatchString(line) {
			d.t.Errorf("left on the screen: %q", line)
		}
	}
	return d.command.ProcessState.ExitCode()
}

// standIn is a stand-in that knows ada and asks her nothing.
type standIn struct{ issuer, clientID, redirectURI string }

func newStandIn(u *user) standIn {
	u.Helper()
	bin, err := gatepass()
	if err != nil {
		u.Fatal(err)
	}
	uri := fmt.Sprintf("http://127.0.0.1:%d/callback", freePort(u.T))
	var idp struct {
		Issuer  string
		Clients []struct{ ClientID string }
	}
	start(u.T, &idp, u.dir, u.env, bin, "idp", "--json", "--listen", "127.0.0.1:0", "--redirect-uri", uri, "--auto-login", "ada")
	u.write("gatepass.yaml", fmt.Sprintf("version: 1\nprofiles:\n  idp: {issuer: %q, client_id: %q, redirect_uris: [%q], scopes: [openid, profile]}\n",
		idp.Issuer, idp.Clients[0].ClientID, uri))
	return standIn{idp.Issuer, idp.Clients[0].ClientID, uri}
}

// visit is a browser on another machine: it follows the login to the redirect
// URI, which it cannot reach, and shows that address.
func (s standIn) visit(t *testing.T, page string) string {
	t.Helper()
	far := http.Client{Timeout: patience, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), s.redirectURI) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := far.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	at, err := resp.Location()
	if err != nil || !strings.HasPrefix(at.String(), s.redirectURI) || !at.Query().Has("code") {
		t.Fatalf("the login at %s ends with %s at %v: %v", page, resp.Status, at, err)
	}
	return at.String()
}

// withState is an address with another state.
func withState(t *testing.T, address, state string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("state", state)
	u.RawQuery = q.Encode()
	return u.String()
}

// page is the URL of the login page on the screen, and must be alone in its line.
func (d *dialogue) page(issuer string) string {
	d.t.Helper()
	d.expect(`Open this page in a browser:\r\n`)
	page := d.expect(`(?m)^ +(` + regexp.QuoteMeta(issuer) + `/auth\?\S+)\r\n`)
	d.expect(`paste it here`)
	d.expect(`\d:\d\d left`)
	return page
}

// TestE2EPastedAnswer is a login at a terminal whose browser is elsewhere: the
// address that the browser ends at is pasted, after two that are not it.
func TestE2EPastedAnswer(t *testing.T) {
	u := newUser(t)
	s := newStandIn(u)
	d := u.atTerminal("login", "--no-browser")
	address := s.visit(t, d.page(s.issuer))

	d.typed("what do I paste here?\r")
	d.expect(`gatepass: that is not the address the browser was sent to`)
	d.expect(`\d:\d\d left`) // and it goes on
	d.typed(withState(t, address, "another") + "\r")
	d.expect(`gatepass: the answer is not to this login: its state is missing or wrong`)
	d.expect(`\d:\d\d left`)
	u.exits(4, "token")
	d.typed(address + "\r")
	if code := d.end(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	if !strings.Contains(d.shown, "Ada Lovelace") {
		t.Error("the screen does not say who is logged in")
	}
	if access := strings.TrimSpace(u.ok("token")); strings.Contains(d.shown, access) {
		t.Error("the access token is on the screen")
	}
	if out := u.ok("whoami", "--json"); !strings.Contains(out, "Ada Lovelace") {
		t.Errorf("whoami: %s", out)
	}
}

// TestE2EInterruptedLogin ends a login with Ctrl-C, with half an answer typed.
func TestE2EInterruptedLogin(t *testing.T) {
	u := newUser(t)
	s := newStandIn(u)
	d := u.atTerminal("login", "--no-browser")
	d.page(s.issuer)
	d.typed("http://half")
	d.expect("http://half")
	d.typed("\x03")
	if code := d.end(); code != 130 {
		t.Errorf("exit %d, want 130", code)
	}
	if lines := d.lines(); lines[len(lines)-2] != "gatepass: interrupted" || !strings.Contains(lines[len(lines)-3], "left") {
		t.Errorf("the screen ends with %q", lines[len(lines)-3:])
	}
	u.exits(4, "token")
	uri, err := url.Parse(s.redirectURI)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", uri.Host)
	if err != nil {
		t.Fatalf("the redirect URI's port is still taken: %v", err)
	}
	_ = ln.Close()
	// Nothing is left that keeps the next login waiting.
	again := u.atTerminal("login", "--no-browser")
	address := s.visit(t, again.page(s.issuer))
	again.typed(address + "\r")
	if code := again.end(); code != 0 || strings.Contains(again.shown, "under way") {
		t.Errorf("the login after it: exit %d", code)
	}
}
