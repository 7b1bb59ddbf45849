//go:build !windows

package login

import (
	"errors"
	"syscall"
)

// inUse reports whether somebody else has a port.
func inUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// noFamily reports whether the machine does not have an address family.
func noFamily(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EPROTONOSUPPORT)
}
