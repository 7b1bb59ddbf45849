package lambdarun

import (
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// group is a job: a process with all that it starts. It ends with the handle, so
// that nothing is left when this process is killed.
type group struct{ job windows.Handle }

func newGroup(c *exec.Cmd) (*group, error) {
	// An interrupt of the console does not reach it.
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, err
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		_ = windows.CloseHandle(job) // nobody is in it
		return nil, err
	}
	return &group{job}, nil
}

// adopt takes the process, which has just been started. It has not had the time to
// start others: it waits for its shim to be read.
func (g *group) adopt(c *exec.Cmd) error {
	p, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(c.Process.Pid))
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(p) }() // the job has its own
	return windows.AssignProcessToJobObject(g.job, p)
}

func (g *group) kill() {
	_ = windows.TerminateJobObject(g.job, 1) // of a group that is gone already
}

func (g *group) release() { _ = windows.CloseHandle(g.job) } // which ends what is left
