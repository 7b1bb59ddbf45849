package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
)

// settings are the flags by which a command is told which issuer, client, API
// and authorizer to work with, and what they, the environment and the settings
// files make together.
type settings struct {
	flags *pflag.FlagSet // those of the settings alone
}

// bind adds --profile and the flags of the given areas to a command; without
// areas, of all but Person. Those of the network are always among them. In the
// command's help they stand below its own flags.
func (s *settings) bind(c *cobra.Command, areas ...config.Area) {
	s.flags = pflag.NewFlagSet("settings", pflag.ContinueOnError)
	s.flags.SortFlags = false
	s.flags.String("profile", "", "`name` of a profile in the settings files")
	for _, st := range config.Flags() {
		switch {
		case st.Area == config.Person && !slices.Contains(areas, st.Area):
		case len(areas) > 0 && st.Area != config.Network && !slices.Contains(areas, st.Area):
		case st.List:
			listVar(s.flags, new([]string), st.Flag, "", st.Help)
		default:
			s.flags.String(st.Flag, "", st.Help)
		}
	}
	c.Flags().AddFlagSet(s.flags)
	c.SetUsageFunc(s.usage)
}

// load merges flags, environment and files into one profile. Requests of the app
// trust the profile's certificates from then on.
func (s *settings) load(app *App) (*config.Profile, error) {
	home := app.Getenv("HOME")
	if home == "" {
		home = app.Getenv("USERPROFILE")
	}
	p, err := config.Load(config.Sources{
		Flag:    s.given,
		Getenv:  app.Getenv,
		Dir:     app.Dir,
		Home:    home,
		UserDir: app.ConfigDir,
	})
	if err != nil {
		return nil, err
	}
	return p, app.trust(p.CAFiles)
}

// given returns the values of a flag that was given.
func (s *settings) given(name string) ([]string, bool) {
	if s.flags == nil {
		return nil, false
	}
	f := s.flags.Lookup(name)
	if f == nil || !f.Changed {
		return nil, false
	}
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice(), true
	}
	return []string{f.Value.String()}, true
}

// usage prints a command's usage with the flags of the settings apart.
func (s *settings) usage(c *cobra.Command) error {
	var own pflag.FlagSet
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if s.flags.Lookup(f.Name) == nil {
			own.AddFlag(f)
		}
	})
	w := c.OutOrStderr()
	fmt.Fprintf(w, "Usage:\n  %s\n", c.UseLine())
	if c.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", strings.TrimRight(c.Example, "\n"))
	}
	fmt.Fprintf(w, "\nFlags:\n%s", own.FlagUsagesWrapped(helpWidth))
	fmt.Fprintf(w, "\nSettings, instead of those in %s and GATEPASS_... variables:\n%s",
		config.FileName, s.flags.FlagUsagesWrapped(helpWidth))
	fmt.Fprintf(w, "\nGlobal flags:\n%s", c.InheritedFlags().FlagUsagesWrapped(helpWidth))
	return nil
}

// helpWidth is how wide help is, in columns.
const helpWidth = 80

// secretVariable holds the client secret. There is no flag for it, because
// everybody on the machine sees the arguments of a process.
const secretVariable = "GATEPASS_CLIENT_SECRET"

// secretCommandLimit is how long the program that prints the client secret may
// take: long enough for somebody to unlock a password manager.
const secretCommandLimit = time.Minute

// maxSecret is the longest client secret that is taken, in bytes.
const maxSecret = 64 << 10

// hasSecret reports whether there is somewhere to get the client secret from.
func hasSecret(app *App, p *config.Profile) bool {
	return app.Getenv(secretVariable) != "" || len(p.ClientSecretCommand) > 0
}

func noSecret(p *config.Profile) error {
	return fault.New(fault.Usage, "client authentication %s needs a client secret", p.ClientAuth).
		WithHint("give it in %s, or name a program that prints it in your own settings: client_secret_command: [pass, show, onelogin]", secretVariable)
}

// lookUpSecret returns the client secret of the environment, or the one that the
// profile's program prints. The redactor learns of it.
func lookUpSecret(ctx context.Context, app *App, p *config.Profile) (secret.String, error) {
	s := secret.New(app.Getenv(secretVariable))
	switch {
	case !s.IsZero():
	case len(p.ClientSecretCommand) > 0:
		var err error
		if s, err = runSecretCommand(ctx, app.IO.Err, p); err != nil {
			return secret.String{}, err
		}
	default:
		return secret.String{}, noSecret(p)
	}
	app.Secrets.Add(s, secret.Basic(p.ClientID, s))
	return s, nil
}

// runSecretCommand runs the profile's program without a shell and takes what it
// prints, less the line's end.
func runSecretCommand(ctx context.Context, stderr io.Writer, p *config.Profile) (secret.String, error) {
	ctx, cancel := context.WithTimeout(ctx, secretCommandLimit)
	defer cancel()
	name := "client_secret_command (" + p.Origin("client_secret_command").String() + ")"
	// A program that goes on printing would wait for a reader for ever.
	out := &capped{max: maxSecret, full: cancel}
	c := exec.CommandContext(ctx, p.ClientSecretCommand[0], p.ClientSecretCommand[1:]...) //nolint:gosec // the user's own settings name it
	c.Stdout, c.Stderr = out, stderr
	c.WaitDelay = time.Second // a grandchild may hold the pipe open
	err := c.Run()
	switch {
	case out.over:
		return secret.String{}, fault.New(fault.Failed, "%s printed more than a secret", name)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return secret.String{}, fault.New(fault.Failed, "%s took longer than %s", name, secretCommandLimit)
	case ctx.Err() != nil:
		return secret.String{}, ctx.Err()
	case err != nil:
		return secret.String{}, fault.New(fault.Failed, "%s: %w", name, err).
			WithHint("try it by itself: %s", strings.Join(p.ClientSecretCommand, " "))
	}
	s := strings.TrimRight(out.buf.String(), "\r\n")
	if s == "" || strings.ContainsAny(s, "\r\n\x00") {
		return secret.String{}, fault.New(fault.Failed, "%s must print one line, the secret", name)
	}
	return secret.New(s), nil
}

// capped is a buffer that takes so much and no more.
type capped struct {
	buf  bytes.Buffer // not embedded: its ReadFrom would take everything
	max  int
	full func() // called when there is more
	over bool
}

func (b *capped) Write(p []byte) (int, error) {
	if b.buf.Len()+len(p) > b.max {
		b.over = true
		b.full()
		return len(p), nil
	}
	return b.buf.Write(p)
}
