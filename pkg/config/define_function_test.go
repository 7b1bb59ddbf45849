package config_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/config"
)

func TestFunctions(t *testing.T) {
	d, err := define(t, `authorizers:
  a: {handler: "src/simple.js#check", environment: {AUDIENCE: orders, YEAR: 2026}, timeout: 5s, memory: 256}
  b: {invoke: "http://127.0.0.1:9000"}
  c: {function: "arn:aws:lambda:eu-west-1:111122223333:function:pets:live", timeout: 10}
  d: {file: simple.js}
authorizer: a`)
	if err != nil {
		t.Fatal(err)
	}
	dir := d.Answers["a"].Function.Dir
	if !strings.HasSuffix(dir, "repo") || !filepath.IsAbs(dir) {
		t.Errorf("the folder is %q", dir)
	}
	for name, want := range map[string]*config.Function{
		"a": {Handler: "src/simple.js#check", Dir: dir, Environment: map[string]string{"AUDIENCE": "orders", "YEAR": "2026"}, Timeout: 5 * time.Second, Memory: 256},
		"b": {Invoke: "http://127.0.0.1:9000"},
		"c": {Name: "arn:aws:lambda:eu-west-1:111122223333:function:pets:live", Timeout: 10 * time.Second},
		"d": nil, // by its file, which whoever runs it finds out
	} {
		if diff := cmp.Diff(want, d.Answers[name].Function); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if !config.IsHandler(d.Answers["d"].File) {
		t.Error("simple.js is no handler")
	}
}

func TestMistakesInFunctions(t *testing.T) {
	for _, tc := range []struct{ name, block, want, hint string }{
		{"two functions", "authorizer: {handler: a.js, function: b}", "1:19: only one can answer", "give one of handler, invoke and function"},
		{"a file and a handler", "authorizer: {file: a.yaml, handler: b.js}", "1:43: a file and a handler at once", ""},
		{"a response and an address", "authorizer: {response: {a: 1}, invoke: 'http://h'}", "1:46: a response and a invoke at once", ""},
		{"no function", "authorizer: {memory: 128}", "1:28: memory is for a function, and none is named", "handler: simple.js"},
		{"a JWT authorizer", "authorizer: {type: jwt, handler: a.js}", "1:40: an authorizer of this type runs no function", ""},
		{"an address", "authorizer: {invoke: 'localhost:9000'}", "1:28: want the URL of an Invoke API", "http://127.0.0.1:9000"},
		{"a secret in the address", "authorizer: {invoke: 'http://a:b@h'}", "1:28: want the URL of an Invoke API", ""},
		{"memory", "authorizer: {handler: a.js, memory: 64}", "1:43: want a whole number from 128 to 10240", ""},
		{"time", "authorizer: {handler: a.js, timeout: 1h}", "1:44: a function has at most 15m0s", ""},
		{"a variable", "authorizer: {handler: a.js, environment: {'A B': c}}", `1:49: "A B" cannot be the name of an environment variable`, ""},
		{"variables", "authorizer: {handler: a.js, environment: [A]}", "1:48: want an object of names and values", ""},
		{"memory of a function elsewhere", "authorizer: {invoke: 'http://h', memory: 256}", "1:48: memory is for a handler that is run here", ""},
		{"a key", "authorizer: {handlr: a.js}", `1:20: unknown key "handlr"`, `did you mean "handler"?`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := define(t, tc.block)
			e, lines := firstMistake(t, err)
			if !strings.HasPrefix(shift(e, lines), tc.want) {
				t.Errorf("mistake %q, want %q", shift(e, lines), tc.want)
			}
			if !strings.Contains(e.Hint, tc.hint) {
				t.Errorf("hint %q, want %q", e.Hint, tc.hint)
			}
		})
	}
}

func TestIsHandler(t *testing.T) {
	for file, want := range map[string]bool{
		"a.js": true, "a.MJS": true, "a.cjs#b": true, "x/a.py": true, "a.yaml": false, "a.json": false, "bootstrap": false, "js": false, "": false,
	} {
		if config.IsHandler(file) != want {
			t.Errorf("IsHandler(%q) is not %t", file, want)
		}
	}
}
