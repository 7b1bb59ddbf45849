package awsapi_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"gatepass/pkg/awsapi"
	"gatepass/pkg/awsapi/awstest"
	"gatepass/pkg/awsapi/sigv4"
)

// A function in AWS, here one in memory, is run with the credentials of the
// environment.
func ExampleClient_Invoke() {
	cloud := awstest.New("eu-west-1", credentials())
	cloud.Functions["authorizer"] = func([]byte) ([]byte, string) {
		return []byte(`{"errorMessage":"Unauthorized"}`), "Unhandled"
	}
	server := httptest.NewServer(cloud)
	defer server.Close()

	env := map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": server.URL, "AWS_SESSION_TOKEN": "a session",
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	}
	getenv := func(name string) string { return env[name] }
	c, err := awsapi.New(awsapi.Options{
		Region: awsapi.Region(getenv), Credentials: awsapi.Environment(getenv), Sign: sigv4.Sign, Endpoint: awsapi.Endpoints(getenv),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	status, failed, body, err := c.Invoke(context.Background(), "authorizer", []byte(`{"type":"TOKEN"}`))
	fmt.Println(status, failed, string(body), err)
	// Output: 200 Unhandled {"errorMessage":"Unauthorized"} <nil>
}
