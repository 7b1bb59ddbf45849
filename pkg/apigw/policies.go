package apigw

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/policy"
)

func (p *Pending) hasResourcePolicy() bool { return p.api.ResourcePolicy != nil && p.api.Kind == REST }

// policyRequest is the question to a policy.
func (p *Pending) policyRequest(names []string, principal string) policy.Request {
	r := policy.Request{Action: invoke, Resource: p.arn, Principal: principal}
	if len(names) > 0 {
		r.Keys = p.conditionKeys(names)
	}
	return r
}

// ConditionKeys are the condition keys that API Gateway fills in for every type of
// authorization (AWS: "AWS condition keys that can be used in API Gateway resource
// policies"). That the policy of an authorizer sees the same ones is inferred.
func ConditionKeys(req *Request) policy.Keys {
	return SomeConditionKeys(req, []string{
		"aws:currenttime", "aws:epochtime", "aws:securetransport", "aws:sourceip", "aws:useragent", "aws:referer", "aws:sourcevpc", "aws:sourcevpce",
	})
}

// SomeConditionKeys are those of the [ConditionKeys] that have these names, in lower
// case: what a policy does not look at need not be put together.
func SomeConditionKeys(req *Request, names []string) policy.Keys {
	keys := make(policy.Keys, len(names))
	for _, name := range names {
		if value := conditionKey(req, name); value != "" {
			keys[name] = []string{value}
		}
	}
	return keys
}

// conditionKey is the value of a condition key, or empty: none of them is ever there
// without a value.
func conditionKey(req *Request, name string) string {
	switch name {
	case "aws:currenttime":
		return req.Time.UTC().Format(time.RFC3339)
	case "aws:epochtime":
		return strconv.FormatInt(req.Time.Unix(), 10)
	case "aws:securetransport":
		return "true" // there is no other way to an execute-api endpoint
	case "aws:sourceip":
		return req.SourceIP
	case "aws:useragent":
		return last(req.header("User-Agent"))
	case "aws:referer":
		return last(req.header("Referer"))
	case "aws:sourcevpc":
		return req.VPC
	case "aws:sourcevpce":
		return req.VPCE
	}
	return ""
}

// conditionKeys are those of the request, and of its caller with AWS_IAM.
func (p *Pending) conditionKeys(names []string) policy.Keys {
	keys := SomeConditionKeys(p.req, names)
	if p.req.Caller != nil && p.route != nil && p.route.auth != nil && p.route.auth.Type == AuthIAM {
		for key, values := range p.req.Caller.Keys {
			keys[strings.ToLower(key)] = values
		}
	}
	return keys
}

// evaluate asks a policy about the request and records why.
func (p *Pending) evaluate(d *policy.Document, name string, keys []string, principal string) policy.Effect {
	if !p.trace {
		e := p.effect(d, keys, principal)
		p.reason = policyReason(name, e)
		return e
	}
	r := p.policyRequest(keys, principal)
	x := d.Explain(&r)
	s := Step{
		Step: StepPolicy, Outcome: Outcome(x.Effect.String()), Document: name, Statements: x.Statements,
		Reason: policyReason(name, x.Effect) + because(x),
	}
	if name == "authorizer" && conditionsDecided(x) {
		s.Inferred = "that condition keys are filled in for policies of authorizers is not documented"
	}
	p.step(s)
	return x.Effect
}

// effect is the answer of a policy without a trace.
func (p *Pending) effect(d *policy.Document, keys []string, principal string) policy.Effect {
	r := p.policyRequest(nil, principal)
	if e, sure := d.DecideBare(&r); sure {
		return e
	}
	r.Keys = p.conditionKeys(keys)
	return d.Decide(&r)
}

// conditionsDecided reports whether the answer hangs on a condition: whether a
// statement that is for this action and resource has one.
func conditionsDecided(d policy.Decision) bool {
	return slices.ContainsFunc(d.Statements, func(s policy.StatementTrace) bool {
		return len(s.Conditions) > 0 && s.Action.Matched && s.Resource.Matched
	})
}

// evaluateResource asks the resource policy. An empty principal is an anonymous
// caller, which is what a caller is to it unless he signs with AWS credentials.
func (p *Pending) evaluateResource(principal string) policy.Effect {
	return p.evaluate(p.api.ResourcePolicy, "resource", p.prep.policyKeys, principal)
}

func policyReason(name string, e policy.Effect) string {
	switch {
	case name == "authorizer" && e == policy.Allow: // without building a string: this is the way of most requests
		return "the authorizer's policy allows it"
	case e == policy.Allow:
		return policyName(name) + " allows it"
	case e == policy.ExplicitDeny:
		return policyName(name) + " denies it explicitly"
	}
	return policyName(name) + " neither allows nor denies it"
}

func policyName(name string) string {
	switch name {
	case "resource":
		return "the resource policy"
	case "identity":
		return "the caller's IAM policy"
	}
	return "the authorizer's policy"
}

// because names the statement that decided, or why the nearest did not.
func because(d policy.Decision) string {
	want := map[policy.Effect]string{policy.Allow: "Allow", policy.ExplicitDeny: "Deny"}[d.Effect]
	for i := range d.Statements {
		if s := &d.Statements[i]; s.Matched && s.Effect == want {
			return ": statement " + statementName(s)
		}
	}
	for i := range d.Statements {
		if s := &d.Statements[i]; s.Effect == "Allow" && s.Reason != "" {
			return fmt.Sprintf(": statement %s: %s", statementName(s), s.Reason)
		}
	}
	if len(d.Statements) == 0 {
		return ": it has no statements"
	}
	return ""
}

// statementName is the number of a statement, from 1, with its Sid.
func statementName(s *policy.StatementTrace) string {
	n := strconv.Itoa(s.Index + 1)
	if s.Sid != "" {
		n += " (" + s.Sid + ")"
	}
	return n
}

// tableA joins the effects of an authorizer's and a resource policy as for Lambda
// authorizers and for IAM within an account: one Allow is enough (AWS: "Policy
// evaluation outcome tables", as corrected).
func tableA(a, b policy.Effect) policy.Effect {
	switch {
	case a == policy.ExplicitDeny || b == policy.ExplicitDeny:
		return policy.ExplicitDeny
	case a == policy.Allow || b == policy.Allow:
		return policy.Allow
	}
	return policy.ImplicitDeny
}

// tableB joins them as for Cognito and for IAM across accounts: both must allow.
func tableB(a, b policy.Effect) policy.Effect {
	switch {
	case a == policy.ExplicitDeny || b == policy.ExplicitDeny:
		return policy.ExplicitDeny
	case a == policy.Allow && b == policy.Allow:
		return policy.Allow
	}
	return policy.ImplicitDeny
}

// denyAnonymous is the answer of a resource policy to a caller without AWS
// credentials (AWS: knowledge center, 403 errors).
func (p *Pending) denyAnonymous(e policy.Effect) *Verdict {
	return p.denyUser("anonymous", e)
}

// denyUser is the answer of a policy that knows the caller by name: in the words that
// AWS documents. Since about 2025 they are followed by the kind of policy, which was
// captured for a resource policy that is silent only.
func (p *Pending) denyUser(name string, e policy.Effect) *Verdict {
	text := "User: " + name + " is not authorized to perform: " + invoke + " on resource: " + p.shownARN()
	if e == policy.ExplicitDeny {
		text += " with an explicit deny"
	}
	return p.refuse(refusal{t: AccessDenied, message: text, denial: true})
}

// shownARN is the ARN as denial texts show it.
func (p *Pending) shownARN() string {
	account := p.api.Account
	if !p.api.MaskAccount || len(account) <= 4 {
		return p.arn
	}
	masked := strings.Repeat("*", len(account)-4) + account[len(account)-4:]
	return strings.Replace(p.arn, ":"+account+":", ":"+masked+":", 1)
}

// decideIAM decides about a caller with AWS credentials: by the policies of the
// caller's account and of the API, per Table A within an account and Table B across
// accounts.
func (p *Pending) decideIAM() *Verdict {
	c := p.req.Caller
	if c == nil {
		p.step(Step{Step: StepIdentity, Outcome: OutcomeRefused, Reason: "the request is not signed with AWS credentials"})
		if p.api.Kind == HTTP {
			return p.refuse(refusal{status: 403, message: "Forbidden"})
		}
		return p.refuse(refusal{t: MissingAuthenticationToken, status: 403, message: "Missing Authentication Token"})
	}
	p.step(Step{Step: StepIdentity, Outcome: OutcomeOK, Reason: "signed by " + callerName(c)})
	e := policy.ImplicitDeny
	if c.Policy != nil {
		e = p.evaluate(c.Policy, "identity", c.Policy.KeyNames(), "")
	}
	switch {
	case p.hasResourcePolicy() && c.CrossAccount:
		e = tableB(e, p.evaluateResource(c.ARN))
	case p.hasResourcePolicy():
		e = tableA(e, p.evaluateResource(c.ARN))
	case c.CrossAccount:
		e = tableB(e, policy.ImplicitDeny)
		p.step(Step{Step: StepPolicy, Outcome: Outcome(e.String()), Document: "resource", Reason: "a caller of another account needs a resource policy that allows it; the API has none"})
	}
	p.decision = e.String()
	if e != policy.Allow {
		if p.api.Kind == HTTP {
			return p.refuse(refusal{status: 403, message: "Forbidden"})
		}
		return p.denyUser(callerName(c), e)
	}
	return p.admit("")
}

func callerName(c *Caller) string {
	if c.ARN == "" {
		return "an unnamed principal"
	}
	return c.ARN
}
