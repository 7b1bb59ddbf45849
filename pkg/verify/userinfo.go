package verify

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
)

// UserInfo asks an issuer's userinfo endpoint who an access token belongs to
// (OpenID Connect Core section 5.3) and returns the claims, an object. If a
// subject is expected, the answer must be about it (section 5.3.4); otherwise
// somebody else's claims could be put in its place. A client of nil is the
// default. The error is a *fault.Error: Login when the issuer does not take the
// token, Network for all else; or that of the context.
func UserInfo(ctx context.Context, client *http.Client, endpoint string, access secret.String, subject string) (*source.Node, error) {
	u, err := url.Parse(endpoint)
	if err == nil {
		err = allowed(u)
	}
	if err != nil {
		return nil, fault.New(fault.Usage, "the userinfo endpoint is %s: %w", quote(endpoint), err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, fault.New(fault.Usage, "the userinfo endpoint %s is no URL", quote(endpoint))
	}
	req.Header.Set("Authorization", "Bearer "+access.Reveal())
	req.Header.Set("Accept", "application/json")
	w := newWire(client)
	// The token is for this endpoint and nobody it refers to.
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error {
		return errors.New("it redirects, and the token is not sent on")
	}
	body, err := w.do(req, "userinfo")
	switch {
	case w.status == http.StatusUnauthorized:
		return nil, fault.New(fault.Login, "the issuer does not take the access token any more").
			WithHint("it may have expired or been revoked; log in again: gatepass login")
	case err != nil:
		return nil, err
	}
	return readUserInfo(u, body, subject, w.contentType)
}

func readUserInfo(u *url.URL, body []byte, subject, contentType string) (*source.Node, error) {
	if kind, _, _ := mime.ParseMediaType(contentType); strings.EqualFold(kind, "application/jwt") {
		return nil, fault.New(fault.Network, "userinfo: %s answers with a signed token, which is not read here", quote(u.Host))
	}
	n, err := source.JSON("userinfo", body)
	if err != nil || n.Kind != source.Object {
		return nil, fault.New(fault.Network, "userinfo: the answer of %s is no JSON object", quote(u.Redacted()))
	}
	if subject == "" {
		return n, nil
	}
	// Without the scope openid OneLogin answers {} (reference section 7).
	sub := n.Get("sub")
	if sub == nil {
		return nil, fault.New(fault.Network, "userinfo: the answer does not say who it is about").
			WithHint("was the scope openid asked for at the login?")
	}
	if sub.Kind != source.String || sub.Text != subject {
		return nil, fault.New(fault.Network, "userinfo: the answer is about %s, the token belongs to %s", quote(sub.Text), quote(subject))
	}
	return n, nil
}
