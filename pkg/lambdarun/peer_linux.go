package lambdarun

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
)

// isOwn reports whether the other end of a connection over the loopback interface is
// a process of this user's, by the kernel's table. Where the table cannot be read
// everybody counts.
func isOwn(local, remote net.Addr) bool {
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		return true
	}
	defer func() { _ = f.Close() }() // it was read
	to, from := tableAddress(local), tableAddress(remote)
	return to == "" || from == "" || ownerOf(f, from, to) == strconv.Itoa(os.Getuid())
}

// tableAddress is an IPv4 address as the kernel's table has it: its bytes as a number
// of this machine's, then the port.
func tableAddress(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok || t.IP.To4() == nil {
		return ""
	}
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(t.IP.To4()), t.Port)
}

// ownerOf is the user of the socket that is connected from one address to another
// (proc_net_tcp: local address, remote address, the user in the eighth column).
func ownerOf(table io.Reader, from, to string) string {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 7 && f[1] == from && f[2] == to {
			return f[7]
		}
	}
	return ""
}
