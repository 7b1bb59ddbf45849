package login

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The owner of a port that this test has is this test.
func TestPortOwner(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	want := "process " + strconv.Itoa(os.Getpid())
	if got := portOwner(port); !strings.HasSuffix(got, want) {
		t.Errorf("owner %q, want %s", got, want)
	}
	ts, err := parseTargets([]string{"http://127.0.0.1:" + strconv.Itoa(port) + "/cb"})
	if err != nil {
		t.Fatal(err)
	}
	ts[0].at = address{port: -1}
	if _, err := listen(t.Context(), ts); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("listening says %v", err)
	}
	ln.Close()
	if got := portOwner(port); got != "" {
		t.Errorf("a port nobody has is %s's", got)
	}
}

// A gatepass whose sockets the kernel does not show is named all the same.
func TestTwin(t *testing.T) {
	proc := t.TempDir()
	process := func(pid, name, user string) {
		dir := filepath.Join(proc, pid)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{"comm": name + "\n", "status": "Name:\t" + name + "\nUid:\t" + user + "\t0\t0\t0\n"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	process("10", "gatepass", "1000")
	process("11", "gatepass", "1001")
	process("12", "other", "1000")
	if got := twin(proc, "1000", 10); got != "" {
		t.Errorf("there is none, and it is %q", got)
	}
	process("13", "gatepass", "1000")
	if got := twin(proc, "1000", 10); got != "gatepass, most likely process 13" {
		t.Errorf("it is %q", got)
	}
	process("14", "gatepass", "1000")
	if got := twin(proc, "1000", 10); got != "gatepass" {
		t.Errorf("of two, it is %q", got)
	}
}

func FuzzListening(f *testing.F) {
	f.Add("  sl  local_address rem_address   st tx_queue\n   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1\n")
	f.Add("   1: 0BB8 : 0A 0 0 0 0 0 1")
	f.Fuzz(func(t *testing.T, table string) {
		sockets := map[string]string{}
		listening(strings.NewReader(table), 3000, sockets)
		for inode, user := range sockets {
			if !strings.Contains(table, user) || !strings.Contains(table, inode) || !strings.Contains(table, ":0BB8") || !strings.Contains(table, "0A") {
				t.Errorf("%q is listening in %q", inode, table)
			}
		}
	})
}
