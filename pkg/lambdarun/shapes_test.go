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
