package view

import (
	"bytes"
	"io"
	"strings"
)

// The colours of JSON, as parameters of SGR. Names are as Printer.Name has them.
const (
	nameColor    = "36"
	stringColor  = "32"
	numberColor  = "33"
	literalColor = "35"
	dimColor     = "2"
)

// Limits of laying JSON out: what is nested deeper than mostNested is shown as it
// comes, and what is deeper than mostIndent is not indented further, because the
// indents of a deep document would be longer than itself.
const (
	mostNested = 10_000
	mostIndent = 32
)

// jsonWriter shows JSON as it goes by, in constant memory: every number and string
// as it is written, members in their order. Where the text stops to be JSON, the
// rest is shown as it comes. Several texts may follow each other.
type jsonWriter struct {
	out   *visible
	buf   bytes.Buffer // what out writes to; emptied by every Write
	w     io.Writer
	color bool
	lay   bool // lay out; else spaces and line ends stay as they are

	state   jsonState
	open    []byte // the brackets that are open
	literal []byte // the word so far
	escape  int    // characters of an escape sequence still to come
	afterU  bool   // they are digits
	name    bool   // the string is a member's name
	raw     bool   // it is no JSON after all
}

// jsonState is what may come next.
type jsonState uint8

const (
	wantsText    jsonState = iota // a value at the top, or the end
	wantsValue                    // a value
	wantsElement                  // a value, or ]
	wantsMember                   // a name, or }
	wantsName                     // a name
	wantsColon                    // :
	wantsComma                    // , or a closing bracket
	inString
	inNumber
	inWord // true, false or null
)

func newJSONWriter(w io.Writer, color, lay bool) *jsonWriter {
	j := &jsonWriter{w: w, color: color, lay: lay}
	j.out = &visible{w: &j.buf}
	return j
}

// Write shows a piece.
func (j *jsonWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if j.raw {
			j.text(rest)
			break
		}
		rest = rest[j.step(rest):]
	}
	return len(p), j.flush()
}

// end shows what is left and ends the line.
func (j *jsonWriter) end() error {
	if !j.raw && j.state == inWord {
		j.text(j.literal)
	}
	if !j.raw && (j.state == inString || j.state == inNumber) {
		j.style("0")
	}
	if err := j.out.end(); err != nil {
		return err
	}
	return j.flush()
}

func (j *jsonWriter) flush() error {
	_, err := j.w.Write(j.buf.Bytes())
	j.buf.Reset()
	return err
}

// text shows text; it goes into a buffer, so that there is no error. Most text is
// plain, and needs no second look.
func (j *jsonWriter) text(p []byte) {
	if len(p) == 0 {
		return
	}
	if len(j.out.rest) > 0 || !isPlain(p) {
		_, _ = j.out.Write(p)
		return
	}
	j.buf.Write(p)
	j.out.line = p[len(p)-1] != '\n'
}

// isPlain reports whether text is ASCII that a terminal shows as it is.
func isPlain(p []byte) bool {
	for _, c := range p {
		if (c < ' ' || c >= 0x7f) && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// style changes how text looks from here on.
func (j *jsonWriter) style(code string) {
	if j.color {
		j.buf.WriteString("\x1b[" + code + "m")
	}
}

// styled shows text in a colour.
func (j *jsonWriter) styled(code string, p []byte) {
	j.style(code)
	j.text(p)
	j.style("0")
}

// step shows what p begins with and returns how much that is. It may be nothing,
// where only the state has changed.
func (j *jsonWriter) step(p []byte) int {
	switch j.state {
	case inString:
		return j.stringPart(p)
	case inNumber:
		return j.numberPart(p)
	case inWord:
		return j.wordPart(p)
	}
	c := p[0]
	if isSpace(c) {
		if !j.lay {
			j.text(p[:1])
		}
		return 1
	}
	if !j.token(c) {
		j.raw = true
		return 0
	}
	if j.state == inNumber || j.state == inWord {
		return 0
	}
	return 1
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// token takes the first character of a token. Whether it may stand there is the
// result.
func (j *jsonWriter) token(c byte) bool {
	switch j.state {
	case wantsColon:
		return c == ':' && j.colon()
	case wantsComma:
		return c == ',' && j.comma() || j.closes(c)
	case wantsMember, wantsName:
		if c == '"' {
			j.newLine(j.state == wantsMember)
			return j.startString(true)
		}
		return j.state == wantsMember && j.closes(c)
	case wantsElement:
		if c == ']' {
			return j.closes(c)
		}
		j.newLine(true)
	case wantsText:
		if j.lay && j.out.line {
			j.text([]byte("\n"))
		}
	}
	return j.value(c)
}

func (j *jsonWriter) value(c byte) bool {
	switch {
	case c == '"':
		return j.startString(false)
	case c == '{' || c == '[':
		return j.opens(c)
	case c == '-' || c >= '0' && c <= '9':
		j.state = inNumber
		j.style(numberColor)
	case c == 't' || c == 'f' || c == 'n':
		j.state, j.literal = inWord, j.literal[:0]
	default:
		return false
	}
	return true
}

func (j *jsonWriter) opens(c byte) bool {
	if len(j.open) == mostNested {
		return false
	}
	j.open = append(j.open, c)
	j.text([]byte{c})
	if j.state = wantsElement; c == '{' {
		j.state = wantsMember
	}
	return true
}

// closes ends an object or a list, if c does.
func (j *jsonWriter) closes(c byte) bool {
	n := len(j.open) - 1
	if n < 0 || c != '}' && c != ']' || (j.open[n] == '{') != (c == '}') {
		return false
	}
	empty := j.state != wantsComma
	j.open = j.open[:n]
	j.newLine(!empty)
	j.text([]byte{c})
	j.done()
	return true
}

func (j *jsonWriter) comma() bool {
	if len(j.open) == 0 {
		return false
	}
	j.text([]byte(","))
	j.newLine(true)
	if j.state = wantsValue; j.open[len(j.open)-1] == '{' {
		j.state = wantsName
	}
	return true
}

func (j *jsonWriter) colon() bool {
	j.text([]byte(":"))
	if j.lay {
		j.text([]byte(" "))
	}
	j.state = wantsValue
	return true
}

// indents is the end of a line and the longest indent.
const indents = "\n                                                                "

// newLine begins a line of the layout.
func (j *jsonWriter) newLine(really bool) {
	if really && j.lay {
		j.text([]byte(indents[:1+2*min(len(j.open), mostIndent)]))
	}
}

// done is the state after a value.
func (j *jsonWriter) done() {
	if j.state = wantsComma; len(j.open) == 0 {
		j.state = wantsText
	}
}

func (j *jsonWriter) startString(name bool) bool {
	j.name, j.state = name, inString
	if name {
		j.style(nameColor)
	} else {
		j.style(stringColor)
	}
	j.text([]byte(`"`))
	return true
}

// stringPart shows a string as far as p has it.
func (j *jsonWriter) stringPart(p []byte) int {
	for i, c := range p {
		switch {
		case j.escape > 0:
			if !j.escaped(c) {
				return j.broken(p[:i])
			}
		case c == '\\':
			j.escape = 1
		case c < ' ':
			return j.broken(p[:i])
		case c == '"':
			j.text(p[:i+1])
			j.style("0")
			if j.state = wantsColon; !j.name {
				j.done()
			}
			return i + 1
		}
	}
	j.text(p)
	return len(p)
}

// escaped takes a character of an escape sequence: the one after the backslash, or
// a digit after u. Whether it may stand there is the result.
func (j *jsonWriter) escaped(c byte) bool {
	if !j.afterU {
		j.escape--
		if c == 'u' {
			j.escape, j.afterU = 4, true
			return true
		}
		return strings.IndexByte(`"\/bfnrt`, c) >= 0
	}
	j.escape--
	j.afterU = j.escape > 0
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// broken shows what is left before the place where the text is no JSON.
func (j *jsonWriter) broken(before []byte) int {
	j.text(before)
	j.style("0")
	j.raw = true
	return len(before)
}

// numberPart shows a number as far as p has it. It does not look at how it is made.
func (j *jsonWriter) numberPart(p []byte) int {
	i := bytes.IndexFunc(p, func(r rune) bool { return (r < '0' || r > '9') && !strings.ContainsRune("+-.eE", r) })
	if i < 0 {
		j.text(p)
		return len(p)
	}
	j.text(p[:i])
	j.style("0")
	j.done()
	return i
}

// wordPart collects a word and shows it once it is known to be one.
func (j *jsonWriter) wordPart(p []byte) int {
	for i, c := range p {
		j.literal = append(j.literal, c)
		word, whole := wordOf(j.literal)
		switch {
		case !word:
			j.text(j.literal)
			j.raw = true
			return i + 1
		case whole:
			code := literalColor
			if c == 'l' {
				code = dimColor
			}
			j.styled(code, j.literal)
			j.done()
			return i + 1
		}
	}
	return len(p)
}

// wordOf reports whether b begins one of JSON's words, and whether it is all of it.
func wordOf(b []byte) (word, whole bool) {
	for _, w := range []string{"true", "false", "null"} {
		if strings.HasPrefix(w, string(b)) {
			return true, len(w) == len(b)
		}
	}
	return false, false
}

// JSONLine is a JSON text on one line with its colours, safe for a terminal.
func JSONLine(text []byte, color bool) string { return shownJSON(text, color, false) }

// JSONText is a JSON text laid out, with its colours, safe for a terminal and
// without an end of line.
func JSONText(text []byte, color bool) string { return shownJSON(text, color, true) }

func shownJSON(text []byte, color, lay bool) string {
	var b strings.Builder
	j := newJSONWriter(&b, color, lay)
	_, _ = j.Write(text) // into memory
	_ = j.end()
	return strings.TrimSuffix(b.String(), "\n")
}
