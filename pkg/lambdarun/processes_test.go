package lambdarun_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
	"gatepass/pkg/lambdarun"
)

// TestWarm: one process takes one event after another, and keeps what the module
// keeps.
func TestWarm(t *testing.T) {
	need(t, "node")
	f, _ := start(t, lambdarun.Options{Handler: code(t, "h.js", `let n = 0; exports.handler = async () => ++n`)})
	for i := range 50 {
		want(t, invoke(f, `{}`), fmt.Sprintf("result %d", i+1))
	}
}

// TestConcurrency: as many invocations run at once as are allowed, and no more; each
// gets its own answer.
func TestConcurrency(t *testing.T) {
	need(t, "node")
	dir := t.TempDir()
	// Each waits until there are three: one after another they would wait for ever.
	file := code(t, "h.js", `const fs = require('fs');
exports.handler = async ({ id, dir }) => {
  fs.writeFileSync(dir + '/' + process.pid, '');
  while (fs.readdirSync(dir).length < 3) await new Promise((ok) => setTimeout(ok, 5));
  return [id, process.pid];
}`)
	f, _ := start(t, lambdarun.Options{Handler: file, Concurrency: 3})
	var wg sync.WaitGroup
	var mu sync.Mutex
	pids := map[int]bool{}
	for id := range 60 {
		wg.Go(func() {
			o := invoke(f, fmt.Sprintf(`{"id": %d, "dir": %q}`, id, dir))
			var got []int
			if err := json.Unmarshal([]byte(o.Text), &got); err != nil || len(got) != 2 || got[0] != id {
				t.Errorf("%d: %s", id, said(o))
				return
			}
			mu.Lock()
			defer mu.Unlock()
			pids[got[1]] = true
		})
	}
	wg.Wait()
	if len(pids) != 3 {
		t.Errorf("%d processes, want 3", len(pids))
	}
}

// TestEnvironment: a function gets what Lambda sets and what it is given, and nothing
// of this process's secrets.
func TestEnvironment(t *testing.T) {
	need(t, "node")
	here := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": "/home/me", "GATEPASS_CLIENT_SECRET": "s3cret", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_PROFILE": "mine",
		"GITHUB_TOKEN": "s3cret", "NODE_OPTIONS": "--inspect", "SSH_AUTH_SOCK": "/run/agent",
	}
	file := code(t, "auth.js", `exports.check = async () => process.env`)
	f, _ := start(t, lambdarun.Options{
		Handler: file + "#check", Region: "eu-west-1", Memory: 256, Env: map[string]string{"AUDIENCE": "orders", "LANG": "de_DE.UTF-8"},
		Getenv: func(name string) string { return here[name] },
	})
	var got map[string]string
	if err := json.Unmarshal([]byte(invoke(f, `{}`).Text), &got); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AUDIENCE": "orders", "LANG": "de_DE.UTF-8", "TZ": ":UTC", "HOME": "/home/me", "_HANDLER": "auth.check", "LAMBDA_TASK_ROOT": filepath.Dir(file),
		"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "auth", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/auth", "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x",
	} {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	for _, name := range []string{"GATEPASS_CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "GITHUB_TOKEN", "NODE_OPTIONS", "SSH_AUTH_SOCK"} {
		if v, ok := got[name]; ok {
			t.Errorf("%s is passed on: %q", name, v)
		}
	}
}

// TestExtraRoots: a function trusts the roots that Node is told of here, whether they are
// a few or a whole bundle, and reads none of a bundle at its start.
func TestExtraRoots(t *testing.T) {
	need(t, "node")
	api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "pets") }))
	t.Cleanup(api.Close)
	handler := code(t, "h.js", `const https = require('https');
exports.handler = (e, c, cb) => https.get(e.url, (r) => r.on('data', (d) => cb(null, d.toString()))).on('error', (err) => cb(err.code))`)
	root := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw}))
	many := strings.Repeat("a word on what comes next\n", 4000)
	for name, tc := range map[string]struct {
		roots, want, variable string
		env                   map[string]string
	}{
		"none":                        {"", "error DEPTH_ZERO_SELF_SIGNED_CERT", "", nil},
		"few":                         {root, `result "pets"`, "NODE_EXTRA_CA_CERTS", nil},
		"a whole bundle":              {many + root, `result "pets"`, "SSL_CERT_FILE", nil},
		"another's roots":             {many, "error DEPTH_ZERO_SELF_SIGNED_CERT", "SSL_CERT_FILE", nil},
		"a bundle and Node's options": {many + root, `result "pets"`, "NODE_EXTRA_CA_CERTS", map[string]string{"NODE_OPTIONS": "--no-deprecation"}},
	} {
		t.Run(name, func(t *testing.T) {
			here := map[string]string{"PATH": os.Getenv("PATH")}
			if tc.roots != "" {
				here["NODE_EXTRA_CA_CERTS"] = code(t, "roots.pem", tc.roots)
			}
			getenv := func(name string) string { return here[name] }
			f, _ := start(t, lambdarun.Options{Handler: handler, Getenv: getenv, Env: tc.env})
			want(t, invoke(f, `{"url": "`+api.URL+`"}`), tc.want)
			f, _ = start(t, lambdarun.Options{Handler: code(t, "env.js", `exports.handler = async () => Object.keys(process.env).filter((k) => /CERT/.test(k)).join()`), Getenv: getenv, Env: tc.env})
			want(t, invoke(f, `{}`), `result "`+tc.variable+`"`)
		})
	}
}

// TestAWSCredentials: the files with AWS credentials are only found where one of the
// variables for them is asked for.
func TestAWSCredentials(t *testing.T) {
	need(t, "node")
	f, _ := start(t, lambdarun.Options{Handler: code(t, "h.js", `exports.handler = async () => process.env.AWS_CONFIG_FILE ?? 'as usual'`), Env: map[string]string{"AWS_PROFILE": "mine"}})
	want(t, invoke(f, `{}`), `result "as usual"`)
}

// TestLog: all that was printed is there in order when the answer is, whoever printed
// it, line by line.
func TestLog(t *testing.T) {
	need(t, "node")
	f, l := start(t, lambdarun.Options{Handler: code(t, "h.js", `console.log('loading');
exports.handler = async () => {
  console.log('one %d', 1); console.error('two'); process.stdout.write('thr'); process.stdout.write('ee\n\n');
  require('child_process').execSync('echo four; echo five >&2', { stdio: 'inherit' });
  console.log('six\r');
  return 1;
}`)})
	want(t, invoke(f, `{}`), "result 1")
	if got := l.text(); got != "loading\none 1\ntwo\nthree\n\nfour\nfive\nsix" {
		t.Errorf("the log is %q", got)
	}
}

// TestContext: what Node's context has.
func TestContext(t *testing.T) {
	need(t, "node")
	f, _ := start(t, lambdarun.Options{Name: "pets", Account: "111122223333", Region: "eu-west-1", Handler: code(t, "h.js",
		`exports.handler = async (e, c) => [c.functionName, c.functionVersion, c.memoryLimitInMB, c.logGroupName, c.invokedFunctionArn,
  /^[0-9a-f-]{36}$/.test(c.awsRequestId), c.getRemainingTimeInMillis() > 0, process.env._X_AMZN_TRACE_ID.startsWith('Root=1-'), c.callbackWaitsForEmptyEventLoop]`)})
	want(t, invoke(f, `{}`), `result ["pets","$LATEST","128","/aws/lambda/pets","arn:aws:lambda:eu-west-1:111122223333:function:pets",true,true,true,true]`)
}

// TestEvents: an event comes as it is, and what is none does not come at all.
func TestEvents(t *testing.T) {
	need(t, "node")
	f, _ := start(t, lambdarun.Options{Handler: code(t, "h.js", `exports.handler = async (e) => e`)})
	want(t, invoke(f, "{\n \"a\" : [1, \"\\n\\u2028\"] }"), "result {\"a\":[1,\"\\n\u2028\"]}")
	want(t, invoke(f, `null`), "result null")
	if got := said(invoke(f, `{`)); !strings.HasPrefix(got, "none the event is no JSON") {
		t.Errorf("got %s", got)
	}
	big := `"` + strings.Repeat("x", 7<<20) + `"`
	if got := said(invoke(f, big)); !strings.HasPrefix(got, "none the event has 7340034 bytes") {
		t.Errorf("got %s", got)
	}
	big = `"` + strings.Repeat("x", 6<<20-100) + `"`
	want(t, invoke(f, big), "result "+big)
}

// TestCloseLeavesNothing: no process, no goroutine, no file, whatever was running.
func TestCloseLeavesNothing(t *testing.T) {
	need(t, "node")
	need(t, "python3")
	before := runtime.NumGoroutine()
	temp := t.TempDir()
	var pids log
	run := func(file, text string) {
		f, err := lambdarun.New(lambdarun.Options{
			Handler: code(t, file, text), LookPath: exec.LookPath, Getenv: os.Getenv, Log: pids.add, Timeout: time.Minute, TempDir: temp, Concurrency: 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		n := len(strings.Fields(pids.text()))
		for range 3 {
			wg.Go(func() { invoke(f, `{}`) })
		}
		for deadline := time.Now().Add(20 * time.Second); len(strings.Fields(pids.text())) < n+3 && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
		f.Close()
		wg.Wait()
		want(t, invoke(f, `{}`), "none the function has been closed")
		f.Close()
	}
	run("h.js", `const { spawn } = require('child_process');
exports.handler = async () => { spawn('sleep', ['1000'], { stdio: 'inherit' }); console.log(process.pid); await new Promise((ok) => setTimeout(ok, 60000)) }`)
	run("h.py", "import os, time\ndef lambda_handler(e, c):\n  print(os.getpid())\n  time.sleep(60)")
	if n := len(strings.Fields(pids.text())); n != 6 {
		t.Errorf("%d processes ran, want 6", n)
	}
	for _, p := range strings.Fields(pids.text()) {
		if _, err := os.Stat("/proc/" + p); err == nil {
			t.Errorf("process %s is still there", p)
		}
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("files are left: %v", left)
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before: %s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

// TestNew: what cannot be run is said before anything is started, with what to do.
func TestNew(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"h.js", "h.py", "h.ts", "h.zip", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	nothing := func(string) (string, error) { return "", exec.ErrNotFound }
	for _, tc := range []struct {
		o             lambdarun.Options
		message, hint string
	}{
		{lambdarun.Options{Handler: "none.js"}, "there is no handler file " + filepath.Join(dir, "none.js"), "name a file"},
		{lambdarun.Options{Handler: "none.handler"}, "there is no handler file", "src/auth.handler"},
		{lambdarun.Options{Handler: "#handler"}, "which handler? no file is named", "simple.js"},
		{lambdarun.Options{Handler: "h.js"}, "Node.js is needed to run " + filepath.Join(dir, "h.js") + ", and there is no program node", "install Node.js"},
		{lambdarun.Options{Handler: "h.py"}, "Python is needed to run", "install Python"},
		{lambdarun.Options{Handler: "h.ts"}, "is TypeScript, which is not run here", "JavaScript that is made of it"},
		{lambdarun.Options{Handler: "h.zip"}, "is an archive", "name the handler's file"},
		{lambdarun.Options{Handler: "notes.txt"}, "neither JavaScript nor Python by its name, and not executable", "chmod +x"},
		{lambdarun.Options{Handler: "."}, "is a folder without an executable bootstrap", "name the handler's file"},
		{lambdarun.Options{Handler: "h.js", Memory: 64}, "from 128 to 10240 MB, not 64", ""},
		{lambdarun.Options{Handler: "h.js", Timeout: time.Hour}, "from 1ms to 15m0s, not 1h0m0s", ""},
		{lambdarun.Options{Handler: "h.js", Timeout: time.Nanosecond}, "from 1ms to 15m0s, not 1ns", ""},
		{lambdarun.Options{Handler: "h.js", Env: map[string]string{"A=B": "c"}}, `"A=B" cannot be an environment variable`, ""},
		{lambdarun.Options{URL: "127.0.0.1:9000"}, "is no URL of a function", "for example http://127.0.0.1:9000"},
		{lambdarun.Options{URL: "ftp://x"}, "is no URL of a function", "for example"},
	} {
		tc.o.Dir, tc.o.LookPath = dir, nothing
		f, err := lambdarun.New(tc.o)
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Usage || !strings.Contains(e.Msg, tc.message) || !strings.Contains(e.Hint, tc.hint) {
			t.Errorf("%+v: %v, %v", tc.o.Handler, f, err)
		}
	}
}

// bootstrap is the test's function in Go.
func bootstrap(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bootstrap")
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	build := exec.Command("go", "build", "-o", file, "./testdata/bootstrap")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// TestRuntimeAPI: an executable made with Lambda's own library gets its invocations,
// and what becomes of them is what Lambda says.
func TestRuntimeAPI(t *testing.T) {
	need(t, "go")
	file := bootstrap(t)
	f, l := start(t, lambdarun.Options{Handler: file, Name: "pets", Getenv: func(string) string { return "s3cret" }})
	var got struct {
		PID, Remaining         int
		ID, ARN, Name, Handler string
		Secret                 string
		Event                  map[string]any
	}
	once := func() int {
		t.Helper()
		o := invoke(f, `{"a": 1}`)
		if err := json.Unmarshal([]byte(o.Text), &got); err != nil {
			t.Fatalf("%s", said(o))
		}
		return got.PID
	}
	first := once()
	if got.Event["a"] != 1.0 || got.Name != "pets" || got.Handler != "bootstrap" || got.ARN != "arn:aws:lambda:us-east-1:123456789012:function:pets" ||
		len(got.ID) != 36 || got.Remaining <= 0 || got.Remaining > 20000 || got.Secret != "" {
		t.Errorf("it got %+v", got)
	}
	if once() != first {
		t.Error("the second event went to another process")
	}
	if text := l.text(); !strings.Contains(text, "on standard output\non standard error") {
		t.Errorf("the log is %q", text)
	}
	want(t, invoke(f, `{"do": "unauthorized"}`), "error Unauthorized")
	want(t, invoke(f, `{"do": "large"}`), "error Response payload size exceeded maximum allowed payload size (6291556 bytes).")
	want(t, invoke(f, `{"do": "stream"}`), `result {"streamed":true}`)
	want(t, invoke(f, `{"do": "stream and fail"}`), "error Unauthorized")
	want(t, invoke(f, `{"do": "panic"}`), "error out of order")
	if once() == first {
		t.Error("the process that panicked is still there")
	}
	if got := said(invoke(f, `{"do": "exit"}`)); !strings.HasSuffix(got, "Error: Runtime exited without providing a reason") {
		t.Errorf("got %s", got)
	}
	once()

	short, _ := start(t, lambdarun.Options{Handler: filepath.Dir(file), Timeout: 700 * time.Millisecond})
	want(t, invoke(short, `{"do": "hang"}`), "timeout Task timed out after 0.70 seconds")

	broken, l := start(t, lambdarun.Options{Handler: file, Env: map[string]string{"FAIL": "start"}})
	want(t, invoke(broken, `{}`), "error Error: Runtime exited with error: exit status 3, before it asked for an event")
	if l.text() != "no settings" {
		t.Errorf("the log is %q", l.text())
	}
}

// TestRuntimeAPIManyAtOnce: each process has an API of its own.
func TestRuntimeAPIManyAtOnce(t *testing.T) {
	need(t, "go")
	f, _ := start(t, lambdarun.Options{Handler: bootstrap(t), Concurrency: 4})
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			o := invoke(f, fmt.Sprintf(`{"n": %d}`, i))
			if !strings.Contains(o.Text, fmt.Sprintf(`"event":{"n":%d}`, i)) {
				t.Errorf("%d: %s", i, said(o))
			}
		})
	}
	wg.Wait()
}

// TestInvokeURL: the answers of Lambda's Invoke API and of those who speak it.
func TestInvokeURL(t *testing.T) {
	for _, tc := range []struct {
		name     string
		status   int
		function string // X-Amz-Function-Error
		body     string
		want     string
	}{
		{"result", 200, "", `{"isAuthorized":true}`, `result {"isAuthorized":true}`},
		{"error", 200, "Unhandled", `{"errorMessage":"Unauthorized","errorType":"Error"}`, "error Unauthorized"},
		{"handled error", 200, "Handled", `{"errorMessage":"Unauthorized"}`, "error Unauthorized"},
		{"error without its header", 200, "", `{"errorMessage":"Unauthorized","errorType":"string","trace":[]}`, "error Unauthorized"},
		{"error with other names", 200, "Unhandled", `{"ErrorMessage":"Unauthorized","errortype":"Error"}`, "error the function failed without an error message"},
		{"a message that is none", 200, "Unhandled", `{"errorMessage":401}`, "error the function failed without an error message"},
		{"a result that has a message", 200, "", `{"errorMessage":"Unauthorized"}`, `result {"errorMessage":"Unauthorized"}`},
		{"error without a message", 200, "Unhandled", `{}`, "error the function failed without an error message"},
		{"error that is no JSON", 200, "Unhandled", `oops`, "error the function failed without an error message"},
		{"time-out of the emulator", 200, "", "Task timed out after 3.00 seconds\n", "timeout Task timed out after 3.00 seconds"},
		{"no JSON", 200, "", `oops`, "result oops"},
		{"no such function", 404, "", `{"Message":"Function not found: x","Type":"User"}`, "none 127.0.0.1 answers Not Found: Function not found: x"},
		{"broken", 502, "", `<html>`, "none 127.0.0.1 answers Bad Gateway"},
		{"too large", 200, "", `"` + strings.Repeat("x", 7<<20) + `"`, "error Response payload size exceeded maximum allowed payload size (6291556 bytes)."},
		{"elsewhere", 302, "", ``, "none 127.0.0.1 answers Found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var body bytes.Buffer
				_, _ = body.ReadFrom(r.Body)
				if r.Method != http.MethodPost || r.URL.Path != "/2015-03-31/functions/function/invocations" || body.String() != `{"a":1}` {
					t.Errorf("%s %s %s", r.Method, r.URL, &body)
				}
				if tc.function != "" {
					w.Header().Set("X-Amz-Function-Error", tc.function)
				}
				if tc.status == 302 {
					w.Header().Set("Location", "/elsewhere")
				}
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			defer server.Close()
			f, _ := start(t, lambdarun.Options{URL: server.URL})
			o := invoke(f, `{ "a": 1 }`)
			want(t, apigw.Output{Kind: o.Kind, Text: o.Text, Called: o.Called, Message: withoutPort(o.Message)}, tc.want)
		})
	}
}

// withoutPort is a message about 127.0.0.1:PORT without the port.
func withoutPort(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		if strings.HasPrefix(w, "127.0.0.1:") {
			words[i] = "127.0.0.1"
		}
	}
	return strings.Join(words, " ")
}

func TestInvokeURLThatDoesNotAnswer(t *testing.T) {
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-gone:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(gone)
	f, _ := start(t, lambdarun.Options{URL: server.URL + "/2015-03-31/functions/x/invocations", Timeout: 50 * time.Millisecond})
	if got := said(invoke(f, `{}`)); !strings.HasPrefix(got, "timeout no answer from 127.0.0.1:") || !strings.HasSuffix(got, "within 50ms") {
		t.Errorf("got %s", got)
	}
	away, _ := start(t, lambdarun.Options{URL: "http://127.0.0.1:1"})
	want(t, invoke(away, `{}`), "none 127.0.0.1:1 cannot be asked: 127.0.0.1:1 refuses connections: nothing listens there")
	half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"isAuthorized"`))
	}))
	defer half.Close()
	f, _ = start(t, lambdarun.Options{URL: half.URL})
	if got := said(invoke(f, `{}`)); !strings.HasSuffix(got, "closed the connection before its answer was complete") {
		t.Errorf("got %s", got)
	}
}

// TestRemote: a function in AWS is asked by a function value.
func TestRemote(t *testing.T) {
	f, _ := start(t, lambdarun.Options{Name: "pets", Remote: func(_ context.Context, event []byte) (int, string, []byte, error) {
		if string(event) == `{"fail":true}` {
			return 0, "", nil, errors.New("no credentials")
		}
		return 200, "Unhandled", []byte(`{"errorMessage":"Unauthorized"}`), nil
	}})
	want(t, invoke(f, `{}`), "error Unauthorized")
	want(t, invoke(f, `{"fail": true}`), "none the function pets cannot be asked: no credentials")
	if f.String() != "the function pets in AWS" || f.Files() != nil {
		t.Errorf("%s, %v", f, f.Files())
	}
}

func TestFiles(t *testing.T) {
	f, _ := start(t, lambdarun.Options{Handler: filepath.Join("testdata", "handlers", "simple.js")})
	if files := f.Files(); len(files) < 4 || filepath.Base(files[0]) != "simple.js" || !slices.ContainsFunc(files, func(s string) bool { return filepath.Base(s) == "jwt.js" }) {
		t.Errorf("files %v", files)
	}
}

// Example shows the door into the package.
func Example() {
	f, err := lambdarun.New(lambdarun.Options{
		Handler: "testdata/handlers/simple.js", LookPath: exec.LookPath, Getenv: os.Getenv, Timeout: time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	out := f.Invoke(context.Background(), []byte(`{"type": "TOKEN", "authorizationToken": "unauthorized", "methodArn": "arn:…"}`))
	fmt.Println(out.Kind == apigw.Failed, out.Message)
}

// TestNotStarted: why an executable does not start is said in words.
func TestNotStarted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("executables are told by their names there")
	}
	for text, reason := range map[string]string{
		"\x7fELF\x02\x01\x01 of another processor": "it is made for another system or processor",
		"#!/no/such/program\n":                     "the program that its first line names is missing",
	} {
		file := code(t, "bootstrap", text)
		if err := os.Chmod(file, 0o700); err != nil {
			t.Fatal(err)
		}
		f, _ := start(t, lambdarun.Options{Handler: file})
		if got := said(invoke(f, `{}`)); !strings.HasPrefix(got, "none ") || !strings.Contains(got, reason) {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// TestNoTemporaryFolder: what is missing is named, and it is not the handler.
func TestNoTemporaryFolder(t *testing.T) {
	need(t, "node")
	f, err := lambdarun.New(lambdarun.Options{
		Handler: code(t, "h.js", `exports.handler = async () => 1`), LookPath: exec.LookPath, TempDir: filepath.Join(t.TempDir(), "nowhere"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := said(invoke(f, `{}`)); !strings.HasPrefix(got, "none ") || !strings.Contains(got, "no temporary folder for its runtime: ") {
		t.Error(got)
	}
}
