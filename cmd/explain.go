package cmd

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/apigw"
	"gatepass/pkg/caller"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/saved"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
	"gatepass/pkg/view"
)

const explainLong = `Explain says why API Gateway refused a request, from a response that somebody
saved: who said no (API Gateway, the authorizer, the backend, or something in
between such as CloudFront, AWS WAF or a proxy), what it means, and what to do
next. Nothing is sent to the API.

FILE, or - for standard input, is what curl -i or curl -v printed, a HAR file of
a browser, or what "gatepass call" printed with -i or --json; of several
responses, those of 400 and above are explained. What a file does not tell can
be said: METHOD and PATH, the token, and the status where there is only a body.

Where the settings say who authorizes the API's requests, the very same request
is then put to "gatepass authorize", and it is said where the two differ: a
cached answer, another deployment, a resource policy, a clock. A handler of
yours is never run for that. Tokens in the file are read and never printed.`

const explainExample = `  curl -sv https://api.example.com/prod/orders 2>&1 | gatepass explain -
  gatepass explain response.txt GET /orders --token @token.txt
  gatepass explain page.har
  gatepass explain page.har --entry 12 --json
  echo '{"message":"Forbidden"}' | gatepass explain - --status 403
  gatepass explain --list`

func newExplain(app *App) *cobra.Command {
	e := &explain{app: app}
	c := &cobra.Command{
		Use:     "explain FILE|- [[METHOD] PATH]",
		Short:   "Say why API Gateway refused, from a saved response",
		Long:    explainLong,
		Example: explainExample,
		Args:    positional(cobra.MaximumNArgs(3)),
		RunE:    func(c *cobra.Command, args []string) error { return e.run(c.Context(), wantJSON(c), args) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.BoolVar(&e.list, "list", false, "print every cause that is known")
	fs.IntVar(&e.entry, "entry", 0, "explain response `number` N of the file alone")
	fs.IntVar(&e.status, "status", 0, "`status` of the response, where the file is only its body")
	fs.StringVar(&e.token, "token", "", "the token that was sent: `@FILE`, or - for standard input")
	fs.StringVar(&e.jwks, "jwks", "", "`FILE` or URL with the issuer's keys, instead of those it publishes")
	fs.BoolVar(&e.alone, "no-authorize", false, "do not compare with what authorize decides")
	e.settings.bind(c, config.Target, config.Policy)
	return c
}

// explain is one run of the command.
type explain struct {
	app      *App
	settings settings

	list, alone   bool
	entry, status int
	token, jwks   string
}

func (e *explain) run(ctx context.Context, asJSON bool, args []string) error {
	if e.list {
		return e.printTable(asJSON, args)
	}
	if len(args) == 0 {
		return fault.New(fault.Usage, "which response? Give a file, or - for standard input").
			WithHint("for example: curl -sv URL 2>&1 | gatepass explain -   or explain a request at once: gatepass call --explain /orders")
	}
	all, err := e.read(args[0])
	if err != nil {
		return err
	}
	p, err := e.settings.load(e.app)
	if err != nil {
		return err
	}
	raw, err := e.given(args[0])
	if err != nil {
		return err
	}
	chosen, err := e.choose(p, all)
	if err != nil {
		return err
	}
	if len(args) > 1 && len(chosen) > 1 {
		return fault.New(fault.Usage, "METHOD and PATH are of one request, and there are %d refusals", len(chosen)).
			WithHint("choose one: --entry %d", chosen[0].Entry)
	}
	var explained []view.Explained
	limited, cancel := context.WithTimeout(ctx, explainLimit)
	defer cancel()
	for i := range chosen {
		x, err := e.explain(limited, p, &chosen[i], args[1:], raw)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		explained = append(explained, x)
	}
	return e.print(asJSON, explained, len(all))
}

// explain explains one response.
func (e *explain) explain(ctx context.Context, p *config.Profile, saved *saved.Exchange, line []string, raw secret.String) (view.Explained, error) {
	q, err := e.inquiry(p, saved, line, raw)
	if err != nil {
		return view.Explained{}, err
	}
	x := q.explain(ctx)
	x.Entry, x.Line = saved.Entry, saved.Line
	if f := saved.Failure; f != "" && len(x.Causes) > 0 {
		x.Causes[0].Facts = append(x.Causes[0].Facts, "the browser calls it "+e.app.clean(cutText(f, 80)))
	}
	return x, nil
}

// explainLimit is how long the keys of issuers are waited for, whatever the number of
// responses.
const explainLimit = 3 * compareLimit

// printTable prints the table of causes.
func (e *explain) printTable(asJSON bool, args []string) error {
	if len(args) > 0 {
		return fault.New(fault.Usage, "--list prints the table of causes: give no FILE with it")
	}
	if asJSON {
		return view.JSON(e.app.IO.Out, view.CauseTable{SchemaVersion: 1, Causes: apigw.Causes()})
	}
	out := e.app.printer()
	out.Causes(apigw.Causes())
	return out.Err()
}

// read reads the saved responses.
func (e *explain) read(name string) ([]saved.Exchange, error) {
	data, err := readFile(e.app, name, saved.MaxSize)
	if err != nil {
		return nil, withHint(err, "save less: the failing request alone, in the browser's network tab, or one curl -i")
	}
	if name == "-" {
		name = "standard input"
	}
	if e.status == 0 {
		return saved.Read(name, data)
	}
	if e.status < 100 || e.status > 999 {
		return nil, fault.New(fault.Usage, "--status: %d is no HTTP status", e.status)
	}
	if all, err := saved.Read(name, data); err == nil {
		return nil, fault.New(fault.Usage, "--status is for a body alone, and %s has a status: %d", name, all[0].Status)
	}
	return []saved.Exchange{saved.Body(e.status, data)}, nil
}

// given is the token of --token.
func (e *explain) given(file string) (secret.String, error) {
	if e.token == "" {
		return secret.String{}, nil
	}
	if file == "-" && (e.token == "-" || e.token == "@-") {
		return secret.String{}, fault.New(fault.Usage, "standard input cannot be both the response and the token").
			WithHint("put one of them into a file: --token @FILE")
	}
	text, err := tokenFlag(e.app, e.token)
	return secret.New(text), err
}

// choose takes the responses that are to be explained: the one of --entry, or the
// refusals; where some are of the API in the settings, those alone.
func (e *explain) choose(p *config.Profile, all []saved.Exchange) ([]saved.Exchange, error) {
	if e.entry != 0 {
		if e.entry < 1 || e.entry > len(all) {
			return nil, fault.New(fault.Usage, "--entry: there are responses 1 to %d", len(all))
		}
		return all[e.entry-1 : e.entry], nil
	}
	var refused, own []saved.Exchange
	host := hostOf(p.API.URL)
	for i := range all {
		if s := all[i].Status; s != 0 && s < 400 {
			continue
		}
		refused = append(refused, all[i])
		if host != "" && strings.EqualFold(hostOf(all[i].URL), host) {
			own = append(own, all[i])
		}
	}
	if len(own) == 0 || len(own) == len(refused) {
		return e.atMost(refused), nil
	}
	fmt.Fprintf(e.app.IO.Err, "gatepass: %s of other hosts than %s left out; --entry N explains one\n",
		counted(len(refused)-len(own), "refusal"), e.app.clean(host))
	return e.atMost(own), nil
}

// mostExplained is how many responses are explained at once.
const mostExplained = 500

// atMost leaves out what would be too much.
func (e *explain) atMost(refused []saved.Exchange) []saved.Exchange {
	if len(refused) <= mostExplained {
		return refused
	}
	fmt.Fprintf(e.app.IO.Err, "gatepass: the first %d of %d refusals; --entry N explains another\n", mostExplained, len(refused))
	return refused[:mostExplained]
}

// hostOf is the host of a URL with its port, or nothing.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}

// inquiry is a saved response with what the arguments and settings add.
func (e *explain) inquiry(p *config.Profile, x *saved.Exchange, line []string, raw secret.String) (*inquiry, error) {
	q := &inquiry{
		app: e.app, p: p, jwks: e.jwks, method: x.Method, header: x.RequestHeader,
		status: x.Status, answer: x.Header, body: x.Body, at: x.Time, unknown: x.RequestHeader == nil || x.Withheld,
	}
	if x.URL != "" {
		u, err := url.Parse(x.URL)
		if err != nil {
			u = &url.URL{Path: "/"}
		}
		path, inside := below(p, u)
		q.path, q.query, q.host, q.whole = path, u.RawQuery, u.Host, !inside
	}
	if len(line) > 0 {
		req := &apigw.Request{}
		if err := requestLine(apigw.REST, req, line); err != nil {
			return nil, err
		}
		q.method, q.path, q.query, q.whole = req.Method, req.Path, req.RawQuery, false
	}
	q.wanted = func([]apigw.Cause) bool { return !e.alone }
	q.takeToken(raw)
	if q.at.IsZero() {
		q.at = dateOf(x.Header)
	}
	if q.at.IsZero() {
		q.at = e.app.Now()
	}
	return q, nil
}

// dateOf is when a response was made, by its Date.
func dateOf(header map[string][]string) time.Time {
	values, _ := caller.Find(header, "Date")
	at, err := time.Parse(time.RFC1123, values)
	if err != nil {
		return time.Time{}
	}
	return at
}

// print prints what was found out.
func (e *explain) print(asJSON bool, all []view.Explained, read int) error {
	for i := range all {
		all[i].Path = e.app.Secrets.Text(all[i].Path)
	}
	if asJSON {
		return view.ExplanationsJSON(e.app.IO.Out, all)
	}
	out := e.app.printer()
	all = grouped(all)
	if len(all) == 0 {
		out.Line(fmt.Sprintf("nothing was refused: %s, all below 400", counted(read, "response")))
	}
	for i := range all {
		if i > 0 {
			out.Line("")
		}
		out.Explained(&all[i])
	}
	return out.Err()
}

// grouped joins responses that would be printed in the same words: a page asks for
// the same thing many times.
func grouped(all []view.Explained) []view.Explained {
	var groups []view.Explained
	at := map[string]int{}
	for i := range all {
		x := &all[i]
		words := fmt.Sprintf("%d %s %s %+v", x.Status, x.Method, x.Path, x.Causes)
		if x.Local != nil {
			words += fmt.Sprintf(" %+v", *x.Local)
		}
		if j, ok := at[words]; ok {
			groups[j].Same = append(groups[j].Same, all[i].Entry)
			continue
		}
		at[words] = len(groups)
		groups = append(groups, all[i])
	}
	return groups
}

// veiled reports whether somebody took out of a token what makes it one.
func veiled(token string) bool {
	return strings.ContainsAny(token, "[]<>*…") || strings.HasSuffix(token, "..")
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// takeToken takes the token that is given, or finds the one that is in the request.
func (q *inquiry) takeToken(raw secret.String) {
	if q.header == nil {
		q.header = map[string][]string{}
	}
	q.token = raw
	if !raw.IsZero() {
		q.header[q.p.API.Send.Header] = []string{q.p.API.Send.Value(raw.Reveal())}
	}
	q.findToken()
}

// findToken finds the token in the header of the request. The redactor learns of
// it.
func (q *inquiry) findToken() {
	q.tokenHeader = q.p.API.Send.Header
	value, _ := caller.Find(q.header, q.tokenHeader)
	q.authorization = value
	if value != "" {
		q.unknown = false
	}
	bare := strings.TrimSpace(value[strings.LastIndexByte(value, ' ')+1:])
	if bare == "" {
		return
	}
	if veiled(bare) { // its claims may be there all the same
		q.veiled = true
		if at := strings.LastIndexByte(bare, '.'); at >= 0 {
			bare = bare[:at+1] + "AA"
		}
	} else {
		q.app.Secrets.Add(secret.New(value), secret.New(bare))
	}
	if t, err := token.Decode(bare); err == nil && t.Kind == token.JWT {
		q.claims = t.Claims
	}
}
