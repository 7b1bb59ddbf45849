package relay

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/netfault"
)

// edit makes the client's answer out of the API's.
func (p *Relay) edit(resp *http.Response) error {
	x, h := exchangeOf(resp.Request), resp.Header
	x.rec.Status = resp.StatusCode
	for name := range h {
		if stays(name) || name == "Set-Cookie" && !p.o.Cookies {
			delete(h, name)
		}
	}
	if given := h.Get("Location"); given != "" {
		if to := p.location(x, resp.Request.URL, given); to != "" {
			h.Set("Location", to)
		}
	}
	for i, c := range h["Set-Cookie"] {
		h["Set-Cookie"][i] = p.cookie(c, x)
	}
	p.share(h, x)
	guard(h)
	x.mask(h)
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	p.unpack(resp)
	resp.Body = newMask(newMask(&answerBody{resp.Body, x, resp}, x.secret), x.key)
	return nil
}

// unpack undoes the compression of an answer. A part of one cannot be unpacked on its
// own, and one without a body says what it would be with one.
func (p *Relay) unpack(resp *http.Response) {
	codings := resp.Header.Values("Content-Encoding")
	if len(codings) == 0 || p.o.Decode == nil || resp.StatusCode == http.StatusPartialContent || bodiless(resp) {
		return
	}
	plain, unknown := p.o.Decode(resp.Body, codings)
	if unknown != "" {
		return
	}
	resp.Body = &unpacked{plain, resp.Body}
	resp.ContentLength = -1
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
}

// bodiless reports whether an answer has no body (RFC 9112 section 6.3). It may have the
// length of one all the same.
func bodiless(resp *http.Response) bool {
	return resp.ContentLength == 0 || resp.Request.Method == http.MethodHead ||
		resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified
}

// unpacked is a body without its compression.
type unpacked struct {
	io.ReadCloser
	packed io.Closer
}

// Close closes what it reads from, too.
func (u *unpacked) Close() error {
	_ = u.ReadCloser.Close()
	return u.packed.Close()
}

// stays reports whether a header of an answer is about the API's own address, or would
// do to loopback addresses, which others use, too, what is meant for it; or would have a
// browser report where it was, which the secret may be in.
func stays(name string) bool {
	switch name {
	case "Strict-Transport-Security", "Alt-Svc", "Public-Key-Pins", "Clear-Site-Data", "Service-Worker-Allowed",
		"Nel", "Report-To", "Reporting-Endpoints", "Content-Security-Policy-Report-Only":
		return true
	}
	return strings.HasPrefix(name, "Access-Control-")
}

// heads writes the heads of answers: informational ones with the links that they hint
// at and nothing else of their headers (RFC 8297), others as the API sent them, where
// net/http would guess a Content-Type that is not there.
type heads struct {
	http.ResponseWriter
	x *exchange
}

// WriteHeader writes the head of an answer, or of an informational one before it.
func (w heads) WriteHeader(status int) {
	h := w.Header()
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		for name := range h {
			if name != "Link" {
				delete(h, name)
			}
		}
		w.x.mask(h)
	} else if _, given := h["Content-Type"]; !given {
		h["Content-Type"] = nil
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w heads) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// guard keeps pages from telling others where they are, which the secret may be in, and
// other pages from making use of an answer that they may not read.
func guard(h http.Header) {
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// cookie is a cookie of the API as one for the relay: of no other host, and for the
// paths that lead to the API.
func (p *Relay) cookie(line string, x *exchange) string {
	parts := strings.Split(line, ";")
	out := parts[:1]
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch strings.ToLower(name) {
		case "domain":
		case "path":
			if rest, ok := below(value, p.base); ok && !strings.HasPrefix(line, "__Host-") {
				part = " Path=" + x.prefix + "/" + strings.TrimPrefix(rest, "/")
			}
			out = append(out, part)
		default:
			out = append(out, part)
		}
	}
	return strings.Join(out, ";")
}

// fail answers a request that the API has not.
func (p *Relay) fail(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r)
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		x.rec.Err = errors.New("the client did not wait for the answer")
		return
	}
	var token *tokenError
	if errors.As(err, &token) {
		p.noToken(w, r, x, token.err)
		return
	}
	if broken := x.upload.err.Load(); broken != nil {
		x.rec.Err = *broken
		p.refuse(w, r, x, badRequest("the body of the request cannot be read: "+(*broken).Error(), ""))
		return
	}
	cause := netfault.Of(err, p.o.API.Host)
	x.rec.Err = fault.New(fault.Network, "%s", cause.Why)
	status := http.StatusBadGateway
	if cause.Kind == netfault.Late {
		status = http.StatusGatewayTimeout
	}
	p.refuse(w, r, x, &refusal{status, "network", errorType(cause.Kind), cause.Why, cause.Do})
}

// noToken answers where there is no token to make the request with. It is no 401: the
// API has not spoken.
func (p *Relay) noToken(w http.ResponseWriter, r *http.Request, x *exchange, err error) {
	f := &fault.Error{Kind: fault.Failed, Msg: err.Error()}
	_ = errors.As(err, &f)
	x.rec.Err = err
	status := http.StatusBadGateway
	if f.Kind == fault.Login {
		status = http.StatusServiceUnavailable
		defer p.ended.Do(func() {
			if p.o.OnEnd != nil {
				p.o.OnEnd(err)
			}
		})
	}
	p.refuse(w, r, x, &refusal{status, f.Kind.String(), "proxy_internal_error", f.Error(), f.Hint})
}

// answer is the body of an answer of the relay's own. docs/json.md promises it: it is
// the form of errors.
type answer struct {
	SchemaVersion int         `json:"schemaVersion"`
	Error         answerError `json:"error"`
}

type answerError struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// refuse answers in the API's place, and says that it does: Proxy-Status is RFC 9209.
func (p *Relay) refuse(w http.ResponseWriter, r *http.Request, x *exchange, why *refusal) {
	body, _ := json.MarshalIndent(answer{1, answerError{why.kind, iostreams.Visible(why.msg), iostreams.Visible(why.hint)}}, "", "  ")
	body = append(body, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Proxy-Status", "gatepass; error="+why.error)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if why.status == http.StatusMethodNotAllowed {
		h.Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
	p.share(h, x)
	guard(h)
	x.rec.Status, x.rec.Refused = why.status, why.msg
	w.WriteHeader(why.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// errorType is the error type of RFC 9209 section 2.3 of a cause.
func errorType(k netfault.Kind) string {
	switch k {
	case netfault.NoHost, netfault.NoName:
		return "dns_error"
	case netfault.Refused:
		return "connection_refused"
	case netfault.NoWay:
		return "destination_ip_unroutable"
	case netfault.Late:
		return "connection_timeout"
	case netfault.Closed:
		return "connection_terminated"
	case netfault.NotTLS, netfault.NoHandshake:
		return "tls_protocol_error"
	case netfault.Untrusted, netfault.OtherName, netfault.WrongTime, netfault.BadCertificate:
		return "tls_certificate_error"
	}
	return "http_protocol_error"
}

// quoted is a word of the client's for a message.
func quoted(s string) string {
	const most = 100
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strconv.Quote(strings.ToValidUTF8(s, "?"))
}
