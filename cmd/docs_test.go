package cmd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testNames are the tests of a folder.
func testNames(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

// docs/security.md says what is kept and names the test that shows it. Every test
// that it names is there, and no line of it goes without.
func TestWhatTheDocsName(t *testing.T) {
	data, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz|Example)[A-Za-z0-9_]*)`")
	loose := regexp.MustCompile(`(?:Test|Fuzz|Example)[A-Z][A-Za-z0-9_]*`)
	known := map[string]map[string]bool{}
	named := 0
	lines := strings.Split(string(data), "\n")
	for n, line := range lines {
		found := name.FindAllStringSubmatch(line, -1)
		for _, m := range found {
			if known[m[1]] == nil {
				known[m[1]] = testNames(t, m[1])
			}
			if !known[m[1]][m[2]] {
				t.Errorf("docs/security.md:%d: %s has no %s", n+1, m[1], m[2])
			}
			named++
		}
		if all := loose.FindAllString(line, -1); len(all) != len(found) {
			t.Errorf("docs/security.md:%d: %q: want tests as `folder.Name`", n+1, all)
		}
		rule := func(n int) bool { return n < len(lines) && strings.HasPrefix(lines[n], "| ---") }
		if strings.HasPrefix(line, "| ") && !rule(n) && !rule(n+1) && len(found) == 0 && !strings.Contains(line, "**Open") && !strings.Contains(line, "Does not apply") {
			t.Errorf("docs/security.md:%d: the line names no test: %s", n+1, line)
		}
	}
	if named < 100 {
		t.Errorf("only %d tests are named", named)
	}
}
