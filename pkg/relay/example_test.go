package relay_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"gatepass/pkg/relay"
	"gatepass/pkg/secret"
)

// A program that has no token makes a request to an API that wants one.
func ExampleNew() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.Method, r.URL.Path, "with a token:", r.Header.Get("Authorization") == "Bearer a-token")
	}))
	defer api.Close()
	base, _ := url.Parse(api.URL + "/prod")

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	proxy, err := relay.New(relay.Options{
		API: base, Header: "Authorization", Scheme: "Bearer",
		Address: netip.MustParseAddrPort(ln.Addr().String()),
		Secret:  secret.New("in-the-address-0123456789"),
		Bearer: func(context.Context, bool) (relay.Token, error) {
			return relay.Token{Value: secret.New("a-token"), Until: time.Now().Add(time.Hour)}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := &http.Server{Handler: proxy, ReadHeaderTimeout: time.Second}
	go func() { _ = srv.Serve(ln) }()
	defer srv.Close()
	defer proxy.Close()

	for _, path := range []string{"/in-the-address-0123456789/orders", "/orders"} {
		resp, err := http.Get("http://" + ln.Addr().String() + path)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		first, _, _ := strings.Cut(string(body), "\n")
		fmt.Println(resp.StatusCode, first)
	}
	// Output:
	// 200 GET /prod/orders with a token: true
	// 403 {
}
