package cmd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The names that a server may be called by are those of this machine, and those that
// somebody has said.
func TestCalledAs(t *testing.T) {
	own := &calledAs{}
	open := &calledAs{open: true, more: []string{"host.docker.internal"}}
	all := &calledAs{more: []string{"*"}}
	named := &calledAs{}
	secured, err := (&tlsFlags{https: true}).config(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := named.check("dev.example:8080", "http://idp.example:9998/x"); err != nil {
		t.Fatal(err)
	}
	named.reached(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, secured)
	for _, tc := range []struct {
		c    *calledAs
		host string
		want bool
	}{
		{own, "localhost:8080", true}, {own, "LOCALHOST", true}, {own, "localhost.", true}, {own, "127.0.0.1:1", true}, {own, "[::1]:8080", true}, {own, "[::1]", true},
		{own, "app.localhost:3000", true}, {own, "127.9.9.9", true}, {own, "", true}, {own, "abc123.execute-api.eu-west-1.amazonaws.com", true}, {own, "abc123.execute-api.evil.example", false}, {own, "x.execute-api.amazonaws.com.evil.example", false},
		{own, "evil.example", false}, {own, "evil.example:8080", false}, {own, "localhost.evil.example", false}, {own, "evillocalhost", false}, {own, "127.0.0.1.evil.example", false},
		{own, "192.0.2.1", false}, {own, "0.0.0.0:8080", false}, {own, "2130706433", false}, {own, "localhost:80:80", false}, {own, "localhost@evil.example", false}, {own, "*", false},
		{open, "192.0.2.1:8080", true}, {open, "[2001:db8::1]:8080", true}, {open, "host.docker.internal:8080", true}, {open, "Host.Docker.Internal.", true}, {open, "evil.example", false},
		{all, "evil.example", true},
		{named, "dev.example", true}, {named, "idp.example:9998", true}, {named, "localhost", true}, {named, "other.example", false},
	} {
		if got := tc.c.takes(tc.host); got != tc.want {
			t.Errorf("%+v takes %q: %t", tc.c, tc.host, got)
		}
	}
	for _, bad := range []string{"", "http://x", "x:80", "*.example", "a b"} {
		if (&calledAs{more: []string{bad}}).check("", "") == nil {
			t.Errorf("--allow-host %q is taken", bad)
		}
	}
}

// shout sends a request with a Host and returns the whole answer.
func shout(t *testing.T, address, host string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	fmt.Fprintf(c, "GET /x HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
	answer, err := io.ReadAll(bufio.NewReader(c))
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// A page of another site cannot read what the gateway or the stand-in serve by having
// its own name lead to this machine.
func TestRebinding(t *testing.T) {
	t.Run("gateway", func(t *testing.T) {
		x := newWorld(t, map[string]string{"api.yaml": "kind: http\nstage: $default\nroutes: {GET /x: none}\n"})
		s, _ := x.start("--allow-host", "my.example")
		at := strings.TrimPrefix(s.URL, "http://")
		for host, want := range map[string]string{at: "200", "my.example": "200", "localhost": "200", "evil.example:8080": "421", "evil\u00e4": "400"} {
			if answer := shout(t, at, host); !strings.HasPrefix(answer, "HTTP/1.1 "+want+" ") {
				t.Errorf("%s: %s", host, answer)
			}
		}
		if log := x.errs.String(); !strings.Contains(log, `"status":421`) || !strings.Contains(log, "--allow-host evil.example") {
			t.Errorf("the log: %s", log)
		}
	})
	t.Run("idp", func(t *testing.T) {
		r, w := io.Pipe()
		errs := new(lockedBuffer)
		c := newIDP(testApp(t, w, errs))
		c.Flags().Bool("json", false, "")
		c.SetArgs([]string{"--listen", "127.0.0.1:0"})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.ExecuteContext(ctx) }()
		line, err := bufio.NewReader(r).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, r) }()
		_, url, _ := strings.Cut(line, "http://")
		at, _, _ := strings.Cut(url, "/")
		if answer := shout(t, at, "evil.example"); !strings.HasPrefix(answer, "HTTP/1.1 421 ") || !strings.Contains(errs.String(), "evil.example") {
			t.Errorf("%s; log %s", answer, errs)
		}
		if answer := shout(t, at, at); strings.HasPrefix(answer, "HTTP/1.1 421 ") {
			t.Error(answer)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Text of the request stays text.
func TestMisdirectedAnswer(t *testing.T) {
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Host = "<script>\"" + strings.Repeat("x", 1000)
	new(calledAs).guard(nil, nil).ServeHTTP(rec, req)
	if body := rec.Body.String(); rec.Code != http.StatusMisdirectedRequest || len(body) > 600 || strings.Contains(body, "<script>") {
		t.Errorf("%d %s", rec.Code, body)
	}
}

// A gateway whose upstream is itself would ask itself for ever.
func TestGatewayIsNotItsOwnUpstream(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := ln.Addr().String()
	_ = ln.Close()
	_, port, _ := net.SplitHostPort(at)
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0"} {
		x := newWorld(t, map[string]string{"api.yaml": "kind: http\nroutes: {GET /x: none}\nintegration: http://" + host + ":" + port + "\n"})
		if err := x.refused("--listen", at); err == nil || !strings.Contains(err.Error(), "the gateway itself") {
			t.Errorf("%s: %v", host, err)
		}
	}
}
