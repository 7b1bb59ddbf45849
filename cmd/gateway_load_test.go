package cmd

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/gateway"
)

// loadFor is how long the gateway is under load: go test ./cmd -run GatewayLoad -args -load 2m
var loadFor = flag.Duration("load", 3*time.Second, "how long the gateway is under load")

// loadAPI has functions that crash, an upstream that dies, cached answers, and a route
// that the two versions of it protect differently.
func loadAPI(upstream, toggled string) string {
	return `version: 1
kind: rest
stage: prod
authorizers:
  each: {type: token, handler: auth.js, timeout: 1m, ttl: 0}
  kept: {type: token, handler: auth.js, timeout: 1m, ttl: 300}
authorizer: each
integration: {mock: mocked}
routes:
  GET /mock:
  GET /kept: kept
  GET /fn: {authorizer: kept, integration: {handler: pets.js, timeout: 1m}}
  GET /up: {authorizer: kept, integration: "` + upstream + `"}
  GET /toggled: ` + toggled + `
  GET /open: none
`
}

const loadAuth = `exports.handler = async (event) => {
  const policy = (effect) => ({principalId: 'ann', policyDocument: {Version: '2012-10-17', Statement: [{Action: 'execute-api:Invoke', Effect: effect, Resource: event.methodArn.split('/')[0] + '/*'}]}});
  switch (event.authorizationToken.split('-')[0]) {
    case 'allow': return policy('Allow');
    case 'deny': return policy('Deny');
    case 'unauthorized': throw new Error('Unauthorized');
    case 'crash': process.exit(3);
    default: throw new Error('Error: Invalid token');
  }
};`

const loadPets = `exports.handler = async (event) => {
  if (event.queryStringParameters) process.exit(4);
  return {statusCode: 201, body: 'pets'};
};`

// load is a gateway under load, and what its answers are to be.
type load struct {
	*world
	t     *testing.T
	base  string
	wants map[string][]string // of a request, one for each version of the files
	dying atomic.Bool         // the upstream
	done  atomic.Int64
	bad   atomic.Int64
}

func loadTokens() []string { return []string{"", "allow", "deny", "unauthorized", "crash", "else"} }

func loadPaths() []string {
	return []string{"/mock", "/kept", "/fn", "/up", "/toggled", "/open", "/none"}
}

// expect asks what "authorize" would, about every request that is going to be made.
func (l *load) expect(files ...string) {
	l.t.Helper()
	l.wants = map[string][]string{}
	for _, text := range files {
		l.write("api.yaml", text)
		g := &gatewayCommand{app: l.App}
		c := newGateway(l.App)
		if err := c.ParseFlags([]string{"--api-file", l.path("api.yaml")}); err != nil {
			l.t.Fatal(err)
		}
		g.settings.flags = c.Flags()
		p, err := g.settings.load(l.App)
		if err != nil {
			l.t.Fatal(err)
		}
		s, _, err := g.stage(l.t.Context(), p)
		if err != nil {
			l.t.Fatal(err)
		}
		if err := s.api.Prepare(); err != nil {
			l.t.Fatal(err)
		}
		for _, path := range loadPaths() {
			for _, token := range loadTokens() {
				req := &apigw.Request{Method: "GET", Path: path, Header: map[string][]string{}, Time: time.Now(), ID: "x", ExtendedID: "y"}
				if token != "" {
					req.Header["Authorization"] = []string{token}
				}
				v := s.decide(l.t.Context(), req, identity{now: time.Now()}, nil).Verdict
				l.wants[path+" "+token] = append(l.wants[path+" "+token], fmt.Sprint(v.Status, " ", v.Body))
			}
		}
		s.close()
	}
}

// backends are what allowed requests may get, whatever goes wrong behind the gateway.
func backends(path string) []string {
	switch path {
	case "/fn":
		return []string{"201 pets", `502 {"message":"Internal server error"}`}
	case "/up":
		return []string{"200 up", `504 {"message":"Internal server error"}`}
	}
	return []string{"200 mocked"}
}

// call makes one request and compares its answer.
func (l *load) call(client *http.Client, n int) {
	path, token := loadPaths()[rand.IntN(len(loadPaths()))], loadTokens()[rand.IntN(len(loadTokens()))]
	if token == "crash" && n%20 != 0 { // a process is slow to start
		token = "allow"
	}
	sent := token
	if token == "allow" { // many callers, so that the cache is always at work
		sent = fmt.Sprint("allow-", n%200)
	}
	target := l.base + path
	if path == "/fn" && n%25 == 0 {
		target += "?crash=1"
	}
	req, _ := http.NewRequest(http.MethodGet, target, nil)
	if token != "" {
		req.Header.Set("Authorization", sent)
	}
	got := "no answer"
	res, err := client.Do(req)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
		got = fmt.Sprint(res.StatusCode, " ", string(body))
	}
	wants := l.wants[path+" "+token]
	if i := slices.Index(wants, "200 "); i >= 0 {
		wants = append(slices.Clone(wants), backends(path)...)
	}
	if strings.Contains(got, "not a valid key=value pair") {
		got = strings.ReplaceAll(got, sent, token)
	}
	if err != nil || !slices.Contains(wants, got) {
		if l.bad.Add(1) < 10 {
			l.t.Errorf("%s with %q: %s, %v; want one of %q", path, token, got, err, wants)
		}
	}
	l.done.Add(1)
}

// disturb changes files and kills what there is to be killed.
func (l *load) disturb(ctx context.Context, files []string) {
	for i := 0; ctx.Err() == nil; i++ {
		switch i % 4 {
		case 0, 2:
			l.write("api.yaml", files[i/2%2])
		case 1:
			l.write("api.yaml", "version: 1\nthis: is broken\n")
		case 3:
			l.write("pets.js", fmt.Sprintf("// %d\n%s", i, loadPets))
		}
		l.dying.Store(i%3 == 0)
		select {
		case <-ctx.Done():
		case <-time.After(700 * time.Millisecond):
		}
	}
}

// children are the processes of this one, where that can be told.
func children() []string {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	var all []string
	for _, path := range lists {
		data, _ := os.ReadFile(path)
		all = append(all, strings.Fields(string(data))...)
	}
	return all
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Under load, with handlers that crash, files that change and an upstream that dies,
// every answer is the one that "authorize" gives for the request; memory stays flat,
// and no goroutine and no process is left behind.
func TestGatewayLoad(t *testing.T) {
	needNode(t)
	before, kids := runtime.NumGoroutine(), len(children())
	l := &load{world: newWorld(t, map[string]string{"auth.js": loadAuth, "pets.js": loadPets}), t: t}
	l.IO.Err = io.Discard
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.dying.Load() && rand.IntN(2) == 0 {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = c.Close()
			}
			return
		}
		_, _ = io.WriteString(w, "up")
	}))
	files := []string{loadAPI(up.URL, "each"), loadAPI(up.URL, "none")}
	l.expect(files...)
	s, stop := l.start()
	l.base = s.URL
	ctx, cancel := context.WithTimeout(t.Context(), *loadFor)
	defer cancel()
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	client := &http.Client{Transport: transport}
	var all sync.WaitGroup
	all.Go(func() { l.disturb(ctx, files) })
	for worker := range 8 {
		all.Go(func() {
			for n := worker; ctx.Err() == nil; n += 8 {
				l.call(client, n)
			}
		})
	}
	var peak uint64
	early := heap()
	all.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(*loadFor / 10)
			peak = max(peak, heap())
		}
	})
	all.Wait()
	if err := stop(); err != nil {
		t.Error(err)
	}
	up.Close()
	transport.CloseIdleConnections()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	t.Logf("%d answers in %s, %d wrong; heap %d kB early, %d kB at most", l.done.Load(), *loadFor, l.bad.Load(), early>>10, peak>>10)
	if peak > early+32<<20 {
		t.Errorf("the heap grew from %d to %d bytes", early, peak)
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before+2 })
	eventually(t, "processes end", func() bool { return len(children()) <= kids })
	if l.done.Load() < 20 {
		t.Errorf("only %d answers", l.done.Load())
	}
}

// BenchmarkGatewayNode is a request whose authorizer is a function in Node that is
// asked each time, and the same with its answer cached.
func BenchmarkGatewayNode(b *testing.B) {
	for name, ttl := range map[string]int{"asked": 0, "cached": 300} {
		b.Run(name, func(b *testing.B) {
			g, stop := nodeGateway(b, ttl)
			defer stop()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					req := httptest.NewRequest(http.MethodGet, "/orders/7", nil)
					req.Header.Set("Authorization", "allow")
					w := httptest.NewRecorder()
					if g.ServeHTTP(w, req); w.Code != http.StatusOK {
						b.Error(w.Code, w.Body)
						return
					}
				}
			})
		})
	}
}

// nodeGateway is a gateway with an authorizer in Node and a server behind it.
func nodeGateway(b *testing.B, ttl int) (http.Handler, func()) {
	b.Helper()
	dir := b.TempDir()
	api := fmt.Sprintf("version: 1\nkind: rest\nauthorizers:\n  a: {type: token, handler: auth.js, ttl: %d}\nintegration: {mock: ok}\n", ttl)
	for name, text := range map[string]string{"auth.js": loadAuth, "api.yaml": api} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	app := system()
	app.IO.Err, app.IO.Out, app.Dir = io.Discard, io.Discard, dir
	g := &gatewayCommand{app: app}
	c := newGateway(app)
	if err := c.ParseFlags([]string{"--api-file", filepath.Join(dir, "api.yaml")}); err != nil {
		b.Fatal(err)
	}
	g.settings.flags = c.Flags()
	p, err := g.settings.load(app)
	if err != nil {
		b.Fatal(err)
	}
	o, s, err := g.options(b.Context(), p)
	if err != nil {
		b.Fatal(err)
	}
	h, err := gateway.New(o)
	if err != nil {
		b.Fatal(err)
	}
	return h, s.close
}
