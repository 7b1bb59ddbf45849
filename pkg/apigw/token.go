package apigw

import (
	"fmt"
	"slices"
	"strings"

	"gatepass/pkg/policy"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// inferredRESTJWT marks what is not known of the JWT authorizers that REST APIs
// have since 2026-11-17.
const inferredRESTJWT = "how the JWT authorizers of REST APIs refuse is not documented yet: answered like HTTP APIs"

// DecodeToken takes a token apart for a TokenVerdict, with Key and Signature left
// to whoever has the keys.
func DecodeToken(raw string) TokenVerdict {
	if n := strings.Count(raw, "."); n != 2 {
		return TokenVerdict{Malformed: "token contains an invalid number of segments"}
	}
	t, err := token.Decode(raw)
	switch {
	case err != nil:
		return TokenVerdict{Malformed: err.Error()}
	case t.Kind != token.JWT:
		return TokenVerdict{Malformed: "it is no JWT but " + t.Kind.String()}
	}
	return TokenVerdict{Header: t.Header, Claims: t.Claims}
}

// challenge is the www-authenticate header of a refused token.
func (p *Pending) challenge(f *tokenFailure) string {
	scope := strings.Join(p.route.Scopes, " ")
	if f.scopes {
		return fmt.Sprintf(`Bearer scope="%s" error="insufficient_scope" error_description="expected scopes: [%s]"`, scope, scope)
	}
	text := f.text
	if text == "" {
		text = headerSafe(p.api.JWTDescriptions[f.check])
	}
	s := fmt.Sprintf(`Bearer scope="%s" error="invalid_token"`, scope)
	if text != "" {
		s += ` error_description="` + text + `"`
	}
	return s
}

// verdictOf is what was found out about the token; an authorizer that could not
// look at it leaves it without keys.
func (p *Pending) verdictOf(out Output) *TokenVerdict {
	if out.Kind == Checked {
		return &out.Token
	}
	v := DecodeToken(p.token)
	v.Key, v.Detail = KeysUnavailable, out.Message
	return &v
}

// finishJWT decides with a token for a JWT authorizer of an HTTP or REST API.
func (p *Pending) finishJWT(out Output) *Verdict {
	z := p.route.auth
	rules := tokenRules{
		issuers: z.JWT.Issuers, algorithms: []string{"RS256", "RS384", "RS512"}, audience: true,
		scopes: p.route.Scopes, now: p.req.Time,
	}
	rest := p.api.Kind == REST
	if rest {
		rules.algorithms = z.JWT.algorithms()
	}
	v := p.verdictOf(out)
	f := rules.check(v)
	if f == nil {
		return p.acceptToken(v)
	}
	p.authErr = f.text
	if p.authErr == "" {
		p.authErr = f.why
	}
	s := Step{Step: StepAuthorizer, Outcome: OutcomeRefused, Reason: "the token is refused: " + f.why, Inferred: f.inferred}
	if rest {
		s.Inferred = inferredRESTJWT
	}
	p.step(s)
	if f.scopes {
		return p.refuse(refusal{t: AccessDenied, status: 403, message: "Forbidden", errorType: restType(rest, "ForbiddenException"), challenge: p.challenge(f)})
	}
	return p.refuse(refusal{t: Unauthorized, status: 401, message: "Unauthorized", challenge: p.challenge(f)})
}

func restType(rest bool, name string) string {
	if rest {
		return name
	}
	return ""
}

// algorithms are the declared ones, RS256 if none are.
func (s *JWTSettings) algorithms() []string {
	if len(s.Algorithms) == 0 {
		return []string{"RS256"}
	}
	return s.Algorithms
}

// acceptToken lets a good token through.
func (p *Pending) acceptToken(v *TokenVerdict) *Verdict {
	s := Step{Step: StepAuthorizer, Outcome: OutcomeOK, Reason: "the token is good" + colon(v.Assumed)}
	if p.trace && stringDate(v.Claims) {
		s.Inferred = "that a date written as a string is read as a number is not documented"
	}
	if p.api.Kind == REST && p.route.auth.Type == AuthJWT {
		s.Inferred = "the JWT authorizers of REST APIs are documented in part only: the token was checked as in HTTP APIs"
	}
	p.step(s)
	p.backend = p.tokenBackend(v.Claims)
	if !p.hasResourcePolicy() {
		return p.admit("")
	}
	// Which table is for JWT authorizers of REST APIs is not documented: the
	// stricter one, that of Cognito.
	e := tableB(policy.Allow, p.evaluateResource(""))
	p.decision = e.String()
	if e != policy.Allow {
		return p.denyAnonymous(e)
	}
	return p.admit("")
}

func stringDate(claims *source.Node) bool {
	for _, name := range []string{"exp", "nbf", "iat"} {
		if n := claims.Get(name); n != nil && n.Kind == source.String {
			return true
		}
	}
	return false
}

// tokenBackend is what the backend sees of a token: strings in HTTP APIs and with
// Cognito, JSON types with the JWT authorizers of REST APIs.
func (p *Pending) tokenBackend(claims *source.Node) *Backend {
	typed := p.api.Kind == REST && p.route.auth.Type == AuthJWT
	values := map[string]any{}
	for i := range claims.Members {
		m := &claims.Members[i]
		switch {
		case typed:
			values[m.Key] = m.Value.Any()
		case m.Value.Kind != source.Null:
			values[m.Key] = p.claimText(m.Value)
		}
	}
	b := &Backend{At: "requestContext.authorizer", Value: map[string]any{"claims": values}, claimsJSON: typed}
	if p.api.Kind != HTTP {
		return b
	}
	// null unless the route asks for scopes; then all of the token's (measured by
	// Floci, PR 2011).
	b.Value["scopes"] = nil
	if len(p.route.Scopes) > 0 {
		b.Value["scopes"] = anys(tokenScopes(claims))
	}
	if p.api.IntegrationPayload != "1.0" {
		b.At = "requestContext.authorizer.jwt"
	}
	return b
}

// TokenBackend is what a backend would see of a token with these claims behind a
// JWT or COGNITO_USER_POOLS authorizer, whose route asks for these scopes.
// Integration is the payload format of an HTTP API's integration, 1.0 or 2.0.
func TokenBackend(k Kind, t AuthorizerType, integration string, scopes []string, claims *source.Node) *Backend {
	p := Pending{
		api:   &API{Kind: k, IntegrationPayload: integration},
		route: &route{Route: Route{Access: Access{Scopes: scopes}}, auth: &authorizer{Authorizer: &Authorizer{Type: t}}},
	}
	return p.tokenBackend(claims)
}

// claimText is a claim as a string: Go's form in HTTP APIs. With Cognito, lists are
// joined with commas, which is inferred.
func (p *Pending) claimText(n *source.Node) string {
	if p.api.Kind == HTTP {
		return goText(n.Any())
	}
	if n.Kind == source.List {
		return strings.Join(stringsOf(n), ",")
	}
	return plainText(n.Any())
}

func anys(s []string) []any {
	all := make([]any, len(s))
	for i := range s {
		all[i] = s[i]
	}
	return all
}

// finishCognito decides with a token for a user pool: an ID token, or an access
// token where the method has scopes (AWS: "Control access to REST APIs using
// Amazon Cognito user pools").
func (p *Pending) finishCognito(out Output) *Verdict {
	z := p.route.auth
	rules := tokenRules{issuers: z.JWT.Issuers, algorithms: []string{"RS256"}, scopes: p.route.Scopes, now: p.req.Time}
	v := p.verdictOf(out)
	f := rules.check(v)
	if f == nil {
		f = p.cognitoUse(v.Claims)
	}
	if f == nil {
		return p.acceptToken(v)
	}
	p.authErr = f.why
	s := Step{Step: StepAuthorizer, Outcome: OutcomeRefused, Reason: "the token is refused: " + f.why, Inferred: f.inferred}
	r := refusal{t: Unauthorized, status: 401, message: "Unauthorized"}
	switch {
	case f.expired:
		s.Inferred = "the text for an expired token comes from reports"
		r.message = "The incoming token has expired"
	case s.Inferred == textUnknown:
		s.Inferred = "" // AWS documents 401 for every other failure
	}
	p.step(s)
	return p.refuse(r)
}

// cognitoUse checks that the token is of the kind the method asks for, as far as
// it says so, and aud by the validation expression, which access tokens therefore
// fail.
func (p *Pending) cognitoUse(claims *source.Node) *tokenFailure {
	want, scopes := "id", "without"
	if len(p.route.Scopes) > 0 {
		want, scopes = "access", "with"
	}
	if use := stringOf(claims.Get("token_use")); use != "" && use != want {
		return &tokenFailure{check: "use", why: fmt.Sprintf("its token_use is %s; a method %s scopes takes an %s token", quoted(use), scopes, want)}
	}
	if expr := p.route.auth.expr; expr != nil && !slices.ContainsFunc(stringsOf(claims.Get("aud")), expr.MatchString) {
		return &tokenFailure{check: "audience", why: fmt.Sprintf("its aud is %s, which does not match the validation expression %s as a whole",
			list(stringsOf(claims.Get("aud"))), p.route.auth.ValidationExpression)}
	}
	return nil
}
