package apigw

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

// failure is why an authorizer's answer cannot be used.
type failure struct {
	log      string // the reason in the execution log
	why      string // the reason for people; $context.authorizer.error
	inferred string
}

// The reasons that execution logs give; captured.
const (
	logNoPolicy  = "Could not parse policy"
	logBadPolicy = "Unable to parse given policy"
	logError     = "Authorizer error"
	logBadJSON   = "Invalid JSON in response: "
)

// wrongFormat is $context.authorizer.error of HTTP APIs for an answer they cannot
// read (captured as far as the first sentence).
const wrongFormat = "The response from the Lambda Authorizer function doesn't match the format that API Gateway expects."

// accept checks what a Lambda authorizer returned.
func (p *Pending) accept(out Output) (*Result, *failure) {
	switch out.Kind {
	case Returned:
	case Failed:
		return nil, &failure{log: logError, why: "the authorizer failed with the error " + quoted(out.Message)}
	case NotInvoked:
		return nil, &failure{log: logError, why: "the authorizer could not be run: " + out.Message}
	default:
		return nil, &failure{log: logError, why: "the authorizer gave a verdict about a token, which a Lambda authorizer cannot"}
	}
	r, f := p.acceptDocument(out)
	if f != nil {
		if p.api.Kind == HTTP {
			f.why = wrongFormat + " " + f.why
		}
		return nil, f
	}
	r.madeFor, r.ttl, r.size = p.arn, p.route.auth.ttl, len(out.Text)
	return r, nil
}

func quoted(s string) string { return fmt.Sprintf("%q", cut(s)) }

func (p *Pending) acceptDocument(out Output) (*Result, *failure) {
	n := out.Value
	switch {
	case n == nil:
		return nil, &failure{log: logBadJSON + out.Message, why: "the authorizer's answer is not JSON: " + out.Message}
	case n.Kind != source.Object:
		return nil, &failure{log: logNoPolicy, why: fmt.Sprintf("the authorizer answered with %s; it must be an object with principalId and policyDocument", n.Kind)}
	case p.api.Kind == WebSocket && len(out.Text) > maxConnectAnswer:
		return nil, &failure{
			log: logNoPolicy, why: fmt.Sprintf("the answer has %d bytes, more than the %d of WebSocket APIs", len(out.Text), maxConnectAnswer),
			inferred: "the limit is documented, the answer beyond it is not",
		}
	case p.api.Kind == HTTP && p.route.auth.SimpleResponses:
		return p.acceptSimple(n)
	}
	return p.acceptPolicy(n)
}

// acceptSimple reads {"isAuthorized": …, "context": …} of HTTP APIs.
func (p *Pending) acceptSimple(n *source.Node) (*Result, *failure) {
	is := n.Get("isAuthorized")
	switch {
	case is == nil && n.Get("policyDocument") != nil:
		return nil, &failure{why: "it is an IAM policy, but the authorizer is set to simple responses"}
	case is == nil:
		return nil, &failure{why: "isAuthorized is missing"}
	case is.Kind != source.Bool:
		return nil, &failure{why: "isAuthorized must be true or false, not " + is.Kind.String()}
	}
	r := &Result{simple: true, authorized: is.Text == "true"}
	return r, p.acceptContext(r, n.Get("context"))
}

// acceptPolicy reads an answer with an IAM policy, strictly where AWS documents or
// captures show that it is.
func (p *Pending) acceptPolicy(n *source.Node) (*Result, *failure) {
	if n.Get("policyDocument") == nil {
		switch {
		case n.Get("isAuthorized") != nil && p.api.Kind != HTTP:
			return nil, &failure{log: logNoPolicy, why: "it is a simple response, which only authorizers of HTTP APIs may give"}
		case n.Get("isAuthorized") != nil:
			return nil, &failure{log: logNoPolicy, why: "it is a simple response, which this authorizer is not set to take (EnableSimpleResponses)"}
		case n.Get("statusCode") != nil && n.Get("principalId") == nil:
			return nil, &failure{log: logNoPolicy, why: "it is what a proxy integration answers (statusCode): an authorizer answers with principalId and policyDocument, and refuses with a Deny or the error Unauthorized"}
		}
	}
	r := &Result{}
	if f := r.acceptPrincipal(n.Get("principalId")); f != nil {
		return nil, f
	}
	if f := r.acceptDocument(n.Get("policyDocument")); f != nil {
		return nil, f
	}
	if key := n.Get("usageIdentifierKey"); key != nil {
		if key.Kind == source.List || key.Kind == source.Object {
			return nil, &failure{log: notString(key), why: "usageIdentifierKey must be a string, not " + key.Kind.String()}
		}
		r.usageKey = key.Text
	}
	return r, p.acceptContext(r, n.Get("context"))
}

// acceptPrincipal reads principalId, without which the call fails (AWS: "Output
// from an API Gateway Lambda authorizer").
func (r *Result) acceptPrincipal(n *source.Node) *failure {
	switch {
	case n == nil || n.Kind == source.Null:
		return &failure{
			log: logNoPolicy, why: "principalId is missing",
			inferred: "AWS documents that principalId must be there; one report has it that the gateway does without",
		}
	case n.Kind == source.List || n.Kind == source.Object:
		return &failure{log: notString(n), why: "principalId must be a string, not " + n.Kind.String()}
	case n.Kind != source.String:
		r.infer("that a principalId which is no string is taken as its text is not documented")
	}
	r.principal = n.Text
	return nil
}

// infer notes something that is not documented about a result.
func (r *Result) infer(what string) {
	if r.inferred != "" {
		r.inferred += "; "
	}
	r.inferred += what
}

// notString is the log line of a value that should be a string (captured for a
// list in the context).
func notString(n *source.Node) string {
	token := "START_ARRAY"
	if n.Kind == source.Object {
		token = "START_OBJECT"
	}
	return logBadJSON + "Can not deserialize instance of java.lang.String out of " + token + " token"
}

func (r *Result) acceptDocument(n *source.Node) *failure {
	switch {
	case n == nil || n.Kind == source.Null:
		return &failure{log: logNoPolicy, why: "policyDocument is missing"}
	case n.Kind == source.String:
		return &failure{log: logBadPolicy, why: "policyDocument is a string; it must be the policy itself, an object"}
	case n.Kind != source.Object:
		return &failure{log: logBadPolicy, why: "policyDocument must be an object, not " + n.Kind.String()}
	}
	doc, err := policy.Parse(n, policy.Options{})
	if err != nil {
		return &failure{log: logBadPolicy, why: "the policy cannot be read: " + strings.ReplaceAll(err.Error(), "\n", "; ")}
	}
	for i := range doc.Statements {
		st := &doc.Statements[i]
		for _, arn := range slices.Concat(st.Resource.Items, st.NotResource.Items) {
			if n := utf8.RuneCountInString(arn); n > policy.MaxResource {
				return &failure{
					log: logBadPolicy, why: fmt.Sprintf("a resource of statement %d has %d characters, more than %d", i+1, n, policy.MaxResource),
					inferred: "the limit of 512 characters is documented, the answer beyond it is not",
				}
			}
		}
	}
	r.doc, r.keys = doc, doc.KeyNames()
	return nil
}

// acceptContext reads the context and makes of it what the backend will see.
func (p *Pending) acceptContext(r *Result, n *source.Node) *failure {
	if n != nil && n.Kind != source.Object && n.Kind != source.Null {
		return &failure{log: logBadJSON + "the context is no object", why: "context must be an object, not " + n.Kind.String()}
	}
	var members []source.Member
	if n != nil {
		members = n.Members
	}
	typed := p.api.Kind == HTTP && p.route.auth.PayloadFormat != "1.0"
	values := make(map[string]any, len(members)+1)
	for i := range members {
		m := &members[i]
		if f := p.acceptMember(r, m, typed); f != nil {
			return f
		}
		switch {
		case m.Value.Kind == source.Null && !typed:
			r.infer("that null values of the context are left out is not documented")
		case p.api.Kind == HTTP:
			values[m.Key] = m.Value.Any()
		default:
			values[m.Key] = m.Value.Text
		}
	}
	r.backend = p.backendOf(r, values)
	return nil
}

// acceptMember checks one member of the context.
func (p *Pending) acceptMember(r *Result, m *source.Member, typed bool) *failure {
	nested := m.Value.Kind == source.List || m.Value.Kind == source.Object
	switch {
	case nested && !typed:
		return &failure{log: notString(m.Value), why: fmt.Sprintf("the context's %s is %s; only strings, numbers and booleans are taken", quoted(m.Key), m.Value.Kind)}
	case m.Key == "claims" && p.api.Kind == HTTP && !typed:
		return &failure{
			why: "the context's key claims is reserved", inferred: "that the key claims is reserved is documented, the answer to it is not",
		}
	case m.Value.Kind == source.Number && p.api.Kind != HTTP && strings.ContainsAny(m.Value.Text, ".eE"):
		r.infer("how the number " + cut(m.Value.Text) + " of the context becomes a string is not documented: its JSON text is kept")
	}
	return nil
}

// backendOf is where and how the backend sees the context.
func (p *Pending) backendOf(r *Result, values map[string]any) *Backend {
	if p.api.Kind == HTTP && p.api.IntegrationPayload != "1.0" {
		return &Backend{At: "requestContext.authorizer.lambda", Value: values}
	}
	if r.principal != "" || !r.simple {
		values["principalId"] = r.principal
	}
	return &Backend{At: "requestContext.authorizer", Value: values}
}

// mask hides a principal or token in the log.
func mask(s string) string {
	if s == "" {
		return ""
	}
	return "****"
}

// logCall writes the lines of an execution log up to the result of the function.
func (p *Pending) logCall(out Output) {
	if !p.trace || p.api.Kind == HTTP {
		return
	}
	z := p.route.auth
	p.logf("Starting authorizer: %s for request: %s", z.Name, p.req.ID)
	p.logf("Incoming identity: %s", mask(strings.Join(p.values, "")))
	if z.URI != "" {
		p.logf("Endpoint request URI: %s", z.URI)
	}
	p.logf("Endpoint request headers: {x-amzn-apigateway-api-id=%s, Accept=application/json, Content-Type=application/json}", p.api.ID)
	p.logf("Endpoint request body after transformations: %s", p.maskedEvent())
	switch out.Kind {
	case Returned:
		p.logf("Authorizer result body before parsing: %s", oneLine(out.Text))
	case Failed:
		p.logf("Authorizer result body before parsing: %s", jsonText(map[string]string{"errorMessage": out.Message}))
	}
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// maskedEvent is the event without what identifies the caller.
func (p *Pending) maskedEvent() string {
	e := p.event()
	e.Token = mask(e.Token)
	e.Identity = nil
	e.Header, e.Query, e.RawQuery = nil, nil, ""
	e.Context.APIKey = mask(e.Context.APIKey)
	b, err := json.Marshal(e)
	if err != nil {
		return ""
	}
	return string(b)
}
