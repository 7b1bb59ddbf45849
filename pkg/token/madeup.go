package token

import (
	"encoding/json"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/source"
)

// ParseClaims makes an object of claims from words such as a command line has:
//
//	name=value    a string; the same name again makes a list
//	name:=json    any JSON value: a number, true, a list, an object
//
// Everything before the first = or := is the name, which may hold dots and
// slashes. A comma is part of the value. Claims of the base, which may be nil,
// are kept unless a word names them. Errors are *fault.Error of kind Usage or
// *source.Error.
func ParseClaims(base *source.Node, words []string) (*source.Node, error) {
	var order []string
	made := map[string]json.RawMessage{}
	lists := map[string][]string{}
	for _, w := range words {
		name, value, typed, err := splitClaim(w)
		if err != nil {
			return nil, err
		}
		_, seen := made[name]
		switch {
		case seen && (typed || lists[name] == nil):
			return nil, fault.New(fault.Usage, "the claim %q is given twice, once as JSON", name).
				WithHint(`give a list as JSON: %s:=["a","b"]`, name)
		case typed:
			made[name] = json.RawMessage(value)
		default:
			lists[name] = append(lists[name], value)
			made[name] = stringOrList(lists[name])
		}
		if !seen {
			order = append(order, name)
		}
	}
	return mergeClaims(base, order, made)
}

func splitClaim(word string) (name, value string, typed bool, err error) {
	name, value, ok := strings.Cut(word, "=")
	if name, typed = strings.CutSuffix(name, ":"); !ok || name == "" {
		return "", "", false, fault.New(fault.Usage, "want a claim as name=value or name:=json, got %s", quote(word)).
			WithHint(`for example groups=Admins, or level:=3`)
	}
	if typed {
		if _, err := source.JSON("claim "+name, []byte(value)); err != nil {
			return "", "", false, err
		}
	}
	return name, value, typed, nil
}

func stringOrList(values []string) json.RawMessage {
	if len(values) == 1 {
		return encode(values[0])
	}
	return encode(values)
}

// encode cannot fail for the strings, numbers and trees it is used on.
func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return data
}

// mergeClaims writes the claims as JSON and reads them, so that the result is a
// tree like any other.
func mergeClaims(base *source.Node, order []string, made map[string]json.RawMessage) (*source.Node, error) {
	var b strings.Builder
	b.WriteByte('{')
	add := func(name string, value []byte) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(encode(name))
		b.WriteByte(':')
		b.Write(value)
	}
	if base != nil {
		if base.Kind != source.Object {
			return nil, base.Errorf("want an object of claims, got %s", base.Kind)
		}
		for _, m := range base.Members {
			if _, ok := made[m.Key]; !ok {
				add(m.Key, encode(m.Value.Any()))
			}
		}
	}
	for _, name := range order {
		add(name, made[name])
	}
	b.WriteByte('}')
	return source.JSON("claims", []byte(b.String()))
}
