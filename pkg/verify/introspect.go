package verify

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
)

// ClientMethod is how a client says to an issuer who it is.
type ClientMethod string

// The methods. OneLogin takes exactly one of them for each app.
const (
	ClientNone  ClientMethod = "none"  // the client ID in the form, and no secret
	ClientPost  ClientMethod = "post"  // ID and secret in the form
	ClientBasic ClientMethod = "basic" // ID and secret in the header (RFC 6749 section 2.3.1)
)

// Client is who asks.
type Client struct {
	ID     string
	Secret secret.String
	Method ClientMethod
}

// authenticate puts the client into a request with a form.
func (c Client) authenticate(header http.Header, form url.Values) {
	switch c.Method {
	case ClientBasic:
		r := http.Request{Header: header}
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret.Reveal()))
	case ClientPost:
		form.Set("client_secret", c.Secret.Reveal())
		form.Set("client_id", c.ID)
	default:
		form.Set("client_id", c.ID)
	}
}

// Introspect asks an issuer whether an access token still counts (RFC 7662 section
// 2): false for one that has expired or was revoked. A client of nil is the default.
// The error is a *fault.Error: Usage when the issuer does not take the client that
// asks, Network for all else; or that of the context.
func Introspect(ctx context.Context, client *http.Client, endpoint string, access secret.String, as Client) (active bool, err error) {
	u, err := url.Parse(endpoint)
	if err == nil {
		err = allowed(u)
	}
	if err != nil {
		return false, fault.New(fault.Usage, "the introspection endpoint is %s: %w", quote(endpoint), err)
	}
	form := url.Values{"token": {access.Reveal()}, "token_type_hint": {"access_token"}}
	header := http.Header{"Accept": {"application/json"}, "Content-Type": {"application/x-www-form-urlencoded"}}
	as.authenticate(header, form)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return false, fault.New(fault.Usage, "the introspection endpoint %s is no URL", quote(endpoint))
	}
	req.Header = header
	w := newWire(client)
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error {
		return errors.New("it redirects, and token and secret are not sent on")
	}
	body, err := w.do(req, "introspection")
	switch {
	case w.status == http.StatusUnauthorized:
		return false, fault.New(fault.Usage, "introspection: %s does not take the client %s", quote(u.Host), quote(as.ID)).
			WithHint("check client ID and secret, and whether the app is set to none, post or basic")
	case err != nil:
		return false, err
	}
	return readActive(u, body)
}

func readActive(u *url.URL, body []byte) (bool, error) {
	n, err := source.JSON("introspection", body)
	if err != nil || n.Kind != source.Object {
		return false, fault.New(fault.Network, "introspection: the answer of %s is no JSON object", quote(u.Redacted()))
	}
	active := n.Get("active")
	if active == nil || active.Kind != source.Bool {
		return false, fault.New(fault.Network, "introspection: the answer of %s does not say whether the token is active", quote(u.Redacted()))
	}
	return active.Text == "true", nil
}
