package apigw

import (
	"gatepass/pkg/policy"
)

// Verdict is what the caller of an API gets, and why.
type Verdict struct {
	// Allowed says that the backend is reached.
	Allowed bool `json:"allowed"`
	// Status is the HTTP status. When Allowed, 200 stands for the backend's own
	// answer and 101 for a WebSocket upgrade; Headers and Body are empty then.
	Status int `json:"status"`
	// Headers are those of the answer, in the spelling of API Gateway.
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	// Response is the type of the gateway response of a refusal by a REST API.
	Response ResponseType `json:"gatewayResponse,omitempty"`
	// ErrorType is the x-amzn-ErrorType of a refusal, or empty.
	ErrorType string `json:"errorType,omitempty"`

	// AuthorizerCalled says that a Lambda authorizer ran for this request. BackendCalled is
	// Allowed under the name it has in JSON.
	AuthorizerCalled bool `json:"authorizerCalled"`
	BackendCalled    bool `json:"backendCalled"`
	// Cached says that a cached result decided.
	Cached bool `json:"cached,omitempty"`

	// ARN is the method or route ARN that was decided about. Resource is the path
	// template of the route, RouteKey its key in HTTP and WebSocket APIs.
	ARN      string `json:"arn,omitempty"`
	Resource string `json:"resource,omitempty"`
	RouteKey string `json:"routeKey,omitempty"`
	// Decision is allowed, explicitly-denied or implicitly-denied where policies
	// decided, else empty.
	Decision string `json:"decision,omitempty"`
	// Principal is the principalId the authorizer gave.
	Principal string `json:"principal,omitempty"`
	// Backend is what the backend sees of the authorizer; nil is nothing.
	Backend *Backend `json:"backend,omitempty"`
	// AuthorizerError is $context.authorizer.error: why the authorizer failed.
	AuthorizerError string `json:"authorizerError,omitempty"`

	// Reason is the reason of the step that decided, in a few words.
	Reason string `json:"reason"`
	// Trace is every step that led here. Log is what the execution log of a REST or
	// WebSocket API would say.
	Trace []Step   `json:"trace"`
	Log   []string `json:"log,omitempty"`

	p       *Pending // what templates and logs may name
	message string   // of a refusal
	null    bool     // its message is null
}

// Path is the path that was decided about, and that a backend is to get: the request's,
// less the percent-encoding that it does not need.
func (v *Verdict) Path() string { return v.p.path }

// Step is one step of a decision.
type Step struct {
	Step    StepName `json:"step"`
	Outcome Outcome  `json:"outcome"`
	// Reason is why, in words a person can act on.
	Reason string `json:"reason"`
	// Inferred says what is not documented and decided this answer, or is empty.
	Inferred string `json:"inferred,omitempty"`
	// Document names the policy of a policy step: authorizer, resource or identity.
	Document string `json:"document,omitempty"`
	// Statements are all statements of that policy, with why each matched or not.
	Statements []policy.StatementTrace `json:"statements,omitempty"`
}

// StepName names a step.
type StepName string

// The steps, in their order.
const (
	StepWAF        StepName = "waf"
	StepRoute      StepName = "route"
	StepIdentity   StepName = "identity"
	StepCache      StepName = "cache"
	StepAuthorizer StepName = "authorizer"
	StepPolicy     StepName = "policy"
	StepAPIKey     StepName = "apikey"
	StepBackend    StepName = "backend"
)

// Outcome is how a step ended.
type Outcome string

// The outcomes.
const (
	OutcomeOK      Outcome = "ok"      // found, present, valid
	OutcomeRefused Outcome = "refused" // the answer is decided here: no
	OutcomeAllowed Outcome = "allowed"
	OutcomeDenied  Outcome = "denied"
	OutcomeHit     Outcome = "hit"
	OutcomeMiss    Outcome = "miss"
	OutcomeOff     Outcome = "off"
	OutcomeFailed  Outcome = "failed" // the authorizer failed
	OutcomeSkipped Outcome = "skipped"
	OutcomeReached Outcome = "reached"
)
