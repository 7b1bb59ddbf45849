package cmd

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"gatepass/pkg/fault"
	"gatepass/pkg/idp"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/view"
)

// idpCommand has the flags of "gatepass idp".
type idpCommand struct {
	app          *App
	file         string
	listen       string
	baseURL      string
	redirectURIs []string
	autoLogin    string
	called       calledAs
	json         bool
}

func newIDP(app *App) *cobra.Command {
	a := &idpCommand{app: app}
	c := &cobra.Command{
		Use:   "idp",
		Short: "Run a stand-in for OneLogin on this machine",
		Long: `Run an OpenID Connect provider that behaves like OneLogin, for trying things
out, for tests and for CI. It has OneLogin's paths, claims, kinds of token, client
authentication and error texts. It keeps everything in memory and checks nobody's
identity: whoever can reach it may log in as anybody without a password.

Without --file there are three users (ada with the groups Admins and Staff, grace
with Staff, linus with none) and one public client. A file may have others:

  version: 1
  users:
    - username: ada
      name: Ada Lovelace
      email: ada@example.com
      groups: [Admins, Staff]
      password: optional         # else a click is enough
      params: {department: engineering}
      apps: [my-client]          # the clients she is assigned to; else all
  clients:
    - client_id: my-client
      client_auth: none          # none (PKCE), post or basic
      redirect_uris: [http://127.0.0.1:8127/callback]
      access_token_lifetime: 1h  # also id_token_lifetime, refresh_token_lifetime
  apis:                          # what the parameter "resource" selects
    - resource: https://api.example.com
      audiences: [orders]
      scopes: [orders:read]
      claims: {email: "${email}", tier: gold}

It runs until it is interrupted.`,
		Example: `  gatepass idp
  gatepass idp --file users.yaml --listen 127.0.0.1:9000
  gatepass idp --auto-login ada --json`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			a.json = wantJSON(c)
			return a.run(c.Context())
		},
	}
	f := c.Flags()
	f.StringVarP(&a.file, "file", "f", "", "`file` with users, clients and APIs, YAML or JSON")
	f.StringVar(&a.listen, "listen", "127.0.0.1:9998", "`address` to listen on; port 0 takes a free one")
	f.StringVar(&a.baseURL, "base-url", "", "`URL` it is reached at, if that is not the address it listens on")
	listVar(f, &a.redirectURIs, "redirect-uri", "", "register one more redirect `URI` for every client; may be repeated")
	a.called.add(f)
	f.StringVar(&a.autoLogin, "auto-login", "", "log this `user` in without showing a page; login_hint may name another")
	return c
}

func (a *idpCommand) run(ctx context.Context) error {
	if err := a.called.check(a.listen, a.baseURL); err != nil {
		return err
	}
	settings := idp.Default(a.redirectURIs...)
	if a.file != "" {
		var err error
		if settings, err = idp.ReadFile(a.file); err != nil {
			return err
		}
	}
	ln, err := listen(ctx, a.listen)
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }() // closed already when serve has run
	base, open := reachedAt(ln.Addr())
	if a.baseURL != "" {
		base = a.baseURL
	}
	a.called.reached(ln.Addr(), nil)
	watch := a.watch()
	server, err := idp.New(idp.Options{
		Base: base, Settings: settings, RedirectURIs: a.redirectURIs,
		AutoLogin: a.autoLogin, Now: a.app.Now, OnEvent: watch,
	})
	if err != nil {
		return fault.New(fault.Usage, "%w", err).WithHint("gatepass idp --help shows the flags and the form of the file")
	}
	if open {
		a.printer().Line(a.printer().Warn("warning:"), "this address is open to other machines: everybody who reaches it can log in as anybody")
	}
	if err := a.announce(server); err != nil {
		return err
	}
	return serve(ctx, ln, a.called.guard(server, func(_ *http.Request, why string) {
		watch(idp.Event{Time: a.app.Now(), What: "refused", Detail: why})
	}))
}

func (a *idpCommand) printer() *view.Printer {
	return view.NewPrinter(a.app.IO.Err, a.app.IO.ErrColor, a.app.IO.Width, a.app.Now)
}

// watch prints what happens to stderr, one line an event.
func (a *idpCommand) watch() func(idp.Event) {
	var mu sync.Mutex
	p := a.printer()
	return func(e idp.Event) {
		mu.Lock()
		defer mu.Unlock()
		what := view.Pad(e.What, 8)
		if e.What == "refused" {
			what = p.Bad(what)
		}
		parts := []string{p.Dim(e.Time.Format("15:04:05")), what}
		for _, s := range []string{e.User, e.Detail} {
			if s != "" {
				parts = append(parts, iostreams.Visible(a.app.Secrets.Text(s)))
			}
		}
		if e.Client != "" {
			parts = append(parts, p.Dim("client "+iostreams.Visible(e.Client)))
		}
		p.Line(parts...)
	}
}

// The JSON form of what the server is. docs/json.md promises it.
type idpJSON struct {
	SchemaVersion int             `json:"schemaVersion"`
	Issuer        string          `json:"issuer"`
	Clients       []idpClientJSON `json:"clients"`
	Users         []idpUserJSON   `json:"users"`
	Resources     []string        `json:"resources"`
	AutoLogin     string          `json:"autoLogin,omitempty"`
}

type idpClientJSON struct {
	ClientID     string   `json:"clientId"`
	ClientAuth   string   `json:"clientAuth"`
	RedirectURIs []string `json:"redirectUris"`
}

type idpUserJSON struct {
	Username string   `json:"username"`
	Subject  string   `json:"subject"`
	Groups   []string `json:"groups"`
	Password bool     `json:"password"`
}

// announce prints what one needs to know to use the server.
func (a *idpCommand) announce(s *idp.Server) error {
	v := idpJSON{SchemaVersion: 1, Issuer: s.Issuer(), AutoLogin: a.autoLogin, Resources: []string{}}
	for _, c := range s.Settings().Clients {
		v.Clients = append(v.Clients, idpClientJSON{c.ID, string(c.Auth), append([]string{}, c.RedirectURIs...)})
	}
	for _, u := range s.Settings().Users {
		v.Users = append(v.Users, idpUserJSON{u.Username, u.Sub, append([]string{}, u.Groups...), u.Password.Reveal() != ""})
	}
	for _, api := range s.Settings().APIs {
		v.Resources = append(v.Resources, api.Resource)
	}
	if a.json {
		return view.JSON(a.app.IO.Out, v)
	}
	return a.announceText(&v)
}

func (a *idpCommand) announceText(v *idpJSON) error {
	p := view.NewPrinter(a.app.IO.Out, a.app.IO.OutColor, a.app.IO.Width, a.app.Now)
	p.Line(p.Bold("OneLogin stand-in"), "at", p.Good(v.Issuer))
	p.Heading("Users")
	for _, u := range v.Users {
		groups := "no groups"
		if len(u.Groups) > 0 {
			groups = p.Outside(strings.Join(u.Groups, ", "))
		}
		if u.Password {
			groups += p.Dim(" (with a password)")
		}
		p.Line(" ", p.Name(view.Pad(p.Outside(u.Username), 12)), p.Dim(u.Subject), groups)
	}
	p.Heading("Clients")
	for _, c := range v.Clients {
		p.Line(" ", p.Name(p.Outside(c.ClientID)), "authentication", c.ClientAuth)
		for _, uri := range c.RedirectURIs {
			p.Line("   ", p.Dim("redirect URI"), p.Outside(uri))
		}
	}
	if len(v.Resources) > 0 {
		p.Heading("APIs")
		for _, r := range v.Resources {
			p.Line("  resource", p.Outside(r))
		}
	}
	p.Heading("A profile for it, in gatepass.yaml")
	p.Printf("%s", profileSnippet(v.Issuer, v.Clients[0]))
	if err := p.Err(); err != nil {
		return err
	}
	e := a.printer()
	e.Line(e.Dim("Stop it with Ctrl-C."))
	return nil
}

// profileSnippet is a gatepass.yaml for a client. Values that YAML could take for
// something else are quoted.
func profileSnippet(issuer string, c idpClientJSON) string {
	var uris strings.Builder
	for _, uri := range c.RedirectURIs {
		uris.WriteString("\n      - " + yamlText(uri))
	}
	return `version: 1
default: idp
profiles:
  idp:
    issuer: ` + issuer + `
    client_id: ` + yamlText(c.ClientID) + `
    client_auth: ` + c.ClientAuth + `
    redirect_uris:` + uris.String() + `
    scopes: [openid, profile, groups]
`
}

// yamlText is a string as YAML: in quotes unless it is plain in every respect.
func yamlText(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	if s == "" || strings.Trim(s, plain+"._:/-") != "" || !strings.Contains(plain, s[:1]) || strings.HasSuffix(s, ":") {
		return strconv.Quote(s)
	}
	return s
}
