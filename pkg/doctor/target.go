package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/crash"
	"gatepass/pkg/fault"
	"gatepass/pkg/policy"
	"gatepass/pkg/token"
)

// login looks at what is stored, with what the store says of its files, and at
// the keyring, which may be needed for it.
func (e *examination) login(ctx context.Context) []Finding {
	l, err := e.Login()
	return append(e.keyring(ctx, l), e.stored(l, err)...)
}

func (e *examination) stored(l Login, err error) []Finding {
	if err != nil {
		f := Finding{
			Check: "login", Result: Failed, What: err.Error(),
			Why: "tokens are used only from files that nobody else can have read or written",
		}
		var hinted *fault.Error
		if errors.As(err, &hinted) {
			f.Change = hinted.Hint
		}
		return one(f)
	}
	switch {
	case l.Name == "" && l.Expiry.IsZero() && !l.LoggedIn:
		return one(skipped("login", "nobody is logged in with this profile: gatepass login"))
	case !l.LoggedIn:
		return one(skipped("login", "the login of "+clip(l.Name)+" has ended: gatepass login"))
	}
	f := ok("login", "logged in as "+clip(l.Name)+", kept in "+l.Where)
	switch {
	case l.Renewed:
		f.Details = []string{"renewed without a login when it is needed"}
	case !l.Expiry.IsZero():
		f.Details = []string{"until " + l.Expiry.Local().Format(time.DateTime)}
	}
	return one(f)
}

// keyringLimit is how long the keyring may take. One that is locked asks somebody,
// who may not be there.
const keyringLimit = 3 * time.Second

// keyring sees whether the system's keyring can be read. That is no mistake where
// it cannot, unless it is asked for or has the key of the login.
func (e *examination) keyring(ctx context.Context, l Login) []Finding {
	f := Finding{Check: "keyring", Result: Skipped, What: "there is no keyring that can be used here: tokens are kept in a file that only you can read"}
	if e.Store == "file" || e.Store == "memory" {
		f.What = "not asked for: the settings say store: " + e.Store
		return one(f)
	}
	err := errors.New("there is none on this machine")
	if e.Keyring != nil {
		err = e.readKeyring(ctx)
	}
	switch {
	case err == nil:
		return one(ok("keyring", "the system's keyring can be used"))
	case e.Store == "keyring" || l.Store == "keyring":
		f.Result, f.What = Failed, "the system's keyring cannot be used: "+clip(err.Error())
		f.Why = "the key of the stored tokens is in it"
		f.Change = "unlock it, or start its service (on Linux a Secret Service on the session's D-Bus); or keep the tokens in a file: gatepass login --force --store file"
	}
	return one(f)
}

func (e *examination) readKeyring(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keyringLimit)
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		var err error
		// A service may answer with other types than it should.
		if crash.Catch(func() { err = e.Keyring() }) != nil {
			err = errors.New("its service answers nonsense")
		}
		answer <- err
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("it did not answer within %s", keyringLimit)
	}
}

// atAPI asks the API without a token: that it is reached, and what stands in
// front of it, is to be seen without one.
func (e *examination) atAPI(ctx context.Context) []Finding {
	switch {
	case e.API.URL == "":
		return one(skipped("api", "no API is set (api.url)"))
	case e.api == nil:
		return one(Finding{Check: "api", Result: Failed, What: "the API is no URL: " + clip(e.API.URL), Why: "it cannot be called", Change: "set api.url to its base URL with the stage"})
	}
	given := e.API.Path != ""
	path := "/" + strings.TrimLeft(e.API.Path, "/")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(e.api.String(), "/")+path, nil)
	if err != nil {
		return one(Finding{Check: "api", Result: Failed, What: "no request can be made to " + clip(path), Why: "it cannot be called", Change: "a path looks like /orders"})
	}
	a, err := e.do(ctx, req, func(*url.URL) bool { return false })
	if err != nil {
		return one(e.unreachable("api", e.api, err))
	}
	return one(e.apiAnswer(a, path, given))
}

// apiAnswer reads what the API says. For a path that nobody named, that it has no
// route is no mistake.
func (e *examination) apiAnswer(a *answer, path string, given bool) Finding {
	said := fmt.Sprintf("GET %s without a token: %d %s", path, a.status, http.StatusText(a.status))
	f := Finding{Check: "api", Subject: e.api.Host, Result: Warning, What: said}
	if a.status < 400 {
		f.Result = OK
		f.Details = []string{"this route is open to everybody: no authorizer stands in front of it"}
		if given {
			f.Result, f.Why = Warning, "whoever knows the address is let in"
			f.Change = "if that is not meant: set an authorizer in the route's Method request, and deploy the API"
		}
		return f
	}
	causes := apigw.ExplainResponse(apigw.Seen{
		Method: http.MethodGet, Path: path, TokenHeader: e.API.Header,
		Status: a.status, Header: a.header, Body: a.body[:min(len(a.body), 64<<10)],
	})
	if len(causes) == 0 {
		return f
	}
	best := causes[0]
	if best.Meaning != "" {
		f.Details = []string{best.Meaning}
	}
	fine := []string{"missing-token", "jwt-missing", "http-missing-source", "authorizer-unauthorized"}
	noRoute := []string{"no-route", "http-no-route"}
	switch {
	case slices.Contains(fine, best.ID):
		f.Result, f.Details = OK, []string{"it wants a token in " + e.API.Header + ", as it should"}
	case slices.Contains(noRoute, best.ID) && !given:
		f.Result = OK
		f.Details = []string{"the gateway is there; that it has no route " + path + " is usual. Try one that it has: gatepass doctor --path /PATH"}
	case a.status == http.StatusUnauthorized:
		f.Result = OK
	default:
		f.Why, f.Change = "calls may end the same way", best.Next
		if slices.Contains(noRoute, best.ID) {
			f.Why = "calls of this path end the same way, with a token, too"
		}
	}
	return f
}

// authorizer reads the authorizer file, and compares it with the profile.
func (e *examination) authorizer(context.Context) []Finding {
	if e.AuthorizerFile == "" {
		return one(skipped("authorizer", "no authorizer file is set"))
	}
	file, err := e.Authorizer()
	if err != nil {
		f := Finding{Check: "authorizer", Subject: e.AuthorizerFile, Result: Failed, Why: "nothing can be decided by it", Change: "mend it; gatepass authorize GET / shows the line"}
		f.What, _, _ = strings.Cut(err.Error(), "\n")
		var hinted *fault.Error
		if errors.As(err, &hinted) && hinted.Hint != "" {
			f.Change = hinted.Hint
		}
		return one(f)
	}
	return []Finding{e.lint(file), e.tokenPlace(file), e.accepted(file)}
}

func (e *examination) lint(file *authorizer.File) Finding {
	f := ok("authorizer", e.AuthorizerFile+" can be read")
	f.Subject = e.AuthorizerFile
	for _, l := range file.Lint() {
		if l.Severity == policy.Suggestion {
			continue
		}
		f.Result = Warning
		f.Details = append(f.Details, fmt.Sprintf("%s:%d:%d: %s", l.File, l.Line, l.Column, l.Message))
	}
	if f.Result == Warning {
		f.What = e.AuthorizerFile + " can be read, and says what may not be meant"
		f.Why, f.Change = "it decides otherwise than it reads", "see the lines above"
	}
	return f
}

// tokenPlace compares where the token is sent with where it is looked for.
func (e *examination) tokenPlace(file *authorizer.File) Finding {
	sent := strings.TrimSpace("header " + e.API.Header + " " + e.API.Scheme)
	s := file.Source()
	if s.Place == authorizer.Header && strings.EqualFold(s.Name, e.API.Header) && strings.EqualFold(s.Scheme, e.API.Scheme) {
		return ok("token_place", "the token is sent where the authorizer looks for it: "+sent)
	}
	return Finding{
		Check: "token_place", Result: Failed,
		What:   fmt.Sprintf("the token is sent in %q, and the authorizer looks for it in %q", sent, s),
		Why:    "it finds none, so every call is a 401",
		Change: fmt.Sprintf("set api.send to %q, or source in %s to %q; and the token source of the authorizer in API Gateway to the same header", s, e.AuthorizerFile, sent),
	}
}

// accepted compares the profile's tokens with those that the file takes.
func (e *examination) accepted(file *authorizer.File) Finding {
	const why = "every token of this profile is refused"
	entry, found := file.For(e.Issuer)
	switch {
	case !found:
		return Finding{
			Check: "tokens", Result: Failed, What: "the authorizer file takes no tokens of " + e.Issuer, Why: why,
			Change: "add an entry to tokens: in " + e.AuthorizerFile + ", or choose the profile that it is for",
		}
	// With a resource the audience is that API's, which cannot be seen here.
	case e.Resource == "" && e.ClientID != "" && !slices.Contains(entry.Audience, e.ClientID):
		return Finding{
			Check: "tokens", Result: Failed, What: "the authorizer file takes tokens for " + clip(strings.Join(entry.Audience, ", ")) + " only, and not for the client " + e.ClientID,
			Why: why, Change: "OneLogin's tokens have the client id as audience: add it to audience in " + e.AuthorizerFile,
		}
	case entry.Use == token.AccessUse && e.API.Token == "id", entry.Use == token.IDUse && e.API.Token == "access":
		return Finding{
			Check: "tokens", Result: Failed, What: fmt.Sprintf("the API is sent the %s token, and the authorizer file takes the other kind", e.API.Token),
			Why: why, Change: "set api.token, or use in " + e.AuthorizerFile,
		}
	}
	return ok("tokens", "the authorizer file takes this profile's tokens")
}
