package view

import (
	"strings"
)

// WriteOut is a format in curl's language for --write-out: text with %{variable}
// and %header{name} in it, where %% is a percent sign and \n, \r and \t are
// characters.
type WriteOut []WriteOutPart

// WriteOutPart is a piece of a format. One of its members is set.
type WriteOutPart struct {
	Text     string
	Variable string
	Header   string
}

// ParseWriteOut reads a format. Every text is one: what is no variable stands for
// itself, as it does with curl.
func ParseWriteOut(format string) WriteOut {
	var parts WriteOut
	var text strings.Builder
	add := func(p WriteOutPart) {
		if text.Len() > 0 {
			parts = append(parts, WriteOutPart{Text: text.String()})
			text.Reset()
		}
		parts = append(parts, p)
	}
	for rest := format; rest != ""; {
		if p, after, ok := writeOutVariable(rest); ok {
			add(p)
			rest = after
			continue
		}
		s, n := writeOutText(rest)
		text.WriteString(s)
		rest = rest[n:]
	}
	if text.Len() > 0 {
		parts = append(parts, WriteOutPart{Text: text.String()})
	}
	return parts
}

// writeOutVariable reads what a format begins with if that is a variable.
func writeOutVariable(s string) (p WriteOutPart, after string, ok bool) {
	if inner, found := strings.CutPrefix(s, "%header{"); found {
		p.Header, after, ok = strings.Cut(inner, "}")
		return p, after, ok && p.Header != ""
	}
	if inner, found := strings.CutPrefix(s, "%{"); found {
		p.Variable, after, ok = strings.Cut(inner, "}")
		return p, after, ok && p.Variable != ""
	}
	return p, s, false
}

// writeOutText is the text a format begins with, and how much of the format it takes.
func writeOutText(s string) (text string, n int) {
	if len(s) >= 2 {
		switch s[:2] {
		case "%%":
			return "%", 2
		case `\n`:
			return "\n", 2
		case `\r`:
			return "\r", 2
		case `\t`:
			return "\t", 2
		}
	}
	if n = strings.IndexAny(s[1:], `%\`) + 1; n == 0 {
		n = len(s)
	}
	return s[:n], n
}

// WriteOutValues are what the variables of a format stand for.
type WriteOutValues struct {
	Variable func(name string) (value string, known bool)
	Header   func(name string) string
}

// Print is the format with its variables replaced. What comes after %{stderr} is
// for the standard error, after %{stdout} for the standard output; after %{onerror}
// it is left out unless failed. Unknown are the variables that nobody knows, each
// once.
func (w WriteOut) Print(v WriteOutValues, failed bool) (out, errs string, unknown []string) {
	var to [2]strings.Builder
	at := 0
	seen := map[string]bool{}
	for _, p := range w {
		switch {
		case p.Variable == "stdout":
			at = 0
		case p.Variable == "stderr":
			at = 1
		case p.Variable == "onerror":
			if !failed {
				return to[0].String(), to[1].String(), unknown
			}
		case p.Variable != "":
			value, known := v.Variable(p.Variable)
			if !known && !seen[p.Variable] {
				seen[p.Variable] = true
				unknown = append(unknown, p.Variable)
			}
			to[at].WriteString(value)
		case p.Header != "":
			to[at].WriteString(v.Header(p.Header))
		default:
			to[at].WriteString(p.Text)
		}
	}
	return to[0].String(), to[1].String(), unknown
}
