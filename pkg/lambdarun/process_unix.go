//go:build !windows

package lambdarun

import (
	"os/exec"
	"syscall"
)

// group is a process with all that it started. What has left its process group, as
// daemons do, is not in it.
type group struct{ leader int }

// newGroup makes the process that is about to start the leader of a group: an
// interrupt on the terminal does not reach it, and all of the group can be killed at
// once.
func newGroup(c *exec.Cmd) (*group, error) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithUs(c.SysProcAttr)
	return &group{}, nil
}

// adopt takes the process, which has just been started.
func (g *group) adopt(c *exec.Cmd) error {
	g.leader = c.Process.Pid
	return nil
}

func (g *group) kill() {
	_ = syscall.Kill(-g.leader, syscall.SIGKILL) // of a group that is gone already
}

func (g *group) release() {}
