package authorizer

import (
	"encoding/json"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

// contextEntry is one key of the context with the template of its value.
type contextEntry struct {
	key   string
	value template
	// fixed is the value when it is no text at all, but a number or boolean.
	fixed *value
}

func (l *loader) context(n *source.Node) {
	switch n.Kind {
	case source.Null:
		return
	case source.Object:
	default:
		l.r.Failf(n, "want keys with their values, got %s", n.Kind)
		return
	}
	for i := range n.Members {
		l.contextMember(&n.Members[i])
	}
}

func (l *loader) contextMember(m *source.Member) {
	e := contextEntry{key: m.Key}
	switch m.Key {
	case "":
		l.r.Fail(m.Errorf("a key of the context is empty"))
	case "claims":
		err := m.Errorf("the key claims is reserved by API Gateway and cannot be used in the context")
		err.Hint = "name the claims the backend needs one by one"
		l.r.Fail(err)
	}
	switch v := m.Value; v.Kind {
	case source.String:
		e.value = parseTemplate(l.r, v)
	case source.Number, source.Bool:
		if !json.Valid([]byte(v.Text)) { // YAML has more ways to write a number
			l.r.Failf(v, "want a number as JSON has it, got %s", shorten(v.Text))
		}
		e.fixed = &value{v.Kind, v.Text}
	default:
		l.r.Failf(v, "want a string, number or boolean, got %s: API Gateway takes nothing else in the context", v.Kind)
	}
	l.f.context = append(l.f.context, e)
}

// lintContext finds keys that hide, or are hidden by, what API Gateway adds.
func (l *loader) lintContext(n *source.Node) {
	for i := range n.Members {
		switch key := n.Members[i].Key; key {
		case "principalId", "integrationLatency":
			l.find(n.Members[i].Value, -1, "context-key", policy.Warning,
				"API Gateway itself gives the backend %s next to the keys of the context", key)
		}
	}
}
