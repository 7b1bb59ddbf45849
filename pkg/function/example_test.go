package function_test

import (
	"context"
	"fmt"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/function"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

// What does the authorizer answer to a request without a token?
func Example() {
	n, err := source.YAML("authorizer.yaml", []byte(fileText))
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := authorizer.Load(n)
	if err != nil {
		fmt.Println(err)
		return
	}
	f := function.New(file, function.Options{
		Verifier: func(e authorizer.Expectation) function.Verifier {
			keys := verify.FromIssuer(e.Issuer, verify.Options{}) // asked when a token needs them
			return verify.NewVerifier(token.Expect{
				Issuer: e.Issuer, Audience: e.Audience, Algorithms: e.Algorithms, Use: e.Use, Leeway: e.Leeway,
			}, keys, 0)
		},
		Refused: verify.IsRefused,
	})
	event := apigw.Event{Kind: apigw.EventToken, ARN: stage + "GET/orders", Token: "Basic YTpi"}
	out, trace := f.Invoke(context.Background(), event, time.Now())
	fmt.Println(out.Message)
	fmt.Println(trace.Reason)
	// Output:
	// Unauthorized
	// want Bearer and the token in the header Authorization
}
