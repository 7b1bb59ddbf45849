package lambdarun

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// split is what a splitter makes of text that comes in pieces of a size.
func split(mark, text string, size int) (lines, frames []string) {
	s := &splitter{
		mark: []byte(mark), line: func(l []byte) { lines = append(lines, string(l)) },
		frame: func(f []byte, long bool) {
			if long {
				f = []byte("long")
			}
			frames = append(frames, string(f))
		},
	}
	for len(text) > 0 {
		n := min(size, len(text))
		_, _ = s.Write([]byte(text[:n]))
		text = text[n:]
	}
	s.close()
	return lines, frames
}

func TestSplitter(t *testing.T) {
	const mark = "\x1emark"
	for _, tc := range []struct{ name, text, lines, frames string }{
		{"lines", "a\nb\n\nc", `["a" "b" "" "c"]`, `[]`},
		{"answer", mark + "ok\n", `[]`, `["ok"]`},
		{"answer in a line", "a" + mark + "ok\nb\n", `["a" "b"]`, `["ok"]`},
		{"two", mark + "1\n" + mark + "2\nx\n", `["x"]`, `["1" "2"]`},
		{"answer that does not end", "a\n" + mark + "ok", `["a"]`, `[]`},
		{"part of the mark", "\x1emar\nk\n", "[\"\\x1emar\" \"k\"]", `[]`},
		{"too long", mark + strings.Repeat("x", maxPayload+2000) + "\nb\n", `["b"]`, `["long"]`},
	} {
		for _, size := range []int{1 << 30, 4096, 7, 1} {
			if size < 4096 && len(tc.text) > 1<<20 {
				continue
			}
			lines, frames := split(mark, tc.text, size)
			if got := fmt.Sprintf("%q %q", lines, frames); got != tc.lines+" "+tc.frames {
				t.Errorf("%s in pieces of %d: %.200s", tc.name, size, got)
			}
		}
	}
	lines, frames := split(mark, strings.Repeat("y", 3*maxLine)+mark+"ok\n", 1000)
	if len(lines) != 3 || len(lines[0]) != maxLine || fmt.Sprint(frames) != "[ok]" {
		t.Errorf("a long line makes %d lines and %q", len(lines), frames)
	}
}

// FuzzSplitter: the size of the pieces makes no difference, and nothing is lost.
func FuzzSplitter(f *testing.F) {
	const mark = "\x1e!"
	f.Add("a\n\x1e!ok\nb", 1)
	f.Add("a\x1e!\x1e!x\n\x1e", 3)
	f.Fuzz(func(t *testing.T, text string, size int) {
		if size < 1 || len(text) > maxLine {
			t.Skip()
		}
		lines, frames := split(mark, text, size)
		whole, wholeFrames := split(mark, text, len(text)+1)
		if fmt.Sprint(lines, frames) != fmt.Sprint(whole, wholeFrames) {
			t.Errorf("in pieces of %d: %q %q, at once: %q %q", size, lines, frames, whole, wholeFrames)
		}
		if !strings.Contains(text, mark) && strings.Join(lines, "\n") != strings.TrimSuffix(text, "\n") {
			t.Errorf("%q became %q", text, lines)
		}
		if n := strings.Count(text, mark); len(frames) > n {
			t.Errorf("%d answers of %d marks", len(frames), n)
		}
	})
}

// TestLoggerIsBounded: a process cannot fill the memory or the terminal.
func TestLoggerIsBounded(t *testing.T) {
	var got []string
	l := &logger{to: func(s string) { got = append(got, s) }}
	line := bytes.Repeat([]byte("x"), 1000)
	for range 3 * maxLog / 1000 {
		l.line(line)
	}
	if n := len(got); n > maxLog/1000+1 || got[n-1] != "(more output of the function is left out)" {
		t.Errorf("%d lines, the last %.50q", n, got[n-1])
	}
	l.reset()
	if l.line([]byte("again\r")); got[len(got)-1] != "again" {
		t.Errorf("after a new start: %q", got[len(got)-1])
	}
}

// TestSplitterManyPieces: what a frame costs grows with its length, however small the
// pieces are that it comes in.
func TestSplitterManyPieces(t *testing.T) {
	frames := 0
	s := &splitter{mark: []byte("\x1emark "), line: func([]byte) {}, frame: func(_ []byte, long bool) {
		if frames++; !long {
			t.Error("it is not too long")
		}
	}}
	begin, piece := time.Now(), bytes.Repeat([]byte("x"), 1<<10)
	_, _ = s.Write(s.mark)
	for range 20 << 10 {
		_, _ = s.Write(piece)
	}
	_, _ = s.Write([]byte("\n"))
	if took := time.Since(begin); frames != 1 || took > 5*time.Second {
		t.Errorf("%d frames in %s", frames, took)
	}
}
