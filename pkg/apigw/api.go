package apigw

import (
	"fmt"
	"strings"

	"gatepass/pkg/policy"
)

// Kind is the kind of an API.
type Kind uint8

// The kinds of APIs.
const (
	REST Kind = iota
	HTTP
	WebSocket
)

// String is REST, HTTP or WEBSOCKET.
func (k Kind) String() string { return [...]string{"REST", "HTTP", "WEBSOCKET"}[k] }

// MarshalText is String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// ParseKind reads REST, HTTP or WEBSOCKET in any case.
func ParseKind(s string) (Kind, error) {
	for k := REST; k <= WebSocket; k++ {
		if strings.EqualFold(s, k.String()) {
			return k, nil
		}
	}
	return REST, fmt.Errorf("want REST, HTTP or WEBSOCKET as the kind of API, got %q", cut(s))
}

// AuthorizerType says who decides about a method.
type AuthorizerType uint8

// The types of authorizers.
const (
	AuthToken   AuthorizerType = iota // TOKEN: a Lambda function given the value of one header
	AuthRequest                       // REQUEST: a Lambda function given the request
	AuthCognito                       // COGNITO_USER_POOLS, of REST APIs
	AuthJWT                           // JWT, of HTTP APIs and since 2026-11-17 of REST APIs
	AuthIAM                           // AWS_IAM: the caller signs with AWS credentials
)

// String is TOKEN, REQUEST, COGNITO_USER_POOLS, JWT or AWS_IAM.
func (t AuthorizerType) String() string {
	return [...]string{"TOKEN", "REQUEST", "COGNITO_USER_POOLS", "JWT", "AWS_IAM"}[t]
}

// MarshalText is String.
func (t AuthorizerType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// ParseAuthorizerType reads the name of a type in any case.
func ParseAuthorizerType(s string) (AuthorizerType, error) {
	for t := AuthToken; t <= AuthIAM; t++ {
		if strings.EqualFold(s, t.String()) {
			return t, nil
		}
	}
	return 0, fmt.Errorf("want TOKEN, REQUEST, COGNITO_USER_POOLS, JWT or AWS_IAM as the type of authorizer, got %q", cut(s))
}

// DenialText chooses between the texts of a denial: AWS changed them around 2025.
type DenialText uint8

// The texts.
const (
	CurrentText DenialText = iota // as captured in 2025 and 2026
	LegacyText                    // as AWS documents them still
)

// API is one stage of one API. Fill it in, then call Prepare; after that it must
// not be changed and may be shared among goroutines.
type API struct {
	Kind      Kind
	Partition string // "" is aws
	Region    string
	Account   string
	ID        string
	Stage     string // as deployed; $default is the default stage of an HTTP API

	// Routes are the deployed methods. Nil: every method and path is a route, as
	// Default says.
	Routes []Route
	// Default is how routes are protected when Routes is nil.
	Default Access

	StageVariables map[string]string

	// ResourcePolicy is the resource policy of a REST API, or nil.
	ResourcePolicy *policy.Document
	// APIKeySource says where API keys come from; PlanKeys are the values of the
	// keys in usage plans of the stage.
	APIKeySource APIKeySource
	PlanKeys     []string
	// UsagePlan limits requests with these keys, in REST APIs; nil limits nothing.
	// Throttle is the stage's, for all requests. Deciding does not count: see [Usage].
	UsagePlan *UsagePlan
	Throttle  Throttle
	// Responses are the customised gateway responses of a REST API.
	Responses map[ResponseType]GatewayResponse

	// IntegrationPayload is the payload format of an HTTP API's integrations, "1.0"
	// or "2.0"; "" is 2.0. It shapes what the backend sees.
	IntegrationPayload string
	// Denial chooses the texts of denials.
	Denial DenialText
	// MaskAccount hides the account in the denial texts of resource policies but for
	// its last four digits. Examples on the web have it so; AWS's own do not.
	MaskAccount bool
	// WAFBlocks says that AWS WAF refuses the request.
	WAFBlocks bool
	// JWTDescriptions are error descriptions for failures of JWT authorizers whose
	// text is not known, by the name of the check: malformed, key, signature,
	// issuer, not-before, issued-at, keys-unavailable. A check without one gets no
	// description.
	JWTDescriptions map[string]string

	prepared *prepared
}

// Access is how a route is protected.
type Access struct {
	// Authorizer decides about the route. Nil: it is open.
	Authorizer *Authorizer
	// Scopes are the scopes of which a token must have one, with JWT and Cognito
	// authorizers.
	Scopes []string
	// APIKeyRequired asks for an API key of a usage plan, in REST APIs.
	APIKeyRequired bool
}

// Route is one deployed method of a REST or HTTP API, or one route of a WebSocket
// API.
type Route struct {
	// Method is an HTTP method or ANY. The catch-all route of an HTTP API has the
	// method "$default" and no path; a route of a WebSocket API has its route key
	// here ("$connect", "$default", "sendmessage") and no path.
	Method string
	// Path is a template: /pets/{petId}, /{proxy+}.
	Path string
	Access
}

// Key is the route as AWS writes it: "GET /pets/{petId}", "$default", "$connect".
func (r *Route) Key() string {
	if r.Path == "" {
		return r.Method
	}
	return r.Method + " " + r.Path
}

// APIKeySource says where the API key of a request comes from.
type APIKeySource uint8

// The sources of API keys.
const (
	KeyFromHeader     APIKeySource = iota // HEADER: x-api-key
	KeyFromAuthorizer                     // AUTHORIZER: usageIdentifierKey of the authorizer's answer
)

// Authorizer is one authorizer of an API.
type Authorizer struct {
	// Name tells authorizers of an API apart; cached results belong to it.
	Name string
	Type AuthorizerType
	// IdentitySources are expressions such as method.request.header.Authorization
	// (REST), $request.header.Authorization (HTTP) or route.request.header.Auth
	// (WebSocket). Empty with TOKEN, COGNITO_USER_POOLS and JWT: the Authorization
	// header.
	IdentitySources []string
	// ValidationExpression is a regular expression of Java that the whole value must
	// match, with TOKEN (the header) and COGNITO_USER_POOLS (the aud claim).
	ValidationExpression string
	// TTL is for how many seconds a result is cached, 0 to 3600. Nil is the default:
	// 300 for REST, none for HTTP.
	TTL *int
	// PayloadFormat is 1.0 or 2.0, for the Lambda authorizers of HTTP APIs, where it
	// must be given.
	PayloadFormat string
	// SimpleResponses lets the function of an HTTP API answer {"isAuthorized": …}.
	SimpleResponses bool
	// JWT is whose tokens count, with JWT and COGNITO_USER_POOLS.
	JWT JWTSettings

	// URI and Credentials name the function and the role that invokes it. They only
	// appear in execution logs.
	URI, Credentials string
}

// JWTSettings say whose tokens an authorizer accepts.
type JWTSettings struct {
	// Issuers: exactly one for an HTTP API. For a user pool, its issuers.
	Issuers []JWTIssuer
	// Algorithms are those of a REST API's JWT authorizer; none is RS256. HTTP APIs
	// take RS256, RS384 and RS512.
	Algorithms []string
}

// JWTIssuer is one issuer with its audiences.
type JWTIssuer struct {
	Issuer   string // equal to the iss claim, character by character
	Audience []string
	// Claims are those a token must carry besides, in REST APIs.
	Claims []ClaimRule
}

// ClaimRule is one additional claim of a REST API's JWT authorizer.
type ClaimRule struct {
	Name     string
	Format   string   // as in CloudFormation; its values are not known, it is not interpreted
	Values   []string // any of; none: any value
	Required bool
}
