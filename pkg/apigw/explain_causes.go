package apigw

import (
	"slices"
	"strings"
)

// cause is a row of the table.
type cause struct {
	Cause
	match func(*answer) bool
	token bool // what the token's claims say bears on it
	// request says that it goes by what was sent, so that it is not sure where that
	// is not known.
	request bool
}

// causeTable is every cause, the more certain ones first. It is made anew each
// time: a program that explains nothing pays nothing for it.
func causeTable() []cause {
	var all []cause
	for _, rows := range [][]cause{
		betweenCauses(), routeCauses(), tokenCauses(), jwtCauses(), denialCauses(), authorizerCauses(), keyCauses(),
		requestCauses(), backendCauses(), elsewhereCauses(),
	} {
		all = append(all, rows...)
	}
	return all
}

// The rows name REST gateway responses by their type where there is one, so that
// customised ones are recognised, too, and otherwise go by what was captured or is
// documented: reference pages of AWS on gateway responses, HTTP API JWT authorizers
// and the knowledge center's pages on 401 and 403.

func routeCauses() []cause {
	const missing = "Missing Authentication Token"
	return []cause{
		{
			Cause: Cause{
				ID: "no-route", Who: ByGateway, Sure: true,
				Meaning: "This stage has no method for {request}: in spite of its text, the answer does not speak of your token.",
				Next:    "Check stage, path and method, behind a domain its API mapping, behind CloudFront the origin path, and that the API was deployed after the last change; with AWS_IAM on the method it also means that the request is not signed.",
			},
			match: func(a *answer) bool {
				return a.is(MissingAuthenticationToken) || a.Status == 403 && a.says(missing)
			},
		},
		{
			Cause: Cause{
				ID: "no-route-with-token", Who: ByGateway, Sure: true,
				Meaning: "This stage has no method for {request}; the gateway then takes the Authorization header for an AWS signature and complains about its form.",
				Next:    "Check stage, path and method, and that the API was deployed after the last change; with AWS_IAM on the method it means that it wants a signature, not a token.",
			},
			match: func(a *answer) bool {
				return a.Status == 403 && (a.errorType == "IncompleteSignatureException" || a.says("(missing equal-sign) in Authorization header") ||
					a.says("Authorization header requires 'Credential' parameter"))
			},
		},
		{
			Cause: Cause{
				ID: "http-no-route", Who: ByGateway,
				Meaning:  "The HTTP API has no route for {request} and no $default.",
				Next:     "Check the path, its stage and the API mapping; a slash at the end makes another path.",
				Inferred: "status and body of a missing route in HTTP APIs",
			},
			match: func(a *answer) bool { return a.Status == 404 && a.http && a.words("Not Found") },
		},
		{
			Cause: Cause{
				ID: "resource-not-found", Who: ByGateway, Sure: true,
				Meaning:  "The gateway let the caller in and then found no resource for {request}.",
				Next:     "Check the path and that the API was deployed after the last change.",
				Inferred: "the error type, nor when this response is given",
			},
			match: func(a *answer) bool { return a.is(ResourceNotFound) },
		},
		{
			Cause: Cause{
				ID: "uri-too-long", Who: ByGateway, Sure: true,
				Meaning:  "The method ARN, which holds the whole path, is longer than the 1600 bytes that can be authorized.",
				Next:     "Move the long part of the path into the query or the body.",
				Inferred: "body and error type of the 414",
			},
			match: func(a *answer) bool { return a.Status == 414 && a.says("Request URI too long") },
		},
		{
			Cause: Cause{
				ID: "no-upgrade", Who: ByGateway,
				Meaning:  "This is a WebSocket API, and the request is no WebSocket handshake.",
				Next:     "Connect with a WebSocket client, such as wscat, to the address that begins with wss:.",
				Inferred: "the status 426",
			},
			match: func(a *answer) bool { return a.Status == 426 && a.rest },
		},
	}
}

// unauthorized is the 401 of a REST or WebSocket API.
func unauthorized(a *answer) bool {
	return a.Status == 401 && a.errorType == "UnauthorizedException" || a.is(Unauthorized) ||
		a.Status == 401 && a.rest && a.errorType == "" && a.message == "Unauthorized"
}

func tokenCauses() []cause {
	return []cause{
		{
			Cause: Cause{
				ID: "preflight", Who: ByGateway,
				Meaning: "This is the browser's question before the real request (OPTIONS): it never has a token, so that a route with an authorizer refuses it, and the page gets a CORS error.",
				Next:    "Give {request} a method OPTIONS without an authorizer, or let API Gateway answer it: CORS in the settings of the API.",
			},
			match: func(a *answer) bool { return a.Preflight && a.gateway() && (a.Status == 401 || a.Status == 403) },
		},
		{
			Cause: Cause{
				ID: "token-expired", Who: ByGateway, Sure: true,
				Meaning: "The token has expired.", Next: "Get a fresh one: gatepass login, or gatepass token.",
				Inferred: "the text, which was reported for Cognito user pools",
			},
			match: func(a *answer) bool { return a.Status == 401 && a.says("The incoming token has expired") }, token: true,
		},
		{
			Cause: Cause{
				ID: "missing-token", Who: ByGateway, Sure: true,
				Meaning: "The header {header} was missing or empty, so the authorizer was not called.",
				Next:    "Send a token in {header}; if the API takes it from another header, set that (api.send in the settings).",
			},
			match: func(a *answer) bool { return unauthorized(a) && a.Authorization == "" }, request: true,
		},
		{
			Cause: Cause{
				ID: "authorizer-unauthorized", Who: ByAuthorizer,
				Meaning: "The authorizer said Unauthorized about the token that was sent in {header}.",
				Next:    "See whether the token is still good and meant for this API: gatepass decode --verify; then gatepass authorize {request}.",
			},
			match: func(a *answer) bool { return unauthorized(a) && a.tokenSent() }, token: true,
		},
		{
			Cause: Cause{
				ID: "token-not-sent-there", Who: ByGateway,
				Meaning: "The API takes its token from another header than {header}, or its validation expression does not match the value as a whole; then the authorizer was not called.",
				Next:    "Look at the authorizer's token source and token validation in the console: some APIs want the bare token, some \"Bearer \" before it.",
			},
			match: func(a *answer) bool { return unauthorized(a) && a.tokenSent() },
		},
		{
			Cause: Cause{
				ID: "token-taken-off", Who: ByBetween,
				Meaning: "CloudFront took the Authorization header off: a distribution of your own does that for GET and HEAD unless its origin request policy or cache policy names the header.",
				Next:    "Let the distribution forward Authorization, or call the API's execute-api address to compare.",
			},
			match: func(a *answer) bool { return a.Status == 401 && a.tokenSent() && a.cloudFrontPassed() },
		},
		{
			Cause: Cause{
				ID: "http-missing-source", Who: ByGateway,
				Meaning: "An identity source of the HTTP API's authorizer was missing, so it was not called.",
				Next:    "Send everything the authorizer's identity sources name, among them {header}.",
			},
			match: func(a *answer) bool { return httpUnauthorized(a) && !a.tokenSent() },
		},
		{
			Cause: Cause{
				ID: "http-unauthorized", Who: ByAuthorizer,
				Meaning:  "An identity source of the HTTP API's authorizer was missing, or the authorizer said Unauthorized.",
				Next:     "Send everything the identity sources name, then try gatepass authorize {request}.",
				Inferred: "that the error Unauthorized of a function is a 401 in HTTP APIs, which was reported",
			},
			match: func(a *answer) bool { return httpUnauthorized(a) && a.tokenSent() }, token: true,
		},
	}
}

// tokenSent reports whether a token was sent, or may have been.
func (a *answer) tokenSent() bool { return a.Authorization != "" || a.RequestUnknown }

// httpUnauthorized is the 401 of an HTTP API whose authorizer is no JWT authorizer.
func httpUnauthorized(a *answer) bool {
	return a.Status == 401 && a.http && a.challenge == "" && a.words("Unauthorized")
}

// cloudFrontPassed reports whether the answer came through CloudFront and the
// request is one that it changes (CloudFront: "Request and response behavior for
// custom origins", Authorization).
func (a *answer) cloudFrontPassed() bool {
	return slices.Contains([]string{"", "GET", "HEAD"}, a.Method) && a.gateway() &&
		(strings.Contains(a.via, "cloudfront") || a.field("x-amz-cf-id") != "") &&
		(a.TokenHeader == "" || strings.EqualFold(a.TokenHeader, "Authorization"))
}

// jwtCauses are those of JWT authorizers, which only HTTP APIs have, and which tell in www-authenticate (RFC 6750
// section 3). The texts were captured; those of other failures are not known.
func jwtCauses() []cause {
	refused := func(text string) func(*answer) bool {
		return func(a *answer) bool {
			return a.Status == 401 && a.http && strings.Contains(a.challenge, `error="invalid_token"`) && strings.Contains(a.challenge, text)
		}
	}
	return []cause{
		{
			Cause: Cause{
				ID: "jwt-missing", Who: ByGateway, Sure: true,
				Meaning: "The JWT authorizer found no token where it looks for one.",
				Next:    "Send the token in the header or query parameter of the authorizer's identity source; here it was looked for in {header}.",
			},
			match: func(a *answer) bool {
				return a.Status == 401 && a.http && a.challenge == "Bearer" && a.words("Unauthorized")
			},
		},
		{
			Cause: Cause{
				ID: "jwt-expired", Who: ByGateway, Sure: true,
				Meaning: "The JWT authorizer refused the token: it has expired.",
				Next:    "Get a fresh one: gatepass login, or gatepass token. API Gateway gives no leeway, so that clocks matter.",
			},
			match: refused("the token has expired"), token: true,
		},
		{
			Cause: Cause{
				ID: "jwt-audience", Who: ByGateway, Sure: true,
				Meaning: "The JWT authorizer refused the token: its audience is none of the authorizer's.",
				Next:    "Compare aud of the token (gatepass decode) with the audience of the authorizer; client_id counts only in a token without aud.",
			},
			match: refused("does not have a valid audience"), token: true,
		},
		{
			Cause: Cause{
				ID: "jwt-malformed", Who: ByGateway, Sure: true,
				Meaning: "What was sent as the token is no JWT: {description}.",
				Next:    "Send the bare token, or \"Bearer \" and the token; opaque access tokens cannot be checked by a JWT authorizer.",
			},
			match: refused("invalid number of segments"),
		},
		{
			Cause: Cause{
				ID: "jwt-algorithm", Who: ByGateway, Sure: true,
				Meaning: "The JWT authorizer does not take the token's algorithm: {description}.",
				Next:    "Sign tokens with RS256, RS384 or RS512: HTTP APIs take no others.",
			},
			match: refused("signing method "),
		},
		{
			Cause: Cause{
				ID: "jwt-refused", Who: ByGateway, Sure: true,
				Meaning:  "The JWT authorizer refused the token: {description}.",
				Next:     "Compare issuer, audience and dates of the token with the authorizer's settings: gatepass decode --verify. The issuer must be equal to the last slash.",
				Inferred: "the descriptions for issuer, key, signature and dates",
			},
			match: refused(""), token: true,
		},
		{
			Cause: Cause{
				ID: "jwt-scope", Who: ByGateway, Sure: true,
				Meaning: "The token is good but has none of the scopes the route asks for: {description}.",
				Next:    "Ask for one of them at login (--scope), or take the scopes off the route.",
			},
			match: func(a *answer) bool {
				return a.Status == 403 && a.http && strings.Contains(a.challenge, `error="insufficient_scope"`)
			}, token: true,
		},
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
	deny := func(match func(*answer) bool) func(*answer) bool {
		return func(a *answer) bool { return match(a) && a.says("explicit deny") }
	}
	return []cause{
		{
			Cause: Cause{
				ID: "explicit-deny", Who: ByAuthorizer, Sure: true,
				Meaning: "The token is good; a Deny statement of the policy the authorizer returned (or of the resource policy) matches {request}.",
				Next:    "gatepass authorize {request} names the statement.",
			},
			match: deny(user),
		},
		{
			Cause: Cause{
				ID: "implicit-deny", Who: ByAuthorizer, Sure: true,
				Meaning: "The token is good, but no Allow statement of the policy the authorizer returned matches {request}.",
				Next:    "gatepass authorize {request} shows why. If other routes work with this token, the policy is probably cached for the first route's ARN alone: let the authorizer allow all routes the caller may use, or set its TTL to 0.",
			},
			match: user,
		},
		{
			Cause: Cause{
				ID: "resource-policy-deny", Who: ByGateway, Sure: true,
				Meaning: "The API's resource policy denies the request explicitly; the authorizer was not called.",
				Next:    "Look at its Deny statements: most often they name IP ranges or VPC endpoints.",
			},
			match: deny(anonymous),
		},
		{
			Cause: Cause{
				ID: "resource-policy", Who: ByGateway, Sure: true,
				Meaning: "The API's resource policy does not allow the request.",
				Next:    "Let it allow execute-api:Invoke for this caller, stage and method, and deploy the API again: changes count from the next deployment.",
			},
			match: anonymous,
		},
		{
			Cause: Cause{
				ID: "iam-explicit-deny", Who: ByGateway, Sure: true,
				Meaning: "The method asks for AWS credentials, and a Deny statement of the principal's policies or of the API's denies the call.",
				Next:    "Find the Deny for execute-api:Invoke on this ARN: policies of the principal, its boundary, its organisation, the API's resource policy.",
			},
			match: deny(named),
		},
		{
			Cause: Cause{
				ID: "iam-deny", Who: ByGateway, Sure: true,
				Meaning: "The method asks for AWS credentials, and the policies of this principal or of the API do not allow the call.",
				Next:    "Allow execute-api:Invoke on this ARN; a caller of another account needs it in the resource policy too.",
			},
			match: named,
		},
		{
			Cause: Cause{
				ID: "denied", Who: ByAuthorizer,
				Meaning: "Access was denied by a policy: the authorizer's, the API's resource policy or the caller's own; the answer does not say which, as its text is customised or was not saved.",
				Next:    "gatepass authorize {request} shows what the authorizer's policy says.",
			},
			match: func(a *answer) bool { return a.is(AccessDenied) && !named(a) && !user(a) && a.challenge == "" },
		},
		{
			Cause: Cause{
				ID: "http-forbidden", Who: ByAuthorizer,
				Meaning:  "The HTTP API's authorizer did not allow the request: isAuthorized is false, or its policy does not allow {request}. With AWS_IAM it means that the request is not signed or not allowed.",
				Next:     "gatepass authorize {request}. HTTP APIs do not tell explicit and implicit denials apart, and reuse a cached answer for every route.",
				Inferred: "the status 403 of HTTP APIs",
			},
			match: func(a *answer) bool {
				return a.Status == 403 && a.http && a.challenge == "" && a.words("Forbidden")
			},
		},
	}
}
