//go:build !unix && !windows

package store

import (
	"io/fs"
	"os"

	"gatepass/pkg/fault"
)

// createPrivate makes a file that nobody else has.
func createPrivate(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// openNoFollow opens a file for reading, unless it is a symbolic link.
func openNoFollow(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Failed, "it is no ordinary file")
	}
	return os.Open(path)
}

// makePrivateDir makes a folder as the system makes them.
func makePrivateDir(dir string) error { return os.MkdirAll(dir, 0o700) }

// checkPrivate has nothing to look at: here mode bits mean nothing.
func checkPrivate(string, *os.File, fs.FileInfo, fs.FileMode) error { return nil }

// syncDir does nothing: folders cannot be synced here.
func syncDir(string) {}
