package function

import (
	"context"

	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// LookUp asks somebody about a verified token: whether it still counts, or what else
// is known of its owner. The error says that it could not be found out, and makes
// the authorizer fail.
type LookUp func(ctx context.Context, t token.Verified) (Found, error)

// Found is what a look-up found out.
type Found struct {
	// Inactive says in a line why the token does not count any more; empty when it
	// does.
	Inactive string
	// Claims are more claims, an object; nil for none. Where the token has a claim of
	// the same name, the token's counts.
	Claims *source.Node
}

// Both asks two after another, and the second not when the first says that the token
// does not count. The claims are those of the second, or of the first when it has
// none.
func Both(first, second LookUp) LookUp {
	return func(ctx context.Context, t token.Verified) (Found, error) {
		a, err := first(ctx, t)
		if err != nil || a.Inactive != "" {
			return a, err
		}
		b, err := second(ctx, t)
		if b.Claims == nil {
			b.Claims = a.Claims
		}
		return b, err
	}
}
