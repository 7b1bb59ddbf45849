package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatepass/pkg/config"
	"gatepass/pkg/source"
)

func TestMistakesInFiles(t *testing.T) {
	for _, tc := range []struct{ name, text, want, hint string }{
		{"unknown key", "profile: 1", `1:1: unknown key "profile"`, `did you mean "profiles"?`},
		{"another version", "version: 2\nfuture: {}", "1:10: want version 1", "another version of gatepass"},
		{"version as text", `version: "1"`, "1:10: want version 1", ""},
		{"a list of profiles", "profiles:\n  - dev", "2:3: want an object of profiles", ""},
		{"a profile that is none", "profiles:\n  dev: 1", "2:8: want an object, got a number", ""},
		{"a name with a slash", "profiles:\n  ../x: {}", `2:3: "../x" cannot be the name`, "letters, digits"},
		{"a name like a flag", "profiles:\n  -x: {}", `cannot be the name`, ""},
		{"default of the wrong type", "default: [dev]", "1:10: want a string, got a list", ""},
		{"unknown key of a profile", "profiles:\n  dev:\n    isuer: x", `3:5: unknown key "isuer"`, `did you mean "issuer"?`},
		{"unknown key like no other", "profiles:\n  dev:\n    api:\n      flavour: x", `4:7: unknown key "flavour"`, "known here: account, api_key, "},
		{"an address without quotes", "profiles: {dev: {redirect_uris: [http://localhost:1/a]}}", "want a string, got an object", "may need quotes"},
		{"unknown key of the API", "profiles:\n  dev:\n    api:\n      ur: x", `4:7: unknown key "ur"`, `did you mean "url"?`},
		{"an API that is none", "profiles:\n  dev:\n    api: https://x.example", "3:10: want an object, got a string", ""},
		{"issuer of the wrong type", "profiles:\n  dev:\n    issuer: [a]", "3:13: want a string, got a list", ""},
		{"issuer without scheme", "profiles:\n  dev:\n    issuer: acme.onelogin.com", "3:13: want a URL", "https://acme.onelogin.com/oidc/2"},
		{"issuer by http", "profiles:\n  dev:\n    issuer: http://acme.example/x", "3:13: an issuer is reached by https", "https://acme.example/x"},
		{"issuer with a password", "profiles:\n  dev:\n    issuer: https://u:p@acme.example", "password in a URL", ""},
		{"issuer with a query", "profiles:\n  dev:\n    issuer: https://acme.example?x", "no ? in it", ""},
		{"the whole host as subdomain", "profiles:\n  dev:\n    subdomain: https://acme.onelogin.com", "3:16: want the subdomain alone", "acme"},
		{"a dot in a subdomain", "profiles:\n  dev:\n    subdomain: a.b", "3:16: want a subdomain", ""},
		{"client_auth", "profiles:\n  dev:\n    client_auth: client_secret_post", "3:18: want one of none, post, basic", ""},
		{"a redirect to nowhere", "profiles:\n  dev:\n    redirect_uris:\n      - http://localhost:3000/x\n      - x", "5:9: want a URL", ""},
		{"a scope with a quote", "profiles:\n  dev:\n    scopes: ['op\"enid']", "3:14: want a scope", ""},
		{"scopes as an object", "profiles:\n  dev:\n    scopes: {openid: true}", "3:13: want a string, got an object", ""},
		{"a list in scopes", "profiles:\n  dev:\n    scopes: [[openid]]", "3:14: want a string, got a list", ""},
		{"API with a query", "profiles:\n  dev:\n    api: {url: 'https://x.example/?a=b'}", "no ? in it", ""},
		{"API token", "profiles:\n  dev:\n    api: {token: acces}", "want one of access, id", `did you mean "access"?`},
		{"send", "profiles:\n  dev:\n    api: {send: Authorization}", "want header NAME", "header Authorization Bearer"},
		{"send in the Host", "profiles:\n  dev:\n    api: {send: header host}", "the header host cannot carry a token", ""},
		{"twice", "profiles:\n  dev: {}\n  dev: {}", `3:3: `, ""},
		{"a client secret", "profiles:\n  dev:\n    client_secret: hunter2", "3:5: a client secret does not belong into a file", "GATEPASS_CLIENT_SECRET"},
		{"a misspelt client secret", "profiles:\n  dev:\n    client-secret: hunter2", "3:5: a client secret does not belong into a file", ""},
		{"certificates in a project", "profiles:\n  dev:\n    ca_file: evil.pem", "not taken from a project's file", "GATEPASS_CA_FILE"},
		{"somebody to expect in a project", "profiles:\n  dev:\n    expect_subject: x", "expect_subject is not taken from a project's file", "GATEPASS_EXPECT_SUBJECT"},
		{"an address in a project", "profiles:\n  dev:\n    listen: 0.0.0.0", "listen is not taken from a project's file", "GATEPASS_LISTEN"},
		{"a key in a project", "profiles:\n  dev:\n    tls_key: key.pem", "tls_key is not taken from a project's file", "GATEPASS_TLS_KEY"},
		{"a browser in a project", "profiles:\n  dev:\n    browser: [rm]", "everybody who clones it", "GATEPASS_BROWSER"},
		{"an API key", "profiles:\n  dev:\n    api:\n      key: hunter2", "4:12: api.key is not taken from a project's file", "GATEPASS_API_KEY"},
		{"a command in a project", "profiles:\n  dev:\n    client_secret_command: [rm]", "everybody who clones it", "GATEPASS_CLIENT_SECRET_COMMAND"},
		{"no YAML", "profiles: [", "not valid YAML", ""},
		{"no text", "\xff", "1:1: invalid UTF-8", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.project(tc.text)
			wantMistake(t, w, tc.want, tc.hint)
		})
	}
}

func TestMistakesInTheUsersFile(t *testing.T) {
	w := newWorld(t)
	w.own("profiles: {dev: {client_secret_command: pass show x}}")
	wantMistake(t, w, "want a list: a program and its arguments", "without a shell")
	w.own("profiles: {dev: {browser: firefox}}")
	wantMistake(t, w, "want a list: a program and its arguments", "browser: [firefox")
	w.own("profiles: {dev: {client_secret_command: []}}")
	wantMistake(t, w, "want a list: a program and its arguments", "")
	w.own("profiles: {dev: {client_secret_command: [[a]]}}")
	wantMistake(t, w, "want a string, got a list", "")
}

func TestMistakesInFlagsAndVariables(t *testing.T) {
	for flag, want := range map[string]string{
		"issuer": "--issuer: want a URL", "client-auth": "--client-auth: want one of", "redirect-uri": "--redirect-uri: want a URL",
		"api-url": "--api-url: want a URL", "api-send": "--api-send: want header NAME",
	} {
		w := newWorld(t)
		w.flags[flag] = []string{"x"}
		wantUsage(t, w, want, "")
	}
	w := newWorld(t)
	w.environment["GATEPASS_SCOPES"] = `["openid", 1]`
	wantUsage(t, w, "GATEPASS_SCOPES: want a JSON list", "separate with spaces")
}

// A token in the place of a setting is not repeated in the error.
func TestAMisplacedTokenIsNotShown(t *testing.T) {
	tok := strings.Repeat("s3cr3t", 10)
	w := newWorld(t)
	w.environment["GATEPASS_API_TOKEN"] = tok
	_, err := config.Load(w.sources())
	if err == nil || strings.Contains(err.Error(), tok) {
		t.Errorf("error %v", err)
	}
}

// All mistakes are told at once, in the order of the file.
func TestAllMistakesAtOnce(t *testing.T) {
	w := newWorld(t)
	w.project("profiles:\n  dev:\n    api: {token: x}\n    nonsense: 1\n    client_secret: abc\n")
	_, err := config.Load(w.sources())
	var lines []string
	for _, l := range strings.Split(err.Error(), "\n") {
		lines = append(lines, l[:strings.Index(l, ": ")])
	}
	if got := strings.Join(lines, " "); got != "gatepass.yaml:3:18 gatepass.yaml:4:5 gatepass.yaml:5:5" {
		t.Errorf("mistakes at %s", got)
	}
}

// What an error shows of a file is not the secret that should not be in it.
func TestExcerptsShowNoSecrets(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, text := range []string{
		"profiles:\n  dev:\n    client_secret: hunter2\n",
		"profiles:\n  dev:\n    client_sercet: hunter2\n",
		"profiles: {dev: {client_secret: hunter2}}\n",
		"profiles: {dev: {issuer: 'https://" + long + ".example', \"clientSecret\": hunter2, a: b}}\n",
		"profiles:\n  dev: {client_secret: hunter2, issuer: [\n",
		"client_secret: hunter2\n",
		"password: hunter2\n",
		"profiles:\n  dev:\n    api: {url: x, key: hunter2}\n",
	} {
		w := newWorld(t)
		w.project(text)
		_, err := config.Load(w.sources())
		if err == nil {
			t.Fatalf("%q is taken", text)
		}
		shown := err.Error()
		for _, e := range all(err) {
			shown += e.Excerpt() + e.Hint
		}
		if strings.Contains(shown, "hunter2") {
			t.Errorf("of %q is shown: %s", text, shown)
		}
	}
}

func all(err error) []*source.Error {
	var list []*source.Error
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range j.Unwrap() {
			list = append(list, all(e)...)
		}
		return list
	}
	var e *source.Error
	if errors.As(err, &e) {
		list = append(list, e)
	}
	return list
}

func TestFilesThatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	if err := os.Mkdir(filepath.Join(w.dir, config.FileName), 0o755); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, w, "is not a regular file", "")

	w = newWorld(t)
	w.write(filepath.Join(w.dir, "gatepass.yml"), "")
	wantUsage(t, w, "gatepass.yml is not read under this name", "mv ")

	w = newWorld(t)
	w.project(strings.Repeat("#", source.MaxYAML+1))
	wantMistake(t, w, "are more than", "")
}

// FuzzLoad: whatever a file holds, it is read or refused with its place in the
// file, and a refusal shows no more than a few lines.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		"version: 1\ndefault: dev\nprofiles:\n  dev:\n    subdomain: acme\n    api: {url: 'https://x.example', send: header a}\n",
		"profiles: {a: , b: {scopes: [x, y], client_secret: z}}",
		"\xff", "{", "[1]", "- - -", "a: &b c", "profiles: {1: {2: 3}}", "default: [", "\t", "profiles:\n  x:\n   redirect_uris: 'a b'",
	} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	path := filepath.Join(dir, config.FileName)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, s := range []config.Sources{{Dir: dir, Home: dir}, {UserDir: dir}} {
			p, err := config.Load(s)
			switch {
			case err == nil:
				if p.Name == "" || len(p.Values) != len(config.Settings()) {
					t.Fatalf("half a profile: %+v", p)
				}
			case strings.HasPrefix(err.Error(), "which profile?"):
			default:
				mistakes := all(err)
				if len(mistakes) == 0 {
					t.Fatalf("no position: %v", err)
				}
				for _, e := range mistakes {
					if e.Pos.Line < 1 || e.Pos.Column < 1 || len(e.Excerpt()) > 2000 {
						t.Fatalf("position %+v, excerpt of %d bytes", e.Pos, len(e.Excerpt()))
					}
				}
			}
		}
	})
}
