//go:build !windows

package cmd

import (
	"errors"
	"syscall"

	"gatepass/pkg/fault"
)

// become makes this process the program: its exit code, its signals and its
// streams are the process's from then on, and there is nobody left to pass them on.
func become(path string, argv, environ []string) error {
	err := syscall.Exec(path, argv, environ) //nolint:gosec // to run the user's command is what it is for
	if errors.Is(err, syscall.E2BIG) {
		return fault.New(fault.Failed, "%s cannot be run: its arguments and environment are too long, with the token among them", argv[0])
	}
	return fault.New(fault.Usage, "%s cannot be run: %w", argv[0], err)
}
