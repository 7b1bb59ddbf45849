package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gatepass/pkg/config"
	"gatepass/pkg/crash"
	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/source"
	"gatepass/pkg/verify"
	"gatepass/pkg/view"
)

func newInit(app *App) *cobra.Command {
	i := &setup{app: app}
	c := &cobra.Command{
		Use:   "init",
		Short: "Make a first gatepass.yaml from your OneLogin subdomain",
		Long: `Init writes gatepass.yaml into the working directory: a profile with your
issuer, client and API. It asks the issuer whether it is one, and you for what
cannot be found out: the subdomain, the client id, the API's URL. What is
given by a flag or a GATEPASS_ variable is not asked for, and with --yes
nothing is.

With --authorizer FILE the profile names that authorizer file, and where there
is none a first one is written: everybody may read, nobody may do anything
else.

Nothing is ever overwritten. Where there is a gatepass.yaml already, the
profile to add to it is printed, and the exit code is 2.`,
		Example: `  gatepass init
  gatepass init --subdomain acme --client-id e0001112-... --yes
  gatepass init --profile prod --subdomain acme --client-id e0001112-... \
    --api-url https://abc123.execute-api.eu-west-1.amazonaws.com/prod \
    --authorizer authorizer.yaml`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return i.run(c.Context(), wantJSON(c)) },
	}
	c.Flags().BoolVarP(&i.yes, "yes", "y", false, "ask nothing: take the flags and the defaults")
	i.settings.bind(c)
	return c
}

// setup is one run of the command.
type setup struct {
	app      *App
	settings settings
	yes      bool

	answers map[string]string // by flag
	path    string            // of the settings file
}

// firstProfile is the name of the profile where no flag says another.
const firstProfile = "dev"

func (i *setup) run(ctx context.Context, asJSON bool) error {
	i.answers, i.path = map[string]string{}, filepath.Join(i.app.Dir, config.FileName)
	name := firstProfile
	if given, ok := i.settings.given("profile"); ok {
		name = given[len(given)-1]
	}
	if !config.ValidName(name) {
		return fault.New(fault.Usage, "%q cannot be the name of a profile", name).
			WithHint("letters, digits, dots, dashes and underscores, 64 at most")
	}
	if i.asks() && i.exists() {
		i.say("%s is there already and stays as it is: what to add to it will be shown", config.FileName)
	}
	s, err := i.starter(ctx, name)
	if err != nil {
		return err
	}
	if i.exists() {
		return i.refuse(s)
	}
	result, err := i.write(s)
	if err != nil {
		return err
	}
	return i.finish(ctx, result, asJSON)
}

// asks reports whether there is somebody to ask.
func (i *setup) asks() bool { return i.app.IO.InTerminal && !i.yes }

func (i *setup) exists() bool {
	_, err := os.Lstat(i.path)
	return err == nil
}

// refuse says what to add to a file that is there already.
func (i *setup) refuse(s config.Starter) error {
	e := fault.New(fault.Usage, "%s is there already and is not changed", config.FileName)
	e.Detail = strings.TrimSuffix(s.Profile(), "\n")
	e.Hint = "to use these settings, add them below profiles: in that file"
	if data, err := os.ReadFile(i.path); err == nil {
		if n, err := source.Parse(config.FileName, data); err == nil && n.Get("profiles").Get(s.Name) != nil {
			e.Hint = fmt.Sprintf("it has a profile %s already: compare, or choose another name with --profile NAME", s.Name)
		}
	}
	return e
}

// starter finds out what is to be written.
func (i *setup) starter(ctx context.Context, name string) (config.Starter, error) {
	p, found, err := i.issuer(ctx)
	if err != nil {
		return config.Starter{}, err
	}
	if p.ClientID == "" {
		if p, err = i.until(ctx, "client-id", "Client ID of the app (OneLogin: Applications, the app, SSO)", ""); err != nil {
			return config.Starter{}, err
		}
	}
	if p.API.URL == "" && i.asks() {
		if p, err = i.until(ctx, "api-url", "Base URL of the API with its stage, or nothing for now", "none"); err != nil {
			return config.Starter{}, err
		}
	}
	return config.Starter{
		Name: name, Issuer: found.Issuer, ClientID: p.ClientID, ClientAuth: p.ClientAuth, RedirectURIs: p.RedirectURIs,
		Scopes: i.scopes(p, found), Resource: p.Resource, API: p.API, Authorizer: filepath.ToSlash(p.Authorizer),
	}, nil
}

// scopes are those that were asked for, or of the default ones those that the
// issuer has.
func (i *setup) scopes(p *config.Profile, found *verify.Provider) []string {
	if p.Origin("scopes").Kind != config.Default || len(found.Scopes) == 0 {
		return p.Scopes
	}
	return slices.DeleteFunc(slices.Clone(p.Scopes), func(s string) bool { return s != "openid" && !slices.Contains(found.Scopes, s) })
}

// issuer finds the issuer, and asks it whether it is one. Somebody at a terminal
// may try again.
func (i *setup) issuer(ctx context.Context) (*config.Profile, *verify.Provider, error) {
	p, err := i.load()
	if err != nil {
		return nil, nil, err
	}
	ask := p.Issuer == ""
	for try := 1; ; try++ {
		if ask {
			if p, err = i.until(ctx, "issuer", "OneLogin subdomain (acme, if you log in at acme.onelogin.com)", ""); err != nil {
				return nil, nil, err
			}
		}
		found, err := i.discover(ctx, p.Issuer)
		if err == nil {
			i.say("found the issuer %s", found.Issuer)
			return p, found, nil
		}
		if !ask || !i.asks() || ctx.Err() != nil || try == tries {
			return nil, nil, err
		}
		i.complain(err)
	}
}

func (i *setup) discover(ctx context.Context, issuer string) (*verify.Provider, error) {
	issuer, note, err := verify.NormalizeIssuer(issuer)
	if err != nil {
		return nil, err
	}
	if note != "" {
		i.say("%s", note)
	}
	return verify.Discover(ctx, i.app.HTTP, issuer)
}

// load is what flags, variables and answers give, without any file. Certificates
// to trust are heeded from then on.
func (i *setup) load() (*config.Profile, error) {
	p, err := config.Load(config.Sources{
		Flag: func(name string) ([]string, bool) {
			if a, ok := i.answers[name]; ok {
				return []string{a}, true
			}
			if name == "profile" {
				return nil, false
			}
			return i.settings.given(name)
		},
		Getenv: func(name string) string {
			_, answered := i.answers["issuer"]
			if name == "GATEPASS_PROFILE" || answered && name == "GATEPASS_SUBDOMAIN" {
				return ""
			}
			return i.app.Getenv(name)
		},
	})
	if err != nil {
		return nil, err
	}
	return p, i.app.trust(p.CAFiles)
}

// tries is how often something is asked for.
const tries = 5

// until asks for a setting until the answer is one that it can have.
func (i *setup) until(ctx context.Context, flag, question, byDefault string) (*config.Profile, error) {
	if !i.asks() {
		what := "--" + flag
		if flag == "issuer" {
			what = "--subdomain NAME or --issuer URL"
		}
		return nil, fault.New(fault.Usage, "what cannot be asked for must be given: %s", what).
			WithHint("for example: gatepass init --subdomain acme --client-id ID --yes")
	}
	for try := 1; ; try++ {
		text, err := i.ask(ctx, question, byDefault)
		if err != nil {
			return nil, err
		}
		if text == "" && byDefault == "" {
			if try == tries {
				return nil, fault.New(fault.Usage, "nothing was answered")
			}
			continue
		}
		delete(i.answers, flag)
		if text != "" && text != byDefault {
			i.answers[flag] = text
			if flag == "issuer" {
				i.answers[flag] = issuerFrom(text)
			}
		}
		p, err := i.load()
		if err == nil {
			return p, nil
		}
		if delete(i.answers, flag); try == tries {
			return nil, err
		}
		i.complain(err)
	}
}

// issuerFrom makes an issuer of what people answer to the question for their
// subdomain: the name, the address where they log in, or an issuer.
func issuerFrom(answer string) string {
	name, isOneLogin := strings.CutSuffix(strings.ToLower(strings.TrimRight(answer, "/")), ".onelogin.com")
	if u, err := url.Parse(answer); err == nil && u.Host != "" {
		name, isOneLogin = strings.CutSuffix(strings.ToLower(u.Host), ".onelogin.com")
		if !isOneLogin || strings.Contains(u.Path, "/oidc") {
			return answer
		}
	}
	if isOneLogin || !strings.ContainsAny(answer, "./: ") {
		return config.IssuerOf(name)
	}
	return answer
}

// ask asks a question on the terminal. The answer may be empty.
func (i *setup) ask(ctx context.Context, question, byDefault string) (string, error) {
	if byDefault != "" {
		question += " [" + byDefault + "]"
	}
	line, err := i.app.answer(ctx, question+": ")
	return strings.TrimSpace(line), err
}

// answer asks a question and reads a line and not a byte more: what comes after it is
// for somebody else. Nobody can stop a read from a terminal, so that one goroutine may
// be left when the context ends.
func (app *App) answer(ctx context.Context, question string) (string, error) {
	type result struct {
		line string
		err  error
	}
	over := ctx.Done() // before somebody can answer by Ctrl-C
	fmt.Fprint(app.IO.Err, question)
	c := make(chan result, 1)
	go func() {
		var r result
		mistake := crash.Catch(func() { r.line, r.err = readLine(app.IO.In) })
		r.err = cmp.Or(mistake, r.err)
		c <- r
	}()
	var r result
	select {
	case r = <-c:
	case <-over:
		r.err = ctx.Err()
	}
	if r.err != nil {
		fmt.Fprintln(app.IO.Err)
	}
	return r.line, r.err
}

func readLine(in io.Reader) (string, error) {
	const most = 4 << 10
	var line []byte
	var b [1]byte
	for len(line) < most {
		n, err := in.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n', n == 0 && err != nil && len(line) > 0:
			return string(line), nil
		case n == 1:
			line = append(line, b[0])
		case err != nil:
			return "", fault.New(fault.Usage, "there is nobody to answer").WithHint("give flags: gatepass init --subdomain acme --client-id ID --yes")
		}
	}
	return "", fault.New(fault.Usage, "the answer is too long")
}

func (i *setup) say(format string, args ...any) {
	i.app.say(format, args...)
}

// complain says what is wrong with an answer.
func (i *setup) complain(err error) {
	var f *fault.Error
	if !errors.As(err, &f) {
		i.say("%s", err)
		return
	}
	msg := f.Msg
	for _, flag := range []string{"--issuer: ", "--client-id: ", "--api-url: "} {
		msg = strings.TrimPrefix(msg, flag)
	}
	i.say("%s", msg)
	if f.Hint != "" {
		fmt.Fprintf(i.app.IO.Err, "hint: %s\n", iostreams.Visible(f.Hint))
	}
}

// write writes the files.
func (i *setup) write(s config.Starter) (view.Init, error) {
	r := view.Init{
		SchemaVersion: 1, Profile: s.Name, Issuer: s.Issuer, ClientID: s.ClientID, RedirectURIs: s.RedirectURIs,
		Files: []string{}, Kept: []string{}, Next: []string{"gatepass doctor", "gatepass login"},
	}
	if s.Authorizer != "" {
		if err := i.writeAuthorizer(s, &r); err != nil {
			return r, err
		}
	}
	switch err := config.Create(i.path, s.File()); {
	case errors.Is(err, fs.ErrExist):
		return r, i.refuse(s)
	case err != nil:
		return r, err
	}
	r.Files = append([]string{config.FileName}, r.Files...)
	return r, nil
}

// writeAuthorizer writes a first authorizer file, if there is none.
func (i *setup) writeAuthorizer(s config.Starter, r *view.Init) error {
	path := filepath.FromSlash(s.Authorizer)
	if !filepath.IsAbs(path) {
		path = filepath.Join(i.app.Dir, path)
	}
	switch err := config.Create(path, s.AuthorizerFile()); {
	case errors.Is(err, fs.ErrExist):
		r.Kept = append(r.Kept, s.Authorizer)
	case err != nil:
		return err
	default:
		r.Files = append(r.Files, s.Authorizer)
		r.Next = append(r.Next, "gatepass authorize GET /")
	}
	return nil
}

// finish says what was done, and offers what comes next.
func (i *setup) finish(ctx context.Context, r view.Init, asJSON bool) error {
	if asJSON {
		return view.JSON(i.app.IO.Out, r)
	}
	out := i.app.printer()
	out.Init(r)
	if !i.asks() {
		out.Next(r.Next)
		return out.Err()
	}
	if err := out.Err(); err != nil {
		return err
	}
	fmt.Fprintln(i.app.IO.Err)
	look, err := i.confirm(ctx, "Look whether everything is right now (gatepass doctor)?")
	if err != nil {
		return err
	}
	if look {
		// What is wrong has been said, and may be mended while the next question waits.
		if err := i.command(ctx, "doctor", "--profile", r.Profile); err != nil && !isQuiet(err) {
			return err
		}
	}
	if in, err := i.confirm(ctx, "Log in now (gatepass login)?"); err != nil || !in {
		return err
	}
	return i.command(ctx, "login", "--profile", r.Profile)
}

// confirm asks a question that is mostly answered with yes. The end of the input
// is a no.
func (i *setup) confirm(ctx context.Context, question string) (bool, error) {
	text, err := i.ask(ctx, question, "Y/n")
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	text = strings.ToLower(text)
	return err == nil && (text == "" || text == "y" || text == "yes"), nil
}

// command runs another command of ours with the new file. Flags that the file
// does not hold are given to it, too.
func (i *setup) command(ctx context.Context, args ...string) error {
	if files, given := i.settings.given("ca-file"); given {
		for _, f := range files {
			args = append(args, "--ca-file", f)
		}
	}
	root := newRoot(i.app, args)
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// isQuiet reports whether an error has nothing to say that was not said.
func isQuiet(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Msg == ""
}
