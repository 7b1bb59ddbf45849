package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatepass/cmd"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

// callToken is a token in the form of a JWT whose signature is to be seen
// nowhere.
const callToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJlLXRoYXQtaXMtc2VjcmV0"

// caller runs "gatepass call" against an API, with a token in a file.
type call struct {
	t        *testing.T
	api      *httptest.Server
	dir      string
	terminal bool
	in       string
}

func newCall(t *testing.T, api http.HandlerFunc) *call {
	t.Helper()
	c := &call{t: t, api: httptest.NewServer(api), dir: t.TempDir()}
	t.Cleanup(c.api.Close)
	c.write("token", callToken)
	return c
}

func (c *call) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *call) read(name string) string {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// run runs the command and checks its exit code and that no secret is said.
func (c *call) run(exit int, args ...string) (stdout, stderr string) {
	c.t.Helper()
	streams, out, errs := iostreams.Test(c.in)
	streams.OutTerminal = c.terminal
	env := map[string]string{"GATEPASS_API_URL": c.api.URL + "/prod"}
	app := &cmd.App{
		IO: streams, Getenv: func(n string) string { return env[n] }, Now: time.Now, Dir: c.dir,
		OpenURL: func(string) error { c.t.Error("the browser was opened"); return nil },
		HTTP:    http.DefaultClient, Secrets: new(secret.Redactor),
	}
	args = append([]string{"call", "--token", "@" + filepath.Join(c.dir, "token")}, args...)
	if got := cmd.Run(context.Background(), app, args); got != exit {
		c.t.Errorf("exit code %d, want %d\n%s", got, exit, errs)
	}
	if s := errs.String(); strings.Contains(s, "c2lnbmF0dXJl") {
		c.t.Errorf("the token is in what is said: %s", s)
	}
	return out.String(), errs.String()
}

// echo answers with what it gets.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s|%s|%s|%s", r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get("Accept"), body)
}

func TestCallSends(t *testing.T) {
	c := newCall(t, echo)
	c.write("body.json", `{"from":"a file"}`)
	bearer := " Bearer " + callToken
	for _, tc := range []struct {
		name, in, want string
		args           []string
	}{
		{name: "get", args: []string{"/orders"}, want: "GET /prod/orders" + bearer + "||*/*|"},
		{name: "method", args: []string{"delete", "/orders/1"}, want: "DELETE /prod/orders/1" + bearer + "||*/*|"},
		{name: "own method", args: []string{"PURGE", "/x"}, want: "PURGE /prod/x" + bearer + "||*/*|"},
		{name: "full URL", args: []string{c.api.URL + "/other?x=1"}, want: "GET /other?x=1" + bearer + "||*/*|"},
		{name: "as written", args: []string{"/a%2Fb//c/../d e"}, want: "GET /prod/a%2Fb//c/../d%20e" + bearer + "||*/*|"},
		{name: "query", args: []string{"/o?a=1", "-q", "b=2 3", "-q", "c=&+", "-q", "d="}, want: "GET /prod/o?a=1&b=2%203&c=%26%2B&d=" + bearer + "||*/*|"},
		{name: "form", args: []string{"/o", "-d", "a=1", "-d", "b=2"}, want: "POST /prod/o" + bearer + "|application/x-www-form-urlencoded|*/*|a=1&b=2"},
		{name: "JSON", args: []string{"PATCH", "/o", "--json-data", "{}"}, want: "PATCH /prod/o" + bearer + "|application/json|application/json|{}"},
		{name: "file", args: []string{"/o", "--json-data", "@" + filepath.Join(c.dir, "body.json")}, want: "POST /prod/o" + bearer + `|application/json|application/json|{"from":"a file"}`},
		{name: "standard input", in: "from there", args: []string{"/o", "-d", "-"}, want: "POST /prod/o" + bearer + "|application/x-www-form-urlencoded|*/*|from there"},
		{name: "empty body", args: []string{"/o", "-d", ""}, want: "POST /prod/o" + bearer + "|application/x-www-form-urlencoded|*/*|"},
		{name: "headers", args: []string{"/o", "-d", "x", "-H", "content-type: text/plain", "-H", "Accept:"}, want: "POST /prod/o" + bearer + "|text/plain||x"},
		{name: "other place", args: []string{"/o", "--api-send", "header authorizationToken"}, want: "GET /prod/o ||*/*|"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.in = tc.in
			if got, _ := c.run(0, tc.args...); got != tc.want {
				t.Errorf("sent %q\nwant %q", got, tc.want)
			}
		})
	}
}

// A header of the user's own in the token's place is sent as it is, and no token
// is looked for.
func TestCallWithTheUsersOwnHeader(t *testing.T) {
	c := newCall(t, echo)
	streams, out, errs := iostreams.Test("")
	app := &cmd.App{IO: streams, Getenv: func(string) string { return "" }, Now: time.Now, Dir: c.dir, Secrets: new(secret.Redactor)}
	if exit := cmd.Run(context.Background(), app, []string{"call", c.api.URL + "/x", "-H", "authorization: Basic abc"}); exit != 0 {
		t.Errorf("exit code %d: %s", exit, errs)
	}
	if got, want := out.String(), "GET /x Basic abc||*/*|"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func status(code int, header http.Header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// The exit code says what the status was. The body of a success is on standard
// output as it came, that of an error on standard error, and what it means below it.
func TestCallExitCodes(t *testing.T) {
	for code, exit := range map[int]int{200: 0, 204: 0, 302: 0, 304: 0, 400: 8, 401: 3, 403: 3, 404: 8, 429: 8, 500: 8, 504: 8} {
		body := `{"message":"x"}`
		if code == 204 || code == 304 {
			body = ""
		}
		c := newCall(t, status(code, nil, body))
		stdout, stderr := c.run(exit, "/orders")
		if code >= 400 {
			var found bool
			if stderr, found = strings.CutPrefix(stderr, body+"\n"); !found {
				t.Errorf("%d: no body in %q", code, stderr)
			}
			body = ""
		}
		if stdout != body {
			t.Errorf("%d: body %q", code, stdout)
		}
		if said := fmt.Sprintf("gatepass: the API answered %d ", code); code >= 400 != strings.HasPrefix(stderr, said) {
			t.Errorf("%d: said %q", code, stderr)
		}
	}
}

func TestCallExplainsARefusal(t *testing.T) {
	for _, tc := range []struct {
		name, body, errorType string
		code, exit            int
	}{
		{"no route", `{"message":"Missing Authentication Token"}`, "MissingAuthenticationTokenException", 403, 3},
		{"unauthorized", `{"message":"Unauthorized"}`, "UnauthorizedException", 401, 3},
		{"denied", `{"Message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`, "AccessDeniedException", 403, 3},
		{"authorizer broken", `{"message":null}`, "AuthorizerConfigurationException", 500, 8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCall(t, status(tc.code, http.Header{"X-Amzn-Errortype": {tc.errorType}, "X-Amzn-Requestid": {"1"}, "Content-Type": {"application/json"}}, tc.body))
			stdout, stderr := c.run(tc.exit, "/orders", "--error-body", "stdout")
			if stdout != tc.body {
				t.Errorf("body %q", stdout)
			}
			if lines := strings.Split(strings.TrimSpace(stderr), "\n"); len(lines) < 3 || !strings.HasPrefix(lines[len(lines)-1], "hint: ") {
				t.Errorf("want the status, what it means and a hint, got %q", stderr)
			}
			stdout, stderr = c.run(tc.exit, "/orders", "--json")
			var got struct {
				SchemaVersion, Status int
				Body                  string
				Causes                []struct{ ID, Meaning, Next string }
			}
			if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.SchemaVersion != 1 || got.Status != tc.code || got.Body != tc.body || stderr != "" {
				t.Errorf("%v: %s %s", err, stdout, stderr)
			}
			if len(got.Causes) == 0 || got.Causes[0].ID == "" || got.Causes[0].Next == "" {
				t.Errorf("causes %+v", got.Causes)
			}
		})
	}
}

func TestCallNoticesTheStageTwice(t *testing.T) {
	c := newCall(t, status(403, http.Header{"X-Amzn-Errortype": {"MissingAuthenticationTokenException"}}, `{"message":"Missing Authentication Token"}`))
	if _, stderr := c.run(3, "/prod/orders"); !strings.Contains(stderr, "gatepass call GET /orders\n") {
		t.Errorf("said %q", stderr)
	}
}

func TestCallRedirects(t *testing.T) {
	other := newCall(t, echo)
	c := newCall(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/prod/here":
			http.Redirect(w, r, "/prod/end", http.StatusTemporaryRedirect)
		case "/prod/there":
			http.Redirect(w, r, other.api.URL+"/end", http.StatusTemporaryRedirect)
		default:
			echo(w, r)
		}
	})
	if stdout, stderr := c.run(0, "/here"); strings.Contains(stdout, "GET") || stderr != "gatepass: 307 redirects to /prod/end; -L follows\n" {
		t.Errorf("not followed: %q %q", stdout, stderr)
	}
	if stdout, stderr := c.run(0, "/here", "-L"); stdout != "GET /prod/end Bearer "+callToken+"||*/*|" || stderr != "" {
		t.Errorf("same origin: %q %q", stdout, stderr)
	}
	if stdout, stderr := c.run(0, "/there", "-L"); stdout != "GET /end ||*/*|" || stderr != "gatepass: redirected to "+other.api.URL+"/end, without the token\n" {
		t.Errorf("other origin: %q %q", stdout, stderr)
	}
	if _, stderr := c.run(0, "/there", "-L", "X-Mine:a", "-b", "b=c"); !strings.HasSuffix(stderr, "/end, without the token, Cookie, X-Mine\n") {
		t.Errorf("other origin, with fields: %q", stderr)
	}
}

func TestCallOnATerminal(t *testing.T) {
	var header http.Header
	var body string
	c := newCall(t, func(w http.ResponseWriter, r *http.Request) { status(200, header, body)(w, r) })
	c.terminal = true
	for _, tc := range []struct{ name, mediaType, body, want string }{
		{"JSON", "application/json; charset=utf-8", `{"a":[1,2],"b":"<\u0026>"}`, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": \"<\\u0026>\"\n}\n"},
		{"JSON by suffix", "application/problem+json", `[]`, "[]\n"},
		{"no JSON after all", "application/json", "{oops", "{oops\n"},
		{"text", "text/plain", "a\tb\r\nc", "a\tb\nc\n"},
		{"escape sequences", "text/plain", "\x1b]0;title\x07\x1b[2J\u202eabc\rX", `\x1b]0;title\x07\x1b[2J\u202eabc\rX` + "\n"},
		{"broken characters", "text/plain", "a\xffb", `a\xffb` + "\n"},
		{"nothing", "text/plain", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			header, body = http.Header{"Content-Type": {tc.mediaType}}, tc.body
			if got, _ := c.run(0, "/x"); got != tc.want {
				t.Errorf("shown %q, want %q", got, tc.want)
			}
			c.terminal = false
			if got, _ := c.run(0, "/x"); got != tc.body {
				t.Errorf("in a pipe %q, want it untouched", got)
			}
			c.terminal = true
		})
	}
	header, body = http.Header{"X-Evil": {"\u202e\u009b2J"}}, "\x00\x01"
	stdout, stderr := c.run(1, "/x", "-i")
	if strings.ContainsAny(stdout, "\u202e\u009b\x00") || !strings.Contains(stdout, `X-Evil: \u202e`) || !strings.Contains(stderr, "-o FILE") {
		t.Errorf("shown %q, said %q", stdout, stderr)
	}
	if stdout, _ := c.run(0, "/x", "-o", "-"); stdout != body {
		t.Errorf("asked for all the same: %q", stdout)
	}
}

func TestCallIntoAFile(t *testing.T) {
	code, cut := 200, false
	c := newCall(t, func(w http.ResponseWriter, _ *http.Request) {
		if cut {
			w.Header().Set("Content-Length", "100")
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "new")
	})
	path := filepath.Join(c.dir, "out")
	if stdout, _ := c.run(0, "/x", "-o", path); stdout != "" || c.read("out") != "new" {
		t.Errorf("stdout %q, file %q", stdout, c.read("out"))
	}
	c.write("out", "old")
	code = 500
	if stdout, stderr := c.run(8, "/x", "-o", path); stdout != "" || !strings.HasPrefix(stderr, "new\n") || c.read("out") != "old" {
		t.Errorf("an error's body: stdout %q, stderr %q, file %q", stdout, stderr, c.read("out"))
	}
	code, cut = 200, true
	c.run(6, "/x", "-o", path)
	if c.read("out") != "old" {
		t.Errorf("a body that broke off left %q", c.read("out"))
	}
	if files, err := os.ReadDir(c.dir); err != nil || len(files) != 2 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestCallVerbosely(t *testing.T) {
	c := newCall(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization")+"\u202e")
		echo(w, r)
	})
	_, stderr := c.run(0, "/x", "-v", "-H", "x-api-key: k3y-k3y-k3y")
	for _, want := range []string{
		"> GET /prod/x HTTP/1.1\n", "> Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI0MiJ9.[redacted]\n",
		"> x-api-key: [redacted]\n", "< HTTP/1.1 200 OK\n", "[redacted]\\u202e\n", "* connected after ",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in\n%s", want, stderr)
		}
	}
}

func TestCallTimesOut(t *testing.T) {
	done := make(chan struct{})
	c := newCall(t, func(http.ResponseWriter, *http.Request) { <-done })
	defer close(done)
	if _, stderr := c.run(6, "/x", "--timeout", "0.05"); !strings.Contains(stderr, "no answer within 50ms") {
		t.Errorf("said %q", stderr)
	}
}

func TestCallAsJSON(t *testing.T) {
	c := newCall(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\xff\xfe")) })
	stdout, _ := c.run(0, "/x", "--json")
	var got map[string]any
	if err := json.NewDecoder(bytes.NewReader([]byte(stdout))).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got["bodyBase64"] != "//4=" || got["body"] != "" || got["method"] != "GET" || got["url"] != c.api.URL+"/prod/x" {
		t.Errorf("got %v", got)
	}
	if !strings.HasPrefix(stdout, "{\n  \"schemaVersion\": 1,") {
		t.Errorf("schemaVersion is not first: %s", stdout)
	}
}
