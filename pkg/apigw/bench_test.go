package apigw_test

import (
	"testing"
	"time"

	"gatepass/pkg/apigw"
)

// three is an answer with a policy of three statements.
const three = `{"principalId": "u1", "context": {"email": "ann@example.com"}, "policyDocument": {"Version": "2012-10-17", "Statement": [
	{"Sid": "Read", "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:eu-west-1:123456789012:abc/prod/GET/*"},
	{"Sid": "Own", "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ["arn:aws:execute-api:eu-west-1:123456789012:abc/prod/*/users/u1/*"]},
	{"Sid": "NoAdmin", "Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:eu-west-1:123456789012:abc/prod/*/admin/*"}]}}`

// TestAllocations: a cached decision allocates its verdict, and the whole way of a
// request no more than that, what is pending and the ARN.
func TestAllocations(t *testing.T) {
	api, req := benchAPI(t)
	_, p := apigw.Begin(api, req)
	_, r := p.Finish(apigw.ResultOutput([]byte(three)))
	if n := testing.AllocsPerRun(100, func() { p.FinishCached(r) }); n > 1 {
		t.Errorf("FinishCached allocates %v times", n)
	}
	cache := apigw.NewCache(10)
	key, _ := p.Key()
	cache.Put(key, r, req.Time)
	if n := testing.AllocsPerRun(100, func() { apigw.Decide(api, req, cache, nil) }); n > 3 {
		t.Errorf("Decide allocates %v times", n)
	}
}

func benchAPI(b testing.TB) (*apigw.API, *apigw.Request) {
	b.Helper()
	api := &apigw.API{
		Region: "eu-west-1", Account: "123456789012", ID: "abc", Stage: "prod",
		Routes: []apigw.Route{{Method: "GET", Path: "/orders/{id}", Access: apigw.Access{Authorizer: &apigw.Authorizer{Name: "a"}}}},
	}
	if err := api.Prepare(); err != nil {
		b.Fatal(err)
	}
	return api, &apigw.Request{
		Method: "GET", Path: "/orders/42", Header: map[string][]string{"Authorization": {"Bearer x.y.z"}},
		Time: time.Unix(1700000000, 0), NoTrace: true,
	}
}

// BenchmarkFinishCached is the decision alone, with the result at hand.
func BenchmarkFinishCached(b *testing.B) {
	api, req := benchAPI(b)
	_, p := apigw.Begin(api, req)
	_, r := p.Finish(apigw.ResultOutput([]byte(three)))
	if r == nil {
		b.Fatal("nothing to cache")
	}
	b.ReportAllocs()
	for b.Loop() {
		if v := p.FinishCached(r); !v.Allowed {
			b.Fatal(v.Reason)
		}
	}
}

// BenchmarkDecideCached is the whole way of a request with a cached result: route,
// identity, cache, policy, verdict.
func BenchmarkDecideCached(b *testing.B) {
	api, req := benchAPI(b)
	cache := apigw.NewCache(1000)
	invoke := func(apigw.Event) apigw.Output { return apigw.ResultOutput([]byte(three)) }
	apigw.Decide(api, req, cache, invoke)
	b.ReportAllocs()
	for b.Loop() {
		if v := apigw.Decide(api, req, cache, invoke); !v.Allowed || !v.Cached {
			b.Fatal(v.Reason)
		}
	}
}

// BenchmarkDecideTraced is the same with the trace that people read.
func BenchmarkDecideTraced(b *testing.B) {
	api, req := benchAPI(b)
	req.NoTrace = false
	cache := apigw.NewCache(1000)
	invoke := func(apigw.Event) apigw.Output { return apigw.ResultOutput([]byte(three)) }
	b.ReportAllocs()
	for b.Loop() {
		if v := apigw.Decide(api, req, cache, invoke); !v.Allowed {
			b.Fatal(v.Reason)
		}
	}
}
