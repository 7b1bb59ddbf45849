package lambdarun_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gatepass/pkg/lambdarun"
)

// TestShapes: functions as people have them, of several files and out of tools.
func TestShapes(t *testing.T) {
	for _, tc := range []struct {
		name, handler string
		files         map[string]string
		want, log     string
	}{
		{"data beside it, by every way to it", "index.js", map[string]string{
			"data.json": `[7]`,
			"index.js": `const fs = require('fs'), path = require('path'); const all = [require('./data.json'), JSON.parse(fs.readFileSync('data.json')),
				JSON.parse(fs.readFileSync(path.join(__dirname, 'data.json'))), JSON.parse(fs.readFileSync(process.env.LAMBDA_TASK_ROOT + '/data.json'))];
				exports.handler = async () => all.flat()`,
		}, `result [7,7,7,7]`, ""},
		{"a folder below the root", "src/auth/index.handler", map[string]string{
			"data.json": `[7]`, "src/auth/index.js": `const fs = require('fs'); exports.handler = async () => [JSON.parse(fs.readFileSync('data.json')), process.env._HANDLER]`,
		}, `result [[7],"src/auth/index.handler"]`, ""},
		{"TypeScript, compiled", "index.js", map[string]string{
			"index.js": "\"use strict\";\nObject.defineProperty(exports, \"__esModule\", { value: true });\nexports.handler = void 0;\nconst handler = async () => 1;\nexports.handler = handler;\nexports.default = exports.handler;",
		}, `result 1`, ""},
		{"a bundle", "index.js", map[string]string{
			"index.js": `"use strict"; var d = Object.defineProperty; var e = {}; ((t, all) => { for (var n in all) d(t, n, { get: all[n], enumerable: true }) })(e, { handler: () => h });
				module.exports = ((m) => { const o = d({}, "__esModule", { value: true }); for (const k of Object.getOwnPropertyNames(m)) d(o, k, { get: () => m[k], enumerable: true }); return o })(e); var h = async () => 2;`,
		}, `result 2`, ""},
		{"the default of a module", "index.mjs#default", map[string]string{"index.mjs": `export default async () => 3`}, `result 3`, ""},
		{"a wrapper", "index.js", map[string]string{
			"index.js": `const wrap = (h) => { const m = async (e, c) => { try { return await h(e, c, { signal: new AbortController().signal }) } catch (err) { throw err } }; m.use = () => m; return m };
				exports.handler = wrap(async () => { throw new Error('Unauthorized') }).use()`,
		}, `error Unauthorized`, "Error: Unauthorized"},
		{"a callback and a promise", "index.js", map[string]string{"index.js": `exports.handler = async (e, c, cb) => { cb(null, 'first'); return 'second' }`}, `result "first"`, ""},
		{"a callback behind a promise", "index.js", map[string]string{"index.js": `exports.handler = (e, c, cb) => { Promise.resolve().then(() => cb(null, 'late')) }`}, `result "late"`, ""},
		{"timers that go on", "index.js", map[string]string{"index.js": `setInterval(() => {}, 5); exports.handler = async () => 4`}, `result 4`, ""},
		{"an ES module that is imported", "index.js", map[string]string{
			"index.js":                       `exports.handler = async () => (await import('only')).x`,
			"node_modules/only/package.json": `{"name": "only", "type": "module", "exports": "./i.js"}`, "node_modules/only/i.js": `export const x = 1`,
		}, `result 1`, ""},

		{"exports that come later", "index.js", map[string]string{"index.js": `module.exports = (async () => ({ handler: async () => 1 }))()`}, `result 1`, ""},
		{"exports that come too late", "index.js", map[string]string{"index.js": `process.nextTick(() => { exports.handler = async () => 1 })`}, `error index.js#handler is undefined or not exported`, ""},
		{"a method", "index.js#auth.handler", map[string]string{
			"index.js": `exports.auth = new (class { constructor() { this.known = true } async handler() { return String(this.known) } })()`,
		}, `result "undefined"`, ""},
		{"a level of Lambda's console", "index.js", map[string]string{"index.js": `exports.handler = async () => { console.fatal('%s!', 'over'); return 1 }`}, `result 1`, "over!"},
		{"an answer that is streamed", "index.js", map[string]string{
			"index.js": `exports.handler = awslambda.streamifyResponse(async (e, out) => { out.setContentType('application/json'); out.write('{\n'); out.write(Buffer.from('"a": 1}\n')); out.end() })`,
		}, "result {\r\"a\": 1}\r", ""},
		{"an error instead of a stream", "index.js", map[string]string{"index.js": `exports.handler = awslambda.streamifyResponse(async () => { throw new Error('Unauthorized') })`}, `error Unauthorized`, ""},
		{"a stream that does not end", "index.js", map[string]string{"index.js": `exports.handler = awslambda.streamifyResponse(async (e, out) => { out.write('{}') })`}, `error the stream of the answer is not ended`, ""},
		{"a stream for HTTP", "index.js", map[string]string{
			"index.js": `exports.handler = awslambda.streamifyResponse(async (e, out) => { awslambda.HttpResponseStream.from(out, { statusCode: 200 }).end('x') })`,
		}, "result {\"statusCode\":200}\x00\x00\x00\x00\x00\x00\x00\x00x", ""},
		{"a module that is never loaded", "index.mjs", map[string]string{"index.mjs": `await new Promise(() => {}); export const handler = 1`}, `error Error: Runtime exited`, ""},

		{"what only Lambda's encoder takes", "h.py", map[string]string{
			"h.py": "import collections, decimal\nT = collections.namedtuple('T', 'a b')\ndef lambda_handler(e, c): return T(decimal.Decimal('1.10'), [{b'k': b'v'}, T(decimal.Decimal(10), decimal.Decimal('NaN'))])",
		}, `result {"a": 1.10, "b": [{"k": "v"}, {"a": 10, "b": NaN}]}`, ""},
		{"an answer in bytes", "h.py", map[string]string{"h.py": "def lambda_handler(e, c): return b'{\\n\"a\": 1}'"}, "result {\r\"a\": 1}", ""},
		{"an answer that is no text", "h.py", map[string]string{"h.py": "def lambda_handler(e, c): return {'a': b'\\xff'}"}, `error Unable to marshal response: 'utf-8' codec`, ""},
		{"a mark in its name", "a#b.js", map[string]string{"a#b.js": `exports.handler = async () => 1`}, `result 1`, ""},
		{"a mark in its name, and an export", "a#b.js#other", map[string]string{"a#b.js": `exports.other = async () => 1`}, `result 1`, ""},
		{"a mistake in an ES module", "index.mjs", map[string]string{"index.mjs": "export const handler = async () => {\n  const x = ;\n}"}, `error SyntaxError: Unexpected token ';'`, "index.mjs:2\n  const x = ;\n            ^\n"},
		{"a folder with an index", "src/auth.handler", map[string]string{"src/auth/index.js": `exports.handler = async () => 1`}, `result 1`, ""},
		{"a package itself", "pkg.handler", map[string]string{"pkg/__init__.py": "import os\nfrom .conf import X\ndef handler(e, c): return [X, __name__, os.environ['_HANDLER']]", "pkg/conf.py": "X = 9"},
			`result [9, "pkg", "pkg.handler"]`, ""},
		{"a package in a package", "app/auth.handler", map[string]string{"app/auth/__init__.py": "from .conf import X\ndef handler(e, c): return [X, __name__]", "app/auth/conf.py": "X = 9"},
			`result [9, "app.auth"]`, ""},
		{"processes of its own", "h.py", map[string]string{
			"h.py": "import multiprocessing\ndef lambda_handler(e, c):\n  p = multiprocessing.get_context('spawn').Process(target=print, args=('from a process',))\n  p.start()\n  p.join()\n  return p.exitcode",
		}, `result 0`, "from a process"},
		{"an error without an output", "h.py", map[string]string{"h.py": "import sys\ndef lambda_handler(e, c):\n  sys.stdout.close()\n  sys.stderr.close()\n  raise Exception('Unauthorized')"}, `error Unauthorized`, ""},
		{"a package that is missing", "index.js", map[string]string{"index.js": `require('@no/where/at/all')`}, `error Error: Cannot find module '@no/where/at/all'`, "the package must be installed beside the handler: npm install @no/where\n"},
		{"a package of AWS that is missing", "index.mjs", map[string]string{"index.mjs": `import '@aws-sdk/client-nowhere'`}, `error Error [ERR_MODULE_NOT_FOUND]: `, "Lambda has this package; here it must be installed beside the handler: npm install @aws-sdk/client-nowhere\n"},
		{"a module that is missing", "h.py", map[string]string{"h.py": "import nowhere.at.all"}, `error Unable to import module 'h': No module named 'nowhere'`, "nowhere is neither beside the handler nor installed for "},
		{"a rejection that the module leaves", "index.js", map[string]string{"index.js": `Promise.reject(new Error('too early')); exports.handler = async () => 1`}, `error Error: too early`, "Error: too early"},
		{"an import that the module leaves", "index.js", map[string]string{"index.js": `import('./nowhere.mjs'); exports.handler = async () => new Promise(() => {})`}, `error Error [ERR_MODULE_NOT_FOUND]: Cannot find module`, ""},
		{"a virtual environment", "h.py", map[string]string{"h.py": "import nowhere", ".venv/pyvenv.cfg": ""}, `error Unable to import module 'h'`, "the virtual environment .venv is not in use"},
		{"the name of a module of Python's", "token.py", map[string]string{"token.py": "def lambda_handler(e, c): return 1"}, `result 1`, "Python has a module token of its own"},
		{"a package", "app/auth.handler", map[string]string{
			"app/__init__.py": ``, "app/conf.py": `X = 5`, "app/auth.py": "from .conf import X\nimport app.conf\ndef handler(e, c): return [X, __name__]",
		}, `result [5, "app.auth"]`, ""},
		{"a package, with dots", "app.auth.handler", map[string]string{
			"app/__init__.py": ``, "app/conf.py": `X = 5`, "app/auth.py": "from .conf import X\nimport os\ndef handler(e, c): return [X, os.environ['_HANDLER']]",
		}, `result [5, "app/auth.handler"]`, ""},
		{"a folder that is no package", "src/auth.handler", map[string]string{"src/conf.py": `X = 6`, "src/auth.py": "from src.conf import X\ndef handler(e, c): return X"}, `result 6`, ""},
		{"a module beside it", "src/auth.handler", map[string]string{"src/conf.py": `X = 6`, "src/auth.py": "import conf\ndef handler(e, c): return conf.X"},
			`result 6`, "conf is found beside the handler; Lambda only looks in the root of the function"},
		{"a module that is nowhere", "src/auth.handler", map[string]string{"src/auth.py": "import conf\ndef handler(e, c): return 1"},
			`error Unable to import module 'src.auth': No module named 'conf'`, ""},
		{"a package by its file", "app/auth.py#handler", map[string]string{"app/__init__.py": ``, "app/conf.py": `X = 5`, "app/auth.py": "from .conf import X\ndef handler(e, c): return X"},
			`result 5`, "named from the root of the function in Lambda: app/auth.handler"},
		{"a package by its file, without its module", "app/auth.py#handler", map[string]string{"app/auth.py": "from .conf import X\ndef handler(e, c): return X"},
			`error Unable to import module 'auth': No module named 'app.conf'`, ""},
		{"logging", "lambda_function.lambda_handler", map[string]string{
			"lambda_function.py": "import logging\nlogging.basicConfig(level=logging.DEBUG, format='never')\nlog = logging.getLogger()\nlog.setLevel('INFO')\ndef lambda_handler(e, c):\n  log.info('seen %s', 1)\n  log.debug('not seen')\n  logging.getLogger('x').warning('careful')\n  return 1",
		}, `result 1`, "[INFO] seen 1\n[WARNING] careful"},
		{"logging in a form of its own", "h.py", map[string]string{
			"h.py": "import logging\nlog = logging.getLogger()\nlog.handlers[0].setFormatter(logging.Formatter('own %(message)s %(aws_request_id)s'))\ndef lambda_handler(e, c):\n  log.error('form')\n  return 1",
		}, `result 1`, "own form "},
		{"many threads", "h.py", map[string]string{
			"h.py": "from concurrent.futures import ThreadPoolExecutor\nimport time\ndef lambda_handler(e, c):\n  with ThreadPoolExecutor(40) as p: return len(list(p.map(lambda i: time.sleep(0.05), range(40))))",
		}, `result 40`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			program, dir := "node", t.TempDir()
			for name, text := range tc.files {
				if filepath.Ext(name) == ".py" {
					program = "python3"
				}
				name = filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			need(t, program)
			t.Parallel()
			f, l := start(t, lambdarun.Options{Handler: filepath.FromSlash(tc.handler), Dir: dir})
			if got := said(invoke(f, `{}`)); !strings.HasPrefix(got, tc.want) {
				t.Errorf("got %s, want %s; the log is %s", got, tc.want, l.text())
			}
			if !strings.Contains(l.text(), tc.log) {
				t.Errorf("the log is %q, without %q", l.text(), tc.log)
			}
		})
	}
}

// TestMissingFile: what npm cannot bring is not asked of it.
func TestMissingFile(t *testing.T) {
	need(t, "node")
	for _, text := range []string{`require('./nowhere')`, `require('/no/where')`, `exports.handler = async () => import('./nowhere.mjs')`} {
		f, l := start(t, lambdarun.Options{Handler: code(t, "h.js", text)})
		if got := said(invoke(f, `{}`)); !strings.Contains(got, "Cannot find module") || strings.Contains(l.text(), "npm") {
			t.Errorf("%s: %s, %s", text, got, l.text())
		}
	}
}

// TestRequiredModule: an ES module can be required where Node lets it, and the log says
// which runtimes of Lambda do not.
func TestRequiredModule(t *testing.T) {
	need(t, "node")
	out, err := exec.CommandContext(t.Context(), "node", "-p", "!!process.features.require_module && parseInt(process.versions.node) < 24").Output()
	if err != nil || strings.TrimSpace(string(out)) != "true" {
		t.Skip("this Node is as Lambda's")
	}
	file := code(t, "index.js", `const { x } = require('./only.mjs'); require('./more.mjs'); exports.handler = async () => x`)
	for _, name := range []string{"only.mjs", "more.mjs"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(file), name), []byte(`export const x = 1`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const note = "is an ES module, which Lambda's nodejs20.x and nodejs22.x cannot require"
	f, l := start(t, lambdarun.Options{Handler: file})
	want(t, invoke(f, `{}`), "result 1")
	if strings.Count(l.text(), note) != 1 {
		t.Errorf("the log is %s", l.text())
	}
	f, l = start(t, lambdarun.Options{Handler: file, Env: map[string]string{"NODE_OPTIONS": "--experimental-require-module"}})
	want(t, invoke(f, `{}`), "result 1")
	if strings.Contains(l.text(), note) {
		t.Errorf("the log is %s", l.text())
	}
}

// TestRootOfElsewhere: a package outside of the folder that handlers are relative to
// is imported from the folder it is in.
func TestRootOfElsewhere(t *testing.T) {
	need(t, "python3")
	dir := t.TempDir()
	app := filepath.Join(dir, "app")
	if err := os.Mkdir(app, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"__init__.py": "", "conf.py": "X = 8", "auth.py": "from .conf import X\ndef handler(e, c): return X"} {
		if err := os.WriteFile(filepath.Join(app, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, _ := start(t, lambdarun.Options{Handler: filepath.Join(app, "auth.handler"), Dir: t.TempDir()})
	want(t, invoke(f, `{}`), "result 8")
	if f.File() != filepath.Join(app, "auth.py") {
		t.Errorf("it is %s", f.File())
	}
}
