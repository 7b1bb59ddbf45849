package cmd

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// countdown is a line on a terminal that says how long a wait still takes. It is
// written over itself, by nothing but a carriage return, and what a person types
// after it stays. The zero countdown shows nothing.
type countdown struct {
	mu    sync.Mutex
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
	}(c.end)
}

// stop takes the line away. Interrupted by Ctrl-C, it stays: somebody may have been
// typing on it, and what comes next must not be written over that.
func (c *countdown) stop(interrupted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.w == nil {
		return
	}
	if interrupted {
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
	fmt.Fprint(c.w, "\r"+line)
}

func (c *countdown) clear() { fmt.Fprint(c.w, "\r"+strings.Repeat(" ", c.width)+"\r") }
