package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"gatepass/pkg/apigw"
	"gatepass/pkg/gateway"
)

// A REST API with one authorizer, which refuses every token but one.
func ExampleNew() {
	check := func(_ context.Context, ev apigw.Event) (apigw.Output, string) {
		if ev.Token != "let me in" {
			return apigw.ErrorOutput("Unauthorized"), "not the right word"
		}
		return apigw.ResultOutput([]byte(`{"principalId": "ann", "policyDocument": {"Version": "2012-10-17",
			"Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]}}`)), ""
	}
	h, err := gateway.New(gateway.Options{
		API: &apigw.API{
			Region: "eu-west-1", Account: "123456789012", ID: "abc123", Stage: "prod",
			Default: apigw.Access{Authorizer: &apigw.Authorizer{Name: "word", Type: apigw.AuthToken}},
		},
		Authorizers: map[string]gateway.Invoke{"word": check},
		Base:        gateway.Base{Path: "/prod"},
		OnRequest:   func(r *gateway.Record) { fmt.Printf("%s %s %d %q\n", r.Method, r.Path, r.Status, r.Said) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, token := range []string{"let me in", "please"} {
		req := httptest.NewRequest(http.MethodGet, "/prod/orders", nil)
		req.Header.Set("Authorization", token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != http.StatusOK {
			body, _ := io.ReadAll(w.Body)
			fmt.Println(string(body))
		}
	}
	// Output:
	// GET /prod/orders 200 ""
	// GET /prod/orders 401 "not the right word"
	// {"message":"Unauthorized"}
}
