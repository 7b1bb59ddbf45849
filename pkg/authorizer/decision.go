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
	policy  *policy.Document
	keys    []string  // the condition keys that it looks at
	reasons [3]string // by effect
	allowed apigw.Output
}

// notAuthorized is the simple form of every refusal.
const notAuthorized = `{"isAuthorized":false}`

// Settle decides about the claims of a token at the API and stage of an event: with
// the policy of the file, specialized for them, with the principal and the context.
// It is what takes time and may be kept: the policy is for the whole API, so that a
// gateway, too, may cache it under the token.
//
// A principal whose claim is missing refuses the token, as [File.Refuse] does. A
// policy that API Gateway would not take, and an event without a proper ARN, make
// the authorizer fail, which is a 500 and never a Deny.
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
	t := d.trace
	e := d.effect(ev)
	t.Reason = d.reasons[e]
	if e == policy.Allow {
		return d.allowed, t
	}
	return d.out, t
}

// effect is what the policy says about an event.
func (d *Decision) effect(ev apigw.Event) policy.Effect {
	r := policy.Request{Action: invoke, Resource: ev.ARN}
	if e, sure := d.policy.DecideBare(&r); sure {
		return e
	}
	r.Keys = conditionKeys(ev, d.keys)
	return d.policy.Decide(&r)
}

// conditionKeys are what the gateway would know of the request: the same, from the
// event instead of the request.
func conditionKeys(ev apigw.Event, names []string) policy.Keys {
	return apigw.SomeConditionKeys(&apigw.Request{Time: ev.Context.Time, SourceIP: ev.Context.SourceIP, Header: ev.Header}, names)
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
		policy: doc, keys: doc.KeyNames(), reasons: [...]string{
			policy.ImplicitDeny: t.Reason + "; the policy does not allow this route",
			policy.ExplicitDeny: t.Reason + "; the policy denies this route explicitly",
			policy.Allow:        t.Reason + "; the policy allows this route",
		},
	}
}

// StageOf is the part of an event's ARN that names API and stage, up to and with the
// slash behind the stage. Events for which it is equal are decided alike: see
// [Decision]. It is false for an ARN that is refused, or is not of the usual form.
func StageOf(ev apigw.Event) (prefix string, ok bool) {
	arn := ev.ARN
	if len(arn) > apigw.MaxARN {
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
