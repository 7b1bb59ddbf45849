package view

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// mostLine is up to which length a line of an event stream is looked at, in bytes.
const mostLine = 64 << 10

// eventStream shows server-sent events line by line as they come (HTML, section
// 9.2): names of fields and JSON in colour, comments dim.
func eventStream(w io.Writer, r io.Reader, color bool) error {
	in := bufio.NewReaderSize(r, mostLine)
	out := &visible{w: w}
	whole := true // what comes next begins a line
	for {
		line, err := in.ReadSlice('\n')
		ended := err == nil
		if errors.Is(err, bufio.ErrBufferFull) {
			err = nil
		}
		if werr := eventLine(out, line, color, whole && ended); werr != nil {
			return werr
		}
		if err != nil {
			if closing := out.end(); closing != nil {
				return closing
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		whole = ended
	}
}

// eventLine shows a line, or a piece of one that is too long to be looked at.
func eventLine(out *visible, line []byte, color, whole bool) error {
	text := bytes.TrimRight(line, "\r\n")
	name, value, found := bytes.Cut(text, []byte(":"))
	if !whole || !found || bytes.ContainsAny(text, "\r") {
		_, err := out.Write(line)
		return err
	}
	p := NewPrinter(nil, color, 0, nil)
	var shown string
	switch string(name) {
	case "":
		shown = p.Dim(p.Outside(string(text)))
	case "data", "event", "id", "retry":
		shown = p.Name(string(name)) + ":" + eventValue(p, value)
	default:
		shown = p.Outside(string(text))
	}
	_, err := io.WriteString(out.w, shown+"\n")
	return err
}

func eventValue(p *Printer, value []byte) string {
	if json.Valid(value) {
		return JSONLine(value, p.color)
	}
	return p.Outside(string(value))
}
