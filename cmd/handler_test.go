package cmd_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// needNode skips a test without Node, which is a failure where all is required.
func needNode(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("node"); err == nil {
		return
	}
	if os.Getenv("GATEPASS_E2E") == "required" {
		t.Fatal("node is not installed, and GATEPASS_E2E=required")
	}
	t.Skip("node is not installed")
}

// A project's file can name a function, and comes with a clone of somebody's
// repository. The stored token goes to it only where the login is for the project's
// API.
func TestTokenIsBoundToFunctions(t *testing.T) {
	needNode(t)
	d := newDesk(t)
	d.env["PATH"] = os.Getenv("PATH")
	seen := filepath.Join(t.TempDir(), "seen")
	handler := filepath.Join(t.TempDir(), "thief.js")
	text := `require('fs').writeFileSync(` + string(must(json.Marshal(seen))) + `, 'run');
exports.handler = async (e) => { require('fs').writeFileSync(` + string(must(json.Marshal(seen))) + `, e.authorizationToken); return null }`
	if err := os.WriteFile(handler, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stolen := func() string {
		data, _ := os.ReadFile(seen)
		_ = os.Remove(seen)
		return string(data)
	}
	const ours, theirs = "https://ours.example", "https://theirs.example"
	own := "authorizer: {handler: " + handler + ", timeout: 20s}"
	d.project("api: {token: access}") // none is known
	d.run(0, "login")
	d.project("api: {" + own + "}")
	_, errs := d.run(2, "authorize", "GET", "/x")
	has(t, errs, "is for no API, and the function thief.js of a project's settings", "hint: name it yourself: --handler")
	d.project("api: {url: " + ours + "}")
	d.run(0, "login", "--force")
	d.project("api: {url: " + ours + ", " + own + "}")
	d.run(3, "authorize", "GET", "/x") // null is no policy
	if s := stolen(); !strings.HasPrefix(s, "Bearer ey") {
		t.Fatalf("the function got %q", s)
	}

	d.project("api: {url: " + theirs + ", " + own + "}")
	_, errs = d.run(2, "authorize", "GET", "/x")
	has(t, errs, "is for "+ours, "names another: "+theirs)
	d.project("api: {" + own + "}")
	_, errs = d.run(2, "authorize", "GET", "/x")
	has(t, errs, "is for "+ours, "the function thief.js of a project's settings", "hint: name it yourself: --handler")
	d.project("authorizer: " + handler)
	_, errs = d.run(2, "authorize", "GET", "/x")
	has(t, errs, "the function thief.js of a project's settings")
	if s := stolen(); s != "" {
		t.Fatalf("the function got %q", s)
	}

	// Another token, and a function that the user names, are free.
	d.project("api: {" + own + "}")
	d.run(3, "authorize", "GET", "/x", "--token", "allow")
	if s := stolen(); s != "allow" {
		t.Fatalf("the function got %q", s)
	}
	d.run(3, "authorize", "GET", "/x", "--handler", handler, "--handler-timeout", "20s")
	if s := stolen(); !strings.HasPrefix(s, "Bearer ey") {
		t.Fatalf("the function got %q", s)
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

// TestFunctionInAWS: it is asked by the Invoke API, in its region, signed with the
// credentials of the environment.
func TestFunctionInAWS(t *testing.T) {
	d := newDesk(t)
	var got *http.Request
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = w.Write([]byte(`{"errorMessage":"Unauthorized","errorType":"Error"}`))
	}))
	defer aws.Close()
	d.env["AWS_ENDPOINT_URL_LAMBDA"] = aws.URL
	d.env["PATH"], d.env["HOME"] = os.Getenv("PATH"), d.home
	d.env["AWS_CONFIG_FILE"], d.env["AWS_SHARED_CREDENTIALS_FILE"] = os.DevNull, os.DevNull
	out, said := d.run(3, "authorize", "GET", "/x", "--function", "arn:aws:lambda:eu-west-3:111122223333:function:pets", "--token", "allow")
	has(t, out, "500", "asked: there are no AWS credentials")
	has(t, said, "hint: ", "AWS_PROFILE")
	if got != nil {
		t.Fatal("it was asked without credentials")
	}
	d.env["AWS_ACCESS_KEY_ID"], d.env["AWS_SECRET_ACCESS_KEY"] = "AKIDEXAMPLE", "wJalrXUtnFEMI"
	out, errs := d.run(3, "authorize", "GET", "/x", "--function", "arn:aws:lambda:eu-west-3:111122223333:function:pets", "--token", "allow")
	has(t, out, "401 Unauthorized")
	if strings.Contains(out+errs, "wJalrXUtnFEMI") {
		t.Error("the secret key is shown")
	}
	if got == nil || !strings.HasSuffix(got.URL.Path, "function:pets/invocations") {
		t.Fatalf("asked %+v", got)
	}
	if auth := got.Header.Get("Authorization"); !strings.Contains(auth, "Credential=AKIDEXAMPLE/") || !strings.Contains(auth, "/eu-west-3/lambda/aws4_request") {
		t.Errorf("signed %q", auth)
	}
}

// BenchmarkAuthorizeHandler times whole processes: authorize with a handler in Node,
// against Node's own start, in turns.
//
//	go test ./cmd -run '^$' -bench AuthorizeHandler -benchtime 100x
func BenchmarkAuthorizeHandler(b *testing.B) {
	needNode(b)
	dir := b.TempDir()
	ours := filepath.Join(dir, "gatepass")
	compile(b, ours, "gatepass")
	b.Setenv("GATEPASS_HOME", dir)
	b.Setenv("NODE_EXTRA_CA_CERTS", "") // a bundle there would slow down Node alone
	handler := filepath.Join("..", "pkg", "lambdarun", "testdata", "handlers", "simple.js")
	var a, c []time.Duration
	for b.Loop() {
		a = append(a, run(b, ours, "authorize", "GET", "/pets", "--handler", handler, "--token", "allow", "--json"))
		c = append(c, run(b, "node", filepath.Join("testdata", "empty.js")))
	}
	slices.Sort(a)
	slices.Sort(c)
	b.ReportMetric(float64(a[len(a)/2].Microseconds())/1000, "ms/authorize")
	b.ReportMetric(float64(c[len(c)/2].Microseconds())/1000, "ms/node")
	b.ReportMetric(0, "ns/op")
}
