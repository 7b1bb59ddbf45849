// Package human says lengths of time as people do.
package human

import (
	"fmt"
	"time"
)

// Relative is how far t is from now: "in 52 min", "8 min ago".
func Relative(t, now time.Time) string {
	d := t.Sub(now).Round(time.Second)
	switch {
	case d == 0:
		return "now"
	case d > 0:
		return "in " + Span(d)
	}
	return Span(-d) + " ago"
}

// Span is a length of time in one or two units: "52 min", "1 h 5 min", "3 days".
// What is smaller than that is cut off.
func Span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		h, m := int(d.Hours()), int(d.Minutes())%60
		if m == 0 {
			return fmt.Sprintf("%d h", h)
		}
		return fmt.Sprintf("%d h %d min", h, m)
	case d < 2*365*24*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
	return fmt.Sprintf("%d years", int(d.Hours()/24/365))
}
