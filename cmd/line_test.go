package cmd

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTyped(t *testing.T) {
	for in, want := range map[string][]string{
		"abc\n":                            {"abc"},
		"a\rb\n":                           {"a", "b"},
		"\r\n":                             {"", ""},
		"abé\x7f\x7fc\n":                   {"ac"},
		"\x7f\b\n":                         {""},
		"abc\x15d\n":                       {"d"},
		"one two  \x17x\n":                 {"one x"},
		"one\x17x\n":                       {"x"},
		"a\x1b[Db\x1b[1;5Cc\x1bOPd\n":      {"abcd"},
		"\x1b[200~pa\tsted\x1b[201~\n":     {"pasted"},
		"a\x1bxb\n":                        {"ab"},
		"a\x1b\nb\n":                       {"a", "b"},
		"a\x1b[\nb\n":                      {"a", "b"},
		"a\x04b\n":                         {"ab"},
		strings.Repeat("x", 100000) + "\n": {strings.Repeat("x", maxTyped)},
	} {
		var line typed
		var got []string
		for _, b := range []byte(in) {
			text, done, end := line.key(b)
			if end {
				t.Errorf("%q ends all", in)
			}
			if done {
				got = append(got, text)
			}
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%.40q gives %.80q, want %.80q", in, got, want)
		}
	}
	var line typed
	if _, _, end := line.key(keyEnd); !end {
		t.Error("Ctrl-D on an empty line does not end all")
	}
}

// Whatever is typed, there is nothing in a line that a terminal would act on, and
// no more than is taken.
func FuzzTyped(f *testing.F) {
	f.Add("ab\x1b[200~c\x7f\n\x15\x17x\x1bO\r", 10)
	f.Fuzz(func(t *testing.T, keys string, columns int) {
		var line typed
		for _, b := range []byte(keys) {
			text, _, _ := line.key(b)
			for _, s := range []string{text, string(line.text)} {
				if len(s) > maxTyped || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
					t.Fatalf("%q makes %q", keys, s)
				}
			}
		}
		if got := tail(keys, columns); utf8.RuneCountInString(got) > max(columns, 0) {
			t.Errorf("tail(%q, %d) = %q", keys, columns, got)
		}
	})
}
