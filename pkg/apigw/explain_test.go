package apigw_test

import (
	"strings"
	"testing"

	"gatepass/pkg/apigw"
)

// seenOf is a refusal of the core as a client sees it.
func seenOf(v *apigw.Verdict, token string) apigw.Seen {
	h := map[string][]string{}
	for name, value := range v.Headers {
		h[name] = []string{value}
	}
	return apigw.Seen{Method: "GET", Path: "/orders", TokenHeader: "Authorization", Authorization: token, Status: v.Status, Header: h, Body: []byte(v.Body)}
}

func ids(causes []apigw.Cause) string {
	var all []string
	for _, c := range causes {
		all = append(all, c.ID)
	}
	return strings.Join(all, " ")
}

// TestExplainOwn: what the core answers is explained as what it was.
func TestExplainOwn(t *testing.T) {
	routed := rest(lambda())
	routed.Routes = []apigw.Route{{Method: "GET", Path: "/x", Access: routed.Default}}
	keyed := rest(lambda())
	keyed.Default.APIKeyRequired = true
	iam := rest(&apigw.Authorizer{Name: "i", Type: apigw.AuthIAM})
	denied, silent := rest(nil), rest(nil)
	denied.ResourcePolicy, silent.ResourcePolicy = statement(t, "Deny"), statement(t, "silent")
	httpRouted := httpAPI(nil)
	httpRouted.Routes = []apigw.Route{{Method: "GET", Path: "/x"}}
	scoped := httpAPI(jwtAuthorizer())
	scoped.Default.Scopes = []string{"a"}
	legacy := rest(lambda())
	legacy.Denial = apigw.LegacyText
	blocked := rest(nil)
	blocked.WAFBlocks = true
	pool := rest(&apigw.Authorizer{Name: "c", Type: apigw.AuthCognito, JWT: apigw.JWTSettings{Issuers: []apigw.JWTIssuer{{Issuer: issuer}}}})
	signedBy := get("/orders", "")
	signedBy.Caller = &apigw.Caller{ARN: "arn:aws:iam::1:user/a"}
	slow := get("/orders", "x")
	slow.Limit = apigw.Throttled
	used := get("/orders", "x")
	used.Limit = apigw.QuotaExceeded
	allow, deny, other := returns(policyAnswer("Allow", "*", "")), returns(policyAnswer("Deny", "*", "")), returns(policyAnswer("Allow", "arn:aws:execute-api:*:*:x/*", ""))
	unauthorized := func(apigw.Event) apigw.Output { return apigw.ErrorOutput("Unauthorized") }
	for _, tc := range []struct {
		want   string
		api    *apigw.API
		req    *apigw.Request
		invoke func(apigw.Event) apigw.Output
	}{
		{"no-route", routed, get("/orders", ""), nil},
		{"no-route-with-token", routed, get("/orders", "Bearer x"), nil},
		{"http-no-route backend", httpRouted, get("/orders", "x"), nil},
		{"missing-token", rest(lambda()), get("/orders", ""), nil},
		{"authorizer-unauthorized token-not-sent-there", rest(lambda()), get("/orders", "x"), unauthorized},
		{"authorizer-unauthorized token-not-sent-there", withExpression("y"), get("/orders", "x"), nil},
		{"token-expired", pool, get("/orders", "t.t.t"), checked(t, claims("exp=1"))},
		{"authorizer-failed", rest(lambda()), get("/orders", "x"), returns("null")},
		{"explicit-deny", rest(lambda()), get("/orders", "x"), deny},
		{"implicit-deny", rest(lambda()), get("/orders", "x"), other},
		{"explicit-deny", legacy, get("/orders", "x"), deny},
		{"implicit-deny", legacy, get("/orders", "x"), other},
		{"explicit-deny", connectAPI(), get("", "x"), deny},
		{"missing-token backend", connectAPI(), get("", ""), nil},
		{"resource-policy-deny", denied, get("/orders", ""), nil},
		{"resource-policy", silent, get("/orders", ""), nil},
		{"no-route", iam, get("/orders", ""), nil},
		{"iam-deny", iam, signedBy, nil},
		{"api-key forbidden", keyed, get("/orders", "x"), allow},
		{"throttled", rest(lambda()), slow, allow},
		{"quota", rest(lambda()), used, allow},
		{"waf", blocked, get("/orders", ""), nil},
		{"uri-too-long", rest(lambda()), get("/"+strings.Repeat("a", 1600), ""), nil},
		{"jwt-missing", scoped, get("/orders", ""), nil},
		{"jwt-expired", scoped, get("/orders", "t.t.t"), checked(t, claims("exp=1"))},
		{"jwt-scope", scoped, get("/orders", "t.t.t"), checked(t, claims(""))},
		{"http-missing-source backend", httpAPI(simple()), get("/orders", ""), nil},
		{"http-unauthorized backend", httpAPI(simple()), get("/orders", "x"), unauthorized},
		{"http-forbidden backend", httpAPI(simple()), get("/orders", "x"), returns(`{"isAuthorized":false}`)},
		{"http-authorizer-failed backend", httpAPI(simple()), get("/orders", "x"), returns("null")},
	} {
		v := apigw.Decide(tc.api, tc.req, nil, tc.invoke)
		token := ""
		if values := tc.req.Header["Authorization"]; len(values) > 0 {
			token = values[0]
		}
		got := apigw.ExplainResponse(seenOf(v, token))
		if ids(got) != tc.want {
			t.Errorf("%d %s %v: %s, want %s", v.Status, v.Body, v.Headers, ids(got), tc.want)
		}
		for _, c := range got {
			if strings.Contains(c.Meaning+c.Next, "{") && c.ID != "integration-failed" {
				t.Errorf("%s is not filled in: %+v", c.ID, c)
			}
		}
	}
}

// TestExplainSeen: answers that the core does not give, as captured or documented.
func TestExplainSeen(t *testing.T) {
	for _, tc := range []struct {
		want   string
		status int
		header string // "name: value, name: value"
		body   string
	}{
		{"", 200, "", "ok"},
		{"authorizer-failure", 500, "x-amzn-errortype: AuthorizerFailureException", `{"message":null}`},
		{"signature", 403, "x-amzn-ErrorType: InvalidSignatureException", `{"message":"The request signature we calculated…"}`},
		{"credentials-expired", 403, "x-amzn-ErrorType: ExpiredTokenException", `{"message":"…"}`},
		{"bad-body", 400, "x-amzn-ErrorType: BadRequestException", `{"message":"Invalid request body"}`},
		{"media-type", 415, "x-amz-apigw-id: a", `{"message":"Unsupported Media Type"}`},
		{"too-large", 413, "x-amzn-ErrorType: RequestTooLargeException", `{"message":"Request Too Long"}`},
		{"integration-timeout", 504, "x-amz-apigw-id: a, x-amzn-ErrorType: InternalServerErrorException", `{"message": "Endpoint request timed out"}`},
		{"integration-malformed", 502, "x-amz-apigw-id: a, x-amzn-ErrorType: InternalServerErrorException", `{"message": "Internal server error"}`},
		{"integration-timeout", 504, "apigw-requestid: a", `{"message":"Service Unavailable"}`},
		{"cloudfront", 403, "Server: CloudFront, X-Cache: Error from cloudfront", "<html>"},
		{"backend", 401, "x-amzn-RequestId: r, x-amz-apigw-id: a", `{"error":"my own"}`},
		{"not-the-gateway", 403, "Server: nginx", "<html>forbidden"},
		{"not-the-gateway", 401, "", ""},
		{"backend", 500, "x-amzn-RequestId: r", `{"error":"my own"}`},
		{"backend", 429, "x-amz-apigw-id: a", `{"error":"slow down"}`},
		{"backend", 504, "apigw-requestid: a", `<html>504`},
		{"signature", 403, "x-amzn-ErrorType: UnrecognizedClientException", `{"message":"The security token included in the request is invalid."}`},
		{"no-route-with-token", 403, "x-amz-apigw-id: a", `{"message":"Authorization header requires 'Credential' parameter. Authorization=Bearer"}`},
		// Without a body, as the answer to HEAD.
		{"api-key forbidden", 403, "x-amzn-ErrorType: ForbiddenException", ""},
		{"http-forbidden backend", 403, "apigw-requestid: a", ""},
		{"http-unauthorized backend", 401, "apigw-requestid: a", ""},
		{"jwt-missing", 401, "apigw-requestid: a, www-authenticate: Bearer", ""},
		{"backend", 429, "apigw-requestid: a", ""},
		{"appsync", 401, "x-amzn-RequestId: r, x-amzn-ErrorType: UnauthorizedException", `{"errors":[{"errorType":"UnauthorizedException"}]}`},
		{"function-url", 403, "x-amzn-RequestId: r, x-amzn-ErrorType: AccessDeniedException", `{"Message":"Forbidden"}`},
		{"other-network not-the-gateway", 403, "Server: cloudflare, cf-ray: 1-FRA", "error code: 1020"},
		{"not-the-gateway", 404, "Server: cloudflare, cf-ray: 1-FRA", "<h1>Any website's"},
		{"backend", 414, "x-amz-apigw-id: a", "<h1>414 of nginx"},
		{"no-upgrade backend", 426, "x-amz-apigw-id: a", "Upgrade to TLS 1.2"},
		// A REST API whose gateway response was given a challenge.
		{"authorizer-unauthorized token-not-sent-there", 401, "x-amzn-ErrorType: UnauthorizedException, www-authenticate: Bearer", `{"message":"Unauthorized"}`},
		{"backend", 401, `x-amzn-RequestId: r, www-authenticate: Bearer error="invalid_token"`, `{"error":"the token has expired"}`},
		// The words of API Gateway, from somebody else perhaps.
		{"authorizer-unauthorized token-not-sent-there backend", 401, "x-amz-apigw-id: a", `{"message":"Unauthorized"}`},
		{"no-route", 403, "", `{"message":"Missing Authentication Token"}`},
		{"no-route not-the-gateway", 403, "Server: nginx", `{"message":"Missing Authentication Token"}`},
		{"implicit-deny not-the-gateway", 403, "Content-Type: application/json", `{"Message":"User is not authorized to access this resource"}`},
		{"implicit-deny", 403, "x-amzn-ErrorType: AccessDeniedException:http://internal.amazon.com/", `{"message":"User is not authorized to access this resource"}`},
	} {
		h := map[string][]string{}
		for pair := range strings.SplitSeq(tc.header, ", ") {
			if name, value, ok := strings.Cut(pair, ": "); ok {
				h[name] = []string{value}
			}
		}
		got := ids(apigw.ExplainResponse(apigw.Seen{Status: tc.status, Header: h, Body: []byte(tc.body), Authorization: "x"}))
		if got != tc.want {
			t.Errorf("%d %s %s: %s, want %s", tc.status, tc.header, tc.body, got, tc.want)
		}
	}
	forbidden := apigw.Seen{Status: 403, Header: map[string][]string{"X-Amzn-Errortype": {"ForbiddenException"}}, Body: []byte(`{"message":"Forbidden"}`), APIKeySent: true}
	if got := ids(apigw.ExplainResponse(forbidden)); got != "api-key-unknown forbidden" {
		t.Errorf("a key was sent: %s", got)
	}
}

// TestCauses: every row can be told apart and says something.
func TestCauses(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range apigw.Causes() {
		if c.ID == "" || seen[c.ID] || !strings.HasSuffix(c.Meaning, ".") || !strings.HasSuffix(c.Next, ".") {
			t.Errorf("%+v", c)
		}
		seen[c.ID] = true
	}
}

func FuzzExplainResponse(f *testing.F) {
	f.Add(403, "AccessDeniedException", `{"Message":"User is not authorized"}`, "Bearer")
	f.Add(0, "", "", "")
	f.Add(500, "", `{"message":null}`, `Bearer error_description="`)
	f.Fuzz(func(t *testing.T, status int, errorType, body, challenge string) {
		s := apigw.Seen{Status: status, Body: []byte(body), Header: map[string][]string{"x-amzn-errortype": {errorType}, "WWW-Authenticate": {challenge}}}
		if got := apigw.ExplainResponse(s); (status < 400 && status != 0) != (len(got) == 0) {
			t.Errorf("%d %q %q: %v", status, errorType, body, got)
		}
	})
}
