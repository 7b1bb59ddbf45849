// Package saved reads responses that somebody saved: what curl -i, curl -v, wget
// -S and HTTPie print, HAR files of browsers, headers copied out of their network
// tab, what "gatepass call" prints with -i, -v and --json, and AWS's test of a
// method; in UTF-8 or UTF-16, in colour, indented or packed with gzip.
//
// What is read is hostile: it may be cut, mixed up, binary or made to be slow.
// Reading never fails for a mistake that leaves a response to be explained, takes
// time and memory linear in the input, of which the caller passes at most [MaxSize]
// bytes, and takes at most [MaxExchanges] responses, [MaxFields] header fields and
// [MaxBody] bytes of each body. Nothing is sent, and no file is opened here.
//
// Requests may be among it, with their tokens: those are the caller's to hide.
package saved

import (
	"bytes"
	"compress/gzip"
	"io"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/source"
)

// The limits of what is read.
const (
	MaxExchanges = 10_000
	MaxFields    = 500      // of one header
	MaxField     = 64 << 10 // bytes of a field's value
	MaxBody      = 1 << 20  // bytes of a body, also of one that is unpacked
)

// Exchange is a response with what is known of its request.
type Exchange struct {
	// Line is where the response begins in what was read, from 1. Entry counts the
	// responses from 1.
	Line, Entry int

	// Method is empty when nothing of the request is known. URL is absolute where
	// the host is known, else it is a path, or empty.
	Method, URL string
	// RequestHeader is nil when the header of the request is not known. It holds the
	// token if one was saved.
	RequestHeader map[string][]string
	// Withheld says that whoever saved the request may have left out its secrets, as
	// browsers do.
	Withheld bool
	// Time is when the request was made; zero is not known.
	Time time.Time

	// Status is 0 when there was no answer; Failure says why, if that is known.
	Status   int
	Failure  string
	Protocol string
	Header   map[string][]string
	Body     []byte
}

// Read reads all responses that are in a saved text, in their order. Those that
// only lead to the next one are left out: 1xx, and the answer of a proxy to
// CONNECT. The name is for errors, which are *source.Error: a text without any
// response, and JSON that breaks off.
func Read(name string, data []byte) ([]Exchange, error) {
	data = plain(data)
	if t := bytes.TrimLeft(data, " \t\r\n"); len(t) > 0 && (t[0] == '{' || t[0] == '[') {
		if len(data) > source.MaxJSON {
			return readLarge(name, data)
		}
		n, err := source.JSON(name, data)
		if err != nil {
			return nil, err
		}
		return readJSON(n)
	}
	r := &textReader{data: undented(uncoloured(data))}
	r.read()
	if len(r.all) > 0 {
		return number(r.all), nil
	}
	if x, ok := readPane(r.data); ok {
		return number([]Exchange{x}), nil
	}
	return nil, nothing(name, data)
}

// Body is a response of which only the status and the body are known.
func Body(status int, data []byte) Exchange {
	data = plain(data)
	return Exchange{Line: 1, Entry: 1, Status: status, Header: map[string][]string{}, Body: data[:min(len(data), MaxBody)]}
}

func number(all []Exchange) []Exchange {
	for i := range all {
		all[i].Entry = i + 1
		all[i].unpack()
	}
	return all
}

// nothing is the error about a text without a response.
func nothing(name string, data []byte) error {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	e := &source.Error{
		File: name, Pos: source.Position{Line: 1, Column: 1}, Msg: "there is no response in it: no line such as HTTP/1.1 403 Forbidden",
		Hint: hintForms, Line: strings.ToValidUTF8(string(line[:min(len(line), 100)]), "�"),
	}
	if len(bytes.TrimSpace(data)) == 0 {
		e.Msg = "it is empty"
	}
	return e
}

const hintForms = "save the answer with its status: curl -i, curl -v, a browser's HAR, or gatepass call --json; of a body alone say the status: --status 403"

// unpack replaces a body that is still packed with gzip, as curl saves it without
// --compressed. One that cannot be unpacked stays.
func (x *Exchange) unpack() {
	if !bytes.HasPrefix(x.Body, []byte{0x1f, 0x8b}) {
		return
	}
	z, err := gzip.NewReader(bytes.NewReader(x.Body))
	if err != nil {
		return
	}
	// What came before an error is better than nothing.
	if text, _ := io.ReadAll(io.LimitReader(z, MaxBody)); len(text) > 0 {
		x.Body = text
	}
}

// add adds a field to a header, within the limits.
func add(h map[string][]string, fields *int, name, value string) {
	if *fields >= MaxFields || len(name) > MaxField {
		return
	}
	*fields++
	h[name] = append(h[name], value[:min(len(value), MaxField)])
}

// statusLine reads a line such as "HTTP/1.1 403 Forbidden" or "HTTP/2 403".
func statusLine(line string) (protocol string, status int, reason string, ok bool) {
	if !strings.HasPrefix(line, "HTTP/") {
		return "", 0, "", false
	}
	protocol, rest, _ := strings.Cut(line, " ")
	if version := protocol[len("HTTP/"):]; version == "" || strings.Trim(version, "0123456789.") != "" || len(version) > 3 {
		return "", 0, "", false
	}
	code, reason, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if len(code) != 3 || strings.Trim(code, "0123456789") != "" || code[0] == '0' {
		return "", 0, "", false
	}
	status, _ = strconv.Atoi(code) // three digits
	return protocol, status, reason, true
}

// requestLine reads a line such as "GET /orders HTTP/1.1".
func requestLine(line string) (method, target string, ok bool) {
	method, rest, _ := strings.Cut(line, " ")
	at := strings.LastIndex(rest, " HTTP/")
	if method == "" || len(method) > 20 || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || at <= 0 {
		return "", "", false
	}
	if target = rest[:at]; strings.Contains(target, " ") {
		return "", "", false
	}
	return method, target, true
}

// fieldLine reads "Name: value".
func fieldLine(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t\"{}<>()/=,;") {
		return "", "", false
	}
	return name, strings.Trim(value, " \t"), true
}
