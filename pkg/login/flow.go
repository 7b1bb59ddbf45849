package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"gatepass/pkg/crash"
	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// flow is one login under way: the values that bind its answer to this process,
// each used once (RFC 9700 section 2.1).
type flow struct {
	cfg      Config
	provider *provider
	oauth    *oauth2.Config
	asked    assurance

	state, nonce, verifier string

	answered atomic.Bool   // an answer with the right state has been taken
	ended    chan struct{} // closed when nobody waits any more
}

func newFlow(cfg Config, p *provider, redirectURI string) *flow {
	return &flow{
		cfg: cfg, provider: p, oauth: cfg.oauth(p, redirectURI), asked: assured(cfg, p.meta),
		state: random(), nonce: random(), verifier: oauth2.GenerateVerifier(),
		ended: make(chan struct{}),
	}
}

// random is 256 bits that nobody can guess.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// authURL is the authorization request. It is taken apart and put together
// again, so that what a browser's launcher is given is a plain URL, whatever the
// issuer's discovery document says.
func (f *flow) authURL() (string, error) {
	opts := []oauth2.AuthCodeOption{
		oauth2.S256ChallengeOption(f.verifier),
		oauth2.SetAuthURLParam("nonce", f.nonce),
	}
	for _, p := range []struct{ name, value string }{
		{"resource", f.cfg.Resource},
		{"prompt", f.asked.prompt},
		{"max_age", f.asked.maxAge()},
		{"login_hint", f.cfg.LoginHint},
		{"acr_values", strings.Join(f.asked.acr, " ")},
		{"response_mode", f.responseMode()},
	} {
		if p.value != "" {
			opts = append(opts, oauth2.SetAuthURLParam(p.name, p.value))
		}
	}
	raw := f.oauth.AuthCodeURL(f.state, opts...)
	if err := checkURL("the authorization endpoint", raw); err != nil {
		return "", theirs(err)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", fault.New(fault.Usage, "the authorization endpoint is no URL: %w", err)
	}
	// The endpoint may have parameters of its own, but none of ours: they must not
	// be there twice (RFC 6749 section 3.1). Ours come last.
	q := u.Query()
	for name, values := range q {
		q.Set(name, values[len(values)-1])
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func (f *flow) responseMode() string {
	if f.cfg.FormPost {
		return "form_post"
	}
	return ""
}

// answer is what came back with the right state.
type answer struct {
	code string
	err  error // the issuer's refusal
	// done is told the outcome, so that whoever brought the answer can show it.
	done chan<- error
}

// stray is why an answer was not taken. The wait goes on.
type stray string

func (s stray) Error() string { return string(s) }

// The strays.
const (
	strayState  stray = "the answer is not to this login: its state is missing or wrong"
	strayRepeat stray = "the answer has a parameter twice"
	strayUsed   stray = "this login has been answered already"
)

// take reads the parameters of an answer. The state is looked at before anything
// else, for refusals too, and in constant time: without it anybody who can make
// the browser open a page could end the login or log the user in as themselves.
func (f *flow) take(q url.Values) (answer, error) {
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(f.state)) != 1 {
		return answer{}, strayState
	}
	// RFC 6749 section 3.1: parameters must not be included more than once.
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(q[name]) > 1 {
			return answer{}, strayRepeat
		}
	}
	if !f.answered.CompareAndSwap(false, true) {
		return answer{}, strayUsed
	}
	switch {
	case !f.fromIssuer(q):
		return answer{err: fault.New(fault.Failed, "the answer is not from %s: it says its issuer is %q", f.cfg.Issuer, clip(q.Get("iss"))).
			WithHint("the login was stopped: another issuer answering may be an attack")}, nil
	case q.Get("error") != "":
		return answer{err: f.explain(refusal{code: q.Get("error"), description: q.Get("error_description"), uri: q.Get("error_uri")})}, nil
	case q.Get("code") == "":
		return answer{err: fault.New(fault.Failed, "the answer of %s has neither a code nor an error", f.cfg.Issuer)}, nil
	}
	return answer{code: q.Get("code")}, nil
}

// fromIssuer checks the "iss" of an answer (RFC 9207 section 2.4): right when it
// is there, and there when the issuer says that it sends it.
func (f *flow) fromIssuer(q url.Values) bool {
	if !q.Has("iss") {
		return !f.provider.meta.SendsIssuer
	}
	return q.Get("iss") == f.cfg.Issuer
}

// run waits for an answer and makes tokens of it.
func (f *flow) run(ctx context.Context, ln *listener, ui UI) (token.Set, token.Claims, error) {
	address, err := f.authURL()
	if err != nil {
		return token.Set{}, token.Claims{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer)
	defer ln.serve(ctx, &callback{flow: f, uri: ln.uri, forms: f.cfg.FormPost, answers: answers})()
	defer close(f.ended) // before the server waits for its last page

	if ui.Waiting != nil {
		r := Request{URL: address, RedirectURI: ln.redirectURI, Until: f.cfg.Now().Add(f.cfg.Timeout)}
		if ln.certificate != nil {
			r.Fingerprint = Fingerprint(ln.certificate)
		}
		ui.Waiting(r)
	}
	opened := make(chan error, 1) // nobody may be there any more to take it
	if ui.Open != nil {
		go func() {
			var err error
			mistake := crash.Catch(func() { err = ui.Open(ctx, address) })
			opened <- cmp.Or(mistake, err)
		}()
	}
	a, err := f.wait(ctx, answers, opened, ui)
	if err != nil {
		return token.Set{}, token.Claims{}, err
	}
	set, claims, err := f.finish(ctx, a)
	a.done <- err
	return set, claims, err
}

// wait returns the first answer with the right state.
func (f *flow) wait(ctx context.Context, answers <-chan answer, opened <-chan error, ui UI) (answer, error) {
	limit := time.NewTimer(f.cfg.Timeout)
	defer limit.Stop()
	pasted := ui.Pasted
	var p pasteboard
	for {
		select {
		case a := <-answers:
			return a, nil
		case text, ok := <-pasted:
			if !ok {
				pasted = nil
				continue
			}
			q, err := p.answer(text)
			if err == nil {
				var a answer
				if a, err = f.take(q); err == nil {
					a.done = make(chan error, 1)
					return a, nil
				}
			}
			ui.note(err.Error())
		case err := <-opened:
			if err != nil {
				ui.note(fmt.Sprintf("the browser could not be opened: %v", err))
			}
		case <-limit.C:
			return answer{}, f.late()
		case <-ctx.Done():
			return answer{}, interrupted(ctx)
		}
	}
}

// late is the error of a wait that nobody ended. What OneLogin does about a
// redirect URI that it does not know can be seen in the browser only.
func (f *flow) late() error {
	return fault.New(fault.Network, "nobody completed the login within %s", f.cfg.Timeout).
		WithHint("if the browser shows an error about redirect_uri, add exactly this line to the app's Redirect URIs in OneLogin:\n"+
			"  %s\nchanges take up to 10 minutes there. Otherwise try again, with more time: --timeout 15m", f.oauth.RedirectURL)
}

// finish exchanges the code and checks everything (OpenID Connect Core sections
// 3.1.3.3 and 3.1.3.7).
func (f *flow) finish(ctx context.Context, a answer) (token.Set, token.Claims, error) {
	if a.err != nil {
		return token.Set{}, token.Claims{}, a.err
	}
	f.cfg.known.Add(secret.New(a.code), secret.New(f.verifier))
	opts := []oauth2.AuthCodeOption{oauth2.VerifierOption(f.verifier)}
	if f.cfg.Resource != "" {
		opts = append(opts, oauth2.SetAuthURLParam("resource", f.cfg.Resource))
	}
	tok, err := f.oauth.Exchange(f.provider.context(ctx), a.code, opts...)
	if err != nil {
		return token.Set{}, token.Claims{}, f.provider.tokenFault(ctx, f.cfg, err)
	}
	set, claims, err := f.provider.tokens(ctx, f.cfg, tok, f.nonce)
	if err == nil {
		err = f.wanted(claims)
	}
	if err != nil {
		return token.Set{}, token.Claims{}, err
	}
	return set, claims, nil
}

func (f *flow) explain(r refusal) error { return r.explain(f.cfg, f.provider.meta) }
