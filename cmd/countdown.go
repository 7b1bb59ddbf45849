package cmd

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"gatepass/pkg/crash"
)

// countdown is a line on a terminal that says how long a wait still takes, and what
// is being typed. Where the terminal shows that itself, the line is written over
// itself by nothing but a carriage return, so that it stays. The zero countdown shows
// nothing.
type countdown struct {
	// shown makes what is typed fit to be shown, in so many columns as there are.
	// Nil: the terminal shows it.
	shown   func(string) string
	columns func() int

	mu    sync.Mutex
	line  typed
	w     io.Writer // nil while nothing is shown
	now   func() time.Time
	until time.Time
	width int // of what is shown
	end   chan struct{}
}

// start shows the line until stop.
func (c *countdown) start(w io.Writer, now func() time.Time, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.w, c.now, c.until, c.end = w, now, until, make(chan struct{})
	c.draw()
	go func(end chan struct{}) {
		_ = crash.Catch(func() { c.tick(end) }) // the wait goes on without
	}(c.end)
}

func (c *countdown) tick(end <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
			c.aside(nil)
		}
	}
}

// stop takes the line away. Interrupted by Ctrl-C, it stays: somebody may have been
// typing on it, and what comes next must not be written over that.
func (c *countdown) stop(interrupted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.w == nil {
		return
	}
	if interrupted && (c.shown == nil || len(c.line.text) > 0) {
		fmt.Fprintln(c.w)
	} else {
		c.clear()
	}
	close(c.end)
	c.w = nil
}

// aside takes the line away while something is said, and shows it below that.
func (c *countdown) aside(say func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.w == nil {
		if say != nil {
			say()
		}
		return
	}
	if say != nil {
		c.clear()
		say()
	}
	c.draw()
}

func (c *countdown) draw() {
	left := max(c.until.Sub(c.now()), 0).Round(time.Second)
	line := fmt.Sprintf("%3d:%02d left ", int(left.Minutes()), int(left.Seconds())%60)
	c.width = max(c.width, len(line))
	if c.shown != nil {
		const cursor = 1
		line += tail(c.shown(string(c.line.text)), c.columns()-len(line)-cursor) + eraseRest
	}
	fmt.Fprint(c.w, "\r"+line)
}

// eraseRest erases what is right of the cursor.
const eraseRest = "\x1b[K"

func (c *countdown) clear() {
	if c.shown != nil {
		fmt.Fprint(c.w, "\r"+eraseRest)
		return
	}
	fmt.Fprint(c.w, "\r"+strings.Repeat(" ", c.width)+"\r")
}

// keys takes what was typed, and returns the lines that it ends.
func (c *countdown) keys(b []byte) (lines []string, end bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range b {
		line, done, last := c.line.key(key)
		if last {
			return lines, true
		}
		if done {
			lines = append(lines, line)
		}
	}
	if c.w != nil {
		c.draw()
	}
	return lines, false
}
