package cmd

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/view"
)

// statusCommand has the flags of "gatepass status".
type statusCommand struct {
	app           *App
	settings      settings
	minTTL        time.Duration
	check, prompt bool
}

func newStatus(app *App) *cobra.Command {
	t := &statusCommand{app: app.cleaned()}
	c := &cobra.Command{
		Use:   "status",
		Short: "Say who is logged in, until when, with which profile and why",
		Long: `Status says who is logged in with a profile and until when, and which profile
that is and why. It asks nobody: it needs no network, no keyring and no token.

It exits with 0 if somebody is logged in and with 4 if nobody is. A login whose
access token has expired counts while it can be renewed, which the next command
that needs a token does; with --min-ttl the token itself must be good for so
long.

--check says nothing and only exits. --prompt prints a few words for the prompt of
a shell, and nothing where no issuer is set:
  dev: ada@example.com 42m      good for 42 minutes
  dev: ada@example.com renews   expired, and renewed when it is needed
  dev: logged out`,
		Example: `  gatepass status
  gatepass status --check --min-ttl 10m || gatepass login
  PS1='$(gatepass status --prompt 2>/dev/null) \$ '`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return t.run(wantJSON(c)) },
	}
	f := c.Flags()
	f.DurationVar(&t.minTTL, "min-ttl", 0, "count only a token that is good for this `time` more")
	f.BoolVar(&t.check, "check", false, "print nothing, answer by the exit code")
	f.BoolVar(&t.prompt, "prompt", false, "print a few words for the prompt of a shell")
	t.settings.bind(c, config.Login)
	return c
}

func (t *statusCommand) run(asJSON bool) error {
	if t.check && t.prompt || (t.check || t.prompt) && asJSON {
		return fault.New(fault.Usage, "give one of --check, --prompt and --json")
	}
	if t.minTTL < 0 {
		return fault.New(fault.Usage, "--min-ttl must not be negative")
	}
	p, err := t.settings.load(t.app)
	if err != nil {
		return err
	}
	result, err := newSession(t.app).status(p, t.minTTL)
	if err != nil {
		return err
	}
	if err := t.print(p, result, asJSON); err != nil {
		return err
	}
	if result.LoggedIn {
		return nil
	}
	return fault.Quiet(fault.Login)
}

func (t *statusCommand) print(p *config.Profile, result view.Session, asJSON bool) error {
	switch {
	case t.check:
		return nil
	case t.prompt:
		if p.Issuer == "" {
			return nil
		}
		return printLine(t.app, view.Prompt(result, t.app.Now()))
	}
	if err := t.app.printSession(result, asJSON); err != nil {
		return err
	}
	if !result.LoggedIn && !asJSON {
		fmt.Fprintf(t.app.IO.Err, "hint: %s\n", loginCommand(p))
	}
	return nil
}
