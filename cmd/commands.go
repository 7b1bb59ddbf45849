package cmd

import "github.com/spf13/cobra"

// The commands in the order of "gatepass --help".

func mainCommands(app *App) []*cobra.Command {
	return []*cobra.Command{
		newLogin(app), newDecode(app), newAuthorize(app), newCall(app),
		newToken(app), newStatus(app), newWhoami(app), newLogout(app),
	}
}

func localCommands(app *App) []*cobra.Command {
	return []*cobra.Command{newDemo(app), newGateway(app), newIDP(app)}
}

func setupCommands(app *App) []*cobra.Command {
	return []*cobra.Command{newConfig(app), newVersion(app)}
}
