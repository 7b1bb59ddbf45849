package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"gatepass/pkg/policy"
)

// three is a policy as an authorizer returns it.
const three = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/users/eve/*"},
	{"Effect":"Allow","Action":"execute-api:Invoke","Resource":["` + api + `/prod/*/orders*","` + api + `/prod/GET/pets"],
		"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"StringLike":{"aws:UserAgent":"Mozilla*Firefox/1*"}}},
	{"Effect":"Deny","Action":"execute-api:Invoke","Resource":"` + api + `/prod/DELETE/*"}]}`

func request() policy.Request {
	return policy.Request{Action: invoke, Resource: api + "/prod/POST/orders/17/items", Keys: policy.Keys{
		"aws:sourceip":  {"203.0.113.9"},
		"aws:useragent": {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
	}}
}

func BenchmarkDecide3(b *testing.B) {
	d, r := mustParse(b, three, policy.Options{}), request()
	b.ReportAllocs()
	for b.Loop() {
		if d.Decide(&r) != policy.Allow {
			b.Fatal("not allowed")
		}
	}
}

// thousand is a policy of n statements of which the last matches.
func thousand(n int) string {
	var b strings.Builder
	b.WriteString(`{"Version":"2012-10-17","Statement":[`)
	for i := range n - 1 {
		fmt.Fprintf(&b, `{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"%s/prod/GET/things/%d/*"},`, api, i)
	}
	return b.String() + `{"Effect":"Allow","Action":"execute-api:*","Resource":"` + api + `/*/orders/*"}]}`
}

func BenchmarkDecide1000(b *testing.B) {
	d, r := mustParse(b, thousand(1000), policy.Options{}), request()
	b.ReportAllocs()
	for b.Loop() {
		if d.Decide(&r) != policy.Allow {
			b.Fatal("not allowed")
		}
	}
}

func BenchmarkExplain3(b *testing.B) {
	d, r := mustParse(b, three, policy.Options{}), request()
	b.ReportAllocs()
	for b.Loop() {
		d.Explain(&r)
	}
}

// The pattern and the text grow together: ns/op grows with their product.
func BenchmarkHostile(b *testing.B) {
	for _, n := range []int{50, 100, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := mustParse(b, statement(`"Effect":"Allow","Action":"*","Resource":"`+api+`/`+strings.Repeat("*a", n)+`b"`), policy.Options{})
			r := policy.Request{Action: invoke, Resource: api + "/" + strings.Repeat("a", 10*n)}
			b.ReportAllocs()
			for b.Loop() {
				d.Decide(&r)
			}
		})
	}
}

func BenchmarkParse1000(b *testing.B) {
	text := thousand(1000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		mustParse(b, text, policy.Options{})
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	withVariable := statement(`"Effect":"Allow","Action":"*","Resource":"` + api + `/prod/POST/orders/${aws:order}/*","Condition":{` +
		`"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"},"NumericGreaterThan":{"aws:EpochTime":"10.5"},"Bool":{"aws:SecureTransport":"true"},` +
		`"ForAnyValue:StringEquals":{"k:list":["x","b"]},"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"},"StringEqualsIgnoreCase":{"k:one":"ONE"}}`)
	r := request()
	for key, value := range map[string]string{
		"aws:order": "17", "aws:currenttime": "2026-11-22T10:00:00Z", "aws:epochtime": "1795341600", "aws:securetransport": "true",
		"aws:sourcearn": "arn:aws:sns:eu-west-1:123456789012:t", "k:one": "one",
	} {
		r.Keys[key] = []string{value}
	}
	r.Keys["k:list"] = []string{"a", "b"}
	for name, text := range map[string]string{"three": three, "thousand": thousand(1000), "everything": withVariable} {
		d := mustParse(t, text, policy.Options{})
		if got := d.Decide(&r); got != policy.Allow {
			t.Errorf("%s: %v: %+v", name, got, d.Explain(&r).Statements)
		}
		if n := testing.AllocsPerRun(100, func() { d.Decide(&r) }); n != 0 {
			t.Errorf("%s: a decision allocates %v times", name, n)
		}
	}
}
