package caller

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"gatepass/pkg/crash"
	"gatepass/pkg/fault"
	"gatepass/pkg/netfault"
)

// explain says why there is no answer.
func (x *exchange) explain(err error, req *http.Request) error {
	if done := x.ended("no answer"); done != nil {
		return done
	}
	var mistake *crash.Error
	if errors.As(err, &mistake) {
		return mistake
	}
	if x.taken.Load() > mostTaken {
		f := fault.New(fault.Network, "no answer: %s turned the request away %d times", req.URL.Host, mostTaken)
		f.Err = &failure{netfault.Refused} // nothing of it has been looked at
		return f.WithHint("it may be shutting down: try again later")
	}
	if unread := x.bodyFault(); unread != nil {
		return unread
	}
	return x.network(err, req, "closed the connection without an answer")
}

// bodyFault is why the request's body could not be read, or nil.
func (x *exchange) bodyFault() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var f *fault.Error
	switch {
	case x.unread == nil:
		return nil
	case errors.As(x.unread, &f):
		return f
	}
	return fault.New(fault.Failed, "the body of the request cannot be read: %w", x.unread)
}

// explainBody says why an answer breaks off.
func (x *exchange) explainBody(err error, req *http.Request) error {
	if done := x.ended("the answer was not complete"); done != nil {
		return done
	}
	return x.network(err, req, "broke the answer off")
}

// unfinished is an answer whose status says that it is none yet, and no other comes:
// 101 (RFC 9110 section 15.2.2), and what is no status.
func unfinished(resp *http.Response, host string) error {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return fault.New(fault.Network, "%s goes on in another protocol, which is not spoken here", host).
			WithHint("for WebSocket, use a client of that: wscat, websocat")
	}
	return fault.New(fault.Network, "%s answers with the status %03d, which is none", host, resp.StatusCode)
}

// ended says why the exchange was ended from this side, or nil.
func (x *exchange) ended(what string) error {
	switch cause := context.Cause(x.ctx); {
	case cause == nil:
		return nil
	case errors.Is(cause, errIdle):
		return fault.New(fault.Network, "%s: nothing has moved for %s", what, x.o.Idle)
	case errors.Is(cause, errLimit):
		return fault.New(fault.Network, "%s within %s", what, x.o.Timeout).WithHint("--max-time gives it longer")
	case errors.Is(cause, errDone):
		return fault.New(fault.Network, "%s", what)
	}
	return x.ctx.Err() // the caller's own
}

// network tells errors of the network apart.
func (x *exchange) network(err error, req *http.Request, closed string) error {
	var own *fault.Error
	if errors.As(err, &own) {
		return own
	}
	var reset streamReset
	if errors.As(err, &reset) && reset.byServer() {
		return reset.fault(req.URL.Host)
	}
	c := netfault.Of(err, req.URL.Host)
	f := &fault.Error{Kind: fault.Network, Msg: c.Why, Hint: c.Do, Err: &failure{c.Kind}}
	switch c.Kind {
	case netfault.Late:
		f.Msg, f.Hint = req.URL.Host+" could not be reached within "+x.o.Connect.String(), "--connect-timeout gives it longer"
	case netfault.Closed:
		f.Msg, f.Hint = req.URL.Host+" "+closed, ""
	case netfault.Untrusted:
		f.Hint = "if that is a proxy of your network or a server of your own, trust its certificate: --cacert FILE"
	case netfault.Other:
		f.Msg = x.other(err, req.URL.Host)
	}
	return f
}

// streamReset is net/http's error for an HTTP/2 stream that has ended before its time
// (RFC 9113 section 5.4.2). That has no name outside, and lets itself be had as any
// struct of these fields.
type streamReset struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (r streamReset) Error() string {
	names := []string{ // RFC 9113 section 7
		"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
		"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
	}
	if int64(r.Code) < int64(len(names)) {
		return names[r.Code]
	}
	return "code " + strconv.FormatUint(uint64(r.Code), 10)
}

// byServer reports whether the server has ended the stream, and not what it sent.
func (r streamReset) byServer() bool {
	return r.Cause != nil && r.Cause.Error() == "received from peer"
}

// fault is the reset in words. It is as a connection that was closed.
func (r streamReset) fault(host string) error {
	f := fault.New(fault.Network, "%s ended the HTTP/2 stream before its answer was complete: %s", host, r.Error())
	f.Err = &failure{netfault.Closed}
	return f.WithHint("--http1.1 does without streams")
}

// other words what is left: mostly what is wrong with what the server sent, which it
// may quote. Secrets are taken out before it is cut, as half of one is none to look at.
func (x *exchange) other(err error, host string) string {
	text := err.Error()
	for _, around := range []string{"net/http: HTTP/1.x transport connection broken: ", "net/http: ", "http2: ", "http: "} {
		text = strings.TrimPrefix(text, around)
	}
	text = short(x.clean(text))
	var op *net.OpError
	if errors.As(err, &op) || !x.wrote.Load() {
		return host + ": " + text
	}
	return host + " does not answer as HTTP wants it: " + text
}

// failure is what kind of failure a fault is about.
type failure struct{ kind netfault.Kind }

func (*failure) Error() string { return "no answer" }

// short cuts what a server may have made long.
func short(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
