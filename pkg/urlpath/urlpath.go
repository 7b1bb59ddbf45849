// Package urlpath knows what the path of a request can mean to those who read it:
// whether it could lead out of a folder, and when two ways to write it are the same.
// It promises that a path which it puts into a URL is sent as it was given. There is
// one rule, for every room that hands requests on.
package urlpath

import (
	"net/url"
	"strconv"
	"strings"
)

// Climbs reports whether a path, as it is sent, has a segment that some server may take
// for "this folder" or "the folder above": "." and ".." in any encoding, however often
// it was encoded, between slashes of either kind, and with parameters behind them
// ("..;x", which some servers cut off). It takes time linear in the length.
func Climbs(path string) bool {
	if strings.IndexByte(path, '.') < 0 && strings.IndexByte(path, '%') < 0 {
		return false
	}
	var seg segment
	for i := 0; i < len(path); {
		c, n := decoded(path[i:])
		i += n
		if c != '/' && c != '\\' {
			seg.add(c)
			continue
		}
		if seg.climbs() {
			return true
		}
		seg = segment{}
	}
	return seg.climbs()
}

// segment is what counts of a path's segment.
type segment struct {
	dots               int
	other, afterParams bool
}

func (s *segment) add(c byte) {
	switch {
	case s.afterParams, c <= ' ', c == 0x7f: // some servers drop what cannot be seen
	case c == ';' && (s.dots > 0 || s.other):
		s.afterParams = true
	case c == '.':
		s.dots++
	default:
		s.other = true
	}
}

func (s *segment) climbs() bool { return !s.other && (s.dots == 1 || s.dots == 2) }

// decoded is the first byte of a text in percent-encoding, with as many layers of the
// encoding taken off as there are, and how long it is there: "%252e" is ".", as "%2e"
// is. What is no encoding stands for itself.
func decoded(s string) (c byte, n int) {
	if s[0] != '%' {
		return s[0], 1
	}
	n = 1
	for strings.HasPrefix(s[n:], "25") {
		n += 2
	}
	if len(s) >= n+2 {
		if v, err := strconv.ParseUint(s[n:n+2], 16, 8); err == nil {
			return byte(v), n + 2
		}
	}
	return '%', n
}

// Plain is a path without the percent-encoding that it does not need: letters, digits
// and "-._~" stand for themselves, which makes it no other path (RFC 3986 section
// 6.2.2.2). Everything else stays as it was sent. What is well encoded is plain after
// one time.
func Plain(path string) string {
	if strings.IndexByte(path, '%') < 0 {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if v, err := strconv.ParseUint(path[i+1:i+3], 16, 8); err == nil && isUnreserved(byte(v)) {
				b.WriteByte(byte(v))
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// Encoded is a path as clients send it: what cannot stand in a path, such as a space or
// a letter outside of ASCII, is percent-encoded (RFC 3986 section 3.3). The rest, and
// so what is encoded already, stays as it is.
func Encoded(path string) string {
	n := 0
	for n < len(path) && standsInPath(path[n]) {
		n++
	}
	if n == len(path) {
		return path
	}
	const hex = "0123456789ABCDEF"
	b := append(make([]byte, 0, len(path)+8), path[:n]...)
	for i := n; i < len(path); i++ {
		if c := path[i]; standsInPath(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// standsInPath is pchar of RFC 3986 section 3.3 with the slash, the percent sign of
// what is encoded, and the brackets that everybody sends.
func standsInPath(c byte) bool {
	return isUnreserved(c) || strings.IndexByte("/%!$&'()*+,;=:@[]", c) >= 0
}

// WellEncoded reports whether each percent sign of a path stands before two hex
// digits, as it must (RFC 3986 section 2.1).
func WellEncoded(path string) bool {
	for {
		i := strings.IndexByte(path, '%')
		if i < 0 {
			return true
		}
		if len(path) < i+3 {
			return false
		}
		if _, err := strconv.ParseUint(path[i+1:i+3], 16, 8); err != nil {
			return false
		}
		path = path[i+3:]
	}
}

// isUnreserved is unreserved of RFC 3986 section 2.3.
func isUnreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// Set puts a path as it is to be sent into a URL.
func Set(u *url.URL, escaped string) {
	if strings.IndexByte(escaped, '%') < 0 {
		u.Path, u.RawPath = escaped, escaped
		return
	}
	path, err := url.PathUnescape(escaped)
	if err != nil { // it came out of a URL, so this cannot be
		path = escaped
	}
	u.Path, u.RawPath = path, escaped
}
