package policy

import (
	"strings"
	"unicode/utf8"
)

// Compiled patterns are strings in which wildcards are bytes that no UTF-8 text
// holds, so that a literal star is a star and nothing needs escaping.
const (
	anyRun = 0xFF // * over everything
	segRun = 0xFE // * that stops at a colon
	anyOne = 0xFD // ? for any character
	segOne = 0xFC // ? for any character but a colon

	firstWild = segOne // the smallest of them
)

// Match reports whether the whole of s matches a pattern in which * stands for
// any run of characters and ? for exactly one (IAM:
// reference_policies_elements_resource). Upper and lower case differ. It takes
// time linear in pattern × text.
func Match(pattern, s string) bool {
	if !strings.ContainsAny(pattern, "*?") {
		return pattern == s
	}
	var p pattern256
	return glob(p.of(pattern), s, false)
}

// pattern256 is room for a short compiled pattern that need not be allocated.
type pattern256 struct{ b [256]byte }

// of compiles a plain pattern. Bytes that could be taken for wildcards are not
// text and become the replacement character, as everywhere in compiled patterns.
func (p *pattern256) of(pattern string) []byte {
	b := p.b[:0]
	for i := range len(pattern) {
		switch c := pattern[i]; {
		case c == '*':
			b = append(b, anyRun)
		case c == '?':
			b = append(b, anyOne)
		case c >= firstWild:
			b = append(b, "\uFFFD"...)
		default:
			b = append(b, c)
		}
	}
	return b
}

// glob matches the whole of s with a compiled pattern. With fold the pattern is
// in lower case and ASCII letters of s match in either.
//
// On a mismatch the last star takes one character more. Of stars that take
// everything only the last has to be tried again: what stands before it matched
// as early as it could. A star that stops at colons is given up for the last wide
// star before it once it reaches one, because the colons fix what belongs to its
// segment. Wide stars before segmented ones are followed by a colon (see
// [compile]), so that every character is looked at again only by the few segments
// of an ARN: the time stays linear in pattern × text.
func glob[P string | []byte](p P, s string, fold bool) bool {
	pi, si := 0, 0
	wide, wideAt := -1, 0   // the pattern behind the last wide star, the text it leaves
	tight, tightAt := -1, 0 // the same for a segmented star behind it
	for {
		switch {
		case pi == len(p):
			if si == len(s) {
				return true
			}
		case si < len(s) && s[si] == p[pi] && p[pi] < firstWild:
			pi, si = pi+1, si+1
			continue
		case p[pi] == anyRun:
			if pi++; pi == len(p) {
				return true
			}
			wide, wideAt, tight = pi, si, -1
			continue
		case p[pi] == segRun:
			pi++
			tight, tightAt = pi, si
			continue
		default:
			if n := step(p[pi], s[si:], fold); n > 0 {
				pi, si = pi+1, si+n
				continue
			}
		}
		switch {
		case tight >= 0 && tightAt < len(s) && s[tightAt] != ':':
			tightAt += width(s[tightAt:])
			pi, si = tight, tightAt
		case wide >= 0 && wideAt < len(s):
			wideAt += width(s[wideAt:])
			if c := p[wide]; c < firstWild && !fold { // on to where it can go on at all
				n := strings.IndexByte(s[wideAt:], c)
				if n < 0 {
					return false
				}
				wideAt += n
			}
			pi, si, tight = wide, wideAt, -1
		default:
			return false
		}
	}
}

// step matches one element of a pattern that is not a star at the start of s, and
// returns how many bytes it took, 0 for no match.
func step(c byte, s string, fold bool) int {
	if s == "" {
		return 0
	}
	switch c {
	case anyOne:
		return width(s)
	case segOne:
		if s[0] == ':' {
			return 0
		}
		return width(s)
	}
	if fold && lower(s[0]) == c { // the same case is looked at by glob
		return 1
	}
	return 0
}

// width is the length of the first character of s, which is not empty.
func width(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// lower is c in lower case when it is an ASCII letter.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// hasPrefix is strings.HasPrefix; with fold prefix is in lower case and ASCII
// letters match in either.
func hasPrefix(s, prefix string, fold bool) bool {
	if !fold {
		return strings.HasPrefix(s, prefix)
	}
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if lower(s[i]) != prefix[i] {
			return false
		}
	}
	return true
}
