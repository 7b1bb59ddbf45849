package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatepass/pkg/source"
)

// Options say what kind of policy is parsed. The zero value is an identity-style
// policy as an authorizer returns it.
type Options struct {
	// Principals makes it a resource policy: every statement has a Principal or
	// NotPrincipal. Otherwise none may have one.
	Principals bool
	// Action is the action of a statement without Action and NotAction. When it is
	// empty such a statement is a mistake.
	Action string
	// Prefix, "jwt:" in an authorizer file, marks the condition keys and variables
	// that [Specialize] settles. With it the language is that of 2012-10-17, and a
	// missing claim never widens anything: an Allow that needs one does not apply.
	Prefix string
	// Short checks a resource that is neither an ARN nor "*", such as "GET /pets".
	// Such a resource is kept as it is and matches nothing until [Specialize]
	// expands it. Nil takes no short resources.
	Short func(resource string) error
	// API is the ARN of an API up to its id. It expands the short form of resource
	// policies, "execute-api:/stage/METHOD/path" (API Gateway:
	// apigateway-resource-policies-examples). Empty: such a resource matches nothing.
	API string
	// Strict makes mistakes of the findings of severity Error: what IAM would refuse
	// to store although it can be read.
	Strict bool
}

// syntax is how texts of a document of this version are read.
func (o Options) syntax(version string) syntax {
	return syntax{vars: version == Version2012 || o.Prefix != "" && version == "", prefix: o.Prefix}
}

// maxErrors is how many mistakes of a policy are told at once.
const maxErrors = 10

// Parse reads a policy. What API Gateway could not read is an error, a *source.Error
// for each of the first mistakes, joined; what it reads but will not do as meant is
// left to [Validate]. The members are those of the IAM grammar and no others, and
// their case counts (IAM: reference_policies_grammar). The version of a document
// without one is 2008-10-17, which knows no variables (IAM:
// reference_policies_elements_version); with Options.Prefix it is 2012-10-17.
//
// A statement may stand alone instead of in a list, as in IAM; whether API Gateway
// takes that is not documented (inferred).
func Parse(n *source.Node, o Options) (*Document, error) {
	p := parser{o: o}
	d := p.document(n)
	if o.Strict && len(p.errs) == 0 {
		p.strict(d)
	}
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	return d, nil
}

type parser struct {
	o    Options
	sx   syntax
	errs []error
}

// full reports whether enough was found. Positions cost time linear in the
// document, so that there must not be many.
func (p *parser) full() bool { return len(p.errs) >= maxErrors }

func (p *parser) failf(n *source.Node, format string, args ...any) {
	if !p.full() {
		p.errs = append(p.errs, n.Errorf(format, args...))
	}
}

func (p *parser) strict(d *Document) {
	for _, f := range d.find(true) {
		if f.Severity == Error && f.node != nil {
			p.failf(f.node, "%s", f.Message)
		}
	}
}

func (p *parser) document(n *source.Node) *Document {
	d := &Document{options: p.o, node: n}
	if !p.object(n, "a policy") {
		return d
	}
	known := []string{"Version", "Id", "Statement"}
	var statement *source.Node
	for i := range n.Members {
		m := &n.Members[i]
		switch p.member(m, known) {
		case "Version":
			p.version(d, m.Value)
		case "Id":
			d.ID = p.text(m.Value)
		case "Statement":
			statement = m.Value
		}
	}
	if statement == nil {
		p.failf(n, "a policy needs a Statement")
		return d
	}
	p.sx = p.o.syntax(d.Version)
	p.statements(d, statement)
	return d
}

func (p *parser) version(d *Document, n *source.Node) {
	d.Version = p.text(n)
	switch {
	case n.Kind != source.String:
	case d.Version == Version2012:
	case d.Version != Version2008:
		p.failf(n, "want the Version %q (or %q), got %q", Version2012, Version2008, d.Version)
	case p.o.Prefix != "":
		p.failf(n, "want the Version %q: conditions and variables of a token need it", Version2012)
	}
}

func (p *parser) statements(d *Document, n *source.Node) {
	switch n.Kind {
	case source.Object:
		d.one = true
		d.Statements = []Statement{p.statement(n)}
	case source.List:
		d.Statements = make([]Statement, 0, len(n.Items))
		for _, it := range n.Items {
			if p.full() {
				return
			}
			d.Statements = append(d.Statements, p.statement(it))
		}
	default:
		p.failf(n, "want a list of statements, got %s", n.Kind)
	}
}

func (p *parser) statement(n *source.Node) Statement {
	st := Statement{node: n}
	if !p.object(n, "a statement") {
		return st
	}
	known := []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
	for i := range n.Members {
		m := &n.Members[i]
		switch p.member(m, known) {
		case "Sid":
			st.Sid = p.text(m.Value)
		case "Effect":
			st.Effect = p.effect(m.Value)
		case "Principal":
			st.Principal = p.principals(m)
		case "NotPrincipal":
			st.NotPrincipal = p.principals(m)
		case "Action":
			st.Action = p.strings(m.Value)
		case "NotAction":
			st.NotAction = p.strings(m.Value)
		case "Resource":
			st.Resource = p.strings(m.Value)
		case "NotResource":
			st.NotResource = p.strings(m.Value)
		case "Condition":
			st.Conditions = p.conditions(m.Value)
		}
	}
	if !p.full() {
		p.complete(&st, n)
		compileStatement(&st, p.o, p.sx)
		p.checkClaims(&st)
		p.checkShort(&st)
	}
	return st
}

// complete checks that a statement has what it needs once, and fills in what the
// options give.
func (p *parser) complete(st *Statement, n *source.Node) {
	if st.Effect == "" && p.lacks(n, "Effect") {
		p.failf(n, "a statement needs an Effect: Allow or Deny")
	}
	if !st.Action.Given() && !st.NotAction.Given() && p.o.Action != "" {
		st.Action = one(p.o.Action)
	}
	p.oneOf(n, "Action", "NotAction", st.Action.Given() || st.NotAction.Given())
	p.oneOf(n, "Resource", "NotResource", st.Resource.Given() || st.NotResource.Given())
	if p.o.Principals {
		p.oneOf(n, "Principal", "NotPrincipal", false)
	}
}

// oneOf checks that a statement has one of two members. The mistake of having it
// in the wrong case is told already.
func (p *parser) oneOf(n *source.Node, name, not string, given bool) {
	switch has, hasNot := !p.lacks(n, name), !p.lacks(n, not); {
	case has && hasNot:
		p.failf(n, "a statement has %s or %s, not both", name, not)
	case !has && !hasNot && !given:
		p.failf(n, "a statement needs %s or %s", name, not)
	}
}

// lacks reports whether an object has no member of that name in any case.
func (p *parser) lacks(n *source.Node, name string) bool {
	return !slices.ContainsFunc(n.Members, func(m source.Member) bool { return strings.EqualFold(m.Key, name) })
}

// object checks that the node is an object.
func (p *parser) object(n *source.Node, what string) bool {
	if n.Kind != source.Object {
		p.failf(n, "%s must be an object, got %s", what, n.Kind)
	}
	return n.Kind == source.Object
}

// member returns the known name a key stands for, or "". The wrong case is a
// mistake, behind which the value is checked all the same.
func (p *parser) member(m *source.Member, known []string) string {
	if slices.Contains(known, m.Key) {
		return m.Key
	}
	if p.full() {
		return ""
	}
	for _, k := range known {
		if strings.EqualFold(k, m.Key) {
			p.errs = append(p.errs, m.Errorf("member names are case-sensitive: want %q, got %q", k, m.Key))
			return k
		}
	}
	err := m.Errorf("unknown member %q", m.Key)
	err.Hint = "known here: " + strings.Join(known, ", ")
	if near := source.Nearest(m.Key, known); near != "" {
		err.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	p.errs = append(p.errs, err)
	return ""
}

func (p *parser) text(n *source.Node) string {
	if n.Kind != source.String {
		p.failf(n, "want a string, got %s", n.Kind)
		return ""
	}
	return n.Text
}

func (p *parser) effect(n *source.Node) string {
	switch {
	case n.Kind != source.String:
		p.failf(n, "want the Effect Allow or Deny, got %s", n.Kind)
	case n.Text == EffectAllow || n.Text == EffectDeny:
	case strings.EqualFold(n.Text, EffectAllow), strings.EqualFold(n.Text, EffectDeny):
		p.failf(n, "effects are case-sensitive: want Allow or Deny, got %q", n.Text)
	default:
		p.failf(n, "want the Effect Allow or Deny, got %q", n.Text)
	}
	return n.Text
}

// strings reads a string or a list of strings; further kinds may stand for the
// string they are written as.
func (p *parser) strings(n *source.Node, also ...source.Kind) Strings {
	items := []*source.Node{n}
	if n.Kind == source.List {
		items = n.Items
	}
	s := Strings{Items: make([]string, 0, len(items)), One: n.Kind != source.List, nodes: items}
	for _, it := range items {
		switch {
		case it.Kind == source.String || slices.Contains(also, it.Kind):
			s.Items = append(s.Items, it.Text)
		case n.Kind == source.List:
			p.failf(it, "want a string, got %s", it.Kind)
		default:
			p.failf(it, "want a string or a list of strings, got %s", it.Kind)
		}
	}
	return s
}

func (p *parser) principals(m *source.Member) *Principals {
	n, out := m.Value, &Principals{}
	switch {
	case !p.o.Principals:
		if !p.full() {
			p.errs = append(p.errs, m.Errorf("%s is for resource policies only: here the principal is whoever has the token", m.Key))
		}
	case n.Kind == source.String && n.Text == "*":
		out.Anyone = true
	case n.Kind != source.Object:
		p.failf(n, `want "*" or an object such as {"AWS": …}`)
	default:
		for i := range n.Members {
			if kind := p.member(&n.Members[i], principalKinds()); kind != "" {
				ids := p.strings(n.Members[i].Value, source.Number) // YAML makes numbers of accounts
				out.Kinds = append(out.Kinds, PrincipalsKind{Kind: kind, IDs: ids})
			}
		}
	}
	return out
}

func (p *parser) conditions(n *source.Node) []Condition {
	var list []Condition
	if !p.object(n, "a Condition") {
		return nil
	}
	for i := range n.Members {
		m := &n.Members[i]
		if p.full() {
			break
		}
		if _, ok := parseOperator(m.Key); !ok {
			p.unknownOperator(m)
			continue
		}
		if !p.object(m.Value, m.Key) {
			continue
		}
		for j := range m.Value.Members {
			k := &m.Value.Members[j]
			values := p.strings(k.Value, source.Number, source.Bool)
			list = append(list, Condition{Operator: m.Key, Key: k.Key, Values: values, node: k.Value})
		}
	}
	return list
}

func (p *parser) unknownOperator(m *source.Member) {
	err := m.Errorf("unknown condition operator %q", m.Key)
	name := m.Key[strings.LastIndexByte(m.Key, ':')+1:]
	switch near := source.Nearest(strings.TrimSuffix(name, "IfExists"), baseNames()); {
	case strings.EqualFold(strings.TrimSuffix(name, "IfExists"), "Null"):
		err.Hint = "Null takes neither a set operator nor IfExists"
	case near != "" && !strings.EqualFold(near, name):
		err.Hint = fmt.Sprintf("did you mean %q?", near)
	case name != m.Key:
		err.Hint = "the set operators are ForAnyValue: and ForAllValues:"
	}
	p.errs = append(p.errs, err)
}

// checkClaims refuses, in a policy that speaks of a token, what [Specialize] could
// not settle without changing its meaning.
func (p *parser) checkClaims(st *Statement) {
	if p.o.Prefix == "" {
		return
	}
	for _, list := range []*Strings{&st.Resource, &st.NotResource} {
		for i, text := range list.Items {
			if st.c.resources[i].misplaced() {
				p.failf(list.at(i), "a variable may stand only behind the fifth colon of an ARN: %s", text)
			}
		}
	}
	for i := range st.Conditions {
		p.checkClaimCondition(&st.Conditions[i])
	}
}

func (p *parser) checkClaimCondition(c *Condition) {
	for i, text := range c.Values.Items {
		n := c.Values.at(i)
		eachVariable(text, p.o.Prefix, func(v *variable) {
			switch {
			case v.claim && !c.c.op.variables():
				p.failf(n, "%s takes no variables: they are for string, ARN and Bool operators", c.Operator)
			case !v.claim && v.char == 0 && c.c.claim:
				p.failf(n, "a condition on %s is settled before the request is known: it cannot use %s", c.Key, v.text)
			}
		})
	}
}

// checkShort lets the caller check the short resources.
func (p *parser) checkShort(st *Statement) {
	if p.o.Short == nil {
		return
	}
	for _, list := range []*Strings{&st.Resource, &st.NotResource} {
		for i, text := range list.Items {
			if !isShort(text) || p.full() {
				continue
			}
			if err := p.o.Short(text); err != nil {
				p.failf(list.at(i), "%s", err.Error())
			}
		}
	}
}

// isShort reports whether a resource of an authorizer file is to be expanded.
func isShort(resource string) bool {
	return resource != "*" && !strings.HasPrefix(resource, "arn:")
}
