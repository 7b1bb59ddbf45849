package apigw

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ProxyRequest is what a Lambda proxy integration hands on of a request besides
// what was decided about it.
type ProxyRequest struct {
	// Header has the fields as the integration gets them, Host and X-Forwarded-* among
	// them. Nil: those of the request.
	Header map[string][]string
	Body   []byte
	// Prefix stands before the path of the route in the URL that was called: "/prod"
	// with the invoke URL of a stage, or "".
	Prefix string
	// BinaryTypes are the binary media types of a REST API: type/subtype, with * for
	// either, such as image/* (AWS: "Working with binary media types for REST APIs").
	BinaryTypes []string
	// AuthorizerTook is how long a Lambda authorizer took; 0 says that none ran.
	AuthorizerTook time.Duration
}

// ProxyEvent is the event of a Lambda proxy integration, as JSON: that of REST APIs,
// or that of HTTP APIs in the payload format of the API (AWS: "Set up Lambda proxy
// integrations" and "AWS Lambda proxy integrations for HTTP APIs"). The verdict must
// allow the request. The error is of a context that is no JSON, which cannot be.
func (v *Verdict) ProxyEvent(r ProxyRequest) ([]byte, error) {
	if r.Header == nil {
		r.Header = v.p.req.Header
	}
	var form any
	if v.p.api.Kind == HTTP && v.p.api.IntegrationPayload != "1.0" {
		form = v.proxyEvent2(&r)
	} else {
		form = v.proxyEvent1(&r)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(form); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// proxyEvent1 is the event of REST APIs, and with a version that of HTTP APIs with
// payload 1.0. What is not there is null.
type proxyEvent1 struct {
	Version        string              `json:"version,omitempty"`
	Resource       string              `json:"resource"`
	Path           string              `json:"path"`
	Method         string              `json:"httpMethod"`
	Headers        map[string]string   `json:"headers"`
	MultiHeaders   map[string][]string `json:"multiValueHeaders"`
	Query          map[string]string   `json:"queryStringParameters"`
	MultiQuery     map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters map[string]string   `json:"pathParameters"`
	StageVariables map[string]string   `json:"stageVariables"`
	RequestContext proxyContext1       `json:"requestContext"`
	Body           *string             `json:"body"`
	Base64         bool                `json:"isBase64Encoded"`
}

// proxyContext1 adds to the context of a REQUEST event.
type proxyContext1 struct {
	requestContext
	ResourceID *string        `json:"resourceId"` // null in HTTP APIs
	Authorizer map[string]any `json:"authorizer,omitempty"`
	Identity   proxyIdentity  `json:"identity"`
}

// proxyIdentity has null where a caller without AWS credentials has nothing.
type proxyIdentity struct {
	AccessKey       *string `json:"accessKey"`
	Account         *string `json:"accountId"`
	APIKey          string  `json:"apiKey,omitempty"`
	Caller          *string `json:"caller"`
	CognitoProvider *string `json:"cognitoAuthenticationProvider"`
	CognitoType     *string `json:"cognitoAuthenticationType"`
	CognitoIdentity *string `json:"cognitoIdentityId"`
	CognitoPool     *string `json:"cognitoIdentityPoolId"`
	PrincipalOrg    *string `json:"principalOrgId"`
	SourceIP        string  `json:"sourceIp"`
	User            *string `json:"user"`
	UserAgent       string  `json:"userAgent"`
	UserARN         *string `json:"userArn"`
}

func (v *Verdict) proxyEvent1(r *ProxyRequest) proxyEvent1 {
	p := v.p
	e := p.proxied(r.Header)
	f := e.request() // the members that both events have
	c := proxyContext1{requestContext: f.RequestContext, ResourceID: &f.RequestContext.ResourceID, Authorizer: v.proxyAuthorizer(r)}
	c.Path = r.Prefix + e.Path
	c.Identity = proxyIdentity{APIKey: e.Context.APIKey, SourceIP: e.Context.SourceIP, UserAgent: e.Context.UserAgent}
	if caller := p.req.Caller; caller != nil {
		c.Identity.UserARN, c.Identity.Caller = &caller.ARN, nil
	}
	x := proxyEvent1{
		Resource: e.Resource, Path: e.Path, Method: e.Method,
		Headers: orNull(lasts(e.Header)), MultiHeaders: orNull(e.Header), Query: orNull(lasts(e.Query)), MultiQuery: orNull(e.Query),
		PathParameters: orNull(e.PathParameters), StageVariables: orNull(e.StageVariables), RequestContext: c,
	}
	if p.api.Kind == HTTP {
		x.Version, x.RequestContext.ResourceID = "1.0", nil
		x.Path = c.Path // with the stage (inferred from the note in AWS's page on HTTP API mappings)
	}
	if len(r.Body) > 0 {
		text, encoded := p.proxyBody(r)
		x.Body, x.Base64 = &text, encoded
	}
	return x
}

// orNull is a map, or null when there is nothing in it.
func orNull[V any](m map[string]V) map[string]V {
	if len(m) == 0 {
		return nil
	}
	return m
}

// proxyEvent2 is the event of HTTP APIs with payload 2.0. What is not there is left
// out.
type proxyEvent2 struct {
	Version        string            `json:"version"`
	RouteKey       string            `json:"routeKey"`
	RawPath        string            `json:"rawPath"`
	RawQuery       string            `json:"rawQueryString"`
	Cookies        []string          `json:"cookies,omitempty"`
	Headers        map[string]string `json:"headers"`
	Query          map[string]string `json:"queryStringParameters,omitempty"`
	PathParameters map[string]string `json:"pathParameters,omitempty"`
	StageVariables map[string]string `json:"stageVariables,omitempty"`
	RequestContext proxyContext2     `json:"requestContext"`
	Body           string            `json:"body,omitempty"`
	Base64         bool              `json:"isBase64Encoded"`
}

type proxyContext2 struct {
	http2Context
	Authorizer map[string]any `json:"authorizer,omitempty"`
}

func (v *Verdict) proxyEvent2(r *ProxyRequest) proxyEvent2 {
	e := v.p.proxied(r.Header)
	f := e.http2()
	x := proxyEvent2{
		Version: "2.0", RouteKey: f.RouteKey, RawPath: r.Prefix + f.RawPath, RawQuery: f.RawQuery, Cookies: f.Cookies,
		Headers: f.Headers, Query: f.Query, PathParameters: f.PathParameters, StageVariables: f.StageVariables,
		RequestContext: proxyContext2{f.RequestContext, v.proxyAuthorizer(r)},
	}
	// AWS says that cookies have a member of their own; that they are in that alone is
	// inferred from adapters, which put them back into the headers.
	delete(x.Headers, "cookie")
	x.RequestContext.HTTP.Path = x.RawPath
	if len(r.Body) > 0 {
		x.Body, x.Base64 = v.p.proxyBody(r)
	}
	return x
}

// proxied is the request as the events of authorizers have it, with the header
// that integrations get.
func (p *Pending) proxied(header map[string][]string) Event {
	return Event{
		Method: p.req.Method, Resource: p.Resource(), Path: p.path, RouteKey: p.RouteKey(),
		Header: header, Query: p.query(), RawQuery: p.rawQuery(),
		PathParameters: p.route.parameters(p.api.Kind, p.path), StageVariables: p.api.StageVariables,
		Context: EventContext{
			Account: p.api.Account, API: p.api.ID, Stage: p.stage(),
			RequestID: p.eventID(), ExtendedRequestID: p.req.ExtendedID,
			Domain: p.domain(), Protocol: p.protocol(),
			SourceIP: p.req.SourceIP, UserAgent: last(p.req.header("User-Agent")), APIKey: last(p.req.header("X-Api-Key")),
			Time: p.req.Time,
		},
	}
}

// eventID is the request id as callers see it: HTTP APIs have but the extended one
// (AWS's samples show its form, "JKJaXmPLvHcESHA=", in the context).
func (p *Pending) eventID() string {
	if p.api.Kind == HTTP && p.req.ExtendedID != "" {
		return p.req.ExtendedID
	}
	return p.req.ID
}

// proxyAuthorizer is requestContext.authorizer: what the backend sees, where it sees
// it.
func (v *Verdict) proxyAuthorizer(r *ProxyRequest) map[string]any {
	if v.Backend == nil {
		return nil
	}
	value := v.Backend.Value
	rest, _ := strings.CutPrefix(v.Backend.At, "requestContext.authorizer")
	if rest == "" && v.p.api.Kind != HTTP && r.AuthorizerTook > 0 && value["claims"] == nil {
		value = maps.Clone(value)
		value["integrationLatency"] = r.AuthorizerTook.Milliseconds()
	}
	for _, key := range slices.Backward(strings.Split(rest, ".")[1:]) {
		value = map[string]any{key: value}
	}
	return value
}

// proxyBody is the body as text, and whether it is in base64. REST APIs encode what
// has one of their binary media types, and take everything else for text; HTTP APIs
// encode what is not text by its media type (reported of forms, which come encoded;
// the list of types that are text is inferred).
func (p *Pending) proxyBody(r *ProxyRequest) (text string, encoded bool) {
	media := mediaType(last(fieldsOf(r.Header, "Content-Type")))
	binary := isBinary(r.BinaryTypes, media)
	if p.api.Kind == HTTP {
		binary = !isText(media) || !utf8.Valid(r.Body)
	}
	if binary {
		return base64.StdEncoding.EncodeToString(r.Body), true
	}
	return strings.ToValidUTF8(string(r.Body), "\uFFFD"), false
}

// fieldsOf are the values of a header, whatever its spelling.
func fieldsOf(h map[string][]string, canon string) []string {
	return (&Request{Header: h}).header(canon)
}

// mediaType is a media type without its parameters, in lower case.
func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// isBinary reports whether one of an API's binary media types is that of a body.
func isBinary(types []string, media string) bool {
	kind, _, _ := strings.Cut(media, "/")
	return slices.ContainsFunc(types, func(t string) bool {
		t = strings.ToLower(t)
		return t == "*/*" || t == media && media != "" || t == kind+"/*" && kind != ""
	})
}

// isText reports whether HTTP APIs hand bodies of a media type on as text.
func isText(media string) bool {
	switch media {
	case "", "application/json", "application/javascript", "application/xml", "application/graphql":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml")
}
