package gateway

import (
	"gatepass/pkg/apigw"
)

// AccessLog is the line of a request in an access log, by a format with variables of
// $context (see [apigw.Served]). Messages of WebSocket connections have lines of
// their own, which say less.
func (r *Record) AccessLog(format string) string {
	if r.x == nil {
		return ""
	}
	s := apigw.Served{
		Request: r.x.req, Verdict: r.Verdict, Path: r.Path, Status: r.Status, Length: r.Length,
		Took: r.Took, Authorizing: r.AuthorizerTook, Integration: r.Integration,
	}
	if r.x.g != nil {
		s.API = r.x.g.API
	}
	if r.x.length > 0 {
		s.Received = r.x.length
	}
	return s.AccessLog(format)
}

// ExecutionLog are the lines that the execution log of a REST or WebSocket API would
// have: those of the decision, if the gateway was made with Trace, and how it ended
// (captured from API Gateway's own logs).
func (r *Record) ExecutionLog() []string {
	if r.Verdict == nil {
		return nil
	}
	return r.Verdict.ServedLog(r.Status, r.Integration)
}
