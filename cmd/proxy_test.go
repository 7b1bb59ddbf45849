package cmd_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/cmd"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

// proxy is a "gatepass proxy" that runs at a desk.
type proxy struct {
	*desk
	out  *bufio.Reader
	errs *lines
	end  func() int // interrupts it, and returns its exit code
	over <-chan int // its exit code, when it ends by itself
	proxyOutput
}

type proxyOutput struct {
	SchemaVersion                                              int
	URL, Secret, API, Profile, Subject, Token, Source, Expires string
	Origins                                                    []string
	Cookies                                                    bool
}

// proxy starts "gatepass proxy" with a free port.
func (d *desk) proxy(args ...string) *proxy {
	d.t.Helper()
	r, w := io.Pipe()
	errs := new(lines)
	app := &cmd.App{
		IO:     &iostreams.Streams{In: strings.NewReader(""), Out: w, Err: errs, Width: 80},
		Getenv: func(n string) string { return d.env[n] }, Now: d.now, Dir: d.home,
		ConfigDir: d.home, StateDir: filepath.Join(d.home, "state"), CacheDir: filepath.Join(d.home, "cache"),
		HTTP: http.DefaultClient, Secrets: new(secret.Redactor),
	}
	ctx, cancel := context.WithCancel(d.t.Context())
	over := make(chan int, 1)
	go func() {
		code := cmd.Run(ctx, app, append([]string{"proxy", "--listen", "127.0.0.1:0"}, args...))
		_ = w.Close()
		over <- code
		over <- code
	}()
	p := &proxy{desk: d, out: bufio.NewReader(r), errs: errs, over: over}
	p.end = sync.OnceValue(func() int {
		cancel()
		go func() { _, _ = io.Copy(io.Discard, r) }()
		return <-over
	})
	d.t.Cleanup(func() { p.end() })
	return p
}

// ready waits until it says with --json that it can be called.
func (p *proxy) ready() *proxy {
	p.t.Helper()
	if err := json.NewDecoder(p.out).Decode(&p.proxyOutput); err != nil {
		p.t.Fatalf("no announcement: %v\n%s", err, p.errs)
	}
	return p
}

// ended waits until it ends by itself, and checks how.
func (p *proxy) ended(exit int, says ...string) {
	p.t.Helper()
	select {
	case code := <-p.over:
		if code != exit {
			p.t.Errorf("exit code %d, want %d", code, exit)
		}
	case <-time.After(20 * time.Second):
		p.t.Fatalf("it does not end\n%s", p.errs)
	}
	has(p.t, p.errs.String(), says...)
	p.keepsSecrets()
}

// keepsSecrets checks that neither a token nor the proxy's secret was said.
func (p *proxy) keepsSecrets() {
	p.t.Helper()
	for _, s := range append(p.secrets(), p.Secret) {
		if s != "" && strings.Contains(p.errs.String(), s) {
			p.t.Errorf("a secret was said:\n%s", p.errs)
		}
	}
}

func (p *proxy) get(path string) (int, string) {
	p.t.Helper()
	resp, err := http.Get(p.URL + path)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.errs)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// edit changes what the store has.
func (d *desk) edit(change func(record, secrets map[string]any)) {
	d.t.Helper()
	files, err := filepath.Glob(filepath.Join(d.home, "state", "tokens", "*.json"))
	if err != nil || len(files) != 1 {
		d.t.Fatal(files, err)
	}
	var record map[string]any
	if err := json.Unmarshal(d.file(), &record); err != nil {
		d.t.Fatal(err)
	}
	secrets, _ := record["secrets"].(map[string]any)
	if record["subject"] == nil || secrets["refresh_token"] == nil {
		d.t.Fatal("the record has other members")
	}
	change(record, secrets)
	data, err := json.Marshal(record)
	if err != nil {
		d.t.Fatal(err)
	}
	// Written aside: the proxy looks at it now and then.
	if err := os.WriteFile(files[0]+".new", data, 0o600); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Rename(files[0]+".new", files[0]); err != nil {
		d.t.Fatal(err)
	}
}

// sum stands for a token where the token itself would not get through.
func sum(token string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte("Bearer "+strings.TrimSpace(token))))
}

// orders is an API that says by its sum which token it got.
func orders(t *testing.T) *httptest.Server {
	t.Helper()
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %x", r.URL.Path, sha256.Sum256([]byte(r.Header.Get("Authorization"))))
	}))
	t.Cleanup(ts.Close)
	return ts
}

// The story of a proxy: it adds the token, renews it once for everybody, says what
// happens, and ends when it is interrupted.
func TestProxyStory(t *testing.T) {
	d := newDesk(t)
	d.env["GATEPASS_API_URL"] = orders(t).URL + "/prod/"
	d.run(4, "proxy", "--listen", "127.0.0.1:0")
	d.run(0, "login")
	token, _ := d.run(0, "token")
	p := d.proxy("--json", "--allow-origin", "HTTP://localhost:5173/").ready()
	if p.SchemaVersion != 1 || p.URL == "" || !strings.HasSuffix(p.URL, "/"+p.Secret) || p.API+"/" != d.env["GATEPASS_API_URL"] || p.Profile != "default" ||
		p.Subject == "" || p.Token != "access" || p.Source != "header Authorization Bearer" || p.Cookies || fmt.Sprint(p.Origins) != "[http://localhost:5173]" {
		t.Errorf("announced %+v", p.proxyOutput)
	}
	if status, body := p.get("/orders?token=x"); status != 200 || body != "/prod/orders "+sum(token) {
		t.Errorf("%d %s", status, body)
	}
	d.change(func() { d.later = 2 * time.Hour })
	var all sync.WaitGroup
	got := make(chan string, 50)
	for range cap(got) {
		all.Go(func() {
			_, body := p.get("/x")
			got <- body
		})
	}
	all.Wait()
	next, _ := d.run(0, "token")
	for range cap(got) {
		if body := <-got; body != "/prod/x "+sum(next) || next == token {
			t.Fatalf("%s, want the new token", body)
		}
	}
	if resp, err := http.Get(strings.TrimSuffix(p.URL, p.Secret) + "orders"); err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("without the secret: %v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
	if code := p.end(); code != 0 {
		t.Errorf("interrupted: exit code %d\n%s", code, p.errs)
	}
	has(t, p.errs.String(), `{"schemaVersion":1,"time":"`, `"method":"GET","path":"/orders","status":200`, `"status":403,"refused":"the request does not know the secret`)
	if strings.Contains(p.errs.String(), "token=x") {
		t.Errorf("the query is in the log:\n%s", p.errs)
	}
	p.keepsSecrets()
}

// What a person reads.
func TestProxyInWords(t *testing.T) {
	d := newDesk(t)
	d.env["GATEPASS_API_URL"] = orders(t).URL
	d.env["GATEPASS_PROXY_SECRET"] = "of-my-own-0123456789"
	d.env["GATEPASS_API_KEY"] = "key-0123456789-0123456789"
	d.run(0, "login")
	p := d.proxy("--cookies", "--allow-origin", "https://app.example.com")
	var said strings.Builder
	for !strings.Contains(said.String(), "Ctrl-C") {
		line, err := p.out.ReadString('\n')
		if err != nil {
			t.Fatalf("%v: %s\n%s", err, &said, p.errs)
		}
		said.WriteString(line)
		if _, at, ok := strings.Cut(strings.TrimSpace(line), "Proxy at "); ok {
			p.URL, p.Secret = at, d.env["GATEPASS_PROXY_SECRET"]
		}
	}
	has(t, said.String(), "/of-my-own-0123456789\n", "access token of Ada Lovelace (profile default), renewed in time", "https://app.example.com", "let through", "header Authorization Bearer, and the API key in x-api-key", "curl http://127.0.0.1:", "Whoever knows the address")
	p.get("/a/of-my-own-0123456789/\u202e/key-0123456789-0123456789")
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	has(t, p.errs.String(), "warning: the pages of https://app.example.com can use your token", "GET /a/[redacted]/%E2%80%AE/[redacted] 200")
	p.keepsSecrets()
}

// It ends with the login that it was started for.
func TestProxyEndsWithItsSession(t *testing.T) {
	start := func(t *testing.T) *proxy {
		d := newDesk(t)
		d.env["GATEPASS_API_URL"] = orders(t).URL
		d.run(0, "login")
		p := d.proxy("--json").ready()
		p.get("/x")
		return p
	}
	t.Run("logged out", func(t *testing.T) {
		p := start(t)
		p.run(0, "logout")
		p.ended(4, "has ended: somebody has logged out", `"kind":"login"`, `"exit":4`)
	})
	t.Run("the issuer refuses to renew it", func(t *testing.T) {
		p := start(t)
		p.edit(func(record, secrets map[string]any) { secrets["refresh_token"] = "of-another-login" })
		p.change(func() { p.later = 2 * time.Hour })
		status, body := p.get("/x")
		if status != http.StatusServiceUnavailable || !strings.Contains(body, "log in: gatepass login") {
			t.Errorf("%d %s", status, body)
		}
		p.ended(4, "has ended", "invalid_grant")
	})
	t.Run("somebody else", func(t *testing.T) {
		p := start(t)
		p.edit(func(record, _ map[string]any) { record["subject"] = "7" })
		p.ended(4, "is that of another user now", "start the proxy again")
	})
	t.Run("the issuer is away", func(t *testing.T) {
		p := start(t)
		p.change(func() { p.later, p.down = 2*time.Hour, true })
		if status, body := p.get("/x"); status != http.StatusBadGateway || !strings.Contains(body, `"kind": "network"`) {
			t.Errorf("%d %s", status, body)
		}
		p.change(func() { p.down = false })
		if status, body := p.get("/x"); status != http.StatusOK {
			t.Errorf("back again: %d %s", status, body)
		}
		if code := p.end(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// A program's own login has no refresh token: the proxy ends with the token, asked or
// not.
func TestProxyEndsWithItsToken(t *testing.T) {
	d := newDesk(t)
	d.env["GATEPASS_API_URL"] = orders(t).URL
	d.run(0, "login")
	d.edit(func(record, secrets map[string]any) {
		delete(secrets, "refresh_token")
		record["can_refresh"] = false
	})
	p := d.proxy("--json").ready()
	d.change(func() { d.later = 2 * time.Hour })
	p.ended(4, "its token has expired, and there is no refresh token")
}

func TestProxyIdle(t *testing.T) {
	d := newDesk(t)
	d.env["GATEPASS_API_URL"] = orders(t).URL
	d.run(0, "login")
	p := d.proxy("--json", "--idle", "10m").ready()
	d.change(func() { d.later = 9 * time.Minute })
	p.get("/x")
	d.change(func() { d.later = 18 * time.Minute })
	p.get("/x")
	d.change(func() { d.later = 29 * time.Minute })
	p.ended(0, "no request has come for 10 min")
}

func TestProxyMistakes(t *testing.T) {
	d := newDesk(t)
	api := orders(t).URL
	d.run(0, "login", "--api-url", api)
	for name, tc := range map[string]struct {
		env  map[string]string
		args []string
		want []string
	}{
		"no API":             {nil, nil, []string{"no API is set", "--api-url"}},
		"open to others":     {nil, []string{"--api-url", api, "--listen", "0.0.0.0:0"}, []string{"open to other machines", "hint: it listens on this machine's own"}},
		"every address":      {nil, []string{"--api-url", api, "--listen", ":8181"}, []string{"open to other machines"}},
		"another's":          {nil, []string{"--api-url", api, "--listen", "192.0.2.1:8181"}, []string{"open to other machines"}},
		"no address":         {nil, []string{"--api-url", api, "--listen", "8181"}, []string{"cannot listen on 8181"}},
		"every page":         {nil, []string{"--api-url", api, "--allow-origin", "*"}, []string{"every page that you visit"}},
		"no page":            {nil, []string{"--api-url", api, "--allow-origin", "localhost:5173"}, []string{"is no origin", "http://localhost:5173"}},
		"a short secret":     {map[string]string{"GATEPASS_PROXY_SECRET": "short"}, []string{"--api-url", api}, []string{"GATEPASS_PROXY_SECRET: want a secret of 20"}},
		"a negative time":    {nil, []string{"--api-url", api, "--idle", "-1s"}, []string{"--idle must not be negative"}},
		"no time":            {nil, []string{"--api-url", api, "--timeout", "0"}, []string{"want a time such as 30s"}},
		"an argument":        {nil, []string{"--api-url", api, "x"}, []string{"proxy"}},
		"certificates":       {nil, []string{"--api-url", api, "--ca-file", "none.pem"}, []string{"none.pem"}},
		"too many questions": {nil, []string{"--api-url", api, "--allow-origin"}, []string{"--allow-origin"}},
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			for k, v := range tc.env {
				d.env[k] = v
				defer delete(d.env, k)
			}
			out, errs := d.run(2, append([]string{"proxy"}, tc.args...)...)
			if out != "" {
				t.Errorf("stdout has %s", out)
			}
			has(t, errs, tc.want...)
		})
	}
	d.t = t
	// An API that only a project's file names is not for this login's token.
	d.project("api: {url: http://127.0.0.1:1}")
	_, errs := d.run(2, "proxy", "--listen", "127.0.0.1:0")
	has(t, errs, "names another: http://127.0.0.1:1")
}

func TestProxyWithoutSecret(t *testing.T) {
	d := newDesk(t)
	d.env["GATEPASS_API_URL"] = orders(t).URL
	d.run(0, "login")
	p := d.proxy("--json", "--no-secret").ready()
	if p.Secret != "" || strings.Count(p.URL, "/") != 2 {
		t.Errorf("announced %+v", p.proxyOutput)
	}
	if status, _ := p.get("/x"); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	has(t, p.errs.String(), "warning: every program on this machine can use your token")
}
