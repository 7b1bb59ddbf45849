package cmd_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkStart times whole processes: "gatepass version" against the same
// command of a bare cobra program, in turns, so that both see the same machine.
// The metric "ratio" is of the medians; docs/performance.md has figures.
//
//	go test ./cmd -run '^$' -bench Start -benchtime 200x
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	ours, bare := filepath.Join(dir, "gatepass"), filepath.Join(dir, "bare")
	compile(b, ours, "gatepass")
	compile(b, bare, "./testdata/barecobra")
	var a, c []time.Duration
	for b.Loop() {
		a = append(a, run(b, ours))
		c = append(c, run(b, bare))
	}
	slices.Sort(a)
	slices.Sort(c)
	x, y := a[len(a)/2], c[len(c)/2]
	b.ReportMetric(float64(x.Microseconds()), "µs/gatepass")
	b.ReportMetric(float64(y.Microseconds()), "µs/bare")
	b.ReportMetric(float64(x)/float64(y), "ratio")
	b.ReportMetric(0, "ns/op")
}

func compile(b *testing.B, out, pkg string) {
	b.Helper()
	if msg, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, pkg).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, msg)
	}
}

func run(b *testing.B, program string) time.Duration {
	b.Helper()
	start := time.Now()
	if err := exec.Command(program, "version").Run(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}
