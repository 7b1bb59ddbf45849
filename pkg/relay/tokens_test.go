package relay_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/relay"
	"gatepass/pkg/secret"
)

// issuer gives tokens that are numbered, and counts.
type issuer struct {
	mu       sync.Mutex
	given    int
	renewals int
	life     time.Duration
	fail     error
	stuck    bool // a renewal gives the same token
	now      time.Time
	hold     chan struct{} // what a call waits for, or nil
	inside   atomic.Int32
}

func newIssuer() *issuer { return &issuer{now: time.Unix(1e9, 0), life: time.Hour} }

func (i *issuer) clock() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.now
}

func (i *issuer) change(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f()
}

func (i *issuer) bearer(ctx context.Context, renew bool) (relay.Token, error) {
	if n := i.inside.Add(1); n > 1 {
		return relay.Token{}, errors.New("calls overlap")
	}
	defer i.inside.Add(-1)
	if i.hold != nil {
		<-i.hold
	}
	if err := ctx.Err(); err != nil {
		return relay.Token{}, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return relay.Token{}, i.fail
	}
	if renew {
		i.renewals++
	}
	if !renew || !i.stuck {
		i.given++
	}
	return relay.Token{Value: secret.New(fmt.Sprintf("token-%d", i.given)), Until: i.now.Add(i.life)}, nil
}

func (i *issuer) options(o *relay.Options) { o.Bearer, o.Now = i.bearer, i.clock }

func echoToken(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
}

// A token is used until a minute before it expires, then another is asked for.
func TestTokensAreRenewedInTime(t *testing.T) {
	i := newIssuer()
	b := newBench(t, echoToken, i.options)
	for _, tc := range []struct {
		later time.Duration
		life  time.Duration // of tokens given from now on
		want  string
	}{
		{0, time.Hour, "token-1"},
		{58 * time.Minute, time.Hour, "token-1"},
		{time.Minute, 30 * time.Second, "token-2"}, // a minute is left
		{time.Second, 30 * time.Second, "token-2"}, // it is about to expire, and was just asked for
		{time.Second, 500 * time.Millisecond, "token-3"},
		{time.Second, time.Hour, "token-4"},
	} {
		i.change(func() { i.now, i.life = i.now.Add(tc.later), tc.life })
		if _, got := b.ask("GET", b.base+"/x"); got != tc.want {
			t.Errorf("after %v: %s, want %s", tc.later, got, tc.want)
		}
	}
	b.relay.Forget()
	if _, got := b.ask("GET", b.base+"/x"); got != "token-5" {
		t.Errorf("after Forget: %s", got)
	}
}

// Tokens that do not say when they expire are asked for again after a minute.
func TestTokensWithoutAnEnd(t *testing.T) {
	i := newIssuer()
	b := newBench(t, echoToken, i.options, func(o *relay.Options) {
		o.Bearer = func(ctx context.Context, renew bool) (relay.Token, error) {
			tok, err := i.bearer(ctx, renew)
			tok.Until = time.Time{}
			return tok, err
		}
	})
	for n, want := range []string{"token-1", "token-1", "token-2"} {
		if _, got := b.ask("GET", b.base+"/x"); got != want {
			t.Errorf("request %d: %s, want %s", n, got, want)
		}
		i.change(func() { i.now = i.now.Add(40 * time.Second) })
	}
}

// Fifty requests at the moment the token expires make one refresh.
func TestManyRequestsShareARefresh(t *testing.T) {
	i := newIssuer()
	b := newBench(t, echoToken, i.options)
	b.ask("GET", b.base+"/x")
	i.change(func() { i.now = i.now.Add(time.Hour) })
	i.hold = make(chan struct{})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, got := b.ask("GET", b.base+"/x"); got != "token-2" {
				t.Errorf("got %s", got)
			}
		})
	}
	for b.relay.Active() < 50 {
		time.Sleep(time.Millisecond)
	}
	close(i.hold)
	all.Wait()
}

// A request that goes away does not take the refresh along that others wait for.
func TestARefreshOutlivesItsRequest(t *testing.T) {
	i := newIssuer()
	i.hold = make(chan struct{})
	b := newBench(t, echoToken, i.options)
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, b.base+"/x", nil)
	first := make(chan struct{})
	go func() {
		defer close(first)
		if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
			resp.Body.Close()
			t.Error("the first request was answered")
		}
	}()
	for i.inside.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	second := make(chan string)
	go func() {
		_, got := b.ask("GET", b.base+"/x")
		second <- got
	}()
	cancel()
	<-first
	if rec := b.record(0); rec.Status != 0 || rec.Err == nil {
		t.Errorf("record %+v", rec)
	}
	close(i.hold)
	if got := <-second; got != "token-1" {
		t.Errorf("got %s", got)
	}
}

// A token that the API takes for no good one is replaced once, where the request can be
// made again; and not for every request of an API that takes none.
func TestStaleTokens(t *testing.T) {
	i := newIssuer()
	good := "token-2"
	calls := 0
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		if r.Header.Get("Authorization") != "Bearer "+good {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, "no")
			return
		}
		fmt.Fprint(w, "yes")
	}, i.options)
	step := func(name, method string, body string, later time.Duration, status, wantCalls, wantRenewals int) {
		t.Helper()
		i.change(func() { i.now = i.now.Add(later) })
		before := calls
		r, _ := http.NewRequest(method, b.base+"/x", strings.NewReader(body))
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status || calls-before != wantCalls || i.renewals != wantRenewals {
			t.Errorf("%s: %d, %d calls, %d renewals; want %d, %d, %d", name, resp.StatusCode, calls-before, i.renewals, status, wantCalls, wantRenewals)
		}
	}
	step("a body", "PUT", "x", 0, 401, 1, 0)
	step("a POST", "POST", "", 0, 401, 1, 0)
	step("a GET", "GET", "", 0, 200, 2, 1)
	if rec := b.record(2); !rec.Renewed || rec.Status != 200 {
		t.Errorf("record %+v", rec)
	}
	step("with the new one", "POST", "x", 0, 200, 1, 1)
	good = "none"
	step("at once", "GET", "", time.Second, 401, 1, 1)
	step("later", "DELETE", "", time.Minute, 401, 2, 2)
	step("at once again", "GET", "", time.Second, 401, 1, 2)
	i.change(func() { i.stuck = true })
	step("the same token again", "GET", "", time.Minute, 401, 1, 3)
	i.change(func() { i.fail = fault.New(fault.Network, "down") })
	step("no token to be had", "GET", "", time.Minute, 401, 1, 3)
}

// Of many requests with one stale token, one gets another, and all use it.
func TestManyStaleRequestsShareARenewal(t *testing.T) {
	i := newIssuer()
	var arrived sync.WaitGroup
	arrived.Add(20)
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-1" {
			arrived.Done()
			arrived.Wait()
			w.WriteHeader(http.StatusUnauthorized)
		}
	}, i.options)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if resp, _ := b.ask("GET", b.base+"/x"); resp.StatusCode != http.StatusOK {
				t.Errorf("status %d", resp.StatusCode)
			}
		})
	}
	all.Wait()
	if i.renewals != 1 {
		t.Errorf("%d renewals", i.renewals)
	}
}

// Without a login there is an answer that says so, and the relay says once that it is
// over.
func TestTheLoginEnds(t *testing.T) {
	i := newIssuer()
	ended := make(chan error, 10)
	b := newBench(t, echoToken, i.options, func(o *relay.Options) { o.OnEnd = func(err error) { ended <- err } })
	b.ask("GET", b.base+"/x")
	i.change(func() {
		i.now = i.now.Add(2 * time.Hour)
		i.fail = fault.New(fault.Login, "the login has ended").WithHint("log in: gatepass login")
	})
	for range 2 {
		resp, body := b.ask("GET", b.base+"/x")
		if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "the login has ended") || !strings.Contains(body, "gatepass login") || resp.Header.Get("Proxy-Status") == "" {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	if err := <-ended; err == nil || len(ended) != 0 {
		t.Errorf("told %v, and %d times more", err, len(ended))
	}
}
