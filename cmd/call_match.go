package cmd

import (
	"context"
	"io"
	"maps"
	"strings"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/config"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/token"
)

// warnOfMismatch says before anything is sent why the API will not take the token,
// as far as the token and what the settings say of the API tell. Nothing is asked
// for over the network, and the signature is not looked at.
func (a *call) warnOfMismatch(ctx context.Context) {
	if a.request.Token.IsZero() || a.silent {
		return
	}
	if reason := a.mismatch(ctx); reason != "" {
		a.note("the API may not take the token: %s", reason)
	}
}

// mismatch is why the API will not take the token, or nothing.
func (a *call) mismatch(ctx context.Context) string {
	z, verdict := a.judge(ctx)
	if z != nil && !isFunction(z.Authorizer) {
		return verdict
	}
	t, err := token.Decode(a.request.Token.Reveal())
	switch {
	case err != nil || t.Kind != token.JWT:
		return "" // only its issuer, and a function, know what it is
	case z != nil && z.file != nil:
		return failedClaim(t, a.expected(t, z.file))
	}
	// Whatever the API is, it takes no token that is over, or not good yet. One
	// that never ends may be what it wants.
	if _, ends, err := t.ClaimSet().Date("exp"); err == nil && !ends {
		return ""
	}
	return failedClaim(t, token.Expect{Use: token.AnyUse, Now: a.app.Now(), Leeway: authorizer.DefaultLeeway})
}

// expected is what an authorizer file wants of a token.
func (a *call) expected(t *token.Token, file *authorizer.File) token.Expect {
	iss, _ := t.ClaimSet().Lookup("iss")
	all := file.Expectations()
	var want authorizer.Expectation
	if len(all) > 0 {
		want = all[0]
	}
	for _, e := range all {
		if len(iss) == 1 && e.Issuer == iss[0] {
			want = e
		}
	}
	return token.Expect{Issuer: want.Issuer, Audience: want.Audience, Use: want.Use, Now: a.app.Now(), Leeway: want.Leeway}
}

// failedClaim is the reason of the first of the claims that matters and does not
// fit.
func failedClaim(t *token.Token, e token.Expect) string {
	for _, c := range t.CheckClaims(e) {
		if c.Result != token.Fail {
			continue
		}
		switch c.Name {
		case token.CheckIssuer, token.CheckAudience, token.CheckExpiry, token.CheckNotBefore, token.CheckUse:
			return c.Reason
		}
	}
	return ""
}

// judged is the authorizer of a request, as far as the settings say.
type judged struct {
	*apigw.Authorizer
	file *authorizer.File // of the policy authorizer, or nil
}

// judge finds the authorizer of the request, and for a JWT authorizer what it says
// to the token's claims. Without any word on the API it is nil; mistakes in files
// are for the commands that work with them.
func (a *call) judge(ctx context.Context) (z *judged, refusal string) {
	p := a.profile
	if p.Authorizer == "" && p.DefinitionOrigin().Kind == config.Default || ctx.Err() != nil {
		return nil, ""
	}
	app := *a.app
	app.IO = &iostreams.Streams{In: a.app.IO.In, Out: io.Discard, Err: io.Discard, Width: a.app.IO.Width}
	d, err := new(apiFlags).define(&app, p, hints{})
	if err != nil || d.API.Kind == apigw.WebSocket {
		return nil, ""
	}
	header := map[string][]string{}
	maps.Copy(header, a.request.Header)
	header[p.API.Send.Header] = []string{p.API.Send.Value(a.request.Token.Reveal())}
	req := &apigw.Request{
		Method: a.request.Method, Path: a.path(), Header: header, RawQuery: a.request.URL.RawQuery,
		SourceIP: "127.0.0.1", Time: a.app.Now(),
	}
	v := apigw.Decide(d.API, req, nil, func(ev apigw.Event) apigw.Output {
		z = &judged{Authorizer: ev.Authorizer}
		if ev.Kind == apigw.EventJWT {
			token := apigw.DecodeToken(ev.Token)
			token.Assumed = "its signature is not looked at here"
			return apigw.TokenOutput(token)
		}
		if file := d.answerFor(ev.Authorizer).File; file != "" {
			z.file, _ = openFile(&app, map[string]*authorizer.File{p.Authorizer: d.file}, file)
		}
		return apigw.NotInvokedOutput("it is not asked")
	})
	if z != nil && !isFunction(z.Authorizer) && !v.Allowed {
		return z, strings.TrimPrefix(v.Reason, "the token is refused: ")
	}
	return z, ""
}
