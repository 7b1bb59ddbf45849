package relay

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/loopback"
	"gatepass/pkg/secret"
	"gatepass/pkg/urlpath"
)

// AnswerLimit is how long the API may take until the head of its answer: longer than
// API Gateway lets an integration take.
const AnswerLimit = 5 * time.Minute

// connectLimit is how long it may take to reach the API, and then to agree on TLS.
const connectLimit = 15 * time.Second

// maxHeader is how much the API may send before a body, in bytes.
const maxHeader = 1 << 20

// SecretHeader is the request header that may hold the secret in place of the path.
const SecretHeader = "X-Gatepass-Secret" //nolint:gosec // the name of one, not a secret

// Options are what a relay is for, and who may use it.
type Options struct {
	// API is the base URL: requests go to it and below it.
	API *url.URL
	// Header is where the token goes, and Scheme what stands before it there, or
	// nothing.
	Header, Scheme string
	// Key is the API key, sent as x-api-key by requests that have none; zero: there is
	// none.
	Key secret.String
	// Bearer gives the token.
	Bearer Bearer
	// Address is where the relay is reached: a loopback address and a port.
	Address netip.AddrPort
	// Secret is what requests must know; zero: nothing.
	Secret secret.String
	// Origins are those of web pages that may make requests, as ParseOrigin gives
	// them, besides pages that come through the relay itself.
	Origins []string
	// Cookies lets cookies through, in both directions.
	Cookies bool
	// Decode undoes the content codings of an answer that is compressed although that
	// was not asked for, so that a token can be found in it: it returns the body
	// without them, or the name of one that it does not know; nil: none is known.
	Decode func(body io.Reader, codings []string) (plain io.ReadCloser, unknown string)
	// TLS is for the connection to the API; nil: as usual.
	TLS *tls.Config
	// Proxy chooses the proxy that the API is reached by; nil: none.
	Proxy func(*http.Request) (*url.URL, error)
	// Timeout replaces AnswerLimit where it is not zero.
	Timeout time.Duration
	// Now is the clock for tokens and records; nil: the machine's.
	Now func() time.Time
	// OnRequest is told of each request when it has ended; nil: nobody is. Calls
	// may overlap.
	OnRequest func(*Record)
	// OnEnd is told once, with the error of kind Login, that there is no token any
	// more and will be none; nil: nobody is.
	OnEnd func(error)
}

// Record is what became of a request. Neither the secret nor the token is in it.
type Record struct {
	Start  time.Time
	Took   time.Duration // to the last byte
	Method string
	Path   string // below the API's base, as it was sent; empty where the secret was not known
	Status int    // zero: the answer was not waited for
	// Refused is why the relay itself answered, in words; empty where the API did.
	Refused string
	// Err is why there is no answer of the API, or not the whole of it.
	Err error
	// Renewed: the API took the first token for no good one, and got another.
	Renewed bool
}

// Relay is the proxy, an http.Handler.
type Relay struct {
	o       Options
	hosts   []string
	base    string // the API's path, as it is sent; no slash at its end
	tokens  *tokens
	proxy   *httputil.ReverseProxy
	network *http.Transport
	active  atomic.Int64
	ended   sync.Once
	closing sync.Once
	closed  chan struct{}
}

// New makes a relay. Errors are of kind Usage.
func New(o Options) (*Relay, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = AnswerLimit
	}
	p := &Relay{
		o: o, hosts: hosts(o.Address), base: strings.TrimRight(o.API.EscapedPath(), "/"),
		tokens: &tokens{get: o.Bearer, now: o.Now}, network: newTransport(&o), closed: make(chan struct{}),
	}
	p.proxy = &httputil.ReverseProxy{
		Transport:      &authorized{p},
		BufferPool:     new(buffers),
		Rewrite:        p.rewrite,
		ModifyResponse: p.edit,
		ErrorHandler:   p.fail,
	}
	return p, nil
}

// check refuses what no relay can be made of.
func (o *Options) check() error {
	switch {
	case o.API == nil || o.API.Scheme != "https" && o.API.Scheme != "http" || o.API.Hostname() == "":
		return fault.New(fault.Usage, "want the URL of an API that starts with https:// or http://")
	case o.API.User != nil || o.API.RawQuery != "" || o.API.Fragment != "":
		return fault.New(fault.Usage, "the URL of an API has no user name, no ? and no # in it")
	case urlpath.Climbs(o.API.EscapedPath()):
		return fault.New(fault.Usage, "the URL of the API has dots for folders in its path")
	case !o.Address.Addr().Unmap().IsLoopback():
		return fault.New(fault.Usage, "the proxy is for this machine alone, and %s is not an address of it", o.Address.Addr())
	case loopback.Is(o.API.Hostname()) && portOf(o.API) == portText(o.Address):
		return fault.New(fault.Usage, "the API %s is the proxy itself", o.API.Redacted())
	case !isToken(o.Header) || o.Scheme != "" && !isToken(o.Scheme):
		return fault.New(fault.Usage, "%q is no header that can carry a token", o.Header)
	case !o.Key.IsZero() && !isFieldValue(o.Key.Reveal()):
		return fault.New(fault.Usage, "the API key has characters in it that cannot be sent in a header")
	case !o.Secret.IsZero():
		return CheckSecret(o.Secret)
	}
	return nil
}

// NewSecret makes a secret of 130 random bits.
func NewSecret() secret.String { return secret.New(strings.ToLower(rand.Text())) }

// shortestSecret is how many characters a secret has at least.
const shortestSecret = 20

// CheckSecret refuses a secret that is easy to guess or does not fit into a path.
func CheckSecret(s secret.String) error {
	v := s.Reveal()
	odd := strings.ContainsFunc(v, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
	if odd || len(v) < shortestSecret || len(v) > 256 {
		return fault.New(fault.Usage, "want a secret of %d to 256 letters, digits, - and _", shortestSecret).
			WithHint("make one with: openssl rand -hex 16")
	}
	return nil
}

// newTransport is the connection to the API. It has no settings of its own from the
// environment.
func newTransport(o *Options) *http.Transport {
	const idle = 64
	c := o.TLS.Clone()
	if c == nil {
		c = new(tls.Config)
	}
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	return &http.Transport{
		Proxy:                  o.Proxy,
		DialContext:            (&net.Dialer{Timeout: connectLimit}).DialContext,
		TLSClientConfig:        c,
		TLSHandshakeTimeout:    connectLimit,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        90 * time.Second,
		ResponseHeaderTimeout:  o.Timeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeader,
		WriteBufferSize:        bufferSize,
		ReadBufferSize:         bufferSize,
	}
}

// Close ends connections to the API that are kept for more requests, and those that
// have become WebSockets.
func (p *Relay) Close() {
	p.closing.Do(func() { close(p.closed) })
	p.network.CloseIdleConnections()
}

// Forget drops the token that is held, because the login has changed: the next request
// asks for one.
func (p *Relay) Forget() { p.tokens.forget() }

// Active is how many requests are under way, WebSockets among them.
func (p *Relay) Active() int { return int(p.active.Load()) }

// exchange is a request on its way.
type exchange struct {
	rec    Record
	host   string // that the client has called the relay by
	prefix string // what stands before the API's paths for this client: the secret, or nothing
	path   string // below the base, as it was sent
	origin string // of the page of another origin that makes the request, or empty
	secret string // the part of the token that is not to be in the answer
	key    string // the API key, likewise, where the client has not sent its own
	upload upload
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return x
}

// ServeHTTP answers a request: with the API's answer, or, where the request may not
// be made or there is no answer, with the relay's own.
func (p *Relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.active.Add(1)
	defer p.active.Add(-1)
	x := &exchange{host: r.Host, rec: Record{Start: p.o.Now(), Method: r.Method}}
	defer p.done(x) // also when the connection is cut
	if refused := p.admit(x, r); refused != nil {
		p.refuse(w, r, x, refused)
		return
	}
	if x.origin != "" && isPreflight(r) {
		p.preflight(w, r, x)
		return
	}
	// The API may answer while it still reads, as with streams in both directions. A
	// server that cannot do that has no need to be told.
	_ = http.NewResponseController(w).EnableFullDuplex()
	if r.Body != nil && r.Body != http.NoBody {
		x.upload.ReadCloser = r.Body
		r.Body = &x.upload
	}
	ctx := context.WithValue(r.Context(), exchangeKey{}, x)
	if isWebSocket(r) {
		var cancel context.CancelFunc
		ctx, cancel = p.untilClosed(ctx)
		defer cancel()
	}
	p.proxy.ServeHTTP(heads{w, x}, r.WithContext(ctx))
}

// untilClosed ends a context with the relay: the server does not end connections that
// were taken from it.
func (p *Relay) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-p.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// done tells of a request that has ended.
func (p *Relay) done(x *exchange) {
	if p.o.OnRequest != nil {
		x.rec.Took = p.o.Now().Sub(x.rec.Start)
		p.o.OnRequest(&x.rec)
	}
}

// rewrite makes the request to the API out of the client's.
func (p *Relay) rewrite(r *httputil.ProxyRequest) {
	x := exchangeOf(r.In)
	u := &url.URL{Scheme: p.o.API.Scheme, Host: p.o.API.Host, RawQuery: r.In.URL.RawQuery, ForceQuery: r.In.URL.ForceQuery}
	urlpath.Set(u, p.base+x.path)
	r.Out.URL, r.Out.Host = u, ""
	for name := range r.Out.Header {
		if p.private(name) {
			delete(r.Out.Header, name)
		}
	}
	r.Out.Header.Set("Accept-Encoding", "identity") // see mask.go
}

// private reports whether a request header is between the client and the relay: the
// secret, what browsers say of the page, which may have the secret in its address,
// cookies of other programs on this machine, and what stands where the token goes.
func (p *Relay) private(name string) bool {
	return strings.EqualFold(name, p.o.Header) || strings.EqualFold(name, SecretHeader) ||
		slices.Contains([]string{"Origin", "Referer"}, name) || name == "Cookie" && !p.o.Cookies ||
		strings.HasPrefix(name, "Sec-Fetch-") || strings.HasPrefix(name, "Access-Control-")
}

// buffers lends the proxy what it copies with.
type buffers struct{ pool sync.Pool }

const bufferSize = 32 << 10

// Get lends a buffer.
func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return p[:]
	}
	return make([]byte, bufferSize)
}

// Put takes it back.
func (b *buffers) Put(p []byte) {
	if len(p) == bufferSize {
		b.pool.Put((*[bufferSize]byte)(p))
	}
}
