package policy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"gatepass/pkg/policy"
)

func ids(list []policy.Finding) []string {
	out := []string{}
	for _, f := range list {
		out = append(out, f.ID)
	}
	return out
}

func TestValidate(t *testing.T) {
	allow := func(resource string) string {
		return statement(`"Effect":"Allow","Action":"execute-api:Invoke","Resource":` + quoted(resource))
	}
	when := func(condition string) string {
		return statement(`"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/*","Condition":` + condition)
	}
	const fine = `"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/*"`
	tests := []struct {
		name, text string
		o          policy.Options
		want       []string
	}{
		{"nothing", statement(fine), policy.Options{}, nil},
		{"a good resource policy", statement(`"Principal":"*","Effect":"Allow","Action":"execute-api:Invoke","Resource":"execute-api:/*"`), policy.Options{Principals: true}, nil},
		{"good ARNs", statement(`"Effect":"Allow","Action":["execute-api:*","*"],"Resource":["` + api + `/prod/GET/","` + api + `/*/*/a/b","` + api + `/default/$connect","` + api + `/prod/GET/${aws:SourceIp}","` + api + `/prod/POST/@connections/*"]`), policy.Options{}, nil},
		{"a good authorizer file", `{"Statement":[{"Effect":"Allow","Resource":"GET /${jwt:sub}","Condition":{"ForAnyValue:StringEquals":{"jwt:groups":"a"}}}]}`, fileOptions, nil},

		{"no version", `{"Statement":[{` + fine + `}]}`, policy.Options{}, []string{"missing-version"}},
		{"no statements", `{"Version":"2012-10-17","Statement":[]}`, policy.Options{}, []string{"empty-statement"}},
		{"one object", `{"Version":"2012-10-17","Statement":{` + fine + `}}`, policy.Options{}, []string{"single-statement"}},
		{"id", `{"Version":"2012-10-17","Id":"x","Statement":[{` + fine + `}]}`, policy.Options{}, []string{"id-in-identity-policy"}},
		{"sids", `{"Version":"2012-10-17","Statement":[{"Sid":"A",` + fine + `},{"Sid":"A",` + fine + `},{"Sid":"a b",` + fine + `}]}`, policy.Options{}, []string{"duplicate-sid", "sid-characters"}},
		{"too long", statement(`"Effect":"Allow","Action":"execute-api:Invoke","Resource":["` + strings.Repeat(api+`/x/GET/","`, 300) + api + `/*"]`), policy.Options{}, []string{"policy-too-long"}},
		{"long resource", allow(api + "/prod/GET/" + strings.Repeat("é", 600)), policy.Options{}, []string{"resource-too-long"}},

		{"no actions", statement(`"Effect":"Allow","Action":[],"Resource":"` + api + `/*"`), policy.Options{}, []string{"empty-action"}},
		{"action", statement(`"Effect":"Allow","Action":["Invoke","execute-api:","a:b:c","ex*:Invoke","lambda:Invoke","execute-api:Invok"],"Resource":"` + api + `/*"`), policy.Options{}, []string{"action-format", "action-format", "action-format", "action-format", "action-other-service", "action-unknown"}},

		{"encoded without need", allow(api + "/prod/GET/%7Eann/%2F"), policy.Options{}, []string{"resource-never-matches"}},
		{"encoded with need", allow(api + "/prod/GET/a%20b"), policy.Options{}, nil},

		{"all resources", allow("*"), policy.Options{}, []string{"all-resources"}},
		{"no resources", statement(`"Effect":"Allow","Action":"*","Resource":[]`), policy.Options{}, []string{"empty-resource"}},
		{"no ARN", allow("GET /pets"), policy.Options{}, []string{"resource-format"}},
		{"star region", allow("arn:aws:execute-api:*:123456789012:abc/*"), policy.Options{}, []string{"wildcard-before-api"}},
		{"star API", allow("arn:aws:execute-api:eu-west-1:123456789012:*/prod/GET/x"), policy.Options{}, []string{"wildcard-before-api"}},
		{"star API in a Deny", statement(`"Effect":"Deny","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:*"`), policy.Options{}, nil},
		{"other service", allow("arn:aws:lambda:eu-west-1:123456789012:function:x"), policy.Options{}, []string{"resource-never-matches"}},
		{"service in capitals", allow("arn:aws:Execute-API:eu-west-1:123456789012:abc/*"), policy.Options{}, []string{"resource-never-matches"}},
		{"wildcard service", statement(`"Effect":"Deny","Action":"execute-api:Invoke","Resource":"arn:aws:*:eu-west-1:123456789012:abc/*"`), policy.Options{}, []string{"service-wildcard"}},
		{"account", allow("arn:aws:execute-api:eu-west-1:12345:abc/*"), policy.Options{}, []string{"resource-never-matches"}},
		{"region", allow("arn:aws:execute-api:EU-WEST-1:123456789012:abc/*"), policy.Options{}, []string{"resource-never-matches"}},
		{"no region", allow("arn:aws:execute-api::123456789012:abc/*"), policy.Options{}, []string{"resource-never-matches"}},
		{"partition", allow("arn:azure:execute-api:eu-west-1:123456789012:abc/*"), policy.Options{}, []string{"resource-never-matches"}},
		{"short ARN", allow("arn:aws:execute-api"), policy.Options{}, []string{"resource-never-matches"}},
		{"no stage", allow(api), policy.Options{}, []string{"resource-never-matches"}},
		{"lower-case method", allow(api + "/prod/get/pets"), policy.Options{}, []string{"resource-never-matches"}},
		{"ANY", allow(api + "/prod/ANY/pets"), policy.Options{}, []string{"resource-never-matches"}},
		{"double slash", allow(api + "/prod/GET//pets"), policy.Options{}, []string{"resource-never-matches"}},
		{"template", allow(api + "/prod/GET/pets/{petId}"), policy.Options{}, []string{"resource-never-matches"}},
		{"variable before the fifth colon", allow("arn:aws:execute-api:${aws:SourceIp}:123456789012:abc/*"), policy.Options{}, []string{"variable-misplaced", "resource-never-matches"}},
		{"variable without value", allow(api + "/prod/GET/${aws:username}"), policy.Options{}, []string{"variable-without-value"}},
		{"variable in 2008", `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + api + `/prod/GET/${aws:SourceIp}x"}]}`, policy.Options{}, []string{"variable-in-2008", "resource-never-matches"}},

		{"absent key", when(`{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`), policy.Options{}, []string{"condition-key-absent"}},
		{"claim outside a file", when(`{"StringEquals":{"jwt:sub":"x"}}`), policy.Options{}, []string{"condition-key-absent"}},
		{"key format", when(`{"StringEquals":{"SourceIp":"o-1"}}`), policy.Options{}, []string{"condition-key-format"}},
		{"key twice", when(`{"IpAddress":{"aws:SourceIp":"192.0.2.1","aws:sourceip":"192.0.2.1"}}`), policy.Options{}, []string{"duplicate-key"}},
		{"operator case", when(`{"ipaddress":{"aws:SourceIp":"192.0.2.1"}}`), policy.Options{}, []string{"operator-case"}},
		{"number", when(`{"NumericEquals":{"aws:EpochTime":"10x"}}`), policy.Options{}, []string{"condition-value-type"}},
		{"date", when(`{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}`), policy.Options{}, []string{"condition-value-type"}},
		{"bool", when(`{"Bool":{"aws:SecureTransport":"yes"}}`), policy.Options{}, []string{"condition-value-type"}},
		{"address", when(`{"IpAddress":{"aws:SourceIp":["localhost","192.0.2.0/33","192.0.2.7/24","192.0.2.0/24"]}}`), policy.Options{}, []string{"condition-value-type", "condition-value-type", "address-range"}},
		{"ARN", when(`{"ArnLike":{"aws:SourceArn":"*"}}`), policy.Options{}, []string{"condition-value-type"}},
		{"star in equals", when(`{"StringEquals":{"aws:UserAgent":"curl*"}}`), policy.Options{}, []string{"wildcard-in-equals"}},
		{"escaped star in equals", when(`{"StringEquals":{"aws:UserAgent":"curl${*}"}}`), policy.Options{}, nil},
		{"variable in a number", when(`{"NumericEquals":{"aws:EpochTime":"${aws:EpochTime}"}}`), policy.Options{}, []string{"variable-misplaced"}},
		{"no values", when(`{"StringEquals":{"aws:UserAgent":[]}}`), policy.Options{}, []string{"empty-condition"}},
		{"set operator", when(`{"ForAnyValue:StringEquals":{"aws:UserAgent":"x"}}`), policy.Options{}, []string{"set-operator"}},
		{"for all values", when(`{"ForAllValues:StringEquals":{"jwt:groups":"x"}}`), policy.Options{Prefix: "jwt:"}, []string{"for-all-values-allow"}},

		{"not principal", statement(`"NotPrincipal":{"AWS":"123456789012"},` + fine), policy.Options{Principals: true}, []string{"not-principal-allow"}},
		{"principals", statement(`"Principal":{"AWS":["eve","arn:aws:iam::123456789012:user/*"]},` + fine), policy.Options{Principals: true}, []string{"principal-format", "principal-wildcard"}},
		{"key of IAM callers", statement(`"Principal":"*",` + fine + `,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`), policy.Options{Principals: true}, []string{"condition-key-iam-only"}},
		{"nobody", statement(`"Principal":{},` + fine), policy.Options{Principals: true}, []string{"empty-principal"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			list := policy.Validate(mustParse(t, tc.text, tc.o))
			if !slices.Equal(ids(list), append([]string{}, tc.want...)) {
				t.Errorf("got %v, want %v: %+v", ids(list), tc.want, list)
			}
			for _, f := range list {
				if f.Line == 0 || f.Column == 0 || f.File != "policy" || f.Message == "" || f.Message != strings.TrimSuffix(f.Message, ".") {
					t.Errorf("%+v", f)
				}
			}
			strict := tc.o
			strict.Strict = true
			hasError := slices.ContainsFunc(list, func(f policy.Finding) bool { return f.Severity == policy.Error })
			if _, err := parse(t, tc.text, strict); (err != nil) != hasError {
				t.Errorf("strict: %v, findings %+v", err, list)
			}
		})
	}
}

func TestFindingPosition(t *testing.T) {
	d := mustParse(t, "Version: \"2012-10-17\"\nStatement:\n  - Sid: A\n    Effect: Allow\n    Action: execute-api:Invoke\n    Resource:\n      - "+api+"/*\n      - \"*\"\n", policy.Options{})
	text, err := json.Marshal(policy.Validate(d))
	want := `[{"id":"all-resources","severity":"suggestion","message":"an Allow for \"*\" allows every API of every account; name the API","statement":0,"sid":"A","file":"policy","line":8,"column":9}]`
	if err != nil || string(text) != want {
		t.Errorf("got  %s, %v\nwant %s", text, err, want)
	}
}

// An empty list matches nothing, and so leaves out nothing.
func TestFindingEmptyLists(t *testing.T) {
	for elements, want := range map[string]string{
		`"Action":"execute-api:Invoke","Resource":[]`:         "suggestion: the list of resources is empty and matches nothing",
		`"Action":"execute-api:Invoke","NotResource":[]`:      "warning: the list of resources is empty and leaves out nothing: the statement is about every resource",
		`"Action":[],"Resource":"` + api + `/*"`:              "error: the list of actions is empty and matches nothing; IAM wants at least one",
		`"NotAction":[],"Resource":"` + api + `/prod/GET/x"`:  "error: the list of actions is empty and leaves out nothing: the statement is about every action; IAM wants at least one",
		`"Action":"*","Resource":"` + api + `/prod/GET/pets"`: "",
	} {
		got := ""
		for _, f := range policy.Validate(mustParse(t, statement(`"Effect":"Allow",`+elements), policy.Options{})) {
			got += string(f.Severity) + ": " + f.Message
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", elements, got, want)
		}
	}
}
