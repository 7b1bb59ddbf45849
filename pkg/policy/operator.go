package policy

import "strings"

// family is what an operator compares.
type family uint8

const (
	stringEquals family = iota
	stringEqualsFold
	stringLike
	numeric
	date
	boolean
	binary
	ipAddress
	arnLike
	null
)

// relation is which results of a comparison an ordering operator accepts.
type relation uint8

const (
	equal relation = iota
	less
	lessEqual
	greater
	greaterEqual
)

func (r relation) holds(compared int) bool {
	switch r {
	case less:
		return compared < 0
	case lessEqual:
		return compared <= 0
	case greater:
		return compared > 0
	case greaterEqual:
		return compared >= 0
	}
	return compared == 0
}

// set is the qualifier of an operator for keys with several values.
type set uint8

const (
	noSet set = iota
	forAnyValue
	forAllValues
)

// operator is a parsed condition operator.
type operator struct {
	family   family
	relation relation
	negated  bool
	ifExists bool
	set      set
}

// variables reports whether policy variables are replaced in the operator's
// values: those of string, ARN and Bool operators (IAM:
// reference_policies_elements_condition_operators says so for each operator;
// reference_policies_variables leaves Bool out).
func (o operator) variables() bool {
	return o.family <= stringLike || o.family == arnLike || o.family == boolean
}

func (o operator) mode() mode {
	switch o.family {
	case stringLike:
		return like
	case arnLike:
		return arn
	}
	return exact
}

// baseNames are the operators as IAM documents them (IAM:
// reference_policies_elements_condition_operators).
func baseNames() []string {
	return []string{
		"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
		"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals",
		"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals",
		"Bool", "BinaryEquals", "IpAddress", "NotIpAddress",
		"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "Null",
	}
}

// parseOperator reads an operator with its set qualifier and IfExists. Case does
// not matter, which IAM does not document (inferred); [Validate] says so. Null
// takes neither qualifier nor IfExists.
func parseOperator(text string) (operator, bool) {
	var o operator
	name := strings.ToLower(text)
	if q, rest, ok := strings.Cut(name, ":"); ok {
		switch q {
		case "foranyvalue":
			o.set = forAnyValue
		case "forallvalues":
			o.set = forAllValues
		default:
			return o, false
		}
		name = rest
	}
	name, o.ifExists = strings.CutSuffix(name, "ifexists")
	if !o.base(name) || o.family == null && (o.ifExists || o.set != noSet) {
		return o, false
	}
	return o, true
}

// base sets what the name without qualifiers means.
func (o *operator) base(name string) bool {
	if rest, ok := strings.CutPrefix(name, "numeric"); ok {
		o.family = numeric
		return o.order(rest)
	}
	if rest, ok := strings.CutPrefix(name, "date"); ok {
		o.family = date
		return o.order(rest)
	}
	switch name {
	case "stringequals", "stringnotequals":
		o.family = stringEquals
	case "stringequalsignorecase", "stringnotequalsignorecase":
		o.family = stringEqualsFold
	case "stringlike", "stringnotlike":
		o.family = stringLike
	case "bool":
		o.family = boolean
	case "binaryequals":
		o.family = binary
	case "ipaddress", "notipaddress":
		o.family = ipAddress
	case "arnequals", "arnlike", "arnnotequals", "arnnotlike":
		o.family = arnLike
	case "null":
		o.family = null
	default:
		return false
	}
	o.negated = strings.Contains(name, "not")
	return true
}

func (o *operator) order(name string) bool {
	switch name {
	case "equals":
	case "notequals":
		o.negated = true
	case "lessthan":
		o.relation = less
	case "lessthanequals":
		o.relation = lessEqual
	case "greaterthan":
		o.relation = greater
	case "greaterthanequals":
		o.relation = greaterEqual
	default:
		return false
	}
	return true
}

// canonicalOperator is the operator as IAM spells it.
func canonicalOperator(text string) string {
	name, prefix := text, ""
	if q, rest, ok := strings.Cut(text, ":"); ok {
		name, prefix = rest, "ForAnyValue:"
		if strings.EqualFold(q, "ForAllValues") {
			prefix = "ForAllValues:"
		}
	}
	suffix := ""
	if n := len(name) - len("IfExists"); n > 0 && strings.EqualFold(name[n:], "IfExists") {
		name, suffix = name[:n], "IfExists"
	}
	for _, b := range baseNames() {
		if strings.EqualFold(b, name) {
			return prefix + b + suffix
		}
	}
	return text
}
