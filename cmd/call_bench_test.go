package cmd_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkCall times whole processes of "gatepass call" against curl, in turns, on
// one loopback server: a small document, and bodies of 1 GiB both ways. The metric
// "ratio" is of the medians, "MB-peak" the most memory that any of ours took;
// docs/performance.md has figures.
//
//	go test ./cmd -run '^$' -bench 'Call$/small' -benchtime 50x
//	go test ./cmd -run '^$' -bench 'Call$/GiB' -benchtime 5x
func BenchmarkCall(b *testing.B) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		b.Skip("there is no curl on this machine")
	}
	const size = 1 << 30
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/small":
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"id":7,"item":"tea"}`)
		case "/down":
			w.Header().Set("Content-Length", fmt.Sprint(size))
			piece := make([]byte, 1<<20)
			for n := 0; n < size; n += len(piece) {
				if _, err := w.Write(piece); err != nil {
					return
				}
			}
		default:
			_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r.Body, make([]byte, 1<<20))
		}
	}))
	defer s.Close()
	dir := b.TempDir()
	ours := filepath.Join(dir, "gatepass")
	compile(b, ours, "gatepass")
	b.Setenv("GATEPASS_HOME", dir)
	large := filepath.Join(dir, "large")
	f, err := os.Create(large)
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		b.Fatal(err)
	}
	_ = f.Close()
	for _, bench := range []struct {
		name       string
		ours, curl []string
	}{
		{"small", []string{"/small"}, []string{s.URL + "/small"}},
		{"GiB-download", []string{"/down", "-o", os.DevNull}, []string{s.URL + "/down", "-o", os.DevNull}},
		{"GiB-upload", []string{"/up", "--data-binary", "@" + large}, []string{s.URL + "/up", "-T", large, "-X", "POST", "-H", "Expect:"}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var x, y []time.Duration
			var peak int64
			for b.Loop() {
				took, memory := timed(b, ours, append([]string{"call", "--no-token", "--api-url", s.URL}, bench.ours...)...)
				x, peak = append(x, took), max(peak, memory)
				took, _ = timed(b, curl, append([]string{"-s", "-S"}, bench.curl...)...)
				y = append(y, took)
			}
			slices.Sort(x)
			slices.Sort(y)
			ratio := float64(x[len(x)/2]) / float64(y[len(y)/2])
			b.ReportMetric(float64(x[len(x)/2].Microseconds())/1000, "ms/gatepass")
			b.ReportMetric(float64(y[len(y)/2].Microseconds())/1000, "ms/curl")
			b.ReportMetric(ratio, "ratio")
			b.ReportMetric(float64(peak)/1e6, "MB-peak")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// timed runs a program, and returns how long it took and the most memory it had, in
// bytes, where the system says that.
func timed(b *testing.B, program string, args ...string) (time.Duration, int64) {
	b.Helper()
	var errs bytes.Buffer
	c := exec.Command(program, args...)
	c.Stderr = &errs
	start := time.Now()
	if err := c.Run(); err != nil {
		b.Fatalf("%s: %v\n%s", program, err, errs.String())
	}
	return time.Since(start), peakMemory(c.ProcessState)
}
