package login

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"gatepass/pkg/fault"
	"gatepass/pkg/loopback"
)

// provider is an issuer, discovered.
type provider struct {
	oidc *oidc.Provider
	meta metadata
	web  *web
	keys *keySet
}

// metadata are the members of a discovery document that go-oidc does not give
// (OpenID Connect Discovery section 3, RFC 8414, RFC 9207).
type metadata struct {
	Issuer        string   `json:"issuer"`
	Keys          string   `json:"jwks_uri"`
	Revocation    string   `json:"revocation_endpoint"`
	EndSession    string   `json:"end_session_endpoint"` // RP-Initiated Logout 1.0 section 2.1
	ACRValues     []string `json:"acr_values_supported"`
	ResponseModes []string `json:"response_modes_supported"`
	Scopes        []string `json:"scopes_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	SendsIssuer   bool     `json:"authorization_response_iss_parameter_supported"`
	PushedOnly    bool     `json:"require_pushed_authorization_requests"` // RFC 9126 section 5
}

// discover reads the issuer's discovery document. The issuer in it must be the
// one asked for, byte for byte, and its endpoints must be safe to talk to.
func discover(ctx context.Context, cfg Config) (*provider, error) {
	p := &provider{web: newWeb(cfg.HTTP, cfg.Now)}
	var err error
	if p.oidc, err = oidc.NewProvider(p.context(ctx), cfg.Issuer); err != nil {
		return nil, discoveryFault(ctx, cfg.Issuer, err)
	}
	if err := p.oidc.Claims(&p.meta); err != nil {
		return nil, notAnIssuer(cfg.Issuer, "its discovery document has members of the wrong type")
	}
	e := p.oidc.Endpoint()
	for _, x := range []struct{ name, url string }{
		{"authorization_endpoint", e.AuthURL}, {"token_endpoint", e.TokenURL}, {"jwks_uri", p.meta.Keys},
	} {
		if err := checkURL("the issuer's "+x.name, x.url); err != nil {
			return nil, theirs(err)
		}
	}
	p.keys = &keySet{web: p.web, address: p.meta.Keys, algorithms: cfg.Algorithms}
	return p, nil
}

// context makes the libraries use our client.
func (p *provider) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.web.client)
}

// checkForLogin looks at what the issuer says of itself before anybody is asked
// to log in there.
func (p *provider) checkForLogin(cfg Config, note func(string)) error {
	if types := p.meta.ResponseTypes; len(types) > 0 && !slices.Contains(types, "code") {
		return fault.New(fault.Network, "%s does not offer the code flow, and no other is safe", cfg.Issuer)
	}
	if p.meta.PushedOnly {
		return fault.New(fault.Network, "%s wants authorization requests to be pushed to it (PAR), which gatepass does not do", cfg.Issuer)
	}
	if modes := p.meta.ResponseModes; cfg.FormPost && len(modes) > 0 && !slices.Contains(modes, "form_post") {
		return fault.New(fault.Usage, "%s does not offer the response mode form_post", cfg.Issuer).
			WithHint("log in without --response-mode form_post")
	}
	if len(cfg.Sharing) > 0 && !p.meta.SendsIssuer {
		note("logins at " + strings.Join(cfg.Sharing, ", ") + " have the same redirect URI as this one, and " + hostOf(cfg.Issuer) +
			" does not name itself in its answers: give each issuer a redirect URI of its own, or an answer for one may get to the other")
	}
	if skew := time.Duration(p.web.skew.Load()); skew.Abs() > clockLimit {
		note(clockOff(skew))
	}
	home := hostOf(cfg.Issuer)
	e := p.oidc.Endpoint()
	for _, x := range []struct{ name, url string }{
		{"login page", e.AuthURL}, {"token endpoint", e.TokenURL}, {"key set", p.meta.Keys},
	} {
		if h := hostOf(x.url); h != home {
			note("the " + x.name + " of " + home + " is at another host: " + h)
		}
	}
	return nil
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

// checkURL refuses URLs that secrets must not go to: anything but https, and http
// where it stays on this machine.
func checkURL(what, raw string) error {
	if raw == "" {
		return fault.New(fault.Usage, "%s is missing", what)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return fault.New(fault.Usage, "%s is %q, want a URL such as https://acme.onelogin.com/oidc/2", what, clip(raw))
	case u.User != nil:
		return fault.New(fault.Usage, "%s must not have a user name in it", what)
	case u.Scheme == "https" || u.Scheme == "http" && loopback.Is(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fault.New(fault.Usage, "%s is %s: http is taken on loopback addresses only", what, clip(u.Redacted())).
			WithHint("use https://%s", clip(u.Host+u.Path))
	}
	return fault.New(fault.Usage, "%s is %q, want an https URL", what, clip(raw))
}

// theirs makes a mistake of the user's one of the issuer's.
func theirs(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	with := *f
	with.Kind = fault.Network
	return &with
}

// discoveryFault tells apart why there is no discovery document.
func discoveryFault(ctx context.Context, issuer string, err error) error {
	var mismatch *oidc.IssuerMismatchError
	var status *statusError
	switch {
	case errors.As(err, &mismatch):
		return wrongIssuer(mismatch, err)
	case errors.As(err, &status) && status.code == http.StatusTooManyRequests:
		return status.busy(issuer)
	case errors.As(err, &status) && status.code >= 500:
		return fault.New(fault.Network, "%s answers %s: %w", hostOf(issuer), status, err).WithHint("try again later")
	case errors.As(err, &status):
		return notAnIssuer(issuer, "there is no discovery document: its answer is "+status.Error())
	case isNetwork(err):
		return networkFault(ctx, issuer, err)
	}
	return notAnIssuer(issuer, "its discovery document is no JSON object")
}

func wrongIssuer(m *oidc.IssuerMismatchError, err error) error {
	f := fault.New(fault.Network, "the issuer at %s calls itself %q: %w", m.Provided, clip(m.Discovered), err)
	f.Msg = strings.TrimSuffix(f.Msg, ": "+err.Error())
	return f.WithHint("the two must be equal to the letter. If the second is the one you mean, set it as issuer")
}

func notAnIssuer(issuer, why string) error {
	return fault.New(fault.Network, "%s is no OpenID Connect issuer: %s", issuer, why).
		WithHint("OneLogin's issuers look like https://SUBDOMAIN.onelogin.com/oidc/2")
}
