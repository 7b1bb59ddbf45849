package view_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/view"
)

func TestWriteOut(t *testing.T) {
	values := view.WriteOutValues{
		Variable: func(name string) (string, bool) { return "<" + name + ">", name == "a" || name == "b" },
		Header:   func(name string) string { return "[" + name + "]" },
	}
	for _, tc := range []struct{ format, out, errs, unknown string }{
		{"", "", "", ""},
		{`%{a} %{b}\n`, "<a> <b>\n", "", ""},
		{`\t\r\n\x\`, "\t\r\n\\x\\", "", ""},
		{`100%% %d %`, "100% %d %", "", ""},
		{`%header{X-Y}|%header{`, "[X-Y]|%header{", "", ""},
		{`%{a`, "%{a", "", ""},
		{`%{}`, "%{}", "", ""},
		{`%{c}%{c}%{d}`, "<c><c><d>", "", "c d"},
		{`1%{stderr}2%{stdout}3`, "13", "2", ""},
		{`1%{onerror}2`, "1", "", ""},
		{"plain é", "plain é", "", ""},
	} {
		out, errs, unknown := view.ParseWriteOut(tc.format).Print(values, false)
		if out != tc.out || errs != tc.errs || strings.Join(unknown, " ") != tc.unknown {
			t.Errorf("%q: %q, %q, %q", tc.format, out, errs, unknown)
		}
	}
	if out, _, _ := view.ParseWriteOut(`1%{onerror}2`).Print(values, true); out != "12" {
		t.Errorf("after an error: %q", out)
	}
}

// What is parsed prints back the same, but for the escapes.
func FuzzWriteOut(f *testing.F) {
	f.Add(`%{a}%%\n%header{b}\\%{`)
	f.Fuzz(func(t *testing.T, format string) {
		var back strings.Builder
		for _, p := range view.ParseWriteOut(format) {
			switch {
			case p.Variable != "":
				back.WriteString("%{" + p.Variable + "}")
			case p.Header != "":
				back.WriteString("%header{" + p.Header + "}")
			default:
				back.WriteString(p.Text)
			}
		}
		// The four escapes are all that is written in another way than it is meant; what
		// stands inside a variable's braces stays.
		if !strings.ContainsAny(format, `\`) && !strings.Contains(format, "%%") && back.String() != format {
			t.Errorf("%q became %q", format, back.String())
		}
		if back.Len() > len(format) {
			t.Errorf("%q grew to %q", format, back.String())
		}
	})
}

func TestProgressLine(t *testing.T) {
	half := view.Progress{Done: 15e6, Total: 30e6, Rate: 5e6, Taken: 3 * time.Second}
	for _, tc := range []struct {
		p     view.Progress
		width int
		want  string
	}{
		{half, 80, "down   50 %  [===============               ]  15 MB of 30 MB  5.0 MB/s  0:03 left"},
		{half, 200, "down   50 %  [====================                    ]  15 MB of 30 MB  5.0 MB/s  0:03 left"},
		{half, 48, "down   50 %  15 MB of 30 MB  5.0 MB/s"},
		{half, 30, "down   50 %  15 MB of 30 MB"},
		{half, 10, "down   50"},
		{half, 1, ""},
		{half, 0, ""},
		{view.Progress{Up: true, Done: 1 << 20, Taken: time.Hour}, 80, "up    1.0 MB  1:00:00"},
		{view.Progress{Done: 40, Total: 30, Rate: 1}, 40, "down  100 %  40 B of 30 B  1 B/s"},
	} {
		got := tc.p.Line(tc.width)
		if tc.width == 80 && tc.p.Total > 0 {
			if len(got) >= 80 || !strings.HasPrefix(got, "down   50 %  [===") || !strings.HasSuffix(got, "]  15 MB of 30 MB  5.0 MB/s  0:03 left") {
				t.Errorf("%q", got)
			}
			continue
		}
		if got != tc.want {
			t.Errorf("width %d: %q, want %q", tc.width, got, tc.want)
		}
	}
	for width := range 250 {
		if got := half.Line(width); width > 0 && len(got) >= width {
			t.Errorf("width %d: %d columns", width, len(got))
		}
	}
}

func ExampleCallMeta_Print() {
	m := view.CallMeta{
		Status: "200 OK", Protocol: "HTTP/2.0", Received: 1234, Encoding: "gzip", Redirects: 1,
		Timings: view.CallTimings{DNS: 0.42, Connect: 12.3, TLS: 31, FirstByte: 110.26, Total: 2345.6},
	}
	var b strings.Builder
	m.Print(view.NewPrinter(&b, false, 80, time.Now))
	fmt.Print(b.String())
	// Output:
	// status      200 OK over HTTP/2.0
	// redirects   1
	// received    1.2 kB, compressed with gzip
	// name found  after 420 µs
	// connected   after 12 ms
	// TLS ready   after 31 ms
	// first byte  after 110 ms
	// all         after 2.35s
}
