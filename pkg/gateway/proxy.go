package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/urlpath"
)

// newProxy is the backend that hands requests to the upstream.
func newProxy(g *gateway, i *Integration) http.Handler {
	o := &g.Options
	headers := make(map[string]string, len(o.ContextHeaders))
	for name, key := range o.ContextHeaders {
		headers[http.CanonicalHeaderKey(name)] = key
	}
	upstream := *i.Upstream
	return duplex{i.Timeout, &httputil.ReverseProxy{
		Transport:  newTransport(o.TLS, i.Timeout),
		BufferPool: newBuffers(),
		Rewrite: func(p *httputil.ProxyRequest) {
			x := exchangeOf(p.In)
			x.began, x.in = time.Now(), p.In
			if path, u := x.rec.Verdict.Path(), p.Out.URL; u.RawPath != "" || u.Path != path { // else it is there
				urlpath.Set(u, path)
			}
			p.SetURL(&upstream)
			if x.kind == apigw.WebSocket && upstream.Path != "" { // connections are made to it, not below it
				p.Out.URL.Path, p.Out.URL.RawPath = upstream.Path, upstream.RawPath
			}
			p.SetXForwarded()
			for name, key := range headers {
				setContext(p.Out.Header, name, x.rec.Verdict.Backend, key)
			}
		},
		ModifyResponse: func(res *http.Response) error {
			x := exchangeOf(res.Request)
			if !x.body.waiting.end() {
				return errUnread
			}
			if res.StatusCode < http.StatusOK && res.StatusCode != http.StatusSwitchingProtocols {
				return fmt.Errorf("the upstream answered with the status %03d, which is none", res.StatusCode)
			}
			x.rec.Status = res.StatusCode
			x.answered = Answered{Status: res.StatusCode, Took: time.Since(x.began)}
			x.rec.Integration = &x.answered
			remap(x.kind, res.Header)
			g.cors(res.Header, x.in)
			if res.StatusCode != http.StatusSwitchingProtocols {
				handOn(x.w.Header(), res.Header)
				x.contentType(res)
				x.from = upstreamBody{res.Body, x}
				res.Body = &x.from
			}
			x.identify(x.w.Header())
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) { exchangeOf(r).upstreamFailed(r, err) },
	}}
}

// duplex lets an upstream answer while it still reads. Otherwise the server would read
// the rest of the body itself before it passes the answer on, away from the upstream.
type duplex struct {
	timeout time.Duration
	http.Handler
}

func (d duplex) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r)
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).EnableFullDuplex() // a server that cannot do that has no need to be told
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		x.body.waiting = newUnread(d.timeout, cancel)
		defer x.body.waiting.end()
		r = r.WithContext(ctx)
	}
	if len(r.Header["Upgrade"]) > 0 && !isWebSocket(r) {
		// RFC 9110 section 7.8: a server may ignore the wish for another protocol. What
		// comes after a change to HTTP/2 would be requests that nobody has decided about.
		delete(r.Header, "Upgrade")
	}
	x.final = final{w}
	d.Handler.ServeHTTP(&x.final, r)
}

// isWebSocket reports whether a request asks for a WebSocket (RFC 6455 section 4.1).
func isWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && hasToken(r.Header["Connection"], "upgrade") &&
		len(r.Header["Upgrade"]) == 1 && strings.EqualFold(r.Header["Upgrade"][0], "websocket")
}

// final leaves out the informational answers of an upstream, which API Gateway does not
// hand on (inferred).
type final struct{ http.ResponseWriter }

// WriteHeader writes the head of an answer.
func (w *final) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Unwrap is for http.ResponseController.
func (w *final) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// upstreamFailed answers a request that the upstream did not.
func (x *exchange) upstreamFailed(r *http.Request, err error) {
	if context.Cause(r.Context()) == errUnread { //nolint:errorlint // itself, which nothing wraps
		err = errUnread
	} else if x.brokenBody(r) || x.gone(r) {
		return
	}
	t := failureOf(err)
	x.answered = Answered{Took: time.Since(x.began), Error: err.Error()}
	if t == apigw.IntegrationTimeout {
		x.answered.Failed = apigw.TimedOut
	}
	x.rec.Backend, x.rec.Integration = err, &x.answered
	x.fail(r, t)
}

// remap renames the headers of a REST API's backend that are the gateway's own, and
// takes away the ids of one that is a gateway itself. The length and the framing are
// those of the connection to the caller.
func remap(k apigw.Kind, h http.Header) {
	if k == apigw.HTTP {
		delete(h, "Apigw-Requestid")
		return
	}
	delete(h, "X-Amz-Apigw-Id")
	if k != apigw.REST {
		delete(h, "X-Amzn-Requestid")
		return
	}
	for _, n := range [...]struct{ theirs, ours string }{
		{"Date", "x-amzn-Remapped-Date"}, {"Server", "x-amzn-Remapped-Server"}, {"Www-Authenticate", "x-amzn-Remapped-WWW-Authenticate"},
		{"Authorization", "x-amzn-Remapped-Authorization"}, {"X-Amzn-Requestid", "x-amzn-Remapped-x-amzn-RequestId"},
	} {
		if v, ok := h[n.theirs]; ok {
			delete(h, n.theirs)
			h[n.ours] = v
		}
	}
}

// contentType keeps the server from guessing a content type that the upstream does not
// give. REST APIs say application/json then, as with functions; that HTTP APIs say
// nothing is inferred.
func (x *exchange) contentType(res *http.Response) {
	switch {
	case len(res.Header["Content-Type"]) > 0 || !hasBody(res.StatusCode):
	case x.kind == apigw.REST:
		res.Header["Content-Type"] = []string{"application/json"}
	default:
		x.w.Header()["Content-Type"] = nil
	}
}

// maxHeader is how much an upstream may send before a body, in bytes.
const maxHeader = 1 << 20

// handOn moves the headers of an answer to the caller's, as they are: the proxy would
// copy them one by one, and change their spelling. It decides by the content type
// whether to buffer, and copies that itself.
func handOn(to, from http.Header) {
	for name, v := range from {
		if name != "Content-Type" {
			to[name] = v
			delete(from, name)
		}
	}
}

// newTransport is a transport for one upstream and many requests at once. It reads
// no proxy settings from the environment, and leaves compression to the two sides.
func newTransport(config *tls.Config, timeout time.Duration) *http.Transport {
	const idle = 256
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
		MaxIdleConns:          idle,
		MaxIdleConnsPerHost:   idle,
		IdleConnTimeout:       90 * time.Second,
		ResponseHeaderTimeout: timeout,
		ExpectContinueTimeout: time.Second,
		WriteBufferSize:       16 << 10,
		ReadBufferSize:        16 << 10,

		MaxResponseHeaderBytes: maxHeader,
	}
}

// failureOf tells failures of the upstream apart, and a body that turned out too
// large.
func failureOf(err error) apigw.ResponseType {
	var large *http.MaxBytesError
	var n net.Error
	switch {
	case errors.As(err, &large):
		return apigw.RequestTooLarge
	case errors.As(err, &n) && n.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errUnread):
		return apigw.IntegrationTimeout
	}
	return apigw.IntegrationFailure
}

// setContext gives the upstream a key of the context, or takes away what the
// caller sent under its name.
func setContext(h http.Header, name string, b *apigw.Backend, key string) {
	delete(h, name)
	v, ok := contextValue(b, key)
	if ok {
		h[name] = []string{v}
	}
}

// contextValue is a key of the context as text that can stand in a header.
func contextValue(b *apigw.Backend, key string) (string, bool) {
	if b == nil {
		return "", false
	}
	v, ok := b.Value[key]
	if inner, is := b.Value["lambda"].(map[string]any); !ok && is {
		v, ok = inner[key] // payload format 2.0
	}
	if !ok || v == nil {
		return "", false
	}
	return headerText(fmt.Sprint(v)), true
}

// headerText keeps text from ending a header: what is no visible ASCII becomes a
// percent sign and two hex digits, as in URLs.
func headerText(s string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || c == '%' {
			b = append(b, '%', hex[c>>4], hex[c&15])
			continue
		}
		b = append(b, c)
	}
	return string(b)
}

// upstreamBody is the body of an upstream's answer. A failure half way through
// goes into the record; the proxy, told that the request has ended, cuts the
// connection so that the caller notices, and writes no log of its own.
type upstreamBody struct {
	io.ReadCloser
	x *exchange
}

func (b *upstreamBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.x.rec.Length += int64(n)
	if err != nil && err != io.EOF {
		b.x.brokeOff(err)
		err = context.Canceled
	}
	return n, err
}

// brokeOff notes why an answer that had begun has no end.
func (x *exchange) brokeOff(err error) {
	broken := x.body.broken.Load()
	switch {
	case x.in.Context().Err() != nil:
		x.rec.Reason = "the caller has gone away before the end of the answer"
		return
	case broken != nil:
		err = *broken
		x.rec.Reason = "the body of the request is broken, and the answer with it"
	default:
		x.rec.Reason = "the answer of the upstream broke off"
	}
	x.rec.Backend = err
}

// buffers lends the proxy what it copies with.
type buffers struct{ pool sync.Pool }

const bufferSize = 32 << 10

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { return new([bufferSize]byte) }}}
}

// Get lends a buffer.
func (b *buffers) Get() []byte { return b.pool.Get().(*[bufferSize]byte)[:] }

// Put takes it back.
func (b *buffers) Put(p []byte) {
	if len(p) == bufferSize {
		b.pool.Put((*[bufferSize]byte)(p))
	}
}
