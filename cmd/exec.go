package cmd

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
)

// tokenVariable is where a program finds the token that it is given.
const tokenVariable = "GATEPASS_TOKEN"

// execCommand has the flags of "gatepass exec".
type execCommand struct {
	app        *App
	settings   settings
	kind, name string
	minTTL     time.Duration
}

func newExec(app *App) *cobra.Command {
	e := &execCommand{app: app}
	c := &cobra.Command{
		Use:   "exec -- COMMAND [ARG...]",
		Short: "Run a command with a fresh token in its environment",
		Long: `Exec runs a command with a token in the environment variable GATEPASS_TOKEN (or
the one of --name), renewed first as "gatepass token" does it. The token is
printed nowhere and is in no argument. There is no shell: the command is a
program with its arguments, as they stand.

The exit code is the command's own. Before the command runs, it is as of
"gatepass token": 4 if a login is needed. Standard input, output, error and
signals are the command's. Secrets of gatepass's own (GATEPASS_CLIENT_SECRET,
GATEPASS_API_KEY) are not handed on.`,
		Example: `  gatepass exec -- ./integration-tests --api https://api.example.com/prod
  gatepass exec --name API_TOKEN --min-ttl 30m -- terraform apply
  gatepass exec -- sh -c 'curl -H "Authorization: Bearer $GATEPASS_TOKEN" "$API"'`,
		Args: positional(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return e.run(c.Context(), args) },
	}
	f := c.Flags()
	f.SetInterspersed(false) // flags after the command are the command's
	f.StringVar(&e.kind, "type", "", "`kind` of token: access or id (default: the one the profile's API wants)")
	f.StringVar(&e.name, "name", tokenVariable, "`name` of the variable")
	f.DurationVar(&e.minTTL, "min-ttl", 0, "the token must be good for this `time` more")
	e.settings.bind(c, config.Login, config.Target)
	return c
}

func (e *execCommand) run(ctx context.Context, argv []string) error {
	if err := checkKind(e.kind, e.minTTL); err != nil {
		return err
	}
	if err := checkVariable(e.name); err != nil {
		return err
	}
	path, err := program(argv[0])
	if err != nil {
		return err
	}
	p, err := e.settings.load(e.app)
	if err != nil {
		return err
	}
	if e.kind == "" {
		e.kind = p.API.Token
	}
	value, _, err := newSession(e.app).bearer(ctx, p, e.kind, e.minTTL)
	if err != nil {
		return err
	}
	environ := append(without(os.Environ(), append(secretVariables(), e.name)...), e.name+"="+value.Reveal())
	if e.app.undo != nil {
		e.app.undo()
	}
	return become(path, argv, environ)
}

// program finds a command before anything is done for it.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	var cause *exec.Error
	if errors.As(err, &cause) {
		err = cause.Err
	}
	f := fault.New(fault.Usage, "%q cannot be run: %w", name, err)
	if strings.ContainsAny(name, " \t") {
		return "", f.WithHint("there is no shell: write the program and its arguments apart, or: gatepass exec -- sh -c '...'")
	}
	return "", f
}

// checkVariable checks the name of the variable that is to hold the token. Some
// names make a program do other things than to know a token.
func checkVariable(name string) error {
	if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) {
		return fault.New(fault.Usage, "--name is %q, want the name of a variable: letters, digits and underscores", name)
	}
	switch upper := strings.ToUpper(name); {
	case upper == "PATH", upper == "HOME", upper == "IFS", upper == "ENV", upper == "BASH_ENV",
		strings.HasPrefix(upper, "LD_"), strings.HasPrefix(upper, "DYLD_"):
		return fault.New(fault.Usage, "--name is %q, which means something else to programs", name)
	}
	return nil
}

// without is an environment less some variables.
func without(environ []string, names ...string) []string {
	out := environ[:0:0]
	for _, e := range environ {
		keep := true
		for _, n := range names {
			keep = keep && !strings.HasPrefix(e, n+"=")
		}
		if keep {
			out = append(out, e)
		}
	}
	return out
}
