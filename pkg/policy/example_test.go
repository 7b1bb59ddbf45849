package policy_test

import (
	"fmt"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

func ExampleParse() {
	text := `{
  "Version": "2012-10-17",
  "Statement": [{"effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]
}`
	n, err := source.JSON("response.json", []byte(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = policy.Parse(n, policy.Options{})
	fmt.Println(err)
	// Output:
	// response.json:3:18: member names are case-sensitive: want "Effect", got "effect"
}

func ExampleDocument_Explain() {
	n, err := source.JSON("policy", []byte(`{
  "Version": "2012-10-17",
  "Statement": [{
    "Effect": "Allow",
    "Action": "execute-api:Invoke",
    "Resource": "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/*"
  }]
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := policy.Parse(n, policy.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	got := d.Explain(&policy.Request{
		Action:   "execute-api:Invoke",
		Resource: "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/DELETE/orders",
	})
	fmt.Println(got.Effect)
	fmt.Println(got.Statements[0].Resource.Matched, got.Statements[0].Action.Matched)
	// Output:
	// implicitly-denied
	// false true
}

func ExampleSpecialize() {
	n, err := source.YAML("authorizer.yaml", []byte(`
Version: "2012-10-17"
Statement:
  - Effect: Allow
    Resource: arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/*/*
    Condition: { "ForAnyValue:StringEquals": { "jwt:groups": [Admins] } }
  - Effect: Allow
    Resource: arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/users/${jwt:sub}/*
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := policy.Parse(n, policy.Options{Action: "execute-api:Invoke", Prefix: "jwt:"})
	if err != nil {
		fmt.Println(err)
		return
	}
	token := map[string][]string{"sub": {"eve*"}, "groups": {"Users"}}
	ordinary, steps, err := policy.Specialize(d, policy.Specialization{
		Lookup: func(name string) ([]string, bool) { v, ok := token[name]; return v, ok },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(steps[0].Reason)
	fmt.Println(ordinary.Statements[0].Resource.Items[0])
	// Output:
	// ForAnyValue:StringEquals wants jwt:groups "Admins", got "Users"
	// arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/users/eve${*}/*
}

func ExampleMatch() {
	fmt.Println(policy.Match("/prod/GET/pets*", "/prod/GET/pets/1/toys"))
	// Output: true
}
