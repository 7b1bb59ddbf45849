package gateway

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
)

// Function runs a Lambda function for an event, which is JSON. It may be called by
// many goroutines at once, and should end when the context does.
type Function func(ctx context.Context, event []byte) apigw.Output

// Integration is what stands behind a route: one of its members, or the echo backend
// when none is set.
type Integration struct {
	// Upstream is where allowed requests go: scheme, host and a path to put before
	// theirs.
	Upstream *url.URL
	// Function answers as a Lambda proxy integration, in REST and HTTP APIs.
	Function Function
	// Mock is always the same answer.
	Mock *Mock
	// Timeout is how long the backend may take to begin its answer; 0 is Timeout.
	Timeout time.Duration
}

// Mock is an answer that is made up.
type Mock struct {
	Status int // 0 is 200
	Header map[string]string
	// Body may hold variables of $context and $stageVariables.
	Body string
}

// backend makes what serves the requests of an integration.
func (g *gateway) newBackend(i *Integration) http.Handler {
	if i.Timeout == 0 {
		i.Timeout = Timeout
	}
	switch {
	case i.Upstream != nil:
		return newProxy(g, i)
	case i.Function != nil:
		return &function{g, i}
	case i.Mock != nil:
		return &mock{g, i.Mock}
	case g.API.Kind == apigw.WebSocket:
		return &socketEcho{g}
	}
	return newEcho(g.API)
}

// check refuses an integration that could not work.
func (i *Integration) check(where string, o *Options) error {
	set := 0
	for _, is := range []bool{i.Upstream != nil, i.Function != nil, i.Mock != nil} {
		if is {
			set++
		}
	}
	switch {
	case set > 1:
		return fault.New(fault.Usage, "%s has several integrations, want one", where)
	case o.API.Kind == apigw.WebSocket && (i.Function != nil || i.Mock != nil):
		return fault.New(fault.Usage, "%s: behind a WebSocket API stands an upstream, or the echo backend", where)
	case i.Mock != nil && i.Mock.Status != 0 && (i.Mock.Status < 200 || i.Mock.Status > 599):
		return fault.New(fault.Usage, "%s: want a status from 200 to 599, got %d", where, i.Mock.Status)
	}
	u := i.Upstream
	switch {
	case u == nil:
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
		return fault.New(fault.Usage, "want the URL of the upstream as http://HOST:PORT or https://HOST, got %q", u.Redacted())
	}
	return nil
}

// mock answers what it was told to.
type mock struct {
	g *gateway
	*Mock
}

func (m *mock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r)
	h := w.Header()
	for name, value := range m.Header {
		h[http.CanonicalHeaderKey(name)] = []string{value}
	}
	if h.Get("Content-Type") == "" {
		h["Content-Type"] = []string{"application/json"}
	}
	status := m.Status
	if status == 0 {
		status = http.StatusOK
	}
	x.rec.Integration = &Answered{Status: status}
	x.answer(r, status, x.rec.Verdict.Render(m.Body))
}

// answer sends what a backend of the gateway's own answers.
func (x *exchange) answer(r *http.Request, status int, body string) {
	h := x.w.Header()
	x.g.cors(h, r)
	x.identify(h)
	x.rec.Status = status
	x.write(r.Method, status, body)
}

// cors puts the CORS headers of an HTTP API into a backend's answer.
func (g *gateway) cors(h http.Header, r *http.Request) {
	if g.CORS != nil {
		g.CORS.Answer(h, r.Header.Get("Origin"))
	}
}

// preflight answers a preflight request that no route takes, as HTTP APIs with CORS
// do: without an authorizer.
func (x *exchange) preflight(r *http.Request) {
	h := x.w.Header()
	x.g.CORS.Preflight(h, r.Header.Get("Origin"))
	x.identify(h)
	x.rec.Status, x.rec.Reason = http.StatusNoContent, "a preflight, which the CORS configuration answers"
	x.write(r.Method, x.rec.Status, "")
}
