package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// MaxJSON is the largest JSON document that is read, in bytes. It is what API
// Gateway takes as a request, and more than any policy.
const MaxJSON = 10 << 20

// number is how Any returns numbers.
type number = json.Number

// JSON reads one JSON document (RFC 8259). The name is for error messages.
func JSON(name string, data []byte) (*Node, error) {
	f := &file{name: name, data: data}
	if len(data) > MaxJSON {
		return nil, f.errorf(0, "%d bytes are more than the %d that are read", len(data), MaxJSON)
	}
	if !utf8.Valid(data) {
		return nil, f.errorf(invalidAt(data), "invalid UTF-8")
	}
	if n := quickJSON(f); n != nil {
		return n, nil
	}
	return carefulJSON(f)
}

// carefulJSON reads what is wrong or unusual, and says where.
func carefulJSON(f *file) (*Node, error) {
	r := jsonReader{f: f, dec: json.NewDecoder(bytes.NewReader(f.data))}
	r.dec.UseNumber()
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if at := r.next(); at < len(f.data) {
		return nil, f.errorf(at, "unexpected text after the end of the JSON document")
	}
	return n, nil
}

// invalidAt finds the first byte that is not UTF-8.
func invalidAt(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(data)
}

type jsonReader struct {
	f   *file
	dec *json.Decoder
}

// next is the offset of the next token: past white space and the separators
// that json.Decoder takes in silently.
func (r *jsonReader) next() int {
	i := int(r.dec.InputOffset())
	for i < len(r.f.data) {
		switch r.f.data[i] {
		case ' ', '\t', '\r', '\n', ',', ':':
			i++
		default:
			return i
		}
	}
	return i
}

func (r *jsonReader) token() (json.Token, int, error) {
	at := r.next()
	t, err := r.dec.Token()
	if err == nil {
		return t, at, nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, at, r.f.errorf(len(r.f.data), "the JSON document ends too early")
	}
	// The offset inside a SyntaxError is not counted from the start of the
	// document here, so the token it is in has to do.
	return nil, at, r.f.errorf(at, "not valid JSON: %v", err)
}

func (r *jsonReader) value(depth int) (*Node, error) {
	t, at, err := r.token()
	if err != nil {
		return nil, err
	}
	n := &Node{offset: at, file: r.f}
	switch t := t.(type) {
	case nil:
		n.Kind = Null
	case bool:
		n.Kind, n.Text = Bool, "false"
		if t {
			n.Text = "true"
		}
	case json.Number:
		n.Kind, n.Text = Number, t.String()
	case string:
		n.Kind, n.Text = String, t
	case json.Delim:
		if depth == MaxDepth {
			return nil, n.Errorf("nested more than %d deep", MaxDepth)
		}
		if t == '[' {
			n.Kind = List
			return n, r.list(n, depth)
		}
		n.Kind = Object
		return n, r.object(n, depth)
	}
	return n, nil
}

func (r *jsonReader) list(n *Node, depth int) error {
	for r.dec.More() {
		it, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.Items = append(n.Items, it)
	}
	_, _, err := r.token()
	return err
}

func (r *jsonReader) object(n *Node, depth int) error {
	var seen keys
	for r.dec.More() {
		t, at, err := r.token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return r.f.errorf(at, "a key must be a string")
		}
		if !seen.add(key) {
			return r.f.errorf(at, "the key %q is given twice", key)
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.Members = append(n.Members, Member{Key: key, Value: v, offset: at})
	}
	_, _, err := r.token()
	return err
}
