package human_test

import (
	"math"
	"testing"

	"gatepass/pkg/human"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1449: "1.4 kB", 9949: "9.9 kB", 9950: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB",
		10 << 20: "10 MB", 1 << 30: "1.1 GB", 23_456_789_012: "23 GB", math.MaxInt64: "9 EB",
	} {
		if got := human.Bytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
