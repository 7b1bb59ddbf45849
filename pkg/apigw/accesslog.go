package apigw

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gatepass/pkg/urlpath"
)

// Served is what became of a request, for the access log: what is known only once it
// is answered.
type Served struct {
	API     *API
	Request *Request
	// Verdict is what was decided; nil when the request could not be put to the core.
	Verdict *Verdict
	// Path is the path as it was called, with the stage.
	Path   string
	Status int
	// Length is that of the answer's body in bytes, Received that of the request's.
	Length, Received int64
	// Took is the whole time; Authorizing that of the authorizer, 0 when none ran.
	Took, Authorizing time.Duration
	// Integration is what the backend answered; nil when it was not reached.
	Integration *ServedIntegration
}

// ServedIntegration is what a backend answered.
type ServedIntegration struct {
	Status int // of the backend's answer; 0 is none
	// Lambda says that it is a function, whose own status is Status.
	Lambda bool
	Took   time.Duration
	Error  string // why there is no answer
	Failed IntegrationFailed
}

// IntegrationFailed says in which way a backend failed.
type IntegrationFailed uint8

// The ways. The zero value is none of the others, such as a server that cannot be
// reached.
const (
	FailedOtherwise IntegrationFailed = iota
	TimedOut                          // it did not answer in time
	FunctionFailed                    // a function ended with an error
	Malformed                         // a function's answer is none of a Lambda proxy integration
)

// failure is the line of an execution log about a backend that failed: captured, but
// for those that failed otherwise.
func (i *ServedIntegration) failure() string {
	text := logValue(i.Error, false)
	switch i.Failed {
	case TimedOut:
		return "Execution failed due to a timeout error"
	case FunctionFailed:
		return "Lambda execution failed with status 200 due to customer function error: " + text
	case Malformed:
		return "Execution failed due to configuration error: Malformed Lambda proxy response"
	}
	return "Execution failed due to configuration error: " + text
}

// AccessLogFormat is one of the formats that the console of AWS offers: clf, json,
// csv, or xml.
func AccessLogFormat(k Kind, name string) (format string, ok bool) {
	where, caller, user := "$context.resourcePath", "$context.identity.caller", "$context.identity.user"
	if k != REST {
		where, caller, user = "$context.routeKey", "-", "-"
	}
	const ip, at, method, protocol = "$context.identity.sourceIp", "$context.requestTime", "$context.httpMethod", "$context.protocol"
	const status, length, id, extended = "$context.status", "$context.responseLength", "$context.requestId", "$context.extendedRequestId"
	switch name {
	case "clf":
		return ip + " " + caller + " " + user + " [" + at + "] \"" + method + " " + where + " " + protocol + "\" " + status + " " + length + " " + id + " " + extended, true
	case "csv":
		return strings.Join([]string{ip, caller, user, at, method, where, protocol, status, length, id, extended}, ","), true
	case "json":
		return `{"requestId":"` + id + `","extendedRequestId":"` + extended + `","ip":"` + ip + `","caller":"` + caller + `","user":"` + user +
			`","requestTime":"` + at + `","httpMethod":"` + method + `","resourcePath":"` + where + `","status":"` + status +
			`","protocol":"` + protocol + `","responseLength":"` + length + `"}`, true
	case "xml":
		return `<request id="` + id + `"> <ip>` + ip + `</ip> <caller>` + caller + `</caller> <user>` + user + `</user> <requestTime>` + at +
			`</requestTime> <httpMethod>` + method + `</httpMethod> <resourcePath>` + where + `</resourcePath> <status>` + status +
			`</status> <protocol>` + protocol + `</protocol> <responseLength>` + length + `</responseLength> </request>`, true
	}
	return "", false
}

// AccessLog fills in the format of an access log (AWS: "Set up CloudWatch API
// logging" and "Customize HTTP API access logs"). A variable without a value is a
// dash. Values cannot end the line; in a format that is JSON they cannot end a
// string, either (how API Gateway escapes them is not documented). API keys are
// shown by their last characters.
func (s *Served) AccessLog(format string) string {
	v := s.Verdict
	if v == nil {
		v = (&Pending{api: s.API, prep: s.API.ready(), req: s.Request, path: urlpath.Plain(s.Request.Path)}).verdict()
	}
	quoted := strings.HasPrefix(strings.TrimSpace(format), "{")
	return expand(format, "-", func(name string) (string, bool) {
		value, ok := s.lookup(v, name)
		if name == "context.error.messageString" {
			return value, ok // with quotes of its own
		}
		return logValue(value, quoted), ok
	})
}

// logValue keeps a value on its line, and in its string.
func logValue(s string, quoted bool) string {
	bad := func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || quoted && (r == '"' || r == '\\')
	}
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !bad(r):
			b.WriteRune(r)
		case r == '"', r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// lookup is a variable of the access log: those that only it has, then those of the
// decision.
func (s *Served) lookup(v *Verdict, name string) (string, bool) {
	key, _ := strings.CutPrefix(name, "context.")
	switch key {
	case "status":
		return strconv.Itoa(s.Status), true
	case "path":
		return s.Path, s.Path != ""
	case "responseLength":
		return strconv.FormatInt(s.Length, 10), true
	case "dataProcessed":
		return strconv.FormatInt(s.Length+s.Received, 10), true
	case "responseLatency":
		return millis(s.Took), true
	case "identity.apiKey":
		value, ok := v.lookup(name)
		return maskKey(value), ok
	case "error.message", "error.messageString", "error.responseType":
		if v.Allowed { // there was none
			return "", false
		}
	}
	if value, ok := s.ofAuthorizer(v, key); ok {
		return value, true
	}
	if strings.HasPrefix(key, "integration") {
		return s.ofIntegration(key)
	}
	if value, ok := s.ofCaller(key); ok {
		return value, true
	}
	return v.lookup(name)
}

// maskKey is an API key as execution logs show it.
func maskKey(s string) string {
	const shown = 6
	if len(s) <= shown {
		return strings.Repeat("*", len(s))
	}
	return strings.Repeat("*", len(s)-shown) + s[len(s)-shown:]
}

// ofAuthorizer is what became of calling a Lambda authorizer.
func (s *Served) ofAuthorizer(v *Verdict, key string) (string, bool) {
	if !v.AuthorizerCalled {
		return "", false
	}
	switch key {
	case "authorizer.latency", "authorizer.integrationLatency":
		return millis(s.Authorizing), true
	case "authorizer.integrationStatus", "authorizer.status":
		return "200", v.AuthorizerError == ""
	}
	return "", false
}

// ofIntegration is what became of calling the backend.
func (s *Served) ofIntegration(key string) (string, bool) {
	i := s.Integration
	if i == nil {
		return "", false
	}
	switch key {
	case "integrationLatency", "integration.latency":
		return millis(i.Took), true
	case "integrationErrorMessage", "integration.error":
		return i.Error, i.Error != ""
	case "integrationStatus", "integration.integrationStatus":
		if i.Lambda && i.Status != 0 {
			return "200", true // of Lambda, not of the function
		}
		return strconv.Itoa(i.Status), i.Status != 0
	case "integration.status":
		return strconv.Itoa(i.Status), i.Status != 0
	}
	return "", false
}

// ofCaller is a caller with AWS credentials.
func (s *Served) ofCaller(key string) (string, bool) {
	if s.Request == nil || s.Request.Caller == nil {
		return "", false
	}
	if key == "identity.userArn" {
		return s.Request.Caller.ARN, true
	}
	return "", false
}

// ServedLog is the execution log of a request that has been answered: that of the
// decision, and how the integration ended. The lines about the integration are in the
// words of captured logs, less what shows bodies and headers.
func (v *Verdict) ServedLog(status int, i *ServedIntegration) []string {
	p := v.p
	if p.api.Kind == HTTP || !p.trace {
		return nil // HTTP APIs have no execution logs
	}
	if len(v.Log) == 0 && !v.Allowed {
		return nil // a request that no authorizer was asked about is not logged (AWS: "Call an API with Lambda authorizers", note)
	}
	lines := slices.Clone(v.Log)
	say := func(format string, args ...any) {
		lines = append(lines, "("+p.req.ID+") "+fmt.Sprintf(format, args...))
	}
	if i != nil && i.Error != "" {
		say("%s", i.failure())
	}
	if i != nil && i.Status != 0 {
		say("Received response. Status: %d, Integration latency: %d ms", i.Status, i.Took.Milliseconds())
	}
	if i != nil && i.Error == "" {
		say("Successfully completed execution")
	}
	say("Method completed with status: %d", status)
	return lines
}
