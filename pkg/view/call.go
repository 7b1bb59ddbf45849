package view

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"gatepass/pkg/apigw"
	"gatepass/pkg/iostreams"
)

// Call is an API's answer, as JSON.
type Call struct {
	SchemaVersion int                 `json:"schemaVersion"`
	Method        string              `json:"method"`
	URL           string              `json:"url"`
	Status        int                 `json:"status"`
	Protocol      string              `json:"protocol"`
	Headers       map[string][]string `json:"headers"`
	// Body is there when the body is text, BodyBase64 when it is not.
	Body       string `json:"body"`
	BodyBase64 string `json:"bodyBase64,omitempty"`
	// Truncated says that the body was longer than what is shown of it.
	Truncated bool `json:"truncated,omitempty"`
	// Encoding is how the body came compressed, where it is shown unpacked, and
	// Received how long it was on the way, in bytes.
	Encoding  string        `json:"encoding,omitempty"`
	Received  int64         `json:"received"`
	Redirects []Redirect    `json:"redirects,omitempty"`
	Timings   CallTimings   `json:"timings"`
	Causes    []apigw.Cause `json:"causes,omitempty"`
	Local     *Local        `json:"local,omitempty"`
}

// Redirect is a redirect that was followed.
type Redirect struct {
	Status    int    `json:"status"`
	URL       string `json:"url"`
	WithToken bool   `json:"withToken"`
}

// CallTimings say when what was reached, in milliseconds.
type CallTimings struct {
	DNS       float64 `json:"dns,omitempty"`
	Connect   float64 `json:"connect,omitempty"`
	TLS       float64 `json:"tls,omitempty"`
	FirstByte float64 `json:"firstByte"`
	Total     float64 `json:"total"`
}

// SetBody takes a body as text where it is, else in base64.
func (c *Call) SetBody(b []byte) {
	if utf8.Valid(b) {
		c.Body = string(b)
		return
	}
	c.BodyBase64 = base64.StdEncoding.EncodeToString(b)
}

// Causes puts the likely causes of a refusal into lines of a width, numbered
// where there are several, the best first.
func Causes(causes []apigw.Cause, width int) string {
	p := NewPrinter(io.Discard, false, width, nil)
	if len(causes) == 1 {
		return p.Wrap(0, causes[0].Meaning)
	}
	lines := make([]string, 0, len(causes))
	for i, c := range causes {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, p.Wrap(3, c.Meaning)))
	}
	return strings.Join(lines, "\n")
}

// Head prints the status line and the fields of an answer, as they came; safe
// makes them safe for a terminal.
func Head(w io.Writer, protocol, status string, names []string, header map[string][]string, safe bool) error {
	var b strings.Builder
	line := func(format string, args ...any) {
		s := fmt.Sprintf(format, args...)
		if safe {
			s = iostreams.Visible(s)
		}
		b.WriteString(s + "\n")
	}
	line("%s %s", protocol, status)
	for _, name := range names {
		for _, v := range header[name] {
			line("%s: %s", name, v)
		}
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// ErrBinary says that a body is nothing for a terminal.
var ErrBinary = errors.New("binary data")

// Body shows a body on a terminal as it comes, in constant memory: JSON laid out,
// events line by line, other text as it is, with what the terminal would act on
// made visible. Numbers and strings of JSON stay as they are written, members in
// their order. Binary data is ErrBinary, and nothing of it is shown.
func Body(w io.Writer, r io.Reader, contentType string, color bool) error {
	head := make([]byte, 4096)
	n, err := r.Read(head)
	head = head[:n]
	if bytes.IndexByte(head, 0) >= 0 {
		return ErrBinary
	}
	kind := mediaType(contentType)
	if isJSON(kind) || isJSONLines(kind) {
		head = bytes.TrimPrefix(head, []byte("\ufeff")) // a byte order mark, as some servers send it
	}
	if err == nil {
		r = io.MultiReader(bytes.NewReader(head), r)
	} else {
		r = io.MultiReader(bytes.NewReader(head), failing{err})
	}
	switch {
	case kind == "text/event-stream":
		return eventStream(w, r, color)
	case isJSONLines(kind):
		return showJSON(newJSONWriter(w, color, false), r)
	case isJSON(kind):
		return showJSON(newJSONWriter(w, color, true), r)
	}
	out := &visible{w: w}
	return through(out, out.end, r)
}

func showJSON(j *jsonWriter, r io.Reader) error { return through(j, j.end, r) }

// through copies r to w and ends it, also where r breaks off.
func through(w io.Writer, end func() error, r io.Reader) error {
	_, err := io.Copy(w, r)
	if closing := end(); err == nil {
		err = closing
	}
	return err
}

// failing is a reader at its end.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// mediaType is a media type without its parameters, or nothing.
func mediaType(contentType string) string {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return t
}

// isJSON reports whether a media type is JSON (RFC 6838 section 4.2.8 for +json).
func isJSON(kind string) bool { return kind == "application/json" || strings.HasSuffix(kind, "+json") }

// isJSONLines reports whether a media type is of JSON texts that have a line each.
func isJSONLines(kind string) bool {
	switch kind {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines":
		return true
	}
	return false
}

// visible makes text safe for a terminal as it goes by.
type visible struct {
	w    io.Writer
	rest []byte // the beginning of a character
	line bool   // something stands in the last line
}

func (v *visible) Write(p []byte) (int, error) {
	b := append(v.rest, p...)
	keep := len(b)
	for i := 1; i <= utf8.UTFMax && i <= len(b); i++ {
		if utf8.RuneStart(b[len(b)-i]) {
			if !utf8.FullRune(b[len(b)-i:]) {
				keep = len(b) - i
			}
			break
		}
	}
	if keep > 0 && keep == len(b) && b[keep-1] == '\r' {
		keep-- // it may be half of a line's end
	}
	v.rest = append([]byte(nil), b[keep:]...)
	if err := v.show(b[:keep]); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (v *visible) show(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	// A line's end may be written \r\n; alone, \r goes back over the line.
	text := strings.ReplaceAll(string(b), "\r\n", "\n")
	v.line = !strings.HasSuffix(text, "\n")
	_, err := io.WriteString(v.w, iostreams.VisibleLines(text))
	return err
}

// end shows what is left and ends the line.
func (v *visible) end() error {
	if err := v.show(v.rest); err != nil {
		return err
	}
	v.rest = nil
	if !v.line {
		return nil
	}
	_, err := io.WriteString(v.w, "\n")
	return err
}
