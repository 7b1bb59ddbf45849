package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gatepass/pkg/fault"
)

// flags is the layer of the command line.
func (s Sources) flags() (layer, error) {
	l := layer{}
	if s.Flag == nil {
		return l, nil
	}
	for _, st := range Flags() {
		values, given := s.Flag(st.Flag)
		if !given {
			continue
		}
		if err := l.put(st, values, Origin{Kind: Flag, Name: "--" + st.Flag}); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// environment is the layer of the environment. An empty variable is none.
func (s Sources) environment() (layer, error) {
	l := layer{}
	if s.Getenv == nil {
		return l, nil
	}
	for _, st := range written() {
		text := s.Getenv(st.Env())
		if text == "" {
			continue
		}
		values, err := fromText(st, text)
		if err != nil {
			return nil, fault.New(fault.Usage, "%s: %s", st.Env(), err).
				WithHint(`separate with spaces, or write a JSON list: ["a b", "c"]`)
		}
		if err := l.put(st, values, Origin{Kind: Environment, Name: st.Env()}); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// fromText takes a variable's text apart: a list is words, or a JSON list.
func fromText(st Setting, text string) ([]string, error) {
	if !st.List {
		return []string{text}, nil
	}
	if !strings.HasPrefix(text, "[") {
		return strings.Fields(text), nil
	}
	var values []string
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return nil, errors.New("want a JSON list of strings")
	}
	return values, nil
}

// put checks the values of a flag or variable and adds them.
func (l layer) put(st Setting, values []string, o Origin) error {
	v, err := st.take(values)
	if err != nil {
		return named(o, err)
	}
	key := st.Key
	if st.target != "" {
		if other, both := l[st.target]; both {
			return fault.New(fault.Usage, "%s and %s say the same: give one", other.Origin.Name, o.Name)
		}
		key = st.target
	}
	l[key] = Value{Values: v, Origin: o}
	return nil
}

// named adds where a value stands to what is wrong with it.
func named(o Origin, err error) error {
	e := fault.New(fault.Usage, "%s: %s", o.Name, err)
	var f *fault.Error
	if errors.As(err, &f) {
		e.Hint = f.Hint
	}
	return e
}

// take checks values and brings them into the form the profile has them in.
func (s Setting) take(values []string) ([]string, error) {
	if s.words {
		values = strings.Fields(strings.Join(values, " "))
	}
	if !s.List && len(values) != 1 {
		return nil, fmt.Errorf("want one value, got %d", len(values))
	}
	out := make([]string, 0, len(values))
	for _, v := range values {
		if s.check != nil {
			if err := s.check(v); err != nil {
				return nil, err
			}
		}
		if s.convert != nil {
			v = s.convert(v)
		}
		out = append(out, v)
	}
	return out, nil
}
