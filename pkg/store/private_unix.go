//go:build unix

package store

import (
	"io/fs"
	"os"
	"syscall"

	"gatepass/pkg/fault"
)

// makePrivateDir makes a folder that this user alone can look into, and those above
// it that are missing.
func makePrivateDir(dir string) error { return os.MkdirAll(dir, 0o700) }

// createPrivate makes a file that nobody else has and this user alone can read.
func createPrivate(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// openNoFollow opens a file for reading, unless it is a symbolic link. It does
// not wait for the other end of a pipe.
func openNoFollow(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
}

// checkPrivate refuses what belongs to, or is open to, somebody else.
func checkPrivate(path string, _ *os.File, info fs.FileInfo, want fs.FileMode) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fault.New(fault.Failed, "%s belongs to another user (%d)", path, st.Uid).
			WithHint("tokens are kept in files of your own only; was gatepass run with sudo? chown it, or remove it")
	}
	if m := info.Mode().Perm(); m&0o077 != 0 {
		return fault.New(fault.Failed, "%s is open to other users (mode %04o)", path, m).
			WithHint("if nobody has used it: chmod %o %s   otherwise log out, and in again", want, path)
	}
	return nil
}

// syncDir makes a rename last through a power cut. Not every file system can,
// and the rename itself has been done.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
