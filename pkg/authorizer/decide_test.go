package authorizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gatepass/pkg/apigw"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

const testARN = "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/"

// event is a TOKEN event for a request of the test API.
func event(request string) apigw.Event {
	method, path, _ := strings.Cut(request, " ")
	return apigw.Event{Kind: apigw.EventToken, ARN: testARN + method + path}
}

// decided is the answer with a policy to an event.
func decided(f *File, ev apigw.Event, c Claims) (apigw.Output, Trace) {
	return f.Settle(ev, c, Policy).Answer(ev)
}

// parsed is the policy of an output, read as the gateway reads it.
func parsed(t testing.TB, out apigw.Output) *policy.Document {
	t.Helper()
	if out.Kind != apigw.Returned || out.Value == nil {
		t.Fatalf("the output is no response: %+v", out)
	}
	d, err := policy.Parse(out.Value.Get("policyDocument"), policy.Options{})
	if err != nil {
		t.Fatalf("the gateway would not take %s: %v", out.Text, err)
	}
	return d
}

// effect is what the policy of an output says about a request from an address.
func effect(t testing.TB, out apigw.Output, request, ip string) policy.Effect {
	t.Helper()
	r := policy.Request{Action: invoke, Resource: event(request).ARN, Keys: policy.Keys{"aws:sourceip": {ip}}}
	return parsed(t, out).Decide(&r)
}

func TestDecide(t *testing.T) {
	f := load(t, designFile)
	const office, elsewhere = "203.0.113.7", "198.51.100.1"
	for name, tc := range map[string]struct {
		claims, request, ip string
		want                policy.Effect
	}{
		"an admin does everything":          {`{"sub":"1","groups":["Users","Admins"]}`, "POST /orders", office, policy.Allow},
		"at the root too":                   {`{"sub":"1","groups":"Admins"}`, "GET /", office, policy.Allow},
		"groups joined with semicolons":     {`{"sub":"1","groups":"Users;Admins"}`, "PUT /x", office, policy.Allow},
		"an admin elsewhere deletes not":    {`{"sub":"1","groups":["Admins"]}`, "DELETE /orders", elsewhere, policy.ExplicitDeny},
		"an admin in the office does":       {`{"sub":"1","groups":["Admins"]}`, "DELETE /orders", office, policy.Allow},
		"a user reads what is theirs":       {`{"sub":"42","groups":["Users"]}`, "GET /users/42/orders", elsewhere, policy.Allow},
		"and nothing else":                  {`{"sub":"42","groups":["Users"]}`, "GET /users/43/orders", elsewhere, policy.ImplicitDeny},
		"and does not write it":             {`{"sub":"42"}`, "PUT /users/42/orders", elsewhere, policy.ImplicitDeny},
		"a star in a claim is a star":       {`{"sub":"*"}`, "GET /users/43/orders", elsewhere, policy.ImplicitDeny},
		"and matches itself":                {`{"sub":"*"}`, "GET /users/*/orders", elsewhere, policy.Allow},
		"a question mark too":               {`{"sub":"4?"}`, "GET /users/42/orders", elsewhere, policy.ImplicitDeny},
		"a variable in a claim is text":     {`{"sub":"${aws:SourceIp}"}`, "GET /users/198.51.100.1/orders", elsewhere, policy.ImplicitDeny},
		"a slash in a claim changes levels": {`{"sub":"a/b"}`, "GET /users/a/b/c", elsewhere, policy.Allow},
		"a group that only looks like one":  {`{"sub":"1","groups":["admins","Admins2"]}`, "POST /orders", office, policy.ImplicitDeny},
	} {
		t.Run(name, func(t *testing.T) {
			out, trace := decided(f, event("GET /somewhere/else"), MadeUp(claimsOf(t, tc.claims)))
			if got := effect(t, out, tc.request, tc.ip); got != tc.want {
				t.Errorf("%s by %s is %v, want %v\n%s\n%+v", tc.request, tc.claims, got, tc.want, out.Text, trace)
			}
			if trace.Outcome != Answered || trace.Claims != "made-up" || len(trace.Statements) != 3 {
				t.Errorf("trace %+v", trace)
			}
		})
	}
}

// The whole response, as the gateway gets it.
func TestResponse(t *testing.T) {
	f := load(t, designFile)
	out, trace := decided(f, event("GET /x"), MadeUp(claimsOf(t, `{"sub":"42","groups":["Users","A&B"],"level":1.50}`)))
	const want = `{"principalId":"42","policyDocument":{"Version":"2012-10-17","Statement":[` +
		`{"Sid":"EverybodyReadsTheirOwn","Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/users/42/*"},` +
		`{"Sid":"OnlyFromTheOffice","Effect":"Deny","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/DELETE/*","Condition":{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24"]}}}]},` +
		`"context":{"groups":"Users,A&B","level":1.50,"fixed":7,"on":true}}`
	if out.Text != want {
		t.Errorf("response\n%s\nwant\n%s", out.Text, want)
	}
	if len(trace.Notes) != 1 || !strings.Contains(trace.Notes[0], "email") || trace.Principal != "42" {
		t.Errorf("trace %+v", trace)
	}
}

func TestNothingApplies(t *testing.T) {
	f := load(t, `{"version":1,"policy":{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Resource":"GET /u/${jwt:dept}/*"},
		{"Effect":"Allow","Resource":"* /*","Condition":{"StringEquals":{"jwt:role":"boss"}}}]}}`)
	out, trace := decided(f, event("GET /x"), MadeUp(claimsOf(t, `{"sub":"1"}`)))
	for _, request := range []string{"GET /x", "GET /", "DELETE /a/b", "OPTIONS /"} {
		if got := effect(t, out, request, ""); got != policy.ExplicitDeny {
			t.Errorf("%s is %v, want an explicit deny", request, got)
		}
	}
	other := policy.Request{Action: invoke, Resource: strings.Replace(testARN, "/prod/", "/dev/", 1) + "GET/x"}
	if got := parsed(t, out).Decide(&other); got != policy.ImplicitDeny {
		t.Errorf("another stage is %v, want nothing said about it", got)
	}
	if !strings.Contains(trace.Reason, "everything is denied") || len(trace.Statements) != 2 {
		t.Errorf("trace %+v", trace)
	}
	for _, s := range trace.Statements {
		if s.Kept || s.Reason == "" {
			t.Errorf("statement %+v", s)
		}
	}
}

func TestPrincipal(t *testing.T) {
	for _, refuse := range []string{"unauthorized", "deny"} {
		f := load(t, strings.Replace(designFile, "refuse: unauthorized", "refuse: "+refuse, 1))
		for _, claims := range []string{`{"groups":["Admins"]}`, `{"sub":""}`, `{"sub":null}`, `{"sub":{}}`, `{"sub":[]}`} {
			out, trace := decided(f, event("GET /x"), MadeUp(claimsOf(t, claims)))
			if trace.Outcome != Refused || !strings.Contains(trace.Reason, "principal") || trace.Claims != "made-up" {
				t.Errorf("%s: trace %+v", claims, trace)
			}
			wantRefusal(t, out, refuse)
		}
	}
}

// wantRefusal insists on the answer to a token that does not count.
func wantRefusal(t *testing.T, out apigw.Output, refuse string) {
	t.Helper()
	if refuse == "unauthorized" {
		if out.Kind != apigw.Failed || out.Message != "Unauthorized" {
			t.Errorf("output %+v, want exactly the error Unauthorized", out)
		}
		return
	}
	if got := effect(t, out, "GET /anything", ""); got != policy.ExplicitDeny {
		t.Errorf("effect %v, want an explicit deny", got)
	}
	if got := out.Value.Get("principalId"); got == nil || got.Text != "unauthorized" {
		t.Errorf("principal of %s", out.Text)
	}
}

func TestRefuse(t *testing.T) {
	for _, refuse := range []string{"unauthorized", "deny"} {
		f := load(t, strings.Replace(designFile, "refuse: unauthorized", "refuse: "+refuse, 1))
		out, trace := f.Refuse(event("GET /x"), Policy, "the token has expired")
		wantRefusal(t, out, refuse)
		if trace.Outcome != Refused || trace.Reason != "the token has expired" {
			t.Errorf("trace %+v", trace)
		}
		if strings.Contains(out.Text+out.Message, "expired") {
			t.Errorf("the reason reaches the gateway: %+v", out)
		}
		// Claims that nobody vouches for are refused, whatever they say.
		out, trace = decided(f, event("GET /x"), Claims{})
		wantRefusal(t, out, refuse)
		if trace.Outcome != Refused || trace.Claims != "" {
			t.Errorf("trace %+v", trace)
		}
		out, _ = decided(f, event("GET /x"), Verified(token.Verified{}))
		wantRefusal(t, out, refuse)
	}
}

// What the authorizer cannot decide is an error, and never the one message that
// would make it the caller's fault.
func TestFail(t *testing.T) {
	f := load(t, strings.Replace(designFile, "refuse: unauthorized", "refuse: deny", 1))
	long := strings.Repeat("x", 500)
	for name, run := range map[string]func() (apigw.Output, Trace){
		"no keys": func() (apigw.Output, Trace) { return Fail(fmt.Errorf("Unauthorized")) },
		"no ARN": func() (apigw.Output, Trace) {
			return decided(f, apigw.Event{ARN: "x"}, MadeUp(claimsOf(t, `{"sub":"1"}`)))
		},
		"refused, no ARN": func() (apigw.Output, Trace) { return f.Refuse(apigw.Event{}, Policy, "no") },
		"a long ARN": func() (apigw.Output, Trace) {
			return decided(f, event("GET /"+strings.Repeat("y", apigw.MaxARN)), MadeUp(claimsOf(t, `{"sub":"1"}`)))
		},
		"a long claim": func() (apigw.Output, Trace) {
			return decided(f, event("GET /"), MadeUp(claimsOf(t, `{"sub":"`+long+`"}`)))
		},
	} {
		out, trace := run()
		if out.Kind != apigw.Failed || out.Message == "Unauthorized" || out.Message == "" || trace.Outcome != Failed || trace.Reason == "" {
			t.Errorf("%s: output %+v, trace %+v", name, out, trace)
		}
		if name == "a long claim" && !strings.Contains(trace.Reason, "EverybodyReadsTheirOwn") {
			t.Errorf("the reason does not name the statement: %s", trace.Reason)
		}
	}
}

// A policy of more than 8 KB is an error that names where most of it is.
func TestTooLarge(t *testing.T) {
	var statements []string
	for i := range 30 {
		statements = append(statements, fmt.Sprintf(`{"Sid":"S%d","Effect":"Allow","Resource":["GET /%d/${jwt:sub}/*","PUT /%d/${jwt:sub}/*"]}`, i, i, i))
	}
	f := load(t, `{"version":1,"policy":{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}}`)
	out, trace := decided(f, event("GET /"), MadeUp(claimsOf(t, `{"sub":"`+strings.Repeat("s", 200)+`"}`)))
	if out.Kind != apigw.Failed || !strings.Contains(trace.Reason, "the policy") || !strings.Contains(trace.Reason, "8192") {
		t.Errorf("output %+v, trace %s", out, trace.Reason)
	}
	out, _ = decided(f, event("GET /"), MadeUp(claimsOf(t, `{"sub":"s"}`)))
	if out.Kind != apigw.Returned || len(out.Text) > policy.MaxPolicy+1000 {
		t.Errorf("with a short claim: %+v", out)
	}
}

// The template of the principal may have a text for tokens without a subject.
func TestPrincipalOrElse(t *testing.T) {
	f := load(t, strings.Replace(designFile, "principal: ${jwt:sub}", "principal: \"${jwt:sub, 'machine'}\"", 1))
	out, trace := decided(f, event("GET /x"), MadeUp(claimsOf(t, `{"groups":["Admins"]}`)))
	if got := effect(t, out, "POST /x", "203.0.113.7"); got != policy.Allow || trace.Principal != "machine" {
		t.Errorf("effect %v, trace %+v", got, trace)
	}
}

// WebSocket APIs have a route instead of a method and path.
func TestConnect(t *testing.T) {
	f := load(t, `{"version":1,"policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"$connect"}]}}`)
	ev := apigw.Event{Kind: apigw.EventConnect, ARN: testARN + "$connect"}
	out, _ := decided(f, ev, MadeUp(claimsOf(t, `{"sub":"1"}`)))
	if got := parsed(t, out).Decide(&policy.Request{Action: invoke, Resource: ev.ARN}); got != policy.Allow {
		t.Errorf("%v: %s", got, out.Text)
	}
}

// FuzzSpecialized: for any claims and any request, what the policy that goes to
// the gateway says is what the policy of the file says when it may look at the
// claims itself. So the answer may be cached and used for every other request.
func FuzzSpecialized(f *testing.F) {
	f.Add("42", "Admins", "US", "GET", "/users/42/x", "203.0.113.9")
	f.Add("*", "Users;Admins", "", "DELETE", "/", "198.51.100.1")
	f.Add("a?b", "x", "a/b", "PUT", "/dept/a/b/c", "::1")
	f.Add("${*}", "${jwt:sub}", "$", "GET", "/users/${*}/x", "203.0.113.9")
	f.Add("", "", "*", "POST", "/dept/*/x", "")
	file, direct := load(f, propertyFile), directPolicy(f)
	f.Fuzz(func(t *testing.T, sub, groups, dept, method, path, ip string) {
		made, err := plain(map[string]any{"who": sub, "groups": strings.Split(groups, "|"), "dept": dept, "sub": "x"})
		if err != nil {
			t.Skip()
		}
		n, err := source.JSON("claims", made)
		if err != nil {
			t.Skip()
		}
		claims := token.NewClaims(n)
		out, trace := decided(file, event("GET /"), MadeUp(claims))
		if trace.Outcome == Failed {
			t.Skip(trace.Reason) // too long
		}
		r := policy.Request{Action: invoke, Resource: testARN + method + path, Keys: policy.Keys{}}
		if ip != "" {
			r.Keys["aws:sourceip"] = []string{ip}
		}
		got := parsed(t, out).Decide(&r)
		for _, name := range []string{"who", "groups", "dept"} {
			if v, ok := claims.Lookup(name); ok {
				r.Keys["jwt:"+name] = v
			}
		}
		want := direct.Decide(&r)
		if want == policy.ImplicitDeny && kept(trace.Statements) == 0 {
			want = policy.ExplicitDeny // nothing left is said aloud
		}
		if got != want {
			t.Errorf("%s\nspecialized says %v, the file %v about %s", out.Text, got, want, r.Resource)
		}
	})
}

const propertyFile = `{"version":1,"policy":{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Resource":"GET /users/${jwt:who}/*"},
	{"Effect":"Allow","Resource":["* /*"],"Condition":{"ForAnyValue:StringEquals":{"jwt:groups":["Admins"]}}},
	{"Effect":"Allow","Resource":"* /dept/*","Condition":{"StringLike":{"jwt:dept":["a*","*"]},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}},
	{"Effect":"Allow","Resource":"* /like/*","Condition":{"StringNotEqualsIfExists":{"jwt:dept":"US"}}},
	{"Effect":"Deny","Resource":"DELETE /*","Condition":{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24"]}}},
	{"Effect":"Deny","NotResource":["* /dept/${jwt:dept}/*","* /users/*"],"Condition":{"StringEquals":{"jwt:who":"42"}}},
	{"Effect":"Deny","Resource":"* /*","Condition":{"Null":{"jwt:who":"true"}}}
]}}`

// directPolicy is the policy of propertyFile with its short resources written out
// by the obvious means, asked with the claims as keys.
func directPolicy(t testing.TB) *policy.Document {
	t.Helper()
	var file struct {
		Policy json.RawMessage `json:"policy"`
	}
	if err := json.Unmarshal([]byte(propertyFile), &file); err != nil {
		t.Fatal(err)
	}
	text := string(file.Policy)
	for _, method := range []string{"*", "GET", "DELETE"} {
		text = strings.ReplaceAll(text, `"`+method+` /`, `"`+testARN+method+`/`)
	}
	n, err := source.JSON("policy", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	d, err := policy.Parse(n, policy.Options{Action: invoke, Prefix: "jwt:"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func BenchmarkDecide(b *testing.B) {
	f := load(b, designFile)
	claims := MadeUp(claimsOf(b, `{"sub":"42","email":"ann@acme.com","groups":["Users","Admins"],"level":3}`))
	ev := event("GET /users/42/orders")
	b.ReportAllocs()
	for b.Loop() {
		decided(f, ev, claims)
	}
}
