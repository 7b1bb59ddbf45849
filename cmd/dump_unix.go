//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package cmd

import "golang.org/x/sys/unix"

// noDumps keeps the memory of this process, which may have tokens in it, out of
// core files. Programs that are started inherit that, but for the one that the
// process becomes, before which the returned function is to be called.
func noDumps() (undo func()) {
	var was unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &was) != nil {
		return func() {}
	}
	none := was
	none.Cur = 0 // Max stays, or nobody could undo it
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &none)
	return func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &was) }
}
