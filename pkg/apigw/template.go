package apigw

import (
	"strconv"
	"strings"
	"time"
)

// messageString is $context.error.messageString: the message in quotes, or null.
func (v *Verdict) messageString() string {
	if v.null {
		return "null"
	}
	return jsonText(v.message)
}

// Render fills in a mapping template or the template of a gateway response:
// variables of $context and $stageVariables, nothing else of the template
// language (gateway responses know no more; for mapping templates it is a part). A
// variable without a value becomes nothing, which is not documented.
func (v *Verdict) Render(template string) string { return v.expand(template, "") }

// RenderLog fills in the format of an access log, where a variable without a value
// becomes a dash (AWS: "Set up CloudWatch logging").
func (v *Verdict) RenderLog(format string) string { return v.expand(format, "-") }

func (v *Verdict) expand(text, missing string) string {
	if v.p == nil {
		return text
	}
	return expand(text, missing, v.lookup)
}

// expand fills in a text with what lookup finds.
func expand(text, missing string, lookup func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, length := variable(rest)
		value, known := lookup(name)
		switch {
		case name == "":
			b.WriteByte('$')
		case known && value != "":
			b.WriteString(value)
		default:
			b.WriteString(missing)
		}
		text = rest[length:]
	}
}

// maxKey is the longest key in brackets that is read, in bytes.
const maxKey = 256

// variable reads the name after a dollar sign, with or without braces, and how
// long it is written. Only context and stageVariables are names; everything else
// is text.
func variable(s string) (name string, length int) {
	open := strings.HasPrefix(s, "{")
	if open {
		s = s[1:]
	}
	if !strings.HasPrefix(s, "context.") && !strings.HasPrefix(s, "stageVariables.") {
		return "", 0
	}
	n := 0
	for n < len(s) {
		c := s[n]
		word := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
		if c == '[' { // ['custom:role'] and ["a.b"]
			if end := strings.IndexByte(s[n:min(n+maxKey, len(s))], ']'); end > 0 {
				n += end + 1
				continue
			}
		}
		if !word {
			break
		}
		n++
	}
	for n > 0 && (s[n-1] == '.' || s[n-1] == '-') { // the end of a sentence
		n--
	}
	name, length = s[:n], n
	if !strings.Contains(name, ".") {
		return "", 0
	}
	if open {
		if !strings.HasPrefix(s[n:], "}") {
			return "", 0
		}
		length += 2
	}
	return name, length
}

// parameter is the value of a header of a gateway response.
func (v *Verdict) parameter(expression string) (string, bool) {
	if len(expression) >= 2 && expression[0] == '\'' && expression[len(expression)-1] == '\'' {
		return expression[1 : len(expression)-1], true
	}
	if name, ok := strings.CutPrefix(expression, "method.request.header."); ok {
		values := v.p.req.header(canonical(name))
		return last(values), len(values) > 0
	}
	if name, ok := strings.CutPrefix(expression, "method.request.querystring."); ok {
		values := v.p.query()[name]
		return last(values), len(values) > 0
	}
	if name, ok := strings.CutPrefix(expression, "method.request.path."); ok && v.p.route != nil {
		value, ok := v.p.route.parameters(v.p.api.Kind, v.p.path)[name]
		return value, ok
	}
	return v.lookup(expression)
}

// lookup finds a variable by its name without the dollar sign.
func (v *Verdict) lookup(name string) (string, bool) {
	if key, ok := strings.CutPrefix(name, "stageVariables."); ok {
		value, ok := v.p.api.StageVariables[key]
		return value, ok
	}
	name, ok := strings.CutPrefix(name, "context.")
	if !ok {
		return "", false
	}
	if key, ok := strings.CutPrefix(name, "authorizer."); ok {
		return v.authorizer(key)
	}
	switch name {
	case "error.message":
		return v.message, !v.null
	case "error.messageString":
		return v.messageString(), true
	case "error.responseType":
		return string(v.Response), v.Response != ""
	case "status":
		return strconv.Itoa(v.Status), true
	}
	return v.p.contextVar(name)
}

// authorizer is $context.authorizer.KEY.
func (v *Verdict) authorizer(key string) (string, bool) {
	switch key {
	case "error":
		return v.p.authErr, v.p.authErr != ""
	case "principalId":
		if v.p.who != "" {
			return v.p.who, true
		}
	}
	return v.p.backend.variable(key)
}

// contextVar is a variable of $context that the request alone determines.
func (p *Pending) contextVar(name string) (string, bool) {
	var v string
	switch name {
	case "accountId":
		v = p.api.Account
	case "apiId":
		v = p.api.ID
	case "stage":
		v = p.stage()
	case "requestId":
		v = p.req.ID
	case "extendedRequestId":
		v = p.req.ExtendedID
	case "httpMethod":
		v = p.req.Method
	case "path":
		v = p.contextPath()
	case "resourcePath":
		v = p.Resource()
	case "routeKey":
		v = p.RouteKey()
	case "protocol":
		v = p.protocol()
	case "domainName":
		v = p.domain()
	case "domainPrefix":
		v, _, _ = strings.Cut(p.domain(), ".")
	default:
		return p.otherVar(name)
	}
	return v, v != ""
}

func (p *Pending) otherVar(name string) (string, bool) {
	var v string
	switch name {
	case "requestTime":
		v = requestTime(p.req.Time)
	case "requestTimeEpoch":
		v = strconv.FormatInt(p.req.Time.UnixMilli(), 10)
	case "identity.sourceIp":
		v = p.req.SourceIP
	case "identity.userAgent":
		v = last(p.req.header("User-Agent"))
	case "identity.apiKey":
		v = last(p.req.header("X-Api-Key"))
	case "connectionId":
		v = p.req.ConnectionID
	case "connectedAt":
		if p.api.Kind == WebSocket {
			v = strconv.FormatInt(p.req.Time.UnixMilli(), 10)
		}
	case "eventType":
		if p.api.Kind == WebSocket {
			v = p.eventType()
		}
	}
	return v, v != ""
}

// requestTime is a time in the common log format.
func requestTime(t time.Time) string { return t.UTC().Format("02/Jan/2006:15:04:05 -0700") }

func (p *Pending) protocol() string {
	if p.req.Protocol == "" {
		return "HTTP/1.1"
	}
	return p.req.Protocol
}

// domain is the domain name that was called.
func (p *Pending) domain() string {
	if p.req.Host != "" {
		if host, _, ok := strings.Cut(p.req.Host, "]"); ok { // [::1]:8080
			return host + "]"
		}
		host, _, _ := strings.Cut(p.req.Host, ":")
		return host
	}
	suffix := ".amazonaws.com"
	if p.api.Partition == "aws-cn" {
		suffix += ".cn"
	}
	return p.api.ID + ".execute-api." + p.api.Region + suffix
}

// stage is the stage in events: the test of an authorizer has its own.
func (p *Pending) stage() string {
	if p.test {
		return testStage
	}
	return p.api.Stage
}

// contextPath is requestContext.path. AWS's sample has it without the stage.
func (p *Pending) contextPath() string { return p.path }
