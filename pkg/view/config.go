package view

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Config is what is set, and where.
type Config struct {
	SchemaVersion int          `json:"schemaVersion"`
	Profile       string       `json:"profile"`
	Why           string       `json:"why"`
	Profiles      []string     `json:"profiles"`
	Files         []ConfigFile `json:"files"`
	Settings      []Setting    `json:"settings"`
}

// ConfigFile is a settings file that was looked for.
type ConfigFile struct {
	Source string `json:"source"`
	Path   string `json:"path"`
	Found  bool   `json:"found"`
}

// Setting is one value with where it comes from.
type Setting struct {
	Key    string
	List   bool
	Values []string
	Source string // flag, environment, project, user or default
	Name   string // the flag, variable or file
	Line   int    // in the file
	From   string // all of that as a person reads it
}

// MarshalJSON writes a list as a list, another value as a string, and what is
// not set as null.
func (s Setting) MarshalJSON() ([]byte, error) {
	var value any
	switch {
	case s.List:
		value = append([]string{}, s.Values...)
	case len(s.Values) > 0:
		value = s.Values[0]
	}
	return json.Marshal(struct {
		Key    string `json:"key"`
		Value  any    `json:"value"`
		Source string `json:"source"`
		Name   string `json:"name,omitempty"`
		Line   int    `json:"line,omitempty"`
	}{s.Key, value, s.Source, s.Name, s.Line})
}

// Config prints settings in columns: the key, the value, and where it comes
// from, which goes below the value where it does not fit beside it.
func (p *Printer) Config(c Config) {
	p.Printf("profile %s, %s\n", p.Bold(p.Outside(c.Profile)), p.Outside(c.Why))
	for _, f := range c.Files {
		found := ""
		if !f.Found {
			found = p.Dim(" (there is none)")
		}
		p.Printf("%s file %s%s\n", f.Source, p.Outside(f.Path), found)
	}
	p.Printf("\n")
	n := 0
	for _, s := range c.Settings {
		n = max(n, len(s.Key))
	}
	for _, s := range c.Settings {
		p.setting(n, s)
	}
}

func (p *Printer) setting(n int, s Setting) {
	lines := make([]string, 0, len(s.Values)+1)
	for _, v := range s.Values {
		lines = append(lines, p.Outside(v))
	}
	if strings.Join(lines, "") == "" {
		lines = []string{"(none)"}
	}
	if s.List && s.Key != "redirect_uris" {
		lines = []string{strings.Join(lines, " ")}
	}
	last := lines[len(lines)-1]
	from := p.Dim(p.Outside(s.From))
	indent := "\n" + strings.Repeat(" ", n+2)
	gap := "  "
	if n+2+utf8.RuneCountInString(last)+2+utf8.RuneCountInString(s.From) > p.Width {
		gap = indent
	}
	p.Printf("%s  %s%s%s\n", p.Name(Pad(s.Key, n)), strings.Join(lines, indent), gap, from)
}
