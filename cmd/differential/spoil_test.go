package differential

import (
	"encoding/json"
	"strings"
)

// spoil makes a policy that AWS would not accept.
func (g generator) spoil(q *question) {
	var doc map[string]any
	if err := json.Unmarshal(q.policyJSON(), &doc); err != nil {
		panic(err)
	}
	list, _ := doc["Statement"].([]any)
	st, _ := list[g.r.IntN(len(list))].(map[string]any)
	all := spoilers()
	names := make([]string, 0, len(all))
	for _, s := range all {
		names = append(names, s.name)
	}
	q.broken = pick(g, names...)
	for _, s := range all {
		if s.name == q.broken {
			s.do(doc, st)
		}
	}
	data, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	q.raw = data
}

type spoiler struct {
	name string
	do   func(doc, st map[string]any)
}

func spoilers() []spoiler {
	set := func(key string, value any) func(_, st map[string]any) {
		return func(_, st map[string]any) { st[key] = value }
	}
	return []spoiler{
		{"lower-case statement", func(doc, _ map[string]any) { rename(doc, "Statement", "statement") }},
		{"lower-case effect member", func(_, st map[string]any) { rename(st, "Effect", "effect") }},
		{"lower-case effect", func(_, st map[string]any) { st["Effect"] = strings.ToLower(st["Effect"].(string)) }},
		{"unknown member", set("Resources", "*")},
		{"unknown version", func(doc, _ map[string]any) { doc["Version"] = "2020-01-01" }},
		{"version of another type", func(doc, _ map[string]any) { doc["Version"] = 2012 }},
		{"no effect", func(_, st map[string]any) { delete(st, "Effect") }},
		{"no statement", func(doc, _ map[string]any) { delete(doc, "Statement") }},
		{"statement is a string", func(doc, _ map[string]any) { doc["Statement"] = "Allow" }},
		{"no action", func(_, st map[string]any) { delete(st, "Action"); delete(st, "NotAction") }},
		{"two actions", func(_, st map[string]any) { st["Action"], st["NotAction"] = "*", "*" }},
		{"action is a number", func(_, st map[string]any) { delete(st, "NotAction"); st["Action"] = 5 }},
		{"action without vendor", func(_, st map[string]any) { delete(st, "NotAction"); st["Action"] = "Invoke" }},
		{"action with two colons", func(_, st map[string]any) { delete(st, "NotAction"); st["Action"] = "a:b:c" }},
		{"wildcard vendor", func(_, st map[string]any) { delete(st, "NotAction"); st["Action"] = "*:Invoke" }},
		{"empty action list", func(_, st map[string]any) { delete(st, "NotAction"); st["Action"] = []string{} }},
		{"two resources", func(_, st map[string]any) { st["Resource"], st["NotResource"] = "*", "*" }},
		{"resource is an object", func(_, st map[string]any) { delete(st, "NotResource"); st["Resource"] = map[string]any{} }},
		{"resource is no ARN", func(_, st map[string]any) { delete(st, "NotResource"); st["Resource"] = "GET /pets" }},
		{"condition is a list", set("Condition", []string{})},
		{"condition value is an object", set("Condition", map[string]any{"StringEquals": map[string]any{"aws:username": map[string]any{}}})},
		{"unknown operator", set("Condition", map[string]any{"StringMatches": map[string]any{"aws:username": "ann"}})},
		{"unknown set operator", set("Condition", map[string]any{"ForSomeValues:StringEquals": map[string]any{"aws:username": "ann"}})},
		{"Null with IfExists", set("Condition", map[string]any{"NullIfExists": map[string]any{"aws:username": "true"}})},
		{"key without vendor", set("Condition", map[string]any{"StringEquals": map[string]any{"username": "ann"}})},
		{"sid with a hyphen", set("Sid", "not-plain")},
		{"two equal sids", func(doc, st map[string]any) {
			st["Sid"] = "Same"
			doc["Statement"] = []any{st, st}
		}},
		{"principal where none may be", func(_, st map[string]any) { delete(st, "Principal"); st["principal"] = "*" }},
		{"no statements", func(doc, _ map[string]any) { doc["Statement"] = []any{} }},
	}
}

func rename(m map[string]any, from, to string) {
	m[to] = m[from]
	delete(m, from)
}
