package secret

import (
	"bytes"
	"io"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Redactor replaces secrets in text: those it was told of, and whatever looks
// like one. A JSON Web Token keeps its header and payload, which are what one
// debugs with, and loses its signature, which is what makes it work.
type Redactor struct {
	mu    sync.Mutex
	known []string
}

// shortest is the length below which a known secret is not looked for: it would
// turn up inside ordinary words.
const shortest = 6

// Add tells the redactor of secrets it must replace wherever they turn up.
func (r *Redactor) Add(secrets ...String) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		v := s.Reveal()
		if len(v) < shortest {
			continue
		}
		r.known = append(r.known, v)
		if form := url.QueryEscape(v); form != v {
			r.known = append(r.known, form) // as it stands in a form or a query
		}
	}
}

// Text returns s without secrets.
func (r *Redactor) Text(s string) string {
	if r == nil {
		return Redact(s)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// Tokens come second: of those that can be read, header and payload stay. All
	// others come first, so that no pattern ends in the middle of one.
	for _, k := range r.known {
		if !strings.HasPrefix(k, "eyJ") {
			s = strings.ReplaceAll(s, k, redacted)
		}
	}
	s = Redact(s)
	for _, k := range r.known {
		s = strings.ReplaceAll(s, k, redacted)
	}
	return s
}

// patterns finds what looks like a secret. Each keeps its first group and
// replaces the rest.
func patterns() []*regexp.Regexp {
	return []*regexp.Regexp{
		// A compact JWS: header and payload stay.
		regexp.MustCompile(`(\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.)[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+)*`),
		// Credentials in header lines. "Bearer eyJ…" is the pattern above.
		regexp.MustCompile(`(?i)(\bauthorization:[ \t]*basic[ \t]+)[^\s"']+`),
		regexp.MustCompile(`(?i)(\bauthorization:[ \t]*bearer[ \t]+)(?:[^e\s"']|e[^y\s"'])[^\s"']*`),
		regexp.MustCompile(`(?i)(\b(?:set-)?cookie:[ \t]*)[^\r\n]+`),
		regexp.MustCompile(`(?i)(\bx-api-key:[ \t]*)[^\s"']+`),
		// Parameters of OAuth 2.0 requests and members of its answers.
		regexp.MustCompile(`(?i)(\b(?:code|code_verifier|client_secret|refresh_token|password)=)[^&\s"'#]+`),
		regexp.MustCompile(`(?i)("(?:code_verifier|client_secret|refresh_token|password)"\s*:\s*")[^"]+`),
		// The same of what may be a JSON Web Token, which the first pattern has seen
		// to, and of JSON inside a string of JSON.
		regexp.MustCompile(`(?i)(\b(?:access_token|id_token|client_assertion|assertion)=)(?:[^e&\s"'#]|e[^y&\s"'#])[^&\s"'#]*`),
		regexp.MustCompile(`(?i)(\\?"(?:access_token|id_token|client_assertion)\\?"\s*:\s*\\?")(?:[^e"\\]|e[^y"\\])[^"\\]*`),
		regexp.MustCompile(`(?i)(\\"(?:code_verifier|client_secret|refresh_token|password)\\"\s*:\s*\\")[^"\\]+`),
	}
}

var compiled = sync.OnceValue(patterns)

// Redact replaces whatever in s looks like a secret.
func Redact(s string) string {
	for _, re := range compiled() {
		s = re.ReplaceAllString(s, "${1}"+redacted)
	}
	return s
}

// Guard returns a writer that cleans each write by itself and holds nothing back:
// for a stream on which prompts and half lines must be seen at once. It is the
// last layer, under writers that clean what they say already; what comes in pieces
// is for [Redactor.Writer].
func (r *Redactor) Guard(w io.Writer) io.Writer { return guard{r, w} }

type guard struct {
	r *Redactor
	w io.Writer
}

func (g guard) Write(p []byte) (int, error) {
	if _, err := io.WriteString(g.w, g.r.Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Writer returns a writer that passes text on to w without secrets. It works on
// whole lines, so that a secret split over two writes is still found; Close
// writes out an unfinished line.
func (r *Redactor) Writer(w io.Writer) io.WriteCloser { return &lines{r: r, w: w} }

type lines struct {
	r   *Redactor
	w   io.Writer
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.buf.Write(p)
	i := bytes.LastIndexByte(l.buf.Bytes(), '\n')
	if i < 0 {
		return len(p), nil
	}
	if _, err := io.WriteString(l.w, l.r.Text(string(l.buf.Next(i+1)))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (l *lines) Close() error {
	if l.buf.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(l.w, l.r.Text(l.buf.String()))
	l.buf.Reset()
	return err
}
