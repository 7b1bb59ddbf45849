package view_test

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"gatepass/pkg/iostreams"
	"gatepass/pkg/view"
)

func body(t testing.TB, r io.Reader, mediaType string, color bool) string {
	t.Helper()
	var b strings.Builder
	if err := view.Body(&b, r, mediaType, color); err != nil {
		t.Fatalf("%s: %v", mediaType, err)
	}
	return b.String()
}

func TestJSONIsLaidOut(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for _, tc := range []struct{ name, in, want string }{
		{"numbers as they are", `[12345678901234567890,1.10,-0,1E400]`, "[\n  12345678901234567890,\n  1.10,\n  -0,\n  1E400\n]\n"},
		{"members in their order, twice too", `{"b":1,"a":2,"b":3}`, "{\n  \"b\": 1,\n  \"a\": 2,\n  \"b\": 3\n}\n"},
		{"nothing in it", `{"a":{},"b":[],"c":[ ]}`, "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": []\n}\n"},
		{"escapes stay", `"\u001b[31m\"\\\/é"`, `"\u001b[31m\"\\\/é"` + "\n"},
		{"several", "1 {}\n\"x\"true", "1\n{}\n\"x\"\ntrue\n"},
		{"characters a terminal acts on", "[\"a\u202eb\u009b\x7f\"]", "[\n  \"a\\u202eb\\u009b\\x7f\"\n]\n"},
		{"broken in the middle", `{"a":[1,oops],"b":2}`, "{\n  \"a\": [\n    1,\n    oops],\"b\":2}\n"},
		{"a line end in a string", "[\"a\nb\"]", "[\n  \"a\nb\"]\n"},
		{"no such escape", `["\x"]`, "[\n  \"\\x\"]\n"},
		{"the wrong bracket", `[1}`, "[\n  1}\n"},
		{"no word", `[trüe]`, "[\n  trüe]\n"},
		{"a word without its end", `nul`, "nul\n"},
		{"a string without its end", `{"a":"b`, "{\n  \"a\": \"b\n"},
		{"nothing", ``, ""},
		{"spaces", "  \n ", ""},
		{"deeper than what is indented", deep, ""},
	} {
		got := body(t, strings.NewReader(tc.in), "application/json", false)
		if tc.want != "" && got != tc.want {
			t.Errorf("%s: %q\nwant %q", tc.name, got, tc.want)
		}
		if got == "" && strings.TrimSpace(tc.in) != "" || len(got) > 100*(len(tc.in)+1) {
			t.Errorf("%s: %d bytes of %d", tc.name, len(got), len(tc.in))
		}
	}
}

func TestJSONHasColours(t *testing.T) {
	const want = "{\n  \x1b[36m\"a\"\x1b[0m: [\n    \x1b[33m1\x1b[0m,\n    \x1b[32m\"x\"\x1b[0m,\n    \x1b[2mnull\x1b[0m,\n    \x1b[35mtrue\x1b[0m\n  ]\n}"
	if got := view.JSONText([]byte(`{"a":[1,"x",null,true]}`), true); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
	if got, want := view.JSONLine([]byte(`{"a": [1]}`), true), "{\x1b[36m\"a\"\x1b[0m: [\x1b[33m1\x1b[0m]}"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := body(t, strings.NewReader("{\"a\":1}\n{\"a\":2}\n"), "application/x-ndjson", false); got != "{\"a\":1}\n{\"a\":2}\n" {
		t.Errorf("lines: %q", got)
	}
}

// A document of any size is shown as it comes, in memory that does not grow.
func TestJSONOfAnySize(t *testing.T) {
	const n = 200_000
	in := "[" + strings.Repeat(`{"name":"some text","n":[1,2.50,null]},`, n) + "0]"
	out := new(counting)
	if err := view.Body(out, struct{ io.Reader }{strings.NewReader(in)}, "application/json", true); err != nil {
		t.Error(err)
	}
	if out.n < int64(len(in)) || out.largest > 1<<20 {
		t.Errorf("%d bytes in, %d out, %d at once", len(in), out.n, out.largest)
	}
}

type counting struct {
	n       int64
	largest int
}

func (c *counting) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	c.largest = max(c.largest, len(p))
	return len(p), nil
}

var colours = regexp.MustCompile("\x1b\\[[0-9]+m")

// Whatever comes, in whatever pieces: laid out it is the same JSON, coloured it is
// the same text, not laid out it is what plain text is, and a terminal has nothing
// to act on but the colours.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"x\u00e9\n",null,true,false,{}]}`, "{\"a\":\"\u202e\x7f\"}", `[1,oops]`, "tru", "\xff\"", "[[[]]]", "1 2", "{\"\xe2\"}", "\r\n1\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if strings.ContainsRune(in, 0) {
			return
		}
		text := body(t, strings.NewReader(in), "text/plain", false)
		lines := body(t, strings.NewReader(in), "application/x-ndjson", false)
		if lines != text {
			t.Errorf("as lines %q, as text %q", lines, text)
		}
		laid := body(t, strings.NewReader(in), "application/json", false)
		colored := body(t, strings.NewReader(in), "application/json", true)
		if got := colours.ReplaceAllString(colored, ""); got != laid {
			t.Errorf("coloured %q, plain %q", got, laid)
		}
		if got := body(t, iotest.OneByteReader(strings.NewReader(in)), "application/json", true); got != colored {
			t.Errorf("byte by byte %q, whole %q", got, colored)
		}
		if iostreams.VisibleLines(laid) != laid {
			t.Errorf("%q does something to a terminal", laid)
		}
		if json.Valid([]byte(in)) && iostreams.VisibleLines(in) == in {
			var before, after bytes.Buffer
			if json.Compact(&before, []byte(in)) != nil || json.Compact(&after, []byte(laid)) != nil || before.String() != after.String() {
				t.Errorf("%q became %q", before.String(), after.String())
			}
		}
	})
}

func TestEventStream(t *testing.T) {
	in := ": ping\n\nevent: tick\nid: 7\ndata: {\"n\":1}\ndata: text \x1b[2J\nother: \u202e\nretry: 10\r\n" + "data: " + strings.Repeat("x", 100_000) + "\nend"
	want := ": ping\n\nevent: tick\nid: 7\ndata: {\"n\":1}\ndata: text \\x1b[2J\nother: \\u202e\nretry: 10\n" + "data: " + strings.Repeat("x", 100_000) + "\nend\n"
	for name, r := range map[string]io.Reader{"whole": strings.NewReader(in), "byte by byte": iotest.OneByteReader(strings.NewReader(in))} {
		if got := body(t, r, "text/event-stream; charset=utf-8", false); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	got := body(t, strings.NewReader(": c\ndata: {\"n\":1}\ndata: [DONE]\n"), "text/event-stream", true)
	if want := "\x1b[2m: c\x1b[0m\n\x1b[36mdata\x1b[0m: {\x1b[36m\"n\"\x1b[0m:\x1b[33m1\x1b[0m}\n\x1b[36mdata\x1b[0m: [DONE]\n"; got != want {
		t.Errorf("in colour %q", got)
	}
}
