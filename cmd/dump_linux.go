package cmd

import "golang.org/x/sys/unix"

// noDumps keeps the memory of this process, which may have tokens in it, out of
// core dumps, and out of reach of debuggers that this user did not start as an
// administrator. Unlike a limit of core files of no length it holds where dumps go
// to a program. It takes half a microsecond. The returned function is to be called
// before the process becomes another program: here that takes it away by itself,
// and programs that are started do not inherit it.
func noDumps() (undo func()) {
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // where a sandbox forbids it there is nothing else to do
	return func() {}
}
