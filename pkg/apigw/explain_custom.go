package apigw

import (
	"maps"
	"slices"
	"strings"
)

// customised finds the customised gateway response of the settings that an answer
// is, with what its variables stood for. Types of their own come before the
// DEFAULT ones, which stand for the rest.
func (a *answer) customised() (t ResponseType, found map[string]string, ok bool) {
	if a.API == nil || a.API.Kind != REST {
		return "", nil, false
	}
	types := slices.DeleteFunc(ResponseTypes(), func(t ResponseType) bool { return t == Default4XX || t == Default5XX })
	for _, t := range append(types, Default4XX, Default5XX) {
		g, is := a.API.Responses[t]
		if !is || len(g.Templates) == 0 && a.response != t || !a.hasStatus(t, g) || !a.hasHeaders(g) {
			continue
		}
		if found, ok := a.fits(g); ok {
			return t, found, true
		}
	}
	return "", nil, false
}

// hasStatus reports whether the status is that of a customised response.
func (a *answer) hasStatus(t ResponseType, g GatewayResponse) bool {
	d, _ := t.Default()
	switch {
	case g.Status != 0:
		return a.Status == g.Status
	case t == Default4XX:
		return a.Status/100 == 4
	case t == Default5XX:
		return a.Status/100 == 5
	}
	return a.Status == d.Status
}

// hasHeaders reports whether the fixed headers of a customised response are there.
func (a *answer) hasHeaders(g GatewayResponse) bool {
	for name, value := range g.Headers {
		text, fixed := strings.CutPrefix(value, "'")
		if fixed && a.field(strings.TrimPrefix(name, "gatewayresponse.header.")) != strings.TrimSuffix(text, "'") {
			return false
		}
	}
	return true
}

// fits reports whether the body is one of the templates, with anything in the
// place of its variables.
func (a *answer) fits(g GatewayResponse) (map[string]string, bool) {
	if len(g.Templates) == 0 {
		return nil, true
	}
	body := strings.TrimSpace(string(a.Body[:min(len(a.Body), maxExplained)]))
	for _, kind := range slices.Sorted(maps.Keys(g.Templates)) {
		if found, ok := fitTemplate(strings.TrimSpace(g.Templates[kind]), body); ok {
			return found, true
		}
	}
	return nil, false
}

// learn takes what the variables of a template tell: the message, and which
// response it is.
func (a *answer) learn(found map[string]string) {
	for _, name := range []string{"context.error.message", "context.error.messageString"} {
		if value, ok := found[name]; ok {
			a.isNull = value == "null"
			a.message = strings.Trim(value, `"`)
		}
	}
	if t := ResponseType(found["context.error.responseType"]); t != "" {
		if _, known := t.Default(); known {
			a.response = t
		}
	}
}

// fitTemplate matches a text against a template: the words around its variables
// must be there, in their order, the first at the start and the last at the end.
// Each variable takes as little as it can; that is linear in the text for each
// piece, and right but for texts that hold the template's own words.
func fitTemplate(template, text string) (map[string]string, bool) {
	pieces, names := splitTemplate(template)
	if !strings.HasPrefix(text, pieces[0]) {
		return nil, false
	}
	text = text[len(pieces[0]):]
	found := map[string]string{}
	for i, name := range names {
		next := pieces[i+1]
		at := strings.Index(text, next)
		if i == len(names)-1 {
			at = len(text) - len(next)
			if !strings.HasSuffix(text, next) {
				at = -1
			}
		}
		if at < 0 {
			return nil, false
		}
		found[name] = text[:at]
		text = text[at+len(next):]
	}
	return found, text == ""
}

// splitTemplate takes a template apart: what stands around its variables, and
// their names. There is one piece more than there are names.
func splitTemplate(template string) (pieces, names []string) {
	start := 0 // of the piece
	for i := 0; i < len(template); {
		name, length := "", 0
		if template[i] == '$' {
			name, length = variable(template[i+1:])
		}
		if name != "" {
			pieces, names = append(pieces, template[start:i]), append(names, name)
			start = i + 1 + length
		}
		i += 1 + length
	}
	return append(pieces, template[start:]), names
}
