package cmd

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/config"
	"gatepass/pkg/function"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

// policyAuthorizer is the policy authorizer with the clock of this process: the
// function that runs in AWS, too. It may be used by several goroutines.
type policyAuthorizer struct {
	*function.Function
	file *authorizer.File
	now  func() time.Time
}

// newPolicyAuthorizer makes an authorizer of a file. The keys of an issuer are
// asked for when a token needs them.
func newPolicyAuthorizer(file *authorizer.File, keys func(issuer string) verify.KeySource, now func() time.Time) *policyAuthorizer {
	verifier := func(e authorizer.Expectation) function.Verifier {
		return verify.NewVerifier(token.Expect{
			Issuer: e.Issuer, Audience: e.Audience, Algorithms: e.Algorithms, Use: e.Use, Leeway: e.Leeway,
		}, keys(e.Issuer), 0)
	}
	return &policyAuthorizer{function.New(file, function.Options{Verifier: verifier, Refused: verify.IsRefused}), file, now}
}

// readAuthorizerFile reads and checks an authorizer file.
func readAuthorizerFile(path string) (*authorizer.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError(err)
	}
	defer func() { _ = f.Close() }()
	data, err := readUpTo(f, path, source.MaxYAML)
	if err != nil {
		return nil, err
	}
	n, err := source.Parse(path, data)
	if err != nil {
		return nil, err
	}
	return authorizer.Load(n)
}

// invoke answers an event as the deployed authorizer would.
func (a *policyAuthorizer) invoke(ctx context.Context, ev apigw.Event) (apigw.Output, authorizer.Trace) {
	return a.Invoke(ctx, ev, a.now())
}

// assume answers an event for claims that somebody made up.
func (a *policyAuthorizer) assume(ev apigw.Event, claims token.Claims) (apigw.Output, authorizer.Trace) {
	return a.Assume(ev, claims)
}

// issuerKeys makes the key sources of an authorizer: what the issuer publishes, or
// the key set in a file or at a URL for all of them.
func issuerKeys(app *App, jwks string, note func(string)) (func(issuer string) verify.KeySource, error) {
	o := verify.Options{Client: app.HTTP, CacheDir: app.CacheDir, Now: app.Now, Note: note}
	switch {
	case jwks == "":
		return func(issuer string) verify.KeySource { return verify.FromIssuer(issuer, o) }, nil
	case strings.HasPrefix(jwks, "https://"), strings.HasPrefix(jwks, "http://"):
		keys := verify.FromURL(jwks, o)
		return func(string) verify.KeySource { return keys }, nil
	}
	set, err := readKeys(jwks)
	if err != nil {
		return nil, err
	}
	return func(string) verify.KeySource { return set }, nil
}

// restAPI is a REST API of which every path is a route, with the names that the
// profile's API URL has where it is one of API Gateway's:
// https://ID.execute-api.REGION.amazonaws.com/STAGE. What is not known is as in
// AWS's own examples.
func restAPI(p *config.Profile) *apigw.API {
	api := &apigw.API{Kind: apigw.REST, Partition: "aws", Region: "us-east-1", Account: "123456789012", ID: "local", Stage: "prod"}
	u, err := url.Parse(p.API.URL)
	if err != nil {
		return api
	}
	host := strings.Split(u.Hostname(), ".")
	if len(host) < 5 || host[1] != "execute-api" || host[3] != "amazonaws" {
		return api
	}
	api.ID, api.Region = host[0], host[2]
	if len(host) > 5 && host[5] == "cn" {
		api.Partition = "aws-cn"
	}
	if stage, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/"); stage != "" {
		api.Stage = stage
	}
	return api
}

// warnings tells of what an authorizer file says that will not do what was meant.
func (app *App) warnings(list []policy.Finding) {
	for _, f := range list {
		if f.Severity == policy.Suggestion {
			continue
		}
		fmt.Fprintf(app.IO.Err, "gatepass: %s:%d:%d: %s\n", app.clean(f.File), f.Line, f.Column, app.clean(f.Message))
	}
}
