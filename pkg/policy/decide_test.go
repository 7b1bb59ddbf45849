package policy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"gatepass/pkg/policy"
)

func TestResource(t *testing.T) {
	tests := []struct {
		name, pattern, resource string
		want                    bool
	}{
		{"same", api + "/prod/GET/pets", api + "/prod/GET/pets", true},
		{"star alone", "*", api + "/prod/GET/pets", true},
		{"all parts starred", "arn:aws:execute-api:*:*:*", api + "/prod/GET/pets", true},
		{"a closing star runs on", "arn:aws:execute-api:*", api + "/prod/GET/pets", true},
		{"two closing stars", "arn:aws:execute-api:**", api + "/prod/GET/pets", true},
		{"arn star", "arn:*", api + "/prod/GET/pets", true},
		{"star crosses slashes", api + "/prod/GET/pets*", api + "/prod/GET/pets/1/toys/2", true},
		{"star in front", api + "/*/pets", api + "/prod/GET/a/pets", true},
		{"slash star is not the parent", api + "/prod/GET/pets/*", api + "/prod/GET/pets", false},
		{"slash star takes nothing", api + "/prod/*/*", api + "/prod/GET/", true},
		{"anchored at the end", api + "/prod/GET/pet", api + "/prod/GET/pets", false},
		{"anchored", api + "/prod/GET/pets", api + "/prod/GET/pets/1", false},
		{"one character", api + "/prod/GET/pet?", api + "/prod/GET/pets", true},
		{"one character is not none", api + "/prod/GET/pets?", api + "/prod/GET/pets", false},
		{"one character of several bytes", api + "/prod/GET/caf?", api + "/prod/GET/café", true},
		{"one character is not two", api + "/prod/GET/caf??", api + "/prod/GET/café", false},
		{"a dot is a dot", api + "/prod/GET/v1.0", api + "/prod/GET/v1x0", false},
		{"case matters", api + "/prod/GET/Pets", api + "/prod/GET/pets", false},
		{"colons of the tail", api + "/prod/GET/*", api + "/prod/GET/a:b:c", true},
		{"? takes a colon of the tail", api + "/prod/GET/a?b", api + "/prod/GET/a:b", true},
		{"star within the region stays", "arn:aws:execute-api:eu-*-1:123456789012:abc123/*", api + "/prod/GET/pets", true},
		{"star within a part does not run on", "arn:aws:execute-api:e*x:123456789012:abc123/*", "arn:aws:execute-api:eu:1:x:123456789012:abc123/a", false},
		{"star at the end of a part runs into the path", "arn:aws:execute-api:*:123456789012:abc123/prod/GET/x", "arn:aws:execute-api:eu-west-1:999999999999:evil/prod/GET/a:123456789012:abc123/prod/GET/x", true},
		{"? of a part takes no colon", "arn:aws:execute-api:eu-west-1?123456789012:abc123/*", api + "/prod/GET/pets", false},
		{"star in the API's id", "arn:aws:execute-api:eu-west-1:123456789012:*/prod/GET/pets", api + "/prod/GET/pets", true},
		{"star inside the only part", "*/prod/GET/pets", api + "/prod/GET/pets", false},
		{"other account", "arn:aws:execute-api:eu-west-1:999999999999:abc123/*", api + "/prod/GET/pets", false},
		{"other partition", "arn:aws-cn:execute-api:eu-west-1:123456789012:abc123/*", api + "/prod/GET/pets", false},
		{"a literal star in the path is text", api + "/prod/GET/a", api + "/prod/GET/*", false},
		{"escaped star", api + "/prod/GET/a${*}", api + "/prod/GET/a*", true},
		{"escaped star is no wildcard", api + "/prod/GET/a${*}", api + "/prod/GET/ab", false},
		{"escaped question mark", api + "/prod/GET/a${?}", api + "/prod/GET/a?", true},
		{"escaped dollar", api + "/prod/GET/${$}{aws:SourceIp}", api + "/prod/GET/${aws:SourceIp}", true},
		{"stage $default", api + "/$default/GET/x", api + "/$default/GET/x", true},
		{"route key", api + "/default/$connect", api + "/default/$connect", true},
		{"variable", api + "/prod/GET/${aws:SourceIp}", api + "/prod/GET/192.0.2.7", true},
		{"variable in any case", api + "/prod/GET/${AWS:SOURCEIP}", api + "/prod/GET/192.0.2.7", true},
		{"a variable's value is literal", api + "/prod/GET/${aws:UserAgent}", api + "/prod/GET/anything", false},
		{"a variable's star matches a star", api + "/prod/GET/${aws:UserAgent}", api + "/prod/GET/*", true},
		{"missing variable", api + "/prod/GET/${aws:username}", api + "/prod/GET/", false},
		{"missing variable as text", api + "/prod/GET/${aws:username}", api + "/prod/GET/${aws:username}", false},
		{"missing variable and star", api + "/prod/GET/*${aws:username}*", api + "/prod/GET/x", false},
		{"default", api + "/prod/GET/${aws:username, 'anybody'}", api + "/prod/GET/anybody", true},
		{"default not needed", api + "/prod/GET/${aws:SourceIp, 'anybody'}", api + "/prod/GET/anybody", false},
		{"a default is literal", api + "/prod/GET/${aws:username, '*'}", api + "/prod/GET/x", false},
		{"empty variable", api + "/prod/GET/${aws:Referer}", api + "/prod/GET/", false},
		{"list variable", api + "/prod/GET/${aws:list}", api + "/prod/GET/a", false},
		{"variable in the API's id", "arn:aws:execute-api:eu-west-1:123456789012:${aws:api}/*", api + "/prod/GET/pets", true},
		{"variable before the fifth colon", "arn:aws:execute-api:${aws:region}:123456789012:abc123/*", api + "/prod/GET/pets", false},
		{"not a variable", api + "/prod/GET/${", api + "/prod/GET/${", true},
		{"not a variable either", api + "/prod/GET/${}", api + "/prod/GET/${}", true},
		{"no arn at all", "foo", "foo", true},
	}
	keys := policy.Keys{
		"aws:sourceip": {"192.0.2.7"}, "aws:useragent": {"*"}, "aws:referer": {""}, "aws:list": {"a", "b"},
		"aws:api": {"abc123"}, "aws:region": {"eu-west-1"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := policy.Request{Action: invoke, Resource: tc.resource, Keys: keys}
			d := mustParse(t, statement(`"Effect":"Allow","Action":"*","Resource":`+quoted(tc.pattern)), policy.Options{})
			if got := decide(t, d, r) == policy.Allow; got != tc.want {
				t.Errorf("Resource %s matches %s: %v, want %v", tc.pattern, tc.resource, got, tc.want)
			}
			d = mustParse(t, statement(`"Effect":"Allow","Action":"*","NotResource":[`+quoted(tc.pattern)+`]`), policy.Options{})
			if got := decide(t, d, r) == policy.Allow; got == tc.want {
				t.Errorf("NotResource %s matches %s: %v", tc.pattern, tc.resource, got)
			}
		})
	}
}

func TestVariablesNeedVersion2012(t *testing.T) {
	for version, want := range map[string]policy.Effect{
		`"Version":"2012-10-17",`: policy.ImplicitDeny,
		`"Version":"2008-10-17",`: policy.Allow,
		``:                        policy.Allow,
	} {
		d := mustParse(t, `{`+version+`"Statement":[{"Effect":"Allow","Action":"*","Resource":"`+api+`/prod/GET/${aws:SourceIp}"}]}`, policy.Options{})
		r := policy.Request{Action: invoke, Resource: api + "/prod/GET/${aws:SourceIp}", Keys: policy.Keys{"aws:sourceip": {"192.0.2.7"}}}
		if got := decide(t, d, r); got != want {
			t.Errorf("%s: literal variable: %v, want %v", version, got, want)
		}
	}
	// A star between the braces is a wildcard where there are no variables.
	d := mustParse(t, `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"`+api+`/prod/GET/${*}"}]}`, policy.Options{})
	if got := decide(t, d, policy.Request{Action: invoke, Resource: api + "/prod/GET/${x}"}); got != policy.Allow {
		t.Errorf("${*} in 2008-10-17: %v", got)
	}
}

func TestAction(t *testing.T) {
	tests := []struct {
		member, action string
		want           bool
	}{
		{`"Action":"execute-api:Invoke"`, invoke, true},
		{`"Action":"Execute-API:invoke"`, invoke, true},
		{`"Action":"execute-api:Invoke"`, "EXECUTE-API:INVOKE", true},
		{`"Action":"execute-api:In*"`, invoke, true},
		{`"Action":"execute-api:Invok?"`, invoke, true},
		{`"Action":"execute-api:Invoke?"`, invoke, false},
		{`"Action":"execute-api:*"`, invoke, true},
		{`"Action":"*"`, invoke, true},
		{`"Action":["lambda:*","execute-api:Invoke"]`, invoke, true},
		{`"Action":"lambda:InvokeFunction"`, invoke, false},
		{`"Action":"execute-api:InvalidateCache"`, invoke, false},
		{`"Action":[]`, invoke, false},
		{`"NotAction":"execute-api:InvalidateCache"`, invoke, true},
		{`"NotAction":"execute-api:*"`, invoke, false},
		{`"NotAction":[]`, invoke, true},
		{`"Action":"execute-api:${aws:x}"`, invoke, false},
	}
	for _, tc := range tests {
		d := mustParse(t, statement(`"Effect":"Allow",`+tc.member+`,"Resource":"*"`), policy.Options{})
		if got := decide(t, d, policy.Request{Action: tc.action, Resource: api + "/prod/GET/"}) == policy.Allow; got != tc.want {
			t.Errorf("%s and %s: %v, want %v", tc.member, tc.action, got, tc.want)
		}
	}
}

func TestDecision(t *testing.T) {
	const (
		allow = `{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}`
		deny  = `{"Effect":"Deny","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/pets"}`
		other = `{"Effect":"Deny","Action":"execute-api:ManageConnections","Resource":"*"}`
	)
	tests := []struct {
		name, statements string
		want             policy.Effect
	}{
		{"nothing", ``, policy.ImplicitDeny},
		{"allow", allow, policy.Allow},
		{"deny", deny, policy.ExplicitDeny},
		{"deny after allow", allow + "," + deny, policy.ExplicitDeny},
		{"deny before allow", deny + "," + allow, policy.ExplicitDeny},
		{"deny of another action", other + "," + allow, policy.Allow},
		{"no resources", `{"Effect":"Allow","Action":"*","Resource":[]}`, policy.ImplicitDeny},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			d := mustParse(t, `{"Version":"2012-10-17","Statement":[`+tc.statements+`]}`, policy.Options{})
			if got := decide(t, d, policy.Request{Action: invoke, Resource: api + "/prod/GET/pets"}); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
	if got := (&policy.Document{}).Decide(&policy.Request{}); got != policy.ImplicitDeny {
		t.Errorf("the zero document: %v", got)
	}
}

func TestHandMadeDocument(t *testing.T) {
	d := &policy.Document{Version: policy.Version2012, Statements: []policy.Statement{{
		Effect: policy.EffectDeny, Action: policy.Strings{Items: []string{"*"}}, Resource: policy.Strings{Items: []string{"*"}},
		Conditions: []policy.Condition{{Operator: "StringLike", Key: "aws:UserAgent", Values: policy.Strings{Items: []string{"curl/*"}}}},
	}}}
	r := policy.Request{Action: invoke, Resource: "x", Keys: policy.Keys{"aws:useragent": {"curl/8"}}}
	if got := decide(t, d, r); got != policy.ExplicitDeny {
		t.Errorf("a document made by hand: %v", got)
	}
}

func TestPrincipal(t *testing.T) {
	const (
		account = "123456789012"
		user    = "arn:aws:iam::123456789012:user/eve"
		role    = "arn:aws:iam::123456789012:role/team/reader"
		session = "arn:aws:sts::123456789012:assumed-role/reader/now"
	)
	tests := []struct {
		member, who string
		want        bool
	}{
		{`"Principal":"*"`, "", true},
		{`"Principal":{"AWS":"*"}`, "", true},
		{`"Principal":{"AWS":["*"]}`, user, true},
		{`"Principal":{"AWS":"` + user + `"}`, "", false},
		{`"Principal":{"AWS":"` + user + `"}`, user, true},
		{`"Principal":{"AWS":"` + user + `"}`, user + "x", false},
		{`"Principal":{"AWS":"` + account + `"}`, user, true},
		{`"Principal":{"AWS":"` + account + `"}`, session, true},
		{`"Principal":{"AWS":"` + account + `"}`, account, true},
		{`"Principal":{"AWS":"arn:aws:iam::123456789012:root"}`, user, true},
		{`"Principal":{"AWS":"arn:aws:iam::999999999999:root"}`, user, false},
		{`"Principal":{"AWS":"` + role + `"}`, session, true},
		{`"Principal":{"AWS":"` + role + `"}`, strings.Replace(session, "reader", "writer", 1), false},
		{`"Principal":{"AWS":"` + role + `"}`, strings.Replace(session, account, "999999999999", 1), false},
		{`"Principal":{"Service":"events.amazonaws.com"}`, "events.amazonaws.com", true},
		{`"Principal":{"Service":"events.amazonaws.com"}`, "", false},
		{`"Principal":{"Federated":"*"}`, "", false},
		{`"Principal":{"AWS":[],"Service":["a","b"]}`, "b", true},
		{`"Principal":{}`, user, false},
		{`"NotPrincipal":{"AWS":"` + user + `"}`, user, false},
		{`"NotPrincipal":{"AWS":"` + user + `"}`, "", true},
		{`"NotPrincipal":"*"`, "", false},
	}
	for _, tc := range tests {
		d := mustParse(t, statement(`"Effect":"Deny",`+tc.member+`,"Action":"*","Resource":"*"`), policy.Options{Principals: true})
		if got := decide(t, d, policy.Request{Action: invoke, Resource: "x", Principal: tc.who}) == policy.ExplicitDeny; got != tc.want {
			t.Errorf("%s for %q: %v, want %v", tc.member, tc.who, got, tc.want)
		}
	}
}

func TestResourcePolicyShortForm(t *testing.T) {
	text := statement(`"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/prod/*/pets"`)
	r := policy.Request{Action: invoke, Resource: api + "/prod/GET/pets"}
	if got := decide(t, mustParse(t, text, policy.Options{Principals: true, API: api}), r); got != policy.Allow {
		t.Errorf("with the API: %v", got)
	}
	if got := decide(t, mustParse(t, text, policy.Options{Principals: true}), r); got != policy.ImplicitDeny {
		t.Errorf("without: %v", got)
	}
}

func TestExplain(t *testing.T) {
	d := mustParse(t, `{"Version":"2012-10-17","Statement":[
		{"Sid":"Reads","Effect":"Allow","Action":"execute-api:Invoke","Resource":["`+api+`/dev/*","`+api+`/prod/GET/*"]},
		{"Sid":"Office","Effect":"Deny","Action":"execute-api:ManageConnections","Resource":"*","Condition":{
			"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"},"StringEquals":{"aws:UserAgent":["a","b"]}}},
		{"Effect":"Allow","NotAction":"execute-api:*","NotResource":"`+api+`/*"},
		{"Effect":"Allow","Action":"*","Resource":"`+api+`/prod/*/${aws:username}"},
		{"Effect":"Allow","Action":"*","Resource":[],"Condition":{"NumericLessThan":{"aws:EpochTime":"10x"}}},
		{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}},
		{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"},"StringNotEquals":{"aws:Referer":"x"}}}]}`, policy.Options{})
	got := d.Explain(&policy.Request{Action: invoke, Resource: api + "/prod/DELETE/orders", Keys: policy.Keys{
		"aws:sourceip": {"203.0.113.9"}, "aws:epochtime": {"1700000000"}, "aws:securetransport": {"true"},
	}})
	want := []string{
		`Resource: no pattern matches ` + api + `/prod/DELETE/orders; nearest: ` + api + `/prod/GET/* (the method is DELETE, not GET)`,
		`Action: execute-api:Invoke is not "execute-api:ManageConnections"; Condition: NotIpAddress wants aws:SourceIp other than "203.0.113.0/24", got "203.0.113.9"; ` +
			`Condition: aws:UserAgent is absent; StringEquals wants one of "a", "b"`,
		`Action: NotAction execute-api:* matches execute-api:Invoke; Resource: NotResource ` + api + `/* matches ` + api + `/prod/DELETE/orders`,
		`(${aws:username} is absent)`,
		`Resource: the list is empty and matches nothing; Condition: NumericLessThan wants aws:EpochTime "10x", got "1700000000"; "10x" is not a number`,
		`action and resource match, and the condition holds: aws:SecureTransport is "true"`,
		`action and resource match, and all 2 conditions hold: aws:SourceIp is "203.0.113.9"; aws:Referer is absent`,
	}
	for i, w := range want {
		if r := got.Statements[i].Reason; !strings.Contains(r, w) {
			t.Errorf("statement %d:\n got %s\nwant %s", i, r, w)
		}
	}
	if got.Effect != policy.Allow || !got.Statements[5].Matched || got.Statements[0].Matched {
		t.Errorf("effect %v, %+v", got.Effect, got.Statements)
	}
	if c := got.Statements[1].Conditions; len(c) != 2 || c[0].Matched || c[0].Got[0] != "203.0.113.9" || !c[1].Absent || c[1].Wanted[1] != "b" {
		t.Errorf("conditions %+v", c)
	}
	text, err := json.Marshal(got)
	if err != nil || !strings.HasPrefix(string(text), `{"decision":"allowed","statements":[{"index":0,"sid":"Reads","effect":"Allow","matched":false,`) {
		t.Errorf("JSON %s, %v", text, err)
	}
}
