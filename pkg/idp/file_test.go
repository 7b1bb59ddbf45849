package idp_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/idp"
	"gatepass/pkg/source"
)

const wholeFile = `
version: 1
users:
  - username: ada
    password: lovelace
    sub: 35666371
    name: Ada King Lovelace
    email: ada@example.com
    phone: +44 1
    locale: en
    groups: [Admins, Staff]
    params: {department: engines, floor: 3}
    apps: [one]
  - {username: bob, given_name: Bob, family_name: B, apps: []}
clients:
  - client_id: one
    redirect_uris: [http://localhost:3000/cb, com.example.app://cb]
    post_logout_redirect_uris: http://localhost:3000/bye
    groups: joined
    access_token_lifetime: 10m
    id_token_lifetime: 20m
    refresh_token_lifetime: 24h
  - client_id: two
    client_auth: post
    client_secret: 0123456789abcdef0123456789abcdef
    algorithm: HS256
apis:
  - resource: https://api.example.com
    audiences: [a, b]
    scopes: [read, write]
    claims: {mail: "${email}", dep: "${params.department}", tier: gold, level: 3, on: true, list: [1, x], deep: {b: 1, a: null}}
    clients: [one]
    access_token_lifetime: 90
`

func TestRead(t *testing.T) {
	s, err := idp.Read("users.yaml", []byte(wholeFile))
	if err != nil {
		t.Fatal(err)
	}
	ada, bob, one, two, api := s.Users[0], s.Users[1], s.Clients[0], s.Clients[1], s.APIs[0]
	if ada.Password.Reveal() != "lovelace" || ada.Sub != "35666371" || ada.GivenName != "Ada" || ada.FamilyName != "King Lovelace" || ada.Params[1].Value != "3" || ada.Phone != "+44 1" {
		t.Errorf("ada %+v", ada)
	}
	if bob.Apps == nil || len(bob.Apps) != 0 || len(bob.Sub) != 8 || bob.GivenName != "Bob" {
		t.Errorf("bob %+v", bob)
	}
	if one.Auth != idp.AuthNone || one.Algorithm != "RS256" || one.AccessLifetime != 10*time.Minute || one.IDLifetime != 20*time.Minute || one.RefreshLifetime != 24*time.Hour ||
		len(one.RedirectURIs) != 2 || len(one.PostLogoutRedirectURIs) != 1 || one.Groups != "joined" {
		t.Errorf("one %+v", one)
	}
	if two.Auth != idp.AuthPost || two.Algorithm != "HS256" || two.AccessLifetime != time.Hour {
		t.Errorf("two %+v", two)
	}
	if api.AccessLifetime != 90*time.Second || len(api.Claims) != 7 || api.Claims[0].Attribute != "email" || api.Claims[2].Value != "gold" {
		t.Errorf("api %+v", api)
	}
}

// TestReadClaims: values of the file are in the token as they were written.
func TestReadClaims(t *testing.T) {
	parsed, err := idp.Read("users.yaml", []byte(strings.ReplaceAll(wholeFile, "    password: lovelace\n", "")))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(o *idp.Options) { o.Settings, o.AutoLogin = parsed, "ada" })
	to := s.location(s.open(s.authURL(verifier, "client_id", "one", "redirect_uri", "http://localhost:3000/cb", "resource", "https://api.example.com", "scope", "read")))
	a := s.post(s.Issuer()+"/token", pairs("grant_type", "authorization_code", "client_id", "one", "redirect_uri", "http://localhost:3000/cb", "code", to.Query().Get("code"), "code_verifier", verifier))
	text := payload(t, s.object(a.body)["access_token"], 1)
	if want := `"mail":"ada@example.com","dep":"engines","tier":"gold","level":3,"on":true,"list":[1,"x"],"deep":{"b":1,"a":null}}`; !strings.HasSuffix(text, want) {
		t.Errorf("claims %s\nwant   …%s", text, want)
	}
}

func TestReadPartly(t *testing.T) {
	s, err := idp.Read("u.yaml", []byte("users: [{username: eve}]"))
	if err != nil || len(s.Users) != 1 || s.Clients[0].ID != idp.DefaultClientID {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = idp.Read("u.json", []byte(`{"clients": [{"client_id": "x"}]}`))
	if err != nil || s.Users[0].Username != "ada" || s.Clients[0].ID != "x" {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err = idp.Read("u.yaml", nil); err != nil || len(s.Users) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tc := range []struct{ file, want, hint string }{
		{"user: []", `f:1:1: unknown key "user"`, `did you mean "users"?`},
		{"users: {}", "f:1:8: want a list, got an object", ""},
		{"users: []", "f:1:8: this list is empty: leave the key out for the built-in ones", ""},
		{"users:\n  - name: x", "f:2:5: username is missing", ""},
		{"users:\n  - {username: x}\n  - {username: x}", `f:3:16: the username "x" is taken by a user above`, ""},
		{"users:\n  - {username: x, sub: 1}\n  - {username: y, sub: 1}", `f:3:5: the sub 1 is that of the user "x" too`, ""},
		{"users: [{username: x, sub: abc}]", "f:1:28: abc: a subject at OneLogin is a number of up to 20 digits", ""},
		{"users: [{username: ' x'}]", "f:1:20:  x: want text without control characters or white space around it", ""},
		{"users: [{username: x, groups: {a: b}}]", "f:1:31: want a string, got an object", ""},
		{"users: [{username: x, params: [a]}]", "f:1:31: want an object of names and values, got a list", ""},
		{"users: [{username: x, apps: [order]}]\nclients: [{client_id: orders}]", `f:1:30: there is no client "order"`, `did you mean "orders"?`},
		{"users: [{username: x, apps: two}]", `f:1:29: there is no client "two"`, ""},
		{"clients: [{client_id: a}, {client_id: a}]", `f:1:39: the client_id "a" is taken by a client above`, ""},
		{"clients: [{client_auth: none}]", "f:1:11: client_id is missing", ""},
		{"clients: [{client_id: a, client_auth: pots}]", `f:1:39: want one of none, post, basic, got "pots"`, `did you mean "post"?`},
		{"clients: [{client_id: a, client_auth: post}]", "f:1:11: client_secret is missing: client_auth post needs one", ""},
		{"clients: [{client_id: a, client_secret: s}]", "f:1:41: client_auth none has no client_secret: want client_auth post or basic, or no secret", ""},
		{"clients: [{client_id: a, client_auth: post, client_secret: s, algorithm: HS256}]", "f:1:74: HS256 needs a client_secret of 32 bytes or more, this has 1", ""},
		{"clients: [{client_id: a, algorithm: HS256}]", "f:1:37: HS256 needs a client_secret of 32 bytes or more, this has 0", ""},
		{"clients: [{client_id: a, redirect_uris: [http://example.com/cb]}]", `f:1:42: "http://example.com/cb": OneLogin takes http only for localhost: use https`, ""},
		{"clients: [{client_id: a, redirect_uris: [/cb]}]", `f:1:42: "/cb": want an absolute URL`, ""},
		{"clients: [{client_id: a, redirect_uris: ['https://a/#b']}]", `f:1:42: "https://a/#b": a redirect URI has no fragment`, ""},
		{"clients: [{client_id: a, redirect_uris: ['javascript:alert(1)']}]", `f:1:42: "javascript:alert(1)": want https, http on localhost, or the scheme of a native app such as com.example.app`, ""},
		{"clients: [{client_id: a, redirect_uris: ['https://u@h/']}]", `f:1:42: "https://u@h/": a redirect URI has no user name`, ""},
		{"clients: [{client_id: a, access_token_lifetime: 0}]", "f:1:49: want a lifetime from 1s to 87600h", ""},
		{"clients: [{client_id: a, access_token_lifetime: soon}]", "f:1:49: want a time span such as 30s or 5m, got \"soon\"", ""},
		{"apis: [{audiences: a}]", "f:1:8: resource is missing", ""},
		{"apis: [{resource: r}, {resource: r}]", `f:1:34: the resource "r" is taken by an API above`, ""},
		{"apis: [{resource: r, scopes: 'a b'}]", `f:1:30: a scope is one word: got "a b"`, ""},
		{"apis: [{resource: r, claims: {sub: x}}]", "f:1:31: the claim sub is set by the provider", ""},
		{"apis: [{resource: r, claims: {a: '${mail}'}}]", `f:1:34: unknown attribute "mail": there are sub, email, preferred_username, name, given_name, family_name, locale, phone_number, groups, params, params.NAME`, ""},
		{"version: 2", "f:1:10: want a whole number from 1 to 1, got a number", ""},
		{"users: [", "f:1:8: not valid YAML", ""},
	} {
		t.Run(tc.file, func(t *testing.T) {
			_, err := idp.Read("f", []byte(tc.file))
			var at *source.Error
			if !errors.As(err, &at) || !strings.HasPrefix(err.Error(), tc.want) || at.Hint != tc.hint {
				t.Fatalf("%v\nwant %s (%s)", err, tc.want, tc.hint)
			}
			if n := len(strings.Split(err.Error(), "\n")); n != 1 {
				t.Errorf("%d mistakes, want 1: %v", n, err)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		_, err := idp.Read("f", []byte("users: [{name: x}]\nclients: [{client_auth: none}]\nmore: 1"))
		if err == nil || len(strings.Split(err.Error(), "\n")) != 3 {
			t.Errorf("%v", err)
		}
	})
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "users.yaml")
	if err := os.WriteFile(path, []byte(wholeFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := idp.ReadFile(path); err != nil || len(s.Users) != 2 {
		t.Errorf("%v", err)
	}
	var f *fault.Error
	if _, err := idp.ReadFile(filepath.Join(dir, "none")); !errors.As(err, &f) || f.Kind != fault.Usage {
		t.Errorf("%v", err)
	}
	if _, err := idp.ReadFile(dir); !errors.As(err, &f) || f.Kind != fault.Usage {
		t.Errorf("%v", err)
	}
}

// FuzzRead: whatever is read without an error makes a server.
func FuzzRead(f *testing.F) {
	f.Add(wholeFile)
	f.Add("users: [{username: x, sub: 1, apps: []}]")
	f.Add(`{"clients": [{"client_id": "x", "redirect_uris": ["https://[::1]/"]}], "apis": [{"resource": "r", "claims": {"a": 0x1F}}]}`)
	f.Fuzz(func(t *testing.T, file string) {
		s, err := idp.Read("f", []byte(file))
		if err != nil {
			return
		}
		if len(s.Users) == 0 || len(s.Clients) == 0 {
			t.Fatal("no users or no clients")
		}
		if _, err := idp.New(idp.Options{Base: "http://127.0.0.1:1", Settings: s, Key: testKey()}); err != nil {
			t.Fatal(err)
		}
	})
}
