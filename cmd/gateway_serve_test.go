package cmd

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatepass/pkg/fault"
)

// world is a folder with the files of a gateway, which runs there.
type world struct {
	*App
	t    *testing.T
	errs *lockedBuffer
	out  *io.PipeReader
	in   *io.PipeWriter
}

func newWorld(t *testing.T, files map[string]string) *world {
	t.Helper()
	r, w := io.Pipe()
	errs := new(lockedBuffer)
	x := &world{testApp(t, w, errs), t, errs, r, w}
	x.Getenv = os.Getenv // where node is
	for name, text := range files {
		x.write(name, text)
	}
	return x
}

// write puts a file in its place at once, as careful editors do.
func (x *world) write(name, text string) {
	x.t.Helper()
	path := filepath.Join(x.Dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		x.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		x.t.Fatal(err)
	}
}

func (x *world) path(name string) string { return filepath.Join(x.Dir, name) }

// start runs the gateway with api.yaml.
func (x *world) start(args ...string) (served, func() error) {
	x.t.Helper()
	return startGateway(x.t, x.App, x.out, x.in, append([]string{"--api-file", x.path("api.yaml")}, args...)...)
}

// refused runs the gateway and returns why it does not start.
func (x *world) refused(args ...string) error {
	x.t.Helper()
	c := newGateway(x.App)
	c.Flags().Bool("json", false, "")
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(append([]string{"--listen", "127.0.0.1:0", "--api-file", x.path("api.yaml")}, args...))
	ctx, cancel := context.WithTimeout(x.t.Context(), 10*time.Second)
	defer cancel()
	x.IO.Out = io.Discard
	return c.ExecuteContext(ctx)
}

// eventually waits for something that another goroutine does.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// status makes a request and returns what came.
func status(t *testing.T, url, token string) (int, string) {
	t.Helper()
	return get(t, http.MethodGet, url, token)
}

const fixedAPI = `version: 1
kind: rest
stage: prod
authorizers:
  yes: {type: token, ttl: 300, response: {principalId: ann, policyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "execute-api:Invoke", Resource: "*"}]}}}
  no: {type: token, ttl: 300, response: {principalId: ann, policyDocument: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "execute-api:Invoke", Resource: "*"}]}}}
authorizer: WHO
integration: {mock: {status: 200, body: BODY}}
`

func apiFile(who, body string) string {
	return strings.NewReplacer("WHO", who, "BODY", body).Replace(fixedAPI)
}

// While files change under load no request is dropped, and each is answered as one
// of the versions of the files would.
func TestGatewayReload(t *testing.T) {
	x := newWorld(t, map[string]string{"api.yaml": apiFile(`"yes"`, "one")})
	s, stop := x.start()
	var calls sync.WaitGroup
	var n, failed atomic.Int64
	over := make(chan struct{})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	for range 4 {
		calls.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				req, _ := http.NewRequest(http.MethodGet, s.URL+"/x", nil)
				req.Header.Set("Authorization", "t")
				res, err := client.Do(req)
				if err != nil {
					failed.Add(1)
					t.Error(err)
					return
				}
				body, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				ok := res.StatusCode == http.StatusOK && (string(body) == "one" || string(body) == "two") || res.StatusCode == http.StatusForbidden && strings.Contains(string(body), "explicit deny")
				if err != nil || !ok {
					failed.Add(1)
					t.Errorf("%d %s %v", res.StatusCode, body, err)
					return
				}
				n.Add(1)
			}
		})
	}
	want := func(code int, part string) {
		t.Helper()
		eventually(t, fmt.Sprint(code, part), func() bool {
			got, body := status(t, s.URL+"/x", "t")
			return got == code && strings.Contains(body, part)
		})
	}
	want(200, "one")
	x.write("api.yaml", apiFile(`"yes"`, "two"))
	want(200, "two")
	x.write("api.yaml", apiFile(`"no"`, "two")) // the cached permission goes, too
	want(403, "explicit deny")
	x.write("api.yaml", strings.Replace(apiFile(`"yes"`, "one"), "kind: rest", "kinf: rest", 1))
	eventually(t, "the mistake is said", func() bool { return strings.Contains(x.errs.String(), `api.yaml:2:1: unknown key`) })
	want(403, "explicit deny")
	x.write("api.yaml", apiFile(`"yes"`, "one"))
	want(200, "one")
	close(over)
	calls.Wait()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if got := strings.Count(x.errs.String(), "unknown key"); got != 1 {
		t.Errorf("the mistake was said %d times", got)
	}
	if n.Load() == 0 || failed.Load() > 0 {
		t.Errorf("%d requests, %d failed", n.Load(), failed.Load())
	}
}

// Touching a file changes nothing, and keeps the cache.
func TestSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write := func(text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	s := newSnapshot([]string{path})
	check := func(what string, want bool) {
		t.Helper()
		if got := s.changed(); got != want {
			t.Errorf("%s: changed %t", what, got)
		}
		if s.changed() {
			t.Errorf("%s: changed twice", what)
		}
	}
	check("no file", false)
	write("one", time.Hour)
	check("a new file", true)
	write("one", time.Minute)
	check("touched", false)
	write("two", time.Second)
	check("another content", true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("removed", true)
	write("two", time.Second)
	check("back again", true)
	for _, in := range []string{"directory", "pipe"} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if in == "directory" {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			check("a directory in its place", true)
		} else {
			if out, err := exec.Command("mkfifo", path).CombinedOutput(); err != nil {
				t.Skipf("no pipes with names here: %s", out)
			}
			check("a pipe in its place, which is not waited for", false)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		write("after a "+in, time.Second)
		check("a file after the "+in, true)
	}
}

// A generation closes when its last request is done, and not before.
func TestGenerationsOverlap(t *testing.T) {
	x := newWorld(t, nil)
	hold, held := make(chan struct{}), make(chan struct{})
	up := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			close(held)
			<-hold
		}
		_, _ = io.WriteString(w, "late")
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = up.Serve(ln) }()
	defer func() { _ = up.Close() }()
	x.write("api.yaml", strings.Replace(apiFile(`"yes"`, "one"), "{mock: {status: 200, body: one}}", "http://"+ln.Addr().String(), 1))
	s, _ := x.start()
	late := make(chan string, 1)
	go func() { _, body := status(t, s.URL+"/late", "t"); late <- body }()
	<-held
	x.write("api.yaml", apiFile(`"yes"`, "two"))
	eventually(t, "the new files count", func() bool { _, body := status(t, s.URL+"/x", "t"); return body == "two" })
	close(hold)
	if body := <-late; body != "late" {
		t.Errorf("the request under way got %q", body)
	}
}

const handlerAPI = `version: 1
kind: rest
stage: prod
authorizers:
  gone: {type: token, handler: gone.js}
  signed: {type: iam}
authorizer: gone
routes:
  GET /a:
  GET /b:
  GET /c: none
  GET /d: signed
`

// Routes whose authorizer cannot be run are named, and open only by name.
func TestGatewayOpen(t *testing.T) {
	x := newWorld(t, map[string]string{"api.yaml": handlerAPI})
	var f *fault.Error
	err := x.refused()
	if !errors.As(err, &f) || f.Kind != fault.Usage {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"GET /a, GET /b", "gone.js", "GET /d", "AWS_IAM"} {
		if !strings.Contains(f.Error(), want) {
			t.Errorf("no %q in %s", want, f)
		}
	}
	if err := x.refused("--open", "GET /a", "--open", "GET /d"); err == nil || !strings.Contains(err.Error(), "route GET /b has") {
		t.Errorf("%v", err)
	}
	x = newWorld(t, map[string]string{"api.yaml": handlerAPI})
	s, _ := x.start("--open", "GET /a", "--open", "get /b", "--open", "GET /d", "--open", "GET /c")
	if fmt.Sprint(s.Open) != "[GET /a GET /b GET /d]" {
		t.Errorf("announced as open: %q", s.Open)
	}
	if code, _ := status(t, s.URL+"/a", ""); code != 200 {
		t.Error(code)
	}
	eventually(t, "the request is told", func() bool { return strings.Contains(x.errs.String(), `"opened":true`) })
	for _, want := range []string{"the route GET /a is OPEN, anybody may call it", "--open 'GET /c' opens nothing"} {
		if !strings.Contains(x.errs.String(), want) {
			t.Errorf("no %q in\n%s", want, x.errs)
		}
	}
}

// Whoever interrupts a gateway that loads its functions hears nothing of their being
// broken.
func TestGatewayIsInterrupted(t *testing.T) {
	needNode(t)
	x := newWorld(t, map[string]string{
		"api.yaml": "version: 1\nkind: rest\nstage: prod\nauthorizers:\n  a: {type: token, handler: auth.js}\nroutes:\n  GET /pets: {authorizer: a}\n",
		"auth.js":  `while (true);`,
	})
	c := newGateway(x.App)
	c.Flags().Bool("json", false, "")
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs([]string{"--listen", "127.0.0.1:0", "--api-file", x.path("api.yaml")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.ExecuteContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was interrupted", err)
	}
}

// needNode skips a test where there is no Node.
func needNode(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
}

// Functions authorize and answer, with restarts when their code changes.
func TestGatewayFunctions(t *testing.T) {
	needNode(t)
	x := newWorld(t, map[string]string{
		"api.yaml": "version: 1\nkind: rest\nstage: prod\nauthorizers:\n  a: {type: token, handler: auth.js, ttl: 0}\nroutes:\n  GET /pets: {integration: pets.js}\n  GET /shown:\n",
		"auth.js": `exports.handler = (event, context, callback) => {
  const policy = (effect) => ({principalId: 'ann', policyDocument: {Version: '2012-10-17', Statement: [{Action: 'execute-api:Invoke', Effect: effect, Resource: event.methodArn}]}});
  switch (event.authorizationToken) {
    case 'allow': return callback(null, policy('Allow'));
    case 'deny': return callback(null, policy('Deny'));
    case 'unauthorized': return callback('Unauthorized');
    default: callback('Error: Invalid token');
  }
};`,
		"pets.js": `exports.handler = async (event) => ({statusCode: 201, body: 'pets for ' + event.requestContext.authorizer.principalId});`,
		"all.js":  `exports.handler = async () => ({statusCode: 202, body: 'all'});`,
	})
	s, stop := x.start("--integration-handler", x.path("all.js"))
	if s.Backend != "function" {
		t.Errorf("announced: %+v", s)
	}
	for token, want := range map[string]int{"allow": 201, "deny": 403, "unauthorized": 401, "x": 500, "": 401} {
		if code, body := status(t, s.URL+"/pets", token); code != want || code == 201 && body != "pets for ann" {
			t.Errorf("%q: %d %s, want %d", token, code, body, want)
		}
	}
	if code, body := status(t, s.URL+"/shown", "allow"); code != 202 || body != "all" {
		t.Errorf("%d %s", code, body)
	}
	x.write("pets.js", `exports.handler = async () => ({statusCode: 203, body: ''});`)
	eventually(t, "the new code runs", func() bool { code, _ := status(t, s.URL+"/pets", "allow"); return code == 203 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// https comes with HTTP/2, and with the certificate that was given or made.
func TestGatewayHTTPS(t *testing.T) {
	x := newWorld(t, map[string]string{"api.yaml": apiFile(`"yes"`, "one")})
	s, _ := x.start("--https")
	if !strings.HasPrefix(s.URL, "https://127.0.0.1:") {
		t.Fatal(s.URL)
	}
	tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer tr.CloseIdleConnections()
	req, _ := http.NewRequest(http.MethodGet, s.URL+"/x", nil)
	req.Header.Set("Authorization", "t")
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.ProtoMajor != 2 || res.StatusCode != http.StatusOK || res.TLS.PeerCertificates[0].VerifyHostname("localhost") != nil {
		t.Errorf("%s %s", res.Proto, res.Status)
	}
	y := newWorld(t, map[string]string{"api.yaml": apiFile(`"yes"`, "one")})
	if err := y.refused("--tls-cert", "x"); err == nil || !strings.Contains(err.Error(), "needs its key") {
		t.Error(err)
	}
	if err := y.refused("--tls-cert", "x", "--tls-key", "y"); err == nil || !strings.Contains(err.Error(), "x") {
		t.Error(err)
	}
}

// The cache is flushed by AWS's own call, from this machine and from no web page.
func TestGatewayControl(t *testing.T) {
	needNode(t)
	x := newWorld(t, map[string]string{
		"api.yaml": "version: 1\nkind: rest\nid: abc\nstage: prod\nauthorizers:\n  a: {type: token, handler: auth.js, ttl: 300}\nintegration: {mock: $context.authorizer.n}\n",
		"auth.js": `let n = 0;
exports.handler = async (event) => ({principalId: 'ann', context: {n: ++n}, policyDocument: {Version: '2012-10-17', Statement: [{Action: 'execute-api:Invoke', Effect: 'Allow', Resource: '*'}]}});`,
	})
	s, _ := x.start("--control", "127.0.0.1:0")
	counted := func(want string) {
		t.Helper()
		if code, body := status(t, s.URL+"/x", "t"); code != 200 || body != want {
			t.Errorf("%d %s, want %s", code, body, want)
		}
	}
	counted("1")
	counted("1")
	flush := func(change func(*http.Request)) int {
		req, _ := http.NewRequest(http.MethodDelete, s.Control+"/restapis/abc/stages/prod/cache/authorizers", nil)
		change(req)
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	for name, change := range map[string]func(*http.Request){
		"a page":              func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"a page of its own":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") },
		"a name that is ours": func(r *http.Request) { r.Host = "evil.example" },
	} {
		if code := flush(change); code != http.StatusForbidden {
			t.Errorf("%s: %d", name, code)
		}
	}
	counted("1")
	if code := flush(func(*http.Request) {}); code != http.StatusAccepted {
		t.Error(code)
	}
	counted("2")
	if err := x.refused("--control", "0.0.0.0:0"); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Error(err)
	}
}

// Logs are files that only their owner reads; with a dash they are on standard error
// in place of our own lines.
func TestGatewayLogs(t *testing.T) {
	x := newWorld(t, map[string]string{"api.yaml": apiFile(`"no"`, "one")})
	s, stop := x.start("--access-log", x.path("access.log"), "--access-log-format", "clf", "--execution-log", x.path("exec.log"))
	status(t, s.URL+"/x?access_token=hunter2", "hunter2")
	if err := stop(); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{
		"access.log": `"GET /x HTTP/1.1" 403 `, "exec.log": "The client is not authorized to perform this operation.",
	} {
		data, err := os.ReadFile(x.path(name))
		if err != nil || !strings.Contains(string(data), want) || strings.Contains(string(data), "hunter2") {
			t.Errorf("%s: %v\n%s", name, err, data)
		}
		if info, _ := os.Stat(x.path(name)); info.Mode().Perm() != 0o600 && filepath.Separator == '/' {
			t.Errorf("%s: %s", name, info.Mode())
		}
	}
	x = newWorld(t, map[string]string{"api.yaml": apiFile(`"yes"`, "one")})
	s, stop = x.start("--access-log", "-", "--access-log-format", `{"id":"$context.requestId","why":"$context.error.message"}`)
	status(t, s.URL+"/x", "t")
	_ = stop()
	last := x.errs.String()[strings.LastIndex(strings.TrimSpace(x.errs.String()), "\n")+1:]
	var line map[string]string
	if err := json.Unmarshal([]byte(last), &line); err != nil || len(line["id"]) != 36 || line["why"] != "-" || strings.Contains(x.errs.String(), "schemaVersion") {
		t.Errorf("%v in\n%s", err, x.errs)
	}
	for _, args := range [][]string{{"--access-log-format", "clf"}, {"--access-log", "-", "--access-log-format", "cfl"}, {"--access-log", x.path("none/a.log")}} {
		var f *fault.Error
		if err := x.refused(args...); !errors.As(err, &f) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// Connections that were taken over are told that the gateway stops.
func TestServeSaysGoodbye(t *testing.T) {
	x := newWorld(t, map[string]string{"api.yaml": "version: 1\nkind: websocket\nstage: prod\nauthorizer: none\n"})
	s, stop := x.start()
	c, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(s.URL, "ws://"), "/prod"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	fmt.Fprint(c, "GET /prod HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	in := bufio.NewReader(c)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	began := time.Now()
	done := make(chan error, 1)
	go func() { done <- stop() }()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	frame := make([]byte, 4)
	if _, err := io.ReadFull(in, frame); err != nil || frame[0] != 0x88 || int(frame[2])<<8|int(frame[3]) != 1001 {
		t.Errorf("% x, %v; want a close frame with 1001", frame, err)
	}
	_ = c.Close()
	if err := <-done; err != nil || time.Since(began) > 2*time.Second {
		t.Errorf("stopped after %s: %v", time.Since(began), err)
	}
}
