package policy_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

// within fails when something takes much longer than linear time would.
func within(t *testing.T, what string, limit time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took > limit {
		t.Errorf("%s took %v", what, took)
	}
}

func TestHostileDocuments(t *testing.T) {
	const (
		good = `{"Effect":"Deny","Action":"a:b","Resource":"*"}`
		odd  = `{"Sid":"A","Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:eu-west-1:1:*/*","Condition":{"Bool":{"a":"b"}}}`
	)
	for name, text := range map[string]string{
		"100,000 statements":   `{"Statement":[` + strings.Repeat(good+",", 1e5) + good + `]}`,
		"5,000 odd ones":       `{"Statement":[` + strings.Repeat(odd+",", 5e3) + odd + `]}`,
		"100,000 empty ones":   `{"Statement":[` + strings.Repeat(`{},`, 1e5) + good + `]}`,
		"20,000 wrong members": `{"Statement":[` + strings.Repeat(`{"effect":"Allow","x":1},`, 2e4) + good + `]}`,
		"20,000 resources":     statement(`"Effect":"Allow","Action":"*","Resource":[` + strings.Repeat(`"arn:aws:x",`, 2e4) + `"*"]`),
		"100,000 wrong items":  statement(`"Effect":"Allow","Action":"*","Resource":[` + strings.Repeat(`1,`, 1e5) + `"*"]`),
		"300 KB of variables":  statement(`"Effect":"Allow","Action":"*","Resource":"arn:` + strings.Repeat(`${a:b}`, 5e4) + `"`),
		"1 MB of stars":        statement(`"Effect":"Allow","Action":"*","Resource":"arn:` + strings.Repeat(`*a`, 5e5) + `"`),
		"200 KB of principals": statement(`"Effect":"Deny","NotPrincipal":{"AWS":["` + strings.Repeat(`x","`, 5e4) + `"]},"Action":"*","Resource":"*"`),
	} {
		t.Run(name, func(t *testing.T) {
			n, err := source.JSON("hostile", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			options := []policy.Options{{}, {Strict: true}, {Principals: true}}
			if len(text) > 2<<20 {
				options = options[:1]
			}
			// Quadratic would be minutes; linear is well under a second, but not where the
			// race detector shares a small machine.
			within(t, name, time.Minute, func() {
				for _, o := range options {
					d, err := policy.Parse(n, o)
					if err != nil {
						if count := strings.Count(err.Error(), "\n") + 1; count > 10 {
							t.Errorf("%d mistakes are told", count)
						}
						continue
					}
					if list := policy.Validate(d); len(list) > 100 {
						t.Errorf("%d findings", len(list))
					}
					r := policy.Request{Action: invoke, Resource: api + "/prod/GET/aaa"}
					if e := d.Explain(&r); e.Effect != d.Decide(&r) {
						t.Error("Decide and Explain differ")
					}
					if _, err := d.MarshalJSON(); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func TestNestingAndSize(t *testing.T) {
	deep := `{"Statement":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`
	if _, err := source.JSON("deep", []byte(deep)); err == nil {
		t.Error("500 lists in one another were read")
	}
	nested := `{"Statement":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`
	_, err := parse(t, nested, policy.Options{})
	var at *source.Error
	if !errors.As(err, &at) {
		t.Errorf("50 lists in one another: %v", err)
	}
}

// A claim as long as a token may be does not slow the decision down.
func TestHostileClaims(t *testing.T) {
	d := mustParse(t, statement(`"Effect":"Allow","Resource":"*","Condition":{"ForAnyValue:StringLike":{"jwt:groups":["`+strings.Repeat("*a", 100)+`b"]}}`), fileOptions)
	groups := make([]string, 1000)
	for i := range groups {
		groups[i] = strings.Repeat("a", 60)
	}
	within(t, "a thousand groups", time.Minute, func() {
		_, steps, err := policy.Specialize(d, policy.Specialization{Lookup: claims(map[string][]string{"groups": groups}), Resource: expand})
		if err != nil || steps[0].Kept || len(steps[0].Reason) > 5000 {
			t.Errorf("%v, a reason of %d bytes", err, len(steps[0].Reason))
		}
	})
}

// Thousands of conditions about one long value do not make its trace thousands of
// times as long.
func TestHostileValues(t *testing.T) {
	const n = 5000
	one := `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":"c"}}},`
	d := mustParse(t, `{"Statement":[`+strings.TrimSuffix(strings.Repeat(one, n), ",")+`]}`, policy.Options{})
	for name, values := range map[string][]string{
		"a long one": {strings.Repeat("é", 1<<20)},
		"many":       strings.Split(strings.Repeat("x,", 1e5), ","),
		"empty ones": make([]string, 1e5),
	} {
		t.Run(name, func(t *testing.T) {
			got := d.Explain(&policy.Request{Action: "a:b", Resource: "arn:", Keys: policy.Keys{"a:b": values}})
			text, err := json.Marshal(got)
			if err != nil || len(text) > n*4000 {
				t.Errorf("a trace of %d bytes, %v", len(text), err)
			}
		})
	}
	few := []string{"a", "", "b"}
	got := d.Explain(&policy.Request{Keys: policy.Keys{"a:b": few}})
	if c := got.Statements[0].Conditions[0]; !slices.Equal(c.Got, few) {
		t.Errorf("few values are shown as %q", c.Got)
	}
}
