package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
	"unicode/utf8"

	"gatepass/pkg/apigw"
)

// How long connections last (AWS: "Quotas for configuring and running a WebSocket
// API"), and how long a client may take to read an answer.
const (
	maxConnection = 2 * time.Hour
	maxIdle       = 10 * time.Minute
	maxWrite      = 10 * time.Second
)

// maxRouteKey is the longest route key, in bytes (AWS: CreateRoute, routeKey).
const maxRouteKey = 128

// socketEcho is the echo backend of a WebSocket API: it answers every message with
// what a backend would see of it. It speaks as much of RFC 6455 as that takes: no
// extensions, no binary messages.
type socketEcho struct{ g *gateway }

// ServeHTTP makes the connection and serves it until it ends.
func (e *socketEcho) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r)
	conn, rw, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		x.rec.Backend = err
		x.fail(r, apigw.IntegrationFailure)
		return
	}
	defer func() { _ = conn.Close() }()
	s := &socket{g: e.g, x: x, conn: conn, in: rw.Reader}
	stop := context.AfterFunc(r.Context(), func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if s.write(switching(r.Header)) != nil {
		return
	}
	s.serve(r.Context())
}

// switching is the answer to a handshake.
func switching(h http.Header) []byte {
	b := []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		acceptKey(h.Get("Sec-Websocket-Key")) + "\r\n")
	if p := subprotocol(h); p != "" {
		b = append(b, "Sec-WebSocket-Protocol: "+p+"\r\n"...)
	}
	return append(b, "\r\n"...)
}

// socket is a connection to the echo backend.
type socket struct {
	g    *gateway
	x    *exchange // of $connect
	conn net.Conn
	in   *bufio.Reader
}

// serve answers messages until the connection ends. Deadlines are those of the
// machine's clock, not the gateway's.
func (s *socket) serve(ctx context.Context) {
	end := time.Now().Add(maxConnection)
	for {
		text, err := s.message(ctx, end)
		if err == nil {
			err = s.answer(text)
		}
		if err != nil {
			s.close(err)
			return
		}
	}
}

// message reads the frames of one message, and answers those that are for the
// connection itself on the way.
func (s *socket) message(ctx context.Context, end time.Time) ([]byte, error) {
	var text []byte
	under := false // a message is under way
	for {
		deadline := time.Now().Add(maxIdle)
		if end.Before(deadline) {
			deadline = end
		}
		_ = s.conn.SetReadDeadline(deadline)
		if ctx.Err() != nil { // the deadline may have come after that of the context
			return nil, &closeError{closeGoingAway, "the gateway stops"}
		}
		f, err := readFrame(s.in)
		switch {
		case err != nil:
			return nil, timedOut(err)
		case f.op.control():
			if err := s.control(f); err != nil {
				return nil, err
			}
			continue
		}
		if err := follows(f, under, len(text)); err != nil {
			return nil, err
		}
		text, under = append(text, f.payload...), true
		if !f.fin {
			continue
		}
		if !utf8.Valid(text) {
			return nil, &closeError{closeInvalidText, "a text message is UTF-8"}
		}
		return text, nil
	}
}

// timedOut makes a deadline that has passed a reason to close.
func timedOut(err error) error {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return &closeError{closeGoingAway, "the connection was idle or open for too long"}
	}
	return err
}

// follows checks that a data frame may come now: after have bytes of a message, if
// one is under way.
func follows(f frame, under bool, have int) error {
	switch {
	case under != (f.op == opContinuation):
		return protocolError("a frame that continues no message, or begins one within another")
	case f.op == opBinary:
		return &closeError{closeUnsupported, "binary messages are not taken"}
	case have+len(f.payload) > maxMessage:
		return &closeError{closeTooBig, "a message has at most 128 KB"}
	}
	return nil
}

// control answers a ping or a close frame.
func (s *socket) control(f frame) error {
	switch f.op {
	case opPing:
		return s.write(wholeFrame(opPong, f.payload))
	case opClose:
		code, err := readClose(f.payload)
		if err == nil {
			err = &closeError{code: code} // the answer has the same code
		}
		return err
	}
	return nil // a pong that nobody asked for
}

// spoken is the answer to a message.
type spoken struct {
	RouteKey string        `json:"routeKey"`
	Message  string        `json:"message"`
	Context  spokenContext `json:"requestContext"`
}

type spokenContext struct {
	EventType    string         `json:"eventType"`
	Stage        string         `json:"stage"`
	ConnectionID string         `json:"connectionId"`
	RequestID    string         `json:"requestId"`
	Authorizer   map[string]any `json:"authorizer"`
}

// refused is the answer to a message without a route, in the form that was told of
// the service.
type refused struct {
	Message      string `json:"message"`
	ConnectionID string `json:"connectionId"`
	RequestID    string `json:"requestId"`
}

// answer puts a message to the core and answers it.
func (s *socket) answer(text []byte) error {
	now, id := s.g.Now(), newIDs()
	m := &exchange{g: s.g, kind: apigw.WebSocket, ids: id, rec: Record{Method: MessageMethod, ID: id.request, Start: now, Path: routeKey(text)}}
	defer s.g.done(m)
	first := s.x.req
	m.req = &apigw.Request{
		RouteKey: m.rec.Path, ConnectionID: first.ConnectionID, Context: s.x.rec.Verdict.Backend, SourceIP: first.SourceIP,
		Host: first.Host, Protocol: first.Protocol, Time: now, ID: id.request, ExtendedID: id.extended, NoTrace: !s.g.Trace,
	}
	v, pending := apigw.Begin(s.g.API, m.req)
	if pending != nil { // no message is authorized; were one, it would not be let through
		m.rec.Status, m.rec.Reason = http.StatusInternalServerError, "a message waits for an authorizer"
		return &closeError{closeFailed, "internal server error"}
	}
	m.rec.Verdict, m.rec.Status, m.rec.Reason = v, v.Status, v.Reason
	var a any = refused{"Forbidden", first.ConnectionID, id.request}
	if v.Allowed {
		said := spoken{RouteKey: v.RouteKey, Message: string(text), Context: spokenContext{
			EventType: "MESSAGE", Stage: s.g.API.Stage, ConnectionID: first.ConnectionID, RequestID: id.request,
		}}
		if v.Backend != nil {
			said.Context.Authorizer = v.Backend.Value
		}
		a = said
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		m.rec.Backend = err
		return &closeError{closeFailed, "internal server error"}
	}
	return s.write(wholeFrame(opText, bytes.TrimSuffix(body.Bytes(), []byte("\n"))))
}

// routeKey is the route that a message asks for: the member action of its JSON, as
// with the route selection expression $request.body.action, else $default. The
// routes of the gateway itself cannot be asked for: a message is no connection.
func routeKey(text []byte) string {
	var body map[string]json.RawMessage // the case of its members counts
	var action string
	if json.Unmarshal(text, &body) != nil || json.Unmarshal(body["action"], &action) != nil {
		return "$default"
	}
	if action == "" || action[0] == '$' || len(action) > maxRouteKey {
		return "$default"
	}
	return action
}

// write sends bytes to a client that reads.
func (s *socket) write(b []byte) error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(maxWrite))
	_, err := s.conn.Write(b)
	return err
}

// close tells the client why the connection ends, where it is to be told.
func (s *socket) close(err error) {
	var e *closeError
	if !errors.As(err, &e) || s.write(wholeFrame(opClose, closePayload(e))) != nil {
		return
	}
	// What was not read yet would make the system drop the answer with the
	// connection: it is read for a moment, and thrown away.
	if half, ok := s.conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = s.conn.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.CopyN(io.Discard, s.conn, 1<<20)
	}
}
