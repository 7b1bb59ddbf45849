package source

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxYAML is the largest YAML document that is read, in bytes.
const MaxYAML = 1 << 20

// maxEntries is how many entries of lists and mappings a YAML document may have.
// The YAML library takes quadratic time in their number: at this many it is half
// a second. JSON has no such limit.
const maxEntries = 10_000

// YAML reads one YAML document. Of YAML it takes what a settings file needs:
// anchors, aliases, merge keys, tags and several documents in one file are
// errors, so that what is read is what is written. The name is for error
// messages. An empty document is an empty object.
func YAML(name string, data []byte) (*Node, error) {
	f := &file{name: name, data: data}
	if len(data) > MaxYAML {
		return nil, f.errorf(0, "%d bytes are more than the %d that are read", len(data), MaxYAML)
	}
	if !utf8.Valid(data) {
		return nil, f.errorf(invalidAt(data), "invalid UTF-8")
	}
	if at, deep := tooDeep(data); deep {
		return nil, f.errorf(at, "nested more than %d deep", MaxDepth)
	}
	if at, many := tooMany(data); many {
		err := f.errorf(at, "more than %d entries", maxEntries)
		err.Hint = "write a document of this size as JSON"
		return nil, err
	}
	r := yamlReader{f: f, lines: lineStarts(data)}
	doc, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, r.syntax(err)
	}
	var body ast.Node
	for _, d := range doc.Docs {
		if d.Body == nil || d.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			return nil, r.at(d.Body).Errorf("only one YAML document is read from a file")
		}
		body = d.Body
	}
	if body == nil {
		return &Node{Kind: Object, file: f}, nil
	}
	return r.value(body, 0)
}

// tooDeep stops documents whose brackets alone nest beyond reason before the
// parser recurses into them. Brackets inside strings count too, which does no
// harm at ten times the depth allowed.
func tooDeep(data []byte) (at int, deep bool) {
	depth := 0
	for i, c := range data {
		switch c {
		case '[', '{':
			if depth++; depth > 10*MaxDepth {
				return i, true
			}
		case ']', '}':
			depth = max(depth-1, 0)
		}
	}
	return 0, false
}

// tooMany stops documents with more entries than the parser can take, by what
// separates them. Separators inside strings count too, as in tooDeep.
func tooMany(data []byte) (at int, many bool) {
	entries := 0
	for i, c := range data {
		switch {
		case c == ',':
		case c == ':' && (i+1 == len(data) || strings.IndexByte(" \t\r\n", data[i+1]) >= 0 || i > 0 && (data[i-1] == '"' || data[i-1] == '\'')):
		default:
			continue
		}
		if entries++; entries > maxEntries {
			return i, true
		}
	}
	return 0, false
}

func lineStarts(data []byte) []int {
	s := []int{0}
	for i, c := range data {
		if c == '\n' {
			s = append(s, i+1)
		}
	}
	return s
}

type yamlReader struct {
	f     *file
	lines []int // offset of each line
}

// offset turns a position of the YAML library (line and column from 1, in
// characters) into a byte offset. Its own offsets drift behind escapes.
func (r *yamlReader) offset(p *token.Position) int {
	if p == nil || p.Line < 1 || p.Line > len(r.lines) {
		return 0
	}
	at := r.lines[p.Line-1]
	for i := 1; i < p.Column && at < len(r.f.data) && r.f.data[at] != '\n'; i++ {
		_, n := utf8.DecodeRune(r.f.data[at:])
		at += n
	}
	return at
}

// at makes a node at the place where n starts.
func (r *yamlReader) at(n ast.Node) *Node {
	t := n.GetToken()
	switch m := n.(type) {
	case *ast.MappingNode: // its token is the colon
		if len(m.Values) > 0 && (m.Start == nil || m.Start.Type != token.MappingStartType) {
			t = m.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		t = m.Key.GetToken()
	}
	node := &Node{file: r.f}
	if t != nil {
		node.offset = r.offset(t.Position)
	}
	return node
}

// syntax turns the library's error into ours.
func (r *yamlReader) syntax(err error) error {
	var y yaml.Error
	if !errors.As(err, &y) {
		return r.f.errorf(0, "not valid YAML: %s", firstLine(err.Error()))
	}
	at := 0
	if t := y.GetToken(); t != nil {
		at = r.offset(t.Position)
	}
	return r.f.errorf(at, "not valid YAML: %s", firstLine(y.GetMessage()))
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func (r *yamlReader) value(n ast.Node, depth int) (*Node, error) {
	if n == nil {
		return &Node{Kind: Null, file: r.f}, nil
	}
	node := r.at(n)
	if depth > MaxDepth {
		return nil, node.Errorf("nested more than %d deep", MaxDepth)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		node.Kind = Object
		return node, r.members(node, n.Values, depth)
	case *ast.MappingValueNode:
		node.Kind = Object
		return node, r.members(node, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		node.Kind = List
		for _, v := range n.Values {
			it, err := r.value(v, depth+1)
			if err != nil {
				return nil, err
			}
			node.Items = append(node.Items, it)
		}
	case *ast.StringNode:
		node.Kind, node.Text = String, n.Value
	case *ast.LiteralNode:
		node.Kind, node.Text = String, n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode:
		node.Kind, node.Text = Number, n.GetToken().Value
	case *ast.InfinityNode, *ast.NanNode:
		return nil, node.Errorf("%s is no number here: put it in quotes if it is meant as text", n.GetToken().Value)
	case *ast.BoolNode:
		node.Kind, node.Text = Bool, fmt.Sprint(n.Value)
	case *ast.NullNode:
		node.Kind = Null
	case *ast.AnchorNode, *ast.AliasNode:
		return nil, node.Errorf("anchors and aliases are not taken here: write the value out")
	case *ast.TagNode:
		return nil, node.Errorf("tags such as %s are not taken here", n.GetToken().Value)
	default:
		return nil, node.Errorf("this kind of YAML is not taken here")
	}
	return node, nil
}

func (r *yamlReader) members(node *Node, values []*ast.MappingValueNode, depth int) error {
	var seen keys
	for _, v := range values {
		if _, ok := v.Key.(*ast.MergeKeyNode); ok {
			return r.at(v).Errorf("merge keys are not taken here: write the members out")
		}
		key, err := r.key(v.Key)
		if err != nil {
			return err
		}
		if !seen.add(key) {
			return r.at(v).Errorf("the key %q is given twice", key)
		}
		val, err := r.value(v.Value, depth+1)
		if err != nil {
			return err
		}
		node.Members = append(node.Members, Member{Key: key, Value: val, offset: r.at(v).offset})
	}
	return nil
}

// key is the text of a key. Whatever it looks like, a key is a string.
func (r *yamlReader) key(k ast.MapKeyNode) (string, error) {
	switch k := k.(type) {
	case *ast.StringNode:
		return k.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return k.GetToken().Value, nil
	}
	return "", r.at(k).Errorf("a key must be plain text")
}
