package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
	"gatepass/pkg/view"
)

// decodeCommand has the flags of "gatepass decode".
type decodeCommand struct {
	app        *App
	settings   settings
	verify     bool
	jws        bool
	offline    bool
	keys       string
	audience   []string
	algorithms []string
	at         string
	leeway     time.Duration
	asBackend  string
}

func newDecode(app *App) *cobra.Command {
	d := &decodeCommand{app: app}
	c := &cobra.Command{
		Use:   "decode [TOKEN|FILE|-]",
		Short: "Show what is in a token, and what is wrong with it",
		Long: `Decode takes any text with a token in it: a bare token, "Bearer ...", a header
line, a curl command, the JSON answer of a token endpoint, a cookie, a URL; from a
file, from standard input (-), or as the argument itself, which others on this
machine can see. Without an argument it takes standard input, and on a terminal
the access token you are logged in with.

It shows the header and the claims, which kind of token it is, and what is wrong
with it. Nothing of that is verified: --verify checks the signature with the keys
of the profile's issuer, of --issuer, or of --jwks, and then the issuer, the
audience (that of --audience, else the profile's client) and the times. --jws
checks the signature alone, of any compact JWS. --issuer, --jwks, --audience and
--jws imply --verify, as --algorithm, --leeway and --offline do.

It exits with 2 if there is no token to be read, with 5 if --verify finds that the
token is not valid, and with 6 if the keys cannot be had.`,
		Example: `  gatepass decode
  gatepass decode token.txt
  pbpaste | gatepass decode --verify
  gatepass token | gatepass decode --json
  gatepass decode --jwks keys.json --audience orders --at 2026-03-01T12:00:00Z token.txt`,
		Args: positional(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return d.run(c, args) },
	}
	f := c.Flags()
	f.BoolVar(&d.verify, "verify", false, "check signature and claims")
	f.StringVar(&d.keys, "jwks", "", "the issuer's keys, a JWK set: `FILE or URL`")
	listVar(f, &d.audience, "audience", "", "an `audience` that will do; repeatable")
	listVar(f, &d.algorithms, "algorithm", "", "an `algorithm` that is allowed; repeatable (default RS256)")
	f.StringVar(&d.at, "at", "", "look at it as of a `time`: 2026-11-22T12:00:00Z, or seconds since 1970")
	f.DurationVar(&d.leeway, "leeway", 0, "`difference` of clocks that is allowed")
	f.BoolVar(&d.jws, "jws", false, "check the signature alone")
	f.BoolVar(&d.offline, "offline", false, "use keys that were fetched before, and no network")
	f.StringVar(&d.asBackend, "as-backend", "", "print what a backend sees of it behind an `authorizer`: rest (Cognito), rest-jwt, http1 or http2 (payload format)")
	// Of the settings only these say anything about a token.
	d.settings.flags = pflag.NewFlagSet("settings", pflag.ContinueOnError)
	d.settings.flags.String("profile", "", "`name` of a profile in the settings files")
	d.settings.flags.String("issuer", "", "`URL` of the issuer the token must be of")
	listVar(d.settings.flags, new([]string), "ca-file", "", "PEM `file` with certificates to trust besides the system's")
	f.AddFlagSet(d.settings.flags)
	return c
}

func (d *decodeCommand) run(c *cobra.Command, args []string) error {
	now, at, err := d.time()
	if err != nil {
		return err
	}
	if err := d.checkAsBackend(); err != nil {
		return err
	}
	d.impliedVerify(c)
	t, err := d.read(c.Context(), args)
	if err != nil {
		return err
	}
	result := &view.Decode{Token: t, Warnings: t.Lint(now), SignatureOnly: d.jws, At: at}
	var keysErr error
	if d.verify {
		check, err := d.checker(t, now)
		if err != nil {
			return err
		}
		var report token.Report
		if report, keysErr = check(c.Context()); keysErr != nil && c.Context().Err() != nil {
			return keysErr
		}
		result.Report = &report
	}
	if err := d.print(c, result, now); err != nil {
		return err
	}
	if keysErr != nil || result.Report == nil {
		return keysErr
	}
	if _, ok := result.Report.Verified(); !ok {
		return fault.Quiet(fault.Invalid)
	}
	return nil
}

func (d *decodeCommand) print(c *cobra.Command, result *view.Decode, now time.Time) error {
	if d.asBackend != "" {
		return d.printAsBackend(result.Token)
	}
	if wantJSON(c) {
		return view.DecodeJSON(d.app.IO.Out, result)
	}
	p := d.app.printer()
	p.Now = func() time.Time { return now }
	p.Decode(result)
	return p.Err()
}

// time is the time the token is looked at for: now, or that of --at, which is
// returned a second time for saying so.
func (d *decodeCommand) time() (now, at time.Time, err error) {
	now, err = timeFlag("--at", d.at, d.app.Now)
	if d.at != "" {
		at = now
	}
	if err == nil && d.leeway < 0 {
		err = fault.New(fault.Usage, "--leeway must not be negative")
	}
	return now, at, err
}

// read finds the token and takes it apart.
func (d *decodeCommand) read(ctx context.Context, args []string) (*token.Token, error) {
	text, asArgument, err := d.input(ctx, args)
	if err != nil {
		return nil, err
	}
	found, err := token.Find(text)
	if err != nil {
		return nil, err
	}
	t, err := token.Decode(found.Token.Reveal())
	var f *fault.Error
	switch {
	case errors.As(err, &f) && d.verify:
		return nil, &fault.Error{Kind: fault.Invalid, Msg: f.Msg, Hint: f.Hint, Err: f}
	case err != nil:
		return nil, err
	case asArgument && t.Kind == token.Opaque && likePath(text):
		return nil, fault.New(fault.Usage, "there is no file %s, and it is no JWT", text)
	case asArgument:
		d.say("others on this machine can see the arguments of a command: for a token that matters use a file or standard input")
	}
	d.app.Secrets.Add(found.Token)
	if len(found.Also) > 0 {
		d.say("took the %s; there is also: %s", found.Where, strings.Join(found.Also, ", "))
	}
	if found.Joined {
		d.say("the token was wrapped: white space in it was taken out")
	}
	return t, nil
}

// say tells a person something that is no part of the result.
func (d *decodeCommand) say(format string, args ...any) {
	d.app.say(format, args...)
}

// input is the text to look for a token in.
func (d *decodeCommand) input(ctx context.Context, args []string) (text string, asArgument bool, err error) {
	if len(args) == 0 && d.app.IO.InTerminal {
		text, err = d.stored(ctx)
		return text, false, err
	}
	if len(args) == 0 || args[0] == "-" {
		if d.app.IO.InTerminal {
			fmt.Fprintln(d.app.IO.Err, "Paste a token, press Enter, then Ctrl-D:")
		}
		data, err := readUpTo(d.app.IO.In, "standard input", token.MaxSize)
		return string(data), false, err
	}
	path, named := strings.CutPrefix(args[0], "@")
	f, err := os.Open(path)
	if err != nil {
		if named {
			return "", false, fileError(err)
		}
		return args[0], true, nil
	}
	defer func() { _ = f.Close() }()
	data, err := readUpTo(f, path, token.MaxSize)
	return string(data), false, err
}

// stored is the access token of the profile's login: what a person means who types
// "gatepass decode" and nothing else.
func (d *decodeCommand) stored(ctx context.Context) (string, error) {
	p, err := d.settings.load(d.app)
	if err != nil {
		return "", err
	}
	set, err := newSession(d.app).tokens(ctx, p, 0)
	if err != nil {
		return "", withHint(err, "log in with gatepass login, or name a token: gatepass decode FILE, or - to paste one")
	}
	d.say("the access token of the profile %s", p.Name)
	return set.Access.Reveal(), nil
}

// likePath reports whether an argument that is no file was most likely meant as
// one.
func likePath(arg string) bool {
	ext := filepath.Ext(arg)
	return strings.HasPrefix(arg, "/") || strings.HasPrefix(arg, ".") || strings.HasPrefix(arg, "~") ||
		len(ext) > 1 && len(ext) <= 6 || len(arg) < 16
}

// impliedVerify sets --verify where another flag makes no sense without it.
func (d *decodeCommand) impliedVerify(c *cobra.Command) {
	for _, name := range []string{"issuer", "jwks", "audience", "jws", "algorithm", "leeway", "offline"} {
		d.verify = d.verify || c.Flags().Changed(name)
	}
}

// checker returns the check that was asked for. Its error says that the keys
// could not be had.
func (d *decodeCommand) checker(t *token.Token, now time.Time) (func(context.Context) (token.Report, error), error) {
	p, err := d.settings.load(d.app)
	if err != nil {
		return nil, err
	}
	e := token.Expect{Algorithms: d.algorithms, Audience: d.audience, Now: now, Leeway: d.leeway, SignatureOnly: d.jws}
	for _, a := range d.algorithms {
		if err := checkAlgorithm(a); err != nil {
			return nil, err
		}
	}
	keys, err := d.keySource(t, p, &e)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (token.Report, error) { return verify.Verify(ctx, t, e, keys) }, nil
}

func checkAlgorithm(name string) error {
	known := verify.Algorithms()
	if slices.Contains(known, name) {
		return nil
	}
	err := fault.New(fault.Usage, "--algorithm: there is no algorithm %q", name)
	if strings.EqualFold(name, "none") {
		return err.WithHint("a token without a signature is never valid")
	}
	if near := source.Nearest(name, known); near != "" {
		return err.WithHint("did you mean %s?", near)
	}
	return err.WithHint("there are %s", strings.Join(known, ", "))
}

// keySource says where the keys come from, and completes what is expected: a
// profile's issuer brings the audience of the profile's client with it, keys
// that are given by themselves bring nothing.
func (d *decodeCommand) keySource(t *token.Token, p *config.Profile, e *token.Expect) (verify.KeySource, error) {
	given, isGiven := d.settings.given("issuer")
	issuer := p.Issuer
	if d.keys != "" && !isGiven {
		issuer = ""
	}
	if isGiven && given[0] == "" {
		return nil, fault.New(fault.Usage, "--issuer is empty")
	}
	if issuer != "" {
		normal, note, err := verify.NormalizeIssuer(issuer)
		if err != nil {
			return nil, err
		}
		if note != "" {
			d.say("%s", note)
		}
		issuer, e.Issuer = normal, normal
	}
	if issuer != "" && !isGiven {
		e.ClientID = p.ClientID
		d.defaultAudience(t, p, e)
	}
	o := verify.Options{Client: d.app.HTTP, CacheDir: d.app.CacheDir, Offline: d.offline, Now: d.app.Now, Note: func(s string) { d.say("%s", s) }}
	switch {
	case strings.HasPrefix(d.keys, "https://"), strings.HasPrefix(d.keys, "http://"):
		return verify.FromURL(d.keys, o), nil
	case d.keys != "":
		return readKeys(d.keys)
	case issuer != "":
		return verify.FromIssuer(issuer, o), nil
	}
	return nil, d.noKeys(t)
}

// defaultAudience expects the profile's client, unless the access token is for
// an API with audiences of its own: OneLogin's API Authorization.
func (d *decodeCommand) defaultAudience(t *token.Token, p *config.Profile, e *token.Expect) {
	if use, _ := t.Use(); len(e.Audience) > 0 || p.ClientID == "" || p.Resource != "" && use == token.AccessUse {
		return
	}
	e.Audience = []string{p.ClientID}
}

// noKeys says what is missing for a check. Whose keys to trust is the user's
// choice: the token's own issuer is only suggested.
func (d *decodeCommand) noKeys(t *token.Token) error {
	err := fault.New(fault.Usage, "nothing says whose keys to check the token with")
	if t.Kind == token.JWT {
		if iss := t.Claims.Get("iss"); iss != nil && iss.Kind == source.String {
			return err.WithHint("if you trust the issuer that the token names: --issuer %s", iss.Text)
		}
	}
	return err.WithHint("give --issuer URL or --jwks FILE, or set an issuer in %s", config.FileName)
}

// readKeys reads a key set from a file.
func readKeys(path string) (*verify.KeySet, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError(err)
	}
	defer func() { _ = f.Close() }()
	data, err := readUpTo(f, path, verify.MaxKeySetSize)
	if err != nil {
		return nil, err
	}
	return verify.ParseKeySet(path, data)
}
