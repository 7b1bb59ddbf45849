package caller

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"gatepass/pkg/fault"
)

// Event is a server-sent event (HTML, section 9.2).
type Event struct {
	Type string // "message" where the server gives none
	Data string // its lines, joined with line feeds
	ID   string // the last one given, by this event or one before
}

// EventReader reads server-sent events as they come.
type EventReader struct {
	r      *bufio.Reader
	begun  bool // the byte order mark is behind us
	skipLF bool // the line before ended with \r: \n after it is part of that
	id     string
	most   int
}

// mostEvent is how long an event may be, in bytes.
const mostEvent = 16 << 20

// NewEventReader reads events from the body of an answer.
func NewEventReader(r io.Reader) *EventReader {
	return &EventReader{r: bufio.NewReaderSize(r, buffer), most: mostEvent}
}

// Next waits for the next event that has data. At the end of the stream it is
// io.EOF; what was begun by then and not ended is dropped, as the specification
// says. An event longer than 16 MB is *fault.Error of kind Network.
func (e *EventReader) Next() (Event, error) {
	ev := Event{Type: "message"}
	var data strings.Builder
	some := false
	for left := e.most; ; {
		line, err := e.line(left)
		if err != nil {
			return Event{}, err
		}
		if line == "" {
			if some {
				ev.Data, ev.ID = data.String(), e.id
				return ev, nil
			}
			ev.Type, left = "message", e.most
			continue
		}
		if line[0] == ':' {
			continue // a comment, as many servers send to keep the connection open
		}
		left -= len(line)
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "data":
			if some {
				data.WriteByte('\n')
			}
			some = true
			data.WriteString(value)
		case "event":
			if ev.Type = value; value == "" {
				ev.Type = "message"
			}
		case "id":
			if !strings.Contains(value, "\x00") {
				e.id = value
			}
		}
	}
}

// line reads a line, which ends with \n, \r or both. A \r ends it at once: what
// comes after it may take its time.
func (e *EventReader) line(most int) (string, error) {
	var line []byte
	for {
		c, err := e.r.ReadByte()
		if err != nil {
			return "", err // a line that is not ended is dropped
		}
		skip := e.skipLF
		e.skipLF = false
		switch {
		case c == '\n' && skip:
			continue
		case c == '\n' || c == '\r':
			e.skipLF = c == '\r'
			if !e.begun {
				line, e.begun = bytes.TrimPrefix(line, []byte("\ufeff")), true
			}
			return string(line), nil
		case len(line) >= most:
			return "", fault.New(fault.Network, "an event of the answer is longer than %d MB", e.most>>20)
		}
		line = append(line, c)
	}
}
