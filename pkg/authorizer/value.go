package authorizer

import (
	"fmt"
	"strings"

	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// value is one value of the context: a string, a number or a boolean, which is
// all that API Gateway takes there (Developer Guide, "Output from an API Gateway
// Lambda authorizer": arrays and objects make the call fail).
type value struct {
	kind source.Kind // String, Number or Bool
	text string      // a string itself, or a number or boolean as JSON text
}

// MarshalJSON keeps the type: a number is the JSON text the token has.
func (v value) MarshalJSON() ([]byte, error) {
	if v.kind == source.Number || v.kind == source.Bool {
		return []byte(v.text), nil
	}
	return plain(v.text)
}

// filled is what a template gives for some claims.
type filled struct {
	value value
	notes []string // what deserves to be known about it
}

// fill puts claims into the template. The error says which claim is missing. A
// template that is one claim and nothing else keeps the type of a number or
// boolean; the values of a list are joined with commas.
func (t template) fill(claims token.Claims) (filled, error) {
	var f filled
	var b strings.Builder
	for _, p := range t {
		if p.claim == "" {
			b.WriteString(p.text)
			continue
		}
		v, ok := claims.Get(p.claim)
		if !ok {
			if !p.orElse {
				return filled{}, fmt.Errorf("the token has no claim %s", describe(claims, p.claim))
			}
			b.WriteString(p.text)
			continue
		}
		b.WriteString(strings.Join(v.Values, ","))
		f.notes = append(f.notes, remarks(p.claim, v)...)
		if len(t) == 1 && !v.List {
			f.value.kind = kindOf(claims.Node(), p.claim)
		}
	}
	f.value.text = b.String()
	if f.value.kind != source.Number && f.value.kind != source.Bool {
		f.value.kind = source.String
	}
	return f, nil
}

// describe names a claim that cannot be used, and says so if it is there but is
// an object, which no template can hold.
func describe(claims token.Claims, name string) string {
	if kindOf(claims.Node(), name) == source.Object {
		return name + " that is text: it is an object"
	}
	return name
}

// remarks are what somebody who reads a joined list should know.
func remarks(name string, v token.Value) []string {
	var notes []string
	if v.Split {
		notes = append(notes, fmt.Sprintf("the claim %s is one string joined with \";\" and was taken as a list", name))
	}
	if v.List && len(v.Values) > 1 {
		for _, s := range v.Values {
			if strings.Contains(s, ",") {
				notes = append(notes, fmt.Sprintf("a value of the claim %s has a comma in it: joined with commas, the list cannot be taken apart safely", name))
				break
			}
		}
	}
	return notes
}

// kindOf is the kind of a claim, found by the names of [token.Claims.Get]: a
// whole name first, then a path into objects. It is Null when there is none.
func kindOf(n *source.Node, name string) source.Kind {
	if v := n.Get(name); v != nil {
		return v.Kind
	}
	for i := range len(name) {
		if name[i] != '.' {
			continue
		}
		if v := n.Get(name[:i]); v != nil && v.Kind == source.Object {
			return kindOf(v, name[i+1:])
		}
	}
	return source.Null
}
