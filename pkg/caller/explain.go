package caller

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/netfault"
)

// explain says why there is no answer.
func (x *exchange) explain(err error, req *http.Request) error {
	if done := x.ended("no answer"); done != nil {
		return done
	}
	return x.network(err, req, "closed the connection without an answer")
}

// explainBody says why an answer breaks off.
func (x *exchange) explainBody(err error, req *http.Request) error {
	if done := x.ended("the answer was not complete"); done != nil {
		return done
	}
	return x.network(err, req, "broke the answer off")
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
		// What is left says what was wrong with what the server sent, and may quote it.
		f.Msg = req.URL.Host + ": " + x.clean(short(err.Error()))
	}
	return f
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
