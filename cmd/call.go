package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/caller"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/loopback"
	"gatepass/pkg/secret"
)

func newCall(app *App) *cobra.Command {
	a := &call{app: app}
	c := &cobra.Command{
		Use:   "call [METHOD] PATH",
		Short: "Make a request with your token, and explain a refusal",
		Long: `Call makes a request to the profile's API with the token you are logged in with.
PATH is a path below the API's base URL, or a full URL of the same API. With a
body the method is POST unless you say otherwise.

The token goes to the API's scheme, host and port and nowhere else, also where
redirects are followed. The body of the answer goes to standard output as it is;
on a terminal, JSON is laid out. When the API refuses, why is said on standard
error.

The exit code is 0 for a status below 400, 3 for 401 and 403, 8 for any other
status, 4 when a login is needed and 6 when there was no answer.`,
		Example: `  gatepass call /orders
  gatepass call /orders -q status=open -q limit=10
  gatepass call /orders --json-data '{"item":"tea"}'
  gatepass call PUT /orders/7 --json-data @order.json -H 'If-Match: "3"'
  gatepass call DELETE /orders/7 -i
  gatepass call /reports/2026.csv -o report.csv`,
		Args: positional(cobra.RangeArgs(1, 2)),
		RunE: func(c *cobra.Command, args []string) error { return a.run(c.Context(), wantJSON(c), args) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	listVar(fs, &a.data, "data", "d", "`body`: text, @FILE, or - for standard input")
	fs.StringVar(&a.jsonData, "json-data", "", "`body` as with -d, and say that it is JSON")
	listVar(fs, &a.headers, "header", "H", "`header` to send: 'Name: value'")
	listVar(fs, &a.query, "query", "q", "query parameter, `name=value`")
	fs.BoolVarP(&a.include, "include", "i", false, "show the status and headers of the answer, too")
	fs.StringVarP(&a.output, "output", "o", "", "write the body of a success to a `file`")
	fs.Var(&a.timeout, "timeout", "`time` for everything, such as 30s; none if it is not given")
	fs.BoolVarP(&a.follow, "location", "L", false, "follow redirects")
	fs.BoolVarP(&a.verbose, "verbose", "v", false, "show what is sent and received, without secrets")
	fs.StringVar(&a.token, "token", "", "another token: `@FILE`, or - for standard input")
	fs.BoolVar(&a.noToken, "no-token", false, "send no token")
	fs.StringVar(&a.cacert, "cacert", "", "PEM `file` with certificates to trust for this API, too")
	a.settings.bind(c)
	return c
}

// call is one run of the command.
type call struct {
	app      *App
	settings settings

	data, headers, query []string
	jsonData, output     string
	token, cacert        string
	include, follow      bool
	verbose, noToken     bool
	timeout              span
	profile              *config.Profile
	request              *caller.Request
	asJSON               bool
}

// mostRedirects is how many redirects -L follows.
const mostRedirects = 10

func (a *call) run(ctx context.Context, asJSON bool, args []string) error {
	a.asJSON = asJSON
	if asJSON && (a.output != "" || a.include) {
		return fault.New(fault.Usage, "--json prints the whole answer as one object: give it without -i and -o")
	}
	var err error
	if a.profile, err = a.settings.load(a.app); err != nil {
		return err
	}
	if err := a.prepare(args); err != nil {
		return err
	}
	if err := a.addToken(ctx); err != nil {
		return err
	}
	client, err := a.client()
	if err != nil {
		return err
	}
	defer client.Close()
	resp, err := client.Do(ctx, a.request)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return a.show(resp)
}

// prepare makes the request that the arguments and flags describe.
func (a *call) prepare(args []string) error {
	method, target := "", args[0]
	if len(args) == 2 {
		var ok bool
		if method, ok = caller.ParseMethod(args[0]); !ok {
			return fault.New(fault.Usage, "%q is no request method", args[0]).WithHint("usage: gatepass call [METHOD] PATH")
		}
		target = args[1]
	} else if m, ok := caller.ParseMethod(target); ok && m == strings.ToUpper(target) {
		return fault.New(fault.Usage, "which path? only the method %s is given", m).WithHint("for example: gatepass call %s /orders", m)
	}
	u, err := caller.Resolve(a.profile.API.URL, target, a.query)
	if err != nil {
		return err
	}
	header, host, err := caller.ParseHeader(a.headers)
	if err != nil {
		return err
	}
	a.request = &caller.Request{Method: method, URL: u, Header: header, Host: host}
	if err := a.addBody(); err != nil {
		return err
	}
	caller.Default(header, "User-Agent", "gatepass/"+buildVersion())
	caller.Default(header, "Accept", "*/*")
	if a.request.Method == "" {
		a.request.Method = http.MethodGet
		if a.request.Body.Open != nil {
			a.request.Method = http.MethodPost
		}
	}
	return nil
}

// addBody opens the body, and says what it is as curl does.
func (a *call) addBody() error {
	texts, mediaType := a.data, "application/x-www-form-urlencoded"
	if a.jsonData != "" {
		if len(a.data) > 0 {
			return fault.New(fault.Usage, "--data and --json-data are two bodies: give one")
		}
		texts, mediaType = []string{a.jsonData}, "application/json"
		caller.Default(a.request.Header, "Accept", "application/json")
	}
	if len(texts) == 0 {
		return nil
	}
	body, err := a.body(texts)
	if err != nil {
		return err
	}
	a.request.Body = body
	caller.Default(a.request.Header, "Content-Type", mediaType)
	return nil
}

// body takes what -d was given: texts, joined as the fields of a form are, or
// one file.
func (a *call) body(texts []string) (caller.Body, error) {
	from := func(s string) bool { return s == "-" || strings.HasPrefix(s, "@") }
	switch {
	case !slices.ContainsFunc(texts, from):
		return caller.Text(strings.Join(texts, "&")), nil
	case len(texts) > 1:
		return caller.Body{}, fault.New(fault.Usage, "a file is a body of its own: give -d once")
	case texts[0] != "-" && texts[0] != "@-":
		return caller.File(texts[0][1:])
	case a.token == "-" || a.token == "@-":
		return caller.Body{}, fault.New(fault.Usage, "standard input cannot be both the body and the token").
			WithHint("put one of them into a file: --token @FILE")
	}
	return caller.Stream(a.app.IO.In)
}

// addToken gets the token and binds it to the API's origin.
func (a *call) addToken(ctx context.Context) error {
	r, api := a.request, a.profile.API
	if a.noToken {
		if a.token != "" {
			return fault.New(fault.Usage, "--token and --no-token at once")
		}
		return nil
	}
	if _, given := caller.Find(r.Header, api.Send.Header); given {
		if a.token != "" {
			return fault.New(fault.Usage, "--token and the header %s are two tokens: give one", api.Send.Header)
		}
		return nil // what the user writes is what is sent
	}
	if err := a.bind(); err != nil {
		return err
	}
	if a.token == "" {
		if err := newSession(a.app).mayCall(ctx, a.profile); err != nil {
			return err
		}
	}
	t, err := a.bearer(ctx)
	if err != nil {
		return err
	}
	r.Token, r.TokenHeader, r.TokenScheme = t, api.Send.Header, api.Send.Scheme
	if r.URL.Scheme == "http" && !loopback.Is(r.URL.Hostname()) {
		a.note("the token goes to %s unencrypted", r.URL.Host)
	}
	return nil
}

// bind sets where the token may go: to the profile's API, and nowhere else.
func (a *call) bind() error {
	base, err := url.Parse(a.profile.API.URL)
	if err != nil || a.profile.API.URL == "" {
		return fault.New(fault.Usage, "no API is set, so there is nowhere the token may go").
			WithHint("say which it is: --api-url %s   or send no token: --no-token", caller.OriginOf(a.request.URL))
	}
	a.request.Origin = caller.OriginOf(base)
	if got := caller.OriginOf(a.request.URL); got != a.request.Origin {
		return fault.New(fault.Usage, "the token is for %s and is not sent to %s", a.request.Origin, got).
			WithHint("choose the profile of that API with --profile, or send no token: --no-token")
	}
	return nil
}

// bearer is the token of --token, or the one of the profile's login.
func (a *call) bearer(ctx context.Context) (secret.String, error) {
	if a.token != "" {
		text, err := tokenFlag(a.app, a.token)
		return secret.New(text), err
	}
	value, _, err := newSession(a.app).bearer(ctx, a.profile, a.profile.API.Token, 0)
	return value, err
}

func (a *call) client() (*caller.Client, error) {
	o := caller.Options{Proxy: http.ProxyFromEnvironment, Timeout: time.Duration(a.timeout)}
	if a.follow {
		o.Redirects = mostRedirects
	}
	files := slices.Clone(a.profile.CAFiles)
	if a.cacert != "" {
		files = append(files, a.cacert)
	}
	var err error
	if o.Roots, err = readRoots(files); err != nil {
		return nil, err
	}
	if a.verbose {
		o.Line = func(d caller.Direction, s string) {
			fmt.Fprintf(a.app.IO.Err, "%c %s\n", d, iostreams.Visible(a.app.Secrets.Text(s)))
		}
	}
	return caller.New(o)
}

// note says something on standard error.
func (a *call) note(format string, args ...any) {
	fmt.Fprintf(a.app.IO.Err, "gatepass: %s\n", a.app.clean(fmt.Sprintf(format, args...)))
}

// span is a flag for a length of time: 30s, 5m, or a number of seconds.
type span time.Duration

func (s *span) String() string {
	if *s == 0 {
		return ""
	}
	return time.Duration(*s).String()
}

// Set reads the flag's value.
func (s *span) Set(v string) error {
	d, err := time.ParseDuration(v)
	if sec, nerr := strconv.ParseFloat(v, 64); nerr == nil {
		d, err = time.Duration(sec*float64(time.Second)), nil
	}
	if err != nil || d <= 0 {
		return errors.New("want a time such as 30s or 5m")
	}
	*s = span(d)
	return nil
}

// Type is what the flag's value is called in help.
func (s *span) Type() string { return "time" }
