package idp

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// object is a JSON object whose members keep their order: OneLogin's tokens and
// documents have theirs.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := encode(m.name)
		if err != nil {
			return nil, err
		}
		value, err := encode(m.value)
		if err != nil {
			return nil, fmt.Errorf("member %q: %w", m.name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is json.Marshal that leaves <, > and & alone, as OneLogin does.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// text adds a member unless its value is empty.
func (o *object) text(name, value string) {
	if value != "" {
		o.add(name, value)
	}
}

func (o *object) add(name string, value any) { *o = append(*o, member{name, value}) }

// has reports whether there is such a member.
func (o object) has(name string) bool {
	return slices.ContainsFunc(o, func(m member) bool { return m.name == name })
}

// protocolError is an error of OAuth 2.0 (RFC 6749 section 5.2) with the status
// it is answered with when it is not sent on to a redirect URI.
type protocolError struct {
	status            int
	code, description string
}

func (e *protocolError) Error() string { return e.code + ": " + e.description }

func badRequest(format string, args ...any) *protocolError {
	return &protocolError{http.StatusBadRequest, "invalid_request", fmt.Sprintf(format, args...)}
}

// missing names parameters that are not there, in OneLogin's words.
func missing(names ...string) *protocolError {
	return badRequest("missing required parameter(s). (%s)", strings.Join(names, ","))
}

// clientFailed says nothing of why, as OneLogin does.
func clientFailed() *protocolError {
	return &protocolError{http.StatusUnauthorized, "invalid_client", "client authentication failed"}
}

// badGrant is for codes, verifiers and refresh tokens. The text is inferred.
func badGrant() *protocolError {
	return &protocolError{http.StatusBadRequest, "invalid_grant", "grant request is invalid"}
}

func invalidToken() *protocolError {
	return &protocolError{http.StatusUnauthorized, "invalid_token", "invalid token provided"}
}

// body is the error as the members of an answer.
func (e *protocolError) body() object {
	o := object{{"error", e.code}}
	o.text("error_description", e.description)
	return o
}

// writeError answers with an error.
func writeError(w http.ResponseWriter, e *protocolError) { writeJSON(w, e.status, e.body()) }

// writeJSON answers with an object.
func writeJSON(w http.ResponseWriter, status int, o object) {
	data, err := encode(o)
	if err != nil { // only what this package puts into objects can be in them
		http.Error(w, "oops something went wrong", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache, no-store")
		h.Set("Pragma", "no-cache")
	}
	w.WriteHeader(status)
	_, _ = w.Write(data) //nolint:gosec // JSON, sent as such and with nosniff
}

// readForm reads the parameters of a POST request. Each may be given once only
// (RFC 6749 section 3.1 and 3.2); an empty one counts as left out.
func readForm(r *http.Request) (url.Values, *protocolError) {
	if media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded") {
		return nil, badRequest("only application/x-www-form-urlencoded content-type bodies are supported on POST %s", r.URL.Path)
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, badRequest("request body is too large or was cut off")
	}
	return parseForm(string(data))
}

func parseForm(query string) (url.Values, *protocolError) {
	form, err := url.ParseQuery(query)
	if err != nil {
		return nil, badRequest("parameters are not properly encoded")
	}
	var twice []string
	for name, values := range form {
		if len(values) > 1 {
			twice = append(twice, name)
		}
		if values[0] == "" {
			delete(form, name)
		}
	}
	if len(twice) > 0 {
		slices.Sort(twice)
		return form, badRequest("parameters must not be provided twice. (%s)", strings.Join(twice, ","))
	}
	return form, nil
}

// words are the parts of a space-separated parameter, each once.
func words(s string) []string {
	var out []string
	for _, w := range strings.Fields(s) {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// id is a new random identifier of n bytes in base64url.
func (s *Server) id(n int) string {
	return base64.RawURLEncoding.EncodeToString(s.bytes(n))
}

// uuid is a new random UUID (RFC 9562 section 5.4), the form of OneLogin's sid.
func (s *Server) uuid() string {
	b := s.bytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// bytes are n random bytes. A source of the caller's that runs dry is replaced
// by the system's, which cannot fail.
func (s *Server) bytes(n int) []byte {
	b := make([]byte, n)
	s.random.Lock()
	defer s.random.Unlock()
	if _, err := io.ReadFull(s.random.Reader, b); err != nil {
		_, _ = rand.Read(b)
	}
	return b
}
