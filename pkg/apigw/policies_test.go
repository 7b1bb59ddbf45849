package apigw_test

import (
	"strings"
	"testing"

	"gatepass/pkg/apigw"
	"gatepass/pkg/policy"
)

// statement is a resource policy that allows, denies or says nothing.
func statement(t *testing.T, effect string) *policy.Document {
	t.Helper()
	resource := "*"
	if effect == "silent" {
		effect, resource = "Allow", "arn:aws:execute-api:*:*:elsewhere/*"
	}
	return resourcePolicy(t, `{"Version":"2012-10-17","Statement":[{"Effect":"`+effect+`","Principal":"*","Action":"execute-api:Invoke","Resource":"`+resource+`"}]}`)
}

// TestTables: AWS's tables of how two policies decide together, as corrected.
func TestTables(t *testing.T) {
	for _, row := range []struct{ identity, resource, a, b string }{
		{"Allow", "Allow", "allowed", "allowed"},
		{"Allow", "silent", "allowed", "implicitly-denied"},
		{"Allow", "Deny", "explicitly-denied", "explicitly-denied"},
		{"silent", "Allow", "allowed", "implicitly-denied"},
		{"silent", "silent", "implicitly-denied", "implicitly-denied"},
		{"silent", "Deny", "explicitly-denied", "explicitly-denied"},
		{"Deny", "Allow", "explicitly-denied", "explicitly-denied"},
		{"Deny", "silent", "explicitly-denied", "explicitly-denied"},
		{"Deny", "Deny", "explicitly-denied", "explicitly-denied"},
	} {
		doc := policyAnswer("Allow", "arn:aws:execute-api:*:*:elsewhere/*", "")
		if row.identity != "silent" {
			doc = policyAnswer(row.identity, "*", "")
		}
		api := rest(lambda())
		api.ResourcePolicy = statement(t, row.resource)
		v := apigw.Decide(api, get("/", "x"), nil, returns(doc))
		if v.Decision != row.a || v.AuthorizerCalled != (row.resource != "Deny") {
			t.Errorf("table A, Lambda, %s and %s: %s, authorizer called %t, want %s", row.identity, row.resource, v.Decision, v.AuthorizerCalled, row.a)
		}
		for _, cross := range []bool{false, true} {
			want := row.a
			if cross {
				want = row.b
			}
			api = rest(&apigw.Authorizer{Name: "i", Type: apigw.AuthIAM})
			api.ResourcePolicy = statement(t, row.resource)
			req := get("/", "")
			req.Caller = &apigw.Caller{ARN: "arn:aws:iam::999999999999:user/ann", CrossAccount: cross}
			req.Caller.Policy = identityPolicy(t, row.identity)
			v := apigw.Decide(api, req, nil, never(t))
			if v.Decision != want || v.Allowed != (want == "allowed") {
				t.Errorf("IAM, cross-account %t, %s and %s: %s, want %s", cross, row.identity, row.resource, v.Decision, want)
			}
		}
		if row.identity != "Allow" {
			continue
		}
		api = rest(&apigw.Authorizer{Name: "c", Type: apigw.AuthCognito, JWT: apigw.JWTSettings{Issuers: []apigw.JWTIssuer{{Issuer: issuer}}}})
		api.ResourcePolicy = statement(t, row.resource)
		v = apigw.Decide(api, get("/", "t.t.t"), nil, checked(t, claims("")))
		if v.Decision != row.b {
			t.Errorf("table B, Cognito, %s: %s, want %s", row.resource, v.Decision, row.b)
		}
	}
}

func identityPolicy(t *testing.T, effect string) *policy.Document {
	t.Helper()
	resource := "*"
	if effect == "silent" {
		effect, resource = "Allow", "arn:aws:execute-api:*:*:elsewhere/*"
	}
	d, err := policy.Parse(node(t, `{"Version":"2012-10-17","Statement":[{"Effect":"`+effect+`","Action":"*","Resource":"`+resource+`"}]}`), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestIAM(t *testing.T) {
	z := &apigw.Authorizer{Name: "i", Type: apigw.AuthIAM}
	wantVerdict(t, apigw.Decide(rest(z), get("/", ""), nil, never(t)), 403, `{"message":"Missing Authentication Token"}`)
	wantVerdict(t, apigw.Decide(httpAPI(z), get("/", ""), nil, never(t)), 403, `{"message":"Forbidden"}`)
	req := get("/", "")
	req.Caller = &apigw.Caller{ARN: "arn:aws:iam::123456789012:user/ann"}
	wantVerdict(t, apigw.Decide(rest(z), req, nil, never(t)), 403,
		`{"Message":"User: arn:aws:iam::123456789012:user/ann is not authorized to perform: execute-api:Invoke on resource: `+stageARN+`GET/"}`)
	req.Caller.Policy = identityPolicy(t, "Allow")
	wantVerdict(t, apigw.Decide(rest(z), req, nil, never(t)), 200, "")
	req.Caller.CrossAccount = true
	if v := apigw.Decide(rest(z), req, nil, never(t)); v.Allowed || !strings.Contains(v.Reason, "another account") {
		t.Errorf("cross-account without a resource policy: %d %s", v.Status, v.Reason)
	}
}

// TestResourcePolicyOnly: without an authorizer silence denies.
func TestResourcePolicyOnly(t *testing.T) {
	api := rest(nil)
	const who = `{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: `
	api.ResourcePolicy = statement(t, "silent")
	wantVerdict(t, apigw.Decide(api, get("/pets", ""), nil, never(t)), 403, who+stageARN+`GET/pets"}`)
	api.ResourcePolicy = statement(t, "Deny")
	wantVerdict(t, apigw.Decide(api, get("/pets", ""), nil, never(t)), 403, who+stageARN+`GET/pets with an explicit deny"}`)
	api.MaskAccount = true
	wantVerdict(t, apigw.Decide(api, get("/pets", ""), nil, never(t)), 403,
		who+`arn:aws:execute-api:eu-west-1:********9012:abc/prod/GET/pets with an explicit deny"}`)
	api.ResourcePolicy = statement(t, "Allow")
	wantVerdict(t, apigw.Decide(api, get("/pets", ""), nil, never(t)), 200, "")
	// A policy for somebody with AWS credentials does not speak of others.
	api.ResourcePolicy = resourcePolicy(t, `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:user/a"},"Action":"*","Resource":"*"}]}`)
	if v := apigw.Decide(api, get("/pets", ""), nil, never(t)); v.Allowed {
		t.Error("an anonymous caller is taken for a named one")
	}
}

func TestDenialTexts(t *testing.T) {
	api := rest(lambda())
	api.Denial = apigw.LegacyText
	wantVerdict(t, apigw.Decide(api, get("/", "x"), nil, returns(policyAnswer("Deny", "*", ""))), 403,
		`{"Message":"User is not authorized to access this resource with an explicit deny"}`)
	v := apigw.Decide(api, get("/", "x"), nil, returns(policyAnswer("Allow", "arn:aws:execute-api:*:*:x/*", "")))
	wantVerdict(t, v, 403, `{"Message":"User is not authorized to access this resource"}`)
	if len(v.Body) != 60 || v.Headers["Content-Length"] != "60" { // as captured
		t.Errorf("length %d, header %s", len(v.Body), v.Headers["Content-Length"])
	}
}
