package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatepass/pkg/apigw"
	"gatepass/pkg/config"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
)

// define reads the api block of a profile, indented by four, and completes it.
func define(t *testing.T, block string) (*config.Definition, error) {
	t.Helper()
	w := newWorld(t)
	w.write(filepath.Join(w.dir, "policy.json"), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"}]}`)
	w.write(filepath.Join(w.dir, "bad.json"), "{\n  \"Statement\": 1}")
	w.write(filepath.Join(w.dir, "no.json"), `{"errorMessage":"Unauthorized"}`)
	w.project("profiles:\n  dev:\n    api:\n      " + strings.ReplaceAll(strings.TrimSpace(block), "\n", "\n      "))
	p, err := config.Load(w.sources())
	if err != nil {
		return nil, err
	}
	return finish(p)
}

// finish reads and completes a definition, and says what is wrong with it.
func finish(p *config.Profile) (*config.Definition, error) {
	d, err := p.Definition()
	if err != nil {
		return nil, err
	}
	if err := d.Settle(); err != nil {
		return nil, err
	}
	d.SetDefault(d.API.Default.Authorizer)
	_, mistakes := d.Mistakes(d.API.Validate())
	return d, mistakes
}

func seconds(n int) *int { return &n }

func TestDefinition(t *testing.T) {
	header := []string{"method.request.header.Authorization"}
	for _, tc := range []struct {
		name, block string
		want        apigw.API
	}{
		{"a type alone", "authorizer: jwt\nkind: http", apigw.API{Kind: apigw.HTTP}}, // which lacks an issuer
		{"nobody", "authorizer: none", apigw.API{}},
		{"the place", "{stage: prod, region: eu-west-1, account: 123456789012, id: abc, partition: aws-cn, authorizer: none}", apigw.API{
			Stage: "prod", Region: "eu-west-1", Account: "123456789012", ID: "abc", Partition: "aws-cn",
		}},
		{"token", "authorizer: {validation_expression: Bearer .*, ttl: 0}", apigw.API{Default: apigw.Access{Authorizer: &apigw.Authorizer{
			Name: "default", Type: apigw.AuthToken, IdentitySources: header, ValidationExpression: "Bearer .*", TTL: seconds(0),
		}}}},
		{"request by its sources", "authorizer: {identity_sources: [header A, query b, stage c, context d]}", apigw.API{Default: apigw.Access{Authorizer: &apigw.Authorizer{
			Name: "default", Type: apigw.AuthRequest,
			IdentitySources: []string{"method.request.header.A", "method.request.querystring.b", "stageVariables.c", "context.d"},
		}}}},
		{"without sources", "authorizer: {type: request, ttl: 0, identity_sources: []}", apigw.API{Default: apigw.Access{Authorizer: &apigw.Authorizer{
			Name: "default", Type: apigw.AuthRequest, TTL: seconds(0), IdentitySources: []string{},
		}}}},
		{"HTTP", "kind: HTTP\nintegration_payload: 1\nauthorizer: {identity_sources: [header A, query b, stage c, context d]}", apigw.API{
			Kind: apigw.HTTP, IntegrationPayload: "1.0", Default: apigw.Access{Authorizer: &apigw.Authorizer{
				Name: "default", Type: apigw.AuthRequest, PayloadFormat: "2.0",
				IdentitySources: []string{"$request.header.A", "$request.querystring.b", "$stageVariables.c", "$context.d"},
			}},
		}},
		{"WebSocket", "kind: websocket\nauthorizer: {identity_sources: [header A, query b]}\nroutes: [$connect, send]", apigw.API{
			Kind: apigw.WebSocket,
			Default: apigw.Access{Authorizer: &apigw.Authorizer{
				Name: "default", Type: apigw.AuthRequest, IdentitySources: []string{"route.request.header.A", "route.request.querystring.b"},
			}},
			Routes: []apigw.Route{{Method: "$connect", Access: apigw.Access{Authorizer: &apigw.Authorizer{
				Name: "default", Type: apigw.AuthRequest, IdentitySources: []string{"route.request.header.A", "route.request.querystring.b"},
			}}}, {Method: "send"}},
		}},
		{"JWT in short", "kind: http\nauthorizer: {issuer: https://i.example, audience: orders}", apigw.API{
			Kind: apigw.HTTP, Default: apigw.Access{Authorizer: &apigw.Authorizer{
				Name: "default", Type: apigw.AuthJWT, IdentitySources: []string{"$request.header.Authorization"},
				JWT: apigw.JWTSettings{Issuers: []apigw.JWTIssuer{{Issuer: "https://i.example", Audience: []string{"orders"}}}},
			}},
		}},
		{"JWT at length", `authorizer:
  type: jwt
  jwt:
    issuers:
      - {issuer: https://i.example, audience: [a], claims: [{name: tenant, format: STRING, values: [x], required: true}]}
      - https://j.example
    audience: [b, c]
    algorithms: [ES256]
    claims: {tenant: [x, y], plan: }`, apigw.API{
			Default: apigw.Access{Authorizer: &apigw.Authorizer{
				Name: "default", Type: apigw.AuthJWT, IdentitySources: header,
				JWT: apigw.JWTSettings{Algorithms: []string{"ES256"}, Issuers: []apigw.JWTIssuer{
					{Issuer: "https://i.example", Audience: []string{"a"}, Claims: []apigw.ClaimRule{{Name: "tenant", Format: "STRING", Values: []string{"x"}, Required: true}}},
					{Issuer: "https://j.example", Audience: []string{"b", "c"}, Claims: []apigw.ClaimRule{
						{Name: "tenant", Values: []string{"x", "y"}, Required: true}, {Name: "plan", Required: true},
					}},
				}},
			}},
		}},
		{"keys, variables, texts", `api_keys: [k]
api_key_source: AUTHORIZER
api_key: true
stage_variables: {a: 1, b: true}
denial_text: legacy
mask_account: true
waf_blocks: true
authorizer: token
gateway_responses:
  unauthorized: {status: 418, headers: {X: "'a'", Y: method.request.header.Z}, body: no}
  DEFAULT_4XX: nothing
  DEFAULT_5XX: {templates: {text/plain: x}}`, apigw.API{
			PlanKeys: []string{"k"}, APIKeySource: apigw.KeyFromAuthorizer, StageVariables: map[string]string{"a": "1", "b": "true"},
			Denial: apigw.LegacyText, MaskAccount: true, WAFBlocks: true,
			Default: apigw.Access{APIKeyRequired: true, Authorizer: &apigw.Authorizer{Name: "token", Type: apigw.AuthToken, IdentitySources: header}},
			Responses: map[apigw.ResponseType]apigw.GatewayResponse{
				apigw.Unauthorized: {Status: 418, Headers: map[string]string{"X": "'a'", "Y": "method.request.header.Z"}, Templates: map[string]string{"application/json": "no"}},
				apigw.Default4XX:   {Templates: map[string]string{"application/json": "nothing"}},
				apigw.Default5XX:   {Templates: map[string]string{"text/plain": "x"}},
			},
		}},
		{"routes", `scopes: [read]
routes:
  GET /pets/{id}:
  /any: none
  POST /pets: {scopes: [write], api_key: true}
  PUT /pets: {authorizer: {type: iam}}
authorizers:
  users: {type: cognito, issuer: https://p.example}`, apigw.API{
			Default: apigw.Access{Scopes: []string{"read"}, Authorizer: pool(header)},
			Routes: []apigw.Route{
				{Method: "GET", Path: "/pets/{id}", Access: apigw.Access{Scopes: []string{"read"}, Authorizer: pool(header)}},
				{Method: "ANY", Path: "/any"},
				{Method: "POST", Path: "/pets", Access: apigw.Access{Scopes: []string{"write"}, APIKeyRequired: true, Authorizer: pool(header)}},
				{Method: "PUT", Path: "/pets", Access: apigw.Access{Authorizer: &apigw.Authorizer{Name: "PUT /pets", Type: apigw.AuthIAM}}},
			},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := define(t, tc.block)
			if tc.name == "a type alone" {
				if err == nil || !strings.Contains(err.Error(), "no issuer is given") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tc.want, d.API, cmpopts.IgnoreUnexported(apigw.API{}), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func pool(sources []string) *apigw.Authorizer {
	return &apigw.Authorizer{
		Name: "users", Type: apigw.AuthCognito, IdentitySources: sources,
		JWT: apigw.JWTSettings{Issuers: []apigw.JWTIssuer{{Issuer: "https://p.example"}}},
	}
}

// A resource policy may be written in the block or in a file beside it, and knows
// the API that it is for.
func TestResourcePolicy(t *testing.T) {
	for _, block := range []string{
		"resource_policy: policy.json",
		`resource_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: "*", Action: "execute-api:Invoke", Resource: "execute-api:/*"}]}`,
	} {
		d, err := define(t, "authorizer: none\nregion: r\naccount: 123456789012\nid: abc\n"+block)
		if err != nil {
			t.Fatal(err)
		}
		for arn, want := range map[string]policy.Effect{
			"arn:aws:execute-api:r:123456789012:abc/prod/GET/x": policy.Allow, "arn:aws:execute-api:r:123456789012:other/prod/GET/x": policy.ImplicitDeny,
		} {
			if got := d.API.ResourcePolicy.Decide(&policy.Request{Action: "execute-api:Invoke", Resource: arn}); got != want {
				t.Errorf("%s: %s %s, want %s", block, arn, got, want)
			}
		}
	}
}

// Who answers for an authorizer: paths are relative to the file they stand in.
func TestAnswers(t *testing.T) {
	d, err := define(t, `authorizers:
  a: {file: policies/a.yaml}
  b: {response: no.json, ttl: 0}
  c: {response: {isAuthorized: true}}
authorizer: a`)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Answers["a"].File; !filepath.IsAbs(got) || !strings.HasSuffix(got, filepath.Join("repo", "policies", "a.yaml")) {
		t.Errorf("file %q", got)
	}
	if n := d.Answers["b"].Response; n.Get("errorMessage") == nil || n.Get("errorMessage").Text != "Unauthorized" {
		t.Errorf("response %+v", n)
	}
	if n := d.Answers["c"].Response; n.Get("isAuthorized") == nil {
		t.Errorf("response %+v", n)
	}
}

// Mistakes are shown where they are made. Lines count from the first of the block.
func TestMistakesInDefinitions(t *testing.T) {
	for _, tc := range []struct{ name, block, want, hint string }{
		{"kind", "kind: htp", `1:13: want one of rest, http, websocket, got "htp"`, `did you mean "http"?`},
		{"key", "stages: x", `1:7: unknown key "stages"`, `did you mean "stage"?`},
		{"place", "stage: a/b", "1:14: want a name without slashes", ""},
		{"type", "authorizer: {type: tokn}", `1:26: want one of token, request, cognito, jwt, iam, none`, `did you mean "token"?`},
		{"type that the kind lacks", "kind: http\nauthorizer:\n  type: token", "3:15: HTTP APIs have no TOKEN authorizers", ""},
		{"identity source", "authorizer:\n  type: request\n  identity_sources: [header A, method.request.path.id]", "3:27: a path parameter cannot be", ""},
		{"no source with a cache", "authorizer:\n  type: request\n  identity_sources: []", "3:27: caching needs at least one identity source", ""},
		{"expression", "authorizer:\n  validation_expression: (?=a)b", "2:32: the validation expression", ""},
		{"two sources", "authorizer:\n  type: token\n  identity_sources: [header A, header B]", "3:27: a TOKEN authorizer has exactly one", ""},
		{"token in the query", "authorizer: {type: token, identity_sources: query a}", "1:51: a TOKEN authorizer takes its token from a header", ""},
		{"ttl", "authorizer: {ttl: 3601}", "1:25: want a whole number from 0 to 3600", ""},
		{"payload format", "kind: http\nauthorizer:\n  payload_format: 3.0", "3:25: want 1.0 or 2.0", ""},
		{"payload format of the wrong type", "kind: http\nauthorizer:\n  payload_format: []", "3:25: want 1.0 or 2.0, got a list", ""},
		{"simple responses", "kind: http\nauthorizer:\n  payload_format: 1.0\n  simple_responses: true", "4:27: simple responses need payload format 2.0", ""},
		{"simple responses in REST", "authorizer: {simple_responses: true}", "1:38: only Lambda authorizers of HTTP APIs", ""},
		{"issuer", "authorizer: {issuer: 'http://i.example', audience: a}", `1:28: the issuer "http://i.example" must be an https URL`, ""},
		{"no audience", "authorizer: {issuer: 'https://i.example'}", "1:28: no audience is given", ""},
		{"two issuers in HTTP", "kind: http\nauthorizer:\n  jwt: {issuers: [https://i.example, https://j.example], audience: a}", "3:24: a JWT authorizer of an HTTP API has one issuer", ""},
		{"a token authorizer with an issuer", "authorizer: {type: token, issuer: 'https://i.example'}", "1:19: issuers are for authorizers of type jwt and cognito", "an authorizer file says it in tokens"},
		{"a JWT authorizer with a file", "authorizer: {type: jwt, file: a.yaml}", "1:37: an authorizer of this type runs no function", ""},
		{"file and response", "authorizer: {file: a.yaml, response: {a: 1}}", "1:44: a file and a response at once", ""},
		{"no such authorizer", "authorizers: {users: {type: iam}}\nauthorizer: usrs", `2:19: there is no authorizer "usrs"`, "did you mean users?"},
		{"a file in place of an authorizer", "authorizer: a.yaml", `1:19: there is no authorizer "a.yaml"`, "{file: authorizer.yaml}"},
		{"an authorizer that is none", "authorizer: 1", "1:19: want an authorizer: an object", ""},
		{"a name that is a type", "authorizers: {JWT: {}}", `1:21: "JWT" cannot be the name`, "it is a type"},
		{"nobody by default", "authorizers: {a: iam, b: iam}\nroutes:\n  GET /x:", "3:9: nothing says which authorizer decides about GET /x", "authorizer: a"},
		{"nobody at all", "authorizers: {a: iam, b: iam}", "1:20: nothing says which authorizer decides", ""},
		{"no routes", "routes: []", "1:15: want routes, got none", "every path is one"},
		{"routes as text", "routes: GET /", "1:15: want an object of routes", ""},
		{"a method", "authorizer: none\nroutes:\n  GIT /x: none", `3:9: route GIT /x: want ANY or one of`, ""},
		{"a path", "authorizer: none\nroutes: [GET x]", "2:16: route GET x: want a path that begins with a slash", ""},
		{"a template", "authorizer: none\nroutes: ['GET /a/{p+}/b']", "2:16: route GET /a/{p+}/b: {p+} must be the last part", ""},
		{"a route twice", "authorizer: none\nroutes: ['GET /a/{x}', 'GET /a/{y}']", "2:30: route GET /a/{y}: another route has the same", ""},
		{"a later route of a WebSocket API", "kind: websocket\nroutes:\n  send: iam", "3:9: route send: only $connect", ""},
		{"API keys in HTTP", "kind: http\nauthorizer: none\napi_keys: [k]\nwaf_blocks: true", "3:17: HTTP APIs have no API keys", ""},
		{"key source", "authorizer: none\napi_key: true\napi_key_source: authorizer", "2:16: API keys come from the authorizer", ""},
		{"a resource policy in HTTP", "kind: http\nauthorizer: none\nresource_policy: policy.json", "3:24: HTTP APIs have no resource policies", ""},
		{"a resource policy that is not there", "resource_policy: none.json", "1:24: there is no file", ""},
		{"a bad resource policy", "authorizer: none\nresource_policy: bad.json", "bad.json:2:16: ", ""},
		{"a principal is missing", `authorizer: none
resource_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "execute-api:Invoke", Resource: "*"}]}`, "2:60: ", ""},
		{"a gateway response", "gateway_responses: {UNAUTHORISED: {}}", `1:27: there is no gateway response "UNAUTHORISED"`, "did you mean UNAUTHORIZED?"},
		{"its status", "gateway_responses: {UNAUTHORIZED: {status: 42}}", "1:50: want a whole number from 100 to 599", ""},
		{"its headers", "gateway_responses: {UNAUTHORIZED: {headers: {A: '*'}}}", "1:55: want a value in single quotes", `"'*'"`},
		{"body and templates", "gateway_responses: {UNAUTHORIZED: {body: a, templates: {a/b: c}}}", "1:48: body and templates at once", ""},
		{"claims", "authorizer: {issuer: 'https://i.example', audience: a, claims: [{values: [x]}]}", "1:71: want the name of the claim", ""},
		{"a file and a block", "file: api.yaml\nkind: http", "1:13: what the API is, is said in a file and here", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := define(t, tc.block)
			e, lines := firstMistake(t, err)
			if !strings.HasPrefix(shift(e, lines), tc.want) && !strings.Contains(e.Error(), tc.want) { // the latter in a file of its own
				t.Errorf("mistake %q (%s), want %q", shift(e, lines), e.Error(), tc.want)
			}
			if !strings.Contains(e.Hint, tc.hint) {
				t.Errorf("hint %q, want %q", e.Hint, tc.hint)
			}
		})
	}
}

// firstMistake is the first mistake of an error, and on which line the block
// begins.
func firstMistake(t *testing.T, err error) (*source.Error, int) {
	t.Helper()
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		err = j.Unwrap()[0]
	}
	var e *source.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want a mistake with a place", err)
	}
	return e, 3
}

// shift is a mistake with its line counted from the first of the block.
func shift(e *source.Error, lines int) string {
	moved := *e
	moved.Pos.Line -= lines
	_, rest, _ := strings.Cut(moved.Error(), ":")
	return rest
}

// An API file is read from where the flag, the environment or a settings file name
// it, and wins over a block that is less close.
func TestAPIFile(t *testing.T) {
	w := newWorld(t)
	w.write(filepath.Join(w.dir, "apis", "http.yaml"), "version: 1\nkind: http\nurl: https://abc.execute-api.eu-west-1.amazonaws.com\nauthorizer: {file: a.yaml}")
	w.write(filepath.Join(w.dir, "ws.yaml"), "kind: websocket\nauthorizer: none")
	w.project("profiles: {dev: {api: {file: apis/http.yaml}}}")
	w.own("profiles: {dev: {api: {kind: rest}}}")
	d, err := finish(w.load())
	if err != nil || d.API.Kind != apigw.HTTP || d.URL == "" || d.Answers["default"].File != filepath.Join(w.dir, "apis", "a.yaml") {
		t.Fatalf("%+v, %v", d, err)
	}
	w.environment["GATEPASS_API_FILE"] = filepath.Join(w.dir, "ws.yaml")
	if d, err = finish(w.load()); err != nil || d.API.Kind != apigw.WebSocket {
		t.Fatalf("%+v, %v", d, err)
	}
	w.project("profiles: {dev: {api: {stage: x, authorizer: none}}}")
	w.own("profiles: {dev: {api: {file: ws.yaml}}}")
	delete(w.environment, "GATEPASS_API_FILE")
	if d, err = finish(w.load()); err != nil || d.API.Stage != "x" {
		t.Fatalf("%+v, %v", d, err)
	}
	w.flags["api-file"] = []string{filepath.Join(w.dir, "none.yaml")}
	if _, err = w.load().Definition(); err == nil || !strings.Contains(err.Error(), "there is no file") {
		t.Errorf("error %v", err)
	}
	w.write(filepath.Join(w.dir, "send.yaml"), "send: header X\nclient_secret: hunter2")
	w.flags["api-file"] = []string{filepath.Join(w.dir, "send.yaml")}
	_, err = w.load().Definition()
	if e, _ := firstMistake(t, err); !strings.Contains(e.Error(), "nothing of how the API is called") || strings.Contains(e.Excerpt(), "hunter2") {
		t.Errorf("mistake %v\n%s", e, e.Excerpt())
	}
}

// Whatever is in a file: no panic, and every mistake has a place or is about a
// file.
func FuzzDefinition(f *testing.F) {
	for _, seed := range []string{
		"kind: http\nauthorizer: {type: jwt, issuer: https://x, audience: a}\nroutes: {GET /a: none, $default: }",
		"authorizers: {a: {type: token, validation_expression: '[a-z]+'}, b: iam}\nauthorizer: a\nroutes: [GET /x, /y]",
		"gateway_responses: {UNAUTHORIZED: x}\nresource_policy: {Statement: []}\nstage_variables: {a: b}",
		"kind: websocket\nauthorizer: {identity_sources: query a}\nroutes: {$connect: , x: {}}",
		"authorizer: {jwt: {issuers: [{issuer: a, claims: {b: c}}], algorithms: RS256}}",
		`{"authorizer":{"response":{"a":[1]}},"api_keys":null,"scopes":[]}`,
	} {
		f.Add(seed)
	}
	dir := f.TempDir()
	path := filepath.Join(dir, "api.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := finish(&config.Profile{API: config.API{File: path}})
		if err != nil {
			return
		}
		if d.API.Prepare() != nil {
			t.Errorf("no mistake is found, but the API cannot be")
		}
	})
}
