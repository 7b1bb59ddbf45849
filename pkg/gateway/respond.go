package gateway

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"gatepass/pkg/apigw"
)

// exchange is one request on its way through the gateway.
type exchange struct {
	g    *gateway
	w    http.ResponseWriter
	kind apigw.Kind
	ids  ids
	rec  Record
	req  *apigw.Request // asked, or that of a message
	told bool           // of the record

	prefix string        // what stood before the path of the route: the base, or nothing
	length int64         // of the request's body, as far as it is said
	body   requestBody   // where the request has one
	began  time.Time     // when the upstream was asked
	in     *http.Request // for it, as it came
	header http.Header   // that functions get, where one was asked

	// Room for what every request has, so that it is one piece of memory.
	asked    apigw.Request
	answered Answered
	from     upstreamBody
	final    final
	idValues [2]string
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
	if !hasBody(status) {
		x.w.WriteHeader(status)
		return
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	if _, given := h["Content-Type"]; !given {
		h["Content-Type"] = nil // it is not guessed, and may be there in another spelling
	}
	x.w.WriteHeader(status)
	if method != http.MethodHead {
		x.rec.Length = int64(len(body))
		x.send(body)
	}
}

// A caller may take its time, but not for ever: the answer of a function, which may have
// 6 MB, is kept for it until it has read on.
const (
	sendPart = 256 << 10 // bytes
	sendTime = 30 * time.Second
)

// send sends a body. A caller that has gone away is no failure.
func (x *exchange) send(body string) {
	if len(body) <= sendPart {
		x.put(body)
		return
	}
	c := http.NewResponseController(x.w)
	defer func() { _ = c.SetWriteDeadline(time.Time{}) }() // the connection may have another request
	for len(body) > 0 {
		n := min(sendPart, len(body))
		_ = c.SetWriteDeadline(time.Now().Add(sendTime)) // no matter where there are none
		if !x.put(body[:n]) {
			return
		}
		body = body[n:]
	}
}

// put writes a part of a body. It is false when nobody takes it.
func (x *exchange) put(part string) bool {
	_, err := io.WriteString(x.w, part) //nolint:gosec // JSON by its content type, or what the API's author made it
	return err == nil
}

// hasBody reports whether answers with a status may have a body (RFC 9110 section
// 6.4.1).
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
