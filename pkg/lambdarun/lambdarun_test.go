package lambdarun_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/lambdarun"
)

// need skips a test where a program is missing, which is a failure where all are
// required.
func need(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("GATEPASS_E2E") == "required" {
		t.Fatalf("%s is not installed, and GATEPASS_E2E=required", program)
	}
	t.Skipf("%s is not installed", program)
}

// log keeps what functions print.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// start makes a function that is closed with the test.
func start(t testing.TB, o lambdarun.Options) (*lambdarun.Function, *log) {
	t.Helper()
	l := &log{}
	if o.Log == nil {
		o.Log = l.add
	}
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second // the machine may be busy
	}
	o.LookPath, o.TempDir = exec.LookPath, t.TempDir()
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	f, err := lambdarun.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f, l
}

// code is a handler in a file of its own.
func code(t testing.TB, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func invoke(f *lambdarun.Function, event string) apigw.Output {
	return f.Invoke(context.Background(), []byte(event))
}

// said is an output in a line: "result TEXT", "error MESSAGE", "none REASON",
// "timeout REASON".
func said(o apigw.Output) string {
	switch {
	case o.Kind == apigw.Returned:
		return "result " + o.Text
	case o.Kind == apigw.Failed:
		return "error " + o.Message
	case o.Called:
		return "timeout " + o.Message
	}
	return "none " + o.Message
}

func want(t *testing.T, o apigw.Output, text string) {
	t.Helper()
	if got := said(o); got != text {
		t.Errorf("got %.300s, want %.300s", got, text)
	}
}

// TestNode: every style of handler answers as in Lambda.
func TestNode(t *testing.T) {
	need(t, "node")
	for _, tc := range []struct{ name, file, code, want string }{
		{"callback", "h.js", `exports.handler = (e, c, cb) => cb(null, {a: e.x})`, `result {"a":1}`},
		{"callback later", "h.js", `exports.handler = (e, c, cb) => setTimeout(cb, 5, null, 'late')`, `result "late"`},
		{"callback with a string", "h.js", `exports.handler = (e, c, cb) => cb('Unauthorized')`, "error Unauthorized"},
		{"callback with an error", "h.js", `exports.handler = (e, c, cb) => cb(new Error('Unauthorized'))`, "error Unauthorized"},
		{"callback with a number", "h.js", `exports.handler = (e, c, cb) => cb(5)`, "error 5"},
		{"callback with an object", "h.js", `exports.handler = (e, c, cb) => cb({a: 1})`, "error [object Object]"},
		{"callback with 0", "h.js", `exports.handler = (e, c, cb) => cb(0)`, "error 0"},
		{"callback waits for the event loop", "h.js", `let n = 0; exports.handler = (e, c, cb) => { const r = {}; cb(null, r); setTimeout(() => { r.n = 1 }, 20) }`, `result {"n":1}`},
		{"callback need not wait", "h.js", `exports.handler = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; const r = {}; cb(null, r); setTimeout(() => { r.n = 1 }, 20) }`, `result {}`},
		{"an error does not wait", "h.js", `exports.handler = (e, c, cb) => { setTimeout(() => {}, 60000); cb('no') }`, "error no"},
		{"the second answer does not count", "h.js", `exports.handler = (e, c, cb) => { cb(null, 1); cb(null, 2); c.fail('x') }`, "result 1"},
		{"no callback at all", "h.js", `exports.handler = () => {}`, "result null"},
		{"a value that is returned is no answer", "h.js", `exports.handler = () => ({a: 1})`, "result null"},
		{"async", "h.js", `exports.handler = async (e) => ({a: e.x})`, `result {"a":1}`},
		{"async throws", "h.js", `exports.handler = async () => { throw new Error('Unauthorized') }`, "error Unauthorized"},
		{"async throws a string", "h.js", `exports.handler = async () => { throw 'Unauthorized' }`, "error Unauthorized"},
		{"async throws nothing", "h.js", `exports.handler = async () => { throw undefined }`, "error handled"},
		{"promise", "h.js", `exports.handler = () => new Promise((ok) => setTimeout(ok, 5, 'p'))`, `result "p"`},
		{"promise is rejected", "h.js", `exports.handler = () => Promise.reject(new TypeError('bad'))`, "error bad"},
		{"promise is never settled", "h.js", `exports.handler = async () => new Promise(() => {})`, "error the promise of the handler is never settled"},
		{"throws", "h.js", `exports.handler = () => { throw new Error('Unauthorized') }`, "error Unauthorized"},
		{"done", "h.js", `exports.handler = (e, c) => c.done(null, 3)`, "result 3"},
		{"done with an error", "h.js", `exports.handler = (e, c) => c.done('x')`, "error x"},
		{"succeed does not wait", "h.js", `exports.handler = (e, c) => { setTimeout(() => {}, 60000); c.succeed('s') }`, `result "s"`},
		{"fail", "h.js", `exports.handler = (e, c) => c.fail(new Error('f'))`, "error f"},
		{"undefined", "h.js", `exports.handler = async () => undefined`, "result null"},
		{"a function", "h.js", `exports.handler = async () => () => 1`, "result null"},
		{"thrown later", "h.js", `exports.handler = () => { setTimeout(() => { throw new Error('Unauthorized') }, 5) }`, "error Unauthorized"},
		{"rejected on the side", "h.js", `exports.handler = (e, c, cb) => { Promise.reject(new Error('Unauthorized')) }`, "error Error: Unauthorized"},
		{"module", "h.mjs", `export const handler = async (e) => typeof require`, `result "undefined"`},
		{"module with top-level await", "h.mjs", `const v = await Promise.resolve(7); export const handler = async () => v`, "result 7"},
		{"commonjs by name", "h.cjs", `module.exports = { handler: async () => [typeof require, typeof fs] }`, `result ["function","undefined"]`},
		{"another export", "h.js#check", `exports.check = async () => 'c'`, `result "c"`},
		{"an export below another", "h.js#a.b", `exports.a = { b: async () => 'ab' }`, `result "ab"`},
		{"as Lambda writes it", "h.check", `exports.check = async () => 'c'`, `result "c"`},
		{"unicode", "h.js", `exports.handler = async (e) => e.u + 'ü\u{1F600}\u2028\ud800'`, `result "ü😀ü😀` + "\u2028" + `\ud800"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			name, export, _ := strings.Cut(tc.file, "#")
			spec := name
			if export != "" {
				spec += "#" + export
			}
			if name == "h.check" {
				name = "h.js"
			}
			f, _ := start(t, lambdarun.Options{Handler: spec, Dir: filepath.Dir(code(t, name, tc.code))})
			for range 2 { // the process is as good as new
				want(t, invoke(f, `{"x": 1, "u": "ü😀"}`), tc.want)
			}
		})
	}
}

// TestNodeDoesNotLoad: what keeps a module from being loaded is an error of the
// function, with the place where Node knows it.
func TestNodeDoesNotLoad(t *testing.T) {
	need(t, "node")
	for _, tc := range []struct{ name, file, code, message, log string }{
		{"syntax", "h.js", "exports.handler = async () => {\n  retrun 1;\n}", "SyntaxError: Unexpected", "h.js:2"},
		{"missing module", "h.js", `require('no-such-module')`, "Cannot find module 'no-such-module'", "h.js"},
		{"missing module of a module", "h.mjs", `import 'no-such-module'; export const handler = 1`, "Cannot find package 'no-such-module'", "h.mjs"},
		{"a package that Lambda has", "h.js", `require('@aws-sdk/client-s3')`, "Cannot find module '@aws-sdk/client-s3'", "Lambda has this package"},
		{"missing export", "h.js", `exports.other = () => {}`, "h.js#handler is undefined or not exported; exported functions: other", ""},
		{"no function", "h.js", `exports.handler = 5`, "h.js#handler is not a function", ""},
		{"throws", "h.js", "\n\nthrow new Error('no settings')", "no settings", "h.js:3"},
		{"exits", "h.js", `process.exit(7)`, "Error: Runtime exited with error: exit status 7", ""},
		{"throws later, before it is loaded", "h.mjs", `setTimeout(() => { throw new Error('boo') }, 1); await new Promise((ok) => setTimeout(ok, 5000))`, "boo", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, l := start(t, lambdarun.Options{Handler: code(t, tc.file, tc.code)})
			got := said(invoke(f, `{}`))
			if !strings.HasPrefix(got, "error ") || !strings.Contains(got, tc.message) {
				t.Errorf("got %s, want an error with %q", got, tc.message)
			}
			if !strings.Contains(l.text(), tc.log) {
				t.Errorf("the log does not say %q: %s", tc.log, l.text())
			}
			if err := f.Ready(context.Background()); err == nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("Ready says %v", err)
			}
		})
	}
}

// TestPackageType: a .js file is a module where the package.json beside it says so.
func TestPackageType(t *testing.T) {
	need(t, "node")
	file := code(t, "h.js", `export const handler = async () => import.meta.url.length > 0`)
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "package.json"), []byte(`{"type": "module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f, _ := start(t, lambdarun.Options{Handler: file})
	want(t, invoke(f, `{}`), "result true")
}

// TestPython: handlers answer as in Lambda.
func TestPython(t *testing.T) {
	need(t, "python3")
	for _, tc := range []struct{ name, file, code, want string }{
		{"returns", "h.py", "def lambda_handler(e, c):\n  return {'a': e['x']}", `result {"a": 1}`},
		{"nothing", "h.py", "def lambda_handler(e, c): pass", "result null"},
		{"raises", "h.py", "def lambda_handler(e, c):\n  raise Exception('Unauthorized')", "error Unauthorized"},
		{"raises with two", "h.py", "def lambda_handler(e, c):\n  raise ValueError('a', 1)", "error ('a', 1)"},
		{"key error", "h.py", "def lambda_handler(e, c):\n  return e['nope']", "error 'nope'"},
		{"another name", "h.py#check", "def check(e, c): return 'c'", `result "c"`},
		{"as Lambda writes it", "h.check", "def check(e, c): return 'c'", `result "c"`},
		{"a set", "h.py", "def lambda_handler(e, c): return {1}", "error Unable to marshal response: Object of type set is not JSON serializable"},
		{"a decimal", "h.py", "import decimal\ndef lambda_handler(e, c): return decimal.Decimal('1.5')", "result 1.5"},
		{"unicode", "h.py", "def lambda_handler(e, c): return e['u'] == 'ü\\U0001F600'", "result true"},
		{"context", "h.py", "def lambda_handler(e, c):\n  return [c.function_name, c.function_version, c.memory_limit_in_mb, c.aws_request_id != '', 0 < c.get_remaining_time_in_millis() <= 20000, c.invoked_function_arn]",
			`result ["h", "$LATEST", "128", true, true, "arn:aws:lambda:us-east-1:123456789012:function:h"]`},
		{"missing module", "h.py", "import no_such_module", "error Unable to import module 'h': No module named 'no_such_module'"},
		{"missing function", "h.py", "x = 1", "error Handler 'lambda_handler' missing on module 'h'"},
		{"missing function among others", "h.py", "from json import dumps\ndef check(e, c): pass\ndef handler(e, c): pass", "error Handler 'lambda_handler' missing on module 'h'; functions: check, handler"},
		{"does not load", "h.py", "raise RuntimeError('no settings')", "error no settings"},
		{"a name of the library", "types.py", "import json, enum\ndef lambda_handler(e, c): return __name__", `result "types"`},
		{"module beside it", "h.py", "import os\nopen(os.path.join(os.path.dirname(__file__), 'beside.py'), 'w').write('v = 4')\nimport beside\ndef lambda_handler(e, c): return beside.v", "result 4"},
		{"standard input is empty", "h.py", "import sys\ndef lambda_handler(e, c): return sys.stdin.read()", `result ""`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			name, _, _ := strings.Cut(tc.file, "#")
			if name == "h.check" {
				name = "h.py"
			}
			f, _ := start(t, lambdarun.Options{Handler: tc.file, Dir: filepath.Dir(code(t, name, tc.code))})
			want(t, invoke(f, `{"x": 1, "u": "ü😀"}`), tc.want)
			want(t, invoke(f, `{"x": 1, "u": "ü😀"}`), tc.want)
		})
	}
}

func TestPythonSyntax(t *testing.T) {
	need(t, "python3")
	f, _ := start(t, lambdarun.Options{Handler: code(t, "h.py", "def lambda_handler(e, c):\n  retrun 1")})
	if got := said(invoke(f, `{}`)); !strings.HasPrefix(got, "error Syntax error in module 'h': ") || !strings.Contains(got, "line 2") {
		t.Errorf("got %s", got)
	}
}
