// Package view prints results: as text for a person, or as versioned JSON for a
// program. Every command prints through it, and what it prints is the same value
// in either form.
//
// Text from outside (claims, headers, bodies, descriptions of errors) goes
// through [Printer.Outside] before it reaches a terminal.
package view

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"gatepass/pkg/human"
	"gatepass/pkg/iostreams"
)

// Printer writes text for people.
type Printer struct {
	w     io.Writer
	color bool
	err   error

	Width int              // columns, for what must be cut or wrapped
	Now   func() time.Time // what "in 52 min" is counted from
	Zone  *time.Location   // the zone times are shown in
}

// NewPrinter makes a printer for a stream that takes colour or not.
func NewPrinter(w io.Writer, color bool, width int, now func() time.Time) *Printer {
	return &Printer{w: w, color: color, Width: max(width, 40), Now: now, Zone: time.Local}
}

// Printf writes formatted text. The first error is kept for Err.
func (p *Printer) Printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// Line writes its parts, separated by spaces, as a line.
func (p *Printer) Line(parts ...string) { p.Printf("%s\n", strings.Join(parts, " ")) }

// Err is the first error of writing, or nil.
func (p *Printer) Err() error { return p.err }

// The styles. Without colour they change nothing.

func (p *Printer) style(code, s string) string {
	if !p.color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// Bold is for what the eye should find first.
func (p *Printer) Bold(s string) string { return p.style("1", s) }

// Dim is for what may be skipped.
func (p *Printer) Dim(s string) string { return p.style("2", s) }

// Good is for what is allowed or valid.
func (p *Printer) Good(s string) string { return p.style("32", s) }

// Bad is for what is denied or invalid.
func (p *Printer) Bad(s string) string { return p.style("31", s) }

// Warn is for what deserves a look.
func (p *Printer) Warn(s string) string { return p.style("33", s) }

// Name is for keys, commands and other names.
func (p *Printer) Name(s string) string { return p.style("36", s) }

// Heading starts a section: a blank line and a title.
func (p *Printer) Heading(title string) { p.Printf("\n%s\n", p.Bold(title)) }

// Outside is text from outside on one line, made safe for a terminal.
func (p *Printer) Outside(s string) string { return iostreams.Visible(s) }

// Wrap breaks text into lines that fit the width behind an indent of n columns;
// lines after the first are indented. Words longer than a line are left whole.
func (p *Printer) Wrap(n int, text string) string {
	room := max(p.Width-n, 20)
	var b strings.Builder
	col := 0
	for i, word := range strings.Fields(text) {
		w := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case col+1+w > room:
			b.WriteString("\n" + strings.Repeat(" ", n))
			col = 0
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += w
	}
	return b.String()
}

// Pad fills s with spaces up to n columns.
func Pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

// Pair is a name with its value.
type Pair struct{ Name, Value string }

// Pairs prints names and values in two columns behind an indent. Values are
// wrapped; they must have been made safe.
func (p *Printer) Pairs(indent int, pairs []Pair) {
	n := 0
	for _, x := range pairs {
		n = max(n, utf8.RuneCountInString(x.Name))
	}
	n = min(n, 28)
	for _, x := range pairs {
		p.Printf("%s%s  %s\n", strings.Repeat(" ", indent), p.Name(Pad(x.Name, n)), p.Wrap(indent+n+2, x.Value))
	}
}

// Time is a point in time as people read it: local time, and how far from now.
func (p *Printer) Time(t time.Time) string {
	return fmt.Sprintf("%s, %s", t.In(p.Zone).Format("Mon 2 Jan 2006 15:04:05 MST"), human.Relative(t, p.Now()))
}

// JSON prints a value as an indented JSON object. HTML characters stay as they
// are: nobody reads this in a browser.
func JSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
