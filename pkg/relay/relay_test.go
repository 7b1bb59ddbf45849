package relay_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/relay"
	"gatepass/pkg/secret"
)

// What the API gets of a request: the token, and nothing that is between the client and
// the relay.
func TestWhatTheAPIGets(t *testing.T) {
	b := newBench(t, echoPath)
	resp, body := b.ask("GET", b.base+"/a%2Fb//c?d=%20e&f;g", "Authorization: Bearer mine", "X-Api-Key: k", "User-Agent: me", "Accept-Encoding: br",
		"Cookie: other=app", "Referer: "+b.base+"/page", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "X-Gatepass-Secret: "+known, "Origin: http://127.0.0.1:"+b.port,
		"Proxy-Authorization: Basic eDp5", "Connection: X-Hop", "X-Hop: 1", "Keep-Alive: 5", "X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6", "Upgrade: h2c", "Te: trailers")
	if resp.StatusCode != http.StatusOK || body != "GET /prod/a%2Fb//c?d=%20e&f;g" {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	r := b.asked()[0]
	want := map[string]string{"Authorization": "Bearer " + bearer, "X-Api-Key": "k", "User-Agent": "me", "Accept-Encoding": "identity", "Te": "trailers", "Connection": "Te"}
	for name, values := range r.Header {
		if v, ok := want[name]; !ok && name != "Connection" || name != "Connection" && strings.Join(values, "|") != v {
			t.Errorf("the API gets %s: %q", name, values)
		}
	}
	for _, name := range []string{"Authorization", "X-Api-Key", "User-Agent", "Accept-Encoding"} {
		if r.Header.Get(name) != want[name] {
			t.Errorf("the API gets %s: %q", name, r.Header.Get(name))
		}
	}
	if at, _ := url.Parse(b.api.URL); r.Host != at.Host {
		t.Errorf("the API is asked for the host %s", r.Host)
	}
	if rec := b.record(0); rec.Path != "/a%2Fb//c" || rec.Status != 200 || rec.Refused != "" || rec.Err != nil || rec.Renewed {
		t.Errorf("record %+v", rec)
	}
}

// Without a client's User-Agent there is none: the relay does not speak for itself.
func TestNoUserAgentOfItsOwn(t *testing.T) {
	b := newBench(t, echoPath)
	b.raw("GET /" + known + "/x HTTP/1.1\r\nHost: localhost:" + b.port + "\r\nConnection: close\r\n\r\n")
	if h := b.asked()[0].Header; h["User-Agent"] != nil {
		t.Errorf("headers %v", h)
	}
}

// The wish for another protocol than WebSocket is not passed on (RFC 9110 section 7.8
// leaves that to servers), and the request is answered without it.
func TestOtherProtocols(t *testing.T) {
	b := newBench(t, echoPath)
	for _, upgrade := range []string{"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", "Upgrade: TLS/1.2", "Upgrade: websocket, h2c"} {
		resp, body := b.raw("GET /" + known + "/x HTTP/1.1\r\nHost: localhost:" + b.port + "\r\nConnection: close, Upgrade, HTTP2-Settings\r\n" + upgrade + "\r\n\r\n")
		if resp.StatusCode != http.StatusOK || body != "GET /prod/x" {
			t.Errorf("%s: %d %s", upgrade, resp.StatusCode, body)
		}
	}
	for _, r := range b.asked() {
		if r.Header["Upgrade"] != nil || r.Header["Http2-Settings"] != nil || strings.Contains(strings.Join(r.Header["Connection"], ","), "pgrade") {
			t.Errorf("the API gets %v", r.Header)
		}
	}
}

// An API key goes along where the client has none, and is not handed back either.
func TestTheKey(t *testing.T) {
	const key = "key-0123456789-0123456789"
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, len(r.Header["X-Api-Key"]), r.Header.Get("X-Api-Key") == key, " ", r.Header.Get("X-Api-Key"))
	}, func(o *relay.Options) { o.Key = secret.New(key) })
	for _, tc := range []struct{ header, want string }{
		{"Accept: */*", "1 true " + strings.Repeat("*", len(key))},
		{"x-api-key: mine-0123456789-0123456789", "1 false mine-0123456789-0123456789"},
	} {
		if _, got := b.ask("GET", b.base+"/x", tc.header); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.header, got, tc.want)
		}
	}
}

func TestTheTokenElsewhere(t *testing.T) {
	b := newBench(t, echoPath, func(o *relay.Options) { o.Header, o.Scheme = "authorizationToken", "" })
	b.ask("GET", b.base+"/x", "authorizationtoken: mine", "Authorization: Basic eDp5")
	h := b.asked()[0].Header
	if got := h.Values("Authorizationtoken"); len(got) != 1 || got[0] != bearer || h.Get("Authorization") != "Basic eDp5" {
		t.Errorf("headers %v", h)
	}
}

// What the client gets of an answer: all of it but what is about the API's own address.
func TestWhatTheClientGets(t *testing.T) {
	const off = "Strict-Transport-Security Alt-Svc Set-Cookie Clear-Site-Data Report-To Nel Reporting-Endpoints Service-Worker-Allowed"
	api := func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		for _, name := range strings.Fields(off) {
			h.Set(name, "x=y")
		}
		h.Set("X-Amzn-Requestid", "r")
		h.Set("Content-Type", "text/x")
		h.Set("Location", "/prod/elsewhere")
		h.Set("Www-Authenticate", "Bearer")
		h.Set("Trailer", "X-Sum")
		h.Set("Referrer-Policy", "unsafe-url")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "body")
		h.Set("X-Sum", "7")
	}
	b := newBench(t, api)
	resp, body := b.ask("GET", b.base+"/x")
	if resp.StatusCode != http.StatusTeapot || body != "body" || resp.Header.Get("X-Amzn-Requestid") != "r" || resp.Header.Get("Www-Authenticate") != "Bearer" ||
		resp.Header.Get("Location") != b.base+"/elsewhere" || resp.Trailer.Get("X-Sum") != "7" || resp.Header.Get("Referrer-Policy") != "no-referrer" || resp.Header.Get("Proxy-Status") != "" {
		t.Errorf("%d %s %v %v", resp.StatusCode, body, resp.Header, resp.Trailer)
	}
	for _, name := range strings.Fields(off) {
		if resp.Header.Get(name) != "" {
			t.Errorf("the client gets %s", name)
		}
	}
	// By the header the address has no secret in it, and gets none.
	resp, _ = b.ask("GET", "http://127.0.0.1:"+b.port+"/x", "X-Gatepass-Secret: "+known)
	if got := resp.Header.Get("Location"); got != "http://127.0.0.1:"+b.port+"/elsewhere" {
		t.Errorf("Location %s", got)
	}
}

// An API that sends the token back sends it to nobody who could use it. API Gateway does
// so itself, where a path is no route.
func TestTheTokenIsNotHandedBack(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("Authorization")
		w.Header().Set("X-Remapped", token)
		w.Header().Set("Trailer", "X-Trailer")
		coding, to := r.URL.RawQuery, io.Writer(w)
		if coding != "" {
			w.Header().Set("Content-Encoding", coding)
		}
		w.WriteHeader(http.StatusForbidden)
		if coding == "gzip" {
			z := gzip.NewWriter(w)
			defer func() { _ = z.Close() }()
			to = z
		}
		fmt.Fprintf(to, `{"message":"'%s' not a valid key=value pair (missing equal-sign) in Authorization header: '%s'."}`, token[7:], token)
		w.Header().Set("X-Trailer", token)
	}, func(o *relay.Options) {
		o.Bearer = func(context.Context, bool) (relay.Token, error) { return relay.Token{Value: secret.New(signed)}, nil }
		o.Decode = gunzip
	})
	const shown = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI0MiJ9."
	stars := strings.Repeat("*", len(signed)-len(shown))
	for _, coding := range []string{"", "gzip", "aws-chunked"} { // the last one is none that is known
		resp, body := b.ask("GET", b.base+"/nowhere?"+coding)
		if body != `{"message":"'`+shown+stars+`' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer `+shown+stars+`'."}` ||
			resp.Header.Get("X-Remapped") != "Bearer "+shown+stars || resp.Trailer.Get("X-Trailer") != "Bearer "+shown+stars {
			t.Errorf("%s: %s %v %v", coding, body, resp.Header, resp.Trailer)
		}
		if e := resp.Header.Get("Content-Encoding"); coding == "gzip" && e != "" || coding != "gzip" && e != coding {
			t.Errorf("%s: Content-Encoding %s", coding, e)
		}
	}
}

// What has no body keeps what is said of one, over HTTP/2 as well.
func TestCompressedWithoutABody(t *testing.T) {
	b := &bench{T: t, changed: make(chan struct{})}
	b.api = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		switch r.URL.Path {
		case "/prod/304":
			w.WriteHeader(http.StatusNotModified)
		case "/prod/head":
			w.Header().Set("Content-Length", "8")
		}
	}))
	b.api.EnableHTTP2 = true
	b.api.StartTLS()
	t.Cleanup(b.api.Close)
	roots := x509.NewCertPool()
	roots.AddCert(b.api.Certificate())
	b.begin(func(o *relay.Options) { o.Decode, o.TLS = gunzip, &tls.Config{RootCAs: roots} })
	for path, length := range map[string]string{"head": "8", "304": "", "empty": "0"} {
		method := "GET"
		if path == "head" {
			method = "HEAD"
		}
		resp, _ := b.ask(method, b.base+"/"+path)
		if h := resp.Header; h.Get("Content-Encoding") != "gzip" || h.Get("Content-Length") != length {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// gunzip is a Decode that knows gzip.
func gunzip(r io.Reader, codings []string) (io.ReadCloser, string) {
	if strings.Join(codings, ",") != "gzip" {
		return nil, codings[0]
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return io.NopCloser(iotest.ErrReader(err)), ""
	}
	return z, ""
}

// Events that are compressed unasked come one by one all the same, and an answer that is
// not what its coding says breaks off.
func TestCompressedUnasked(t *testing.T) {
	next := make(chan bool)
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		if r.URL.Path != "/prod/events" {
			w.Header().Set("Content-Length", "8")
			_, _ = io.WriteString(w, map[string]string{"/prod/bad": "not gzip"}[r.URL.Path])
			return
		}
		z := gzip.NewWriter(w)
		for range 2 {
			fmt.Fprintf(z, "data: %s\n\n", r.Header.Get("Authorization"))
			_ = z.Flush()
			_ = http.NewResponseController(w).Flush()
			<-next
		}
		_ = z.Close()
	}, func(o *relay.Options) { o.Decode = gunzip })
	resp, err := http.Get(b.base + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for range 2 {
		if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "data: Bearer ") {
			t.Fatalf("%q, %v", line, err)
		}
		next <- true
		_, _ = lines.ReadString('\n')
	}
	if head, _ := b.ask("HEAD", b.base+"/x"); head.Header.Get("Content-Encoding") != "gzip" || head.ContentLength != 8 {
		t.Errorf("HEAD: %v", head.Header)
	}
	bad, err := http.Get(b.base + "/bad")
	if err == nil {
		_, err = io.ReadAll(bad.Body)
		bad.Body.Close()
	}
	if err == nil {
		t.Error("what is no gzip was passed on as gzip")
	}
	for i := range 3 { // the events may have ended last
		if r := b.record(i); (r.Err != nil) != (r.Path == "/bad") {
			t.Errorf("record %+v", r)
		}
	}
}

const signed = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJlLXRoYXQtd29ya3M"

// A client that breaks the rules of HTTP is not taken for an API that does.
func TestBodiesThatCannotBeRead(t *testing.T) {
	b := newBench(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	for _, chunks := range []string{"-5\r\nabcde\r\n0\r\n\r\n", "fffffffffffffffff\r\nabc", "5;" + strings.Repeat("a", 1<<16) + "\r\n", "5\r\nabcdefgh\r\n"} {
		resp, body := b.raw("POST /" + known + "/x HTTP/1.1\r\nHost: localhost:" + b.port + "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "the body of the request cannot be read") {
			t.Errorf("%.20q: %d %s", chunks, resp.StatusCode, body)
		}
	}
}

func TestCookiesWhereTheyAreWanted(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "a=b; Path=/prod; Domain=api.example")
		_, _ = io.WriteString(w, r.Header.Get("Cookie"))
	}, func(o *relay.Options) { o.Cookies = true })
	resp, body := b.ask("GET", b.base+"/x", "Cookie: c=d", "Origin: "+page)
	if body != "c=d" || resp.Header.Get("Set-Cookie") != "a=b; Path=/"+known+"/" || resp.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("%s %v", body, resp.Header)
	}
}

// What the API does not say of its answer is not guessed.
func TestNoContentTypeIsGuessed(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		_, _ = io.WriteString(w, "<html>")
	})
	if resp, body := b.ask("GET", b.base+"/x"); body != "<html>" || resp.Header["Content-Type"] != nil {
		t.Errorf("%s %v", body, resp.Header)
	}
}

// Hints before an answer have their links and nothing else.
func TestEarlyHints(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a?"+r.Header.Get("Authorization")[7:]+">; rel=preload")
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
	})
	c, err := net.Dial("tcp", "127.0.0.1:"+b.port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /%s/x HTTP/1.1\r\nHost: localhost:%s\r\nConnection: close\r\n\r\n", known, b.port)
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(all); !strings.HasPrefix(s, "HTTP/1.1 103 Early Hints\r\nLink: </a?"+strings.Repeat("*", len(bearer))+">; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n") || strings.Contains(s, "a=b") {
		t.Errorf("got %q", s)
	}
}

// Events reach the client one by one, while the API goes on.
func TestEventsAreNotHeldBack(t *testing.T) {
	next := make(chan string)
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for e := range next {
			_, _ = io.WriteString(w, e)
			_ = http.NewResponseController(w).Flush()
		}
	})
	go func() { next <- "data: 0\n" }()
	resp, err := http.Get(b.base + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	for i := range 3 {
		if i > 0 {
			next <- fmt.Sprintf("data: %d\n", i)
		}
		if line, err := in.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("event %d: %q, %v", i, line, err)
		}
	}
	if b.relay.Active() != 1 {
		t.Errorf("%d requests are under way", b.relay.Active())
	}
	close(next)
	if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// zeros is a body of so many bytes.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

// Large bodies pass in both directions at once, in constant memory.
func TestLargeBodies(t *testing.T) {
	const size = 64 << 20
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	})
	r, err := http.NewRequest(http.MethodPost, b.base+"/x", &zeros{size})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("%d bytes came back, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 16<<20 {
		t.Errorf("%d MiB were allocated for a body of %d", got>>20, size>>20)
	}
}

// hijack ends the API's answer in the middle of something.
func hijack(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = rw.WriteString(text)
		_ = rw.Flush()
		_ = c.Close()
	}
}

// What goes wrong behind the relay is said in words, and without the token.
func TestTheAPIFails(t *testing.T) {
	for _, tc := range []struct {
		name   string
		api    http.HandlerFunc
		change func(*relay.Options)
		status int
		kind   string
		says   string
	}{
		{"nobody listens", echoPath, func(o *relay.Options) { o.API, _ = url.Parse("http://127.0.0.1:1/prod") }, 502, "connection_refused", "refuses connections"},
		{"no TLS", echoPath, func(o *relay.Options) { u := *o.API; u.Scheme = "https"; o.API = &u }, 502, "tls_protocol_error", "does not speak TLS"},
		{"no answer", hijack(""), nil, 502, "connection_terminated", "closed the connection"},
		{"no HTTP", hijack("HTTP/1.1 x\r\n\r\n"), nil, 502, "http_protocol_error", "malformed HTTP"},
		{"endless headers", hijack("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 2000)), nil, 502, "http_protocol_error", "headers exceeded"},
		{"another protocol unasked", hijack("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), nil, 502, "http_protocol_error", "switch protocol"},
		{
			"too late", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			func(o *relay.Options) { o.Timeout = 20 * time.Millisecond }, 504, "connection_timeout", "within the time limit",
		},
		{
			"a token that is none", echoPath, func(o *relay.Options) {
				o.Bearer = func(context.Context, bool) (relay.Token, error) {
					return relay.Token{Value: secret.New(bearer + "\r\nX: y")}, nil
				}
			}, 502, "proxy_internal_error", "characters in it that cannot be sent",
		},
		{
			"no token now", echoPath, func(o *relay.Options) {
				o.Bearer = func(context.Context, bool) (relay.Token, error) {
					return relay.Token{}, fault.New(fault.Network, "the issuer does not answer").WithHint("try again")
				}
			}, 502, "proxy_internal_error", `"kind": "network"`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			change := tc.change
			if change == nil {
				change = func(*relay.Options) {}
			}
			b := newBench(t, tc.api, change)
			resp, body := b.ask("POST", b.base+"/x", "Origin: "+page)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.says) || resp.Header.Get("Proxy-Status") != "gatepass; error="+tc.kind ||
				resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Access-Control-Allow-Origin") != page {
				t.Errorf("%d %s %v", resp.StatusCode, body, resp.Header)
			}
			rec := b.record(0)
			if rec.Status != tc.status || rec.Err == nil || rec.Refused == "" {
				t.Errorf("record %+v", rec)
			}
			if all := fmt.Sprint(body, rec.Err, rec, resp.Header); strings.Contains(all, bearer) || strings.Contains(all, known) {
				t.Errorf("a secret is in %s", all)
			}
		})
	}
}

// An answer that breaks off breaks off for the client, too, and is in the record, not in
// a log of the library's.
func TestTheAnswerBreaksOff(t *testing.T) {
	var logged lockedBuffer
	log.SetOutput(&logged)
	defer log.SetOutput(os.Stderr)
	b := newBench(t, hijack("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"))
	if resp, err := http.Get(b.base + "/x"); err == nil {
		defer resp.Body.Close()
		if got, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("got %q and no error", got)
		}
	}
	if rec := b.record(0); rec.Err == nil || rec.Status != 200 {
		t.Errorf("record %+v", rec)
	}
	if s := logged.String(); s != "" {
		t.Errorf("logged %s", s)
	}
}

// A client that goes away takes its request along.
func TestTheClientGoes(t *testing.T) {
	there, gone := make(chan struct{}), make(chan struct{})
	b := newBench(t, func(_ http.ResponseWriter, r *http.Request) {
		close(there)
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, b.base+"/x", nil)
	go func() { <-there; cancel() }()
	if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
		resp.Body.Close()
		t.Error("an answer came")
	}
	<-gone
	if rec := b.record(0); rec.Status != 0 || rec.Err == nil {
		t.Errorf("record %+v", rec)
	}
}

// socket is an API that takes WebSockets and sends everything back.
func socket(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		http.Error(w, "no WebSocket", http.StatusBadRequest)
		return
	}
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSet-Cookie: a=b\r\nX-Token: " + r.Header.Get("Authorization")[:6] + "\r\n\r\n")
	_ = rw.Flush()
	_, _ = io.Copy(c, rw)
}

func TestWebSockets(t *testing.T) {
	b := newBench(t, socket)
	dial := func(more string) (net.Conn, *bufio.Reader, *http.Response) {
		c, err := net.Dial("tcp", "127.0.0.1:"+b.port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		fmt.Fprintf(c, "GET /%s/x HTTP/1.1\r\nHost: localhost:%s\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n%s\r\n", known, b.port, more)
		in := bufio.NewReader(c)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return c, in, resp
	}
	c, in, resp := dial("Origin: " + page + "\r\nCookie: a=b\r\n")
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("X-Token") != "Bearer" || resp.Header.Get("Set-Cookie") != "" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	if h := b.asked()[0].Header; h.Get("Cookie") != "" || h.Get("Origin") != "" || h.Get("Sec-Websocket-Key") != "x" {
		t.Errorf("the API got %v", h)
	}
	_, _ = io.WriteString(c, "hello")
	got := make([]byte, 5)
	if _, err := io.ReadFull(in, got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	// The page of another origin is refused: browsers ask nobody before they connect.
	if _, _, resp := dial("Origin: https://evil.example\r\n"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("another origin: %d", resp.StatusCode)
	}
	b.relay.Close()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := in.ReadByte(); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the connection does not end with the relay: %v", err)
	}
	if rec := b.record(1); rec.Status != 101 {
		t.Errorf("record %+v", rec)
	}
}

// API Gateway speaks HTTP/2 over TLS. Bodies stream in both directions all the same, and
// WebSockets are made over HTTP/1.1.
func TestOverTLS(t *testing.T) {
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			socket(w, r)
			return
		}
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("X-Protocol", r.Proto)
		_ = http.NewResponseController(w).Flush()
		in := bufio.NewReader(r.Body)
		for {
			line, err := in.ReadString('\n')
			_, _ = io.WriteString(w, line)
			if err != nil {
				break
			}
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set("X-Sum", "7")
	}))
	api.EnableHTTP2 = true
	api.Config.ErrorLog = log.New(io.Discard, "", 0)
	api.StartTLS()
	t.Cleanup(api.Close)
	roots := x509.NewCertPool()
	roots.AddCert(api.Certificate())
	b := newBench(t, echoPath, func(o *relay.Options) {
		o.API, _ = url.Parse(api.URL + "/prod")
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	})
	r, w := io.Pipe()
	req, _ := http.NewRequest(http.MethodPost, b.base+"/x", r)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	for _, line := range []string{"one\n", "two\n"} {
		_, _ = io.WriteString(w, line)
		if got, err := in.ReadString('\n'); got != line || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
	_ = w.Close()
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil || resp.Header.Get("X-Protocol") != "HTTP/2.0" || resp.Trailer.Get("X-Sum") != "7" {
		t.Errorf("%q, %v, %v, %v", rest, err, resp.Header, resp.Trailer)
	}
	up, _ := b.raw("GET /" + known + "/x HTTP/1.1\r\nHost: localhost:" + b.port + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if up.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("a WebSocket: %d", up.StatusCode)
	}
	other := newBench(t, echoPath, func(o *relay.Options) { o.API, _ = url.Parse(api.URL + "/prod") })
	if resp, body := other.ask("GET", other.base+"/x"); resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, "not trusted here") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestWhatNoRelayIsMadeOf(t *testing.T) {
	parse := func(s string) *url.URL { u, _ := url.Parse(s); return u }
	at := netip.MustParseAddrPort
	good := relay.Options{API: parse("https://api.example/prod"), Header: "Authorization", Scheme: "Bearer", Address: at("127.0.0.1:8181"), Secret: relay.NewSecret()}
	if _, err := relay.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*relay.Options){
		"no API":              func(o *relay.Options) { o.API = nil },
		"another scheme":      func(o *relay.Options) { o.API = parse("ftp://api.example") },
		"a password":          func(o *relay.Options) { o.API = parse("https://u:p@api.example") },
		"a query":             func(o *relay.Options) { o.API = parse("https://api.example?x=y") },
		"dots":                func(o *relay.Options) { o.API = parse("https://api.example/a/../b") },
		"itself":              func(o *relay.Options) { o.API = parse("http://localhost:8181/x") },
		"an open address":     func(o *relay.Options) { o.Address = at("0.0.0.0:8181") },
		"another machine's":   func(o *relay.Options) { o.Address = at("192.0.2.1:8181") },
		"no address":          func(o *relay.Options) { o.Address = netip.AddrPort{} },
		"no header":           func(o *relay.Options) { o.Header = "" },
		"a scheme of two":     func(o *relay.Options) { o.Scheme = "a b" },
		"a key of two lines":  func(o *relay.Options) { o.Key = secret.New("a\nb") },
		"a short secret":      func(o *relay.Options) { o.Secret = secret.New("short") },
		"a secret with signs": func(o *relay.Options) { o.Secret = secret.New(known + "/..") },
	} {
		o := good
		change(&o)
		var f *fault.Error
		if _, err := relay.New(o); !errors.As(err, &f) || f.Kind != fault.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretsAreNew(t *testing.T) {
	a, b := relay.NewSecret(), relay.NewSecret()
	if a.Reveal() == b.Reveal() || len(a.Reveal()) < 22 || relay.CheckSecret(a) != nil {
		t.Errorf("%q and %q", a.Reveal(), b.Reveal())
	}
}

// Requests leave nothing behind: no goroutine, no connection of their own.
func TestNothingIsLeftBehind(t *testing.T) {
	b := newBench(t, echoPath)
	client := &http.Client{Transport: new(http.Transport)}
	get := func() {
		resp, err := client.Get(b.base + "/x")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	get()
	before := runtime.NumGoroutine()
	for range 200 {
		get()
	}
	if after := runtime.NumGoroutine(); after > before+20 {
		var stacks bytes.Buffer
		buf := make([]byte, 1<<16)
		stacks.Write(buf[:runtime.Stack(buf, true)])
		t.Errorf("%d goroutines became %d\n%s", before, after, &stacks)
	}
	client.CloseIdleConnections()
}
