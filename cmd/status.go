package cmd

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
)

func newStatus(app *App) *cobra.Command {
	var s settings
	var minTTL time.Duration
	c := &cobra.Command{
		Use:   "status",
		Short: "Say who is logged in, until when, with which profile and why",
		Long: `Status says who is logged in with a profile and until when, and which profile
that is and why. It asks nobody: it needs no network and reads no token.

It exits with 0 if somebody is logged in and with 4 if nobody is. A login whose
access token has expired counts while it can be renewed, which the next command
that needs a token does; with --min-ttl the token itself must be good for so long.`,
		Example: `  gatepass status
  gatepass status --min-ttl 10m >/dev/null || gatepass login`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := s.load(app)
			if err != nil {
				return err
			}
			result, err := newSession(app).status(p, minTTL)
			if err != nil {
				return err
			}
			if err := app.printSession(result, wantJSON(c)); err != nil {
				return err
			}
			if result.LoggedIn {
				return nil
			}
			if !wantJSON(c) {
				fmt.Fprintf(app.IO.Err, "hint: %s\n", loginCommand(p))
			}
			return fault.Quiet(fault.Login)
		},
	}
	c.Flags().DurationVar(&minTTL, "min-ttl", 0, "count only a token that is good for this `time` more")
	s.bind(c, config.Login)
	return c
}
