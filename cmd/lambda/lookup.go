package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"gatepass/pkg/authorizer"
	"gatepass/pkg/fault"
	"gatepass/pkg/function"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

// lookUpLimit is the time that one question to the issuer may take.
const lookUpLimit = 3 * time.Second

// asker asks an issuer about tokens.
type asker struct {
	http   *http.Client
	client func(context.Context) (verify.Client, error)

	mu        sync.Mutex
	providers map[string]*verify.Provider // by issuer
}

// lookUp is the look-up that the settings ask for, or nil.
func (a *asker) lookUp(s settings) function.LookUp {
	switch {
	case s.introspect && s.userInfo:
		return function.Both(a.introspect, a.userInfo)
	case s.introspect:
		return a.introspect
	case s.userInfo:
		return a.userInfo
	}
	return nil
}

// oneIssuer insists on one issuer for introspection: the client and its secret are
// known to one, and must not be sent to another.
func oneIssuer(file *authorizer.File, s settings) error {
	if n := len(file.Expectations()); s.introspect && n != 1 {
		return fmt.Errorf("GATEPASS_INTROSPECT needs an authorizer file with one issuer, for which the client is; this one has %d", n)
	}
	return nil
}

// provider is what the issuer of a token says of itself.
func (a *asker) provider(ctx context.Context, t token.Verified) (*verify.Provider, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	iss := t.Claims().Node().Get("iss")
	if iss == nil {
		return nil, errors.New("the token names no issuer")
	}
	if p := a.providers[iss.Text]; p != nil {
		return p, nil
	}
	p, err := verify.Discover(ctx, a.http, iss.Text)
	if err == nil {
		a.providers[iss.Text] = p
	}
	return p, err
}

// introspect asks whether the token still counts.
func (a *asker) introspect(ctx context.Context, t token.Verified) (function.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpLimit)
	defer cancel()
	p, err := a.provider(ctx, t)
	switch {
	case err != nil:
		return function.Found{}, err
	case p.IntrospectionURL == "":
		return function.Found{}, errors.New("introspection: the issuer has no endpoint for it")
	}
	as, err := a.client(ctx)
	if err != nil {
		return function.Found{}, err
	}
	active, err := verify.Introspect(ctx, a.http, p.IntrospectionURL, t.Token().Raw(), as)
	if err != nil || active {
		return function.Found{}, err
	}
	return function.Found{Inactive: "the issuer says that the token is not active: revoked, or its session ended"}, nil
}

// userInfo asks for more about the token's owner. A token without one, of client
// credentials, is not asked about.
func (a *asker) userInfo(ctx context.Context, t token.Verified) (function.Found, error) {
	sub, ok := t.Claims().Get("sub")
	if !ok {
		return function.Found{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpLimit)
	defer cancel()
	p, err := a.provider(ctx, t)
	switch {
	case err != nil:
		return function.Found{}, err
	case p.UserInfoURL == "":
		return function.Found{}, errors.New("userinfo: the issuer has no endpoint for it")
	}
	claims, err := verify.UserInfo(ctx, a.http, p.UserInfoURL, t.Token().Raw(), sub.Values[0])
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Login {
		return function.Found{Inactive: "the issuer's userinfo endpoint does not take the token: revoked, or its session ended"}, nil
	}
	return function.Found{Claims: claims}, err
}
