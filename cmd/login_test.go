package cmd_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/cmd"
	"gatepass/pkg/idp"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
	"gatepass/pkg/store"
)

// desk is a person at a computer: an issuer that knows them, a browser that
// agrees to everything, a clock, and a folder of their own.
type desk struct {
	t      *testing.T
	home   string
	issuer string
	uri    string // the redirect URI that is registered
	env    map[string]string
	in     string // standard input

	keyring store.Keyring // nil: there is none
	memory  string        // a folder in memory, or empty
	dir     string        // the working directory; empty: home
	page    func()        // what happens before the browser answers, or nil

	visit    func(address string) error // the browser, in place of the usual one
	terminal bool                       // standard input is a terminal

	transport http.RoundTripper // of requests to the issuer; nil: the usual one

	mu     sync.Mutex
	later  time.Duration // by how much the clock is ahead
	down   bool          // the issuer cannot be reached
	opened []string
}

func newDesk(t *testing.T, clients ...idp.Client) *desk {
	t.Helper()
	return newDeskAt(t, "http://127.0.0.1:"+unused(t)+"/callback", clients...)
}

// newDeskAt is a desk whose client has the given redirect URI.
func newDeskAt(t *testing.T, uri string, clients ...idp.Client) *desk {
	t.Helper()
	d := &desk{t: t, home: t.TempDir(), uri: uri}
	var server http.Handler
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.isDown() {
			panic(http.ErrAbortHandler)
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(ts.Close)
	var err error
	settings := idp.Default(d.uri)
	settings.Clients = append(clients, settings.Clients...)
	if server, err = idp.New(idp.Options{Base: ts.URL, Settings: settings, RedirectURIs: []string{d.uri}, AutoLogin: "ada", Now: d.now}); err != nil {
		t.Fatal(err)
	}
	d.issuer = ts.URL + idp.IssuerPath
	d.env = map[string]string{
		"GATEPASS_ISSUER": d.issuer, "GATEPASS_CLIENT_ID": settings.Clients[0].ID, "GATEPASS_REDIRECT_URIS": d.uri,
	}
	return d
}

// unused is a port nobody listens on. Redirect URIs are registered before the
// login that listens on one.
func unused(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

func (d *desk) isDown() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.down
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Add(d.later)
}

func (d *desk) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// open is the browser.
func (d *desk) open(address string) error {
	d.change(func() { d.opened = append(d.opened, address) })
	if d.page != nil {
		d.page()
	}
	if d.visit != nil {
		return d.visit(address)
	}
	resp, err := http.Get(address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// run runs gatepass and checks its exit code. Unless it is asked for them, no
// token may be in what it says.
func (d *desk) run(exit int, args ...string) (stdout, stderr string) {
	d.t.Helper()
	streams, out, errs := iostreams.Test(d.in)
	streams.InTerminal = d.terminal
	app := &cmd.App{
		IO: streams, Getenv: func(n string) string { return d.env[n] }, Now: d.now, Dir: cmp.Or(d.dir, d.home),
		ConfigDir: d.home, StateDir: filepath.Join(d.home, "state"), CacheDir: filepath.Join(d.home, "cache"),
		OpenURL: d.open, HTTP: &http.Client{Transport: d.transport}, Secrets: new(secret.Redactor),
		Keyring: d.keyring, MemoryDir: func() string { return d.memory },
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if got := cmd.Run(ctx, app, args); got != exit {
		d.t.Errorf("gatepass %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, exit, out, errs)
	}
	d.noTokens(errs)
	if args[0] != "token" {
		d.noTokens(out)
	}
	return out.String(), errs.String()
}

func (d *desk) noTokens(b *bytes.Buffer) {
	d.t.Helper()
	for _, s := range d.secrets() {
		if strings.Contains(b.String(), s) {
			d.t.Errorf("a token is in what was said: %s", b)
		}
	}
}

// file is what the store has, as it is on disk.
func (d *desk) file() []byte {
	d.t.Helper()
	files, _ := filepath.Glob(filepath.Join(d.home, "state", "tokens", "*.json"))
	if len(files) == 0 {
		return nil
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		d.t.Fatal(err)
	}
	return data
}

func (d *desk) secrets() []string {
	var r struct {
		Secrets map[string]string `json:"secrets"`
	}
	_ = json.Unmarshal(d.file(), &r)
	var all []string
	for _, s := range r.Secrets {
		all = append(all, s)
	}
	return all
}

func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("there is no %q in:\n%s", p, text)
		}
	}
}

// The story of a login: who is in, the token, who that is at the issuer, out.
func TestLoginStory(t *testing.T) {
	d := newDesk(t)
	out, errs := d.run(4, "status")
	has(t, out, "not logged in", d.issuer)
	has(t, errs, "hint: log in: gatepass login")
	_, errs = d.run(4, "token")
	has(t, errs, "nobody is logged in with the profile default", "hint: log in: gatepass login")
	if len(d.opened) != 0 {
		t.Error("a browser was opened by a command that never does")
	}

	out, errs = d.run(0, "login")
	has(t, out, "logged in as Ada", "profile", "issuer", "token", ", in ")
	has(t, errs, d.issuer+"/auth?", "Waiting until", d.uri)

	out, errs = d.run(0, "login")
	has(t, out, "still logged in as Ada")
	if errs != "" || len(d.opened) != 1 {
		t.Errorf("a second login opened %d pages and said %s", len(d.opened), errs)
	}

	raw, _ := d.run(0, "token")
	if strings.Count(raw, ".") != 2 || strings.Count(raw, "\n") != 1 {
		t.Errorf("token %q", raw)
	}
	header, _ := d.run(0, "token", "--format", "header")
	if header != "Authorization: Bearer "+raw {
		t.Errorf("header %q", header)
	}
	header, _ = d.run(0, "token", "--format", "header", "--api-send", "header authorizationToken")
	if header != "authorizationToken: "+raw {
		t.Errorf("header %q", header)
	}
	id, _ := d.run(0, "token", "--type", "id")
	if id == raw || strings.Count(id, ".") != 2 {
		t.Errorf("ID token %q", id)
	}
	byAPI, _ := d.run(0, "token", "--api-token", "id")
	if byAPI != id {
		t.Error("the API's kind of token is not the default")
	}

	out, _ = d.run(0, "whoami")
	has(t, out, "Ada Lovelace", "Admins")
	out, _ = d.run(0, "logout")
	has(t, out, "revoke the refresh token", "delete the tokens here")
	d.run(4, "status")
	d.run(4, "whoami")
	out, _ = d.run(0, "logout")
	has(t, out, "nobody was logged in")
}

func TestLoginJSON(t *testing.T) {
	d := newDesk(t)
	type session struct {
		SchemaVersion                            int
		Profile, Subject, Store, ExpiresAt, Name string
		LoggedIn, Already, CanRefresh            bool
	}
	read := func(out string) (s session) {
		t.Helper()
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return s
	}
	out, _ := d.run(4, "status", "--json")
	if s := read(out); s.LoggedIn || s.SchemaVersion != 1 || s.Profile != "default" || s.Store != "file" {
		t.Errorf("%+v", s)
	}
	out, _ = d.run(0, "login", "--json")
	s := read(out)
	if _, err := time.Parse(time.RFC3339, s.ExpiresAt); err != nil || !s.LoggedIn || s.Already || !s.CanRefresh || s.Subject == "" || s.Name == "" {
		t.Errorf("%+v", s)
	}
	out, _ = d.run(0, "login", "--json")
	if s := read(out); !s.Already {
		t.Errorf("%+v", s)
	}
	out, _ = d.run(0, "token", "--json")
	var tok struct{ Type, Token, TokenType, ExpiresAt string }
	if err := json.Unmarshal([]byte(out), &tok); err != nil || tok.Type != "access" || tok.TokenType != "Bearer" || tok.Token == "" || tok.ExpiresAt == "" {
		t.Errorf("%v: %s", err, out)
	}
	out, _ = d.run(0, "whoami", "--json")
	var who struct {
		Subject string
		Claims  map[string]any
	}
	if err := json.Unmarshal([]byte(out), &who); err != nil || who.Subject != s.Subject || who.Claims["sub"] != s.Subject {
		t.Errorf("%v: %s", err, out)
	}
	out, _ = d.run(0, "logout", "--json")
	var gone struct {
		Steps []struct{ Step, Result string }
	}
	if err := json.Unmarshal([]byte(out), &gone); err != nil || len(gone.Steps) != 3 || gone.Steps[2].Result != "done" {
		t.Errorf("%v: %s", err, out)
	}
	_, errs := d.run(4, "token", "--json")
	has(t, errs, `"kind":"login"`, `"exit":4`)
}

// A token is renewed before it expires, without a browser.
func TestTokensAreRenewed(t *testing.T) {
	d := newDesk(t)
	d.run(0, "login")
	first, _ := d.run(0, "token")
	again, _ := d.run(0, "token", "--min-ttl", "50m")
	if again != first {
		t.Error("a token with 59 minutes left was renewed for 50")
	}
	d.change(func() { d.later = 59*time.Minute + 10*time.Second })
	second, _ := d.run(0, "token")
	if second == first {
		t.Error("a token with less than a minute left was not renewed")
	}
	d.change(func() { d.later += time.Hour + 5*time.Minute })
	out, _ := d.run(0, "status")
	has(t, out, "logged in as Ada", "expired", "5 min ago; renewed")
	d.run(4, "status", "--min-ttl", "1s")
	third, _ := d.run(0, "token")
	if third == second {
		t.Error("an expired token was not renewed")
	}
	_, errs := d.run(4, "token", "--min-ttl", "48h")
	has(t, errs, "do not live as long as 48h")
	if len(d.opened) != 1 {
		t.Errorf("the browser was opened %d times, want 1", len(d.opened))
	}
}

// The ID token has its own lifetime, and is renewed by its own.
func TestIDTokensAreRenewed(t *testing.T) {
	d := newDesk(t)
	d.run(0, "login")
	first, _ := d.run(0, "token", "--type", "id")
	d.change(func() { d.later = time.Hour + 30*time.Minute }) // longer than an access token lives, not the ID token
	d.run(0, "token")
	d.change(func() { d.later += 50 * time.Minute })
	d.run(0, "token")
	second, _ := d.run(0, "token", "--type", "id", "--min-ttl", "100m")
	if first == second {
		t.Error("the ID token was not renewed")
	}
}

// Without the issuer, what is stored stays, and is used while it is good.
func TestIssuerIsDown(t *testing.T) {
	d := newDesk(t)
	d.run(0, "login")
	before := d.file()
	d.change(func() { d.later, d.down = 59*time.Minute+30*time.Second, true })
	_, errs := d.run(0, "token")
	has(t, errs, "using a token that is good for")
	d.change(func() { d.later += time.Hour })
	d.run(6, "token")
	d.run(6, "login", "--force")
	if !bytes.Equal(d.file(), before) {
		t.Error("the stored tokens have changed")
	}
	d.change(func() { d.down = false })
	d.run(0, "token")
	d.change(func() { d.down = true })
	out, errs := d.run(6, "logout")
	has(t, out, "✗ revoke the tokens", "✓ delete the tokens here")
	has(t, errs, "deleted here, but could not be revoked")
	if d.file() != nil {
		t.Error("the tokens are still there")
	}
}

// A refresh token that the issuer refuses ends the login; nothing is deleted.
func TestSessionHasEnded(t *testing.T) {
	d := newDesk(t)
	d.run(0, "login")
	old := d.file()
	d.run(0, "logout")
	path := filepath.Join(d.home, "state", "tokens")
	files, _ := filepath.Glob(filepath.Join(path, "*.lock"))
	if err := os.WriteFile(strings.TrimSuffix(files[0], ".lock"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	d.change(func() { d.later = 2 * time.Hour })
	_, errs := d.run(4, "token")
	has(t, errs, "the login with the profile default has ended: ", " refused: invalid_grant", "hint: log in: gatepass login")
	if strings.Count(errs, "refused") != 1 {
		t.Errorf("said more than once:\n%s", errs)
	}
	d.run(4, "whoami")
	if !bytes.Equal(d.file(), old) {
		t.Error("the stored tokens have changed")
	}
	d.run(0, "login")
	d.run(0, "token")
}

// A login that fails keeps the tokens of the one before.
func TestFailedLoginKeepsTokens(t *testing.T) {
	d := newDesk(t)
	d.run(0, "login")
	before := d.file()
	d.run(6, "login", "--force", "--no-browser", "--timeout", "1ms")
	d.run(2, "login", "--force", "--scope", "openid", "--scope", "offline_access")
	d.run(2, "login", "--force", "--client-auth", "post")
	if !bytes.Equal(d.file(), before) {
		t.Error("the stored tokens have changed")
	}
	d.run(0, "token")
}

func TestLoginForce(t *testing.T) {
	d := newDesk(t)
	d.run(0, "login")
	first, _ := d.run(0, "token")
	d.run(0, "login", "--force")
	second, _ := d.run(0, "token")
	if first == second || len(d.opened) != 2 || !strings.Contains(d.opened[1], "prompt=login") {
		t.Errorf("opened %q", d.opened)
	}
	// Enough is left of the token for --min-ttl, or it is renewed without asking anybody.
	d.run(0, "login", "--min-ttl", "10m")
	if len(d.opened) != 2 {
		t.Error("logged in though enough was left")
	}
	_, errs := d.run(0, "login", "--force", "--login-hint", "grace")
	has(t, errs, "this is another user than before")
	out, _ := d.run(0, "whoami")
	has(t, out, "Grace")
}

// What cannot be stored is said before anybody logs in.
func TestStoreIsLookedAtFirst(t *testing.T) {
	d := newDesk(t)
	if err := os.WriteFile(filepath.Join(d.home, "state"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(1, "login")
	if len(d.opened) != 0 {
		t.Error("the browser was opened for tokens that cannot be kept")
	}
}

func TestDamagedStore(t *testing.T) {
	d := newDesk(t)
	d.run(0, "login")
	files, _ := filepath.Glob(filepath.Join(d.home, "state", "tokens", "*.json"))
	if err := os.WriteFile(files[0], []byte(`{"version":1,"acc`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"status"}, {"token"}, {"whoami"}} {
		_, errs := d.run(4, args...)
		has(t, errs, "cannot be used", "gatepass login")
	}
	d.run(0, "login")
	d.run(0, "token")
}

func TestIssuerAsPasted(t *testing.T) {
	d := newDesk(t)
	real := d.env["GATEPASS_ISSUER"]
	d.env["GATEPASS_ISSUER"] = real + "/.well-known/openid-configuration"
	_, errs := d.run(0, "login")
	has(t, errs, "the issuer is "+real)
	d.run(0, "token")
	d.env["GATEPASS_ISSUER"] = real
	d.run(0, "token")
}

func TestBrowserFails(t *testing.T) {
	d := newDesk(t)
	d.env["BROWSER"] = "/nonexistent/browser --new-window"
	_, errs := d.run(6, "login", "--timeout", "300ms")
	has(t, errs, "the browser could not be opened", "/nonexistent/browser", "open it yourself")
}

func TestUsageMistakes(t *testing.T) {
	d := newDesk(t)
	for _, tc := range []struct {
		args []string
		text string
	}{
		{[]string{"login", "extra"}, "usage: gatepass login"},
		{[]string{"login", "--timeout", "0s"}, "--timeout"},
		{[]string{"login", "--force", "--redirect-uri", "https://example.com/oauth/callback"}, "not on this machine"},
		{[]string{"logout", "--everywhere"}, "nobody to ask"},
		{[]string{"logout", "--yes"}, "go with --everywhere"},
		{[]string{"login", "--issuer", "http://acme.onelogin.com/oidc/2"}, "https"},
		{[]string{"login", "--client-credentials"}, "client_auth is none"},
		{[]string{"token", "--type", "refresh"}, "want access or id"},
		{[]string{"token", "--format", "xml"}, "want raw, header, json,"},
		{[]string{"token", "--min-ttl", "-1s"}, "--min-ttl"},
		{[]string{"status", "extra"}, "usage: gatepass status"},
	} {
		out, errs := d.run(2, tc.args...)
		has(t, errs, tc.text)
		if out != "" {
			t.Errorf("%v: stdout %q", tc.args, out)
		}
	}
	delete(d.env, "GATEPASS_CLIENT_ID")
	_, errs := d.run(2, "token")
	has(t, errs, "no client id")
	delete(d.env, "GATEPASS_ISSUER")
	_, errs = d.run(2, "login")
	has(t, errs, "no issuer", "--subdomain")
}

func TestLoginIsInterrupted(t *testing.T) {
	d := newDesk(t)
	streams, _, errs := iostreams.Test("")
	ctx, cancel := context.WithCancel(context.Background())
	app := &cmd.App{
		IO: streams, Getenv: func(n string) string { return d.env[n] }, Now: time.Now, Dir: d.home,
		StateDir: filepath.Join(d.home, "state"), HTTP: http.DefaultClient, Secrets: new(secret.Redactor),
		OpenURL: func(string) error { cancel(); return errors.New("closed") },
	}
	if code := cmd.Run(ctx, app, []string{"login"}); code != 130 {
		t.Errorf("exit code %d, want 130: %s", code, errs)
	}
	has(t, errs.String(), "gatepass: interrupted")
}

// A client with a secret: from the environment, from standard input, wrong, by
// the wrong method, and for the app itself.
func TestClientWithSecret(t *testing.T) {
	const good = "0f3a-s3cret-&+=%"
	d := newDesk(t, idp.Client{ID: "web", Auth: "post", Secret: secret.New(good)})
	d.env["GATEPASS_CLIENT_ID"], d.env["GATEPASS_CLIENT_AUTH"] = "web", "post"
	_, errs := d.run(2, "login")
	has(t, errs, "needs a client secret")
	d.env["GATEPASS_CLIENT_SECRET"] = "wrong-secret-0000"
	_, errs = d.run(2, "login")
	has(t, errs, "client authentication failed", "Authentication Method: POST")
	d.env["GATEPASS_CLIENT_SECRET"] = good
	_, errs = d.run(2, "login", "--client-auth", "basic")
	has(t, errs, "Authentication Method: Basic")
	_, errs = d.run(2, "login", "--client-auth", "none")
	has(t, errs, "Authentication Method: None (PKCE)")
	d.run(0, "login")
	d.change(func() { d.later = 2 * time.Hour })
	d.run(0, "token")
	d.run(0, "logout")

	delete(d.env, "GATEPASS_CLIENT_SECRET")
	d.in = good + "\n"
	d.run(0, "login", "--client-secret-stdin")
	d.run(0, "token")
	d.in = "two\nlines\n"
	_, errs = d.run(2, "login", "--force", "--client-secret-stdin")
	has(t, errs, "must be one line")

	d.env["GATEPASS_CLIENT_SECRET"] = good
	pages := len(d.opened)
	out, errs := d.run(0, "login", "--client-credentials")
	has(t, out, "logged in as the app itself") // a person's login is not that
	has(t, errs, "another user than before: the app itself, it was")
	out, _ = d.run(0, "login", "--client-credentials")
	has(t, out, "still logged in as the app itself")
	if len(d.opened) != pages {
		t.Error("a browser was opened for client credentials")
	}
	out, _ = d.run(0, "login")
	has(t, out, "logged in as Ada")
	d.run(0, "login", "--client-credentials")
	for _, args := range [][]string{{"token"}, {"status"}} {
		if out, errs := d.run(0, args...); strings.Contains(out+errs, good) {
			t.Errorf("the client secret is in what %v says", args)
		}
	}
	d.change(func() { d.later += 2 * time.Hour })
	_, errs = d.run(4, "token")
	has(t, errs, "there is no refresh token", "log in: gatepass login --client-credentials")
}

// A browser that cannot reach this machine: the person copies the address it
// ended at, after something that is none.
func TestPastedAnswer(t *testing.T) {
	d := newDesk(t)
	terminal, keyboard := io.Pipe()
	streams, out, errs := iostreams.Test("")
	streams.In, streams.InTerminal, streams.ErrTerminal = terminal, true, true
	app := &cmd.App{
		IO: streams, Getenv: func(n string) string { return d.env[n] }, Now: time.Now, Dir: d.home,
		StateDir: filepath.Join(d.home, "state"), HTTP: http.DefaultClient, Secrets: new(secret.Redactor),
		OpenURL: func(address string) error {
			elsewhere := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
				if strings.HasPrefix(r.URL.String(), d.uri) {
					return http.ErrUseLastResponse
				}
				return nil
			}}
			resp, err := elsewhere.Get(address)
			if err != nil {
				return err
			}
			resp.Body.Close()
			_, err = io.WriteString(keyboard, "\nwhat now?\n"+resp.Header.Get("Location")+"\n")
			return err
		},
	}
	if code := cmd.Run(context.Background(), app, []string{"login"}); code != 0 {
		t.Errorf("exit code %d: %s", code, errs)
	}
	has(t, out.String(), "logged in as Ada")
	has(t, errs.String(), "paste it here", "\rgatepass: that is not the address the browser was sent to", "\r  5:00 left ")
	if !strings.HasSuffix(errs.String(), "\r            \r") {
		t.Errorf("the countdown is left behind: %q", errs)
	}
}

// A refresh that is interrupted stores what it gets, and gives nothing to anybody.
func TestRefreshIsInterrupted(t *testing.T) {
	d := newDesk(t)
	d.run(0, "login")
	for _, kind := range []string{"access", "id"} {
		d.change(func() { d.later += 2 * time.Hour })
		before := d.file()
		streams, out, errs := iostreams.Test("")
		ctx, cancel := context.WithCancel(t.Context())
		app := &cmd.App{
			IO: streams, Getenv: func(n string) string { return d.env[n] }, Now: d.now, Dir: d.home,
			StateDir: filepath.Join(d.home, "state"), HTTP: &http.Client{Transport: ending{"/token", cancel}}, Secrets: new(secret.Redactor),
		}
		if code := cmd.Run(ctx, app, []string{"token", "--type", kind}); code != 130 || out.Len() > 0 {
			t.Errorf("%s: exit code %d, want 130: %s%s", kind, code, out, errs)
		}
		if bytes.Equal(d.file(), before) {
			t.Errorf("%s: the new refresh token is lost", kind)
		}
	}
}

// ending ends something when a request to a path is on its way.
type ending struct {
	path string
	end  func()
}

func (e ending) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, e.path) {
		e.end()
	}
	return http.DefaultTransport.RoundTrip(req)
}
