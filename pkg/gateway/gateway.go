package gateway

import (
	"context"
	"crypto/tls"
	"maps"
	"net/http"
	"slices"
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
	// Broken says, by the name of an authorizer, why it cannot be run. An authorizer
	// that Authorizers do not have needs no entry.
	Broken map[string]string
	// Open are the keys of routes to be served without an authorizer when theirs cannot
	// be run; "*" stands for every path where no routes are given. Routes whose
	// authorizer can be run stay protected all the same.
	Open []string
	// Cache holds results of authorizers; nil makes one of CacheSize. Flushing it is
	// the caller's business.
	Cache *apigw.Cache

	// Integration is what stands behind the routes; the zero value is the echo backend,
	// which answers with what it was given. Integrations are those of routes that have
	// one of their own, by the key of the route: "GET /pets/{id}", "$default".
	Integration  Integration
	Integrations map[string]Integration
	// BinaryTypes are the binary media types of a REST API, for functions.
	BinaryTypes []string
	// CORS is the CORS configuration of an HTTP API, or nil.
	CORS *apigw.CORS
	// TLS is for https upstreams; nil is Go's default.
	TLS *tls.Config
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
	// Opened says that the route has an authorizer, which was not asked: it cannot be
	// run, and the route was opened by name.
	Opened bool
	// Reason is what decided, in a few words for a person; it may quote what came
	// from outside. Said is what the authorizer itself had to say, if it was asked.
	Reason, Said string
	// Backend is what went wrong behind the gateway, or nil.
	Backend error
	ID      string
	Start   time.Time
	// Took is the whole time, Authorizing that until the decision was made,
	// AuthorizerTook that of the authorizer itself, 0 when it was not run.
	Took, Authorizing, AuthorizerTook time.Duration
	// Integration is what the backend answered; nil when it was not reached, or is the
	// gateway's own.
	Integration *Answered
	// Length is how many bytes of a body were answered, as far as they are counted:
	// those of connections that were handed over are not.
	Length int64

	x *exchange // for the logs
}

// Answered is what a backend answered: see [apigw.ServedIntegration].
type Answered = apigw.ServedIntegration

type gateway struct {
	Options
	backend  http.Handler
	backends map[string]http.Handler // of routes with one of their own
	opened   map[string]bool         // routes whose authorizer is not asked
	signed   bool                    // somebody has to be asked who signed a request
	usage    *apigw.Usage            // nil: nothing limits requests
}

// New makes a gateway. The error is a *fault.Error of kind Usage: an API that
// cannot be, routes whose authorizer cannot be run, an upstream that is no URL of
// a server. [Unprotected] is among its causes when routes cannot be protected.
func New(o Options) (http.Handler, error) {
	if o.API == nil {
		return nil, fault.New(fault.Usage, "there is no API to serve")
	}
	opened, err := o.protect()
	if err != nil {
		return nil, err
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
	g := &gateway{Options: o, signed: hasIAM(o.API), usage: apigw.NewUsage(o.API), opened: opened, backends: map[string]http.Handler{}}
	g.backend = g.newBackend(&g.Integration)
	for key, i := range o.Integrations {
		g.backends[key] = g.newBackend(&i)
	}
	return g, nil
}

// check refuses what could not work.
func (o *Options) check() error {
	if b := o.Base.Path; b != "" && (!strings.HasPrefix(b, "/") || strings.HasSuffix(b, "/")) {
		return fault.New(fault.Usage, "want a base path such as /prod, got %q", b)
	}
	if o.CORS != nil {
		if o.API.Kind != apigw.HTTP {
			return fault.New(fault.Usage, "only HTTP APIs have a CORS configuration").
				WithHint("in a REST API an OPTIONS route answers preflights, and gateway_responses say what refusals carry")
		}
		if err := o.CORS.Check(); err != nil {
			return fault.New(fault.Usage, "the CORS configuration: %w", err)
		}
	}
	if err := o.Integration.check("the default integration", o); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(o.Integrations)) {
		i := o.Integrations[key]
		if err := i.check("route "+key, o); err != nil {
			return err
		}
		if !o.hasRoute(key) {
			return fault.New(fault.Usage, "there is an integration of the route %s, and no such route", key)
		}
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
	x := &exchange{g: g, w: w, kind: g.API.Kind, length: r.ContentLength, rec: Record{Method: r.Method, Path: sentPath(r.URL), Start: start}}
	if g.API.Kind == apigw.WebSocket {
		x.w = &upgraded{w, g, x}
	}
	defer g.done(x) // also when a broken upstream makes the proxy panic
	x.ids = newIDs()
	x.rec.ID = x.ids.request
	if !x.request(r) {
		x.noStage(r)
		return
	}
	if g.API.Kind == apigw.WebSocket && !x.handshake(r) {
		return
	}
	if g.CORS != nil && g.API.IsPreflight(x.req) {
		x.preflight(r)
		return
	}
	v := g.decide(r, x)
	x.rec.Verdict, x.rec.Authorizing = v, g.Now().Sub(start)
	x.rec.Reason = v.Reason
	if len(g.opened) > 0 {
		x.rec.Opened = g.opened[g.opens(v)]
	}
	if !v.Allowed {
		x.respond(r, v)
		return
	}
	if !x.takeBody(r) {
		return
	}
	g.backendOf(v).ServeHTTP(x.w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
	if x.rec.Status == statusGone {
		panic(http.ErrAbortHandler) // no answer, which must not look like an empty one
	}
}

// backendOf is what stands behind the route of a request.
func (g *gateway) backendOf(v *apigw.Verdict) http.Handler {
	if len(g.backends) > 0 {
		if b := g.backends[v.RouteKey]; b != nil {
			return b
		}
	}
	return g.backend
}

// decide puts the request to the core.
func (g *gateway) decide(r *http.Request, x *exchange) *apigw.Verdict {
	req := x.req
	if g.usage != nil {
		req.Meter = func(key string) apigw.Limit { return g.usage.Take(key, req.Time) }
	}
	return apigw.Decide(g.API, req, g.Cache, func(ev apigw.Event) apigw.Output {
		if ev.Authorizer == nil {
			return apigw.NotInvokedOutput("the event names no authorizer")
		}
		if ev.Kind != apigw.EventToken && ev.Kind != apigw.EventJWT {
			ev.Header = x.forwarded(r)
		}
		begin := time.Now()
		out, reason := g.Authorizers[ev.Authorizer.Name](r.Context(), ev)
		x.rec.Said, x.rec.AuthorizerTook = reason, max(time.Since(begin), 1)
		return out
	})
}

// done tells of the request, once.
func (g *gateway) done(x *exchange) {
	if g.OnRequest == nil || x.told {
		return
	}
	x.told, x.rec.x = true, x
	x.rec.Took = g.Now().Sub(x.rec.Start)
	g.OnRequest(&x.rec)
}
