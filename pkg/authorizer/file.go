package authorizer

import (
	"slices"

	"gatepass/pkg/policy"
)

// Expectations are the entries of the file's tokens, in its order: what a
// verifier must insist on. Without one no token counts, and only made-up claims
// can be decided.
func (f *File) Expectations() []Expectation { return slices.Clone(f.tokens) }

// For is the entry for tokens of an issuer, compared exactly (OpenID Connect Core
// section 3.1.3.7). The issuer may be that of a token which has only been decoded:
// it picks what the token is to be verified against, and nothing is believed
// because of it.
func (f *File) For(issuer string) (Expectation, bool) {
	for _, e := range f.tokens {
		if e.Issuer == issuer {
			return e, true
		}
	}
	return Expectation{}, false
}

// Source is where in a request the token is.
func (f *File) Source() Source { return f.source }

// Lint is what can be read but will not do what was meant, or is worth a thought.
func (f *File) Lint() []policy.Finding { return slices.Clone(f.findings) }
