package cmd_test

import (
	"os"
	"syscall"
)

// peakMemory is the largest resident set that a process has had, in bytes.
func peakMemory(p *os.ProcessState) int64 {
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss << 10
	}
	return 0
}
