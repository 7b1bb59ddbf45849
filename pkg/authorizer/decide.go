package authorizer

import (
	"fmt"
	"strings"

	"gatepass/pkg/apigw"
	"gatepass/pkg/policy"
	"gatepass/pkg/token"
)

// Outcome is how the authorizer ended.
type Outcome string

// The outcomes.
const (
	Answered Outcome = "policy"  // it returned a policy
	Refused  Outcome = "refused" // the token does not count
	Failed   Outcome = "failed"  // it could not answer, which is a 500
)

// Trace says how the authorizer came to its answer.
type Trace struct {
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"` // for a person, one line
	// Claims is "verified" or "made-up", or empty when nothing was believed.
	Claims    string `json:"claims,omitempty"`
	Principal string `json:"principal,omitempty"`
	// Statements are those of the file, each with whether it applies to this
	// token and why.
	Statements []policy.SpecializeStep `json:"statements,omitempty"`
	// Notes are things to know, such as a key of the context that was left out.
	Notes []string `json:"notes,omitempty"`
}

// refusedPrincipal is whom the policy of a refusal names.
const refusedPrincipal = "unauthorized"

// unauthorized is the one message that API Gateway turns into a 401; every other
// is a 500 (Developer Guide, "Use API Gateway Lambda authorizers").
const unauthorized = "Unauthorized"

// settle decides about claims at a place.
func (f *File) settle(p place, c Claims, form Form) *Decision {
	if c.origin == "" {
		return f.refusal(p, form, "nothing vouches for the claims: the token has not been verified")
	}
	t := Trace{Claims: string(c.origin)}
	principal, err := f.principal.fill(c.claims)
	if err == nil && principal.value.text == "" {
		err = fmt.Errorf("it is empty")
	}
	if err != nil {
		d := f.refusal(p, form, "the principal cannot be named: "+err.Error())
		d.trace.Claims = t.Claims
		return d
	}
	t.Principal, t.Notes = principal.value.text, principal.notes
	doc, steps, err := policy.Specialize(f.policy, policy.Specialization{
		Prefix:   claimPrefix,
		Lookup:   c.claims.Lookup,
		Resource: p.resource,
		Deny:     p.whole(),
	})
	t.Statements = steps
	if err != nil {
		return failed(t, blame(err, steps))
	}
	values := f.contextOf(c.claims, &t)
	t.Outcome, t.Reason = Answered, applying(steps)
	if form == Simple {
		return simple(doc, values, t)
	}
	return whole(doc, values, t)
}

// contextOf fills the context. A key whose claim is missing is left out.
func (f *File) contextOf(claims token.Claims, t *Trace) contextValues {
	var list contextValues
	for _, e := range f.context {
		if e.fixed != nil {
			list = append(list, contextValue{e.key, *e.fixed})
			continue
		}
		v, err := e.value.fill(claims)
		if err != nil {
			t.Notes = append(t.Notes, fmt.Sprintf("the context has no %s: %s", e.key, err))
			continue
		}
		for _, note := range v.notes {
			t.Notes = append(t.Notes, fmt.Sprintf("context %s: %s", e.key, note))
		}
		list = append(list, contextValue{e.key, v.value})
	}
	return list
}

// applying says in a line how many statements are left.
func applying(steps []policy.SpecializeStep) string {
	if n := kept(steps); n > 0 {
		return fmt.Sprintf("%d of %d statements of the file apply to this token", n, len(steps))
	}
	return "no statement of the file applies to this token: everything is denied"
}

// failed is an answer that is the author's mistake, or the operator's: a 500 at
// the gateway, and never a Deny, which the gateway would keep.
func failed(t Trace, err error) *Decision {
	t.Outcome, t.Reason = Failed, strings.ReplaceAll(err.Error(), "\n", "; ") // joined errors
	return &Decision{out: apigw.ErrorOutput("the authorizer failed: " + t.Reason), trace: t}
}

// refusal is the answer to a token that does not count.
func (f *File) refusal(p place, form Form, reason string) *Decision {
	t := Trace{Outcome: Refused, Reason: reason}
	switch {
	case f.refuse == Unauthorized:
		return &Decision{out: apigw.ErrorOutput(unauthorized), trace: t}
	case form == Simple:
		return &Decision{out: apigw.ResultOutput([]byte(notAuthorized)), trace: t}
	}
	doc, _, err := policy.Specialize(new(policy.Document), policy.Specialization{Deny: p.whole()})
	if err != nil {
		return failed(t, err)
	}
	t.Principal = refusedPrincipal
	return whole(doc, nil, t)
}

// resource expands a short resource for Specialize.
func (p place) resource(text string) (string, error) {
	s, ok, err := parseShort(text)
	if err != nil || !ok {
		return text, err
	}
	return p.expand(s), nil
}
