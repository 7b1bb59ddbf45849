package lambdarun

import "syscall"

// dieWithUs has a process killed when this one is killed, even if it hangs and sees
// nothing of it. The kernel looks at the thread that started it, not at the process.
// Threads of Go end early only under goroutines that have locked them, of which there
// are none here; were there one, the process would be replaced like any that ends.
func dieWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
