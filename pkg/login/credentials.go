package login

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// ClientCredentials gets an access token for the client itself, with no person
// in it (RFC 6749 section 4.4). OneLogin's has neither sub nor scope.
func ClientCredentials(ctx context.Context, cfg Config) (_ token.Set, err error) {
	cfg = cfg.complete()
	defer cfg.veil(&err)
	if err := cfg.check(); err != nil {
		return token.Set{}, err
	}
	if cfg.Auth == AuthNone {
		return token.Set{}, fault.New(fault.Usage, "client credentials need a client secret, and client_auth is none").
			WithHint("use an app whose authentication method is POST or Basic: --client-auth post")
	}
	p, err := discover(ctx, cfg)
	if err != nil {
		return token.Set{}, err
	}
	o := cfg.oauth(p, "")
	cc := clientcredentials.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret, TokenURL: o.Endpoint.TokenURL, AuthStyle: o.Endpoint.AuthStyle,
		Scopes: personless(cfg.Scopes), EndpointParams: url.Values{},
	}
	if cfg.Resource != "" {
		cc.EndpointParams.Set("resource", cfg.Resource)
	}
	tok, err := cc.Token(p.context(ctx))
	if err != nil {
		return token.Set{}, p.tokenFault(ctx, cfg, err)
	}
	return credentialSet(cfg, cc.Scopes, tok)
}

func credentialSet(cfg Config, scopes []string, tok *oauth2.Token) (token.Set, error) {
	set, err := newSet(cfg, tok)
	if err != nil {
		return token.Set{}, err
	}
	if tok.Extra("scope") == nil {
		set.Scope = strings.Join(scopes, " ")
	}
	set.Subject = accessSubject(set.Access)
	set.ID = secret.String{} // it would be of a person, and nobody has verified it
	return set, nil
}

// personless leaves out the scopes of OpenID Connect Core section 5.4, which ask
// for claims about a person, and OneLogin's own of that sort.
func personless(scopes []string) []string {
	about := []string{"openid", "profile", "email", "address", "phone", "groups", "params", "name", "offline_access"}
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return slices.Contains(about, s) })
}
