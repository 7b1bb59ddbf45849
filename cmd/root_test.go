package cmd

import "testing"

// TestWanted: only the command that is named is made, and all of them where none
// is, so that help, completion and suggestions know every one.
func TestWanted(t *testing.T) {
	all := commands()
	for _, e := range all {
		if got := wanted([]string{"--json", e.name, "decode"}); len(got) != 1 || got[0].name != e.name {
			t.Errorf("%s: %d commands are made", e.name, len(got))
		}
		if c := e.make(&App{Getenv: func(string) string { return "" }}); c.Name() != e.name || c.Short == "" {
			t.Errorf("the command %s is called %q", e.name, c.Name())
		}
	}
	for _, args := range [][]string{nil, {"--help"}, {"help", "login"}, {"lgoin"}, {"__complete", ""}} {
		if got := wanted(args); len(got) != len(all) {
			t.Errorf("%q: %d commands are made, want all %d", args, len(got), len(all))
		}
	}
}
