// Package loopback knows which hosts are this machine: where http is safe, and
// where the answer of a login may come to. There is one rule, for every room.
package loopback

import (
	"net/netip"
	"strings"
)

// Is reports whether a host of a URL, without its port, is this machine:
// "localhost" or a loopback address. Names below localhost are not taken: not
// every resolver keeps them on the machine, as RFC 6761 section 6.3 wants it.
func Is(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
