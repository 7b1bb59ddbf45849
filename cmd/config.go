package cmd

import (
	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/view"
)

func newConfig(app *App) *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "config",
		Short: "Show the settings, each with where it comes from",
		Long: `Config shows which profile is used and why, and each of its settings with where
it comes from. What comes first wins, setting by setting: flags, environment
variables (GATEPASS_ISSUER, GATEPASS_API_URL ...), the project's gatepass.yaml
(looked for from the working directory up to the repository's root), the user's
own, the defaults.`,
		Example: `  gatepass config
  gatepass config --profile staging --json`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := s.load(app)
			if err != nil {
				return err
			}
			result := configResult(p, app.Getenv)
			if wantJSON(c) {
				return view.JSON(app.IO.Out, result)
			}
			out := view.NewPrinter(app.IO.Out, app.IO.OutColor, app.IO.Width, app.Now)
			out.Config(result)
			return out.Err()
		},
	}
	s.bind(c)
	return c
}

// configResult is the profile as it is shown. The client secret is in it for
// where it comes from, not for what it is.
func configResult(p *config.Profile, getenv func(string) string) view.Config {
	r := view.Config{SchemaVersion: 1, Profile: p.Name, Why: p.Why, Profiles: p.Known}
	for _, f := range p.Files {
		r.Files = append(r.Files, view.ConfigFile{Source: f.Kind.String(), Path: f.Path, Found: f.Found})
	}
	for _, v := range p.Values {
		s := view.Setting{Key: v.Key, List: v.List, Values: v.Values, Source: v.Origin.Kind.String(), Name: v.Origin.Name, Line: v.Origin.Line, From: v.Origin.String()}
		if v.Key == "client_secret_command" && getenv(secretVariable) != "" {
			r.Settings = append(r.Settings, view.Setting{
				Key: "client_secret", Values: []string{"[redacted]"},
				Source: config.Environment.String(), Name: secretVariable, From: "environment " + secretVariable,
			})
		}
		r.Settings = append(r.Settings, s)
	}
	return r
}
