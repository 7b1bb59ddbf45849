package differential

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// rule is an accepted difference. It has one of two forms: broken are policies
// that AWS does not take and the other evaluator does; translate says the same
// in words that the other evaluator understands as AWS documents them, and both
// must then agree with our first answer.
type rule struct {
	name, decidedBy string
	broken          []string
	translate       func(q *question) (changed bool)
}

// iam is a page of the IAM user guide.
func iam(page string) string {
	return "https://docs.aws.amazon.com/IAM/latest/UserGuide/" + page + ".html"
}

// rules are all accepted differences, in the order in which translations are
// applied when a question needs several.
func rules() []rule {
	return []rule{
		{
			name:      "operators that do not exist are refused, not ignored",
			decidedBy: iam("reference_policies_grammar") + " and " + iam("reference_policies_elements_condition_operators") + ": the operators are a closed list",
			broken:    []string{"unknown operator"},
		}, {
			name:      "Null takes no IfExists",
			decidedBy: iam("reference_policies_elements_condition_operators") + "#Conditions_IfExists: any operator except Null",
			broken:    []string{"Null with IfExists"},
		}, {
			name:      "Sids are unique, letters and digits",
			decidedBy: iam("reference_policies_elements_sid") + "; IAM refuses others as MalformedPolicyDocument",
			broken:    []string{"two equal sids", "sid with a hyphen"},
		}, {
			name:      "a resource is an ARN or *",
			decidedBy: iam("reference_policies_elements_resource") + "; IAM: Resource … must be in ARN format or \"*\"",
			broken:    []string{"resource is no ARN"},
		}, {
			name:      "a condition key has a vendor",
			decidedBy: iam("reference_policies_elements_condition") + "; IAM: Actions/Conditions must be prefaced by a vendor",
			broken:    []string{"key without vendor"},
		}, {
			name:      "a statement has actions, a policy statements",
			decidedBy: iam("reference_policies_grammar") + ": one or more; IAM: Policy statement must contain actions",
			broken:    []string{"empty action list", "no statements"},
		}, {
			name:      "variables are literal text before 2012-10-17",
			decidedBy: iam("reference_policies_variables") + "#policy-vars-intro and " + iam("reference_policies_elements_version"),
			translate: literalVariables,
		}, {
			name:      "a character is a character, line breaks and astral ones too",
			decidedBy: iam("reference_policies_elements_resource") + ": ? is any single character, * any combination of characters",
			translate: plainCharacters,
		}, {
			name:      "a star in the request is a star, not a pattern",
			decidedBy: iam("reference_policies_elements_resource") + ": wildcards are the policy's; API Gateway: the ARN of a request has its own path",
			translate: noStars,
		}, {
			name:      "a star that ends a part of a resource runs over colons",
			decidedBy: iam("reference_policies_elements_resource") + " (wildcards, current text)",
			translate: spreadStars,
		}, {
			name:      "partition, region and account are matched case-sensitively and dots are dots",
			decidedBy: iam("reference_policies_elements_resource") + ": only * and ? are wildcards; " + iam("reference-arns"),
			translate: exactParts,
		}, {
			name:      "wildcards and variables in the API id",
			decidedBy: "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html: api-id is the id, or * for any API",
			translate: longerTail,
		}, {
			name:      "UNIX and ISO 8601 times are times",
			decidedBy: iam("reference_policies_elements_condition_operators") + "#Conditions_Date: either form; forms are those of https://www.w3.org/TR/NOTE-datetime, in which four digits are a year",
			translate: isoTimes,
		}, {
			name:      "0.0.0.0/0 is every IPv4 address",
			decidedBy: iam("reference_policies_elements_condition_operators") + "#Conditions_IPAddress: CIDR (RFC 4632)",
			translate: halves,
		}, {
			name:      "an address without a prefix is a range of one, however it is spelled",
			decidedBy: iam("reference_policies_elements_condition_operators") + "#Conditions_IPAddress: the default prefix is /32, and :: is a range of zeros (RFC 4291 section 2.2)",
			translate: ranges,
		}, {
			name:      "ForAnyValue with IfExists holds when the key is absent",
			decidedBy: iam("reference_policies_elements_condition_operators") + "#Conditions_IfExists: any operator name; if the key is not present, true",
			translate: anyIfExists,
		}, {
			name:      "an empty string is an empty data set",
			decidedBy: iam("reference_policies_condition-single-vs-multi-valued-context-keys") + ": ForAllValues is true of it, ForAnyValue false",
			translate: emptySets,
		}, {
			name:      "a variable without a value is equal to nothing, so that negated operators hold",
			decidedBy: iam("reference_policies_variables") + "#policy-vars-no-value",
			translate: valuelessVariables,
		}, {
			name:      "NotResource leaves a pattern out whose variable has no value",
			decidedBy: iam("reference_policies_variables") + "#policy-vars-no-value: in Resource or NotResource, it will not match any resource",
			translate: valuelessPatterns,
		}, {
			name:      "variables in any part of an ARN condition",
			decidedBy: iam("reference_policies_elements_condition_operators") + "#Conditions_ARN: policy variables are supported",
			translate: arnVariables,
		}, {
			name:      "what is not of the operator's type matches nothing, and negated operators are the negation of that",
			decidedBy: iam("reference_policies_elements_condition_operators") + ": integer or decimal, date, CIDR, six parts of an ARN; negated matching",
			translate: wrongTypes,
		},
	}
}

// never is a text that is nowhere else.
const never = "\ue000never"

func literalVariables(q *question) bool {
	if q.Policy.Version == "2012-10-17" {
		return false
	}
	q.Policy.Version = "2012-10-17"
	escape := func(s string) string { return strings.ReplaceAll(s, "${", "${$}{") }
	q.eachResource(func(p string) []string { return []string{escape(p)} })
	q.eachValue(func(_ *condition, v string) string { return escape(v) })
	return true
}

// eachValue replaces the values of conditions.
func (q *question) eachValue(f func(c *condition, v string) string) bool {
	return q.eachCondition(func(c *condition) (bool, bool) {
		changed := false
		for i, v := range c.values.items {
			c.values.items[i] = f(c, v)
			changed = changed || c.values.items[i] != v
		}
		return true, changed
	})
}

// everywhere replaces characters in all texts.
func (q *question) everywhere(f func(string) string) (changed bool) {
	one := func(s string) string {
		t := f(s)
		changed = changed || t != s
		return t
	}
	q.Resource = one(q.Resource)
	q.eachResource(func(p string) []string { return []string{one(p)} })
	q.eachValue(func(_ *condition, v string) string { return one(v) })
	for _, values := range q.Context {
		for i := range values {
			values[i] = one(values[i])
		}
	}
	return changed
}

func plainCharacters(q *question) bool {
	return q.everywhere(func(s string) string {
		return strings.Map(func(r rune) rune {
			switch {
			case r == '\n':
				return '\ue001'
			case r > 0xFFFF:
				return 0xE100 + r%0x100
			}
			return r
		}, s)
	})
}

// noStars puts another character for literal stars, wherever they are.
func noStars(q *question) bool {
	const star = "\ue002"
	if !strings.Contains(q.Resource, "*") {
		return false
	}
	q.Resource = strings.ReplaceAll(q.Resource, "*", star)
	for _, values := range q.Context {
		for i := range values {
			values[i] = strings.ReplaceAll(values[i], "*", star)
		}
	}
	unescape := func(s string) string { return strings.ReplaceAll(s, "${*}", star) }
	q.eachResource(func(p string) []string { return []string{unescape(p)} })
	q.eachValue(func(c *condition, v string) string {
		if strings.Contains(c.op, "Equals") && parse(c.op).family() == "String" {
			return strings.ReplaceAll(unescape(v), "*", star)
		}
		return unescape(v)
	})
	return true
}

// variables are those of a policy's text; ${*}, ${?} and ${$} are none.
var variables = regexp.MustCompile(`\$\{([^{}$*?'][^{}$']*?)(?:, '([^']*)')?\}`)

// cutARN splits behind the fifth colon that is not a variable's.
func cutARN(p string) []string {
	hidden := variables.ReplaceAllStringFunc(p, func(v string) string { return strings.ReplaceAll(v, ":", "\x00") })
	parts := strings.SplitN(hidden, ":", 6)
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "\x00", ":")
	}
	return parts
}

// spreadStars writes a pattern whose star runs over colons as the patterns in
// which every part has its own star.
func spreadStars(q *question) bool {
	return q.eachResource(func(p string) []string {
		if p == "*" || !strings.HasPrefix(p, "arn:") {
			return []string{p}
		}
		var out []string
		spread(cutARN(p), 0, &out)
		return out
	})
}

func spread(parts []string, at int, out *[]string) {
	if at >= min(len(parts), 5) {
		if len(parts) >= 6 {
			*out = append(*out, strings.Join(parts, ":"))
		}
		return
	}
	spread(parts, at+1, out)
	if strings.HasSuffix(parts[at], "*") {
		for n := 1; at+n <= 5; n++ {
			more := slices.Repeat([]string{"*"}, n)
			spread(slices.Concat(parts[:at+1], more, parts[at+1:]), at+n+1, out)
		}
	}
}

func exactParts(q *question) bool {
	got := strings.SplitN(q.Resource, ":", 6)
	return q.eachResource(func(p string) []string {
		parts := strings.SplitN(p, ":", 6)
		if len(parts) < 6 || len(got) < 6 {
			return []string{p}
		}
		for i := 1; i < 5; i++ {
			if like(parts[i], got[i]) {
				parts[i] = got[i]
			} else {
				parts[i] = never
			}
		}
		return []string{strings.Join(parts, ":")}
	})
}

// like is a slow and obvious glob.
func like(pattern, s string) bool {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(quoted)
	return regexp.MustCompile(`(?s)^` + quoted + `$`).MatchString(s)
}

// longerTail moves the API id behind a first slash, where the other evaluator
// knows wildcards.
func longerTail(q *question) bool {
	prefix := func(s string) string {
		parts := strings.SplitN(s, ":", 6)
		if len(parts) == 6 {
			parts[5] = "x/" + parts[5]
		}
		return strings.Join(parts, ":")
	}
	q.Resource = prefix(q.Resource)
	return q.eachResource(func(p string) []string { return []string{prefix(p)} })
}

// moveTyped translates the values of the conditions of one family, on both sides.
func (q *question) moveTyped(family string, translate func(string) []string) bool {
	return q.eachCondition(func(c *condition) (bool, bool) {
		if parse(c.op).family() != family {
			return true, false
		}
		all := func(list []string) (out []string) {
			for _, v := range list {
				out = append(out, translate(v)...)
			}
			return out
		}
		values := all(c.values.items)
		changed := !slices.Equal(values, c.values.items)
		c.values = texts{items: values}
		if got := q.get(c.key); got != nil {
			if moved := all(got); !slices.Equal(moved, got) {
				q.move(c, moved)
				changed = true
			}
		}
		return true, changed
	})
}

var (
	epoch = regexp.MustCompile(`^-?\d{1,3}$|^-?\d{5,11}$`)
	forms = []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00", time.RFC3339Nano}
)

// moment reads a time as the documentation does.
func moment(s string) (time.Time, bool) {
	if epoch.MatchString(s) {
		var sec int64
		_, err := fmt.Sscan(s, &sec)
		return time.Unix(sec, 0).UTC(), err == nil
	}
	for _, f := range forms {
		if t, err := time.Parse(f, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func isoTimes(q *question) bool {
	return q.moveTyped("Date", func(s string) []string {
		if t, ok := moment(s); ok {
			return []string{t.Format("2006-01-02T15:04:05.000Z")}
		}
		return []string{"no time"}
	})
}

func halves(q *question) bool {
	return q.moveTyped("IpAddress", func(s string) []string {
		if s == "0.0.0.0/0" {
			return []string{"0.0.0.0/1", "128.0.0.0/1"}
		}
		return []string{s}
	})
}

// ranges writes the addresses of policies as ranges, and those of IPv6 in full.
func ranges(q *question) bool {
	changed := q.eachValue(func(c *condition, v string) string {
		a, err := netip.ParseAddr(v)
		if err != nil || parse(c.op).family() != "IpAddress" {
			return v
		}
		return fmt.Sprintf("%s/%d", v, a.BitLen())
	})
	return q.moveTyped("IpAddress", func(s string) []string {
		address, bits, ranged := strings.Cut(s, "/")
		a, err := netip.ParseAddr(address)
		if err != nil || a.Is4() {
			return []string{s}
		}
		if ranged {
			bits = "/" + bits
		}
		return []string{a.StringExpanded() + bits}
	}) || changed
}

func anyIfExists(q *question) bool {
	return q.eachCondition(func(c *condition) (bool, bool) {
		o := parse(c.op)
		holds := o.set == "ForAnyValue" && o.ifExists && q.get(c.key) == nil
		return !holds, holds
	})
}

func emptySets(q *question) bool {
	return q.eachCondition(func(c *condition) (bool, bool) {
		got := q.get(c.key)
		if got == nil || slices.ContainsFunc(got, func(s string) bool { return s != "" }) {
			return true, false
		}
		switch parse(c.op).set {
		case "ForAllValues":
			return false, true
		case "ForAnyValue":
			c.op, c.values = "StringEquals", texts{items: []string{}}
			return true, true
		}
		return true, false
	})
}

// resolve is the value of a variable, if it has one.
func (q *question) resolve(v string) (string, bool) {
	m := variables.FindStringSubmatch(v)
	if got := q.get(strings.TrimSpace(m[1])); len(got) == 1 && got[0] != "" {
		return got[0], true
	}
	return m[2], strings.Contains(v, ", '")
}

func valuelessVariables(q *question) bool {
	return q.eachValue(func(c *condition, v string) string {
		o := parse(c.op)
		if !o.negated() || o.family() != "String" && o.family() != "Arn" {
			return v
		}
		for _, name := range variables.FindAllString(v, -1) {
			if _, ok := q.resolve(name); ok {
				continue
			}
			if o.family() == "Arn" {
				return "arn:" + never + "::::"
			}
			return never
		}
		return v
	})
}

func valuelessPatterns(q *question) bool {
	return q.eachResource(func(p string) []string {
		for _, name := range variables.FindAllString(p, -1) {
			if _, ok := q.resolve(name); !ok {
				return []string{"arn:aws:execute-api:" + never + ":" + never + ":" + never}
			}
		}
		return []string{p}
	})
}

func arnVariables(q *question) bool {
	return q.eachValue(func(c *condition, v string) string {
		if parse(c.op).family() != "Arn" {
			return v
		}
		parts := cutARN(v)
		for i := range parts {
			segmented := i < 5
			parts[i] = variables.ReplaceAllStringFunc(parts[i], func(name string) string {
				value, ok := q.resolve(name)
				if !ok || segmented && strings.Contains(value, ":") {
					return never
				}
				return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(value)
			})
		}
		return strings.Join(parts, ":")
	})
}

var (
	number  = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)$`)
	base64s = regexp.MustCompile(`^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?$`)
)

// typed reports whether a text is of the type of a family of operators.
func typed(family, s string) bool {
	switch family {
	case "Numeric":
		return number.MatchString(s)
	case "Date":
		_, ok := moment(s)
		return ok
	case "IpAddress":
		_, err := netip.ParsePrefix(s)
		_, err2 := netip.ParseAddr(s)
		return err == nil || err2 == nil
	case "Binary":
		return base64s.MatchString(s)
	case "Bool":
		return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") || variables.MatchString(s)
	case "Arn":
		return len(cutARN(s)) == 6
	}
	return true
}

// wrongTypes leaves out of a condition what matches nothing.
func wrongTypes(q *question) bool {
	return q.eachCondition(func(c *condition) (bool, bool) {
		family := parse(c.op).family()
		bad := func(s string) bool { return !typed(family, s) }
		values := slices.DeleteFunc(slices.Clone(c.values.items), bad)
		got := q.get(c.key)
		if slices.ContainsFunc(got, bad) && len(got) == 1 {
			values = []string{}
		}
		changed := len(values) != len(c.values.items)
		c.values = texts{items: values}
		return true, changed
	})
}
