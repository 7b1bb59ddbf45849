package apigw

import (
	"encoding/json"
	"strings"

	"gatepass/pkg/urlpath"
)

// testStage is the stage in the ARN of a test of an authorizer, by the console or
// the API (AWS: sample of TestInvokeAuthorizer; captured).
const testStage = "ESTestInvoke-stage"

// testTime is what each line of a test's log starts with, after a first line that
// names the request (captured).
const testTime = "Mon Jan 02 15:04:05 UTC 2006 : "

// TestResult is the answer of TestInvokeAuthorizer (API reference), which is also
// what the console's Test button shows.
type TestResult struct {
	// ClientStatus is 0 when the authorizer answered something usable, be it a Deny,
	// else the status a caller would have got.
	ClientStatus  int                 `json:"clientStatus"`
	Log           string              `json:"log"`
	Latency       int64               `json:"latency"` // ms; filled in by whoever has a clock
	PrincipalID   string              `json:"principalId,omitempty"`
	Policy        string              `json:"policy,omitempty"` // JSON as a string
	Authorization map[string][]string `json:"authorization,omitempty"`
	Claims        map[string]string   `json:"claims,omitempty"`

	// AuthorizerCalled says that the function ran; Event is what it was given.
	AuthorizerCalled bool   `json:"-"`
	Event            *Event `json:"-"`
}

// TestInvoke tests an authorizer of a REST API: identity sources and answer are
// checked as for a request, nothing is cached, and a policy is shown, not
// evaluated. The request's Path and Query are those of pathWithQueryString; an
// empty method is GET.
func TestInvoke(api *API, z *Authorizer, req *Request, invoke func(Event) Output) TestResult {
	test := *api
	test.Stage, test.Routes, test.Default, test.prepared = testStage, nil, Access{Authorizer: z}, nil
	r := *req
	r.NoTrace = false
	if r.Method == "" {
		r.Method = "GET"
	}
	if r.Path == "" {
		r.Path = "/"
	}
	p := &Pending{api: &test, prep: test.compile(), req: &r, path: urlpath.Plain(r.Path), trace: true, test: true}
	p.route = p.prep.open
	p.arn = p.prep.arnPrefix + r.Method + p.path
	if broken := p.route.auth.broken; broken != "" {
		p.logf("Execution failed due to configuration error: %s", broken)
		return p.tested(500)
	}
	if v := p.identify(); v != nil {
		return p.tested(v.Status)
	}
	e := p.event()
	out := invoke(e)
	t := p.testOutput(out)
	t.Event = &e
	return t
}

// testOutput checks what the authorizer said.
func (p *Pending) testOutput(out Output) TestResult {
	if t := p.route.auth.Type; t == AuthCognito || t == AuthJWT {
		v, _ := p.Finish(out)
		if !v.Allowed {
			return p.tested(v.Status)
		}
		r := p.tested(0)
		r.Claims = map[string]string{}
		claims, _ := v.Backend.Value["claims"].(map[string]any)
		for name, value := range claims {
			r.Claims[name] = plainText(value)
		}
		return r
	}
	p.called = out.Kind != NotInvoked || out.Called
	p.logCall(out)
	result, f := p.accept(out)
	if f != nil {
		return p.tested(p.failed(out, f).Status)
	}
	p.logf("Successfully completed authorizer execution")
	r := p.tested(0)
	r.PrincipalID = result.principal
	if text, err := json.Marshal(result.doc); err == nil && result.doc != nil {
		r.Policy = string(text)
	}
	return r
}

func (p *Pending) tested(status int) TestResult {
	log := strings.Join(append([]string{"Execution log for request " + p.req.ID}, p.log...), "\n")
	return TestResult{ClientStatus: status, Log: log, AuthorizerCalled: p.called, Authorization: p.authorization()}
}

// authorization is the map of identity sources with their values. That it holds these
// is inferred: AWS says no more of it than that it is a map of lists.
func (p *Pending) authorization() map[string][]string {
	m := map[string][]string{}
	for i := range p.values {
		s := &p.route.auth.sources[i]
		m[s.name] = []string{p.values[i]}
	}
	return m
}
