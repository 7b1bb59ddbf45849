package cmd

import (
	"strings"
	"unicode/utf8"
)

// maxTyped caps a line that somebody types, in bytes: the address of an answer may
// be longer than what a terminal takes in a line, 4095 bytes on Linux.
const maxTyped = 64 << 10

// typed is a line that is being typed on a terminal that gives every key and shows
// none: what is said meanwhile can be written above it, and it is there again.
// The zero value is an empty line.
type typed struct {
	text   []byte
	escape escape
}

// escape is how far a sequence has come that is no text: an arrow key, or the marks
// around what is pasted.
type escape uint8

const (
	noEscape escape = iota
	afterESC
	inCSI // ESC [, up to a letter or ~
	inSS3 // ESC O, one more
)

// The keys that do something.
const (
	keyEnd   = 0x04 // Ctrl-D
	keyWord  = 0x17 // Ctrl-W
	keyLine  = 0x15 // Ctrl-U
	keyESC   = 0x1b
	keyErase = 0x7f
)

// key takes a byte. It returns the line when that ends it, and reports the end of
// all lines.
func (t *typed) key(b byte) (line string, done, end bool) {
	if t.escaped(b) {
		return "", false, false
	}
	switch b {
	case '\r', '\n':
		line = string(t.text)
		t.text = t.text[:0]
		return line, true, false
	case keyEnd:
		return "", false, len(t.text) == 0
	case keyLine:
		t.text = t.text[:0]
	case keyWord:
		s := strings.TrimRight(string(t.text), " ")
		t.text = t.text[:strings.LastIndexByte(s, ' ')+1]
	case keyErase, '\b':
		_, n := utf8.DecodeLastRune(t.text)
		t.text = t.text[:len(t.text)-n]
	default:
		if b >= ' ' && len(t.text) < maxTyped {
			t.text = append(t.text, b)
		}
	}
	return "", false, false
}

// escaped reports whether a byte belongs to a sequence that is no text.
func (t *typed) escaped(b byte) bool {
	switch was := t.escape; was {
	case afterESC:
		t.escape = map[byte]escape{'[': inCSI, 'O': inSS3}[b]
		return b >= ' '
	case inCSI:
		if b >= 0x40 && b <= 0x7e || b < ' ' {
			t.escape = noEscape
		}
		return b >= ' '
	case inSS3:
		t.escape = noEscape
		return true
	}
	if b == keyESC {
		t.escape = afterESC
		return true
	}
	return false
}

// tail is the end of a text that fits so many columns, marked where it was cut.
func tail(s string, columns int) string {
	n := utf8.RuneCountInString(s)
	if n <= columns {
		return s
	}
	if columns < 2 {
		return ""
	}
	r := []rune(s)
	return "…" + string(r[n-columns+1:])
}
