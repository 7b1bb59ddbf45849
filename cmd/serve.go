package cmd

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"gatepass/pkg/fault"
)

// grace is how long requests under way may take once a server is told to stop.
const grace = 3 * time.Second

// listen opens a loopback or other address for a server of ours.
func listen(ctx context.Context, address string) (net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
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
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// "OPTIONS *" is for the handler to answer: a gateway has no open door.
		DisableGeneralOptionsHandler: true,
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		return srv.Close()
	}
	return nil
}
