package cmd

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
	"gatepass/pkg/view"
)

// tokenCommand has the flags of "gatepass token".
type tokenCommand struct {
	app          *App
	settings     settings
	kind, format string
	shell, name  string
	minTTL       time.Duration
}

func newToken(app *App) *cobra.Command {
	t := &tokenCommand{app: app}
	c := &cobra.Command{
		Use:   "token",
		Short: "Print a fresh token, for other tools",
		Long: `Token prints the token of a login, for tools that take one. It is renewed first
if it is good for less than a minute, a tenth of its life if that is shorter, or
--min-ttl. It never opens a browser: if nobody is logged in it exits with 4 and
says what to run.

The forms:
  raw         the token alone
  header      the header line by which the profile's API takes it
  json        an object with the token and when it expires
  env         a command that sets GATEPASS_TOKEN (or --name) in a --shell
  netrc       an entry for the API's host, with the token as the password
  curl        a configuration file for curl -K
  kubernetes  an ExecCredential, for kubectl
  aws         an object in the manner of AWS's credential_process: Version,
              Token, Expiration; there are no AWS access keys in it

"gatepass exec" hands the token to a program without printing it.`,
		Example: `  curl -K <(gatepass token --format curl) https://api.example.com/prod/orders
  gatepass token | gatepass decode
  eval "$(gatepass token --format env)"
  gatepass token --format env --shell fish | source
  gatepass token --format env --shell powershell | Invoke-Expression
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
	f.StringVar(&t.format, "format", "raw", "`form` to print it in")
	f.StringVar(&t.shell, "shell", defaultShell(), "`shell` for env: "+strings.Join(view.Shells(), ", "))
	f.StringVar(&t.name, "name", tokenVariable, "`name` of the variable for env")
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
	if t.format == "netrc" { // says where the token goes
		if err := newSession(t.app).mayCall(ctx, p); err != nil {
			return err
		}
	}
	value, until, err := newSession(t.app).bearer(ctx, p, t.kind, t.minTTL)
	if err != nil {
		return err
	}
	return t.print(p, value, until)
}

func (t *tokenCommand) check() error {
	if err := checkKind(t.kind, t.minTTL); err != nil {
		return err
	}
	if err := oneOfThese("--format", t.format, view.Forms()); err != nil {
		return err
	}
	if err := oneOfThese("--shell", t.shell, view.Shells()); err != nil {
		return err
	}
	return checkVariable(t.name)
}

// checkKind checks --type and --min-ttl.
func checkKind(kind string, minTTL time.Duration) error {
	if minTTL < 0 {
		return fault.New(fault.Usage, "--min-ttl must not be negative")
	}
	if kind == "" {
		return nil
	}
	return oneOfThese("--type", kind, []string{"access", "id"})
}

// oneOfThese checks a flag that takes one of a few words.
func oneOfThese(flag, value string, words []string) error {
	if slices.Contains(words, value) {
		return nil
	}
	last := len(words) - 1
	err := fault.New(fault.Usage, "%s is %q, want %s or %s", flag, value, strings.Join(words[:last], ", "), words[last])
	if near := source.Nearest(value, words); near != "" {
		return err.WithHint("did you mean %s?", near)
	}
	return err
}

// print is the one place where a token is meant to be printed.
func (t *tokenCommand) print(p *config.Profile, value secret.String, until time.Time) error {
	h := view.Handout{
		Type: t.kind, Value: value.Reveal(), Expiry: until,
		Field: p.API.Send.Header, Header: p.API.Send.Value(value.Reveal()), API: p.API.URL,
		Name: t.name, Shell: t.shell, ExecInfo: t.app.Getenv("KUBERNETES_EXEC_INFO"),
	}
	text, err := h.Text(t.format)
	if err != nil {
		return fault.New(fault.Failed, "--format %s: %w", t.format, err)
	}
	_, err = io.WriteString(t.app.IO.Out, text)
	return err
}

// defaultShell is the shell that most people of a platform have. It is not asked
// which one calls: SHELL is the login's, and another may be running.
func defaultShell() string {
	if runtime.GOOS == "windows" {
		return "powershell"
	}
	return "sh"
}

func printLine(app *App, s string) error {
	_, err := fmt.Fprintln(app.IO.Out, s)
	return err
}
