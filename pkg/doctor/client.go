package doctor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/source"
)

// client asks the authorization endpoint about the client and each of its
// redirect URIs, as a browser without cookies would.
func (e *examination) client(ctx context.Context, d *document) []Finding {
	if e.ClientID == "" {
		return one(skipped("client", "no client id is set"))
	}
	var checks []func(context.Context) []Finding
	for _, uri := range e.RedirectURIs {
		checks = append(checks, func(ctx context.Context) []Finding { return one(e.authorization(ctx, d, uri)) })
	}
	return e.together(ctx, checks...)
}

// authorization makes an authorization request that logs nobody in. With prompt
// none an issuer shows no page, and without cookies it has nobody to answer for
// (OpenID Connect Core section 3.1.2.6). Its max_age is none, too, which is found
// last: an issuer that would log in whoever comes, as a stand-in may, refuses that
// after it has looked at all the rest.
func (e *examination) authorization(ctx context.Context, d *document, uri string) Finding {
	f := Finding{Check: "client", Subject: uri, Result: Warning}
	u := asked(d.authorization)
	q := u.Query()
	sum := sha256.Sum256([]byte(random()))
	for k, v := range map[string]string{
		"client_id": e.ClientID, "redirect_uri": uri, "response_type": "code",
		"scope": strings.Join(withOpenID(e.Scopes), " "), "state": random(), "nonce": random(),
		"code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method": "S256",
		"prompt": "none", "max_age": "-1", "resource": e.Resource,
	} {
		if v != "" {
			q.Set(k, v)
		}
	}
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		f.What = "the authorization endpoint is no URL"
		return f
	}
	a, err := e.do(ctx, req, func(next *url.URL) bool { return sameHost(u, next) && !answersTo(next, uri) })
	if err != nil {
		return e.unreachable("client", u, err)
	}
	if a.stopped {
		return e.redirected(f, a, uri)
	}
	return e.shown(f, a, uri)
}

func withOpenID(scopes []string) []string {
	if slices.Contains(scopes, "openid") {
		return scopes
	}
	return append([]string{"openid"}, scopes...)
}

func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// answersTo reports whether a URL is an answer to a redirect URI.
func answersTo(u *url.URL, uri string) bool {
	r, err := url.Parse(uri)
	return err == nil && u.Scheme == r.Scheme && strings.EqualFold(u.Host, r.Host) && u.Path == r.Path
}

// redirected reads an answer that is a redirect.
func (e *examination) redirected(f Finding, a *answer, uri string) Finding {
	f.Result, f.What = OK, "the issuer knows the client and "+uri
	next, err := a.url.Parse(a.header.Get("Location"))
	if err != nil || !answersTo(next, uri) {
		if err == nil && next.Host != "" {
			f.Details = []string{"the login goes on at " + clip(next.Host)}
		}
		return f
	}
	q := next.Query()
	if next.RawQuery == "" {
		q, _ = url.ParseQuery(next.Fragment)
	}
	code, description := q.Get("error"), q.Get("error_description")
	said := clip(strings.TrimSpace(code + " " + description))
	bad := func(what, why, change string) Finding {
		f.Result, f.What, f.Why, f.Change = Failed, what, why, change
		f.Details = []string{"the issuer says: " + said}
		return f
	}
	switch code {
	case "", "invalid_request", "login_required", "interaction_required", "consent_required", "account_selection_required":
		// The first is for max_age, the others are for prompt.
		return f
	case "invalid_scope":
		return bad("the issuer refuses a scope of: "+strings.Join(e.Scopes, ", "), "every login ends with this error",
			"take the scope out of scopes; offline_access is one that OneLogin refuses")
	case "invalid_target":
		return bad("the issuer does not know the resource "+clip(e.Resource), "every login ends with this error",
			"in OneLogin: Developers, API Authorization: check the identifier, and that the app is among its clients; or leave resource out")
	case "unauthorized_client", "unsupported_response_type":
		return bad("the client may not use the code flow", "no other flow is safe, so none is used",
			"in OneLogin: the app's Configuration; it must be of the kind OpenId Connect (OIDC)")
	}
	f = bad("the issuer refuses this request", "logins may end the same way", "look the error up in the issuer's documentation")
	f.Result = Warning
	return f
}

// shown reads an answer that is a page: the login page, or one that says what is
// wrong. The texts are OneLogin's.
func (e *examination) shown(f Finding, a *answer, uri string) Finding {
	text := strings.ToLower(string(a.body))
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	switch {
	case says("redirect_uri_mismatch", "redirect_uri did not match", "redirect_uri_not_allowed", "invalid redirect_uri", "invalid_redirect_uri"):
		f.Result, f.What = Failed, "this redirect URI is not registered for the client: "+uri
		f.Why = "the login ends at the issuer with an error page, and nothing comes back"
		f.Change = "in OneLogin: Applications, the app, Configuration, Redirect URI's: add exactly this, on a line of its own, and save; it takes up to 10 minutes to work: " + uri
		f.Terraform = terraform(fmt.Sprintf("redirect_uri = %q", strings.Join(e.RedirectURIs, "\n")))
	case a.status >= 400 && says("invalid_client", "client is invalid", "unknown client", "client not found"), says("client is invalid"):
		f.unknown = true
		f.Result, f.What = Failed, "the issuer does not know the client "+clip(e.ClientID)
		f.Why = "nobody can log in with it"
		f.Change = "in OneLogin: Applications, the app, SSO: copy the Client ID and set client_id; check, too, that subdomain is that of the app"
	case a.status >= 500 || a.status == http.StatusTooManyRequests:
		f.What, f.Network = fmt.Sprintf("the authorization endpoint answers %d %s", a.status, http.StatusText(a.status)), true
		f.Why, f.Change = "whether the client and the redirect URI are known was not to be seen", "try again later"
	case a.status >= 400:
		f.What = fmt.Sprintf("the authorization endpoint answers %d %s", a.status, http.StatusText(a.status))
		f.Why, f.Change = "a login may end there", "compare client_id and redirect_uris with the app's SSO and Configuration tabs in OneLogin"
		if words := errorOf(a.body); words != "" {
			f.Details = []string{"the issuer says: " + words}
		}
	default:
		f.Result, f.What = OK, "the issuer knows the client and "+uri
	}
	return f
}

// errorOf is the OAuth error in a JSON body, if there is one.
func errorOf(body []byte) string {
	n, err := source.JSON("answer", body)
	if err != nil {
		return ""
	}
	var parts []string
	for _, key := range []string{"error", "error_description"} {
		if v := n.Get(key); v != nil && v.Kind == source.String {
			parts = append(parts, v.Text)
		}
	}
	return clip(strings.Join(parts, ": "))
}

// clientAuth sees whether the token endpoint takes the client's authentication,
// with a code that nobody ever got: whoever says so has taken the client for who
// it says it is.
func (e *examination) clientAuth(ctx context.Context, d *document) Finding {
	const check = "client_auth"
	if e.ClientID == "" || e.RedirectURIs == nil {
		return skipped(check, "no client id is set")
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {random()}, "code_verifier": {random()},
		"redirect_uri": {e.RedirectURIs[0]},
	}
	var password string
	if e.Auth != "none" {
		s, err := e.Secret(ctx)
		if err != nil {
			return noSecret(check, err)
		}
		password = s.Reveal()
	}
	if e.Auth != "basic" {
		form.Set("client_id", e.ClientID)
	}
	if e.Auth == "post" {
		form.Set("client_secret", password)
	}
	u := asked(d.token)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return skipped(check, "the token endpoint is no URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if e.Auth == "basic" { // form-encoded first: RFC 6749 section 2.3.1
		req.SetBasicAuth(url.QueryEscape(e.ClientID), url.QueryEscape(password))
	}
	a, err := e.do(ctx, req, func(*url.URL) bool { return false })
	if err != nil {
		return e.unreachable(check, u, err)
	}
	return e.tokenAnswer(a)
}

// noSecret is the finding where there is no client secret, or none that may be
// sent.
func noSecret(check string, err error) Finding {
	f := Finding{
		Check: check, Result: Failed, What: clip(err.Error()), Why: "the issuer gives no tokens without it",
		Change: "set GATEPASS_CLIENT_SECRET, or client_secret_command in your own settings",
	}
	var hinted *fault.Error
	if errors.As(err, &hinted) && hinted.Hint != "" {
		f.Change = hinted.Hint
	}
	return f
}

// tokenAnswer reads what the token endpoint says to a code that is none.
func (e *examination) tokenAnswer(a *answer) Finding {
	f := Finding{Check: "client_auth", Result: Warning}
	said := errorOf(a.body)
	code, _, _ := strings.Cut(said, ":")
	switch {
	case code == "invalid_grant", code == "invalid_request" && a.status == http.StatusBadRequest:
		return ok("client_auth", "the token endpoint takes client authentication "+e.Auth)
	case code == "invalid_client", a.status == http.StatusUnauthorized:
		f.Result, f.What = Failed, "the token endpoint refuses client authentication "+e.Auth+" of this client"
		f.Why = "the browser part of a login works, and then there are no tokens"
		f.Change = "in OneLogin: Applications, the app, SSO, Token Endpoint, Authentication Method: an app has exactly one; set it to " +
			portalName(e.Auth) + ", or client_auth to what it says"
		if e.Auth != "none" {
			f.Change += "; and compare the client secret"
		}
		f.Terraform = terraform(fmt.Sprintf("token_endpoint_auth_method = %q # %s", terraformAuth(e.Auth), portalName(e.Auth)))
	case a.status >= 500 || a.status == http.StatusTooManyRequests:
		f.What, f.Network = fmt.Sprintf("the token endpoint answers %d %s", a.status, http.StatusText(a.status)), true
		f.Why, f.Change = "a login needs it", "try again later"
	case code == "unauthorized_client", code == "unsupported_grant_type":
		f.Result, f.What = Failed, "the client may not use the code flow"
		f.Why, f.Change = "a login ends without tokens", "in OneLogin: the app must be of the kind OpenId Connect (OIDC)"
	default:
		f.What = fmt.Sprintf("the token endpoint answers %d %s", a.status, http.StatusText(a.status))
		f.Why, f.Change = "it is not what an OAuth 2.0 token endpoint says to a wrong code", "check the issuer"
	}
	if said != "" {
		f.Details = []string{"the issuer says: " + said}
	}
	return f
}

// portalName is how OneLogin's portal calls a method.
func portalName(auth string) string {
	switch auth {
	case "post":
		return "POST"
	case "basic":
		return "Basic"
	}
	return "None (PKCE)"
}

// terraformAuth is the number of a method in OneLogin's API.
func terraformAuth(auth string) string {
	switch auth {
	case "post":
		return "1"
	case "basic":
		return "0"
	}
	return "2"
}

// terraform is a fragment for a OneLogin app.
func terraform(line string) string {
	return "resource \"onelogin_oidc_apps\" \"gatepass\" {\n  configuration = {\n    " + line + "\n  }\n}"
}
