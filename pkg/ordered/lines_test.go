package ordered_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"gatepass/pkg/ordered"
)

// echo answers with the number, whether it is long, and the text.
func echo(to []byte, l *ordered.Line) ([]byte, error) {
	return fmt.Appendf(to, "%d %v %q\n", l.Number, l.Long, l.Text), nil
}

func run(t *testing.T, m ordered.Lines, in io.Reader) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := m.Run(t.Context(), in, &out)
	return out.String(), err
}

func TestLines(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"one", "a\n", "1 false \"a\"\n"},
		{"no end", "a\nb", "1 false \"a\"\n2 false \"b\"\n"},
		{"blank lines count", "\n\nc\n", "1 false \"\"\n2 false \"\"\n3 false \"c\"\n"},
		{"CR LF", "a\r\nb\r\n", "1 false \"a\"\n2 false \"b\"\n"},
		{"as long as may be", "12345678\r\n", "1 false \"12345678\"\n"},
		{"longer", "123456789\nb\n", "1 true \"12345678\"\n2 false \"b\"\n"},
		{"longer, with CR", "123456789\r\nb\n", "1 true \"12345678\"\n2 false \"b\"\n"},
		{"much longer", strings.Repeat("x", 1<<20) + "\nb", "1 true \"xxxxxxxx\"\n2 false \"b\"\n"},
		{"longer, no end", strings.Repeat("x", 200_000), "1 true \"xxxxxxxx\"\n"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			m := ordered.Lines{Answer: echo, Max: 8}
			if got, err := run(t, m, strings.NewReader(tc.in)); got != tc.want || err != nil {
				t.Errorf("got %s, %v; want %s", got, err, tc.want)
			}
			if got, err := run(t, m, iotest.OneByteReader(strings.NewReader(tc.in))); got != tc.want || err != nil {
				t.Errorf("byte by byte: got %s, %v; want %s", got, err, tc.want)
			}
		})
	}
}

// TestOrder: the order of the answers is that of the lines, whoever is quicker.
func TestOrder(t *testing.T) {
	const n = 20_000
	var in, want strings.Builder
	for i := range n {
		fmt.Fprintln(&in, i)
		fmt.Fprintln(&want, i)
	}
	var busy, most atomic.Int32
	m := ordered.Lines{Max: 100, Workers: 8, Answer: func(to []byte, l *ordered.Line) ([]byte, error) {
		most.Store(max(most.Load(), busy.Add(1)))
		defer busy.Add(-1)
		for range (l.Number % 7) * 500 { // some take longer
			_ = bytes.Count(l.Text, []byte("1"))
		}
		return append(append(to, l.Text...), '\n'), nil
	}}
	got, err := run(t, m, strings.NewReader(in.String()))
	if err != nil || got != want.String() {
		t.Errorf("the answers are not in order: %v", err)
	}
}

// counted makes lines without end, and counts those that were taken.
type counted struct {
	left  int64
	taken *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n := 0
	for c.left > 0 && n+2 <= len(p) {
		n += copy(p[n:], "x\n")
		c.left--
		c.taken.Add(1)
	}
	return n, nil
}

// behind is how far the answers are behind the lines at most.
type behind struct {
	taken       *atomic.Int64
	given, most int64
}

func (b *behind) Write(p []byte) (int, error) {
	b.most = max(b.most, b.taken.Load()-b.given)
	b.given += int64(bytes.Count(p, []byte("\n")))
	return len(p), nil
}

// TestConstantMemory: however many lines there are, only so many are under way.
func TestConstantMemory(t *testing.T) {
	const n = 2_000_000
	var taken atomic.Int64
	out := &behind{taken: &taken}
	m := ordered.Lines{Max: 100, Workers: 4, Answer: func(to []byte, l *ordered.Line) ([]byte, error) {
		return append(append(to, l.Text...), '\n'), nil
	}}
	if err := m.Run(t.Context(), &counted{n, &taken}, out); err != nil {
		t.Fatal(err)
	}
	if out.given != n {
		t.Errorf("%d answers to %d lines", out.given, n)
	}
	// What is read ahead, and what is written behind, are 64 KiB each.
	if limit := int64(2*(64<<10) + 20*128); out.most > limit {
		t.Errorf("%d lines were under way, want at most %d", out.most, limit)
	}
}

// TestConversation: who waits for the answer to a line gets it.
func TestConversation(t *testing.T) {
	in, toIn := io.Pipe()
	fromOut, out := io.Pipe()
	m := ordered.Lines{Answer: echo, Max: 100}
	done := make(chan error, 1)
	go func() { done <- m.Run(t.Context(), in, out) }()
	buf := make([]byte, 100)
	for i := range 5 {
		if _, err := fmt.Fprintf(toIn, "question %d\n", i); err != nil {
			t.Fatal(err)
		}
		n, err := fromOut.Read(buf)
		if want := fmt.Sprintf("%d false \"question %d\"\n", i+1, i); string(buf[:n]) != want || err != nil {
			t.Fatalf("got %q, %v; want %q", buf[:n], err, want)
		}
	}
	_ = toIn.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// FuzzLines: the lines are those of an obvious way to split.
func FuzzLines(f *testing.F) {
	f.Add("a\nb\r\n\nc", 3)
	f.Add("\r\r\n", 1)
	f.Fuzz(func(t *testing.T, in string, most int) {
		most = 1 + most&0xFF
		var want strings.Builder
		rest := strings.TrimSuffix(in, "\n")
		for i, text := range strings.Split(rest, "\n") {
			if in == "" {
				break
			}
			// The last line has no end, so its CR is taken for one all the same.
			text = strings.TrimSuffix(text, "\r")
			fmt.Fprintf(&want, "%d %v %q\n", i+1, len(text) > most, text[:min(most, len(text))])
		}
		got, err := run(t, ordered.Lines{Answer: echo, Max: most}, strings.NewReader(in))
		if got != want.String() || err != nil {
			t.Errorf("%q: got %s, %v; want %s", in, got, err, &want)
		}
	})
}

func TestEnds(t *testing.T) {
	broken := errors.New("broken")
	many := strings.Repeat("x\n", 100_000)
	t.Run("reading fails", func(t *testing.T) {
		in := io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(broken))
		got, err := run(t, ordered.Lines{Answer: echo, Max: 8}, in)
		if !errors.Is(err, broken) || got != "1 false \"a\"\n2 false \"b\"\n" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("writing fails", func(t *testing.T) {
		m := ordered.Lines{Answer: echo, Max: 8}
		if err := m.Run(t.Context(), strings.NewReader(many), failing{broken}); !errors.Is(err, broken) {
			t.Error(err)
		}
	})
	t.Run("an answer fails", func(t *testing.T) {
		m := ordered.Lines{Max: 8, Answer: func(to []byte, l *ordered.Line) ([]byte, error) {
			if l.Number >= 1000 {
				return to, broken
			}
			return echo(to, l)
		}}
		got, err := run(t, m, strings.NewReader(many))
		if !errors.Is(err, broken) || strings.Count(got, "\n") != 999 {
			t.Errorf("%d answers, %v", strings.Count(got, "\n"), err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		in, w := io.Pipe()
		defer func() { _ = w.Close() }()
		m := ordered.Lines{Max: 8, Answer: func(to []byte, l *ordered.Line) ([]byte, error) {
			cancel()
			return echo(to, l)
		}}
		go func() { _, _ = io.WriteString(w, "a\n") }()
		if err := m.Run(ctx, in, io.Discard); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func ExampleLines_Run() {
	var out bytes.Buffer
	m := ordered.Lines{Max: 1000, Answer: func(to []byte, l *ordered.Line) ([]byte, error) {
		return fmt.Appendf(to, "%d: %s\n", l.Number, bytes.ToUpper(l.Text)), nil
	}}
	if err := m.Run(context.Background(), strings.NewReader("one\ntwo\n"), &out); err != nil {
		fmt.Println(err)
	}
	fmt.Print(out.String())
	// Output:
	// 1: ONE
	// 2: TWO
}
