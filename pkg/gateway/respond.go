package gateway

import (
	"io"
	"net/http"
	"strconv"

	"gatepass/pkg/apigw"
)

// exchange is one request on its way through the gateway.
type exchange struct {
	w    http.ResponseWriter
	kind apigw.Kind
	ids  ids
	rec  Record
	req  *apigw.Request
	told bool // of the record
}

// exchangeKey is where a backend finds the exchange in the context of its request.
type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return x
}

// respond answers with a verdict, to the byte as the core has it: the names of
// headers in their spelling, no header that API Gateway would not send, and above
// all no CORS headers.
func (x *exchange) respond(r *http.Request, v *apigw.Verdict) {
	h := x.w.Header()
	for name, value := range v.Headers {
		h[name] = []string{value} // Set would change the spelling
	}
	x.rec.Status = v.Status
	x.write(r.Method, v.Status, v.Body)
}

// write sends a body whose length is known.
func (x *exchange) write(method string, status int, body string) {
	h := x.w.Header()
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	if _, given := h["Content-Type"]; !given && body == "" {
		h["Content-Type"] = nil // nothing to be guessed from
	}
	x.w.WriteHeader(status)
	if method != http.MethodHead {
		// A caller that has gone away is no failure.
		_, _ = io.WriteString(x.w, body) //nolint:gosec // JSON by its content type, or what the API's author made it
	}
}
