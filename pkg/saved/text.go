package saved

import (
	"bytes"
	"strconv"
	"strings"
)

// textReader reads what tools print. A line with a mark of curl -v belongs to the
// request (>) or to the response (<); without marks, a status line begins a
// response and an empty line its body.
type textReader struct {
	data []byte
	all  []Exchange

	next    request // what is known of the request of the next response
	current *Exchange
	fields  int    // of the header being read
	last    string // its last field, for lines that go on
	state   state
	indent  string // before each line of a header, as wget prints it
	marked  bool   // the response has the marks of curl -v
	body    int    // where the body begins; of a response with marks it is collected
	end     int    // where it ends, if the response says its length
}

// request is a request on its way to its response.
type request struct {
	known       bool
	method, url string
	header      map[string][]string
	fields      int
	last        string
}

// state is what the next line is taken for.
type state uint8

const (
	between   state = iota // nothing: it may begin something
	inRequest              // a field of a request without marks
	inHead                 // a field of a response
	inBody                 // a part of a body
	inCopy                 // the header once more, as curl -iv prints it
)

func (r *textReader) read() {
	for at, n := 0, 1; at < len(r.data) && len(r.all) <= MaxExchanges; n++ {
		end, next := len(r.data), len(r.data)
		if i := bytes.IndexByte(r.data[at:], '\n'); i >= 0 {
			end, next = at+i, at+i+1
		}
		// What curl prints ends with \r\n, and has one \r more where Windows saves it.
		r.line(strings.TrimRight(string(r.data[at:min(end, at+MaxField)]), "\r"), at, next, n)
		at = next
	}
	r.finish(len(r.data))
}

// line takes a line. It stands from at to next, the newline included.
func (r *textReader) line(text string, at, next, n int) {
	if r.mark(text, n) || r.begins(text, at, next, n) {
		return
	}
	switch r.state {
	case inRequest:
		r.requestField(text)
	case inHead:
		if !r.marked { // all of a header has marks, or nothing
			r.headField(text, next)
		}
	case inCopy:
		if text == "" {
			r.state = inBody
		}
	case inBody:
		if r.marked {
			r.collect(text, at, next)
		}
	}
}

// mark takes a line with a mark of curl -v.
func (r *textReader) mark(text string, n int) bool {
	switch {
	case strings.HasPrefix(text, "> ") || text == ">":
		return r.sent(strings.TrimPrefix(text[1:], " "))
	case strings.HasPrefix(text, "< ") || text == "<":
		return r.received(strings.TrimPrefix(text[1:], " "), n)
	case strings.HasPrefix(text, "* "):
		return r.marked || r.state == between
	case r.marked && (strings.HasPrefix(text, "{ [") || strings.HasPrefix(text, "} [")) && strings.HasSuffix(text, "]"):
	case progress(text):
	default:
		return false
	}
	return true
}

// progress reports whether a line is of curl's progress meter.
func progress(text string) bool {
	return strings.HasPrefix(text, "  % Total ") || strings.HasPrefix(strings.TrimLeft(text, " "), "Dload  Upload") ||
		strings.Contains(text, "--:--:--") && strings.Trim(text, " 0123456789:-.kMG\r") == ""
}

// sent takes a line of a request with a mark; false for a line of a body that only
// looks like one.
func (r *textReader) sent(text string) bool {
	if method, target, ok := requestLine(text); ok {
		r.finish(-1)
		r.newRequest(method, target)
		return true
	}
	if r.current != nil {
		return r.state != inBody
	}
	if r.next.known {
		r.next.field(text)
	}
	return true
}

func (r *textReader) newRequest(method, target string) {
	r.next = request{known: true, method: method, url: target, header: map[string][]string{}}
}

// field takes a line of the request's header.
func (q *request) field(text string) {
	if q.last != "" && folded(text) {
		fold(q.header, &q.fields, q.last, text)
		return
	}
	if name, value, ok := fieldLine(text); ok {
		add(q.header, &q.fields, name, value)
		q.last = name
	}
}

// received takes a line of a response with a mark; false for a line of a body that
// only looks like one.
func (r *textReader) received(text string, n int) bool {
	if protocol, status, reason, ok := statusLine(text); ok {
		r.finish(-1)
		r.newResponse(protocol, status, reason, n)
		r.marked = true
		return true
	}
	if !r.marked || r.state != inHead {
		return false
	}
	r.headField(text, -1)
	return true
}

// begins notices a line without a mark that begins a request or a response.
func (r *textReader) begins(text string, at, next, n int) bool {
	line := strings.TrimLeft(text, " ")
	indent := text[:len(text)-len(line)]
	protocol, status, reason, isStatus := statusLine(line)
	method, target, isRequest := requestLine(text)
	switch {
	case !isStatus && !isRequest, len(indent) > 4, isRequest && r.marked, r.within(at):
		return false
	case isStatus && r.marked && r.state == inBody && status == r.current.Status && len(r.current.Body) == 0:
		r.state = inCopy
		return true
	case r.state == inBody && !r.followed(next):
		return false
	}
	r.finish(at)
	if isRequest {
		r.newRequest(method, target)
		r.state = inRequest
		return true
	}
	r.newResponse(protocol, status, reason, n)
	r.indent = indent
	return true
}

// within reports whether a position is inside of a body of known length.
func (r *textReader) within(at int) bool { return r.state == inBody && !r.marked && at < r.end }

// length is the length that a response says its body has.
func (x *Exchange) length() (int, bool) {
	for name, values := range x.Header {
		if strings.EqualFold(name, "content-length") && len(values) > 0 {
			n, err := strconv.Atoi(values[0])
			return n, err == nil && n >= 0
		}
	}
	return 0, false
}

// followed reports whether what follows is a field or the end of a header: a line
// of a body that reads like a status line mostly is not.
func (r *textReader) followed(next int) bool {
	line, _, _ := bytes.Cut(r.data[next:min(len(r.data), next+1024)], []byte("\n"))
	text := strings.TrimSpace(string(line))
	_, _, field := fieldLine(text)
	return text == "" || field
}

func (r *textReader) newResponse(protocol string, status int, reason string, n int) {
	r.current = &Exchange{Line: n, Status: status, Protocol: protocol, Header: map[string][]string{}}
	if strings.EqualFold(reason, "connection established") && status == 200 {
		r.current.Status = 100 // a proxy's answer to CONNECT: it only leads to the next
	}
	r.state, r.fields, r.last, r.indent, r.marked = inHead, 0, "", "", false
}

func (r *textReader) requestField(text string) {
	if text == "" {
		r.state = between
		return
	}
	r.next.field(text)
}

// headField takes a line of a response's header; the body begins at next.
func (r *textReader) headField(text string, next int) {
	line, inside := strings.CutPrefix(text, r.indent)
	if !inside { // wget's header ends where its indent does
		r.finish(next)
		return
	}
	switch name, value, ok := fieldLine(line); {
	case line == "":
		r.state, r.body, r.end = inBody, next, 0
		if size, known := r.current.length(); known {
			r.end = next + min(size, len(r.data))
		}
	case r.last != "" && folded(line):
		fold(r.current.Header, &r.fields, r.last, line)
	case ok:
		add(r.current.Header, &r.fields, name, value)
		r.last = name
	}
}

// folded reports whether a line goes on with the field before it (RFC 9112 section
// 5.2).
func folded(line string) bool { return line != "" && (line[0] == ' ' || line[0] == '\t') }

// fold adds a line to a field. It counts as a field: each costs as much as the
// value is long.
func fold(h map[string][]string, fields *int, name, line string) {
	values := h[name]
	if *fields >= MaxFields || len(values) == 0 {
		return
	}
	*fields++
	if v := values[len(values)-1] + " " + strings.TrimSpace(line); len(v) <= MaxField {
		values[len(values)-1] = v
	}
}

// collect takes a line of a body among lines with marks.
func (r *textReader) collect(text string, at, next int) {
	for _, end := range []string{"* Connection #", "* Closing connection"} {
		if i := strings.LastIndex(text, end); i >= 0 { // curl writes it behind a body without a newline
			next = at + i
		}
	}
	if room := MaxBody - len(r.current.Body); room > 0 {
		r.current.Body = append(r.current.Body, r.data[at:min(next, at+room)]...)
	}
}

// finish ends the response that is being read, at the end of its body.
func (r *textReader) finish(end int) {
	x := r.current
	r.current, r.state = nil, between
	if x == nil {
		return
	}
	if !r.marked && r.body > 0 && end > r.body {
		if r.end > 0 {
			end = min(end, r.end)
		}
		x.Body = r.data[r.body:min(end, r.body+MaxBody)]
	}
	if size, known := x.length(); r.marked && known && size < len(x.Body) {
		x.Body = x.Body[:size] // something else was printed behind it
	}
	r.body, r.end, r.marked = 0, 0, false
	if x.Status < 200 && x.Status != 101 {
		return // the request is still waiting for its answer
	}
	if q := r.next; q.known {
		x.Method, x.RequestHeader, x.URL = q.method, q.header, absolute(q.url, q.header)
	}
	r.next = request{}
	if len(r.all) < MaxExchanges {
		r.all = append(r.all, *x)
	}
}

// absolute is a target with the host of the request. Its scheme is not known:
// APIs are called by https, but for this machine.
func absolute(target string, header map[string][]string) string {
	if !strings.HasPrefix(target, "/") {
		return target
	}
	for name, values := range header {
		if strings.EqualFold(name, "host") && len(values) > 0 && values[0] != "" {
			scheme := "https://"
			if host, _, _ := strings.Cut(values[0], ":"); host == "localhost" || host == "127.0.0.1" || strings.HasPrefix(values[0], "[::1]") {
				scheme = "http://"
			}
			return scheme + values[0] + target
		}
	}
	return target
}
