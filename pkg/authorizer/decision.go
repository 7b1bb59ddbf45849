package authorizer

import (
	"strings"

	"gatepass/pkg/apigw"
	"gatepass/pkg/policy"
)

// Form is the form of an authorizer's answer.
type Form uint8

// The forms.
const (
	// Policy is {"principalId": …, "policyDocument": …, "context": …}, which every
	// kind of API takes. The gateway evaluates the policy.
	Policy Form = iota
	// Simple is {"isAuthorized": …, "context": …}, of HTTP APIs with payload 2.0 whose
	// authorizer has simple responses enabled. The policy is evaluated here.
	Simple
)

// FormOf is the form of the answer to an event: simple is only for payload 2.0.
func FormOf(ev apigw.Event, simple bool) Form {
	if simple && ev.Kind == apigw.EventHTTP2 {
		return Simple
	}
	return Policy
}

// Decision is what the file says about a token at one API and stage: all of an
// answer that does not depend on which route is called. It answers every event of
// that API and stage ([StageOf]), as often as asked, from several goroutines.
type Decision struct {
	out   apigw.Output // the answer, where it is the same for every route
	trace Trace

	// In the simple form: the policy that decides about routes, and the answer when
	// it allows one. Where it does not, out is the answer.
	policy   *policy.Document
	usesKeys bool
	allowed  apigw.Output
}

// notAuthorized is the simple form of every refusal.
const notAuthorized = `{"isAuthorized":false}`

// Settle decides about the claims of a token at the API and stage of an event. It
// is the part of [File.Decide] that takes time and may be kept.
func (f *File) Settle(ev apigw.Event, c Claims, form Form) *Decision {
	p, err := placeOf(ev)
	if err != nil {
		return failed(Trace{}, err)
	}
	return f.settle(p, c, form)
}

// Answer answers an event of the API and stage that was decided about. Slices of the
// trace are shared by all answers: read them only.
func (d *Decision) Answer(ev apigw.Event) (apigw.Output, Trace) {
	if d.policy == nil {
		return d.out, d.trace
	}
	r := policy.Request{Action: invoke, Resource: ev.ARN}
	if d.usesKeys {
		r.Keys = conditionKeys(ev)
	}
	t := d.trace
	switch d.policy.Decide(&r) {
	case policy.Allow:
		t.Reason += "; the policy allows this route"
		return d.allowed, t
	case policy.ExplicitDeny:
		t.Reason += "; the policy denies this route explicitly"
	default:
		t.Reason += "; the policy does not allow this route"
	}
	return d.out, t
}

// conditionKeys are what the gateway would know of the request: the same, from the
// event instead of the request.
func conditionKeys(ev apigw.Event) policy.Keys {
	return apigw.ConditionKeys(&apigw.Request{Time: ev.Context.Time, SourceIP: ev.Context.SourceIP, Header: ev.Header})
}

// whole is the answer with a policy, in the form of API Gateway: principalId,
// policyDocument and context.
func whole(doc *policy.Document, context contextValues, t Trace) *Decision {
	text, err := plain(struct {
		PrincipalID string           `json:"principalId"`
		Policy      *policy.Document `json:"policyDocument"`
		Context     contextValues    `json:"context,omitempty"`
	}{t.Principal, doc, context})
	if err != nil {
		return failed(t, err)
	}
	return &Decision{out: apigw.ResultOutput(text), trace: t}
}

// simple is the answer with isAuthorized. The context is for the backend, which is
// only reached when the route is allowed.
func simple(doc *policy.Document, context contextValues, t Trace) *Decision {
	text, err := plain(struct {
		IsAuthorized bool          `json:"isAuthorized"`
		Context      contextValues `json:"context,omitempty"`
	}{true, context})
	if err != nil {
		return failed(t, err)
	}
	return &Decision{
		out: apigw.ResultOutput([]byte(notAuthorized)), allowed: apigw.ResultOutput(text), trace: t,
		policy: doc, usesKeys: usesKeys(doc),
	}
}

// usesKeys reports whether a policy may look at more of a request than what it
// calls. Resources have variables for literal wildcards, too; those cost the keys
// and change nothing.
func usesKeys(doc *policy.Document) bool {
	for i := range doc.Statements {
		s := &doc.Statements[i]
		if len(s.Conditions) > 0 {
			return true
		}
		for _, list := range [][]string{s.Resource.Items, s.NotResource.Items} {
			for _, text := range list {
				if strings.Contains(text, "${") {
					return true
				}
			}
		}
	}
	return false
}

// StageOf is the part of an event's ARN that names API and stage, up to and with the
// slash behind the stage. Events for which it is equal are decided alike: see
// [Decision]. It is false for an ARN that is refused, or is not of the usual form.
func StageOf(ev apigw.Event) (prefix string, ok bool) {
	arn := ev.ARN
	if len(arn) > MaxARN {
		return "", false
	}
	at := 0
	for range 5 { // arn:aws:execute-api:REGION:ACCOUNT:
		i := strings.IndexByte(arn[at:], ':')
		if i < 0 {
			return "", false
		}
		at += i + 1
	}
	for range 2 { // API/STAGE/
		i := strings.IndexByte(arn[at:], '/')
		if i <= 0 {
			return "", false
		}
		at += i + 1
	}
	return arn[:at], at < len(arn) && arn[at] != '/'
}
