//go:build !linux && !windows

package lambdarun

import "syscall"

// dieWithUs does nothing where the system cannot: a process that hangs stays when
// this one is killed, and any other one sees the end of its input and ends.
func dieWithUs(*syscall.SysProcAttr) {}
