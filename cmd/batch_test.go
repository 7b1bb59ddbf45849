package cmd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatepass/cmd"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

const batchAuthorizer = `version: 1
tokens: [{ issuer: https://acme.onelogin.com/oidc/2, audience: [orders] }]
policy:
  Statement:
    - { Sid: Admins, Effect: Allow, Resource: "* /*", Condition: { "ForAnyValue:StringEquals": { "jwt:groups": Admins } } }
    - { Sid: Readers, Effect: Allow, Resource: ["GET /orders", "GET /users/${jwt:sub}/*"] }
    - { Sid: Office, Effect: Deny, Resource: "DELETE /*", Condition: { NotIpAddress: { "aws:SourceIp": 203.0.113.0/24 } } }
`

// runAuthorize runs authorize in a folder of its own.
func runAuthorize(t testing.TB, dir string, in io.Reader, out io.Writer, args ...string) (exit int, said string) {
	t.Helper()
	streams, _, errs := iostreams.Test("")
	streams.In, streams.Out = in, out
	app := &cmd.App{
		IO: streams, Getenv: func(string) string { return "" }, Dir: dir, Secrets: new(secret.Redactor),
		Now: func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) },
	}
	exit = cmd.Run(t.Context(), app, append([]string{"authorize"}, args...))
	return exit, errs.String()
}

func batchDir(t testing.TB) (dir, authorizer string) {
	t.Helper()
	dir = t.TempDir()
	authorizer = filepath.Join(dir, "authorizer.yaml")
	if err := os.WriteFile(authorizer, []byte(batchAuthorizer), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, authorizer
}

// answers are the lines of a batch's output.
func answers(t testing.TB, out []byte) []map[string]any {
	t.Helper()
	var list []map[string]any
	for _, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, m)
	}
	return list
}

// TestBatchIsAuthorize: a line is decided as authorize decides the same request.
func TestBatchIsAuthorize(t *testing.T) {
	dir, file := batchDir(t)
	for _, tc := range []struct {
		line  string
		args  []string
		flags []string // of both
	}{
		{`{"path":"/orders","claims":{"sub":"1"}}`, []string{"GET", "/orders", "--claim", "sub=1"}, nil},
		{`{"method":"DELETE","path":"/orders/7","claims":{"groups":["a","Admins"]},"source_ip":"203.0.113.9"}`, []string{"DELETE", "/orders/7", "--claim", "groups=a", "--claim", "groups=Admins", "--source-ip", "203.0.113.9"}, nil},
		{`{"method":"DELETE","path":"/orders/7","claims":{"groups":"Admins"}}`, []string{"DELETE", "/orders/7", "--claim", "groups=Admins"}, nil},
		{`{"method":"GET","path":"/users/a*b/x","query":{"a":["1","2"]},"headers":{"X-A":"b"},"claims":{"sub":"a*b"}}`, []string{"GET", "/users/a*b/x?a=1&a=2", "-H", "X-A: b", "--claim", "sub=a*b"}, nil},
		{`{"method":"GET","path":"/orders"}`, []string{"GET", "/orders", "--no-token"}, nil},
		{`{"method":"GET","path":"/orders","at":"2020-01-01T00:00:00Z","headers":{"authorization":"Bearer x.y.z"}}`, []string{"GET", "/orders", "--at", "2020-01-01T00:00:00Z", "-H", "authorization: Bearer x.y.z"}, nil},
		{`{"path":"/orders","claims":{"scope":"read"}}`, []string{"GET", "/orders", "--claim", "scope=read"}, []string{"--kind", "http", "--type", "jwt", "--issuer", "https://acme.onelogin.com/oidc/2", "--audience", "orders", "--route-scope", "write"}},
		{`{"path":"$connect","claims":{"sub":"1"}}`, []string{"$connect", "--claim", "sub=1"}, []string{"--kind", "websocket", "--type", "request", "--identity-source", "header Authorization"}},
	} {
		t.Run(tc.line, func(t *testing.T) {
			flags := append([]string{"--authorizer", file}, tc.flags...)
			var batch, single bytes.Buffer
			exit, said := runAuthorize(t, dir, strings.NewReader(tc.line), &batch, append(flags, "--batch", "-")...)
			if exit != 0 {
				t.Fatalf("exit %d: %s%s", exit, said, &batch)
			}
			if exit, said := runAuthorize(t, dir, nil, &single, append(flags, append(tc.args, "--json")...)...); exit != 0 && exit != 3 {
				t.Fatalf("exit %d: %s", exit, said)
			}
			got := answers(t, batch.Bytes())[0]
			delete(got, "id")
			var want map[string]any
			if err := json.Unmarshal(single.Bytes(), &want); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("one by one (-), in a batch (+):\n%s", d)
			}
		})
	}
}

// TestBatchOrder: requests, questions and mistakes come back in their order.
func TestBatchOrder(t *testing.T) {
	dir, file := batchDir(t)
	const n = 3000
	var in strings.Builder
	for i := range n {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&in, `{"id":%d,"path":"/users/%d/x","claims":{"sub":"%d"}}`+"\n", i, i, i)
		case 1:
			in.WriteString(smallQuestion(i, 1+i%50))
		case 2:
			fmt.Fprintf(&in, `{"id":%d,"path":7}`+"\n", i)
		case 3:
			in.WriteString(smallQuestion(i, 1))
		}
	}
	var out bytes.Buffer
	exit, said := runAuthorize(t, dir, strings.NewReader(in.String()), &out, "--authorizer", file, "--batch", "-")
	if exit != 2 || !strings.Contains(said, strconv.Itoa(n/4)+" lines of standard input are wrong, the first is line 3") {
		t.Errorf("exit %d: %s", exit, said)
	}
	list := answers(t, out.Bytes())
	if len(list) != n {
		t.Fatalf("%d answers to %d lines", len(list), n)
	}
	for i, m := range list {
		if m["id"] != float64(i) {
			t.Fatalf("answer %d is of line %v", i, m["id"])
		}
		if what := [...]string{"allowed", "decision", "error", "decision"}[i%4]; m[what] == nil {
			t.Errorf("answer %d has no %s: %v", i, what, m)
		}
	}
}

// smallQuestion is a policy question with so many statements.
func smallQuestion(id, statements int) string {
	const statement = `{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/*"}`
	return fmt.Sprintf(`{"id":%d,"policy":{"Version":"2012-10-17","Statement":[%s%s]},"resource":"arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/x"}`+"\n",
		id, statement, strings.Repeat(","+statement, statements-1))
}

// questions makes n small questions, and counts those that were taken.
type questions struct {
	n, at int
	rest  []byte
	taken *atomic.Int64
}

func (q *questions) Read(p []byte) (int, error) {
	if len(q.rest) == 0 {
		if q.at == q.n {
			return 0, io.EOF
		}
		q.rest = fmt.Appendf(q.rest[:0], `{"id":%d,"policy":{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}},"resource":"*"}`+"\n", q.at)
		q.at++
		q.taken.Add(1)
	}
	n := copy(p, q.rest)
	q.rest = q.rest[n:]
	return n, nil
}

// backlog is how many questions are under way at most.
type backlog struct {
	taken       *atomic.Int64
	given, most int64
}

func (b *backlog) Write(p []byte) (int, error) {
	b.most = max(b.most, b.taken.Load()-b.given)
	b.given += int64(bytes.Count(p, []byte("\n")))
	return len(p), nil
}

// TestBatchConstantMemory: however long the batch is, only so many of its lines
// are under way at a time.
func TestBatchConstantMemory(t *testing.T) {
	var taken atomic.Int64
	out := &backlog{taken: &taken}
	exit, said := runAuthorize(t, t.TempDir(), &questions{n: manyLines, taken: &taken}, out, "--batch", "-")
	if exit != 0 {
		t.Fatalf("exit %d: %s", exit, said)
	}
	if out.given != manyLines {
		t.Errorf("%d answers to %d questions", out.given, manyLines)
	}
	if out.most > 10_000 {
		t.Errorf("%d lines were under way at once", out.most)
	}
}

// TestBatchHostile: hostile lines are answered, each by itself, and those around
// them too.
func TestBatchHostile(t *testing.T) {
	long := strings.Repeat("a", 10<<20)
	hostile := map[string]string{
		"longer than 10 MB":    `{"id":"` + long + `","path":"/"}`,
		"deep":                 strings.Repeat(`{"policy":`, 100_000),
		"duplicate keys":       `{"id":1,"id":2,"path":"/"}`,
		"invalid UTF-8":        "{\"id\":\"\xff\",\"path\":\"/\"}",
		"NUL":                  "\x00",
		"two documents":        `{"path":"/"} {"path":"/"}`,
		"header of two lines":  `{"path":"/","headers":{"a":"b\nc: d"}}`,
		"path without a slash": `{"path":"orders"}`,
		"claims of 1 MB":       `{"path":"/","claims":[` + strings.Repeat(`{},`, 1<<18) + `{}]}`,
		"token file":           `{"path":"/","token":["@/etc/passwd"]}`,
		"100,000 mistakes":     `{"policy":{"Statement":[` + strings.Repeat(`{"effect":1},`, 100_000) + `{}]},"resource":"*"}`,
	}
	dir, file := batchDir(t)
	for name, line := range hostile {
		t.Run(name, func(t *testing.T) {
			in := smallQuestion(1, 1) + line + "\n" + smallQuestion(2, 1)
			var out bytes.Buffer
			exit, said := runAuthorize(t, dir, strings.NewReader(in), &out, "--authorizer", file, "--batch", "-")
			if exit != 2 || !strings.Contains(said, "line 2 of standard input is wrong") {
				t.Errorf("exit %d: %s", exit, said)
			}
			list := answers(t, out.Bytes())
			if len(list) != 3 || list[0]["decision"] != "allowed" || list[1]["error"] == nil || list[2]["decision"] != "allowed" {
				t.Fatalf("%.2000s", out.String())
			}
			if out.Len() > 4000 {
				t.Errorf("the answers have %d bytes", out.Len())
			}
		})
	}
	t.Run("good, but large", func(t *testing.T) {
		pattern := strings.Repeat("*a", 100_000)
		line := fmt.Sprintf(`{"id":"x","policy":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:eu-west-1:123456789012:%s"}]},"resource":"arn:aws:execute-api:eu-west-1:123456789012:%s"}`, pattern, strings.Repeat("b", 1000))
		var out bytes.Buffer
		if exit, said := runAuthorize(t, dir, strings.NewReader(line), &out, "--batch", "-"); exit != 0 {
			t.Errorf("exit %d: %s", exit, said)
		}
		if m := answers(t, out.Bytes())[0]; m["decision"] != "implicitly-denied" {
			t.Errorf("%v", m["decision"])
		}
	})
}

func BenchmarkBatch(b *testing.B) {
	dir, file := batchDir(b)
	for name, line := range map[string]string{
		"question": smallQuestion(1, 3),
		"request":  `{"id":1,"method":"GET","path":"/users/7/orders","claims":{"sub":"7","groups":["a","b"]},"headers":{"User-Agent":"curl/8"}}` + "\n",
	} {
		b.Run(name, func(b *testing.B) {
			in := strings.NewReader(strings.Repeat(line, b.N))
			b.ResetTimer()
			if exit, said := runAuthorize(b, dir, in, io.Discard, "--authorizer", file, "--batch", "-"); exit != 0 {
				b.Fatalf("exit %d: %s", exit, said)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
