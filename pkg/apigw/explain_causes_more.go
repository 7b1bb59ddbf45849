package apigw

import "strings"

func authorizerCauses() []cause {
	return []cause{
		{
			Cause: Cause{
				ID: "authorizer-failed", Who: ByAuthorizer, Sure: true,
				Meaning: "The authorizer failed: it crashed, ran out of time, may not be invoked, or returned something that is no policy. Its message never reaches the caller.",
				Next:    "Look at its own log, and at the API's execution log; gatepass authorize {request} tells what is wrong with its answer. Only the error message Unauthorized, exactly, would be a 401.",
			},
			match: func(a *answer) bool {
				return a.is(AuthorizerConfigurationError) || a.errorType == "" && a.Status == 500 && a.rest && a.isNull
			},
		},
		{
			Cause: Cause{
				ID: "authorizer-failure", Who: ByGateway, Sure: true,
				Meaning:  "The gateway could not authenticate the caller with this authorizer.",
				Next:     "Look at the API's execution log.",
				Inferred: "the error type, nor what gives this response",
			},
			match: func(a *answer) bool { return a.is(AuthorizerFailure) },
		},
		{
			Cause: Cause{
				ID: "api-misconfigured", Who: ByGateway, Sure: true,
				Meaning:  "The API itself is not configured right: what the method is set up with cannot be used.",
				Next:     "Look at the API's execution log, and deploy the API again after the correction.",
				Inferred: "the error type, nor what gives this response",
			},
			match: func(a *answer) bool { return a.is(APIConfigurationError) },
		},
		{
			Cause: Cause{
				ID: "http-authorizer-failed", Who: ByAuthorizer,
				Meaning: "The HTTP API's authorizer failed or answered in another format than it is set to, or the integration did.",
				Next:    "Log $context.authorizer.error and $context.integrationErrorMessage in the access log; gatepass authorize {request} checks the authorizer's answer.",
			},
			match: func(a *answer) bool { return a.Status == 500 && a.http && a.words("Internal Server Error") },
		},
		{
			Cause: Cause{
				ID: "connect-failed", Who: ByAuthorizer,
				Meaning:  "The connection was refused because the authorizer of $connect failed or returned something that is no policy, or the integration of $connect did.",
				Next:     "Look at the authorizer's own log, and at the API's execution log; gatepass authorize '$connect' checks the authorizer's answer.",
				Inferred: "the body of a WebSocket API's 500",
			},
			match: func(a *answer) bool {
				return a.Status == 500 && a.rest && a.errorType == "" && a.message == "Internal server error"
			},
		},
	}
}

// forbidden is the 403 of a REST API that says nothing but Forbidden.
func forbidden(a *answer) bool {
	return a.is(InvalidAPIKey) && a.custom != "" ||
		a.Status == 403 && !a.http && a.challenge == "" &&
			(a.errorType == "ForbiddenException" && a.words("Forbidden") || a.errorType == "" && a.message == "Forbidden")
}

// keyCauses are those of API keys, usage plans and what answers like them.
func keyCauses() []cause {
	return []cause{
		{
			Cause: Cause{
				ID: "waf", Who: ByBetween, Sure: true,
				Meaning: "AWS WAF blocked the request before the API looked at it.", Next: "Look at the web ACL's sampled requests.",
				Inferred: "the error type; some captures show ForbiddenException",
			},
			match: func(a *answer) bool { return a.is(WAFFiltered) },
		},
		{
			Cause: Cause{
				ID: "api-key", Who: ByGateway,
				Meaning: "The method asks for an API key and none was sent in x-api-key.",
				Next:    "Put one into GATEPASS_API_KEY, or send it as the header x-api-key; it must be in a usage plan of this stage.",
			},
			match: func(a *answer) bool { return forbidden(a) && !a.APIKeySent && a.wantsKey() },
		},
		{
			Cause: Cause{
				ID: "api-key-unknown", Who: ByGateway,
				Meaning: "The API key is disabled or in no usage plan of this stage.",
				Next:    "Check the key, and that its usage plan names this API and stage.",
			},
			match: func(a *answer) bool { return forbidden(a) && a.APIKeySent && a.wantsKey() },
		},
		{
			Cause: Cause{
				ID: "forbidden", Who: ByGateway,
				Meaning: "AWS WAF blocked the request, or the custom domain has no mapping for this path or asks for a client certificate, or the stage does not exist, or the execute-api address is switched off, or a private API was not called through its VPC endpoint by its own name.",
				Next:    "Compare a call to the API's execute-api address with one to its domain; look at the web ACL's sampled requests.",
			},
			match: forbidden,
		},
		{
			Cause: Cause{
				ID: "quota", Who: ByGateway, Sure: true,
				Meaning: "The quota of the API key's usage plan is used up.", Next: "Wait for the next period, or raise the quota.",
			},
			match: func(a *answer) bool {
				return a.is(QuotaExceededResponse) || a.Status == 429 && a.gateway() && a.says("Limit Exceeded")
			},
		},
		{
			Cause: Cause{
				ID: "throttled", Who: ByGateway, Sure: true,
				Meaning: "Too many requests for the usage plan, the stage or the account.",
				Next:    "Wait a moment and try again, or raise the rate and burst limits.",
			},
			match: func(a *answer) bool {
				return a.is(ThrottledResponse) || a.Status == 429 && a.gateway() && a.message == "Too Many Requests"
			},
		},
		{
			Cause: Cause{
				ID: "signature", Who: ByGateway, Sure: true,
				Meaning: "The AWS signature of the request is wrong: {message}.", Next: "Check region, service execute-api, the clock and the credentials.",
				Inferred: "the error type",
			},
			match: func(a *answer) bool { return a.is(InvalidSignature) || a.errorType == "UnrecognizedClientException" },
		},
		{
			Cause: Cause{
				ID: "credentials-expired", Who: ByGateway, Sure: true,
				Meaning: "The AWS credentials of the signature have expired.", Next: "Get new ones.",
				Inferred: "the error type",
			},
			match: func(a *answer) bool { return a.is(ExpiredToken) },
		},
	}
}

// requestCauses are those of requests that do not fit the method.
func requestCauses() []cause {
	return []cause{
		{
			Cause: Cause{
				ID: "too-large", Who: ByGateway,
				Meaning: "The request is larger than the 10 MB that API Gateway takes, or than its backend takes.",
				Next:    "Send less, or upload elsewhere and send a reference.",
			},
			match: func(a *answer) bool { return a.is(RequestTooLarge) || a.Status == 413 && a.gateway() },
		},
		{
			Cause: Cause{
				ID: "headers-too-large", Who: ByGateway,
				Meaning:  "The request line or the headers are larger than API Gateway takes, 10,240 bytes: a token with many groups, or cookies.",
				Next:     "See how large the token is: gatepass decode; ask for fewer claims or groups.",
				Inferred: "the status; the limit is documented",
			},
			match: func(a *answer) bool { return a.Status == 431 },
		},
		{
			Cause: Cause{
				ID: "bad-parameters", Who: ByGateway, Sure: true,
				Meaning: "The request lacks a parameter that the method asks for, so that the backend was not called: {message}.",
				Next:    "Send what the message names. The authorizer and the API key were content.",
			},
			match: func(a *answer) bool { return a.is(BadRequestParameters) },
		},
		{
			Cause: Cause{
				ID: "bad-body", Who: ByGateway, Sure: true,
				Meaning: "The body does not fit the model that the method asks for, so that the backend was not called.",
				Next:    "Compare the body with the model of the method request. The authorizer and the API key were content.",
			},
			match: func(a *answer) bool { return a.is(BadRequestBody) },
		},
		{
			Cause: Cause{
				ID: "media-type", Who: ByGateway, Sure: true,
				Meaning: "The integration has no mapping for this Content-Type.",
				Next:    "Send the type it has a mapping for, most often application/json.",
			},
			match: func(a *answer) bool {
				return a.is(UnsupportedMediaType) || a.Status == 415 && a.rest && a.says("Unsupported Media Type")
			},
		},
	}
}

// backendCauses are those of requests that were let through.
func backendCauses() []cause {
	failed := func(a *answer) bool { return a.is(IntegrationFailure) }
	return []cause{
		{
			Cause: Cause{
				ID: "integration-timeout", Who: ByBackend, Sure: true,
				Meaning: "The request was let through, but the backend did not answer in time.",
				Next:    "Look at the backend: integrations have 29 seconds, in HTTP APIs 30.",
			},
			match: func(a *answer) bool {
				return a.is(IntegrationTimeout) || a.Status == 504 && a.gateway() && (a.says("Endpoint request timed out") || a.http && a.says("Service Unavailable"))
			},
		},
		{
			Cause: Cause{
				ID: "integration-malformed", Who: ByBackend, Sure: true,
				Meaning:  "The request was let through, but the function's answer is not what a Lambda proxy integration wants.",
				Next:     "Let it answer {\"statusCode\": …, \"body\": \"…\"}, with a body that is a string; the API's execution log shows what came.",
				Inferred: "that 502 tells it apart; it documents 504, emulators checked against AWS answer 502",
			},
			match: func(a *answer) bool { return failed(a) && a.Status == 502 },
		},
		{
			Cause: Cause{
				ID: "integration-network", Who: ByBackend, Sure: true,
				Meaning: "The request was let through, but the backend could not be reached over the network.",
				Next:    "Check address, certificate and security groups of the backend, or the VPC link.",
			},
			match: func(a *answer) bool { return failed(a) && a.says("Network error communicating with endpoint") },
		},
		{
			Cause: Cause{
				ID: "integration-failed", Who: ByBackend, Sure: true,
				Meaning: "The request was let through, but the backend could not be called or its answer is malformed.",
				Next:    "Look at the API's execution log: the function's permission for API Gateway, its crash, or an answer that is not {\"statusCode\": …, \"body\": \"…\"}.",
			},
			match: failed,
		},
		{
			Cause: Cause{
				ID: "http-integration-failed", Who: ByBackend,
				Meaning:  "The request was let through, but the backend of the HTTP API did not answer within its 30 seconds, or could not be reached.",
				Next:     "Look at the backend; log $context.integrationErrorMessage in the access log; check its address and the VPC link.",
				Inferred: "status and body; a time-out was captured, for backends that cannot be reached they are inferred",
			},
			match: func(a *answer) bool { return a.http && a.Status == 503 && a.words("Service Unavailable") },
		},
		{
			Cause: Cause{
				ID: "backend-own", Who: ByBackend, Sure: true,
				Meaning: "This is the backend's own answer, passed on: API Gateway renamed one of its headers, as it does with integrations' alone.",
				Next:    "Look at the backend's log: the gateway and its authorizer let {request} through.",
			},
			match: func(a *answer) bool { return a.rest && a.errorType == "" && a.remapped() },
		},
		{
			Cause: Cause{
				ID: "backend", Who: ByBackend,
				Meaning: "The gateway let the request through: this is most likely the backend's own answer, unless the API customises its gateway responses.",
				Next:    "Look at the backend's log; gatepass authorize {request} says what the gateway decided.",
			},
			match: func(a *answer) bool { return (a.rest || a.http) && a.errorType == "" && a.custom == "" },
		},
	}
}

// remapped reports whether a header was renamed, as REST APIs do with some headers
// of integrations (AWS: "Amazon API Gateway important notes").
func (a *answer) remapped() bool {
	for name := range a.Header {
		if len(name) > 16 && strings.EqualFold(name[:16], "x-amzn-remapped-") {
			return true
		}
	}
	return false
}

// betweenCauses are of what stands before API Gateway and says who it is.
func betweenCauses() []cause {
	return []cause{
		{
			Cause: Cause{
				ID: "no-answer", Who: ByClient,
				Meaning: "No answer was recorded: the browser had none, or hid it. Refusals of API Gateway have no CORS headers, so that a page gets a CORS error in place of a 401 or 403.",
				Next:    "Make the same request without a browser: gatepass call {request}.",
			},
			match: func(a *answer) bool { return a.Status == 0 },
		},
		{
			Cause: Cause{
				ID: "proxy-login", Who: ByBetween, Sure: true,
				Meaning: "A proxy between you and the API wants to know who you are; the API never saw the request.",
				Next:    "Give the proxy its user and password, or go around it for this host: HTTPS_PROXY, NO_PROXY.",
			},
			match: func(a *answer) bool { return a.Status == 407 },
		},
		{
			Cause: Cause{
				ID: "waf-captcha", Who: ByBetween, Sure: true,
				Meaning: "AWS WAF wants a CAPTCHA or a challenge solved, which only a browser can; the API never saw the request.",
				Next:    "Exempt the API's paths from the rule, or look at the web ACL's sampled requests.",
			},
			match: func(a *answer) bool { return a.field("x-amzn-waf-action") != "" },
		},
		{
			Cause: Cause{
				ID: "function-url", Who: ByBetween, Sure: true,
				Meaning: "The URL is that of a Lambda function, not of API Gateway, and the function's permissions do not let this caller in.",
				Next:    "Check the host of the URL: APIs are at execute-api addresses or domains of their own. A public function URL needs permissions for lambda:InvokeFunctionUrl and, since October 2025, lambda:InvokeFunction.",
			},
			match: func(a *answer) bool {
				return a.Status == 403 && (a.says("Function URL authorization") ||
					a.errorType == "AccessDeniedException" && a.field("x-amz-apigw-id") == "" && a.custom == "" && a.message == "Forbidden")
			},
		},
		{
			Cause: Cause{
				ID: "appsync", Who: ByBetween, Sure: true,
				Meaning: "AWS AppSync answered, not API Gateway: the URL is that of a GraphQL API.",
				Next:    "Check the host of the URL: APIs are at execute-api addresses or domains of their own.",
			},
			match: func(a *answer) bool {
				return a.field("x-amz-apigw-id") == "" && !a.http && (a.field("x-amzn-appsync-tokensconsumed") != "" || a.errorType != "" && a.graphQL)
			},
		},
	}
}

// elsewhereCauses are of answers that do not come from API Gateway.
func elsewhereCauses() []cause {
	front := func(a *answer) bool { return !a.gateway() && strings.Contains(a.server, "cloudfront") }
	return []cause{
		{
			Cause: Cause{
				ID: "cloudfront-blocked", Who: ByBetween, Sure: true,
				Meaning: "CloudFront or the AWS WAF before it blocked the request; the API never saw it.",
				Next:    "Look at the sampled requests of the distribution's web ACL; an execute-api address of an edge-optimized API also says it of a wrong host.",
			},
			match: func(a *answer) bool { return front(a) && a.Status == 403 && a.says("Request blocked") },
		},
		{
			Cause: Cause{
				ID: "cloudfront-country", Who: ByBetween, Sure: true,
				Meaning: "The CloudFront distribution blocks the country of the request.",
				Next:    "Look at the distribution's geographic restrictions.",
			},
			match: func(a *answer) bool { return front(a) && a.says("block access from your country") },
		},
		{
			Cause: Cause{
				ID: "cloudfront-method", Who: ByBetween, Sure: true,
				Meaning: "The CloudFront distribution does not take this request method; the API never saw the request.",
				Next:    "Allow all methods in the behaviour that the path belongs to, and forward Authorization.",
			},
			match: func(a *answer) bool {
				return front(a) && a.says("not configured to allow the HTTP request method")
			},
		},
		{
			Cause: Cause{
				ID: "cloudfront-origin", Who: ByBetween, Sure: true,
				Meaning: "CloudFront could not reach the API behind it.",
				Next:    "Check the distribution's origin: the host of the execute-api address, https only, the stage as its path.",
			},
			match: func(a *answer) bool { return front(a) && a.Status >= 502 && a.Status <= 504 },
		},
		{
			Cause: Cause{
				ID: "cloudfront", Who: ByBetween,
				Meaning: "CloudFront answered before API Gateway: a wrong host name, no stage in the path, a blocked method or its own WAF.",
				Next:    "Check host and path of the URL: execute-api addresses need the stage.",
			},
			match: front,
		},
		{
			Cause: Cause{
				ID: "s3", Who: ByBetween, Sure: true,
				Meaning: "Amazon S3 answered: the URL is that of a website or a bucket, or a distribution sends this path there, not to the API.",
				Next:    "Check host and path of the URL, and the behaviours of the distribution.",
			},
			match: func(a *answer) bool { return !a.gateway() && strings.Contains(a.server, "amazons3") },
		},
		{
			Cause: Cause{
				ID: "load-balancer", Who: ByBetween, Sure: true,
				Meaning: "A load balancer answered, not API Gateway.",
				Next:    "Check the host of the URL; look at the rules of the load balancer and at its web ACL, of a 502, 503 or 504 at its targets.",
			},
			match: func(a *answer) bool { return !a.gateway() && strings.Contains(a.server, "awselb") },
		},
		{
			Cause: Cause{
				ID: "other-network", Who: ByBetween,
				Meaning: "The answer came by a network that is not AWS's, such as Cloudflare, and not from API Gateway: its firewall stopped the request, or it could not reach the API.",
				Next:    "Look for the request among its security events (Cloudflare: by the header cf-ray), and call the API's execute-api address to compare.",
			},
			match: func(a *answer) bool {
				return (a.Status == 403 || a.Status == 429 || a.Status >= 500) && !a.gateway() && a.otherNetwork()
			},
		},
		{
			Cause: Cause{
				ID: "proxy", Who: ByBetween,
				Meaning: "A proxy between you and the API answered in its place.",
				Next:    "Ask who runs it, or go around it for this host: NO_PROXY. With -v you see where the connection goes.",
			},
			match: func(a *answer) bool { return !a.gateway() && !front(a) && a.proxied() },
		},
		{
			Cause: Cause{
				ID: "not-the-gateway", Who: ByBetween,
				Meaning: "Nothing in the answer is API Gateway's: it comes from the backend, from something in between such as a proxy, or from another server.",
				Next:    "Check the host of the URL: every answer that passes API Gateway has a header x-amz-apigw-id or apigw-requestid.",
			},
			match: func(a *answer) bool { return a.Status != 0 && !a.gateway() && !front(a) },
		},
	}
}

// otherNetwork reports whether an answer names a content network or firewall that is
// not AWS's. They also name themselves in what they pass on from servers of any kind.
func (a *answer) otherNetwork() bool {
	for _, name := range []string{"cloudflare", "akamai", "imperva", "incapsula", "sucuri", "fastly"} {
		if strings.Contains(a.server, name) {
			return true
		}
	}
	return a.field("x-iinfo") != ""
}

// proxied reports whether an answer has marks of a proxy's own.
func (a *answer) proxied() bool {
	if strings.EqualFold(a.Method, "connect") || a.field("x-squid-error") != "" || a.field("proxy-agent") != "" {
		return true
	}
	for _, name := range []string{"squid", "zscaler", "bluecoat", "mcafee", "forcepoint", "fortigate", "netskope"} {
		if strings.Contains(a.server, name) || strings.Contains(a.via, name) {
			return true
		}
	}
	return false
}
