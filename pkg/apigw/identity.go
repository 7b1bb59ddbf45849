package apigw

import (
	"fmt"
	"slices"
	"strings"
)

// place is where an identity value is looked for.
type place uint8

const (
	inHeader place = iota
	inQuery
	inStageVariables
	inContext
)

// idSource is one identity source.
type idSource struct {
	place place
	name  string
	canon string // the name of a header as Go spells it
	text  string // as configured
}

// sourcePrefixes are the beginnings of identity sources of a kind of API, by
// place (AWS: CreateAuthorizer of API Gateway and API Gateway V2).
func sourcePrefixes(k Kind) [4]string {
	switch k {
	case HTTP:
		return [4]string{"$request.header.", "$request.querystring.", "$stageVariables.", "$context."}
	case WebSocket:
		return [4]string{"route.request.header.", "route.request.querystring.", "stageVariables.", "context."}
	}
	return [4]string{"method.request.header.", "method.request.querystring.", "stageVariables.", "context."}
}

// parseSource reads one identity source.
func parseSource(k Kind, text string) (idSource, error) {
	prefixes := sourcePrefixes(k)
	for i, prefix := range prefixes {
		name, ok := strings.CutPrefix(text, prefix)
		if !ok {
			continue
		}
		if name == "" {
			return idSource{}, fmt.Errorf("the identity source %q names nothing", cut(text))
		}
		s := idSource{place: place(i), name: name, text: text}
		if s.place == inHeader {
			if strings.Trim(name, tokenChars) != "" {
				return idSource{}, fmt.Errorf("%q is not the name of a header: want letters, digits, dots, dashes and underscores", cut(name))
			}
			s.canon = canonical(name)
		}
		return s, nil
	}
	if strings.HasPrefix(text, "method.request.path.") || strings.HasPrefix(text, "$request.path.") {
		return idSource{}, fmt.Errorf("a path parameter cannot be an identity source: %q", cut(text))
	}
	return idSource{}, fmt.Errorf("want an identity source of %s APIs, which begins with one of %s, got %q",
		k, strings.Join(prefixes[:], " "), cut(text))
}

// tokenChars are what the names of headers in identity sources are made of
// (aws-cdk issue 6330).
const tokenChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

// canonical spells the name of a header as net/http does.
func canonical(name string) string {
	b := []byte(name)
	upper := true
	for i, c := range b {
		switch {
		case upper && 'a' <= c && c <= 'z':
			b[i] = c - 'a' + 'A'
		case !upper && 'A' <= c && c <= 'Z':
			b[i] = c - 'A' + 'a'
		}
		upper = c == '-'
	}
	return string(b)
}

// header are the values of a header, whatever its spelling. Spellings other than
// Go's are taken in the order of the alphabet.
func (r *Request) header(canon string) []string {
	if v, ok := r.Header[canon]; ok {
		return v
	}
	var names []string
	for name := range r.Header {
		if len(name) == len(canon) && strings.EqualFold(name, canon) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		if canon == "Host" && r.Host != "" {
			return []string{r.Host}
		}
		return nil
	}
	slices.Sort(names)
	var all []string
	for _, name := range names {
		all = append(all, r.Header[name]...)
	}
	return all
}

// last is the last of several values, which is what the single-value headers and
// query parameters of REST events hold.
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// value is the value of an identity source, empty when there is none. Of several
// values REST APIs take the last and HTTP APIs all, joined with commas: inferred
// from what their events show.
func (p *Pending) value(s *idSource) (value string, several bool) {
	var all []string
	switch s.place {
	case inHeader:
		all = p.req.header(s.canon)
	case inQuery:
		all = p.query()[s.name]
	case inStageVariables:
		return p.api.StageVariables[s.name], false
	case inContext:
		v, _ := p.contextVar(s.name)
		return v, false
	}
	if p.api.Kind == HTTP && len(all) > 1 {
		return strings.Join(all, ","), true
	}
	return last(all), len(all) > 1
}
