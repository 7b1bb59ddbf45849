package policy

import (
	"slices"
	"strings"

	"gatepass/pkg/source"
)

// gatewayKeys are the condition keys that a call through API Gateway has, in lower
// case (API Gateway: apigateway-resource-policies-aws-condition-keys; that policies
// of authorizers have them too is inferred).
func gatewayKeys() []string {
	return []string{
		"aws:currenttime", "aws:epochtime", "aws:referer", "aws:securetransport", "aws:sourcearn", "aws:sourceip",
		"aws:sourcevpc", "aws:sourcevpce", "aws:useragent",
	}
}

// absentKey reports whether a call through API Gateway never has the key.
func absentKey(key string) bool { return !slices.Contains(gatewayKeys(), key) }

// iamKey reports whether a key is there for callers that sign with IAM only (the
// same page).
func iamKey(key string) bool {
	for _, prefix := range []string{"aws:principal", "aws:multifactorauth"} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return key == "aws:tokenissuetime" || key == "aws:userid" || key == "aws:username"
}

// condition looks at one condition; seen are the keys of its operator so far, in
// lower case.
func (v *validator) condition(c *Condition, seen map[string]string) {
	op, _ := parseOperator(c.Operator)
	if want := canonicalOperator(c.Operator); want != c.Operator {
		v.add(c.node, Suggestion, "operator-case", "IAM documents this operator as %s, got %s", want, cut(c.Operator))
	}
	key, claim := canonicalKey(c.Key, v.sx.prefix)
	at := c.Operator + " " + key
	if first, twice := seen[at]; twice {
		v.add(c.node, Error, "duplicate-key", "%s and %s are one key: IAM refuses it twice under one operator", cut(first), cut(c.Key))
	}
	seen[at] = c.Key
	switch _, name, ok := strings.Cut(c.Key, ":"); {
	case !ok || name == "" || key[0] == ':':
		v.add(c.node, Error, "condition-key-format", "want a condition key such as aws:SourceIp, got %q", cut(c.Key))
	case !claim && v.d.options.Principals && iamKey(key):
		v.add(c.node, Suggestion, "condition-key-iam-only", "API Gateway has %s only for methods with IAM authorization", cut(c.Key))
	case !claim && absentKey(key):
		v.add(c.node, Warning, "condition-key-absent", "API Gateway never has %s here, so that %s", cut(c.Key), v.absentMeans(op))
	case !claim && op.set != noSet:
		v.add(c.node, Suggestion, "set-operator", "%s has one value at most: %s is for keys with several", cut(c.Key), setName(op))
	}
	if op.set == forAllValues && v.st.Effect == EffectAllow {
		v.add(c.node, Warning, "for-all-values-allow", "ForAllValues also holds when %s is absent: add \"Null\": {%q: \"false\"}", cut(c.Key), cut(c.Key))
	}
	v.values(c, op)
}

func setName(op operator) string {
	if op.set == forAllValues {
		return "ForAllValues"
	}
	return "ForAnyValue"
}

// absentMeans says what an operator does with a key that is never there.
func (v *validator) absentMeans(op operator) string {
	switch {
	case op.family == null:
		return "Null always answers the same"
	case op.absent():
		return "the condition always holds"
	}
	return "the condition never holds"
}

func (v *validator) values(c *Condition, op operator) {
	if len(c.Values.Items) == 0 {
		v.add(c.node, Suggestion, "empty-condition", "%s has no values to compare %s with", cut(c.Operator), cut(c.Key))
	}
	for i, text := range c.Values.Items {
		if v.full() {
			return
		}
		n := c.Values.at(i)
		v.value(n, c, op, text)
		v.variables(n, text, c.Operator)
	}
}

func (v *validator) value(n *source.Node, c *Condition, op operator, text string) {
	sx := v.sx
	sx.mode, sx.vars = op.mode(), sx.vars && op.variables()
	switch {
	case !op.variables() && v.sx.vars && strings.Contains(text, "${"):
		v.add(n, Warning, "variable-misplaced", "%s takes no variables: they are for string, ARN and Bool operators", cut(c.Operator))
	case !compileValue(op.family, text, sx).ok:
		v.add(n, Warning, "condition-value-type", "%q is not %s, so that %s never matches it", cut(text), op.family.noun(), cut(c.Operator))
	case (op.family == stringEquals || op.family == stringEqualsFold) && strings.ContainsAny(withoutVariables(text), "*?"):
		v.add(n, Suggestion, "wildcard-in-equals", "%s takes * and ? as they are; StringLike has wildcards: %q", cut(c.Operator), cut(text))
	case op.family == ipAddress:
		v.address(n, text)
	}
}

// address finds ranges whose address is not their first.
func (v *validator) address(n *source.Node, text string) {
	if p, ok := parsePrefix(text); ok && strings.Contains(text, "/") && !strings.HasPrefix(text, p.Addr().String()+"/") && p.Addr().Is4() && !strings.Contains(text, ":") {
		v.add(n, Suggestion, "address-range", "the range %s is that of %s", cut(text), p)
	}
}
