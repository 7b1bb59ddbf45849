package cmd

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"gatepass/pkg/fault"
)

// grace is how long requests under way may take once a server is told to stop.
const grace = 3 * time.Second

// listen opens a loopback or other address for a server of ours.
func listen(ctx context.Context, address string) (net.Listener, error) {
	if err := ctx.Err(); err != nil { // which listens for signals, too: whoever reads where this serves may send one
		return nil, err
	}
	network := "tcp"
	if strings.HasPrefix(address, "0.0.0.0:") {
		network = "tcp4" // as it says, and not every address of IPv6, too
	}
	ln, err := new(net.ListenConfig).Listen(ctx, network, address)
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		_, port, _ := net.SplitHostPort(address)
		return nil, fault.New(fault.Failed, "%s is in use by another program", address).
			WithHint("find it with: lsof -i :%s   or choose another address: --listen 127.0.0.1:0", port)
	}
	return nil, fault.New(fault.Usage, "cannot listen on %s: %w", address, err).
		WithHint("an address looks like 127.0.0.1:8080; port 0 takes a free one")
}

// reachedAt is the URL of a server of ours on this machine, and whether other
// machines can reach it, too.
func reachedAt(addr net.Addr) (base string, open bool) {
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return "http://" + addr.String(), true
	}
	ip := ap.Addr().Unmap()
	open = !ip.IsLoopback()
	switch {
	case ip.Is4() && ip.IsUnspecified():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case ip.IsUnspecified():
		ip = netip.IPv6Loopback()
	}
	return "http://" + netip.AddrPortFrom(ip, ap.Port()).String(), open
}

// serve runs a handler until the context ends. Requests under way may finish;
// that takes a fresh context, because the one that ended would cut them off.
func serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	return serveTLS(ctx, ln, h, nil)
}

// serveTLS is serve with a certificate, and with HTTP/2; without one it is serve.
func serveTLS(ctx context.Context, ln net.Listener, h http.Handler, secured *tls.Config) error {
	base, over := context.WithCancel(context.WithoutCancel(ctx))
	defer over()
	under := &underWay{Handler: h}
	srv := &http.Server{
		Handler:           under,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// "OPTIONS *" is for the handler to answer: a gateway has no open door.
		DisableGeneralOptionsHandler: true,
		BaseContext:                  func(net.Listener) context.Context { return base },
	}
	run := func() error { return srv.Serve(ln) }
	if secured != nil {
		srv.TLSConfig = secured
		srv.ErrorLog = log.New(io.Discard, "", 0) // a line for each browser that minds the certificate
		run = func() error { return srv.ServeTLS(ln, "", "") }
	}
	done := make(chan error, 1)
	go func() { done <- run() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := srv.Shutdown(stop)
	// Connections that were taken over, such as WebSockets, are not the server's any
	// more: their handlers end them when the context of their request ends.
	over()
	if err != nil {
		err = srv.Close()
	}
	under.wait(lastWords)
	return err
}

// lastWords is how long connections that were taken over have for saying goodbye.
const lastWords = 2 * time.Second

// underWay counts the requests of a handler.
type underWay struct {
	http.Handler
	n atomic.Int64
}

func (u *underWay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.n.Add(1)
	defer u.n.Add(-1)
	u.Handler.ServeHTTP(w, r)
}

// wait waits until there are none, but not for ever.
func (u *underWay) wait(most time.Duration) {
	for end := time.Now().Add(most); u.n.Load() > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
}
