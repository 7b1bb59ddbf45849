//go:build unix

package verify

import (
	"errors"
	"os"
	"syscall"
)

var errForeign = errors.New("not the user's own file")

// openOwn opens a regular file, not through a link, that belongs to the user and
// that nobody else may write to. What was opened is what is looked at.
func openOwn(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		st, ok := info.Sys().(*syscall.Stat_t)
		if !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0 || !ok || int(st.Uid) != os.Geteuid() {
			err = errForeign
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
