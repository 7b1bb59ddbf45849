//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package cmd

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"gatepass/pkg/crash"
)

// rawTerminal has a terminal give each key as it is typed and show none, until it
// is restored. Ctrl-C and Ctrl-Z stay what they are, and after a Ctrl-Z it is so
// again. Ctrl-\, by which nothing is put in order, restores it, too. It fails for what
// is no terminal, and for one that belongs to another process just now: whoever reads
// from it in the background is stopped.
func rawTerminal(f *os.File) (restore func(), err error) {
	fd := int(f.Fd())
	if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || group != unix.Getpgrp() {
		return nil, os.ErrPermission
	}
	was, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	raw := *was
	raw.Lflag &^= unix.ICANON | unix.ECHO | unix.IEXTEN
	raw.Iflag |= unix.ICRNL
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, setTermios, &raw); err != nil {
		return nil, err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGCONT, syscall.SIGQUIT)
	end := make(chan struct{})
	var mu sync.Mutex // so that nothing is set after it was restored
	go func() {
		_ = crash.Catch(func() {
			for {
				select {
				case <-end:
					return
				case s := <-signals:
					mu.Lock()
					select {
					case <-end:
					default:
						follow(s, fd, was, &raw)
					}
					mu.Unlock()
				}
			}
		})
	}()
	return func() {
		signal.Stop(signals)
		mu.Lock()
		defer mu.Unlock()
		close(end)
		_ = unix.IoctlSetTermios(fd, setTermios, was)
	}, nil
}

// follow sets the terminal again after a SIGCONT, and restores it for a SIGQUIT, which
// then does what it does.
func follow(s os.Signal, fd int, was, raw *unix.Termios) {
	if s == syscall.SIGCONT {
		_ = unix.IoctlSetTermios(fd, setTermios, raw)
		return
	}
	_ = unix.IoctlSetTermios(fd, setTermios, was)
	signal.Reset(syscall.SIGQUIT)
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGQUIT)
}
