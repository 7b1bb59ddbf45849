package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/apigw/apigwtest"
	"gatepass/pkg/gateway"
)

var casesFile = flag.String("cases", apigwtest.Own, "conformance cases, JSON lines")

// TestConformance runs the cases over HTTP. The answers must be those the core
// gives, and the cases expect. Cases that are no request are asserted where the
// gateway meets them: New takes or refuses the API. Another file may be given:
// go test ./pkg/gateway -run Conformance -args -cases FILE.
func TestConformance(t *testing.T) {
	overHTTP := 0
	apigwtest.Run(t, *casesFile, func(t *testing.T, c *apigwtest.Case) {
		run, why := runnerOf(c)
		if why == "" {
			overHTTP++
		} else {
			t.Log("no request: " + why)
		}
		run(t, c)
	})
	t.Logf("%d of them over HTTP", overHTTP)
	if overHTTP == 0 {
		t.Error("no case was run over HTTP")
	}
}

// runnerOf is how a case is run, and for one that is no request how it is asserted
// instead.
func runnerOf(c *apigwtest.Case) (run func(*testing.T, *apigwtest.Case), why string) {
	switch {
	case c.Exchange == nil && c.Config.Response != "":
		return runDefault, "it is about the default of a gateway response; asked of the core, and of New whether it takes the API"
	case c.Exchange == nil:
		return runConfig, "it is about the configuration; New takes or refuses it"
	case c.Exchange.TestInvoke:
		return runTestInvoke, "it is a test of the authorizer; apigw.TestInvoke runs it, and New takes the API"
	}
	return runCase, ""
}

// newGateway is New with an authorizer that must not be asked.
func newGateway(t *testing.T, c *apigwtest.Case) error {
	t.Helper()
	_, err := gateway.New(gateway.Options{
		API:    c.API,
		Caller: func(*http.Request) *apigw.Caller { return nil },
		Authorizers: map[string]gateway.Invoke{"auth": func(context.Context, apigw.Event) (apigw.Output, string) {
			t.Error("the authorizer was asked")
			return apigw.Output{}, ""
		}},
	})
	return err
}

// runConfig checks that New takes what is valid, and nothing else.
func runConfig(t *testing.T, c *apigwtest.Case) {
	for _, problem := range append(c.CheckRefusal(newGateway(t, c)), c.CheckConfig()...) {
		t.Error(problem)
	}
}

func runDefault(t *testing.T, c *apigwtest.Case) {
	runConfig(t, c)
	for _, problem := range c.CheckDefault() {
		t.Error(problem)
	}
}

func runTestInvoke(t *testing.T, c *apigwtest.Case) {
	runConfig(t, c)
	var o apigwtest.Observed
	r := apigw.TestInvoke(c.API, c.API.Default.Authorizer, c.Exchange.Request, c.Exchange.Record(&o))
	o.ClientStatus, o.Called = &r.ClientStatus, r.AuthorizerCalled
	for _, problem := range c.Check(o) {
		t.Error(problem)
	}
}

// door is a gateway over HTTP for one case.
type door struct {
	server  *httptest.Server
	current *apigwtest.Exchange // the request under way
	event   []byte              // what the authorizer was given
	backend bool
	socket  bool // requests are WebSocket upgrades
	records chan gateway.Record
}

// shake is an upstream's answer to a WebSocket handshake, or nothing to others.
func shake(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept)
	_ = conn.Close()
}

func openDoor(t *testing.T, c *apigwtest.Case) *door {
	t.Helper()
	d := &door{records: make(chan gateway.Record, 1), socket: c.API.Kind == apigw.WebSocket}
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.backend = true
		shake(w, r)
	}))
	t.Cleanup(up.Close)
	h, err := gateway.New(gateway.Options{
		API: c.API, Integration: gateway.Integration{Upstream: parse(t, up.URL)}, Trace: true,
		Now:       func() time.Time { return d.current.Request.Time },
		OnRequest: func(r *gateway.Record) { d.records <- *r },
		Caller:    func(*http.Request) *apigw.Caller { return d.current.Request.Caller },
		Authorizers: map[string]gateway.Invoke{"auth": func(_ context.Context, ev apigw.Event) (apigw.Output, string) {
			d.event, _ = json.Marshal(ev)
			return d.current.Invoke(ev), ""
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = net.JoinHostPort(d.current.Request.SourceIP, "40000")
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(d.server.Close)
	return d
}

// send makes the request of an exchange, byte by byte, and says what was seen.
func (d *door) send(t *testing.T, x *apigwtest.Exchange) apigwtest.Observed {
	t.Helper()
	d.current, d.event, d.backend = x, nil, false
	c, err := net.Dial("tcp", parse(t, d.server.URL).Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: api.example.com\r\n", method(x.Request), target(x.Request))
	for name, values := range x.Request.Header {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	if d.socket {
		b.WriteString(upgradeHeaders)
	}
	if _, err := io.WriteString(c, b.String()+"\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: x.Request.Method})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	rec := <-d.records
	o := apigwtest.Observed{
		Status: res.StatusCode, Headers: map[string]string{}, Body: string(body), Event: d.event,
		Called: rec.Verdict.AuthorizerCalled, Backend: d.backend, Verdict: rec.Verdict,
	}
	for name := range res.Header {
		o.Headers[name] = res.Header.Get(name)
	}
	return o
}

// method is that of a request line; a connection to a WebSocket API has none in the
// cases.
func method(r *apigw.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// target is the path and query of a request line.
func target(r *apigw.Request) string {
	path := r.Path
	if path == "" {
		path = "/"
	}
	switch {
	case r.RawQuery != "":
		return path + "?" + r.RawQuery
	case len(r.Query) > 0:
		return path + "?" + url.Values(r.Query).Encode()
	}
	return path
}

// runMessage runs a case about a message on a WebSocket connection that is there
// already: the connection is made first, by an authorizer that lets everybody in.
func runMessage(t *testing.T, c *apigwtest.Case) {
	records := make(chan gateway.Record, 1)
	asked := 0
	s := serve(t, gateway.Options{
		API: c.API, Trace: true, OnRequest: func(r *gateway.Record) { records <- *r },
		Authorizers: map[string]gateway.Invoke{"auth": func(_ context.Context, ev apigw.Event) (apigw.Output, string) {
			asked++
			return policyOutput("Allow", ev.ARN), ""
		}},
	})
	head, query := "Host: x\r\n"+upgradeHeaders, url.Values{}
	for _, source := range c.Config.Source {
		if _, name, ok := strings.Cut(source, ".header."); ok {
			head += name + ": x\r\n"
		}
		if _, name, ok := strings.Cut(source, ".querystring."); ok {
			query.Set(name, "x")
		}
	}
	w, res := dial(t, s.URL, "GET /?"+query.Encode()+" HTTP/1.1\r\n"+head+"\r\n")
	if first := <-records; res.StatusCode != http.StatusSwitchingProtocols || asked != 1 {
		t.Fatalf("the connection: %d, asked %d times: %s", res.StatusCode, asked, first.Reason)
	}
	message, err := json.Marshal(map[string]string{"action": c.Exchange.Request.RouteKey})
	if err != nil {
		t.Fatal(err)
	}
	got := w.ask(string(message))
	rec := <-records
	for _, problem := range c.Check(apigwtest.Observed{
		Status: rec.Status, Called: asked > 1, Backend: got.RouteKey == c.Exchange.Request.RouteKey, Verdict: rec.Verdict,
	}) {
		t.Error(problem)
	}
	if got.Context.Authorizer["principalId"] != "ann" {
		t.Errorf("the message has the context %v", got.Context.Authorizer)
	}
}

func runCase(t *testing.T, c *apigwtest.Case) {
	if key := c.Exchange.Request.RouteKey; key != "" && key != "$connect" {
		runMessage(t, c)
		return
	}
	d := openDoor(t, c)
	for i := range c.Prior {
		if o := d.send(t, &c.Prior[i]); o.Status != c.Prior[i].Status {
			t.Errorf("prior request %d: status %d, want %d", i, o.Status, c.Prior[i].Status)
		}
	}
	o := d.send(t, c.Exchange)
	if c.Exchange.Request.Method == http.MethodHead {
		o.Body = o.Verdict.Body // which HTTP leaves out
	}
	for _, problem := range c.Check(o) {
		t.Error(problem)
	}
	if o.Backend != o.Verdict.BackendCalled {
		t.Errorf("the backend was reached: %t; the core says %t", o.Backend, o.Verdict.BackendCalled)
	}
}
