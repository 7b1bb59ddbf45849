package apigw_test

import (
	"strings"
	"testing"

	"gatepass/pkg/apigw"
	"gatepass/pkg/policy"
)

// TestURILength: 1600 bytes of ARN are authorized, one more is not; only REST
// APIs, and only where there is an authorizer, mind.
func TestURILength(t *testing.T) {
	fits := "/" + strings.Repeat("a", 1600-len(stageARN+"GET/"))
	for path, status := range map[string]int{fits: 200, fits + "a": 414} {
		v := apigw.Decide(rest(lambda()), get(path, "x"), nil, returns(policyAnswer("Allow", "*", "")))
		if v.Status != status {
			t.Errorf("ARN of %d bytes: %d, want %d", len(v.ARN), v.Status, status)
		}
	}
	if v := apigw.Decide(rest(nil), get(fits+"a", ""), nil, never(t)); v.Status != 200 {
		t.Errorf("without an authorizer: %d", v.Status)
	}
	if v := apigw.Decide(httpAPI(simple()), get(fits+"a", "x"), nil, returns(`{"isAuthorized":true}`)); v.Status != 200 {
		t.Errorf("HTTP API: %d", v.Status)
	}
}

// TestHeadSize: what comes before a body has its limits, which tokens with many groups
// exceed.
func TestHeadSize(t *testing.T) {
	const limit = 10240
	fill := func(n int) string { return strings.Repeat("x", n) }
	for name, tc := range map[string]struct {
		kind   apigw.Kind
		query  string
		header map[string][]string
		status int
	}{
		"REST, headers":          {apigw.REST, "", map[string][]string{"A": {fill(limit - 1)}, "B": {"x"}}, 200},
		"REST, one more":         {apigw.REST, "", map[string][]string{"A": {fill(limit - 1), "x"}, "B": {"x"}}, 431},
		"REST, URL":              {apigw.REST, fill(limit - len("/?")), map[string][]string{"A": {fill(5000)}}, 200},
		"REST, a longer URL":     {apigw.REST, fill(limit - 1), nil, 414},
		"HTTP, together":         {apigw.HTTP, fill(5000), map[string][]string{"A": {fill(limit - 5000 - len("GET /? HTTP/1.1"))}}, 200},
		"HTTP, together and one": {apigw.HTTP, fill(5001), map[string][]string{"A": {fill(limit - 5000 - len("GET /? HTTP/1.1"))}}, 431},
	} {
		api := rest(nil)
		if tc.kind == apigw.HTTP {
			api = httpAPI(nil)
		}
		v := apigw.Decide(api, &apigw.Request{Method: "GET", Path: "/", RawQuery: tc.query, Header: tc.header}, nil, never(t))
		if v.Status != tc.status || tc.status != 200 && v.Trace[0].Inferred == "" {
			t.Errorf("%s: %d %s, want %d", name, v.Status, v.Reason, tc.status)
		}
	}
}

// TestAnswerSize: WebSocket APIs take 8 KB of answer.
func TestAnswerSize(t *testing.T) {
	sized := func(size int) string {
		doc := policyAnswer("Allow", "*", `,"pad":""`)
		return strings.Replace(doc, `"pad":""`, `"pad":"`+strings.Repeat("x", size-len(doc))+`"`, 1)
	}
	for size, status := range map[int]int{8192: 101, 8193: 500} {
		v := apigw.Decide(connectAPI(), get("", "x"), nil, returns(sized(size)))
		if v.Status != status {
			t.Errorf("%d bytes: %d, want %d", size, v.Status, status)
		}
	}
	if v := apigw.Decide(rest(lambda()), get("/", "x"), nil, returns(sized(9000))); v.Status != 200 {
		t.Errorf("REST: %d", v.Status)
	}
}

// TestEarlyDenyRequest: the first phase of a resource policy holds for REQUEST
// authorizers too, and comes before a missing identity source.
func TestEarlyDenyRequest(t *testing.T) {
	api := rest(&apigw.Authorizer{Name: "r", Type: apigw.AuthRequest, IdentitySources: []string{"method.request.header.A"}})
	api.ResourcePolicy = statement(t, "Deny")
	if v := apigw.Decide(api, get("/", ""), nil, never(t)); v.Status != 403 || v.Decision != "explicitly-denied" {
		t.Errorf("%d %s", v.Status, v.Reason)
	}
	// With Cognito the token comes first.
	api = rest(&apigw.Authorizer{Name: "c", Type: apigw.AuthCognito, JWT: apigw.JWTSettings{Issuers: []apigw.JWTIssuer{{Issuer: issuer}}}})
	api.ResourcePolicy = statement(t, "Deny")
	if v := apigw.Decide(api, get("/", ""), nil, never(t)); v.Status != 401 {
		t.Errorf("%d %s", v.Status, v.Reason)
	}
}

// TestNamesakes: two authorizers of one name, which Validate refuses, still do not
// share results.
func TestNamesakes(t *testing.T) {
	api := rest(nil)
	for _, path := range []string{"/a", "/b"} {
		z := lambda()
		z.TTL = new(60)
		api.Routes = append(api.Routes, apigw.Route{Method: "GET", Path: path, Access: apigw.Access{Authorizer: z}})
	}
	cache := apigw.NewCache(10)
	for _, path := range []string{"/a", "/b"} {
		if v := apigw.Decide(api, get(path, "t"), cache, returns(policyAnswer("Allow", "*", ""))); v.Cached {
			t.Errorf("%s is decided by a result of another authorizer", path)
		}
	}
}

// TestCallerKeys: what is known of a caller with AWS credentials is known to
// policies, whatever the case of its names; and only with AWS_IAM.
func TestCallerKeys(t *testing.T) {
	doc, err := policy.Parse(node(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"ann"}}}]}`), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	req := get("/", "")
	req.Caller = &apigw.Caller{ARN: "arn:aws:iam::123456789012:user/ann", Policy: doc, Keys: policy.Keys{"aws:UserName": {"ann"}}}
	if v := apigw.Decide(rest(&apigw.Authorizer{Name: "i", Type: apigw.AuthIAM}), req, nil, never(t)); !v.Allowed {
		t.Errorf("%d %s", v.Status, v.Reason)
	}
	req.Header["Authorization"] = []string{"x"}
	answer := strings.Replace(policyAnswer("Allow", "*", ""), `"Resource":"*"`, `"Resource":"*","Condition":{"Null":{"aws:username":"true"}}`, 1)
	if v := apigw.Decide(rest(lambda()), req, nil, returns(answer)); !v.Allowed {
		t.Errorf("a Lambda authorizer's policy sees aws:username: %s", v.Reason)
	}
}
