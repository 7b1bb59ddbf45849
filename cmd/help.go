package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gatepass/pkg/config"
)

// flagGroup is flags that belong together in a command's help.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// groupedUsage prints a command's usage with its flags in groups. Flags that are
// in none of them come after the groups, those of the settings after those.
func (s *settings) groupedUsage(groups []flagGroup) func(*cobra.Command) error {
	return func(c *cobra.Command) error {
		w := c.OutOrStderr()
		fmt.Fprintf(w, "Usage:\n  %s\n", c.UseLine())
		if c.HasExample() {
			fmt.Fprintf(w, "\nExamples:\n%s\n", strings.TrimRight(c.Example, "\n"))
		}
		more := group()
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if s.flags.Lookup(f.Name) == nil && !inGroups(groups, f.Name) {
				more.AddFlag(f)
			}
		})
		for _, g := range groups {
			printFlags(w, g.title, g.flags)
		}
		printFlags(w, "More", more)
		printFlags(w, "Settings, instead of those in "+config.FileName+" and GATEPASS_... variables", s.flags)
		printFlags(w, "Global flags", c.InheritedFlags())
		return nil
	}
}

func inGroups(groups []flagGroup, name string) bool {
	for _, g := range groups {
		if g.flags.Lookup(name) != nil {
			return true
		}
	}
	return false
}

func printFlags(w io.Writer, title string, fs *pflag.FlagSet) {
	if fs.HasAvailableFlags() {
		fmt.Fprintf(w, "\n%s:\n%s", title, fs.FlagUsagesWrapped(helpWidth))
	}
}
