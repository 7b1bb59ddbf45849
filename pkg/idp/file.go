package idp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
)

// ReadFile reads [Settings] from a YAML or JSON file, as [Read] does.
func ReadFile(path string) (*Settings, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.Usage, "there is no file %s", path)
	case err != nil:
		return nil, fault.New(fault.Usage, "cannot read %s: %w", path, err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, source.MaxYAML+1))
	if err != nil {
		return nil, fault.New(fault.Usage, "cannot read %s: %w", path, err)
	}
	return Read(path, data)
}

// Read reads [Settings] from YAML or JSON. What the file leaves out (users, or
// clients) is as in [Default], so that a file may be about users alone. Mistakes
// are [source.Error] values, joined; name is what they call the file.
func Read(name string, data []byte) (*Settings, error) {
	n, err := source.Parse(name, data)
	if err != nil {
		return nil, err
	}
	f := fileReader{settings: &Settings{}}
	f.read(n)
	if err := f.Err(); err != nil {
		return nil, err
	}
	standard := Default()
	if f.settings.Users == nil {
		f.settings.Users = standard.Users
	}
	if f.settings.Clients == nil {
		f.settings.Clients = standard.Clients
	}
	f.checkNames()
	if err := f.Err(); err != nil {
		return nil, err
	}
	return f.settings.with(nil), nil
}

// fileReader reads a settings file. References between its parts are checked at
// the end, when all are known.
type fileReader struct {
	source.Reader
	settings *Settings
	mentions []mention // of client ids
}

// mention is a client id somewhere in the file.
type mention struct {
	at *source.Node
	id string
}

func (f *fileReader) read(n *source.Node) {
	version := 1
	f.Object(n, source.Fields{
		"version": f.Int(&version, 1, 1),
		"users":   f.list(f.user),
		"clients": f.list(f.client),
		"apis":    f.list(f.api),
	})
}

// list reads a list of objects, each with read.
func (f *fileReader) list(read func(*source.Node)) func(*source.Node) {
	return func(n *source.Node) {
		switch {
		case n.Kind != source.List:
			f.Failf(n, "want a list, got %s", n.Kind)
		case len(n.Items) == 0:
			f.Failf(n, "this list is empty: leave the key out for the built-in ones")
		}
		for _, it := range n.Items {
			read(it)
		}
	}
}

// required reports whether an object has a key, and records a mistake if not.
func (f *fileReader) required(n *source.Node, key string) bool {
	if n.Kind != source.Object {
		return false // recorded already
	}
	if v := n.Get(key); v == nil || v.Kind == source.Null || v.Kind == source.String && v.Text == "" {
		f.Failf(n, "%s is missing", key)
		return false
	}
	return true
}

// checked reads a string that must pass a check.
func (f *fileReader) checked(to *string, check func(string) error) func(*source.Node) {
	return func(n *source.Node) {
		f.String(to)(n)
		if err := check(*to); *to != "" && err != nil {
			f.Failf(n, "%s: %s", *to, err)
		}
	}
}

// secret reads a string that is not to be printed.
func (f *fileReader) secret(to *secret.String) func(*source.Node) {
	return func(n *source.Node) {
		var s string
		f.String(&s)(n)
		*to = secret.New(s)
	}
}

// clientIDs reads a list of client ids; an empty list is not the same as none.
func (f *fileReader) clientIDs(to *[]string) func(*source.Node) {
	return func(n *source.Node) {
		f.Strings(to)(n)
		items := n.Items
		if n.Kind != source.List {
			items = []*source.Node{n}
		}
		for i, id := range *to {
			f.mentions = append(f.mentions, mention{items[i], id})
		}
		if n.Kind == source.List && *to == nil {
			*to = []string{}
		}
	}
}

func (f *fileReader) user(n *source.Node) {
	var u User
	f.Object(n, source.Fields{
		"username": f.checked(&u.Username, printable),
		"password": f.secret(&u.Password),
		"sub":      f.checked(&u.Sub, digits), "name": f.String(&u.Name),
		"given_name": f.String(&u.GivenName), "family_name": f.String(&u.FamilyName),
		"email": f.String(&u.Email), "phone": f.String(&u.Phone), "locale": f.String(&u.Locale),
		"groups": f.Strings(&u.Groups),
		"params": f.params(&u.Params),
		"apps":   f.clientIDs(&u.Apps),
	})
	if !f.required(n, "username") {
		return
	}
	if f.settings.user(u.Username) != nil {
		f.Failf(n.Get("username"), "the username %q is taken by a user above", u.Username)
		return
	}
	u.fill()
	if i := slices.IndexFunc(f.settings.Users, func(o User) bool { return o.Sub == u.Sub }); i >= 0 {
		f.Failf(n, "the sub %s is that of the user %q too", u.Sub, f.settings.Users[i].Username)
		return
	}
	f.settings.Users = append(f.settings.Users, u)
}

// digits is what OneLogin's subjects are made of.
func digits(s string) error {
	if len(s) > 20 || strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		return errors.New("a subject at OneLogin is a number of up to 20 digits")
	}
	return nil
}

// printable keeps out of names what could not be typed into a form.
func printable(s string) error {
	if strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("want text without control characters or white space around it")
	}
	return nil
}

func (f *fileReader) params(to *[]Param) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind != source.Object {
			f.Failf(n, "want an object of names and values, got %s", n.Kind)
			return
		}
		for i := range n.Members {
			p := Param{Name: n.Members[i].Key}
			f.String(&p.Value)(n.Members[i].Value)
			*to = append(*to, p)
		}
	}
}

func (f *fileReader) client(n *source.Node) {
	c := Client{Auth: AuthNone}
	auth := string(AuthNone)
	f.Object(n, source.Fields{
		"client_id":                 f.checked(&c.ID, printable),
		"client_auth":               f.OneOf(&auth, string(AuthNone), string(AuthPost), string(AuthBasic)),
		"client_secret":             f.secret(&c.Secret),
		"redirect_uris":             f.uris(&c.RedirectURIs),
		"post_logout_redirect_uris": f.uris(&c.PostLogoutRedirectURIs),
		"access_token_lifetime":     f.life(&c.AccessLifetime),
		"id_token_lifetime":         f.life(&c.IDLifetime),
		"refresh_token_lifetime":    f.life(&c.RefreshLifetime),
		"algorithm":                 f.OneOf(&c.Algorithm, "RS256", "PS256", "HS256"),
		"groups":                    f.OneOf(&c.Groups, "list", "joined", "none"),
	})
	c.Auth = AuthMethod(auth)
	if !f.required(n, "client_id") {
		return
	}
	if slices.ContainsFunc(f.settings.Clients, func(o Client) bool { return o.ID == c.ID }) {
		f.Failf(n.Get("client_id"), "the client_id %q is taken by a client above", c.ID)
	}
	f.checkSecret(n, &c)
	f.settings.Clients = append(f.settings.Clients, c)
}

// checkSecret compares the secret with the method that uses it.
func (f *fileReader) checkSecret(n *source.Node, c *Client) {
	length := len(c.Secret.Reveal())
	switch {
	case c.Auth != AuthNone && length == 0:
		f.Failf(n, "client_secret is missing: client_auth %s needs one", c.Auth)
	case c.Auth == AuthNone && length > 0:
		f.Failf(n.Get("client_secret"), "client_auth none has no client_secret: want client_auth post or basic, or no secret")
	case c.Algorithm == "HS256" && length < 32: // RFC 7518 section 3.2
		f.Failf(n.Get("algorithm"), "HS256 needs a client_secret of 32 bytes or more, this has %d", length)
	}
}

func (f *fileReader) uris(to *[]string) func(*source.Node) {
	return func(n *source.Node) {
		items := n.Items
		if n.Kind != source.List {
			items = []*source.Node{n}
		}
		for _, it := range items {
			if it.Kind != source.String {
				f.Failf(it, "want a URL, got %s", it.Kind)
				continue
			}
			if err := checkRedirectURI(it.Text); err != nil {
				f.Failf(it, "%q: %s", it.Text, err)
			}
			*to = append(*to, it.Text)
		}
	}
}

// maxLife is the longest lifetime of a token. OneLogin has no maximum.
const maxLife = 10 * 365 * 24 * time.Hour

func (f *fileReader) life(to *time.Duration) func(*source.Node) {
	return func(n *source.Node) {
		const unread = -1
		d := time.Duration(unread)
		f.Duration(&d)(n)
		switch {
		case d == unread: // recorded already
		case d < time.Second || d > maxLife:
			f.Failf(n, "want a lifetime from 1s to %dh", int(maxLife.Hours()))
		default:
			*to = d
		}
	}
}

func (f *fileReader) api(n *source.Node) {
	var a API
	f.Object(n, source.Fields{
		"resource":              f.checked(&a.Resource, printable),
		"audiences":             f.Strings(&a.Audiences),
		"scopes":                f.Strings(&a.Scopes),
		"claims":                f.claims(&a.Claims),
		"clients":               f.clientIDs(&a.Clients),
		"access_token_lifetime": f.life(&a.AccessLifetime),
	})
	if !f.required(n, "resource") {
		return
	}
	if slices.ContainsFunc(f.settings.APIs, func(o API) bool { return o.Resource == a.Resource }) {
		f.Failf(n.Get("resource"), "the resource %q is taken by an API above", a.Resource)
	}
	for _, scope := range a.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \"\\") {
			f.Failf(n.Get("scopes"), "a scope is one word: got %q", scope)
		}
	}
	f.settings.APIs = append(f.settings.APIs, a)
}

// registered are the claims that the server sets itself.
func registered() []string {
	return []string{"jti", "sub", "iss", "iat", "exp", "scope", "aud", "azp"}
}

// claims reads the custom claims of an API. A value of the form ${name} takes an
// attribute of the user; any other is the claim's value as it stands.
func (f *fileReader) claims(to *[]Claim) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind != source.Object {
			f.Failf(n, "want an object of claims, got %s", n.Kind)
			return
		}
		for i := range n.Members {
			m := &n.Members[i]
			if slices.Contains(registered(), m.Key) {
				f.Fail(m.Errorf("the claim %s is set by the provider", m.Key))
				continue
			}
			*to = append(*to, f.claim(m))
		}
	}
}

func (f *fileReader) claim(m *source.Member) Claim {
	c := Claim{Name: m.Key}
	name, opened := strings.CutPrefix(m.Value.Text, "${")
	name, closed := strings.CutSuffix(name, "}")
	if m.Value.Kind != source.String || !opened || !closed {
		c.Value = plain(m.Value)
		return c
	}
	c.Attribute = name
	if !slices.Contains(attributes(), name) && !strings.HasPrefix(name, "params.") {
		f.Failf(m.Value, "unknown attribute %q: there are %s, params.NAME", name, strings.Join(attributes(), ", "))
	}
	return c
}

// plain is a node as a value for encoding/json, with objects in the order of the
// file. YAML has ways to write numbers that JSON has not: those become strings.
func plain(n *source.Node) any {
	switch n.Kind {
	case source.Number:
		if !json.Valid([]byte(n.Text)) {
			return n.Text
		}
		return json.Number(n.Text)
	case source.List:
		list := make([]any, len(n.Items))
		for i, it := range n.Items {
			list[i] = plain(it)
		}
		return list
	case source.Object:
		o := make(object, 0, len(n.Members))
		for i := range n.Members {
			o.add(n.Members[i].Key, plain(n.Members[i].Value))
		}
		return o
	}
	return n.Any()
}

// checkNames looks for client ids that no client has.
func (f *fileReader) checkNames() {
	var ids []string
	for i := range f.settings.Clients {
		ids = append(ids, f.settings.Clients[i].ID)
	}
	for _, m := range f.mentions {
		if slices.Contains(ids, m.id) {
			continue
		}
		err := m.at.Errorf("there is no client %q", m.id)
		if near := source.Nearest(m.id, ids); near != "" {
			err.Hint = fmt.Sprintf("did you mean %q?", near)
		}
		f.Fail(err)
	}
}
