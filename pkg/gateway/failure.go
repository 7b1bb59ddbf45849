package gateway

import (
	"net/http"

	"gatepass/pkg/apigw"
)

// fail answers an allowed request that its backend did not serve: with a gateway
// response of the core, customised ones included.
func (x *exchange) fail(r *http.Request, t apigw.ResponseType) {
	switch t {
	case apigw.RequestTooLarge:
		x.rec.Reason = "the body is larger than the 10 MB that API Gateway takes"
	case apigw.IntegrationTimeout:
		x.rec.Reason = "the upstream did not answer in time"
	default:
		x.rec.Reason = "the upstream did not answer"
	}
	x.respond(r, x.rec.Verdict.Respond(t, ""))
}

// noStage answers a request whose URL names a stage that is not there: there is no
// API to put it to. The answer of a REST API is 403 Forbidden and that of an HTTP
// API 404 Not Found; neither is documented (inferred), and neither is the 403 of a
// WebSocket API, which has no paths below its stage.
func (x *exchange) noStage(r *http.Request) {
	status, message := http.StatusForbidden, "Forbidden"
	x.rec.Reason = "no such stage: the path does not begin with the stage's"
	h := x.w.Header()
	switch x.kind {
	case apigw.HTTP:
		status, message = http.StatusNotFound, "Not Found"
	case apigw.WebSocket:
		x.rec.Reason = "no such stage: a connection is made to the path of the stage itself"
	default:
		h["x-amzn-ErrorType"] = []string{"ForbiddenException"}
	}
	h["Content-Type"] = []string{"application/json"}
	x.identify(h)
	x.rec.Status = status
	x.write(r.Method, status, `{"message":"`+message+`"}`)
}
