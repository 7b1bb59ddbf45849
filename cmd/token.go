package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/view"
)

// tokenCommand has the flags of "gatepass token".
type tokenCommand struct {
	app          *App
	settings     settings
	kind, format string
	minTTL       time.Duration
}

func newToken(app *App) *cobra.Command {
	t := &tokenCommand{app: app}
	c := &cobra.Command{
		Use:   "token",
		Short: "Print a fresh token, for other tools",
		Long: `Token prints the token of a login, for tools that take one. It is renewed first
if it is good for less than a minute (or than --min-ttl). It never opens a
browser: if nobody is logged in it exits with 4 and says what to run.`,
		Example: `  curl -H "$(gatepass token --format header)" https://api.example.com/prod/orders
  gatepass token | gatepass decode
  TOKEN=$(gatepass token --min-ttl 10m)`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if wantJSON(c) && !c.Flags().Changed("format") {
				t.format = "json"
			}
			return t.run(c.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&t.kind, "type", "", "`kind` of token: access or id (default: the one the profile's API wants)")
	f.StringVar(&t.format, "format", "raw", "`form` to print it in: raw, header or json")
	f.DurationVar(&t.minTTL, "min-ttl", 0, "the token must be good for this `time` more")
	t.settings.bind(c)
	return c
}

func (t *tokenCommand) run(ctx context.Context) error {
	if err := t.check(); err != nil {
		return err
	}
	p, err := t.settings.load(t.app)
	if err != nil {
		return err
	}
	if t.kind == "" {
		t.kind = p.API.Token
	}
	value, until, err := newSession(t.app).bearer(ctx, p, t.kind, t.minTTL)
	if err != nil {
		return err
	}
	return t.print(p, value, until)
}

func (t *tokenCommand) check() error {
	switch {
	case t.kind != "" && t.kind != "access" && t.kind != "id":
		return fault.New(fault.Usage, "--type is %q, want access or id", t.kind)
	case t.format != "raw" && t.format != "header" && t.format != "json":
		return fault.New(fault.Usage, "--format is %q, want raw, header or json", t.format)
	case t.minTTL < 0:
		return fault.New(fault.Usage, "--min-ttl must not be negative")
	}
	return nil
}

// print is the one place where a token is meant to be printed.
func (t *tokenCommand) print(p *config.Profile, value secret.String, until time.Time) error {
	switch t.format {
	case "header":
		return printLine(t.app, p.API.Send.Header+": "+p.API.Send.Value(value.Reveal()))
	case "json":
		v := view.Token{SchemaVersion: 1, Type: t.kind, Token: value.Reveal(), TokenType: "Bearer"}
		if !until.IsZero() {
			at := until.UTC()
			v.ExpiresAt = &at
		}
		return view.JSON(t.app.IO.Out, v)
	}
	return printLine(t.app, value.Reveal())
}

func printLine(app *App, s string) error {
	_, err := fmt.Fprintln(app.IO.Out, s)
	return err
}
