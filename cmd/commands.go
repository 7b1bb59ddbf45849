package cmd

import "github.com/spf13/cobra"

// entry is a command by the name it is called by.
type entry struct {
	group, name string
	make        func(*App) *cobra.Command
}

// commands are all commands, in the order of "gatepass --help".
func commands() []entry {
	return []entry{
		{"main", "login", newLogin},
		{"main", "decode", newDecode},
		{"main", "authorize", newAuthorize},
		{"main", "call", newCall},
		{"main", "explain", newExplain},
		{"main", "token", newToken},
		{"main", "exec", newExec},
		{"main", "status", newStatus},
		{"main", "whoami", newWhoami},
		{"main", "logout", newLogout},
		{"local", "demo", newDemo},
		{"local", "gateway", newGateway},
		{"local", "idp", newIDP},
		{"local", "proxy", newProxy},
		{"setup", "init", newInit},
		{"setup", "doctor", newDoctor},
		{"setup", "config", newConfig},
		{"setup", "version", newVersion},
	}
}
