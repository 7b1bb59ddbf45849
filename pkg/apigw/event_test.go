package apigw_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"gatepass/pkg/apigw"
	"gatepass/pkg/source"
)

// eventOf is the event a request makes.
func eventOf(t *testing.T, api *apigw.API, req *apigw.Request) apigw.Event {
	t.Helper()
	v, p := apigw.Begin(api, req)
	if p == nil {
		t.Fatalf("refused: %s", v.Reason)
	}
	return p.Event()
}

func request() *apigw.Request {
	return &apigw.Request{
		Method: "GET", Path: "/pets/a1b2", RawQuery: "q=1&q=2&e=a%20b", Time: at(), SourceIP: "203.0.113.7", ID: "id-1", ExtendedID: "ext-1",
		Host: "api.example.com:443", ConnectionID: "conn-1",
		Header: map[string][]string{
			"Authorization": {"Bearer x"}, "User-Agent": {"curl"}, "X-Many": {"1", "2"}, "Cookie": {"a=1; b=2"}, "x-api-key": {"k"},
		},
	}
}

// TestEvents: the events as AWS documents them, to the last member.
func TestEvents(t *testing.T) {
	restRequest := rest(&apigw.Authorizer{Name: "r", Type: apigw.AuthRequest, IdentitySources: []string{"method.request.header.Authorization"}})
	restRequest.Routes = []apigw.Route{{Method: "GET", Path: "/pets/{petId}", Access: restRequest.Default}}
	restRequest.StageVariables = map[string]string{"v": "1"}
	http1, http2 := httpAPI(simple()), httpAPI(simple())
	http1.Default.Authorizer.SimpleResponses, http1.Default.Authorizer.PayloadFormat = false, "1.0"
	for _, api := range []*apigw.API{http1, http2} {
		api.Routes, api.StageVariables = []apigw.Route{{Method: "GET", Path: "/pets/{petId}", Access: api.Default}}, map[string]string{"v": "1"}
		api.Default.Authorizer.IdentitySources = append(api.Default.Authorizer.IdentitySources, "$request.querystring.q")
	}
	connect := connectAPI()
	connect.StageVariables = map[string]string{"v": "1"}

	headers := `{"Authorization":"Bearer x","Cookie":"a=1; b=2","User-Agent":"curl","X-Many":"2","x-api-key":"k"}`
	lists := `{"Authorization":["Bearer x"],"Cookie":["a=1; b=2"],"User-Agent":["curl"],"X-Many":["1","2"],"x-api-key":["k"]}`
	context := `{"resourceId":"abc123","resourcePath":"/pets/{petId}","httpMethod":"GET","extendedRequestId":"ext-1","requestTime":"22/Nov/2026:12:00:00 +0000",` +
		`"path":"/pets/a1b2","accountId":"123456789012","protocol":"HTTP/1.1","stage":"STAGE","domainPrefix":"api","requestTimeEpoch":1795348800000,"requestId":"id-1",` +
		`"identity":{"apiKey":"k","sourceIp":"203.0.113.7","userAgent":"curl"},"domainName":"api.example.com","apiId":"abc"}`
	common := `"resource":"/pets/{petId}","path":"/pets/a1b2","httpMethod":"GET","headers":` + headers
	defaultARN := strings.Replace(stageARN, "prod", "$default", 1) + "GET/pets/a1b2"
	for _, tc := range []struct {
		name string
		api  *apigw.API
		want string
	}{
		{"TOKEN", rest(lambda()), `{"type":"TOKEN","methodArn":"` + stageARN + `GET/pets/a1b2","authorizationToken":"Bearer x"}`},
		{
			"REQUEST", restRequest, `{"type":"REQUEST","methodArn":"` + stageARN + `GET/pets/a1b2",` + common + `,"multiValueHeaders":` + lists +
				`,"queryStringParameters":{"e":"a b","q":"2"},"multiValueQueryStringParameters":{"e":["a b"],"q":["1","2"]},"pathParameters":{"petId":"a1b2"},` +
				`"stageVariables":{"v":"1"},"requestContext":` + strings.Replace(context, "STAGE", "prod", 1) + `}`,
		},
		{
			"HTTP 1.0", http1, `{"version":"1.0","type":"REQUEST","methodArn":"` + defaultARN + `","identitySource":"Bearer x,1,2","authorizationToken":"Bearer x,1,2",` +
				common + `,"queryStringParameters":{"e":"a b","q":"2"},"pathParameters":{"petId":"a1b2"},"stageVariables":{"v":"1"},"requestContext":` +
				strings.Replace(context, "STAGE", "$default", 1) + `}`,
		},
		{
			"HTTP 2.0", http2, `{"version":"2.0","type":"REQUEST","routeArn":"` + defaultARN + `","identitySource":["Bearer x","1,2"],"routeKey":"GET /pets/{petId}",` +
				`"rawPath":"/pets/a1b2","rawQueryString":"q=1&q=2&e=a%20b","cookies":["a=1","b=2"],` +
				`"headers":{"authorization":"Bearer x","cookie":"a=1; b=2","user-agent":"curl","x-api-key":"k","x-many":"1,2"},"queryStringParameters":{"e":"a b","q":"1,2"},` +
				`"requestContext":{"accountId":"123456789012","apiId":"abc","domainName":"api.example.com","domainPrefix":"api",` +
				`"http":{"method":"GET","path":"/pets/a1b2","protocol":"HTTP/1.1","sourceIp":"203.0.113.7","userAgent":"curl"},"requestId":"id-1",` +
				`"routeKey":"GET /pets/{petId}","stage":"$default","time":"22/Nov/2026:12:00:00 +0000","timeEpoch":1795348800000},` +
				`"pathParameters":{"petId":"a1b2"},"stageVariables":{"v":"1"}}`,
		},
		{
			"$connect", connect, `{"type":"REQUEST","methodArn":"` + stageARN + `$connect","headers":` + headers + `,"multiValueHeaders":` + lists +
				`,"queryStringParameters":{"e":"a b","q":"2"},"multiValueQueryStringParameters":{"e":["a b"],"q":["1","2"]},"stageVariables":{"v":"1"},` +
				`"requestContext":{"routeKey":"$connect","eventType":"CONNECT","extendedRequestId":"ext-1","requestTime":"22/Nov/2026:12:00:00 +0000","messageDirection":"IN",` +
				`"stage":"prod","connectedAt":1795348800000,"requestTimeEpoch":1795348800000,"identity":{"apiKey":"k","sourceIp":"203.0.113.7","userAgent":"curl"},` +
				`"requestId":"id-1","domainName":"api.example.com","connectionId":"conn-1","apiId":"abc"}}`,
		},
	} {
		e := eventOf(t, tc.api, request())
		got := asEvent(t, e)
		if got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
		// What is printed reads back and prints the same, but for the resource id and
		// the pieces that payload 2.0 joins.
		again, err := apigw.ParseEvent(node(t, got))
		if err != nil || again.Kind != e.Kind || again.ARN != e.ARN {
			t.Errorf("%s: reads back as %+v, %v", tc.name, again, err)
		}
		if tc.name == "HTTP 1.0" || tc.name == "HTTP 2.0" {
			continue
		}
		if second := asEvent(t, again); !sameMembers(second, got) {
			t.Errorf("%s: prints again as\n%s", tc.name, second)
		}
	}
}

func asEvent(t *testing.T, e apigw.Event) string {
	t.Helper()
	b, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sameMembers compares two events without what a reader drops.
func sameMembers(a, b string) bool {
	var x, y map[string]any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	for _, m := range []map[string]any{x, y} {
		if c, ok := m["requestContext"].(map[string]any); ok {
			delete(c, "resourcePath")
		}
	}
	return reflect.DeepEqual(x, y)
}

// TestParseEvent reads AWS's own samples (developer guide: input of Lambda
// authorizers), shortened.
// Cookies may come in several fields (RFC 9113 section 8.2.3); none runs into another.
func TestCookies(t *testing.T) {
	req := &apigw.Request{Method: "GET", Path: "/", Header: map[string][]string{"Authorization": {"x"}, "Cookie": {"a=1; b=2,x;", "c=3"}}}
	_, p := apigw.Begin(httpAPI(simple()), req)
	if text := asEvent(t, p.Event()); !strings.Contains(text, `"cookies":["a=1","b=2,x","c=3"]`) {
		t.Errorf("the event is\n%s", text)
	}
}

func TestParseEvent(t *testing.T) {
	e, err := apigw.ParseEvent(node(t, `{"type":"TOKEN","authorizationToken":"{caller-supplied-token}","methodArn":"arn:aws:execute-api:regionId:accountId:apiId/stage/httpVerb/resource"}`))
	if err != nil || e.Kind != apigw.EventToken || e.Token != "{caller-supplied-token}" {
		t.Errorf("%+v, %v", e, err)
	}
	e, err = apigw.ParseEvent(node(t, `{"type":"REQUEST","methodArn":"arn:aws:execute-api:us-east-1:123456789012:abcdef123/test/GET/request","resource":"/request","path":"/request",
		"httpMethod":"GET","headers":{"X-AMZ-Date":"20170718T062915Z","HeaderAuth1":"headerValue1"},"queryStringParameters":{"QueryString1":"queryValue1"},"pathParameters":{},
		"stageVariables":null,"requestContext":{"path":"/request","accountId":"123456789012","resourceId":"05c7jb","stage":"test","requestId":"x",
		"identity":{"apiKey":"k","apiKeyId":"i","sourceIp":"192.0.2.1","clientCert":{"clientCertPem":"CERT"}},"resourcePath":"/request","httpMethod":"GET","apiId":"abcdef123"},"new":[1]}`))
	if err != nil || e.Kind != apigw.EventRequest || e.Header["HeaderAuth1"][0] != "headerValue1" || e.Query["QueryString1"][0] != "queryValue1" || e.Context.SourceIP != "192.0.2.1" {
		t.Errorf("%+v, %v", e, err)
	}
	for doc, want := range map[string]string{
		`[]`:                               "an object",
		`{}`:                               "no type",
		`{"Type":"TOKEN"}`:                 "just this spelling",
		`{"type":"OTHER"}`:                 "want TOKEN or REQUEST",
		`{"type":7}`:                       "want a string",
		`{"type":"TOKEN","methodArn":"x"}`: "no authorizationToken",
		`{"type":"TOKEN","methodArn":"x","authorizationToken":"t"}`:                       "ARN",
		`{"type":"REQUEST","methodArn":"x","headers":[]}`:                                 "want an object",
		`{"type":"REQUEST","methodArn":"x","headers":{"a":{}}}`:                           "want a string",
		`{"type":"REQUEST","version":"3.0","methodArn":"x"}`:                              "1.0 or 2.0",
		`{"type":"REQUEST","version":"2.0"}`:                                              "no routeArn",
		`{"type":"REQUEST","methodArn":"x","requestContext":{"requestTimeEpoch":"soon"}}`: "milliseconds",
	} {
		_, err := apigw.ParseEvent(node(t, doc))
		var at *source.Error
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &at) {
			t.Errorf("%s: %v, want a position and %q", doc, err, want)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add(`{"type":"TOKEN","authorizationToken":"t","methodArn":"arn:aws:execute-api:r:a:b/c/d/e"}`)
	f.Add(`{"type":"REQUEST","version":"2.0","routeArn":"arn:aws:execute-api:r:a:b/c/d/e","headers":{"a":"b"},"requestContext":{"http":{"method":"GET"},"timeEpoch":1}}`)
	f.Add(`{"type":"REQUEST","methodArn":"arn:aws:execute-api:r:a:b/c/$connect","requestContext":{"eventType":"CONNECT"}}`)
	f.Fuzz(func(t *testing.T, doc string) {
		n, err := source.JSON("fuzz", []byte(doc))
		if err != nil {
			return
		}
		e, err := apigw.ParseEvent(n)
		if err != nil {
			return
		}
		again, err := apigw.ParseEvent(node(t, asEvent(t, e)))
		if err != nil || again.Kind != e.Kind || again.ARN != e.ARN || again.Token != e.Token {
			t.Errorf("%s reads back as %+v, %v", doc, again, err)
		}
	})
}
