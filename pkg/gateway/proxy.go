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
	"sync"
	"time"

	"gatepass/pkg/apigw"
)

// newProxy is the backend that hands requests to the upstream.
func newProxy(g *gateway, i *Integration) http.Handler {
	o := &g.Options
	headers := make(map[string]string, len(o.ContextHeaders))
	for name, key := range o.ContextHeaders {
		headers[http.CanonicalHeaderKey(name)] = key
	}
	upstream := *i.Upstream
	return &httputil.ReverseProxy{
		Transport:  newTransport(o.TLS, i.Timeout),
		BufferPool: newBuffers(),
		Rewrite: func(p *httputil.ProxyRequest) {
			x := exchangeOf(p.In)
			x.began, x.in = time.Now(), p.In
			setPath(p.Out.URL, x.req.Path)
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
			x.rec.Status = res.StatusCode
			x.answered = Answered{Status: res.StatusCode, Took: time.Since(x.began)}
			x.rec.Integration = &x.answered
			remap(x.kind, res.Header)
			g.cors(res.Header, x.in)
			x.identify(x.w.Header())
			if res.StatusCode != http.StatusSwitchingProtocols {
				res.Body = &upstreamBody{res.Body, x}
			}
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) { exchangeOf(r).upstreamFailed(r, err) },
	}
}

// upstreamFailed answers a request that the upstream did not.
func (x *exchange) upstreamFailed(r *http.Request, err error) {
	t := failureOf(err)
	x.answered = Answered{Took: time.Since(x.began), Error: err.Error()}
	if t == apigw.IntegrationTimeout {
		x.answered.Failed = apigw.TimedOut
	}
	x.rec.Backend, x.rec.Integration = err, &x.answered
	x.fail(r, t)
}

// remap renames the headers of a REST API's backend that are the gateway's own. The
// length and the framing are those of the connection to the caller.
func remap(k apigw.Kind, h http.Header) {
	if k != apigw.REST {
		return
	}
	for name, v := range h {
		switch name {
		case "Authorization", "Date", "Server", "Www-Authenticate", "X-Amzn-Requestid":
			delete(h, name)
			h[apigw.Remapped(name)] = v // which is none of these, should it come round
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
	case errors.As(err, &n) && n.Timeout(), errors.Is(err, context.DeadlineExceeded):
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
		b.x.rec.Backend = err
		err = context.Canceled
	}
	return n, err
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
