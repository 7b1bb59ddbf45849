package awsapi

import (
	"context"
	"net/http"
	"strings"

	"gatepass/pkg/fault"
)

// Invoke runs a Lambda function with an event and waits for its answer (Lambda API
// Reference, Invoke; RequestResponse). The function is a name, a name with a version
// or alias behind a colon, or an ARN.
//
// A function that ran and failed is no error here: functionError says how it failed
// ("Unhandled" or "Handled"), and body is its error document. The status is that of
// the service, 200 for every function that ran. An error is a *fault.Error: the
// function could not be run, or its answer not be read. The context limits the time.
func (c *Client) Invoke(ctx context.Context, function string, payload []byte) (status int, functionError string, body []byte, err error) {
	switch {
	case function == "":
		return 0, "", nil, fault.New(fault.Usage, "no Lambda function is named")
	case len(payload) > MaxPayload:
		return 0, "", nil, fault.New(fault.Usage, "the event has %d bytes, more than the %d that Lambda takes", len(payload), MaxPayload)
	}
	k := call{
		service: "lambda", variable: "LAMBDA", method: http.MethodPost,
		path: "/2015-03-31/functions/" + escape(function) + "/invocations",
		header: http.Header{
			"Content-Type":          {"application/json"},
			"X-Amz-Invocation-Type": {"RequestResponse"},
		},
		body: payload, most: MaxPayload + 1<<10, timeout: invokeTimeout,
		once:   true, // the function may have run
		action: "lambda:InvokeFunction", resource: "the function " + clip(function),
	}
	r, err := c.do(ctx, k)
	if err != nil {
		return 0, "", nil, err
	}
	if r.status/100 != 2 {
		return r.status, "", nil, refused(k, r)
	}
	return r.status, r.header.Get("X-Amz-Function-Error"), r.body, nil
}

// escape writes text as AWS wants it in a path: everything but what RFC 3986 calls
// unreserved as %XX, by bytes (Signature Version 4, UriEncode).
func escape(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}
