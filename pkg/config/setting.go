package config

import (
	"strings"
)

// Area is what a setting is about. A command takes the flags of the areas it
// works with.
type Area uint8

// The areas.
const (
	Login  Area = iota // who the user is: issuer and client
	Target             // which API is called, and how
	Policy             // what decides about a request
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
	path    bool // a path, relative to the file it stands in
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

// written are all settings that can be written down.
func written() []Setting {
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
			Key: "client_secret_command", Area: Login, List: true,
			assign: func(p *Profile, v []string) { p.ClientSecretCommand = v },
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
			Key: "authorizer", Flag: "authorizer", Area: Policy, path: true, check: checkVisible,
			Help:   "authorizer `file`",
			assign: func(p *Profile, v []string) { p.Authorizer = v[0] },
		},
	}
}
