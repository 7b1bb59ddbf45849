package gateway_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/gateway"
)

// backend is a server that answers at once, as cheaply as one can.
func backend(b *testing.B) *url.URL {
	b.Helper()
	body := []byte(`{"ok":true}`)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(body)
	}))
	b.Cleanup(s.Close)
	return parse(b, s.URL)
}

// bare is a reverse proxy as one would tune it, with nothing in front of it.
func bare(b *testing.B, to *url.URL) string {
	b.Helper()
	pool := sync.Pool{New: func() any { return make([]byte, 32<<10) }}
	s := httptest.NewServer(&httputil.ReverseProxy{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			DisableCompression:  true,
			MaxIdleConns:        256,
			MaxIdleConnsPerHost: 256,
			WriteBufferSize:     16 << 10,
			ReadBufferSize:      16 << 10,
		},
		BufferPool: poolOf{&pool},
		Rewrite:    func(p *httputil.ProxyRequest) { p.SetURL(to); p.SetXForwarded() },
	})
	b.Cleanup(s.Close)
	return s.URL
}

type poolOf struct{ *sync.Pool }

func (p poolOf) Get() []byte  { return p.Pool.Get().([]byte) }
func (p poolOf) Put(v []byte) { p.Pool.Put(v) } //nolint:staticcheck // as plain as anybody would write it

// round makes n requests over a few connections and returns how long they took.
func round(b *testing.B, client *http.Transport, url string, n int) time.Duration {
	b.Helper()
	const workers = 8
	start := time.Now()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range n / workers {
				req, err := http.NewRequest(http.MethodGet, url, nil)
				if err != nil {
					b.Error(err)
					return
				}
				req.Header["Authorization"] = []string{"allow"}
				res, err := client.RoundTrip(req)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode != http.StatusOK {
					b.Errorf("status %d", res.StatusCode)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// BenchmarkGateway compares the gateway, its authorizer's answer cached, with a
// bare reverse proxy to the same server, in turns so that whatever else the machine
// does hits both alike. The budget is a ratio of 0.85 or more.
func BenchmarkGateway(b *testing.B) {
	to := backend(b)
	o := options(new(tokens), 3600)
	o.Integration.Upstream = to
	o.OnRequest = func(*gateway.Record) {}
	h, err := gateway.New(o)
	if err != nil {
		b.Fatal(err)
	}
	s := httptest.NewServer(h)
	b.Cleanup(s.Close)
	client := &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}
	b.Cleanup(client.CloseIdleConnections)
	proxy, ours := bare(b, to)+"/orders/7", s.URL+"/orders/7"
	const n = 200
	round(b, client, proxy, 10*n)
	round(b, client, ours, 10*n)
	var theirs, took time.Duration
	var ratios []float64
	for b.Loop() {
		p, g := round(b, client, proxy, n), round(b, client, ours, n)
		theirs, took = theirs+p, took+g
		ratios = append(ratios, p.Seconds()/g.Seconds())
	}
	slices.Sort(ratios)
	requests := float64(len(ratios) * n)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(requests/theirs.Seconds(), "bare-req/s")
	b.ReportMetric(requests/took.Seconds(), "gateway-req/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRefused is a request that ends at the gateway, without the network.
func BenchmarkRefused(b *testing.B) {
	h, err := gateway.New(options(new(tokens), 3600))
	if err != nil {
		b.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodGet, "/orders/7", nil)
	req.Header.Set("Authorization", "deny")
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(discard{http.Header{}}, req)
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header       { return d.h }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// However many callers there are, memory stays what the cache may hold.
func TestMemoryStaysFlat(t *testing.T) {
	o := options(new(tokens), 3600)
	o.Cache = apigw.NewCache(500)
	h, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	next := 0
	send := func(n int) uint64 {
		for range n {
			next++
			req := httptest.NewRequest(http.MethodGet, "/orders/7", nil)
			req.Header.Set("Authorization", "allow-"+strconv.Itoa(next))
			h.ServeHTTP(discard{http.Header{}}, req)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := send(1000)
	after := send(5000)
	if after > before+2<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
}
