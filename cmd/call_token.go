package cmd

import (
	"context"
	"net/url"

	"github.com/spf13/pflag"

	"gatepass/pkg/caller"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/loopback"
	"gatepass/pkg/secret"
)

// tokenFlags say which token is sent.
type tokenFlags struct {
	token   string
	noToken bool
}

func (f *tokenFlags) define(fs *pflag.FlagSet) {
	fs.StringVar(&f.token, "token", "", "another token: `@FILE`, or - for standard input")
	fs.BoolVar(&f.noToken, "no-token", false, "send no token, and no API key of the settings")
}

func (f *tokenFlags) check() error {
	if f.noToken && f.token != "" {
		return fault.New(fault.Usage, "--token and --no-token at once")
	}
	return nil
}

// rehearsalFlags show a request in place of making it.
type rehearsalFlags struct {
	printAs string
	dryRun  bool
}

func (f *rehearsalFlags) define(fs *pflag.FlagSet) {
	fs.BoolVar(&f.dryRun, "dry-run", false, "show what would be sent")
	fs.StringVar(&f.printAs, "print", "", "print a command for `curl` that sends the same; the token is not in it")
}

func (f *rehearsalFlags) check() error {
	switch {
	case f.printAs != "" && f.printAs != "curl":
		return fault.New(fault.Usage, "--print is %q, want curl", cutText(f.printAs, 40))
	case f.printAs != "" && f.dryRun:
		return fault.New(fault.Usage, "--print and --dry-run at once: both show the request")
	}
	return nil
}

// addToken gets the token and the API key and binds them to the API's origin.
func (a *call) addToken(ctx context.Context) error {
	r, api := a.request, a.profile.API
	wanted, err := a.wantsToken()
	if err != nil {
		return err
	}
	if wanted {
		if a.token == "" {
			if err := newSession(a.app).mayCall(ctx, a.profile); err != nil {
				return err
			}
		}
		if r.Token, err = a.bearer(ctx); err != nil {
			return err
		}
	}
	if err := a.addKey(); err != nil {
		return err
	}
	if _, key := caller.Find(r.Header, "x-api-key"); r.URL.Scheme == "http" && !loopback.Is(r.URL.Hostname()) {
		switch {
		case wanted:
			a.note("the token goes to %s unencrypted", r.URL.Host)
		case key, !r.APIKey.IsZero():
			a.note("the API key goes to %s unencrypted", r.URL.Host)
		}
	}
	r.TokenHeader, r.TokenScheme = api.Send.Header, api.Send.Scheme
	return nil
}

// wantsToken reports whether a token is to be sent, and binds the request to the
// API's origin if so.
func (a *call) wantsToken() (bool, error) {
	if a.noToken {
		return false, nil
	}
	header := a.profile.API.Send.Header
	if _, given := caller.Find(a.request.Header, header); given || caller.LeftOut(a.request.Header, header) {
		if a.token != "" {
			return false, fault.New(fault.Usage, "--token and the header %s are two tokens: give one", header)
		}
		return false, nil // what the user writes is what is sent, nothing included
	}
	return true, a.bind()
}

// bind sets where the token may go: to the profile's API, and nowhere else.
func (a *call) bind() error {
	origin := caller.OriginOf(a.request.URL)
	switch a.request.Origin = a.apiOrigin(); a.request.Origin {
	case "":
		return fault.New(fault.Usage, "no API is set, so there is nowhere the token may go").
			WithHint("say which it is: --api-url %s   or send no token: --no-token", origin)
	case origin:
		return nil
	}
	return fault.New(fault.Usage, "the token is for %s and is not sent to %s", a.request.Origin, origin).
		WithHint("choose the profile of that API with --profile, or send no token: --no-token")
}

// apiOrigin is the origin of the profile's API; empty where none is set.
func (a *call) apiOrigin() caller.Origin {
	base, err := url.Parse(a.profile.API.URL)
	if err != nil || a.profile.API.URL == "" {
		return ""
	}
	return caller.OriginOf(base)
}

// keyVariable holds the API key where no file does.
const keyVariable = "GATEPASS_API_KEY"

// addKey adds the API key of the settings to a request to their API.
func (a *call) addKey() error {
	r, key := a.request, a.profile.API.Key
	origin := a.apiOrigin()
	if a.noToken || key.IsZero() || origin == "" || origin != caller.OriginOf(r.URL) {
		return nil
	}
	if _, given := caller.Find(r.Header, "x-api-key"); given || caller.LeftOut(r.Header, "x-api-key") {
		return nil
	}
	if err := a.mayKey(); err != nil {
		return err
	}
	a.app.Secrets.Add(key)
	r.APIKey, r.Origin = key, origin
	return nil
}

// mayKey reports an API that the key must not go to. A key in the user's own file
// is for the API that is written there too, or that the login is for; an API that
// only a project's file names may be anybody's.
func (a *call) mayKey() error {
	p := a.profile
	if p.Origin("api.key").Kind != config.User || p.Origin("api.url").Kind != config.Project {
		return nil
	}
	s := newSession(a.app)
	if info, err := s.store.Info(s.key(p)); err == nil && len(info.APIs) > 0 && len(s.newAPI(p, info)) == 0 {
		return nil
	}
	return fault.New(fault.Usage, "the API key is in your own settings, and %s names the API", p.Origin("api.url")).
		WithHint("if the key may go there, write api.url beside it, or give --api-url; --no-token sends neither")
}

// bearer is the token of --token, or the one of the profile's login.
func (a *call) bearer(ctx context.Context) (secret.String, error) {
	if a.token != "" {
		text, err := tokenFlag(a.app, a.token)
		return secret.New(text), err
	}
	value, _, err := newSession(a.app).bearer(ctx, a.profile, a.profile.API.Token, 0)
	return value, err
}
