package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPagesAreUpToDate: docs/cli is what the command tree says.
func TestPagesAreUpToDate(t *testing.T) {
	fresh := t.TempDir()
	if err := write(fresh, filepath.Join(t.TempDir(), "man")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pages(t, fresh), pages(t, "../../docs/cli")); diff != "" {
		t.Errorf("docs/cli is not what the commands say; run: go run ./cmd/gendocs\n(-commands +docs/cli)\n%s", diff)
	}
}

func pages(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages in %s: %v", dir, err)
	}
	all := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = string(text)
	}
	return all
}
