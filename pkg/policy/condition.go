package policy

import (
	"encoding/base64"
	"net/netip"
	"strings"
)

// condition is a compiled Condition.
type condition struct {
	op     operator
	key    string // as in Keys
	claim  bool   // the key is of a token
	values []value
}

// value is a value of a condition, read as its operator needs it.
type value struct {
	ok      bool    // it is of the operator's type; otherwise nothing matches it
	pattern pattern // strings and ARNs
	decimal decimal
	instant instant
	prefix  netip.Prefix
	text    string // base64
	flag    bool
}

func compileCondition(op operator, key string, values []string, sx syntax) *condition {
	c := &condition{op: op, values: make([]value, len(values))}
	c.key, c.claim = canonicalKey(key, sx.prefix)
	sx.mode, sx.vars = op.mode(), sx.vars && op.variables()
	for i, text := range values {
		c.values[i] = compileValue(op.family, text, sx)
	}
	return c
}

func compileValue(f family, text string, sx syntax) (v value) {
	switch f {
	case numeric:
		v.decimal, v.ok = parseDecimal(text)
	case date:
		v.instant, v.ok = parseInstant(text)
	case boolean, null:
		if v.flag, v.ok = parseBool(text); !v.ok {
			v.pattern = compile(text, sx)
			v.ok = v.pattern.pieces != nil // it has variables that only a request settles
		}
	case binary:
		v.text, v.ok = text, isBase64(text)
	case ipAddress:
		v.prefix, v.ok = parsePrefix(text)
	case arnLike:
		v.ok = isARN(text, sx)
		v.pattern = compile(text, sx)
	default:
		v.ok = true
		v.pattern = compile(text, sx)
	}
	return v
}

// isARN reports whether a pattern has the six parts of an ARN, each of which is
// compared on its own (IAM: reference_policies_elements_condition_operators, ARN).
// A bare "*" has not (inferred).
func isARN(text string, sx syntax) bool {
	if sx.vars {
		text = withoutVariables(text)
	}
	return strings.Count(text, ":") >= 5
}

// withoutVariables cuts the variables out of a text.
func withoutVariables(text string) string {
	var b strings.Builder
	for text != "" {
		at := strings.Index(text, "${")
		if at < 0 {
			break
		}
		b.WriteString(text[:at])
		if _, n, ok := readVariable(text[at:], ""); ok {
			text = text[at+n:]
		} else {
			b.WriteByte('$')
			text = text[at+1:]
		}
	}
	b.WriteString(text)
	return b.String()
}

// parseBool reads true or false in any case.
func parseBool(s string) (v, ok bool) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, true
	case strings.EqualFold(s, "false"):
		return false, true
	}
	return false, false
}

// isBase64 reports whether s is padded base64 in its one canonical form, so that
// equal bytes are equal texts.
func isBase64(s string) bool {
	var room [192]byte
	var to []byte
	if n := base64.StdEncoding.DecodedLen(len(s)); n <= len(room) {
		to = room[:n]
	} else {
		to = make([]byte, n)
	}
	_, err := base64.StdEncoding.Strict().Decode(to, []byte(s))
	return err == nil && !strings.ContainsAny(s, "\r\n")
}

// holds decides the condition (IAM:
// reference_policies_elements_condition_operators, and
// reference_policies_condition-single-vs-multi-valued-context-keys).
func (c *condition) holds(keys Keys) bool {
	got := keys[c.key]
	switch {
	case c.op.family == null:
		return c.null(len(got) == 0)
	case len(got) == 0:
		return c.op.absent()
	case c.op.set == forAnyValue:
		return !emptySet(got) && c.any(got, keys)
	case c.op.set == forAllValues:
		return emptySet(got) || c.all(got, keys)
	case len(got) == 1:
		return c.one(got[0], keys)
	case !c.claim:
		// Several values ask for a set operator; what happens without one is not
		// documented. Nothing matches (inferred).
		return false
	case c.op.negated:
		// Claims are our own keys. Without a set operator any value of a list
		// counts, so that a Deny for one group also meets who has two.
		return c.all(got, keys)
	}
	return c.any(got, keys)
}

// absent is the result of an operator for a key that is not there: true for
// negated operators, ForAllValues and IfExists, else false.
func (o operator) absent() bool {
	switch {
	case o.ifExists || o.set == forAllValues:
		return true
	case o.set == forAnyValue:
		return false
	}
	return o.negated
}

// emptySet reports whether the values are an empty data set, for which IAM's
// example is an empty string.
func emptySet(got []string) bool {
	for _, g := range got {
		if g != "" {
			return false
		}
	}
	return true
}

func (c *condition) null(absent bool) bool {
	for i := range c.values {
		if c.values[i].ok && c.values[i].flag == absent {
			return true
		}
	}
	return false
}

func (c *condition) any(got []string, keys Keys) bool {
	for _, g := range got {
		if c.one(g, keys) {
			return true
		}
	}
	return false
}

func (c *condition) all(got []string, keys Keys) bool {
	for _, g := range got {
		if !c.one(g, keys) {
			return false
		}
	}
	return true
}

// one decides about one value of the request: the values of the policy are an OR,
// for negated operators a NOR. A variable without a value is equal to nothing, so
// that negated operators hold (IAM: reference_policies_variables, "no value").
func (c *condition) one(got string, keys Keys) bool {
	var r read
	if !r.as(c.op.family, got) {
		return c.op.negated
	}
	for i := range c.values {
		if c.values[i].matches(c.op, &r, keys) {
			return !c.op.negated
		}
	}
	return c.op.negated
}

// read is a value of the request, read as the operator needs it.
type read struct {
	text    string
	decimal decimal
	instant instant
	addr    netip.Addr
	flag    bool
}

func (r *read) as(f family, text string) (ok bool) {
	r.text, ok = text, true
	switch f {
	case numeric:
		r.decimal, ok = parseDecimal(text)
	case date:
		r.instant, ok = parseInstant(text)
	case boolean:
		r.flag, ok = parseBool(text)
	case binary:
		ok = isBase64(text)
	case ipAddress:
		r.addr, ok = parseAddress(text)
	}
	return ok
}

func (v *value) matches(o operator, r *read, keys Keys) bool {
	if !v.ok {
		return false
	}
	switch o.family {
	case numeric:
		return o.relation.holds(r.decimal.compare(&v.decimal))
	case date:
		return o.relation.holds(r.instant.compare(v.instant))
	case boolean:
		flag, ok := v.bool(keys)
		return ok && r.flag == flag
	case binary:
		return r.text == v.text
	case ipAddress:
		return v.prefix.Contains(r.addr)
	case stringEqualsFold:
		return v.pattern.equalFold(r.text, keys)
	}
	return v.pattern.match(r.text, keys)
}

// bool is the value as true or false, which may come out of a variable.
func (v *value) bool(keys Keys) (flag, ok bool) {
	if v.pattern.pieces == nil {
		return v.flag, true
	}
	var room [64]byte
	text, ok := v.pattern.expand(room[:0], keys)
	if !ok {
		return false, false
	}
	return parseBool(string(text))
}
