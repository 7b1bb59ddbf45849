package cmd_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatepass/cmd"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

// deploySettings are the files gatepass.yaml that docs/deploy.md shows.
func deploySettings(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, m := range regexp.MustCompile("(?s)```yaml\n(# gatepass.yaml\n.*?)```").FindAllSubmatch(page, -1) {
		files = append(files, string(m[1]))
	}
	if len(files) != 2 {
		t.Fatalf("docs/deploy.md shows %d files gatepass.yaml, want 2", len(files))
	}
	return files
}

// askDeployed runs authorize with a file of settings beside others.
func askDeployed(t *testing.T, settings string, others map[string]string, args ...string) (exit int, said string) {
	t.Helper()
	dir := t.TempDir()
	others["gatepass.yaml"] = settings
	for name, text := range others {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	streams, out, errs := iostreams.Test("")
	streams.In = io.NopCloser(bytes.NewReader(nil))
	getenv := func(name string) string {
		if name == "PATH" { // where node is
			return os.Getenv(name)
		}
		return ""
	}
	app := &cmd.App{IO: streams, Getenv: getenv, Dir: dir, Secrets: new(secret.Redactor), Now: time.Now}
	exit = cmd.Run(t.Context(), app, append([]string{"authorize"}, args...))
	return exit, out.String() + errs.String()
}

// The settings of docs/deploy.md do on this machine what the page says they do.
func TestDeploySettings(t *testing.T) {
	settings := deploySettings(t)
	file := func() map[string]string { return map[string]string{"authorizer.yaml": batchAuthorizer} }
	for request, want := range map[string]int{"GET /users/42/x": 0, "GET /users/43/x": 3} {
		method, path, _ := strings.Cut(request, " ")
		if exit, said := askDeployed(t, settings[0], file(), method, path, "--claim", "sub=42"); exit != want {
			t.Errorf("%s: exit %d, want %d: %s", request, exit, want, said)
		}
	}
	t.Run("the tutorial's handler", func(t *testing.T) {
		needNode(t)
		handler, err := os.ReadFile("../pkg/lambdarun/testdata/handlers/simple.js")
		if err != nil {
			t.Fatal(err)
		}
		for token, want := range map[string]string{"allow": "200", "deny": "403", "unauthorized": "401", "other": "500"} {
			_, said := askDeployed(t, settings[1], map[string]string{"simple.js": string(handler)}, "GET", "/orders", "--token", token, "--json")
			if !strings.Contains(said, `"status":`+want) && !strings.Contains(said, `"status": `+want) {
				t.Errorf("%s: want %s: %s", token, want, said)
			}
		}
	})
}
