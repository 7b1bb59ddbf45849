package caller

import (
	"bytes"
	"encoding/json"
	"strings"

	"gatepass/pkg/fault"
)

// Document is a JSON document that items make, with the keys in the order in
// which they come.
type Document struct{ root *value }

// value is a value of the document: a leaf, or an object or list whose members
// are written down.
type value struct {
	kind  valueKind
	leaf  []byte // JSON
	keys  map[string]int
	names []string // of members, in their order
	items []*value
}

type valueKind uint8

const (
	leafValue valueKind = iota
	objectValue
	listValue
)

func (k valueKind) String() string { return [...]string{"a value", "an object", "a list"}[k] }

// Set puts a string at the item's path.
func (d *Document) Set(it Item, text string) error {
	b, err := marshal(text)
	if err != nil {
		return err
	}
	return d.put(it, b)
}

// SetJSON puts a JSON value at the item's path, as it is written but for spaces:
// numbers keep their digits, objects their order.
func (d *Document) SetJSON(it Item, text []byte) error {
	var raw json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil { // Compact does not say where
		at := len(text)
		if syntax, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // encoding/json does not wrap it
			if at = int(syntax.Offset); at > 0 && at <= len(text) && !strings.Contains(err.Error(), "unexpected end") {
				at--
			}
		}
		if it.FromFile {
			return fault.New(fault.Usage, "%s is no JSON: %s, at byte %d", it.Value, plainly(err), at+1)
		}
		return itemError(it.word, len(it.word)-len(text)+at, "that is no JSON: %s", plainly(err)).
			WithHint("a string is name=text, or has quotes: name:='\"text\"'")
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return err
	}
	return d.put(it, b.Bytes())
}

// plainly is what encoding/json says, in one line of ours.
func plainly(err error) string { return strings.TrimPrefix(err.Error(), "json: ") }

func (d *Document) put(it Item, leaf []byte) error {
	at := &d.root
	for _, s := range it.Path {
		next, err := (*at).step(it, s)
		if err != nil {
			return err
		}
		if *at == nil {
			*at = next
		}
		at = next.slot(s)
	}
	if *at != nil && !(*at).hole() {
		what := "this has a value already"
		if (*at).kind != leafValue {
			what = "this is " + (*at).kind.String() + " already"
		}
		return itemError(it.word, 0, "%s", what).WithHint("name[]=… adds to a list")
	}
	*at = &value{leaf: leaf}
	return nil
}

// hole reports whether a value only fills a list up.
func (v *value) hole() bool { return v.kind == leafValue && v.leaf == nil }

// step is the value that a step leads into: itself, or a new one where there is
// none yet.
func (v *value) step(it Item, s Step) (*value, error) {
	kind := objectValue
	if s.List {
		kind = listValue
	}
	switch {
	case v == nil || v.hole():
		n := v
		if n == nil {
			n = &value{}
		}
		n.kind = kind
		return n, nil
	case v.kind != kind:
		return nil, itemError(it.word, s.at, "this leads into %s, and there is %s already", kind, v.kind)
	}
	return v, nil
}

// slot is where the value of a step belongs; it grows the list or object.
func (v *value) slot(s Step) **value {
	switch {
	case !s.List:
		i, ok := v.keys[s.Key]
		if !ok {
			if v.keys == nil {
				v.keys = map[string]int{}
			}
			i = len(v.items)
			v.keys[s.Key], v.names, v.items = i, append(v.names, s.Key), append(v.items, nil)
		}
		return &v.items[i]
	case s.Index < 0:
		v.items = append(v.items, nil)
		return &v.items[len(v.items)-1]
	}
	for len(v.items) <= s.Index {
		v.items = append(v.items, &value{})
	}
	return &v.items[s.Index]
}

// JSON is the document. An empty one is an empty object.
func (d *Document) JSON() []byte {
	if d.root == nil {
		return []byte("{}")
	}
	var b bytes.Buffer
	d.root.write(&b)
	return b.Bytes()
}

func (v *value) write(b *bytes.Buffer) {
	if v.kind == leafValue {
		if v.hole() {
			b.WriteString("null")
		}
		b.Write(v.leaf)
		return
	}
	open, end := byte('{'), byte('}')
	if v.kind == listValue {
		open, end = '[', ']'
	}
	b.WriteByte(open)
	for i, it := range v.items {
		if i > 0 {
			b.WriteByte(',')
		}
		if v.kind == objectValue {
			name, _ := marshal(v.names[i]) // a string always can be
			b.Write(name)
			b.WriteByte(':')
		}
		it.write(b)
	}
	b.WriteByte(end)
}

// marshal is encoding/json without HTML's escapes: what is typed is what is sent.
func marshal(s string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(s)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}
