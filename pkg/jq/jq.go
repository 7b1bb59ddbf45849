// Package jq runs jq expressions over JSON texts.
//
// It promises that numbers no expression calculates with come out as they went in,
// digit by digit; that a value too large for memory is refused rather than read;
// that an expression that never ends ends with its context; and that expressions
// see the value they are given and nothing else: no environment, no files, no other
// input. Members of objects come out in the order of their names, as the language
// behind it keeps none.
package jq

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"gatepass/pkg/fault"
)

// Limits of one value, which has to be in memory whole.
const (
	// MostBytes is its length in bytes.
	MostBytes = 64 << 20
	// mostParts is how many members and elements it may have, about: each takes a
	// hundred bytes of memory, however short it is.
	mostParts = 4 << 20
)

// Filter is an expression that is ready to run.
type Filter struct{ code *gojq.Code }

// Compile reads an expression. A mistake in it is a *fault.Error of kind Usage that
// shows where it is.
func Compile(expression string) (*Filter, error) {
	query, err := gojq.Parse(expression)
	if err != nil {
		return nil, misread(expression, err)
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, unknown(expression, err)
	}
	return &Filter{code}, nil
}

// misread shows where an expression stops making sense.
func misread(expression string, err error) error {
	f := fault.New(fault.Usage, "the jq expression cannot be understood: %w", err)
	var at *gojq.ParseError
	if !errors.As(err, &at) {
		return f
	}
	end := min(max(at.Offset, 0), len(expression))
	begin := max(end-len(at.Token), 0)
	f.Detail = excerpt(expression, begin)
	return f
}

// unknown shows where an expression uses a function or variable that there is not.
func unknown(expression string, err error) error {
	f := fault.New(fault.Usage, "the jq expression cannot be used: %w", err)
	_, name, _ := strings.Cut(err.Error(), "not defined: ")
	name, _, _ = strings.Cut(name, "/")
	if at := wordAt(expression, name); at >= 0 {
		f.Detail = excerpt(expression, at)
	}
	return f
}

// wordAt is where a word stands in a text by itself, or -1.
func wordAt(text, word string) int {
	inWord := func(s string, at int) bool {
		return at >= 0 && at < len(s) && (s[at] == '_' || s[at] >= '0' && s[at] <= '9' || s[at]|0x20 >= 'a' && s[at]|0x20 <= 'z')
	}
	for at := 0; word != ""; at++ {
		i := strings.Index(text[at:], word)
		if i < 0 {
			break
		}
		if at += i; !inWord(text, at-1) && !inWord(text, at+len(word)) {
			return at
		}
	}
	return -1
}

// excerpt is the line of an expression that a place is in, with the place marked.
func excerpt(expression string, at int) string {
	line := strings.LastIndexByte(expression[:at], '\n') + 1
	shown, _, _ := strings.Cut(expression[line:], "\n")
	return clip(shown, at-line)
}

// clip shows a line around a place in it, which it marks below.
func clip(line string, at int) string {
	const before, most = 50, 76
	at = min(at, len(line))
	runes, mark := []rune(strings.ReplaceAll(line, "\t", " ")), utf8.RuneCountInString(line[:at])
	lead := ""
	if mark > before {
		runes, mark, lead = runes[mark-before:], before, "…"
	}
	if len(runes) > most {
		runes = append(runes[:most:most], '…')
	}
	return lead + string(runes) + "\n" + strings.Repeat(" ", mark+utf8.RuneCountInString(lead)) + "^"
}

// Result is one value that an expression gives.
type Result struct{ v any }

// JSON is the value as JSON on one line.
func (r Result) JSON() ([]byte, error) { return gojq.Marshal(r.v) }

// Text is the value where it is a string.
func (r Result) Text() (string, bool) {
	s, ok := r.v.(string)
	return s, ok
}

// Run gives emit what the expression makes of each JSON text in r, one after the
// other, as they come. Errors are those of r, of emit and of ctx as they are, and
// *fault.Error of kind Failed: for what is not JSON, for a value of more than
// MostBytes, and for what the expression fails with.
func (f *Filter) Run(ctx context.Context, r io.Reader, emit func(Result) error) error {
	in := &limited{r: r}
	dec := json.NewDecoder(unmarked(in))
	dec.UseNumber()
	for {
		in.begin()
		var v any
		err := dec.Decode(&v)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return in.explain(err)
		}
		if done, err := f.apply(ctx, v, emit); done || err != nil {
			return err
		}
	}
}

// apply runs the expression over one value. Done is that it asked for the end.
func (f *Filter) apply(ctx context.Context, v any, emit func(Result) error) (done bool, err error) {
	for it := f.code.RunWithContext(ctx, v); ; {
		v, ok := it.Next()
		if !ok {
			return false, nil
		}
		failed, isError := v.(error)
		var halt *gojq.HaltError
		switch {
		case !isError:
			err = emit(Result{v})
		case ctx.Err() != nil:
			return false, ctx.Err()
		case errors.As(failed, &halt) && halt.Value() == nil:
			return true, nil
		default:
			return false, fault.New(fault.Failed, "the jq expression fails: %s", failed)
		}
		if err != nil {
			return false, err
		}
	}
}

// limited reads no more of one value than its limits.
type limited struct {
	r            io.Reader
	bytes, parts int // of this value
	err          error
}

// unmarked leaves a byte order mark out, which some servers put before JSON (RFC 8259
// section 8.1 lets readers ignore it).
func unmarked(r io.Reader) io.Reader {
	const mark = "\ufeff"
	head := make([]byte, len(mark))
	n, _ := io.ReadFull(r, head[:1]) // r says once more what is wrong with it
	if n == 1 && head[0] == mark[0] {
		more, _ := io.ReadFull(r, head[1:])
		n += more
	}
	if string(head[:n]) == mark {
		return r
	}
	return io.MultiReader(bytes.NewReader(head[:n]), r)
}

func (l *limited) begin() { l.bytes, l.parts = 0, 0 }

func (l *limited) Read(p []byte) (int, error) {
	if l.bytes > MostBytes || l.parts > mostParts {
		l.err = fault.New(fault.Failed, "the answer is too large for a jq expression: more than %d MB or %d million values", MostBytes>>20, mostParts>>20).
			WithHint("write it to a file with -o FILE, and take from it what you need there")
		return 0, l.err
	}
	n, err := l.r.Read(p)
	l.bytes += n
	for _, c := range []string{",", "[", "{"} {
		l.parts += bytes.Count(p[:n], []byte(c))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}

// explain tells what is wrong with the text from what went wrong reading it.
func (l *limited) explain(err error) error {
	var syntax *json.SyntaxError
	switch {
	case l.err != nil:
		return l.err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return notJSON("it ends too early")
	case errors.As(err, &syntax):
		return notJSON(syntax.Error())
	}
	return notJSON(err.Error())
}

func notJSON(why string) error {
	return fault.New(fault.Failed, "the answer is not JSON: %s", why).WithHint("see it as it is: without --jq")
}
