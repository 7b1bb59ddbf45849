package policy_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"gatepass/pkg/policy"
)

// generator makes policies about tokens, and requests near to what they speak of.
type generator struct{ *rand.Rand }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

func (g generator) text() string {
	var b strings.Builder
	for range 1 + g.IntN(3) {
		b.WriteString(pick(g, "a", "b", "*", "?", "$", "{", "}", "/", ":", "1", "${jwt:a}", "${jwt:b}", "${jwt:c, 'a'}", "${aws:UserAgent}", "${*}", "${aws:Referer, '*'}"))
	}
	return b.String()
}

func (g generator) value() string {
	return pick(g, "", "a", "b", "ab", "*", "a*", "?", "$", "{aws:UserAgent}", "1", "1.0", "true", "2026-01-01", "192.0.2.1", "a/b", "a:b")
}

func (g generator) list(item func() string) any {
	if g.IntN(3) == 0 {
		return item()
	}
	list := []string{}
	for range g.IntN(3) {
		list = append(list, item())
	}
	return list
}

func (g generator) operator() string {
	base := pick(g, "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
		"NumericEquals", "NumericNotEquals", "NumericLessThan", "DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress", "NotIpAddress",
		"ArnLike", "ArnNotEquals", "Null")
	if base == "Null" {
		return base
	}
	return pick(g, "", "", "ForAnyValue:", "ForAllValues:") + base + pick(g, "", "", "IfExists")
}

func (g generator) statement() map[string]any {
	condition := map[string]any{}
	for range g.IntN(3) {
		op, key := g.operator(), pick(g, "jwt:a", "jwt:b", "aws:UserAgent", "aws:Referer")
		item := func() string { return pick(g, g.value(), g.text()) }
		if op == "Null" {
			item = func() string { return pick(g, "true", "false") }
		}
		condition[op] = map[string]any{key: g.list(item)}
	}
	st := map[string]any{"Effect": pick(g, "Allow", "Deny"), "Condition": condition}
	resources := g.list(func() string { return pick(g, "*", api+"/p/GET/"+g.text(), "arn:aws:execute-api:*:"+g.text()) })
	st[pick(g, "Resource", "Resource", "NotResource")] = resources
	return st
}

func (g generator) keys() []string {
	switch g.IntN(4) {
	case 0:
		return nil
	case 1:
		return []string{g.value(), g.value()}
	}
	return []string{g.value()}
}

// Specialize, then decide, is to decide with the claims as keys; and what is
// printed decides the same.
func TestSpecializeProperty(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(1, 2))}
	parsed, seen := 0, map[policy.Effect]int{}
	for range 8000 {
		body, err := json.Marshal(map[string]any{"Statement": []any{
			map[string]any{"Effect": pick(g, "Allow", "Deny"), "Resource": pick(g, "*", api+"/p/GET/a")}, g.statement(), g.statement(),
		}})
		if err != nil {
			t.Fatal(err)
		}
		d, err := parse(t, string(body), policy.Options{Action: invoke, Prefix: "jwt:"})
		if err != nil {
			continue // a variable where none may be
		}
		parsed++
		token := map[string][]string{"a": g.keys(), "b": g.keys()}
		request := policy.Request{Action: invoke, Resource: api + "/p/GET/" + pick(g, g.value(), g.text()), Keys: policy.Keys{
			"aws:useragent": g.keys(), "aws:referer": g.keys(),
		}}
		direct := request
		direct.Keys = policy.Keys{"jwt:a": token["a"], "jwt:b": token["b"]}
		for k, v := range request.Keys {
			direct.Keys[k] = v
		}
		s, steps, err := policy.Specialize(d, policy.Specialization{Lookup: claims(token)})
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		want := decide(t, d, direct)
		seen[want]++
		if got := decide(t, s, request); got != want {
			t.Fatalf("%s\nwith %v, %s: %v\nspecialized %s: %v\n%+v", body, direct.Keys, request.Resource, want, out, got, steps)
		}
		if got := decide(t, mustParse(t, string(out), policy.Options{}), request); got != want {
			t.Fatalf("%s decides %v when it is read again, not %v", out, got, want)
		}
	}
	if parsed < 4000 || seen[policy.Allow] < 200 || seen[policy.ExplicitDeny] < 200 || seen[policy.ImplicitDeny] < 200 {
		t.Errorf("of 8000 policies %d parsed, deciding %v: the generator tests too little", parsed, seen)
	}
}
