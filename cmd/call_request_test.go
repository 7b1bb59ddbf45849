package cmd_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/cmd"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

// What curl's users and HTTPie's type, and what arrives.
func TestCallRequests(t *testing.T) {
	c := newCall(t, echo)
	c.write("f", "a\r\nb\n")
	c.write("j.json", "{\"x\": 1.0}\n")
	c.write("h", "X-From: file\nContent-Type: text/x\n")
	c.write("bin", "\x00\xff")
	t.Chdir(c.dir)
	const form, js = "application/x-www-form-urlencoded|*/*|", "application/json|application/json|"
	for _, tc := range []struct{ args, in, want string }{
		// Bodies as curl has them.
		{args: "/o|-d|a=1|-d|b=2", want: "POST /o " + form + "a=1&b=2"},
		{args: "/o|-d|@f", want: "POST /o " + form + "ab"},
		{args: "/o|--data-binary|@f", want: "POST /o " + form + "a\r\nb\n"},
		{args: "/o|--data-raw|@f", want: "POST /o " + form + "@f"},
		{args: "/o|-d|a|-d|@f|--data-raw|-", want: "POST /o " + form + "a&ab&-"},
		{args: "/o|-d|@-", in: "x\ny\n", want: "POST /o " + form + "xy"},
		{args: "/o|--data-binary|-", in: "x\ny\n", want: "POST /o " + form + "x\ny\n"},
		{args: "/o|-d|", want: "POST /o " + form},
		{args: "/o|--data-urlencode|n=ü &|--data-urlencode|=a=b|--data-urlencode|x y|--data-urlencode|f@f|--data-urlencode|@f", want: "POST /o " + form + "n=%C3%BC%20%26&a%3Db&x%20y&f=a%0D%0Ab%0A&a%0D%0Ab%0A"},
		{args: "/o|--json-data|@j.json", want: "POST /o " + js + "{\"x\": 1.0}\n"},
		{args: "/o|--json-data|{\"a\":|--json-data|1}", want: "POST /o " + js + `{"a":1}`},
		{args: "/o|-G|-d|a=1 2|--data-urlencode|b=ü", want: "GET /o?a=1%202&b=%C3%BC |*/*|"},
		{args: "/o?x=1|-G|-d|@f", want: "GET /o?x=1&ab |*/*|"},
		{args: "/o|-X|GET|-d|a", want: "GET /o " + form + "a"},
		{args: "/o|-X|patch", want: "PATCH /o |*/*|"},
		{args: "PUT|/o|-X|PUT|-d|a", want: "PUT /o " + form + "a"},
		{args: "/o|-H|@h|-d|a|-A|me", want: "POST /o text/x|*/*|a"},
		// Items as HTTPie and xh have them.
		{args: "/o|a=1|b:=[1, 2.0]|q==x y|X-A:b", want: "POST /o?q=x%20y " + js + `{"a":"1","b":[1,2.0]}`},
		{args: "PUT|/o|a[b][]=1|a[c]:=null", want: "PUT /o " + js + `{"a":{"b":["1"],"c":null}}`},
		{args: "/o|q==1", want: "GET /o?q=1 |*/*|"},
		{args: "/o|t=@f|j:=@j.json", want: "POST /o " + js + `{"t":"a\r\nb\n","j":{"x":1.0}}`},
		{args: "/o|q==@f", want: "GET /o?q=a%0D%0Ab |*/*|"},
		{args: "/o|Accept:|X;", want: "GET /o ||"},
		{args: "/o|Accept:text/html", want: "GET /o |text/html|"},
		{args: "/o|--form|a=1 2|b=&", want: "POST /o " + form + "a=1%202&b=%26"},
		{args: "/o|@j.json", want: "POST /o application/json|*/*|{\"x\": 1.0}\n"},
		{args: "/o|@bin|Content-Type:x/y", want: "POST /o x/y|*/*|\x00\xff"},
		{args: "/o|-", in: "{}", want: "POST /o " + js + "{}"},
		{args: "/o|t=@-", in: "x", want: "POST /o " + js + `{"t":"x"}`},
	} {
		t.Run(tc.args, func(t *testing.T) {
			c.in = tc.in
			got, _ := c.run(0, strings.Split(tc.args, "|")...)
			if got = strings.Replace(strings.Replace(got, "Bearer "+callToken+"|", "", 1), " /prod/", " /", 1); got != tc.want {
				t.Errorf("sent %q\nwant %q", got, tc.want)
			}
		})
	}
}

// Fields that echo does not show.
func TestCallHeaders(t *testing.T) {
	var got http.Header
	c := newCall(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() })
	c.write("v", "from a file\n")
	for _, tc := range []struct{ args, name, want string }{
		{"/x", "User-Agent", "gatepass/"},
		{"/x|-A|me", "User-Agent", "me"},
		{"/x|-A|", "User-Agent", ""},
		{"/x|-A|me|-H|user-agent: you", "User-Agent", "you"},
		{"/x|-b|a=1; b=2|-b|c=3", "Cookie", "a=1; b=2; c=3"},
		{"/x|-b|a=1|-H|Cookie: z=0", "Cookie", "z=0; a=1"},
		{"/x|X-A:@" + filepath.Join(c.dir, "v"), "X-A", "from a file"},
		{"/x|X-A:1|X-A:2", "X-A", "1,2"},
	} {
		c.run(0, strings.Split(tc.args, "|")...)
		if v := strings.Join(got.Values(tc.name), ","); v != tc.want && (tc.want != "gatepass/" || !strings.HasPrefix(v, tc.want)) {
			t.Errorf("%s: %s is %q, want %q", tc.args, tc.name, v, tc.want)
		}
	}
	c.run(0, "/x", "X-Empty;")
	if v, ok := got["X-Empty"]; !ok || v[0] != "" {
		t.Errorf("X-Empty is %q, %v", v, ok)
	}
}

// Mistakes are said before anything is sent, and without what may be secret.
func TestCallMistakes(t *testing.T) {
	c := newCall(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
	c.write("bin", "\xff")
	c.write("deep", strings.Repeat("x", 70<<10))
	t.Chdir(c.dir)
	for _, tc := range []struct{ args, in, want string }{
		{args: "/o|orders", want: "that is no item: there is no = or : in it\n  orders\n        ^\nhint: items are"},
		{args: "/o|a[b=1", want: "this [ is not closed\n  a[b=1\n   ^"},
		{args: "/o|a=1|a=2", want: "has a value already"},
		{args: "/o|n:={", want: "that is no JSON: unexpected end of JSON input\n  n:={\n      ^"},
		{args: "/o|n:=@bin", want: "bin is no JSON"},
		{args: "/o|n=@bin", want: "bin is no text in UTF-8\nhint: a file as it is goes into a form"},
		{args: "/o|f@bin", want: "f@bin is a file in a form, and the body is JSON\nhint: its text: f=@bin"},
		{args: "/o|--form", want: "--form without fields"},
		{args: "/o|--form|n:=1", want: "n:=1 is JSON, and a form has text"},
		{args: "/o|@bin|a=1", want: "@bin is a body of its own"},
		{args: "/o|a=1|@bin", want: "@bin is a body of its own"},
		{args: "/o|a=1|-d|b", want: "items and -d are two bodies"},
		{args: "/o|-d|a|--json-data|b", want: "two bodies"},
		{args: "/o|-I|-d|a", want: "-I asks with HEAD"},
		{args: "/o|-X|G T", want: `"G T" is no request method`},
		{args: "GET|/o|-X|PUT", want: "-X PUT and GET are two methods"},
		{args: "/o|-G|-d|@deep", want: "larger than the 65536 bytes"},
		{args: "/o|-d|-|--data-binary|@-", in: "x", want: "standard input cannot be both the body and the body"},
		{args: "/o|-u|ada:hunter2", want: "a user name and password are not sent"},
		{args: "/o|-F|a=hunter2", want: "-F is written as items here"},
		{args: "/o|-b|cookies.txt", want: "-b takes cookies"},
		{args: "/o|-k", want: "there is no way around a certificate\nhint: trust the server's: --cacert FILE"},
		{args: "/o|--retry|-1", want: "--retry is -1"},
		{args: "/o|--retry|9999", want: "want 0 to 100"},
		{args: "/o|--max-redirs|-1", want: "--max-redirs is -1"},
		{args: "/o|--print|wget", want: `--print is "wget", want curl`},
		{args: "/o|--print|curl|--dry-run", want: "both show the request"},
		{args: "/o|--no-token", want: "--token and --no-token at once"},
		{args: "/o|-H|X-A: b\r\nX-B: c", want: "a header is NAME: VALUE, on one line"},
		{args: "/o|X-A:b\r\nX-B: c", want: "line break"},
		{args: "/o|-A|a\r\nX-B: c", want: `the header "User-Agent" cannot be sent`},
		{args: "/o|-b|a=\r\nX-B: c", want: `the header "Cookie" cannot be sent`},
		{args: "/o|Content-Length:5", want: "Content-Length is set by"},
		{args: "/o|Transfer-Encoding:chunked", want: "Transfer-Encoding is set by"},
		{args: "orders|a=1", want: "want a path that starts with /"},
		{args: "G/T|/o", want: "is no request method"},
		{args: `{"a":1}|/o`, want: "hint: a body of JSON is --json-data"},
		{args: "/o|https://other.example/?a=hunter2", want: "a request has one path or URL"},
		{args: "a=1|/o", want: "hint: items come behind the path: gatepass call /o a=1"},
		{args: "api.example.com/o", want: "hint: perhaps https://api.example.com/o, or /api"},
		{args: ":3000/o", want: "hint: perhaps http://localhost:3000/o, or /:3000/o"},
		{args: "localhost:3000/o", want: "hint: perhaps http://localhost:3000/o, or /localhost"},
		{args: "-x|http://p:1|/o", want: "hint: the proxy is the one in the environment"},
		{args: "--follow|/o", want: "hint: -L follows redirects"},
		{args: "-T|f|/o", want: "hint: gatepass call PUT /path --data-binary @FILE"},
		{args: "--bearer|x|/o", want: "hint: the token of your login is sent"},
		{args: "--pretty|all|/o", want: "hint: on a terminal JSON is laid out"},
		{args: "-N|/o", want: "hint: what comes is shown as it comes"},
		{args: "--colour|/o", want: "hint: gatepass call --help lists the flags"},
		{args: "--qery|a=b|/o", want: "hint: did you mean --query?"},
		{args: "-r|0-5|/o", want: "hint: a part of a body: -H 'Range:"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			c.in = tc.in
			stdout, stderr := c.run(2, strings.Split(tc.args, "|")...)
			if stdout != "" || !strings.Contains(stderr, tc.want) || strings.Contains(stderr, "hunter2") {
				t.Errorf("said %q, want %q", stderr, tc.want)
			}
		})
	}
}

// A big body from a pipe is sent in pieces, and its size is not known before.
func TestCallStreamsItsInput(t *testing.T) {
	var length int64
	var n int64
	c := newCall(t, func(_ http.ResponseWriter, r *http.Request) {
		length = r.ContentLength
		n, _ = io.Copy(io.Discard, r.Body)
	})
	c.in = strings.Repeat("x", 3<<20)
	c.run(0, "/x", "--data-binary", "@-")
	if length != -1 || n != 3<<20 {
		t.Errorf("length %d, %d bytes", length, n)
	}
	c.write("big", c.in)
	c.run(0, "/x", "--data-binary", "@"+filepath.Join(c.dir, "big"))
	if length != 3<<20 || n != 3<<20 {
		t.Errorf("of a file: length %d, %d bytes", length, n)
	}
}

func TestCallHead(t *testing.T) {
	var method string
	c := newCall(t, func(w http.ResponseWriter, r *http.Request) {
		method = r.Method
		w.Header().Set("X-A", "b")
	})
	if stdout, _ := c.run(0, "-I", "/x"); method != "HEAD" || !strings.Contains(stdout, "X-A: b\n") {
		t.Errorf("%s, %q", method, stdout)
	}
}

func TestCallRetries(t *testing.T) {
	n := 0
	c := newCall(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		echo(w, r)
	})
	stdout, stderr := c.run(0, "/x", "--retry", "5", "--retry-delay", "0.001", "-d", "body")
	if !strings.HasSuffix(stdout, "|body") || strings.Count(stderr, "\n") != 2 ||
		!strings.Contains(stderr, "gatepass: the API answered 503 Service Unavailable; trying again at once (1 of 5)\n") {
		t.Errorf("%q, said %q", stdout, stderr)
	}
	n = 0
	if _, stderr := c.run(8, "/x", "--retry", "1", "--retry-delay", "0.001", "-sS"); strings.Contains(stderr, "again") {
		t.Errorf("-s said %q", stderr)
	}
	c.api.Close()
	if _, stderr := c.run(6, "/x", "--retry", "2", "--retry-delay", "0.001"); strings.Count(stderr, "trying again") != 2 {
		t.Errorf("said %q", stderr)
	}
}

// What --dry-run shows is the request without its secrets, and nothing is sent.
func TestCallDryRun(t *testing.T) {
	c := newCall(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
	stdout, _ := c.run(0, "/o", "a=1", "q==2", "--dry-run", "Cookie:session=hunter2", "X-Api-Key:hunter2", "X-B:c")
	want := "POST " + c.api.URL + "/prod/o?q=2\nAccept: application/json\nAuthorization: Bearer [redacted]\nContent-Length: 9\n" +
		"Content-Type: application/json\nCookie: [redacted]\nHost: " + strings.TrimPrefix(c.api.URL, "http://") + "\n"
	if !strings.HasPrefix(stdout, want) || !strings.HasSuffix(stdout, "\nX-Api-Key: [redacted]\nX-B: c\n\n{\"a\":\"1\"}\n") || strings.Contains(stdout, "hunter2") {
		t.Errorf("shown %s\nwant %s", stdout, want)
	}
	stdout, _ = c.run(0, "/o", "-d", strings.Repeat("ü", 5000), "--dry-run", "--json")
	var got struct {
		SchemaVersion int
		DryRun        bool
		Method, URL   string
		Headers       map[string][]string
		Token, Body   string
		BodySize      int
		BodyTruncated bool
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if got.SchemaVersion != 1 || !got.DryRun || got.Method != http.MethodPost || got.URL != c.api.URL+"/prod/o" || got.Token != "given" ||
		got.BodySize != 10000 || !got.BodyTruncated || strings.Trim(got.Body, "ü") != "" || got.Headers["Authorization"][0] != "Bearer [redacted]" {
		t.Errorf("%+v", got)
	}
	c.in = strings.Repeat("x", 2<<20)
	if stdout, _ := c.run(0, "/o", "-d", "-", "--dry-run"); !strings.Contains(stdout, "Transfer-Encoding: chunked\n") || !strings.Contains(stdout, "size is not known") {
		t.Errorf("a stream: %s", stdout)
	}
	// Without a login there is still something to show.
	d := newDesk(t)
	stdout, _ = d.run(0, "call", "/x", "--dry-run", "--api-url", c.api.URL)
	has(t, stdout, "GET "+c.api.URL+"/x\n", "Authorization: Bearer [redacted]\n")
	d.run(2, "call", "https://elsewhere.example/x", "--dry-run", "--api-url", c.api.URL)
}

// arrivals is a server that notes what arrives.
type arrivals struct {
	*httptest.Server
	mu  sync.Mutex
	all []string
}

func newArrivals(t *testing.T) *arrivals {
	t.Helper()
	a := &arrivals{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var parts string
		if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") { // whose boundary is never the same
			if err := r.ParseMultipartForm(1 << 20); err != nil {
				parts = err.Error()
			} else {
				parts = fmt.Sprint(r.MultipartForm.Value)
				for name, files := range r.MultipartForm.File {
					f, _ := files[0].Open()
					b, _ := io.ReadAll(f)
					f.Close()
					parts += fmt.Sprint(name, files[0].Filename, files[0].Header.Get("Content-Type"), string(b))
				}
			}
			r.Header.Set("Content-Type", "multipart/form-data")
			r.Header.Del("Content-Length")
		}
		body, _ := io.ReadAll(r.Body)
		for _, name := range []string{"User-Agent", "Expect", "Content-Length", "Accept-Encoding"} {
			r.Header.Del(name)
		}
		var lines []string
		for name, v := range r.Header {
			lines = append(lines, name+": "+strings.Join(v, "|"))
		}
		slices.Sort(lines)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.all = append(a.all, r.Method+" "+r.RequestURI+"\n"+strings.Join(lines, "\n")+"\n"+parts+string(body))
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *arrivals) last(t *testing.T) string {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.all) == 0 {
		t.Fatal("nothing arrived")
	}
	s := a.all[len(a.all)-1]
	a.all = nil
	return s
}

// The command of --print curl has no secret in it, and when a shell runs it, the
// same request arrives.
func TestCallPrintsCurl(t *testing.T) {
	for _, program := range []string{"curl", "bash"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	api := newArrivals(t)
	d := newDesk(t)
	d.env["GATEPASS_API_URL"] = api.URL + "/prod"
	d.env["GATEPASS_API_KEY"] = "k3y $(id) 'x\""
	d.run(0, "login")
	bearer, _ := d.run(0, "token")
	bin, dir := t.TempDir(), t.TempDir()
	stub := "#!/bin/sh\n[ \"$1 $2 $3\" = 'token --client-id it'\\''s' ] || [ \"$*\" = token ] || exit 9\nprintf '%s\\n' '" + strings.TrimSpace(bearer) + "'\n"
	for name, text := range map[string]string{bin + "/gatepass": stub, dir + "/it's a file.txt": "a\r\nb\n", dir + "/@x": "x", dir + "/j.json": "{\"x\":1}\n"} {
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, args := range [][]string{
		{"/x"},
		{"/x?a=b&c=[1]{2}$HOME", "q==it's `id`"},
		{"/a/../b/./c"},
		{"DELETE", "/x"},
		{"-I", "/x"},
		{"PURGE", "/x", "-d", "a=1"},
		{"/x", "-d", ""},
		{"/x", "-d", "@it's a file.txt", "-d", "b", "--data-binary", "@it's a file.txt", "--data-raw", "@x"},
		{"/x", "--data-urlencode", "n@it's a file.txt"},
		{"/x", "--json-data", "@j.json"},
		{"/x", "--json-data", `[{"a":"it's"},`, "--json-data", `"\u0000\\n"]`},
		{"/x", "a=it's \"$(id)\" `id` \\ !!\n\tnext", "b:=1"},
		{"/x", "--form", "a=1 & 2", "b=;type=x"},
		{"/x", "--form", "a=@j.json", "f@it's a file.txt"},
		{"/x", "--form", "a=<x;type=y", "f@@x"},
		{"/x", "@it's a file.txt"},
		{"/x", "-G", "-d", "a=1 2", "-d", "it's"},
		{"/x", "Accept:", "X-E;", "X-A:it's $HOME", "X-A:2"},
		{"/x", "-d", "a", "Content-Type:"},
		{"/x", "-d", "a", "Content-Type:text/plain", "Host:api.example"},
		{"/x", "--api-send", "header authorizationToken"},
		{"/x", "--api-send", "header X-`id`$x Sch$me"},
		{"/x", "--client-id", "it's", "--http1.1", "--max-time", "20s", "--retry", "1", "-L"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			printed, _ := d.run(0, append([]string{"call", "--print", "curl"}, args...)...)
			if strings.Contains(printed, "k3y") {
				t.Errorf("the key is in %s", printed)
			}
			c := exec.CommandContext(t.Context(), "bash", "-c", strings.Replace(printed, "curl ", "curl -sS ", 1))
			c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "GATEPASS_API_KEY="+d.env["GATEPASS_API_KEY"])
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s\n%s", err, printed, out)
			}
			theirs := api.last(t)
			if slices.Contains(args, "--client-id") { // nobody is logged in with that one
				has(t, theirs, "Authorization: Bearer "+strings.TrimSpace(bearer))
				return
			}
			d.run(0, append([]string{"call"}, args...)...)
			if ours := api.last(t); ours != theirs {
				t.Errorf("ours %s\ncurl's %s\nof %s", ours, theirs, printed)
			}
		})
	}
	// What is written by hand into a secret field is left to a variable.
	printed, errs := d.run(0, "call", "--print", "curl", "/x", "-H", "Authorization: Basic aHVudGVyMg==", "-H", "Cookie: s=hunter2")
	has(t, printed, `-H "Authorization: $AUTHORIZATION"`, `-H "Cookie: $COOKIE"`)
	has(t, errs, "put it into the variable COOKIE")
	if strings.Contains(printed, "hunter2") || strings.Contains(printed, "aHVudGVyMg") {
		t.Errorf("printed %s", printed)
	}
}

// curl's flags send what curl sends with them.
func TestCallSendsWhatCurlSends(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	api := newArrivals(t)
	c := newCall(t, echo)
	c.write("f", "a=1\r\nb\x00\n\n")
	c.write("h", "X-From: file\n\nX-Two: 2\r\n")
	t.Chdir(c.dir)
	for _, args := range [][]string{
		{"-d", "a=1"},
		{"-d", "a=1", "-d", "b=2 & 3"},
		{"-d", ""},
		{"-d", "", "-d", "a"},
		{"-d", "@f", "-d", "x"},
		{"--data-binary", "@f", "--data-raw", "@f"},
		{"--data-urlencode", "user@host=ü&", "--data-urlencode", "=a=b", "--data-urlencode", "n@f", "--data-urlencode", "@f"},
		{"-G", "-d", "a=1", "-d", "@f"},
		{"-G", "--data-urlencode", "q=ä/?"},
		{"-G", "-X", "POST", "-d", "a=1"},
		{"-X", "GET", "-d", "a=1"},
		{"-X", "DELETE"},
		{"-I"},
		{"-G", "-I", "-d", "a=1"},
		{"-H", "X-A: 1", "-H", "X-A: 2", "-H", "Accept:", "-H", "X-E;"},
		{"-H", "@h", "-b", "a=1; b=2", "-H", "Content-Type: x/y", "-d", "z"},
		{"--json-data", `{"a":`, "--json-data", "1}"},
		{"--json-data", "@f", "-H", "Accept: text/plain", "-X", "PATCH"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			theirs := slices.Clone(args)
			for i, a := range theirs {
				if a == "--json-data" {
					theirs[i] = "--json"
				}
			}
			if out, err := exec.CommandContext(t.Context(), "curl", append(theirs, "-sS", api.URL+"/x?y=1")...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			want := api.last(t)
			streams, _, errs := iostreams.Test("")
			app := &cmd.App{IO: streams, Getenv: func(string) string { return "" }, Now: time.Now, Dir: c.dir, Secrets: new(secret.Redactor)}
			if exit := cmd.Run(t.Context(), app, append([]string{"call", "--no-token", api.URL + "/x?y=1"}, args...)); exit != 0 {
				t.Fatalf("exit code %d: %s", exit, errs)
			}
			// Digits of either case are the same (RFC 3986 section 6.2.2.1).
			upper := func(s string) string {
				return regexp.MustCompile(`%[0-9a-f]{2}`).ReplaceAllStringFunc(s, strings.ToUpper)
			}
			if got := api.last(t); upper(got) != upper(want) {
				t.Errorf("sent %q\ncurl  %q", got, want)
			}
		})
	}
}

// A token that the API calls stale is renewed, and the request made once more.
func TestCallRenewsAStaleToken(t *testing.T) {
	d := newDesk(t)
	var good, challenge string
	var got []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, string(body))
		if r.Header.Get("Authorization") == good {
			return
		}
		if challenge != "" {
			w.Header().Set("WWW-Authenticate", challenge)
		}
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"message":"Unauthorized"}`)
	}))
	defer api.Close()
	d.env["GATEPASS_API_URL"] = api.URL
	d.run(0, "login")
	old, _ := d.run(0, "token", "--format", "header")
	refuse := func() { good, got = "nothing", nil }
	refuse()

	// A new token is not renewed: the next would be no better.
	_, errs := d.run(3, "call", "/x")
	if len(got) != 1 || strings.Contains(errs, "once more") {
		t.Errorf("%d requests, said %s", len(got), errs)
	}
	// Unless it has expired by the API's clock.
	refuse()
	challenge = `Bearer scope="" error="invalid_token" error_description="the token has expired"`
	_, errs = d.run(3, "call", "/x", "-d", "body")
	has(t, errs, "gatepass: the API answered 401: trying once more with a renewed token\n")
	if strings.Join(got, " ") != "body body" {
		t.Errorf("got %q", got)
	}
	if renewed, _ := d.run(0, "token", "--format", "header"); renewed == old {
		t.Error("the token was not renewed")
	}
	// What else is wrong with it is not mended so.
	d.change(func() { d.later = 10 * time.Minute })
	for _, other := range []string{
		`Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"`,
		`Bearer scope="x" error="insufficient_scope" error_description="expected scopes: [x]"`,
	} {
		refuse()
		challenge = other
		if d.run(3, "call", "/x"); len(got) != 1 {
			t.Errorf("%s: %d requests", other, len(got))
		}
	}
	// One that is some minutes old may have been revoked.
	refuse()
	challenge = ""
	if d.run(3, "call", "/x"); len(got) != 2 {
		t.Errorf("an older token: %d requests", len(got))
	}
	// A body that cannot be read twice is sent once.
	d.change(func() { d.later += 10 * time.Minute })
	refuse()
	d.in = strings.Repeat("x", 2<<20)
	if d.run(3, "call", "/x", "-d", "-"); len(got) != 1 {
		t.Errorf("a stream: %d requests", len(got))
	}
	d.in = ""
	// A token that is given is the user's business.
	refuse()
	token := filepath.Join(d.home, "given")
	if err := os.WriteFile(token, []byte(callToken), 0o600); err != nil {
		t.Fatal(err)
	}
	if d.run(3, "call", "/x", "--token", "@"+token); len(got) != 1 {
		t.Errorf("--token: %d requests", len(got))
	}
	// Without the issuer, the first answer stands.
	d.change(func() { d.down = true })
	refuse()
	stdout, errs := d.run(3, "call", "/x", "--error-body", "stdout")
	has(t, errs, "the token may be stale, and could not be renewed: ")
	if len(got) != 1 || stdout != `{"message":"Unauthorized"}` {
		t.Errorf("%d requests, %q", len(got), stdout)
	}
}

// An API that takes ID tokens gets a renewed one of these.
func TestCallRenewsAStaleIDToken(t *testing.T) {
	d := newDesk(t)
	var got []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got = append(got, r.Header.Get("Authorization")); len(got) == 1 {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer api.Close()
	d.env["GATEPASS_API_URL"] = api.URL
	d.run(0, "login")
	d.change(func() { d.later = 5 * time.Minute })
	d.run(0, "call", "/x", "--api-token", "id", "--max-time", "30")
	id, _ := d.run(0, "token", "--type", "id")
	if len(got) != 2 || got[0] == got[1] || got[1] != "Bearer "+strings.TrimSpace(id) {
		t.Errorf("%d requests", len(got))
	}
}

func TestCallConnections(t *testing.T) {
	tls := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/round" {
			http.Redirect(w, r, "/round", http.StatusFound)
			return
		}
		fmt.Fprint(w, r.Proto)
	}))
	tls.EnableHTTP2 = true
	tls.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of the test
	tls.StartTLS()
	defer tls.Close()
	d := newDesk(t)
	d.env["GATEPASS_API_URL"] = tls.URL
	call := func(exit int, want string, args ...string) string {
		t.Helper()
		stdout, errs := d.run(exit, append([]string{"call", "--no-token"}, args...)...)
		if stdout != want {
			t.Errorf("%q: answered %q, want %q\n%s", args, stdout, want, errs)
		}
		return errs
	}
	has(t, call(6, "", "/x"), "not trusted here", "--cacert FILE")
	roots := filepath.Join(d.home, "ca.pem")
	if err := os.WriteFile(roots, pemOf(tls.Certificate()), 0o600); err != nil {
		t.Fatal(err)
	}
	call(0, "HTTP/2.0", "/x", "--cacert", roots)
	call(0, "HTTP/1.1", "/x", "--cacert", roots, "--http1.1")
	has(t, call(6, "", "/round", "--cacert", roots, "-L", "--max-redirs", "3"), "more than 3 redirects")
	has(t, call(6, "", "/round", "--cacert", roots, "-L"), "more than 10 redirects")
	has(t, call(2, "", "/x", "--cacert", filepath.Join(d.home, "none.pem")), "there is no file")
	d.in = strings.Repeat("x", 2<<20)
	has(t, call(0, "HTTP/2.0", "/x", "--cacert", roots, "--retry", "2", "-d", "-"), "the body can be read only once, so that nothing is tried again")
}

// On a terminal, a command with characters in it that the terminal would act on is
// shown, and said to be no good.
func TestCallPrintsSafely(t *testing.T) {
	c := newCall(t, echo)
	stdout, _ := c.run(0, "/x", "-d", "a\x1b[2J", "--print", "curl")
	if !strings.Contains(stdout, "a\x1b[2J") {
		t.Errorf("in a pipe: %q", stdout)
	}
	c.terminal = true
	stdout, stderr := c.run(0, "/x", "-d", "a\x1b[2J", "--print", "curl")
	if strings.Contains(stdout, "\x1b") || !strings.Contains(stdout, `a\x1b[2J`) || !strings.Contains(stderr, "print it into a file") {
		t.Errorf("on a terminal: %q, said %q", stdout, stderr)
	}
}

// The token that another process has renewed meanwhile is taken as it is.
func TestCallTakesATokenRenewedElsewhere(t *testing.T) {
	d := newDesk(t)
	var good string
	n := 0
	api := httptest.NewServer(nil)
	defer api.Close()
	api.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 { // while the request is on its way
			d.change(func() { d.later += 59*time.Minute + 30*time.Second })
			good, _ = d.run(0, "token", "--format", "header")
		}
		if "Authorization: "+r.Header.Get("Authorization") != strings.TrimSpace(good) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	d.env["GATEPASS_API_URL"] = api.URL
	d.run(0, "login")
	d.change(func() { d.later = 5 * time.Minute })
	if _, errs := d.run(0, "call", "/x"); n != 2 {
		t.Errorf("%d requests, said %s", n, errs)
	}
	if after, _ := d.run(0, "token", "--format", "header"); after != good {
		t.Error("it was renewed once more")
	}
}

// The API key of the settings goes to the API of the settings.
func TestCallAPIKey(t *testing.T) {
	const key = "k3y-of-mine"
	var got, authorization string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, authorization = r.Header.Get("X-Api-Key"), r.Header.Get("Authorization")
		w.Header().Set("X-Echo", got)
	}))
	defer api.Close()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("X-Api-Key") }))
	defer other.Close()
	d := newDesk(t)
	d.run(0, "login")
	d.env["GATEPASS_API_URL"], d.env["GATEPASS_API_KEY"] = api.URL, key
	call := func(exit int, want string, args ...string) string {
		t.Helper()
		got = ""
		out, errs := d.run(exit, append([]string{"call"}, args...)...)
		if got != want {
			t.Errorf("%q: got the key %q, want %q\n%s", args, got, want, errs)
		}
		if strings.Contains(out+errs, key) {
			t.Errorf("%q: the key is in %s%s", args, out, errs)
		}
		return errs
	}
	has(t, call(0, key, "/x", "-v"), "> x-api-key: [redacted]", "X-Echo: [redacted]")
	call(0, "by-hand", "/x", "X-API-KEY:by-hand")
	call(0, "", "/x", "--no-token")
	call(0, "", "/x", "x-API-key:")
	if authorization == "" {
		t.Error("the token was left out as well")
	}
	call(0, key, "/x", "-H", "authorization:")
	if authorization != "" {
		t.Error("the token was to be left out")
	}
	call(0, "", other.URL+"/x", "--no-token")
	out, _ := d.run(0, "config")
	has(t, out, "api.key", "[redacted]", "environment GATEPASS_API_KEY")
	if strings.Contains(out, key) {
		t.Error(out)
	}
	// In the user's own file it is for the API that stands there, not for one that
	// a project names.
	delete(d.env, "GATEPASS_API_KEY")
	delete(d.env, "GATEPASS_API_URL")
	own := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(d.home, "gatepass.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(d.dir, "gatepass.yaml"), []byte("profiles: {default: {api: {url: '"+other.URL+"'}}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	own("profiles: {default: {api: {key: " + key + "}}}")
	token := filepath.Join(d.home, "given")
	if err := os.WriteFile(token, []byte(callToken), 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, call(2, "", "/x", "--token", "@"+token), "the API key is in your own settings", "names the API")
	call(0, key, "/x", "--token", "@"+token, "--api-url", other.URL)
	d.dir = ""
	own("profiles: {default: {api: {key: " + key + ", url: '" + api.URL + "'}}}")
	call(0, key, "/x")
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
