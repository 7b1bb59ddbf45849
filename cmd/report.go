package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gatepass/pkg/crash"
	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/source"
	"gatepass/pkg/view"
)

// report tells the user what went wrong and returns the exit code. It is the
// only place where an error becomes text.
func report(ctx context.Context, app *App, asJSON bool, err error) int {
	if err == nil {
		return 0
	}
	f := classify(ctx, err)
	switch {
	case f.Msg == "":
	case asJSON:
		reportJSON(app.IO.Err, app.clean, f)
	default:
		reportText(app, f)
	}
	return f.Kind.ExitCode()
}

// classify finds the kind of an error and the words for it.
func classify(ctx context.Context, err error) *fault.Error {
	var f *fault.Error
	var s *source.Error
	var mistake *crash.Error
	switch {
	case errors.As(err, &mistake):
		return panicked(mistake)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return fault.New(fault.Interrupted, "interrupted")
	case errors.As(err, &f):
		return f
	case errors.As(err, &s):
		return fromSource(err)
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Network, "the time limit has passed")
	case fromNetwork(err):
		return fault.New(fault.Network, "%s", err)
	}
	return fault.New(fault.Failed, "%s", err)
}

// panicked is a mistake in gatepass itself as an error. What a panic says may have
// a secret in it, so that it is written like every other error, without them; and
// the exit code of Go's own words would be that of a mistake in the arguments.
func panicked(e *crash.Error) *fault.Error {
	return &fault.Error{
		Kind: fault.Failed, Msg: fmt.Sprintf("this is a mistake in gatepass: %v", e.Value), Detail: string(e.Stack),
		Hint: "please report it, with the lines above",
	}
}

// fromNetwork reports whether an error is of the network. It does not ask for a
// net.Error: the numbers of file-system errors are ones, too.
func fromNetwork(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var request *url.Error
	return errors.As(err, &op) || errors.As(err, &dns) || errors.As(err, &request)
}

// fromSource shows the mistakes of a file: the first one with its line, the
// others below it.
func fromSource(err error) *fault.Error {
	var all []*source.Error
	for _, e := range flatten(err) {
		var s *source.Error
		if errors.As(e, &s) {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b *source.Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	first := all[0]
	f := &fault.Error{Kind: fault.Usage, Msg: first.Error(), Detail: first.Excerpt(), Hint: first.Hint, Err: err}
	for _, s := range all[1:] {
		f.Detail += "\n" + s.Error()
		if s.Hint != "" {
			f.Detail += " (" + s.Hint + ")"
		}
	}
	return f
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	var j interface{ Unwrap() []error }
	if !errors.As(err, &j) {
		return []error{err}
	}
	var all []error
	for _, e := range j.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

// clean makes text safe to show: no secrets, nothing a terminal would act on.
func (app *App) clean(s string) string {
	return iostreams.VisibleLines(app.Secrets.Text(s))
}

// speaker is before whatever is said to a person.
const speaker = "gatepass: "

// say tells a person something.
func (app *App) say(format string, args ...any) {
	fmt.Fprintf(app.IO.Err, "%s%s\n", speaker, app.lines(len(speaker), app.clean(fmt.Sprintf(format, args...))))
}

// lines breaks what is said in one line into lines for a terminal, behind an indent.
func (app *App) lines(indent int, text string) string {
	if !app.IO.ErrTerminal || strings.Contains(text, "\n") {
		return text
	}
	return view.NewPrinter(app.IO.Err, false, app.IO.Width, app.Now).Wrap(indent, text)
}

func reportText(app *App, f *fault.Error) {
	mark, reset := "", ""
	if app.IO.ErrColor {
		mark, reset = "\x1b[1;31m", "\x1b[0m"
	}
	fmt.Fprintf(app.IO.Err, "%sgatepass:%s %s\n", mark, reset, app.lines(len(speaker), iostreams.Visible(app.Secrets.Text(f.Msg))))
	if f.Detail != "" {
		fmt.Fprintf(app.IO.Err, "  %s\n", strings.ReplaceAll(app.clean(f.Detail), "\n", "\n  "))
	}
	if f.Hint != "" {
		fmt.Fprintf(app.IO.Err, "hint: %s\n", app.lines(len("hint: "), app.clean(f.Hint)))
	}
}

// errorJSON is how an error reads with --json. docs/json.md promises it.
type errorJSON struct {
	SchemaVersion int       `json:"schemaVersion"`
	Error         errorBody `json:"error"`
}

type errorBody struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
	Hint    string `json:"hint,omitempty"`
	Exit    int    `json:"exit"`
}

func reportJSON(w io.Writer, clean func(string) string, f *fault.Error) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(errorJSON{1, errorBody{
		Kind: f.Kind.String(), Message: clean(f.Msg), Detail: clean(f.Detail), Hint: clean(f.Hint), Exit: f.Kind.ExitCode(),
	}})
}

// flagNames are the names of all flags a command takes.
func flagNames(c *cobra.Command) []string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	c.InheritedFlags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
