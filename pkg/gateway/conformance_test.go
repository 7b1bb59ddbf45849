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
	"os"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/apigw/apigwtest"
	"gatepass/pkg/gateway"
)

var casesFile = flag.String("cases", "../apigw/testdata/apigateway.jsonl", "conformance cases, JSON lines")

// TestConformance runs the cases over HTTP. The answers must be those the core
// gives, and the cases expect. Another file may be given:
// go test ./pkg/gateway -run Conformance -args -cases FILE.
func TestConformance(t *testing.T) {
	file, err := os.Open(*casesFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	cases, err := apigwtest.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[string]apigwtest.Summary{}
	var total apigwtest.Summary
	for _, c := range cases {
		s := byKind[c.Kind]
		why := notHere(c)
		switch {
		case why != "":
			t.Logf("%s %s: left out: %s", c.Kind, c.ID, why)
			s.LeftOut++
			total.LeftOut++
		case t.Run(c.ID, func(t *testing.T) { runCase(t, c) }):
			s.Passed++
			total.Passed++
		default:
			s.Failed++
			total.Failed++
		}
		byKind[c.Kind] = s
	}
	for _, kind := range apigwtest.Kinds(byKind) {
		t.Logf("%-20s %s", kind, byKind[kind])
	}
	t.Log(total)
	if total.Passed == 0 {
		t.Error("no case was run")
	}
}

// notHere says why a case is not one for a gateway over HTTP, or nothing.
func notHere(c *apigwtest.Case) string {
	switch {
	case c.LeftOut != "":
		return c.LeftOut
	case c.Exchange == nil:
		return "it is about the configuration"
	case c.Exchange.TestInvoke:
		return "it is no request to an API"
	case c.Kind == "WEBSOCKET":
		return "WebSocket APIs are not served"
	case c.Exchange.Request.Caller != nil, strings.HasPrefix(c.Kind, "IAM"):
		return "AWS signatures are not checked"
	}
	return ""
}

// door is a gateway over HTTP for one case.
type door struct {
	server  *httptest.Server
	current *apigwtest.Exchange // the request under way
	event   []byte              // what the authorizer was given
	backend bool
	records chan gateway.Record
}

func openDoor(t *testing.T, c *apigwtest.Case) *door {
	t.Helper()
	d := &door{records: make(chan gateway.Record, 1)}
	up := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { d.backend = true }))
	t.Cleanup(up.Close)
	h, err := gateway.New(gateway.Options{
		API: c.API, Upstream: parse(t, up.URL), Trace: true,
		Now:       func() time.Time { return d.current.Request.Time },
		OnRequest: func(r *gateway.Record) { d.records <- *r },
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
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n", x.Request.Method, target(x.Request))
	for name, values := range x.Request.Header {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
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

// target is the path and query of a request line.
func target(r *apigw.Request) string {
	switch {
	case r.RawQuery != "":
		return r.Path + "?" + r.RawQuery
	case len(r.Query) > 0:
		return r.Path + "?" + url.Values(r.Query).Encode()
	}
	return r.Path
}

func runCase(t *testing.T, c *apigwtest.Case) {
	d := openDoor(t, c)
	for i := range c.Prior {
		if o := d.send(t, &c.Prior[i]); o.Status != c.Prior[i].Status {
			t.Errorf("prior request %d: status %d, want %d", i, o.Status, c.Prior[i].Status)
		}
	}
	o := d.send(t, c.Exchange)
	for _, problem := range c.Check(o) {
		t.Error(problem)
	}
	if o.Backend != o.Verdict.BackendCalled {
		t.Errorf("the backend was reached: %t; the core says %t", o.Backend, o.Verdict.BackendCalled)
	}
}
