package awsapi

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
)

// Credentials are what requests are signed with.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey secret.String
	SessionToken    secret.String // of temporary credentials
	// Expires is when temporary credentials end; zero for those that do not say.
	Expires time.Time
}

// Provider gets credentials. [ErrNone] says that it knows of none, which lets the
// next one try; every other error is a mistake somebody should know of.
type Provider func(ctx context.Context) (Credentials, error)

// ErrNone is the error of a provider that has no credentials.
var ErrNone = errors.New("there are no AWS credentials")

// Signer signs a request (Signature Version 4) for a service and region at a time.
// The payload hash is the SHA-256 of the body, in lower-case hexadecimal.
type Signer func(ctx context.Context, c Credentials, r *http.Request, payloadHash, service, region string, at time.Time) error

// Environment takes credentials from the variables AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, where Lambda puts those of the
// function's role.
func Environment(getenv func(string) string) Provider {
	return func(context.Context) (Credentials, error) {
		c := Credentials{
			AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: secret.New(getenv("AWS_SECRET_ACCESS_KEY")),
			SessionToken:    secret.New(getenv("AWS_SESSION_TOKEN")),
		}
		switch {
		case c.AccessKeyID == "" && c.SecretAccessKey.IsZero():
			return Credentials{}, ErrNone
		case c.AccessKeyID == "":
			return Credentials{}, fault.New(fault.Usage, "AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not")
		case c.SecretAccessKey.IsZero():
			return Credentials{}, fault.New(fault.Usage, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not")
		}
		return c, nil
	}
}

// FirstOf asks providers one after another until one has credentials.
func FirstOf(providers ...Provider) Provider {
	return func(ctx context.Context) (Credentials, error) {
		for _, p := range providers {
			c, err := p(ctx)
			if !errors.Is(err, ErrNone) {
				return c, err
			}
		}
		return Credentials{}, ErrNone
	}
}

// early is how long before their end credentials are got anew.
const early = 5 * time.Minute

// Kept remembers credentials until shortly before they expire. Those that do not
// say when are kept for good. It may be used by several goroutines.
func Kept(p Provider, now func() time.Time) Provider {
	var mu sync.Mutex
	var have Credentials
	return func(ctx context.Context) (Credentials, error) {
		mu.Lock()
		defer mu.Unlock()
		if have.AccessKeyID != "" && (have.Expires.IsZero() || now().Add(early).Before(have.Expires)) {
			return have, nil
		}
		c, err := p(ctx)
		if err != nil {
			return Credentials{}, err
		}
		have = c
		return c, nil
	}
}
