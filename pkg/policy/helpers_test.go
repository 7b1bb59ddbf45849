package policy_test

import (
	"encoding/json"
	"testing"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

const (
	invoke = "execute-api:Invoke"
	api    = "arn:aws:execute-api:eu-west-1:123456789012:abc123"
)

// parse reads a policy with options, from JSON or YAML.
func parse(t testing.TB, text string, o policy.Options) (*policy.Document, error) {
	t.Helper()
	n, err := source.Parse("policy", []byte(text))
	if err != nil {
		t.Fatalf("reading %s: %v", text, err)
	}
	return policy.Parse(n, o)
}

func mustParse(t testing.TB, text string, o policy.Options) *policy.Document {
	t.Helper()
	d, err := parse(t, text, o)
	if err != nil {
		t.Fatalf("parsing %s: %v", text, err)
	}
	return d
}

// statement is a policy of one statement of version 2012-10-17.
func statement(body string) string {
	return `{"Version":"2012-10-17","Statement":[{` + body + `}]}`
}

// allowIf is a policy that allows everything under a condition.
func allowIf(condition string) string {
	return statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":` + condition)
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// decide asks Decide and Explain, which must agree, as must DecideBare where it is
// sure, and Decide when it is given no more than KeyNames.
func decide(t testing.TB, d *policy.Document, r policy.Request) policy.Effect {
	t.Helper()
	got, explained := d.Decide(&r), d.Explain(&r)
	if explained.Effect != got {
		t.Errorf("Decide says %v, Explain %v: %+v", got, explained.Effect, explained.Statements)
	}
	bare := r
	bare.Keys = nil
	if e, sure := d.DecideBare(&bare); sure && e != got {
		t.Errorf("Decide says %v, DecideBare %v: %+v", got, e, explained.Statements)
	}
	for _, name := range d.KeyNames() {
		if values, ok := r.Keys[name]; ok {
			if bare.Keys == nil {
				bare.Keys = policy.Keys{}
			}
			bare.Keys[name] = values
		}
	}
	if e := d.Decide(&bare); e != got {
		t.Errorf("Decide says %v, with nothing but the keys %q %v", got, d.KeyNames(), e)
	}
	for _, s := range explained.Statements {
		if s.Reason == "" {
			t.Errorf("statement %d has no reason", s.Index)
		}
	}
	return got
}
