package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/view"
)

// explaining runs "gatepass explain".
type explaining struct {
	t   *testing.T
	app *App
	in  string
}

func newExplaining(t *testing.T) *explaining {
	return &explaining{t: t, app: testApp(t, io.Discard, io.Discard)}
}

func (e *explaining) run(exit int, args ...string) (stdout, stderr string) {
	e.t.Helper()
	var out, errs bytes.Buffer
	e.app.IO.Out, e.app.IO.Err, e.app.IO.In = &out, &errs, strings.NewReader(e.in)
	if got := Run(e.t.Context(), e.app, append([]string{"explain"}, args...)); got != exit {
		e.t.Errorf("%q: exit code %d, want %d\n%s%s", args, got, exit, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// json runs it with --json.
func (e *explaining) json(args ...string) []view.Explained {
	e.t.Helper()
	out, _ := e.run(0, append(args, "--json")...)
	var got view.Explanations
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.SchemaVersion != 1 {
		e.t.Fatalf("%v: %s", err, out)
	}
	return got.Responses
}

// first is the best cause of the one response.
func (e *explaining) first(args ...string) apigw.Cause {
	e.t.Helper()
	all := e.json(args...)
	if len(all) != 1 || len(all[0].Causes) == 0 {
		e.t.Fatalf("%+v", all)
	}
	return all[0].Causes[0]
}

func (e *explaining) write(name, text string) string { return write(e.t, e.app.Dir, name, text) }

const (
	unauthorizedText = "HTTP/2 401\r\ncontent-type: application/json\r\nx-amzn-errortype: UnauthorizedException\r\nx-amz-apigw-id: a\r\n\r\n{\"message\":\"Unauthorized\"}"
	implicitText     = "HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: AccessDeniedException\r\n\r\n{\"Message\":\"User is not authorized to access this resource because no identity-based policy allows the execute-api:Invoke action\"}"
	backendText      = "HTTP/1.1 403 Forbidden\r\nx-amz-apigw-id: a\r\n\r\n{\"error\":\"mine\"}"
	noRouteText      = "HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: MissingAuthenticationTokenException\r\n\r\n{\"message\":\"Missing Authentication Token\"}"
)

func TestExplainForms(t *testing.T) {
	e := newExplaining(t)
	curl := "> GET /prod/orders HTTP/2\n> Host: abc.execute-api.eu-west-1.amazonaws.com\n> Authorization: Bearer aaa.bbb.ccc-secret\n>\n< HTTP/2 401\n< x-amzn-errortype: UnauthorizedException\n<\n{\"message\":\"Unauthorized\"}"
	har := `{"log":{"entries":[{"request":{"method":"GET","url":"https://a.example/ok"},"response":{"status":200}},
{"startedDateTime":"2026-11-22T12:00:00Z","request":{"method":"GET","url":"https://a.example/x","headers":[{"name":"Origin","value":"https://app"}]},"response":{"status":0,"_error":"net::ERR_FAILED"}},
{"request":{"method":"GET","url":"https://other.example/y"},"response":{"status":404,"content":{"text":"no"}}}]}}`
	for _, tc := range []struct {
		name, in string
		args     []string
		want     []string // entry, request, status and best cause
	}{
		{"standard input", unauthorizedText, []string{"-"}, []string{"1   401 missing-token"}},
		{"with a token", unauthorizedText, []string{"-", "/orders", "--token", "@TOKEN"}, []string{"1 GET /orders 401 authorizer-unauthorized"}},
		{"METHOD and PATH", noRouteText, []string{"-", "delete", "/orders?x=1"}, []string{"1 DELETE /orders 403 no-route"}},
		{"curl -v", curl, []string{"-"}, []string{"1 GET /orders 401 authorizer-unauthorized"}},
		{"a body alone", `{"message":"Missing Authentication Token"}`, []string{"-", "--status", "403"}, []string{"1   403 no-route"}},
		{"HAR", har, []string{"-"}, []string{"2 GET /x 0 no-answer", "3 GET /y 404 not-the-gateway"}},
		{"HAR of one API", har, []string{"-", "--api-url", "https://a.example"}, []string{"2 GET /x 0 no-answer"}},
		{"one entry", har, []string{"-", "--entry", "1"}, []string{"1 GET /ok 200 "}},
		{"nothing refused", "HTTP/1.1 200 OK\n\n", []string{"-"}, nil},
	} {
		e.in = tc.in
		token := e.write("token", "aaa.bbb.ccc-secret")
		for i := range tc.args {
			tc.args[i] = strings.ReplaceAll(tc.args[i], "TOKEN", token)
		}
		var got []string
		for _, x := range e.json(tc.args...) {
			id := ""
			if len(x.Causes) > 0 {
				id = x.Causes[0].ID
			}
			got = append(got, fmt.Sprintf("%d %s %s %d %s", x.Entry, x.Method, x.Path, x.Status, id))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
		out, errs := e.run(0, tc.args...)
		if strings.Contains(out+errs, "ccc-secret") {
			t.Errorf("%s: the token is shown: %s%s", tc.name, out, errs)
		}
		for line := range strings.SplitSeq(out, "\n") {
			if len([]rune(line)) > 80 {
				t.Errorf("%s: a line of %d columns: %s", tc.name, len([]rune(line)), line)
			}
		}
	}
}

// TestExplainHAR: the browser's word for a request without an answer is shown.
func TestExplainHAR(t *testing.T) {
	e := newExplaining(t)
	e.in = `{"log":{"entries":[{"request":{"method":"GET","url":"https://a.example/x"},"response":{"status":0,"_error":"net::ERR_FAILED\u001b[31m"}}]}}`
	c := e.first("-")
	if c.ID != "no-answer" || len(c.Facts) != 1 || !strings.Contains(c.Facts[0], `net::ERR_FAILED\x1b[31m`) {
		t.Errorf("%+v", c)
	}
	if out, _ := e.run(0, "-"); !strings.HasPrefix(out, "no answer  GET /x\n") {
		t.Errorf("printed: %s", out)
	}
}

func TestExplainMistakes(t *testing.T) {
	e := newExplaining(t)
	for _, tc := range []struct {
		in, want string
		args     []string
	}{
		{"", "which response? Give a file", nil},
		{"", "standard input:1:1: it is empty", []string{"-"}},
		{`{"message":"Forbidden"}`, "--status 403", []string{"-"}},
		{`{"log":{"entries":[`, "standard input:1:20: the JSON document ends too early", []string{"-"}},
		{unauthorizedText, "has a status: 401", []string{"-", "--status", "403"}},
		{"x", "9 is no HTTP status", []string{"-", "--status", "9"}},
		{unauthorizedText, "there are responses 1 to 1", []string{"-", "--entry", "2"}},
		{unauthorizedText, "standard input cannot be both", []string{"-", "--token", "-"}},
		{"HTTP/1.1 401\n\nHTTP/1.1 403\n\n", "there are 2 refusals", []string{"-", "/orders"}},
		{unauthorizedText, `"orders" is no path`, []string{"-", "GET", "orders"}},
		{"", "there is no file", []string{"no-such-file"}},
		{"", "give no FILE with it", []string{"--list", "x"}},
	} {
		e.in = tc.in
		out, errs := e.run(2, tc.args...)
		if out != "" || !strings.Contains(errs, tc.want) {
			t.Errorf("%q: %s%s, want %s", tc.args, out, errs, tc.want)
		}
	}
}

func TestExplainList(t *testing.T) {
	e := newExplaining(t)
	out, _ := e.run(0, "--list")
	asJSON, _ := e.run(0, "--list", "--json")
	var table view.CauseTable
	if err := json.Unmarshal([]byte(asJSON), &table); err != nil || len(table.Causes) != len(apigw.Causes()) || table.SchemaVersion != 1 {
		t.Errorf("%v: %s", err, asJSON)
	}
	for _, c := range table.Causes {
		if !strings.Contains(out, c.ID+" (") {
			t.Errorf("%s is not listed", c.ID)
		}
	}
}

// TestExplainCompares: what is decided here, beside what the API answered.
func TestExplainCompares(t *testing.T) {
	issuer := newTestIssuer(t)
	app := "\nversion: 1\nid: abc\nstage: prod\n"
	function := func(effect string) string { return app + fmt.Sprintf(lambda, answering(effect, "*")) + "\n" }
	mine := app + "authorizers: {a: {file: authorizer.yaml}}\nauthorizer: a\n"
	policy := "version: 1\ntokens: [{issuer: " + issuer.URL + ", audience: app}]" + testPolicy
	for _, tc := range []struct {
		name, api, in string
		token         map[string]any // more claims; nil: none is given
		args          []string
		agrees        bool
		why           string // not decided
		reason        string
		differences   []string
	}{
		{name: "the same", api: mine, in: implicitText, token: map[string]any{}, agrees: true, reason: "neither allows nor denies"},
		{name: "expired for both", api: mine, in: unauthorizedText, token: map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}, agrees: true, reason: "expired 1 h ago"},
		{name: "allowed here", api: mine, in: implicitText, token: map[string]any{"groups": []string{"Admins"}}, reason: "the backend is called", differences: []string{"stale-cache", "deployment"}},
		{name: "allowed here, nothing cached", api: strings.Replace(mine, "{file", "{ttl: 0, file", 1), in: implicitText, token: map[string]any{"groups": []string{"Admins"}}, reason: "the backend is called", differences: []string{"deployment"}},
		{name: "denied here, and the backend answers", api: mine, in: backendText, token: map[string]any{}, reason: "neither allows", differences: []string{"stale-cache", "deployment"}},
		{name: "the backend's, as here", api: function("Allow"), in: backendText, token: map[string]any{}, agrees: true, reason: "the backend is called"},
		{name: "another denial", api: function("Deny"), in: implicitText, token: map[string]any{}, reason: "denies it explicitly", differences: []string{"stale-cache", "deployment"}},
		{name: "a denial that may be another's", api: function("Allow"), in: strings.Replace(implicitText, "because no identity-based policy allows", "with an explicit deny in", 1), token: map[string]any{}, reason: "the backend is called", differences: []string{"stale-cache", "resource-policy", "deployment"}},
		{name: "not deployed", api: function("Allow") + "routes: [GET /orders]\n", in: noRouteText, token: map[string]any{}, reason: "the backend is called", differences: []string{"route", "deployment"}},
		{name: "an API key", api: app + "authorizer: none\n", in: "HTTP/1.1 403 F\nx-amzn-ErrorType: ForbiddenException\n\n{\"message\":\"Forbidden\"}", reason: "the backend is called", differences: []string{"api-key", "deployment"}},
		{name: "denied by both, in the API's words", api: function("Deny"), in: "HTTP/1.1 403 F\nx-amzn-ErrorType: AccessDeniedException\n\nno entry", token: map[string]any{}, agrees: true, reason: "denies it explicitly"},
		{name: "never seen by the API", api: function("Deny"), in: "HTTP/1.1 403 F\nServer: CloudFront\n\nRequest blocked", token: map[string]any{}, why: "refused before API Gateway asked"},
		{name: "never seen, and allowed here", api: function("Allow"), in: "HTTP/1.1 403 F\nServer: CloudFront\n\nRequest blocked", token: map[string]any{}, agrees: true, reason: "the backend is called"},
		{name: "throttled", api: function("Allow"), in: "HTTP/1.1 429 F\nx-amzn-ErrorType: TooManyRequestsException\n\n", token: map[string]any{}, agrees: true, reason: "the backend is called"},
		{name: "throttled, and denied here", api: function("Deny"), in: "HTTP/1.1 429 F\nx-amzn-ErrorType: TooManyRequestsException\n\n", token: map[string]any{}, reason: "denies it explicitly", differences: []string{"stale-cache", "deployment"}},
		{name: "as of its date", api: mine, in: strings.Replace(unauthorizedText, "content-type", "date: Sun, 22 Nov 2020 12:00:00 GMT\r\ncontent-type", 1), token: map[string]any{}, agrees: true, reason: "issued"},
		{name: "no token is known", api: mine, in: implicitText, why: "which token was sent is not known"},
		{name: "no request is known", api: mine, in: implicitText, token: map[string]any{}, args: []string{"none"}, why: "which request it was is not known"},
		{name: "a WebSocket API", api: app + fmt.Sprintf(socket, fails) + "\n", in: "> GET /prod HTTP/1.1\n>\n< HTTP/1.1 401 U\n< x-amz-apigw-id: a\n<\n{\"message\":\"Unauthorized\"}", args: []string{"none"}, agrees: true, reason: "missing or empty"},
		{name: "nobody answers", api: app + "authorizers: {a: {type: token}}\nauthorizer: a\n", in: implicitText, token: map[string]any{}, why: "nothing says what the authorizer a answers"},
		{name: "no settings", in: implicitText, why: "the settings do not say who authorizes"},
		{name: "not wanted", api: mine, in: implicitText, args: []string{"GET", "/orders", "--no-authorize"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := newExplaining(t)
			e.in = tc.in
			e.write("authorizer.yaml", policy)
			var args []string
			switch {
			case tc.args == nil:
				args = []string{"-", "GET", "/orders"}
			case tc.args[0] == "none":
				args = []string{"-"}
			default:
				args = append([]string{"-"}, tc.args...)
			}
			if tc.api != "" {
				args = append(args, "--api-file", e.write("api.yaml", tc.api))
			}
			if tc.token != nil {
				args = append(args, "--token", "@"+e.write("token", issuer.token(t, tc.token)))
			}
			x := e.json(args...)[0]
			l := x.Local
			switch {
			case slices.Contains(tc.args, "--no-authorize"):
				if l != nil {
					t.Errorf("compared: %+v", l)
				}
				return
			case tc.why != "":
				if l.Decided || !strings.Contains(l.Why, tc.why) {
					t.Errorf("%+v, want %s", l, tc.why)
				}
				return
			}
			var ids []string
			for _, d := range l.Differences {
				ids = append(ids, d.ID)
			}
			if !l.Decided || l.Agrees != tc.agrees || !strings.Contains(l.Reason, tc.reason) || !slices.Equal(ids, tc.differences) {
				t.Errorf("%+v (%v), want agreement %v, %q, %v", l, ids, tc.agrees, tc.reason, tc.differences)
			}
			// What the files here refuse, too, needs no cache to be refused.
			if c := x.Causes[0]; c.ID == "implicit-deny" && strings.Contains(c.Next, "cached") == l.Agrees {
				t.Errorf("agreement %v, and what to do is %q", l.Agrees, c.Next)
			}
		})
	}
}

// TestExplainFindsFacts: what the token in the file says against itself, and where a
// token that is given goes.
func TestExplainFindsFacts(t *testing.T) {
	issuer := newTestIssuer(t)
	e := newExplaining(t)
	expired := issuer.token(t, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})
	e.in = "> GET /orders HTTP/1.1\n> Authorization: Bearer " + expired + "\n>\n< HTTP/1.1 401 U\n< x-amzn-errortype: UnauthorizedException\n<\n{\"message\":\"Unauthorized\"}"
	c := e.first("-")
	if c.ID != "authorizer-unauthorized" || !slices.Equal(c.Facts, []string{"the token: expired 1 h ago"}) {
		t.Errorf("%+v", c)
	}
	e.in = strings.Replace(e.in, expired, expired[:strings.LastIndexByte(expired, '.')]+".[redacted]", 1)
	x := e.json("-", "--api-file", e.write("api.yaml", "version: 1\n"+fmt.Sprintf(lambda, fails)+"\n"))[0]
	if x.Causes[0].ID != "authorizer-unauthorized" || len(x.Causes[0].Facts) != 1 || x.Local.Decided || !strings.Contains(x.Local.Why, "is not whole") {
		t.Errorf("%+v, %+v", x.Causes, x.Local)
	}
	e.in = implicitText
	e.write("authorizer.yaml", "version: 1\nsource: header X-Token\ntokens: [{issuer: "+issuer.URL+", audience: app}]"+testPolicy)
	l := e.json("-", "GET", "/orders", "--authorizer", filepath.Join(e.app.Dir, "authorizer.yaml"), "--token", "@"+e.write("token", issuer.token(t, nil)))[0].Local
	if !l.Agrees || !strings.Contains(l.Reason, "neither allows nor denies") {
		t.Errorf("%+v", l)
	}
}

// TestExplainGroups: what a page asked for many times is printed once.
func TestExplainGroups(t *testing.T) {
	e := newExplaining(t)
	e.in = `{"log":{"entries":[` + strings.Repeat(`{"request":{"method":"GET","url":"https://a.example/x"},"response":{"status":404}},`, 12) +
		`{"request":{"method":"GET","url":"https://a.example/y"},"response":{"status":404}}]}}`
	out, _ := e.run(0, "-")
	if strings.Count(out, "GET /x\n") != 1 || !strings.Contains(out, "and the same 11 times more: entries 2, 3, 4, 5, 6, 7, 8, 9 and others") || strings.Count(out, "GET /y\n") != 1 {
		t.Errorf("printed %s", out)
	}
	if all := e.json("-"); len(all) != 13 {
		t.Errorf("%d in JSON", len(all))
	}
}

// TestExplainLarge: a page's HAR file of many megabytes, with many refusals.
func TestExplainLarge(t *testing.T) {
	e := newExplaining(t)
	one := `{"request":{"method":"GET","url":"https://a.example/x"},"response":{"status":404,"content":{"text":"` + strings.Repeat("x", 20<<10) + `"}}}`
	e.in = `{"log":{"entries":[` + strings.Repeat(one+",\n", 599) + one + `]}}`
	out, errs := e.run(0, "-")
	if !strings.Contains(out, "and the same 499 times more") || !strings.Contains(errs, "the first 500 of 600 refusals") {
		t.Errorf("%s%s", out, errs)
	}
	if all := e.json("-", "--entry", "600"); all[0].Line != 600 {
		t.Errorf("%+v", all)
	}
}

// TestExplainClock: a page whose machine is in another time than the API.
func TestExplainClock(t *testing.T) {
	issuer := newTestIssuer(t)
	e := newExplaining(t)
	e.write("authorizer.yaml", "version: 1\ntokens: [{issuer: "+issuer.URL+", audience: app}]"+testPolicy)
	api := e.write("api.yaml", "version: 1\nauthorizers: {a: {file: authorizer.yaml, ttl: 0}}\nauthorizer: a\n")
	now := time.Now().UTC()
	e.in = fmt.Sprintf(`{"log":{"entries":[{"startedDateTime":%q,"request":{"method":"GET","url":"https://a.example/users/42/x","headers":[{"name":"authorization","value":"Bearer %s"}]},
"response":{"status":403,"headers":[{"name":"x-amz-apigw-id","value":"a"},{"name":"date","value":%q}],"content":{"text":"{}"}}}]}}`,
		now.Add(2*time.Hour).Format(time.RFC3339), issuer.token(t, nil), now.Format(http.TimeFormat))
	l := e.json("-", "--api-file", api)[0].Local
	if len(l.Differences) != 2 || l.Differences[0].ID != "clock" || !strings.Contains(l.Differences[0].What, "2 h ahead of") {
		t.Errorf("%+v", l)
	}
}

// TestExplainNeedsNoKeys: keys that cannot be had are said, and no verdict of the
// API's.
func TestExplainNeedsNoKeys(t *testing.T) {
	issuer := newTestIssuer(t)
	e := newExplaining(t)
	e.write("authorizer.yaml", "version: 1\ntokens: [{issuer: "+issuer.URL+", audience: app}]"+testPolicy)
	token := e.write("token", issuer.token(t, nil))
	issuer.Close()
	for _, api := range []string{"authorizers: {a: {file: authorizer.yaml}}", "kind: http\nauthorizers: {a: {type: jwt, issuer: " + issuer.URL + ", audience: app}}"} {
		e.in = unauthorizedText
		file := e.write("api.yaml", "version: 1\n"+api+"\nauthorizer: a\n")
		l := e.json("-", "GET", "/orders", "--api-file", file, "--token", "@"+token)[0].Local
		if l.Decided || !strings.HasPrefix(l.Why, "the keys of "+issuer.URL+" could not be had") {
			t.Errorf("%+v", l)
		}
	}
}

// TestExplainRunsNothing: a function of the settings is never run for an
// explanation.
func TestExplainRunsNothing(t *testing.T) {
	e := newExplaining(t)
	ran := filepath.Join(e.app.Dir, "ran")
	handler := e.write("bootstrap", "#!/bin/sh\ntouch "+ran+"\n")
	if err := os.Chmod(handler, 0o700); err != nil {
		t.Fatal(err)
	}
	asked := false
	function := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer function.Close()
	for _, who := range []string{"handler: " + handler, "invoke: " + function.URL} {
		e.in = implicitText
		file := e.write("api.yaml", "version: 1\nauthorizers: {a: {type: token, "+who+"}}\nauthorizer: a\n")
		l := e.json("-", "GET", "/orders", "--api-file", file, "--token", "@"+e.write("token", "a.b.c"))[0].Local
		if l == nil || l.Decided || !strings.Contains(l.Why, "is not run unasked") {
			t.Errorf("%s: %+v", who, l)
		}
	}
	if _, err := os.Stat(ran); err == nil || asked {
		t.Error("the function was run")
	}
}

// TestCallExplainsByItself: on a terminal, and elsewhere when asked.
func TestCallExplainsByItself(t *testing.T) {
	answers := func(status int, head, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for line := range strings.SplitSeq(head, "\n") {
				name, value, _ := strings.Cut(line, ": ")
				w.Header()[name] = []string{value}
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	denied := answers(403, "x-amzn-ErrorType: AccessDeniedException", `{"Message":"User is not authorized to access this resource with an explicit deny"}`)
	missing := answers(404, "x-amz-apigw-id: a", `{"error":"no such order"}`)
	for _, tc := range []struct {
		name     string
		api      http.HandlerFunc
		terminal bool
		args     []string
		full     bool // who said it, and the comparison
		short    bool // what it means
	}{
		{"terminal", denied, true, nil, true, true},
		{"pipe", denied, false, nil, false, true},
		{"pipe, asked", denied, false, []string{"--explain"}, true, true},
		{"terminal, not wanted", denied, true, []string{"--no-explain"}, false, false},
		{"terminal, the backend's own", missing, true, nil, false, true},
		{"terminal, anybody's", answers(404, "Server: nginx", "<h1>404"), true, nil, false, false},
		{"the backend's own, asked", missing, true, []string{"--explain"}, true, true},
	} {
		server := httptest.NewServer(tc.api)
		var out, errs bytes.Buffer
		app := testApp(t, &out, &errs)
		app.IO.ErrTerminal = tc.terminal
		api := write(t, app.Dir, "api.yaml", "version: 1\n"+fmt.Sprintf(lambda, answering("Deny", "*"))+"\n")
		token := write(t, app.Dir, "token", "aaa.bbb.ccc-secret")
		Run(t.Context(), app, append([]string{"call", "/orders", "--api-url", server.URL, "--api-file", api, "--token", "@" + token}, tc.args...))
		server.Close()
		said := errs.String()
		full := strings.Contains(said, "who said it") && strings.Contains(said, "authorize")
		short := strings.Contains(said, "hint: ")
		if full != tc.full || short != tc.short || strings.Contains(said, "ccc-secret") {
			t.Errorf("%s: %s", tc.name, said)
		}
		if tc.full && !strings.Contains(said, "here ") {
			t.Errorf("%s: nothing was compared: %s", tc.name, said)
		}
	}
	var errs bytes.Buffer
	app := testApp(t, io.Discard, &errs)
	if code := Run(t.Context(), app, []string{"call", "http://127.0.0.1:1/", "--explain", "--no-explain"}); code != 2 {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

// TestExplainDecides: what authorize does not decide is in the table by that name.
func TestExplainDecides(t *testing.T) {
	known := map[string]apigw.Cause{}
	for _, c := range apigw.Causes() {
		known[c.ID] = c
	}
	for _, id := range undecided() {
		if _, ok := known[id]; !ok {
			t.Errorf("there is no cause %s", id)
		}
		if decides(known[id]) {
			t.Errorf("%s is decided", id)
		}
	}
	for _, id := range []string{"no-route", "missing-token", "explicit-deny", "jwt-scope", "authorizer-failed", "api-key", "waf"} {
		if decides(known[id]) != (id != "waf") {
			t.Errorf("%s: %v", id, decides(known[id]))
		}
	}
}
