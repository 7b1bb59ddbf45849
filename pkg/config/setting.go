package config

import (
	"strings"
	"sync"

	"gatepass/pkg/secret"
)

// Area is what a setting is about. A command takes the flags of the areas it
// works with.
type Area uint8

// The areas.
const (
	Login   Area = iota // who the user is: issuer and client
	Target              // which API is called, and how
	Policy              // what decides about a request
	Network             // how issuers and APIs are reached
	Person              // how a person logs in; the flags are those of login alone
)

// Setting is one thing that can be set.
type Setting struct {
	Key     string // as in a file; a dot is a step into an object: api.url
	Flag    string // without dashes; empty where there is no flag
	Help    string // of the flag, the placeholder in back quotes
	Area    Area
	List    bool
	Default []string

	words   bool // a list whose members have no spaces: one string may hold several
	path    bool // a path, or several, relative to the file it stands in
	own     bool // never from a project's file
	secret  bool // not to be shown
	argv    bool // a program and its arguments; never from a project's file
	check   func(string) error
	convert func(string) string // of a checked value, for those that are short for another setting
	target  string              // the key of that other setting
	assign  func(*Profile, []string)
}

// Env is the environment variable of the setting: GATEPASS_API_URL for api.url.
func (s Setting) Env() string {
	return "GATEPASS_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// Settings are all settings, in the order in which they are shown.
func Settings() []Setting {
	var list []Setting
	for _, s := range written() {
		if s.target == "" {
			list = append(list, s)
		}
	}
	return list
}

// Flags are the settings that have a flag, those that are short for another
// among them.
func Flags() []Setting {
	var list []Setting
	for _, s := range written() {
		if s.Flag != "" {
			list = append(list, s)
		}
	}
	return list
}

// written are all settings that can be written down. They are made once: every
// command of the program asks for its flags when it starts.
var written = sync.OnceValue(table)

func table() []Setting {
	return []Setting{
		{
			Key: "issuer", Flag: "issuer", Area: Login, check: checkIssuer,
			Help:   "issuer `URL`: https://acme.onelogin.com/oidc/2",
			assign: func(p *Profile, v []string) { p.Issuer = v[0] },
		},
		{
			Key: "subdomain", Flag: "subdomain", Area: Login, check: checkSubdomain,
			Help:   "`name` at OneLogin, short for its issuer: acme",
			target: "issuer", convert: IssuerOf,
		},
		{
			Key: "client_id", Flag: "client-id", Area: Login, check: checkVisible,
			Help:   "client `id` of the app",
			assign: func(p *Profile, v []string) { p.ClientID = v[0] },
		},
		{
			Key: "client_auth", Flag: "client-auth", Area: Login, check: oneOf("none", "post", "basic"),
			Help:    "the app's `method`: none (PKCE), post or basic",
			Default: []string{"none"},
			assign:  func(p *Profile, v []string) { p.ClientAuth = v[0] },
		},
		{
			Key: "redirect_uris", Flag: "redirect-uri", Area: Login, List: true, words: true, check: checkRedirect,
			Help: "redirect `URI` as registered; repeat for more to try",
			// The first is what OneLogin's own samples register; the second is
			// for machines where a web app already sits on port 3000.
			Default: []string{"http://localhost:3000/oauth/callback", "http://127.0.0.1:8127/callback"},
			assign:  func(p *Profile, v []string) { p.RedirectURIs = v },
		},
		{
			Key: "scopes", Flag: "scope", Area: Login, List: true, words: true, check: checkScope,
			Help: "`scope` to ask for; repeat for more",
			// offline_access is an error at OneLogin, so it is never asked for
			// unless somebody writes it down.
			Default: []string{"openid", "profile", "groups"},
			assign:  func(p *Profile, v []string) { p.Scopes = v },
		},
		{
			Key: "resource", Flag: "resource", Area: Login, check: checkVisible,
			Help:   "`identifier` of an API in API Authorization",
			assign: func(p *Profile, v []string) { p.Resource = v[0] },
		},
		{
			Key: "client_secret_command", Area: Login, List: true, argv: true,
			assign: func(p *Profile, v []string) { p.ClientSecretCommand = v },
		},
		{
			Key: "acr_values", Flag: "acr-values", Area: Person, List: true, words: true, check: checkVisible,
			Help:   "`kind` of authentication to ask for, and to have confirmed; repeat for others that will do",
			assign: func(p *Profile, v []string) { p.SignIn.ACRValues = v },
		},
		{
			Key: "login_hint", Flag: "login-hint", Area: Person, check: checkVisible,
			Help:   "tell the issuer which `user` is about to log in",
			assign: func(p *Profile, v []string) { p.SignIn.Hint = v[0] },
		},
		{
			Key: "expect_subject", Flag: "expect-subject", Area: Person, own: true, check: checkVisible,
			Help:   "refuse the login of anybody but this `sub`",
			assign: func(p *Profile, v []string) { p.SignIn.Subject = v[0] },
		},
		{
			Key: "browser", Area: Person, List: true, argv: true,
			assign: func(p *Profile, v []string) { p.SignIn.Browser = v },
		},
		{
			Key: "response_mode", Flag: "response-mode", Area: Person, check: oneOf("query", "form_post"),
			Help:    "how the answer comes: in the `query`, or form_post",
			Default: []string{"query"},
			assign:  func(p *Profile, v []string) { p.SignIn.ResponseMode = v[0] },
		},
		{
			Key: "listen", Flag: "listen", Area: Person, own: true, check: checkVisible,
			Help:   "listen on this `address` in place of the redirect URI's, for containers: 0.0.0.0",
			assign: func(p *Profile, v []string) { p.SignIn.Listen = v[0] },
		},
		{
			Key: "tls_cert", Flag: "tls-cert", Area: Person, path: true, own: true, check: checkVisible,
			Help:   "PEM `file` with the certificate for https redirect URIs",
			assign: func(p *Profile, v []string) { p.SignIn.Certificate = v[0] },
		},
		{
			Key: "tls_key", Flag: "tls-key", Area: Person, path: true, own: true, check: checkVisible,
			Help:   "PEM `file` with the key of that certificate",
			assign: func(p *Profile, v []string) { p.SignIn.Key = v[0] },
		},
		{
			Key: "store", Flag: "store", Area: Person, check: oneOf("keyring", "file", "memory"),
			Help:   "keep the tokens in: `keyring`, file or memory",
			assign: func(p *Profile, v []string) { p.Store = v[0] },
		},
		{
			Key: "ca_file", Flag: "ca-file", Area: Network, List: true, path: true, own: true, check: checkVisible,
			Help:   "PEM `file` with certificates to trust besides the system's",
			assign: func(p *Profile, v []string) { p.CAFiles = v },
		},
		{
			Key: "api.url", Flag: "api-url", Area: Target, check: checkAPI,
			Help:   "base `URL` of the API, with its stage",
			assign: func(p *Profile, v []string) { p.API.URL = strings.TrimRight(v[0], "/") },
		},
		{
			Key: "api.token", Flag: "api-token", Area: Target, check: oneOf("access", "id"),
			Help:    "`kind` of token the API wants: access or id",
			Default: []string{"access"},
			assign:  func(p *Profile, v []string) { p.API.Token = v[0] },
		},
		{
			Key: "api.send", Flag: "api-send", Area: Target, check: checkSend,
			Help:    "where the token goes, such as `header` authorizationToken",
			Default: []string{"header Authorization Bearer"},
			assign:  func(p *Profile, v []string) { p.API.Send, _ = ParseSend(v[0]) },
		},
		{
			// There is no flag for it: everybody on the machine sees the arguments
			// of a process.
			Key: "api.key", Area: Target, own: true, secret: true, check: checkVisible,
			assign: func(p *Profile, v []string) { p.API.Key = secret.New(v[0]) },
		},
		{
			Key: "api.file", Flag: "api-file", Area: Policy, path: true, check: checkVisible,
			Help:   "`file` that says what the API is, its routes and authorizers",
			assign: func(p *Profile, v []string) { p.API.File = v[0] },
		},
		{
			Key: "authorizer", Flag: "authorizer", Area: Policy, path: true, check: checkVisible,
			Help:   "authorizer `file`",
			assign: func(p *Profile, v []string) { p.Authorizer = v[0] },
		},
	}
}
