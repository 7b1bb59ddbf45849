package cmd

import (
	"bytes"
	"context"
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

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
	"gatepass/pkg/human"
	"gatepass/pkg/view"
)

// answer is what becomes of the answer of one call.
type answer struct {
	transfer transfer
	file     string // the body of a success goes to it; empty: to standard output
	saved    bool
	packed   string // how the body was compressed, where it was unpacked
}

// destination is where a body goes.
type destination uint8

const (
	toStdout destination = iota
	toFile
	toStderr
	nowhere
)

// deliver sends the request and sees to its answer. Send makes the request, which
// may take several attempts.
func (a *call) deliver(ctx context.Context, send func(context.Context) (*caller.Response, error)) error {
	var err error
	if a.answer.file, err = a.file(a.request.URL.EscapedPath()); err != nil {
		return err
	}
	if a.unpacks() {
		a.askPacked()
	}
	a.request.Body = a.answer.transfer.up.Body(a.request.Body)
	a.startProgress()
	defer a.answer.transfer.stop()
	resp, err := send(ctx)
	if err == nil {
		err = a.show(ctx, resp)
		_ = resp.Body.Close()
	}
	a.answer.transfer.stop()
	if werr := a.printFormat(ctx, resp, err); err == nil {
		err = werr
	}
	return a.hushed(ctx, err)
}

// unpacks reports whether the answer is looked at or laid out here, so that it may
// come compressed. What goes into a pipe or a file is left as it is, unless
// --compressed is given.
func (a *call) unpacks() bool {
	shown := a.app.IO.OutTerminal && a.output == "" && !a.remoteName
	return a.compressed || a.asJSON || a.filter != nil || shown
}

// askPacked asks for a compressed answer. A part of a file is not asked for so: it
// would be a part of the compressed one.
func (a *call) askPacked() {
	if _, part := caller.Find(a.request.Header, "Range"); !part {
		caller.Default(a.request.Header, "Accept-Encoding", caller.AcceptEncoding)
	}
}

// startProgress shows how far a long transfer is, to whom it interests.
func (a *call) startProgress() {
	if s := a.app.IO; s.ErrTerminal && !a.silent && !a.verbose {
		upload := a.request.Body.Size
		if a.request.Body.Open == nil {
			upload = 0
		}
		columns := a.app.columns
		if columns == nil {
			columns = func() int { return s.Width }
		}
		a.answer.transfer.start(s.Err, columns, a.app.Now, upload)
	}
}

// hushed is an error of which -s leaves nothing but the exit code.
func (a *call) hushed(ctx context.Context, err error) error {
	if err == nil || !a.silent || a.showError || a.asJSON {
		return err
	}
	return fault.Quiet(classify(ctx, err).Kind)
}

// show prints the answer, and returns what its status says.
func (a *call) show(ctx context.Context, resp *caller.Response) error {
	a.answer.transfer.answer(resp.ContentLength)
	for _, h := range resp.Hops {
		left := h.Left
		if !h.WithToken && !a.request.Token.IsZero() {
			left = append([]string{"the token"}, left...)
		}
		if len(left) > 0 {
			a.note("redirected to %s, without %s", cutText(h.URL, mostLocation), strings.Join(left, ", "))
		}
	}
	to := a.destination(resp.StatusCode)
	body, done := a.open(resp, to)
	defer done()
	begin := &beginning{r: body}
	err := a.print(ctx, resp, begin, to)
	a.answer.transfer.stop()
	a.sayTimes(resp)
	if err != nil {
		var f *fault.Error
		if resp.StatusCode < 400 || !errors.As(err, &f) || f.Kind != fault.Failed {
			return err
		}
		a.note("%s", f.Msg) // the status says more
	}
	return a.status(resp, a.explained(ctx, resp, begin.head.Bytes()))
}

// destination decides where the body of an answer goes. The body of an error is nothing
// that a program behind a pipe or a filter asked for; with -i, it is.
func (a *call) destination(status int) destination {
	if status < 400 {
		if a.answer.file != "" {
			return toFile
		}
		return toStdout
	}
	switch {
	case a.fail || a.errorBody == "none":
		return nowhere
	case a.errorBody == "stderr":
		return toStderr
	case a.errorBody == "stdout", a.asJSON, a.include && a.filter == nil:
		return toStdout
	case a.filter != nil, !a.app.IO.OutTerminal:
		return toStderr
	}
	return toStdout
}

// open counts what comes and unpacks it where it is to be read.
func (a *call) open(resp *caller.Response, to destination) (body io.Reader, done func()) {
	body = a.answer.transfer.down.Reader(resp.Body)
	codings := resp.Header.Values("Content-Encoding")
	if len(codings) == 0 || !a.unpacks() && to != toStderr && to != nowhere {
		return body, func() {}
	}
	unpacked, unknown := caller.Decode(body, codings)
	if unknown != "" {
		a.note("the answer is compressed with %s, which cannot be unpacked here: it is left as it is", unknown)
		return body, func() {}
	}
	a.answer.packed = strings.Join(codings, ", ")
	limited := readFunc(func(p []byte) (int, error) { // few bytes may become many, which takes its time
		if err := resp.Ended(); err != nil {
			return 0, err
		}
		return unpacked.Read(p)
	})
	return limited, func() { _ = unpacked.Close() }
}

// print prints the answer where it belongs.
func (a *call) print(ctx context.Context, resp *caller.Response, body io.Reader, to destination) error {
	s := a.app.IO
	if a.asJSON {
		return a.printJSON(ctx, resp, body)
	}
	if a.include {
		w, terminal := s.Out, s.OutTerminal
		if to == toStderr {
			w, terminal = s.Err, true
		}
		a.quiet(terminal)
		names := slices.Sorted(maps.Keys(resp.Header))
		if err := view.Head(w, resp.Proto, resp.Status, names, resp.Header, terminal); err != nil {
			return err
		}
	}
	mediaType := resp.Header.Get("Content-Type")
	switch {
	case to == nowhere:
		_, err := io.Copy(io.Discard, io.LimitReader(body, mostSeen))
		return err
	case to == toFile:
		return a.save(body)
	case to == toStderr:
		return a.printError(body, mediaType)
	case a.filter != nil:
		a.quiet(s.OutTerminal)
		return a.filtered(ctx, body, mediaType)
	case !s.OutTerminal || a.output == "-":
		a.quiet(s.OutTerminal)
		_, err := caller.Copy(s.Out, body)
		return err
	}
	a.quiet(true)
	err := view.Body(s.Out, body, mediaType, s.OutColor)
	if errors.Is(err, view.ErrBinary) {
		return fault.New(fault.Failed, "the answer is binary and not shown on a terminal").
			WithHint("write it to a file: -o FILE   or show it all the same: -o -")
	}
	return err
}

// quiet takes the progress away before something is printed on the same terminal.
func (a *call) quiet(terminal bool) {
	if terminal {
		a.answer.transfer.stop()
	}
}

// save writes the body into its file.
func (a *call) save(body io.Reader) error {
	n, err := caller.Save(a.answer.file, body)
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) && f.Kind == fault.Network && f.Hint == "" {
			return &fault.Error{Kind: f.Kind, Msg: f.Msg, Err: err, Hint: "nothing was written to " + a.answer.file + ": " + human.Bytes(n) + " had come"}
		}
		return err
	}
	a.answer.saved = true
	if a.app.IO.ErrTerminal {
		a.answer.transfer.stop()
		a.note("%s in %s", human.Bytes(n), a.answer.file)
	}
	return nil
}

// mostError is how much of an error's body is printed on standard error, in bytes.
const mostError = 1 << 20

// printError prints the body of an error on standard error, made safe and without
// secrets.
func (a *call) printError(body io.Reader, mediaType string) error {
	a.quiet(true)
	s := a.app.IO
	rest := &io.LimitedReader{R: body, N: mostError}
	if !s.ErrTerminal {
		mediaType = "" // in a log, a line stays a line
	}
	w := a.app.Secrets.Writer(s.Err)
	err := view.Body(w, rest, mediaType, s.ErrColor)
	if closing := w.Close(); err == nil {
		err = closing
	}
	switch {
	case errors.Is(err, view.ErrBinary):
		a.note("the body of the error is binary and not shown; --error-body stdout passes it on")
		return nil
	case err == nil && rest.N == 0:
		a.note("the body of the error is longer than %s and not shown whole; --error-body stdout passes it on", human.Bytes(mostError))
	}
	return err
}

// mostJSON is how much of a body --json shows, in bytes: as much as API Gateway
// lets through.
const mostJSON = 10 << 20

func (a *call) printJSON(ctx context.Context, resp *caller.Response, body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, mostJSON+1))
	if err != nil {
		return err
	}
	x := a.explained(ctx, resp, text)
	result := view.Call{
		SchemaVersion: 1, Method: a.request.Method, URL: a.app.Secrets.Text(a.request.URL.String()),
		Status: resp.StatusCode, Protocol: resp.Proto, Headers: resp.Header,
		Encoding: a.answer.packed, Received: a.answer.transfer.down.Bytes(),
		Timings: timings(resp), Causes: x.Causes, Local: x.Local,
	}
	for _, h := range resp.Hops {
		result.Redirects = append(result.Redirects, view.Redirect{Status: h.Status, URL: h.URL, WithToken: h.WithToken})
	}
	if len(text) > mostJSON {
		text, result.Truncated = text[:mostJSON], true
	}
	result.SetBody(text)
	a.quiet(a.app.IO.OutTerminal)
	return view.JSON(a.app.IO.Out, result)
}

func timings(resp *caller.Response) view.CallTimings {
	t := resp.Timings()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return view.CallTimings{DNS: ms(t.DNS), Connect: ms(t.Connect), TLS: ms(t.TLS), FirstByte: ms(t.FirstByte), Total: ms(t.Total)}
}

// sayTimes says how long everything took, in a line with -v and in full with --meta.
func (a *call) sayTimes(resp *caller.Response) {
	w := a.app.IO.Err
	if a.verbose {
		t := resp.Timings()
		fmt.Fprintf(w, "* connected after %s, first byte after %s, all after %s\n", round(t.Connect), round(t.FirstByte), round(t.Total))
	}
	if a.withMeta && !a.asJSON {
		m := view.CallMeta{
			Status: resp.Status, Protocol: resp.Proto, Sent: a.answer.transfer.up.Bytes(), Received: a.answer.transfer.down.Bytes(),
			Encoding: a.answer.packed, Redirects: len(resp.Hops), Timings: timings(resp),
		}
		m.Print(view.NewPrinter(w, a.app.IO.ErrColor, a.app.IO.Width, a.app.Now))
	}
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// status turns a status of 400 and above into an error, with its explanation.
func (a *call) status(resp *caller.Response, x view.Explained) error {
	code := resp.StatusCode
	if code < 400 {
		if location := resp.Header.Get("Location"); code >= 300 && location != "" && !a.follow && !a.asJSON {
			a.note("%d redirects to %s; -L follows", code, cutText(withoutPassword(location), mostLocation))
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
	a.explainIn(e, &x)
	return e
}

// mostLocation is how much of a redirect's address is said, in bytes.
const mostLocation = 300

// withoutPassword is an address without the password that may be in it.
func withoutPassword(address string) string {
	if u, err := url.Parse(address); err == nil && u.User != nil {
		return u.Redacted()
	}
	return address
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

// note says something on standard error, unless nothing is to be said.
func (a *call) note(format string, args ...any) {
	if a.silent {
		return
	}
	a.answer.transfer.aside(func() {
		a.app.say(format, args...)
	})
}
