package lambdarun

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestPeer: a connection of this user's is known, and one of somebody else is not
// taken for it.
func TestPeer(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := ownUser{ln}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if got.RemoteAddr().String() != c.LocalAddr().String() {
		t.Errorf("the connection is from %s", got.RemoteAddr())
	}
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		t.Skip("the kernel shows no table")
	}
	defer f.Close()
	if owner := ownerOf(f, tableAddress(got.RemoteAddr()), tableAddress(got.LocalAddr())); owner != strconv.Itoa(os.Getuid()) {
		t.Errorf("the connection is that of %q", owner)
	}
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 20 4 30 10 -1
   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  4711        0 2 1 0 20 4 30 10 -1
`
	if owner := ownerOf(strings.NewReader(table), "0100007F:C350", "0100007F:1F90"); owner != "4711" {
		t.Errorf("the connection is that of %q", owner)
	}
	if owner := ownerOf(strings.NewReader(table), "0100007F:C351", "0100007F:1F90"); owner != "" {
		t.Errorf("an unknown connection is that of %q", owner)
	}
}
