package urlpath_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/urlpath"
)

func TestClimbs(t *testing.T) {
	for _, tc := range []struct {
		path string
		want bool
	}{
		{"", false}, {"/", false}, {"//", false}, {"/a/b", false}, {"/a//b/", false},
		{"/a.b", false}, {"/.a", false}, {"/a.", false}, {"/...", false}, {"/..a", false}, {"/a..", false}, {"/a;..", false}, {"/;..", false},
		{"/100%25", false}, {"/%", false}, {"/%2", false}, {"/%zz..", false}, {"/%e4", false}, {"/a%2Fb", false}, {"/%25252525", false}, {"/.git", false},
		{"/.well-known/x", false}, {"/%20", false}, {"/%e2%80%a5", false},
		{"/.", true}, {"/..", true}, {"/./a", true}, {"/../a", true}, {"/a/..", true}, {"/a/../b", true}, {"..", true},
		{"/%2e", true}, {"/%2E%2e/a", true}, {"/.%2e/", true}, {"/a%2f..%2fb", true}, {"/a%2F%2e%2e", true},
		{"/..\\a", true}, {"/..%5ca", true}, {"/a\\..", true},
		{"/%252e%252e/", true}, {"/%25252e.", true}, {"/..%252f", true}, {"/%252525252e%2e", true},
		{"/..;", true}, {"/..;a=b/c", true}, {"/..%3ba/c", true}, {"/.;/", true}, {"/..;;x", true},
		{"/..%00/", true}, {"/..%20", true}, {"/.%09./", true},
	} {
		if got := urlpath.Climbs(tc.path); got != tc.want {
			t.Errorf("Climbs(%q) = %v", tc.path, got)
		}
	}
	long := strings.Repeat("%25", 1<<20) + strings.Repeat("%", 1<<20) + strings.Repeat(";.", 1<<20)
	if start := time.Now(); urlpath.Climbs(long) || time.Since(start) > 2*time.Second {
		t.Errorf("a long path took %v", time.Since(start))
	}
}

func TestPlain(t *testing.T) {
	for path, want := range map[string]string{
		"": "", "/a/b": "/a/b", "/%61dmin": "/admin", "/%41%7e%2D%5f": "/A~-_", "/a%2Fb": "/a%2Fb", "/a%2fb": "/a%2fb", "/%2561": "/%2561",
		"/%": "/%", "/%6": "/%6", "/%zz": "/%zz", "/caf%C3%A9": "/caf%C3%A9", "/a%20b": "/a%20b", "/%2e": "/.",
	} {
		if got := urlpath.Plain(path); got != want {
			t.Errorf("Plain(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestEncoded(t *testing.T) {
	for path, want := range map[string]string{
		"": "", "/a/b": "/a/b", "/a b": "/a%20b", "/café": "/caf%C3%A9", "/a%2Fb|c": "/a%2Fb%7Cc", "/a#b": "/a%23b", "/%": "/%", "/%61": "/%61",
		"/-._~!$&'()*+,;=:@[]": "/-._~!$&'()*+,;=:@[]", "/\\\x00\x7f\xff\"<>^`{}?": "/%5C%00%7F%FF%22%3C%3E%5E%60%7B%7D%3F",
	} {
		if got := urlpath.Encoded(path); got != want {
			t.Errorf("Encoded(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestWellEncoded(t *testing.T) {
	for path, want := range map[string]bool{
		"": true, "/a": true, "/%61": true, "/%2561": true, "/%C3%a9%20": true, "/%": false, "/%6": false, "/%zz": false, "/%%361": false, "/%+1": false, "/%20%": false,
	} {
		if got := urlpath.WellEncoded(path); got != want {
			t.Errorf("WellEncoded(%q) = %v", path, got)
		}
	}
}

// FuzzEncoded: what is sent is what a server of Go's reads, and says that it was sent.
func FuzzEncoded(f *testing.F) {
	for _, s := range []string{"/a", "/é b", "/a%2Fb|c", "/%zz", "/[x]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		sent := urlpath.Encoded(path)
		if !strings.HasPrefix(sent, "/") {
			return
		}
		u, err := url.ParseRequestURI(sent)
		if (err == nil) != urlpath.WellEncoded(path) {
			t.Fatalf("%q is sent as %q: %v", path, sent, err)
		}
		if err == nil && u.EscapedPath() != sent {
			t.Errorf("%q is sent as %q and read as %q", path, sent, u.EscapedPath())
		}
	})
}

// FuzzPlain: a path that was made plain means the same, and is as plain as it gets.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"/a", "/%61", "/%2561", "/%zz", "/%", "/é%41"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		plain := urlpath.Plain(path)
		if urlpath.Plain(plain) != plain && urlpath.WellEncoded(path) {
			t.Errorf("%q becomes %q, then %q", path, plain, urlpath.Plain(plain))
		}
		want, err := url.PathUnescape(path)
		if err != nil {
			return
		}
		if got, err := url.PathUnescape(plain); err != nil || got != want {
			t.Errorf("%q means %q, and %q means %q: %v", path, want, plain, got, err)
		}
	})
}

func ExampleClimbs() {
	fmt.Println(urlpath.Climbs("/a/%2e%2e/b"), urlpath.Climbs("/a/..b"))
	// Output: true false
}

func ExamplePlain() {
	fmt.Println(urlpath.Plain("/%61dmin/a%2Fb"))
	// Output: /admin/a%2Fb
}
