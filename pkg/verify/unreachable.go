package verify

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"gatepass/pkg/fault"
	"gatepass/pkg/netfault"
)

// unreachable says why a request got no answer, telling apart what a person
// would do something different about.
func unreachable(ctx context.Context, what string, u *url.URL, err error) error {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return err
	}
	c := netfault.Of(err, u.Host)
	return &fault.Error{Kind: fault.Network, Msg: what + ": " + c.Why, Hint: c.Do, Err: err}
}

func tooLarge(what string, u *url.URL) error {
	return fault.New(fault.Network, "%s: the answer of %s is larger than the %d bytes that are read", what, quote(u.Host), maxBody)
}

func badStatus(what string, u *url.URL, status int) error {
	f := fault.New(fault.Network, "%s: %s answered %d %s", what, quote(u.Redacted()), status, http.StatusText(status))
	switch {
	case status == http.StatusNotFound, status == http.StatusGone:
		return f.WithHint("check the URL; that of OneLogin's second version ends in /oidc/2")
	case status >= 500:
		return f.WithHint("try again later")
	}
	return f
}
