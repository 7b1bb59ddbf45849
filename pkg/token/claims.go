package token

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/source"
)

// Claims is an object of claims to look things up in. The zero value is empty.
type Claims struct{ node *source.Node }

// NewClaims returns the claims of a node. A node that is nil or no object has none.
func NewClaims(n *source.Node) Claims {
	if n == nil || n.Kind != source.Object {
		return Claims{}
	}
	return Claims{n}
}

// Node is the object itself, or nil if there is none.
func (c Claims) Node() *source.Node { return c.node }

// Value is what a claim holds, as conditions and variables see it.
type Value struct {
	Values []string // never empty
	List   bool     // the claim may have several values: a list, words, or a split string
	Split  bool     // it was one string joined with ";", as OneLogin may give groups
}

// Lookup returns the values of a claim by name: strings as they are, numbers and
// booleans as their JSON text, lists as several values, and the words of "scope"
// and "scp". It is false when the claim is absent, null, empty or an object. See
// [Claims.Get] for how names are read.
func (c Claims) Lookup(name string) ([]string, bool) {
	v, ok := c.Get(name)
	return v.Values, ok
}

// Get is Lookup, and says more of what was found.
//
// A name is first that of a whole claim, which may contain dots and slashes
// ("https://acme.com/roles"), then a path into objects ("address.country"). On
// the way, the shortest beginning that names an object is taken.
//
// A "groups" that is one string with ";" in it is a list: OneLogin joins roles so
// when the parameter has no transformation (reference: inferred).
func (c Claims) Get(name string) (Value, bool) {
	n := find(c.node, name)
	if n == nil {
		return Value{}, false
	}
	var v Value
	switch {
	case n.Kind == source.List:
		v.List = true
		for _, it := range n.Items {
			if s, ok := text(it); ok {
				v.Values = append(v.Values, s)
			}
		}
	case n.Kind == source.String && (name == "scope" || name == "scp"):
		v.List, v.Values = true, strings.Fields(n.Text)
	case n.Kind == source.String && name == "groups" && strings.Contains(n.Text, ";"):
		v.List, v.Split, v.Values = true, true, splitGroups(n.Text)
	default:
		if s, ok := text(n); ok {
			v.Values = []string{s}
		}
	}
	return v, len(v.Values) > 0
}

func splitGroups(s string) []string {
	var list []string
	for g := range strings.SplitSeq(s, ";") {
		if g = strings.TrimSpace(g); g != "" {
			list = append(list, g)
		}
	}
	return list
}

// text is the text of a string, number or boolean.
func text(n *source.Node) (string, bool) {
	switch n.Kind {
	case source.String, source.Number, source.Bool:
		return n.Text, true
	}
	return "", false
}

func find(n *source.Node, name string) *source.Node {
	if v := n.Get(name); v != nil {
		return v
	}
	for i := range len(name) {
		if name[i] != '.' {
			continue
		}
		if v := n.Get(name[:i]); v != nil && v.Kind == source.Object {
			return find(v, name[i+1:])
		}
	}
	return nil
}

// Date reads a claim that is a NumericDate (RFC 7519 section 2): seconds since
// 1970, possibly with a fraction. It is false when the claim is absent or null.
func (c Claims) Date(name string) (time.Time, bool, error) {
	n := c.node.Get(name)
	if n == nil || n.Kind == source.Null {
		return time.Time{}, false, nil
	}
	t, err := Date(n)
	return t, true, err
}

// latest is the end of the year 9999, the last that has a date in RFC 3339.
const latest = 253402300799

var errDate = errors.New("want a number of seconds since 1970")

// Date reads a NumericDate.
func Date(n *source.Node) (time.Time, error) {
	if n.Kind != source.Number {
		return time.Time{}, fmt.Errorf("%w, got %s", errDate, n.Kind)
	}
	if s, err := strconv.ParseInt(n.Text, 10, 64); err == nil && s >= -latest && s <= latest {
		return time.Unix(s, 0), nil
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	if err != nil || math.Abs(f) > latest {
		return time.Time{}, fmt.Errorf("%w up to the year 9999", errDate)
	}
	whole, frac := math.Modf(f)
	return time.Unix(int64(whole), int64(frac*1e9)), nil
}
