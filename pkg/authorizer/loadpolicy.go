package authorizer

import (
	"errors"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

// invoke is the action of a request to an API, and what a statement without an
// action is about.
const invoke = "execute-api:Invoke"

// policy reads the policy of the file.
func (l *loader) policy(n *source.Node) {
	d, err := policy.Parse(n, policy.Options{
		Action: invoke,
		Prefix: claimPrefix,
		Short: func(resource string) error {
			_, _, err := parseShort(resource)
			return err
		},
	})
	if err != nil {
		for _, e := range unjoin(err) {
			l.r.Fail(e)
		}
		return
	}
	l.f.policy = d
	for i, s := range statements(n) {
		for _, member := range []string{"Resource", "NotResource"} {
			for _, res := range items(s.Get(member)) {
				l.resource(res, i, s.Get("Sid"))
			}
		}
	}
	l.sizes(n)
	l.f.findings = append(l.f.findings, policy.Validate(d)...)
}

// resource checks what can be known of a resource before there is a request.
func (l *loader) resource(n *source.Node, statement int, sid *source.Node) {
	name := ""
	if sid != nil {
		name = sid.Text
	}
	s, isShort, err := parseShort(n.Text)
	if err != nil && !isShort {
		l.r.Fail(n.Errorf("%s", err)) // those of short resources policy.Parse has reported
	}
	if err != nil {
		return
	}
	text := n.Text
	if isShort {
		// The shortest place there is: what the gateway puts before a path is
		// longer than this.
		text = place{partition: "aws", region: "eu-west-1", account: "123456789012", api: "abcdefghij", stage: "v"}.expand(s)
	}
	if size := least(text); size > policy.MaxResource {
		l.r.Failf(n, "a resource of %s has %d characters or more as an ARN, and API Gateway takes %d",
			statementName(statement, name), size, policy.MaxResource)
	}
	l.lintResource(n, statement, s, isShort)
}

// sizes refuses a policy of which more than API Gateway takes stands in
// statements that apply to every token.
func (l *loader) sizes(n *source.Node) {
	total := 0
	for i, s := range statements(n) {
		size, fixed := 0, true
		for _, member := range []string{"Resource", "NotResource"} {
			for _, res := range items(s.Get(member)) {
				size += least(res.Text) + len(`"",`)
				fixed = fixed && least(res.Text) == len([]rune(res.Text))
			}
		}
		if !fixed || s.Get("Condition") != nil {
			continue
		}
		if total += size; total > policy.MaxPolicy {
			name := ""
			if sid := s.Get("Sid"); sid != nil {
				name = sid.Text
			}
			l.r.Failf(s, "with %s, the statements that apply to every token have more than %d bytes, which is what API Gateway takes",
				statementName(i, name), policy.MaxPolicy)
			return
		}
	}
}

// statements are the nodes of the statements, one object or a list of them.
func statements(n *source.Node) []*source.Node { return items(n.Get("Statement")) }

// items are a list's items, or the node itself when it is no list.
func items(n *source.Node) []*source.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == source.List:
		return n.Items
	}
	return []*source.Node{n}
}

// unjoin takes joined errors apart.
func unjoin(err error) []error {
	var j interface{ Unwrap() []error }
	if !errors.As(err, &j) {
		return []error{err}
	}
	var all []error
	for _, e := range j.Unwrap() {
		all = append(all, unjoin(e)...)
	}
	return all
}
