package cmd

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gatepass/pkg/fault"
	"gatepass/pkg/source"
)

// flagError turns what the flag parser says into our kind of error.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	e := fault.New(fault.Usage, "%s", err)
	switch {
	case errors.As(err, &unknown):
		if near := source.Nearest(unknown.GetSpecifiedName(), flagNames(c)); near != "" && unknown.GetSpecifiedShortnames() == "" {
			return e.WithHint("did you mean --%s?", near)
		}
	case errors.As(err, &missing):
		_, usage := pflag.UnquoteUsage(missing.GetFlag())
		return fault.New(fault.Usage, "--%s needs a value: %s", missing.GetFlag().Name, usage)
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return fault.New(fault.Usage, "--%s is %q, want %s", f.Name, cutText(invalid.GetValue(), 40), wantedOf(f, invalid))
	}
	return e.WithHint("%s --help lists the flags", c.CommandPath())
}

// wantedOf says what a flag takes.
func wantedOf(f *pflag.Flag, err error) string {
	switch f.Value.Type() {
	case "duration":
		return "a time such as 30s, 10m or 1h"
	case "int", "int64", "uint":
		return "a whole number"
	case "bool":
		return "true or false"
	}
	if inner := errors.Unwrap(err); inner != nil {
		return strings.TrimPrefix(inner.Error(), "want ")
	}
	return "something else"
}

// positional wraps a cobra check of positional arguments: too few or too many is the
// user's mistake, exit 2, with the form of the command as its hint.
func positional(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if check(c, given) == nil {
			return nil
		}
		// The first argument behind those that would do is the one too many.
		for n := len(given) - 1; n >= 0; n-- {
			if check(c, given[:n]) == nil {
				return fault.New(fault.Usage, "%q is more than %s takes", cutText(given[n], 40), c.CommandPath()).WithHint("usage: %s", c.UseLine())
			}
		}
		return fault.New(fault.Usage, "%s needs an argument", c.CommandPath()).WithHint("usage: %s", c.UseLine())
	}
}
