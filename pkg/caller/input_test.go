package caller_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
)

func wantKind(t *testing.T, err error, kind fault.Kind, msg string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || !strings.Contains(f.Msg, msg) {
		t.Errorf("error %v, want %s with %q", err, kind, msg)
	}
}

func TestResolve(t *testing.T) {
	const api = "https://abc.execute-api.eu-west-1.amazonaws.com/prod"
	for _, tc := range []struct {
		target, want string
		pairs        []string
	}{
		{target: "/", want: api + "/"},
		{target: "/orders", want: api + "/orders"},
		{target: "/orders/?x", want: api + "/orders/?x"},
		{target: "//orders//../a%2fb;c", want: api + "//orders//../a%2fb;c"},
		{target: "/a b#c", want: api + "/a%20b"},
		{target: "/ä", want: api + "/%C3%A4"},
		{target: "/o", pairs: []string{"a=b=c", "d="}, want: api + "/o?a=b%3Dc&d="},
		{target: "/o?x=1", pairs: []string{"ü=€"}, want: api + "/o?x=1&%C3%BC=%E2%82%AC"},
		{target: "HTTPS://Other.example", want: "https://Other.example"},
	} {
		got, err := caller.Resolve(api, tc.target, tc.pairs)
		if err != nil || got.String() != tc.want {
			t.Errorf("Resolve(%q, %q) = %v, %v, want %s", tc.target, tc.pairs, got, err, tc.want)
		}
	}
	if got, err := caller.Resolve(api+"/", "/x", nil); err != nil || got.String() != api+"/x" {
		t.Errorf("with a slash at the base's end: %v, %v", got, err)
	}
	for _, tc := range []struct{ base, target, pair, want string }{
		{api, "orders", "", "want a path that starts with /"},
		{api, "", "", "want a path"},
		{api, "ftp://x/y", "", "want a path"},
		{api, "/%zz", "", "cannot be understood"},
		{api, "/a\nb", "", "cannot be understood"},
		{api, "https://", "", "cannot be understood"},
		{api, "/", "novalue", "a query parameter is NAME=VALUE"},
		{api, "/", "=x", "a query parameter is NAME=VALUE"},
		{"", "/orders", "", "which API?"},
	} {
		var pairs []string
		if tc.pair != "" {
			pairs = []string{tc.pair}
		}
		_, err := caller.Resolve(tc.base, tc.target, pairs)
		wantKind(t, err, fault.Usage, tc.want)
	}
}

// FuzzResolve: a path never leads to another origin than the API's.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{"/", "/@evil.example", "//evil.example", "/..//", "/\\evil", "/:80", "/%40", "/?#@x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		for _, base := range []string{"https://api.test", "https://api.test/prod", "https://api.test:8443/prod/"} {
			u, err := caller.Resolve(base, path, nil)
			if err == nil && (u.User != nil || caller.OriginOf(u) != caller.OriginOf(mustParse(t, base))) {
				t.Errorf("Resolve(%q, %q) leads to %s", base, path, u)
			}
		}
	})
}

func TestParseHeader(t *testing.T) {
	h, host, err := caller.ParseHeader([]string{"X-A: 1", "x-a:2", "X-Empty;", "Accept:", "host: api.example", "authorizationToken:  a: b "})
	if err != nil {
		t.Fatal(err)
	}
	want := http.Header{"X-A": {"1"}, "x-a": {"2"}, "X-Empty": {""}, "Accept": nil, "authorizationToken": {"a: b"}}
	if d := cmp.Diff(want, h); d != "" || host != "api.example" {
		t.Errorf("host %q\n%s", host, d)
	}
	for _, line := range []string{"", "x", ": x", "a b: c", "a: b\r\nc: d", "ä: b", ";"} {
		_, _, err := caller.ParseHeader([]string{line})
		wantKind(t, err, fault.Usage, "a header is NAME: VALUE")
	}
	caller.Default(h, "X-a", "3")
	caller.Default(h, "accept", "*/*")
	caller.Default(h, "X-New", "4")
	if v, ok := caller.Find(h, "x-new"); !ok || v != "4" {
		t.Errorf("X-New is %q", v)
	}
	if _, ok := caller.Find(h, "Accept"); ok || len(h) != 6 {
		t.Errorf("header %v", h)
	}
}

func TestParseMethod(t *testing.T) {
	for word, want := range map[string]string{"get": "GET", "GET": "GET", "Patch": "PATCH", "PURGE": "PURGE", "purge": "purge", "/x": "", "a.b": "", "": "", "G T": ""} {
		if got, ok := caller.ParseMethod(word); got != want || ok != (want != "") {
			t.Errorf("ParseMethod(%q) = %q, %v", word, got, ok)
		}
	}
}

// open reads a body, as often as it says it can be read.
func open(t *testing.T, b caller.Body) string {
	t.Helper()
	var text string
	for i := range 2 {
		if b.Once && i == 1 {
			if _, err := b.Open(); err == nil {
				t.Error("a body that can be read once was read again")
			}
			break
		}
		r, err := b.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || i == 1 && string(got) != text {
			t.Errorf("read %d bytes, then %d, %v", len(text), len(got), err)
		}
		r.Close()
		text = string(got)
	}
	if b.Size >= 0 && b.Size != int64(len(text)) {
		t.Errorf("size %d of %d bytes", b.Size, len(text))
	}
	return text
}

func TestBodies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := caller.File(path)
	if err != nil || open(t, b) != "0123456789" || b.Once {
		t.Errorf("file: %+v, %v", b, err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(4, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if b, err := caller.Stream(f); err != nil || open(t, b) != "456789" || b.Once {
		t.Errorf("the rest of a file: %+v, %v", b, err)
	}
	if b, err := caller.Stream(iotest.OneByteReader(strings.NewReader("small"))); err != nil || open(t, b) != "small" || b.Once {
		t.Errorf("a small stream: %+v, %v", b, err)
	}
	large := strings.Repeat("large", 1<<18)
	if b, err := caller.Stream(strings.NewReader(large)); err != nil || open(t, b) != large || !b.Once || b.Size >= 0 {
		t.Errorf("a large stream: size %d, once %v, %v", b.Size, b.Once, err)
	}
	_, err = caller.Stream(iotest.ErrReader(errors.New("broken")))
	wantKind(t, err, fault.Failed, "the body cannot be read: broken")
	_, err = caller.File(path + "x")
	wantKind(t, err, fault.Usage, "cannot be read: no such file")
	_, err = caller.File(filepath.Dir(path))
	wantKind(t, err, fault.Usage, "is a folder")
}

func TestSaveReplacesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	read := func() string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if n, err := caller.Save(path, strings.NewReader("one")); err != nil || n != 3 || read() != "one" {
		t.Errorf("%d, %v", n, err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := caller.Save(path, strings.NewReader("two")); err != nil || read() != "two" {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	broken := fault.New(fault.Network, "broke off")
	_, err := caller.Save(path, io.MultiReader(strings.NewReader("three"), iotest.ErrReader(broken)))
	wantKind(t, err, fault.Network, "broke off")
	if read() != "two" {
		t.Errorf("an earlier file now holds %q", read())
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := caller.Save(link, strings.NewReader("four")); err != nil || read() != "four" {
		t.Errorf("through a link: %q, %v", read(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	if _, err := caller.Save(os.DevNull, strings.NewReader("five")); err != nil {
		t.Error(err)
	}
	_, err = caller.Save(filepath.Join(dir, "no", "such"), strings.NewReader("x"))
	wantKind(t, err, fault.Failed, "cannot be written: no such file")
	_, err = caller.Save(dir, strings.NewReader("x"))
	wantKind(t, err, fault.Failed, "cannot be written")
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("left behind: %v", files)
	}
}
