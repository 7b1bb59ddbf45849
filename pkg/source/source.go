// Package source reads what people and services write (JSON and YAML) into one
// tree of nodes that know where they stand, so that every mistake can be shown
// with file, line, column and the line itself.
//
// Input is hostile: invalid UTF-8, duplicate keys, nesting beyond [MaxDepth] and
// documents beyond the given size are errors, and reading takes time and memory
// linear in the input.
package source

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deep lists and objects may be nested.
const MaxDepth = 100

// Kind says what a node holds.
type Kind uint8

// The kinds of nodes, those of JSON.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Object
)

// String names the kind as an error message does.
func (k Kind) String() string {
	return [...]string{"null", "true or false", "a number", "a string", "a list", "an object"}[k]
}

// Node is one value of a document.
type Node struct {
	Kind Kind
	// Text is the value of a string; a number or boolean as it was written.
	Text    string
	Items   []*Node  // of a list
	Members []Member // of an object, in the order of the document

	offset int // of the first byte
	file   *file
}

// Member is one key of an object with its value.
type Member struct {
	Key   string
	Value *Node

	offset int // of the key
}

// file is a document being read.
type file struct {
	name string
	data []byte
}

// Get returns the value of a key of an object, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Members {
		if n.Members[i].Key == key {
			return n.Members[i].Value
		}
	}
	return nil
}

// Position is where something stands in a file. Both count from 1, columns in
// characters.
type Position struct{ Line, Column int }

// Pos is where the node starts.
func (n *Node) Pos() Position { return n.file.position(n.offset) }

// Name is the name of the document the node is from.
func (n *Node) Name() string { return n.file.name }

func (f *file) position(offset int) Position {
	offset = min(offset, len(f.data))
	start := bytes.LastIndexByte(f.data[:offset], '\n') + 1
	return Position{
		Line:   bytes.Count(f.data[:offset], []byte{'\n'}) + 1,
		Column: utf8.RuneCount(f.data[start:offset]) + 1,
	}
}

// Error is a mistake in a document.
type Error struct {
	File string // the name the document was read under
	Pos  Position
	Msg  string // what is wrong: lower case, no full stop
	Hint string // what to do about it, or empty
	Line string // the line of the document, cut to a sensible length
	mark int    // where in Line the mistake is, in characters
}

// Error returns "file:line:column: message".
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Pos.Line, e.Pos.Column, e.Msg)
}

// Excerpt is the line of the document with the mistake marked, in two lines.
func (e *Error) Excerpt() string {
	num := fmt.Sprint(e.Pos.Line)
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return '\t'
		}
		return ' '
	}, string([]rune(e.Line)[:min(e.mark, utf8.RuneCountInString(e.Line))]))
	return fmt.Sprintf("%s | %s\n%s | %s^", num, e.Line, strings.Repeat(" ", len(num)), pad)
}

// Errorf makes an error that points at the node.
func (n *Node) Errorf(format string, args ...any) *Error {
	return n.file.errorf(n.offset, format, args...)
}

// Errorf makes an error that points at the key of the member.
func (m *Member) Errorf(format string, args ...any) *Error {
	return m.Value.file.errorf(m.offset, format, args...)
}

// excerptWidth is how much of a long line an excerpt shows, in characters.
const excerptWidth = 100

func (f *file) errorf(offset int, format string, args ...any) *Error {
	offset = max(0, min(offset, len(f.data)))
	e := &Error{File: f.name, Pos: f.position(offset), Msg: fmt.Sprintf(format, args...)}
	start := bytes.LastIndexByte(f.data[:offset], '\n') + 1
	end := len(f.data)
	if i := bytes.IndexByte(f.data[offset:], '\n'); i >= 0 {
		end = offset + i
	}
	// Documents from services are often one long line: show what is around the
	// mistake and no more.
	const before = excerptWidth / 2
	from := max(start, offset-before)
	to := min(end, from+excerptWidth)
	for from > start && !utf8.RuneStart(f.data[from]) {
		from--
	}
	for to < end && !utf8.RuneStart(f.data[to]) {
		to++
	}
	line, mark := "", 0
	if from > start {
		line, mark = "…", 1
	}
	mark += utf8.RuneCount(f.data[from:offset])
	line += strings.TrimRight(string(f.data[from:to]), "\r")
	if to < end {
		line += "…"
	}
	e.Line, e.mark = line, mark
	return e
}

// Any returns the node as encoding/json would decode it with UseNumber, for
// callers that want plain values.
func (n *Node) Any() any {
	switch n.Kind {
	case Bool:
		return n.Text == "true"
	case Number:
		return number(n.Text)
	case String:
		return n.Text
	case List:
		l := make([]any, len(n.Items))
		for i, it := range n.Items {
			l[i] = it.Any()
		}
		return l
	case Object:
		m := make(map[string]any, len(n.Members))
		for i := range n.Members {
			m[n.Members[i].Key] = n.Members[i].Value.Any()
		}
		return m
	}
	return nil
}

// Parse reads a document that may be JSON or YAML: one that starts with a brace
// or bracket is JSON.
func Parse(name string, data []byte) (*Node, error) {
	if t := bytes.TrimLeft(data, " \t\r\n"); len(t) > 0 && (t[0] == '{' || t[0] == '[') {
		return JSON(name, data)
	}
	return YAML(name, data)
}

// keys finds duplicates among the keys of one object.
type keys struct {
	few  []string
	many map[string]bool
}

// add reports whether key is new.
func (k *keys) add(key string) bool {
	if k.many == nil {
		for _, f := range k.few {
			if f == key {
				return false
			}
		}
		if k.few = append(k.few, key); len(k.few) > 8 {
			k.many = make(map[string]bool, 2*len(k.few))
			for _, f := range k.few {
				k.many[f] = true
			}
		}
		return true
	}
	if k.many[key] {
		return false
	}
	k.many[key] = true
	return true
}
