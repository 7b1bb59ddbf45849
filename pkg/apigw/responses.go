package apigw

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ResponseType is the type of a gateway response of a REST API (AWS: "Gateway
// response types for API Gateway").
type ResponseType string

// The types of gateway responses.
const (
	AccessDenied                 ResponseType = "ACCESS_DENIED"
	APIConfigurationError        ResponseType = "API_CONFIGURATION_ERROR"
	AuthorizerConfigurationError ResponseType = "AUTHORIZER_CONFIGURATION_ERROR"
	AuthorizerFailure            ResponseType = "AUTHORIZER_FAILURE"
	BadRequestParameters         ResponseType = "BAD_REQUEST_PARAMETERS"
	BadRequestBody               ResponseType = "BAD_REQUEST_BODY"
	Default4XX                   ResponseType = "DEFAULT_4XX"
	Default5XX                   ResponseType = "DEFAULT_5XX"
	ExpiredToken                 ResponseType = "EXPIRED_TOKEN"
	IntegrationFailure           ResponseType = "INTEGRATION_FAILURE"
	IntegrationTimeout           ResponseType = "INTEGRATION_TIMEOUT"
	InvalidAPIKey                ResponseType = "INVALID_API_KEY" //nolint:gosec // the name of a gateway response
	InvalidSignature             ResponseType = "INVALID_SIGNATURE"
	MissingAuthenticationToken   ResponseType = "MISSING_AUTHENTICATION_TOKEN"
	QuotaExceededResponse        ResponseType = "QUOTA_EXCEEDED"
	RequestTooLarge              ResponseType = "REQUEST_TOO_LARGE"
	ResourceNotFound             ResponseType = "RESOURCE_NOT_FOUND"
	ThrottledResponse            ResponseType = "THROTTLED"
	Unauthorized                 ResponseType = "UNAUTHORIZED"
	UnsupportedMediaType         ResponseType = "UNSUPPORTED_MEDIA_TYPE"
	WAFFiltered                  ResponseType = "WAF_FILTERED"
)

// DefaultTemplate is the template of every gateway response that is not customised.
const DefaultTemplate = `{"message":$context.error.messageString}`

// ResponseDefault is how a type of gateway response is answered by default.
type ResponseDefault struct {
	Status    int    // 0 for DEFAULT_4XX and DEFAULT_5XX, which keep the status
	ErrorType string // x-amzn-ErrorType
	// Message is the usual message; empty where none is known.
	Message string
	// Guessed says that the error type has no trustworthy source.
	Guessed bool
}

// ResponseTypes are all types, in AWS's order.
func ResponseTypes() []ResponseType {
	return []ResponseType{
		AccessDenied, APIConfigurationError, AuthorizerConfigurationError, AuthorizerFailure, BadRequestParameters, BadRequestBody,
		Default4XX, Default5XX, ExpiredToken, IntegrationFailure, IntegrationTimeout, InvalidAPIKey, InvalidSignature,
		MissingAuthenticationToken, QuotaExceededResponse, RequestTooLarge, ResourceNotFound, ThrottledResponse, Unauthorized,
		UnsupportedMediaType, WAFFiltered,
	}
}

// Default is the built-in answer of a type; false for a name that is no type.
// Statuses are AWS's documentation; error types were captured, or are those of
// LocalStack, which checks itself against AWS, or guessed there.
func (t ResponseType) Default() (ResponseDefault, bool) {
	switch t {
	case AccessDenied:
		return ResponseDefault{Status: 403, ErrorType: "AccessDeniedException"}, true
	case APIConfigurationError:
		return ResponseDefault{Status: 500, ErrorType: "ApiConfigurationException", Guessed: true}, true
	case AuthorizerConfigurationError:
		return ResponseDefault{Status: 500, ErrorType: "AuthorizerConfigurationException"}, true
	case AuthorizerFailure:
		return ResponseDefault{Status: 500, ErrorType: "AuthorizerFailureException", Guessed: true}, true
	case BadRequestParameters:
		return ResponseDefault{Status: 400, ErrorType: "BadRequestException"}, true
	case BadRequestBody:
		return ResponseDefault{Status: 400, ErrorType: "BadRequestException", Message: "Invalid request body"}, true
	case Default4XX, Default5XX:
		return ResponseDefault{}, true
	case ExpiredToken:
		return ResponseDefault{Status: 403, ErrorType: "ExpiredTokenException", Guessed: true}, true
	case IntegrationFailure:
		return ResponseDefault{Status: 504, ErrorType: "InternalServerErrorException", Message: "Internal server error"}, true
	case IntegrationTimeout:
		return ResponseDefault{Status: 504, ErrorType: "InternalServerErrorException", Message: "Endpoint request timed out"}, true
	case InvalidAPIKey:
		return ResponseDefault{Status: 403, ErrorType: "ForbiddenException", Message: "Forbidden"}, true
	}
	return t.otherDefault()
}

func (t ResponseType) otherDefault() (ResponseDefault, bool) {
	switch t {
	case InvalidSignature:
		return ResponseDefault{Status: 403, ErrorType: "InvalidSignatureException", Guessed: true}, true
	case MissingAuthenticationToken:
		return ResponseDefault{Status: 403, ErrorType: "MissingAuthenticationTokenException", Message: "Missing Authentication Token"}, true
	case QuotaExceededResponse:
		return ResponseDefault{Status: 429, ErrorType: "LimitExceededException", Message: "Limit Exceeded"}, true
	case RequestTooLarge:
		return ResponseDefault{Status: 413, ErrorType: "RequestTooLargeException", Message: "Request Too Long", Guessed: true}, true
	case ResourceNotFound:
		return ResponseDefault{Status: 404, ErrorType: "ResourceNotFoundException", Guessed: true}, true
	case ThrottledResponse:
		return ResponseDefault{Status: 429, ErrorType: "TooManyRequestsException", Message: "Too Many Requests"}, true
	case Unauthorized:
		return ResponseDefault{Status: 401, ErrorType: "UnauthorizedException", Message: "Unauthorized"}, true
	case UnsupportedMediaType:
		return ResponseDefault{Status: 415, ErrorType: "BadRequestException", Message: "Unsupported Media Type"}, true
	case WAFFiltered:
		return ResponseDefault{Status: 403, ErrorType: "WafFilteredException", Message: "Forbidden", Guessed: true}, true
	}
	return ResponseDefault{}, false
}

// GatewayResponse customises one type of gateway response.
type GatewayResponse struct {
	// Status replaces the status; 0 keeps it.
	Status int
	// Headers are response parameters: the name of a header with a value in single
	// quotes ('*'), or method.request.header.X, method.request.querystring.X,
	// method.request.path.X, context.X, stageVariables.X.
	Headers map[string]string
	// Templates are bodies by content type, with variables of $context and
	// $stageVariables in them. None keeps the default body.
	Templates map[string]string
}

// refusal is what a request is refused with.
type refusal struct {
	t         ResponseType // of REST APIs
	status    int          // of the others; in REST APIs it replaces the default if not 0
	message   string
	null      bool   // the message is null
	denial    bool   // by a policy: REST APIs spell the member Message
	errorType string // instead of the type's
	challenge string // www-authenticate
}

// verdict is a verdict with all that is known so far.
func (p *Pending) verdict() *Verdict {
	return &Verdict{
		AuthorizerCalled: p.called, Cached: p.cached, ARN: p.arn, Resource: p.Resource(), RouteKey: p.RouteKey(),
		Decision: p.decision, Principal: p.who, AuthorizerError: p.authErr, Reason: p.reason, Trace: p.steps, Log: p.log, p: p,
	}
}

// refuse makes the verdict of a refusal.
func (p *Pending) refuse(r refusal) *Verdict {
	v := p.verdict()
	v.message, v.null = r.message, r.null
	v.Headers = map[string]string{"Content-Type": "application/json"}
	switch p.api.Kind {
	case HTTP:
		p.refuseHTTP(v, r)
	case WebSocket:
		v.Status = r.status
		v.Body = `{"message":` + jsonText(r.message) + `}`
		setIf(v.Headers, "x-amzn-RequestId", p.req.ID)
		setIf(v.Headers, "x-amz-apigw-id", p.req.ExtendedID)
	default:
		p.refuseREST(v, r)
	}
	v.Headers["Content-Length"] = strconv.Itoa(len(v.Body))
	return v
}

// refuseHTTP fills in the answer of an HTTP API, which cannot be customised.
func (p *Pending) refuseHTTP(v *Verdict, r refusal) {
	v.Status = r.status
	v.Body = `{"message":` + jsonText(r.message) + `}`
	setIf(v.Headers, "apigw-requestid", p.req.ExtendedID)
	if p.req.ExtendedID == "" {
		setIf(v.Headers, "apigw-requestid", p.req.ID)
	}
	setIf(v.Headers, "www-authenticate", r.challenge)
}

// refuseREST fills in the gateway response of a REST API: the customised one of
// its type, else that of DEFAULT_4XX or DEFAULT_5XX, else the built-in one.
func (p *Pending) refuseREST(v *Verdict, r refusal) {
	d, _ := r.t.Default()
	v.Response, v.Status, v.ErrorType = r.t, d.Status, d.ErrorType
	if r.status != 0 {
		v.Status = r.status
	}
	if r.errorType != "" {
		v.ErrorType = r.errorType
	}
	member := "message"
	if r.denial {
		member = "Message"
	}
	v.Body = `{"` + member + `":` + v.messageString() + `}`
	setIf(v.Headers, "x-amzn-RequestId", p.req.ID)
	setIf(v.Headers, "x-amz-apigw-id", p.req.ExtendedID)
	setIf(v.Headers, "x-amzn-ErrorType", v.ErrorType)
	setIf(v.Headers, "www-authenticate", r.challenge)
	if custom, ok := p.customised(r.t, v.Status); ok {
		p.customise(v, custom)
	}
}

func setIf(h map[string]string, name, value string) {
	if value != "" {
		h[name] = value
	}
}

// customised finds the customisation for a type.
func (p *Pending) customised(t ResponseType, status int) (GatewayResponse, bool) {
	if g, ok := p.api.Responses[t]; ok {
		return g, true
	}
	fallback := Default4XX
	if status >= 500 {
		fallback = Default5XX
	}
	g, ok := p.api.Responses[fallback]
	return g, ok
}

// customise applies a customised gateway response.
func (p *Pending) customise(v *Verdict, g GatewayResponse) {
	if g.Status != 0 {
		v.Status = g.Status
	}
	if len(g.Templates) > 0 {
		kind := p.templateFor(g.Templates)
		v.Headers["Content-Type"] = kind
		v.Body = v.Render(g.Templates[kind])
	}
	for name, expression := range g.Headers {
		name = strings.TrimPrefix(name, "gatewayresponse.header.")
		if value, ok := v.parameter(expression); ok {
			setHeader(v.Headers, name, headerLine(value))
		}
	}
}

// headerLine keeps what a caller sent from ending a header.
func headerLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7F {
			return -1
		}
		return r
	}, s)
}

// setHeader sets a header whatever its spelling was.
func setHeader(h map[string]string, name, value string) {
	for have := range h {
		if strings.EqualFold(have, name) {
			delete(h, have)
		}
	}
	h[name] = value
}

// templateFor chooses a template: the one the client accepts by name, else that
// for JSON, else the first of the alphabet (the choice is not documented).
func (p *Pending) templateFor(templates map[string]string) string {
	if accept := last(p.req.header("Accept")); accept != "" {
		if _, ok := templates[accept]; ok {
			return accept
		}
	}
	if _, ok := templates["application/json"]; ok {
		return "application/json"
	}
	return slices.Min(slices.Collect(maps.Keys(templates)))
}

// Respond makes the gateway response of a type that is not decided here, such as
// INTEGRATION_TIMEOUT, for a request that was let through. An empty message is the
// usual one. HTTP APIs answer it with the same status and their plain body, but for
// backends that do not answer, which are a 503.
func (v *Verdict) Respond(t ResponseType, message string) *Verdict {
	p := v.p
	d, _ := t.Default()
	if message == "" {
		message = d.Message
	}
	p.step(Step{Step: StepBackend, Outcome: OutcomeFailed, Reason: "the gateway answers " + string(t)})
	r := refusal{t: t, status: d.Status, message: message, null: message == ""}
	if p.api.Kind == HTTP && (t == IntegrationFailure || t == IntegrationTimeout) {
		// Captured of a time-out (cortexlabs/cortex issue 1225); of a backend that cannot
		// be reached it is inferred.
		r.status, r.message = 503, "Service Unavailable"
	}
	refused := p.refuse(r)
	refused.BackendCalled = v.BackendCalled
	return refused
}

// jsonText is a string as JSON, without escaping what only HTML minds.
func jsonText(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return "null"
	}
	return strings.TrimSuffix(b.String(), "\n")
}
