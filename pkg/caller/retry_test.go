package caller_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
)

// failing answers with statuses in turn, the last one for ever.
func failing(t *testing.T, header http.Header, statuses ...int) (*site, *atomic.Int32) {
	t.Helper()
	n := new(atomic.Int32)
	return newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(statuses[min(int(n.Add(1))-1, len(statuses)-1)])
		fmt.Fprint(w, "answer ", n.Load())
	}, false), n
}

// impatient are options that do not wait, and count what they are told.
func impatient(retries int, told *[]caller.Retry) caller.Options {
	return caller.Options{Retries: retries, Backoff: time.Millisecond, Retrying: func(r caller.Retry) { *told = append(*told, r) }}
}

func TestRetries(t *testing.T) {
	for _, tc := range []struct {
		statuses    []int
		retries     int
		want, calls int
	}{
		{[]int{503, 200}, 0, 503, 1},
		{[]int{503, 200}, 1, 200, 2},
		{[]int{408, 429, 500, 502, 503, 504, 200}, 6, 200, 7},
		{[]int{503}, 2, 503, 3},
		{[]int{404, 200}, 3, 404, 1},
		{[]int{501, 200}, 3, 501, 1},
		{[]int{401, 200}, 3, 401, 1},
	} {
		t.Run(fmt.Sprint(tc.statuses, tc.retries), func(t *testing.T) {
			api, calls := failing(t, nil, tc.statuses...)
			var told []caller.Retry
			resp, text, err := do(t, impatient(tc.retries, &told), post(t, api.URL+"/x"))
			if err != nil || resp.StatusCode != tc.want || int(calls.Load()) != tc.calls || text != fmt.Sprint("answer ", tc.calls) {
				t.Fatalf("status %v after %d requests, %q, %v", resp, calls.Load(), text, err)
			}
			if got := api.last(t); got.body != "body" || got.token != "Bearer "+bearer {
				t.Errorf("the last request was %+v", got)
			}
			if len(told) != tc.calls-1 {
				t.Errorf("told of %+v", told)
			}
			for i, r := range told {
				if r.Number != i+1 || r.Of != tc.retries || r.Wait != time.Millisecond<<i || !strings.HasPrefix(r.Why, "the API answered ") {
					t.Errorf("told %+v", r)
				}
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	api, calls := failing(t, http.Header{"Retry-After": {"0"}}, 503, 200)
	var told []caller.Retry
	o := impatient(3, &told)
	o.Backoff = time.Hour
	if _, _, err := do(t, o, post(t, api.URL)); err != nil || calls.Load() != 2 || told[0].Wait != 0 {
		t.Errorf("%v, %d requests, told %+v", err, calls.Load(), told)
	}
	// Longer than anybody waits, or than the time limit lets: the answer stands.
	for _, header := range []string{"86400", time.Now().Add(48 * time.Hour).UTC().Format(http.TimeFormat)} {
		api, calls = failing(t, http.Header{"Retry-After": {header}}, 429, 200)
		if resp, _, err := do(t, impatient(3, &told), post(t, api.URL)); err != nil || resp.StatusCode != http.StatusTooManyRequests || calls.Load() != 1 {
			t.Errorf("Retry-After %s: %v, %d requests", header, err, calls.Load())
		}
	}
	api, calls = failing(t, http.Header{"Retry-After": {"60"}}, 429, 200)
	o = impatient(3, &told)
	o.Timeout = 30 * time.Second
	if resp, _, err := do(t, o, post(t, api.URL)); err != nil || resp.StatusCode != http.StatusTooManyRequests || calls.Load() != 1 {
		t.Errorf("beyond the limit: %v, %d requests", err, calls.Load())
	}
}

// Failures of the network are tried again where nothing can have arrived, or
// where it does no harm if it has.
func TestRetriesOfFailures(t *testing.T) {
	for _, tc := range []struct {
		name, method string
		first        error // of the first connection; nil: it is made, and cut
		calls        int
	}{
		{"refused", "POST", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, 2},
		{"no name", "POST", &net.DNSError{Name: "x", IsTemporary: true}, 2},
		{"cut, GET", "GET", nil, 2},
		{"cut, PUT", "PUT", nil, 2},
		{"cut, POST", "POST", nil, 1},
		{"nonsense", "GET", errors.New("nonsense"), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			api := newSite(t, arrive, false)
			cut := raw(t, says(""))
			dials := 0
			var told []caller.Retry
			o := impatient(5, &told)
			o.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				if dials++; dials == 1 {
					if tc.first != nil {
						return nil, tc.first
					}
					return new(net.Dialer).DialContext(ctx, network, strings.TrimSuffix(strings.TrimPrefix(cut, "http://"), "/start"))
				}
				return new(net.Dialer).DialContext(ctx, network, api.Listener.Addr().String())
			}
			r := post(t, "http://api.test/x")
			r.Method = tc.method
			_, text, err := do(t, o, r)
			if dials != tc.calls || (err == nil) != (tc.calls > 1) || err == nil && text != "arrived" {
				t.Errorf("%d connections, %q, %v", dials, text, err)
			}
		})
	}
}

func TestABodyThatCanBeReadOnceIsNotSentAgain(t *testing.T) {
	api, calls := failing(t, nil, 503, 200)
	r := post(t, api.URL)
	r.Body.Once = true
	var told []caller.Retry
	if resp, _, err := do(t, impatient(3, &told), r); err != nil || resp.StatusCode != http.StatusServiceUnavailable || calls.Load() != 1 {
		t.Errorf("%v, %d requests", err, calls.Load())
	}
}

func TestAWaitEndsWithTheContext(t *testing.T) {
	api, _ := failing(t, nil, 503)
	ctx, cancel := context.WithCancel(context.Background())
	c, err := caller.New(caller.Options{Retries: 1, Backoff: 5 * time.Minute, Retrying: func(caller.Retry) { cancel() }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Do(ctx, post(t, api.URL)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// That nothing moves is nobody's fault before a retry, nor while nothing is read of
// an answer that is there, as when a pager shows it.
func TestPausesOfOurOwn(t *testing.T) {
	t.Parallel()
	const idle = 700 * time.Millisecond
	read := make(chan struct{})
	var calls atomic.Int32
	api := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "one ")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-read:
		case <-r.Context().Done():
		}
		fmt.Fprint(w, "two")
	}, false)
	c, err := caller.New(caller.Options{Retries: 1, Backoff: 2 * idle, Idle: idle})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp, err := c.Do(t.Context(), post(t, api.URL))
	if err != nil {
		t.Fatalf("before the retry: %v", err)
	}
	defer resp.Body.Close()
	first := make([]byte, 4)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * idle) // the reader's pause
	close(read)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || string(rest) != "two" {
		t.Errorf("after a pause of the reader: %q, %v", rest, err)
	}
}

// A key is bound to the API's origin as the token is, and gives way to one that
// the user writes.
func TestAPIKey(t *testing.T) {
	const key = "k3y-of-the-api"
	other := newSite(t, arrive, false)
	var api *site
	var location string
	api = newSite(t, to(307, func() string { return location }), false)
	var lines []string
	ask := func(change func(*caller.Request)) error {
		r := post(t, api.URL+"/start")
		delete(r.Header, "x-api-key")
		r.APIKey = secretOf(key)
		if change != nil {
			change(r)
		}
		_, _, err := do(t, caller.Options{Redirects: 2, Line: func(_ caller.Direction, s string) { lines = append(lines, s) }}, r)
		return err
	}
	location = "/end"
	if err := ask(nil); err != nil || api.last(t).key != key {
		t.Errorf("same origin: %v, arrived %+v", err, api.last(t))
	}
	location = other.URL
	if err := ask(nil); err != nil || other.last(t).key != "" {
		t.Errorf("other origin: %v, arrived %+v", err, other.last(t))
	}
	location = "/end"
	if err := ask(func(r *caller.Request) { r.Header.Set("X-API-KEY", "mine") }); err != nil || api.last(t).key != "mine" {
		t.Errorf("by hand: %v, arrived %+v", err, api.last(t))
	}
	if err := ask(func(r *caller.Request) { r.URL = mustParse(t, other.URL); r.Token = secretOf("") }); err == nil || !strings.Contains(err.Error(), "the API key is for") {
		t.Errorf("an API key went elsewhere: %v", err)
	}
	if err := ask(func(r *caller.Request) { r.APIKey = secretOf("a\r\nb") }); err == nil {
		t.Error("a key of two lines was sent")
	}
	if all := strings.Join(lines, "\n"); strings.Contains(all, key) || !strings.Contains(all, "x-api-key: [redacted]") {
		t.Error(all)
	}
}

func TestHTTP1(t *testing.T) {
	api := newHTTP2(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
	for proto, one := range map[string]bool{"HTTP/2.0": false, "HTTP/1.1": true} {
		if _, text, err := do(t, caller.Options{Roots: pemOf(api.Certificate()), HTTP1: one}, post(t, api.URL)); err != nil || text != proto {
			t.Errorf("HTTP1 %v: %q, %v", one, text, err)
		}
	}
}

// A stream that the server resets is a failure with a name.
func TestHTTP2Reset(t *testing.T) {
	for _, first := range []string{"", "some"} {
		api := newHTTP2(t, func(w http.ResponseWriter, _ *http.Request) {
			if first != "" {
				_, _ = io.WriteString(w, first)
				w.(http.Flusher).Flush()
			}
			panic(http.ErrAbortHandler)
		})
		_, _, err := do(t, caller.Options{Roots: pemOf(api.Certificate())}, post(t, api.URL))
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Network || !strings.Contains(f.Msg, "ended the HTTP/2 stream before its answer was complete: INTERNAL_ERROR") {
			t.Errorf("after %q: %v", first, err)
		}
	}
}

// It is made again as after a connection that broke: where that does no harm.
func TestHTTP2ResetIsRetried(t *testing.T) {
	for method, want := range map[string]int32{"GET": 2, "POST": 1} {
		var asked atomic.Int32
		api := newHTTP2(t, func(http.ResponseWriter, *http.Request) {
			if asked.Add(1) == 1 {
				panic(http.ErrAbortHandler)
			}
		})
		r := post(t, api.URL)
		r.Method = method
		_, _, err := do(t, caller.Options{Roots: pemOf(api.Certificate()), Retries: 3, Backoff: time.Millisecond}, r)
		if asked.Load() != want || (err == nil) != (want == 2) {
			t.Errorf("%s: asked %d times, %v", method, asked.Load(), err)
		}
	}
}

// A server that always says that it has not looked at the request yet is not asked for
// ever, but again where that is wanted, POST too. Frames are those of RFC 9113.
func TestHTTP2TurnsAway(t *testing.T) {
	const (
		refused = "\x00\x00\x04\x03\x00" + "\x00\x00\x00\x01" + "\x00\x00\x00\x07" // RST_STREAM, REFUSED_STREAM
		goaway  = "\x00\x00\x08\x07\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00"
		ok      = "\x00\x00\x01\x01\x05" + "\x00\x00\x00\x01" + "\x88" // HEADERS, the last of the stream: 200
	)
	for name, tc := range map[string]struct {
		first, then string
		want        bool
	}{
		"RST_STREAM":           {refused, refused, false},
		"GOAWAY":               {goaway, goaway, false},
		"RST_STREAM, then 200": {refused, ok, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			frame := func() []byte {
				if asked.Add(1) <= 3 {
					return []byte(tc.first)
				}
				return []byte(tc.then)
			}
			api := httptest.NewUnstartedServer(nil)
			api.EnableHTTP2 = true
			api.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
				"h2": func(_ *http.Server, c *tls.Conn, _ http.Handler) { answerHeaders(c, frame) },
			}
			api.StartTLS()
			t.Cleanup(api.Close)
			o := caller.Options{Roots: pemOf(api.Certificate()), Backoff: time.Millisecond}
			if tc.want {
				o.Retries = 1
			}
			_, _, err := do(t, o, post(t, api.URL))
			var f *fault.Error
			switch {
			case tc.want && (err != nil || asked.Load() != 4), !tc.want && asked.Load() != 3:
				t.Errorf("asked %d times: %v", asked.Load(), err)
			case !tc.want && (!errors.As(err, &f) || f.Kind != fault.Network || !strings.HasSuffix(f.Msg, " turned the request away 3 times")):
				t.Error(err)
			}
		})
	}
}

// answerHeaders answers each request on a connection with the next frame.
func answerHeaders(c net.Conn, next func() []byte) {
	const preface, settings = 24, "\x00\x00\x00\x04\x00" + "\x00\x00\x00\x00"
	_, _ = io.WriteString(c, settings)
	_, err := io.CopyN(io.Discard, c, preface)
	for err == nil {
		var head [9]byte
		if _, err = io.ReadFull(c, head[:]); err != nil {
			return
		}
		if _, err = io.CopyN(io.Discard, c, int64(head[1])<<8|int64(head[2])); err == nil && head[3] == 1 { // HEADERS
			frame := next()
			if frame[3] != 7 {
				copy(frame[5:9], head[5:]) // of this stream
			}
			_, err = c.Write(frame)
		}
	}
}
