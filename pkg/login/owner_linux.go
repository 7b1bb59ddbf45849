package login

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portOwner names the process that listens on a TCP port, as "name, process 4711",
// from what the kernel shows of this user's processes; somebody else's are not
// shown, and give "".
func portOwner(port int) string {
	sockets := map[string]string{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if f, err := os.Open(table); err == nil {
			listening(f, port, sockets)
			_ = f.Close()
		}
	}
	if len(sockets) == 0 {
		return ""
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		to, err := os.Readlink(link)
		if err != nil || sockets[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] == "" {
			continue
		}
		dir := filepath.Dir(filepath.Dir(link))
		return commandOf(dir) + ", process " + filepath.Base(dir)
	}
	me := strconv.Itoa(os.Getuid())
	for _, user := range sockets {
		if user == me {
			return twin("/proc", me, os.Getpid())
		}
	}
	return ""
}

// twin names another process of a user's that runs the same program as this one,
// if there is one and no more: gatepass keeps its own memory from being looked at,
// and the kernel hides its sockets then, too.
func twin(proc, user string, self int) string {
	mine := commandOf(filepath.Join(proc, strconv.Itoa(self)))
	dirs, _ := filepath.Glob(filepath.Join(proc, "[0-9]*"))
	found := ""
	for _, dir := range dirs {
		pid := filepath.Base(dir)
		if pid == strconv.Itoa(self) || commandOf(dir) != mine || userOf(dir) != user {
			continue
		}
		if found != "" {
			return mine // one of several
		}
		found = mine + ", most likely process " + pid
	}
	return found
}

// commandOf is the name of a process's program.
func commandOf(dir string) string {
	name, _ := os.ReadFile(filepath.Join(dir, "comm"))
	return string(bytes.TrimSpace(name))
}

// userOf is the number of the user whose a process is.
func userOf(dir string) string {
	status, _ := os.ReadFile(filepath.Join(dir, "status"))
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Uid:" {
			return f[1]
		}
	}
	return ""
}

// listening reads a table of sockets in the form of proc(5) and adds the inodes of
// those that listen (state 0A) on a port, with the number of their user.
func listening(r io.Reader, port int, sockets map[string]string) {
	want := fmt.Sprintf(":%04X", port)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], want) {
			sockets[f[9]] = f[7]
		}
	}
}

// ownerCommand is the command that says who has a port.
func ownerCommand(port int) string { return fmt.Sprintf("ss -ltnp 'sport = :%d'", port) }
