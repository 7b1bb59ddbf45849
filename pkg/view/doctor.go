package view

import "strings"

// Doctor is what an examination of the set-up found.
type Doctor struct {
	SchemaVersion int       `json:"schemaVersion"`
	Profile       string    `json:"profile"`
	Well          bool      `json:"well"` // nothing is wrong
	Findings      []Finding `json:"findings"`
}

// Finding is what one check found.
type Finding struct {
	Check     string   `json:"check"`
	Subject   string   `json:"subject,omitempty"`
	Result    string   `json:"result"` // ok, warning, failed or skipped
	What      string   `json:"what"`
	Why       string   `json:"why,omitempty"`
	Change    string   `json:"change,omitempty"`
	Details   []string `json:"details,omitempty"`
	Terraform string   `json:"terraform,omitempty"`
}

// Doctor prints the findings, and how many of them are not good.
func (p *Printer) Doctor(d Doctor) {
	n, wrong, doubtful := 0, 0, 0
	for _, f := range d.Findings {
		n = max(n, len(f.Check))
	}
	for _, f := range d.Findings {
		p.finding(n, f)
		switch f.Result {
		case "failed":
			wrong++
		case "warning":
			doubtful++
		}
	}
	p.Printf("\n")
	switch {
	case d.Well:
		p.Line(p.Good("all is well"))
	case wrong > 0:
		p.Line(p.Bad(count(wrong, "thing is", "things are")+" wrong") + alsoLook(doubtful))
	default:
		p.Line(p.Warn(count(doubtful, "thing deserves", "things deserve") + " a look"))
	}
}

func alsoLook(n int) string {
	if n == 0 {
		return ""
	}
	return ", " + count(n, "more deserves", "more deserve") + " a look"
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return itoa(n) + " " + many
}

func (p *Printer) finding(n int, f Finding) {
	mark, indent := p.Dim("–"), n+3
	what := p.Outside(f.What)
	switch f.Result {
	case "ok":
		mark = p.Good("✓")
	case "warning":
		mark, what = p.Warn("!"), p.Warn(what)
	case "failed":
		mark, what = p.Bad("✗"), p.Bad(what)
	}
	p.Printf("%s %s %s\n", mark, p.Name(Pad(f.Check, n)), p.Wrap(indent, what))
	gap := strings.Repeat(" ", indent)
	line := func(title, text string) {
		if text != "" {
			p.Printf("%s%s%s\n", gap, p.Dim(title), p.Wrap(indent+len(title), p.Outside(text)))
		}
	}
	for _, d := range f.Details {
		line("", d)
	}
	line("why: ", f.Why)
	line("to do: ", f.Change)
	if f.Terraform != "" {
		line("", "or in Terraform:")
		for _, l := range strings.Split(f.Terraform, "\n") {
			p.Printf("%s  %s\n", gap, p.Outside(l))
		}
	}
}
