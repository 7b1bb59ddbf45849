package cmd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"strings"
	"time"

	"gatepass/pkg/caller"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/jq"
	"gatepass/pkg/view"
)

// filtered prints what --jq makes of a body: of JSON, of several JSON texts after
// each other, or of each event of an event stream.
func (a *call) filtered(ctx context.Context, body io.Reader, mediaType string) error {
	out := bufio.NewWriterSize(a.app.IO.Out, 64<<10)
	emit := func(r jq.Result) error { return a.printResult(out, r) }
	// What is there to be seen is shown before there is a wait for more.
	in := readFunc(func(p []byte) (int, error) {
		if err := out.Flush(); err != nil {
			return 0, err
		}
		return body.Read(p)
	})
	if a.timeout > 0 { // it is for everything, and an expression may never end
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(a.timeout))
		defer cancel()
	}
	var err error
	if kind, _, _ := mime.ParseMediaType(mediaType); kind == "text/event-stream" {
		err = a.eachEvent(ctx, in, emit)
	} else {
		err = a.filter.Run(ctx, in, emit)
	}
	if flushing := out.Flush(); err == nil {
		err = flushing
	}
	return err
}

// eachEvent runs the expression over the data of events, as they come. Data that is
// no JSON is a string to it.
func (a *call) eachEvent(ctx context.Context, body io.Reader, emit func(jq.Result) error) error {
	events := caller.NewEventReader(body)
	for {
		ev, err := events.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		data := ev.Data
		if !json.Valid([]byte(data)) {
			text, err := json.Marshal(data)
			if err != nil {
				return err
			}
			data = string(text)
		}
		if err := a.filter.Run(ctx, strings.NewReader(data), emit); err != nil {
			return err
		}
	}
}

// printResult prints one result: on a line, or laid out on a terminal.
func (a *call) printResult(w *bufio.Writer, r jq.Result) error {
	io := a.app.IO
	line, isText := r.Text()
	switch {
	case !a.rawOutput || !isText:
		text, err := r.JSON()
		if err != nil {
			return err
		}
		if line = string(text); io.OutTerminal {
			line = view.JSONText(text, io.OutColor)
		}
	case io.OutTerminal:
		line = iostreams.VisibleLines(line)
	}
	_, err := w.WriteString(line + "\n")
	return err
}

// readFunc is a reader made of a function.
type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
