package apigw

import (
	"fmt"
	"strings"
)

// ARN names what is called: arn:PARTITION:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH
// (AWS: "ARN format reference" of the API Gateway developer guide). For the
// $connect route of a WebSocket API it ends STAGE/$connect.
type ARN struct {
	Partition, Region, Account, API, Stage string
	// Method is the HTTP method in upper case, or the route key of a WebSocket API.
	Method string
	// Path begins with a slash; the root of an API is "/". It is empty for a
	// WebSocket API.
	Path string
}

// String is the ARN as text. The root path gives a slash at the end:
// …/prod/GET/.
func (a ARN) String() string {
	s := "arn:" + a.Partition + ":execute-api:" + a.Region + ":" + a.Account + ":" + a.API + "/" + a.Stage + "/" + a.Method
	return s + a.Path
}

// With is the ARN of another method and path of the same API and stage.
func (a ARN) With(method, path string) ARN {
	a.Method, a.Path = method, path
	return a
}

// ParseARN takes a method or route ARN apart. The path may hold colons and
// slashes. Wildcards are characters like any others.
func ParseARN(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return ARN{}, fmt.Errorf("want arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH, got %q", cut(s))
	}
	if parts[2] != "execute-api" {
		return ARN{}, fmt.Errorf("want an ARN of execute-api, got one of %q", cut(parts[2]))
	}
	tail := strings.SplitN(parts[5], "/", 4)
	if len(tail) < 3 || parts[1] == "" || tail[0] == "" || tail[1] == "" || tail[2] == "" {
		return ARN{}, fmt.Errorf("want API/STAGE/METHOD/PATH after the account of the ARN, got %q", cut(parts[5]))
	}
	a := ARN{Partition: parts[1], Region: parts[3], Account: parts[4], API: tail[0], Stage: tail[1], Method: tail[2]}
	if len(tail) == 4 {
		a.Path = "/" + tail[3]
	}
	return a, nil
}

// cut shortens text from outside for an error message.
func cut(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
