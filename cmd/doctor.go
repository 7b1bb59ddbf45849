package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gatepass/pkg/authorizer"
	"gatepass/pkg/config"
	"gatepass/pkg/doctor"
	"gatepass/pkg/fault"
	"gatepass/pkg/login"
	"gatepass/pkg/secret"
	"gatepass/pkg/store"
	"gatepass/pkg/verify"
	"gatepass/pkg/view"
)

func newDoctor(app *App) *cobra.Command {
	var s settings
	var path string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what is wrong with this set-up",
		Long: `Doctor looks at everything a login and a call need: the settings and where
they come from, proxies, names, certificates, the issuer and what it says of
your client and of each redirect URI, the clock, ports, the keyring, the
stored login, the API and the authorizer file. What is not as it should be is
said with why it matters and what to change.

It changes nothing and logs nobody in. The API is asked without a token; the
client secret, if there is one, goes to the issuer's token endpoint only.

It exits with 0 if all is well, with 6 if all that is wrong is the network,
and with 1 if anything else is wrong or deserves a look. Settings that cannot
be read are an error of their own (2). It takes 30 seconds at most.`,
		Example: `  gatepass doctor
  gatepass doctor --profile staging --path /orders
  gatepass doctor --json | jq '.findings[] | select(.result != "ok")'`,
		Args: positional(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := s.load(app)
			if err != nil {
				return err
			}
			return app.examine(c.Context(), p, path, wantJSON(c))
		},
	}
	c.Flags().StringVar(&path, "path", "", "`path` of the API to ask, such as /orders")
	s.bind(c)
	return c
}

// examine examines a profile's set-up and prints what was found. What is wrong
// is in the exit code, too.
func (app *App) examine(ctx context.Context, p *config.Profile, path string, asJSON bool) error {
	if strings.ContainsAny(path, "#\r\n") {
		return fault.New(fault.Usage, "--path wants a path such as /orders")
	}
	options, err := app.examination(p, path)
	if err != nil {
		return err
	}
	report := doctor.Run(ctx, options)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := app.printReport(p, report, asJSON); err != nil {
		return err
	}
	switch {
	case report.Well():
		return nil
	case report.NetworkOnly():
		return fault.Quiet(fault.Network)
	}
	return fault.Quiet(fault.Failed)
}

// examination is a profile, as the doctor wants it.
func (app *App) examination(p *config.Profile, path string) (doctor.Options, error) {
	s := newSession(app)
	o := doctor.Options{
		Profile: p.Name, Why: p.Why, Issuer: issuerOf(p), ClientID: p.ClientID, Auth: p.ClientAuth,
		RedirectURIs: p.RedirectURIs, Scopes: p.Scopes, Resource: p.Resource, AuthorizerFile: authorizerFile(p), Store: p.Store,
		Listen: p.SignIn.Listen, PortOwner: login.PortOwner,
		API:    doctor.API{URL: p.API.URL, Path: path, Token: p.API.Token, Header: p.API.Send.Header, Scheme: p.API.Send.Scheme},
		Client: app.HTTP, Now: app.Now, Getenv: app.Getenv, Proxy: http.ProxyFromEnvironment, Keys: usableKeys,
		Secret:     func(ctx context.Context) (secret.String, error) { return s.clientSecret(ctx, p) },
		Login:      func() (doctor.Login, error) { return s.forDoctor(p) },
		Authorizer: func() (*authorizer.File, error) { return readAuthorizerFile(p.Authorizer) },
	}
	if app.Keyring != nil {
		o.Keyring = func() error {
			_, err := app.Keyring.Get()
			if errors.Is(err, store.ErrNoKey) { // it works, and is empty
				return nil
			}
			return err
		}
	}
	if _, note, err := verify.NormalizeIssuer(p.Issuer); err == nil {
		o.IssuerNote = note
	}
	for _, c := range p.Sharing() {
		o.Sharing = append(o.Sharing, fmt.Sprintf("the profile %s, of %s", c.Profile, c.Issuer))
	}
	for _, v := range p.Values {
		if v.Set() && v.Origin.Kind != config.Default {
			o.Settings = append(o.Settings, doctor.Setting{Key: v.Key, Value: strings.Join(v.Values, " "), From: v.Origin.String()})
		}
	}
	for _, file := range p.CAFiles {
		pem, err := os.ReadFile(file)
		if err != nil {
			return o, fileError(err)
		}
		o.CAFiles = append(o.CAFiles, doctor.CAFile{Path: file, PEM: pem})
	}
	return o, nil
}

// usableKeys counts the keys of a key set that signatures can be checked with.
func usableKeys(name string, data []byte) (int, error) {
	set, err := verify.ParseKeySet(name, data)
	if err != nil {
		return 0, err
	}
	return len(set.Keys), nil
}

// forDoctor is what is known of a profile's login.
func (s *session) forDoctor(p *config.Profile) (doctor.Login, error) {
	v, err := s.status(p, 0)
	if err != nil {
		return doctor.Login{}, err
	}
	l := doctor.Login{Name: v.Name, LoggedIn: v.LoggedIn, Renewed: v.CanRefresh, Store: v.Store, Where: v.Store + " " + v.Where}
	if v.ExpiresAt == nil && !v.LoggedIn {
		l.Store = "" // that would be where the next login goes
	}
	if l.Name == "" {
		l.Name = v.Subject
	}
	if v.ExpiresAt != nil {
		l.Expiry = *v.ExpiresAt
	}
	return l, nil
}

// printReport prints the findings. Secrets that a server sends back are not
// shown.
func (app *App) printReport(p *config.Profile, r doctor.Report, asJSON bool) error {
	clean := app.Secrets.Text
	result := view.Doctor{SchemaVersion: 1, Profile: p.Name, Well: r.Well(), Findings: []view.Finding{}}
	for _, f := range r.Findings {
		v := view.Finding{
			Check: f.Check, Subject: clean(f.Subject), Result: string(f.Result), What: clean(f.What),
			Why: clean(f.Why), Change: clean(f.Change), Terraform: clean(f.Terraform),
		}
		for _, d := range f.Details {
			v.Details = append(v.Details, clean(d))
		}
		result.Findings = append(result.Findings, v)
	}
	if asJSON {
		return view.JSON(app.IO.Out, result)
	}
	out := app.printer()
	out.Doctor(result)
	return out.Err()
}
