package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/secret"
)

// ErrRejected is in the error of a refresh whose refresh token is used up,
// expired or revoked: only a new login helps.
var ErrRejected = errors.New("the refresh token was refused")

// refusal is an error of OAuth 2.0 (RFC 6749 sections 4.1.2.1 and 5.2), from the
// browser's answer or from the token endpoint. All of it is text from outside.
type refusal struct {
	code, description, uri string
	refresh                bool // it answers a refresh
}

// explain words a refusal: what the issuer says, and the likely cause. Several
// of the causes are OneLogin's own ways.
func (r refusal) explain(cfg Config, meta metadata) error {
	kind, hint := r.advice(cfg, meta)
	f := fault.New(kind, "%s refused: %s", hostOf(cfg.Issuer), r.text()).WithHint("%s", hint)
	if r.code == "invalid_grant" && r.refresh {
		f.Err = ErrRejected
	}
	return f
}

// text is what the issuer says, fit for one line.
func (r refusal) text() string {
	s := iostreams.Visible(clip(r.code))
	if r.description != "" {
		s += " (" + iostreams.Visible(clip(strings.TrimSuffix(r.description, "."))) + ")"
	}
	if r.uri != "" {
		s += ", see " + iostreams.Visible(clip(r.uri))
	}
	return s
}

// advice is the exit code and the next step for a code.
func (r refusal) advice(cfg Config, meta metadata) (fault.Kind, string) {
	switch r.code {
	case "access_denied":
		return fault.Denied, "the login was cancelled, or the user is not assigned to the app: see Users > Applications, or the roles on the app's Access tab in OneLogin"
	case "invalid_scope":
		return fault.Usage, scopeHint(cfg, meta)
	case "invalid_client", "unauthorized_client":
		return fault.Usage, clientHint(cfg)
	case "invalid_grant":
		if r.refresh {
			return fault.Login, "log in again: gatepass login"
		}
		return fault.Failed, "a code is good once and for a minute or so: try again. If it stays, the redirect URI or PKCE setting of the app is not the one used here"
	case "invalid_target":
		return fault.Usage, fmt.Sprintf("the resource %q is not the identifier of an API Authorization this app may use, or the app was not added to it", cfg.Resource)
	case "redirect_uri_mismatch":
		return fault.Usage, "add the redirect URI to the app in OneLogin, letter by letter; changes take up to 10 minutes there"
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		return fault.Login, "the issuer wants to show a page: log in without prompt=none"
	case "temporarily_unavailable", "server_error":
		return fault.Network, "try again later"
	}
	return fault.Failed, ""
}

// scopeHint names the scope that is most likely the wrong one.
func scopeHint(cfg Config, meta metadata) string {
	if slices.Contains(cfg.Scopes, "offline_access") {
		return "OneLogin takes no offline_access in this flow: leave it out of the scopes"
	}
	var unknown []string
	for _, s := range cfg.Scopes {
		if len(meta.Scopes) > 0 && !slices.Contains(meta.Scopes, s) {
			unknown = append(unknown, s)
		}
	}
	if len(unknown) > 0 {
		return "not offered by the issuer: " + strings.Join(unknown, ", ") + "; it offers " + iostreams.Visible(clip(strings.Join(meta.Scopes, ", ")))
	}
	return "ask for fewer scopes: openid alone always works"
}

// clientHint is about OneLogin's setting of one method per app.
func clientHint(cfg Config) string {
	want := map[Auth]string{AuthNone: "None (PKCE)", AuthPost: "POST", AuthBasic: "Basic"}[cfg.Auth]
	hint := fmt.Sprintf("client_auth is %s here: in OneLogin the app's SSO tab must say Token Endpoint, Authentication Method: %s. An app has one method", cfg.Auth, want)
	if cfg.Auth == AuthNone {
		return hint + "; for POST or Basic use --client-auth and a secret. Or the client id is wrong"
	}
	return hint + ". Or the client id or secret is wrong"
}

// tokenFault words an error of the token endpoint. The libraries' own text is
// not used: it may quote the whole answer, with tokens in it.
func (p *provider) tokenFault(ctx context.Context, cfg Config, err error) error {
	return p.endpointFault(ctx, cfg, err, false)
}

func (p *provider) endpointFault(ctx context.Context, cfg Config, err error, refresh bool) error {
	var r *oauth2.RetrieveError
	if errors.As(err, &r) {
		cfg.learn(r.Body)
	}
	switch {
	case errors.As(err, &r) && r.ErrorCode != "":
		return refusal{r.ErrorCode, r.ErrorDescription, r.ErrorURI, refresh}.explain(cfg, p.meta)
	case errors.As(err, &r) && plainRefusal(r.Body).code != "":
		return plainRefusal(r.Body).of(refresh).explain(cfg, p.meta)
	case errors.As(err, &r):
		return statusFault(p.oidc.Endpoint().TokenURL, r.Response)
	case isNetwork(err):
		return networkFault(ctx, p.oidc.Endpoint().TokenURL, err)
	}
	return fault.New(fault.Failed, "the token endpoint of %s answered something that is no token response", hostOf(cfg.Issuer)).
		WithHint("a proxy may be in the way, or the issuer is not OpenID Connect")
}

// learn notes the tokens in a refusal, which has no business to have any.
func (c Config) learn(body []byte) {
	var t struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
	}
	if json.Unmarshal(body, &t) == nil {
		c.known.Add(secret.New(t.Access), secret.New(t.Refresh), secret.New(t.ID))
	}
}

// plainRefusal is the error in an answer that does not say that it is JSON.
func plainRefusal(body []byte) refusal {
	var e struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		URI         string `json:"error_uri"`
	}
	if json.Unmarshal(body, &e) != nil {
		return refusal{}
	}
	return refusal{code: e.Error, description: e.Description, uri: e.URI}
}

func (r refusal) of(refresh bool) refusal {
	r.refresh = refresh
	return r
}

// statusFault is for answers that are no OAuth 2.0 errors.
func statusFault(address string, resp *http.Response) error {
	status := &statusError{resp.StatusCode, resp.Header.Get("Retry-After")}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return status.busy(address)
	case resp.StatusCode >= 500:
		return fault.New(fault.Network, "%s answers %s", hostOf(address), status).WithHint("try again later")
	}
	return fault.New(fault.Failed, "%s answers %s, and no OAuth 2.0 error", hostOf(address), status)
}

// busy words 429 Too Many Requests.
func (e *statusError) busy(address string) error {
	f := fault.New(fault.Network, "%s has had too many requests (%s)", hostOf(address), e)
	if e.after != "" {
		return f.WithHint("try again after: %s", iostreams.Visible(clip(e.after)))
	}
	return f.WithHint("try again later")
}
