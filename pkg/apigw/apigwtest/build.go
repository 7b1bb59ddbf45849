package apigwtest

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

// pool is the issuer of cases with a user pool.
const pool = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_example"

// api is the API a case is about.
func (c *Case) api(r *request) (*apigw.API, error) {
	cfg := &c.Config
	kind, err := apigw.ParseKind(cfg.API)
	if err != nil {
		return nil, err
	}
	a := &apigw.API{
		Kind: kind, Partition: cfg.Partition, Region: cfg.Region, Account: cfg.Account, ID: cfg.APIID, Stage: cfg.Stage,
		StageVariables: cfg.StageVariables, PlanKeys: cfg.PlanKeys, WAFBlocks: cfg.WAFBlocks, IntegrationPayload: cfg.Backend,
	}
	if cfg.KeySource == "AUTHORIZER" {
		a.APIKeySource = apigw.KeyFromAuthorizer
	}
	if len(cfg.ResourcePolicy) > 0 {
		if a.ResourcePolicy, err = parsePolicy(cfg.ResourcePolicy, policy.Options{Principals: true, API: c.arn()}); err != nil {
			return nil, fmt.Errorf("resourcePolicy: %w", err)
		}
	}
	for t, g := range cfg.Responses {
		if a.Responses == nil {
			a.Responses = map[apigw.ResponseType]apigw.GatewayResponse{}
		}
		a.Responses[apigw.ResponseType(t)] = apigw.GatewayResponse{Status: int(g.Status), Headers: g.Headers, Templates: g.Templates}
	}
	access, err := c.access()
	if err != nil {
		return nil, err
	}
	c.routes(a, access, r)
	return a, nil
}

// arn is the ARN of the API up to its id.
func (c *Case) arn() string {
	cfg := &c.Config
	return "arn:" + cmp.Or(cfg.Partition, "aws") + ":execute-api:" + cfg.Region + ":" + cfg.Account + ":" + cfg.APIID
}

func parsePolicy(data []byte, o policy.Options) (*policy.Document, error) {
	n, err := source.JSON("policy", data)
	if err != nil {
		return nil, err
	}
	return policy.Parse(n, o)
}

// routes fills in the routes: those the case names, else every path, unless the
// case is about a route that is not there.
func (c *Case) routes(a *apigw.API, access apigw.Access, r *request) {
	cfg := &c.Config
	switch {
	case cfg.Route != "" || len(cfg.Methods) > 0:
		keys := cfg.Methods
		if cfg.Route != "" {
			keys = append([]string{cfg.Route}, keys...)
		}
		for _, key := range keys {
			method, path, _ := strings.Cut(key, " ")
			a.Routes = append(a.Routes, apigw.Route{Method: method, Path: path, Access: access})
		}
	case cfg.Resource != "":
		a.Routes = []apigw.Route{{Method: "ANY", Path: cfg.Resource, Access: access}}
	case r != nil && c.Expected.routeMissing():
		a.Routes = []apigw.Route{{Method: "ANY", Path: "/another" + strings.TrimRight(r.Path, "/"), Access: access}}
	default:
		a.Default = access
	}
}

// access is how the routes of a case are protected.
func (c *Case) access() (apigw.Access, error) {
	cfg := &c.Config
	access := apigw.Access{APIKeyRequired: cfg.KeyRequired, Scopes: append(cfg.RouteScopes, cfg.Scopes...)}
	for i := range int(cfg.ScopeCount) {
		access.Scopes = append(access.Scopes, "scope"+strconv.Itoa(i))
	}
	if c.Kind == "NONE" {
		return access, nil
	}
	z := &apigw.Authorizer{
		Name: "auth", IdentitySources: cfg.Source, ValidationExpression: cfg.Expression, TTL: (*int)(cfg.TTL),
		PayloadFormat: cfg.Payload, SimpleResponses: cfg.Simple, Credentials: cfg.Credentials,
	}
	access.Authorizer = z
	kind := c.Kind
	if cfg.Type != "" {
		kind = cfg.Type
	}
	switch kind {
	case "HTTP-LAMBDA", "WEBSOCKET":
		z.Type = apigw.AuthRequest
	default:
		if strings.HasPrefix(kind, "IAM") { // IAM-CROSS-ACCOUNT
			z.Type = apigw.AuthIAM
			break
		}
		t, err := apigw.ParseAuthorizerType(kind)
		if err != nil {
			return access, err
		}
		z.Type = t
	}
	c.issuers(z)
	return access, nil
}

func (c *Case) issuers(z *apigw.Authorizer) {
	cfg := c.Config.JWT
	switch {
	case z.Type == apigw.AuthCognito:
		z.JWT.Issuers = []apigw.JWTIssuer{{Issuer: pool}}
		return
	case z.Type != apigw.AuthJWT:
		return
	case cfg == nil:
		cfg = &jwtConfig{Issuer: "https://issuer.example.com/", Audience: []string{"api"}}
	}
	z.JWT.Algorithms = append(cfg.Algorithms, cfg.Defaults...)
	if cfg.Issuer != "" || len(cfg.Issuers) == 0 {
		z.JWT.Issuers = []apigw.JWTIssuer{{Issuer: cfg.Issuer, Audience: cfg.Audience}}
	}
	for _, i := range cfg.Issuers {
		trusted := apigw.JWTIssuer{Issuer: i.Issuer, Audience: i.Audiences}
		for _, r := range i.Claims {
			trusted.Claims = append(trusted.Claims, apigw.ClaimRule(r))
		}
		z.JWT.Issuers = append(z.JWT.Issuers, trusted)
	}
	first := &z.JWT.Issuers[0]
	for n := range int(c.Config.Audiences) - len(first.Audience) {
		first.Audience = append(first.Audience, "audience"+strconv.Itoa(n))
	}
}

// exchange is a request of a case with its answer.
func (c *Case) exchange(r *request, answer []byte, at time.Time) (*Exchange, error) {
	out, err := readOutput(answer)
	if err != nil {
		return nil, err
	}
	x := &Exchange{output: out, TestInvoke: r.Operation == "TestInvokeAuthorizer"}
	if r.Operation != "" && !x.TestInvoke {
		return nil, fmt.Errorf("request_or_event: unknown operation %q", r.Operation)
	}
	x.Request = &apigw.Request{
		Method: r.Method, Path: r.Path, Header: lists(r.Headers), Query: lists(r.Query), RouteKey: r.Route, SourceIP: r.SourceIP,
		Time: at, ID: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", ExtendedID: "JKJaXmPLvHcESHA=", ConnectionID: "JKJaXcBnvHcCFsg=",
	}
	if r.Address != "" {
		x.Request.SourceIP = r.Address
	}
	if x.Request.SourceIP == "" {
		x.Request.SourceIP = "203.0.113.7"
	}
	maps.Copy(x.Request.Header, lists(r.Many))
	if r.PathQuery != "" {
		x.Request.Path, x.Request.RawQuery, _ = strings.Cut(r.PathQuery, "?")
		x.Request.Query, _ = url.ParseQuery(x.Request.RawQuery)
	}
	if len(r.Policy) > 0 {
		doc, err := parsePolicy(r.Policy, policy.Options{})
		if err != nil {
			return nil, fmt.Errorf("identityPolicy: %w", err)
		}
		account := c.Config.Account
		if c.Config.CrossAccount {
			account = "999999999999"
		}
		x.Request.Caller = &apigw.Caller{ARN: "arn:aws:iam::" + account + ":user/ann", CrossAccount: c.Config.CrossAccount, Policy: doc}
	}
	switch c.Kind {
	case "JWT":
		return x, c.putToken(x, r)
	case "COGNITO_USER_POOLS":
		c.poolToken(x)
	}
	return x, nil
}

func lists(m map[string]oneOrMany) map[string][]string {
	out := make(map[string][]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// jwt is a token of a case.
type jwt struct {
	Header    map[string]any `json:"header"`
	Claims    map[string]any `json:"claims"`
	Signature string         `json:"signature"`
}

// putToken puts the token of a case where it belongs and says what is to be known
// about it: the key set has one RSA key, k1.
func (c *Case) putToken(x *Exchange, r *request) error {
	if len(r.Token) == 0 {
		v := apigw.DecodeToken("")
		x.token = &v
		return nil
	}
	var raw string
	var t jwt
	if json.Unmarshal(r.Token, &raw) != nil {
		if err := strict(r.Token, &t); err != nil {
			return fmt.Errorf("token: %w", err)
		}
		raw = t.compact(x.Request.Time)
	}
	v := apigw.DecodeToken(raw)
	if t.Header["kid"] == "k1" {
		v.Key = apigw.KeyFound
	}
	v.Signature = t.Signature == "valid"
	x.token = &v
	where, name, _ := strings.Cut(r.TokenIn, ":")
	switch where {
	case "query":
		x.Request.Query[name] = []string{r.Prefix + raw}
	case "header", "":
		if name == "" {
			name = "Authorization"
		}
		x.Request.Header[name] = []string{r.Prefix + raw}
	default:
		return fmt.Errorf("token_in: unknown place %q", where)
	}
	return nil
}

// compact is the token in compact form. Its signature is a word that says what it
// is; whether it is right is said beside it.
func (t *jwt) compact(now time.Time) string {
	claims := maps.Clone(t.Claims)
	for name, value := range claims {
		claims[name] = relative(name, value, now)
	}
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signature := base64.RawURLEncoding.EncodeToString([]byte(t.Signature))
	if t.Signature == "empty" {
		signature = ""
	}
	return part(t.Header) + "." + part(claims) + "." + signature
}

// relative turns now+N and now-N into dates, and dates written as strings into
// numbers.
func relative(name string, value any, now time.Time) any {
	s, ok := value.(string)
	if !ok {
		return value
	}
	if rest, ok := strings.CutPrefix(s, "now"); ok {
		offset, err := strconv.Atoi(rest)
		if rest == "" || err == nil {
			return now.Unix() + int64(offset)
		}
	}
	if slices.Contains([]string{"exp", "nbf", "iat"}, name) {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	}
	return value
}

// poolToken says what is to be known about a token that a case describes in words:
// <valid ID token>, <access token with SCOPE>, <expired access token>.
func (c *Case) poolToken(x *Exchange) {
	described := regexp.MustCompile(`^(?:Bearer )?<(valid |expired |invalid |tampered )?(ID|access) token(?: with (.+))?>$`)
	x.token = &apigw.TokenVerdict{Malformed: "the header holds no token"}
	for name, values := range x.Request.Header {
		m := described.FindStringSubmatch(values[0])
		if !strings.EqualFold(name, "Authorization") || m == nil {
			continue
		}
		claims := map[string]any{"iss": pool, "sub": "u1", "token_use": strings.ToLower(m[2]), "exp": x.Request.Time.Unix() + 300}
		if m[2] == "ID" {
			claims["aud"] = "client1"
		} else {
			claims["client_id"], claims["scope"] = "client1", m[3]
		}
		if m[1] == "expired " {
			claims["exp"] = x.Request.Time.Unix() - 300
		}
		t := jwt{Header: map[string]any{"alg": "RS256", "kid": "k1"}, Claims: claims}
		v := apigw.DecodeToken(t.compact(x.Request.Time))
		v.Key, v.Signature = apigw.KeyFound, m[1] != "invalid " && m[1] != "tampered "
		x.token = &v
	}
}
