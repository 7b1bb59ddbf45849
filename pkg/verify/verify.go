// Package verify finds out whether tokens are what they say: it gets the keys of
// an issuer, from discovery, a URL, a file or a cache, checks signatures with
// them, and puts the result together with the checks of the claims.
//
// Which algorithms count is said by the caller and never by the token, and a key
// is used only for what its type, curve and own marks allow. Keys come from
// outside: their documents are capped in size, and a key that cannot be used is
// left out with a reason.
package verify

import (
	"context"

	"gatepass/pkg/token"
)

// KeySource has the keys of an issuer.
type KeySource interface {
	// KeySet returns the key set. The key ID, which may be empty, is the one a
	// token names: a source that does not know it may look for newer keys. The
	// error is a *fault.Error, or that of the context.
	KeySet(ctx context.Context, keyID string) (*KeySet, error)
}

// Verify checks a token against what is expected: form, algorithm, signature and
// claims. The report has every check, with pass, fail or skip and the reason;
// [token.Report.Verified] says whether the token may be believed. Without a key
// source (nil) the signature cannot be checked, and nothing is verified.
//
// The error says that keys could not be had, which is nothing against the token;
// the report is filled in then, too, with the signature skipped.
func Verify(ctx context.Context, t *token.Token, e token.Expect, keys KeySource) (token.Report, error) {
	r := token.Report{Token: t, Checks: t.CheckHeader(e)}
	_, refused := r.Failed()
	var err error
	switch {
	case t.Kind != token.JWT && t.Kind != token.JWS:
	case refused && !formOnly(r):
		r.Checks = append(r.Checks,
			token.Check{Name: token.CheckKey, Reason: "not looked for: the header is refused"},
			token.Check{Name: token.CheckSignature, Reason: "not checked: the header is refused"})
	default:
		err = checkSignature(ctx, &r, keys)
	}
	if !e.SignatureOnly {
		r.Checks = t.AppendClaimChecks(r.Checks, e)
	}
	return r, err
}

// formOnly reports whether the form is all that has failed: the signature of
// something that is no JWT may still be worth knowing.
func formOnly(r token.Report) bool {
	for _, c := range r.Checks {
		if c.Result == token.Fail && c.Name != token.CheckForm {
			return false
		}
	}
	return true
}

// checkSignature adds the key and the signature to the report.
func checkSignature(ctx context.Context, r *token.Report, keys KeySource) error {
	add := func(name string, result token.Result, reason string) {
		r.Checks = append(r.Checks, token.Check{Name: name, Result: result, Reason: reason})
	}
	if keys == nil {
		add(token.CheckKey, token.Skip, "no keys are given")
		add(token.CheckSignature, token.Skip, "not checked: no keys are given")
		return nil
	}
	keyID, _ := r.Token.KeyID()
	set, err := keys.KeySet(ctx, keyID)
	if err != nil {
		add(token.CheckKey, token.Skip, "the issuer's keys could not be had")
		add(token.CheckSignature, token.Skip, "not checked: there is no key")
		return err
	}
	found, choice := set.choose(r.Token)
	if len(found) == 0 {
		add(token.CheckKey, token.Fail, choice)
		add(token.CheckSignature, token.Skip, "not checked: there is no key")
		return nil
	}
	add(token.CheckKey, token.Pass, choice)
	for _, k := range found {
		if k.signed(r.Token) {
			add(token.CheckSignature, token.Pass, "right")
			return nil
		}
	}
	add(token.CheckSignature, token.Fail, "the signature is not right for this header, payload and key: the token was changed, or signed with another key")
	return nil
}
