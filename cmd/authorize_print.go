package cmd

import (
	"context"
	"strings"

	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
	"gatepass/pkg/policy"
	"gatepass/pkg/view"
)

// printEvent prints what the authorizer would be handed.
func (a *authorize) printEvent(q *asked) error {
	verdict, pending := apigw.Begin(q.api, q.req)
	switch {
	case pending == nil:
		return fault.New(fault.Denied, "the authorizer would not be asked: %s", verdict.Reason).
			WithHint("leave out --event to see the whole verdict")
	case pending.Event().Kind == apigw.EventJWT:
		return fault.New(fault.Usage, "there is no event: with an authorizer of type %s API Gateway checks the token itself", pending.Authorizer().Type).
			WithHint("leave out --event to see what it decides")
	}
	return view.JSON(a.app.IO.Out, pending.Event())
}

// printTest tests the authorizer as TestInvokeAuthorizer does.
func (a *authorize) printTest(ctx context.Context, q *asked) error {
	z, _ := q.authorizerFor(q.req)
	switch {
	case q.api.Kind != apigw.REST:
		return fault.New(fault.Usage, "only authorizers of REST APIs can be tested so, and this API is of the kind %s", q.api.Kind).
			WithHint("leave out --test-invoke to see the verdict")
	case z == nil || z.Type == apigw.AuthIAM:
		return fault.New(fault.Usage, "there is no authorizer to test: the route has none that can be invoked")
	}
	var log []string
	if u := q.runners[z.Name].function; u != nil {
		defer u.listen(func(line string) { log = append(log, "Lambda log: "+line) })()
	}
	begin := a.app.Now()
	result := apigw.TestInvoke(q.api, z, q.req, func(ev apigw.Event) apigw.Output {
		out, _ := q.runners[z.Name].run(ctx, ev, q.as)
		return out
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	result.Latency = a.app.Now().Sub(begin).Milliseconds()
	result.Log = strings.Join(append([]string{result.Log}, log...), "\n")
	for _, values := range result.Authorization { // what it shows must not be a token
		for i := range values {
			values[i] = a.app.Secrets.Text(values[i])
		}
	}
	if err := view.JSON(a.app.IO.Out, result); err != nil {
		return err
	}
	if result.ClientStatus != 0 {
		return fault.Quiet(fault.Denied)
	}
	return nil
}

func (a *authorize) print(asJSON bool, r *view.Authorize) error {
	switch {
	case a.backend:
		return a.printBackend(r)
	case asJSON:
		return view.AuthorizeJSON(a.app.IO.Out, r)
	}
	out := a.app.printer()
	out.Authorize(r)
	return out.Err()
}

// printBackend prints what the backend sees, if it is reached.
func (a *authorize) printBackend(r *view.Authorize) error {
	if !r.Verdict.Allowed {
		return fault.New(fault.Denied, "the backend is not reached: %d, %s", r.Verdict.Status, r.Verdict.Reason).
			WithHint("leave out --backend to see the whole verdict")
	}
	return view.BackendJSON(a.app.IO.Out, r.Verdict.Backend)
}

// question asks a bare policy about an ARN.
func (a *authorize) question(asJSON bool, args []string) error {
	if len(args) != 1 {
		return fault.New(fault.Usage, "--policy wants the ARN that is asked about, and nothing else").
			WithHint("for example arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/orders")
	}
	n, err := readDocument(a.app, a.policy)
	if err != nil {
		return err
	}
	doc, err := policy.Parse(n, policy.Options{})
	if err != nil {
		return err
	}
	now, err := timeFlag("--at", a.at, a.app.Now)
	if err != nil {
		return err
	}
	header, err := parseHeaders(a.headers)
	if err != nil {
		return err
	}
	req := &apigw.Request{SourceIP: a.sourceIP, VPC: a.vpc, VPCE: a.vpce, Time: now, Header: header}
	q := &view.Question{
		Policy: a.policy, Action: a.action, Resource: args[0], Findings: policy.Validate(doc),
		Decision: doc.Explain(&policy.Request{Action: a.action, Resource: args[0], Keys: apigw.ConditionKeys(req)}),
	}
	if asJSON {
		err = view.QuestionJSON(a.app.IO.Out, q)
	} else {
		out := a.app.printer()
		out.Question(q)
		err = out.Err()
	}
	if err == nil && q.Decision.Effect != policy.Allow {
		return fault.Quiet(fault.Denied)
	}
	return err
}
