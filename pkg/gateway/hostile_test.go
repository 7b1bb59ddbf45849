package gateway_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/gateway"
)

// blunt is an upstream that sends bytes, whatever it is asked.
func blunt(t testing.TB, answer string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 64<<10))
			_, _ = io.WriteString(c, answer)
			if h, ok := c.(*net.TCPConn); ok {
				_ = h.CloseWrite()
			}
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}()
	return "http://" + ln.Addr().String()
}

// behind runs a gateway with an upstream and returns its answer to a request, and
// what it says of it.
func behind(t testing.TB, k apigw.Kind, up string) (string, gateway.Record) {
	t.Helper()
	records := make(chan gateway.Record, 1)
	o := options(new(tokens), 0)
	if k == apigw.HTTP {
		o.API, o.Authorizers = httpTestAPI(), map[string]gateway.Invoke{"policy": httpTokens}
	}
	o.Integration.Upstream, o.Integration.Timeout = parse(t, up), 5*time.Second
	o.OnRequest = func(r *gateway.Record) { records <- *r }
	answer := cut(t, serve(t, o).URL, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: allow\r\nConnection: close\r\n\r\n")
	return answer, <-records
}

// hasEnd reports whether an answer is there to its end.
func hasEnd(answer string) bool {
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.ReadAll(res.Body)
	return err == nil
}

// However an upstream breaks the rules, the caller gets an answer of the gateway or a
// connection that is cut, and never what is not the answer.
func TestUpstreamBreaksTheRules(t *testing.T) {
	const ok = "\r\nContent-Length: 2\r\n\r\nok"
	for name, tc := range map[string]struct {
		up     string
		status string // empty: no answer, or one without its end
		says   string // of the log
	}{
		"no status":      {"HTTP/1.1 000 X" + ok, "504", "status 000"},
		"small status":   {"HTTP/1.1 099 X" + ok, "504", "status 099"},
		"large status":   {"HTTP/1.1 999 X" + ok, "999", ""},
		"negative":       {"HTTP/1.1 -20 X" + ok, "504", "did not answer"},
		"two lengths":    {"HTTP/1.1 200 X\r\nContent-Length: 3" + ok, "504", "did not answer"},
		"garbage":        {"hello\r\n\r\n", "504", "did not answer"},
		"nothing":        {"", "504", "did not answer"},
		"NUL":            {"HTTP/1.1 200 X\r\nX-A: \x00" + ok, "504", "did not answer"},
		"endless header": {"HTTP/1.1 200 X" + strings.Repeat("\r\nX-A: "+strings.Repeat("a", 1000), 1100) + ok, "504", "exceeded"},
		"other protocol": {"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "504", "switch protocol"},
		"too long":       {"HTTP/1.1 200 X" + ok + "HTTP/1.1 200 X" + ok, "200", ""},
		"too short":      {"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nok", "", "the answer of the upstream broke off"},
		"bad chunk":      {"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n", "", "the answer of the upstream broke off"},
		"informational":  {"HTTP/1.1 103 X\r\nX-Evil: 1\r\n\r\nHTTP/1.1 102 X\r\n\r\nHTTP/1.1 200 X" + ok, "200", ""},
	} {
		answer, rec := behind(t, apigw.REST, blunt(t, tc.up))
		got, _, _ := strings.Cut(strings.TrimPrefix(answer, "HTTP/1.1 "), " ")
		if tc.status == "" && !hasEnd(answer) {
			got = ""
		}
		if got != tc.status || strings.Count(answer, "HTTP/1.1") > 1 || strings.Contains(answer, "Evil") {
			t.Errorf("%s: %.300s", name, answer)
		}
		says := rec.Reason
		if rec.Backend != nil {
			says += ": " + rec.Backend.Error()
		}
		if !strings.Contains(says, tc.says) || tc.status == "504" && rec.Status != http.StatusGatewayTimeout {
			t.Errorf("%s: record %d %s", name, rec.Status, says)
		}
	}
}

// The server guesses no content type, and the ids are the gateway's own.
func TestHeadersOfAnswers(t *testing.T) {
	up := blunt(t, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nx-amzn-RequestId: evil\r\nx-amz-apigw-id: evil\r\napigw-requestid: evil\r\nX-Mixed-case: 1\r\n\r\n<html>")
	rest, _ := behind(t, apigw.REST, up)
	for _, want := range []string{"\r\nContent-Type: application/json\r\n", "\r\nx-amzn-Remapped-x-amzn-RequestId: evil\r\n"} {
		if !strings.Contains(rest, want) {
			t.Errorf("no %q in %s", want, rest)
		}
	}
	if n := strings.Count(strings.ToLower(rest), "\r\nx-amz-apigw-id:"); n != 1 || strings.Contains(rest, "apigw-id: evil") {
		t.Errorf("%d ids: %s", n, rest)
	}
	http, _ := behind(t, apigw.HTTP, up)
	if strings.Contains(http, "Content-Type") || strings.Count(strings.ToLower(http), "apigw-requestid") != 1 || strings.Contains(http, "apigw-requestid: evil") {
		t.Errorf("%s", http)
	}
}

// An upstream that does not read a body is given up like one that does not answer.
func TestUpstreamThatDoesNotRead(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() }) // nobody accepts: the system does
	records := make(chan gateway.Record, 1)
	o := options(new(tokens), 0)
	o.Integration.Upstream, o.Integration.Timeout = parse(t, "http://"+ln.Addr().String()), 200*time.Millisecond
	o.OnRequest = func(r *gateway.Record) { records <- *r }
	s := serve(t, o)
	for name, body := range map[string]io.Reader{
		"length":  strings.NewReader(strings.Repeat("x", gateway.MaxBody)),
		"chunked": io.LimitReader(endless{}, gateway.MaxBody),
	} {
		req, _ := http.NewRequest(http.MethodPost, s.URL+"/x", body)
		req.Header.Set("Authorization", "allow")
		start := time.Now()
		res, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			_ = res.Body.Close()
		}
		rec := <-records
		if rec.Status != http.StatusGatewayTimeout || rec.Backend == nil || !strings.Contains(rec.Backend.Error(), "does not read") || time.Since(start) > 10*time.Second {
			t.Errorf("%s: %d %s: %v, after %v", name, rec.Status, rec.Reason, rec.Backend, time.Since(start))
		}
	}
}

// Nor does it help an upstream to take all of a body but its end.
func TestUpstreamThatDoesNotReadTheEnd(t *testing.T) {
	release := make(chan struct{})
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			<-release
		}
	}))
	up.EnableHTTP2 = true
	up.Config.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 1} // so that it has room for one byte
	up.StartTLS()
	t.Cleanup(up.Close)
	t.Cleanup(func() { close(release) })
	records := make(chan gateway.Record, 1)
	o := options(new(tokens), 0)
	o.TLS = up.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	o.Integration.Upstream, o.Integration.Timeout = parse(t, up.URL), 500*time.Millisecond
	o.OnRequest = func(r *gateway.Record) { records <- *r }
	s := serve(t, o)
	call(t, http.MethodGet, s.URL+"/x", "allow") // by which the gateway learns of it
	<-records
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/x", strings.NewReader("hello"))
	req.Header.Set("Authorization", "allow")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if rec := <-records; rec.Status != http.StatusGatewayTimeout || rec.Backend == nil || !strings.Contains(rec.Backend.Error(), "does not read") {
		t.Errorf("%d %s: %v", rec.Status, rec.Reason, rec.Backend)
	}
}

// endless is a text without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// reluctant is a caller that stops reading after a while. It notes the time it is given.
type reluctant struct {
	*httptest.ResponseRecorder
	takes     int
	deadlines []time.Time
}

func (r *reluctant) SetWriteDeadline(t time.Time) error {
	r.deadlines = append(r.deadlines, t)
	return nil
}

func (r *reluctant) WriteString(s string) (int, error) {
	if r.Body.Len() > r.takes {
		return 0, os.ErrDeadlineExceeded
	}
	return r.Body.WriteString(s)
}

// A large answer of a function is not kept for ever for a caller that does not take it;
// one that takes it gets it whole, and the next answer on its connection has its own time.
func TestCallerThatDoesNotRead(t *testing.T) {
	o := options(new(tokens), 0)
	o.Integration.Function = answers(`{"statusCode":200,"body":"` + strings.Repeat("x", 1<<20) + `"}`)
	h, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, takes := range []int{1 << 20, 1 << 19} {
		w := &reluctant{ResponseRecorder: httptest.NewRecorder(), takes: takes}
		req := httptest.NewRequest(http.MethodGet, "/x", nil)
		req.Header.Set("Authorization", "allow")
		h.ServeHTTP(w, req)
		if whole := w.Body.Len() == 1<<20; whole != (takes == 1<<20) {
			t.Errorf("%d of %d bytes came", w.Body.Len(), takes)
		}
		last := len(w.deadlines) - 1
		if last != 4 || !w.deadlines[last].IsZero() || w.deadlines[0].Before(time.Now()) || !w.deadlines[last-1].After(w.deadlines[0]) {
			t.Errorf("its time is %v", w.deadlines)
		}
	}
}
