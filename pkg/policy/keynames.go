package policy

import (
	"maps"
	"slices"
)

// DecideBare is Decide for a request whose Keys were not put together yet. It is not
// sure where a statement that looks at one is for this action, resource and
// principal: then it takes the Keys to decide.
func (d *Document) DecideBare(r *Request) (e Effect, sure bool) {
	for i := range d.Statements {
		st := &d.Statements[i]
		if st.c == nil {
			st = d.compiledCopy(st)
		}
		if st.Effect == EffectAllow && e == Allow {
			continue
		}
		if st.c.variable {
			return ImplicitDeny, false
		}
		if !st.matchesPrincipal(r, nil) || !st.matchesAction(r, nil) || !st.matchesResource(r, nil) {
			continue
		}
		switch {
		case len(st.Conditions) > 0:
			return ImplicitDeny, false
		case st.Effect != EffectAllow:
			return ExplicitDeny, true
		}
		e = Allow
	}
	return e, true
}

// KeyNames are the condition keys that a decision may look at, as they are in [Keys],
// sorted: those of conditions, and those of variables in resources and values. A
// document without any is decided by action, resource and principal alone.
func (d *Document) KeyNames() []string {
	if d == nil {
		return nil
	}
	names := map[string]bool{}
	note := func(texts []string) {
		for _, text := range texts {
			eachVariable(text, d.options.Prefix, func(v *variable) {
				if v.key != "" {
					names[v.key] = true
				}
			})
		}
	}
	for i := range d.Statements {
		st := &d.Statements[i]
		note(st.Resource.Items)
		note(st.NotResource.Items)
		for j := range st.Conditions {
			key, _ := canonicalKey(st.Conditions[j].Key, d.options.Prefix)
			names[key] = true
			note(st.Conditions[j].Values.Items)
		}
	}
	return slices.Sorted(maps.Keys(names))
}
