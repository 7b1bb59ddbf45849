package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gatepass/pkg/config"
)

// What a starter writes is what is read.
func TestStarter(t *testing.T) {
	for _, s := range []config.Starter{
		{Name: "dev", Issuer: "https://acme.onelogin.com/oidc/2", ClientID: "6f1d8c02-4b7e", RedirectURIs: []string{"http://localhost:3000/oauth/callback"}},
		{
			Name: "no", Issuer: "http://127.0.0.1:9998/oidc/2", ClientID: "123", ClientAuth: "post",
			RedirectURIs: []string{"http://[::1]:80/a?b", "http://127.0.0.1:1/{x}"}, Scopes: []string{"openid", "a:b"},
			Resource: "orders # not a comment", API: config.API{URL: "https://x.example/prod", Token: "id", Send: config.Send{Header: "authorizationToken"}},
			Authorizer: "dir/my authorizer.yaml",
		},
	} {
		w := newWorld(t)
		w.project(string(s.File()))
		p := w.load()
		same(t, s, p)
		w = newWorld(t)
		w.project("profiles:\n  " + strings.ReplaceAll(s.Profile(), "\n", "\n  "))
		same(t, s, w.load())
	}
}

func same(t *testing.T, s config.Starter, p *config.Profile) {
	t.Helper()
	if p.Name != s.Name || p.Issuer != s.Issuer || p.ClientID != s.ClientID || p.Resource != s.Resource || p.API.URL != s.API.URL ||
		!slices.Equal(p.RedirectURIs, s.RedirectURIs) || s.Scopes != nil && !slices.Equal(p.Scopes, s.Scopes) ||
		s.API.Send.Header != "" && p.API.Send != s.API.Send || s.API.Token != "" && p.API.Token != s.API.Token ||
		!strings.HasSuffix(filepath.ToSlash(p.Authorizer), s.Authorizer) {
		t.Errorf("%s\nis read as %+v", s.File(), p)
	}
}

func FuzzStarter(f *testing.F) {
	f.Add("acme", "id", "https://x.example/prod")
	f.Add("- a", "{b: [", "x: # \u00e9")
	f.Add("0x1F", "1e3", "~")
	f.Fuzz(func(t *testing.T, client, resource, file string) {
		w := newWorld(t)
		s := config.Starter{Name: "dev", Issuer: "https://a.example", ClientID: client, Resource: resource, Authorizer: file}
		w.project(string(s.File()))
		p, err := config.Load(w.sources())
		if err != nil {
			return // a value that is refused wherever it stands
		}
		if p.ClientID != client || p.Resource != resource {
			t.Errorf("%q and %q are read as %q and %q:\n%s", client, resource, p.ClientID, p.Resource, s.File())
		}
	})
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatepass.yaml")
	if err := config.Create(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := config.Create(path, []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "one" {
		t.Errorf("%q %v", data, err)
	}
	if info, _ := os.Stat(path); runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v", info.Mode())
	}
	if all, _ := os.ReadDir(filepath.Dir(path)); len(all) != 1 {
		t.Errorf("%v is left behind", all)
	}
	dangling := filepath.Join(t.TempDir(), "gatepass.yaml")
	if err := os.Symlink("/nonexistent/x", dangling); err == nil {
		if err := config.Create(dangling, nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("over a link: %v", err)
		}
	}
	if err := config.Create(filepath.Join(t.TempDir(), "no", "x"), nil); err == nil {
		t.Error("into a folder that is not there")
	}
}
