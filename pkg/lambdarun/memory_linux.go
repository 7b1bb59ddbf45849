package lambdarun

import "golang.org/x/sys/unix"

// reserved is how much more than its memory a process may allocate, in MB: the stacks of
// 150 threads, 8 MB each, of which next to nothing is used. UV_THREADPOOL_SIZE may be 128.
const reserved = 1200

// limitMemory bounds what a process may allocate (getrlimit(2), RLIMIT_DATA). What
// threads reserve counts here, and not in Lambda: it gets room of its own. A process
// that is gone already needs no limit, and one that may have less keeps that.
func limitMemory(pid, megabytes int) {
	most := uint64(megabytes+reserved) << 20 //nolint:gosec // New has checked it
	_ = unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most}, nil)
}
