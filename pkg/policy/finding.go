package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"gatepass/pkg/source"
	"gatepass/pkg/urlpath"
)

// Severity grades a finding.
type Severity string

// The severities, as IAM Access Analyzer names them.
const (
	Error      Severity = "error"      // IAM would refuse to store the policy
	Warning    Severity = "warning"    // a part of it does something else than it looks like
	Suggestion Severity = "suggestion" // it can be said better
)

// Finding is something in a policy that its author should know.
type Finding struct {
	ID        string   `json:"id"` // stable, such as "wildcard-before-api"
	Severity  Severity `json:"severity"`
	Message   string   `json:"message"`   // one line, lower case
	Statement int      `json:"statement"` // its index, -1 for the whole document
	Sid       string   `json:"sid,omitempty"`
	File      string   `json:"file,omitempty"`
	Line      int      `json:"line,omitempty"`   // from 1; 0 when the document was not read from text
	Column    int      `json:"column,omitempty"` // from 1, in characters

	node *source.Node
}

// maxFindings bounds what is found: nobody reads more.
const maxFindings = 100

// Validate finds what parses but will not do what was meant, in the order of the
// document, at most a hundred findings.
func Validate(d *Document) []Finding {
	list := d.find(false)
	var nodes []*source.Node
	for i := range list {
		if n := list[i].node; n != nil {
			nodes = append(nodes, n)
		}
	}
	positions := source.Positions(nodes)
	for i := range list {
		if f := &list[i]; f.node != nil {
			f.File, f.Line, f.Column = f.node.Name(), positions[0].Line, positions[0].Column
			positions = positions[1:]
		}
	}
	return list
}

// find makes the findings, without positions; only those of severity Error if
// asked to.
func (d *Document) find(errorsOnly bool) []Finding {
	v := validator{d: d, errorsOnly: errorsOnly, sids: map[string]int{}}
	v.sx = d.options.syntax(d.Version)
	v.document()
	for i := range d.Statements {
		if v.full() {
			break
		}
		v.index, v.st = i, &d.Statements[i]
		v.statement()
	}
	return v.list
}

type validator struct {
	d          *Document
	errorsOnly bool
	sx         syntax
	index      int
	st         *Statement
	sids       map[string]int
	list       []Finding
}

func (v *validator) full() bool { return len(v.list) >= maxFindings }

func (v *validator) add(n *source.Node, s Severity, id, format string, args ...any) {
	if v.full() || v.errorsOnly && s != Error {
		return
	}
	f := Finding{ID: id, Severity: s, Message: fmt.Sprintf(format, args...), Statement: v.index, node: n}
	if v.st != nil {
		f.Sid = v.st.Sid
		if n == nil {
			f.node = v.st.node
		}
	}
	v.list = append(v.list, f)
}

func (v *validator) document() {
	d := v.d
	v.index = -1
	if d.ID != "" && !d.options.Principals {
		v.add(d.node, Warning, "id-in-identity-policy", "an Id belongs to resource policies; IAM refuses it elsewhere")
	}
	if d.Version == "" && d.options.Prefix == "" {
		v.add(d.node, Suggestion, "missing-version", "without a Version the policy is of %s and knows no variables: add %q", Version2008, Version2012)
	}
	if len(d.Statements) == 0 {
		v.add(d.node, Error, "empty-statement", "the policy has no statements and allows nothing: IAM refuses it, what API Gateway does is not documented")
	}
	if d.one && !d.options.Principals && d.options.Prefix == "" {
		v.add(d.node, Suggestion, "single-statement", "the Statement is an object: IAM takes it, but whether API Gateway does is not documented; write a list")
	}
	if v.errorsOnly {
		return
	}
	if text, err := d.MarshalJSON(); err == nil && len(text) > MaxPolicy {
		where := ""
		if !d.options.Principals {
			where = " in WebSocket APIs, and what it takes in others is not documented"
		}
		v.add(d.node, Warning, "policy-too-long", "the policy has %d bytes; the gateway takes %d%s", len(text), MaxPolicy, where)
	}
}

func (v *validator) statement() {
	st := v.st
	v.sid(st)
	v.principals(st)
	v.actions(&st.Action, "matches nothing")
	v.actions(&st.NotAction, "leaves out nothing: the statement is about every action")
	v.resources(&st.Resource, Suggestion, "matches nothing")
	v.resources(&st.NotResource, Warning, "leaves out nothing: the statement is about every resource")
	seen := map[string]string{}
	for i := range st.Conditions {
		v.condition(&st.Conditions[i], seen)
	}
}

func (v *validator) sid(st *Statement) {
	if st.Sid == "" {
		return
	}
	if first, twice := v.sids[st.Sid]; twice {
		v.add(st.node, Error, "duplicate-sid", "the Sid %q is that of statement %d too; IAM refuses that, what API Gateway does is not documented", cut(st.Sid), first+1)
	} else {
		v.sids[st.Sid] = v.index
	}
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == ' ' && v.d.options.Principals
	}
	if strings.ContainsFunc(st.Sid, func(r rune) bool { return !plain(r) }) {
		v.add(st.node, Error, "sid-characters", "IAM takes letters and digits in a Sid, got %q", cut(st.Sid))
	}
}

func (v *validator) principals(st *Statement) {
	if st.NotPrincipal != nil && st.Effect == EffectAllow {
		v.add(nil, Error, "not-principal-allow", "an Allow with NotPrincipal allows everybody else, anonymous callers too; AWS does not support it")
	}
	for _, p := range []*Principals{st.Principal, st.NotPrincipal} {
		if p == nil || p.Anyone {
			continue
		}
		if len(p.Kinds) == 0 {
			v.add(nil, Suggestion, "empty-principal", "the principal names nobody")
		}
		for _, k := range p.Kinds {
			v.principalIDs(k)
		}
	}
}

func (v *validator) principalIDs(k PrincipalsKind) {
	for i, id := range k.IDs.Items {
		switch {
		case id == "*":
		case strings.ContainsAny(id, "*?"):
			v.add(k.IDs.at(i), Error, "principal-wildcard", "a principal is named in full or is \"*\"; a wildcard inside it matches nobody: %s", cut(id))
		case k.Kind == "AWS" && !isAccount(id) && !strings.HasPrefix(id, "arn:") && !strings.HasPrefix(id, "A"):
			v.add(k.IDs.at(i), Error, "principal-format", "want the ARN of a principal, an account of twelve digits or \"*\", got %q", cut(id))
		}
	}
}

// actions looks at a list of actions; empty is what it does without any.
func (v *validator) actions(list *Strings, empty string) {
	if list.Given() && len(list.Items) == 0 {
		v.add(nil, Error, "empty-action", "the list of actions is empty and %s; IAM wants at least one", empty)
	}
	for i, text := range list.Items {
		service, name, ok := strings.Cut(text, ":")
		n := list.at(i)
		switch {
		case text == "*":
		case !ok || service == "" || name == "" || strings.Contains(name, ":"):
			v.add(n, Error, "action-format", "want an action such as execute-api:Invoke, got %q", cut(text))
		case strings.ContainsAny(service, "*?"):
			v.add(n, Error, "action-format", "the service of an action takes no wildcards: %s", cut(text))
		case !strings.EqualFold(service, "execute-api"):
			v.add(n, Warning, "action-other-service", "%s is not an action of a call through API Gateway (execute-api:…)", cut(text))
		case !v.errorsOnly && !anyAction(text):
			v.add(n, Warning, "action-unknown", "%s is not one of %s", cut(text), strings.Join(actionNames(), ", "))
		}
	}
}

// actionNames are the actions of a call (API Gateway:
// api-gateway-control-access-using-iam-policies-to-invoke-api,
// apigateway-websocket-control-access-iam).
func actionNames() []string {
	return []string{"execute-api:Invoke", "execute-api:InvalidateCache", "execute-api:ManageConnections"}
}

func anyAction(text string) bool {
	p := compile(text, syntax{mode: action})
	for _, name := range actionNames() {
		if p.match(name, nil) {
			return true
		}
	}
	return false
}

// resources looks at a list of resources; empty is what it does without any.
func (v *validator) resources(list *Strings, s Severity, empty string) {
	if list.Given() && len(list.Items) == 0 {
		v.add(nil, s, "empty-resource", "the list of resources is empty and %s", empty)
	}
	for i, text := range list.Items {
		if v.full() {
			return
		}
		v.resource(list.at(i), text)
	}
}

func (v *validator) resource(n *source.Node, text string) {
	if utf8.RuneCountInString(text) > MaxResource {
		v.add(n, Warning, "resource-too-long", "the resource has %d characters; the gateway takes %d", utf8.RuneCountInString(text), MaxResource)
	}
	v.variables(n, text, "")
	switch {
	case text == "*":
		if v.st.Effect == EffectAllow && v.d.options.Prefix == "" && !v.d.options.Principals {
			v.add(n, Suggestion, "all-resources", "an Allow for \"*\" allows every API of every account; name the API")
		}
		return
	case v.d.options.Principals && strings.HasPrefix(text, "execute-api:/"):
		return
	case v.d.options.Short != nil && isShort(text):
		return
	case !strings.HasPrefix(text, "arn:") && !strings.HasPrefix(text, "*"):
		v.add(n, Error, "resource-format", "want an ARN or \"*\", got %q", cut(text))
		return
	}
	v.arn(n, text)
}

// arn looks at the parts of the ARN of a method, route or connection.
func (v *validator) arn(n *source.Node, text string) {
	parts := strings.SplitN(v.flat(text), ":", 6)
	wild := wildcardBefore(parts)
	if wild && v.st.Effect == EffectAllow && !v.st.NotResource.Given() {
		v.add(n, Warning, "wildcard-before-api", "a wildcard before the id of the API can run into the path of another API: name region, account and API in %s", cut(text))
	}
	names := []string{"prefix", "partition", "service", "region", "account"}
	for i, check := range []func(string) bool{isWord("arn"), isPartition, isWord("execute-api"), isRegion, isAccount} {
		if i >= len(parts) {
			if last := parts[len(parts)-1]; !strings.HasSuffix(last, "*") {
				v.add(n, Warning, "resource-never-matches", "the ARN ends before its %s and matches no method: %s", names[i], cut(text))
			}
			return
		}
		if strings.ContainsAny(parts[i], "*?") {
			if i == 2 {
				v.add(n, Error, "service-wildcard", "IAM takes no wildcard for the service of an ARN: %s", cut(text))
			}
			if strings.HasSuffix(parts[i], "*") {
				return // it may run over what follows
			}
			continue
		}
		if !check(parts[i]) {
			v.add(n, Warning, "resource-never-matches", "%q is not the %s of an API: %s matches no method", cut(parts[i]), names[i], cut(text))
			return
		}
	}
	if len(parts) < 6 {
		v.add(n, Warning, "resource-never-matches", "the ARN ends before its API and matches no method: %s", cut(text))
		return
	}
	v.path(n, parts[5], text)
}

// flat replaces the variables of a text by a letter, so that their colons and
// braces are not taken for the ARN's.
func (v *validator) flat(text string) string {
	if !v.sx.vars || !strings.Contains(text, "${") {
		return text
	}
	var b strings.Builder
	for text != "" {
		if strings.HasPrefix(text, "${") {
			if _, n, ok := readVariable(text, v.sx.prefix); ok {
				b.WriteByte('x')
				text = text[n:]
				continue
			}
		}
		b.WriteByte(text[0])
		text = text[1:]
	}
	return b.String()
}

// wildcardBefore reports whether a wildcard stands before the end of the API's id.
func wildcardBefore(parts []string) bool {
	for _, p := range parts[:min(len(parts), 5)] {
		if strings.ContainsAny(p, "*?") {
			return true
		}
	}
	if len(parts) < 6 {
		return false
	}
	api, _, _ := strings.Cut(parts[5], "/")
	return strings.ContainsAny(api, "*?")
}

// path looks at API/STAGE/METHOD/PATH.
func (v *validator) path(n *source.Node, tail, text string) {
	parts := strings.SplitN(tail, "/", 4)
	if len(parts) < 3 {
		if !strings.ContainsAny(tail, "*") {
			v.add(n, Warning, "resource-never-matches", "%s has no stage and method (API/STAGE/METHOD/path) and matches no request", cut(text))
		}
		return
	}
	switch method := parts[2]; {
	case strings.Contains(parts[0]+parts[1], "*"):
	case len(parts) == 4 && method != strings.ToUpper(method) && !strings.ContainsAny(method, "*?"):
		v.add(n, Warning, "resource-never-matches", "methods are in upper case: want %s, got %s in %s", strings.ToUpper(method), cut(method), cut(text))
	case len(parts) == 4 && method == "ANY":
		v.add(n, Warning, "resource-never-matches", "the ARN of a request has its own method, never ANY: write * in %s", cut(text))
	}
	if len(parts) < 4 {
		return
	}
	switch path := parts[3]; {
	case urlpath.Plain(path) != path:
		v.add(n, Warning, "resource-never-matches", "paths are compared without percent-encoding that they do not need (API Gateway: not documented): want %s in %s", cut(urlpath.Plain(path)), cut(text))
	case strings.HasPrefix(path, "/"):
		v.add(n, Warning, "resource-never-matches", "the path has an empty part: %s", cut(text))
	case strings.Contains(path, "{") && strings.Contains(path, "}"):
		v.add(n, Warning, "resource-never-matches", "{…} of a route is literal here, and the ARN of a request has its own path: write * in %s", cut(text))
	}
}

func isWord(word string) func(string) bool { return func(s string) bool { return s == word } }

func isPartition(s string) bool { return s == "aws" || strings.HasPrefix(s, "aws-") }

// isRegion reports whether s looks like a region: lower case, digits, hyphens.
func isRegion(s string) bool {
	return strings.Contains(s, "-") && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) < 0
}

// variables looks at the variables of a text; op is the operator, or empty.
func (v *validator) variables(n *source.Node, text, op string) {
	if !strings.Contains(text, "${") {
		return
	}
	if !v.sx.vars {
		v.add(n, Warning, "variable-in-2008", "variables need the Version %q; here %s is literal text", Version2012, cut(text))
		return
	}
	eachVariable(text, v.sx.prefix, func(x *variable) {
		iam := v.d.options.Principals && iamKey(x.key)
		switch {
		case x.char != 0 || x.claim || x.hasDef || iam:
		case absentKey(x.key):
			v.add(n, Warning, "variable-without-value", "%s has no value at API Gateway, so that this matches nothing", cut(x.text))
		}
	})
	if op != "" || !strings.HasPrefix(text, "arn:") {
		return
	}
	if p := compile(text, syntax{mode: resource, vars: true, prefix: v.sx.prefix}); p.misplaced() {
		v.add(n, Warning, "variable-misplaced", "a variable may stand only behind the fifth colon of an ARN: %s", cut(text))
	}
}
