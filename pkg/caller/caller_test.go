package caller_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"gatepass/pkg/caller"
	"gatepass/pkg/crash"
	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
)

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func wantNetwork(t *testing.T, err error, msg string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Network || !strings.Contains(f.Msg, msg) {
		t.Errorf("error %v, want one of the network with %q", err, msg)
	}
}

// answer is a connection whose other end answers each request with a redirect
// and reports the token it got.
func answer(location string, got func(token string)) net.Conn {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		r := bufio.NewReader(there)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			got(req.Header.Get("Authorization"))
			location = strings.NewReplacer("\r", "", "\n", "").Replace(location)
			fmt.Fprintf(there, "HTTP/1.1 307 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", location)
		}
	}()
	return here
}

// raw is a server that takes the head of a request and then does what it is told.
func raw(t *testing.T, then func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.Copy(io.Discard, req.Body)
				}
				then(c)
			}()
		}
	}()
	return "http://" + ln.Addr().String() + "/start"
}

func says(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text) }
}

func forever(first, again string) func(net.Conn) {
	return func(c net.Conn) {
		_, err := io.WriteString(c, first)
		for err == nil {
			_, err = io.WriteString(c, again)
		}
	}
}

func silent(first string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, first)
		_, _ = io.Copy(io.Discard, c)
	}
}

func drips(c net.Conn) {
	_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
	for err == nil {
		_, err = io.WriteString(c, "x")
		time.Sleep(time.Millisecond)
	}
}

// A hostile or broken server ends in one line that names what was wrong, and
// never with the token in it.
func TestHostileServers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		server func(net.Conn)
		want   string
	}{
		{"says nothing", says(""), "closed the connection without an answer"},
		{"is no web server", says("220 mail.example ESMTP\r\n"), "does not answer as HTTP wants it: malformed HTTP"},
		{"quotes the token", says("HTTP/1.1 " + bearer + "\r\n\r\n"), "[redacted]"},
		{"quotes the token where it is cut", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + strings.Repeat("a", 180-len("unsupported transfer encoding: ")) + " " + bearer + "\r\n\r\n"), "[redacted"},
		{"no status", says("HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok"), "answers with the status 000, which is none"},
		{"another protocol", says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello"), "goes on in another protocol"},
		{"endless headers", forever("HTTP/1.1 200 OK\r\n", "X-A: "+strings.Repeat("a", 1000)+"\r\n"), "headers exceeded"},
		{"one endless header", forever("HTTP/1.1 200 OK\r\nX-A: ", strings.Repeat("a", 1000)), "headers exceeded"},
		{"endless information", forever("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), "headers exceeded"},
		{"bad chunk", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"), "chunk"},
		{"cut chunk", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"), "broke the answer off"},
		{"cut body", says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), "broke the answer off"},
		{"two lengths", says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nabc"), "Content-Length"},
		{"a header of control characters", says("HTTP/1.1 200 OK\r\nA\x00b: c\r\n\r\n"), "malformed MIME header"},
		{"silent", silent(""), "nothing has moved for 100ms"},
		{"silent in the body", silent("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), "nothing has moved for 100ms"},
		{"drips", drips, "not complete within 1.5s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := caller.Options{}
			switch {
			case strings.HasPrefix(tc.name, "silent"):
				o.Idle = 100 * time.Millisecond
			case tc.name == "drips":
				o.Timeout = 1500 * time.Millisecond
			}
			_, _, err := do(t, o, post(t, raw(t, tc.server)))
			wantNetwork(t, err, tc.want)
			if err != nil && (strings.Contains(err.Error(), bearer[:6]) || strings.Contains(err.Error(), "net/http")) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A body that stalls, as standard input may, holds nothing up when the time is over.
func TestStalledBody(t *testing.T) {
	api := newSite(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }, false)
	for want, o := range map[string]caller.Options{
		"no answer within 100ms":          {Timeout: 100 * time.Millisecond},
		"nothing has moved for 100ms":     {Idle: 100 * time.Millisecond},
		"context canceled, by the caller": {},
	} {
		stalled, feed := io.Pipe()
		go func() { _, _ = feed.Write([]byte("a")) }()
		r := post(t, api.URL)
		r.Body = caller.Body{Open: func() (io.ReadCloser, error) { return io.NopCloser(stalled), nil }, Size: -1, Once: true}
		c, err := caller.New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if o.Timeout == 0 && o.Idle == 0 {
			time.AfterFunc(100*time.Millisecond, cancel)
		}
		_, err = c.Do(ctx, r)
		cancel()
		if strings.HasSuffix(want, "by the caller") {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", want, err)
			}
		} else {
			wantNetwork(t, err, want)
		}
		_ = feed.Close()
	}
}

func TestWhyThereIsNoConnection(t *testing.T) {
	// Nobody listens on port 1. A port that was just closed may be taken by others.
	const closed = "http://127.0.0.1:1"
	encrypted := newSite(t, arrive, true)
	plain := newSite(t, arrive, false)
	failing := func(err error) caller.Options {
		return caller.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: err}
		}}
	}
	elsewhere := func(s *site) caller.Options {
		return caller.Options{Roots: pemOf(encrypted.Certificate()), Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
		}}
	}
	for _, tc := range []struct {
		name, url string
		o         caller.Options
		want      string
	}{
		{"refused", closed, caller.Options{}, "refuses connections"},
		{"no such name", "http://api.invalid", failing(&net.DNSError{Name: "api.invalid", IsNotFound: true}), "there is no host api.invalid"},
		{"no name server", "http://api.invalid", failing(&net.DNSError{Name: "api.invalid", IsTimeout: true}), "the name server does not answer"},
		{"time limit", "http://api.invalid", failing(context.DeadlineExceeded), "could not be reached within 15s"},
		{"not trusted", encrypted.URL, caller.Options{}, `is by "Acme Co", who is not trusted here`},
		{"another name", "https://api.invalid", elsewhere(encrypted), "is for another name"},
		{"no TLS", strings.Replace(plain.URL, "http", "https", 1), caller.Options{}, "does not speak TLS"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := do(t, tc.o, post(t, tc.url))
			wantNetwork(t, err, tc.want)
		})
	}
	if _, text, err := do(t, caller.Options{Roots: pemOf(encrypted.Certificate())}, post(t, encrypted.URL)); err != nil || text != "arrived" {
		t.Errorf("with the root: %q, %v", text, err)
	}
	if _, err := caller.New(caller.Options{Roots: []byte("x")}); err == nil {
		t.Error("roots without a certificate are taken")
	}
}

// A proxy that does not lead to the host is told from the API.
func TestProxyThatRefuses(t *testing.T) {
	for status, want := range map[int][2]string{
		407: {"does not lead to api.invalid:443: it answers 407 Proxy Authentication Required", "HTTPS_PROXY=http://NAME:PASSWORD@127.0.0.1:"},
		403: {"it answers 403 Forbidden", "NO_PROXY=api.invalid"},
		999: {"it answers 999", "NO_PROXY"},
	} {
		proxy := mustParse(t, raw(t, says(fmt.Sprintf("HTTP/1.1 %d \x1b[2J\r\nContent-Length: 0\r\n\r\n", status))))
		proxy.User = url.UserPassword("ada", "hunter2")
		_, _, err := do(t, caller.Options{Proxy: http.ProxyURL(proxy)}, post(t, "https://api.invalid/x"))
		wantNetwork(t, err, want[0])
		var f *fault.Error
		if !errors.As(err, &f) || !strings.Contains(f.Hint, want[1]) || strings.Contains(f.Msg+f.Hint, "hunter2") {
			t.Errorf("%d: %+v", status, f)
		}
	}
}

// What is wrong with the body of the request is not said of the API.
func TestBodiesThatFail(t *testing.T) {
	for name, tc := range map[string]struct {
		text, fails string
		size        int64
		want        string
	}{
		"unreadable": {"abc", "the disk is gone", 10, "the body of the request cannot be read: the disk is gone"},
		"shorter":    {"abc", "", 10, "its size has changed"},
		"longer":     {"abcdef", "", 3, "its size has changed"},
		"of no size": {"abc", "the disk is gone", -1, "the body of the request cannot be read: the disk is gone"},
	} {
		r := post(t, newSite(t, arrive, false).URL)
		r.Body = caller.Body{Size: tc.size, Open: func() (io.ReadCloser, error) {
			var in io.Reader = strings.NewReader(tc.text)
			if tc.fails != "" {
				in = io.MultiReader(in, iotest.ErrReader(errors.New(tc.fails)))
			}
			return io.NopCloser(in), nil
		}}
		_, _, err := do(t, caller.Options{}, r)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Failed || !strings.Contains(f.Msg, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheCallersContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	target := raw(t, func(c net.Conn) { cancel(); silent("")(c) })
	c, err := caller.New(caller.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Do(ctx, post(t, target)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's own", err)
	}
}

// What cannot be sent is refused before a connection is opened, and the token
// is not shown.
func TestRefusedBeforeAnythingIsSent(t *testing.T) {
	never := caller.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("a connection was opened")
		return nil, net.ErrClosed
	}}
	for _, tc := range []struct {
		name, want string
		change     func(*caller.Request)
	}{
		{"another port", "the token is for http://a.test:80", func(r *caller.Request) { r.URL = mustParse(t, "http://a.test:81") }},
		{"another scheme", "the token is for", func(r *caller.Request) { r.URL = mustParse(t, "https://a.test:80") }},
		{"another host", "the token is for", func(r *caller.Request) { r.URL = mustParse(t, "http://b.test") }},
		{"no origin", "no origin", func(r *caller.Request) { r.Origin = "" }},
		{"a token of two lines", "characters", func(r *caller.Request) { r.Token = secret.New(bearer + "\r\nX: y") }},
		{"a header of two lines", `the header "X" cannot be sent`, func(r *caller.Request) { r.Header.Set("X", "a\nb") }},
		{"a header with a space", "cannot be sent", func(r *caller.Request) { r.Header["X y"] = []string{"a"} }},
		{"a length", "Content-Length is set by", func(r *caller.Request) { r.Header.Set("content-length", "5") }},
		{"a method with a space", "no request method", func(r *caller.Request) { r.Method = "GET /x" }},
		{"no method", "no request method", func(r *caller.Request) { r.Method = "" }},
		{"a proxy's method", "CONNECT", func(r *caller.Request) { r.Method = "CONNECT" }},
		{"a file", "want a URL", func(r *caller.Request) { r.URL = mustParse(t, "file:///etc/passwd") }},
		{"a password", "user name or password", func(r *caller.Request) { r.URL = mustParse(t, "http://u:p@a.test") }},
		{"a port beyond the last", "there is no port 99999", func(r *caller.Request) { r.URL = mustParse(t, "http://a.test:99999") }},
		{"a token in the Host", "can carry a token", func(r *caller.Request) { r.TokenHeader = "a b" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := post(t, "http://a.test/x")
			tc.change(r)
			_, _, err := do(t, never, r)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Usage || !strings.Contains(f.Msg, tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestWhatIsSent(t *testing.T) {
	var got string
	target := raw(t, says("HTTP/1.1 204 No Content\r\n\r\n"))
	o := caller.Options{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		return &recorded{Conn: c, to: &got}, err
	}}
	r := post(t, target+"/a%2Fb//c/../d?q=%20x&q=")
	r.Method, r.TokenHeader, r.TokenScheme = "PUT", "authorizationToken", ""
	r.Header["authorizationtoken"] = []string{"the user's"}
	r.Header["user-agent"] = []string{"me"}
	r.Host = "api.example"
	if _, _, err := do(t, o, r); err != nil {
		t.Fatal(err)
	}
	want := "PUT /start/a%2Fb//c/../d?q=%20x&q= HTTP/1.1\r\nHost: api.example\r\nUser-Agent: me\r\nContent-Length: 4\r\n" +
		"Accept: application/json\r\nContent-Type: text/plain\r\nauthorizationToken: " + bearer + "\r\nx-api-key: k\r\n\r\nbody"
	if got != want {
		t.Errorf("sent %q\nwant %q", got, want)
	}
}

type recorded struct {
	net.Conn
	to *string
}

func (r *recorded) Write(p []byte) (int, error) {
	*r.to += string(p)
	return r.Conn.Write(p)
}

// The lines of a trace show what was sent and what came back, without secrets.
func TestTrace(t *testing.T) {
	jwt := "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
	for _, token := range []string{jwt, bearer} {
		api := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Echo", r.Header.Get("Authorization"))
			w.Header().Set("Set-Cookie", "session=s3cr3t-s3cr3t")
			arrive(w, r)
		}, true)
		var lines []string
		r := post(t, api.URL+"/start")
		r.Token = secret.New(token)
		o := caller.Options{Roots: pemOf(api.Certificate()), Line: func(d caller.Direction, s string) { lines = append(lines, string(d)+" "+s) }}
		if _, _, err := do(t, o, r); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(lines, "\n")
		for _, want := range []string{"* connected to 127.0.0.1:", "* TLS 1.3", "> POST /start HTTP/", "\n> x-api-key: [redacted]\n", "[redacted]\n> ", "\n< HTTP/", "< Set-Cookie: [redacted]"} {
			if !strings.Contains(all, want) {
				t.Errorf("no %q in\n%s", want, all)
			}
		}
		for _, secret := range []string{bearer, "c2lnbmF0dXJl", "s3cr3t"} {
			if strings.Contains(all, secret) {
				t.Errorf("%q is in\n%s", secret, all)
			}
		}
	}
}

// pattern is a body of any size that takes no memory.
type pattern struct{ left int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), p.left)
	p.left -= n
	return int(n), nil
}

// Bodies stream in constant memory in both directions, with and without a
// length known beforehand.
func TestStreaming(t *testing.T) {
	const size = 128 << 20
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r.Body}, make([]byte, 64<<10))
	}))
	defer api.Close()
	for _, known := range []int64{size, -1} {
		r := post(t, api.URL+"/echo")
		r.Body = caller.Body{Open: func() (io.ReadCloser, error) { return io.NopCloser(&pattern{size}), nil }, Size: known}
		c, err := caller.New(caller.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		resp, err := c.Do(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, make([]byte, 64<<10))
		resp.Body.Close()
		runtime.ReadMemStats(&after)
		if err != nil || n != size {
			t.Errorf("%d bytes came back, %v", n, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%d bytes were allocated for a body of %d", used, size)
		}
	}
}

func TestHTTP2(t *testing.T) {
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Proto, r.Header.Get("authorization"), b)
	}))
	api.EnableHTTP2 = true
	api.StartTLS()
	defer api.Close()
	var lines []string
	o := caller.Options{Roots: pemOf(api.Certificate()), Line: func(d caller.Direction, s string) { lines = append(lines, string(d)+" "+s) }}
	_, text, err := do(t, o, post(t, api.URL+"/start"))
	if err != nil || text != "HTTP/2.0 Bearer "+bearer+" body" {
		t.Errorf("%q, %v", text, err)
	}
	if all := strings.Join(lines, "\n"); !strings.Contains(all, "> POST /start HTTP/2\n") || !strings.Contains(all, "> authorization: Bearer [redacted]\n") || strings.Contains(all, bearer) {
		t.Error(all)
	}
}

func TestTimings(t *testing.T) {
	api := newSite(t, arrive, true)
	resp, _, err := do(t, caller.Options{Roots: pemOf(api.Certificate())}, post(t, api.URL))
	if err != nil {
		t.Fatal(err)
	}
	got := resp.Timings()
	if got.Connect <= 0 || got.TLS < got.Connect || got.FirstByte < got.TLS || got.Total < got.FirstByte {
		t.Errorf("timings out of order: %+v", got)
	}
}

func ExampleClient_Do() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s with %s", r.Method, r.URL.Path, r.Header.Get("Authorization"))
	}))
	defer api.Close()
	c, err := caller.New(caller.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	u, _ := http.NewRequest(http.MethodGet, api.URL+"/orders", nil)
	resp, err := c.Do(context.Background(), &caller.Request{
		Method: "GET", URL: u.URL,
		Token: secret.New("abc"), TokenHeader: "Authorization", TokenScheme: "Bearer", Origin: caller.OriginOf(u.URL),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(resp.Body)
	fmt.Println(resp.StatusCode, body.String())
	// Output: 200 GET /orders with Bearer abc
}

// A mistake on the way is not taken for one of the network's.
func TestMistakeInARequest(t *testing.T) {
	api := newSite(t, func(http.ResponseWriter, *http.Request) {}, false)
	_, _, err := do(t, caller.Options{Line: func(caller.Direction, string) { panic("a mistake") }}, post(t, api.URL))
	var mistake *crash.Error
	if !errors.As(err, &mistake) {
		t.Errorf("got %v", err)
	}
}
