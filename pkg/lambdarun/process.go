package lambdarun

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// drainTime is for how long the output of a process is waited for that has ended,
// where something that it started still holds the pipe.
const drainTime = 200 * time.Millisecond

// process is a running process whose output goes to one place.
type process struct {
	cmd    *exec.Cmd
	in     *os.File // its standard input
	exited chan struct{}

	mu    sync.Mutex
	group *group
	gone  bool // it has been waited for: its number may be another's
}

// startProcess starts a program with an environment of its own and in a group of its
// own, so that whatever it starts ends with it. Both its outputs go to sink, through
// one pipe, so that they stay in order.
func startProcess(argv, env []string, dir string, sink *splitter) (*process, error) {
	inRead, inWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		closeAll(inRead, inWrite)
		return nil, err
	}
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), in: inWrite, exited: make(chan struct{})} //nolint:gosec,noctx // the user's own handler; end ends it
	p.cmd.Env, p.cmd.Dir = env, dir
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = inRead, outWrite, outWrite
	err = p.start()
	closeAll(inRead, outWrite)
	if err != nil {
		closeAll(inWrite, outRead)
		return nil, err
	}
	go p.watch(outRead, sink)
	return p, nil
}

// notStarted is why a program did not start, in words where the system's mislead.
func notStarted(err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return errors.New("it is made for another system or processor, or it is a script whose first line does not start with #! and a program")
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("it is gone, or the program that its first line names is missing")
	}
	return err
}

// start starts the program in a group.
func (p *process) start() error {
	var err error
	if p.group, err = newGroup(p.cmd); err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		p.group.release()
		return notStarted(err)
	}
	if err := p.group.adopt(p.cmd); err != nil {
		_ = p.cmd.Process.Kill() // which has done nothing yet
		_ = p.cmd.Wait()
		p.group.release()
		return err
	}
	return nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close() // pipes, of which nothing can be lost
	}
}

// watch reads the output until the process has ended.
func (p *process) watch(out *os.File, sink *splitter) {
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(sink, out) // ends with the pipe
		sink.close()
	}()
	_ = p.cmd.Wait() // how it ended is in ProcessState
	p.kill()
	p.mu.Lock()
	p.gone = true
	p.group.release()
	p.mu.Unlock()
	select {
	case <-read:
	case <-time.After(drainTime):
	}
	_ = out.Close()
	<-read
	_ = p.in.Close()
	close(p.exited)
}

// kill ends the process and its group, and does not wait.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.group.kill()
	}
}

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// end kills the process and waits until it and the goroutines about it are gone.
func (p *process) end() {
	p.kill()
	<-p.exited
}

// exit says how it ended, as Lambda does.
func (p *process) exit() string {
	s := p.cmd.ProcessState
	if s == nil || s.Success() {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + s.String()
}
