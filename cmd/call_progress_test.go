package cmd

import (
	"io"
	"strings"
	"testing"
	"time"
)

// The progress fits a window that has become narrower.
func TestProgressFollowsTheWindow(t *testing.T) {
	var out strings.Builder
	columns, begun := 80, time.Now()
	p := transfer{
		w: &out, columns: func() int { return columns }, now: func() time.Time { return begun.Add(2 * time.Second) }, begun: begun, total: 10 << 20,
	}
	if _, err := io.Copy(io.Discard, p.down.Reader(strings.NewReader(strings.Repeat("x", 5<<20)))); err != nil {
		t.Fatal(err)
	}
	p.aside(nil)
	wide := out.String()
	columns = 30
	out.Reset()
	p.aside(nil)
	if got := out.String(); len(wide) < 40 || len(got) < 20 || len(got) > 30 {
		t.Errorf("said %q, then %q", wide, got)
	}
}
