package apigw

import (
	"net/url"
	"strings"
	"time"
)

// EventKind says which of AWS's events an [Event] is.
type EventKind uint8

// The kinds of events.
const (
	EventToken   EventKind = iota // type TOKEN, of REST APIs
	EventRequest                  // type REQUEST, of REST APIs
	EventHTTP1                    // type REQUEST, payload 1.0, of HTTP APIs
	EventHTTP2                    // type REQUEST, payload 2.0, of HTTP APIs
	EventConnect                  // type REQUEST, of WebSocket APIs at $connect
	// EventJWT is no event of AWS: it asks the caller of this package to look at a
	// token, for JWT and COGNITO_USER_POOLS authorizers.
	EventJWT
)

// Event is what API Gateway hands to an authorizer. It marshals to JSON as AWS
// documents it ("Input to an API Gateway Lambda authorizer" and the pages on HTTP
// and WebSocket APIs of the developer guides). Its maps are shared with the
// request: read them only.
type Event struct {
	Kind EventKind
	// Authorizer is whose event it is; nil for an event that was read from a file.
	Authorizer *Authorizer

	// ARN is methodArn, or routeArn in payload 2.0, as text.
	ARN string
	// Token is authorizationToken: the header as it was sent. For EventJWT it is the
	// bare token, without "Bearer ".
	Token string
	// Identity are the values of the identity sources, of HTTP APIs.
	Identity []string

	Method   string // httpMethod
	Resource string // the path template
	Path     string
	RawQuery string
	RouteKey string
	Header   map[string][]string
	Query    map[string][]string
	// PathParameters are the values of the template's variables.
	PathParameters map[string]string
	StageVariables map[string]string
	Context        EventContext
}

// EventContext is the requestContext of an event.
type EventContext struct {
	Account, API, Stage          string
	RequestID, ExtendedRequestID string
	Domain, Protocol             string
	SourceIP, UserAgent, APIKey  string
	ConnectionID                 string
	Time                         time.Time
}

// event makes the event of a request.
func (p *Pending) event() Event {
	z := p.route.auth
	e := Event{Kind: p.eventKind(), Authorizer: z.Authorizer, ARN: p.arn}
	switch e.Kind {
	case EventToken:
		e.Token = p.values[0]
		return e
	case EventJWT:
		e.Token = p.token
	}
	e.Identity = p.values
	e.Method, e.Resource, e.Path, e.RouteKey = p.req.Method, p.Resource(), p.path, p.RouteKey()
	e.Header, e.Query, e.RawQuery = p.req.Header, p.query(), p.rawQuery()
	e.PathParameters = p.route.parameters(p.api.Kind, p.path)
	e.StageVariables = p.api.StageVariables
	e.Context = EventContext{
		Account: p.api.Account, API: p.api.ID, Stage: p.stage(),
		RequestID: p.req.ID, ExtendedRequestID: p.req.ExtendedID,
		Domain: p.domain(), Protocol: p.protocol(),
		SourceIP: p.req.SourceIP, UserAgent: last(p.req.header("User-Agent")), APIKey: last(p.req.header("X-Api-Key")),
		ConnectionID: p.req.ConnectionID, Time: p.req.Time,
	}
	return e
}

func (p *Pending) eventKind() EventKind {
	z := p.route.auth
	switch {
	case z.Type == AuthJWT || z.Type == AuthCognito:
		return EventJWT
	case p.api.Kind == WebSocket:
		return EventConnect
	case p.api.Kind == HTTP && z.PayloadFormat == "1.0":
		return EventHTTP1
	case p.api.Kind == HTTP:
		return EventHTTP2
	case z.Type == AuthToken:
		return EventToken
	}
	return EventRequest
}

// query are the decoded query parameters.
func (p *Pending) query() map[string][]string {
	if p.req.Query != nil || p.req.RawQuery == "" {
		return p.req.Query
	}
	if p.params == nil {
		// What cannot be decoded is left out: how the gateway treats it is not
		// documented.
		values, _ := url.ParseQuery(p.req.RawQuery)
		p.params = values
	}
	return p.params
}

func (p *Pending) rawQuery() string {
	if p.req.RawQuery != "" || len(p.req.Query) == 0 {
		return p.req.RawQuery
	}
	return url.Values(p.req.Query).Encode()
}

// joined are the values of each name with commas between them.
func joined(m map[string][]string, lower bool) map[string]string {
	out := make(map[string]string, len(m))
	for name, values := range m {
		if lower {
			name = strings.ToLower(name)
		}
		value := strings.Join(values, ",")
		if have, ok := out[name]; ok {
			value = have + "," + value
		}
		out[name] = value
	}
	return out
}

// lasts are the last values of each name.
func lasts(m map[string][]string) map[string]string {
	out := make(map[string]string, len(m))
	for name, values := range m {
		if len(values) > 0 {
			out[name] = last(values)
		}
	}
	return out
}
