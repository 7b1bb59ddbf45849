package login

import (
	"errors"
	"syscall"
)

// The numbers of Winsock, which package syscall does not name.
const (
	wsaAccess       syscall.Errno = 10013 // also: a port that Windows keeps for itself
	wsaFamily       syscall.Errno = 10047
	wsaInUse        syscall.Errno = 10048
	wsaNotAvailable syscall.Errno = 10049
)

// inUse reports whether somebody else has a port.
func inUse(err error) bool { return errors.Is(err, wsaInUse) || errors.Is(err, wsaAccess) }

// noFamily reports whether the machine does not have an address family.
func noFamily(err error) bool { return errors.Is(err, wsaNotAvailable) || errors.Is(err, wsaFamily) }
