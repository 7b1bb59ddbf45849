package lambdarun

import "bytes"

// maxLine is the most bytes of a line of the log; what is longer is cut into
// several.
const maxLine = 64 << 10

// splitter tells answers and console output apart. Both come through one pipe, so
// that they stay in order: an answer is a line that starts with the mark, a random
// text of which only the process's shim and this end know. It may start in the
// middle of a line that a function has not ended.
type splitter struct {
	mark  []byte // nil: everything is console output
	line  func(text []byte)
	frame func(text []byte, tooLong bool)

	buf     []byte
	at      int // what is before it has been dealt with
	seen    int // so many bytes from there on have no end of a line
	inFrame bool
	tooLong bool
}

// Write takes what came through the pipe, in pieces of any size.
func (s *splitter) Write(p []byte) (int, error) {
	s.buf = append(s.buf, p...)
	for s.step() {
	}
	if s.at > 0 {
		s.buf, s.at = s.buf[:copy(s.buf, s.buf[s.at:])], 0
	}
	if len(s.buf) == 0 && cap(s.buf) > 4*maxLine {
		s.buf = nil // after a large answer
	}
	return len(p), nil
}

// step takes one line or frame off the buffer.
func (s *splitter) step() bool {
	text := s.buf[s.at:]
	end := bytes.IndexByte(text[s.seen:], '\n')
	if end >= 0 {
		end += s.seen
	}
	s.seen = 0
	if s.inFrame {
		return s.stepFrame(text, end)
	}
	if end >= 0 {
		text = text[:end]
	}
	if at := s.find(text); at >= 0 {
		if at > 0 {
			s.line(text[:at])
		}
		s.at += at + len(s.mark)
		s.inFrame = true
		return true
	}
	switch {
	case end >= 0:
		s.line(text)
		s.at += end + 1
	case len(text) > maxLine+len(s.mark): // the end may be the start of the mark
		s.line(text[:maxLine])
		s.at += maxLine
	default:
		return false
	}
	return true
}

func (s *splitter) find(text []byte) int {
	if len(s.mark) == 0 {
		return -1
	}
	return bytes.Index(text, s.mark)
}

func (s *splitter) stepFrame(text []byte, end int) bool {
	const most = maxPayload + 1024
	switch {
	case end >= 0:
		s.frame(bytes.Clone(text[:end]), s.tooLong || end > most)
		s.at += end + 1
		s.inFrame, s.tooLong = false, false
		return true
	case len(text) > most: // keep the start, which says what it is the answer to
		s.tooLong = true
		s.buf = s.buf[:s.at+most]
	}
	s.seen = len(s.buf) - s.at // a frame may be long, and come in many pieces
	return false
}

// close ends the last line.
func (s *splitter) close() {
	if len(s.buf) > 0 && !s.inFrame {
		s.line(s.buf)
	}
	s.buf = nil
}
