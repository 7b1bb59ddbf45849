package apigw

import (
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/source"
)

// ParseEvent reads an event as AWS documents it: TOKEN and REQUEST of REST APIs,
// REQUEST of HTTP APIs with payload 1.0 and 2.0, and of WebSocket APIs. Members
// that AWS may add are passed over; what is there has to have the right type. The
// error joins *source.Error.
func ParseEvent(n *source.Node) (Event, error) {
	r := &eventReader{}
	if n.Kind != source.Object {
		return Event{}, n.Errorf("want the event of an authorizer, an object, got %s", n.Kind)
	}
	e := Event{}
	switch kind := r.need(n, "type"); kind {
	case "TOKEN", "JWT":
		e.Kind = EventToken
		if kind == "JWT" {
			e.Kind = EventJWT
		}
		e.ARN, e.Token = r.need(n, "methodArn"), r.need(n, "authorizationToken")
	case "REQUEST":
		r.request(n, &e)
	default:
		if at := n.Get("type"); at != nil && at.Kind == source.String {
			r.Failf(at, "want TOKEN or REQUEST as the type of the event, got %q", cut(kind))
		}
	}
	if err := r.Err(); err != nil {
		return Event{}, err
	}
	if _, err := ParseARN(e.ARN); err != nil {
		return Event{}, n.Errorf("the event's ARN: %s", err)
	}
	return e, nil
}

// eventReader reads members of events.
type eventReader struct{ source.Reader }

// need reads a string that must be there.
func (r *eventReader) need(n *source.Node, key string) string {
	at := n.Get(key)
	if at == nil {
		err := n.Errorf("the event has no %s", key)
		for i := range n.Members {
			if strings.EqualFold(n.Members[i].Key, key) {
				err = n.Members[i].Errorf("want %s in just this spelling", key)
			}
		}
		r.Fail(err)
		return ""
	}
	if at.Kind != source.String {
		r.Failf(at, "want a string, got %s", at.Kind)
	}
	return at.Text
}

// text reads a string that may be missing.
func (r *eventReader) text(n *source.Node, key string) string {
	var s string
	if at := n.Get(key); at != nil {
		r.String(&s)(at)
	}
	return s
}

// each calls read for the members of an object that may be missing or null.
func (r *eventReader) each(n *source.Node, key string, read func(*source.Member)) {
	at := n.Get(key)
	switch {
	case at == nil || at.Kind == source.Null:
	case at.Kind != source.Object:
		r.Failf(at, "want an object, got %s", at.Kind)
	default:
		for i := range at.Members {
			read(&at.Members[i])
		}
	}
}

// stringMap reads a map of strings.
func (r *eventReader) stringMap(n *source.Node, key string) map[string]string {
	var m map[string]string
	r.each(n, key, func(at *source.Member) {
		if m == nil {
			m = map[string]string{}
		}
		var s string
		r.String(&s)(at.Value)
		m[at.Key] = s
	})
	return m
}

// values reads a map of single values and, where there is one, the map of all
// values beside it, which then counts.
func (r *eventReader) values(n *source.Node, single, multi string) map[string][]string {
	m := map[string][]string{}
	for name, value := range r.stringMap(n, single) {
		m[name] = []string{value}
	}
	r.each(n, multi, func(at *source.Member) {
		var list []string
		r.Strings(&list)(at.Value)
		if len(list) > 0 {
			m[at.Key] = list
		}
	})
	return m
}

// request reads a REQUEST event.
func (r *eventReader) request(n *source.Node, e *Event) {
	c := n.Get("requestContext")
	if c != nil && c.Kind != source.Object {
		r.Failf(c, "want an object, got %s", c.Kind)
		c = nil
	}
	e.Header = r.values(n, "headers", "multiValueHeaders")
	e.Query = r.values(n, "queryStringParameters", "multiValueQueryStringParameters")
	e.PathParameters, e.StageVariables = r.stringMap(n, "pathParameters"), r.stringMap(n, "stageVariables")
	version := r.text(n, "version")
	if version == "2.0" {
		r.http2(n, c, e)
	} else {
		r.http1(n, c, e)
	}
	switch {
	case version == "1.0":
		e.Kind = EventHTTP1
		e.Token = r.text(n, "authorizationToken")
		if e.Token != "" {
			e.Identity = strings.Split(e.Token, ",")
		}
	case version == "2.0":
		e.Kind = EventHTTP2
	case version != "":
		r.Failf(n.Get("version"), "want 1.0 or 2.0 as the version, got %q", cut(version))
	case c != nil && c.Get("eventType") != nil:
		e.Kind = EventConnect
	default:
		e.Kind = EventRequest
	}
	r.context(c, &e.Context)
}

// http1 reads what payload 2.0 has elsewhere.
func (r *eventReader) http1(n, c *source.Node, e *Event) {
	e.ARN = r.need(n, "methodArn")
	e.Resource, e.Path, e.Method = r.text(n, "resource"), r.text(n, "path"), r.text(n, "httpMethod")
	e.RouteKey = r.text(c, "routeKey")
	i := c.Get("identity")
	e.Context.SourceIP, e.Context.UserAgent, e.Context.APIKey = r.text(i, "sourceIp"), r.text(i, "userAgent"), r.text(i, "apiKey")
	e.Context.Protocol = r.text(c, "protocol")
	e.Context.Time = r.millis(c, "requestTimeEpoch")
}

func (r *eventReader) http2(n, c *source.Node, e *Event) {
	e.ARN = r.need(n, "routeArn")
	e.RouteKey, e.Path, e.RawQuery = r.text(n, "routeKey"), r.text(n, "rawPath"), r.text(n, "rawQueryString")
	if at := n.Get("identitySource"); at != nil {
		r.Strings(&e.Identity)(at)
	}
	h := c.Get("http")
	e.Method, e.Context.Protocol = r.text(h, "method"), r.text(h, "protocol")
	e.Context.SourceIP, e.Context.UserAgent = r.text(h, "sourceIp"), r.text(h, "userAgent")
	e.Context.Time = r.millis(c, "timeEpoch")
}

// context reads what all kinds have in requestContext.
func (r *eventReader) context(c *source.Node, to *EventContext) {
	to.Account, to.API, to.Stage = r.text(c, "accountId"), r.text(c, "apiId"), r.text(c, "stage")
	to.RequestID, to.ExtendedRequestID = r.text(c, "requestId"), r.text(c, "extendedRequestId")
	to.Domain, to.ConnectionID = r.text(c, "domainName"), r.text(c, "connectionId")
}

// millis reads a time in milliseconds since 1970; without one it is the zero time.
func (r *eventReader) millis(c *source.Node, key string) time.Time {
	at := c.Get(key)
	if at == nil || at.Kind == source.Null {
		return time.Time{}
	}
	n, err := strconv.ParseInt(at.Text, 10, 64)
	if err != nil || at.Kind != source.Number {
		r.Failf(at, "want a time in milliseconds, got %s", at.Kind)
	}
	return time.UnixMilli(n).UTC()
}
