package cmd

import (
	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
	"gatepass/pkg/view"
)

// passing is what passes the claims of a token on to a backend.
type passing struct {
	kind        apigw.Kind
	authorizer  apigw.AuthorizerType
	integration string // payload format
}

// passings are the values of --as-backend.
func passings() map[string]passing {
	return map[string]passing{
		"rest":     {kind: apigw.REST, authorizer: apigw.AuthCognito},
		"rest-jwt": {kind: apigw.REST, authorizer: apigw.AuthJWT},
		"http1":    {kind: apigw.HTTP, authorizer: apigw.AuthJWT, integration: "1.0"},
		"http2":    {kind: apigw.HTTP, authorizer: apigw.AuthJWT, integration: "2.0"},
	}
}

// checkAsBackend refuses values that --as-backend does not have.
func (d *decodeCommand) checkAsBackend() error {
	if _, ok := passings()[d.asBackend]; ok || d.asBackend == "" {
		return nil
	}
	err := fault.New(fault.Usage, "--as-backend takes rest, rest-jwt, http1 or http2, not %q", cutText(d.asBackend, 40))
	if near := source.Nearest(d.asBackend, []string{"rest", "rest-jwt", "http1", "http2"}); near != "" {
		return err.WithHint("did you mean %s?", near)
	}
	return err.WithHint("rest is a Cognito authorizer, rest-jwt a JWT authorizer of a REST API; http1 and http2 are the payload formats of an HTTP API's integration")
}

// printAsBackend prints what a backend would see of the token behind an authorizer
// that takes it.
func (d *decodeCommand) printAsBackend(t *token.Token) error {
	if t.Kind != token.JWT {
		return fault.New(fault.Usage, "no backend sees anything of this token: it is no JWT but %s", t.Kind)
	}
	p := passings()[d.asBackend]
	d.say("what a backend sees if the authorizer takes the token; authorize says whether it does")
	return view.BackendJSON(d.app.IO.Out, apigw.TokenBackend(p.kind, p.authorizer, p.integration, nil, t.Claims))
}
