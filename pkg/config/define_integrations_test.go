package config_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatepass/pkg/apigw"
	"gatepass/pkg/config"
)

func TestIntegrations(t *testing.T) {
	age := 300
	for name, tc := range map[string]struct {
		block string
		want  config.Serving
	}{
		"nothing": {"authorizer: none", config.Serving{}},
		"a URL":   {"integration: http://127.0.0.1:3000", config.Serving{Integration: &config.Integration{Upstream: "http://127.0.0.1:3000"}}},
		"echo":    {"integration: echo", config.Serving{Integration: &config.Integration{Echo: true}}},
		"a handler": {"integration: 'pets.js#list'", config.Serving{
			Integration: &config.Integration{Function: &config.Function{Handler: "pets.js#list"}},
		}},
		"a function in full": {"integration: {handler: pets.py, timeout: 5s, memory: 256, environment: {A: b}}", config.Serving{
			Integration: &config.Integration{Function: &config.Function{Handler: "pets.py", Timeout: 5 * time.Second, Memory: 256, Environment: map[string]string{"A": "b"}}},
		}},
		"an upstream in full": {"integration: {upstream: 'https://${stageVariables.host}/v1', timeout: 5s}", config.Serving{
			Integration: &config.Integration{Upstream: "https://${stageVariables.host}/v1", Timeout: 5 * time.Second},
		}},
		"a whole URL in a stage variable": {"integration: '${stageVariables.url}'", config.Serving{Integration: &config.Integration{Upstream: "${stageVariables.url}"}}},
		"a mock's body":                   {"integration: {mock: hello}", config.Serving{Integration: &config.Integration{Mock: &config.Mock{Body: "hello"}}}},
		"a mock in full": {"integration: {mock: {status: 203, headers: {X-A: b}, body: {a: [1, true]}}}", config.Serving{
			Integration: &config.Integration{Mock: &config.Mock{Status: 203, Headers: map[string]string{"X-A": "b"}, Body: `{"a":[1,true]}`}},
		}},
		"of routes": {"authorizer: none\nroutes:\n  GET /a: {integration: echo}\n  GET /b: none\n  /c: {integration: http://127.0.0.1:1}", config.Serving{
			Integrations: map[string]*config.Integration{"GET /a": {Echo: true}, "ANY /c": {Upstream: "http://127.0.0.1:1"}},
		}},
		"CORS": {"kind: http\nauthorizer: none\ncors: {allow_origins: ['https://a.example'], allow_methods: [GET], allow_headers: authorization, expose_headers: [x-id], max_age: 300, allow_credentials: true}", config.Serving{
			CORS: &apigw.CORS{Origins: []string{"https://a.example"}, Methods: []string{"GET"}, Headers: []string{"authorization"}, Expose: []string{"x-id"}, MaxAge: &age, Credentials: true},
		}},
		"CORS for all":   {"kind: http\nauthorizer: none\ncors: true", config.Serving{CORS: &apigw.CORS{Origins: []string{"*"}, Methods: []string{"*"}, Headers: []string{"*"}}}},
		"no CORS":        {"kind: http\nauthorizer: none\ncors: false", config.Serving{}},
		"binary types":   {"authorizer: none\nbinary_media_types: [image/png, '*/*']", config.Serving{BinaryTypes: []string{"image/png", "*/*"}}},
		"files are told": {"authorizer: none\nresource_policy: policy.json", config.Serving{Files: []string{"policy.json"}}},
	} {
		d, err := define(t, tc.block)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, f := range d.Files {
			d.Files[i] = filepath.Base(f)
		}
		if diff := cmp.Diff(tc.want, d.Serving, cmpopts.IgnoreFields(config.Function{}, "Dir"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMistakesInIntegrations(t *testing.T) {
	for block, want := range map[string]string{
		"integration: {}":                                       "want an integration",
		"integration: ''":                                       "want an integration",
		"integration: 1":                                        "want an object",
		"integration: {echo: false}":                            "want an integration",
		"integration: {mock: x, echo: true}":                    "mock and echo at once",
		"integration: {handler: a.js, upstream: 'http://x'}":    "handler and upstream at once",
		"integration: {handler: a.js, invoke: 'http://x'}":      "at once",
		"integration: {upstream: 'ftp://x'}":                    "want the URL of an upstream",
		"integration: {upstream: 'http://u:p@x'}":               "want the URL of an upstream",
		"integration: 'http://x/?a=b'":                          "want the URL of an upstream",
		"integration: {upstream: 'http://x', timeout: 31s}":     "at most 30s",
		"integration: {upstream: 'http://x', memory: 128}":      "memory is for a function",
		"integration: {mock: x, timeout: 1s}":                   "timeout is for a function",
		"integration: {mock: {status: 100}}":                    "200 to 599",
		"integration: {mok: x}":                                 `unknown key "mok"`,
		"routes: {GET /a: {integration: {}}}":                   "want an integration",
		"cors: {}":                                              "origins",
		"cors: {allow_origins: ['*'], allow_credentials: true}": "credentials",
		"cors: {allow_origins: [a.example]}":                    "such as https",
		"cors: {origins: ['*']}":                                `unknown key "origins"`,
		"cors: yes please":                                      "want an object",
		"binary_media_types: [png]":                             "want a media type",
	} {
		_, err := define(t, "authorizer: none\n"+block)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", block, err, want)
		}
	}
}

func TestExpandStage(t *testing.T) {
	value := func(name string) (string, bool) {
		v, ok := map[string]string{"a": "1", "b": "${stageVariables.a}"}[name]
		return v, ok
	}
	for text, want := range map[string]string{
		"": "", "x": "x", "${stageVariables.a}": "1", "http://${stageVariables.a}:${stageVariables.a}/": "http://1:1/",
		"${stageVariables.none}/${stageVariables.a}": "${stageVariables.none}/1", "${stageVariables.a": "${stageVariables.a",
		"${stageVariables.b}": "${stageVariables.a}", "$stageVariables.a": "$stageVariables.a",
	} {
		if got := config.ExpandStage(text, value); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
