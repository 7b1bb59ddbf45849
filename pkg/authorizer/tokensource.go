package authorizer

import (
	"fmt"
	"strings"

	"gatepass/pkg/source"
)

// Place is the part of a request that holds the token.
type Place string

// The places.
const (
	Header Place = "header"
	Query  Place = "query"
	Cookie Place = "cookie"
)

// Source says where in a request the token is: "header Authorization Bearer",
// "header authorizationToken", "query access_token", "cookie session".
type Source struct {
	Place Place
	Name  string // of the header, query parameter or cookie
	// Scheme is what stands before the token in a header, such as Bearer, or
	// empty when the header is the token and nothing else. It is compared without
	// regard to case (RFC 9110 section 11.1).
	Scheme string
}

// DefaultSource is where the token is unless the file says otherwise.
func DefaultSource() Source { return Source{Header, "Authorization", "Bearer"} }

// String is the source as the file has it.
func (s Source) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", s.Place, s.Name, s.Scheme))
}

// readSource reads the source of the file.
func readSource(r *source.Reader, to *Source) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind != source.String {
			r.Failf(n, "want where the token is, as text, got %s", n.Kind)
			return
		}
		s, err := ParseSource(n.Text)
		if err != nil {
			e := n.Errorf("%s", err)
			e.Hint = "for example: header Authorization Bearer, header authorizationToken, query access_token, cookie session"
			r.Fail(e)
			return
		}
		*to = s
	}
}

// ParseSource reads a source as the file has it. The error is one line that
// says what is wrong with it.
func ParseSource(text string) (Source, error) {
	w := strings.Fields(text)
	if len(w) == 0 {
		return Source{}, fmt.Errorf("want where the token is")
	}
	s := Source{Place: Place(w[0])}
	switch s.Place {
	case Header, Query, Cookie:
	default:
		return Source{}, fmt.Errorf("want header, query or cookie, got %q", shorten(w[0]))
	}
	switch {
	case len(w) == 1:
		return Source{}, fmt.Errorf("want the name of the %s", s.Place)
	case len(w) > 3 || len(w) == 3 && s.Place != Header:
		return Source{}, fmt.Errorf("%q is too much: want %s NAME", shorten(text), s.Place)
	}
	s.Name = w[1]
	if s.Place != Query && !isTokenWord(s.Name) {
		return Source{}, fmt.Errorf("%q cannot be the name of a %s", shorten(s.Name), s.Place)
	}
	if len(w) == 3 {
		if s.Scheme = w[2]; !isTokenWord(s.Scheme) {
			return Source{}, fmt.Errorf("%q cannot be an authentication scheme", shorten(s.Scheme))
		}
	}
	return s, nil
}

// isTokenWord reports whether s is a token of RFC 9110 section 5.6.2, which
// names of headers, cookies and schemes are.
func isTokenWord(s string) bool {
	const more = "!#$%&'*+-.^_`|~"
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte(more, c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// carried is the part of an event that may hold a token. It is filled from
// whatever kind of event there is.
type carried struct {
	// token is the authorizationToken of a TOKEN event: the header the gateway
	// was told to take, whatever its name.
	token   string
	isToken bool
	// headers and query have every value of every name.
	headers map[string][]string
	query   map[string][]string
}

// find returns the token, or an error that says why there is none.
func (s Source) find(c carried) (string, error) {
	value, err := s.value(c)
	if err != nil || s.Scheme == "" {
		return value, err
	}
	scheme, rest, found := strings.Cut(value, " ")
	if !found || !strings.EqualFold(scheme, s.Scheme) {
		return "", fmt.Errorf("want %s and the token in the header %s", s.Scheme, s.Name)
	}
	if rest = strings.TrimLeft(rest, " "); rest == "" {
		return "", fmt.Errorf("there is no token behind %s in the header %s", s.Scheme, s.Name)
	}
	return rest, nil
}

// value returns what stands at the source.
func (s Source) value(c carried) (string, error) {
	if c.isToken {
		if s.Place != Header {
			return "", fmt.Errorf("a TOKEN event carries a header, and the token is to come from the %s %s: make the authorizer one of type REQUEST", s.Place, s.Name)
		}
		return one("header", s.Name, []string{c.token})
	}
	switch s.Place {
	case Query:
		return one("query parameter", s.Name, c.query[s.Name])
	case Cookie:
		return one("cookie", s.Name, c.cookie(s.Name))
	}
	return one("header", s.Name, c.header(s.Name))
}

// one insists on exactly one value: whoever sends two leaves it open which of
// them the backend believes.
func one(what, name string, values []string) (string, error) {
	switch {
	case len(values) > 1:
		return "", fmt.Errorf("the %s %s is given %d times", what, name, len(values))
	case len(values) == 0 || strings.TrimSpace(values[0]) == "":
		return "", fmt.Errorf("there is no token: the %s %s is missing or empty", what, name)
	}
	return strings.TrimSpace(values[0]), nil
}

// header returns the values of a header; names of headers have no case.
func (c carried) header(name string) []string {
	var values []string
	for k, v := range c.headers {
		if len(k) == len(name) && strings.EqualFold(k, name) { // a name has no letters beyond ASCII
			if values == nil {
				values = v[:len(v):len(v)] // of almost every request the only one
			} else {
				values = append(values, v...)
			}
		}
	}
	return values
}

// cookie returns the values of a cookie (RFC 6265 section 4.2.1).
func (c carried) cookie(name string) []string {
	var values []string
	for _, line := range c.header("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			k, v, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if ok && k == name {
				values = append(values, strings.Trim(v, `"`))
			}
		}
	}
	return values
}
