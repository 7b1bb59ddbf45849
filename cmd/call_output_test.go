package cmd_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/cmd"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

// callOutput is one run of call against a server, in a world of its own.
type callOutput struct {
	terminal, errTerminal, color bool
	width                        int
	out                          io.Writer // instead of a buffer
	ctx                          context.Context
}

// run runs call against a base URL without a token but with one in a header, and
// checks that it is not said.
func (c callOutput) run(t *testing.T, exit int, base string, args ...string) (stdout, stderr string) {
	t.Helper()
	streams, _, _ := iostreams.Test("")
	out, errs := new(locked), new(locked)
	streams.Out, streams.Err = out, errs
	if c.out != nil {
		streams.Out = c.out
	}
	streams.OutTerminal, streams.ErrTerminal, streams.OutColor, streams.ErrColor = c.terminal, c.errTerminal, c.color, c.color
	if c.width > 0 {
		streams.Width = c.width
	}
	ctx := c.ctx
	if ctx == nil {
		ctx = t.Context()
	}
	app := &cmd.App{IO: streams, Getenv: func(string) string { return "" }, Now: time.Now, Dir: t.TempDir(), Secrets: new(secret.Redactor)}
	args = append([]string{"call", "--no-token", "-H", "Authorization: Bearer " + callToken, "--api-url", base}, args...)
	if got := cmd.Run(ctx, app, args); got != exit {
		t.Errorf("%q: exit code %d, want %d\n%.600s", args[6:], got, exit, errs)
	}
	if s := errs.String(); strings.Contains(s, "c2lnbmF0dXJl") {
		t.Errorf("the token is in what is said: %s", s)
	}
	return out.String(), errs.String()
}

// locked is a buffer for several goroutines.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func answering(code int, mediaType, body string) http.HandlerFunc {
	return status(code, http.Header{"Content-Type": {mediaType}}, body)
}

// Where the body of an error goes, by what it is asked for and where the output goes.
func TestWhereTheBodyOfAnErrorGoes(t *testing.T) {
	const body = `{"message":"no"}`
	base := serve(t, answering(404, "application/json", body))
	for _, tc := range []struct {
		args     string
		terminal bool
		out, err bool
	}{
		{"", false, false, true},
		{"", true, true, false},
		{"--error-body stdout", false, true, false},
		{"--error-body stderr", true, false, true},
		{"--error-body none", true, false, false},
		{"-f", false, false, false},
		{"-i", false, true, false},
		{"--jq .x", true, false, true},
		{"--jq .message --error-body stdout", false, false, false}, // filtered
	} {
		stdout, stderr := callOutput{terminal: tc.terminal}.run(t, 8, base, append([]string{"/x"}, strings.Fields(tc.args)...)...)
		if strings.Contains(stdout, "message") != tc.out || strings.Contains(stderr, `"message"`) != tc.err {
			t.Errorf("%q, terminal %v: stdout %q, stderr %q", tc.args, tc.terminal, stdout, stderr)
		}
		if !strings.Contains(stderr, "gatepass: the API answered 404 Not Found") {
			t.Errorf("%q: said %q", tc.args, stderr)
		}
	}
	if stdout, _ := (callOutput{}).run(t, 8, base, "/x", "--jq", ".message", "--error-body", "stdout"); stdout != "\"no\"\n" {
		t.Errorf("filtered: %q", stdout)
	}
	html := serve(t, answering(502, "text/html", "<html>\x1b[2J"))
	if _, stderr := (callOutput{}).run(t, 8, html, "/x", "--jq", ".a", "--error-body", "stdout"); !strings.Contains(stderr, "the answer is not JSON") || !strings.Contains(stderr, "502") {
		t.Errorf("an error that is no JSON: %q", stderr)
	}
	if _, stderr := (callOutput{}).run(t, 8, html, "/x"); !strings.HasPrefix(stderr, `<html>\x1b[2J`+"\n") {
		t.Errorf("escape sequences on standard error: %q", stderr)
	}
}

func TestSilence(t *testing.T) {
	base := serve(t, answering(403, "application/json", `{"message":"Forbidden"}`))
	if stdout, stderr := (callOutput{errTerminal: true}).run(t, 3, base, "/x", "-s", "-f"); stdout+stderr != "" {
		t.Errorf("said %q, %q", stdout, stderr)
	}
	if _, stderr := (callOutput{}).run(t, 3, base, "/x", "-s", "-S", "-f"); !strings.HasPrefix(stderr, "gatepass: the API answered 403") {
		t.Errorf("said %q", stderr)
	}
	if stdout, stderr := (callOutput{}).run(t, 6, "http://127.0.0.1:1", "/x", "-s", "-w", "%{http_code} %{exitcode}"); stdout != "000 6" || stderr != "" {
		t.Errorf("without an answer: %q, %q", stdout, stderr)
	}
	if stdout, _ := (callOutput{}).run(t, 6, "http://127.0.0.1:1", "/x", "-s", "-w", "%{remote_ip} %{remote_port}"); stdout != " 0" {
		t.Errorf("without a connection: %q", stdout)
	}
}

func TestWriteOutOfACall(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to", http.StatusFound)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Two", "b")
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "12345")
	})
	for format, want := range map[string]string{
		`%{http_code} %{response_code}|`:                         "200 200|",
		`%{size_download} %{content_type} %{method} %{scheme}`:   "5 text/plain GET http",
		`%header{x-two}%{num_redirects}%{redirect_url}`:          "b0",
		`%{http_version} %{errormsg}%{exitcode}\t%%`:             "1.1 0\t%",
		`%{url_effective}`:                                       base + "/x",
		`%{remote_ip} %{remote_port} %{local_ip}`:                "127.0.0.1 " + base[len("http://127.0.0.1:"):] + " 127.0.0.1",
		`%{time_redirect}`:                                       "0.000000",
		`%{stderr}to stderr`:                                     "",
		`%{unknown}`:                                             "",
		`%{filename_effective}%{size_upload}%{onerror}not shown`: "0",
	} {
		stdout, stderr := callOutput{}.run(t, 0, base, "/x", "-w", format)
		if stdout != "12345"+want {
			t.Errorf("%s: %q, want %q", format, stdout, want)
		}
		if strings.Contains(format, "unknown") && !strings.Contains(stderr, `there is no variable "unknown"; there are content_type, `) || strings.Contains(format, "stderr") && stderr != "to stderr" {
			t.Errorf("%s: said %q", format, stderr)
		}
	}
	stdout, _ := callOutput{}.run(t, 0, base, "/from", "-L", "-w", `|%{num_redirects} %{url_effective} %{time_redirect}`)
	if before, after, _ := strings.Cut(stdout, "/to "); before != "12345|1 "+base || after <= "0.000000" {
		t.Errorf("redirected: %q", stdout)
	}
	if stdout, _ := (callOutput{}).run(t, 0, base, "/from", "-w", `%{redirect_url}`); !strings.HasSuffix(stdout, base+"/to") {
		t.Errorf("not followed: %q", stdout)
	}
	stdout, _ = callOutput{}.run(t, 0, base, "/x", "-d", "123", "-o", filepath.Join(t.TempDir(), "f"), "-w", `%{json}%{stderr}%{header_json}`)
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got["http_code"] != 200.0 || got["size_upload"] != 3.0 || got["time_total"].(float64) <= 0 || got["filename_effective"] == "" {
		t.Errorf("%v: %s", err, stdout)
	}
	format := filepath.Join(t.TempDir(), "format")
	if err := os.WriteFile(format, []byte(`%{http_code}\n`), 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, _ := (callOutput{}).run(t, 0, base, "/x", "-w", "@"+format); stdout != "12345200\n" {
		t.Errorf("from a file: %q", stdout)
	}
}

func TestRemoteName(t *testing.T) {
	base := serve(t, answering(200, "text/csv", "a,b\n"))
	dir := t.TempDir()
	t.Chdir(dir)
	for path, want := range map[string]string{
		"/reports/2026.csv": "2026.csv", "/a/b%20c.txt?x=/etc/passwd": "b%20c.txt", "/%2e%2e%2fx": "%2e%2e%2fx",
		"/": "", "/reports/": "", "/.bashrc": "", "/-rf": "", "/..": "", "/a/.": "", "/x;y": "", "/a|b": "a%7Cb", "/" + strings.Repeat("x", 300): "",
	} {
		exit := 0
		if want == "" {
			exit = 2
		}
		_, stderr := callOutput{}.run(t, exit, base, path, "-O")
		if want == "" && !strings.Contains(stderr, "-o FILE") {
			t.Errorf("%s: said %q", path, stderr)
		}
		files, err := os.ReadDir(dir)
		if err != nil || want == "" && len(files) > 0 || want != "" && (len(files) != 1 || files[0].Name() != want) {
			t.Errorf("%s: wrote %v, %v", path, files, err)
		}
		for _, f := range files {
			_ = os.Remove(filepath.Join(dir, f.Name()))
		}
	}
}

func TestAnswerFlagsThatDoNotGoTogether(t *testing.T) {
	asked := false
	base := serve(t, func(http.ResponseWriter, *http.Request) { asked = true })
	dir := t.TempDir()
	for args, want := range map[string]string{
		"-o a -O":                      "give one",
		"--jq . -o a":                  "--jq prints to standard output",
		"-r":                           "is for --jq",
		"-f --error-body stdout":       "at once",
		"--error-body file":            "stdout, stderr or none",
		"--json -i":                    "one object",
		"--json --jq .":                "one object",
		"--jq .a[":                     "cannot be understood",
		"-w @" + dir + "/none":         "cannot be read",
		"-o " + dir:                    "is a folder",
		"-o " + dir + "/no/such/place": "there is no folder",
	} {
		if _, stderr := (callOutput{}).run(t, 2, base, append([]string{"/x"}, strings.Fields(args)...)...); !strings.Contains(stderr, want) {
			t.Errorf("%s: said %q", args, stderr)
		}
	}
	if asked {
		t.Error("the request was made all the same")
	}
}

// Compression is asked for and undone where the answer is looked at here, and left
// alone in a pipe.
func TestCompressedAnswers(t *testing.T) {
	const text = `{"a":1}`
	var asked string
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Accept-Encoding")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, text)
		_ = z.Close()
	})
	for _, tc := range []struct {
		args           string
		terminal       bool
		asked, printed string
	}{
		{"", false, "", "\x1f\x8b"},
		{"", true, "gzip, br, zstd", "{\n  \"a\": 1\n}\n"},
		{"--compressed", false, "gzip, br, zstd", text},
		{"--jq .a", false, "gzip, br, zstd", "1\n"},
		{"-o -", true, "", "\x1f\x8b"},
		{"--compressed -H Accept-Encoding:br", false, "br", text},
		{"--compressed -H Range:bytes=0-1", false, "", text},
	} {
		stdout, _ := callOutput{terminal: tc.terminal}.run(t, 0, base, append([]string{"/x"}, strings.Fields(tc.args)...)...)
		if asked != tc.asked || !strings.HasPrefix(stdout, tc.printed) {
			t.Errorf("%q, terminal %v: asked for %q, printed %q", tc.args, tc.terminal, asked, stdout)
		}
	}
	stdout, _ := callOutput{}.run(t, 0, base, "/x", "--json")
	var got struct {
		Body, Encoding string
		Received       int
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Body != text || got.Encoding != "gzip" || got.Received < 20 {
		t.Errorf("%v: %+v", err, got)
	}
	odd := serve(t, status(200, http.Header{"Content-Encoding": {"aws-chunked"}, "Content-Type": {"text/plain"}}, "text"))
	if stdout, stderr := (callOutput{terminal: true}).run(t, 0, odd, "/x"); stdout != "text\n" || !strings.Contains(stderr, "aws-chunked, which cannot be unpacked here") {
		t.Errorf("an unknown coding: %q, %q", stdout, stderr)
	}
}

func TestJQOfACall(t *testing.T) {
	base := serve(t, answering(200, "application/json", `{"n":12345678901234567890,"s":"a\u001b[2Jb","l":[1,{"x":2}]}`))
	for _, tc := range []struct {
		args     string
		terminal bool
		want     string
	}{
		{".n", false, "12345678901234567890\n"},
		{".s", false, `"a\u001b[2Jb"` + "\n"},
		{".l", false, "[1,{\"x\":2}]\n"},
		{".l[]", false, "1\n{\"x\":2}\n"},
		{".l[1]", true, "{\n  \"x\": 2\n}\n"},
	} {
		if stdout, _ := (callOutput{terminal: tc.terminal}).run(t, 0, base, "/x", "--jq", tc.args); stdout != tc.want {
			t.Errorf("%s: %q", tc.args, stdout)
		}
	}
	if stdout, _ := (callOutput{}).run(t, 0, base, "/x", "--jq", ".s,.n", "-r"); stdout != "a\x1b[2Jb\n12345678901234567890\n" {
		t.Errorf("raw: %q", stdout)
	}
	if stdout, _ := (callOutput{terminal: true}).run(t, 0, base, "/x", "--jq", ".s", "-r"); stdout != `a\x1b[2Jb`+"\n" {
		t.Errorf("raw on a terminal: %q", stdout)
	}
	if _, stderr := (callOutput{}).run(t, 1, base, "/x", "--jq", ".s + 1"); !strings.Contains(stderr, "the jq expression fails: cannot add") {
		t.Errorf("said %q", stderr)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, stderr := (callOutput{ctx: ctx, out: io.Discard}).run(t, 6, base, "/x", "--jq", "range(infinite)"); !strings.Contains(stderr, "time limit") {
		t.Errorf("endless: %q", stderr)
	}
	if _, stderr := (callOutput{}).run(t, 6, base, "/x", "--jq", "last(range(infinite))", "--max-time", "2"); !strings.Contains(stderr, "time limit") {
		t.Errorf("endless with a limit: %q", stderr)
	}
}

// Events are printed when they come, untouched in a pipe, and Ctrl-C ends them.
func TestServerSentEvents(t *testing.T) {
	const event = ": alive\nevent: tick\ndata: {\"n\":1}\n\n"
	for _, tc := range []struct {
		name, args string
		packed     bool
		terminal   bool
		want       string
	}{
		{"pipe", "", false, false, event},
		{"compressed", "--compressed", true, false, event},
		{"terminal", "", true, true, event},
		{"filter", "--jq .n", false, false, "1\n"},
		{"compressed filter", "--jq .n", true, false, "1\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				var z *gzip.Writer
				to := io.Writer(w)
				if tc.packed {
					w.Header().Set("Content-Encoding", "gzip")
					z = gzip.NewWriter(w)
					to = z
				}
				_, _ = io.WriteString(to, event)
				if z != nil {
					_ = z.Flush()
				}
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			})
			ctx, cancel := context.WithCancel(t.Context())
			seen := &until{want: tc.want, done: cancel}
			_, stderr := callOutput{ctx: ctx, terminal: tc.terminal, out: seen}.run(t, 130, base, append([]string{"/x"}, strings.Fields(tc.args)...)...)
			if got := seen.String(); got != tc.want || stderr != "gatepass: interrupted\n" {
				t.Errorf("%q, said %q", got, stderr)
			}
		})
	}
	base := serve(t, answering(200, "text/event-stream", "data: {\"a\":1}\n\ndata: [DONE]\n\n"))
	if stdout, _ := (callOutput{}).run(t, 0, base, "/x", "--jq", "."); stdout != "{\"a\":1}\n\"[DONE]\"\n" {
		t.Errorf("data that is no JSON: %q", stdout)
	}
}

// until calls done once it has what it wants.
type until struct {
	locked
	want string
	done func()
}

func (u *until) Write(p []byte) (int, error) {
	n, err := u.locked.Write(p)
	if len(u.String()) >= len(u.want) {
		u.done()
	}
	return n, err
}

// The progress is shown on a terminal, fits it, and is gone in the end.
func TestProgress(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(6<<20))
		for range 6 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(300 * time.Millisecond):
			}
		}
	})
	path := filepath.Join(t.TempDir(), "f")
	var wg sync.WaitGroup
	for _, width := range []int{40, 80} {
		wg.Go(func() {
			_, stderr := callOutput{errTerminal: true, width: width}.run(t, 0, base, "/x", "-o", fmt.Sprint(path, width))
			lines := strings.Split(strings.TrimSpace(stderr), "\r")
			last := lines[len(lines)-1]
			if len(lines) < 4 || !strings.Contains(stderr, "down ") || strings.TrimSpace(lines[len(lines)-2]) != "" || strings.Join(strings.Fields(last), " ") != "gatepass: 6.3 MB in "+fmt.Sprint(path, width) {
				t.Errorf("said %q", stderr)
			}
			for _, line := range lines[:len(lines)-1] {
				if len(line) >= width {
					t.Errorf("%d columns of %d: %q", len(line), width, line)
				}
			}
		})
	}
	wg.Go(func() {
		if _, stderr := (callOutput{errTerminal: true}).run(t, 0, base, "/x", "-s", "-o", path); stderr != "" {
			t.Errorf("with -s %q", stderr)
		}
	})
	wg.Go(func() {
		if _, stderr := (callOutput{}).run(t, 0, base, "/x"); stderr != "" {
			t.Errorf("not on a terminal %q", stderr)
		}
	})
	wg.Wait()
}

func TestMeta(t *testing.T) {
	base := serve(t, answering(200, "text/plain", "12345"))
	stdout, stderr := callOutput{}.run(t, 0, base, "/x", "--meta")
	for _, want := range []string{"status      200 OK over HTTP/1.1\n", "received    5 B\n", "connected   after ", "first byte  after ", "all         after "} {
		if stdout != "12345" || !strings.Contains(stderr, want) {
			t.Errorf("no %q in %q, %q", want, stdout, stderr)
		}
	}
}

// raw is a server that says exactly what it is told, after a request's header.
func raw(t *testing.T, say func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				_, _ = c.Read(buf)
				say(c)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// What a hostile or broken server sends is bounded, has a name and the right exit
// code.
func TestHostileAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	says := func(text string) func(net.Conn) { return func(c net.Conn) { _, _ = io.WriteString(c, text) } }
	endless := func(head, piece string) func(net.Conn) {
		return func(c net.Conn) {
			_, err := io.WriteString(c, head)
			for text := strings.Repeat(piece, 1<<20/len(piece)); err == nil; {
				_, err = io.WriteString(c, text)
			}
		}
	}
	for _, tc := range []struct {
		name string
		say  func(net.Conn)
		args string
		exit int
		want string
	}{
		{"a body shorter than it says", says(ok + "Content-Length: 100\r\n\r\n{}"), "", 6, "broke the answer off"},
		{"the same into a file", says(ok + "Content-Length: 100\r\n\r\n{}"), "-o FILE", 6, "nothing was written to"},
		{"the same as JSON", says(ok + "Content-Length: 100\r\n\r\n{}"), "--json", 6, "broke the answer off"},
		{"the same with a filter", says(ok + "Content-Length: 100\r\n\r\n{}"), "--jq .", 6, "broke the answer off"},
		{"a chunk of no size", says(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"), "", 6, "invalid byte in chunk length"},
		{"chunks without an end", says(ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"), "", 6, "broke the answer off"},
		{"two lengths", says(ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}"), "", 6, "127.0.0.1"},
		{"a header without an end", endless("HTTP/1.1 200 OK\r\n", "X-A: "+strings.Repeat("a", 1000)+"\r\n"), "", 6, "127.0.0.1"},
		{"a line without an end", endless("HTTP/1.1 200 OK\r\nX: ", "aaaaaaaaaa"), "", 6, "127.0.0.1"},
		{"a binary header", says("HTTP/1.1 200 OK\r\nX: \x00\x01\xff\r\n\r\n"), "", 6, "127.0.0.1"},
		{"no HTTP", says("SSH-2.0-OpenSSH\r\n"), "", 6, "127.0.0.1"},
		{"escape sequences in the status", says("HTTP/1.1 404 \x1b[2J\u202e\r\nContent-Length: 0\r\n\r\n"), "-v", 8, `404 \x1b[2J\u202e`},
		{"nothing", says(""), "", 6, "closed the connection without an answer"},
		{"an endless body as JSON", endless(ok+"\r\n[", "[1,2],"), "--jq length", 1, "too large for a jq expression"},
		{"an endless error", endless("HTTP/1.1 500 Oh\r\nContent-Type: text/html\r\n\r\n", "<p>x</p>"), "", 8, "not shown whole"},
		{"no gzip after all", says(ok + "Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\nhello, hello, hello!"), "--compressed", 6, "not compressed with gzip, as it says"},
		{"half of a gzip", says(ok + "Content-Encoding: gzip\r\n\r\n" + gzipped("some text")[:20]), "--compressed", 6, "in the middle of its gzip compression"},
		{"a bomb with a filter", says(ok + "Content-Encoding: gzip\r\n\r\n" + gzipped(`"`+strings.Repeat("0", 100<<20))), "--jq .", 1, "too large for a jq expression"},
		{"an endless event", endless("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", "data: x\n"), "--jq .", 6, "longer than 16 MB"},
		{"slow drips", drip, "--max-time 2", 6, "the answer was not complete within 2s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := strings.Fields(strings.ReplaceAll(tc.args, "FILE", filepath.Join(t.TempDir(), "f")))
			_, stderr := callOutput{out: io.Discard}.run(t, tc.exit, raw(t, tc.say), append([]string{"/x"}, args...)...)
			if !strings.Contains(stderr, tc.want) || len(stderr) > 3<<20 || strings.ContainsAny(stderr, "\x1b\x00\u202e") {
				t.Errorf("said %.500q, want %q", stderr, tc.want)
			}
		})
	}
	t.Run("an endless body shown as JSON is cut", func(t *testing.T) {
		stdout, _ := callOutput{}.run(t, 0, raw(t, endless(ok+"\r\n", "x")), "/x", "--json")
		if !strings.Contains(stdout, `"truncated": true`) || len(stdout) > 11<<20 {
			t.Errorf("%d bytes", len(stdout))
		}
	})
	t.Run("a pipe that is closed ends an endless body", func(t *testing.T) {
		closed := writerFunc(func([]byte) (int, error) { return 0, errors.New("nobody reads") })
		_, stderr := callOutput{out: closed}.run(t, 1, raw(t, endless(ok+"\r\n", "x")), "/x")
		if !strings.Contains(stderr, "nobody reads") {
			t.Errorf("said %q", stderr)
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// What is made of a few bytes ends with the context, and with the time for everything:
// it may be without end.
func TestBombsEnd(t *testing.T) {
	var bomb bytes.Buffer
	outer := gzip.NewWriter(&bomb)
	inner := gzip.NewWriter(outer)
	line := bytes.Repeat([]byte("\n"), 1<<20)
	for range bombSize {
		_, _ = inner.Write(line)
	}
	_, _ = inner.Close(), outer.Close()
	base := serve(t, status(200, http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip, gzip"}}, bomb.String()))
	for _, args := range [][]string{{"/x"}, {"/x", "--jq", "."}, {"/x", "--json"}} {
		_, stderr := callOutput{terminal: true}.run(t, 6, base, append(args, "--max-time", "0.001")...)
		if !strings.Contains(stderr, "within 1ms") {
			t.Errorf("%q: said %q", args, stderr)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	out := writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
	text := serve(t, status(200, http.Header{"Content-Type": {"text/plain"}, "Content-Encoding": {"gzip, gzip"}}, bomb.String()))
	begun := time.Now()
	_, _ = callOutput{terminal: true, ctx: ctx, out: out}.run(t, 130, text, "/x")
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("ends after %s", took)
	}
}

// Whoever sends no token on purpose is told so, rather than to send one.
func TestMissingTokenOnPurpose(t *testing.T) {
	base := serve(t, status(401, http.Header{"Www-Authenticate": {"Bearer"}, "Apigw-Requestid": {"a"}}, `{"message":"Unauthorized"}`))
	if _, stderr := (callOutput{}).run(t, 3, base, "/x", "-H", "Authorization:"); !strings.HasSuffix(stderr, "\nhint: --no-token was given; without it, the token of your login is sent\n") {
		t.Errorf("said %q", stderr)
	}
}

// Where a redirect leads is said without the password in it, and not at any length.
func TestRedirectThatIsNotFollowed(t *testing.T) {
	for location, want := range map[string]string{
		"http://ada:hunter2@api.example.com/x":         "gatepass: 302 redirects to http://ada:xxxxx@api.example.com/x; -L follows\n",
		"/" + strings.Repeat("a", 5000):                "gatepass: 302 redirects to /" + strings.Repeat("a", 298) + "…; -L follows\n",
		"https://api.example.com/%zz?a=b%1b[2J\u202ec": `gatepass: 302 redirects to https://api.example.com/%zz?a=b%1b[2J\u202ec; -L follows` + "\n",
	} {
		if _, stderr := (callOutput{}).run(t, 0, serve(t, status(302, http.Header{"Location": {location}}, "")), "/x"); stderr != want {
			t.Errorf("said %q, want %q", stderr, want)
		}
	}
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// drip sends a byte now and then, for as long as somebody listens.
func drip(c net.Conn) {
	_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	for tick := time.NewTicker(10 * time.Millisecond); err == nil; <-tick.C {
		_, err = io.WriteString(c, "x")
	}
}

// Over TLS: the wrong name, and streams of HTTP/2 that the server ends.
func TestHostileTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/before" {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half of it")
			w.(http.Flusher).Flush()
		}
		panic(http.ErrAbortHandler) // resets the stream
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pemOf(s.Certificate()), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/before": "127.0.0.1", "/after": "127.0.0.1"} {
		_, stderr := callOutput{}.run(t, 6, s.URL, path, "--cacert", ca)
		if !strings.Contains(stderr, want) {
			t.Errorf("%s: said %q", path, stderr)
		}
	}
	named := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	if _, stderr := (callOutput{}).run(t, 6, named, "/x", "--cacert", ca); !strings.Contains(stderr, "is for another name") {
		t.Errorf("the wrong name: %q", stderr)
	}
	if _, stderr := (callOutput{}).run(t, 6, s.URL, "/x"); !strings.Contains(stderr, "not trusted") {
		t.Errorf("an unknown signer: %q", stderr)
	}
}
