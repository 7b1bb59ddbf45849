package cmd

import "github.com/spf13/cobra"

// The commands in the order of "gatepass --help".

func mainCommands(app *App) []*cobra.Command {
	return []*cobra.Command{}
}

func localCommands(app *App) []*cobra.Command {
	return []*cobra.Command{}
}

func setupCommands(app *App) []*cobra.Command {
	return []*cobra.Command{newVersion(app)}
}
