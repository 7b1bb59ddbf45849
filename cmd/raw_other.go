//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd

package cmd

import (
	"errors"
	"os"
)

// rawTerminal fails: here a terminal gives whole lines and shows them itself.
func rawTerminal(*os.File) (restore func(), err error) { return nil, errors.ErrUnsupported }
