// Package apigwtest reads conformance cases of API Gateway and checks what was
// observed against them, through whatever door the decision was made: the core, the
// local gateway, the command line. It is for tests only.
//
// A case file holds one JSON object a line: id, area, authorizer_type, config,
// request_or_event, authorizer_output, expected, evidence, source, note. Empty lines
// and lines that begin with # or // are comments. A case that says something of the
// configuration or the request that is not known here is left out; one that expects
// something that is not known is checked for the rest and counted apart.
package apigwtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/apigw"
)

// Now is the time at which all cases are decided.
func Now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// Case is one conformance case.
type Case struct {
	ID, Kind string // Kind is the authorizer_type
	// API is what Config says, not yet prepared.
	API *apigw.API
	// Prior are the requests made before, in their order; Exchange is the one that
	// Expected is about. It is nil for cases that are about the configuration.
	Prior    []Exchange
	Exchange *Exchange
	Config   Config
	Expected Expected
	// LeftOut says why the case cannot be run, or is empty.
	LeftOut string
	// Unchecked are the members of expected that Check knows nothing of.
	Unchecked []string
}

// Exchange is a request with what the authorizer will say to it.
type Exchange struct {
	Request *apigw.Request
	// TestInvoke says that it is not a request but a test of the authorizer.
	TestInvoke bool
	// Status is what a prior request was answered with.
	Status int

	output *output
	token  *apigw.TokenVerdict
}

// Invoked says that the authorizer is expected to be asked.
func (x *Exchange) Invoked() bool { return x.output != nil || x.token != nil }

// Record is Invoke that notes in o what a client cannot see: that the function
// ran, and with what event.
func (x *Exchange) Record(o *Observed) func(apigw.Event) apigw.Output {
	return func(e apigw.Event) apigw.Output {
		out := x.Invoke(e)
		o.Called = e.Kind != apigw.EventJWT && (out.Kind != apigw.NotInvoked || out.Called)
		o.Event, _ = e.MarshalJSON() // nil fails what is expected of the event
		return out
	}
}

// Invoke is the authorizer of the case.
func (x *Exchange) Invoke(apigw.Event) apigw.Output {
	switch {
	case x.token != nil:
		return apigw.TokenOutput(*x.token)
	case x.output == nil:
		return apigw.TimeoutOutput("the case says that the authorizer is not invoked")
	}
	switch x.output.Kind {
	case "error":
		return apigw.ErrorOutput(x.output.Message)
	case "invoke_failure", "timeout":
		if x.late() {
			return apigw.TimeoutOutput(x.output.Reason)
		}
		return apigw.NotInvokedOutput(x.output.Reason)
	}
	return apigw.ResultOutput(x.output.Value)
}

// late reports whether the function did run and gave no answer in time, of which cases
// may say that it was called or that it was not.
func (x *Exchange) late() bool {
	if x == nil || x.output == nil {
		return false
	}
	slow := regexp.MustCompile(`(?i)\btime[sd]? ?out`)
	return x.output.Kind == "timeout" || x.output.Kind == "invoke_failure" && slow.MatchString(x.output.Reason)
}

// output is authorizer_output: how the function ended, when it was run.
type output struct {
	Kind    string          `json:"kind"` // result, error, invoke_failure or timeout
	Value   json.RawMessage `json:"value"`
	Message string          `json:"errorMessage"`
	Reason  string          `json:"reason"`
}

// readOutput reads authorizer_output; null is a function that is not run.
func readOutput(data []byte) (out *output, err error) {
	if len(data) == 0 {
		return nil, nil
	}
	if err := strict(data, &out); err != nil {
		return nil, fmt.Errorf("authorizer_output: %w", err)
	}
	if out != nil && !slices.Contains([]string{"result", "error", "invoke_failure", "timeout"}, out.Kind) {
		return nil, fmt.Errorf("authorizer_output: unknown kind %q", out.Kind)
	}
	return out, nil
}

// Config is config.
type Config struct {
	API           string     `json:"api"`
	Stage         string     `json:"stage"`
	Region        string     `json:"region"`
	Partition     string     `json:"partition"`
	Account       string     `json:"account"`
	APIID         string     `json:"apiId"`
	Source        oneOrMany  `json:"identitySource"`
	Expression    string     `json:"identityValidationExpression"`
	TTL           *number    `json:"ttl"`
	Credentials   string     `json:"authorizerCredentials"`
	Methods       []string   `json:"methods"`
	Resource      string     `json:"resource"`
	Route         string     `json:"route"`
	Type          string     `json:"type"`
	Authorization string     `json:"authorizationType"`
	CrossAccount  bool       `json:"crossAccount"`
	KeyRequired   bool       `json:"apiKeyRequired"`
	KeySource     string     `json:"apiKeySource"`
	PlanKeys      []string   `json:"planKeys"`
	WAFBlocks     bool       `json:"wafBlocks"`
	Payload       string     `json:"payloadFormatVersion"`
	Simple        bool       `json:"enableSimpleResponses"`
	Integration   string     `json:"integration"`
	Backend       string     `json:"payloadFormat"`
	Template      string     `json:"template"`
	AccessLog     string     `json:"accessLog"`
	JWT           *jwtConfig `json:"jwt"`
	RouteScopes   []string   `json:"routeScopes"`
	Scopes        []string   `json:"scopes"`
	Audiences     number     `json:"audience_count"`
	ScopeCount    number     `json:"routeScopes_count"`
	Response      string     `json:"gatewayResponseType"`

	StageVariables map[string]string         `json:"stageVariables"`
	ResourcePolicy json.RawMessage           `json:"resourcePolicy"`
	Responses      map[string]customResponse `json:"gatewayResponses"`
	Prior          []priorRequest            `json:"prior_requests"`
}

// jwtConfig is the one issuer of an HTTP API's authorizer, or what CloudFormation
// has for a REST API's.
type jwtConfig struct {
	Issuer     string     `json:"issuer"`
	Audience   oneOrMany  `json:"audience"`
	Algorithms []string   `json:"algorithms"`
	Defaults   []string   `json:"defaultAlgorithms"`
	Issuers    []jwtTrust `json:"issuers"`
}

// jwtTrust is one of several issuers.
type jwtTrust struct {
	Issuer    string    `json:"issuer"`
	Audiences oneOrMany `json:"audiences"`
	Claims    []struct {
		Name     string   `json:"claimName"`
		Format   string   `json:"format"`
		Values   []string `json:"expectedValues"`
		Required bool     `json:"required"`
	} `json:"additionalClaims"`
}

type customResponse struct {
	Status    number            `json:"statusCode"`
	Headers   map[string]string `json:"responseParameters"`
	Templates map[string]string `json:"responseTemplates"`
}

type priorRequest struct {
	Request *request        `json:"request"`
	Output  json.RawMessage `json:"authorizer_output"`
	Status  number          `json:"status"`
	Ago     *number         `json:"seconds_ago"`
}

// request is request_or_event.
type request struct {
	Operation string               `json:"operation"`
	Method    string               `json:"method"`
	Path      string               `json:"path"`
	PathQuery string               `json:"pathWithQueryString"`
	Headers   map[string]oneOrMany `json:"headers"`
	Many      map[string]oneOrMany `json:"multiValueHeaders"`
	Query     map[string]oneOrMany `json:"query"`
	Body      string               `json:"body"` // which no authorizer sees
	SourceIP  string               `json:"sourceIp"`
	Address   string               `json:"source_ip"` // the same
	Route     string               `json:"route"`
	Connected bool                 `json:"connected"`
	Token     json.RawMessage      `json:"token"`
	Prefix    string               `json:"token_prefix"`
	TokenIn   string               `json:"token_in"`
	Policy    json.RawMessage      `json:"identityPolicy"`

	StageVariables map[string]string `json:"stageVariables"` // of TestInvokeAuthorizer
}

// oneOrMany is a string or a list of strings; null is none.
type oneOrMany []string

// UnmarshalJSON reads either form.
func (o *oneOrMany) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*[]string)(o))
	}
	var s *string
	if err := json.Unmarshal(data, &s); err != nil || s == nil {
		return err
	}
	*o = oneOrMany{*s}
	return nil
}

// number is an integer, which may be written as a string.
type number int

// UnmarshalJSON reads either form.
func (n *number) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(bytes.Trim(data, `"`), (*int)(n))
}

// Expected is expected. What is nil or absent is not asserted.
type Expected struct {
	Status     *number `json:"status"`
	Message    *string `json:"message"`
	Legacy     *string `json:"message_legacy"`
	MessageKey string  `json:"message_key"`
	ErrorType  *string `json:"error_type"`
	Body       *string `json:"body"`
	Length     *number `json:"content_length"`
	Challenge  *string `json:"www_authenticate"`

	BackendCalled    *bool   `json:"backend_called"`
	AuthorizerCalled *bool   `json:"authorizer_called"`
	Result           string  `json:"result"`
	ConfigValid      *bool   `json:"config_valid"`
	ClientStatus     *number `json:"clientStatus"`
	Log              string  `json:"log_contains"`
	CloudWatch       *bool   `json:"cloudwatch_log"`
	DefaultTemplate  string  `json:"default_template"`
	AccessLog        string  `json:"access_log"`
	AccessLogError   string  `json:"access_log_error"`
	IntegrationBody  string  `json:"integration_body"`

	Event      json.RawMessage            `json:"authorizer_event"`
	EventHas   map[string]json.RawMessage `json:"authorizer_event_has"`
	EventLacks []string                   `json:"authorizer_event_lacks"`

	Context      json.RawMessage            `json:"backend_context"`
	ContextAt    string                     `json:"backend_context_at"`
	ContextKeys  []string                   `json:"backend_keys"`
	ClaimsHas    map[string]json.RawMessage `json:"backend_claims_subset"`
	ClaimsAbsent []string                   `json:"backend_claims_absent"`
}

// line is one line of a case file.
type line struct {
	ID        string          `json:"id"`
	Area      string          `json:"area"`
	Type      string          `json:"authorizer_type"`
	Config    json.RawMessage `json:"config"`
	Request   json.RawMessage `json:"request_or_event"`
	Output    json.RawMessage `json:"authorizer_output"`
	Expected  json.RawMessage `json:"expected"`
	Evidence  string          `json:"evidence"`
	Source    string          `json:"source"`
	Note      string          `json:"note"`
	Reference json.RawMessage `json:"reference"`
}

// Read reads a case file. A line that is no case becomes one that is left out.
func Read(r io.Reader) ([]*Case, error) {
	var all []*Case
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16<<20)
	for n := 1; s.Scan(); n++ {
		text := bytes.TrimSpace(bytes.TrimPrefix(s.Bytes(), []byte("\uFEFF")))
		if len(text) == 0 || text[0] == '#' || bytes.HasPrefix(text, []byte("//")) {
			continue
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			all = append(all, &Case{ID: fmt.Sprintf("line %d", n), LeftOut: err.Error()})
			continue
		}
		all = append(all, l.read())
	}
	return all, s.Err()
}

// strict decodes JSON and refuses members it does not know: a case that says more
// than is checked must not pass.
func strict(data []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// unknown are the members of a JSON object that a struct has no field for.
func unknown(data []byte, of any) []string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(data, &members) // what is no object has no members
	for f := range reflect.TypeOf(of).Fields() {
		delete(members, f.Tag.Get("json"))
	}
	return slices.Sorted(maps.Keys(members))
}

func (l *line) read() *Case {
	c := &Case{ID: l.ID, Kind: l.Type}
	if err := l.fill(c); err != nil {
		c.LeftOut = err.Error()
	}
	return c
}

func (l *line) fill(c *Case) error {
	if err := strict(l.Config, &c.Config); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	if err := json.Unmarshal(l.Expected, &c.Expected); err != nil {
		return fmt.Errorf("expected: %w", err)
	}
	c.Unchecked = unknown(l.Expected, c.Expected)
	var r *request
	if len(l.Request) > 0 {
		if err := strict(l.Request, &r); err != nil {
			return fmt.Errorf("request_or_event: %w", err)
		}
	}
	var err error
	if c.API, err = c.api(r); err != nil || r == nil {
		return err
	}
	if len(r.StageVariables) > 0 {
		c.API.StageVariables = r.StageVariables
	}
	if c.Exchange, err = c.exchange(r, l.Output, Now()); err != nil {
		return err
	}
	for _, p := range c.Config.Prior {
		ago := number(1)
		if p.Ago != nil {
			ago = *p.Ago
		}
		x, err := c.exchange(p.Request, p.Output, Now().Add(-time.Duration(ago)*time.Second))
		if err != nil {
			return err
		}
		x.Status = int(p.Status)
		c.Prior = append(c.Prior, *x)
	}
	return nil
}

// routeMissing reports whether a case is about a route that is not there. Cases name
// no routes unless they must: the answer then tells.
func (e *Expected) routeMissing() bool {
	is := func(s *string, want string) bool { return s != nil && strings.Contains(*s, want) }
	return is(e.ErrorType, "MissingAuthenticationToken") || is(e.ErrorType, "IncompleteSignature") ||
		is(e.Message, "missing equal-sign") || is(e.Message, "Not Found")
}
