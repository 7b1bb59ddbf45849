package lambdarun

import "sync/atomic"

// maxLog is how many bytes a process may log for one invocation; what is more is
// left out, and that is said.
const maxLog = 1 << 20

// logger passes on what a process prints, up to a bound.
type logger struct {
	to   func(line string)
	used atomic.Int64
}

func (l *logger) line(text []byte) {
	before := l.used.Add(int64(len(text)+1)) - int64(len(text)+1)
	switch {
	case before > maxLog: // said already
	case before+int64(len(text)) > maxLog:
		l.used.Store(maxLog + 1)
		l.to("(more output of the function is left out)")
	default:
		if n := len(text); n > 0 && text[n-1] == '\r' {
			text = text[:n-1]
		}
		l.to(string(text))
	}
}

// reset is for the next invocation.
func (l *logger) reset() { l.used.Store(0) }
