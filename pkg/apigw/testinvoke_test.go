package apigw_test

import (
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
)

func TestTestInvoke(t *testing.T) {
	api := rest(nil)
	z := &apigw.Authorizer{Name: "a", TTL: new(300)}
	test := func(token string, out apigw.Output) apigw.TestResult {
		return apigw.TestInvoke(api, z, get("", token), func(apigw.Event) apigw.Output { return out })
	}
	deny := policyAnswer("Deny", "*", "")
	r := test("deny", apigw.ResultOutput([]byte(deny)))
	if r.ClientStatus != 0 || r.PrincipalID != "u1" || !strings.Contains(r.Policy, `"Effect":"Deny"`) || r.Authorization["Authorization"][0] != "deny" {
		t.Errorf("%+v", r)
	}
	if r.Event.ARN != strings.Replace(stageARN, "prod", "ESTestInvoke-stage", 1)+"GET/" {
		t.Errorf("ARN %s", r.Event.ARN)
	}
	if r := apigw.TestInvoke(api, z, get("/%61%20", "deny"), func(apigw.Event) apigw.Output { return apigw.ResultOutput([]byte(deny)) }); !strings.HasSuffix(r.Event.ARN, "/GET/a%20") {
		t.Errorf("ARN %s", r.Event.ARN)
	}
	lines := strings.Split(r.Log, "\n")
	if lines[0] != "Execution log for request "+get("", "").ID || !strings.HasPrefix(lines[1], get("", "").Time.UTC().Format(time.UnixDate)+" : Starting authorizer: a for request: ") ||
		!strings.HasSuffix(r.Log, " : Successfully completed authorizer execution") {
		t.Errorf("log %s", r.Log)
	}
	for _, tc := range []struct {
		token  string
		out    apigw.Output
		status int
		called bool
	}{
		{"", apigw.Output{}, 401, false},
		{"x", apigw.ErrorOutput("Unauthorized"), 401, true},
		{"x", apigw.ErrorOutput("boom"), 500, true},
		{"x", apigw.ResultOutput([]byte("null")), 500, true},
		{"x", apigw.NotInvokedOutput("no permission"), 500, false},
	} {
		if r := test(tc.token, tc.out); r.ClientStatus != tc.status || r.AuthorizerCalled != tc.called {
			t.Errorf("%q %+v: %d, called %t, want %d, %t", tc.token, tc.out, r.ClientStatus, r.AuthorizerCalled, tc.status, tc.called)
		}
	}
	z = &apigw.Authorizer{Name: "c", Type: apigw.AuthCognito, JWT: apigw.JWTSettings{Issuers: []apigw.JWTIssuer{{Issuer: issuer}}}}
	r = apigw.TestInvoke(api, z, get("", "t.t.t"), checked(t, claims("")))
	if r.ClientStatus != 0 || r.Claims["sub"] != "u1" {
		t.Errorf("%+v", r)
	}
	if r := apigw.TestInvoke(api, z, get("", "t.t.t"), checked(t, claims("exp=1"))); r.ClientStatus != 401 {
		t.Errorf("%+v", r)
	}
}
