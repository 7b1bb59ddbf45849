package differential

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes questions in which statements match often enough to matter:
// patterns and values of conditions are made out of the request itself, and
// changed a little.
type generator struct{ r *rand.Rand }

func (g generator) chance(percent int) bool { return g.r.IntN(100) < percent }

func pick[T any](g generator, list ...T) T { return list[g.r.IntN(len(list))] }

func (g generator) question() *question {
	q := &question{Context: map[string][]string{}}
	ofResource := g.chance(12)
	g.context(q, ofResource)
	q.Action = pick(g, "execute-api:Invoke", "execute-api:Invoke", "execute-api:Invoke", "execute-api:InvalidateCache", "execute-api:ManageConnections")
	q.Resource = g.arn(q)
	if ofResource {
		// There the other evaluator takes methods with a path only.
		for strings.HasSuffix(q.Resource, "/") || strings.HasSuffix(q.Resource, "/$connect") {
			q.Resource = g.arn(q)
		}
		q.Action = pick(g, "execute-api:Invoke", "execute-api:InvalidateCache")
		p := pick(g, "", "arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:user/bob")
		q.Principal = &p
	}
	q.Policy.Version = pick(g, "2012-10-17", "2012-10-17", "2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", "")
	for i := range 1 + g.r.IntN(3) {
		q.Policy.Statements = append(q.Policy.Statements, g.statement(q, i))
	}
	if g.chance(6) {
		g.spoil(q)
	}
	return q
}

// arn is the resource that is asked about.
func (g generator) arn(q *question) string {
	path := pick(g, "", "pets", "pets/1", "pets/1/toys", "Pets", "users/"+g.user(q), "users/"+g.user(q)+"/orders", "a:b", "files/*", "w?t", "größe/é", "p😀ts", "pets/", "a+b(c)[d]^e|f.g", "line\nbreak", "$x/${y}")
	if g.chance(8) {
		return fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/%s/$connect", g.region(), g.account(), g.api(), g.stage())
	}
	return fmt.Sprintf("arn:%s:execute-api:%s:%s:%s/%s/%s/%s", pick(g, "aws", "aws", "aws", "aws-cn"), g.region(), g.account(), g.api(), g.stage(), g.method(), path)
}

func (g generator) region() string  { return pick(g, "us-east-1", "us-east-1", "eu-west-1") }
func (g generator) account() string { return pick(g, "123456789012", "123456789012", "210987654321") }
func (g generator) api() string     { return pick(g, "abc123", "abc123", "xyz789") }
func (g generator) stage() string   { return pick(g, "prod", "prod", "dev", "$default") }
func (g generator) method() string  { return pick(g, "GET", "GET", "POST", "DELETE") }

// user is the user name of the context, or another.
func (g generator) user(q *question) string {
	if v := q.get("aws:username"); len(v) == 1 && v[0] != "" && g.chance(70) {
		return v[0]
	}
	return pick(g, "ann", "eve")
}

// kinds are the condition keys by what they hold. Those for resource policies are
// keys every request has; the other evaluator drops the rest there.
func (g generator) context(q *question, ofResource bool) {
	keys := []string{"aws:SourceIp", "aws:UserAgent", "aws:CurrentTime", "aws:EpochTime", "aws:SecureTransport", "aws:Referer", "aws:SourceArn"}
	if !ofResource {
		keys = append(keys, "aws:username", "aws:PrincipalTag/team", "aws:PrincipalTag/level", "aws:TagKeys", "aws:PrincipalTag/blob", "aws:MultiFactorAuthPresent", "aws:PrincipalArn")
	}
	for _, k := range keys {
		if !g.chance(60) {
			continue
		}
		if g.chance(15) {
			k = pick(g, strings.ToUpper(k), strings.ToLower(k))
		}
		q.Context[k] = g.contextValues(k, ofResource)
	}
}

func (g generator) contextValues(key string, ofResource bool) []string {
	kind := kindOf(key)
	switch {
	case strings.EqualFold(key, "aws:PrincipalTag/team") && g.chance(30):
		return []string{"123456789012"}
	case kind == "list":
		n := pick(g, 1, 2, 2, 3)
		var list []string
		for range n {
			list = append(list, g.value("String"))
		}
		if g.chance(5) {
			list = []string{""}
		}
		return list
	case !ofResource && g.chance(4):
		return []string{g.value(kind), g.value(kind)}
	case !ofResource && g.chance(3):
		return []string{pick(g, "", "garbage", "10x")}
	}
	return []string{g.value(kind)}
}

// kindOf is the family of operators a key is for.
func kindOf(key string) string {
	switch strings.ToLower(key) {
	case "aws:sourceip":
		return "IpAddress"
	case "aws:currenttime", "aws:epochtime":
		return "Date"
	case "aws:securetransport", "aws:multifactorauthpresent":
		return "Bool"
	case "aws:sourcearn", "aws:principalarn":
		return "Arn"
	case "aws:principaltag/level":
		return "Numeric"
	case "aws:principaltag/blob":
		return "Binary"
	case "aws:tagkeys":
		return "list"
	}
	return "String"
}

func (g generator) value(kind string) string {
	switch kind {
	case "IpAddress":
		return pick(g, "203.0.113.7", "203.0.113.7", "203.0.113.250", "198.51.100.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "2001:db8:1:2:3:4:5:6", "::1")
	case "Date":
		return pick(g, "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", "2026-11-22T13:00:00+01:00", "2026-11-22T12:00:00.5Z", "1795348800", "1795348800", "1795348801", "2026-11-22", "2026-11", "2026-11-22T12:00Z", "2020-01-01T00:00:00Z", "0")
	case "Bool":
		return pick(g, "true", "false", "TRUE", "False")
	case "Arn":
		return pick(g, "arn:aws:execute-api:us-east-1:123456789012:abc123/prod/GET/pets", "arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:role/a:b", "arn:aws:sns:eu-west-1:123456789012:topic")
	case "Numeric":
		return pick(g, "0", "1", "5", "5.0", "5.5", "-5", "10", "010", "+10", "1000000", "0.1")
	case "Binary":
		return pick(g, "QmluYXJ5", "QQ==", "QUI=")
	}
	return pick(g, "ann", "Ann", "eve", "a*n", "a?n", "red", "Red", "$", "blue green", "ünï", "curl/8.0", "Mozilla/5.0 (X11)", "p😀", "")
}

func (g generator) statement(q *question, i int) statement {
	s := statement{Effect: pick(g, "Allow", "Allow", "Allow", "Deny")}
	if g.chance(30) {
		s.Sid = fmt.Sprintf("S%d", i)
	}
	if g.chance(92) {
		s.Action = g.list(func() string { return g.action(q) })
	} else {
		s.NotAction = g.list(func() string { return g.action(q) })
	}
	if g.chance(88) {
		s.Resource = g.list(func() string { return g.pattern(q) })
	} else {
		s.NotResource = g.list(func() string { return g.pattern(q) })
	}
	if q.Principal != nil {
		g.principal(&s)
	}
	seen := map[string]bool{}
	for range pick(g, 0, 0, 1, 1, 1, 2, 3) {
		c := g.condition(q)
		if at := c.op + strings.ToLower(c.key); !seen[at] {
			seen[at] = true
			s.Conditions = append(s.Conditions, c)
		}
	}
	return s
}

func (g generator) list(item func() string) *texts {
	if g.chance(60) {
		return &texts{[]string{item()}, true}
	}
	t := &texts{}
	for range pick(g, 1, 2, 2, 3) {
		t.items = append(t.items, item())
	}
	return t
}

func (g generator) principal(s *statement) {
	who := pick(g, `"*"`, `{"AWS":"*"}`, `{"AWS":["arn:aws:iam::123456789012:user/ann"]}`, `{"AWS":["arn:aws:iam::123456789012:user/bob","arn:aws:iam::123456789012:user/ann"]}`, `{"Service":"apigateway.amazonaws.com"}`, `{"AWS":"arn:aws:iam::210987654321:user/ann"}`)
	if s.Effect == "Deny" && g.chance(30) {
		s.NotPrincipal = json.RawMessage(who)
		return
	}
	s.Principal = json.RawMessage(who)
}

func (g generator) action(q *question) string {
	return pick(g, q.Action, q.Action, "execute-api:Invoke", "execute-api:*", "*", strings.ToUpper(q.Action), strings.ToLower(q.Action), "execute-api:Inv?ke", "execute-api:I*e", "execute-api:Manage*", "s3:GetObject", "Execute-Api:invoke", "execute-api:?nvoke", "execute-api:Invok")
}

// pattern is made of the request's ARN, with parts replaced.
func (g generator) pattern(q *question) string {
	switch g.r.IntN(20) {
	case 0:
		return "*"
	case 1:
		return pick(g, "arn:aws:execute-api:*", "arn:aws:execute-api:*:*", "arn:aws:execute-api:*:*:*", "arn:*", "arn:aws:execute-api:**", "arn:aws:execute-api:us-east-1:*", "arn:aws:execute-api:us-east-1:123456789012:*", "arn:aws:execute-api:*:abc123/prod/GET/pets", "arn:aws:execute-api:*/prod/GET/pets", "arn:aws:execute-api:us-*:b")
	}
	parts := strings.SplitN(q.Resource, ":", 6)
	for i := 1; i < 5; i++ {
		if i != 2 && g.chance(12) {
			parts[i] = g.change(parts[i], i)
		}
	}
	tail := strings.SplitN(parts[5], "/", 4)
	for i := range tail {
		if g.chance(25) {
			tail[i] = g.glob(q, tail[i])
		} else {
			tail[i] = g.escaped(tail[i])
		}
	}
	if g.chance(15) {
		tail = append(tail[:1+g.r.IntN(len(tail))], pick(g, "*", "*/*", "GET/*", "*/pets"))
	}
	parts[5] = strings.Join(tail, "/")
	return strings.Join(parts, ":")
}

// escaped mostly keeps a literal star literal.
func (g generator) escaped(s string) string {
	if g.chance(50) {
		return s
	}
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(s)
}

// change is what becomes of the partition, region or account.
func (g generator) change(s string, i int) string {
	switch g.r.IntN(7) {
	case 0, 1:
		return "*"
	case 2:
		return strings.ToUpper(s)
	case 3:
		return strings.ReplaceAll(s, "-", ".")
	case 4:
		return s[:len(s)/2] + "*"
	case 5:
		return "*" + s[len(s)/2:]
	}
	switch {
	case i == 3:
		return "ap-south-1"
	case g.chance(40):
		return pick(g, "${aws:PrincipalTag/team}", "${aws:missing, '123456789012'}")
	}
	return strings.Repeat("?", len(s))
}

// glob puts wildcards and variables into a text.
func (g generator) glob(q *question, s string) string {
	runes := []rune(s)
	n := len(runes) / 2
	switch g.r.IntN(10) {
	case 0, 1, 2:
		return "*"
	case 3:
		return string(runes[:n]) + "*"
	case 4:
		return "*" + string(runes[n:])
	case 5:
		if len(runes) > 0 {
			return string(runes[:n]) + "?" + string(runes[n+1:])
		}
		return "?"
	case 6, 7:
		if u := q.get("aws:username"); len(u) == 1 && u[0] != "" {
			return strings.ReplaceAll(s, u[0], g.variable())
		}
		return "users/" + g.variable()
	case 8:
		return g.variable()
	}
	return pick(g, "other", "", "G*T", "p*s", "*e*s*", "${*}", "${?}", "${$}x", "**", "p?ts")
}

func (g generator) variable() string {
	return pick(g, "${aws:username}", "${aws:username}", "${AWS:UserName}", "${aws:PrincipalTag/team}", "${aws:missing}", "${aws:missing, 'ann'}", "${aws:username, 'eve'}", "${aws:TagKeys}", "${aws:SourceIp}")
}

func (g generator) condition(q *question) condition {
	keys := append(keysOf(q.Context), "aws:PrincipalTag/absent", "aws:SourceIp", "aws:username", "aws:TagKeys", "aws:EpochTime", "aws:UserAgent", "aws:SecureTransport")
	if q.Principal != nil {
		keys = append(keysOf(q.Context), "aws:SourceIp", "aws:Referer")
	}
	c := condition{key: pick(g, keys...)}
	if g.chance(20) {
		c.key = strings.ToLower(c.key)
	}
	kind := kindOf(c.key)
	if kind == "list" || g.chance(5) {
		kind = "String"
	}
	ops := map[string][]string{
		"String":    {"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"},
		"Numeric":   {"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"},
		"Date":      {"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"},
		"Bool":      {"Bool"},
		"Binary":    {"BinaryEquals"},
		"IpAddress": {"IpAddress", "NotIpAddress"},
		"Arn":       {"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"},
	}
	c.op = pick(g, ops[kind]...)
	several := len(q.get(c.key)) > 1 || kindOf(c.key) == "list"
	if several && g.chance(80) || g.chance(5) {
		c.op = pick(g, "ForAnyValue:", "ForAllValues:") + c.op
	}
	if g.chance(20) {
		c.op += "IfExists"
	}
	if g.chance(8) {
		c.op = "Null"
		c.values = *g.list(func() string { return pick(g, "true", "false", "TRUE") })
		return c
	}
	c.values = *g.list(func() string { return g.wanted(q, c.key, kind) })
	return c
}

// wanted is a value of a condition: that of the request, changed, or any other.
func (g generator) wanted(q *question, key, kind string) string {
	v := g.value(kind)
	if got := q.get(key); len(got) > 0 && g.chance(60) {
		v = pick(g, got...)
	}
	switch {
	case g.chance(3) && kind != "String":
		return pick(g, "garbage", "10x", "")
	case kind == "String" && g.chance(25):
		return g.glob(q, v)
	case kind == "Arn" && g.chance(40):
		return g.arnPattern(v)
	case strings.Contains(v, ":") && kind == "IpAddress" && g.chance(40):
		return pick(g, "2001:db8::1", "2001:DB8::1", "2001:db8:0:0::0:1", "2001:db8:1:2:3:4:5:6", "0:0:0:0:0:0:0:1", "::1")
	case kind == "IpAddress" && g.chance(60):
		return pick(g, "203.0.113.0/24", "203.0.113.0/25", "203.0.113.7/32", "0.0.0.0/0", "0.0.0.0/1", "198.51.100.0/24", "203.0.113.7/24", "2001:db8::/32", "2001:DB8:0::/48", "::/0", "2001:db8::1/128")
	case kind == "Bool" && g.chance(6):
		return pick(g, "${aws:SecureTransport}", "${aws:missing, 'true'}")
	case kind == "Date" && g.chance(5):
		return pick(g, "2026", "2026-11-22T12:00:00", "November 22, 2026", "2026-1-1")
	}
	return v
}

func (g generator) arnPattern(v string) string {
	parts := strings.SplitN(v, ":", 6)
	if len(parts) < 6 {
		return v
	}
	i := 1 + g.r.IntN(5)
	parts[i] = pick(g, "*", "?*", parts[i]+"*", "${aws:username}", "*"+parts[i], strings.ToUpper(parts[i]))
	if g.chance(30) {
		parts[4] = pick(g, "${aws:PrincipalTag/team}", "${aws:missing, '123456789012'}")
	}
	if g.chance(10) {
		return pick(g, "*", "arn:aws:*", "arn:*:*:*:*:*", "arn:aws:iam::123456789012:user/${aws:username}")
	}
	return strings.Join(parts, ":")
}
