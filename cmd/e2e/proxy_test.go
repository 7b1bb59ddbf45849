package e2e

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// attempts is a page that tries what pages can do to the address BASE of a proxy, whose
// secret is SECRET and whose address without it is BARE.
const attempts = `<!DOCTYPE html>
<meta charset="utf-8">
<title>attempts</title>
<link rel="icon" href="data:,">
<pre id="results"></pre>
<script type="module">
const base = "BASE", bare = "BARE", secret = "SECRET";
const results = {};
const attempt = async (name, how) => {
  try { results[name] = await how(); } catch (err) { results[name] = String(err); }
};
const answer = async (url, init) => {
  const r = await fetch(url, init);
  return [r.status, r.type, r.headers.get('x-total') ?? '', await r.text()].join(' | ');
};
await attempt('get', () => answer(base + '/orders?get'));
await attempt('put', () => answer(base + '/orders?put', { method: 'PUT', headers: { 'Content-Type': 'application/json', 'X-Mine': '1' }, body: '{"item":"tea"}' }));
await attempt('post', () => answer(base + '/orders?post', { method: 'POST', body: 'plain' }));
await attempt('redirect', () => answer(base + '/redirect'));
await attempt('header', () => answer(bare + '/orders?header', { headers: { 'X-Gatepass-Secret': secret } }));
await attempt('guess', () => answer(bare + '/guess/orders'));
await attempt('no-cors', () => answer(base + '/orders?nocors', { mode: 'no-cors' }));
await attempt('credentials', () => answer(base + '/orders?credentials', { credentials: 'include' }));
await attempt('image', () => new Promise((done) => {
  const i = new Image();
  i.onload = () => done('shown');
  i.onerror = () => done('refused');
  i.src = base + '/image';
}));
await attempt('script', () => new Promise((done) => {
  const s = document.createElement('script');
  s.onload = () => done('run');
  s.onerror = () => done('refused');
  s.src = base + '/script';
  document.head.append(s);
}));
await attempt('form', () => new Promise((done) => {
  const frame = document.createElement('iframe');
  frame.name = 'frame';
  document.body.append(frame);
  frame.onload = () => done('sent');
  const form = document.createElement('form');
  form.method = 'POST';
  form.target = 'frame';
  form.action = base + '/form';
  document.body.append(form);
  form.submit();
}));
await attempt('events', () => new Promise((done) => {
  const e = new EventSource(base + '/events');
  e.onmessage = (m) => { e.close(); done(m.data); };
  e.onerror = () => { e.close(); done('refused'); };
}));
await attempt('socket', () => new Promise((done) => {
  const s = new WebSocket(base.replace('http', 'ws') + '/socket');
  s.onopen = () => { s.close(); done('open'); };
  s.onerror = () => done('refused');
}));
const out = document.getElementById('results');
out.textContent = JSON.stringify(results);
out.dataset.done = '';
</script>
`

// ordersAPI is an API that wants a token, and notes what reaches it.
type ordersAPI struct {
	*httptest.Server
	mu  sync.Mutex
	got []string
}

func newOrdersAPI(t *testing.T) *ordersAPI {
	t.Helper()
	a := new(ordersAPI)
	a.Server = httptest.NewServer(http.HandlerFunc(a.answer))
	t.Cleanup(a.Close)
	return a
}

func (a *ordersAPI) answer(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.got = append(a.got, r.Method+" "+r.RequestURI)
	a.mu.Unlock()
	h := w.Header()
	h.Set("X-Total", "7")
	h.Set("Set-Cookie", "from=api; Path=/")
	h.Set("Access-Control-Allow-Origin", "*")
	switch {
	case strings.Count(r.Header.Get("Authorization"), ".") != 2:
		w.WriteHeader(http.StatusUnauthorized)
	case r.Header.Get("Origin")+r.Header.Get("Referer")+r.Header.Get("Cookie") != "":
		http.Error(w, fmt.Sprint("the API was told of the page: ", r.Header), http.StatusBadRequest)
	case r.URL.Path == "/prod/redirect":
		h.Set("Location", "/prod/orders?redirected")
		w.WriteHeader(http.StatusFound)
	case r.URL.Path == "/prod/events":
		h.Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: first\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case r.URL.Path == "/prod/socket":
		openSocket(w, r.Header.Get("Sec-Websocket-Key"))
	default:
		fmt.Fprintf(w, "%s %s", r.Method, r.URL.RawQuery)
	}
}

// openSocket agrees to a WebSocket (RFC 6455 section 4.2.2) and waits for its end.
func openSocket(w http.ResponseWriter, key string) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n")
	_ = rw.Flush()
	_, _ = rw.ReadByte()
}

// reached forgets and returns what has reached the API.
func (a *ordersAPI) reached() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	got := a.got
	a.got = nil
	return got
}

// opened is what the browser saw of a page.
type opened struct {
	Status  int
	Text    string
	Results map[string]string
}

// open shows pages in one browser, which finds the names of evil.test on this machine.
func open(t *testing.T, pages ...string) map[string]opened {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seen.json")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, "node", append([]string{"pages.mjs"}, pages...)...)
	c.Env = append(os.Environ(), "E2E_SEEN="+file, "E2E_CHROMIUM="+chromium(), "E2E_NAMES=evil.test")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("the browser: %v\n%s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var seen map[string]opened
	if err := json.Unmarshal(data, &seen); err != nil {
		t.Fatal(err)
	}
	return seen
}

// TestE2EProxy: a page in a browser uses the API through the proxy, without a token of
// its own; pages of other origins, names that lead here and pages that guess do not.
func TestE2EProxy(t *testing.T) {
	s := newStory(t, patience*2)
	api := newOrdersAPI(t)
	s.in("ada", nil, "--api-url", api.URL+"/prod")
	bin, err := gatepass()
	if err != nil {
		t.Fatal(err)
	}
	var base, bare, secret string
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, strings.NewReplacer("BASE", base, "BARE", bare, "SECRET", secret).Replace(attempts))
	}))
	t.Cleanup(site.Close)
	at, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs, here := "http://localhost:"+at.Port(), "http://evil.test:"+at.Port(), "http://127.0.0.1:"+at.Port()
	var proxy struct{ URL, Secret string }
	start(t, &proxy, s.dir, s.env, bin, "proxy", "--json", "--listen", "127.0.0.1:0", "--allow-origin", mine, "--api-url", api.URL+"/prod")
	base, secret, bare = proxy.URL, proxy.Secret, strings.TrimSuffix(proxy.URL, "/"+proxy.Secret)

	t.Run("a page of the origin that is allowed", func(t *testing.T) {
		got := open(t, mine+"/")[mine+"/"].Results
		for name, want := range map[string]string{
			"get": "200 | cors | 7 | GET get", "put": "200 | cors | 7 | PUT put", "post": "200 | cors | 7 | POST post", "redirect": "200 | cors | 7 | GET redirected",
			"header": "200 | cors | 7 | GET header", "events": "first", "socket": "open", "image": "refused", "script": "refused",
		} {
			if got[name] != want {
				t.Errorf("%s: %s, want %s", name, got[name], want)
			}
		}
		if !strings.HasPrefix(got["guess"], "403 | cors") || !strings.Contains(got["guess"], "does not know the secret") {
			t.Errorf("guess: %s", got["guess"])
		}
		if strings.Contains(fmt.Sprint(got), "eyJ") {
			t.Error("a page has a token")
		}
		t.Logf("the API got %q", api.reached())
	})
	api.reached()
	t.Run("pages that are not", func(t *testing.T) {
		seen := open(t, theirs+"/", here+"/")
		for _, page := range []string{theirs, here} {
			got := seen[page+"/"].Results
			if len(got) < 10 {
				t.Fatalf("%s: %v", page, seen[page+"/"])
			}
			for name, result := range got {
				if strings.HasPrefix(result, "200") || result == "first" || result == "shown" || result == "run" || result == "open" {
					t.Errorf("%s: %s: %s", page, name, result)
				}
			}
		}
		if got := api.reached(); len(got) > 0 {
			t.Errorf("the API got %q", got)
		}
	})
	t.Run("a name that leads here", func(t *testing.T) {
		rebound := strings.Replace(base, "127.0.0.1", "evil.test", 1) + "/orders"
		seen := open(t, rebound)[rebound]
		if seen.Status != http.StatusForbidden || !strings.Contains(seen.Text, "for another host") {
			t.Errorf("saw %+v", seen)
		}
		if got := api.reached(); len(got) > 0 {
			t.Errorf("the API got %q", got)
		}
	})
	t.Run("the address bar", func(t *testing.T) {
		seen := open(t, base+"/orders?bar")[base+"/orders?bar"]
		if seen.Status != http.StatusOK || !strings.Contains(seen.Text, "GET bar") {
			t.Errorf("saw %+v", seen)
		}
	})
}
