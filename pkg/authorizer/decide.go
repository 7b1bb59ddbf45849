package authorizer

import (
	"fmt"
	"strings"

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

// decide makes the answer for claims at a place.
func (f *File) decide(p place, c Claims) (answer, Trace) {
	if c.origin == "" {
		return f.refused(p, "nothing vouches for the claims: the token has not been verified")
	}
	t := Trace{Claims: string(c.origin)}
	principal, err := f.principal.fill(c.claims)
	if err == nil && principal.value.text == "" {
		err = fmt.Errorf("it is empty")
	}
	if err != nil {
		a, refusal := f.refused(p, "the principal cannot be named: "+err.Error())
		refusal.Claims = t.Claims
		return a, refusal
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
	a, err := returned(t.Principal, doc, f.contextOf(c.claims, &t))
	if err != nil {
		return failed(t, err)
	}
	t.Outcome, t.Reason = Answered, applying(steps)
	return a, t
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
func failed(t Trace, err error) (answer, Trace) {
	t.Outcome, t.Reason = Failed, strings.ReplaceAll(err.Error(), "\n", "; ") // joined errors
	return answer{message: "the authorizer failed: " + t.Reason}, t
}

// refused is the answer to a token that does not count.
func (f *File) refused(p place, reason string) (answer, Trace) {
	t := Trace{Outcome: Refused, Reason: reason}
	if f.refuse == Unauthorized {
		return answer{message: unauthorized}, t
	}
	doc, _, err := policy.Specialize(new(policy.Document), policy.Specialization{Deny: p.whole()})
	if err != nil {
		return failed(t, err)
	}
	a, err := returned(refusedPrincipal, doc, nil)
	if err != nil {
		return failed(t, err)
	}
	t.Principal = refusedPrincipal
	return a, t
}

// resource expands a short resource for Specialize.
func (p place) resource(text string) (string, error) {
	s, ok, err := parseShort(text)
	if err != nil || !ok {
		return text, err
	}
	return p.expand(s), nil
}
