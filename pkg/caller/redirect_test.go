package caller_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatepass/pkg/caller"
	"gatepass/pkg/secret"
)

const bearer = "tok-3f9c2a7e5b1d"

// seen is a request as a server got it.
type seen struct {
	method, host, token, key, accept, body, contentType string
}

// site is a server that redirects as its path says, /STATUS/REST to REST after
// looking the word of its first segment up in targets, and notes what it gets.
type site struct {
	*httptest.Server
	mu   sync.Mutex
	seen []seen
}

func newSite(t *testing.T, h http.HandlerFunc, encrypted bool) *site {
	t.Helper()
	s := &site{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, seen{r.Method, r.Host, r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), r.Header.Get("Accept"), string(b), r.Header.Get("Content-Type")})
		s.mu.Unlock()
		h(w, r)
	})
	s.Server = httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of the tests
	if encrypted {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *site) last(t *testing.T) seen {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) == 0 {
		t.Fatal("the request did not arrive")
	}
	return s.seen[len(s.seen)-1]
}

func arrive(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "arrived") }

func to(status int, location func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/start" {
			arrive(w, r)
			return
		}
		w.Header().Set("Location", location())
		w.WriteHeader(status)
	}
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func post(t *testing.T, target string) *caller.Request {
	t.Helper()
	u := mustParse(t, target)
	return &caller.Request{
		Method: "POST", URL: u, Origin: caller.OriginOf(u),
		Header: http.Header{"x-api-key": {"k"}, "Accept": {"application/json"}, "Content-Type": {"text/plain"}},
		Body:   caller.Body{Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("body")), nil }, Size: 4},
		Token:  secret.New(bearer), TokenHeader: "Authorization", TokenScheme: "Bearer",
	}
}

func do(t *testing.T, o caller.Options, r *caller.Request) (*caller.Response, string, error) {
	t.Helper()
	c, err := caller.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	resp, err := c.Do(context.Background(), r)
	if err != nil {
		if strings.Contains(err.Error(), bearer) {
			t.Errorf("the error holds the token: %v", err)
		}
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// The redirect matrix: the token and the API key stay with the origin; method
// and body change as RFC 9110 section 15.4 has it.
func TestRedirects(t *testing.T) {
	other := newSite(t, arrive, false)
	plain := newSite(t, arrive, false)
	for _, status := range []int{301, 302, 303, 307, 308} {
		var location string
		api := newSite(t, to(status, func() string { return location }), false)
		tls := newSite(t, to(status, func() string { return location }), true)
		roots := pemOf(tls.Certificate())
		_, port, err := net.SplitHostPort(api.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			name, location string
			from, to       *site
			token          bool
		}{
			{"same origin", api.URL + "/end", api, api, true},
			{"same origin, relative", "end?a=b", api, api, true},
			{"same origin, upper case", strings.Replace(api.URL, "http", "HTTP", 1) + "/end", api, api, true},
			{"other port", other.URL + "/end", api, other, false},
			{"other name of the host", "http://localhost:" + port + "/end", api, api, false},
			{"with a user name", strings.Replace(api.URL, "://", "://user:pass@", 1) + "/end", api, api, true},
			{"without scheme", strings.TrimPrefix(other.URL, "http:") + "/end", api, other, false},
			{"encrypted, same origin", tls.URL + "/end", tls, tls, true},
			{"downgrade", plain.URL + "/end", tls, plain, false},
			{"upgrade", tls.URL + "/end", api, tls, false},
		} {
			t.Run(fmt.Sprint(status, " ", tc.name), func(t *testing.T) {
				location = tc.location
				resp, text, err := do(t, caller.Options{Redirects: 5, Roots: roots}, post(t, tc.from.URL+"/start"))
				if err != nil {
					t.Fatal(err)
				}
				if text != "arrived" || len(resp.Hops) != 1 || resp.Hops[0].WithToken != tc.token || resp.Hops[0].Status != status {
					t.Errorf("body %q, hops %+v", text, resp.Hops)
				}
				want := seen{method: "POST", accept: "application/json", body: "body", contentType: "text/plain"}
				if status < 307 {
					want.method, want.body, want.contentType = "GET", "", ""
				}
				if tc.token {
					want.token, want.key = "Bearer "+bearer, "k"
				}
				got := tc.to.last(t)
				got.host = ""
				if got != want {
					t.Errorf("arrived %+v, want %+v", got, want)
				}
			})
		}
	}
}

// What a user writes by hand into fields that say who they are stays with the
// origin as the token does, and so does whatever is not known to be harmless.
func TestFieldsByHand(t *testing.T) {
	secrets := []string{"Authorization", "Cookie", "X-Api-Key", "X-Session", "Proxy-Authorization", "authorizationToken"}
	var got http.Header
	note := func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		arrive(w, r)
	}
	var location string
	start := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/start" {
				note(w, r)
				return
			}
			w.Header().Set("Location", location)
			w.WriteHeader(status)
		}
	}
	other := newSite(t, note, false)
	for _, status := range []int{301, 302, 303, 307, 308} {
		api, tls := newSite(t, start(status), false), newSite(t, start(status), true)
		for _, tc := range []struct {
			name, location string
			from           *site
			kept           bool
		}{
			{"same origin", "/end", api, true},
			{"other port", other.URL, api, false},
			{"other host", strings.Replace(api.URL, "127.0.0.1", "localhost", 1) + "/end", api, false},
			{"downgrade", other.URL, tls, false},
			{"upgrade", tls.URL + "/end", api, false},
		} {
			location = tc.location
			r := post(t, tc.from.URL+"/start")
			r.Token, r.Header = secret.String{}, http.Header{"Accept": {"text/plain"}}
			for _, name := range secrets {
				r.Header[name] = []string{"hunter2"}
			}
			resp, _, err := do(t, caller.Options{Redirects: 5, Roots: pemOf(tls.Certificate())}, r)
			if err != nil {
				t.Fatal(err)
			}
			if left := resp.Hops[0].Left; tc.kept && left != nil || !tc.kept && (len(left) != len(secrets) || !slices.IsSorted(left)) {
				t.Errorf("%d, %s: %q stayed behind", status, tc.name, left)
			}
			for _, name := range secrets {
				if kept := got.Get(name) == "hunter2"; kept != tc.kept {
					t.Errorf("%d, %s: %s arrived: %v, want %v", status, tc.name, name, kept, tc.kept)
				}
			}
			if got.Get("Accept") != "text/plain" {
				t.Errorf("%d, %s: Accept is %q", status, tc.name, got.Get("Accept"))
			}
		}
	}
}

// Methods and bodies after a redirect, as RFC 9110 section 15.4 has them.
func TestRedirectedMethods(t *testing.T) {
	for _, tc := range []struct {
		method string
		want   [5]string // after 301, 302, 303, 307, 308; a star: with the body
	}{
		{"GET", [5]string{"GET*", "GET*", "GET", "GET*", "GET*"}},
		{"HEAD", [5]string{"HEAD*", "HEAD*", "HEAD*", "HEAD*", "HEAD*"}},
		{"POST", [5]string{"GET", "GET", "GET", "POST*", "POST*"}},
		{"PUT", [5]string{"PUT*", "PUT*", "GET", "PUT*", "PUT*"}},
		{"DELETE", [5]string{"DELETE*", "DELETE*", "GET", "DELETE*", "DELETE*"}},
		{"PURGE", [5]string{"PURGE*", "PURGE*", "GET", "PURGE*", "PURGE*"}},
	} {
		for i, status := range []int{301, 302, 303, 307, 308} {
			api := newSite(t, to(status, func() string { return "/end" }), false)
			r := post(t, api.URL+"/start")
			r.Method = tc.method
			if _, _, err := do(t, caller.Options{Redirects: 1}, r); err != nil {
				t.Fatal(err)
			}
			got := api.last(t)
			text := got.method
			if got.body == "body" && got.contentType != "" {
				text += "*"
			}
			if text != tc.want[i] {
				t.Errorf("%s after %d is %s, want %s", tc.method, status, text, tc.want[i])
			}
		}
	}
}

// Once a redirect has led to another origin, the token stays off, also where
// the next leads back. net/http gave it back for a while (CVE-2024-45336).
func TestNoTokenOnTheWayBack(t *testing.T) {
	var api *site
	away := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, api.URL+"/end", http.StatusTemporaryRedirect)
	}, false)
	api = newSite(t, to(307, func() string { return away.URL + "/away" }), false)
	resp, _, err := do(t, caller.Options{Redirects: 5}, post(t, api.URL+"/start"))
	if err != nil {
		t.Fatal(err)
	}
	if got := api.last(t); got.token != "" || got.key != "" || got.body != "body" {
		t.Errorf("arrived %+v", got)
	}
	if len(resp.Hops) != 2 || resp.Hops[0].WithToken || resp.Hops[1].WithToken {
		t.Errorf("hops %+v", resp.Hops)
	}
}

func TestRedirectsAreNotFollowedUnasked(t *testing.T) {
	other := newSite(t, func(http.ResponseWriter, *http.Request) { t.Error("followed") }, false)
	api := newSite(t, to(302, func() string { return other.URL }), false)
	resp, _, err := do(t, caller.Options{}, post(t, api.URL+"/start"))
	if err != nil || resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != other.URL {
		t.Errorf("status %v, %v", resp, err)
	}
}

func TestRedirectsThatLeadNowhere(t *testing.T) {
	var location string
	api := newSite(t, to(307, func() string { return location }), false)
	for want, to := range map[string]string{
		"more than 3 redirects":             "/start",
		"redirects to what is no web addr":  "file:///etc/passwd",
		"redirects to what is no web addre": "http://[::1",
		"no web address":                    "http:///x",
	} {
		location = to
		_, _, err := do(t, caller.Options{Redirects: 3}, post(t, api.URL+"/start"))
		wantNetwork(t, err, want)
	}
	location = ""
	if resp, _, err := do(t, caller.Options{Redirects: 3}, post(t, api.URL+"/start")); err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("a redirect to nowhere: %v, %v", resp, err)
	}
}

// The body of a redirect is nothing to wait for, however slowly it comes.
func TestRedirectsWithABody(t *testing.T) {
	t.Parallel()
	end := newSite(t, arrive, false)
	for name, rest := range map[string]func(net.Conn){"endless": forever("", strings.Repeat("x", 1000)), "dripping": drips, "silent": silent("x")} {
		start := raw(t, func(c net.Conn) {
			fmt.Fprintf(c, "HTTP/1.1 307 x\r\nLocation: %s\r\nContent-Length: 99999999999\r\n\r\n", end.URL)
			rest(c)
		})
		_, text, err := do(t, caller.Options{Redirects: 1, Timeout: 20 * time.Second}, post(t, start))
		if err != nil || text != "arrived" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// What has come whole is over with its limits, too: it may take long to unpack.
func TestEnded(t *testing.T) {
	api := newSite(t, arrive, false)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := caller.New(caller.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp, err := c.Do(ctx, post(t, api.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.Ended() != nil {
		t.Errorf("at its end: %v, %v", err, resp.Ended())
	}
	if cancel(); !errors.Is(resp.Ended(), context.Canceled) {
		t.Errorf("after the context: %v", resp.Ended())
	}
	hasty, err := c.Within(time.Hour).Do(t.Context(), post(t, api.URL))
	if err != nil {
		t.Fatal(err)
	}
	if hasty.Ended() != nil {
		t.Errorf("within its limit: %v", hasty.Ended())
	}
	_ = hasty.Body.Close()
}

func TestABodyThatCanBeReadOnce(t *testing.T) {
	api := newSite(t, to(308, func() string { return "/end" }), false)
	r := post(t, api.URL+"/start")
	r.Body.Once = true
	_, _, err := do(t, caller.Options{Redirects: 3}, r)
	if err == nil || !strings.Contains(err.Error(), "wants the body again") {
		t.Errorf("error %v", err)
	}
}

func TestOriginOf(t *testing.T) {
	for in, want := range map[string]caller.Origin{
		"https://Example.com/x":      "https://example.com:443",
		"HTTPS://example.com:443":    "https://example.com:443",
		"http://example.com":         "http://example.com:80",
		"http://example.com:8080":    "http://example.com:8080",
		"https://example.com.":       "https://example.com.:443",
		"http://[::1]:80/":           "http://::1:80",
		"https://u:p@example.com":    "https://example.com:443",
		"https://example.com:":       "https://example.com:443",
		"ftp://example.com":          "",
		"/orders":                    "",
		"https:///x":                 "",
		"https://example.com@evil.x": "https://evil.x:443",
	} {
		if got := caller.OriginOf(mustParse(t, in)); got != want {
			t.Errorf("OriginOf(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzLocation: whatever a server answers as Location, the token arrives at the
// API's origin or nowhere.
func FuzzLocation(f *testing.F) {
	for _, s := range []string{"/x", "//evil.example/x", "http://api.test@evil.example", "http://api.test:80/", "http://API.TEST/", "http://api.test.evil.example", "\\\\evil", "http:evil", "?x", "https://api.test"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, location string) {
		arrived := map[string]string{}
		c, err := caller.New(caller.Options{Redirects: 2, Timeout: 10 * time.Second, Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			return answer(location, func(token string) { arrived[address] += token }), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r := post(t, "http://api.test/start")
		resp, err := c.Do(context.Background(), r)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if err != nil && strings.Contains(err.Error(), "within 10s") {
			t.Errorf("Location %q: %v", location, err)
		}
		for address, token := range arrived {
			if strings.ToLower(address) != "api.test:80" && token != "" {
				t.Errorf("Location %q took the token to %s", location, address)
			}
		}
	})
}
