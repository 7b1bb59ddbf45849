package apigw

import (
	"fmt"
	"time"

	"gatepass/pkg/policy"
)

// seconds is a time to live for people.
func seconds(d time.Duration) string { return fmt.Sprintf("%d s", int(d/time.Second)) }

// finishLambda decides with the answer of a Lambda authorizer.
func (p *Pending) finishLambda(out Output) (*Verdict, *Result) {
	p.called = out.Kind != NotInvoked || out.Called
	p.logCall(out)
	r, f := p.accept(out)
	if f != nil {
		return p.failed(out, f), nil
	}
	p.logf("Successfully completed authorizer execution")
	if p.trace {
		reason := "the authorizer answered with a policy for the principal " + r.principal
		if r.simple {
			reason = fmt.Sprintf("the authorizer answered isAuthorized: %t", r.authorized)
		}
		p.step(Step{Step: StepAuthorizer, Outcome: OutcomeOK, Reason: reason, Inferred: r.inferred})
	}
	v := p.apply(r)
	if r.ttl == 0 {
		r = nil
	}
	return v, r
}

// failed is the answer when the authorizer failed: 401 for the message
// Unauthorized, exactly, and 500 for everything else.
func (p *Pending) failed(out Output, f *failure) *Verdict {
	p.authErr = f.why
	if out.Kind == Failed && out.Message == "Unauthorized" {
		s := Step{
			Step: StepAuthorizer, Outcome: OutcomeRefused,
			Reason: "the authorizer ended with the error Unauthorized, which is how it says 401",
		}
		if p.api.Kind == HTTP {
			s.Inferred = "that the error Unauthorized makes a 401 in HTTP APIs too is not documented"
		}
		p.step(s)
		p.logf("Unauthorized request: %s", p.req.ID)
		return p.refuse(refusal{t: Unauthorized, status: 401, message: "Unauthorized"})
	}
	reason := f.why
	if out.Kind == Failed {
		reason += "; only the message Unauthorized, exactly, makes a 401"
	}
	p.step(Step{Step: StepAuthorizer, Outcome: OutcomeFailed, Reason: reason, Inferred: f.inferred})
	p.logf("Execution failed due to configuration error: %s", f.log)
	p.logf("AuthorizerConfigurationException")
	return p.misconfigured()
}

// misconfigured is the answer when an authorizer cannot decide.
func (p *Pending) misconfigured() *Verdict {
	switch p.api.Kind {
	case HTTP:
		return p.refuse(refusal{status: 500, message: "Internal Server Error"})
	case WebSocket:
		return p.refuse(refusal{status: 500, message: "Internal server error"})
	}
	return p.refuse(refusal{t: AuthorizerConfigurationError, null: true})
}

// apply decides with a result, fresh or cached.
func (p *Pending) apply(r *Result) *Verdict {
	p.backend, p.who = r.backend, r.principal
	if r.simple {
		return p.applySimple(r)
	}
	if p.trace {
		p.logf("Using valid authorizer policy for principal: %s", mask(r.principal))
	}
	e := p.evaluate(r.doc, "authorizer", r.keys, "")
	if p.hasResourcePolicy() {
		e = tableA(e, p.evaluateResource(""))
	}
	p.decision = e.String()
	if e == policy.Allow {
		return p.admit(r.usageKey)
	}
	p.logf("The client is not authorized to perform this operation.")
	if p.trace && p.hasResourcePolicy() {
		p.steps[len(p.steps)-1].Inferred = "which text a denial by both policies together has is not documented"
	}
	if p.trace && e == policy.ImplicitDeny {
		p.explainCached(r)
	}
	return p.denyPrincipal(e)
}

// inferredForbidden marks denials by Lambda authorizers of HTTP APIs.
const inferredForbidden = "the status 403 is not documented for HTTP APIs, only that access is denied"

// applySimple decides with isAuthorized of an HTTP API.
func (p *Pending) applySimple(r *Result) *Verdict {
	if r.authorized {
		p.decision = policy.Allow.String()
		return p.admit("")
	}
	s := Step{Step: StepPolicy, Outcome: OutcomeDenied, Document: "authorizer", Reason: "isAuthorized is false"}
	s.Inferred = inferredForbidden
	p.step(s)
	p.decision = policy.ImplicitDeny.String()
	return p.refuse(refusal{status: 403, message: "Forbidden"})
}

// explainCached names the classic mistake when it was made: a policy for the ARN
// of the first request, cached and evaluated for another one.
func (p *Pending) explainCached(r *Result) {
	if !p.cached || r.madeFor == p.arn {
		return
	}
	req := p.policyRequest(r.keys, "")
	req.Resource = r.madeFor
	if r.doc.Decide(&req) != policy.Allow {
		return
	}
	last := &p.steps[len(p.steps)-1]
	last.Reason += fmt.Sprintf(". The cached policy was made for %s, which it allows, and the gateway reuses one policy for every route of the authorizer: "+
		"either let the authorizer allow all the caller may use (such as %s*/*), or set its TTL to 0", r.madeFor, p.prep.arnPrefix)
	p.reason = last.Reason
}

// denyPrincipal is the answer to a caller whom the authorizer's policy refuses.
func (p *Pending) denyPrincipal(e policy.Effect) *Verdict {
	if p.api.Kind == HTTP {
		if p.trace {
			p.steps[len(p.steps)-1].Inferred = inferredForbidden
		}
		return p.refuse(refusal{status: 403, message: "Forbidden"})
	}
	return p.refuse(refusal{t: AccessDenied, status: 403, message: denialText(p.api.Denial, e), denial: true})
}

// denialText is what a refused caller reads. The current texts were captured in
// 2025 and 2026, the legacy ones are those of AWS's knowledge center.
func denialText(t DenialText, e policy.Effect) string {
	s := "User is not authorized to access this resource"
	switch {
	case e == policy.ExplicitDeny && t == LegacyText:
		return s + " with an explicit deny"
	case e == policy.ExplicitDeny:
		return s + " with an explicit deny in an identity-based policy"
	case t == LegacyText:
		return s
	}
	return s + " because no identity-based policy allows the execute-api:Invoke action"
}

// admit checks the API key and lets the request through. The order, authorizer
// before key, is needed for keys that come from the authorizer and inferred for
// others.
func (p *Pending) admit(usageKey string) *Verdict {
	key, v := p.apiKey(usageKey)
	if v == nil {
		v = p.limit(key)
	}
	if v != nil {
		return v
	}
	if p.trace {
		reason := "the backend is called"
		if p.backend != nil {
			reason += " and sees what the authorizer said at " + p.backend.At
		}
		p.step(Step{Step: StepBackend, Outcome: OutcomeReached, Reason: reason})
	} else {
		p.reason = "allowed"
	}
	v = p.verdict()
	v.Allowed, v.BackendCalled = true, true
	v.Status = 200
	if p.api.Kind == WebSocket && p.eventType() == "CONNECT" {
		v.Status = 101
	}
	v.Backend = p.backend
	return v
}

// apiKey checks the API key and returns it (AWS: "Choose an API key source").
func (p *Pending) apiKey(usageKey string) (string, *Verdict) {
	if p.api.Kind != REST || !p.route.APIKeyRequired {
		return "", nil
	}
	key, from := last(p.req.header("X-Api-Key")), "the header x-api-key"
	if p.api.APIKeySource == KeyFromAuthorizer {
		key, from = usageKey, "the authorizer's usageIdentifierKey"
	}
	if key == "" || !p.prep.planKeys[key] {
		reason := "an API key is required and " + from + " has none"
		if key != "" {
			reason = "the API key of " + from + " is in no usage plan of the stage"
		}
		p.step(Step{Step: StepAPIKey, Outcome: OutcomeRefused, Reason: reason})
		return "", p.refuse(refusal{t: InvalidAPIKey, message: "Forbidden"})
	}
	p.step(Step{Step: StepAPIKey, Outcome: OutcomeOK, Reason: "the API key is in a usage plan of the stage"})
	return key, nil
}

// limit asks what the usage plan of the key and the stage leave. Only REST APIs have
// quotas; the body of an HTTP API's 429 is inferred from its phrase.
func (p *Pending) limit(key string) *Verdict {
	limit := p.req.Limit
	if limit == NotLimited && p.req.Meter != nil {
		limit = p.req.Meter(key)
	}
	switch {
	case limit == Throttled:
		s := Step{Step: StepAPIKey, Outcome: OutcomeRefused, Reason: "too many requests for the usage plan or stage just now"}
		if p.api.Kind != REST {
			s.Reason, s.Inferred = "too many requests for the stage just now", "the status is documented, the body is not"
		}
		p.step(s)
		return p.refuse(refusal{t: ThrottledResponse, status: 429, message: "Too Many Requests"})
	case limit == QuotaExceeded && p.api.Kind == REST:
		p.step(Step{Step: StepAPIKey, Outcome: OutcomeRefused, Reason: "the quota of the usage plan is used up"})
		return p.refuse(refusal{t: QuotaExceededResponse, message: "Limit Exceeded"})
	}
	return nil
}
