package caller

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gatepass/pkg/crash"
)

// Response is an API's answer.
type Response struct {
	*http.Response
	Hops []Hop // the redirects that led here
	// WithToken says that the request that is answered had the token with it.
	WithToken bool
	x         *exchange
}

// Timings say when what was reached, counted from the beginning of the last
// request of a chain of redirects but for Total, which counts all. Zero: it was
// not needed.
type Timings struct {
	Redirects         time.Duration // how long the requests before the last one took
	DNS, Connect, TLS time.Duration // the name was found, the host reached, the keys agreed on
	FirstByte         time.Duration // of the answer
	Total             time.Duration // to the end of the body, or to now
}

// Ended says why the exchange is over before its time: the context's error, or a
// *fault.Error about a limit. It is nil while it goes on. Whoever makes much of few
// bytes, as unpacking does, asks it: what has come is read without waiting.
func (r *Response) Ended() error { return r.x.ended("the answer was not complete") }

// Timings of the answer; complete once the body has been read.
func (r *Response) Timings() Timings {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	t := r.x.timings
	if t.Total == 0 {
		t.Total = time.Since(r.x.start)
	}
	if len(r.Hops) > 0 {
		t.Redirects = r.x.hop.Sub(r.x.start)
	}
	return t
}

// Connection are the two ends of the connection that the answer came by: those of a
// proxy, where there is one.
func (r *Response) Connection() (local, remote netip.AddrPort) {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	return r.x.local, r.x.remote
}

// exchange is one request with all its redirects, from its beginning to the last
// byte of the answer.
type exchange struct {
	*Client
	r      *Request
	ctx    context.Context // the exchange's own: ends with it and with its limits
	cancel context.CancelCauseFunc
	stop   func() // releases what the limits hold

	start time.Time
	wrote atomic.Bool  // something of the request may have arrived
	moved atomic.Int64 // when something moved last, in nanoseconds from start
	held  atomic.Bool  // nothing is read just now of an answer that is there
	taken atomic.Int32 // how often this hop has been given a connection
	idle  *time.Timer

	mu      sync.Mutex // of what is below, and of calls to Line
	timings Timings
	local   netip.AddrPort // of the connection; zero for one that has none
	remote  netip.AddrPort
	hop     time.Time // when this hop began
	unread  error     // why the request's body could not be read
}

// The causes for which an exchange is ended from within.
var (
	errIdle  = errors.New("nothing moves")
	errLimit = errors.New("the time is up")
	errDone  = errors.New("done")
)

// mostTaken is how often a request is given a connection. net/http tries again by itself
// when a server says that it has not looked at the request yet (RFC 9113 sections 6.8
// and 8.7), which one that always says so would have it do for minutes, or for ever.
const mostTaken = 3

func (c *Client) begin(ctx context.Context, r *Request) *exchange {
	x := &exchange{Client: c, r: r, start: time.Now(), stop: func() {}}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	if c.o.Timeout > 0 {
		x.ctx, x.stop = withLimit(x.ctx, c.o.Timeout)
	}
	x.idle = time.AfterFunc(c.o.Idle, x.checkIdle)
	return x
}

func withLimit(ctx context.Context, d time.Duration) (context.Context, func()) {
	return context.WithTimeoutCause(ctx, d, errLimit)
}

// touch notes that something moves. It is called for every piece of a body, so
// it sets no timer.
func (x *exchange) touch() { x.moved.Store(int64(time.Since(x.start))) }

func (x *exchange) checkIdle() {
	still := time.Since(x.start) - time.Duration(x.moved.Load())
	switch {
	case x.ctx.Err() != nil:
		return
	case x.held.Load():
		still = 0 // whoever reads it takes the time, such as a pager
	case still >= x.o.Idle:
		x.cancel(errIdle)
		return
	}
	x.idle.Reset(x.o.Idle - still)
}

// end releases what the exchange holds.
func (x *exchange) end() {
	x.idle.Stop()
	x.stop()
	x.cancel(errDone)
}

// send makes one request of the chain.
func (x *exchange) send(h hop) (*http.Response, error) {
	req, err := x.build(h)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	x.hop, x.timings, x.unread = time.Now(), Timings{}, nil
	x.mu.Unlock()
	x.wrote.Store(false)
	x.held.Store(false)
	x.taken.Store(0)
	resp, err := x.roundTrip(req)
	if err != nil {
		return nil, x.explain(err, req)
	}
	x.touch()
	x.received(resp)
	if resp.StatusCode < http.StatusOK {
		_ = resp.Body.Close()
		return nil, unfinished(resp, req.URL.Host)
	}
	resp.Body = &body{ReadCloser: resp.Body, x: x, req: req}
	return resp, nil
}

// roundTrip makes a request. Where it ends while its body is being read from something
// that has stalled, such as a pipe, net/http waits for the next piece: here nobody does.
func (x *exchange) roundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return x.transport.RoundTrip(req)
	}
	type outcome struct {
		resp *http.Response
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		if mistake := crash.Catch(func() { o.resp, o.err = x.transport.RoundTrip(req) }); mistake != nil { //nolint:bodyclose // it is handed on
			o.err = mistake
		}
		done <- o
	}()
	select {
	case o := <-done:
		return o.resp, o.err
	case <-req.Context().Done():
	}
	select { // mostly it notices at once, and knows more
	case o := <-done:
		return o.resp, o.err
	case <-time.After(100 * time.Millisecond):
		return nil, context.Cause(req.Context())
	}
}

// build makes the request of a hop. This is where the token is let out.
func (x *exchange) build(h hop) (*http.Request, error) {
	header := spelt(h.header)
	if h.trusted && OriginOf(h.url) == x.r.Origin {
		x.addSecrets(header)
	}
	req := &http.Request{
		Method: h.method, URL: h.url, Host: h.host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if h.body {
		first, err := x.r.Body.Open()
		if err != nil {
			return nil, err
		}
		req.Body, req.ContentLength = x.counted(first), x.r.Body.Size
		if req.ContentLength == 0 {
			_ = first.Close()
			req.Body = http.NoBody
		}
		if !x.r.Body.Once {
			req.GetBody = func() (io.ReadCloser, error) {
				again, err := x.r.Body.Open()
				return x.counted(again), err
			}
		}
	}
	ctx, giveUp := context.WithCancel(x.ctx) // ends with the exchange at the latest
	return req.WithContext(httptrace.WithClientTrace(ctx, x.trace(h, giveUp))), nil
}

// addSecrets adds the token and the API key to a request to their origin.
func (x *exchange) addSecrets(header http.Header) {
	if r := x.r; !r.Token.IsZero() {
		without(header, r.TokenHeader)
		value := r.Token.Reveal()
		if r.TokenScheme != "" {
			value = r.TokenScheme + " " + value
		}
		header[r.TokenHeader] = []string{value}
	}
	if _, given := Find(header, keyHeader); !given && !x.r.APIKey.IsZero() {
		without(header, keyHeader)
		header[keyHeader] = []string{x.r.APIKey.Reveal()}
	}
}

// counted is a request body whose reading counts as movement, and of which is known
// why it could not be read.
func (x *exchange) counted(r io.ReadCloser) io.ReadCloser {
	return &moving{ReadCloser: r, x: x, left: x.r.Body.Size}
}

type moving struct {
	io.ReadCloser
	x    *exchange
	left int64 // of the size that was promised; negative once it is more
}

// errChanged is that a body has another size than it had.
var errChanged = errors.New("its size has changed since it was looked at")

func (m *moving) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.x.touch()
	m.left -= int64(n)
	promised := m.x.r.Body.Size >= 0
	switch {
	case promised && (m.left < 0 || m.left > 0 && errors.Is(err, io.EOF)):
		m.x.failed(errChanged)
	case err != nil && !errors.Is(err, io.EOF):
		m.x.failed(err)
	}
	return n, err
}

// failed notes why the request's body could not be read.
func (x *exchange) failed(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unread = err
}

// skipLimit is how long the body of a redirect is read that nobody looks at.
const skipLimit = 500 * time.Millisecond

// skip reads the rest of a redirect's body, if there is little of it and it comes
// at once, so that its connection can be used again.
func (x *exchange) skip(resp *http.Response) {
	b := resp.Body.(*body)
	stop := time.AfterFunc(skipLimit, func() { _ = b.ReadCloser.Close() })
	defer stop.Stop()
	_, _ = io.CopyN(io.Discard, b.ReadCloser, buffer)
	_ = b.ReadCloser.Close()
}

// body is an answer's body, whose end is the end of the exchange.
type body struct {
	io.ReadCloser
	x   *exchange
	req *http.Request
}

func (b *body) Read(p []byte) (int, error) {
	b.x.touch()
	b.x.held.Store(false)
	n, err := b.ReadCloser.Read(p)
	b.x.held.Store(true)
	switch {
	case err == nil:
		b.x.touch()
		return n, nil
	case errors.Is(err, io.EOF):
		b.x.finish()
		return n, io.EOF
	}
	return n, b.x.explainBody(err, b.req)
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.x.finish()
	b.x.end()
	return err
}

// finish sets the total time, once.
func (x *exchange) finish() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.timings.Total == 0 {
		x.timings.Total = time.Since(x.start)
	}
}
