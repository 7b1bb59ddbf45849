package login

import (
	"encoding/base64"
	"net/url"
	"strings"
	"unicode"
)

// pasteboard reads the answers that a person copies from the browser. Whoever copies
// from a page or a terminal may get an address in pieces.
type pasteboard struct {
	piece string // of an address whose rest may come
}

// maxPasted caps what is kept of an address, in bytes.
const maxPasted = 64 << 10

// Why a text is no answer.
const (
	strayText stray = "that is not the address the browser was sent to: that has a code and a state in its query"
	strayCode stray = "that has no state, without which nobody knows whose answer it is: paste the whole address"
	strayHalf stray = "that is not the whole address: it has a code and a state. Paste the rest, or all of it in one line"
)

// answer are the parameters of an answer: a whole address, its query, or that in
// base64, with a state and with a code or an error. Blanks are nobody's meaning, and
// neither are quotes around it.
func (p *pasteboard) answer(text string) (url.Values, error) {
	text = bared(text)
	if strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") {
		p.piece = "" // another one begins
	}
	for _, t := range []string{text, unpacked(text), p.piece + text} {
		if q := query(t); whole(q) {
			p.piece = ""
			return q, nil
		}
	}
	known := p.piece != "" || strings.Contains(text, "state=") || strings.Contains(text, "code=") || strings.HasPrefix(text, "http") && strings.Contains(text, "?")
	switch {
	case known && len(p.piece)+len(text) <= maxPasted:
		p.piece += text
		return nil, strayHalf
	case !strings.ContainsAny(text, "?=&/. ") && len(text) >= 16:
		return nil, strayCode
	}
	p.piece = ""
	return nil, strayText
}

// bared is a text without what programs do to an address that is copied: the marks
// by which terminals say that a text was pasted, blanks and characters that cannot be
// seen, quotes around it, escapes for a shell and for HTML, and a second encoding. No
// address has any of that itself.
func bared(text string) string {
	text = strings.NewReplacer("\x1b[200~", "", "\x1b[201~", "", `\`, "", "&amp;", "&").Replace(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
	text = strings.Trim(text, "\"'`<>“”‘’„«»")
	if plain, err := url.PathUnescape(text); err == nil && !strings.Contains(text, "?") && strings.Contains(plain, "://") {
		return plain
	}
	return text
}

// query are the parameters of an address, or of what stands behind its question
// mark.
func query(text string) url.Values {
	if _, after, ok := strings.Cut(text, "?"); ok {
		text = after
	}
	text, _, _ = strings.Cut(text, "#")
	q, err := url.ParseQuery(text)
	if err != nil {
		return nil
	}
	return q
}

// whole reports whether there is everything that an answer needs.
func whole(q url.Values) bool { return q.Has("state") && (q.Has("code") || q.Has("error")) }

// unpacked is the text of a base64, such as pages show that are made for copying;
// empty where it is none.
func unpacked(text string) string {
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
		if b, err := e.DecodeString(text); err == nil {
			return string(b)
		}
	}
	return ""
}
