package policy

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What is quoted in a reason is cut to sensible lengths; the lists of a trace are
// whole, but for values of the request that are out of proportion.
const (
	maxQuoted = 256 // characters of one value
	maxListed = 10  // values of a list
	maxShown  = 512 // bytes, or values, of a key that are shown whole
)

// reason sums a trace up.
func (t *StatementTrace) reason() string {
	if t.Matched {
		return t.matchedReason()
	}
	var why []string
	for _, part := range []struct {
		name string
		*PartTrace
	}{{"Principal", t.Principal}, {"Action", t.Action}, {"Resource", t.Resource}} {
		if part.PartTrace != nil && !part.Matched {
			why = append(why, part.name+": "+part.Reason)
		}
	}
	for i := range t.Conditions {
		if c := &t.Conditions[i]; !c.Matched {
			why = append(why, "Condition: "+c.Reason)
		}
	}
	if t.missing != "" {
		why = append(why, "Claim: "+t.missing+", and an Allow without its claim does not apply")
	}
	return strings.Join(why, "; ")
}

func (t *StatementTrace) matchedReason() string {
	s := "action and resource match"
	if t.Principal != nil {
		s = "principal, action and resource match"
	}
	switch n := len(t.Conditions); {
	case n == 1:
		s += ", and the condition holds: "
	case n > 1:
		s += fmt.Sprintf(", and all %d conditions hold: ", n)
	}
	return s + held(t.Conditions)
}

// held is what the conditions of a statement that matched had to look at.
func held(conditions []ConditionTrace) string {
	var all []string
	for i := range conditions[:min(len(conditions), maxListed)] {
		c := &conditions[i]
		what := c.Key + " is absent"
		if !c.Absent {
			what = c.Key + " is " + quoteList(c.Got)
		}
		all = append(all, what)
	}
	return strings.Join(all, "; ")
}

func (s *Statement) tracePrincipal(r *Request, by string, ok bool) *PartTrace {
	t := &PartTrace{Matched: ok, Pattern: by}
	who := "an anonymous caller"
	if r.Principal != "" {
		who = cut(r.Principal)
	}
	switch {
	case ok:
	case s.NotPrincipal != nil:
		t.Reason = fmt.Sprintf("NotPrincipal names %s, as %s", who, cut(by))
	default:
		t.Reason = "it does not name " + who
	}
	return t
}

func (s *Statement) traceAction(r *Request, at int, ok bool) *PartTrace {
	t := &PartTrace{Matched: ok}
	items, not := s.Action.Items, false
	if s.NotAction.Given() {
		items, not = s.NotAction.Items, true
	}
	if at >= 0 {
		t.Pattern = items[at]
	}
	switch {
	case ok:
	case not:
		t.Reason = fmt.Sprintf("NotAction %s matches %s", cut(t.Pattern), cut(r.Action))
	default:
		t.Reason = fmt.Sprintf("%s is not %s", cut(r.Action), orList(items, "one of no actions at all"))
	}
	return t
}

func (s *Statement) traceResource(r *Request, at int, ok bool) *PartTrace {
	t := &PartTrace{Matched: ok}
	items, not := s.Resource.Items, false
	if s.NotResource.Given() {
		items, not = s.NotResource.Items, true
	}
	switch {
	case at >= 0:
		t.Pattern = items[at]
		if !ok {
			t.Reason = fmt.Sprintf("NotResource %s matches %s", cut(t.Pattern), cut(r.Resource))
		}
	case not:
	case len(items) == 0:
		t.Reason = "the list is empty and matches nothing"
	default:
		n := s.nearest(r.Resource)
		t.Pattern = items[n]
		t.Reason = s.missedResource(n, items, r)
	}
	return t
}

func (s *Statement) missedResource(n int, items []string, r *Request) string {
	p := &s.c.resources[n]
	why := p.unsettled(r.Keys)
	if why == "" {
		why = difference(items[n], r.Resource)
	}
	if why != "" {
		why = " (" + why + ")"
	}
	if len(items) == 1 {
		return fmt.Sprintf("%s does not match %s%s", cut(items[n]), cut(r.Resource), why)
	}
	return fmt.Sprintf("no pattern matches %s; nearest: %s%s", cut(r.Resource), cut(items[n]), why)
}

// nearest is the pattern that agrees longest with the resource from the left, and
// of those the one that agrees longest from the right.
func (s *Statement) nearest(text string) int {
	items := s.Resource.Items
	best, bestLeft, bestRight := 0, -1, -1
	for i := range items[:min(len(items), 1000)] {
		left, right := common(items[i], text)
		if left > bestLeft || left == bestLeft && right > bestRight {
			best, bestLeft, bestRight = i, left, right
		}
	}
	return best
}

// common is how many bytes two texts share at the start and at the end.
func common(a, b string) (left, right int) {
	for left < len(a) && left < len(b) && a[left] == b[left] {
		left++
	}
	for right < len(a)-left && right < len(b)-left && a[len(a)-1-right] == b[len(b)-1-right] {
		right++
	}
	return left, right
}

// difference names the first part of an execute-api ARN in which pattern and
// resource differ, or "".
func difference(pattern, resource string) string {
	if strings.HasPrefix(pattern, "execute-api:/") || !strings.HasPrefix(pattern, "arn:") {
		return ""
	}
	names := []string{"prefix", "partition", "service", "region", "account", "API", "stage", "method", "path"}
	want, got := arnParts(pattern), arnParts(resource)
	if want == nil || got == nil {
		return ""
	}
	for i, name := range names {
		switch {
		case i >= len(want):
			return "the pattern has no " + name
		case i >= len(got):
			return "the resource has no " + name
		case !Match(want[i], got[i]):
			return fmt.Sprintf("the %s is %s, not %s", name, quoteEmpty(cut(got[i])), quoteEmpty(cut(want[i])))
		case i >= 5 && strings.HasSuffix(want[i], "*") && i == len(want)-1:
			return ""
		}
	}
	return ""
}

// arnParts splits the ARN of a method into partition, service, region, account,
// API, stage, method and path, with "arn" first; nil when it is no ARN.
func arnParts(s string) []string {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 {
		return nil
	}
	return append(parts[:5:5], strings.SplitN(parts[5], "/", 4)...)
}

// unsettled names the first variable without a value, or "".
func (p *pattern) unsettled(keys Keys) string {
	for _, x := range p.pieces {
		switch {
		case x.v == nil:
			continue
		case x.v.text == "":
			return "a short resource that is not expanded here"
		}
		switch _, ok := x.v.value(keys); {
		case ok:
		case x.v.misplaced:
			return x.v.text + " may stand only behind the fifth colon"
		default:
			return x.v.text + " " + noValue(keys[x.v.key])
		}
	}
	return ""
}

// noValue says why a variable has no value.
func noValue(got []string) string {
	switch {
	case len(got) > 1:
		return fmt.Sprintf("has %d values, and a variable needs one", len(got))
	case len(got) == 1 && got[0] != "":
		return "has a value that cannot stand there"
	case len(got) == 1:
		return "is empty"
	}
	return "is absent"
}

// trace records how the condition was decided.
func (c *Condition) trace(keys Keys, ok bool) ConditionTrace {
	got := keys[c.c.key]
	t := ConditionTrace{Operator: c.Operator, Key: c.Key, Wanted: c.Values.Items, Got: shown(got), Absent: len(got) == 0, Matched: ok}
	if !ok {
		t.Reason = c.why(got, keys)
	}
	return t
}

// shown is the values of a request as a trace has them. Any number of conditions
// may be about one key: values that are long, or many, are cut.
func shown(values []string) []string {
	size := 0
	for i, v := range values {
		if size += len(v); size > maxShown || i == maxShown {
			break
		}
		if i == len(values)-1 {
			return values
		}
	}
	var out []string
	for _, v := range values[:min(len(values), maxListed)] {
		out = append(out, cut(v))
	}
	if more := len(values) - len(out); more > 0 {
		out = append(out, fmt.Sprintf("… and %d more", more))
	}
	return out
}

// why says what a condition that does not hold wanted and got.
func (c *Condition) why(got []string, keys Keys) string {
	op := c.c.op
	want := orList(c.Values.Items, "any of no values")
	switch {
	case op.family == null && len(got) == 0:
		return fmt.Sprintf("%s is absent, and Null wants it present", c.Key)
	case op.family == null:
		return fmt.Sprintf("%s is present, and Null wants it absent", c.Key)
	case len(got) == 0:
		return fmt.Sprintf("%s is absent; %s wants %s", c.Key, c.Operator, want)
	case op.set == noSet && len(got) > 1 && !c.c.claim:
		return fmt.Sprintf("%s has %d values: %s needs ForAnyValue: or ForAllValues: before it (inferred)", c.Key, len(got), c.Operator)
	}
	s := fmt.Sprintf("%s wants %s %s, got %s", c.Operator, c.Key, want, quoteList(got))
	if op.negated {
		s = fmt.Sprintf("%s wants %s other than %s, got %s", c.Operator, c.Key, want, quoteList(got))
	}
	return s + c.note(got, keys)
}

// note adds what is odd about the values themselves.
func (c *Condition) note(got []string, keys Keys) string {
	for i := range c.c.values {
		v := &c.c.values[i]
		if !v.ok {
			return fmt.Sprintf("; %s is not %s", quote(c.Values.Items[i]), c.c.op.family.noun())
		}
		if why := v.pattern.unsettled(keys); why != "" {
			return "; " + why
		}
	}
	for _, g := range got {
		if r := (read{}); !r.as(c.c.op.family, g) {
			return fmt.Sprintf("; %s is not %s", quote(g), c.c.op.family.noun())
		}
	}
	return ""
}

// noun is what the values of a family are.
func (f family) noun() string {
	switch f {
	case numeric:
		return "a number"
	case date:
		return "a date such as 2030-01-31T08:00:00Z or seconds since 1970"
	case boolean, null:
		return "true or false"
	case binary:
		return "base64"
	case ipAddress:
		return "an IP address or range"
	case arnLike:
		return "an ARN of six parts"
	}
	return "a string"
}

// orList is values as alternatives, for a reason.
func orList(items []string, none string) string {
	switch len(items) {
	case 0:
		return none
	case 1:
		return quote(items[0])
	}
	return "one of " + quoteList(items)
}

func quoteList(items []string) string {
	var b strings.Builder
	for i, s := range items {
		if i == maxListed {
			fmt.Fprintf(&b, " and %d more", len(items)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(s))
	}
	return b.String()
}

func quote(s string) string { return strconv.Quote(cut(s)) }

func quoteEmpty(s string) string {
	if s == "" {
		return "empty"
	}
	return s
}

// cut shortens a long text.
func cut(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	n := maxQuoted
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
