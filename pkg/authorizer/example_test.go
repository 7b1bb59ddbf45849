package authorizer_test

import (
	"fmt"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// What would the authorizer answer for somebody in the group Admins?
func Example() {
	file, err := source.YAML("authorizer.yaml", []byte(`
version: 1
tokens: [{issuer: https://acme.onelogin.com/oidc/2, audience: my-app}]
principal: ${jwt:sub}
policy:
  Version: "2012-10-17"
  Statement:
    - Effect: Allow
      Resource: "* /*"
      Condition: {"ForAnyValue:StringEquals": {"jwt:groups": [Admins]}}
    - Effect: Allow
      Resource: GET /users/${jwt:sub}/*
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := authorizer.Load(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := source.JSON("claims", []byte(`{"sub": "42", "groups": ["Staff"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	event := apigw.Event{ARN: "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/orders"}
	out, trace := a.Settle(event, authorizer.MadeUp(token.NewClaims(claims)), authorizer.Policy).Answer(event)
	fmt.Println(out.Text)
	fmt.Println(trace.Reason)
	for _, s := range trace.Statements {
		fmt.Println(s.Kept, s.Reason)
	}
	// Output:
	// {"principalId":"42","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/users/42/*"}]}}
	// 1 of 2 statements of the file apply to this token
	// false ForAnyValue:StringEquals wants jwt:groups "Admins", got "Staff"
	// true the claims it needs are there
}
