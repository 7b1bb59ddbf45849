package policy

import (
	"strings"
	"unicode/utf8"
)

// mode is what the wildcards of a text mean.
type mode uint8

const (
	exact    mode = iota // nothing is a wildcard: StringEquals
	like                 // * and ? take anything: StringLike
	action               // the same, in lower case
	resource             // by segments, a closing * runs on: the Resource element
	arn                  // strictly by segments: ArnLike
)

// pattern is a compiled text: literal up to the first wildcard, and the rest.
type pattern struct {
	lit  string
	rest string // compiled, starts with a wildcard; empty: the whole text is literal
	fold bool
	same string // with fold, the text as written if it has no wildcards: mostly the very text
	// pieces replace both when the text has variables that only a request settles.
	pieces []piece
}

// piece is a stretch of compiled text with the variable behind it.
type piece struct {
	text string
	v    *variable // nil at the end
}

// never is a pattern that matches nothing: a variable that never has a value.
func never() pattern { return pattern{pieces: []piece{{v: &variable{misplaced: true}}}} }

// syntax is how a text is read.
type syntax struct {
	mode   mode
	vars   bool   // the document knows policy variables
	prefix string // of claims, whose names keep their case
}

// compile turns a text of a policy into a pattern.
//
// Resources are compared by the parts between their first five colons; what
// follows is the last part, colons included. A * that ends a part may run over the
// colons that follow (IAM: reference_policies_elements_resource); one inside a
// part stays in it, as does every ? (inferred). In ARN conditions every wildcard
// stays in its part (IAM: reference_policies_elements_condition_operators).
func compile(text string, sx syntax) pattern {
	c := compiler{syntax: sx, lastSegment: sx.mode != resource && sx.mode != arn, out: make([]byte, 0, len(text))}
	for c.rest = text; c.rest != ""; {
		c.next()
	}
	p := c.finish()
	if p.fold && p.rest == "" && p.pieces == nil && utf8.ValidString(text) {
		p.same = text
	}
	return p
}

type compiler struct {
	syntax
	rest        string // of the text, still to be read
	out         []byte
	pieces      []piece
	colons      int
	lastSegment bool // where colons are ordinary characters
}

func (c *compiler) next() {
	if c.vars && strings.HasPrefix(c.rest, "${") {
		if v, n, ok := readVariable(c.rest, c.prefix); ok {
			c.rest = c.rest[n:]
			c.variable(v)
			return
		}
	}
	ch := c.rest[0]
	c.rest = c.rest[1:]
	switch {
	case ch == '*' && c.mode != exact:
		c.out = append(c.out, c.star())
	case ch == '?' && c.mode != exact:
		c.out = append(c.out, c.question())
	case ch == ':' && !c.lastSegment:
		c.out = append(c.out, ch)
		if c.colons++; c.colons == 5 {
			c.lastSegment = true
		}
	default:
		c.literal(ch)
	}
}

func (c *compiler) star() byte {
	ends := c.rest == "" || c.rest[0] == ':'
	if c.lastSegment || c.mode == resource && ends {
		return anyRun
	}
	return segRun
}

func (c *compiler) question() byte {
	if c.lastSegment {
		return anyOne
	}
	return segOne
}

func (c *compiler) literal(ch byte) {
	switch {
	case ch >= firstWild:
		c.out = append(c.out, "\uFFFD"...)
	case c.mode == action:
		c.out = append(c.out, lower(ch))
	default:
		c.out = append(c.out, ch)
	}
}

func (c *compiler) variable(v *variable) {
	if v.char != 0 {
		c.out = append(c.out, v.char)
		return
	}
	// A variable may stand only behind the fifth colon of a resource (IAM:
	// reference_policies_variables); before it, it has no value (inferred).
	v.misplaced = c.mode == resource && !c.lastSegment || c.mode == action
	v.segmented = c.mode == arn && !c.lastSegment
	c.pieces = append(c.pieces, piece{text: string(c.out), v: v})
	c.out = c.out[:0]
}

func (c *compiler) finish() pattern {
	p := pattern{fold: c.mode == action}
	if c.pieces != nil {
		p.pieces = append(c.pieces, piece{text: string(c.out)})
		return p
	}
	text := string(c.out)
	at := len(text)
	for i := range len(text) {
		if text[i] >= firstWild {
			at = i
			break
		}
	}
	p.lit, p.rest = text[:at], text[at:]
	return p
}

// match reports whether the whole of s matches. A variable without a value
// matches nothing.
func (p *pattern) match(s string, keys Keys) bool {
	if p.pieces != nil {
		var room [256]byte
		text, ok := p.expand(room[:0], keys)
		return ok && glob(text, s, p.fold)
	}
	if p.same != "" && s == p.same {
		return true
	}
	if p.rest == "" && len(s) != len(p.lit) || !hasPrefix(s, p.lit, p.fold) {
		return false
	}
	s = s[len(p.lit):]
	switch {
	case p.rest == "":
		return true
	case len(p.rest) == 1 && p.rest[0] == anyRun:
		return true
	}
	return glob(p.rest, s, p.fold)
}

// equalFold is match for patterns without wildcards, ignoring case.
func (p *pattern) equalFold(s string, keys Keys) bool {
	if p.pieces == nil {
		return strings.EqualFold(p.lit, s)
	}
	text, ok := p.expand(nil, keys)
	return ok && strings.EqualFold(string(text), s)
}

// expand appends the compiled text with the values of its variables, which are
// literal whatever they hold.
func (p *pattern) expand(to []byte, keys Keys) (text []byte, ok bool) {
	for i := range p.pieces {
		to = append(to, p.pieces[i].text...)
		v := p.pieces[i].v
		if v == nil {
			continue
		}
		value, ok := v.value(keys)
		if !ok {
			return nil, false
		}
		to = append(to, value...)
	}
	return to, true
}

// variable is ${key} or ${key, 'default'} in a policy.
type variable struct {
	text      string // as written
	key       string // as in Keys
	def       string
	hasDef    bool
	claim     bool // the key is of a token
	char      byte // of ${*}, ${?} and ${$}: not a variable at all
	misplaced bool // where no variable may stand
	segmented bool // in a part of an ARN, which a colon would leave
}

// value is what the variable stands for. A key that is absent, empty or has
// several values has none (IAM: reference_policies_variables, "no value"; and
// single-vs-multi-valued: a multivalued key is no variable), and neither has what
// is not text.
func (v *variable) value(keys Keys) (string, bool) {
	if v.misplaced {
		return "", false
	}
	got := keys[v.key]
	value, ok := v.def, v.hasDef
	if len(got) == 1 && got[0] != "" && utf8.ValidString(got[0]) {
		value, ok = got[0], true
	}
	if ok && v.segmented && strings.IndexByte(value, ':') >= 0 {
		return "", false
	}
	return value, ok
}

// readVariable reads the variable at the start of s, which starts with "${", and
// returns its length. What is not a variable is text.
func readVariable(s, prefix string) (*variable, int, bool) {
	if len(s) >= 4 && s[3] == '}' && (s[2] == '*' || s[2] == '?' || s[2] == '$') {
		return &variable{text: s[:4], char: s[2]}, 4, true
	}
	// Stopping at everything a name cannot hold keeps unfinished variables linear.
	end := strings.IndexAny(s[2:], "},${'")
	if end <= 0 {
		return nil, 0, false
	}
	name, n := strings.TrimSpace(s[2:2+end]), 2+end+1
	v := &variable{}
	v.key, v.claim = canonicalKey(name, prefix)
	switch s[2+end] {
	case '}':
	case ',':
		def, used, ok := readDefault(s[n:])
		if !ok {
			return nil, 0, false
		}
		v.def, v.hasDef = def, true
		n += used
	default:
		return nil, 0, false
	}
	v.text = s[:n]
	return v, n, name != ""
}

// readDefault reads " 'text'}".
func readDefault(s string) (def string, n int, ok bool) {
	t := strings.TrimLeft(s, " ")
	if t == "" || t[0] != '\'' {
		return "", 0, false
	}
	end := strings.IndexByte(t[1:], '\'')
	if end < 0 {
		return "", 0, false
	}
	after := strings.TrimLeft(t[end+2:], " ")
	if after == "" || after[0] != '}' {
		return "", 0, false
	}
	return t[1 : 1+end], len(s) - len(after) + 1, true
}

// canonicalKey is a key as it is in Keys. The names of condition keys are not
// case-sensitive (IAM: reference_policies_elements_condition); those of claims
// are.
func canonicalKey(name, prefix string) (key string, claim bool) {
	if prefix != "" && len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
		return prefix + name[len(prefix):], true
	}
	return strings.ToLower(name), false
}

// escape writes a value so that it is literal text in a pattern.
func escape(value string) string {
	return escaper().Replace(value)
}

func escaper() *strings.Replacer {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")
}
