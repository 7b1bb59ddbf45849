package cmd

import (
	"bytes"
	"strings"
	"testing"
)

// TestMisuse is what somebody reads who has mistyped something: what was expected,
// what to do, nothing on stdout, exit 2.
func TestMisuse(t *testing.T) {
	for _, tc := range []struct{ line, want, hint string }{
		{"stauts", `there is no command "stauts"`, "did you mean: gatepass status"},
		{"status --min-tll 5m", "unknown flag: --min-tll", "did you mean --min-ttl?"},
		{"status --zzzzzz", "unknown flag: --zzzzzz", "gatepass status --help lists the flags"},
		{"status -z", "unknown shorthand flag: 'z' in -z", "gatepass status --help lists the flags"},
		{"status --min-ttl banana", `--min-ttl is "banana", want a time such as 30s, 10m or 1h`, ""},
		{"status --min-ttl -1s", "--min-ttl must not be negative", ""},
		{"status --json=maybe", `--json is "maybe", want true or false`, ""},
		{"call --timeout never /x", `--timeout is "never", want a time such as 30s or 5m`, ""},
		{"status --profile", "--profile needs a value: name of a profile in the settings files", ""},
		{"version x", `"x" is more than gatepass version takes`, "usage: gatepass version [flags]"},
		{"call GET /x y", "that is no item", "items are name=text, name:=json, name==query and Header:value"},
		{"call", "gatepass call needs an argument", "usage: gatepass call [METHOD] PATH [ITEM...] [flags]"},
		{"demo --json", "the demo is a story for people and has no JSON form", "each command it shows takes --json"},
	} {
		t.Run(tc.line, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := Run(t.Context(), testApp(t, &out, &errs), strings.Fields(tc.line))
			if code != 2 || out.Len() > 0 {
				t.Errorf("exit code %d, stdout %q", code, &out)
			}
			if !strings.Contains(errs.String(), tc.want) || !strings.Contains(errs.String(), tc.hint) {
				t.Errorf("stderr %q, want %q and the hint %q", &errs, tc.want, tc.hint)
			}
		})
	}
}
