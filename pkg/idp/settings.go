package idp

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/loopback"
	"gatepass/pkg/secret"
)

// Settings are who may log in, to what, and for which APIs.
type Settings struct {
	Users   []User
	Clients []Client
	APIs    []API
}

// User is a person who can log in.
type User struct {
	// Sub is the subject: a number in digits, as OneLogin's user ids are. Empty
	// means one made from the username.
	Sub      string
	Username string
	// Password is asked for when it is set. Otherwise choosing the user is enough.
	Password              secret.String
	Name                  string
	GivenName, FamilyName string // empty means the parts of Name
	Email                 string
	Phone                 string
	Locale                string
	Groups                []string // OneLogin's roles, despite the name
	Params                []Param  // custom parameters of the app
	// Apps are the client ids the user is assigned to; nil means all.
	Apps []string
}

// Param is one custom parameter.
type Param struct{ Name, Value string }

// AuthMethod is how a client authenticates. A OneLogin app has exactly one.
type AuthMethod string

// The methods, named as in gatepass.yaml.
const (
	AuthNone  AuthMethod = "none" // public client, PKCE is required
	AuthPost  AuthMethod = "post"
	AuthBasic AuthMethod = "basic"
)

// Client is an app.
type Client struct {
	ID                     string
	Auth                   AuthMethod // empty means none
	Secret                 secret.String
	RedirectURIs           []string // exact strings
	PostLogoutRedirectURIs []string
	// How long tokens live; zero means one hour, two hours and 30 days. OneLogin
	// has these per app, in minutes.
	AccessLifetime, IDLifetime, RefreshLifetime time.Duration
	// Algorithm signs ID and access tokens: RS256 (also if empty), PS256 or HS256
	// with the client secret.
	Algorithm string
	// Groups says how the groups claim looks: list (also if empty), joined (one
	// string with semicolons, inferred of an app without the transform) or none
	// (the parameter is not mapped).
	Groups string
}

// API is an authorization server of OneLogin's "API Authorization".
type API struct {
	Resource  string   // the identifier that the parameter resource names
	Audiences []string // empty means the identifier
	Scopes    []string // custom scopes, beside those of OpenID Connect
	Claims    []Claim  // added to access tokens
	Clients   []string // client ids that may ask for it; nil means all
	// AccessLifetime is how long access tokens live; zero means as the client says.
	AccessLifetime time.Duration
}

// Claim is a claim of access tokens for an API. Attribute, if not empty, names
// an attribute of the user to take the value from; otherwise it is Value, which
// must be fit for encoding/json.
type Claim struct {
	Name      string
	Attribute string
	Value     any
}

// DefaultClientID is the client id of [Default]'s one client. It has the form of
// OneLogin's: a UUID followed by the digits of the account.
const DefaultClientID = "6f1d8c02-4b7e-4a3f-9d25-0c8e5b71a4f3100001"

// DefaultRedirectURIs are registered when nothing else is: that of OneLogin's
// samples, and one with an address.
func DefaultRedirectURIs() []string {
	return []string{"http://localhost:3000/oauth/callback", "http://127.0.0.1:8127/callback"}
}

// Default has ada (Admins, Staff), grace (Staff) and linus (no groups), none
// with a password, and one public client.
func Default(redirectURIs ...string) *Settings {
	if len(redirectURIs) == 0 {
		redirectURIs = DefaultRedirectURIs()
	}
	s := &Settings{
		Users: []User{
			{Username: "ada", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"Admins", "Staff"}},
			{Username: "grace", Name: "Grace Hopper", Email: "grace@example.com", Groups: []string{"Staff"}},
			{Username: "linus", Name: "Linus Pauling", Email: "linus@example.com"},
		},
		Clients: []Client{defaultClient(redirectURIs)},
	}
	return s.with(nil)
}

func defaultClient(redirectURIs []string) Client {
	return Client{ID: DefaultClientID, Auth: AuthNone, RedirectURIs: slices.Clone(redirectURIs)}
}

// with is a copy with defaults filled in and more redirect URIs registered.
func (s *Settings) with(redirectURIs []string) *Settings {
	c := &Settings{Users: slices.Clone(s.Users), Clients: slices.Clone(s.Clients), APIs: slices.Clone(s.APIs)}
	for i := range c.Users {
		c.Users[i].fill()
	}
	for i := range c.Clients {
		cl := &c.Clients[i]
		cl.fill()
		cl.RedirectURIs = slices.Clone(cl.RedirectURIs)
		for _, uri := range redirectURIs {
			if !slices.Contains(cl.RedirectURIs, uri) {
				cl.RedirectURIs = append(cl.RedirectURIs, uri)
			}
		}
	}
	for i := range c.APIs {
		if a := &c.APIs[i]; len(a.Audiences) == 0 {
			a.Audiences = []string{a.Resource}
		}
	}
	return c
}

func (u *User) fill() {
	if u.Sub == "" {
		u.Sub = subject(u.Username)
	}
	given, family, _ := strings.Cut(u.Name, " ")
	if u.GivenName == "" && u.FamilyName == "" {
		u.GivenName, u.FamilyName = given, strings.TrimSpace(family)
	}
}

func (c *Client) fill() {
	if c.Auth == "" {
		c.Auth = AuthNone
	}
	if c.Algorithm == "" {
		c.Algorithm = "RS256"
	}
	for _, d := range []struct {
		at   *time.Duration
		span time.Duration
	}{{&c.AccessLifetime, time.Hour}, {&c.IDLifetime, 2 * time.Hour}, {&c.RefreshLifetime, 30 * 24 * time.Hour}} {
		if *d.at == 0 {
			*d.at = d.span
		}
	}
}

// subject makes a number of eight digits of a username, the same each time.
func subject(username string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(username))
	return fmt.Sprint(10_000_000 + h.Sum64()%90_000_000)
}

// user finds a user by username, or nil.
func (s *Settings) user(username string) *User {
	for i := range s.Users {
		if s.Users[i].Username == username {
			return &s.Users[i]
		}
	}
	return nil
}

func (s *Settings) usernames() string {
	var names []string
	for i := range s.Users {
		names = append(names, s.Users[i].Username)
	}
	return strings.Join(names, ", ")
}

// api finds an API a client may ask for, or nil.
func (s *Settings) api(resource string, c *Client) *API {
	for i := range s.APIs {
		if a := &s.APIs[i]; a.Resource == resource && (a.Clients == nil || slices.Contains(a.Clients, c.ID)) {
			return a
		}
	}
	return nil
}

// assigned reports whether the user may use the app.
func (u *User) assigned(c *Client) bool { return u.Apps == nil || slices.Contains(u.Apps, c.ID) }

// checkRedirectURI is OneLogin's rule: https, or http on this machine, or the
// scheme of a native app.
func checkRedirectURI(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || !u.IsAbs() || strings.ContainsAny(uri, " \t\r\n"):
		return errors.New("want an absolute URL")
	case strings.Contains(uri, "#"):
		return errors.New("a redirect URI has no fragment")
	case u.User != nil:
		return errors.New("a redirect URI has no user name")
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http":
		if !loopback.Is(u.Hostname()) {
			return errors.New("OneLogin takes http only for localhost: use https")
		}
		return nil
	case u.Scheme == "https" || !strings.Contains(u.Scheme, "."):
		return errors.New("want https, http on localhost, or the scheme of a native app such as com.example.app")
	}
	return nil
}
