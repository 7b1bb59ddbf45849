package lambdarun

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gatepass/pkg/apigw"
)

// bootstrap is an executable that asks for its invocations itself, by Lambda's
// Runtime API (AWS: "Using the Lambda runtime API for custom runtimes", version
// 2018-06-01). Each process has an API of its own, on a port of the loopback
// interface.
type bootstrap struct {
	*process
	log    *logger
	server *http.Server
	served chan struct{}

	ready   chan struct{} // closed when it first asks for an invocation
	once    sync.Once
	calls   chan *call
	answers chan reply
	current atomic.Pointer[call] // what it was given and has not answered
	taken   atomic.Bool          // it has been sent to it
}

// reply is what an executable says.
type reply struct {
	id  string // empty: it cannot start
	out apigw.Output
}

func (f *Function) startBootstrap() (worker, error) {
	ln, err := (&net.ListenConfig{}).Listen(f.ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no port for its Runtime API: %w", err)
	}
	b := &bootstrap{
		log: &logger{to: f.o.Log}, served: make(chan struct{}), ready: make(chan struct{}), calls: make(chan *call), answers: make(chan reply, 4),
	}
	sink := &splitter{line: b.log.line}
	if b.process, err = startProcess(f.argv, f.environment(ln.Addr().String()), f.handler.root, sink); err != nil {
		_ = ln.Close() // nobody knows of it
		return nil, err
	}
	b.server = &http.Server{Handler: b.api(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(b.served)
		_ = b.server.Serve(ownUser{ln}) // ends with Close
	}()
	return b, nil
}

// api is the Runtime API.
func (b *bootstrap) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", b.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", b.respond)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", b.fail)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", b.failInit)
	return mux
}

// next hands out an invocation, when there is one.
func (b *bootstrap) next(w http.ResponseWriter, r *http.Request) {
	b.once.Do(func() { close(b.ready) })
	select {
	case <-r.Context().Done():
	case <-b.exited:
	case c := <-b.calls:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", c.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(c.limit).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", c.arn)
		h.Set("Lambda-Runtime-Trace-Id", c.trace)
		if _, err := w.Write(c.event); err == nil && r.Context().Err() == nil {
			b.taken.Store(true)
		}
	}
}

func (b *bootstrap) respond(w http.ResponseWriter, r *http.Request) {
	b.answer(w, r, func(body []byte) apigw.Output { return apigw.ResultOutput(body) })
}

func (b *bootstrap) fail(w http.ResponseWriter, r *http.Request) { b.answer(w, r, failed) }

// answer takes the answer to the invocation that is running.
func (b *bootstrap) answer(w http.ResponseWriter, r *http.Request, output func([]byte) apigw.Output) {
	c := b.current.Load()
	if c == nil || c.id != r.PathValue("id") {
		status(w, http.StatusBadRequest, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`)
		return
	}
	body, err := readBody(w, r)
	code, text := http.StatusAccepted, `{"status":"OK"}`
	out := apigw.Output{}
	switch tooMuch := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooMuch):
		out = tooLarge()
		code, text = http.StatusRequestEntityTooLarge, `{"errorMessage":"`+out.Message+`","errorType":"RequestEntityTooLarge"}`
	case err != nil: // it went away; how it ended is seen by whoever waits
		return
	case r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "": // while it was streaming its answer
		text, _ := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body")) // or it has no message
		out = failed(text)
	default:
		out = output(body)
	}
	if b.current.CompareAndSwap(c, nil) {
		b.answers <- reply{c.id, out} // one for each invocation: there is room
	}
	status(w, code, text)
}

func (b *bootstrap) failInit(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	if err != nil {
		return
	}
	select {
	case b.answers <- reply{"", failed(body)}:
	default: // said already
	}
	status(w, http.StatusAccepted, `{"status":"OK"}`)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
}

func status(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body) // to a process that may be gone
}

// start waits until the executable asks for its first invocation.
func (b *bootstrap) start(ctx context.Context) (apigw.Output, bool) {
	l := b.limit(ctx, initLimit)
	defer l.stop()
	select {
	case <-b.ready:
		return apigw.Output{}, true
	case a := <-b.answers:
		return a.out, false
	case <-b.exited:
	}
	select {
	case a := <-b.answers:
		return a.out, false
	default:
	}
	if l.over() {
		return l.output(initLimit), false
	}
	return apigw.ErrorOutput("Error: " + b.exit() + ", before it asked for an event"), false
}

func (b *bootstrap) invoke(ctx context.Context, c *call) (apigw.Output, fate) {
	b.log.reset()
	b.taken.Store(false)
	b.current.Store(c)
	defer b.current.CompareAndSwap(c, nil)
	l := b.limit(ctx, c.limit)
	defer l.stop()
	select {
	case b.calls <- c:
	case <-b.exited:
		return b.ended(l, c)
	}
	for {
		select {
		case a := <-b.answers:
			if a.id == c.id {
				return a.out, keep
			}
		case <-b.exited:
			return b.ended(l, c)
		}
	}
}

// ended says what became of an invocation whose process has ended.
func (b *bootstrap) ended(l *timeLimit, c *call) (apigw.Output, fate) {
	for {
		select {
		case a := <-b.answers:
			if a.id == c.id {
				return a.out, discard
			}
			continue
		default:
		}
		break
	}
	switch {
	case l.over():
		return l.output(c.limit), discard
	case !b.taken.Load():
		return apigw.Output{}, untaken
	}
	return apigw.ErrorOutput("RequestId: " + c.id + " Error: " + b.exit()), discard
}

// end ends the process, and the API with it.
func (b *bootstrap) end() {
	b.process.end()
	_ = b.server.Close() // nobody is there any more
	<-b.served
}
