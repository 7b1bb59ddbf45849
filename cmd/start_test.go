package cmd_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/secret"
	"gatepass/pkg/store"
	"gatepass/pkg/token"
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
		a = append(a, run(b, ours, "version"))
		c = append(c, run(b, bare, "version"))
	}
	slices.Sort(a)
	slices.Sort(c)
	x, y := a[len(a)/2], c[len(c)/2]
	b.ReportMetric(float64(x.Microseconds()), "µs/gatepass")
	b.ReportMetric(float64(y.Microseconds()), "µs/bare")
	b.ReportMetric(float64(x)/float64(y), "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStatus times whole processes of what a shell's prompt and scripts ask
// again and again.
//
//	go test ./cmd -run '^$' -bench Status -benchtime 200x
func BenchmarkStatus(b *testing.B) {
	dir := b.TempDir()
	ours := filepath.Join(dir, "gatepass")
	compile(b, ours, "gatepass")
	b.Setenv("GATEPASS_HOME", dir)
	b.Setenv("GATEPASS_SUBDOMAIN", "acme")
	b.Setenv("GATEPASS_CLIENT_ID", "one")
	files := store.Files{Dir: filepath.Join(dir, "state", "tokens")}
	key := store.Key{Profile: "default", Issuer: "https://acme.onelogin.com/oidc/2", ClientID: "one"}
	set := token.Set{Access: secret.New(strings.Repeat("a", 4000)), Expiry: time.Now().Add(time.Hour)}
	if err := files.Save(b.Context(), key, store.Login{Name: "Ada"}, set); err != nil {
		b.Fatal(err)
	}
	for _, flag := range []string{"--check", "--prompt"} {
		b.Run(flag, func(b *testing.B) {
			var all []time.Duration
			for b.Loop() {
				all = append(all, run(b, ours, "status", flag))
			}
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)/2].Microseconds()), "µs/median")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func compile(b *testing.B, out, pkg string) {
	b.Helper()
	if msg, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, pkg).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, msg)
	}
}

func run(b *testing.B, program string, args ...string) time.Duration {
	b.Helper()
	start := time.Now()
	if err := exec.Command(program, args...).Run(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}
