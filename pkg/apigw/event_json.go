package apigw

import (
	"bytes"
	"encoding/json"
	"strings"
)

// MarshalJSON prints the event as AWS documents it. An EventJWT, which AWS has
// not, prints as the TOKEN event does with type JWT.
func (e Event) MarshalJSON() ([]byte, error) {
	var form any
	switch e.Kind {
	case EventToken:
		form = tokenEvent{Type: "TOKEN", MethodARN: e.ARN, Token: e.Token}
	case EventJWT:
		form = tokenEvent{Type: "JWT", MethodARN: e.ARN, Token: e.Token}
	case EventHTTP2:
		form = e.http2()
	case EventConnect:
		form = e.connect()
	default:
		form = e.request()
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(form); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

type tokenEvent struct {
	Type      string `json:"type"`
	MethodARN string `json:"methodArn"`
	Token     string `json:"authorizationToken"`
}

// requestEvent is the REQUEST event of REST APIs, and with version and identity
// source that of HTTP APIs with payload 1.0.
type requestEvent struct {
	Version        string              `json:"version,omitempty"`
	Type           string              `json:"type"`
	MethodARN      string              `json:"methodArn"`
	IdentitySource *string             `json:"identitySource,omitempty"`
	Token          *string             `json:"authorizationToken,omitempty"`
	Resource       string              `json:"resource"`
	Path           string              `json:"path"`
	Method         string              `json:"httpMethod"`
	Headers        map[string]string   `json:"headers"`
	MultiHeaders   map[string][]string `json:"multiValueHeaders,omitzero"`
	Query          map[string]string   `json:"queryStringParameters"`
	MultiQuery     map[string][]string `json:"multiValueQueryStringParameters,omitzero"`
	PathParameters map[string]string   `json:"pathParameters"`
	StageVariables map[string]string   `json:"stageVariables"`
	RequestContext requestContext      `json:"requestContext"`
}

type requestContext struct {
	ResourceID   string   `json:"resourceId"`
	ResourcePath string   `json:"resourcePath"`
	Method       string   `json:"httpMethod"`
	ExtendedID   string   `json:"extendedRequestId,omitempty"`
	RequestTime  string   `json:"requestTime"`
	Path         string   `json:"path"`
	Account      string   `json:"accountId"`
	Protocol     string   `json:"protocol"`
	Stage        string   `json:"stage"`
	DomainPrefix string   `json:"domainPrefix"`
	TimeEpoch    int64    `json:"requestTimeEpoch"`
	RequestID    string   `json:"requestId"`
	Identity     identity `json:"identity"`
	Domain       string   `json:"domainName"`
	API          string   `json:"apiId"`
}

type identity struct {
	APIKey    string `json:"apiKey,omitempty"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent,omitempty"`
}

func (e *Event) request() requestEvent {
	c := &e.Context
	prefix, _, _ := strings.Cut(c.Domain, ".")
	f := requestEvent{
		Type: "REQUEST", MethodARN: e.ARN, Resource: e.Resource, Path: e.Path, Method: e.Method,
		Headers: lasts(e.Header), Query: lasts(e.Query),
		PathParameters: orEmpty(e.PathParameters), StageVariables: orEmpty(e.StageVariables),
		RequestContext: requestContext{
			ResourceID: "abc123", ResourcePath: e.Resource, Method: e.Method, ExtendedID: c.ExtendedRequestID,
			RequestTime: requestTime(c.Time), Path: e.Path, Account: c.Account, Protocol: c.Protocol, Stage: c.Stage, DomainPrefix: prefix,
			TimeEpoch: c.Time.UnixMilli(), RequestID: c.RequestID, Domain: c.Domain, API: c.API,
			Identity: identity{APIKey: c.APIKey, SourceIP: c.SourceIP, UserAgent: c.UserAgent},
		},
	}
	if e.Kind == EventHTTP1 {
		source := strings.Join(e.Identity, ",")
		f.Version, f.IdentitySource, f.Token = "1.0", &source, &source
		return f
	}
	f.MultiHeaders, f.MultiQuery = orNone(e.Header), orNone(e.Query)
	return f
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// http2Event is the event of HTTP APIs with payload 2.0.
type http2Event struct {
	Version        string            `json:"version"`
	Type           string            `json:"type"`
	RouteARN       string            `json:"routeArn"`
	IdentitySource []string          `json:"identitySource"`
	RouteKey       string            `json:"routeKey"`
	RawPath        string            `json:"rawPath"`
	RawQuery       string            `json:"rawQueryString"`
	Cookies        []string          `json:"cookies,omitempty"`
	Headers        map[string]string `json:"headers"`
	Query          map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext http2Context      `json:"requestContext"`
	PathParameters map[string]string `json:"pathParameters,omitempty"`
	StageVariables map[string]string `json:"stageVariables,omitempty"`
}

type http2Context struct {
	Account      string    `json:"accountId"`
	API          string    `json:"apiId"`
	Domain       string    `json:"domainName"`
	DomainPrefix string    `json:"domainPrefix"`
	HTTP         http2HTTP `json:"http"`
	RequestID    string    `json:"requestId"`
	RouteKey     string    `json:"routeKey"`
	Stage        string    `json:"stage"`
	Time         string    `json:"time"`
	TimeEpoch    int64     `json:"timeEpoch"`
}

type http2HTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

func (e *Event) http2() http2Event {
	c := &e.Context
	prefix, _, _ := strings.Cut(c.Domain, ".")
	f := http2Event{
		Version: "2.0", Type: "REQUEST", RouteARN: e.ARN, IdentitySource: e.Identity, RouteKey: e.RouteKey,
		RawPath: e.Path, RawQuery: e.RawQuery, Headers: joined(e.Header, true), Query: joined(e.Query, false),
		PathParameters: e.PathParameters, StageVariables: e.StageVariables,
		RequestContext: http2Context{
			Account: c.Account, API: c.API, Domain: c.Domain, DomainPrefix: prefix, RequestID: c.RequestID, RouteKey: e.RouteKey,
			Stage: c.Stage, Time: requestTime(c.Time), TimeEpoch: c.Time.UnixMilli(),
			HTTP: http2HTTP{Method: e.Method, Path: e.Path, Protocol: c.Protocol, SourceIP: c.SourceIP, UserAgent: c.UserAgent},
		},
	}
	if f.IdentitySource == nil {
		f.IdentitySource = []string{}
	}
	for _, line := range fieldsOf(e.Header, "Cookie") {
		for part := range strings.SplitSeq(line, ";") {
			if part = strings.TrimSpace(part); part != "" {
				f.Cookies = append(f.Cookies, part)
			}
		}
	}
	return f
}

// connectEvent is the event of WebSocket APIs at $connect.
type connectEvent struct {
	Type           string              `json:"type"`
	MethodARN      string              `json:"methodArn"`
	Headers        map[string]string   `json:"headers"`
	MultiHeaders   map[string][]string `json:"multiValueHeaders"`
	Query          map[string]string   `json:"queryStringParameters"`
	MultiQuery     map[string][]string `json:"multiValueQueryStringParameters"`
	StageVariables map[string]string   `json:"stageVariables"`
	RequestContext connectContext      `json:"requestContext"`
}

type connectContext struct {
	RouteKey     string   `json:"routeKey"`
	EventType    string   `json:"eventType"`
	ExtendedID   string   `json:"extendedRequestId"`
	RequestTime  string   `json:"requestTime"`
	Direction    string   `json:"messageDirection"`
	Stage        string   `json:"stage"`
	ConnectedAt  int64    `json:"connectedAt"`
	TimeEpoch    int64    `json:"requestTimeEpoch"`
	Identity     identity `json:"identity"`
	RequestID    string   `json:"requestId"`
	Domain       string   `json:"domainName"`
	ConnectionID string   `json:"connectionId"`
	API          string   `json:"apiId"`
}

func (e *Event) connect() connectEvent {
	c := &e.Context
	millis := c.Time.UnixMilli()
	return connectEvent{
		Type: "REQUEST", MethodARN: e.ARN,
		Headers: lasts(e.Header), MultiHeaders: orNone(e.Header), Query: lasts(e.Query), MultiQuery: orNone(e.Query),
		StageVariables: orEmpty(e.StageVariables),
		RequestContext: connectContext{
			RouteKey: e.RouteKey, EventType: "CONNECT", ExtendedID: c.ExtendedRequestID, RequestTime: requestTime(c.Time),
			Direction: "IN", Stage: c.Stage, ConnectedAt: millis, TimeEpoch: millis, RequestID: c.RequestID, Domain: c.Domain,
			ConnectionID: c.ConnectionID, API: c.API,
			Identity: identity{APIKey: c.APIKey, SourceIP: c.SourceIP, UserAgent: c.UserAgent},
		},
	}
}

func orNone(m map[string][]string) map[string][]string {
	if m == nil {
		return map[string][]string{}
	}
	return m
}
