package cmd

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"gatepass/pkg/caller"
	"gatepass/pkg/view"
)

// When a progress line is shown.
const (
	progressDelay = time.Second            // what takes less needs no line
	progressBytes = 1 << 20                // nor does what is so little
	progressTick  = 200 * time.Millisecond // between two looks at it
	progressSpan  = 25                     // ticks that a rate is taken over
)

// transfer is how much of a request and its answer has gone by. It shows that on a
// line of a terminal, which is written over itself and taken away in the end. The
// zero transfer shows nothing.
type transfer struct {
	up, down caller.Meter

	mu        sync.Mutex
	w         io.Writer  // nil while nothing is shown
	columns   func() int // how wide the terminal is by now
	now       func() time.Time
	begun     time.Time
	total     int64 // of the direction that moves
	uploading bool
	marks     []mark // of the last ticks
	shown     int    // columns of what is shown
	end       chan struct{}
}

// mark is how far a direction was at a time.
type mark struct {
	at   time.Time
	done int64
}

// start shows the line from a second and a megabyte on, until stop. It begins with the upload of a
// size, negative where that is not known.
func (t *transfer) start(w io.Writer, columns func() int, now func() time.Time, upload int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.w, t.columns, t.now, t.begun = w, columns, now, now()
	t.uploading, t.total, t.end = upload != 0, upload, make(chan struct{})
	go t.run(t.end)
}

func (t *transfer) run(end chan struct{}) {
	tick := time.NewTicker(progressTick)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
			t.aside(nil)
		}
	}
}

// answer changes to the download of a size, negative where that is not known.
func (t *transfer) answer(size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.uploading, t.total, t.marks = false, size, nil
}

// stop takes the line away. It may be called again.
func (t *transfer) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.w == nil {
		return
	}
	t.clear()
	close(t.end)
	t.w = nil
}

// aside takes the line away while something is said, and shows it below that, as it
// is by then.
func (t *transfer) aside(say func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if say != nil {
		t.clear()
		say()
	}
	if t.w != nil {
		t.draw()
	}
}

func (t *transfer) draw() {
	p := t.progress(t.now())
	if p.Done < progressBytes || p.Taken < progressDelay {
		return
	}
	width := t.columns()
	line := p.Line(width)
	t.shown = min(t.shown, max(width-1, 0)) // a narrower window has put the rest on lines of its own
	// Spaces cover what is left of a longer line.
	fmt.Fprint(t.w, "\r"+view.Pad(line, t.shown))
	t.shown = len(line)
}

// progress is how far it is, by a mark set now.
func (t *transfer) progress(now time.Time) view.Progress {
	p := view.Progress{Up: t.uploading, Total: t.total, Done: t.down.Bytes(), Taken: now.Sub(t.begun)}
	if t.uploading {
		p.Done = t.up.Bytes()
	}
	t.marks = append(t.marks, mark{now, p.Done})
	if n := len(t.marks) - progressSpan; n > 0 {
		t.marks = t.marks[n:]
	}
	first := t.marks[0]
	if d := now.Sub(first.at); d > 0 && p.Done > first.done {
		p.Rate = int64(float64(p.Done-first.done) / d.Seconds())
	}
	return p
}

func (t *transfer) clear() {
	if t.shown > 0 {
		fmt.Fprint(t.w, "\r"+strings.Repeat(" ", t.shown)+"\r")
		t.shown = 0
	}
}
