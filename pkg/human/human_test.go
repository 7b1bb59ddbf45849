package human_test

import (
	"testing"
	"time"

	"gatepass/pkg/human"
)

func TestRelative(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0:                                "now",
		40 * time.Second:                 "in 40 s",
		-8 * time.Minute:                 "8 min ago",
		52*time.Minute + 20*time.Second:  "in 52 min",
		time.Hour:                        "in 1 h",
		65 * time.Minute:                 "in 1 h 5 min",
		-47*time.Hour - 59*time.Minute:   "47 h 59 min ago",
		72 * time.Hour:                   "in 3 days",
		-20 * 365 * 24 * time.Hour:       "20 years ago",
		500 * time.Millisecond:           "in 1 s",
		59*time.Minute + 59*time.Second:  "in 59 min",
		23*time.Hour + 59*time.Minute:    "in 23 h 59 min",
		2 * 365 * 24 * time.Hour:         "in 2 years",
		2*365*24*time.Hour - 1*time.Hour: "in 729 days",
	} {
		if got := human.Relative(now.Add(d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
