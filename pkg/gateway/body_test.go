package gateway_test

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/gateway"
)

// An upstream that answers before it has read everything gets the whole body all the
// same, as it was sent.
func TestAnswerBeforeTheBodyIsRead(t *testing.T) {
	sums := make(chan string, 1)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		_ = c.EnableFullDuplex()
		_, _ = io.ReadFull(r.Body, make([]byte, 1))
		w.WriteHeader(http.StatusOK)
		_ = c.Flush()
		h := sha256.New()
		n, err := io.Copy(h, r.Body)
		sums <- fmt.Sprintf("%d %x %v", n+1, h.Sum(nil), err)
		_, _ = io.WriteString(w, "done")
	}))
	t.Cleanup(up.Close)
	o := options(new(tokens), 0)
	o.Integration.Upstream = parse(t, up.URL)
	s := serve(t, o)
	body := make([]byte, 4<<20)
	_, _ = rand.Read(body)
	want := fmt.Sprintf("%d %x <nil>", len(body), sha256.Sum256(body[1:]))
	for _, known := range []bool{true, false} {
		r, w := io.Pipe()
		req, _ := http.NewRequest(http.MethodPost, s.URL+"/x", r)
		if known {
			req.ContentLength = int64(len(body))
		}
		req.Header.Set("Authorization", "allow")
		go func() {
			_, _ = w.Write(body[:1<<20])
			_, _ = w.Write(body[1<<20:])
			_ = w.Close()
		}()
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || string(answer) != "done" {
			t.Errorf("length known %t: %q, %v", known, answer, err)
		}
		if got := <-sums; got != want {
			t.Errorf("length known %t: the upstream read %s, want %s", known, got, want)
		}
	}
}

// The time of an upstream that does not read is not that of a caller that does not send.
func TestCallerThatPauses(t *testing.T) {
	o := options(new(tokens), 0)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(up.Close)
	o.Integration.Upstream, o.Integration.Timeout = parse(t, up.URL), time.Second
	s := serve(t, o)
	r, w := io.Pipe()
	req, _ := http.NewRequest(http.MethodPost, s.URL+"/x", r)
	req.Header.Set("Authorization", "allow")
	go func() {
		_, _ = io.WriteString(w, "before")
		<-time.After(o.Integration.Timeout * 5 / 4)
		_, _ = io.WriteString(w, ", after")
		_ = w.Close()
	}()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || string(body) != "before, after" || err != nil {
		t.Errorf("%d %q, %v", res.StatusCode, body, err)
	}
}

// A body that breaks the rules of HTTP is the caller's mistake, whatever is behind.
func TestBrokenBody(t *testing.T) {
	for name, i := range map[string]gateway.Integration{
		"upstream": {Upstream: upstream(t)}, "echo": {}, "function": {Function: answers(`{"statusCode":200}`)},
	} {
		for _, body := range []string{
			"5\r\nhello\r\nzz\r\n", "5\r\nhelloX", "-1\r\n", "fffffffffffffffff\r\n", "5;" + strings.Repeat("x", 5000) + "\r\nhello\r\n",
		} {
			records := make(chan gateway.Record, 1)
			o := options(new(tokens), 0)
			o.Integration = i
			o.OnRequest = func(r *gateway.Record) { records <- *r }
			s := serve(t, o)
			// What follows the body must not be taken for a request.
			answer := cut(t, s.URL, "POST /x HTTP/1.1\r\nHost: x\r\nAuthorization: allow\r\nTransfer-Encoding: chunked\r\n\r\n"+body+
				"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
			if !strings.HasPrefix(answer, "HTTP/1.1 400 ") || !strings.HasSuffix(answer, `{"message":"Bad Request"}`) || !strings.Contains(answer, "Connection: close") ||
				!strings.Contains(answer, "x-amzn-RequestId: ") {
				t.Errorf("%s, %.20q: %s", name, body, answer)
			}
			if rec := <-records; rec.Status != http.StatusBadRequest || !strings.Contains(rec.Reason, "the body of the request is broken") || rec.Backend != nil {
				t.Errorf("%s, %.20q: record %+v", name, body, rec)
			}
		}
	}
}

// cut is raw for connections that end before all that was sent is read.
func cut(t testing.TB, server, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", parse(t, server).Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, request)
	answer, _ := io.ReadAll(c)
	return string(answer)
}

// A caller that leaves in the middle of its body is no failure of the upstream.
func TestCallerLeavesInItsBody(t *testing.T) {
	records := make(chan gateway.Record, 1)
	o := options(new(tokens), 0)
	o.Integration.Upstream = upstream(t)
	o.OnRequest = func(r *gateway.Record) { records <- *r }
	s := serve(t, o)
	c, err := net.Dial("tcp", parse(t, s.URL).Host)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "POST /x HTTP/1.1\r\nHost: x\r\nAuthorization: allow\r\nContent-Length: 100\r\n\r\nhalf")
	_ = c.Close()
	if rec := <-records; rec.Status != http.StatusBadRequest && rec.Status != 499 {
		t.Errorf("record %+v", rec)
	}
}
