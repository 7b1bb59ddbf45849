package lambdarun_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/lambdarun"
)

// TestHostile: whatever a handler does, there is an answer in time, its output stays
// apart, and the next event is answered as if nothing had happened.
func TestHostile(t *testing.T) {
	for _, tc := range []struct{ name, file, body, want, log string }{
		{"hangs", "h.js", `while (true);`, `^timeout Task timed out after 1\.50 seconds$`, ""},
		{"never answers", "h.js", `setInterval(() => {}, 1000); return`, `^timeout Task timed out after 1\.50 seconds$`, ""},
		{"exits", "h.js", `process.exit(0)`, `^error RequestId: [0-9a-f-]{36} Error: Runtime exited without providing a reason$`, ""},
		{"exits with a status", "h.js", `process.exit(42)`, `^error RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 42$`, ""},
		{"is killed", "h.js", `process.kill(process.pid, 'SIGKILL'); while (true);`, `Error: Runtime exited with error: signal: killed$`, ""},
		{"aborts", "h.js", `process.abort()`, `Error: Runtime exited with error: signal: aborted`, ""},
		{"eats the memory", "h.js", `const a = []; while (true) a.push(new Array(1e5).fill(Math.random()))`, `^error RequestId: .* Error: Runtime exited with error: `, "heap"},
		{"prints much", "h.js", `for (let i = 0; i < 3e4; i++) console.log('line ' + i + ' ' + 'x'.repeat(100)); cb(null, 1)`, `^result 1$`, `more output of the function is left out`},
		{"prints a line without end", "h.js", `process.stdout.write('y'.repeat(3e6)); cb(null, 1)`, `^result 1$`, ""},
		{"prints without line ends", "h.js", `process.stdout.write('no'); process.stderr.write('end'); cb(null, 1)`, `^result 1$`, `^noend$`},
		{"prints raw bytes", "h.js", `process.stdout.write(Buffer.from([0xff, 0x00, 0x1e, 0x0a])); cb(null, 1)`, `^result 1$`, ""},
		{"writes what looks like an answer", "h.js", `require('fs').writeSync(1, '\x1e00000000000000000000000000000000ok x {"a":1}\n'); cb(null, 1)`, `^result 1$`, `ok x`},
		{"closes its output", "h.js", `require('fs').closeSync(1); cb(null, 1)`, `^error `, ""},
		{"closes its input", "h.js", `require('fs').closeSync(0); cb(null, 1)`, `^result 1$`, ""},
		{"reads its input", "h.js", `process.stdin.on('data', () => cb('data')).on('end', () => cb(null, 1))`, `^result 1$`, ""},
		{"answers with 10 MB", "h.js", `cb(null, 'x'.repeat(10 << 20))`, `^error Response payload size exceeded maximum allowed payload size \(6291556 bytes\)\.$`, ""},
		{"fails with 10 MB", "h.js", `cb(new Error('x'.repeat(10 << 20)))`, `^error Response payload size exceeded`, ""},
		{"answers with 6 MB", "h.js", `cb(null, 'x'.repeat(6291554))`, `^result "x{100}`, ""},
		{"answers in a circle", "h.js", `const a = {}; a.a = a; cb(null, a)`, `^error Unable to stringify response body$`, "circular"},
		{"answers with a BigInt", "h.js", `cb(null, {n: 1n})`, `^error Unable to stringify response body$`, "BigInt"},
		{"answers with undefined", "h.js", `cb(null, undefined)`, `^result null$`, ""},
		{"an error that cannot be read", "h.js", `cb({toString() { throw 1 }})`, `^error the error has no name`, ""},
		{"a stack that is none", "h.js", `const x = new Error('Unauthorized'); x.stack = 5; cb(x)`, `^error the error has no name`, ""},
		{"an error without its stack", "h.js", `const x = new Error('Unauthorized'); delete x.stack; throw x`, `^error the error has no name`, ""},
		{"a message that is none", "h.js", `const x = new Error(); x.message = 5; cb(x)`, `^error the error has no name`, ""},
		{"throws nothing", "h.js", `throw null`, `^result null$`, ""},
		{"a promise that is none", "h.js", `return { then() {} }`, `^error Cannot read properties of undefined`, ""},
		{"rejects after the answer", "h.js", `c.succeed(1); Promise.reject(new Error('late'))`, `^result 1$`, ""},
		{"throws after the answer", "h.js", `c.succeed(1); throw new Error('late')`, `^result 1$`, ""},
		{"exits after the answer", "h.js", `c.succeed(1); process.exit(3)`, `^result 1$`, ""},
		{"a child that holds the pipe", "h.js", `require('child_process').spawn('sleep', ['1000'], {stdio: 'inherit'}).unref(); cb(null, 1)`, `^result 1$`, ""},
		{"a child that holds the pipe, and exits", "h.js", `require('child_process').spawn('sleep', ['3'], {stdio: 'inherit', detached: true}).unref(); process.exit(1)`, `Error: Runtime exited with error: exit status 1$`, ""},
		{"a child that prints", "h.js", `require('child_process').execSync('echo from a child', {stdio: 'inherit'}); cb(null, 1)`, `^result 1$`, `^from a child$`},
		{"takes console away", "h.js", `console.log = () => { throw 1 }; console.error = () => { throw 1 }; JSON.stringify = () => 'no'; cb('Unauthorized')`, `^error Unauthorized$`, ""},
		{"changes its folder and environment", "h.js", `process.chdir('/'); for (const k in process.env) delete process.env[k]; cb(null, 1)`, `^result 1$`, ""},

		{"hangs", "h.py", `while True: pass`, `^timeout Task timed out after 1\.50 seconds$`, ""},
		{"exits", "h.py", `sys.exit(9)`, `^error RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 9$`, ""},
		{"exits at once", "h.py", `os._exit(0)`, `^error RequestId: [0-9a-f-]{36} Error: Runtime exited without providing a reason$`, ""},
		{"recurses", "h.py", `return lambda_handler(dict(e), c)`, `^error maximum recursion depth exceeded`, ""},
		{"prints much", "h.py", `[print("line", i, "x" * 100) for i in range(30000)]; return 1`, `^result 1$`, `more output of the function is left out`},
		{"prints without line ends", "h.py", `sys.stdout.write("no"); sys.stderr.write("end"); return 1`, `^result 1$`, `noend`},
		{"answers with 10 MB", "h.py", `return "x" * (10 << 20)`, `^error Response payload size exceeded`, ""},
		{"answers in a circle", "h.py", `a = []; a.append(a); return a`, `^error Unable to marshal response: Circular reference detected$`, ""},
		{"answers with no number", "h.py", `return float("nan")`, `^result NaN$`, ""},
		{"answers with half a character", "h.py", `return "\ud800"`, `^result "\\ud800"$`, ""},
		{"an error that cannot be read", "h.py", `raise type("E", (Exception,), {"__str__": lambda s: 1 / 0})()`, `^error the error has no text`, ""},
		{"closes its output", "h.py", `os.close(1); os.close(2); return 1`, `^result 1$`, ""},
		{"replaces its output", "h.py", `sys.stdout = sys.stderr = None; return 1`, `^result 1$`, ""},
		{"prints as a child", "h.py", `os.system("echo from a child"); return 1`, `^result 1$`, `^from a child$`},
	} {
		t.Run(tc.file[2:]+" "+tc.name, func(t *testing.T) {
			program := map[string]string{"h.js": "node", "h.py": "python3"}[tc.file]
			need(t, program)
			t.Parallel()
			text := "exports.handler = (e, c, cb) => { if (e.good) return cb(null, 'good'); " + tc.body + " }"
			if program == "python3" {
				text = "import os, sys\ndef lambda_handler(e, c):\n  if e.get('good'): return 'good'\n  " + tc.body + "\n"
			}
			f, l := start(t, lambdarun.Options{Handler: code(t, tc.file, text), Timeout: 20 * time.Second})
			want(t, invoke(f, `{"good": 1}`), `result "good"`)
			if strings.Contains(tc.want, "timed out") {
				f, l = start(t, lambdarun.Options{Handler: code(t, tc.file, text), Timeout: 1500 * time.Millisecond})
			}
			if got := said(invoke(f, `{}`)); !regexp.MustCompile(tc.want).MatchString(got) {
				t.Errorf("got %.300s, want %s", got, tc.want)
			}
			if !regexp.MustCompile("(?m)" + tc.log).MatchString(l.text()) {
				t.Errorf("the log does not say %s: %.1000s", tc.log, l.text())
			}
			want(t, invoke(f, `{"good": 1}`), `result "good"`)
		})
	}
}

// TestTimeLimit: the time that is left is in the context, and a process that has
// spent it is replaced.
func TestTimeLimit(t *testing.T) {
	need(t, "node")
	file := code(t, "h.js", `exports.handler = async (e, c) => { if (e.hang) while (true); return [c.getRemainingTimeInMillis(), process.pid] }`)
	f, _ := start(t, lambdarun.Options{Handler: file, Timeout: 2 * time.Second})
	before := pid(t, f)
	begin := time.Now()
	want(t, invoke(f, `{"hang": true}`), "timeout Task timed out after 2.00 seconds")
	if took := time.Since(begin); took < 2*time.Second || took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if pid(t, f) == before {
		t.Error("the process that hung is still there")
	}
}

// pid is the process that answers; its handler says how much time is left, too.
func pid(t *testing.T, f *lambdarun.Function) int {
	t.Helper()
	o := invoke(f, `{}`)
	left, process, ok := strings.Cut(strings.Trim(o.Text, "[]"), ",")
	ms, err := strconv.Atoi(left)
	if !ok || err != nil || ms <= 0 || ms > 2000 {
		t.Fatalf("%s ms are left of 2000", said(o))
	}
	n, err := strconv.Atoi(process)
	if err != nil {
		t.Fatal(said(o))
	}
	return n
}

// TestCancelled: when nobody waits any more, the process is ended.
func TestCancelled(t *testing.T) {
	need(t, "node")
	f, _ := start(t, lambdarun.Options{Handler: code(t, "h.js", `exports.handler = async (e) => { while (e.hang); return 1 }`)})
	want(t, invoke(f, `{}`), "result 1")
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	want(t, f.Invoke(ctx, []byte(`{"hang": true}`)), "timeout interrupted before the function answered")
	limited, stop := context.WithTimeoutCause(context.Background(), 100*time.Millisecond, errors.New("the gateway waits no longer"))
	defer stop()
	want(t, f.Invoke(limited, []byte(`{"hang": true}`)), "timeout the gateway waits no longer")
	want(t, invoke(f, `{}`), "result 1")
	if got := said(f.Invoke(ctx, []byte(`{}`))); got == "result 1" {
		t.Error("a context that is over was not looked at")
	}
}

// TestChangedFiles: a process is replaced when the handler or what lies beside it
// has changed.
func TestChangedFiles(t *testing.T) {
	need(t, "node")
	file := code(t, "h.js", `exports.handler = async () => require('./beside.js') + 1`)
	beside := filepath.Join(filepath.Dir(file), "beside.js")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(beside, `module.exports = 1`)
	f, _ := start(t, lambdarun.Options{Handler: file})
	want(t, invoke(f, `{}`), "result 2")
	write(beside, `module.exports = 10`)
	want(t, invoke(f, `{}`), "result 11")
	write(file, `exports.handler = async () => 'new'`)
	want(t, invoke(f, `{}`), `result "new"`)
	write(file, `exports.handler = async () => {`)
	if got := said(invoke(f, `{}`)); !strings.HasPrefix(got, "error SyntaxError") {
		t.Errorf("got %s", got)
	}
	write(file, `exports.handler = async () => 'well again'`)
	want(t, invoke(f, `{}`), `result "well again"`)
}
