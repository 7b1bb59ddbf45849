package relay

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// Some APIs send a token back: echo services, and API Gateway itself, whose REST APIs
// quote the Authorization header in the 403 for a path that is no route ("… not a valid
// key=value pair (missing equal-sign) in Authorization header"). Who may use the relay
// is not thereby to have the token, which works elsewhere and for longer: what makes it
// work is made unreadable. The API is therefore asked for answers that are not
// compressed, which over the loopback interface nobody misses, and those that are all
// the same are unpacked.

// telling is the part of a token that makes it work: the signature of a JSON Web Token,
// as its header and payload tell who somebody is and no more, else all of it. Empty where
// it is too short to be told from other text.
func telling(token string) string {
	const shortest, longest = 16, 16 << 10
	part := token
	if i := strings.LastIndexByte(token, '.'); i > 0 && strings.HasPrefix(token, "eyJ") && len(token)-i > shortest {
		part = token[i+1:]
	}
	if len(part) < shortest || len(part) > longest {
		return ""
	}
	return part
}

// mask makes what was sent for the client unreadable in headers or trailers.
func (x *exchange) mask(h http.Header) {
	maskHeader(h, x.secret)
	maskHeader(h, x.key)
}

// maskHeader makes the token unreadable in headers or trailers.
func maskHeader(h http.Header, part string) {
	if part == "" {
		return
	}
	for _, values := range h {
		for i, v := range values {
			values[i] = strings.ReplaceAll(v, part, strings.Repeat("*", len(part)))
		}
	}
}

// mask is a body in which a part of the token is replaced by stars, as many as it has
// characters. It holds back what may be the beginning of it until it sees more, and
// nothing else.
type mask struct {
	from  io.ReadCloser
	part  []byte
	buf   []byte // what was read, from its beginning
	ready int    // how much of it may be handed out
	have  int    // how much there is
	next  int    // how much was handed out
	err   error
}

func newMask(from io.ReadCloser, part string) io.ReadCloser {
	if part == "" {
		return from
	}
	return &mask{from: from, part: []byte(part), buf: make([]byte, bufferSize+len(part))}
}

// Read hands out what was made unreadable where it had to be.
func (m *mask) Read(p []byte) (int, error) {
	for m.next == m.ready {
		if m.err != nil {
			return 0, m.err
		}
		m.fill()
	}
	n := copy(p, m.buf[m.next:m.ready])
	m.next += n
	return n, nil
}

// fill reads more behind what is held back.
func (m *mask) fill() {
	m.have = copy(m.buf, m.buf[m.ready:m.have])
	n, err := m.from.Read(m.buf[m.have:])
	m.have, m.err, m.next = m.have+n, err, 0
	for b := m.buf[:m.have]; ; {
		i := bytes.Index(b, m.part)
		if i < 0 {
			break
		}
		for j := i; j < i+len(m.part); j++ {
			b[j] = '*'
		}
		b = b[i+len(m.part):]
	}
	m.ready = m.have
	if err == nil {
		m.ready -= overlap(m.buf[:m.have], m.part)
	}
}

// Close closes what it reads from.
func (m *mask) Close() error { return m.from.Close() }

// overlap is the length of the longest end of b that is a beginning of part, but not
// the whole of it.
func overlap(b, part []byte) int {
	for i := max(0, len(b)-len(part)+1); i < len(b); i++ {
		j := bytes.IndexByte(b[i:], part[0])
		if j < 0 {
			return 0
		}
		i += j
		if bytes.HasPrefix(part, b[i:]) {
			return len(b) - i
		}
	}
	return 0
}
