package policy_test

import (
	"slices"
	"testing"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

func TestKeyNames(t *testing.T) {
	n, err := source.JSON("policy.json", []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"*","Resource":["a/${aws:Username}/${*}","b/${}"],"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"StringLike":{"AWS:sourceip":"${aws:UserAgent, 'x'}"}}},
		{"Effect":"Deny","Action":"*","NotResource":"${aws:Referer}"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := policy.Parse(n, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.KeyNames(); !slices.Equal(got, []string{"aws:referer", "aws:sourceip", "aws:useragent", "aws:username"}) {
		t.Errorf("%q", got)
	}
	d = nil
	if got := d.KeyNames(); got != nil {
		t.Errorf("%q", got)
	}
}

func TestDecideBare(t *testing.T) {
	d := mustParse(t, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"*","Resource":["a","b","${*}"]},
		{"Effect":"Deny","Action":"*","Resource":"b","Condition":{"Null":{"aws:Referer":"true"}}},
		{"Effect":"Deny","Action":"*","Resource":"c"}]}`, policy.Options{})
	for resource, want := range map[string]policy.Effect{"a": policy.Allow, "*": policy.Allow, "c": policy.ExplicitDeny, "d": policy.ImplicitDeny} {
		if e, sure := d.DecideBare(&policy.Request{Action: invoke, Resource: resource}); e != want || !sure {
			t.Errorf("%s: %v, sure %t", resource, e, sure)
		}
	}
	if e, sure := d.DecideBare(&policy.Request{Action: invoke, Resource: "b"}); sure {
		t.Errorf("b: sure of %v", e)
	}
}
