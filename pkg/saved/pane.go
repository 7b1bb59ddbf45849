package saved

import (
	"strconv"
	"strings"
)

// readPane reads what is copied out of the headers pane of Chrome's network tab: the
// titles General, Response Headers and Request Headers, and below them names and
// values, on one line or on two. There is no body in it.
func readPane(data []byte) (Exchange, bool) {
	x := Exchange{Line: 1, Header: map[string][]string{}}
	p := pane{x: &x, to: x.Header}
	for line := range strings.Lines(string(data)) {
		p.line(strings.TrimSpace(line))
	}
	return x, x.Status != 0
}

// pane is a headers pane being read.
type pane struct {
	x      *Exchange
	to     map[string][]string // the header being read
	fields int
	name   string // whose value is on the next line
}

func (p *pane) line(text string) {
	if text == "" {
		return
	}
	given := p.name
	p.name = ""
	switch {
	case p.title(text): // also behind a name: that field was empty
	case given != "":
		p.field(given, text)
	case len(text) > MaxField:
	default:
		name, value, _ := strings.Cut(text[1:], ":") // :authority and its like are no fields
		name = text[:1] + name
		if value = strings.TrimSpace(value); value == "" {
			p.name = name
			return
		}
		p.field(name, value)
	}
}

// title takes a title; behind it may stand how many fields follow, or a button.
func (p *pane) title(text string) bool {
	switch {
	case text == "General":
	case strings.HasPrefix(text, "Response Headers"):
		p.to = p.x.Header
	case strings.HasPrefix(text, "Request Headers"):
		p.x.RequestHeader = map[string][]string{}
		p.to = p.x.RequestHeader
	case strings.HasPrefix(text, "Provisional headers are shown"):
		p.x.Withheld = true
	default:
		return false
	}
	return true
}

func (p *pane) field(name, value string) {
	switch name {
	case "Request URL":
		p.x.URL = value
	case "Request Method":
		p.x.Method = value
	case "Status Code":
		code, _, _ := strings.Cut(value, " ")
		if n, err := strconv.Atoi(code); err == nil && n >= 100 && n <= 999 {
			p.x.Status = n
		}
	default:
		if _, _, ok := fieldLine(name + ":"); ok {
			add(p.to, &p.fields, name, value)
		}
	}
}
