package source

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reader takes a tree apart into a program's own values, strictly, and gathers
// what is wrong, so that a user sees every mistake of a file at once.
type Reader struct {
	errs []error
}

// maxErrors is how many mistakes are gathered before the rest are left out.
const maxErrors = 10

// Fail records a mistake.
func (r *Reader) Fail(err error) {
	if !r.Full() {
		r.errs = append(r.errs, err)
	}
}

// Full reports whether further mistakes are left out. Whoever makes an error for
// each item of a list asks first: finding the place of an error reads the
// document from its start.
func (r *Reader) Full() bool { return len(r.errs) >= maxErrors }

// Failf records a mistake at a node.
func (r *Reader) Failf(n *Node, format string, args ...any) {
	if !r.Full() {
		r.errs = append(r.errs, n.Errorf(format, args...))
	}
}

// Err returns all that was recorded, joined, or nil.
func (r *Reader) Err() error { return errors.Join(r.errs...) }

// Fields are the keys an object may have, each with what to do with its value.
type Fields map[string]func(*Node)

// Object reads an object whose keys are all known. A null in place of the object
// is an empty one. An unknown key is a mistake, with the nearest known key as
// its hint.
func (r *Reader) Object(n *Node, fields Fields) {
	if n.Kind == Null {
		return
	}
	if n.Kind != Object {
		r.Failf(n, "want an object, got %s", n.Kind)
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		read, ok := fields[m.Key]
		if !ok {
			if !r.Full() {
				r.Fail(unknown(m, fields))
			}
			continue
		}
		read(m.Value)
	}
}

func unknown(m *Member, fields Fields) *Error {
	err := m.Errorf("unknown key %q", m.Key)
	known := make([]string, 0, len(fields))
	for k := range fields {
		known = append(known, k)
	}
	slices.Sort(known)
	if near := Nearest(m.Key, known); near != "" {
		err.Hint = fmt.Sprintf("did you mean %q?", near)
	} else {
		err.Hint = "known here: " + strings.Join(known, ", ")
	}
	return err
}

// String reads a string. A number or boolean is taken as it is written, because
// YAML makes numbers of account ids and the like.
func (r *Reader) String(to *string) func(*Node) {
	return func(n *Node) {
		switch n.Kind {
		case String, Number, Bool:
			*to = n.Text
		case Null:
		default:
			r.Failf(n, "want a string, got %s", n.Kind)
		}
	}
}

// OneOf reads a string that must be one of a few.
func (r *Reader) OneOf(to *string, values ...string) func(*Node) {
	return func(n *Node) {
		if n.Kind != String || !slices.Contains(values, n.Text) {
			if r.Full() {
				return
			}
			err := n.Errorf("want one of %s, got %s", strings.Join(values, ", "), n.describe())
			if near := Nearest(n.Text, values); near != "" {
				err.Hint = fmt.Sprintf("did you mean %q?", near)
			}
			r.Fail(err)
			return
		}
		*to = n.Text
	}
}

// describe is the node as an error message names it.
func (n *Node) describe() string {
	if n.Kind == String {
		return strconv.Quote(n.Text)
	}
	return n.Kind.String()
}

// Bool reads true or false.
func (r *Reader) Bool(to *bool) func(*Node) {
	return func(n *Node) {
		if n.Kind != Bool {
			r.Failf(n, "want true or false, got %s", n.describe())
			return
		}
		*to = n.Text == "true"
	}
}

// Int reads a whole number between low and high.
func (r *Reader) Int(to *int, low, high int) func(*Node) {
	return func(n *Node) {
		v, err := strconv.Atoi(n.Text)
		if n.Kind != Number || err != nil || v < low || v > high {
			r.Failf(n, "want a whole number from %d to %d, got %s", low, high, n.describe())
			return
		}
		*to = v
	}
}

// Duration reads a time span such as 30s or 5m; a bare number is seconds.
func (r *Reader) Duration(to *time.Duration) func(*Node) {
	return func(n *Node) {
		d, err := time.ParseDuration(n.Text)
		if n.Kind == Number {
			d, err = time.ParseDuration(n.Text + "s")
		}
		if err != nil || d < 0 || n.Kind != String && n.Kind != Number {
			r.Failf(n, "want a time span such as 30s or 5m, got %s", n.describe())
			return
		}
		*to = d
	}
}

// Strings reads a list of strings; a single string is a list of one.
func (r *Reader) Strings(to *[]string) func(*Node) {
	return func(n *Node) {
		if n.Kind == Null {
			return
		}
		items := []*Node{n}
		if n.Kind == List {
			items = n.Items
		}
		list := make([]string, 0, len(items))
		for _, it := range items {
			if it.Kind != String && it.Kind != Number && it.Kind != Bool {
				r.Failf(it, "want a string, got %s", it.Kind)
				return
			}
			list = append(list, it.Text)
		}
		*to = list
	}
}

// Nearest returns the candidate a misspelt word most likely means, or "".
func Nearest(word string, candidates []string) string {
	best, bestAt := "", 2+len(word)/4
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c), bestAt); d < bestAt {
			best, bestAt = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two words, or limit if it is no less.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 100 {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diag, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diag+cost)
		}
	}
	return min(row[len(b)], limit)
}
