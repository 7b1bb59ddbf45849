package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

func TestParseErrors(t *testing.T) {
	const rest = `"Action":"execute-api:Invoke","Resource":"*"`
	tests := []struct {
		name, text, want string
		o                policy.Options
	}{
		{"not an object", `[]`, "1:1: a policy must be an object, got a list", policy.Options{}},
		{"no statement", `{"Version":"2012-10-17"}`, "1:1: a policy needs a Statement", policy.Options{}},
		{"lower-case members", `{"version":"2012-10-17","statement":[{"effect":"Allow","action":"*","resource":"*"}]}`,
			`1:2: member names are case-sensitive: want "Version", got "version"
1:25: member names are case-sensitive: want "Statement", got "statement"
1:39: member names are case-sensitive: want "Effect", got "effect"
1:56: member names are case-sensitive: want "Action", got "action"
1:69: member names are case-sensitive: want "Resource", got "resource"`, policy.Options{}},
		{"unknown member", `{"Version":"2012-10-17","Statments":[]}`, `1:25: unknown member "Statments"` + "\n1:1: a policy needs a Statement", policy.Options{}},
		{"unknown member of a statement", statement(`"Effect":"Allow","Foo":1,` + rest), `unknown member "Foo"`, policy.Options{}},
		{"version", `{"Version":"2012-10-18","Statement":[]}`, `1:12: want the Version "2012-10-17" (or "2008-10-17"), got "2012-10-18"`, policy.Options{}},
		{"version type", `{"Version":2012,"Statement":[]}`, `1:12: want a string, got a number`, policy.Options{}},
		{"statement type", `{"Statement":"x"}`, `1:14: want a list of statements, got a string`, policy.Options{}},
		{"statement item", `{"Statement":[1]}`, `1:15: a statement must be an object, got a number`, policy.Options{}},
		{"effect case", statement(`"Effect":"allow",` + rest), `effects are case-sensitive: want Allow or Deny, got "allow"`, policy.Options{}},
		{"effect", statement(`"Effect":"Permit",` + rest), `want the Effect Allow or Deny, got "Permit"`, policy.Options{}},
		{"effect type", statement(`"Effect":["Allow"],` + rest), `want the Effect Allow or Deny, got a list`, policy.Options{}},
		{"effect missing", statement(rest), `a statement needs an Effect: Allow or Deny`, policy.Options{}},
		{"action missing", statement(`"Effect":"Allow","Resource":"*"`), `a statement needs Action or NotAction`, policy.Options{}},
		{"both actions", statement(`"Effect":"Allow","NotAction":"a:b",` + rest), `a statement has Action or NotAction, not both`, policy.Options{}},
		{"resource missing", statement(`"Effect":"Allow","Action":"*"`), `a statement needs Resource or NotResource`, policy.Options{}},
		{"both resources", statement(`"Effect":"Allow","NotResource":"*",` + rest), `a statement has Resource or NotResource, not both`, policy.Options{}},
		{"resource type", statement(`"Effect":"Allow","Action":"*","Resource":{}`), `want a string or a list of strings, got an object`, policy.Options{}},
		{"resource item", statement(`"Effect":"Allow","Action":"*","Resource":["*",null]`), `want a string, got null`, policy.Options{}},
		{"sid type", statement(`"Sid":1,"Effect":"Allow",` + rest), `want a string, got a number`, policy.Options{}},
		{"principal", statement(`"Principal":"*","Effect":"Allow",` + rest), `Principal is for resource policies only`, policy.Options{}},
		{"no principal", statement(`"Effect":"Allow",` + rest), `a statement needs Principal or NotPrincipal`, policy.Options{Principals: true}},
		{"both principals", statement(`"Principal":"*","NotPrincipal":"*","Effect":"Allow",` + rest), `a statement has Principal or NotPrincipal, not both`, policy.Options{Principals: true}},
		{"principal text", statement(`"Principal":"me","Effect":"Allow",` + rest), `want "*" or an object such as {"AWS": …}`, policy.Options{Principals: true}},
		{"principal kind", statement(`"Principal":{"aws":"*"},"Effect":"Allow",` + rest), `want "AWS", got "aws"`, policy.Options{Principals: true}},
		{"condition type", statement(`"Effect":"Allow","Condition":[],` + rest), `a Condition must be an object, got a list`, policy.Options{}},
		{"operator", statement(`"Effect":"Allow","Condition":{"StringEqual":{"aws:x":"y"}},` + rest), `unknown condition operator "StringEqual"`, policy.Options{}},
		{"operator type", statement(`"Effect":"Allow","Condition":{"StringEquals":"x"},` + rest), `StringEquals must be an object, got a string`, policy.Options{}},
		{"set operator", statement(`"Effect":"Allow","Condition":{"ForSomeValues:StringEquals":{}},` + rest), `unknown condition operator "ForSomeValues:StringEquals"`, policy.Options{}},
		{"NullIfExists", statement(`"Effect":"Allow","Condition":{"NullIfExists":{"aws:x":"true"}},` + rest), `unknown condition operator "NullIfExists"`, policy.Options{}},
		{"condition value", statement(`"Effect":"Allow","Condition":{"StringEquals":{"aws:x":{"a":1}}},` + rest), `want a string or a list of strings, got an object`, policy.Options{}},
		{"condition item", statement(`"Effect":"Allow","Condition":{"StringEquals":{"aws:x":["a",[]]}},` + rest), `want a string, got a list`, policy.Options{}},
		{"old version with claims", `{"Version":"2008-10-17","Statement":[]}`, `want the Version "2012-10-17": conditions and variables of a token need it`, policy.Options{Prefix: "jwt:"}},
		{"claim before the fifth colon", statement(`"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:${jwt:region}:1:a/*"`), `a variable may stand only behind the fifth colon`, policy.Options{Prefix: "jwt:"}},
		{"claim in a number", statement(`"Effect":"Allow","Condition":{"NumericLessThan":{"aws:EpochTime":"${jwt:exp}"}},` + rest), `NumericLessThan takes no variables`, policy.Options{Prefix: "jwt:"}},
		{"claim against the request", statement(`"Effect":"Allow","Condition":{"StringEquals":{"jwt:ip":"${aws:SourceIp}"}},` + rest), `a condition on jwt:ip is settled before the request is known: it cannot use ${aws:SourceIp}`, policy.Options{Prefix: "jwt:"}},
		{"short resource", statement(`"Effect":"Allow","Action":"*","Resource":["GET /x","get x"]`), `want METHOD /path`, policy.Options{Short: onlyGet}},
		{"strict resource", statement(`"Effect":"Allow","Action":"*","Resource":"GET /x"`), `want an ARN or "*", got "GET /x"`, policy.Options{Strict: true}},
		{"strict action", statement(`"Effect":"Allow","Action":"Invoke","Resource":"*"`), `want an action such as execute-api:Invoke, got "Invoke"`, policy.Options{Strict: true}},
		{"strict colons", statement(`"Effect":"Allow","Action":"a:b:c","Resource":"*"`), `want an action such as execute-api:Invoke, got "a:b:c"`, policy.Options{Strict: true}},
		{"strict no actions", statement(`"Effect":"Allow","Action":[],"Resource":"*"`), `IAM wants at least one`, policy.Options{Strict: true}},
		{"strict no statements", `{"Statement":[]}`, `the policy has no statements`, policy.Options{Strict: true}},
		{"strict characters", statement(`"Sid":"a-b","Effect":"Allow",` + rest), `IAM takes letters and digits in a Sid`, policy.Options{Strict: true}},
		{"strict sid", `{"Statement":[{"Sid":"A","Effect":"Allow",` + rest + `},{"Sid":"A","Effect":"Deny",` + rest + `}]}`, `the Sid "A" is that of statement 1 too`, policy.Options{Strict: true}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			d, err := parse(t, tc.text, tc.o)
			if err == nil {
				t.Fatalf("parsed as %+v", d)
			}
			for _, want := range strings.Split(tc.want, "\n") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got\n%v\nwant\n%s", err, want)
				}
			}
			var at *source.Error
			if !errors.As(err, &at) || at.Pos.Line == 0 || at.Line == "" {
				t.Errorf("%v is not a *source.Error with its line", err)
			}
		})
	}
}

func onlyGet(resource string) error {
	if !strings.HasPrefix(resource, "GET /") {
		return fmt.Errorf("want METHOD /path, got %q", resource)
	}
	return nil
}

func TestParseHints(t *testing.T) {
	for text, want := range map[string]string{
		`{"Statements":[],"Statement":[]}`: `did you mean "Statement"?`,
		`{"Xyz":[],"Statement":[]}`:        "known here: Version, Id, Statement",
		statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualz":{}}`):     `did you mean "StringEquals"?`,
		statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:Null":{}}`): "Null takes neither a set operator nor IfExists",
		statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Any:StringLike":{}}`):   "the set operators are ForAnyValue: and ForAllValues:",
	} {
		_, err := parse(t, text, policy.Options{})
		var at *source.Error
		if !errors.As(err, &at) || at.Hint != want {
			t.Errorf("%s: hint %+v, want %q", text, at, want)
		}
	}
}

func TestParseYAML(t *testing.T) {
	d := mustParse(t, `
Version: "2012-10-17"
Statement:
  - Sid: Readers
    Effect: Allow
    Resource: ["GET /a", "GET /b"]
    Condition:
      NumericGreaterThan: {"jwt:level": 3}
      Bool: {"jwt:admin": true}
`, policy.Options{Action: invoke, Prefix: "jwt:", Short: onlyGet})
	st := d.Statements[0]
	if st.Action.Items[0] != invoke || len(st.Resource.Items) != 2 || len(st.Conditions) != 2 || st.Conditions[0].Values.Items[0] != "3" {
		t.Errorf("%+v", st)
	}
	d = mustParse(t, "Version: 2012-10-17\nStatement: []\n", policy.Options{})
	if d.Version != policy.Version2012 {
		t.Errorf("a date without quotes: %q", d.Version)
	}
	_, err := parse(t, "Version: \"2012-10-17\"\nStatement:\n  - effect: Allow\n    Action: \"*\"\n    Resource: \"*\"\n", policy.Options{})
	if err == nil || !strings.Contains(err.Error(), `policy:3:5: member names are case-sensitive: want "Effect"`) {
		t.Errorf("position in YAML: %v", err)
	}
}

func TestAuthorizerFileVersion(t *testing.T) {
	d := mustParse(t, `{"Statement":[{"Effect":"Allow","Resource":"`+api+`/*/GET/${jwt:sub}"}]}`, policy.Options{Action: invoke, Prefix: "jwt:"})
	r := policy.Request{Action: invoke, Resource: api + "/prod/GET/eve", Keys: policy.Keys{"jwt:sub": {"eve"}}}
	if got := decide(t, d, r); got != policy.Allow {
		t.Errorf("variables without a Version: %v", got)
	}
}

// what of a document counts: not the positions.
var same = []cmp.Option{
	cmpopts.IgnoreUnexported(policy.Document{}, policy.Statement{}, policy.Condition{}, policy.Strings{}),
}

const printed = `{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"A<&>","Effect":"Allow","Principal":{"AWS":["a","b"],"Service":"s"},` +
	`"Action":"*","NotResource":["x"],"Condition":{"StringLike":{"aws:a":"x*","aws:b":["y"]},"Bool":{"aws:c":"true"}}},` +
	`{"Effect":"Deny","NotPrincipal":"*","NotAction":["a:b","c:d"],"Resource":[]}]}`

func TestMarshal(t *testing.T) {
	for text, o := range map[string]policy.Options{
		printed: {Principals: true},
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`: {},
		`{"Statement":[]}`: {},
	} {
		got, err := mustParse(t, text, o).MarshalJSON()
		if err != nil || string(got) != text {
			t.Errorf("got  %s, %v\nwant %s", got, err, text)
		}
	}
	got, err := json.Marshal(mustParse(t, printed, policy.Options{Principals: true}))
	if err != nil || !json.Valid(got) {
		t.Errorf("json.Marshal: %s, %v", got, err)
	}
	got, err = (&policy.Document{}).MarshalJSON()
	if err != nil || string(got) != `{"Statement":[]}` {
		t.Errorf("the zero document: %s, %v", got, err)
	}
}

func FuzzParsePrintParse(f *testing.F) {
	f.Add([]byte(printed))
	f.Add([]byte(`{"Statement":{"Effect":"Allow","NotAction":[],"NotResource":"é\u0000","Condition":{"Null":{"a:b":true},"NumericEquals":{"c":[1e3,2]},"null":{}}}}`))
	f.Add([]byte("Version: '2008-10-17'\nStatement: []\n"))
	f.Add([]byte(`{"Statement":[{"Effect":"Deny","Action":"${*}","Resource":"${jwt:a, 'b'}${"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := source.Parse("fuzz", text)
		if err != nil {
			return
		}
		for _, o := range []policy.Options{{}, {Principals: true}, {Prefix: "jwt:", Action: invoke, Short: onlyGet}} {
			d, err := policy.Parse(n, o)
			if err != nil {
				continue
			}
			policy.Validate(d)
			out, err := d.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			again, err := parse(t, string(out), o)
			if err != nil {
				t.Fatalf("%s does not parse: %v", out, err)
			}
			if diff := cmp.Diff(d, again, append(same, cmpopts.EquateEmpty())...); diff != "" {
				t.Errorf("%s\nprints as %s:\n%s", text, out, diff)
			}
			twice, err := again.MarshalJSON()
			if err != nil || string(twice) != string(out) {
				t.Errorf("prints as %s, then as %s", out, twice)
			}
			r := policy.Request{Action: invoke, Resource: "GET /x", Keys: policy.Keys{"jwt:a": {"b"}}}
			if a, b := decide(t, d, r), decide(t, again, r); a != b {
				t.Errorf("%s decides %v, printed %v", text, a, b)
			}
		}
	})
}
