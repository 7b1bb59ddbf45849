package view

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gatepass/pkg/human"
	"gatepass/pkg/iostreams"
)

// Request is a request that is not sent, as JSON.
type Request struct {
	SchemaVersion int    `json:"schemaVersion"`
	DryRun        bool   `json:"dryRun"`
	Method        string `json:"method"`
	URL           string `json:"url"`
	// Headers are those that are sent, the secrets in them redacted.
	Headers map[string][]string `json:"headers"`
	// Token says which token is sent, where one is: access, id, or given.
	Token string `json:"token,omitempty"`
	// BodySize is the size of the body in bytes; null where it is not known before
	// it is read.
	BodySize *int64 `json:"bodySize"`
	// Body is the beginning of a body that is text; BodyTruncated says that there
	// is more of it.
	Body          string `json:"body"`
	BodyTruncated bool   `json:"bodyTruncated,omitempty"`
}

// SetBody takes the beginning of a body, if it is text.
func (r *Request) SetBody(beginning []byte, more bool) {
	if more { // it may end in the middle of a character
		for i := 1; i < utf8.UTFMax && i <= len(beginning); i++ {
			if c := beginning[len(beginning)-i]; utf8.RuneStart(c) {
				if !utf8.FullRune(beginning[len(beginning)-i:]) {
					beginning = beginning[:len(beginning)-i]
				}
				break
			}
		}
	}
	if utf8.Valid(beginning) {
		r.Body = string(beginning)
	}
	r.BodyTruncated = more || r.Body == "" && len(beginning) > 0
}

// Text prints the request as it would go over the wire, with the names in order.
func (r *Request) Text(w io.Writer, names []string, safe bool) error {
	var b strings.Builder
	line := func(format string, args ...any) {
		s := fmt.Sprintf(format, args...)
		if safe {
			s = iostreams.Visible(s)
		}
		b.WriteString(s + "\n")
	}
	line("%s %s", r.Method, r.URL)
	for _, name := range names {
		for _, v := range r.Headers[name] {
			line("%s: %s", name, v)
		}
	}
	b.WriteString("\n")
	body := r.Body
	if safe {
		body = iostreams.VisibleLines(body)
	}
	b.WriteString(body)
	if body != "" && !strings.HasSuffix(body, "\n") {
		b.WriteString("\n")
	}
	switch {
	case r.BodySize == nil:
		b.WriteString("(a body whose size is not known before it is read)\n")
	case r.BodyTruncated:
		fmt.Fprintf(&b, "(%s in all)\n", human.Bytes(*r.BodySize))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Word is an argument of a command for a POSIX shell: bare where it is plain, else
// in quotes.
func Word(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@%+,", r)
	}
	if s != "" && s[0] != '=' && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return quoteSh(s)
}

// Expanded is an argument of a command for a POSIX shell that ends in something the
// shell is to expand, such as $(gatepass token).
func Expanded(text, expansion string) string {
	if strings.ContainsAny(text, "\"\\$`!") {
		return quoteSh(text) + `"` + expansion + `"`
	}
	return `"` + text + expansion + `"`
}

// Command puts the arguments of a command into one line, or where that gets long
// into several, each of the groups in one.
func Command(groups [][]string) string {
	parts := make([]string, len(groups))
	for i, g := range groups {
		parts[i] = strings.Join(g, " ")
	}
	if one := strings.Join(parts, " "); len(one) <= 80 {
		return one + "\n"
	}
	return strings.Join(parts, " \\\n  ") + "\n"
}
