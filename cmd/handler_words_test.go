package cmd

import (
	"strings"
	"testing"
)

// TestWords: what --token takes for a word, and what for a secret.
func TestWords(t *testing.T) {
	for value, want := range map[string]bool{
		"allow": true, "Bearer allow": true, "incorrect token": true, "@token": false, "-": false, "eyJhbGciOiJub25lIn0": false,
		"Bearer eyJhbGciOiJ": false, strings.Repeat("a", longestWord): true, strings.Repeat("a", longestWord+1): false,
	} {
		if isWord(value) != want {
			t.Errorf("isWord(%q) is not %t", value, want)
		}
	}
}
