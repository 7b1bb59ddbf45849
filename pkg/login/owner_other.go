//go:build !linux && !windows

package login

import "fmt"

// portOwner would name the process that listens on a TCP port. It is not known
// here, which is "": see ownerCommand.
func portOwner(int) string { return "" }

// ownerCommand is the command that says who has a port.
func ownerCommand(port int) string { return fmt.Sprintf("lsof -nP -iTCP:%d -sTCP:LISTEN", port) }
