package cmd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// shipped calls f with every Go file that is built into the program.
func shipped(t *testing.T, f func(path string, file *ast.File)) {
	t.Helper()
	n := 0
	for dir := range packages(t, "..") {
		files, _ := filepath.Glob(filepath.Join("..", dir, "*.go"))
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			n++
			f(filepath.ToSlash(path), file)
		}
	}
	if n < 50 {
		t.Fatalf("only %d files were found", n)
	}
}

// State, nonce, verifier and keys come from the system's source of randomness: no
// other is imported.
func TestRandomNumbersAreTheSystems(t *testing.T) {
	shipped(t, func(path string, file *ast.File) {
		for _, imp := range file.Imports {
			if p, _ := strconv.Unquote(imp.Path.Value); p == "math/rand" || p == "math/rand/v2" {
				t.Errorf("%s imports %s", path, p)
			}
		}
	})
}

// There is no way around a certificate, no shell, and no flow but those of a code,
// a refresh token and a client's own credentials.
func TestWhatIsNotThere(t *testing.T) {
	shells := []string{"sh", "bash", "/bin/sh", "cmd", "cmd.exe", "powershell", "powershell.exe", "pwsh"}
	shipped(t, func(path string, file *ast.File) {
		standIn := strings.HasPrefix(path, "../pkg/idp/")
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if n.Name == "InsecureSkipVerify" || n.Name == "PasswordCredentialsToken" {
					t.Errorf("%s has %s", path, n.Name)
				}
			case *ast.CallExpr:
				sel, ok := n.Fun.(*ast.SelectorExpr)
				if !ok || sel.Sel.Name != "Command" && sel.Sel.Name != "CommandContext" {
					break
				}
				for _, a := range n.Args {
					if lit, ok := a.(*ast.BasicLit); ok {
						if s, _ := strconv.Unquote(lit.Value); slices.Contains(shells, s) {
							t.Errorf("%s runs %s", path, s)
						}
					}
				}
			case *ast.BasicLit:
				s, _ := strconv.Unquote(n.Value)
				if !standIn && (strings.Contains(s, "grant_type=password") || strings.Contains(s, "id_token token") || s == "urn:ietf:params:oauth:grant-type:device_code") {
					t.Errorf("%s has %q", path, s)
				}
			}
			return true
		})
	})
}
