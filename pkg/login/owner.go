package login

// PortOwner names the program that listens on a TCP port of this machine, where
// the system says so to this user, else it is empty; and the command that finds
// out.
func PortOwner(port int) (owner, command string) { return portOwner(port), ownerCommand(port) }
