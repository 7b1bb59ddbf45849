package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

// fileOptions are those of an authorizer file.
var fileOptions = policy.Options{Action: invoke, Prefix: "jwt:", Short: checkShort}

func checkShort(resource string) error {
	_, err := expand(resource)
	return err
}

func expand(resource string) (string, error) {
	method, path, ok := strings.Cut(resource, " /")
	if !ok {
		return "", fmt.Errorf("want METHOD /path, got %q", resource)
	}
	return api + "/prod/" + method + "/" + path, nil
}

// claims is a Lookup over a map.
func claims(m map[string][]string) func(string) ([]string, bool) {
	return func(name string) ([]string, bool) { v, ok := m[name]; return v, ok }
}

func specialize(t *testing.T, text string, token map[string][]string) (*policy.Document, []policy.SpecializeStep) {
	t.Helper()
	d, steps, err := policy.Specialize(mustParse(t, text, fileOptions), policy.Specialization{
		Lookup: claims(token), Resource: expand, Deny: api + "/*",
	})
	if err != nil {
		t.Fatal(err)
	}
	return d, steps
}

func TestSpecialize(t *testing.T) {
	const head = `{"Version":"2012-10-17","Statement":[`
	tests := []struct {
		name, statements string
		token            map[string][]string
		want             string // the statements of the result
		reason           string // of the first step
	}{
		{
			"nothing of the token", `{"Effect":"Allow","Resource":"GET /a"}`, nil,
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/a"}`, "it says nothing of the token",
		},
		{
			"short for everything", `{"Effect":"Allow","Resource":"* /*"}`, nil,
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/*/*"}`, "",
		},
		{
			"condition holds and goes", `{"Sid":"A","Effect":"Allow","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"jwt:groups":["Admins"]},"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`,
			map[string][]string{"groups": {"Users", "Admins"}},
			`{"Sid":"A","Effect":"Allow","Action":"execute-api:Invoke","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`, "its condition on the token holds",
		},
		{
			"condition does not hold", `{"Effect":"Allow","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"jwt:groups":["Admins"]}}},{"Effect":"Allow","Resource":"GET /"}`,
			map[string][]string{"groups": {"Users"}},
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/"}`, `ForAnyValue:StringEquals wants jwt:groups "Admins", got "Users"`,
		},
		{
			"nothing left", `{"Effect":"Allow","Resource":"*","Condition":{"Null":{"jwt:sub":"false"}}}`, nil,
			`{"Sid":"NothingApplies","Effect":"Deny","Action":"execute-api:Invoke","Resource":"` + api + `/*"}`, "jwt:sub is absent, and Null wants it present",
		},
		{
			"claim in a resource", `{"Effect":"Allow","Resource":["GET /users/${jwt:sub}/*","GET /x"]}`, map[string][]string{"sub": {"eve"}},
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":["` + api + `/prod/GET/users/eve/*","` + api + `/prod/GET/x"]}`, "the claims it needs are there",
		},
		{
			"a claim never widens", `{"Effect":"Allow","Resource":"GET /users/${jwt:sub}"}`, map[string][]string{"sub": {"*?${aws:username}"}},
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/users/${*}${?}${$}{aws:username}"}`, "",
		},
		{
			"a claim behind a dollar", `{"Effect":"Allow","Resource":"GET /$${jwt:sub}"}`, map[string][]string{"sub": {"{aws:username}"}},
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/${$}{aws:username}"}`, "",
		},
		{
			"a claim behind an unfinished variable", `{"Effect":"Allow","Resource":"GET /${${jwt:sub}"}`, map[string][]string{"sub": {"aws:username}"}},
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/${$}{aws:username}"}`, "",
		},
		{
			"a claim cannot change the method", `{"Effect":"Allow","Resource":"GET /${jwt:sub}"}`, map[string][]string{"sub": {"DELETE /x"}},
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/DELETE /x"}`, "",
		},
		{
			"missing claim", `{"Effect":"Allow","Resource":["GET /users/${jwt:sub}","GET /x"]}`, nil,
			`{"Sid":"NothingApplies","Effect":"Deny","Action":"execute-api:Invoke","Resource":"` + api + `/*"}`, "${jwt:sub} is absent, and an Allow without its claim does not apply",
		},
		{
			"empty claim", `{"Effect":"Allow","Resource":"GET /users/${jwt:sub}*"},{"Effect":"Allow","Resource":"GET /x"}`, map[string][]string{"sub": {""}},
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/x"}`, "${jwt:sub} is empty",
		},
		{
			"list", `{"Effect":"Allow","Resource":"GET /users/${jwt:sub}*"},{"Effect":"Allow","Resource":"GET /x"}`, map[string][]string{"sub": {"a", "b"}},
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/x"}`, "${jwt:sub} has 2 values, and a variable needs one",
		},
		{
			"default", `{"Effect":"Allow","Resource":"GET /users/${jwt:sub, 'no*body'}"}`, nil,
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/users/no${*}body"}`, "",
		},
		{
			"missing claim in a Deny", `{"Effect":"Deny","Resource":["GET /users/${jwt:sub}","GET /x"]}`, nil,
			`{"Effect":"Deny","Action":"execute-api:Invoke","Resource":["` + api + `/prod/GET/x"]}`, "${jwt:sub} is absent, which is equal to nothing",
		},
		{
			"Deny without resource", `{"Effect":"Deny","Resource":"GET /users/${jwt:sub}"}`, nil,
			`{"Sid":"NothingApplies","Effect":"Deny","Action":"execute-api:Invoke","Resource":"` + api + `/*"}`, "${jwt:sub} is absent, so that no resource is left",
		},
		{
			"Deny of all but one's own", `{"Effect":"Deny","NotResource":"GET /users/${jwt:sub}"}`, nil,
			`{"Effect":"Deny","Action":"execute-api:Invoke","Resource":"*"}`, "",
		},
		{
			"Allow of all but one's own", `{"Effect":"Allow","NotResource":"GET /users/${jwt:sub}"}`, nil,
			`{"Sid":"NothingApplies","Effect":"Deny","Action":"execute-api:Invoke","Resource":"` + api + `/*"}`, "",
		},
		{
			"claim in a condition", `{"Effect":"Allow","Resource":"*","Condition":{"StringLike":{"aws:UserAgent":["${jwt:agent}/*","${aws:Referer}"]},"NumericLessThan":{"aws:EpochTime":5}}}`,
			map[string][]string{"agent": {"curl*"}},
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*","Condition":{"StringLike":{"aws:UserAgent":["curl${*}/*","${aws:Referer}"]},"NumericLessThan":{"aws:EpochTime":"5"}}}`, "",
		},
		{
			"missing claim in a condition of a Deny", `{"Effect":"Deny","Resource":"*","Condition":{"StringEquals":{"aws:UserAgent":"${jwt:agent}"}}},{"Effect":"Deny","Resource":"*","Condition":{"StringNotEquals":{"aws:UserAgent":"${jwt:agent}"}}}`, nil,
			`{"Effect":"Deny","Action":"execute-api:Invoke","Resource":"*","Condition":{"StringNotEquals":{"aws:UserAgent":[]}}}`, "aws:UserAgent compares with claims that are not there",
		},
		{
			"claim against claim", `{"Effect":"Allow","Resource":"*","Condition":{"StringEquals":{"jwt:a":"${jwt:b}"}}}`, map[string][]string{"a": {"x"}, "b": {"x"}},
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}`, "",
		},
		{
			"names of claims keep their case", `{"Effect":"Allow","Resource":"*","Condition":{"Bool":{"jwt:https://acme/Admin":true}}}`, map[string][]string{"https://acme/Admin": {"true"}},
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}`, "",
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			d, steps := specialize(t, head+tc.statements+`]}`, tc.token)
			got, err := d.MarshalJSON()
			if err != nil || string(got) != head+tc.want+`]}` {
				t.Errorf("got  %s, %v\nwant %s", got, err, head+tc.want+`]}`)
			}
			if !strings.Contains(steps[0].Reason, tc.reason) || steps[0].Reason == "" {
				t.Errorf("reason %q, want %q", steps[0].Reason, tc.reason)
			}
			if _, err := parse(t, string(got), policy.Options{Strict: true}); err != nil {
				t.Errorf("the result does not parse: %v", err)
			}
		})
	}
}

// The prefix may also be given when the document was parsed without one.
func TestSpecializeOtherPrefix(t *testing.T) {
	d := mustParse(t, statement(`"Effect":"Allow","Action":"*","Resource":"`+api+`/prod/GET/${who:sub}","Condition":{"StringEquals":{"who:Team":"a"}}`), policy.Options{})
	s, steps, err := policy.Specialize(d, policy.Specialization{Prefix: "who:", Lookup: claims(map[string][]string{"sub": {"eve"}, "Team": {"a"}})})
	if err != nil || len(s.Statements) != 1 || s.Statements[0].Resource.Items[0] != api+"/prod/GET/eve" || len(s.Statements[0].Conditions) != 0 {
		t.Errorf("%+v, %+v, %v", s, steps, err)
	}
}

// A short resource decides nothing until it is expanded, and says so.
func TestShortResource(t *testing.T) {
	d := mustParse(t, statement(`"Effect":"Allow","Resource":"GET /x"`), fileOptions)
	got := d.Explain(&policy.Request{Action: invoke, Resource: "GET /x"})
	if got.Effect != policy.ImplicitDeny || !strings.Contains(got.Statements[0].Reason, "a short resource that is not expanded here") {
		t.Errorf("%+v", got)
	}
}

func TestSpecializeErrors(t *testing.T) {
	d := mustParse(t, statement(`"Sid":"Own","Effect":"Allow","Resource":"GET /${jwt:sub}"`), fileOptions)
	long := claims(map[string][]string{"sub": {strings.Repeat("é", 500)}})
	_, _, err := policy.Specialize(d, policy.Specialization{Lookup: long, Resource: expand})
	var tooLong *policy.TooLongError
	if !errors.As(err, &tooLong) || tooLong.Sid != "Own" || tooLong.Max != policy.MaxResource || !strings.Contains(err.Error(), `statement "Own"`) {
		t.Errorf("a long resource: %v", err)
	}
	_, _, err = policy.Specialize(d, policy.Specialization{Lookup: long})
	var at *source.Error
	if !errors.As(err, &at) || at.Pos.Line != 1 {
		t.Errorf("no expansion: %v", err)
	}
	many := `{"Effect":"Allow","Resource":"GET /` + strings.Repeat("x", 300) + `"}`
	d = mustParse(t, `{"Statement":[`+strings.Repeat(many+",", 30)+many+`]}`, fileOptions)
	_, _, err = policy.Specialize(d, policy.Specialization{Lookup: long, Resource: expand})
	if !errors.As(err, &tooLong) || tooLong.Index != -1 || tooLong.Max != policy.MaxPolicy {
		t.Errorf("a long policy: %v", err)
	}
}

// FuzzSpecialize: specialize, then decide, is to decide with the claims as keys.
func FuzzSpecialize(f *testing.F) {
	add := func(body, a, b, agent, path string) { f.Add(body, a, b, agent, path) }
	add(`"Effect":"Allow","Resource":"`+api+`/prod/GET/${jwt:a}/*"`, "eve", "", "curl", "eve/x")
	add(`"Effect":"Deny","NotResource":"`+api+`/prod/GET/${jwt:a}"`, "", "x", "curl", "eve/x")
	add(`"Effect":"Deny","Resource":"*","Condition":{"StringNotLike":{"aws:UserAgent":["${jwt:a}","x*"]},"StringEquals":{"jwt:b":["${jwt:a}","x"]}}`, "c*", "x,y", "curl", "")
	add(`"Effect":"Allow","Resource":"*","Condition":{"ForAllValues:StringEqualsIfExists":{"aws:UserAgent":"${jwt:a, 'q'}"},"Null":{"jwt:b":true}}`, "q,r", "", "q", "")
	add(`"Effect":"Deny","Resource":"*","Condition":{"ForAnyValue:StringNotEquals":{"aws:UserAgent":"${jwt:a}"},"ForAllValues:StringLike":{"aws:UserAgent":"${jwt:b}*"}}`, "", "$", "$", "")
	add(`"Effect":"Allow","Resource":["`+api+`/prod/*/$${jwt:a}{aws:UserAgent}"]`, "{aws:UserAgent}", "", "x", "${aws:UserAgent}")
	f.Fuzz(func(t *testing.T, body, a, b, agent, path string) {
		n, err := source.JSON("fuzz", []byte(`{"Statement":[{"Effect":"Allow","Resource":"*"},{`+body+`}]}`))
		if err != nil {
			return
		}
		d, err := policy.Parse(n, policy.Options{Action: invoke, Prefix: "jwt:"})
		if err != nil {
			return
		}
		token, keys := map[string][]string{}, policy.Keys{}
		for name, text := range map[string]string{"a": a, "b": b} {
			if text != "" { // a list, of which "," is two empty values
				token[name] = strings.Split(text, ",")
				keys["jwt:"+name] = token[name]
			}
		}
		request := policy.Request{Action: invoke, Resource: api + "/prod/GET/" + path, Keys: policy.Keys{}}
		if agent != "" {
			request.Keys["aws:useragent"] = []string{agent}
			keys["aws:useragent"] = []string{agent}
		}
		direct := request
		direct.Keys = keys
		s, steps, err := policy.Specialize(d, policy.Specialization{Lookup: claims(token)})
		if err != nil {
			return
		}
		got, want := decide(t, s, request), decide(t, d, direct)
		out, err := s.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s with %v: %v, specialized to %s: %v; %+v", body, keys, want, out, got, steps)
		}
		if again := mustParse(t, string(out), policy.Options{}); decide(t, again, request) != got {
			t.Errorf("%s decides otherwise when it is read again", out)
		}
	})
}

func TestSpecializeSteps(t *testing.T) {
	_, steps := specialize(t, statement(`"Sid":"A","Effect":"Allow","Resource":"GET /x","Condition":{"StringEquals":{"jwt:a":"1"},"Bool":{"jwt:b":"true"}}`), map[string][]string{"a": {"1"}, "b": {"false"}})
	text, err := json.Marshal(steps)
	want := `[{"index":0,"sid":"A","effect":"Allow","kept":false,"reason":"Bool wants jwt:b \"true\", got \"false\"","conditions":[` +
		`{"operator":"StringEquals","key":"jwt:a","wanted":["1"],"got":["1"],"matched":true},` +
		`{"operator":"Bool","key":"jwt:b","wanted":["true"],"got":["false"],"matched":false,"reason":"Bool wants jwt:b \"true\", got \"false\""}]}]`
	if err != nil || string(text) != want {
		t.Errorf("got  %s, %v\nwant %s", text, err, want)
	}
	d, steps := specialize(t, statement(`"Effect":"Allow","Resource":"GET /x"`), nil)
	if !steps[0].Kept || !slices.Equal(steps[0].Resources, []string{api + "/prod/GET/x"}) || d.Version != policy.Version2012 {
		t.Errorf("%+v", steps)
	}
}
