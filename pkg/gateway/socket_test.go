package gateway_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/gateway"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

// The handshake of RFC 6455 section 1.3, and its answer.
const (
	upgradeHeaders = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	accept         = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// socketOptions are those of a gateway over a WebSocket API with the routes
// $connect and sendmessage, if any is named.
func socketOptions(a *tokens, routes ...string) gateway.Options {
	z := &apigw.Authorizer{Name: "policy", Type: apigw.AuthRequest, IdentitySources: []string{"route.request.header.Auth"}}
	api := testAPI(0)
	api.Kind, api.Default.Authorizer = apigw.WebSocket, z
	for _, key := range routes {
		r := apigw.Route{Method: key}
		if key == "$connect" {
			r.Authorizer = z
		}
		api.Routes = append(api.Routes, r)
	}
	return gateway.Options{
		API: api, Base: gateway.Base{Path: "/prod", Optional: true},
		Authorizers: map[string]gateway.Invoke{"policy": func(ctx context.Context, ev apigw.Event) (apigw.Output, string) {
			ev.Token = ev.Identity[0]
			return a.invoke(ctx, ev)
		}},
	}
}

// client is a WebSocket client that can also do what it must not.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// dial sends a request with a body to follow, and returns the answer's head.
func dial(t testing.TB, server, request string) (*client, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", parse(t, server).Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	c := &client{t, conn, bufio.NewReader(conn)}
	c.send(request)
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, res
}

// connect makes a connection that is let in.
func connect(t testing.TB, server string) *client {
	t.Helper()
	c, res := dial(t, server, "GET /prod HTTP/1.1\r\nHost: x\r\nAuth: allow\r\n"+upgradeHeaders+"\r\n")
	if res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Sec-Websocket-Accept") != accept {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	return c
}

func (c *client) send(bytes string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, bytes); err != nil {
		c.t.Fatal(err)
	}
}

// masked is a frame as a client sends it; first is the first byte.
func masked(first byte, payload string) string {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	key := [4]byte{1, 0xfe, 3, 0x80}
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i&3])
	}
	return string(b)
}

// receive reads a frame of the server: unfragmented, not masked.
func (c *client) receive() (first byte, payload string) {
	c.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		c.t.Fatal(err)
	}
	n := uint64(head[1])
	var long [8]byte
	switch n {
	case 126:
		_, _ = io.ReadFull(c.in, long[6:])
		n = binary.BigEndian.Uint64(long[:])
	case 127:
		_, _ = io.ReadFull(c.in, long[:])
		n = binary.BigEndian.Uint64(long[:])
	}
	if n > 1<<20 {
		c.t.Fatalf("a frame of %d bytes, masked perhaps", n)
	}
	p := make([]byte, n)
	if _, err := io.ReadFull(c.in, p); err != nil {
		c.t.Fatal(err)
	}
	return head[0], string(p)
}

// ends reads a close frame, and that nothing follows it.
func (c *client) ends() (code uint16) {
	c.t.Helper()
	first, p := c.receive()
	if first != 0x88 {
		c.t.Fatalf("frame %#x %q, want a close", first, p)
	}
	if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
		c.t.Errorf("after the close: %q %v", rest, err)
	}
	if len(p) < 2 {
		return 1005
	}
	return binary.BigEndian.Uint16([]byte(p))
}

// said is an answer of the echo backend.
type said struct {
	RouteKey string
	Message  string
	Context  struct {
		EventType, ConnectionID, RequestID string
		Authorizer                         map[string]any
	} `json:"requestContext"`
}

// ask sends a message and reads the answer.
func (c *client) ask(text string) said {
	c.t.Helper()
	c.send(masked(0x81, text))
	first, p := c.receive()
	var s said
	if err := json.Unmarshal([]byte(p), &s); first != 0x81 || err != nil {
		c.t.Fatalf("%#x %q %v", first, p, err)
	}
	return s
}

// The context of the connection is kept for messages, and nobody is asked again.
func TestSocketKeepsContext(t *testing.T) {
	a := new(tokens)
	records := make(chan gateway.Record, 10)
	o := socketOptions(a)
	o.OnRequest = func(r *gateway.Record) { records <- *r }
	s := serve(t, o)
	c := connect(t, s.URL)
	if r := <-records; r.Status != 101 || r.Method != http.MethodGet || r.Said != "it is allow" { // told although the connection lasts
		t.Errorf("record %+v", r)
	}
	var ids []string
	for text, key := range map[string]string{
		`{"action":"sendmessage","n":1}`: "sendmessage", `{"Action":"sendmessage"}`: "$default", "hello": "$default", "": "$default", "null": "$default",
		`{"action":"$connect"}`: "$default", `{"action":"$disconnect"}`: "$default", `{"action":""}`: "$default", `{"action":7}`: "$default",
		`{"action":"` + strings.Repeat("a", 129) + `"}`: "$default", strings.Repeat("ä", 15000): "$default",
	} {
		got := c.ask(text)
		if got.RouteKey != key || got.Message != text || got.Context.EventType != "MESSAGE" {
			t.Errorf("%.40s: %.200v", text, got)
		}
		if got.Context.Authorizer["email"] != "ann@acme.com" || got.Context.Authorizer["level"] != "3" || got.Context.Authorizer["principalId"] != "ann" {
			t.Errorf("context %v", got.Context.Authorizer)
		}
		if r := <-records; r.Method != gateway.MessageMethod || r.Path != key || r.Status != 200 || r.Verdict.AuthorizerCalled {
			t.Errorf("record %+v", r)
		}
		ids = append(ids, got.Context.ConnectionID)
	}
	if a.count() != 1 || a.last.Context.ConnectionID != ids[0] || ids[0] != ids[len(ids)-1] || ids[0] == "" {
		t.Errorf("asked %d times, connection %q, messages %q", a.count(), a.last.Context.ConnectionID, ids)
	}
	if other := connect(t, s.URL).ask("x"); other.Context.ConnectionID == ids[0] {
		t.Error("two connections have one id")
	}
}

// A message without a route is refused, and the connection goes on.
func TestSocketRoutes(t *testing.T) {
	s := serve(t, socketOptions(new(tokens), "$connect", "sendmessage"))
	c := connect(t, s.URL)
	c.send(masked(0x81, `{"action":"other"}`))
	if _, p := c.receive(); !strings.HasPrefix(p, `{"message":"Forbidden","connectionId":"`) {
		t.Errorf("%s", p)
	}
	if got := c.ask(`{"action":"sendmessage"}`); got.RouteKey != "sendmessage" {
		t.Errorf("%v", got)
	}
}

// What is refused gets an answer of HTTP, and no connection.
func TestSocketRefused(t *testing.T) {
	a := new(tokens)
	s := serve(t, socketOptions(a))
	without := func(line string) string { return strings.Replace(upgradeHeaders, line+"\r\n", "", 1) }
	for name, tc := range map[string]struct {
		request string
		status  int
		body    string
	}{
		"no token":       {"GET /prod HTTP/1.1\r\n" + upgradeHeaders, 401, `{"message":"Unauthorized"}`},
		"an empty token": {"GET /prod HTTP/1.1\r\nAuth: \r\n" + upgradeHeaders, 401, `{"message":"Unauthorized"}`},
		"unauthorized":   {"GET /prod HTTP/1.1\r\nAuth: unauthorized\r\n" + upgradeHeaders, 401, `{"message":"Unauthorized"}`},
		"denied": {
			"GET / HTTP/1.1\r\nAuth: deny\r\n" + upgradeHeaders, 403,
			`{"message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`,
		},
		"failed":         {"GET / HTTP/1.1\r\nAuth: x\r\n" + upgradeHeaders, 500, `{"message":"Internal server error"}`},
		"a path":         {"GET /prod/orders HTTP/1.1\r\nAuth: allow\r\n" + upgradeHeaders, 403, `{"message":"Forbidden"}`},
		"no upgrade":     {"GET /prod HTTP/1.1\r\nAuth: allow\r\n", 426, `{"message":"Upgrade Required"}`},
		"a POST":         {"POST /prod HTTP/1.1\r\nAuth: allow\r\nContent-Length: 0\r\n", 426, `{"message":"Upgrade Required"}`},
		"another":        {"GET / HTTP/1.1\r\nAuth: allow\r\n" + strings.Replace(upgradeHeaders, "WebSocket", "shout", 1), 426, `{"message":"Upgrade Required"}`},
		"no version":     {"GET / HTTP/1.1\r\nAuth: allow\r\n" + without("Sec-WebSocket-Version: 13"), 426, `{"message":"Upgrade Required"}`},
		"two versions":   {"GET / HTTP/1.1\r\nAuth: allow\r\nSec-WebSocket-Version: 8\r\n" + upgradeHeaders, 426, `{"message":"Upgrade Required"}`},
		"no key":         {"GET / HTTP/1.1\r\nAuth: allow\r\n" + without("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400, `{"message":"Bad Request"}`},
		"two keys":       {"GET / HTTP/1.1\r\nAuth: allow\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + upgradeHeaders, 400, `{"message":"Bad Request"}`},
		"a short key":    {"GET / HTTP/1.1\r\nAuth: allow\r\n" + strings.Replace(upgradeHeaders, "dGhl", "", 1), 400, `{"message":"Bad Request"}`},
		"an upgrade PUT": {"PUT / HTTP/1.1\r\nAuth: allow\r\n" + upgradeHeaders, 400, `{"message":"Bad Request"}`},
		"a body":         {"GET / HTTP/1.1\r\nAuth: allow\r\nTransfer-Encoding: chunked\r\n" + upgradeHeaders, 400, `{"message":"Bad Request"}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, res := dial(t, s.URL, tc.request+"Host: x\r\n\r\n0\r\n\r\n") // what follows a head is the body of one case
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != tc.status || string(body) != tc.body {
				t.Errorf("%d %s %v, want %d %s", res.StatusCode, body, err, tc.status, tc.body)
			}
			if len(res.Header.Get("X-Amzn-Requestid")) != 36 || res.Header.Get("X-Amzn-Errortype") != "" || res.Header.Get("Sec-Websocket-Accept") != "" {
				t.Errorf("headers %v", res.Header)
			}
			if tc.status == 426 && (res.Header.Get("Sec-Websocket-Version") != "13" || res.Header.Get("Upgrade") != "websocket") {
				t.Errorf("headers %v", res.Header)
			}
		})
	}
	if a.count() != 3 { // unauthorized, deny, x: what is no upgrade asks nobody
		t.Errorf("the authorizer was asked %d times", a.count())
	}
}

// Frames that must not be are answered with the right code, and the end.
func TestSocketHostileFrames(t *testing.T) {
	s := serve(t, socketOptions(new(tokens)))
	full := strings.Repeat("x", 32<<10)
	for name, tc := range map[string]struct {
		bytes string
		code  uint16
	}{
		"not masked":                     {"\x81\x02hi", 1002},
		"not masked, large":              {"\x81\x7f\x00\x00\x00\x00\xff\xff\xff\xff", 1002},
		"reserved bit":                   {masked(0xc1, "hi"), 1002},
		"opcode 3":                       {masked(0x83, "hi"), 1002},
		"opcode 11":                      {masked(0x8b, ""), 1002},
		"binary":                         {masked(0x82, "hi"), 1003},
		"not UTF-8":                      {masked(0x81, "\xff"), 1007},
		"half a character":               {masked(0x01, "a\xc3") + masked(0x80, ""), 1007},
		"continues nothing":              {masked(0x80, "hi"), 1002},
		"a message within another":       {masked(0x01, "a") + masked(0x81, "b"), 1002},
		"a ping in parts":                {masked(0x09, "a"), 1002},
		"a long ping":                    {masked(0x89, full[:126]), 1002},
		"a frame too large":              {masked(0x81, full+"x"), 1009},
		"4 GB announced":                 {"\x81\xff\x00\x00\x00\x01\x00\x00\x00\x00", 1009},
		"a negative length":              {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1002},
		"a long form of a short length":  {"\x81\xfe\x00\x05", 1002},
		"the longest of a middling one":  {"\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff", 1002},
		"a message too large, in frames": {masked(0x01, full) + strings.Repeat(masked(0x00, full), 3) + masked(0x80, "x"), 1009},
		"a close":                        {masked(0x88, "\x03\xe8bye"), 1000},
		"a close without a code":         {masked(0x88, ""), 1005},
		"a close with half a code":       {masked(0x88, "\x03"), 1002},
		"a close with a code not to be":  {masked(0x88, "\x03\xed"), 1002},
		"a close with code 0":            {masked(0x88, "\x00\x00"), 1002},
		"a reason that is not UTF-8":     {masked(0x88, "\x03\xe8\xff"), 1007},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, s.URL)
			c.send(tc.bytes)
			if got := c.ends(); got != tc.code {
				t.Errorf("closed with %d, want %d", got, tc.code)
			}
		})
	}
}

// Fragments are put together, with pings between them.
func TestSocketFragments(t *testing.T) {
	s := serve(t, socketOptions(new(tokens)))
	c := connect(t, s.URL)
	full := strings.Repeat("x", 32<<10)
	c.send(masked(0x01, full) + masked(0x89, "are you there") + masked(0x00, full) + masked(0x8a, "unasked") + masked(0x00, full) + masked(0x00, "") + masked(0x80, full))
	if first, p := c.receive(); first != 0x8a || p != "are you there" {
		t.Errorf("%#x %q", first, p)
	}
	var got said
	if _, p := c.receive(); json.Unmarshal([]byte(p), &got) != nil || got.Message != strings.Repeat(full, 4) {
		t.Errorf("%d bytes: %.100s", len(p), p)
	}
}

// Browsers need one of their subprotocols; nothing else may get into the answer.
func TestSocketSubprotocol(t *testing.T) {
	s := serve(t, socketOptions(new(tokens)))
	for offered, want := range map[string]string{"chat, other": "chat", "a b": "", "": "", "x=y": "", "é": ""} {
		_, res := dial(t, s.URL, "GET / HTTP/1.1\r\nHost: x\r\nAuth: allow\r\nSec-WebSocket-Protocol: "+offered+"\r\n"+upgradeHeaders+"\r\n")
		if got := res.Header.Get("Sec-Websocket-Protocol"); got != want || res.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("%q: %d %q, want %q", offered, res.StatusCode, got, want)
		}
	}
}

// With an upstream the connection is the upstream's, and the context goes to it by
// headers only.
func TestSocketUpstream(t *testing.T) {
	seen := make(chan *http.Request, 10)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		conn, rw, _ := http.NewResponseController(w).Hijack()
		defer func() { _ = conn.Close() }()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept)
		_ = rw.Flush()
		_, _ = io.Copy(conn, rw)
	}))
	defer up.Close()
	a := new(tokens)
	o := socketOptions(a)
	o.Integration.Upstream, o.ContextHeaders = parse(t, up.URL+"/socket"), map[string]string{"X-Email": "email"}
	records := make(chan gateway.Record, 10)
	o.OnRequest = func(r *gateway.Record) { records <- *r }
	s := serve(t, o)
	c, res := dial(t, s.URL, "GET /prod?a=1 HTTP/1.1\r\nHost: x\r\nAuth: allow\r\nX-Email: eve@acme.com\r\n"+upgradeHeaders+"\r\n")
	if res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Sec-Websocket-Accept") != accept {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	r := <-seen
	if r.RequestURI != "/socket?a=1" || strings.Join(r.Header["X-Email"], ",") != "ann@acme.com" || r.Header.Get("Sec-Websocket-Key") == "" {
		t.Errorf("%s %v", r.RequestURI, r.Header)
	}
	if rec := <-records; rec.Status != 101 || rec.Backend != nil {
		t.Errorf("record %+v", rec)
	}
	frame := masked(0x82, "anything")
	c.send(frame)
	got := make([]byte, len(frame))
	if _, err := io.ReadFull(c.in, got); err != nil || string(got) != frame {
		t.Errorf("%q %v", got, err)
	}
	_, res = dial(t, s.URL, "GET /prod HTTP/1.1\r\nHost: x\r\nAuth: deny\r\n"+upgradeHeaders+"\r\n")
	if res.StatusCode != http.StatusForbidden || len(seen) > 0 {
		t.Errorf("%d, and the upstream saw %d", res.StatusCode, len(seen))
	}
	<-records
	up.Close()
	_, res = dial(t, s.URL, "GET /prod HTTP/1.1\r\nHost: x\r\nAuth: allow\r\n"+upgradeHeaders+"\r\n")
	if rec := <-records; res.StatusCode != http.StatusGatewayTimeout || rec.Status != http.StatusGatewayTimeout || rec.Backend == nil {
		t.Errorf("without an upstream: %d, record %+v", res.StatusCode, rec)
	}
}

// When the server's context ends, so do the connections.
func TestSocketStops(t *testing.T) {
	h, err := gateway.New(socketOptions(new(tokens)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := httptest.NewUnstartedServer(h)
	s.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	s.Start()
	defer s.Close()
	c := connect(t, s.URL)
	c.ask("hello")
	stop()
	if code := c.ends(); code != 1001 {
		t.Errorf("closed with %d, want 1001", code)
	}
}

// Whoever signed a request is the caller's matter; what that allows is the core's.
func TestCaller(t *testing.T) {
	n, err := source.JSON("policy", []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:abc123/prod/GET/pets"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := policy.Parse(n, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	api := testAPI(0)
	api.Default.Authorizer = &apigw.Authorizer{Name: "iam", Type: apigw.AuthIAM}
	s := serve(t, gateway.Options{API: api, Caller: func(r *http.Request) *apigw.Caller {
		if r.Header.Get("Authorization") != "ann" {
			return nil
		}
		return &apigw.Caller{ARN: "arn:aws:iam::123456789012:user/ann", Policy: doc}
	}})
	for _, tc := range []struct {
		path, who string
		status    int
		errorType string
	}{
		{"/pets", "ann", 200, ""},
		{"/orders", "ann", 403, "AccessDeniedException"},
		{"/pets", "", 403, "MissingAuthenticationTokenException"},
		{"/pets", "eve", 403, "MissingAuthenticationTokenException"},
	} {
		res, body := call(t, http.MethodGet, s.URL+tc.path, tc.who)
		if res.StatusCode != tc.status || res.Header.Get("X-Amzn-Errortype") != tc.errorType {
			t.Errorf("%s as %q: %d %s %v", tc.path, tc.who, res.StatusCode, body, res.Header)
		}
	}
}
