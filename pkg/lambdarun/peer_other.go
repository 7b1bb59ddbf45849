//go:build !linux

package lambdarun

import "net"

// isOwn cannot be told here.
func isOwn(_, _ net.Addr) bool { return true }
