package token

import (
	"strings"

	"gatepass/pkg/source"
)

// text looks for tokens in any text. The name is what the text is called where
// it stands, such as the name of a JSON member; empty for the whole input.
func (c *candidates) text(text, name string) {
	for i := 0; i < len(text) && len(c.list) < most; {
		end := i
		for end < len(text) && tokenChar(text[end]) {
			end++
		}
		if end == i {
			i++
			continue
		}
		first, _, _ := strings.Cut(text[i:end], ".")
		if !likeHeader(first) {
			i = end
			continue
		}
		p := newPieces(text, i, end)
		tok, joined, next := p.token()
		x := labelled(text, i)
		if name != "" && (x.name == "" || x.name == "bearer") {
			x.name, x.where = strings.ToLower(name), member(name)
		}
		x.token, x.joined = tok, joined
		// The base64 of some object without a dot is something else, unless it is
		// called a token.
		if strings.Contains(tok, ".") || x.name == "bearer" || carriesToken(x.name) {
			c.add(x)
		}
		i = next
	}
	if len(c.list) == 0 && name == "" {
		c.opaque(text)
	}
}

func tokenChar(b byte) bool { return b == '.' || inAlphabet(rune(b)) }

// pieces is a token that may go on behind white space, because a terminal, mail
// or document wrapped it.
type pieces struct {
	text  string
	start int
	run   int // end of the first piece

	whole    strings.Builder // the pieces joined
	dots     int             // in whole
	lastDot  int             // in whole
	measured bool
	alg      string
}

func newPieces(text string, start, end int) *pieces {
	// Padding is no part of a token, but dropping it would hide the mistake.
	for end < len(text) && text[end] == '=' {
		end++
	}
	p := &pieces{text: text, start: start, run: end}
	p.join(text[start:end])
	return p
}

func (p *pieces) join(piece string) {
	if i := strings.LastIndexByte(piece, '.'); i >= 0 {
		p.lastDot = p.whole.Len() + i
		p.dots += strings.Count(piece, ".")
	}
	p.whole.WriteString(piece)
}

// token returns the token and where the text goes on. Pieces are joined until
// the token is complete, that is has as long a signature as its algorithm gives.
// If that never happens, only line breaks behind which nothing else comes are
// taken for wrapping.
//
// A piece is passed over once for each token that starts before it, and a piece
// that starts like a token ends the one before unless that ends in a dot, which
// it can do four times: the time is linear in the text.
func (p *pieces) token() (tok string, joined bool, next int) {
	single, dots := p.text[p.start:p.run], p.dots
	if p.complete() {
		return single, false, p.run
	}
	at, broken := p.run, false
	for {
		from, to, newline := p.next(at)
		if from == to || !p.mayFollow(from, to) {
			break
		}
		p.join(p.text[from:to])
		at, broken = to, broken || newline
		if p.complete() {
			return p.whole.String(), true, at
		}
	}
	atEnd := broken && strings.Trim(p.text[at:], " \t\r\n\"'`") == ""
	if at > p.run && (atEnd || dots < 2 && p.dots >= 2) {
		return p.whole.String(), true, at
	}
	if dots == 3 || dots == 5 { // a full stop behind the token makes a part too many
		single = strings.TrimSuffix(single, ".")
	}
	return single, false, p.run
}

// next finds the piece behind white space or a shell's line continuation.
func (p *pieces) next(at int) (from, to int, newline bool) {
	for from = at; from < len(p.text); from++ {
		switch b := p.text[from]; {
		case b == '\n':
			newline = true
		case b == ' ' || b == '\t' || b == '\r':
		case b == '\\' && from+1 < len(p.text) && (p.text[from+1] == '\n' || p.text[from+1] == '\r'):
		case from == at: // nothing between the pieces: something else comes
			return from, from, newline
		default:
			for to = from; to < len(p.text) && tokenChar(p.text[to]); to++ {
			}
			return from, to, newline
		}
	}
	return from, from, newline
}

// mayFollow reports whether a piece can be the continuation of a token: it is
// not the name of a header or parameter, and no token of its own.
func (p *pieces) mayFollow(from, to int) bool {
	if to < len(p.text) && (p.text[to] == ':' || p.text[to] == '=') {
		return false
	}
	first, _, _ := strings.Cut(p.text[from:to], ".")
	endsInDot := p.dots > 0 && p.lastDot == p.whole.Len()-1
	return endsInDot && p.dots <= 4 || !likeHeader(first)
}

// complete reports whether a token has all its parts, the last as long as the
// algorithm makes it.
func (p *pieces) complete() bool {
	n := p.whole.Len() - p.lastDot - 1
	switch p.dots {
	case 2:
		return p.fits(n)
	case 4:
		return n == 22 || n == 32 || n == 43 // authentication tags of 16, 24 and 32 bytes
	}
	return false
}

// fits reports whether n characters are as many as a signature of the token's
// algorithm has.
func (p *pieces) fits(n int) bool {
	if !p.measured {
		p.measured = true
		first, _, _ := strings.Cut(p.whole.String(), ".")
		if data, err := segment("header", first); err == nil {
			if h, err := source.JSON("header", data); err == nil && h.Get("alg") != nil {
				p.alg = h.Get("alg").Text
			}
		}
	}
	switch p.alg {
	case "none":
		return n == 0
	case "HS256":
		return n == 43
	case "HS384":
		return n == 64
	case "HS512", "ES256", "EdDSA": // 64 bytes
		return n == 86
	case "ES384":
		return n == 128
	case "ES512":
		return n == 176
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512": // keys of 2048 to 8192 bits
		return n == 342 || n == 512 || n == 683 || n == 1024 || n == 1366
	}
	return false
}

// labelled says what the token at a place of a text is called there.
func labelled(text string, at int) candidate {
	before := strings.TrimRight(text[:at], " \t\r\n\"'`\\=:")
	if strings.TrimSpace(before) == "" {
		return candidate{where: bare}
	}
	start := len(before)
	for start > 0 && inAlphabet(rune(before[start-1])) && len(before)-start < 64 {
		start--
	}
	label := before[start:]
	name := strings.TrimLeft(strings.ToLower(label), "-")
	switch {
	case name == "bearer":
		if header := labelled(text, start); header.name == "authorization" || carriesToken(header.name) {
			return candidate{name: "authorization", where: header.where}
		}
		return candidate{name: name, where: "Bearer token"}
	case name == "oauth2-bearer":
		return candidate{name: name, where: "option --oauth2-bearer"}
	case label == "" || text[len(before)] == ' ' || text[len(before)] == '\n':
		// A word before the token, but nothing that makes it its name.
		return candidate{where: "token in the text"}
	}
	return candidate{name: name, where: place(text[:start], text[len(before):at]) + clip(label)}
}

// place says what kind of thing a name is by what stands before it, and between
// it and the token.
func place(before, between string) string {
	line := before[strings.LastIndexByte(before, '\n')+1:]
	line = strings.ToLower(line[max(0, len(line)-4096):])
	switch {
	case strings.Contains(between, "=") && strings.Contains(line, "cookie:"):
		return "cookie "
	case strings.Contains(between, "="):
		return "parameter "
	case strings.Contains(between, ":") && strings.HasPrefix(strings.TrimLeft(between, `\`), `"`):
		return "member "
	case strings.Contains(between, ":"):
		return "header "
	}
	return "token behind "
}

// opaque looks for tokens that are no JWT: only what something calls a token
// can be recognised.
func (c *candidates) opaque(text string) {
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && inAlphabet(rune(text[end])) {
			end++
		}
		name := strings.ToLower(text[i:end])
		if name == "bearer" || carriesToken(name) {
			if value, ok := valueAt(text[end:], name == "bearer"); ok {
				x := labelled(text, end+strings.Index(text[end:], value))
				x.token = value
				c.add(x)
				i = end + strings.Index(text[end:], value) + len(value)
				continue
			}
		}
		i = max(end, i+1)
	}
}

// valueAt is the value behind a name: separated by = or :, or by a space behind
// "Bearer".
func valueAt(s string, space bool) (string, bool) {
	rest := strings.TrimLeft(s, " \t\"'\\=:")
	between := s[:len(s)-len(rest)]
	n := 0
	for n < len(rest) && (opaqueChar(rest[n]) || rest[n] == '=' && n > 0) {
		n++
	}
	value := rest[:n]
	named := strings.ContainsAny(between, "=:") && !strings.EqualFold(value, "bearer") && !strings.EqualFold(value, "basic")
	return value, n > 0 && (named || space && between != "" && n >= 16)
}
