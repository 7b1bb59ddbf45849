package doctor

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/loopback"
	"gatepass/pkg/netfault"
	"gatepass/pkg/source"
)

// wellKnown is where the discovery document is, behind the issuer (OpenID Connect
// Discovery section 4).
const wellKnown = "/.well-known/openid-configuration"

// document is what the issuer says of itself.
type document struct {
	issuer, authorization, token, keys string
	challenges, methods, scopes, types []string
	names                              bool // itself in its answers (RFC 9207)
	pushed                             bool // it wants every authorization request (RFC 9126)
}

// atIssuer asks the issuer.
func (e *examination) atIssuer(ctx context.Context) []Finding {
	if e.issuer == nil {
		return one(skipped("discovery", "there is no issuer to ask"))
	}
	a, err := e.get(ctx, strings.TrimSuffix(e.Issuer, "/")+wellKnown)
	if err != nil {
		check := "discovery"
		f := e.unreachable(check, e.issuer, err)
		if len(f.Details) > 0 {
			f.Check = "tls"
		}
		return []Finding{f, skipped("client", "the issuer could not be asked")}
	}
	all := append(e.secure(a), e.clock(a))
	d, f := e.discovery(a)
	all = append(all, f)
	if d == nil {
		return append(all, skipped("client", "without a discovery document nothing more can be asked"))
	}
	all = append(append(all, e.offered(d)...), e.sharing(d)...)
	found := e.together(ctx,
		func(ctx context.Context) []Finding { return one(e.keySet(ctx, d)) },
		func(ctx context.Context) []Finding { return e.client(ctx, d) },
		func(ctx context.Context) []Finding { return one(e.clientAuth(ctx, d)) },
	)
	if last := len(found) - 1; slices.ContainsFunc(found, func(f Finding) bool { return f.unknown }) {
		found[last] = skipped(found[last].Check, "the issuer does not know the client")
	}
	return append(all, found...)
}

// secure looks at the certificates of a connection that was trusted.
func (e *examination) secure(a *answer) []Finding {
	if a.tls == nil {
		f := ok("tls", "http, which stays on this machine")
		if !loopback.Is(a.url.Hostname()) {
			f = Finding{
				Check: "tls", Result: Failed, What: "the issuer is asked without TLS: " + a.url.Host,
				Why: "anybody on the way reads and changes what is said", Change: "write the issuer with https://",
			}
		}
		return one(f)
	}
	chain := a.tls.PeerCertificates
	if len(a.tls.VerifiedChains) > 0 {
		chain = a.tls.VerifiedChains[0]
	}
	f := ok("tls", "the certificate is trusted; the chain ends with "+netfault.Signer(chain))
	f.Details = chainOf(chain)
	if who := interceptor(chain); who != "" {
		f.What = "the certificate is trusted, and is by " + who + ", which looks into the connections of this network"
	}
	if soon := expiresSoon(chain, e.Now()); soon != "" {
		f.Result, f.What = Warning, soon
		f.Why, f.Change = "after that nobody can log in", "tell who runs the issuer"
	}
	return one(f)
}

// expiresSoon says which certificate is about to expire. Servers renew theirs a
// week before at the latest.
func expiresSoon(chain []*x509.Certificate, now time.Time) string {
	for _, c := range chain {
		if left := c.NotAfter.Sub(now); left < 3*24*time.Hour {
			return fmt.Sprintf("the certificate %s expires on %s", clip(nameOf(c.Subject.CommonName, c.Subject.String())), c.NotAfter.Format(time.DateTime))
		}
	}
	return ""
}

// maxSkew is the difference of clocks that is not worth a word.
const maxSkew = 30 * time.Second

// clock compares the clocks, by the Date header of an answer.
func (e *examination) clock(a *answer) Finding {
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil || a.header.Get("Age") != "" && a.header.Get("Age") != "0" {
		return skipped("clock", "the issuer's answer does not say what time it is there")
	}
	// The header has whole seconds: on average it is half a second behind.
	skew := a.asked.Sub(date.Add(time.Second / 2)).Round(time.Second)
	if skew.Abs() <= maxSkew {
		return ok("clock", "this machine's clock agrees with the issuer's")
	}
	way := "ahead of"
	if skew < 0 {
		way = "behind"
	}
	return Finding{
		Check: "clock", Result: Warning, What: fmt.Sprintf("this machine's clock is %s %s the issuer's", skew.Abs(), way),
		Why:    "tokens seem to be expired, or not valid yet, when they are good",
		Change: "set the clock by the network: timedatectl set-ntp true, or the system's settings; a virtual machine may need to be restarted",
	}
}

// lookAtIssuer is what to do about an issuer that does not look like one.
const lookAtIssuer = "check the issuer: OneLogin's look like https://SUBDOMAIN.onelogin.com/oidc/2"

// discovery reads the document, and compares the issuer in it. Without a document
// to go on with, it is nil.
func (e *examination) discovery(a *answer) (*document, Finding) {
	f := Finding{Check: "discovery", Result: Failed, Why: "without its discovery document nobody can log in", Change: lookAtIssuer}
	if !mayBeDocument(&f, a) {
		return nil, f
	}
	where := a.url.Redacted()
	n, err := source.JSON("the discovery document", a.body)
	switch {
	case err == nil && n.Kind == source.Object:
		return e.compare(readDocument(n), f)
	case looksHTML(a):
		f.What = "the answer of " + where + " is a web page, and no discovery document"
		f.Change += "; on a guest network, log in to the network first"
	default:
		f.What = "the answer of " + where + " is not JSON"
	}
	return nil, f
}

// mayBeDocument reports whether an answer may be a document; why not is put into
// the finding.
func mayBeDocument(f *Finding, a *answer) bool {
	where := a.url.Redacted()
	answers := fmt.Sprintf("%s answers %d %s", where, a.status, http.StatusText(a.status))
	switch {
	case a.stopped:
		f.What = where + " redirects to where it is not safe to follow: " + clip(a.header.Get("Location"))
	case a.status >= 500 || a.status == http.StatusTooManyRequests:
		f.What, f.Change, f.Network = answers, "try again later", true
	case a.status == http.StatusProxyAuthRequired:
		f.What, f.Change, f.Network = "the proxy wants a user name and password", "write them into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT", true
	case a.status != http.StatusOK:
		f.What = "there is no discovery document: " + answers
	default:
		return true
	}
	return false
}

// compare compares the issuer with the one asked for, and looks at where the
// issuer sends people. The finding is for what is wrong.
func (e *examination) compare(d *document, f Finding) (*document, Finding) {
	switch {
	case d.issuer == "":
		f.What = "the discovery document names no issuer"
		return nil, f
	case d.issuer != e.Issuer:
		f.What = fmt.Sprintf("the issuer calls itself %q, and is %q in the settings", clip(d.issuer), e.Issuer)
		f.Why = "the two must be equal to the letter, or a token of one issuer would pass for another's"
		f.Change = "if you mean that issuer, set: issuer: " + clip(d.issuer)
		return nil, f
	}
	good := ok("discovery", "the issuer is who it should be, to the letter")
	for _, x := range [][2]string{{"authorization_endpoint", d.authorization}, {"token_endpoint", d.token}, {"jwks_uri", d.keys}} {
		u := asked(x[1])
		if u == nil || u.Scheme == "http" && !loopback.Is(u.Hostname()) {
			f.What = fmt.Sprintf("the issuer's %s is %q", x[0], clip(x[1]))
			f.Change = "tell who runs the issuer: it must be an https URL"
			return nil, f
		}
		if !strings.EqualFold(u.Host, e.issuer.Host) {
			good.Details = append(good.Details, "its "+x[0]+" is at another host: "+clip(u.Host))
		}
	}
	return d, good
}

func looksHTML(a *answer) bool {
	return strings.Contains(strings.ToLower(a.header.Get("Content-Type")), "html") || strings.HasPrefix(strings.TrimSpace(string(a.body[:min(len(a.body), 200)])), "<")
}

func readDocument(n *source.Node) *document {
	text := func(key string) string {
		if v := n.Get(key); v != nil && v.Kind == source.String {
			return v.Text
		}
		return ""
	}
	list := func(key string) []string {
		var all []string
		if v := n.Get(key); v != nil {
			for _, it := range v.Items {
				all = append(all, it.Text)
			}
		}
		return all
	}
	says := func(key string) bool {
		v := n.Get(key)
		return v != nil && v.Kind == source.Bool && v.Text == "true"
	}
	return &document{
		names: says("authorization_response_iss_parameter_supported"), pushed: says("require_pushed_authorization_requests"),
		issuer: text("issuer"), authorization: text("authorization_endpoint"), token: text("token_endpoint"), keys: text("jwks_uri"),
		challenges: list("code_challenge_methods_supported"), methods: list("token_endpoint_auth_methods_supported"),
		scopes: list("scopes_supported"), types: list("response_types_supported"),
	}
}

// sharing looks at redirect URIs that answers of several issuers come to.
func (e *examination) sharing(d *document) []Finding {
	if len(e.Sharing) == 0 || d.names {
		return nil
	}
	return one(Finding{
		Check: "mix_up", Result: Warning,
		What:   "the answers of another issuer come to the same redirect URI, and this one does not name itself in its own",
		Why:    "whoever runs the other issuer can send a person on from there to this one, and is given the code that comes back (RFC 9700 section 4.4)",
		Change: "register a redirect URI for each issuer, with a path of its own, and set redirect_uris in each profile", Details: e.Sharing,
	})
}

// offered compares what is needed with what the issuer says it has.
func (e *examination) offered(d *document) []Finding {
	var all []Finding
	add := func(check string, r Result, what, why, change string) {
		all = append(all, Finding{Check: check, Result: r, What: what, Why: why, Change: change})
	}
	switch {
	case len(d.types) > 0 && !slices.Contains(d.types, "code"):
		add("pkce", Failed, "the issuer does not offer the code flow", "no other flow is safe, so none is used", "ask who runs the issuer for response type code")
	case len(d.challenges) == 0:
		add("pkce", Warning, "the issuer does not say whether it takes PKCE with S256", "PKCE keeps a stolen code from being of use; it is sent all the same", "ask who runs the issuer")
	case !slices.Contains(d.challenges, "S256"):
		add("pkce", Failed, "the issuer takes PKCE with "+clip(strings.Join(d.challenges, ", "))+" and not with S256", "nothing weaker than S256 is sent", "ask who runs the issuer")
	default:
		add("pkce", OK, "the issuer takes PKCE with S256", "", "")
	}
	if d.pushed {
		add("client", Failed, "the issuer wants authorization requests to be pushed to it (PAR)", "gatepass does not do that, so every login is refused",
			"ask who runs the issuer to take others from this client; OneLogin does")
	}
	// Without the member it is client_secret_basic (OpenID Connect Discovery section 3).
	methods := d.methods
	if len(methods) == 0 {
		methods = []string{"client_secret_basic"}
	}
	if want := methodName(e.Auth); !slices.Contains(methods, want) {
		add("auth_method", Failed, fmt.Sprintf("the issuer does not offer client authentication %s (%s)", e.Auth, want),
			"getting the tokens fails after the login", "it offers "+clip(strings.Join(methods, ", "))+": set client_auth to that of the app")
	} else {
		add("auth_method", OK, fmt.Sprintf("the issuer offers client authentication %s (%s)", e.Auth, want), "", "")
	}
	var unknown []string
	for _, s := range e.Scopes {
		if len(d.scopes) > 0 && !slices.Contains(d.scopes, s) {
			unknown = append(unknown, s)
		}
	}
	switch {
	case slices.Contains(unknown, "offline_access"):
		add("scopes", Failed, "the scope offline_access is not offered", "OneLogin answers invalid_scope to it", "take it out of scopes: OneLogin gives a refresh token without it")
	case len(unknown) > 0 && e.Resource == "":
		add("scopes", Warning, "the issuer does not list these scopes: "+strings.Join(unknown, ", "), "it may answer invalid_scope, or leave them out", "it lists "+clip(strings.Join(d.scopes, ", ")))
	default:
		add("scopes", OK, "scopes "+strings.Join(e.Scopes, ", "), "", "")
	}
	return all
}

// methodName is the name of a method of client authentication in OpenID Connect.
func methodName(auth string) string {
	switch auth {
	case "post":
		return "client_secret_post"
	case "basic":
		return "client_secret_basic"
	}
	return "none"
}

// keySet reads the keys that signatures are checked with.
func (e *examination) keySet(ctx context.Context, d *document) Finding {
	a, err := e.get(ctx, d.keys)
	u := asked(d.keys)
	if err != nil {
		return e.unreachable("keys", u, err)
	}
	f := Finding{
		Check: "keys", Result: Failed, Why: "without its keys no token of the issuer can be verified",
		Change: "tell who runs the issuer",
	}
	switch {
	case a.status >= 500:
		f.What, f.Change, f.Network = fmt.Sprintf("%s answers %d %s", u.Redacted(), a.status, http.StatusText(a.status)), "try again later", true
		return f
	case a.status != http.StatusOK:
		f.What = fmt.Sprintf("%s answers %d %s", u.Redacted(), a.status, http.StatusText(a.status))
		return f
	}
	n, err := e.Keys(u.Redacted(), a.body)
	switch {
	case err != nil:
		f.What = "the key set cannot be read: " + clip(err.Error())
	case n == 0:
		f.What = "there is no key in " + u.Redacted() + " that signatures can be checked with"
	case n == 1:
		return ok("keys", "the key set has one key to check signatures with")
	default:
		return ok("keys", fmt.Sprintf("the key set has %d keys to check signatures with", n))
	}
	return f
}

func sameHost(a, b *url.URL) bool { return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) }
