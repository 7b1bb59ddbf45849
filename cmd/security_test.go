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

// A goroutine that can meet a secret has its panic made an error of: Go would print
// it as it is. What the others start reads no token: they wait, count and draw.
func TestGoroutinesAreCaught(t *testing.T) {
	elsewhere := []string{
		"../pkg/gateway/", "../pkg/ordered/", "../pkg/lambdarun/", "../pkg/relay/relay.go",
		"../cmd/app.go", "../cmd/demo", "../cmd/serve.go", "../cmd/call_progress.go", "../cmd/proxy.go",
	}
	n := 0
	shipped(t, func(path string, file *ast.File) {
		if slices.ContainsFunc(elsewhere, func(p string) bool { return strings.HasPrefix(path, p) }) {
			return
		}
		ast.Inspect(file, func(node ast.Node) bool {
			call := started(node)
			if call == nil {
				return true
			}
			n++
			if !catches(call) && !catches(callee(file, call)) {
				t.Errorf("%s starts a goroutine whose panic nobody catches", path)
			}
			return true
		})
	})
	if n < 8 {
		t.Errorf("only %d goroutines were found", n)
	}
}

// catches reports whether there is a crash.Catch below a node, or an HTTP server that
// is run: net/http catches the panics of handlers.
func catches(node ast.Node) (caught bool) {
	ast.Inspect(node, func(node ast.Node) bool {
		sel, ok := node.(*ast.SelectorExpr)
		caught = caught || ok && (named(sel, "crash", "Catch") || named(sel, "srv", "Serve"))
		return true
	})
	return caught
}

// callee is the function or method of the same file that is called, or a node with
// nothing in it.
func callee(file *ast.File, call *ast.CallExpr) ast.Node {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name {
			return f
		}
	}
	return &ast.BadExpr{}
}

// started is the call of a go statement, or of WaitGroup.Go.
func started(node ast.Node) *ast.CallExpr {
	switch node := node.(type) {
	case *ast.GoStmt:
		return node.Call
	case *ast.CallExpr:
		if sel, ok := node.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Go" {
			return node
		}
	}
	return nil
}

func named(sel *ast.SelectorExpr, pkg, name string) bool {
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg && sel.Sel.Name == name
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
