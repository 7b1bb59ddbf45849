package cmd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/human"
	"gatepass/pkg/view"
)

// judgement is what was decided here beside what the API answered.
type judgement struct {
	*inquiry
	stage *stage
	by    *apigw.Authorizer // who decides about the route, or nil
	here  *view.Authorize
	there apigw.Cause // the best one
}

// local is the judgement in the form that is printed.
func (j *judgement) local() *view.Local {
	v := j.here.Verdict
	if !v.Allowed && before(j.there) && !j.agrees() {
		return &view.Local{Why: "it was refused before API Gateway asked who may call; authorize would answer " + strconv.Itoa(v.Status)}
	}
	l := &view.Local{Decided: true, Allowed: v.Allowed, Status: v.Status, Reason: v.Reason, ARN: v.ARN, Agrees: j.agrees()}
	if t := j.here.Authorizer; t != nil && t.Reason != "" {
		l.Reason += "; " + t.Reason
	}
	l.Reason = j.app.clean(l.Reason)
	if !l.Agrees {
		l.Differences = j.differences()
	}
	return l
}

// agrees reports whether the API decided what was decided here. What authorize
// does not decide, such as throttling, agrees with a request that is let through.
func (j *judgement) agrees() bool {
	v := j.here.Verdict
	if v.Allowed {
		return !decides(j.there)
	}
	seen := j.seen()
	seen.API, seen.Status, seen.Body, seen.Header = j.stage.api, v.Status, []byte(v.Body), map[string][]string{}
	for name, value := range v.Headers {
		seen.Header[name] = []string{value}
	}
	here := apigw.ExplainResponse(seen)
	if v.Status != j.status || len(here) == 0 {
		return false
	}
	// An API with gateway responses of its own does not tell denials apart.
	return here[0].ID == j.there.ID || j.there.ID == "denied" && v.Response == apigw.AccessDenied
}

// before reports whether a refusal comes before any authorizer: from what stands
// before API Gateway, or from a step ahead.
func before(c apigw.Cause) bool {
	return c.Who == apigw.ByBetween || c.Who == apigw.ByClient ||
		slices.Contains([]string{"forbidden", "headers-too-large", "signature", "credentials-expired", "no-upgrade"}, c.ID)
}

// decides reports whether a cause is a decision that authorize makes, too.
func decides(c apigw.Cause) bool {
	return (c.Who == apigw.ByGateway || c.Who == apigw.ByAuthorizer) && !slices.Contains(undecided(), c.ID)
}

// undecided are the causes at API Gateway that authorize says nothing of.
func undecided() []string {
	return []string{
		"throttled", "quota", "forbidden", "too-large", "headers-too-large", "bad-parameters", "bad-body", "media-type", "resource-not-found",
		"api-misconfigured", "authorizer-failure", "refused", "signature", "credentials-expired", "http-authorizer-failed", "no-upgrade",
	}
}

// skewed is how far clocks may be apart before it is worth a word.
const skewed = 30 * time.Second

// differences are what may be behind it when the API decides otherwise, the
// likeliest first.
func (j *judgement) differences() []view.Difference {
	var all []view.Difference
	for _, find := range []func() (view.Difference, bool){j.clock, j.route, j.key, j.cache, j.resourcePolicy, j.sourceAddress, j.deployment} {
		if d, ok := find(); ok {
			all = append(all, d)
		}
	}
	return all
}

// clock compares the API's clock with the one that the request was decided by.
func (j *judgement) clock() (view.Difference, bool) {
	date := dateOf(j.answer)
	ahead := j.at.Sub(date)
	if date.IsZero() || ahead.Abs() < skewed {
		return view.Difference{}, false
	}
	way := "ahead of"
	if ahead < 0 {
		way = "behind"
	}
	return view.Difference{
		ID: "clock", What: fmt.Sprintf("this machine's clock is %s %s the API's, so that a token's dates look otherwise", human.Span(ahead.Abs()), way),
		Next: "Set the clock.",
	}, true
}

// route notices a route that is not deployed.
func (j *judgement) route() (view.Difference, bool) {
	switch j.there.ID {
	case "no-route", "no-route-with-token", "http-no-route":
	default:
		return view.Difference{}, false
	}
	d := view.Difference{ID: "route", What: "the settings have the route and the stage " + j.stage.api.Stage + " has not", Next: "Deploy the API to this stage; check the stage of the URL."}
	if j.stage.api.Routes == nil {
		d.What = "the settings name no routes, so that every path counts as one here"
		d.Next = "Name the API's routes (api.routes, or an API file) to have them compared; check stage and path of the URL."
	}
	return d, true
}

// key notices an API key that only one side asks for.
func (j *judgement) key() (view.Difference, bool) {
	return view.Difference{ID: "api-key", What: "the API asks for an API key here, and the settings do not say so", Next: "Say it: api_key: true at the route."},
		strings.HasPrefix(j.there.ID, "api-key")
}

// cache notices an authorizer whose answers are kept.
func (j *judgement) cache() (view.Difference, bool) {
	ttl := ttlOf(j.stage.api, j.by)
	gateway := j.there.Who == apigw.ByBackend || j.there.Who == apigw.ByAuthorizer || j.there.ID == "throttled" || j.there.ID == "quota"
	if ttl == 0 || !gateway || j.there.ID == "authorizer-failed" {
		return view.Difference{}, false
	}
	what := "API Gateway keeps answers of the authorizer for " + human.Span(time.Duration(ttl)*time.Second) +
		": this one may be older than the last change"
	if j.there.ID == "implicit-deny" {
		what += ", or made for another route and allow that one alone"
	}
	return view.Difference{ID: "stale-cache", What: what, Next: "Wait that long, or flush it: " + flush(j.stage.api)}, true
}

// flush is the command that empties the cache of a stage.
func flush(api *apigw.API) string {
	id := api.ID
	if id == "local" || id == "" {
		id = "API-ID"
	}
	if api.Kind == apigw.HTTP {
		return "aws apigatewayv2 reset-authorizers-cache --api-id " + id + " --stage-name '" + api.Stage + "'"
	}
	return "aws apigateway flush-stage-authorizers-cache --rest-api-id " + id + " --stage-name " + api.Stage
}

// resourcePolicy notices that nothing is known of a resource policy.
func (j *judgement) resourcePolicy() (view.Difference, bool) {
	said := j.there.ID == "resource-policy" || j.there.ID == "resource-policy-deny" || j.there.ID == "explicit-deny" || j.there.ID == "denied"
	if !said || j.stage.api.Kind != apigw.REST {
		return view.Difference{}, false
	}
	if j.stage.api.ResourcePolicy != nil {
		return view.Difference{
			ID: "resource-policy", What: "the resource policy that is deployed may be another: its changes count from the next deployment",
			Next: "Deploy the API again.",
		}, j.there.ID != "explicit-deny"
	}
	return view.Difference{
		ID: "resource-policy", What: "the API may have a resource policy, and the settings name none",
		Next: "Name it to have it compared: api.resource_policy.",
	}, true
}

// sourceAddress notices policies that look at where a request comes from, which is
// not known here.
func (j *judgement) sourceAddress() (view.Difference, bool) {
	for _, step := range j.here.Verdict.Trace {
		for i := range step.Statements {
			if text := strings.ToLower(step.Statements[i].Reason); strings.Contains(text, "aws:sourceip") || strings.Contains(text, "aws:sourcevpc") {
				return view.Difference{
					ID: "source-address", What: "a policy looks at the address of the caller, which was taken for 127.0.0.1 here",
					Next: "Say which it was: gatepass authorize " + j.method + " " + j.path + " --source-ip ADDRESS",
				}, true
			}
		}
	}
	return view.Difference{}, false
}

// deployment is what is left to think of, always.
func (j *judgement) deployment() (view.Difference, bool) {
	d := view.Difference{ID: "deployment", What: "what is deployed is not what the settings here say", Next: "Deploy it, and try again."}
	switch r := j.runner(); {
	case r != nil && r.ours != nil:
		d.What = "the authorizer that is deployed does not decide as " + r.path + " does: another version, other settings, another function"
		d.Next = "Deploy it, and look at the function's log."
	case j.there.ID == "authorizer-failed":
		d.What = "the deployed authorizer fails, which shows nowhere but in AWS"
		d.Next = "Look at the function's log and its permission for API Gateway."
	}
	return d, true
}

func (j *judgement) runner() *runner {
	if j.by == nil {
		return nil
	}
	return j.stage.runners[j.by.Name]
}
