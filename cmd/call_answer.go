package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
	"gatepass/pkg/view"
)

// show prints the answer, and returns what its status says.
func (a *call) show(resp *caller.Response) error {
	for _, h := range resp.Hops {
		if !h.WithToken && !a.request.Token.IsZero() {
			a.note("redirected to %s, without the token", h.URL)
		}
	}
	begin := &beginning{r: resp.Body}
	err := a.print(resp, begin)
	if a.verbose {
		t := resp.Timings()
		fmt.Fprintf(a.app.IO.Err, "* connected after %s, first byte after %s, all after %s\n", round(t.Connect), round(t.FirstByte), round(t.Total))
	}
	if err != nil {
		return err
	}
	return a.status(resp, a.causes(resp, begin.head.Bytes()))
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// print prints the answer where it belongs.
func (a *call) print(resp *caller.Response, body io.Reader) error {
	out := a.app.IO.Out
	if a.asJSON {
		return a.printJSON(resp, body)
	}
	if a.include {
		names := slices.Sorted(maps.Keys(resp.Header))
		if err := view.Head(out, resp.Proto, resp.Status, names, resp.Header, a.app.IO.OutTerminal); err != nil {
			return err
		}
	}
	if a.output != "" && a.output != "-" && resp.StatusCode < 400 {
		_, err := caller.Save(a.output, body)
		return err
	}
	if !a.app.IO.OutTerminal || a.output == "-" {
		_, err := caller.Copy(out, body)
		return err
	}
	err := view.Body(out, body, resp.Header.Get("Content-Type"))
	if errors.Is(err, view.ErrBinary) {
		return fault.New(fault.Failed, "the answer is binary and not shown on a terminal").
			WithHint("write it to a file: -o FILE   or show it all the same: -o -")
	}
	return err
}

// mostJSON is how much of a body --json shows, in bytes: as much as API Gateway
// lets through.
const mostJSON = 10 << 20

func (a *call) printJSON(resp *caller.Response, body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, mostJSON+1))
	if err != nil {
		return err
	}
	t := resp.Timings()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	result := view.Call{
		SchemaVersion: 1, Method: a.request.Method, URL: a.app.Secrets.Text(a.request.URL.String()),
		Status: resp.StatusCode, Protocol: resp.Proto, Headers: resp.Header,
		Timings: view.CallTimings{DNS: ms(t.DNS), Connect: ms(t.Connect), TLS: ms(t.TLS), FirstByte: ms(t.FirstByte), Total: ms(t.Total)},
		Causes:  a.causes(resp, text),
	}
	for _, h := range resp.Hops {
		result.Redirects = append(result.Redirects, view.Redirect(h))
	}
	if len(text) > mostJSON {
		text, result.Truncated = text[:mostJSON], true
	}
	result.SetBody(text)
	return view.JSON(a.app.IO.Out, result)
}

// causes asks why the API refused.
func (a *call) causes(resp *caller.Response, body []byte) []apigw.Cause {
	if resp.StatusCode < 400 {
		return nil
	}
	send := a.profile.API.Send
	seen := apigw.Seen{
		Method: a.request.Method, Path: a.path(), TokenHeader: send.Header,
		Status: resp.StatusCode, Header: resp.Header, Body: body[:min(len(body), mostSeen)],
	}
	seen.Authorization, _ = caller.Find(a.request.Header, send.Header)
	if t := a.request.Token; !t.IsZero() {
		seen.Authorization = send.Value(t.Reveal())
	}
	_, seen.APIKeySent = caller.Find(a.request.Header, "x-api-key")
	return apigw.ExplainResponse(seen)
}

// path is the path of the request below the API's base URL, as "gatepass
// authorize" takes it.
func (a *call) path() string {
	path := a.request.URL.EscapedPath()
	if base, err := url.Parse(a.profile.API.URL); err == nil && a.profile.API.URL != "" {
		if rest, ok := strings.CutPrefix(path, base.EscapedPath()); ok && strings.HasPrefix(rest, "/") {
			return rest
		}
	}
	return path
}

// status turns a status of 400 and above into an error, with its explanation.
func (a *call) status(resp *caller.Response, causes []apigw.Cause) error {
	code := resp.StatusCode
	if code < 400 {
		if location := resp.Header.Get("Location"); code >= 300 && location != "" && !a.follow && !a.asJSON {
			a.note("%d redirects to %s; -L follows", code, location)
		}
		return nil
	}
	kind := fault.Status
	if code == http.StatusUnauthorized || code == http.StatusForbidden {
		kind = fault.Denied
	}
	if a.asJSON {
		return fault.Quiet(kind)
	}
	e := fault.New(kind, "%s", strings.TrimSpace("the API answered "+strconv.Itoa(code)+" "+http.StatusText(code)))
	e.Detail = view.Causes(causes, a.app.IO.Width-2)
	if len(causes) > 0 {
		e.Hint = causes[0].Next
	}
	if twice := a.stageTwice(); twice != "" {
		e.Hint = twice
	}
	return e
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

// mostSeen is how much of a refusal's body is looked at, in bytes.
const mostSeen = 64 << 10

// beginning keeps what goes by first.
type beginning struct {
	r    io.Reader
	head bytes.Buffer
}

func (b *beginning) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if room := mostSeen - b.head.Len(); room > 0 {
		b.head.Write(p[:min(n, room)])
	}
	return n, err
}
