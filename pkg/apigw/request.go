package apigw

import (
	"time"

	"gatepass/pkg/policy"
)

// Request is one request to an API as it arrives at API Gateway.
type Request struct {
	// Method and Path are as on the request line. Path begins with a slash, is
	// percent-encoded as sent, and holds neither stage nor query. What is decided about
	// is [Verdict.Path].
	Method, Path string
	// Header has the fields in the client's spelling, or Go's: names are compared
	// without regard to case. An http.Header can be assigned.
	Header map[string][]string
	// Query has the decoded parameters; RawQuery the same as sent. One is enough.
	Query    map[string][]string
	RawQuery string

	SourceIP string
	// Protocol is such as HTTP/1.1, which is also what "" means.
	Protocol string
	// Host is the domain name that was called; "" is the API's own.
	Host string
	// VPC and VPCE are set when the request came through an endpoint of a VPC.
	VPC, VPCE string
	// Time is when the request arrived. It is what conditions, token lifetimes and
	// the cache go by.
	Time time.Time
	// ID is the request id; ExtendedID the one of x-amz-apigw-id.
	ID, ExtendedID string

	// RouteKey is the route of a WebSocket message; "" is $connect. ConnectionID is
	// the connection's. Context is what the authorizer gave at $connect, for the
	// messages after it.
	RouteKey     string
	ConnectionID string
	Context      *Backend

	// Caller is who signed the request with AWS credentials, for AWS_IAM; nil is
	// nobody.
	Caller *Caller
	// Limit says that the usage plan or the stage throttles the request. Where it does
	// not, Meter is asked, if it is not nil: once, with the API key or none, for a
	// request that is let through otherwise. It is [Usage.Take] with a time.
	Limit Limit
	Meter func(key string) Limit
	// NoTrace leaves out Verdict.Trace and Verdict.Log, which cost more than the
	// decision itself. Verdict.Reason is there all the same.
	NoTrace bool
}

// Caller is a caller with AWS credentials.
type Caller struct {
	// ARN is the principal, such as arn:aws:iam::123456789012:user/ann.
	ARN string
	// CrossAccount says that the account is another than the API's.
	CrossAccount bool
	// Policy is what the caller's account allows it; nil allows nothing.
	Policy *policy.Document
	// Keys are condition keys of the caller, such as aws:username.
	Keys policy.Keys
}

// Limit is what a usage plan or stage says to one more request.
type Limit uint8

// The limits.
const (
	NotLimited Limit = iota
	Throttled
	QuotaExceeded
)
