package authorizer

import (
	"fmt"
	"strings"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// lint finds what the file as a whole leaves open.
func (l *loader) lint(n *source.Node) {
	if n.Get("tokens") == nil {
		l.find(n, -1, "no-tokens", policy.Warning, "the file names no tokens: only made-up claims can be decided, every real token is refused")
	}
	for i := range l.f.tokens {
		for _, alg := range l.f.tokens[i].Algorithms {
			if strings.HasPrefix(alg, "HS") {
				l.find(n.Get("tokens"), -1, "shared-secret", policy.Warning,
					"%s takes a secret that whoever verifies tokens could make them with", alg)
			}
		}
		if l.f.tokens[i].Use != token.AccessUse {
			l.find(n.Get("tokens"), -1, "id-token", policy.Suggestion,
				"ID tokens are for the app that logs somebody in: an API is better asked with access tokens")
		}
	}
	if c := n.Get("context"); c != nil {
		l.lintContext(c)
	}
}

// lintResource finds resources that can be read but do not say what they seem to.
func (l *loader) lintResource(n *source.Node, statement int, s short, isShort bool) {
	if !isShort {
		return
	}
	if i := indexByte(s.path, '?'); i >= 0 && i+1 < len(s.path) && indexByte(s.path[i:], '=') >= 0 {
		l.find(n, statement, "query-in-resource", policy.Warning,
			"the ? in %q stands for any one character: the query of a request is not part of its ARN", shorten(n.Text))
	}
}

// indexByte is where c is in s outside of variables, or -1.
func indexByte(s string, c byte) int {
	inside := false
	for i := range len(s) {
		switch {
		case s[i] == '$' && i+1 < len(s) && s[i+1] == '{':
			inside = true
		case s[i] == '}':
			inside = false
		case s[i] == c && !inside:
			return i
		}
	}
	return -1
}

// find records a finding.
func (l *loader) find(n *source.Node, statement int, id string, s policy.Severity, format string, args ...any) {
	pos := n.Pos()
	l.f.findings = append(l.f.findings, policy.Finding{
		ID: id, Severity: s, Message: fmt.Sprintf(format, args...), Statement: statement,
		File: n.Name(), Line: pos.Line, Column: pos.Column,
	})
}
