// Package caller makes one request to an API, with a bearer token that goes to
// that API and nowhere else. It also reads what people write a request with: header
// lines, URLs, the items of HTTPie and xh, bodies of every kind.
//
// It promises that the token and the API key are sent to the scheme, host and port
// they are bound to only, not after a redirect has led elsewhere, even if another
// leads back; that no error and no line of a trace holds them; that bodies stream
// in either direction in constant memory; that a request is made again only where
// that was asked for and its body can be read again; and that whatever goes wrong
// on the way is a *fault.Error of kind Network that says what.
//
// It reads nothing of the process: proxies, certificates and limits come in as
// [Options].
package caller

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/fault"
)

// Limits where the options give none.
const (
	// ConnectLimit is how long it may take to reach the host.
	ConnectLimit = 15 * time.Second
	// IdleLimit is how long nothing at all may move in either direction while
	// something is waited for. It is the longest that API Gateway lets an
	// integration take.
	IdleLimit = 5 * time.Minute
)

// maxHeader is how much a server may send before the body, in bytes: a hundred
// times what API Gateway lets through.
const maxHeader = 1 << 20

// buffer is the size of the buffers between the network and bodies, in bytes.
const buffer = 64 << 10

// Options are how requests are made.
type Options struct {
	// Roots are PEM certificates to trust beside those of the system.
	Roots []byte
	// Proxy chooses the proxy of a request; nil: none.
	Proxy func(*http.Request) (*url.URL, error)
	// Dial opens connections; nil: as usual.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout is for the whole, to the last byte of the body. Zero: none.
	Timeout time.Duration
	// Connect and Idle replace ConnectLimit and IdleLimit where they are not
	// zero.
	Connect, Idle time.Duration
	// Redirects is how many redirects are followed. Zero: none; the answer is
	// the redirect itself.
	Redirects int
	// Retries is how often a request is made again where that may help: after
	// the statuses 408, 429, 500, 502, 503 and 504, and where the host could not
	// be reached. A body that can be read only once is not sent again.
	Retries int
	// Backoff is how long to wait before the first retry, then twice as long
	// each time, up to ten minutes; zero: a second. A Retry-After says better.
	Backoff time.Duration
	// Retrying is told of each retry before the wait; nil: nobody is.
	Retrying func(Retry)
	// HTTP1 keeps to HTTP/1.1 where the server speaks HTTP/2 as well.
	HTTP1 bool
	// Line is told what is done, line by line, without secrets; nil: nobody is.
	// Calls do not overlap.
	Line func(Direction, string)
}

// Direction says whose a line of a trace is.
type Direction byte

// The directions, as curl marks them.
const (
	About    Direction = '*' // what is done
	Sent     Direction = '>' // what was sent
	Received Direction = '<' // what came back
)

// Client makes requests.
type Client struct {
	o         Options
	transport *http.Transport
}

// New makes a client. The only error is about the roots.
func New(o Options) (*Client, error) {
	roots, err := pool(o.Roots)
	if err != nil {
		return nil, err
	}
	if o.Connect == 0 {
		o.Connect = ConnectLimit
	}
	if o.Idle == 0 {
		o.Idle = IdleLimit
	}
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: o.Connect}).DialContext
	}
	if o.Backoff == 0 {
		o.Backoff = firstWait
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!o.HTTP1)
	return &Client{o: o, transport: &http.Transport{
		Proxy:                  o.Proxy,
		DialContext:            wide(dial),
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    o.Connect,
		Protocols:              protocols,
		DisableCompression:     true, // bodies are passed on as they are
		MaxResponseHeaderBytes: maxHeader,
		WriteBufferSize:        buffer,
		ReadBufferSize:         buffer,
		IdleConnTimeout:        o.Idle,

		OnProxyConnectResponse: proxied,
	}}, nil
}

// proxied refuses what a proxy says that does not lead to the host.
func proxied(_ context.Context, proxy *url.URL, wanted *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	text := strings.TrimSpace(strconv.Itoa(answer.StatusCode) + " " + http.StatusText(answer.StatusCode))
	e := fault.New(fault.Network, "the proxy %s does not lead to %s: it answers %s", proxy.Host, wanted.Host, text)
	if answer.StatusCode == http.StatusProxyAuthRequired {
		return e.WithHint("name and password of the proxy are in its address: HTTPS_PROXY=http://NAME:PASSWORD@%s", proxy.Host)
	}
	name, _, _ := net.SplitHostPort(wanted.Host)
	return e.WithHint("if it is not to be used for this host: NO_PROXY=%s", name)
}

// Within is the client with another limit for the whole of a request, on the same
// connections.
func (c *Client) Within(limit time.Duration) *Client {
	o := c.o
	o.Timeout = limit
	return &Client{o: o, transport: c.transport}
}

// Close ends connections that are kept for more requests.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// pool is the system's roots and some more; nil stands for the system's alone.
func pool(pem []byte) (*x509.CertPool, error) {
	if len(pem) == 0 {
		return nil, nil
	}
	p, err := x509.SystemCertPool()
	if err != nil {
		p = x509.NewCertPool()
	}
	if !p.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Usage, "there is no certificate in the file").
			WithHint("want PEM: -----BEGIN CERTIFICATE-----")
	}
	return p, nil
}

// Do makes a request and returns the answer, whatever its status. The answer's
// body must be closed; reading it gives *fault.Error of kind Network where the
// connection fails, or the context's own error once that is done.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	x := c.begin(ctx, r)
	resp, err := x.insist()
	if err != nil {
		x.end()
		return nil, err
	}
	return resp, nil
}

// follow makes a request and those that it is redirected to.
func (x *exchange) follow() (*Response, error) {
	r, most := x.r, x.o.Redirects
	h := hop{method: r.Method, url: r.URL, header: r.Header, host: r.Host, body: r.Body.Open != nil, trusted: true}
	var hops []Hop
	for {
		resp, err := x.send(h)
		if err != nil {
			return nil, err
		}
		next, ok, err := h.after(resp)
		if !ok || most == 0 {
			return &Response{Response: resp, Hops: hops, WithToken: h.trusted && !r.Token.IsZero(), x: x}, nil
		}
		x.skip(resp)
		switch {
		case err != nil:
			return nil, err
		case len(hops) == most:
			return nil, fault.New(fault.Network, "more than %d redirects", most).
				WithHint("the last one leads to %s", next.url.Redacted())
		case next.body && r.Body.Once:
			return nil, fault.New(fault.Failed, "the API redirects and wants the body again, which can be read only once").
				WithHint("put the body into a file: -d @FILE")
		}
		hops = append(hops, Hop{Status: resp.StatusCode, URL: next.url.Redacted(), WithToken: next.trusted && !r.Token.IsZero(), Left: next.left})
		h = next
	}
}
