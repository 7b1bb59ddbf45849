package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
)

// requestBody is the body of a request, which remembers what was wrong with it: a
// caller that breaks the rules of HTTP is not to be taken for an upstream that does.
type requestBody struct {
	io.ReadCloser
	broken  atomic.Pointer[error] // it is read on another goroutine than the answer
	waiting *unread               // nil: whoever reads it may take its time
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.waiting.stop()
	n, err := b.ReadCloser.Read(p)
	switch err {
	case nil:
		b.waiting.start()
	case io.EOF:
		b.waiting.last()
	default:
		b.broken.Store(&err)
	}
	return n, err
}

// unread ends the wait for an upstream that does not read on: the time that it has for
// its answer would begin only with the end of the body.
type unread struct {
	timer *time.Timer
	limit time.Duration
	over  atomic.Bool
}

// errUnread is why a request was given up.
var errUnread = fault.New(fault.Network, "the upstream does not read the body of the request")

func newUnread(limit time.Duration, giveUp context.CancelCauseFunc) *unread {
	u := &unread{limit: limit}
	u.timer = time.AfterFunc(limit, func() {
		if u.over.CompareAndSwap(false, true) {
			giveUp(errUnread)
		}
	})
	return u
}

// start is for a part of the body that the upstream has to take.
func (u *unread) start() { u.wait(1) }

// last is for the last part. The time for the answer begins when that is taken, and ends
// by itself.
func (u *unread) last() { u.wait(2) }

func (u *unread) wait(times time.Duration) {
	if u != nil && !u.over.Load() {
		u.timer.Reset(times * u.limit)
	}
}

func (u *unread) stop() {
	if u != nil {
		u.timer.Stop()
	}
}

// end is for an upstream that has answered, or failed. It is true the first time: not
// when the request was given up before.
func (u *unread) end() bool {
	if u == nil {
		return true
	}
	u.timer.Stop()
	return u.over.CompareAndSwap(false, true)
}

// takeBody prepares the body for whoever reads it. It is false when the request is
// answered: its body is too large.
func (x *exchange) takeBody(r *http.Request) bool {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return true
	}
	if r.ContentLength > MaxBody {
		x.fail(r, apigw.RequestTooLarge)
		return false
	}
	x.body.ReadCloser = r.Body
	if r.ContentLength < 0 {
		x.body.ReadCloser = http.MaxBytesReader(x.w, r.Body, MaxBody)
	}
	r.Body = &x.body
	return true
}

// brokenBody answers a request whose body cannot be read, if that is so. What API
// Gateway answers then was not found (inferred).
func (x *exchange) brokenBody(r *http.Request) bool {
	err := x.body.broken.Load()
	var large *http.MaxBytesError
	switch {
	case err == nil, errors.As(*err, &large):
		return false
	case x.gone(r):
		return true
	}
	x.badRequest(r, "the body of the request is broken: "+(*err).Error()+" (inferred: what API Gateway answers is not documented)")
	return true
}

// bodyFailed answers a request whose body could not be read to its end.
func (x *exchange) bodyFailed(r *http.Request, err error) {
	if !x.brokenBody(r) {
		x.rec.Backend = err
		x.fail(r, failureOf(err))
	}
}

// badRequest answers a request that is none. The connection ends with it: nobody
// knows where the next request would begin.
func (x *exchange) badRequest(r *http.Request, reason string) {
	h := x.w.Header()
	if r.ProtoMajor == 1 {
		h["Connection"] = []string{"close"}
	}
	h["Content-Type"] = []string{"application/json"}
	if x.kind == apigw.REST {
		h["x-amzn-ErrorType"] = []string{"BadRequestException"}
	}
	x.identify(h)
	x.rec.Status, x.rec.Reason = http.StatusBadRequest, reason
	x.write(r.Method, http.StatusBadRequest, `{"message":"Bad Request"}`)
}

// gone notes that the caller does not wait for an answer any more, if that is so.
func (x *exchange) gone(r *http.Request) bool {
	if r.Context().Err() == nil {
		return false
	}
	x.rec.Status, x.rec.Reason = statusGone, "the caller has gone away"
	return true
}
