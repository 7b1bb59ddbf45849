package relay_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/pkg/relay"
	"gatepass/pkg/secret"
)

const (
	bearer = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl"
	known  = "0123456789abcdefghijkl"
	page   = "http://localhost:5173"
)

// bench is a relay that listens, and the API behind it.
type bench struct {
	*testing.T
	relay *relay.Relay
	port  string
	base  string // with the secret
	api   *httptest.Server

	mu      sync.Mutex
	records []relay.Record
	seen    []*http.Request // by the API
	changed chan struct{}   // closed and replaced with each record
}

// newBench runs a relay for an API whose base path is /prod.
func newBench(t *testing.T, api http.HandlerFunc, change ...func(*relay.Options)) *bench {
	t.Helper()
	b := &bench{T: t, changed: make(chan struct{})}
	b.api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.seen = append(b.seen, r)
		b.mu.Unlock()
		api(w, r)
	}))
	t.Cleanup(b.api.Close)
	return b.begin(change...)
}

func (b *bench) begin(change ...func(*relay.Options)) *bench {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	at := netip.MustParseAddrPort(ln.Addr().String())
	base, err := url.Parse(b.api.URL + "/prod")
	if err != nil {
		b.Fatal(err)
	}
	o := relay.Options{
		API: base, Header: "Authorization", Scheme: "Bearer", Address: at, Secret: secret.New(known), Origins: []string{page},
		Bearer: func(context.Context, bool) (relay.Token, error) {
			return relay.Token{Value: secret.New(bearer), Until: time.Now().Add(time.Hour)}, nil
		},
		OnRequest: b.note,
	}
	for _, f := range change {
		f(&o)
	}
	if b.relay, err = relay.New(o); err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{Handler: b.relay, ReadHeaderTimeout: 10 * time.Second, DisableGeneralOptionsHandler: true}
	go func() { _ = srv.Serve(ln) }()
	b.Cleanup(func() { b.relay.Close(); _ = srv.Close() })
	_, b.port, _ = net.SplitHostPort(ln.Addr().String())
	b.base = "http://127.0.0.1:" + b.port
	if !o.Secret.IsZero() {
		b.base += "/" + o.Secret.Reveal()
	}
	return b
}

func (b *bench) note(r *relay.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = append(b.records, *r)
	close(b.changed)
	b.changed = make(chan struct{})
}

// record is the n-th record, once it is there.
func (b *bench) record(n int) relay.Record {
	b.Helper()
	for late := time.After(10 * time.Second); ; {
		b.mu.Lock()
		have, changed := b.records, b.changed
		b.mu.Unlock()
		if len(have) > n {
			return have[n]
		}
		select {
		case <-changed:
		case <-late:
			b.Fatalf("there are %d records, want number %d", len(have), n)
		}
	}
}

// asked are the requests that the API got.
func (b *bench) asked() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*http.Request{}, b.seen...)
}

// raw sends text as a request and reads the answer.
func (b *bench) raw(text string) (*http.Response, string) {
	b.Helper()
	c, err := net.Dial("tcp", "127.0.0.1:"+b.port)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		b.Fatal(err)
	}
	method, _, _ := strings.Cut(text, " ")
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		b.Fatalf("%q: %v", text, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, ""
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatalf("%q: %v", text, err)
	}
	return resp, string(body)
}

// ask sends a request with headers, each "Name: value", and reads the answer.
func (b *bench) ask(method, address string, headers ...string) (*http.Response, string) {
	b.Helper()
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header[name] = append(r.Header[name], value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return resp, string(body)
}

// lockedBuffer is a buffer that several goroutines may write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func echoPath(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method, " ", r.RequestURI) }
