package cmd

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gatepass/pkg/caller"
	"gatepass/pkg/config"
)

func newCall(app *App) *cobra.Command {
	a := &call{app: app}
	c := &cobra.Command{
		Use:   "call [METHOD] PATH [ITEM...]",
		Short: "Make a request with your token, and explain a refusal",
		Long: `Call makes a request to the profile's API with the token you are logged in with.
PATH is a path below the API's base URL, or a full URL of the same API. With a
body the method is POST unless you say otherwise.

What is sent is said with curl's flags, or with items as HTTPie and xh have:
  name=text      a string in a JSON body; a field, with --form
  name:=json     any other JSON value: limit:=10, tags:='["a","b"]'
  name==text     a parameter of the query
  Name:text      a header; "Name:" leaves one out, "Name;" sends it empty
  name@file      a file in a form, with --form
  @file  -       the whole body: a file, or standard input
An @ before the text takes it from a file: name=@file, name:=@file. In a JSON
body a[b]=x is a member of an object, a[]=x one more of a list. A backslash in a
name takes the meaning from = : ; @ [ and ].

The token goes to the API's scheme, host and port and nowhere else, also where
redirects are followed; so does the API key of GATEPASS_API_KEY or of your own
settings. A token that the API calls stale is renewed, and the request made once
more. When the API refuses, why is said on standard error.

The exit code is 0 for a status below 400, 3 for 401 and 403, 8 for any other
status, 4 when a login is needed and 6 when there was no answer.`,
		Example: `  gatepass call /orders
  gatepass call /orders status==open limit==10
  gatepass call /orders item=tea count:=2 'address[city]=Paris'
  gatepass call PUT /orders/7 --json-data @order.json -H 'If-Match: "3"'
  gatepass call /orders -d item=tea --print curl
  gatepass call DELETE /orders/7 -i
  gatepass call /reports/2026.csv -o report.csv --retry 3`,
		Args: positional(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return a.run(c.Context(), wantJSON(c), args) },
	}
	c.SetFlagErrorFunc(callFlagError)
	fs := c.Flags()
	fs.SortFlags = false
	groups := []flagGroup{
		{"What is sent", group()}, {"The token", group()}, {"Instead of sending it", group()}, {"How", group()}, {"The answer", group()},
	}
	a.requestFlags.define(groups[0].flags)
	a.tokenFlags.define(groups[1].flags)
	a.rehearsalFlags.define(groups[2].flags)
	a.connectionFlags.define(groups[3].flags)
	a.answerFlags.define(groups[4].flags)
	a.explainFlags.define(groups[4].flags)
	for _, g := range groups {
		fs.AddFlagSet(g.flags)
	}
	a.settings.bind(c)
	c.SetUsageFunc(a.settings.groupedUsage(groups))
	return c
}

// call is one run of the command.
type call struct {
	app      *App
	settings settings

	requestFlags
	connectionFlags
	tokenFlags
	rehearsalFlags
	answerFlags
	explainFlags

	profile *config.Profile
	request *caller.Request
	asJSON  bool
	answer  answer
	stdin   string // what has taken standard input, in words
}

func (a *call) run(ctx context.Context, asJSON bool, args []string) error {
	a.asJSON = asJSON
	if err := a.check(); err != nil {
		return err
	}
	var err error
	if a.profile, err = a.settings.load(a.app); err != nil {
		return err
	}
	if err := a.prepare(args); err != nil {
		return err
	}
	if a.printAs != "" || a.dryRun {
		return a.rehearse(ctx)
	}
	if err := a.addToken(ctx); err != nil {
		return err
	}
	a.warnOfMismatch(ctx)
	client, err := a.client()
	if err != nil {
		return err
	}
	defer client.Close()
	return a.deliver(ctx, func(ctx context.Context) (*caller.Response, error) { return a.send(ctx, client) })
}

// check refuses flags that do not go together, before anything is read.
func (a *call) check() error {
	if err := a.requestFlags.check(); err != nil {
		return err
	}
	if err := a.connectionFlags.check(); err != nil {
		return err
	}
	if err := a.tokenFlags.check(); err != nil {
		return err
	}
	if err := a.rehearsalFlags.check(); err != nil {
		return err
	}
	if err := a.explainFlags.check(); err != nil {
		return err
	}
	return a.answerFlags.check(a.app, a.asJSON)
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
