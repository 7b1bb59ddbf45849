package cmd

import (
	"bytes"
	"testing"
	"time"
)

// screen is what a terminal of one column a character shows of what is written.
func screen(b *bytes.Buffer) []string {
	lines, row, col := [][]rune{nil}, 0, 0
	for _, r := range b.String() {
		switch r {
		case '\r':
			col = 0
		case '\n':
			row, col = row+1, 0
			lines = append(lines, nil)
		default:
			for len(lines[row]) <= col {
				lines[row] = append(lines[row], ' ')
			}
			lines[row][col] = r
			col++
		}
	}
	var out []string
	for _, l := range lines {
		out = append(out, string(bytes.TrimRight([]byte(string(l)), " ")))
	}
	return out
}

func TestCountdown(t *testing.T) {
	var b bytes.Buffer
	var c countdown
	c.aside(func() { b.WriteString("before\n") })
	c.stop(false) // of what was never started
	now := time.Unix(0, 0)
	c.start(&b, func() time.Time { return now }, now.Add(100*time.Minute))
	show := func(want ...string) {
		t.Helper()
		c.mu.Lock()
		defer c.mu.Unlock()
		got := screen(&b)
		if len(got) != len(want) {
			t.Fatalf("%q, want %q", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("line %d is %q, want %q", i, got[i], want[i])
			}
		}
	}
	show("before", "100:00 left")
	now = now.Add(95*time.Minute + 29*time.Second)
	c.aside(nil)
	show("before", "  4:31 left")
	c.aside(func() { b.WriteString("gatepass: x\n") })
	show("before", "gatepass: x", "  4:31 left")
	now = now.Add(time.Hour)
	c.aside(nil)
	show("before", "gatepass: x", "  0:00 left")
	c.stop(false)
	show("before", "gatepass: x", "")
	c.aside(func() { b.WriteString("after\n") })
	c.stop(false)
	show("before", "gatepass: x", "after", "")

	// Ctrl-C while somebody types: what comes next is below.
	c.start(&b, func() time.Time { return now }, now.Add(time.Minute))
	b.WriteString("half a line^C") // the terminal's echo
	c.stop(true)
	b.WriteString("interrupted")
	show("before", "gatepass: x", "after", "  1:00 left half a line^C", "interrupted")
}
