package relay

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
)

// keyHeader is where API Gateway looks for an API key, as net/http writes it.
const keyHeader = "X-Api-Key"

// tokenError is that there is no token to send.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return e.err.Error() }

func (e *tokenError) Unwrap() error { return e.err }

// authorized sends requests with the token.
type authorized struct{ p *Relay }

// RoundTrip sends a request with the token. Where the API takes it for no good one, and
// there is another, a request that can be made again is made once more with that.
func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := a.p.tokens.fresh(r.Context())
	if err == nil && !isFieldValue(token.Reveal()) {
		err = fault.New(fault.Failed, "the token has characters in it that cannot be sent in a header")
	}
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		if ctx := r.Context().Err(); ctx != nil {
			return nil, ctx
		}
		return nil, &tokenError{err}
	}
	resp, err := a.send(r, token)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !repeatable(r) {
		return resp, err
	}
	other, err := a.p.tokens.another(r.Context(), token)
	if err != nil || other.Reveal() == token.Reveal() || !isFieldValue(other.Reveal()) {
		return resp, nil //nolint:nilerr // the API's refusal says what there is to say
	}
	_, _ = io.CopyN(io.Discard, resp.Body, bufferSize) // so that the connection can be used again
	_ = resp.Body.Close()
	exchangeOf(r).rec.Renewed = true
	return a.send(r, other)
}

func (a *authorized) send(r *http.Request, token secret.String) (*http.Response, error) {
	out := r.Clone(r.Context())
	value := token.Reveal()
	x := exchangeOf(r)
	x.secret = telling(value)
	if key := a.p.o.Key; !key.IsZero() && out.Header[keyHeader] == nil && !strings.EqualFold(a.p.o.Header, keyHeader) {
		x.key = telling(key.Reveal())
		out.Header[keyHeader] = []string{key.Reveal()}
	}
	if a.p.o.Scheme != "" {
		value = a.p.o.Scheme + " " + value
	}
	out.Header[a.p.o.Header] = []string{value}
	return a.p.network.RoundTrip(out)
}

// repeatable reports whether a request may be made twice: it has no body, and a method
// by which twice is as once (RFC 9110 section 9.2.2).
func repeatable(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return (r.Body == nil || r.Body == http.NoBody) && !isWebSocket(r)
	}
	return false
}

// isFieldValue is field-value of RFC 9110 section 5.5, with its obs-text.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return s != ""
}

// upload is the body of a request, which remembers what was wrong with it: a client that
// breaks the rules of HTTP is not to be taken for an API that does.
type upload struct {
	io.ReadCloser
	err atomic.Pointer[error] // it is read on another goroutine than the answer
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		u.err.Store(&err)
	}
	return n, err
}

// answerBody is the body of an answer. A failure half way through goes into the record;
// the proxy, told that the request has ended, cuts the connection so that the client
// notices, and writes no log of its own.
type answerBody struct {
	io.ReadCloser
	x    *exchange
	resp *http.Response
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF:
		b.x.mask(b.resp.Trailer) // they are there now
	case err != nil:
		b.x.rec.Err = err
		err = context.Canceled
	}
	return n, err
}
