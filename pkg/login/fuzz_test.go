package login

import (
	"encoding/base64"
	"errors"
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
		var p pasteboard
		q, err := p.answer(text)
		if err != nil {
			return
		}
		a, err := fl.take(q)
		if err != nil {
			return
		}
		// The state is in base64 where the whole is.
		if !strings.Contains(bared(text), state) && !strings.Contains(text, "%") && !strings.Contains(unpacked(bared(text)), state) {
			t.Errorf("%q was taken", text)
		}
		if a.code == "" && a.err == nil {
			t.Errorf("%q gives neither a code nor an error", text)
		}
		if _, err := fl.take(q); err == nil {
			t.Errorf("%q was taken twice", text)
		}
	})
}

// People copy addresses in many ways.
func TestPasteboard(t *testing.T) {
	const state, address = "9gc2kPAbjq40faA2piFQF11p5Cm4kBRCZGu52ZvketA", "http://localhost:3000/oauth/callback"
	const good = address + "?code=abcdef&state=" + state
	packed := base64.StdEncoding.EncodeToString([]byte("code=abcdef&state=" + state))
	for name, lines := range map[string][]string{
		"the address":             {good},
		"in quotes":               {`"` + good + `"`},
		"in angle brackets":       {"<" + good + ">"},
		"in quotes of a text":     {"“" + good + "”"},
		"with unseen characters":  {"\ufeff\u00a0" + good + "\u200b"},
		"escaped for a shell":     {strings.NewReplacer("?", `\?`, "&", `\&`, "=", `\=`).Replace(good)},
		"escaped for HTML":        {strings.ReplaceAll(good, "&", "&amp;")},
		"encoded as a whole":      {url.QueryEscape(good)},
		"its query":               {"?code=abcdef&state=" + state},
		"without the mark":        {"code=abcdef&state=" + state + "#"},
		"base64":                  {packed},
		"base64 for URLs":         {strings.TrimRight(packed, "=")},
		"with blanks in it":       {address + "?code=abc def&sta te=" + state},
		"with marks of a paste":   {"\x1b[200~" + good + "\x1b[201~"},
		"in two lines":            {address + "?code=abc", "def&state=" + state},
		"in three lines":          {address + "?co", "de=abcdef&sta", "te=" + state},
		"the state first":         {address + "?state=" + state, "&code=abcdef"},
		"after something else":    {"what now?", good},
		"after half an address":   {address + "?code=xyz", good},
		"after half of it, twice": {address + "?code=abc", address + "?code=abc", "def&state=" + state},
	} {
		var p pasteboard
		var q url.Values
		for i, line := range lines {
			var err error
			if q, err = p.answer(line); (err == nil) != (i == len(lines)-1) {
				t.Errorf("%s: line %d: %v %v", name, i, q, err)
			}
		}
		if q.Get("code") != "abcdef" || q.Get("state") != state {
			t.Errorf("%s: %v", name, q)
		}
	}
	for text, want := range map[string]error{
		"what now?": strayText, "": strayText, "https://example.com/": strayText, "abcdef": strayText,
		"4c8bd1f0e7a24c5f9e3d": strayCode, address + "?state=" + state: strayHalf,
	} {
		var p pasteboard
		if _, err := p.answer(text); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	// An endless address is not kept.
	var p pasteboard
	for range 100 {
		_, _ = p.answer("state=" + strings.Repeat("x", 4000))
		if len(p.piece) > maxPasted {
			t.Fatalf("%d bytes are kept", len(p.piece))
		}
	}
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
