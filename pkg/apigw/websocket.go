package apigw

import "fmt"

// beginMessage decides about a connection or a message of a WebSocket API. Only
// $connect is authorized; messages after it carry what the authorizer said then.
func (p *Pending) beginMessage() (*Verdict, *Pending) {
	key := p.req.RouteKey
	if key == "" {
		key = "$connect"
	}
	p.arn = p.prep.arnPrefix + key
	p.route = p.prep.byKey[key]
	if p.prep.open != nil {
		p.route = p.prep.openKey(key)
	}
	if p.route == nil && key != "$connect" && key != "$disconnect" {
		p.route = p.prep.byKey["$default"]
	}
	if p.route == nil {
		return p.noMessageRoute(key), nil
	}
	p.step(Step{Step: StepRoute, Outcome: OutcomeOK, Reason: "the route is " + key})
	if key != "$connect" {
		p.step(Step{Step: StepAuthorizer, Outcome: OutcomeSkipped, Reason: "only $connect is authorized; the connection keeps what the authorizer said then"})
		p.backend = p.req.Context
		return p.admit(""), nil
	}
	if p.route.auth == nil {
		return p.openRoute(), nil
	}
	return p.authenticate()
}

// openKey is a route of an API whose routes are not given.
func (p *prepared) openKey(key string) *route {
	r := &route{Route: Route{Method: key}, key: key}
	if key == "$connect" {
		r.Access, r.auth = p.open.Access, p.open.auth
	}
	return r
}

// noMessageRoute is the answer to a route key that is not there. Without a
// $connect route every connection is taken (AWS: "Manage connected users and
// client apps").
func (p *Pending) noMessageRoute(key string) *Verdict {
	if key == "$connect" || key == "$disconnect" {
		p.route = &route{Route: Route{Method: key}, key: key}
		p.step(Step{Step: StepRoute, Outcome: OutcomeOK, Reason: "there is no route " + key + ", which lets every connection in"})
		return p.admit("")
	}
	p.step(Step{
		Step: StepRoute, Outcome: OutcomeRefused, Reason: fmt.Sprintf("there is no route %q and no $default", cut(key)),
		Inferred: "what the answer to a message without a route is, is not documented",
	})
	return p.refuse(refusal{status: 403, message: "Forbidden"})
}

// eventType is requestContext.eventType.
func (p *Pending) eventType() string {
	switch p.RouteKey() {
	case "$connect":
		return "CONNECT"
	case "$disconnect":
		return "DISCONNECT"
	}
	return "MESSAGE"
}
