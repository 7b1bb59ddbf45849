package cmd

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"

	"gatepass/pkg/fault"
)

// become runs the program and takes over its exit code. Windows gives Ctrl-C to
// every process of a console, so that it is the program's to act on.
func become(path string, argv, environ []string) error {
	signal.Ignore(os.Interrupt)
	c := exec.Command(path, argv[1:]...) //nolint:gosec,noctx // the user's command, and it ends by itself
	c.Env, c.Stdin, c.Stdout, c.Stderr = environ, os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return fault.Quiet(fault.Kind(exit.ExitCode()))
	}
	return fault.New(fault.Usage, "%s cannot be run: %w", argv[0], err)
}
