package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/source"
)

// world is a folder with a project in a repository and a user's own settings.
type world struct {
	t           *testing.T
	dir, user   string
	flags       map[string][]string
	environment map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	root := t.TempDir()
	w := &world{t: t, dir: filepath.Join(root, "repo"), user: filepath.Join(root, "user"), flags: map[string][]string{}, environment: map[string]string{}}
	w.write(filepath.Join(w.dir, ".git", "HEAD"), "")
	if err := os.MkdirAll(w.user, 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) write(path, text string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) project(text string) {
	w.t.Helper()
	w.write(filepath.Join(w.dir, config.FileName), text)
}
func (w *world) own(text string) { w.t.Helper(); w.write(filepath.Join(w.user, config.FileName), text) }

func (w *world) sources() config.Sources {
	return config.Sources{
		Flag:    func(name string) ([]string, bool) { v, ok := w.flags[name]; return v, ok },
		Getenv:  func(name string) string { return w.environment[name] },
		Dir:     w.dir,
		UserDir: w.user,
	}
}

func (w *world) load() *config.Profile {
	w.t.Helper()
	p, err := config.Load(w.sources())
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func TestNoFileAtAll(t *testing.T) {
	w := newWorld(t)
	w.flags = map[string][]string{"issuer": {"http://127.0.0.1:9"}, "client-id": {"x"}, "scope": {"openid groups", "email"}}
	p := w.load()
	want := &config.Profile{
		Name: "default", Why: "what there is without a settings file",
		Issuer: "http://127.0.0.1:9", OwnIssuer: "http://127.0.0.1:9", ClientID: "x", ClientAuth: "none",
		RedirectURIs: []string{"http://localhost:3000/oauth/callback", "http://127.0.0.1:8127/callback"},
		Scopes:       []string{"openid", "groups", "email"},
		SignIn:       config.SignIn{ResponseMode: "query"},
		API:          config.API{Token: "access", Send: config.Send{Header: "Authorization", Scheme: "Bearer"}},
		Known:        []string{},
		Files: []config.File{
			{Kind: config.Project, Path: config.FileName},
			{Kind: config.User, Path: filepath.Join(w.user, config.FileName)},
		},
	}
	got := *p
	got.Values = nil
	if d := cmp.Diff(want, &got, cmpopts.IgnoreUnexported(config.Profile{})); d != "" {
		t.Error(d)
	}
	if len(p.Values) != len(config.Settings()) {
		t.Errorf("%d values for %d settings", len(p.Values), len(config.Settings()))
	}
}

func TestDefaultsNeverAskForOfflineAccess(t *testing.T) {
	p, err := config.Load(config.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(p.Scopes, "offline_access") {
		t.Errorf("scopes %v: OneLogin refuses offline_access in the code flow", p.Scopes)
	}
}

// Every setting is read from each source, and a stronger source wins for that
// setting alone.
func TestPrecedence(t *testing.T) {
	const project = "profiles:\n  dev:\n    issuer: https://project.example\n    client_id: project\n    resource: project\n"
	const own = "profiles:\n  dev:\n    issuer: https://own.example\n    client_id: own\n    resource: own\n    scopes: [own]\n"
	w := newWorld(t)
	w.project(project)
	w.own(own)
	w.environment = map[string]string{"GATEPASS_ISSUER": "https://env.example", "GATEPASS_CLIENT_ID": "env", "GATEPASS_SCOPES": ""}
	w.flags = map[string][]string{"issuer": {"https://flag.example"}}
	p := w.load()
	for _, tc := range []struct{ key, got, want, origin string }{
		{"issuer", p.Issuer, "https://flag.example", "flag --issuer"},
		{"client_id", p.ClientID, "env", "environment GATEPASS_CLIENT_ID"},
		{"resource", p.Resource, "project", "gatepass.yaml:5"},
		{"scopes", strings.Join(p.Scopes, " "), "own", "your gatepass.yaml:6"},
		{"client_auth", p.ClientAuth, "none", "default"},
	} {
		if got := p.Origin(tc.key).String(); tc.got != tc.want || got != tc.origin {
			t.Errorf("%s = %q from %q, want %q from %q", tc.key, tc.got, got, tc.want, tc.origin)
		}
	}
}

// samples are values of every setting: as a flag or variable, as YAML, and as
// the profile has it.
func samples() map[string][3]string {
	return map[string][3]string{
		"issuer":                {"https://a.example/x", "https://a.example/x", "https://a.example/x"},
		"subdomain":             {"Acme", "Acme", "https://acme.onelogin.com/oidc/2"},
		"client_id":             {"123", "123", "123"},
		"client_auth":           {"basic", "basic", "basic"},
		"redirect_uris":         {"http://localhost:1/a", "['http://localhost:1/a']", "http://localhost:1/a"},
		"scopes":                {"openid email", "[openid, email]", "openid email"},
		"resource":              {"https://api.example", "https://api.example", "https://api.example"},
		"client_secret_command": {`["pass","a b"]`, "[pass, a b]", "pass a b"},
		"store":                 {"file", "file", "file"},
		"acr_values":            {"a b", "[a, b]", "a b"},
		"login_hint":            {"ada@example.com", "ada@example.com", "ada@example.com"},
		"expect_subject":        {"123", "123", "123"},
		"browser":               {`["firefox","a b","{url}"]`, "[firefox, a b, '{url}']", "firefox a b {url}"},
		"response_mode":         {"form_post", "form_post", "form_post"},
		"listen":                {"0.0.0.0", "0.0.0.0", "0.0.0.0"},
		"tls_cert":              {"/cert.pem", "/cert.pem", "/cert.pem"},
		"tls_key":               {"/key.pem", "/key.pem", "/key.pem"},
		"ca_file":               {"/ca.pem", "[/ca.pem]", "/ca.pem"},
		"api.url":               {"https://h.example/prod/", "https://h.example/prod/", "https://h.example/prod/"},
		"api.token":             {"id", "id", "id"},
		"api.send":              {"header authorizationToken", "header authorizationToken", "header authorizationToken"},
		"api.key":               {"k3y-k3y", "k3y-k3y", "[redacted]"},
		"api.file":              {"/api.yaml", "/api.yaml", "/api.yaml"},
		"authorizer":            {"/a.yaml", "/a.yaml", "/a.yaml"},
	}
}

func TestEverySettingFromEverySource(t *testing.T) {
	samples := samples()
	keys := []string{"subdomain"}
	for _, st := range config.Settings() {
		keys = append(keys, st.Key)
	}
	if len(keys) != len(samples) {
		t.Fatalf("%d samples for %d settings", len(samples), len(keys))
	}
	byKey := map[string]config.Setting{}
	for _, st := range append(config.Settings(), config.Flags()...) {
		byKey[st.Key] = st
	}
	for _, key := range keys {
		s, st := samples[key], byKey[key]
		check := func(t *testing.T, w *world, kind config.OriginKind) {
			t.Helper()
			result := key
			if key == "subdomain" {
				result = "issuer"
			}
			for _, v := range w.load().Values {
				if v.Key == result && (strings.Join(v.Values, " ") != s[2] || v.Origin.Kind != kind) {
					t.Errorf("got %q from %s, want %q from %s", v.Values, v.Origin, s[2], kind)
				}
			}
		}
		t.Run(key+"/environment", func(t *testing.T) {
			w := newWorld(t)
			w.environment[st.Env()] = s[0]
			check(t, w, config.Environment)
		})
		t.Run(key+"/user", func(t *testing.T) {
			w := newWorld(t)
			w.own("profiles: {p: {" + inYAML(key, s[1]) + "}}")
			check(t, w, config.User)
		})
		if key == "client_secret_command" || key == "browser" || key == "api.key" {
			continue // neither a flag nor a project's file may name a command or hold a secret
		}
		t.Run(key+"/flag", func(t *testing.T) {
			w := newWorld(t)
			w.flags[st.Flag] = []string{s[0]}
			check(t, w, config.Flag)
		})
		if slices.Contains([]string{"ca_file", "expect_subject", "listen", "tls_cert", "tls_key"}, key) {
			continue // a project's file may not say whom to trust, or where to listen
		}
		t.Run(key+"/project", func(t *testing.T) {
			w := newWorld(t)
			w.project("profiles: {p: {" + inYAML(key, s[1]) + "}}")
			check(t, w, config.Project)
		})
	}
}

func inYAML(key, value string) string {
	if object, member, ok := strings.Cut(key, "."); ok {
		return fmt.Sprintf("%s: {%s: %q}", object, member, value)
	}
	if strings.HasPrefix(value, "[") {
		return key + ": " + value
	}
	return fmt.Sprintf("%s: %q", key, value)
}

// A subdomain is another way to write the issuer, so the stronger source wins
// whichever of the two it uses.
func TestSubdomainAndIssuerAreOneSetting(t *testing.T) {
	w := newWorld(t)
	w.project("profiles: {p: {issuer: 'https://file.example'}}")
	w.environment["GATEPASS_SUBDOMAIN"] = "acme"
	if got := w.load().Issuer; got != "https://acme.onelogin.com/oidc/2" {
		t.Errorf("issuer %q", got)
	}
	w.flags["issuer"] = []string{"https://flag.example"}
	if got := w.load().Issuer; got != "https://flag.example" {
		t.Errorf("issuer %q", got)
	}
	w.flags["subdomain"] = []string{"acme"}
	wantUsage(t, w, "--issuer and --subdomain say the same", "")
	delete(w.flags, "issuer")
	w.project("profiles:\n  p:\n    subdomain: acme\n    issuer: https://x.example\n")
	wantMistake(t, w, "gatepass.yaml:4:13: line 3 says the same", "")
}

func wantUsage(t *testing.T, w *world, msg, hint string) {
	t.Helper()
	_, err := config.Load(w.sources())
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Usage || !strings.Contains(f.Msg, msg) || !strings.Contains(f.Hint, hint) {
		t.Errorf("error %v, want a usage error with %q and hint %q", err, msg, hint)
	}
}

func wantMistake(t *testing.T, w *world, msg, hint string) {
	t.Helper()
	_, err := config.Load(w.sources())
	var e *source.Error
	if !errors.As(err, &e) || !strings.Contains(e.Error(), msg) || !strings.Contains(e.Hint, hint) {
		t.Errorf("error %v, want a mistake %q with hint %q", err, msg, hint)
	}
}

func TestWhichProfile(t *testing.T) {
	const two = "profiles: {dev: , prod: }\n"
	for _, tc := range []struct {
		name, project, own, flag, env string
		want, why                     string
	}{
		{name: "flag", project: "default: dev\n" + two, flag: "prod", env: "dev", want: "prod", why: "named by --profile"},
		{name: "environment", project: "default: dev\n" + two, env: "prod", want: "prod", why: "named by GATEPASS_PROFILE"},
		{name: "project", project: "default: dev\n" + two, own: "default: prod\n", want: "dev", why: "the default of gatepass.yaml:1"},
		{name: "user", project: two, own: "default: prod\n", want: "prod", why: "the default of your gatepass.yaml:1"},
		{name: "only", project: "profiles: {x: {}}\n", want: "x", why: "the only one"},
		{name: "same in both files", project: "profiles: {x: {}}\n", own: "profiles: {x: {}}\n", want: "x", why: "the only one"},
		{name: "of the user's file", project: two, own: "profiles: {mine: {}}\n", flag: "mine", want: "mine", why: "named by --profile"},
		{name: "files without profiles", project: "version: 1\n", want: "default", why: "what there is"},
		{name: "a number as a name", project: "default: 1\nprofiles: {1: {}}\n", want: "1", why: "the default of"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.project(tc.project)
			w.own(tc.own)
			if tc.flag != "" {
				w.flags["profile"] = []string{tc.flag}
			}
			w.environment["GATEPASS_PROFILE"] = tc.env
			p := w.load()
			if p.Name != tc.want || !strings.HasPrefix(p.Why, tc.why) {
				t.Errorf("profile %q, %q, want %q, %q", p.Name, p.Why, tc.want, tc.why)
			}
		})
	}
}

func TestNoSuchProfile(t *testing.T) {
	w := newWorld(t)
	w.flags["profile"] = []string{"dev"}
	wantUsage(t, w, `there is no profile "dev"`, "no settings file has profiles")
	w.project("profiles: {develop: {}, prod: {}}")
	w.flags["profile"] = []string{"devlop"}
	wantUsage(t, w, `there is no profile "devlop"`, "did you mean develop? there are: develop, prod")
	delete(w.flags, "profile")
	wantUsage(t, w, "which profile? there are develop, prod", "--profile develop")
	w.environment["GATEPASS_PROFILE"] = "default"
	wantUsage(t, w, `GATEPASS_PROFILE: there is no profile "default"`, "")
	delete(w.environment, "GATEPASS_PROFILE")
	w.project("default: prd\nprofiles: {develop: {}, prod: {}}")
	wantMistake(t, w, `gatepass.yaml:1:10: there is no profile "prd"`, "did you mean prod?")
}

func TestWhereTheProjectsFileIsLookedFor(t *testing.T) {
	issuer := func(v string) string { return "profiles: {p: {issuer: 'https://" + v + ".example'}}" }
	got := func(w *world) string { w.t.Helper(); return w.load().Issuer }

	w := newWorld(t)
	above := filepath.Join(filepath.Dir(w.dir), config.FileName)
	w.write(above, issuer("above"))
	if v := got(w); v != "" {
		t.Errorf("found %q above the repository", v)
	}
	w.project(issuer("root"))
	root := w.dir
	w.dir = filepath.Join(root, "a", "b")
	w.write(filepath.Join(w.dir, "x"), "")
	if v := got(w); v != "https://root.example" {
		t.Errorf("found %q from below the root", v)
	}
	if o := w.load().Origin("issuer").Name; o != filepath.Join("..", "..", config.FileName) {
		t.Errorf("shown as %q", o)
	}
	w.write(filepath.Join(root, "a", config.FileName), issuer("nearer"))
	if v := got(w); v != "https://nearer.example" {
		t.Errorf("found %q, not the nearest", v)
	}

	// A work tree's .git is a file.
	w = newWorld(t)
	w.write(filepath.Join(filepath.Dir(w.dir), config.FileName), issuer("above"))
	if err := os.RemoveAll(filepath.Join(w.dir, ".git")); err != nil {
		t.Fatal(err)
	}
	if v := got(w); v != "https://above.example" {
		t.Errorf("found %q without a repository", v)
	}
	w.write(filepath.Join(w.dir, ".git"), "gitdir: elsewhere\n")
	if v := got(w); v != "" {
		t.Errorf("found %q above a work tree", v)
	}

	// Home is where the search ends without a repository.
	w = newWorld(t)
	w.write(filepath.Join(filepath.Dir(w.dir), config.FileName), issuer("above"))
	if err := os.RemoveAll(filepath.Join(w.dir, ".git")); err != nil {
		t.Fatal(err)
	}
	s := w.sources()
	s.Home = w.dir
	if p, err := config.Load(s); err != nil || p.Issuer != "" {
		t.Errorf("found %v above home, %v", p, err)
	}

	// Nor does a folder that everybody may write to count on the way up.
	if err := os.Chmod(filepath.Dir(w.dir), 0o777); err != nil {
		t.Fatal(err)
	}
	if v := got(w); v != "" {
		t.Errorf("found %q in a folder everybody may write to", v)
	}
}

// Started in the folder of the user's own settings, gatepass must not take them
// for a project's.
func TestTheUsersFileIsNoProject(t *testing.T) {
	w := newWorld(t)
	w.own("profiles: {p: {client_secret_command: [pass]}}")
	w.dir = w.user
	if o := w.load().Origin("client_secret_command"); o.Kind != config.User {
		t.Errorf("origin %v", o)
	}
}

func TestPathsAreRelativeToTheirFile(t *testing.T) {
	w := newWorld(t)
	w.project("profiles: {p: {authorizer: deep/../auth.yaml}}")
	root := w.dir
	w.dir = filepath.Join(root, "sub")
	w.write(filepath.Join(w.dir, "x"), "")
	if got, want := w.load().Authorizer, filepath.Join(root, "auth.yaml"); got != want {
		t.Errorf("authorizer %q, want %q", got, want)
	}
	w.flags["authorizer"] = []string{"here.yaml"}
	if got := w.load().Authorizer; got != "here.yaml" {
		t.Errorf("authorizer %q, want it relative to the working directory", got)
	}
	delete(w.flags, "authorizer")
	w.project("profiles: {p: }")
	w.own("profiles: {p: {client_secret_command: [bin/secret, x/y]}}")
	if got, want := w.load().ClientSecretCommand, []string{filepath.Join(w.user, "bin", "secret"), "x/y"}; !slices.Equal(got, want) {
		t.Errorf("command %q, want %q", got, want)
	}
}

func TestWrittenEmpty(t *testing.T) {
	w := newWorld(t)
	w.own("profiles: {p: {resource: mine, scopes: [openid]}}")
	w.project("profiles: {p: {resource: '', scopes: , api: }}")
	p := w.load()
	if p.Resource != "" || p.Origin("resource").Kind != config.Project {
		t.Errorf("resource %q from %s: an empty text is a value", p.Resource, p.Origin("resource"))
	}
	if !slices.Equal(p.Scopes, []string{"openid"}) {
		t.Errorf("scopes %q: a key without a value says nothing", p.Scopes)
	}
}
