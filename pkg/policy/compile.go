package policy

import (
	"slices"
	"strings"
)

// compiled is what a decision needs of a statement.
type compiled struct {
	actions   []pattern
	resources []pattern
	// claims are the variables of an Allow that must have a value for it to apply at
	// all: a missing claim never widens.
	claims []*variable
	// variable says that a resource has a variable, other than that of a wildcard.
	variable bool
}

// compileStatement compiles a statement in place.
func compileStatement(st *Statement, o Options, sx syntax) {
	c := &compiled{}
	for _, text := range slices.Concat(st.Action.Items, st.NotAction.Items) {
		c.actions = append(c.actions, compile(text, syntax{mode: action}))
	}
	rx := sx
	rx.mode = resource
	for _, text := range slices.Concat(st.Resource.Items, st.NotResource.Items) {
		c.resources = append(c.resources, compileResource(text, o, rx))
		eachVariable(text, sx.prefix, func(v *variable) { c.variable = c.variable || v.key != "" })
		c.needs(text, st, sx)
	}
	for i := range st.Conditions {
		cond := &st.Conditions[i]
		op, _ := parseOperator(cond.Operator)
		cond.c = compileCondition(op, cond.Key, cond.Values.Items, sx)
		for _, text := range cond.Values.Items {
			c.needs(text, st, sx)
		}
	}
	st.c = c
}

func compileResource(text string, o Options, sx syntax) pattern {
	path, short := strings.CutPrefix(text, "execute-api:/")
	switch {
	case short && o.Principals:
		if o.API == "" {
			return never()
		}
		return compile(o.API+"/"+path, sx)
	case o.Short != nil && isShort(text):
		return never()
	}
	return compile(text, sx)
}

// needs notes the claims without default that an Allow mentions.
func (c *compiled) needs(text string, st *Statement, sx syntax) {
	if sx.prefix == "" || st.Effect != EffectAllow {
		return
	}
	eachVariable(text, sx.prefix, func(v *variable) {
		if v.claim && !v.hasDef {
			c.claims = append(c.claims, v)
		}
	})
}

// eachVariable calls f with the variables of a text.
func eachVariable(text, prefix string, f func(*variable)) {
	for {
		at := strings.Index(text, "${")
		if at < 0 {
			return
		}
		text = text[at:]
		v, n, ok := readVariable(text, prefix)
		if !ok {
			n = 2
		} else {
			f(v)
		}
		text = text[n:]
	}
}

// misplaced reports whether a variable stands where none may.
func (p *pattern) misplaced() bool {
	return slices.ContainsFunc(p.pieces, func(x piece) bool { return x.v != nil && x.v.misplaced && x.v.text != "" })
}
