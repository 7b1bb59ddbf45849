package apigw

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gatepass/pkg/source"
)

// ProxyAnswer is what the function of a Lambda proxy integration answers its caller.
type ProxyAnswer struct {
	Status int
	// Header has the names in the function's spelling, those that REST APIs rename as
	// they are renamed. It can be used as an http.Header whose spelling counts.
	Header map[string][]string
	Body   []byte
}

// ProxyAnswer reads what the function of a Lambda proxy integration returned to
// ProxyEvent's event. Exactly one of the results is not nil: what the function
// answers, or the gateway's own answer to one that failed, whose Reason says why:
// 502 in REST APIs, 500 in HTTP APIs (AWS: "Set up Lambda proxy integrations", output
// format, and "AWS Lambda proxy integrations for HTTP APIs", response format).
func (v *Verdict) ProxyAnswer(out Output, r ProxyRequest) (*ProxyAnswer, *Verdict) {
	switch {
	case out.Kind == Failed:
		return nil, v.badFunction("the function failed: " + out.Message)
	case out.Kind != Returned:
		return nil, v.badFunction("the function could not be run: " + out.Message)
	}
	a := &ProxyAnswer{Status: 200, Header: map[string][]string{}}
	n := out.Value
	if v.p.api.Kind == HTTP && v.p.api.IntegrationPayload != "1.0" && n != nil && (n.Kind != source.Object || n.Get("statusCode") == nil) {
		a.Header["Content-Type"], a.Body = []string{"application/json"}, []byte(out.Text) // the short form
		return a, nil
	}
	if r.Header == nil {
		r.Header = v.p.req.Header
	}
	x := &answerReader{kind: v.p.api.Kind, ProxyAnswer: a}
	if x.read(n); x.problem != "" {
		return nil, v.badFunction("the function's answer is none of a Lambda proxy integration: " + x.problem)
	}
	if problem := x.decode(v.p, &r); problem != "" {
		return nil, v.badFunction(problem)
	}
	return a, nil
}

// badFunction is the answer when a function failed. Which type of gateway response
// it is in REST APIs is inferred: the body and the status were captured, and the
// documented status of INTEGRATION_FAILURE is another.
func (v *Verdict) badFunction(reason string) *Verdict {
	v.p.step(Step{Step: StepBackend, Outcome: OutcomeFailed, Reason: reason})
	r := refusal{t: Default5XX, status: 502, message: "Internal server error", errorType: "InternalServerErrorException"}
	if v.p.api.Kind == HTTP {
		r = refusal{status: 500, message: "Internal Server Error"}
	}
	refused := v.p.refuse(r)
	refused.BackendCalled = v.BackendCalled
	return refused
}

// answerReader reads the answer of a function. The first problem counts.
type answerReader struct {
	*ProxyAnswer
	kind    Kind
	body    string
	encoded bool
	problem string
}

func (x *answerReader) fail(format string, args ...any) {
	if x.problem == "" {
		x.problem = fmt.Sprintf(format, args...)
	}
}

// read reads the members. REST APIs take no others (LocalStack, which checks itself
// against AWS); that HTTP APIs pass over them is inferred.
func (x *answerReader) read(n *source.Node) {
	if n == nil || n.Kind != source.Object {
		x.fail("want a JSON object with statusCode, headers and body")
		return
	}
	var single, multi *source.Node
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Key {
		case "statusCode":
			x.status(m.Value)
		case "headers":
			single = m.Value
		case "multiValueHeaders":
			multi = m.Value
		case "body":
			x.text(m.Value)
		case "isBase64Encoded":
			x.encoded = m.Value.Text == "true"
		case "cookies":
			if x.kind == HTTP {
				x.cookies(m.Value)
				continue
			}
			x.fail("cookies are for payload format 2.0 of HTTP APIs")
		default:
			if x.kind != HTTP {
				x.fail("there is no member %q: want statusCode, headers, multiValueHeaders, body and isBase64Encoded", cut(m.Key))
			}
		}
	}
	if x.kind == HTTP && n.Get("statusCode") == nil {
		x.fail("it has no statusCode")
	}
	x.headers(single, multi)
}

// status reads the status: a number, or a string with one.
func (x *answerReader) status(n *source.Node) {
	if n.Kind == source.Null && x.kind != HTTP {
		return
	}
	status, err := strconv.Atoi(n.Text)
	if err != nil || n.Kind != source.Number && n.Kind != source.String || status < 200 || status > 599 {
		x.fail("its statusCode is no status from 200 to 599")
		return
	}
	x.Status = status
}

// text reads the body. An object instead of its text is what is most often wrong.
func (x *answerReader) text(n *source.Node) {
	switch n.Kind {
	case source.String:
		x.body = n.Text
	case source.Null:
	default:
		x.fail("its body is no string but %s: use JSON.stringify or json.dumps", n.Kind)
	}
}

func (x *answerReader) cookies(n *source.Node) {
	if n.Kind == source.Null {
		return
	}
	if n.Kind != source.List {
		x.fail("its cookies are no list")
		return
	}
	for _, it := range n.Items {
		x.Header["Set-Cookie"] = append(x.Header["Set-Cookie"], headerLine(it.Text))
	}
}

// headers puts the two kinds of headers together: a value that is in both counts
// once.
func (x *answerReader) headers(single, multi *source.Node) {
	add := func(name string, n *source.Node, fresh bool) {
		value, ok := x.value(n)
		if !ok {
			x.fail("the header %q is no string", cut(name))
			return
		}
		name = x.spelling(name)
		if fresh && slices.Contains(x.Header[name], value) {
			return
		}
		x.Header[name] = append(x.Header[name], value)
	}
	x.each("multiValueHeaders", multi, func(name string, n *source.Node) {
		if n.Kind != source.List {
			add(name, n, false)
			return
		}
		for _, it := range n.Items {
			add(name, it, false)
		}
	})
	x.each("headers", single, func(name string, n *source.Node) { add(name, n, true) })
}

func (x *answerReader) each(key string, n *source.Node, do func(name string, n *source.Node)) {
	switch {
	case n == nil || n.Kind == source.Null:
	case n.Kind != source.Object:
		x.fail("its %s are no object", key)
	default:
		for i := range n.Members {
			do(n.Members[i].Key, n.Members[i].Value)
		}
	}
}

// value is the text of a header: a string or boolean. That HTTP APIs take numbers,
// too, is inferred; REST APIs do not (LocalStack).
func (x *answerReader) value(n *source.Node) (string, bool) {
	switch {
	case n.Kind == source.String, n.Kind == source.Bool, n.Kind == source.Number && x.kind == HTTP:
		return headerLine(n.Text), true
	}
	return "", false
}

// spelling is the name of a header as it goes out: as it was given the first time,
// and in REST APIs renamed where it is one of the gateway's own.
func (x *answerReader) spelling(name string) string {
	if x.kind != HTTP {
		name = Remapped(name)
	}
	for have := range x.Header {
		if strings.EqualFold(have, name) {
			return have
		}
	}
	return name
}

// Remapped is the name under which a REST API hands on a header of its backend:
// those that are the gateway's own get the prefix x-amzn-Remapped-. AWS says that
// they may be ("Amazon API Gateway important notes"); which of the list are, was seen
// for Authorization, Connection, Content-Length, Date, Server, WWW-Authenticate and
// x-amzn-RequestId, and is inferred for the others.
func Remapped(name string) string {
	switch strings.ToLower(name) {
	case "authorization", "connection", "content-length", "date", "server", "www-authenticate", "x-amzn-requestid",
		"content-md5", "expect", "host", "max-forwards", "proxy-authenticate", "te", "trailer", "upgrade", "user-agent":
		return "x-amzn-Remapped-" + name
	}
	return name
}

// decode makes the body of its text, and completes the header.
func (x *answerReader) decode(p *Pending, r *ProxyRequest) (problem string) {
	x.Body = []byte(x.body)
	for name := range x.Header {
		switch strings.ToLower(name) {
		case "transfer-encoding", "apigw-requestid", "x-amz-apigw-id":
			delete(x.Header, name) // of the connection and of the gateway, not of the function
		case "content-length", "connection":
			if x.kind == HTTP {
				delete(x.Header, name)
			}
		}
	}
	if len(fieldsOf(x.Header, "Content-Type")) == 0 {
		// In REST APIs LocalStack's, in HTTP APIs inferred.
		kind := "application/json"
		if x.kind == HTTP {
			kind = "text/plain; charset=utf-8"
		}
		x.Header["Content-Type"] = []string{kind}
	}
	if !x.encoded || x.kind != HTTP && !isBinary(r.BinaryTypes, p.accepted(r)) {
		return ""
	}
	body, err := base64.StdEncoding.DecodeString(x.body)
	if err != nil {
		return "the function's answer says isBase64Encoded, and its body is not base64"
	}
	x.Body = body
	return ""
}

// accepted is the first media type that the caller accepts: by it REST APIs tell
// whether an answer is binary (AWS: "Content type conversions in API Gateway").
func (p *Pending) accepted(r *ProxyRequest) string {
	first, _, _ := strings.Cut(last(fieldsOf(r.Header, "Accept")), ",")
	return mediaType(first)
}
