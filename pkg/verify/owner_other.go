//go:build !unix

package verify

import (
	"errors"
	"os"
)

var errForeign = errors.New("not a regular file")

// openOwn opens a regular file. On Windows the user's cache directory is the
// user's own by its access list.
func openOwn(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errForeign
	}
	return os.Open(path)
}
