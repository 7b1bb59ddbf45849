package apigw

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

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

// tokenFailure is the first check a token failed.
type tokenFailure struct {
	check string // the name of the check
	text  string // the error description that is known, or empty
	why   string
	// inferred says what of this answer is not documented.
	inferred string
	scopes   bool // the token is good but lacks the scopes
	expired  bool
}

// textUnknown marks failures whose error description is not documented.
const textUnknown = "the status follows the general rule; AWS's text for this failure is not documented"

// tokenRules say what a kind of authorizer asks of a token.
type tokenRules struct {
	issuers    []JWTIssuer
	algorithms []string
	audience   bool // must match
	scopes     []string
	now        time.Time
}

// check looks at a token as HTTP APIs do, in their order (AWS: "Control access to
// HTTP APIs with JWT authorizers").
func (r *tokenRules) check(v *TokenVerdict) *tokenFailure {
	for _, step := range []func(*tokenRules, *TokenVerdict) *tokenFailure{
		(*tokenRules).form, (*tokenRules).algorithm, (*tokenRules).signature, (*tokenRules).issuer,
		(*tokenRules).expiry, (*tokenRules).notBefore, (*tokenRules).hasScope,
	} {
		if f := step(r, v); f != nil {
			return f
		}
	}
	return nil
}

func (r *tokenRules) form(v *TokenVerdict) *tokenFailure {
	const segments = "token contains an invalid number of segments"
	switch {
	case v.Malformed == segments:
		return &tokenFailure{check: "malformed", text: segments, why: "it is no JWT: it does not have three parts"}
	case v.Malformed != "":
		return &tokenFailure{check: "malformed", why: "it is no JWT: " + v.Malformed, inferred: textUnknown}
	case v.Claims == nil || v.Header == nil:
		return &tokenFailure{check: "malformed", why: "its header or claims could not be read", inferred: textUnknown}
	}
	return nil
}

// algorithm takes RSA only in HTTP APIs. The text was captured for ES256; that it
// is the same for other algorithms is inferred.
func (r *tokenRules) algorithm(v *TokenVerdict) *tokenFailure {
	alg := stringOf(v.Header.Get("alg"))
	if slices.Contains(r.algorithms, alg) {
		return nil
	}
	f := &tokenFailure{
		check: "algorithm", text: "signing method " + headerSafe(alg) + " is invalid",
		why: fmt.Sprintf("its algorithm %s is none of %s", quoted(alg), strings.Join(r.algorithms, ", ")),
	}
	if !strings.HasPrefix(alg, "ES") {
		f.inferred = "the error description was captured for ES256 only"
	}
	return f
}

func (r *tokenRules) signature(v *TokenVerdict) *tokenFailure {
	kid := v.Header.Get("kid")
	switch {
	case v.Assumed != "":
		return nil
	case v.Key == KeysUnavailable:
		return &tokenFailure{check: "keys-unavailable", why: "the issuer's keys could not be read: " + v.Detail, inferred: "what the gateway answers without keys is not documented"}
	case kid == nil || kid.Kind != source.String:
		return &tokenFailure{check: "key", why: "its header has no kid, so no key can be found for it", inferred: textUnknown}
	case v.Key != KeyFound:
		return &tokenFailure{check: "key", why: fmt.Sprintf("no key of the issuer has its kid %s", quoted(kid.Text)), inferred: textUnknown}
	case !v.Signature:
		return &tokenFailure{check: "signature", why: "its signature is not right by the issuer's key" + colon(v.Detail), inferred: textUnknown}
	}
	return nil
}

func colon(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + detail
}

// issuer checks iss, and aud of the issuer that it names. client_id counts only
// when there is no aud.
func (r *tokenRules) issuer(v *TokenVerdict) *tokenFailure {
	iss := stringOf(v.Claims.Get("iss"))
	i := slices.IndexFunc(r.issuers, func(k JWTIssuer) bool { return k.Issuer == iss })
	if i < 0 {
		return &tokenFailure{check: "issuer", why: fmt.Sprintf("its iss is %s, want %s, character by character", quoted(iss), issuerNames(r.issuers)), inferred: textUnknown}
	}
	if !r.audience {
		return nil
	}
	name := "aud"
	if v.Claims.Get("aud") == nil {
		name = "client_id"
	}
	have := stringsOf(v.Claims.Get(name))
	if !slices.ContainsFunc(have, func(a string) bool { return slices.Contains(r.issuers[i].Audience, a) }) {
		return &tokenFailure{
			check: "audience", text: "the token does not have a valid audience",
			why: fmt.Sprintf("its %s is %s, want one of %s", name, list(have), list(r.issuers[i].Audience)),
		}
	}
	return r.additional(v, r.issuers[i].Claims)
}

// additional checks the additional claims of REST APIs.
func (r *tokenRules) additional(v *TokenVerdict, rules []ClaimRule) *tokenFailure {
	for _, rule := range rules {
		n := v.Claims.Get(rule.Name)
		if n == nil && !rule.Required {
			continue
		}
		have := stringsOf(n)
		if len(have) == 1 && n.Kind == source.String && len(rule.Values) > 0 && !slices.Contains(rule.Values, have[0]) {
			have = strings.Fields(have[0])
		}
		ok := len(have) > 0 && (len(rule.Values) == 0 ||
			slices.ContainsFunc(have, func(a string) bool { return slices.Contains(rule.Values, a) }))
		if !ok {
			return &tokenFailure{check: "claim", why: fmt.Sprintf("its claim %s is %s, want %s", rule.Name, list(have), list(rule.Values)), inferred: textUnknown}
		}
	}
	return nil
}

// expiry wants exp after now. A token without one is refused: AWS lists the check
// without a condition.
func (r *tokenRules) expiry(v *TokenVerdict) *tokenFailure {
	n := v.Claims.Get("exp")
	if n == nil || n.Kind == source.Null {
		return &tokenFailure{check: "expiry", why: "it has no exp", inferred: "that a token without exp is refused is not documented"}
	}
	at, ok := dateOf(n)
	switch {
	case !ok:
		return &tokenFailure{check: "expiry", why: "its exp is no date", inferred: textUnknown}
	case at <= unix(r.now):
		return &tokenFailure{check: "expiry", text: "the token has expired", why: "it expired " + span(unix(r.now)-at) + " ago", expired: true}
	}
	return nil
}

// notBefore wants nbf and iat not after now, if they are there. No leeway is
// documented, none is given.
func (r *tokenRules) notBefore(v *TokenVerdict) *tokenFailure {
	for _, c := range []struct{ claim, check string }{{"nbf", "not-before"}, {"iat", "issued-at"}} {
		n := v.Claims.Get(c.claim)
		if n == nil || n.Kind == source.Null {
			continue
		}
		at, ok := dateOf(n)
		switch {
		case !ok:
			return &tokenFailure{check: c.check, why: "its " + c.claim + " is no date", inferred: textUnknown}
		case at > unix(r.now):
			return &tokenFailure{check: c.check, why: "its " + c.claim + " is " + span(at-unix(r.now)) + " in the future, and no leeway is given", inferred: textUnknown}
		}
	}
	return nil
}

// hasScope wants one of the route's scopes, if it has any.
func (r *tokenRules) hasScope(v *TokenVerdict) *tokenFailure {
	have := tokenScopes(v.Claims)
	if len(r.scopes) == 0 || slices.ContainsFunc(have, func(s string) bool { return slices.Contains(r.scopes, s) }) {
		return nil
	}
	return &tokenFailure{check: "scope", scopes: true, why: fmt.Sprintf("its scopes are %s, want one of %s", list(have), list(r.scopes))}
}

// tokenScopes are the scopes of scope (words) or scp (words or a list).
func tokenScopes(claims *source.Node) []string {
	all := []string{}
	for _, name := range []string{"scope", "scp"} {
		for _, s := range stringsOf(claims.Get(name)) {
			all = append(all, strings.Fields(s)...)
		}
	}
	return all
}

func issuerNames(issuers []JWTIssuer) string {
	names := make([]string, len(issuers))
	for i := range issuers {
		names[i] = issuers[i].Issuer
	}
	return list(names)
}

// list is a list of strings for people.
func list(s []string) string {
	switch len(s) {
	case 0:
		return "absent"
	case 1:
		return quoted(s[0])
	}
	return cut(strings.Join(s, ", "))
}

// headerSafe keeps text from a token out of the syntax of a header.
func headerSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, cut(s))
}

func stringOf(n *source.Node) string {
	if n == nil || n.Kind != source.String {
		return ""
	}
	return n.Text
}

// stringsOf are the values of a claim that is a string or a list; numbers and
// booleans count by their text.
func stringsOf(n *source.Node) []string {
	switch {
	case n == nil || n.Kind == source.Null || n.Kind == source.Object:
		return nil
	case n.Kind != source.List:
		return []string{n.Text}
	}
	var all []string
	for _, it := range n.Items {
		if it.Kind == source.String || it.Kind == source.Number || it.Kind == source.Bool {
			all = append(all, it.Text)
		}
	}
	return all
}

// dateOf is a NumericDate. A string with a number in it is taken as the number,
// which is not documented.
func dateOf(n *source.Node) (float64, bool) {
	if n.Kind != source.Number && n.Kind != source.String {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	return f, err == nil && f == f
}

func unix(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// span is a time span for people.
func span(seconds float64) string {
	const most = 1e9
	return time.Duration(min(seconds, most) * 1e9).Round(time.Second).String()
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
