package relay

import (
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"testing"

	"gatepass/pkg/urlpath"
)

// FuzzPath: however a path is written, it stays below the base for whoever decodes it,
// and decodes it again, and takes backslashes for slashes; and it is sent as it came.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/a", "/../x", "/a%2f..%2fb", "/%252e%252e/x", "/..;/x", "/%5c..%5c", "/a//b", "/%zz", "/é", "/a b", "/%00", "//evil.example/x", "/[x]", "/a:b@c", "/x%", "/.."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in, err := url.ParseRequestURI("/" + strings.TrimPrefix(text, "/"))
		if err != nil {
			t.Skip("the server takes no such request")
		}
		rest := in.EscapedPath()
		if urlpath.Climbs(rest) {
			return
		}
		u := &url.URL{Scheme: "https", Host: "api.example"}
		urlpath.Set(u, "/prod"+rest)
		if sent := u.RequestURI(); sent != "/prod"+rest {
			t.Fatalf("%q is sent as %q", rest, sent)
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Host != "api.example" || again.EscapedPath() != "/prod"+rest {
			t.Fatalf("%q is another address: %v, %v", u, again, err)
		}
		for p := u.Path; ; {
			if clean := path.Clean(strings.ReplaceAll(p, `\`, "/")); clean != "/prod" && !strings.HasPrefix(clean, "/prod/") {
				t.Fatalf("%q leads to %q", rest, clean)
			}
			next, err := url.PathUnescape(p)
			if err != nil || next == p {
				return
			}
			p = next
		}
	})
}

func TestLocation(t *testing.T) {
	newRelay := func(api, known string) (*Relay, *exchange) {
		u, err := url.Parse(api)
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(Options{API: u, Header: "Authorization", Address: netip.MustParseAddrPort("127.0.0.1:8181")})
		if err != nil {
			t.Fatal(err)
		}
		return p, &exchange{host: "localhost:8181", prefix: known}
	}
	asked, _ := url.Parse("https://api.example/prod/a/b?c=d")
	for _, tc := range []struct{ api, prefix, in, want string }{
		{"https://api.example/prod", "/s", "/prod/x?y=%20z#f", "http://localhost:8181/s/x?y=%20z#f"},
		{"https://api.example/prod", "/s", "https://API.example:443/prod/x%2Fy", "http://localhost:8181/s/x%2Fy"},
		{"https://api.example/prod", "/s", "x", "http://localhost:8181/s/a/x"},
		{"https://api.example/prod", "/s", "../x/", "http://localhost:8181/s/x/"},
		{"https://api.example/prod", "/s", "?e", "http://localhost:8181/s/a/b?e"},
		{"https://api.example/prod", "/s", "/prod", "http://localhost:8181/s"},
		{"https://api.example/prod", "", "/prod//evil.example", "http://localhost:8181//evil.example"},
		{"https://api.example/", "", "//evil.example/x", "https://evil.example/x"},
		{"https://api.example/", "", "https://api.example//evil.example/x", "http://localhost:8181//evil.example/x"},
		{"https://api.example/prod", "/s", "/dev/x", "https://api.example/dev/x"},
		{"https://api.example/prod", "/s", "/produce", "https://api.example/produce"},
		{"https://api.example/prod", "/s", "../../dev", "https://api.example/dev"},
		{"https://api.example/prod", "/s", "/prod/%2e%2e/dev", "https://api.example/prod/%2e%2e/dev"},
		{"https://api.example/prod", "/s", "http://api.example/prod/x", "http://api.example/prod/x"},
		{"https://api.example/prod", "/s", "https://api.example:8443/prod/x", "https://api.example:8443/prod/x"},
		{"https://api.example/prod", "/s", "https://u:p@api.example/prod/x", "https://u:p@api.example/prod/x"},
		{"https://api.example/prod", "/s", "https://other.example/prod", "https://other.example/prod"},
		{"https://api.example/prod", "/s", "mailto:a@b.example", "mailto:a@b.example"},
		{"https://api.example/prod", "/s", "http://a b/", ""},
	} {
		p, x := newRelay(tc.api, tc.prefix)
		if got := p.location(x, asked, tc.in); got != tc.want {
			t.Errorf("%s, %q: %q, want %q", tc.api, tc.in, got, tc.want)
		}
	}
}

// FuzzLocation: what a redirect is rewritten to is the relay's address or another one
// that has nothing of the secret in it.
func FuzzLocation(f *testing.F) {
	api, _ := url.Parse("https://api.example/prod")
	p, err := New(Options{API: api, Header: "Authorization", Address: netip.MustParseAddrPort("127.0.0.1:8181")})
	if err != nil {
		f.Fatal(err)
	}
	const prefix = "/0123456789abcdefghijkl"
	for _, s := range []string{"/prod/x", "//evil.example", "x", "../..", "/prod//evil.example", "https:/prod/x", "/prod/..//x", "\\\\evil", "http:x", "/prod@x", "javascript:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, given string) {
		asked, _ := url.Parse("https://api.example/prod/a")
		got := p.location(&exchange{host: "127.0.0.1:8181", prefix: prefix}, asked, given)
		u, err := url.Parse(got)
		if err != nil {
			t.Fatalf("%q became %q: %v", given, got, err)
		}
		if ours := u.Host == "127.0.0.1:8181" && strings.HasPrefix(got, "http://127.0.0.1:8181"+prefix); !ours && strings.Contains(got, prefix[1:]) && !strings.Contains(given, prefix[1:]) {
			t.Errorf("%q became %q", given, got)
		}
	})
}

func TestCookiesBecomeTheRelays(t *testing.T) {
	api, _ := url.Parse("https://api.example/prod")
	p, err := New(Options{API: api, Header: "Authorization", Address: netip.MustParseAddrPort("127.0.0.1:8181"), Cookies: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ in, want string }{
		{"a=b", "a=b"},
		{"a=b; Domain=api.example; Secure; HttpOnly", "a=b; Secure; HttpOnly"},
		{"a=b; domain=.example;PATH=/prod; Max-Age=5", "a=b; Path=/s/; Max-Age=5"},
		{"a=b; Path=/prod/x", "a=b; Path=/s/x"},
		{"a=b; Path=/other", "a=b; Path=/other"},
		{"__Host-a=b; Path=/; Secure", "__Host-a=b; Path=/; Secure"},
		{"", ""}, {";", ";"}, {"a=Path=/prod", "a=Path=/prod"},
	} {
		if got := p.cookie(tc.in, &exchange{prefix: "/s"}); got != tc.want {
			t.Errorf("cookie(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestRepeatable(t *testing.T) {
	for _, m := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST", "PATCH", "QUERY"} {
		bare, _ := http.NewRequest(m, "http://a.example", nil)
		body, _ := http.NewRequest(m, "http://a.example", strings.NewReader("x"))
		if want := m != "POST" && m != "PATCH" && m != "QUERY"; repeatable(bare) != want || repeatable(body) {
			t.Errorf("%s: %v without a body, %v with one", m, repeatable(bare), repeatable(body))
		}
	}
}
