package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"gatepass/pkg/apigw"
)

// MaxEvent is the largest event that Lambda takes, in bytes (AWS: "Lambda quotas",
// invocation payload). An answer may have as many.
const MaxEvent = 6 << 20

// function is a Lambda proxy integration.
type function struct {
	g *gateway
	*Integration
}

func (f *function) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		x.bodyFailed(r, err)
		return
	}
	p := apigw.ProxyRequest{
		Header: x.forwarded(r), Body: body, Prefix: x.prefix, BinaryTypes: f.g.BinaryTypes, AuthorizerTook: x.rec.AuthorizerTook,
	}
	event, err := x.rec.Verdict.ProxyEvent(p)
	if err != nil {
		x.rec.Backend = err
		x.fail(r, apigw.IntegrationFailure)
		return
	}
	if len(event) > MaxEvent {
		x.fail(r, apigw.RequestTooLarge)
		x.rec.Reason = "the event is larger than the 6 MB that Lambda takes (inferred: what API Gateway answers then is not documented)"
		return
	}
	out, ok := f.invoke(x, r, event)
	if !ok {
		return
	}
	answer, failed := x.rec.Verdict.ProxyAnswer(out, p)
	if failed != nil {
		x.rec.Integration.Error, x.rec.Integration.Failed = failed.Reason, wayOf(out)
		x.rec.Reason = failed.Reason
		x.respond(r, failed)
		return
	}
	x.rec.Integration.Status = answer.Status
	h := x.w.Header()
	for name, v := range answer.Header {
		if strings.EqualFold(name, "Date") {
			name = "Date" // else the server adds its own
		}
		h[name] = v
	}
	if f.g.API.Kind != apigw.HTTP && len(p.Header["X-Amzn-Trace-Id"]) > 0 {
		h["X-Amzn-Trace-Id"] = p.Header["X-Amzn-Trace-Id"]
	}
	x.answer(r, answer.Status, string(answer.Body))
}

// wayOf is the way in which a function failed.
func wayOf(out apigw.Output) apigw.IntegrationFailed {
	switch out.Kind {
	case apigw.Returned:
		return apigw.Malformed
	case apigw.Failed:
		return apigw.FunctionFailed
	}
	return apigw.FailedOtherwise
}

// invoke runs the function. It is false when there is nobody to be answered any
// more, or when the time was up and that is the answer.
func (f *function) invoke(x *exchange, r *http.Request, event []byte) (apigw.Output, bool) {
	ctx, cancel := context.WithTimeout(r.Context(), f.Timeout)
	defer cancel()
	start := time.Now()
	out := f.Function(ctx, event)
	x.rec.Integration = &Answered{Lambda: true, Took: time.Since(start)}
	switch {
	case out.Kind == apigw.Returned && ctx.Err() == nil:
		return out, true
	case x.gone(r):
		return out, false
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		x.rec.Integration.Error, x.rec.Integration.Failed = "Endpoint request timed out", apigw.TimedOut
		x.fail(r, apigw.IntegrationTimeout)
		x.rec.Reason = fmt.Sprintf("the function did not answer within the %s of the integration", f.Timeout)
		return out, false
	}
	return out, true
}

// statusGone is in the record of a request whose caller did not wait for the answer
// (the number is nginx's).
const statusGone = 499

// forwarded is the header of a request as functions get it, authorizers among them: with
// the host, and with what API Gateway adds (AWS: the sample events; those of WebSocket
// APIs show the headers of the upgrade, too).
func (x *exchange) forwarded(r *http.Request) http.Header {
	if x.header != nil {
		return x.header // all functions have the same trace id
	}
	h := r.Header.Clone()
	x.header = h
	if x.kind != apigw.WebSocket {
		for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
			delete(h, name)
		}
	}
	h["Host"] = []string{r.Host}
	scheme, port := "http", "80"
	if r.TLS != nil {
		scheme, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(r.Host); err == nil {
		port = p
	}
	h["X-Forwarded-For"] = []string{strings.Join(append(h["X-Forwarded-For"], x.req.SourceIP), ", ")}
	h["X-Forwarded-Port"], h["X-Forwarded-Proto"] = []string{port}, []string{scheme}
	if h["X-Amzn-Trace-Id"] == nil {
		h["X-Amzn-Trace-Id"] = []string{traceID(x.rec.Start)}
	}
	return h
}

// traceID is a trace id of X-Ray (AWS: "AWS X-Ray concepts", tracing header).
func traceID(now time.Time) string {
	var b [12]byte
	_, _ = rand.Read(b[:])                                                             // never fails (package crypto/rand)
	return fmt.Sprintf("Root=1-%08x-%s", uint32(now.Unix()), hex.EncodeToString(b[:])) //nolint:gosec // X-Ray's ids have 32 bits for the time
}
