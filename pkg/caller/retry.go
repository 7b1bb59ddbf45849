package caller

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/netfault"
)

// The waits between retries: as curl has them.
const (
	firstWait   = time.Second
	longestWait = 10 * time.Minute
)

// Retry is about to happen.
type Retry struct {
	Number, Of int           // the first is 1
	Why        string        // why it is needed, without secrets
	Wait       time.Duration // how long is waited first
}

// insist makes the request, and makes it again where that is wanted and may help.
func (x *exchange) insist() (*Response, error) {
	for n := 1; ; n++ {
		resp, err := x.follow()
		again, ok := x.again(n, resp, err)
		if !ok {
			return resp, err
		}
		if resp != nil {
			x.skip(resp.Response)
		}
		if x.o.Retrying != nil {
			x.o.Retrying(again)
		}
		if err := x.pause(again.Wait); err != nil {
			return nil, err
		}
	}
}

// again says whether a request is made again, and what is waited for first. One
// that ends after the time limit is not begun.
func (x *exchange) again(n int, resp *Response, err error) (Retry, bool) {
	if n > x.o.Retries || x.r.Body.Once || x.ctx.Err() != nil {
		return Retry{}, false
	}
	r := Retry{Number: n, Of: x.o.Retries, Wait: wait(x.o.Backoff, n)}
	switch {
	case err != nil && !x.passing(err):
		return Retry{}, false
	case err != nil:
		r.Why = err.Error()
	case !slices.Contains(transient(), resp.StatusCode):
		return Retry{}, false
	default:
		r.Why = strings.TrimSpace("the API answered " + strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode))
		if asked, ok := retryAfter(resp.Header.Get("Retry-After"), time.Now()); ok {
			r.Wait = asked
		}
	}
	if end, limited := x.ctx.Deadline(); limited && time.Now().Add(r.Wait).After(end) {
		return Retry{}, false
	}
	return r, r.Wait <= longestWait
}

// transient are the statuses that may be others a moment later: those of curl's
// --retry.
func transient() []int { return []int{408, 429, 500, 502, 503, 504} }

// passing reports whether a failure may pass by itself. Once something of a
// request may have arrived, it is repeated only where that does no harm (RFC 9110
// section 9.2.2).
func (x *exchange) passing(err error) bool {
	var f *failure
	if !errors.As(err, &f) {
		return false
	}
	switch f.kind {
	case netfault.NoHost, netfault.NoName, netfault.Refused, netfault.NoWay:
		return true
	case netfault.Late, netfault.Closed:
		idempotent := []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete}
		return !x.wrote.Load() || slices.Contains(idempotent, x.r.Method)
	}
	return false
}

// wait is how long is waited before a retry.
func wait(first time.Duration, n int) time.Duration {
	d := first
	for range n - 1 {
		if d *= 2; d >= longestWait {
			return longestWait
		}
	}
	return min(d, longestWait)
}

// retryAfter reads a Retry-After (RFC 9110 section 10.2.3): seconds, or a date.
func retryAfter(v string, now time.Time) (time.Duration, bool) {
	if sec, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(sec) * time.Second, true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	return max(at.Sub(now), 0), true
}

// pause waits; that nothing moves meanwhile is nobody's fault.
func (x *exchange) pause(d time.Duration) error {
	x.idle.Stop()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-x.ctx.Done():
		return x.ended("no answer")
	}
	x.touch()
	x.idle.Reset(x.o.Idle)
	return nil
}
