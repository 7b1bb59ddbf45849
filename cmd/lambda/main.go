package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		fmt.Fprintln(os.Stderr, "bootstrap: this runs in AWS Lambda, which sets AWS_LAMBDA_RUNTIME_API; on your machine the same is gatepass gateway")
		os.Exit(2)
	}
	log.SetFlags(0)
	log.SetOutput(once{os.Stderr})
	lambda.StartWithOptions(start(context.Background(), machine{
		getenv: os.Getenv, now: time.Now, out: os.Stdout, http: &http.Client{Transport: transport()},
	}))
}

// transport is the default one with limits for a process that is frozen between
// requests: a connection that has been idle for long is dead by then.
func transport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 5 * time.Second, IdleConnTimeout: 20 * time.Second,
		MaxIdleConnsPerHost: 2, ForceAttemptHTTP2: true,
	}
}

// once keeps the runtime from logging again what the journal has said: the error
// that a request ended with. Panics and errors of its own it may log.
type once struct{ w io.Writer }

func (o once) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte(`{"errorMessage":`)) && !bytes.Contains(p, []byte(`"stackTrace":[`)) {
		return len(p), nil
	}
	return o.w.Write(p)
}
