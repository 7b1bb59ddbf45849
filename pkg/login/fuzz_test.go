package login

import (
	"net"
	"net/url"
	"strings"
	"testing"

	"gatepass/pkg/loopback"
)

// Whatever is pasted, only the right state is taken, and only once.
func FuzzPaste(f *testing.F) {
	const state = "9gc2kPAbjq40faA2piFQF11p5Cm4kBRCZGu52ZvketA"
	for _, s := range []string{
		"http://localhost:3000/oauth/callback?code=x&state=" + state,
		"?code=x&state=" + state, "code=x&state=" + state + "#top", "'<state=" + state + ">'",
		"state=" + state + "&state=" + state, "state=&code=x", "error=access_denied&state=" + state,
		"%zz", "a;b", "", "?", "state", "iss=x&code=y&state=" + state, strings.Repeat("?state=x", 100),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fl := &flow{cfg: Config{Issuer: "https://acme.onelogin.com/oidc/2"}, provider: &provider{}, state: state}
		a, err := fl.paste(text)
		if err != nil {
			return
		}
		if !strings.Contains(text, state) && !strings.Contains(text, "%") {
			t.Errorf("%q was taken", text)
		}
		if (a.code == "") == (a.err == nil) {
			t.Errorf("%q gives code %q and error %v", text, a.code, a.err)
		}
		if a.done == nil {
			t.Error("nobody would be told the outcome")
		}
		if _, err := fl.paste(text); err == nil {
			t.Errorf("%q was taken twice", text)
		}
	})
}

// A redirect URI that is taken is on this machine, and is sent as it was written.
func FuzzRedirectURI(f *testing.F) {
	for _, s := range []string{
		"http://localhost:3000/oauth/callback", "http://127.0.0.1:8127/callback", "http://[::1]:1/", "https://localhost/cb",
		"http://localhost@evil.example/", "http://localhost.evil.example/", "http://127.0.0.1.evil.example/", "http://[::ffff:127.0.0.1]:1/",
		"http://0/", "http://0.0.0.0/", "http://localhost:99999/", "http://localhost:/", "http://localhost/%2e%2e/x", "HTTP://LOCALHOST/", "//localhost/", "http://[::1%25lo]:1/",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		x, err := parseTarget(raw)
		if err != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil || !loopback.Is(u.Hostname()) || u.User != nil || u.Fragment != "" || u.RawQuery != "" {
			t.Errorf("%q was taken", raw)
		}
		if x.raw != raw || x.port < 0 || x.port > 65535 {
			t.Errorf("%q became %+v", raw, x)
		}
		if !sameHost(x.uri, x.uri.Host) || sameHost(x.uri, "evil.example") || sameHost(x.uri, x.uri.Host+".evil.example") {
			t.Errorf("%q: hosts are compared wrong", raw)
		}
	})
}

// An address to listen on is an address, whatever else is written.
func FuzzListenAddress(f *testing.F) {
	for _, s := range []string{"", "0.0.0.0", "::", "[::]", ":3000", "127.0.0.1:3000", "[::1]:0", "localhost:1", "fe80::1%eth0", ":", ":-1", ":65536", "1:2:3", "[]:1", "0x7f.1:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAddress(s)
		if err != nil {
			return
		}
		if a.host != "" && net.ParseIP(strings.Split(a.host, "%")[0]) == nil || a.port > 65535 || a.host == "" && a.port < 0 && s != "" {
			t.Errorf("%q became %+v", s, a)
		}
	})
}
