package relay_test

import (
	"net/http"
	"strings"
	"testing"

	"gatepass/pkg/relay"
	"gatepass/pkg/secret"
)

// Who may use the relay. Each attack is refused, and the API hears nothing of it.
func TestWhoMayUseIt(t *testing.T) {
	b := newBench(t, echoPath)
	const good, knows = "Host: 127.0.0.1:PORT\r\n", "GET /" + known
	for _, tc := range []struct {
		name, text string
		status     int
		says       string
	}{
		{"the address", knows + "/x HTTP/1.1\r\n" + good, 200, "GET /prod/x"},
		{"localhost", knows + "/x HTTP/1.1\r\nHost: LocalHost:PORT\r\n", 200, "GET /prod/x"},
		{"IPv6", knows + "/x HTTP/1.1\r\nHost: [::1]:PORT\r\n", 200, "GET /prod/x"},
		{"the header", "GET /x HTTP/1.1\r\n" + good + "x-gatepass-secret: " + known + "\r\n", 200, "GET /prod/x"},
		{"both", knows + "/x HTTP/1.1\r\n" + good + "X-Gatepass-Secret: " + known + "\r\n", 200, "GET /prod/x"},
		{"absolute form of its own", "GET http://127.0.0.1:PORT/" + known + "/x HTTP/1.1\r\n" + good, 200, "GET /prod/x"},
		{"HTTP/1.0", knows + "/x HTTP/1.0\r\n" + good, 200, "GET /prod/x"},
		{"its own page", knows + "/x HTTP/1.1\r\n" + good + "Origin: http://127.0.0.1:PORT\r\nSec-Fetch-Site: same-origin\r\n", 200, "GET /prod/x"},
		{"the address bar", knows + "/x HTTP/1.1\r\n" + good + "Sec-Fetch-Site: none\r\n", 200, "GET /prod/x"},
		{"a listed page", knows + "/x HTTP/1.1\r\n" + good + "Origin: " + page + "\r\nSec-Fetch-Site: cross-site\r\n", 200, "GET /prod/x"},

		{"rebinding", knows + "/x HTTP/1.1\r\nHost: evil.example:PORT\r\n", 403, "another host"},
		{"rebinding without a port", knows + "/x HTTP/1.1\r\nHost: evil.example\r\n", 403, "another host"},
		{"rebinding with a name of ours in it", knows + "/x HTTP/1.1\r\nHost: 127.0.0.1.evil.example:PORT\r\n", 403, "another host"},
		{"a name below localhost", knows + "/x HTTP/1.1\r\nHost: app.localhost:PORT\r\n", 403, "another host"},
		{"a dot behind the name", knows + "/x HTTP/1.1\r\nHost: localhost.:PORT\r\n", 403, "another host"},
		{"another port", knows + "/x HTTP/1.1\r\nHost: 127.0.0.1:1\r\n", 403, "another host"},
		{"no port", knows + "/x HTTP/1.1\r\nHost: 127.0.0.1\r\n", 403, "another host"},
		{"an unspecified address", knows + "/x HTTP/1.1\r\nHost: 0.0.0.0:PORT\r\n", 403, "another host"},
		{"another form of the address", knows + "/x HTTP/1.1\r\nHost: 2130706433:PORT\r\n", 403, "another host"},
		{"a user name before it", knows + "/x HTTP/1.1\r\nHost: a@127.0.0.1:PORT\r\n", 400, ""},
		{"no host, HTTP/1.0", knows + "/x HTTP/1.0\r\n", 403, "another host"},
		{"an empty host", knows + "/x HTTP/1.1\r\nHost:\r\n", 403, "another host"},
		{"as a proxy", "GET http://evil.example/" + known + "/x HTTP/1.1\r\n" + good, 403, "another host"},
		{"as a proxy with https", "GET https://127.0.0.1:PORT/" + known + "/x HTTP/1.1\r\n" + good, 403, "another host"},
		{"CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\n" + good, 405, "CONNECT is not let through"},
		{"CONNECT to itself", "CONNECT 127.0.0.1:PORT HTTP/1.1\r\n" + good, 405, "CONNECT is not let through"},
		{"TRACE", "TRACE /" + known + "/x HTTP/1.1\r\n" + good, 405, "TRACE is not let through"},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" + good, 403, "secret"},
		{"OPTIONS * that knows", "OPTIONS * HTTP/1.1\r\n" + good + "X-Gatepass-Secret: " + known + "\r\n", 400, "no path"},

		{"no secret", "GET /x HTTP/1.1\r\n" + good, 403, "secret"},
		{"no path", "GET / HTTP/1.1\r\n" + good, 403, "secret"},
		{"a wrong secret", "GET /" + known[1:] + "0/x HTTP/1.1\r\n" + good, 403, "secret"},
		{"a part of it", "GET /" + known[1:] + "/x HTTP/1.1\r\n" + good, 403, "secret"},
		{"more than it", knows + "0/x HTTP/1.1\r\n" + good, 403, "secret"},
		{"in capitals", "GET /" + strings.ToUpper(known) + "/x HTTP/1.1\r\n" + good, 403, "secret"},
		{"in the query", "GET /x?" + known + " HTTP/1.1\r\n" + good, 403, "secret"},
		{"as the second segment", "GET /a/" + known + "/x HTTP/1.1\r\n" + good, 403, "secret"},
		{"behind a slash", "GET //" + known + "/x HTTP/1.1\r\n" + good, 403, "secret"},
		{"a wrong header", "GET /x HTTP/1.1\r\n" + good + "X-Gatepass-Secret: x\r\n", 403, "secret"},
		{"an empty header", "GET /x HTTP/1.1\r\n" + good + "X-Gatepass-Secret:\r\n", 403, "secret"},
		{"two headers", "GET /x HTTP/1.1\r\n" + good + "X-Gatepass-Secret: x\r\nX-Gatepass-Secret: " + known + "\r\n", 403, "secret"},
		{"two headers, the other way round", "GET /x HTTP/1.1\r\n" + good + "X-Gatepass-Secret: " + known + "\r\nX-Gatepass-Secret: x\r\n", 403, "secret"},
		{"a cookie", "GET /x HTTP/1.1\r\n" + good + "Cookie: X-Gatepass-Secret=" + known + "\r\n", 403, "secret"},

		{"a page", knows + "/x HTTP/1.1\r\n" + good + "Origin: https://evil.example\r\n", 403, "pages of the origin"},
		{"a sandboxed page", knows + "/x HTTP/1.1\r\n" + good + "Origin: null\r\n", 403, "pages of the origin"},
		{"an empty origin", knows + "/x HTTP/1.1\r\n" + good + "Origin:\r\n", 403, "pages of the origin"},
		{"two origins", knows + "/x HTTP/1.1\r\n" + good + "Origin: " + page + "\r\nOrigin: https://evil.example\r\n", 400, "more than one Origin"},
		{"two origins in one", knows + "/x HTTP/1.1\r\n" + good + "Origin: " + page + " https://evil.example\r\n", 403, "pages of the origin"},
		{"a page of the other scheme", knows + "/x HTTP/1.1\r\n" + good + "Origin: https://localhost:5173\r\n", 403, "pages of the origin"},
		{"a page of another port", knows + "/x HTTP/1.1\r\n" + good + "Origin: http://localhost:51730\r\n", 403, "pages of the origin"},
		{"a page with the origin in its name", knows + "/x HTTP/1.1\r\n" + good + "Origin: http://localhost:5173.evil.example\r\n", 403, "pages of the origin"},
		{"a page of another name of ours", knows + "/x HTTP/1.1\r\n" + good + "Origin: http://localhost:PORT\r\n", 403, "pages of the origin"},
		{"an image on a page", knows + "/x HTTP/1.1\r\n" + good + "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", 403, "another site"},
		{"a link on a page", knows + "/x HTTP/1.1\r\n" + good + "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", 403, "another site"},
		{"another program's page here", knows + "/x HTTP/1.1\r\n" + good + "Sec-Fetch-Site: same-site\r\n", 403, "another site"},
		{"an unknown site", knows + "/x HTTP/1.1\r\n" + good + "Sec-Fetch-Site: friend\r\n", 403, "another site"},
		{"two sites", knows + "/x HTTP/1.1\r\n" + good + "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n", 403, "another site"},

		{"up", knows + "/../x HTTP/1.1\r\n" + good, 400, "lead out"},
		{"up, encoded", knows + "/%2e%2E/x HTTP/1.1\r\n" + good, 400, "lead out"},
		{"up, the slash encoded", knows + "/a/..%2f..%2fdev HTTP/1.1\r\n" + good, 400, "lead out"},
		{"up, twice encoded", knows + "/%252e%252e/dev HTTP/1.1\r\n" + good, 400, "lead out"},
		{"up, by parameters", knows + "/..;a=b/dev HTTP/1.1\r\n" + good, 400, "lead out"},
		{"up, by backslashes", knows + "/..\\dev HTTP/1.1\r\n" + good, 400, "lead out"},
		{"up from the secret", knows + "/.. HTTP/1.1\r\n" + good, 400, "lead out"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := len(b.asked())
			resp, body := b.raw(strings.ReplaceAll(tc.text+"Connection: close\r\n\r\n", "PORT", b.port))
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.says) {
				t.Errorf("%d %s, want %d with %q", resp.StatusCode, body, tc.status, tc.says)
			}
			if got := len(b.asked()) - before; got != 0 && tc.status != 200 || got != 1 && tc.status == 200 {
				t.Errorf("the API was asked %d times", got)
			}
			if strings.Contains(body, known) || strings.Contains(body, bearer) {
				t.Errorf("a secret is in %s", body)
			}
			if own := resp.Header.Get("Proxy-Status"); tc.says != "" && (own == "") != (tc.status == 200) {
				t.Errorf("Proxy-Status %q of a %d", own, tc.status)
			}
		})
	}
}

// A refusal can be read by the page only where the page may use the relay.
func TestRefusalsForPages(t *testing.T) {
	b := newBench(t, echoPath)
	for _, tc := range []struct {
		origin, shared string
	}{{page, page}, {"https://evil.example", ""}} {
		resp, _ := b.ask("GET", strings.Replace(b.base, known, "wrong", 1)+"/x", "Origin: "+tc.origin)
		if got := resp.Header.Get("Access-Control-Allow-Origin"); resp.StatusCode != http.StatusForbidden || got != tc.shared {
			t.Errorf("%s: %d, shared with %q", tc.origin, resp.StatusCode, got)
		}
	}
}

func TestNoSecret(t *testing.T) {
	b := newBench(t, echoPath, func(o *relay.Options) { o.Secret = secret.String{} })
	for _, tc := range []struct {
		path, header string
		status       int
	}{
		{"/x", "Accept: */*", 200},
		{"/", "Accept: */*", 200},
		{"/x", "Origin: https://evil.example", 403},
		{"/x", "Sec-Fetch-Site: cross-site", 403},
		{"/%2e%2e/x", "Accept: */*", 400},
	} {
		if resp, body := b.ask("GET", b.base+tc.path, tc.header); resp.StatusCode != tc.status {
			t.Errorf("%s %s: %d %s, want %d", tc.path, tc.header, resp.StatusCode, body, tc.status)
		}
	}
}

func TestPreflight(t *testing.T) {
	b := newBench(t, echoPath)
	ask := []string{"Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type, x-gatepass-secret", "Access-Control-Request-Private-Network: true"}
	// The secret may be in a header, which a preflight does not have.
	for _, path := range []string{"/" + known + "/x", "/x"} {
		resp, _ := b.ask("OPTIONS", "http://127.0.0.1:"+b.port+path, append(ask, "Origin: "+page)...)
		h := resp.Header
		if resp.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != page || h.Get("Access-Control-Allow-Methods") != "PUT" ||
			h.Get("Access-Control-Allow-Headers") != "content-type, x-gatepass-secret" || h.Get("Access-Control-Allow-Private-Network") != "true" ||
			h.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") {
			t.Errorf("%s: %d %v", path, resp.StatusCode, h)
		}
	}
	resp, _ := b.ask("OPTIONS", b.base+"/x", append(ask, "Origin: https://evil.example")...)
	if resp.StatusCode != http.StatusForbidden || resp.Header.Get("Access-Control-Allow-Origin") != "" || resp.Header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	resp, _ = b.ask("OPTIONS", b.base+"/x", "Origin: "+page, "Access-Control-Request-Method: a b", "Access-Control-Request-Headers: a\tb: c")
	if resp.Header.Get("Access-Control-Allow-Methods")+resp.Header.Get("Access-Control-Allow-Headers") != "" {
		t.Errorf("what is no method and no header is allowed: %v", resp.Header)
	}
	if len(b.asked()) != 0 {
		t.Error("a preflight reached the API")
	}
	// OPTIONS that is none goes to the API.
	if resp, body := b.ask("OPTIONS", b.base+"/x"); resp.StatusCode != http.StatusOK || body != "OPTIONS /prod/x" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// What pages read is the relay's to say, whatever the API says of it.
func TestSharedWithPages(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("X-Total", "7")
		h.Set("Vary", "Accept")
	})
	for _, tc := range []struct{ origin, shared string }{{page, page}, {"", ""}, {"http://127.0.0.1:PORT", ""}} {
		var headers []string
		if tc.origin != "" {
			headers = []string{"Origin: " + strings.Replace(tc.origin, "PORT", b.port, 1)}
		}
		resp, _ := b.ask("GET", b.base+"/x", headers...)
		h := resp.Header
		if h.Get("Access-Control-Allow-Origin") != tc.shared || len(h.Values("Access-Control-Allow-Origin")) > 1 || h.Get("Access-Control-Allow-Credentials") != "" ||
			strings.Join(h.Values("Vary"), ", ") != "Accept, Origin" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%q: %v", tc.origin, h)
		}
		if got := h.Get("Access-Control-Expose-Headers"); strings.Contains(got, "X-Total") != (tc.shared != "") {
			t.Errorf("%q: exposed %q", tc.origin, got)
		}
	}
}

func TestParseOrigin(t *testing.T) {
	for _, tc := range []struct {
		in, want string
		local    bool
	}{
		{"http://localhost:5173", page, true},
		{"HTTP://LocalHost:5173/", page, true},
		{"http://[::1]:3000", "http://[::1]:3000", true},
		{"https://app.example.com", "https://app.example.com", false},
		{"https://app.example.com:443", "https://app.example.com", false},
		{"http://127.0.0.1:80", "http://127.0.0.1", true},
		{"*", "", false},
		{"null", "", false},
		{"", "", false},
		{"localhost:5173", "", false},
		{"file:///x", "", false},
		{"http://", "", false},
		{"http://a.example/path", "", false},
		{"http://a.example?x", "", false},
		{"http://u@a.example", "", false},
		{"https://*.example.com", "", false},
		{"http://a.example,http://b.example", "", false},
		{"http://ä.example", "", false},
		{"http://a.example\r\nX: y", "", false},
	} {
		got, local, err := relay.ParseOrigin(tc.in)
		if got != tc.want || local != tc.local || (err == nil) != (tc.want != "") {
			t.Errorf("ParseOrigin(%q) = %q, %v, %v", tc.in, got, local, err)
		}
	}
}
