package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/config"
)

// whose writes a project's and a user's file, and loads the profile dev.
func whose(t *testing.T, project, user string, env map[string]string) *config.Profile {
	t.Helper()
	s := config.Sources{Dir: t.TempDir(), UserDir: t.TempDir(), Getenv: func(n string) string { return env[n] }}
	for dir, text := range map[string]string{s.Dir: project, s.UserDir: user} {
		if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.Flag = func(name string) ([]string, bool) { return []string{"dev"}, name == "profile" }
	p, err := config.Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What the project says is never the user's own word, even where it is the one that
// counts.
func TestOwnIssuer(t *testing.T) {
	const (
		project = "profiles:\n  dev:\n    issuer: https://project.example\n"
		user    = "profiles:\n  dev:\n    subdomain: acme\n  prod:\n    issuer: https://prod.example\n"
		client  = "profiles:\n  dev:\n    client_id: x\n"
	)
	env := map[string]string{"GATEPASS_ISSUER": "https://env.example"}
	for _, tc := range []struct {
		name, project, user string
		env                 map[string]string
		issuer, own         string
	}{
		{"the project's alone", project, client, nil, "https://project.example", ""},
		{"the project's before the user's", project, user, nil, "https://project.example", "https://acme.onelogin.com/oidc/2"},
		{"the user's", client, user, nil, "https://acme.onelogin.com/oidc/2", "https://acme.onelogin.com/oidc/2"},
		{"a variable's", project, user, env, "https://env.example", "https://env.example"},
	} {
		p := whose(t, tc.project, tc.user, tc.env)
		if p.Issuer != tc.issuer || p.OwnIssuer != tc.own {
			t.Errorf("%s: %q and %q, want %q and %q", tc.name, p.Issuer, p.OwnIssuer, tc.issuer, tc.own)
		}
	}
}

func TestSharing(t *testing.T) {
	for _, tc := range []struct {
		name, other string
		shares      bool
	}{
		{"another company's", "issuer: https://login.other.example/oidc", true},
		{"another tenant of the same provider", "subdomain: acme-dev", false},
		{"a stand-in", "issuer: http://127.0.0.1:9000/oidc/2", false},
		{"the same issuer", "subdomain: acme", false},
		{"no issuer", "client_id: x", false},
		{"a redirect URI of its own", "issuer: https://login.other.example\n    redirect_uris: http://127.0.0.1:9/cb", false},
	} {
		p := whose(t, "profiles:\n  dev:\n    subdomain: acme\n  other:\n    "+tc.other+"\n", "", nil)
		if got := p.Sharing(); len(got) > 0 != tc.shares {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"https://a.co.uk", "https://b.co.uk", false},
		{"https://a.example", "https://b.example", false},
		{"https://login.a.co.uk", "https://sso.a.co.uk", true},
		{"https://login.acme.com:8443/x", "https://SSO.acme.com", true},
		{"https://login.acme.com", "https://login.acme.com.evil.example", false},
	} {
		p := whose(t, "profiles:\n  dev:\n    issuer: "+tc.a+"\n  other:\n    issuer: "+tc.b+"\n", "", nil)
		if got := p.Sharing(); len(got) == 0 != tc.same {
			t.Errorf("%s and %s: %v", tc.a, tc.b, got)
		}
	}
}

func TestOthers(t *testing.T) {
	p := whose(t,
		"profiles:\n  dev:\n    subdomain: acme\n  stage:\n    subdomain: stage\n    redirect_uris: http://localhost:1/a\n  none:\n    client_id: x\n",
		"profiles:\n  stage:\n    subdomain: other\n  prod:\n    issuer: https://prod.example\n  none:\n    client_id: y\n",
		map[string]string{"GATEPASS_REDIRECT_URIS": "http://localhost:9/b"},
	)
	want := []config.Client{
		{Profile: "prod", Issuer: "https://prod.example", RedirectURIs: []string{"http://localhost:3000/oauth/callback", "http://127.0.0.1:8127/callback"}},
		{Profile: "stage", Issuer: "https://stage.onelogin.com/oidc/2", RedirectURIs: []string{"http://localhost:1/a"}},
	}
	if diff := cmp.Diff(want, p.Others()); diff != "" {
		t.Error(diff)
	}
}
