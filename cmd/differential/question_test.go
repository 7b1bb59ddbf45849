package differential

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// question is what both evaluators are asked.
type question struct {
	Policy    document
	Action    string
	Resource  string
	Context   map[string][]string
	Principal *string // of a resource policy; "" is an anonymous caller

	broken string // what is wrong with the policy, or empty
	raw    json.RawMessage
}

type document struct {
	Version    string // "" leaves it out
	Statements []statement
}

type statement struct {
	Sid, Effect             string
	Principal, NotPrincipal json.RawMessage
	Action, NotAction       *texts
	Resource, NotResource   *texts
	Conditions              []condition
}

// texts is a string or a list of strings.
type texts struct {
	items []string
	one   bool
}

type condition struct {
	op, key string
	values  texts
}

func (t *texts) MarshalJSON() ([]byte, error) {
	if t.one && len(t.items) == 1 {
		return json.Marshal(t.items[0])
	}
	return json.Marshal(append([]string{}, t.items...))
}

func (s *statement) MarshalJSON() ([]byte, error) {
	m := map[string]any{"Effect": s.Effect}
	if s.Sid != "" {
		m["Sid"] = s.Sid
	}
	for name, t := range map[string]*texts{"Action": s.Action, "NotAction": s.NotAction, "Resource": s.Resource, "NotResource": s.NotResource} {
		if t != nil {
			m[name] = t
		}
	}
	for name, p := range map[string]json.RawMessage{"Principal": s.Principal, "NotPrincipal": s.NotPrincipal} {
		if p != nil {
			m[name] = p
		}
	}
	if len(s.Conditions) > 0 {
		byOp := map[string]map[string]*texts{}
		for i := range s.Conditions {
			c := &s.Conditions[i]
			if byOp[c.op] == nil {
				byOp[c.op] = map[string]*texts{}
			}
			byOp[c.op][c.key] = &c.values
		}
		m["Condition"] = byOp
	}
	return json.Marshal(m)
}

// policyJSON is the policy as both get it.
func (q *question) policyJSON() json.RawMessage {
	if q.raw != nil {
		return q.raw
	}
	m := map[string]any{"Statement": pointers(q.Policy.Statements)}
	if q.Policy.Version != "" {
		m["Version"] = q.Policy.Version
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return data
}

func pointers(list []statement) []*statement {
	out := make([]*statement, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

// line is the question as worker.mjs reads it.
func (q *question) line() []byte {
	data, err := json.Marshal(struct {
		Policy    json.RawMessage     `json:"policy"`
		Action    string              `json:"action"`
		Resource  string              `json:"resource"`
		Context   map[string][]string `json:"context"`
		Principal *string             `json:"principal,omitempty"`
	}{q.policyJSON(), q.Action, q.Resource, q.Context, q.Principal})
	if err != nil {
		panic(err)
	}
	return data
}

// clone copies what translations change.
func (q *question) clone() *question {
	c := *q
	c.Context = map[string][]string{}
	for k, v := range q.Context {
		c.Context[k] = slices.Clone(v)
	}
	c.Policy.Statements = slices.Clone(q.Policy.Statements)
	for i := range c.Policy.Statements {
		s := &c.Policy.Statements[i]
		for _, t := range s.lists() {
			*t = (*t).clone()
		}
		s.Conditions = slices.Clone(s.Conditions)
		for j := range s.Conditions {
			s.Conditions[j].values = *s.Conditions[j].values.clone()
		}
	}
	return &c
}

func (t *texts) clone() *texts {
	if t == nil {
		return nil
	}
	return &texts{slices.Clone(t.items), t.one}
}

func (s *statement) lists() []**texts {
	return []**texts{&s.Action, &s.NotAction, &s.Resource, &s.NotResource}
}

// eachResource replaces every pattern of Resource and NotResource by others.
func (q *question) eachResource(f func(pattern string) []string) (changed bool) {
	for i := range q.Policy.Statements {
		s := &q.Policy.Statements[i]
		for _, t := range []*texts{s.Resource, s.NotResource} {
			if t == nil {
				continue
			}
			var out []string
			for _, p := range t.items {
				out = append(out, f(p)...)
			}
			if !slices.Equal(out, t.items) {
				t.items, t.one, changed = out, false, true
			}
		}
	}
	return changed
}

// eachCondition visits every condition; f says what becomes of it.
func (q *question) eachCondition(f func(c *condition) (keep, changed bool)) (any bool) {
	for i := range q.Policy.Statements {
		s := &q.Policy.Statements[i]
		kept := s.Conditions[:0]
		for _, c := range s.Conditions {
			keep, changed := f(&c)
			any = any || changed
			if keep {
				kept = append(kept, c)
			}
		}
		s.Conditions = kept
	}
	return any
}

// get is the value of a condition key, whose case does not matter.
func (q *question) get(key string) []string {
	for k, v := range q.Context {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}

// move gives a condition a key of its own, so that a translation of its values
// changes nothing else.
func (q *question) move(c *condition, values []string) {
	fresh := "aws:PrincipalTag/moved" + strings.Repeat("x", len(q.Context))
	q.Context[fresh] = values
	c.key = fresh
}

// operator is a condition operator taken apart.
type operator struct {
	set, base string
	ifExists  bool
}

func parse(op string) operator {
	var o operator
	o.base = op
	if set, rest, ok := strings.Cut(op, ":"); ok {
		o.set, o.base = set, rest
	}
	o.base, o.ifExists = strings.CutSuffix(o.base, "IfExists")
	return o
}

func (o operator) negated() bool { return strings.Contains(o.base, "Not") }

// family is String, Numeric, Date, Bool, Binary, IpAddress, Arn or Null.
func (o operator) family() string {
	for _, f := range []string{"String", "Numeric", "Date", "Bool", "Binary", "IpAddress", "Arn", "Null"} {
		if strings.Contains(o.base, f) {
			return f
		}
	}
	return ""
}

func keysOf(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }
