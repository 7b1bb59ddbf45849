package policy

import (
	"slices"
	"strings"
)

// Effect is the outcome of a decision. The zero value denies.
type Effect uint8

// The outcomes (IAM: reference_policies_evaluation-logic).
const (
	ImplicitDeny Effect = iota // no statement matched
	ExplicitDeny               // a Deny matched
	Allow                      // an Allow matched and no Deny did
)

// String is "implicitly-denied", "explicitly-denied" or "allowed".
func (e Effect) String() string {
	switch e {
	case ExplicitDeny:
		return "explicitly-denied"
	case Allow:
		return "allowed"
	}
	return "implicitly-denied"
}

// MarshalText prints the effect as String does.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Keys is the condition context of a request: the key in lower case, such as
// "aws:sourceip", with its values. A key that is not in the map, or has no values,
// is absent. The name of a claim keeps its case: "jwt:" keys are "jwt:" and the
// name as it is in the token.
type Keys map[string][]string

// Set gives a key, in any case, its values. Not for claims, whose names keep their
// case.
func (k Keys) Set(name string, values ...string) { k[strings.ToLower(name)] = values }

// Request is what a decision is about. The zero value matches nothing but
// wildcards.
type Request struct {
	Action   string // "execute-api:Invoke"
	Resource string // the ARN of the method, route or connection
	Keys     Keys
	// Principal is who asks, for resource policies: an ARN, an account id or the
	// name of a service. Empty is an anonymous caller.
	Principal string
}

// Decision is an effect with its reasons.
type Decision struct {
	Effect     Effect           `json:"decision"`
	Statements []StatementTrace `json:"statements"`
}

// StatementTrace says whether a statement matched and why not. All parts are
// looked at, also behind one that failed.
type StatementTrace struct {
	Index      int              `json:"index"` // from 0, in the order of the document
	Sid        string           `json:"sid,omitempty"`
	Effect     string           `json:"effect"`
	Matched    bool             `json:"matched"`
	Reason     string           `json:"reason"` // for a person, one line
	Principal  *PartTrace       `json:"principal,omitempty"`
	Action     *PartTrace       `json:"action"`
	Resource   *PartTrace       `json:"resource"`
	Conditions []ConditionTrace `json:"conditions,omitempty"`

	missing string // the claim an Allow needs and has not
}

// PartTrace is how the action, the resource or the principal of a statement was
// matched.
type PartTrace struct {
	Matched bool   `json:"matched"`
	Pattern string `json:"pattern,omitempty"` // the one that decided, or the nearest of those that did not match
	Reason  string `json:"reason,omitempty"`  // when it did not match
}

// ConditionTrace is how a condition was decided.
type ConditionTrace struct {
	Operator string   `json:"operator"`
	Key      string   `json:"key"`
	Wanted   []string `json:"wanted"`        // the values of the policy
	Got      []string `json:"got,omitempty"` // the values of the request
	Absent   bool     `json:"absent,omitempty"`
	Matched  bool     `json:"matched"`
	Reason   string   `json:"reason,omitempty"`
}

// Decide answers without a trace, and without allocating unless a value that takes
// part is unusually long or has variables with IgnoreCase. It is Explain's effect:
// both examine statements with the same code.
func (d *Document) Decide(r *Request) Effect {
	effect := ImplicitDeny
	for i := range d.Statements {
		st := &d.Statements[i]
		if st.Effect == EffectAllow && effect == Allow || !d.examine(st, r, nil) {
			continue
		}
		if st.Effect != EffectAllow {
			return ExplicitDeny
		}
		effect = Allow
	}
	return effect
}

// Explain answers with the trace of every statement, matched or not.
func (d *Document) Explain(r *Request) Decision {
	out := Decision{Statements: make([]StatementTrace, len(d.Statements))}
	for i := range d.Statements {
		st, t := &d.Statements[i], &out.Statements[i]
		t.Index, t.Sid, t.Effect = i, st.Sid, st.Effect
		t.Matched = d.examine(st, r, t)
		t.Reason = t.reason()
		switch {
		case !t.Matched:
		case st.Effect != EffectAllow:
			out.Effect = ExplicitDeny
		case out.Effect == ImplicitDeny:
			out.Effect = Allow
		}
	}
	return out
}

// examine reports whether a statement matches. Without a trace it stops at the
// first part that does not; with one it looks at all of them.
func (d *Document) examine(st *Statement, r *Request, t *StatementTrace) bool {
	if st.c == nil {
		st = d.compiledCopy(st)
	}
	ok := st.matchesPrincipal(r, t)
	if ok || t != nil {
		ok = st.matchesAction(r, t) && ok
	}
	if ok || t != nil {
		ok = st.matchesResource(r, t) && ok
	}
	for i := range st.Conditions {
		if !ok && t == nil {
			return false
		}
		ok = st.Conditions[i].matches(r, t) && ok
	}
	if ok || t != nil {
		ok = st.hasClaims(r, t) && ok
	}
	return ok
}

// compiledCopy compiles a statement that a program has put into the document
// without [Parse]. Slow, but right.
func (d *Document) compiledCopy(st *Statement) *Statement {
	c := *st
	c.Conditions = slices.Clone(st.Conditions)
	compileStatement(&c, d.options, d.options.syntax(d.Version))
	return &c
}

func (s *Statement) matchesPrincipal(r *Request, t *StatementTrace) bool {
	var by string
	var ok bool
	switch {
	case s.Principal != nil:
		by, ok = s.Principal.match(r.Principal)
	case s.NotPrincipal != nil:
		by, ok = s.NotPrincipal.match(r.Principal)
		ok = !ok
	default:
		return true
	}
	if t != nil {
		t.Principal = s.tracePrincipal(r, by, ok)
	}
	return ok
}

func (s *Statement) matchesAction(r *Request, t *StatementTrace) bool {
	at := find(s.c.actions, r.Action, r.Keys)
	ok := at >= 0 != s.NotAction.Given()
	if t != nil {
		t.Action = s.traceAction(r, at, ok)
	}
	return ok
}

func (s *Statement) matchesResource(r *Request, t *StatementTrace) bool {
	at := find(s.c.resources, r.Resource, r.Keys)
	ok := at >= 0 != s.NotResource.Given()
	if t != nil {
		t.Resource = s.traceResource(r, at, ok)
	}
	return ok
}

// find returns the index of the first pattern that matches, or -1.
func find(patterns []pattern, s string, keys Keys) int {
	for i := range patterns {
		if patterns[i].match(s, keys) {
			return i
		}
	}
	return -1
}

func (c *Condition) matches(r *Request, t *StatementTrace) bool {
	ok := c.c.holds(r.Keys)
	if t != nil {
		t.Conditions = append(t.Conditions, c.trace(r.Keys, ok))
	}
	return ok
}

// hasClaims reports whether the claims an Allow needs are there.
func (s *Statement) hasClaims(r *Request, t *StatementTrace) bool {
	for _, v := range s.c.claims {
		if _, ok := v.value(r.Keys); !ok {
			if t != nil {
				t.missing = v.text + " " + noValue(r.Keys[v.key])
			}
			return false
		}
	}
	return true
}
