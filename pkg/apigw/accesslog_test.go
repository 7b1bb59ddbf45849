package apigw_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
)

// served is a request with its answer.
func served(t testing.TB, k apigw.Kind) *apigw.Served {
	t.Helper()
	api := petsAPI(k, "")
	var req *apigw.Request
	v := proxied(t, api, func(r *apigw.Request) { req = r; r.Header["X-Api-Key"] = []string{"0123456789"} })
	return &apigw.Served{
		API: api, Request: req, Verdict: v, Path: "/prod/pets/7", Status: 201, Length: 12, Received: 30, Took: 45 * time.Millisecond,
		Authorizing: 7 * time.Millisecond, Integration: &apigw.ServedIntegration{Status: 201, Lambda: true, Took: 30 * time.Millisecond},
	}
}

func TestAccessLog(t *testing.T) {
	for format, want := range map[string]string{
		"$context.requestId $context.extendedRequestId":           "id-1 ext-1",
		"$context.httpMethod $context.resourcePath $context.path": "GET /pets/{id} /prod/pets/7",
		"$context.routeKey": "GET /pets/{id}",
		"$context.status $context.responseLength $context.responseLatency": "201 12 45",
		"$context.dataProcessed":                                                 "42",
		"$context.integrationLatency $context.integration.latency":               "30 30",
		"$context.integration.status $context.integrationStatus":                 "201 200",
		"$context.integrationErrorMessage $context.integration.error":            "- -",
		"$context.authorizer.principalId $context.authorizer.level":              "u1 3",
		"$context.authorizer.latency $context.authorizer.integrationLatency":     "7 7",
		"$context.authorizer.error $context.error.message":                       "- -",
		"$context.error.messageString $context.error.responseType":               "- -",
		"$context.identity.sourceIp $context.identity.userAgent":                 "203.0.113.7 test",
		"$context.identity.apiKey":                                               "****456789",
		"$context.requestTime $context.requestTimeEpoch":                         "22/Nov/2026:12:00:00 +0000 1795348800000",
		"$context.protocol $context.stage $context.apiId $context.accountId":     "HTTP/1.1 prod abc 123456789012",
		"$context.domainName":                                                    "abc.execute-api.eu-west-1.amazonaws.com",
		"$context.nothing ${context.status}x costs $5 $stageVariables.v":         "- 201x costs $5 1",
		"$context.identity.userArn $context.identity.caller $context.wafLatency": "- - -",
	} {
		if got := served(t, apigw.REST).AccessLog(format); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

// A refusal has its error, and no integration.
func TestAccessLogRefused(t *testing.T) {
	api := rest(lambda())
	req := get("/pets", "")
	v := apigw.Decide(api, req, nil, never(t))
	s := apigw.Served{API: api, Request: req, Verdict: v, Status: v.Status}
	const format = "$context.status $context.error.message $context.error.messageString $context.error.responseType $context.integration.status $context.authorizer.latency"
	if got, want := s.AccessLog(format), `401 Unauthorized "Unauthorized" UNAUTHORIZED - -`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s.Verdict = nil // it could not be put to the core
	if got, want := s.AccessLog("$context.requestId $context.status $context.resourcePath $context.authorizer.principalId"), "id-1 401 - -"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Nothing that a caller sends makes a second line, or ends a string of a JSON format.
func TestAccessLogCannotBeForged(t *testing.T) {
	s := served(t, apigw.REST)
	s.Request.Header["User-Agent"] = []string{"a\",\"status\":\"200\\\r\n\u2028{\"x\":1}"}
	if got := s.AccessLog("$context.identity.userAgent"); strings.ContainsAny(got, "\r\n\u2028") {
		t.Errorf("%q", got)
	}
	line := s.AccessLog(`{"agent":"$context.identity.userAgent","status":$context.status}`)
	var m map[string]any
	if err := json.Unmarshal([]byte(line), &m); err != nil || len(m) != 2 || m["status"] != 201.0 || m["agent"] != s.Request.Header["User-Agent"][0] {
		t.Errorf("%v: %s", err, line)
	}
}

func TestAccessLogFormats(t *testing.T) {
	for name, want := range map[string]string{
		"clf": `203.0.113.7 - - [22/Nov/2026:12:00:00 +0000] "GET /pets/{id} HTTP/1.1" 201 12 id-1 ext-1`,
		"csv": `203.0.113.7,-,-,22/Nov/2026:12:00:00 +0000,GET,/pets/{id},HTTP/1.1,201,12,id-1,ext-1`,
		"json": `{"requestId":"id-1","extendedRequestId":"ext-1","ip":"203.0.113.7","caller":"-","user":"-","requestTime":"22/Nov/2026:12:00:00 +0000",` +
			`"httpMethod":"GET","resourcePath":"/pets/{id}","status":"201","protocol":"HTTP/1.1","responseLength":"12"}`,
		"xml": `<request id="id-1"> <ip>203.0.113.7</ip> <caller>-</caller> <user>-</user> <requestTime>22/Nov/2026:12:00:00 +0000</requestTime> ` +
			`<httpMethod>GET</httpMethod> <resourcePath>/pets/{id}</resourcePath> <status>201</status> <protocol>HTTP/1.1</protocol> <responseLength>12</responseLength> </request>`,
	} {
		format, ok := apigw.AccessLogFormat(apigw.REST, name)
		if got := served(t, apigw.REST).AccessLog(format); !ok || got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
	if _, ok := apigw.AccessLogFormat(apigw.REST, "else"); ok {
		t.Error("there is no such format")
	}
	format, _ := apigw.AccessLogFormat(apigw.HTTP, "clf")
	if got, want := served(t, apigw.HTTP).AccessLog(format), `"GET GET /pets/{id} HTTP/1.1" 201`; !strings.Contains(got, want) {
		t.Errorf("HTTP API: %s", got)
	}
}

// The execution log ends with how the integration did.
func TestServedLog(t *testing.T) {
	s := served(t, apigw.REST)
	lines := s.Verdict.ServedLog(201, s.Integration)
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"(id-1) Starting authorizer: a for request: id-1", "(id-1) Received response. Status: 201, Integration latency: 30 ms",
		"(id-1) Successfully completed execution", "(id-1) Method completed with status: 201",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, `"authorizationToken":"x"`) {
		t.Errorf("the token is in\n%s", text)
	}
	for failed, want := range map[apigw.IntegrationFailed]string{
		apigw.TimedOut: "due to a timeout error", apigw.FunctionFailed: "due to customer function error: boom\\u000a",
		apigw.Malformed: "Malformed Lambda proxy response", apigw.FailedOtherwise: "due to configuration error: boom\\u000a",
	} {
		lines := s.Verdict.ServedLog(502, &apigw.ServedIntegration{Error: "boom\n", Failed: failed})
		text := strings.Join(lines, "\n")
		if !strings.Contains(text, want) || strings.Contains(text, "Successfully completed execution") {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if h := served(t, apigw.HTTP); h.Verdict.ServedLog(201, nil) != nil {
		t.Error("HTTP APIs have no execution log")
	}
}

// Whatever the format and the caller, an access log has one line a request, and
// variables are all that is filled in.
func FuzzAccessLog(f *testing.F) {
	for _, format := range []string{"$context.identity.userAgent", `{"a":"$context.identity.userAgent"}`, "${context.status}", "$", "${", "$context.authorizer['x']", "$context.authorizer.claims.sub"} {
		f.Add(format, "agent\n\"x")
	}
	s := served(f, apigw.REST)
	f.Fuzz(func(t *testing.T, format, agent string) {
		s.Request.Header["User-Agent"] = []string{agent}
		got := s.AccessLog(format)
		if strings.Count(got, "\n") != strings.Count(format, "\n") {
			t.Errorf("%q with %q: %q", format, agent, got)
		}
		if !strings.Contains(format, "$") && got != format {
			t.Errorf("%q became %q", format, got)
		}
	})
}
