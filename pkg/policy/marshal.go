package policy

import (
	"bytes"
	"encoding/json"
)

// MarshalJSON prints the policy in IAM's form, members in the usual order, single
// strings and a single statement as they were written. Parsing the result with the
// same options gives the same document.
func (d *Document) MarshalJSON() ([]byte, error) {
	return object(func(add func(string, any)) {
		if d.Version != "" {
			add("Version", d.Version)
		}
		if d.ID != "" {
			add("Id", d.ID)
		}
		switch {
		case d.one && len(d.Statements) == 1:
			add("Statement", &d.Statements[0])
		case d.Statements == nil:
			add("Statement", []Statement{})
		default:
			add("Statement", pointers(d.Statements))
		}
	})
}

// pointers keeps the encoder from copying statements.
func pointers(list []Statement) []*Statement {
	out := make([]*Statement, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

// MarshalJSON prints one statement.
func (s *Statement) MarshalJSON() ([]byte, error) {
	return object(func(add func(string, any)) {
		if s.Sid != "" {
			add("Sid", s.Sid)
		}
		add("Effect", s.Effect)
		if s.Principal != nil {
			add("Principal", s.Principal)
		}
		if s.NotPrincipal != nil {
			add("NotPrincipal", s.NotPrincipal)
		}
		for _, part := range []struct {
			name string
			is   Strings
		}{{"Action", s.Action}, {"NotAction", s.NotAction}, {"Resource", s.Resource}, {"NotResource", s.NotResource}} {
			if part.is.Given() {
				add(part.name, part.is)
			}
		}
		if len(s.Conditions) > 0 {
			add("Condition", conditions(s.Conditions))
		}
	})
}

// conditions prints as the Condition element: keys under their operators.
type conditions []Condition

func (list conditions) MarshalJSON() ([]byte, error) {
	return object(func(add func(string, any)) {
		for len(list) > 0 {
			n := 1
			for n < len(list) && list[n].Operator == list[0].Operator {
				n++
			}
			add(list[0].Operator, keysOf(list[:n]))
			list = list[n:]
		}
	})
}

type keysOf []Condition

func (list keysOf) MarshalJSON() ([]byte, error) {
	return object(func(add func(string, any)) {
		for i := range list {
			add(list[i].Key, list[i].Values)
		}
	})
}

// object prints a JSON object with its members in order.
func object(members func(add func(key string, value any))) ([]byte, error) {
	var b bytes.Buffer
	var failed error
	b.WriteByte('{')
	members(func(key string, value any) {
		k, err := encode(key)
		if err != nil {
			failed = err
		}
		var v []byte
		if m, ok := value.(json.Marshaler); ok {
			v, err = m.MarshalJSON()
		} else {
			v, err = encode(value)
		}
		if err != nil {
			failed = err
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(k)
		b.WriteByte(':')
		b.Write(v)
	})
	b.WriteByte('}')
	return b.Bytes(), failed
}
