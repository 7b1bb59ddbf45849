package apigw_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

const stageARN = "arn:aws:execute-api:eu-west-1:123456789012:abc/prod/"

// at is when everything happens.
func at() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// rest is a REST API whose every path is protected by an authorizer.
func rest(z *apigw.Authorizer) *apigw.API {
	return &apigw.API{
		Region: "eu-west-1", Account: "123456789012", ID: "abc", Stage: "prod", Default: apigw.Access{Authorizer: z},
	}
}

func lambda() *apigw.Authorizer { return &apigw.Authorizer{Name: "a", TTL: new(0)} }

// httpAPI is an HTTP API whose every path is protected by an authorizer.
func httpAPI(z *apigw.Authorizer) *apigw.API {
	a := rest(z)
	a.Kind, a.Stage = apigw.HTTP, "$default"
	return a
}

// get is a request with a token in its Authorization header.
func get(path, token string) *apigw.Request {
	r := &apigw.Request{Method: "GET", Path: path, Header: map[string][]string{}, Time: at(), SourceIP: "203.0.113.7", ID: "id-1", ExtendedID: "ext-1"}
	if token != "" {
		r.Header["Authorization"] = []string{token}
	}
	return r
}

func returns(doc string) func(apigw.Event) apigw.Output {
	return func(apigw.Event) apigw.Output { return apigw.ResultOutput([]byte(doc)) }
}

// never fails the test when the authorizer is called.
func never(t *testing.T) func(apigw.Event) apigw.Output {
	return func(apigw.Event) apigw.Output {
		t.Helper()
		t.Error("the authorizer was called")
		return apigw.Output{}
	}
}

// policyAnswer is an authorizer's answer with one statement.
func policyAnswer(effect, resource, more string) string {
	return `{"principalId":"u1","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"` + effect +
		`","Action":"execute-api:Invoke","Resource":"` + resource + `"}]}` + more + `}`
}

func resourcePolicy(t *testing.T, text string) *policy.Document {
	t.Helper()
	n, err := source.JSON("resource policy", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	d, err := policy.Parse(n, policy.Options{Principals: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func node(t testing.TB, text string) *source.Node {
	t.Helper()
	n, err := source.JSON("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// steps are the steps and outcomes of a trace: "route ok, identity refused".
func steps(v *apigw.Verdict) string {
	var all []string
	for _, s := range v.Trace {
		all = append(all, string(s.Step)+" "+string(s.Outcome))
	}
	return strings.Join(all, ", ")
}

// inferred is all that the trace says was inferred.
func inferred(v *apigw.Verdict) string {
	var all []string
	for _, s := range v.Trace {
		all = append(all, s.Inferred)
	}
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), "; ")
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantVerdict(t *testing.T, v *apigw.Verdict, status int, body string) {
	t.Helper()
	if v.Status != status || v.Body != body {
		t.Errorf("got %d %s, want %d %s; trace: %s, last: %s", v.Status, v.Body, status, body, steps(v), v.Reason)
	}
	if v.Allowed != (status == 200 || status == 101) || v.BackendCalled != v.Allowed {
		t.Errorf("allowed %t, backend called %t with status %d", v.Allowed, v.BackendCalled, status)
	}
}
