package lambdarun

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
	"gatepass/pkg/netfault"
)

// elsewhere is a function that somebody else runs.
type elsewhere struct {
	ask  func(ctx context.Context, event []byte) (status int, functionError string, body []byte, err error)
	name string // for people
}

// invokePath is that of Lambda's Invoke API for the function with the name that the
// runtime interface emulator and most examples have.
const invokePath = "/2015-03-31/functions/function/invocations"

// findElsewhere completes a function that has no handler here. Its errors are of
// kind Usage.
func (f *Function) findElsewhere() error {
	if f.o.Remote != nil {
		f.ask, f.name = f.o.Remote, "the function "+f.o.Name
		return nil
	}
	u, err := url.Parse(f.o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return fault.New(fault.Usage, "%q is no URL of a function", f.o.URL).
			WithHint("for example http://127.0.0.1:9000, or http://127.0.0.1:3001/2015-03-31/functions/NAME/invocations")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = invokePath
	}
	client := f.o.HTTP
	if client == nil {
		client = &http.Client{}
	}
	one := *client
	one.Timeout = 0 // that of the invocation counts
	one.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	f.name = u.Host
	f.ask = func(ctx context.Context, event []byte) (int, string, []byte, error) {
		return post(ctx, &one, u.String(), event)
	}
	return nil
}

// post is a request to the Invoke API (AWS: "Invoke").
func post(ctx context.Context, c *http.Client, to string, event []byte) (int, string, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(event))
	if err != nil {
		return 0, "", nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Amz-Invocation-Type", "RequestResponse")
	res, err := c.Do(req)
	if err != nil {
		return 0, "", nil, err
	}
	defer func() { _ = res.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPayload+1))
	if err != nil {
		return 0, "", nil, &url.Error{Op: "Post", URL: to, Err: err}
	}
	return res.StatusCode, res.Header.Get("X-Amz-Function-Error"), body, nil
}

// invokeElsewhere asks, and reads the answer as API Gateway does.
func (f *Function) invokeElsewhere(ctx context.Context, event []byte) apigw.Output {
	limited, stop := context.WithTimeout(ctx, f.o.Timeout)
	defer stop()
	status, functionError, body, err := f.ask(limited, event)
	switch {
	case err != nil && ctx.Err() != nil:
		return gaveUp(ctx)
	case err != nil && errors.Is(limited.Err(), context.DeadlineExceeded):
		return apigw.TimeoutOutput("no answer from " + f.name + " within " + f.o.Timeout.String())
	case err != nil:
		return apigw.NotInvokedOutput(f.name + " cannot be asked: " + why(err, f.name))
	case status < 200 || status > 299:
		return apigw.NotInvokedOutput(f.name + " " + refused(status, body))
	case len(body) > maxPayload:
		return tooLarge()
	}
	return ofInvoke(functionError, body)
}

// why is the reason of an error, in words.
func why(err error, host string) string {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return netfault.Of(u.Err, host).Why
	}
	return oneLine(err.Error())
}

// refused is what the Invoke API says of a function that it did not run.
func refused(status int, body []byte) string {
	var m struct {
		Message string `json:"Message"` // either case
	}
	_ = json.Unmarshal(body, &m) // without a message the status must do
	if m.Message == "" {
		return "answers " + http.StatusText(status)
	}
	return "answers " + http.StatusText(status) + ": " + oneLine(m.Message)
}

// ofInvoke is the output for the body of an answer. The emulators do not all set
// X-Amz-Function-Error: that an object with errorMessage and errorType, which no
// authorizer answers with, is an error all the same is inferred.
func ofInvoke(functionError string, body []byte) apigw.Output {
	_, isMessage := textOf(body, "errorMessage")
	_, isType := textOf(body, "errorType")
	switch text := strings.TrimSpace(string(body)); {
	case functionError != "", isMessage && isType:
		return failed(body)
	case strings.HasPrefix(text, "Task timed out after"):
		return apigw.TimeoutOutput(text)
	}
	return apigw.ResultOutput(body)
}
