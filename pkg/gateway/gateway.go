package gateway

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
)

// Invoke runs an authorizer for an event. The reason, which may be empty, is what
// the authorizer itself has to say about its answer: it goes into the [Record] of
// the request, and not to the caller. Invoke may be called by many goroutines at
// once, and should end when the context does: then nobody waits for the answer.
type Invoke func(ctx context.Context, ev apigw.Event) (out apigw.Output, reason string)

// MaxBody is the largest request body that is taken, in bytes (AWS: "Amazon API
// Gateway quotas", payload size).
const MaxBody = 10 << 20

// Timeout is how long an upstream may take to begin its answer unless the options
// say otherwise: the longest integration time-out that REST APIs have from the
// start.
const Timeout = 29 * time.Second

// CacheSize is how many authorizer results are kept.
const CacheSize = 10_000

// Options are what a gateway is made of.
type Options struct {
	// API is what is served. New prepares it; it must not be changed after that.
	API *apigw.API
	// Authorizers run the authorizers of the API, by their names. New insists on one
	// for each authorizer that a route uses.
	Authorizers map[string]Invoke
	// Caller finds out who signed a request with AWS credentials; nil is nobody. It is
	// asked about every request to an API with a route of AWS_IAM. Without it such an
	// API is refused by New: signatures are not checked here.
	Caller func(*http.Request) *apigw.Caller
	// Cache holds results of authorizers; nil makes one of CacheSize. Flushing it is
	// the caller's business.
	Cache *apigw.Cache

	// Upstream is where allowed requests go: scheme, host and a path to put before
	// theirs. Nil is the echo backend, which answers with what it was given.
	Upstream *url.URL
	// TLS is for an https upstream; nil is Go's default.
	TLS *tls.Config
	// Timeout is how long the upstream may take to begin its answer; 0 is Timeout.
	Timeout time.Duration
	// ContextHeaders give the upstream keys of the authorizer's context: the name of
	// a header with the key, as API Gateway does with the request parameter
	// "integration.request.header.NAME" mapped from "context.authorizer.KEY". Without
	// one an upstream learns nothing, as with API Gateway. What a caller sends under
	// such a name is removed.
	ContextHeaders map[string]string

	// Base says how the stage appears in URLs.
	Base Base

	// Trace fills in the trace of each verdict, for the Record. It costs more than
	// the decision.
	Trace bool
	// OnRequest is told of each request when it is done, by the goroutine that served
	// it. It may be nil.
	OnRequest func(*Record)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Base says how the stage of an API appears in its URLs.
type Base struct {
	// Path stands before the path of a route: "/prod" as in the invoke URL of an API,
	// or "" as with a custom domain.
	Path string
	// Optional takes requests without the path, too, as if it were there.
	Optional bool
}

// MessageMethod is the method in the Record of a message to a WebSocket API.
const MessageMethod = "MESSAGE"

// Record is what happened to one request. Of a connection to a WebSocket API it is
// told when it is made or refused; of its messages, which only the echo backend
// reads, one by one.
type Record struct {
	// Method is that of the request, or MessageMethod.
	Method string
	// Path is the path of the request as it was sent, with the base and without the
	// query, which may hold a token. Of a message it is the route key asked for.
	Path   string
	Status int
	// Verdict is what the core decided. It is nil only when the request could not be
	// put to it.
	Verdict *apigw.Verdict
	// Reason is what decided, in a few words for a person; it may quote what came
	// from outside. Said is what the authorizer itself had to say, if it was asked.
	Reason, Said string
	// Backend is what went wrong behind the gateway, or nil.
	Backend error
	ID      string
	Start   time.Time
	// Took is the whole time, Authorizing that until the decision was made.
	Took, Authorizing time.Duration
}

type gateway struct {
	Options
	backend http.Handler
	signed  bool // somebody has to be asked who signed a request
}

// New makes a gateway. The error is a *fault.Error of kind Usage: an API that
// cannot be, a route whose authorizer cannot be run, an upstream that is no URL of
// a server.
func New(o Options) (http.Handler, error) {
	if o.API == nil {
		return nil, fault.New(fault.Usage, "there is no API to serve")
	}
	if err := o.API.Prepare(); err != nil {
		return nil, fault.New(fault.Usage, "the API cannot be served: %w", err)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Cache == nil {
		o.Cache = apigw.NewCache(CacheSize)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = Timeout
	}
	g := &gateway{Options: o, signed: hasIAM(o.API)}
	switch {
	case o.Upstream != nil:
		g.backend = newProxy(&g.Options)
	case o.API.Kind == apigw.WebSocket:
		g.backend = &socketEcho{g}
	default:
		g.backend = newEcho(o.API)
	}
	return g, nil
}

// check refuses what would leave a route open that is not meant to be, and what
// could not work.
func (o *Options) check() error {
	if b := o.Base.Path; b != "" && (!strings.HasPrefix(b, "/") || strings.HasSuffix(b, "/")) {
		return fault.New(fault.Usage, "want a base path such as /prod, got %q", b)
	}
	if err := o.checkUpstream(); err != nil {
		return err
	}
	if o.API.Routes == nil {
		return o.runnable("every route", o.API.Default.Authorizer)
	}
	for i := range o.API.Routes {
		r := &o.API.Routes[i]
		if err := o.runnable("route "+r.Key(), r.Authorizer); err != nil {
			return err
		}
	}
	return nil
}

// runnable reports why an authorizer cannot be run.
func (o *Options) runnable(where string, a *apigw.Authorizer) error {
	switch {
	case a == nil:
		return nil
	case a.Type == apigw.AuthIAM && o.Caller != nil, a.Type != apigw.AuthIAM && o.Authorizers[a.Name] != nil:
		return nil
	case a.Type == apigw.AuthIAM:
		return fault.New(fault.Usage, "%s asks for AWS signatures (AWS_IAM), which cannot be checked here", where)
	}
	return fault.New(fault.Usage, "%s has the authorizer %q (%s), and nothing here runs it", where, a.Name, a.Type).
		WithHint("a route is never served open because its authorizer is missing")
}

func (o *Options) checkUpstream() error {
	u := o.Upstream
	switch {
	case u == nil:
		return nil
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
		return fault.New(fault.Usage, "want the URL of the upstream as http://HOST:PORT or https://HOST, got %q", u.Redacted())
	}
	for name := range o.ContextHeaders {
		switch http.CanonicalHeaderKey(name) {
		case "", "Host", "Content-Length", "Transfer-Encoding", "Connection", "Te", "Trailer", "Upgrade":
			return fault.New(fault.Usage, "the header %q cannot carry a value of the context", name)
		}
	}
	return nil
}

// ServeHTTP decides about the request, and serves it if that is allowed.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := g.Now()
	x := &exchange{w: w, kind: g.API.Kind, rec: Record{Method: r.Method, Path: r.URL.EscapedPath(), Start: start}}
	if g.API.Kind == apigw.WebSocket {
		x.w = &upgraded{w, g, x}
	}
	defer g.done(x) // also when a broken upstream makes the proxy panic
	req, ok := g.request(r, start)
	x.req, x.rec.ID, x.ids = req, req.ID, ids{req.ID, req.ExtendedID}
	if !ok {
		x.noStage(r)
		return
	}
	if g.API.Kind == apigw.WebSocket && !x.handshake(r) {
		return
	}
	v := g.decide(r.Context(), req, x)
	x.rec.Verdict, x.rec.Authorizing = v, g.Now().Sub(start)
	x.rec.Reason = v.Reason
	if !v.Allowed {
		x.respond(r, v)
		return
	}
	if r.ContentLength > MaxBody {
		x.fail(r, apigw.RequestTooLarge)
		return
	}
	if r.ContentLength < 0 {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	}
	g.backend.ServeHTTP(x.w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
}

// decide puts the request to the core.
func (g *gateway) decide(ctx context.Context, req *apigw.Request, x *exchange) *apigw.Verdict {
	return apigw.Decide(g.API, req, g.Cache, func(ev apigw.Event) apigw.Output {
		if ev.Authorizer == nil {
			return apigw.NotInvokedOutput("the event names no authorizer")
		}
		out, reason := g.Authorizers[ev.Authorizer.Name](ctx, ev)
		x.rec.Said = reason
		return out
	})
}

// done tells of the request, once.
func (g *gateway) done(x *exchange) {
	if g.OnRequest == nil || x.told {
		return
	}
	x.told = true
	x.rec.Took = g.Now().Sub(x.rec.Start)
	g.OnRequest(&x.rec)
}
