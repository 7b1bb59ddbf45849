package iostreams_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"gatepass/pkg/iostreams"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain, naïve, 日本": "plain, naïve, 日本",
		"\x1b[31mred":      `\x1b[31mred`,
		"a\r\nb\tc":        `a\r\nb\tc`,
		"user\u202egnp":    `user\u202egnp`,
		"zero\u200bwidth":  `zero\u200bwidth`,
		"bad\xffutf":       `bad\xffutf`,
		"\u0085next":       `\u0085next`,
		"\U000e0041tag":    `\U000e0041tag`,
		"\x00\x07\x7f":     `\x00\x07\x7f`,
	} {
		if got := iostreams.Visible(in); got != want {
			t.Errorf("Visible(%q) = %q, want %q", in, got, want)
		}
	}
	if got := iostreams.VisibleLines("a\n\tb\x1b\r"); got != "a\n\tb\\x1b\\r" {
		t.Errorf("VisibleLines = %q", got)
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("a\x1b[0m\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := iostreams.Visible(s)
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Errorf("%q holds %U", got, r)
			}
		}
		if iostreams.Visible(got) != got {
			t.Errorf("%q changes when made visible again", got)
		}
	})
}

func TestColor(t *testing.T) {
	for _, tc := range []struct {
		env      string
		terminal bool
		want     bool
	}{
		{"", true, true}, {"", false, false}, {"NO_COLOR=1", true, false}, {"TERM=dumb", true, false},
		{"CLICOLOR_FORCE=1", false, true}, {"CLICOLOR_FORCE=0", false, false}, {"CLICOLOR_FORCE=1 NO_COLOR=1", true, false},
	} {
		getenv := func(name string) string {
			for _, kv := range strings.Fields(tc.env) {
				if v, ok := strings.CutPrefix(kv, name+"="); ok {
					return v
				}
			}
			return ""
		}
		if got := iostreams.Color(getenv, tc.terminal); got != tc.want {
			t.Errorf("%q on a terminal %v: %v", tc.env, tc.terminal, got)
		}
	}
}
