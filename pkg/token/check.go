package token

import (
	"time"

	"gatepass/pkg/secret"
)

// Result is the outcome of one check. The zero value has not been checked.
type Result uint8

// The results.
const (
	Skip Result = iota
	Pass
	Fail
)

// String is the name of the result in JSON output: skip, pass or fail.
func (r Result) String() string { return [...]string{"skip", "pass", "fail"}[r] }

// MarshalText is String.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Check is one thing that was looked at, what came out, and why.
type Check struct {
	Name   string `json:"name"`
	Result Result `json:"result"`
	Reason string `json:"reason"`
}

// The names of checks.
const (
	CheckForm      = "form"      // it is a JWT
	CheckAlgorithm = "algorithm" // the header's alg is one that is allowed
	CheckCritical  = "critical"  // the header has no extension that would have to be understood
	CheckKey       = "key"
	CheckSignature = "signature"
	CheckIssuer    = "issuer"
	CheckAudience  = "audience"
	CheckParty     = "authorized-party"
	CheckExpiry    = "expiry"
	CheckNotBefore = "not-before"
	CheckIssuedAt  = "issued-at"
	CheckNonce     = "nonce"
	CheckHash      = "access-token-hash"
	CheckUse       = "use"
)

// Expect is what a verifier expects of a token. What is left out is not checked,
// and the report says so; the time always is.
type Expect struct {
	Issuer     string   // exactly
	Audience   []string // any of these
	Algorithms []string // those allowed, whatever the token says; none means RS256 alone
	ClientID   string   // whom an "azp" must name
	Use        Use      // access or ID token; AnyUse takes both
	Nonce      string   // of an ID token's login

	// AccessToken is what the "at_hash" of an ID token must fit, when it has one.
	AccessToken secret.String

	Now    time.Time
	Leeway time.Duration // allowed difference of clocks, added to each side

	// SignatureOnly leaves the claims alone: any compact JWS will do, whatever
	// its payload.
	SignatureOnly bool
}
