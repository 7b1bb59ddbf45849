package login

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// portOwner names the process that listens on a TCP port, as "name, process 4711",
// from what the kernel shows of this user's processes; somebody else's are not
// shown, and give "".
func portOwner(port int) string {
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if f, err := os.Open(table); err == nil {
			listening(f, port, inodes)
			_ = f.Close()
		}
	}
	if len(inodes) == 0 {
		return ""
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		to, err := os.Readlink(link)
		if err != nil || !inodes[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] {
			continue
		}
		dir := filepath.Dir(filepath.Dir(link))
		name, _ := os.ReadFile(filepath.Join(dir, "comm"))
		return fmt.Sprintf("%s, process %s", bytes.TrimSpace(name), filepath.Base(dir))
	}
	return ""
}

// listening reads a table of sockets in the form of proc(5) and adds the inodes of
// those that listen (state 0A) on a port.
func listening(r io.Reader, port int, inodes map[string]bool) {
	want := fmt.Sprintf(":%04X", port)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], want) {
			inodes[f[9]] = true
		}
	}
}

// ownerCommand is the command that says who has a port.
func ownerCommand(port int) string { return fmt.Sprintf("ss -ltnp 'sport = :%d'", port) }
