package apigw_test

import (
	"fmt"
	"time"

	"gatepass/pkg/apigw"
)

// One request to a REST API with a TOKEN authorizer, and what its caller gets.
func ExampleDecide() {
	api := &apigw.API{
		Region: "eu-west-1", Account: "123456789012", ID: "abc123", Stage: "prod",
		Default: apigw.Access{Authorizer: &apigw.Authorizer{Name: "mine"}},
	}
	if err := api.Prepare(); err != nil {
		fmt.Println(err)
		return
	}
	readOnly := func(e apigw.Event) apigw.Output {
		return apigw.ResultOutput([]byte(`{"principalId": "ann", "policyDocument": {"Version": "2012-10-17", "Statement": [
			{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/*"}]}}`))
	}
	cache := apigw.NewCache(1000)
	for _, method := range []string{"GET", "DELETE"} {
		v := apigw.Decide(api, &apigw.Request{
			Method: method, Path: "/orders", Header: map[string][]string{"Authorization": {"Bearer …"}}, Time: time.Unix(1700000000, 0),
		}, cache, readOnly)
		fmt.Printf("%s %d cached:%t%s\n", method, v.Status, v.Cached, v.Body)
		for _, s := range v.Trace {
			fmt.Println("  ", s.Step, s.Outcome)
		}
	}
	// Output:
	// GET 200 cached:false
	//    route ok
	//    identity ok
	//    cache miss
	//    authorizer ok
	//    policy allowed
	//    backend reached
	// DELETE 403 cached:true{"Message":"User is not authorized to access this resource because no identity-based policy allows the execute-api:Invoke action"}
	//    route ok
	//    identity ok
	//    cache hit
	//    policy implicitly-denied
}

// What an answer of API Gateway means to its caller.
func ExampleExplainResponse() {
	causes := apigw.ExplainResponse(apigw.Seen{
		Method: "GET", Path: "/orders", Authorization: "Bearer …", Status: 403,
		Header: map[string][]string{"X-Amzn-Errortype": {"MissingAuthenticationTokenException"}},
		Body:   []byte(`{"message":"Missing Authentication Token"}`),
	})
	for _, c := range causes {
		fmt.Println(c.ID + ": " + c.Meaning)
	}
	// Output:
	// no-route: This stage has no method for GET /orders: in spite of its text, the answer does not speak of your token.
}
