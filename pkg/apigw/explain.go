package apigw

import (
	"encoding/json"
	"strings"
)

// Seen is a response as it came over the network, with what is known of the
// request.
type Seen struct {
	Method, Path string
	// Authorization is the value sent in the header the API takes the token from,
	// empty when none was sent; TokenHeader is that header's name.
	TokenHeader, Authorization string
	APIKeySent                 bool

	Status int
	Header map[string][]string
	Body   []byte // its beginning is enough
}

// Cause is one explanation of a refusal.
type Cause struct {
	ID      string `json:"id"`
	Meaning string `json:"meaning"` // what it means, a sentence
	Next    string `json:"next"`    // what to do next, a sentence
	// Sure says that nothing else gives this answer.
	Sure bool `json:"sure"`
}

// ExplainResponse names the likely causes of a refusal, the best first: one alone
// when it is sure. Nothing for an answer that is no refusal.
func ExplainResponse(s Seen) []Cause {
	if s.Status < 400 {
		return nil
	}
	a := s.read()
	var all []Cause
	for _, r := range causeTable() {
		if !r.match(a) {
			continue
		}
		c := a.fill(r.Cause)
		if c.Sure && len(all) == 0 {
			return []Cause{c}
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		all = append(all, a.fill(unknownRefusal()))
	}
	return all
}

// Causes is the whole table.
func Causes() []Cause {
	var all []Cause
	for _, r := range causeTable() {
		all = append(all, r.Cause)
	}
	return append(all, unknownRefusal())
}

// unknownRefusal is for a refusal of the gateway that no row knows.
func unknownRefusal() Cause {
	return Cause{
		ID: "refused", Meaning: "API Gateway refused the request; its message says more.",
		Next: "Compare with gatepass authorize {request}, and look at the API's execution log.",
	}
}

// answer is a response with its signs read.
type answer struct {
	*Seen
	errorType string // x-amzn-ErrorType
	message   string // of a JSON body, else the body's beginning
	isNull    bool   // the message is null
	rest      bool   // an id of REST and WebSocket APIs is there
	http      bool   // the id of HTTP APIs is there
	challenge string
	server    string
}

// maxExplained is how much of a body is looked at.
const maxExplained = 64 << 10

func (s *Seen) read() *answer {
	request := Request{Header: s.Header}
	get := func(name string) string { return last(request.header(canonical(name))) }
	a := &answer{Seen: s, challenge: get("www-authenticate"), server: get("server") + " " + get("x-cache")}
	a.errorType, _, _ = strings.Cut(get("x-amzn-errortype"), ":")
	a.rest = get("x-amz-apigw-id") != "" || a.errorType != ""
	a.http = get("apigw-requestid") != ""
	a.readBody(s.Body[:min(len(s.Body), maxExplained)])
	return a
}

func (a *answer) readBody(body []byte) {
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		a.message = string(body)
		return
	}
	for key, value := range members {
		if strings.EqualFold(key, "message") {
			a.message, _ = value.(string)
			a.isNull = value == nil
			return
		}
	}
}

func (a *answer) says(text string) bool { return strings.Contains(a.message, text) }

// fill puts the request into the words of a cause.
func (a *answer) fill(c Cause) Cause {
	header := a.TokenHeader
	if header == "" {
		header = "Authorization"
	}
	method, path := a.Method, a.Path
	if method == "" {
		method = "GET"
	}
	if path == "" {
		path = "/"
	}
	r := strings.NewReplacer("{request}", method+" "+path, "{header}", header, "{description}", a.description())
	c.Meaning, c.Next = r.Replace(c.Meaning), r.Replace(c.Next)
	return c
}

// description is the error_description of the www-authenticate header.
func (a *answer) description() string {
	_, rest, _ := strings.Cut(a.challenge, `error_description="`)
	text, _, _ := strings.Cut(rest, `"`)
	if text == "" {
		return "no reason is given"
	}
	return cut(text)
}

// cause is a row of the table.
type cause struct {
	Cause
	match func(*answer) bool
}

func row(id string, sure bool, match func(*answer) bool, meaning, next string) cause {
	return cause{Cause{ID: id, Meaning: meaning, Next: next, Sure: sure}, match}
}

// causeTable is every cause, the more certain ones first.
func causeTable() []cause {
	var all []cause
	for _, rows := range [][]cause{routeCauses(), tokenCauses(), denialCauses(), otherCauses(), backendCauses()} {
		all = append(all, rows...)
	}
	return all
}

func routeCauses() []cause {
	return []cause{
		row(
			"no-route", true, func(a *answer) bool {
				return a.Status == 403 && (a.errorType == "MissingAuthenticationTokenException" || a.says("Missing Authentication Token"))
			},
			"No method and path {request} is deployed in this stage: in spite of its text, the answer does not speak of your token.",
			"Check stage, path and method, and that the API was deployed after the last change; with AWS_IAM on the method it also means that the request is not signed.",
		),
		row(
			"no-route-with-token", true, func(a *answer) bool {
				return a.Status == 403 && (a.errorType == "IncompleteSignatureException" || a.says("(missing equal-sign) in Authorization header"))
			},
			"No method and path {request} is deployed in this stage; the gateway then takes the Authorization header for an AWS signature and complains about its form.",
			"Check stage, path and method, and that the API was deployed after the last change; with AWS_IAM on the method it means that it wants a signature, not a token.",
		),
		row(
			"http-no-route", true, func(a *answer) bool { return a.Status == 404 && a.http && a.message == "Not Found" },
			"The HTTP API has no route for {request} and no $default.",
			"Check the path, its stage and the API mapping; a slash at the end makes another path.",
		),
		row(
			"uri-too-long", true, func(a *answer) bool { return a.Status == 414 && (a.rest || a.says("Request URI too long")) },
			"The method ARN, which holds the whole path, is longer than the 1600 bytes that can be authorized.",
			"Move the long part of the path into the query or the body.",
		),
	}
}

func tokenCauses() []cause {
	unauthorized := func(a *answer) bool {
		return a.Status == 401 && (a.errorType == "UnauthorizedException" || a.rest && a.message == "Unauthorized")
	}
	expired := func(a *answer) bool { return a.Status == 401 && a.says("The incoming token has expired") }
	httpPlain := func(a *answer) bool {
		return a.Status == 401 && a.http && a.challenge == "" && a.message == "Unauthorized"
	}
	return []cause{
		row(
			"token-expired", true, expired,
			"The token has expired.", "Get a fresh one: gatepass login, or gatepass token.",
		),
		row(
			"jwt-missing", true, func(a *answer) bool { return a.Status == 401 && a.challenge == "Bearer" && a.message == "Unauthorized" },
			"The JWT authorizer found no token where it looks for one.",
			"Send the token in the header or query parameter of the authorizer's identity source; here it was looked for in {header}.",
		),
		row(
			"jwt-refused", true, func(a *answer) bool { return a.Status == 401 && strings.Contains(a.challenge, `error="invalid_token"`) },
			"The JWT authorizer refused the token: {description}.",
			"Compare issuer, audience and dates of the token with the authorizer's settings: gatepass decode --verify. The issuer must be equal to the last slash.",
		),
		row(
			"jwt-scope", true, func(a *answer) bool {
				return a.Status == 403 && strings.Contains(a.challenge, `error="insufficient_scope"`)
			},
			"The token is good but has none of the scopes the route asks for: {description}.",
			"Ask for one of them at login (--scope), or take the scopes off the route.",
		),
		row(
			"missing-token", true, func(a *answer) bool { return unauthorized(a) && a.Authorization == "" },
			"The header {header} was missing or empty, so the authorizer was not called.",
			"Send a token in {header}; if the API takes it from another header, set that (api.send in the settings).",
		),
		row(
			"authorizer-unauthorized", false, unauthorized,
			"The authorizer said Unauthorized about the token that was sent in {header}.",
			"See whether the token is still good and meant for this API: gatepass decode --verify; then gatepass authorize {request}.",
		),
		row(
			"token-not-sent-there", false, unauthorized,
			"Or the API takes its token from another header than {header}, or its validation expression does not match the value as a whole; then the authorizer was not called.",
			"Look at the authorizer's token source and token validation in the console: some APIs want the bare token, some \"Bearer \" before it.",
		),
		row(
			"http-missing-source", false, func(a *answer) bool { return httpPlain(a) && a.Authorization == "" },
			"An identity source of the HTTP API's authorizer was missing, so it was not called.",
			"Send everything the authorizer's identity sources name, among them {header}.",
		),
		row(
			"http-unauthorized", false, func(a *answer) bool { return httpPlain(a) && a.Authorization != "" },
			"An identity source of the HTTP API's authorizer was missing, or the authorizer said Unauthorized.",
			"Send everything the identity sources name, then try gatepass authorize {request}.",
		),
	}
}

func denialCauses() []cause {
	user := func(a *answer) bool {
		return a.Status == 403 && a.says("User is not authorized to access this resource")
	}
	named := func(a *answer) bool {
		return a.Status == 403 && a.says("is not authorized to perform: execute-api:Invoke")
	}
	anonymous := func(a *answer) bool { return named(a) && a.says("User: anonymous") }
	return []cause{
		row(
			"explicit-deny", true, func(a *answer) bool { return user(a) && a.says("explicit deny") },
			"The token is good; a Deny statement of the policy the authorizer returned (or of the resource policy) matches {request}.",
			"gatepass authorize {request} names the statement.",
		),
		row(
			"implicit-deny", true, user,
			"The token is good, but no Allow statement of the policy the authorizer returned matches {request}.",
			"gatepass authorize {request} shows why. If other routes work with this token, the policy is probably cached for the first route's ARN alone: let the authorizer allow all routes the caller may use, or set its TTL to 0.",
		),
		row(
			"resource-policy-deny", true, func(a *answer) bool { return anonymous(a) && a.says("explicit deny") },
			"The API's resource policy denies the request explicitly; the authorizer was not called.",
			"Look at its Deny statements: most often they name IP ranges or VPC endpoints.",
		),
		row(
			"resource-policy", true, anonymous,
			"The API's resource policy does not allow the request.",
			"Let it allow execute-api:Invoke for this caller, stage and method, and deploy the API again: changes count from the next deployment.",
		),
		row(
			"iam-deny", true, named,
			"The method asks for AWS credentials, and the policies of this principal or of the API do not allow the call.",
			"Allow execute-api:Invoke on this ARN; a caller of another account needs it in the resource policy too.",
		),
		row(
			"http-forbidden", false, func(a *answer) bool { return a.Status == 403 && a.http && a.message == "Forbidden" },
			"The HTTP API's authorizer did not allow the request: isAuthorized is false, or its policy does not allow {request}.",
			"gatepass authorize {request}. HTTP APIs do not tell explicit and implicit denials apart, and reuse a cached answer for every route.",
		),
	}
}

func otherCauses() []cause {
	status := func(code int) func(*answer) bool { return func(a *answer) bool { return a.Status == code } }
	kind := func(name string) func(*answer) bool { return func(a *answer) bool { return a.errorType == name } }
	forbidden := func(a *answer) bool {
		return a.Status == 403 && !a.http && a.message == "Forbidden" && (a.errorType == "ForbiddenException" || a.errorType == "")
	}
	return []cause{
		row(
			"authorizer-failed", true, func(a *answer) bool {
				return a.errorType == "AuthorizerConfigurationException" || a.errorType == "" && a.Status == 500 && a.rest && a.isNull
			},
			"The authorizer failed: it crashed, ran out of time, may not be invoked, or returned something that is no policy. Its message never reaches the caller.",
			"Look at its own log, and at the API's execution log; gatepass authorize {request} tells what is wrong with its answer. Only the error message Unauthorized, exactly, would be a 401.",
		),
		row(
			"authorizer-failure", true, kind("AuthorizerFailureException"),
			"The gateway could not authenticate the caller with this authorizer.", "Look at the API's execution log.",
		),
		row(
			"http-authorizer-failed", false, func(a *answer) bool { return a.Status == 500 && a.http && a.message == "Internal Server Error" },
			"The HTTP API's authorizer failed or answered in another format than it is set to, or the integration did.",
			"Log $context.authorizer.error and $context.integrationErrorMessage in the access log; gatepass authorize {request} checks the authorizer's answer.",
		),
		row("waf", true, kind("WafFilteredException"), "AWS WAF blocked the request before the API looked at it.", "Look at the web ACL's sampled requests."),
		row(
			"api-key", false, func(a *answer) bool { return forbidden(a) && !a.APIKeySent },
			"The method asks for an API key and none was sent in x-api-key.", "Send one: -H 'x-api-key: …'. It must be in a usage plan of this stage.",
		),
		row(
			"api-key-unknown", false, func(a *answer) bool { return forbidden(a) && a.APIKeySent },
			"The API key is disabled or in no usage plan of this stage.", "Check the key, and that its usage plan names this API and stage.",
		),
		row(
			"forbidden", false, forbidden,
			"Or AWS WAF blocked the request, or the custom domain has no mapping for this path, or the stage does not exist.",
			"Compare with a call to the API's execute-api address; look at the web ACL's sampled requests.",
		),
		row("quota", true, func(a *answer) bool {
			return a.errorType == "LimitExceededException" || a.Status == 429 && a.says("Limit Exceeded")
		},
			"The quota of the API key's usage plan is used up.", "Wait for the next period, or raise the quota."),
		row("throttled", true, func(a *answer) bool {
			return a.Status == 429 && (a.rest || a.http)
		}, "Too many requests for the usage plan, the stage or the account.", "Wait a moment and try again, or raise the rate and burst limits."),
		row("signature", true, func(a *answer) bool {
			return a.errorType == "InvalidSignatureException" || a.errorType == "SignatureDoesNotMatch"
		}, "The AWS signature of the request is wrong.", "Check region, service execute-api, the clock and the credentials."),
		row("credentials-expired", true, kind("ExpiredTokenException"), "The AWS credentials of the signature have expired.", "Get new ones."),
		row("too-large", false, status(413), "The request is larger than the 10 MB that API Gateway takes, or than its backend takes.", "Send less, or upload elsewhere and send a reference."),
		row("bad-request", true, func(a *answer) bool { return a.Status == 400 && a.errorType == "BadRequestException" },
			"The request lacks a parameter, or its body does not fit the model, that the method asks for; authorizer and key were content.",
			"The message names what is missing."),
		row("media-type", true, func(a *answer) bool { return a.Status == 415 && a.rest },
			"The integration has no mapping for this Content-Type.", "Send the type it has a mapping for, most often application/json."),
	}
}

func backendCauses() []cause {
	gateway := func(a *answer) bool { return a.rest || a.http }
	cloudFront := func(a *answer) bool {
		return strings.Contains(strings.ToLower(a.server), "cloudfront") && !gateway(a)
	}
	timeout := func(a *answer) bool { return a.Status == 504 && (a.says("Endpoint request timed out") || a.http) }
	failure := func(a *answer) bool { return a.errorType == "InternalServerErrorException" && !timeout(a) }
	return []cause{
		row("integration-timeout", true, timeout,
			"The request was let through, but the backend did not answer in time.", "Look at the backend: integrations have 29 seconds, in HTTP APIs 30."),
		row("integration-failed", true, failure,
			"The request was let through, but the backend could not be called or its answer is malformed.",
			"Look at the API's execution log; a Lambda proxy must answer {\"statusCode\": …, \"body\": \"…\"}."),
		row("cloudfront", false, cloudFront,
			"CloudFront answered before API Gateway: a wrong host name, no stage in the path, a blocked method or its own WAF.",
			"Check host and path of the URL: execute-api addresses need the stage."),
		row("backend", false, func(a *answer) bool { return gateway(a) && a.errorType == "" },
			"The gateway let the request through: this is most likely the backend's own answer, unless the API customises its gateway responses.",
			"Look at the backend's log; gatepass authorize {request} says what the gateway decided."),
		row("not-the-gateway", false, func(a *answer) bool { return !gateway(a) && !cloudFront(a) },
			"Nothing in the answer is API Gateway's: it comes from the backend, from something in between such as a proxy, or from another server.",
			"Check the host of the URL; look for the headers x-amzn-RequestId and apigw-requestid with -i."),
	}
}
