package login_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/login"
	"gatepass/pkg/token"
)

// attempt is a login that waits for a test to answer it.
type attempt struct {
	t     *testing.T
	r     login.Request
	state string
	done  chan outcome
}

type outcome struct {
	set token.Set
	err error
}

func start(t *testing.T, i *issuer, cfg login.Config) *attempt {
	t.Helper()
	a := &attempt{t: t, done: make(chan outcome, 1)}
	waiting := make(chan login.Request, 1)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() {
		set, _, err := login.Login(ctx, cfg, login.UI{Waiting: func(r login.Request) { waiting <- r }})
		a.done <- outcome{set, err}
	}()
	select {
	case a.r = <-waiting:
	case o := <-a.done:
		t.Fatal(o.err)
	}
	u, err := url.Parse(a.r.URL)
	if err != nil {
		t.Fatal(err)
	}
	a.state = u.Query().Get("state")
	i.mu.Lock()
	i.auth = u.Query()
	i.mu.Unlock()
	return a
}

// send makes a request of the callback and returns its status and page.
func (a *attempt) send(method, address, host string) (int, string, http.Header) {
	a.t.Helper()
	req, err := http.NewRequest(method, address, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	buf := make([]byte, 32<<10)
	for {
		n, err := resp.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			break
		}
	}
	return resp.StatusCode, b.String(), resp.Header
}

func (a *attempt) query(pairs ...string) string {
	q := url.Values{}
	for n := 0; n < len(pairs); n += 2 {
		q.Add(pairs[n], pairs[n+1])
	}
	return a.r.RedirectURI + "?" + q.Encode()
}

// waits checks that nothing so far has ended the login.
func (a *attempt) waits() {
	a.t.Helper()
	select {
	case o := <-a.done:
		a.t.Fatalf("the login ended: %v", o.err)
	default:
	}
}

func (a *attempt) end() outcome {
	a.t.Helper()
	select {
	case o := <-a.done:
		return o
	case <-time.After(15 * time.Second):
		a.t.Fatal("the login did not end")
		return outcome{}
	}
}

// Whatever is not the answer is refused, reflects nothing, and the wait goes on.
func TestStrayRequests(t *testing.T) {
	i := newIssuer(t)
	a := start(t, i, i.config())
	const mark = "<script>alert(1)</script>"
	root := strings.TrimSuffix(a.r.RedirectURI, "/callback")
	for name, tc := range map[string]struct {
		method, address, host string
		status                int
	}{
		"no query":             {"GET", a.r.RedirectURI, "", 400},
		"no state":             {"GET", a.query("code", "x"), "", 400},
		"empty state":          {"GET", a.query("code", "x", "state", ""), "", 400},
		"wrong state":          {"GET", a.query("code", mark, "state", strings.Repeat("A", 43)), "", 400},
		"error, no state":      {"GET", a.query("error", "access_denied", "error_description", mark), "", 400},
		"error, wrong state":   {"GET", a.query("error", mark, "state", "x"), "", 400},
		"cut state":            {"GET", a.query("code", "x", "state", a.state[:42]), "", 400},
		"state twice":          {"GET", a.query("code", "x", "state", a.state, "state", a.state), "", 400},
		"code twice":           {"GET", a.query("code", "x", "code", "y", "state", a.state), "", 400},
		"bad escape":           {"GET", a.r.RedirectURI + "?code=%zz&state=" + a.state, "", 400},
		"semicolon":            {"GET", a.r.RedirectURI + "?code=x;state=" + a.state, "", 400},
		"other path":           {"GET", root + "/?code=x&state=" + a.state, "", 404},
		"longer path":          {"GET", a.r.RedirectURI + "/?code=x&state=" + a.state, "", 404},
		"double slash":         {"GET", root + "//callback?code=x&state=" + a.state, "", 404},
		"escaped path":         {"GET", root + "/%63allback?code=x&state=" + a.state, "", 404},
		"other case":           {"GET", root + "/Callback?code=x&state=" + a.state, "", 404},
		"favicon":              {"GET", root + "/favicon.ico", "", 404},
		"post":                 {"POST", a.query("code", "x", "state", a.state), "", 405},
		"head":                 {"HEAD", a.query("code", "x", "state", a.state), "", 405},
		"rebound host":         {"GET", a.query("code", "x", "state", a.state), "evil.example:80", 421},
		"other port in host":   {"GET", a.query("code", "x", "state", a.state), "127.0.0.1:1", 421},
		"localhost for the IP": {"GET", a.query("code", "x", "state", a.state), strings.Replace(strings.TrimPrefix(root, "http://"), "127.0.0.1", "localhost", 1), 421},
	} {
		status, body, header := a.send(tc.method, tc.address, tc.host)
		if status != tc.status {
			t.Errorf("%s: status %d, want %d", name, status, tc.status)
		}
		if strings.Contains(body, "script") || strings.Contains(body, "logged in") {
			t.Errorf("%s: the page is %s", name, body)
		}
		checkHeaders(t, header)
		a.waits()
	}
	if len(i.forms) != 0 {
		t.Errorf("%d codes were exchanged", len(i.forms))
	}
	if status, _, _ := a.send("GET", a.query("code", "right", "state", a.state), ""); status != 200 {
		t.Errorf("the right answer got %d", status)
	}
	if o := a.end(); o.err != nil {
		t.Error(o.err)
	}
	if got := i.forms[0].Get("code"); got != "right" {
		t.Errorf("code %q was exchanged, want right", got)
	}
}

func checkHeaders(t *testing.T, h http.Header) {
	t.Helper()
	for name, value := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff",
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
	} {
		if got := h.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") || strings.Contains(csp, "unsafe") {
		t.Errorf("Content-Security-Policy: %q", csp)
	}
}

// The style of the page is the one its policy allows, and there is nothing else
// a browser would have to fetch or run.
func TestPage(t *testing.T) {
	i := newIssuer(t)
	a := start(t, i, i.config())
	_, body, header := a.send("GET", a.query("code", "x", "state", a.state), "")
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(body)
	if style == nil {
		t.Fatalf("no style in %s", body)
	}
	sum := sha256.Sum256([]byte(style[1]))
	if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(header.Get("Content-Security-Policy"), hash) {
		t.Errorf("the policy %q does not allow %s", header.Get("Content-Security-Policy"), hash)
	}
	for _, bad := range []string{"<script", "style=", "src=", "http:", "https:", "url(", "onload", "{title}", "{text}", "{icon}"} {
		if strings.Contains(body, bad) {
			t.Errorf("the page has %q in it", bad)
		}
	}
	if o := a.end(); o.err != nil {
		t.Error(o.err)
	}
}

// Success is shown after the exchange, and only then.
func TestPageWaitsForTheExchange(t *testing.T) {
	i := newIssuer(t)
	exchanging, release := make(chan struct{}), make(chan struct{})
	i.handle["/token"] = func(w http.ResponseWriter, r *http.Request) {
		close(exchanging)
		<-release
		reply(w, 400, map[string]any{"error": "invalid_grant", "error_description": "grant request is invalid"})
	}
	a := start(t, i, i.config())
	type shown struct {
		status int
		body   string
	}
	page := make(chan shown, 1)
	go func() {
		status, body, _ := a.send("GET", a.query("code", "x", "state", a.state), "")
		page <- shown{status, body}
	}()
	<-exchanging
	// A second answer while the first is looked at changes nothing.
	if status, body, _ := a.send("GET", a.query("code", "y", "state", a.state), ""); status != 409 || strings.Contains(body, "logged in") {
		t.Errorf("second answer: %d %s", status, body)
	}
	select {
	case p := <-page:
		t.Fatalf("shown before the exchange was done: %+v", p)
	default:
	}
	close(release)
	if p := <-page; p.status == 200 || !strings.Contains(p.body, "was not completed") {
		t.Errorf("page: %d %s", p.status, p.body)
	}
	want(t, a.end().err, fault.Failed, "grant request is invalid")
}

// An error with the right state ends the wait, with what the issuer says and what
// it most likely means.
func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		answer []string
		scopes []string
		kind   fault.Kind
		text   string
	}{
		"denied":       {[]string{"error", "access_denied", "error_description", "End-User aborted interaction"}, nil, fault.Denied, "End-User aborted interaction"},
		"denied hint":  {[]string{"error", "access_denied"}, nil, fault.Denied, "not assigned to the app"},
		"offline":      {[]string{"error", "invalid_scope", "error_description", "some of requested scopes are not whitelisted"}, []string{"openid", "offline_access"}, fault.Usage, "leave it out of the scopes"},
		"scope":        {[]string{"error", "invalid_scope"}, []string{"openid", "orders"}, fault.Usage, "not offered by the issuer: orders"},
		"client":       {[]string{"error", "invalid_client"}, nil, fault.Usage, "client id is wrong"},
		"target":       {[]string{"error", "invalid_target"}, nil, fault.Usage, "API Authorization"},
		"needs a page": {[]string{"error", "login_required"}, nil, fault.Login, "prompt=none"},
		"server":       {[]string{"error", "server_error"}, nil, fault.Network, "try again"},
		"unknown":      {[]string{"error", "teapot", "error_uri", "https://x.example/teapot"}, nil, fault.Failed, "teapot, see https://x.example/teapot"},
		"escapes":      {[]string{"error", "access_denied", "error_description", "\x1b[2J\u202egnp"}, nil, fault.Denied, `\x1b[2J\u202egnp`},
		"nothing":      {nil, nil, fault.Failed, "neither a code nor an error"},
		"other issuer": {[]string{"code", "x", "iss", "https://evil.example"}, nil, fault.Failed, "https://evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			cfg := i.config()
			if tc.scopes != nil {
				cfg.Scopes = tc.scopes
			}
			a := start(t, i, cfg)
			status, body, _ := a.send("GET", a.query(append(tc.answer, "state", a.state)...), "")
			if status == 200 || strings.Contains(body, "logged in") {
				t.Errorf("page: %d %s", status, body)
			}
			want(t, a.end().err, tc.kind, tc.text)
			if len(i.forms) != 0 {
				t.Error("a code was exchanged")
			}
		})
	}
}

func TestLongDescriptionIsCut(t *testing.T) {
	i := newIssuer(t)
	a := start(t, i, i.config())
	a.send("GET", a.query("error", "access_denied", "error_description", strings.Repeat("lang ", 5000), "state", a.state), "")
	if err := a.end().err; len(err.Error()) > 500 {
		t.Errorf("message of %d bytes", len(err.Error()))
	}
}

// RFC 9207: an issuer that says it sends iss must send it, and it must be right.
func TestIssuerInTheAnswer(t *testing.T) {
	i := newIssuer(t)
	i.discovery = func(doc map[string]any) { doc["authorization_response_iss_parameter_supported"] = true }
	a := start(t, i, i.config())
	a.send("GET", a.query("code", "x", "state", a.state), "")
	want(t, a.end().err, fault.Failed, "is not from")
	a = start(t, i, i.config())
	a.send("GET", a.query("code", "x", "state", a.state, "iss", i.url), "")
	if o := a.end(); o.err != nil {
		t.Error(o.err)
	}
}

// The word localhost is listened for on both families, an address on its own.
func TestListeners(t *testing.T) {
	i := newIssuer(t)
	six, err := net.Listen("tcp", "[::1]:0")
	hasSix := err == nil
	if hasSix {
		six.Close()
	}
	for uri, hosts := range map[string]map[string]bool{
		"http://localhost:0/cb": {"127.0.0.1": true, "::1": hasSix},
		"http://127.0.0.1:0/cb": {"127.0.0.1": true, "::1": false},
		"http://[::1]:0/cb":     {"127.0.0.1": false, "::1": true},
	} {
		if !hasSix && strings.Contains(uri, "::1") {
			continue
		}
		cfg := i.config()
		cfg.RedirectURIs = []string{uri}
		a := start(t, i, cfg)
		u, _ := url.Parse(a.r.RedirectURI)
		for host, open := range hosts {
			c, err := net.DialTimeout("tcp", net.JoinHostPort(host, u.Port()), 5*time.Second)
			if (err == nil) != open {
				t.Errorf("%s: %s: %v, want open: %v", uri, host, err, open)
			}
			if err == nil {
				c.Close()
			}
		}
		if status, _, _ := a.send("GET", a.query("code", "x", "state", a.state), ""); status != 200 {
			t.Errorf("%s: status %d", uri, status)
		}
		if o := a.end(); o.err != nil {
			t.Errorf("%s: %v", uri, o.err)
		}
		if c, err := net.Dial("tcp", u.Host); err == nil {
			c.Close()
			t.Errorf("%s: still listening after the login", uri)
		}
	}
}

// Redirect URIs are tried in order; a port that anybody has in either family is
// left alone.
func TestPortInUse(t *testing.T) {
	i := newIssuer(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	cfg := i.config()
	cfg.RedirectURIs = []string{"http://localhost:" + port + "/one", "http://127.0.0.1:0/two"}
	a := start(t, i, cfg)
	if !strings.HasSuffix(a.r.RedirectURI, "/two") {
		t.Errorf("redirect URI %s, want the second", a.r.RedirectURI)
	}
	cfg.RedirectURIs = cfg.RedirectURIs[:1]
	_, _, err = login.Login(t.Context(), cfg, login.UI{})
	want(t, err, fault.Failed, "these ports are in use: "+port)
	want(t, err, fault.Failed, "Find it with: ")

	six, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 on this machine: the rest is not tested")
	}
	defer six.Close()
	_, port, _ = net.SplitHostPort(six.Addr().String())
	cfg.RedirectURIs = []string{"http://localhost:" + port + "/one"}
	_, _, err = login.Login(t.Context(), cfg, login.UI{})
	want(t, err, fault.Failed, "these ports are in use: "+port)
}

// Connections that a browser opens and sends nothing on do not hold up the end.
func TestIdleConnection(t *testing.T) {
	i := newIssuer(t)
	a := start(t, i, i.config())
	u, _ := url.Parse(a.r.RedirectURI)
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begin := time.Now()
	if status, _, _ := a.send("GET", a.query("code", "x", "state", a.state), ""); status != 200 {
		t.Errorf("status %d", status)
	}
	if o := a.end(); o.err != nil {
		t.Error(o.err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}
