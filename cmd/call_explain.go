package cmd

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatepass/pkg/apigw"
	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
	"gatepass/pkg/view"
)

// explainFlags say whether a refusal is explained, and are embedded in call.
type explainFlags struct{ explainAll, noExplain bool }

// define adds the flags.
func (f *explainFlags) define(fs *pflag.FlagSet) {
	fs.BoolVar(&f.explainAll, "explain", false, "explain a refusal and compare it with authorize, also where nobody sits at a terminal")
	fs.BoolVar(&f.noExplain, "no-explain", false, "do not explain a refusal")
}

func (f *explainFlags) check() error {
	if f.explainAll && f.noExplain {
		return fault.New(fault.Usage, "--explain and --no-explain at once")
	}
	return nil
}

// explained says why the API refused; without causes where it did not.
func (a *call) explained(ctx context.Context, resp *caller.Response, body []byte) view.Explained {
	if resp.StatusCode < 400 {
		return view.Explained{Status: resp.StatusCode}
	}
	q := &inquiry{
		app: a.app, p: a.profile, method: a.request.Method, header: map[string][]string{}, at: a.app.Now(),
		status: resp.StatusCode, answer: resp.Header, body: body[:min(len(body), mostSeen)],
	}
	u := a.request.URL
	if r := resp.Request; r != nil { // the last one, where redirects were followed
		q.method, u, q.header = r.Method, r.URL, map[string][]string(r.Header.Clone())
	}
	q.path, _ = below(a.profile, u)
	q.query = u.RawQuery
	if t := a.request.Token; resp.WithToken && !t.IsZero() {
		q.header[a.profile.API.Send.Header] = []string{a.profile.API.Send.Value(t.Reveal())}
	}
	q.findToken()
	q.wanted = func(causes []apigw.Cause) bool {
		return a.explainAll || a.asks() && refusedByGateway(resp.StatusCode, causes)
	}
	x := q.explain(ctx)
	if x.Local != nil && !x.Local.Decided && !a.explainAll {
		x.Local = nil // nobody asked, and there is nothing to say
	}
	return x
}

// asks reports whether somebody at a terminal wants to know.
func (a *call) asks() bool {
	return a.app.IO.ErrTerminal && !a.noExplain && !a.asJSON && !a.silent
}

// refusedByGateway reports whether a refusal is worth an explanation unasked: 401,
// 403, 429, and what API Gateway says of itself and its authorizers.
func refusedByGateway(status int, causes []apigw.Cause) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return true
	}
	return status >= 500 && len(causes) > 0 && (causes[0].Sure || causes[0].Who == apigw.ByGateway || causes[0].Who == apigw.ByAuthorizer)
}

// explainIn puts what is known of a refusal into the error about it.
func (a *call) explainIn(e *fault.Error, x *view.Explained) {
	if len(x.Causes) == 0 || a.noExplain {
		return
	}
	refused, width := refusedByGateway(x.Status, x.Causes), a.app.IO.Width-2
	switch {
	case a.explainAll || a.asks() && refused:
		e.Detail, e.Hint = view.Refusal(x, width), x.Causes[0].Next
	case refused || x.Causes[0].ID != "not-the-gateway": // of a 404 from anywhere there is nothing to say
		e.Detail, e.Hint = view.Causes(x.Causes, width), x.Causes[0].Next
	}
	if a.noToken && slices.Contains([]string{"missing-token", "http-missing-source", "jwt-missing"}, x.Causes[0].ID) {
		e.Hint = "--no-token was given; without it, the token of your login is sent"
	}
	if twice := a.stageTwice(); twice != "" {
		e.Hint = twice
	}
}

// path is the path of the request below the API's base URL, as "gatepass
// authorize" takes it.
func (a *call) path() string {
	path, _ := below(a.profile, a.request.URL)
	return path
}

// stageTwice notices a path that begins with what the base URL ends with.
func (a *call) stageTwice() string {
	base, err := url.Parse(a.profile.API.URL)
	if err != nil || base.Path == "" {
		return ""
	}
	rest, ok := strings.CutPrefix(a.path(), base.EscapedPath()+"/")
	if !ok {
		return ""
	}
	return fmt.Sprintf("the API's base URL already ends with %s: gatepass call %s /%s", base.Path, a.request.Method, rest)
}
