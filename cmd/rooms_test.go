package cmd_test

import (
	"go/build"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A room is a folder with the packages it may and may not import. The rules are
// in docs/rooms.md; here they are checked against the files themselves, test
// files left out.
type room struct {
	dir string
	// ours are the packages of this module it may import.
	ours []string
	// never are packages it must not import, a trailing slash for all below.
	never []string
	// stdOnly is set where nothing but the standard library and ours will do.
	stdOnly bool
}

// Groups of rooms. Imports point one way: main, cmd, edges, core, leaves.
var (
	leaves = []string{"gatepass/pkg/crash", "gatepass/pkg/fault", "gatepass/pkg/human", "gatepass/pkg/loopback", "gatepass/pkg/recent", "gatepass/pkg/secret", "gatepass/pkg/iostreams", "gatepass/pkg/urlpath"}
	impure = []string{"os", "os/", "net", "net/http", "net/http/", "context", "log", "log/", "syscall", "time/tick"}
	edge   = []string{"github.com/spf13/", "github.com/pkg/browser", "log", "log/", "net/http/httptest", "math/rand", "math/rand/v2", "flag", "testing"}
)

func with(base []string, more ...string) []string {
	out := slices.Clone(base)
	for _, m := range more {
		if !strings.Contains(m, "/") {
			m = "gatepass/pkg/" + m
		}
		out = append(out, m)
	}
	return out
}

func rooms() []room {
	core := with(edge, impure...)
	return []room{
		{dir: "pkg/crash", never: with(edge, impure...), stdOnly: true},
		{dir: "pkg/fault", stdOnly: true},
		{dir: "pkg/human", stdOnly: true},
		{dir: "pkg/recent", stdOnly: true},
		{dir: "pkg/loopback", never: with(edge, impure...), stdOnly: true},
		{dir: "pkg/netfault", never: edge, stdOnly: true},
		{dir: "pkg/urlpath", never: with(edge, impure...), stdOnly: true},
		{dir: "pkg/secret", stdOnly: true},
		{dir: "pkg/iostreams", stdOnly: true},
		{dir: "pkg/ordered", never: with(edge, "net/http"), stdOnly: true},
		{dir: "pkg/source", never: core},
		{dir: "pkg/jq", ours: with(leaves), never: with(edge, "os", "net", "net/http")},
		{dir: "pkg/policy", ours: with(nil, "source", "urlpath"), never: core, stdOnly: true},
		{dir: "pkg/token", ours: with(leaves, "source"), never: core, stdOnly: true},
		{dir: "pkg/apigw", ours: with(leaves, "source", "policy", "token"), never: core, stdOnly: true},
		{dir: "pkg/saved", ours: with(nil, "source"), never: core, stdOnly: true},
		{dir: "pkg/apigw/apigwtest", ours: with(leaves, "source", "policy", "token", "apigw")},
		{dir: "pkg/authorizer", ours: with(leaves, "source", "policy", "token", "apigw"), never: core, stdOnly: true},
		{dir: "pkg/view", ours: with(leaves, "source", "policy", "token", "apigw", "authorizer"), never: with(edge, "net/http"), stdOnly: true},
		{dir: "pkg/verify", ours: with(leaves, "netfault", "source", "token"), never: edge},
		{dir: "pkg/function", ours: with(leaves, "source", "policy", "token", "apigw", "authorizer"), never: with(edge, "net/http"), stdOnly: true},
		{dir: "pkg/awsapi", ours: with(leaves, "netfault", "source"), never: with(edge, "os", "os/"), stdOnly: true},
		{dir: "pkg/awsapi/sigv4", ours: with(nil, "awsapi"), never: edge},
		{dir: "pkg/awsapi/awstest", ours: with(nil, "awsapi", "gatepass/pkg/awsapi/sigv4"), never: edge, stdOnly: true},
		{dir: "cmd/lambda", ours: with(leaves, "source", "policy", "token", "apigw", "authorizer", "function", "verify", "awsapi", "gatepass/pkg/awsapi/sigv4"),
			never: []string{"github.com/spf13/", "github.com/pkg/browser", "net/http/httptest", "testing", "flag"}},
		{dir: "pkg/login", ours: with(leaves, "netfault", "source", "token"), never: edge},
		{dir: "pkg/store", ours: with(leaves, "source", "token"), never: with(edge, "net/http")},
		{dir: "pkg/config", ours: with(leaves, "source", "policy", "apigw"), never: with(edge, "net/http"), stdOnly: true},
		{dir: "pkg/caller", ours: with(leaves, "netfault"), never: with(edge, "golang.org/x/oauth2")},
		{dir: "pkg/gateway", ours: with(leaves, "source", "policy", "token", "apigw"), never: edge, stdOnly: true},
		{dir: "pkg/lambdarun", ours: with(leaves, "netfault", "apigw"), never: edge},
		{dir: "pkg/relay", ours: with(leaves, "netfault"), never: edge, stdOnly: true},
		{dir: "pkg/doctor", ours: with(leaves, "netfault", "source", "policy", "token", "apigw", "authorizer"), never: edge, stdOnly: true},
		{dir: "pkg/demo", ours: with(leaves), never: edge, stdOnly: true},
		{dir: "pkg/idp", ours: with(leaves, "source", "token"), never: edge},
	}
}

func TestImportsPointOneWay(t *testing.T) {
	known := map[string]room{}
	for _, r := range rooms() {
		known[r.dir] = r
	}
	for dir, pkg := range packages(t, "..") {
		r, ok := enclosing(known, dir)
		if !ok {
			if strings.HasPrefix(dir, "pkg/") {
				t.Errorf("%s is in no room: give it one in this test and in docs/rooms.md", dir)
			}
			continue
		}
		for _, imp := range pkg.Imports {
			if why := r.forbids(imp); why != "" {
				t.Errorf("%s imports %s: %s", dir, imp, why)
			}
		}
	}
}

// forbids says why a room may not import a package, or nothing.
func (r room) forbids(imp string) string {
	first, _, _ := strings.Cut(imp, "/")
	switch {
	case strings.HasPrefix(imp, "gatepass/"+r.dir+"/"):
		return ""
	case first == "gatepass" && !slices.Contains(r.ours, imp):
		return "rooms import downwards only"
	case listed(r.never, imp):
		return "this room never does"
	case r.stdOnly && first != "gatepass" && strings.Contains(first, "."):
		return "this room has no dependencies"
	}
	return ""
}

func listed(list []string, imp string) bool {
	return slices.ContainsFunc(list, func(l string) bool {
		return imp == l || strings.HasSuffix(l, "/") && strings.HasPrefix(imp, l)
	})
}

// enclosing finds the room of a folder: its own or that of a folder above it.
func enclosing(known map[string]room, dir string) (room, bool) {
	for d := dir; d != "." && d != "/"; d = path.Dir(d) {
		if r, ok := known[d]; ok {
			return r, true
		}
	}
	return room{}, false
}

// packages reads the imports of every package below root from its files. The go
// command would answer from a cache that does not see a new import.
func packages(t *testing.T, root string) map[string]*build.Package {
	t.Helper()
	ctxt := build.Default
	ctxt.UseAllFiles = true
	all := map[string]*build.Package{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); p != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "dist") {
			return filepath.SkipDir
		}
		// An error here is a folder without Go files, or files for several
		// systems in one: the imports are there all the same.
		pkg, _ := ctxt.ImportDir(p, 0)
		if rel, err := filepath.Rel(root, p); err == nil && pkg != nil && len(pkg.Imports) > 0 {
			all[filepath.ToSlash(rel)] = pkg
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("only %d packages were found", len(all))
	}
	return all
}

// TestCoreReadsNoClock: the core is given the time, so that a verdict depends on
// nothing but its values.
func TestCoreReadsNoClock(t *testing.T) {
	for _, dir := range []string{"source", "policy", "token", "apigw", "authorizer", "saved", "view"} {
		files, err := filepath.Glob("../pkg/" + dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Errorf("pkg/%s has no files: %v", dir, err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, clock := range []string{"time.Now(", "time.Since(", "time.Until(", "time.After(", "time.Sleep("} {
				if strings.Contains(string(text), clock) {
					t.Errorf("%s calls %s", f, clock)
				}
			}
		}
	}
}

// TestOneExit: nothing but main ends the process.
func TestOneExit(t *testing.T) {
	for dir := range packages(t, "..") {
		files, _ := filepath.Glob(filepath.Join("..", dir, "*.go"))
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(f, "_test.go") || dir == "." || strings.HasPrefix(dir, "cmd/") {
				continue
			}
			if strings.Contains(string(text), "os.Exit(") {
				t.Errorf("%s calls os.Exit", f)
			}
		}
	}
}
