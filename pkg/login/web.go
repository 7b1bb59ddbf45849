package login

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/netfault"
)

const (
	// maxAnswer caps what is read of an issuer's answer, in bytes. OneLogin's
	// discovery document has 2 kB; a key set of a few hundred keys fits.
	maxAnswer = 1 << 20
	// requestLimit is how long one request may take, with its answer.
	requestLimit = 15 * time.Second
	maxRedirects = 3
)

// web is the HTTP client for an issuer that may be anybody: answers are read
// whole, up to a size and a time, and credentials never follow a redirect.
type web struct {
	client *http.Client
	base   http.RoundTripper
	now    func() time.Time
	skew   atomic.Int64 // nanoseconds the issuer's clock is ahead of ours, by its last Date header
}

func newWeb(c *http.Client, now func() time.Time) *web {
	if c == nil {
		c = http.DefaultClient
	}
	w := &web{base: c.Transport, now: now}
	if w.base == nil {
		w.base = http.DefaultTransport
	}
	own := &http.Client{Transport: w, Timeout: requestLimit, CheckRedirect: checkRedirect}
	if c.Timeout > 0 {
		own.Timeout = min(c.Timeout, requestLimit)
	}
	w.client = own
	return w
}

// redirectError is a redirect that was not followed.
type redirectError struct{ why string }

func (e *redirectError) Error() string { return e.why }

// checkRedirect follows redirects of discovery documents and key sets, but not
// to an unsafe place, and none of requests with a secret in them (RFC 9700
// section 4.12).
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case first.Method != http.MethodGet || first.Header.Get("Authorization") != "":
		return &redirectError{"it redirects, and secrets do not follow"}
	case len(via) > maxRedirects:
		return &redirectError{fmt.Sprintf("it redirects more than %d times", maxRedirects)}
	}
	if first.URL.Scheme == "https" && req.URL.Scheme != "https" || checkURL("", req.URL.String()) != nil {
		return &redirectError{"it redirects to " + clip(req.URL.Redacted()) + ", which is not safe"}
	}
	return nil
}

// statusError is an answer to a GET that is neither there nor a redirect.
type statusError struct {
	code  int
	after string // Retry-After, as it came
}

func (e *statusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", e.code, http.StatusText(e.code)))
}

var errTooLong = fmt.Errorf("its answer is longer than %d bytes", maxAnswer)

// RoundTrip reads the answer whole, so that every failure is an error of the
// request and not of somebody who reads it later and words it differently.
func (w *web) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if req.Method == http.MethodGet && resp.StatusCode >= 400 {
		return nil, &statusError{resp.StatusCode, resp.Header.Get("Retry-After")}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxAnswer:
		return nil, errTooLong
	}
	if req.Method == http.MethodPost {
		body = wholeSeconds(body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	w.measure(resp)
	return resp, nil
}

// wholeSeconds makes a whole number of an expires_in such as 3600.0, which some
// issuers write (RFC 6749 appendix A.14 has digits alone) and the OAuth 2.0 library
// does not read. All else stays as it is.
func wholeSeconds(body []byte) []byte {
	var answer map[string]json.RawMessage
	if json.Unmarshal(body, &answer) != nil {
		return body
	}
	text := strings.Trim(string(answer["expires_in"]), `"`)
	if !strings.ContainsAny(text, ".eE") {
		return body
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return body
	}
	answer["expires_in"] = strconv.AppendInt(nil, int64(max(-1, min(seconds, math.MaxInt32))), 10)
	whole, err := json.Marshal(answer)
	if err != nil {
		return body
	}
	return whole
}

// measure compares clocks by the answer's Date header.
func (w *web) measure(resp *http.Response) {
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil && w.now != nil {
		w.skew.Store(int64(at.Sub(w.now())))
	}
}

// isNetwork reports whether an error is of the connection and not of what was
// said over it.
func isNetwork(err error) bool {
	var u *url.Error
	var n net.Error
	return errors.As(err, &u) || errors.As(err, &n) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// networkFault tells apart why an issuer cannot be reached.
func networkFault(ctx context.Context, address string, err error) error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	var status *statusError
	switch {
	case errors.As(err, &status) && status.code == http.StatusTooManyRequests:
		return status.busy(address)
	case errors.As(err, &status):
		return fault.New(fault.Network, "%s answers %s", clip(address), status).WithHint("try again later")
	}
	why, hint := reason(hostOf(address), err)
	return &fault.Error{Kind: fault.Network, Msg: why, Hint: hint, Err: err}
}

// reason words the cause, and what may help.
func reason(host string, err error) (why, hint string) {
	var redirect *redirectError
	switch {
	case errors.As(err, &redirect):
		return "nothing can be had from " + host + ": " + redirect.why, "is the issuer right? A login portal of the network may be in the way"
	case errors.Is(err, errTooLong):
		return "nothing can be had from " + host + ": " + errTooLong.Error(), "is the issuer right?"
	}
	c := netfault.Of(err, host)
	return c.Why, c.Do
}

// clip cuts text from outside to a length that fits an error message.
func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
