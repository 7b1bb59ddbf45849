//go:build !unix

package store

import (
	"io/fs"
	"os"

	"gatepass/pkg/fault"
)

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

// checkPrivate has nothing to look at: on Windows a folder below the user's own
// inherits an access list that names the user, the administrators and the
// system, and mode bits mean nothing.
func checkPrivate(string, fs.FileInfo, fs.FileMode) error { return nil }

// syncDir does nothing: folders cannot be synced here.
func syncDir(string) {}
