package cmd

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// Every request reaches the handler, those too that Go's server would answer by
// itself: a gateway that is asked "OPTIONS *" must not say 200 for nobody.
func TestServeLeavesNothingOpen(t *testing.T) {
	ln, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, ln, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	}()
	for _, line := range []string{"OPTIONS *", "GET /", "TRACE /", "CONNECT a.test:443", "GET http://evil.example/"} {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", line)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != http.StatusTeapot {
			t.Errorf("%s: %v, %v", line, res, err)
		}
		if err == nil {
			res.Body.Close()
		}
		c.Close()
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
