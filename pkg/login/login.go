// Package login gets tokens from an OpenID Connect issuer and gives them back:
// the browser flow with its loopback listener, refresh, revocation and client
// credentials.
//
// What it promises: code flow only, with PKCE S256, state and nonce from
// crypto/rand; the issuer's answers are capped in size and time and never
// believed before they are checked; no secret is in any error; and tokens are
// returned only after the ID token has passed every check. It opens no browser
// and keeps no tokens: both are the caller's.
package login

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// Auth is how a client proves to the token endpoint who it is. It is one per
// client at OneLogin, and never guessed by trying.
type Auth string

// The ways of client authentication (OpenID Connect Core section 9).
const (
	AuthNone  Auth = "none"  // a public client: PKCE alone. The zero Auth is the same
	AuthPost  Auth = "post"  // client_secret_post: the secret in the body
	AuthBasic Auth = "basic" // client_secret_basic: the secret in the Authorization header
)

// DefaultTimeout is how long a login waits for its answer.
const DefaultTimeout = 5 * time.Minute

// Config is the client, and what it asks for.
type Config struct {
	Issuer   string // exactly as the issuer writes it; https, or http on loopback addresses
	ClientID string
	Auth     Auth
	Secret   secret.String // for post and basic

	// RedirectURIs are those registered for the client, tried in order: the
	// first whose port is free is used. They are http or https on localhost or a
	// loopback address. Port 0 takes any free port, for issuers that ignore the port of
	// loopback redirect URIs (RFC 8252 section 7.3); OneLogin's are matched
	// exactly.
	RedirectURIs []string
	Scopes       []string // openid is added when it is missing

	// Listen is the address to listen on in place of the redirect URI's own, as
	// ADDRESS, ADDRESS:PORT or :PORT with an IP address: for containers, whose
	// forwarded ports do not come to their loopback addresses.
	Listen string
	// Certificate is for https redirect URIs. Nil means one made for the login,
	// which a browser warns of.
	Certificate *tls.Certificate
	// FormPost asks for the answer as a form that the browser posts (OAuth 2.0
	// Form Post Response Mode), not in the redirect URI's query.
	FormPost bool

	// Sent only when set.
	Resource  string // RFC 8707; a resource identifier of OneLogin's API Authorization
	Prompt    string
	LoginHint string
	// ACRValues are the kinds of authentication to ask for, separated by spaces.
	// One of them must be confirmed by the ID token's acr.
	ACRValues string
	// Reauth asks for a login that is made now, whatever the browser's session
	// says, and checks that it was: by OneLogin's acr value where the issuer has
	// it, else by max_age.
	Reauth bool
	// Subject is who is expected: any other sub is refused. Empty takes anybody.
	Subject string

	// Sharing are issuers that somebody else runs, with which the user logs in by one of
	// these redirect URIs, too. Of those a login tells, unless this issuer names
	// itself in its answers: they could be given its codes (RFC 9700 section 4.4).
	Sharing []string

	// Algorithms are those an ID token may be signed with, whatever it says
	// itself. None means every asymmetric one of RFC 7518 and EdDSA.
	Algorithms []string

	Timeout time.Duration // of the wait for an answer; 0 means DefaultTimeout
	HTTP    *http.Client  // nil means http.DefaultClient; its redirect policy is replaced
	Now     func() time.Time

	known *secret.Redactor // of what is secret in this operation
}

// UI is what a login tells and asks the user. Every member may be nil. They are
// called by the goroutine that called Login, but for Open.
type UI struct {
	// Waiting is called once the listener is open, before the browser is.
	Waiting func(Request)
	// Open shows the URL in a browser. It runs beside the wait, which goes on
	// when it fails, and may outlive the login, whose end is that of its context.
	Open func(ctx context.Context, url string) error
	// Note is told of things worth knowing that do not stop the login. Text of
	// the issuer in it has not been made safe for a terminal.
	Note func(string)
	// Pasted gives answers that a person copied from the browser: the whole URL
	// the browser was sent to, or its query. They race with the listener.
	Pasted <-chan string
}

// Request is a login that waits for its answer.
type Request struct {
	URL         string // to be opened in a browser; http or https
	RedirectURI string // the one in use
	Until       time.Time
	// Fingerprint is the SHA-256 of the certificate that was made for an https
	// redirect URI, as browsers show it. Empty where there is none to warn of.
	Fingerprint string
}

// Result is what is known of a login beside its tokens.
type Result struct {
	// Claims are those of the ID token, verified.
	Claims token.Claims
	// RedirectURI is the one the answer came to.
	RedirectURI string
}

// Name is what to call the user: the first of name, preferred_username, email
// and sub that is there. It is text from outside.
func (r Result) Name() string {
	for _, claim := range []string{"name", "preferred_username", "email", "sub"} {
		if n := r.Claims.Node().Get(claim); n != nil && n.Kind == source.String && n.Text != "" {
			return n.Text
		}
	}
	return ""
}

// Login logs a person in with the browser, by the code flow of OpenID Connect
// Core section 3.1 as RFC 8252 and RFC 9700 want it. It returns when the answer
// has come and everything has been checked, when the time limit has passed, or
// when the context ends. Errors are *fault.Error.
func Login(ctx context.Context, cfg Config, ui UI) (_ token.Set, _ Result, err error) {
	cfg = cfg.complete()
	defer cfg.veil(&err)
	if err := cfg.check(); err != nil {
		return token.Set{}, Result{}, err
	}
	targets, err := cfg.targets(ui.note)
	if err != nil {
		return token.Set{}, Result{}, err
	}
	p, err := discover(ctx, cfg)
	if err != nil {
		return token.Set{}, Result{}, err
	}
	if err := p.checkForLogin(cfg, ui.note); err != nil {
		return token.Set{}, Result{}, err
	}
	ln, err := listen(ctx, targets)
	if err != nil {
		return token.Set{}, Result{}, err
	}
	defer ln.close()
	if err := ln.secure(cfg.Certificate, cfg.Now()); err != nil {
		return token.Set{}, Result{}, err
	}
	set, claims, err := newFlow(cfg, p, ln.redirectURI).run(ctx, ln, ui)
	return set, Result{Claims: claims, RedirectURI: ln.redirectURI}, err
}

// complete fills in what was left out.
func (c Config) complete() Config {
	if c.Auth == "" {
		c.Auth = AuthNone
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.known = new(secret.Redactor)
	c.known.Add(c.Secret, secret.Basic(c.ClientID, c.Secret))
	if len(c.Algorithms) == 0 {
		c.Algorithms = asymmetric()
	}
	if !slices.Contains(c.Scopes, "openid") {
		c.Scopes = append([]string{"openid"}, c.Scopes...)
	}
	return c
}

func asymmetric() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// check finds what cannot work before anything is asked of anybody.
func (c Config) check() error {
	switch {
	case c.Issuer == "":
		return fault.New(fault.Usage, "there is no issuer").
			WithHint("give one with --issuer https://SUBDOMAIN.onelogin.com/oidc/2 or --subdomain, or set it in gatepass.yaml")
	case c.ClientID == "":
		return fault.New(fault.Usage, "there is no client id").
			WithHint("it is on the SSO tab of the app in OneLogin: give it with --client-id, or set client_id in gatepass.yaml")
	}
	switch c.Auth {
	case AuthNone:
		return checkURL("the issuer", c.Issuer)
	case AuthPost, AuthBasic:
		if c.Secret.IsZero() {
			return fault.New(fault.Usage, "client authentication %q needs a client secret, and there is none", c.Auth).
				WithHint("set GATEPASS_CLIENT_SECRET, or client_secret_command in gatepass.yaml; an app set to PKCE needs client_auth: none")
		}
		return checkURL("the issuer", c.Issuer)
	}
	return fault.New(fault.Usage, "client authentication is %q, want none, post or basic", c.Auth)
}

// veil takes out of an error what is secret in this operation: an issuer may say
// back whatever it was sent, and whatever it sends.
func (c Config) veil(err *error) {
	var f *fault.Error
	if !errors.As(*err, &f) {
		return
	}
	with := *f
	with.Msg, with.Detail, with.Hint = c.known.Text(f.Msg), c.known.Text(f.Detail), c.known.Text(f.Hint)
	*err = &with
}

// targets are the redirect URIs with where to listen for each.
func (c Config) targets(note func(string)) ([]target, error) {
	list, err := parseTargets(c.RedirectURIs)
	if err != nil {
		return nil, err
	}
	at, err := parseAddress(c.Listen)
	if err != nil {
		return nil, err
	}
	if at.exposed() {
		note("listening on " + c.Listen + ": whoever can reach that address can reach this login while it waits. Forward the port from 127.0.0.1 only")
	}
	for i := range list {
		list[i].at = at
	}
	return list, nil
}

// oauth is the configuration of the OAuth 2.0 library. AuthStyle is always set:
// left open, the library would try one way and then the other.
func (c Config) oauth(p *provider, redirectURI string) *oauth2.Config {
	o := &oauth2.Config{
		ClientID:    c.ClientID,
		Endpoint:    p.oidc.Endpoint(),
		RedirectURL: redirectURI,
		Scopes:      c.Scopes,
	}
	// Parameters that are added behind a fragment would be none of the request's.
	o.Endpoint.AuthURL, _, _ = strings.Cut(o.Endpoint.AuthURL, "#")
	o.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	if c.Auth != AuthNone {
		o.ClientSecret = c.Secret.Reveal()
	}
	if c.Auth == AuthBasic {
		o.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	}
	return o
}

func (ui UI) note(s string) {
	if ui.Note != nil {
		ui.Note(s)
	}
}

// interrupted is the end of a context as an error.
func interrupted(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.New(fault.Network, "the time limit has passed: %w", ctx.Err())
	}
	return fault.New(fault.Interrupted, "interrupted: %w", ctx.Err())
}
