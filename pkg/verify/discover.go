package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"gatepass/pkg/fault"
)

// wellKnown is where an issuer's discovery document is, behind the issuer.
const wellKnown = "/.well-known/openid-configuration"

// NormalizeIssuer makes an issuer out of what people paste: white space and the
// address of the discovery document are taken off, and so is a slash behind an
// issuer of OneLogin's form; the note says so. Other issuers may by rights end in
// a slash: theirs stays, and discovery tells whether it is right. It takes https,
// and http on this machine; the error is a *fault.Error of kind Usage.
func NormalizeIssuer(s string) (issuer, note string, err error) {
	issuer = strings.TrimSpace(s)
	if i := strings.IndexAny(issuer, "?#"); i >= 0 && strings.HasSuffix(issuer[:i], wellKnown) {
		issuer = issuer[:i]
	}
	if rest, ok := strings.CutSuffix(issuer, wellKnown); ok {
		issuer, note = rest, "that was the address of the discovery document; the issuer is "+clip(rest)
	}
	if rest := strings.TrimRight(issuer, "/"); rest != issuer && likeOneLogin(rest) {
		issuer = rest
		if note == "" {
			note = "the slash at the end of the issuer was taken off: " + clip(rest)
		}
	}
	if err := CheckIssuer(issuer); err != nil {
		return "", "", err
	}
	return issuer, note, nil
}

// likeOneLogin reports whether an issuer has the path of OneLogin's, of either
// version.
func likeOneLogin(issuer string) bool {
	return strings.HasSuffix(issuer, "/oidc/2") || strings.HasSuffix(issuer, "/oidc")
}

// CheckIssuer refuses what cannot be an issuer (OpenID Connect Core section 2):
// a URL with https (or http on this machine), a host, and neither query nor
// fragment. The error is a *fault.Error of kind Usage.
func CheckIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case issuer == "":
		return fault.New(fault.Usage, "the issuer is empty").WithHint("OneLogin's is https://SUBDOMAIN.onelogin.com/oidc/2")
	case err != nil || u.Opaque != "" || u.Host == "":
		return fault.New(fault.Usage, "the issuer %s is no URL", quote(issuer)).WithHint("OneLogin's is https://SUBDOMAIN.onelogin.com/oidc/2")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(issuer, "#"):
		return fault.New(fault.Usage, "the issuer %s must have no user, query or fragment", quote(u.Redacted()))
	}
	if err := allowed(u); err != nil {
		return fault.New(fault.Usage, "the issuer %s: %w", quote(issuer), err)
	}
	return nil
}

// Provider is what an issuer says of itself in its discovery document.
type Provider struct {
	Issuer           string   `json:"issuer"`
	AuthURL          string   `json:"authorization_endpoint"`
	TokenURL         string   `json:"token_endpoint"`
	UserInfoURL      string   `json:"userinfo_endpoint"`
	KeySetURL        string   `json:"jwks_uri"`
	IntrospectionURL string   `json:"introspection_endpoint"`
	RevocationURL    string   `json:"revocation_endpoint"`
	EndSessionURL    string   `json:"end_session_endpoint"`
	Scopes           []string `json:"scopes_supported"`
	Algorithms       []string `json:"id_token_signing_alg_values_supported"`
	ChallengeMethods []string `json:"code_challenge_methods_supported"`

	// OIDC is the same for the libraries that want go-oidc's form. It is nil for
	// a provider out of the cache.
	OIDC *oidc.Provider `json:"-"`
	// Notes are things a person should know: endpoints on other hosts than the
	// issuer's.
	Notes []string `json:"-"`
}

// Discover fetches the discovery document of an issuer (OpenID Connect Discovery
// section 4). The issuer in it must be equal to the one asked for, byte for byte,
// and its endpoints must be https (or http on this machine). A client of nil is
// the default one; its transport is used, within this package's limits. The error
// is a *fault.Error of kind Network or Usage, or that of the context.
func Discover(ctx context.Context, client *http.Client, issuer string) (*Provider, error) {
	if err := CheckIssuer(issuer); err != nil {
		return nil, err
	}
	w := newWire(client)
	document, err := url.Parse(strings.TrimSuffix(issuer, "/") + wellKnown)
	if err != nil {
		return nil, fault.New(fault.Usage, "the issuer %s is no URL", quote(issuer))
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, w.client), issuer)
	if err != nil {
		return nil, w.discoveryError(ctx, document, err)
	}
	p := &Provider{OIDC: found}
	if err := found.Claims(p); err != nil {
		return nil, notJSON(document)
	}
	return p, p.check()
}

const discovery = "discovery"

// discoveryError says what went wrong, by what the wire saw: go-oidc's errors
// are texts, but for that of a wrong issuer.
func (w *wire) discoveryError(ctx context.Context, document *url.URL, err error) error {
	var wrong *oidc.IssuerMismatchError
	var request *url.Error
	switch {
	case errors.As(err, &wrong):
		return wrongIssuer(wrong)
	case w.large:
		return tooLarge(discovery, document)
	case errors.As(err, &request):
		return unreachable(ctx, discovery, document, err)
	case w.broken != nil:
		return unreachable(ctx, discovery, document, w.broken)
	case w.status != 0 && w.status != http.StatusOK:
		return badStatus(discovery, document, w.status)
	case w.status == http.StatusOK:
		return notJSON(document)
	}
	return unreachable(ctx, discovery, document, err)
}

func wrongIssuer(e *oidc.IssuerMismatchError) error {
	if e.Discovered == "" {
		return fault.New(fault.Network, "discovery: the document of %s names no issuer", quote(e.Provided)).
			WithHint("is this really the address of an OpenID Connect issuer?")
	}
	f := fault.New(fault.Network, "discovery: the issuer calls itself %s, asked was %s", quote(e.Discovered), quote(e.Provided))
	f.Err = e
	return f.WithHint("they must be equal to the letter: use the one the issuer gives, if it is the right one")
}

func notJSON(u *url.URL) error {
	return fault.New(fault.Network, "discovery: the answer of %s is not the JSON of a discovery document", quote(u.Redacted())).
		WithHint("is there a login page or proxy in between, or is the issuer misspelt?")
}

// check refuses endpoints that are not https, and notes those on other hosts.
func (p *Provider) check() error {
	own, err := url.Parse(p.Issuer)
	if err != nil {
		return fault.New(fault.Network, "discovery: the issuer %s is no URL", quote(p.Issuer))
	}
	for _, e := range []struct{ name, address string }{
		{"authorization_endpoint", p.AuthURL},
		{"token_endpoint", p.TokenURL},
		{"userinfo_endpoint", p.UserInfoURL},
		{"jwks_uri", p.KeySetURL},
		{"introspection_endpoint", p.IntrospectionURL},
		{"revocation_endpoint", p.RevocationURL},
		{"end_session_endpoint", p.EndSessionURL},
	} {
		if e.address == "" {
			continue
		}
		u, err := url.Parse(e.address)
		if err == nil {
			err = allowed(u)
		}
		if err != nil {
			return fault.New(fault.Network, "discovery: the %s of %s is %s: %w", e.name, quote(p.Issuer), quote(e.address), err)
		}
		if !strings.EqualFold(u.Host, own.Host) {
			p.Notes = append(p.Notes, fmt.Sprintf("the %s is on another host than the issuer: %s", e.name, clip(u.Host)))
		}
	}
	if p.KeySetURL == "" {
		return fault.New(fault.Network, "discovery: the document of %s has no jwks_uri", quote(p.Issuer))
	}
	return nil
}
