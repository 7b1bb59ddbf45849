package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/crash"
	"gatepass/pkg/function"
	"gatepass/pkg/source"
)

// The outcomes of a decision in log and metrics. The answer "policy" leaves it to
// the gateway whether the request is allowed.
const (
	outcomePolicy  = "policy"
	outcomeAllowed = "allowed"
	outcomeDenied  = "denied"
	outcomeRefused = "refused"
	outcomeFailed  = "failed"
)

// reserve is what is kept of the function's time to say that it ended too soon:
// a function that is cut off says nothing.
const reserve = 200 * time.Millisecond

// authorizerError is an error of the function. Its text is the errorMessage that
// API Gateway sees; Unauthorized, exactly, makes a 401.
type authorizerError string

// Error is the message.
func (e authorizerError) Error() string { return string(e) }

// handler answers invocations. It may be used by several goroutines.
type handler struct {
	current    *current
	log        *journal
	now        func() time.Time
	logSubject bool
	// broken says why nothing can ever be decided: the settings are wrong.
	broken error
}

// Invoke answers an event, as it came, with the answer as it goes (lambda.Handler).
func (h *handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	began := h.now()
	ctx, cancel := withReserve(ctx)
	defer cancel()
	ev, a := h.caught(ctx, payload)
	d := decision{Event: kindOf(ev), Outcome: outcomeOf(a), Reason: a.Trace.Reason, duration: h.now().Sub(began)}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		d.RequestID = lc.AwsRequestID
	}
	if a.Token != nil {
		d.KeyID, _ = a.Token.KeyID()
		if sub := a.Token.Claims.Get("sub"); h.logSubject && a.Trace.Claims != "" && sub != nil {
			d.Subject = sub.Text
		}
	}
	h.log.decided(d)
	if a.Output.Kind != apigw.Returned {
		return nil, authorizerError(a.Output.Message)
	}
	return []byte(a.Output.Text), nil
}

// withReserve ends the context a little before the function is cut off.
func withReserve(ctx context.Context) (context.Context, context.CancelFunc) {
	at, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, at.Add(-min(reserve, time.Until(at)/4)))
}

// caught is answer, with a panic made an error of: the runtime would print what it
// says, with whatever secret is in it, and start anew.
func (h *handler) caught(ctx context.Context, payload []byte) (ev *apigw.Event, a function.Answer) {
	if err := crash.Catch(func() { ev, a = h.answer(ctx, payload) }); err != nil {
		h.log.fail("a panic", err)
		return nil, failed(errors.New("there is a mistake in the program; the log has more"))
	}
	return ev, a
}

// answer decides about an event.
func (h *handler) answer(ctx context.Context, payload []byte) (*apigw.Event, function.Answer) {
	if h.broken != nil {
		return nil, failed(h.broken)
	}
	n, err := source.JSON("the event", payload)
	if err != nil {
		return nil, failed(fmt.Errorf("the event cannot be read: %w", err))
	}
	ev, err := apigw.ParseEvent(n)
	if err != nil {
		return nil, failed(fmt.Errorf("the event is none that API Gateway sends to an authorizer: %w", err))
	}
	now := h.now()
	f, err := h.current.function(ctx, now)
	if err != nil {
		return &ev, failed(err)
	}
	return &ev, f.Ask(ctx, ev, now)
}

// failed is the answer when nothing can be decided.
func failed(err error) function.Answer {
	out, trace := authorizer.Fail(err)
	return function.Answer{Output: out, Trace: trace}
}

func outcomeOf(a function.Answer) string {
	switch a.Trace.Outcome {
	case authorizer.Failed:
		return outcomeFailed
	case authorizer.Refused:
		return outcomeRefused
	}
	is := a.Output.Value.Get("isAuthorized")
	switch {
	case is == nil:
		return outcomePolicy
	case is.Text == "true":
		return outcomeAllowed
	}
	return outcomeDenied
}

// kindOf names the kind of an event for the log.
func kindOf(ev *apigw.Event) string {
	if ev == nil {
		return ""
	}
	switch ev.Kind {
	case apigw.EventToken, apigw.EventJWT:
		return "TOKEN"
	case apigw.EventHTTP1:
		return "REQUEST 1.0"
	case apigw.EventHTTP2:
		return "REQUEST 2.0"
	case apigw.EventConnect:
		return "REQUEST CONNECT"
	}
	return "REQUEST"
}
