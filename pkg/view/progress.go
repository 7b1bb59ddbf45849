package view

import (
	"fmt"
	"strings"
	"time"

	"gatepass/pkg/human"
)

// Progress is how far a transfer is.
type Progress struct {
	Up    bool  // it is an upload
	Done  int64 // in bytes
	Total int64 // in bytes; 0 or less where that is not known
	Rate  int64 // in bytes a second, of late; 0 while that is not known
	Taken time.Duration
}

// Line is the progress on a line that is shorter than a width. Where there is no
// room for everything, the bar goes first, then the time, then the rate.
func (p Progress) Line(width int) string {
	word := "down"
	if p.Up {
		word = "up"
	}
	parts := []string{Pad(word, 4)}
	if p.Total > 0 {
		parts = append(parts, fmt.Sprintf("%3d %%", min(p.Done*100/max(p.Total, 1), 100)))
		parts = append(parts, human.Bytes(p.Done)+" of "+human.Bytes(p.Total))
	} else {
		parts = append(parts, human.Bytes(p.Done))
	}
	if p.Rate > 0 {
		parts = append(parts, human.Bytes(p.Rate)+"/s")
	}
	parts = append(parts, p.clock())
	line := strings.Join(parts, "  ")
	for len(line) >= width && len(parts) > 2 {
		parts = parts[:len(parts)-1]
		line = strings.Join(parts, "  ")
	}
	if room := width - 1 - len(line) - 2; p.Total > 0 && room >= 12 && len(parts) > 3 {
		bar := p.bar(min(room, 42))
		line = strings.Join([]string{parts[0], parts[1], bar, strings.Join(parts[2:], "  ")}, "  ")
	}
	return cut(line, width-1)
}

// clock is how long it still takes, or how long it has taken.
func (p Progress) clock() string {
	if p.Total > 0 && p.Rate > 0 {
		left := max(p.Total-p.Done, 0) / p.Rate
		return minutes(left) + " left"
	}
	return minutes(int64(p.Taken.Seconds()))
}

func minutes(seconds int64) string {
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

func (p Progress) bar(n int) string {
	room := n - 2
	full := min(int(p.Done*int64(room)/p.Total), room)
	return "[" + strings.Repeat("=", full) + strings.Repeat(" ", room-full) + "]"
}

func cut(s string, n int) string {
	if n < 0 {
		return ""
	}
	return s[:min(len(s), n)]
}
