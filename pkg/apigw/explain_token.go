package apigw

import (
	"slices"
	"strings"

	"gatepass/pkg/token"
)

// tokenFacts are what the claims of the token say against it, by what the API is
// known to take. Signatures are not looked at.
func (a *answer) tokenFacts() []string {
	if a.Claims == nil {
		return nil
	}
	var facts []string
	t := &token.Token{Kind: token.JWT, Claims: a.Claims}
	for _, c := range t.CheckClaims(a.expected()) {
		if c.Result == token.Fail && (!a.Time.IsZero() || !aboutTime(c.Name)) {
			facts = append(facts, factOf(c))
		}
	}
	access, _ := a.route()
	rules := tokenRules{scopes: access.Scopes}
	if f := rules.hasScope(&TokenVerdict{Claims: a.Claims}); f != nil {
		facts = append(facts, "the token: "+f.why)
	}
	return facts
}

func aboutTime(check string) bool {
	return check == token.CheckExpiry || check == token.CheckNotBefore || check == token.CheckIssuedAt
}

// factOf words a failed check.
func factOf(c token.Check) string {
	switch {
	case aboutTime(c.Name) && !strings.HasPrefix(c.Reason, "there is no"):
		return "the token: " + c.Reason
	case c.Name == token.CheckUse:
		return "the token is " + c.Reason
	}
	return "the token's " + c.Name + ": " + c.Reason
}

// expected is what the API takes of the token's issuer, as far as is known.
func (a *answer) expected() token.Expect {
	all := slices.Clone(a.Expect)
	if access, _ := a.route(); access.Authorizer != nil && access.Authorizer.Type == AuthJWT {
		for _, i := range access.Authorizer.JWT.Issuers {
			all = append(all, token.Expect{Issuer: i.Issuer, Audience: i.Audience})
		}
	}
	issuer := ""
	if n := a.Claims.Get("iss"); n != nil {
		issuer = n.Text
	}
	var best token.Expect
	for i := range all {
		if i == 0 || all[i].Issuer == issuer {
			best = all[i]
		}
	}
	best.Now = a.Time
	return best
}

// route is how the request's route is protected by the settings; false where that
// is not known.
func (a *answer) route() (Access, bool) {
	if a.API == nil || a.API.Kind == WebSocket {
		return Access{}, false
	}
	method, path := a.Method, a.Path
	if method == "" {
		method = "GET"
	}
	path, _, _ = strings.Cut(path, "?")
	if r := a.API.ready().match(a.API.Kind, method, path); r != nil {
		return r.Access, true
	}
	return Access{}, false
}

// wantsKey reports whether the request may need an API key: the settings say so,
// or nothing.
func (a *answer) wantsKey() bool {
	access, known := a.route()
	return !known || a.API.Routes == nil || access.APIKeyRequired
}
