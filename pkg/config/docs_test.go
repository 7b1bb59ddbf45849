package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatepass/pkg/config"
)

// The API files that the documentation shows are right, and none of their routes
// is open but those that say so.
func TestDocumentedAPIFiles(t *testing.T) {
	var blocks []string
	for _, name := range []string{"authorizers.md", "gateway.md"} {
		text, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		found := strings.Split(string(text), "```yaml\n")[1:]
		if len(found) < 2 {
			t.Fatalf("%d examples in %s", len(found), name)
		}
		blocks = append(blocks, found...)
	}
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		w := newWorld(t)
		path := filepath.Join(w.dir, "api.yaml")
		w.write(path, block)
		w.write(filepath.Join(w.dir, "policy.json"), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}]}`)
		d, err := finish(&config.Profile{API: config.API{File: path}})
		if err != nil {
			t.Errorf("%v\n%s", err, block)
			continue
		}
		for i := range d.API.Routes {
			r := &d.API.Routes[i]
			if open := strings.Contains(block, r.Key()+": none") || strings.Contains(block, r.Key()+": {authorizer: none"); (r.Authorizer == nil) != open {
				t.Errorf("%s is open: %t", r.Key(), !open)
			}
		}
	}
}
