// A function for the tests of the Runtime API, made with Lambda's own library.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing/iotest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type answer struct {
	PID       int    `json:"pid"`
	ID        string `json:"id"`
	ARN       string `json:"arn"`
	Remaining int64  `json:"remaining"`
	Name      string `json:"name"`
	Handler   string `json:"handler"`
	Secret    string `json:"secret"`
	Event     any    `json:"event"`
}

func main() {
	if os.Getenv("FAIL") == "start" {
		fmt.Println("no settings")
		os.Exit(3)
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, event map[string]any) (any, error) {
	switch event["do"] {
	case "unauthorized":
		return nil, errors.New("Unauthorized")
	case "panic":
		panic("out of order")
	case "exit":
		os.Exit(0)
	case "hang":
		time.Sleep(time.Hour)
	case "stream":
		return strings.NewReader(`{"streamed":true}`), nil
	case "stream and fail":
		return io.MultiReader(strings.NewReader(`{"a":`), iotest.ErrReader(errors.New("Unauthorized"))), nil
	case "large":
		return strings.Repeat("x", 10<<20), nil
	}
	fmt.Println("on standard output")
	fmt.Fprintln(os.Stderr, "on standard error")
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return answer{
		PID: os.Getpid(), ID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn, Remaining: time.Until(deadline).Milliseconds(),
		Name: lambdacontext.FunctionName, Handler: os.Getenv("_HANDLER"), Secret: os.Getenv("GATEPASS_CLIENT_SECRET"), Event: event,
	}, nil
}
