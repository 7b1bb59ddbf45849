package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gatepass/pkg/source"
)

// The gateway's limits for what an authorizer returns (API Gateway:
// api-gateway-lambda-authorizer-output). The size of the whole is documented for
// WebSocket APIs only and taken for all (inferred).
const (
	MaxResource = 512  // characters of a resource
	MaxPolicy   = 8192 // bytes of a policy
)

// Specialization says how [Specialize] settles what a policy says about a token.
type Specialization struct {
	// Prefix of the keys and variables to settle, "jwt:". Empty is that of the
	// options the document was parsed with.
	Prefix string
	// Lookup returns the values of a claim by its name without the prefix.
	Lookup func(name string) (values []string, ok bool)
	// Resource expands a short resource to the pattern of an ARN, before any claim
	// is put into it. What it adds must be a pattern: a "$", "*" or "?" that is meant
	// literally is written ${$}, ${*}, ${?}. Nil takes no short resources.
	Resource func(short string) (string, error)
	// Deny is the resource of the explicit Deny that stands alone when no statement
	// is left, because an empty list would leave the answer to the gateway. Empty
	// leaves the document without statements.
	Deny string
}

// SpecializeStep says what became of one statement.
type SpecializeStep struct {
	Index      int              `json:"index"`
	Sid        string           `json:"sid,omitempty"`
	Effect     string           `json:"effect"`
	Kept       bool             `json:"kept"`
	Reason     string           `json:"reason"`
	Conditions []ConditionTrace `json:"conditions,omitempty"` // those on claims
	Resources  []string         `json:"resources,omitempty"`  // as they are in the result
}

// TooLongError is a policy that has become longer than the gateway takes.
type TooLongError struct {
	Index int    // of the statement, -1 for the policy as a whole
	Sid   string // of the statement
	What  string // what is too long: the resource, or "the policy"
	Size  int
	Max   int
}

// Error names the statement and its limit.
func (e *TooLongError) Error() string {
	if e.Index < 0 {
		return fmt.Sprintf("the policy for this token has %d bytes; the gateway takes %d", e.Size, e.Max)
	}
	return fmt.Sprintf("%s: a resource has %d characters with the token's claims; the gateway takes %d: %s",
		statementName(e.Index, e.Sid), e.Size, e.Max, cut(e.What))
}

func statementName(i int, sid string) string {
	if sid != "" {
		return fmt.Sprintf("statement %q", cut(sid))
	}
	return fmt.Sprintf("statement %d", i+1)
}

// Specialize turns a policy that speaks of a token into an ordinary one of version
// 2012-10-17: of the statements it keeps those whose conditions on claims hold,
// drops these conditions, and writes the claims where their variables were. A
// claim is literal text there, whatever it holds.
//
// For every request the result decides as the document itself does with the
// claims among the keys. A claim that is missing, empty or a list where one value
// is needed never widens: an Allow that needs it does not apply; in a Deny it is
// equal to nothing.
//
// Errors: a *source.Error for a resource that cannot be expanded, a *TooLongError
// for a result beyond the gateway's limits; joined.
func Specialize(d *Document, s Specialization) (*Document, []SpecializeStep, error) {
	if s.Prefix == "" {
		s.Prefix = d.options.Prefix
	}
	z := specializer{Specialization: s, doc: d, keys: Keys{}}
	z.sx = syntax{vars: d.options.syntax(d.Version).vars, prefix: s.Prefix}
	out := &Document{Version: Version2012} // and no Id, which identity policies do not have
	steps := make([]SpecializeStep, len(d.Statements))
	for i := range d.Statements {
		st, step := &d.Statements[i], &steps[i]
		*step = SpecializeStep{Index: i, Sid: st.Sid, Effect: st.Effect}
		if kept, ok := z.statement(st, step); ok {
			out.Statements = append(out.Statements, kept)
		}
	}
	if len(out.Statements) == 0 && s.Deny != "" {
		out.Statements = []Statement{{Sid: "NothingApplies", Effect: EffectDeny, Action: one("execute-api:Invoke"), Resource: one(s.Deny)}}
	}
	for i := range out.Statements {
		compileStatement(&out.Statements[i], Options{}, syntax{vars: true})
	}
	z.checkSize(out)
	if len(z.errs) > 0 {
		return nil, steps, errors.Join(z.errs...)
	}
	return out, steps, nil
}

type specializer struct {
	Specialization
	doc  *Document
	sx   syntax
	keys Keys // the claims looked up so far
	errs []error
}

func (z *specializer) fail(err error) {
	if len(z.errs) < maxErrors {
		z.errs = append(z.errs, err)
	}
}

func (z *specializer) checkSize(d *Document) {
	if len(z.errs) > 0 {
		return
	}
	text, err := d.MarshalJSON()
	if err != nil {
		z.fail(err)
	} else if len(text) > MaxPolicy {
		z.fail(&TooLongError{Index: -1, What: "the policy", Size: len(text), Max: MaxPolicy})
	}
}

// statement settles one statement; ok is false when it does not apply.
func (z *specializer) statement(st *Statement, step *SpecializeStep) (out Statement, ok bool) {
	st = z.compiled(st)
	out = Statement{Sid: st.Sid, Effect: st.Effect, Principal: st.Principal, NotPrincipal: st.NotPrincipal, Action: st.Action, NotAction: st.NotAction}
	var why []string
	for i := range st.Conditions {
		why = z.condition(&st.Conditions[i], &out, step, why)
	}
	z.resources(st, &out, step)
	if missing := z.missing(st); missing != "" && st.Effect == EffectAllow {
		why = append(why, missing+", and an Allow without its claim does not apply")
	} else if out.Resource.Given() && len(out.Resource.Items) == 0 && len(st.Resource.Items) > 0 {
		why = append(why, missing+", so that no resource is left")
	}
	if len(why) > 0 {
		step.Reason = strings.Join(why, "; ")
		return out, false
	}
	step.Kept, step.Reason = true, z.applies(st, step)
	step.Resources = slices.Concat(out.Resource.Items, out.NotResource.Items)
	return out, true
}

// compiled is the statement compiled with the prefix that is settled.
func (z *specializer) compiled(st *Statement) *Statement {
	if st.c != nil && z.doc.options.Prefix == z.sx.prefix {
		return st
	}
	d := Document{Version: z.doc.Version, options: z.doc.options}
	d.options.Prefix = z.sx.prefix
	return d.compiledCopy(st)
}

// applies says why a statement is kept.
func (z *specializer) applies(st *Statement, step *SpecializeStep) string {
	why := "it says nothing of the token"
	switch n := len(step.Conditions); {
	case n == 1:
		why = "its condition on the token holds"
	case n > 1:
		why = fmt.Sprintf("all %d conditions on the token hold", n)
	case z.mentions(st):
		why = "the claims it needs are there"
	}
	if missing := z.missing(st); missing != "" {
		why += "; " + missing + ", which is equal to nothing"
	}
	return why
}

// condition settles a condition on a claim, or puts the claims into one on
// something else. It returns the reasons against the statement.
func (z *specializer) condition(c *Condition, out *Statement, step *SpecializeStep, why []string) []string {
	z.fetch(c.c.key, c.c.claim)
	for _, text := range c.Values.Items {
		z.fetchAll(text)
	}
	if c.c.claim {
		ok := c.c.holds(z.keys)
		t := c.trace(z.keys, ok)
		step.Conditions = append(step.Conditions, t)
		if !ok {
			why = append(why, t.Reason)
		}
		return why
	}
	kept := Condition{Operator: c.Operator, Key: c.Key, Values: c.Values}
	if c.c.op.variables() {
		kept.Values = z.substituteAll(c.Values)
	}
	if op := c.c.op; len(kept.Values.Items) == 0 && len(c.Values.Items) > 0 && !op.negated && !op.ifExists && op.set != forAllValues {
		why = append(why, fmt.Sprintf("%s compares with claims that are not there", c.Key))
	}
	out.Conditions = append(out.Conditions, kept)
	return why
}

// resources expands and substitutes the resources of a statement.
func (z *specializer) resources(st *Statement, out *Statement, step *SpecializeStep) {
	if st.Resource.Given() {
		out.Resource = z.substituteAll(z.expand(st.Resource, step))
	}
	if st.NotResource.Given() {
		out.NotResource = z.substituteAll(z.expand(st.NotResource, step))
		if len(out.NotResource.Items) == 0 { // everything; said without an empty list
			out.NotResource, out.Resource = Strings{}, one("*")
		}
	}
	for _, text := range slices.Concat(out.Resource.Items, out.NotResource.Items) {
		if n := utf8.RuneCountInString(text); n > MaxResource {
			z.fail(&TooLongError{Index: step.Index, Sid: step.Sid, What: text, Size: n, Max: MaxResource})
		}
	}
}

// expand replaces the short resources of a list by ARNs.
func (z *specializer) expand(list Strings, step *SpecializeStep) Strings {
	out := Strings{Items: make([]string, 0, len(list.Items)), One: list.One}
	for i, text := range list.Items {
		if isShort(text) && (z.doc.options.Short != nil || z.Resource != nil) {
			long, err := z.long(text)
			if err != nil {
				z.failAt(list.at(i), step, err)
				continue
			}
			text = long
		}
		z.fetchAll(text)
		out.Items = append(out.Items, text)
	}
	return out
}

func (z *specializer) long(short string) (string, error) {
	if z.Resource == nil {
		return "", fmt.Errorf("a short resource cannot be expanded here: %s", cut(short))
	}
	return z.Resource(short)
}

func (z *specializer) failAt(n *source.Node, step *SpecializeStep, err error) {
	switch {
	case len(z.errs) >= maxErrors:
	case n != nil:
		z.fail(n.Errorf("%s", err.Error()))
	default:
		z.fail(fmt.Errorf("%s: %w", statementName(step.Index, step.Sid), err))
	}
}

// substituteAll puts the claims into a list. An item whose claim has no value is
// equal to nothing, and left out.
func (z *specializer) substituteAll(list Strings) Strings {
	out := Strings{Items: make([]string, 0, len(list.Items)), One: list.One}
	for _, text := range list.Items {
		if text, ok := z.substitute(text); ok {
			out.Items = append(out.Items, text)
		}
	}
	return out
}

func (z *specializer) substitute(text string) (string, bool) {
	if !z.sx.vars {
		return strings.ReplaceAll(text, "$", "${$}"), true // the result knows variables, this text does not
	}
	var b strings.Builder
	for {
		at := strings.Index(text, "${")
		if at < 0 {
			b.WriteString(text)
			return b.String(), true
		}
		before, after := text[:at], text[at:]
		v, n, ok := readVariable(after, z.sx.prefix)
		text = after
		if cut, dollar := strings.CutSuffix(before, "$"); dollar {
			before = cut + "${$}" // which a claim such as {aws:SourceIp} would make a variable
		}
		b.WriteString(before)
		switch {
		case !ok:
			n = 2
			b.WriteString("${$}{")
		case v.claim:
			value, ok := v.value(z.keys)
			if !ok {
				return "", false
			}
			b.WriteString(escape(value))
		default:
			b.WriteString(v.text)
		}
		text = text[n:]
	}
}

// fetch looks a claim up, once.
func (z *specializer) fetch(key string, claim bool) {
	if _, known := z.keys[key]; known || !claim || z.Lookup == nil {
		return
	}
	values, ok := z.Lookup(strings.TrimPrefix(key, z.sx.prefix))
	if !ok {
		values = nil
	}
	z.keys[key] = values
}

func (z *specializer) fetchAll(text string) {
	if z.sx.vars {
		eachVariable(text, z.sx.prefix, func(v *variable) { z.fetch(v.key, v.claim) })
	}
}

// missing names the first claim without a value that a statement mentions, or is
// empty.
func (z *specializer) missing(st *Statement) (why string) {
	z.eachClaim(st, func(v *variable) {
		if _, ok := v.value(z.keys); !ok && why == "" {
			why = v.text + " " + noValue(z.keys[v.key])
		}
	})
	return why
}

func (z *specializer) mentions(st *Statement) (found bool) {
	z.eachClaim(st, func(*variable) { found = true })
	return found
}

// eachClaim calls f with the variables of a statement that stand for claims.
func (z *specializer) eachClaim(st *Statement, f func(*variable)) {
	if !z.sx.vars {
		return
	}
	only := func(v *variable) {
		if v.claim {
			f(v)
		}
	}
	for _, text := range slices.Concat(st.Resource.Items, st.NotResource.Items) {
		eachVariable(text, z.sx.prefix, only)
	}
	for i := range st.Conditions {
		for _, text := range st.Conditions[i].Values.Items {
			eachVariable(text, z.sx.prefix, only)
		}
	}
}
