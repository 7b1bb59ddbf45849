package cmd

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
)

const long = `Gatepass is for APIs behind AWS API Gateway whose users are in OneLogin. It logs
people in, shows what is inside their tokens, says what the gateway would decide
about a request and why, and makes the request.

Start with "gatepass demo": it shows the whole story on this machine, with
nothing to configure.`

// newRoot makes the tree, or as much of it as the arguments need.
func newRoot(app *App, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:           "gatepass",
		Short:         "Log in, decode, authorize and call APIs behind API Gateway",
		Long:          long,
		Args:          noCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true, // report prints them
		SilenceUsage:  true,
		// Generated documentation must not differ from day to day.
		DisableAutoGenTag: true,
	}
	root.SetIn(app.IO.In)
	root.SetOut(app.IO.Out)
	root.SetErr(app.IO.Err)
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().Bool("json", false, "print the result as JSON")
	root.AddGroup(
		&cobra.Group{ID: "main", Title: "The main job:"},
		&cobra.Group{ID: "local", Title: "On this machine:"},
		&cobra.Group{ID: "setup", Title: "Set-up:"},
	)
	entries := wanted(args)
	root.CompletionOptions.DisableDefaultCmd = len(entries) == 1 // a command is asked for, and it is another
	for _, e := range entries {
		c := e.make(app)
		c.GroupID = e.group
		root.AddCommand(c)
	}
	root.SetHelpCommandGroupID("setup")
	root.SetCompletionCommandGroupID("setup")
	return root
}

// wanted are the commands that arguments may be about: the one they name, where
// they name one, else all. Making a command takes as long as running a small one,
// most of it for its flags.
func wanted(args []string) []entry {
	all := commands()
	first := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	if first < 0 {
		return all
	}
	i := slices.IndexFunc(all, func(e entry) bool { return e.name == args[first] })
	if i < 0 {
		return all
	}
	return all[i : i+1]
}

// noCommand says what an unknown command may have meant.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fault.New(fault.Usage, "there is no command %q", args[0])
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	if near := source.Nearest(args[0], names); near != "" {
		return err.WithHint("did you mean: gatepass %s", near)
	}
	return err.WithHint("gatepass --help lists the commands")
}

// asksJSON reports whether errors are wanted as JSON. The flags may be what is
// wrong, so this looks at the words themselves.
func asksJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

func wantJSON(c *cobra.Command) bool {
	v, err := c.Flags().GetBool("json")
	return err == nil && v
}

func versionLine(version, goVersion, platform string) string {
	return fmt.Sprintf("gatepass %s (%s, %s)\n", version, goVersion, platform)
}

// Tree is the command tree for those who only look at it, such as the writer of
// docs/cli. Its commands must not be run.
func Tree() *cobra.Command {
	streams, _, _ := iostreams.Test("")
	return newRoot(&App{IO: streams, Getenv: func(string) string { return "" }, Now: time.Now, Secrets: new(secret.Redactor)}, nil)
}
