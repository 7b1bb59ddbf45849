package source

import (
	"encoding/json"
	"strings"
)

// quick reads JSON that is right, many times faster than json.Decoder can: tokens
// are decoded for every request of a gateway. It gives up at the first thing that
// is unusual, and the careful reader decides what to make of that; so whatever it
// takes, the careful reader takes too, and makes the same of it.
type quick struct {
	f     *file
	text  string // the document: values are cut out of it
	at    int
	nodes []Node // made in batches
	batch int
}

// quickJSON returns nil where it gives up.
func quickJSON(f *file) *Node {
	q := quick{f: f, text: string(f.data)}
	n := q.value(0)
	if n == nil || q.peek() != 0 || q.at < len(q.text) {
		return nil
	}
	return n
}

// Nodes are made in batches of so many, each twice as large as the one before.
const firstBatch, lastBatch = 8, 64

func (q *quick) node(k Kind, at int) *Node {
	if len(q.nodes) == 0 {
		q.batch = min(max(2*q.batch, firstBatch), lastBatch)
		q.nodes = make([]Node, q.batch)
	}
	n := &q.nodes[0]
	q.nodes = q.nodes[1:]
	n.Kind, n.offset, n.file = k, at, q.f
	return n
}

// peek skips white space and returns the next byte, 0 at the end.
func (q *quick) peek() byte {
	for ; q.at < len(q.text); q.at++ {
		switch c := q.text[q.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// next reports whether the next byte is c, and goes past it if so.
func (q *quick) next(c byte) bool {
	if q.peek() != c {
		return false
	}
	q.at++
	return true
}

func (q *quick) value(depth int) *Node {
	c, at := q.peek(), q.at
	switch {
	case c == '"':
		s, ok := q.str()
		if !ok {
			return nil
		}
		n := q.node(String, at)
		n.Text = s
		return n
	case c == '{' && depth < MaxDepth:
		return q.object(q.node(Object, at), depth)
	case c == '[' && depth < MaxDepth:
		return q.list(q.node(List, at), depth)
	case c == '-' || c >= '0' && c <= '9':
		return q.number(at)
	}
	for _, w := range [...]struct {
		word string
		kind Kind
		text string
	}{{"true", Bool, "true"}, {"false", Bool, "false"}, {"null", Null, ""}} {
		if strings.HasPrefix(q.text[at:], w.word) {
			q.at += len(w.word)
			n := q.node(w.kind, at)
			n.Text = w.text
			return n
		}
	}
	return nil
}

func (q *quick) object(n *Node, depth int) *Node {
	q.at++
	if q.next('}') {
		return n
	}
	n.Members = make([]Member, 0, 8)
	var seen keys
	for {
		c, at := q.peek(), q.at
		if c != '"' {
			return nil
		}
		key, ok := q.str()
		if !ok || !seen.add(key) || !q.next(':') {
			return nil
		}
		v := q.value(depth + 1)
		if v == nil {
			return nil
		}
		n.Members = append(n.Members, Member{Key: key, Value: v, offset: at})
		if q.next('}') {
			return n
		}
		if !q.next(',') {
			return nil
		}
	}
}

func (q *quick) list(n *Node, depth int) *Node {
	q.at++
	if q.next(']') {
		return n
	}
	for {
		v := q.value(depth + 1)
		if v == nil {
			return nil
		}
		n.Items = append(n.Items, v)
		if q.next(']') {
			return n
		}
		if !q.next(',') {
			return nil
		}
	}
}

// str reads a string that begins here. The text is known to be UTF-8.
func (q *quick) str() (string, bool) {
	start, escaped := q.at, false
	for i := start + 1; i < len(q.text); i++ {
		switch c := q.text[i]; {
		case c == '"':
			q.at = i + 1
			if !escaped {
				return q.text[start+1 : i], true
			}
			var s string
			err := json.Unmarshal(q.f.data[start:i+1], &s)
			return s, err == nil
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

// number reads a number (RFC 8259 section 6).
func (q *quick) number(at int) *Node {
	i := at
	if q.text[i] == '-' {
		i++
	}
	whole := digits(q.text, i)
	if whole == i || q.text[i] == '0' && whole > i+1 {
		return nil
	}
	i = whole
	if i < len(q.text) && q.text[i] == '.' {
		end := digits(q.text, i+1)
		if end == i+1 {
			return nil
		}
		i = end
	}
	if i < len(q.text) && (q.text[i] == 'e' || q.text[i] == 'E') {
		i++
		if i < len(q.text) && (q.text[i] == '+' || q.text[i] == '-') {
			i++
		}
		end := digits(q.text, i)
		if end == i {
			return nil
		}
		i = end
	}
	q.at = i
	n := q.node(Number, at)
	n.Text = q.text[at:i]
	return n
}

// digits is where the digits that begin at i end.
func digits(s string, i int) int {
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}
