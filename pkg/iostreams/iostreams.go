// Package iostreams has what a command knows of the world it talks to: three
// streams and a few facts about them.
package iostreams

import (
	"bytes"
	"io"
	"strings"
)

// Streams are a command's input and outputs. Results go to Out and nothing else
// does; what is said to a person goes to Err.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	InTerminal  bool // In is a terminal: somebody can be asked
	OutTerminal bool // Out is a terminal
	ErrTerminal bool // Err is a terminal: somebody reads what is said

	OutColor bool // Out takes colour
	ErrColor bool // Err takes colour

	Width int // columns of the terminal, 80 where that is unknown
}

// Test returns streams over buffers, none of them a terminal.
func Test(in string) (s *Streams, out, err *bytes.Buffer) {
	out, err = new(bytes.Buffer), new(bytes.Buffer)
	return &Streams{In: strings.NewReader(in), Out: out, Err: err, Width: 80}, out, err
}

// Color says whether a stream takes colour, by the conventions of
// no-color.org and CLICOLOR_FORCE: NO_COLOR wins, then force, then the
// terminal unless it is dumb.
func Color(getenv func(string) string, terminal bool) bool {
	switch {
	case getenv("NO_COLOR") != "":
		return false
	case getenv("CLICOLOR_FORCE") != "" && getenv("CLICOLOR_FORCE") != "0":
		return true
	}
	return terminal && getenv("TERM") != "dumb"
}
