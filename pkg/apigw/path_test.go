package apigw_test

import (
	"strings"
	"testing"

	"gatepass/pkg/apigw"
)

// One rule for paths, whoever asks: no letter can be written so that no policy and no
// route names it, and no path can be one thing here and another for the backend.
func TestPaths(t *testing.T) {
	api := &apigw.API{
		Region: "eu-west-1", Account: "123456789012", ID: "abc", Stage: "prod",
		Routes: []apigw.Route{{Method: "GET", Path: "/admin"}, {Method: "GET", Path: "/%7Eann"}, {Method: "GET", Path: "/{proxy+}"}},
	}
	for _, tc := range []struct {
		path     string
		status   int
		decided  string
		resource string
		inferred string
	}{
		{"/admin", 200, "/admin", "/admin", ""},
		{"/%61dmi%6E", 200, "/admin", "/admin", "count the same"},
		{"/~ann", 200, "/~ann", "/%7Eann", ""},
		{"/%7eann", 200, "/~ann", "/%7Eann", "count the same"},
		{"/a%20b", 200, "/a%20b", "/{proxy+}", "as they were sent"},
		{"/a%2fb%2561", 200, "/a%2fb%2561", "/{proxy+}", "as they were sent"},
		{"//x", 200, "//x", "/{proxy+}", ""},
		{"/a/../b", 400, "/a/../b", "", "not documented"},
		{"/%2E%2e", 400, "/..", "", "not documented"},
		{"/a/%252e/b", 400, "/a/%252e/b", "", "not documented"},
		{"/100%", 400, "/100%", "", "not documented"},
		{"/%%361dmin", 400, "/%61dmin", "", "not documented"},
	} {
		v := apigw.Decide(api, &apigw.Request{Method: "GET", Path: tc.path}, nil, nil)
		if v.Status != tc.status || v.Path() != tc.decided || v.Resource != tc.resource || !strings.Contains(v.Trace[0].Inferred, tc.inferred) {
			t.Errorf("%s: %d about %q of %q; %+v", tc.path, v.Status, v.Path(), v.Resource, v.Trace[0])
		}
		if v.Allowed && !strings.HasSuffix(v.ARN, "/GET"+tc.decided) {
			t.Errorf("%s has the ARN %s", tc.path, v.ARN)
		}
		if tc.status == 400 && (v.Body != `{"message":"Bad Request"}` || v.ErrorType != "BadRequestException" || v.BackendCalled) {
			t.Errorf("%s: %s %s", tc.path, v.ErrorType, v.Body)
		}
	}
}

// What an authorizer and a function are given is the path that was decided about.
func TestPathOfEvents(t *testing.T) {
	z := &apigw.Authorizer{Name: "a", Type: apigw.AuthRequest, IdentitySources: []string{"method.request.header.X"}}
	api := &apigw.API{Stage: "prod", Routes: []apigw.Route{{Method: "GET", Path: "/{id}", Access: apigw.Access{Authorizer: z}}}}
	_, p := apigw.Begin(api, &apigw.Request{Method: "GET", Path: "/%61%20", Header: map[string][]string{"X": {"1"}}})
	if ev := p.Event(); ev.Path != "/a%20" || ev.PathParameters["id"] != "a%20" {
		t.Errorf("path %q, parameters %v", ev.Path, ev.PathParameters)
	}
	v, _ := p.Finish(apigw.ResultOutput([]byte(policyAnswer("Allow", "*", ""))))
	event, err := v.ProxyEvent(apigw.ProxyRequest{})
	if err != nil || !strings.Contains(string(event), `"path":"/a%20","httpMethod"`) {
		t.Errorf("%v: %s", err, event)
	}
}
