package token

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/human"
	"gatepass/pkg/source"
)

// CheckClaims compares the claims with what is expected (RFC 7519 section 4.1,
// OpenID Connect Core section 3.1.3.7). Every check is made, whatever the others
// say. Nothing is said about the signature, and nothing about a token without
// claims: that is what the form check of [Token.CheckHeader] is for.
func (t *Token) CheckClaims(e Expect) []Check { return t.AppendClaimChecks(nil, e) }

// AppendClaimChecks is CheckClaims, with the checks appended to others.
func (t *Token) AppendClaimChecks(checks []Check, e Expect) []Check {
	if t.Kind != JWT {
		return checks
	}
	c := t.ClaimSet()
	checks = append(checks,
		checkIssuer(c, e),
		checkAudience(c, e),
		checkParty(c, e),
		checkExpiry(c, e),
		checkNotBefore(c, e),
		checkIssuedAt(c, e),
	)
	if e.Nonce != "" {
		checks = append(checks, checkNonce(c, e))
	}
	if !e.AccessToken.IsZero() {
		checks = append(checks, t.checkHash(e))
	}
	return append(checks, t.checkUse(e))
}

func skip(name, reason string) Check { return Check{name, Skip, reason} }
func pass(name, reason string) Check { return Check{name, Pass, reason} }

func fail(name, format string, args ...any) Check {
	return Check{name, Fail, fmt.Sprintf(format, args...)}
}

// quote is text of a token in a reason: on one line, cut, without anything that
// a terminal would act on.
func quote(s string) string {
	const most = 120
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "…"
	}
	return strconv.Quote(s)
}

func checkIssuer(c Claims, e Expect) Check {
	n := c.node.Get("iss")
	switch {
	case e.Issuer == "":
		return skip(CheckIssuer, "no issuer is expected")
	case n == nil:
		return fail(CheckIssuer, "there is no iss, want %s", quote(e.Issuer))
	case n.Kind != source.String:
		return fail(CheckIssuer, "iss is %s, want a string", n.Kind)
	case n.Text == e.Issuer:
		return pass(CheckIssuer, "as expected")
	case strings.TrimSuffix(n.Text, "/") == strings.TrimSuffix(e.Issuer, "/"):
		return fail(CheckIssuer, "iss is %s, want %s: they differ in the slash at the end, and must be equal", quote(n.Text), quote(e.Issuer))
	}
	return fail(CheckIssuer, "iss is %s, want %s", quote(n.Text), quote(e.Issuer))
}

// audiences are the values of "aud": a string or a list of strings (RFC 7519
// section 4.1.3). It is false when "aud" is something else.
func (c Claims) audiences() ([]string, bool) {
	n := c.node.Get("aud")
	if n == nil || n.Kind == source.Null {
		return nil, true
	}
	if n.Kind == source.String {
		return []string{n.Text}, true
	}
	var list []string
	for _, it := range n.Items {
		if it.Kind != source.String {
			return nil, false
		}
		list = append(list, it.Text)
	}
	return list, n.Kind == source.List
}

func checkAudience(c Claims, e Expect) Check {
	if len(e.Audience) == 0 {
		return skip(CheckAudience, "no audience is expected")
	}
	// The common case, without taking memory.
	if n := c.node.Get("aud"); n != nil && n.Kind == source.String && slices.Contains(e.Audience, n.Text) {
		return pass(CheckAudience, "as expected")
	}
	list, ok := c.audiences()
	switch {
	case !ok:
		return fail(CheckAudience, "aud must be a string or a list of strings")
	case len(list) == 0:
		return fail(CheckAudience, "there is no aud, want %s", quoteAll(e.Audience, " or "))
	}
	for _, a := range list {
		if slices.Contains(e.Audience, a) {
			return pass(CheckAudience, "has "+quote(a))
		}
	}
	return fail(CheckAudience, "aud is %s, want %s", quoteAll(list, ", "), quoteAll(e.Audience, " or "))
}

func quoteAll(list []string, sep string) string {
	const most = 5
	q := make([]string, 0, most+1)
	for i, s := range list {
		if i == most {
			q = append(q, fmt.Sprintf("%d more", len(list)-most))
			break
		}
		q = append(q, quote(s))
	}
	return strings.Join(q, sep)
}

// checkParty checks "azp", the client a token was issued to. OpenID Connect Core
// section 3.1.3.7 wants one in an ID token with several audiences.
func checkParty(c Claims, e Expect) Check {
	n := c.node.Get("azp")
	list, _ := c.audiences()
	switch {
	case n == nil && len(list) > 1 && e.Use == IDUse:
		return fail(CheckParty, "an ID token for %d audiences must say in azp which client it is for", len(list))
	case n == nil:
		return skip(CheckParty, "there is no azp")
	case e.ClientID == "":
		return skip(CheckParty, "no client is expected")
	case n.Kind != source.String || n.Text != e.ClientID:
		return fail(CheckParty, "azp is %s, want %s", quote(n.Text), quote(e.ClientID))
	}
	return pass(CheckParty, "as expected")
}

func checkExpiry(c Claims, e Expect) Check {
	at, ok, err := c.Date("exp")
	switch {
	case err != nil:
		return fail(CheckExpiry, "exp: %v", err)
	case !ok:
		return fail(CheckExpiry, "there is no exp: the token would be good for ever")
	}
	// The token is not good on or after exp (RFC 7519 section 4.1.4).
	left := at.Sub(e.Now)
	switch {
	case left > 0:
		return pass(CheckExpiry, "not expired")
	case left+e.Leeway > 0:
		return pass(CheckExpiry, "expired "+human.Span(-left)+" ago, within the leeway of "+human.Span(e.Leeway))
	}
	return fail(CheckExpiry, "expired %s ago%s", human.Span(-left), beyond(e.Leeway))
}

func beyond(leeway time.Duration) string {
	if leeway == 0 {
		return ""
	}
	return ", beyond the leeway of " + human.Span(leeway)
}

func checkNotBefore(c Claims, e Expect) Check {
	at, ok, err := c.Date("nbf")
	switch {
	case err != nil:
		return fail(CheckNotBefore, "nbf: %v", err)
	case !ok:
		return skip(CheckNotBefore, "there is no nbf")
	}
	early := at.Sub(e.Now)
	switch {
	case early <= 0:
		return pass(CheckNotBefore, "in the past")
	case early <= e.Leeway:
		return pass(CheckNotBefore, "good only in "+human.Span(early)+", within the leeway of "+human.Span(e.Leeway))
	}
	return fail(CheckNotBefore, "good only in %s%s", human.Span(early), beyond(e.Leeway))
}

func checkIssuedAt(c Claims, e Expect) Check {
	at, ok, err := c.Date("iat")
	switch {
	case err != nil:
		return fail(CheckIssuedAt, "iat: %v", err)
	case !ok:
		return skip(CheckIssuedAt, "there is no iat")
	}
	early := at.Sub(e.Now)
	switch {
	case early <= 0:
		return pass(CheckIssuedAt, "in the past")
	case early <= e.Leeway:
		return pass(CheckIssuedAt, "issued "+human.Span(early)+" from now, within the leeway of "+human.Span(e.Leeway))
	}
	return fail(CheckIssuedAt, "issued %s from now%s: is a clock wrong?", human.Span(early), beyond(e.Leeway))
}

func checkNonce(c Claims, e Expect) Check {
	n := c.node.Get("nonce")
	switch {
	case n == nil:
		return fail(CheckNonce, "there is no nonce, and the login sent one")
	case n.Kind != source.String || subtle.ConstantTimeCompare([]byte(n.Text), []byte(e.Nonce)) != 1:
		return fail(CheckNonce, "the nonce is not the one of this login")
	}
	return pass(CheckNonce, "the one of this login")
}

// checkHash compares "at_hash" with the access token: the left half of its hash,
// by the hash of the ID token's algorithm (OpenID Connect Core section 3.1.3.6).
func (t *Token) checkHash(e Expect) Check {
	n := t.Claims.Get("at_hash")
	if n == nil {
		return skip(CheckHash, "there is no at_hash")
	}
	half, ok := leftHalf(t.alg, e.AccessToken.Reveal())
	switch {
	case !ok:
		return fail(CheckHash, "there is no hash for the algorithm %s", quote(t.alg))
	case subtle.ConstantTimeCompare([]byte(n.Text), []byte(half)) != 1:
		return fail(CheckHash, "at_hash is not that of the access token: they are not of one login")
	}
	return pass(CheckHash, "that of the access token")
}

func leftHalf(alg, access string) (string, bool) {
	var sum []byte
	switch {
	case strings.HasSuffix(alg, "256"):
		h := sha256.Sum256([]byte(access))
		sum = h[:]
	case strings.HasSuffix(alg, "384"):
		h := sha512.Sum384([]byte(access))
		sum = h[:]
	case strings.HasSuffix(alg, "512"), alg == "EdDSA": // Ed25519 hashes with SHA-512
		h := sha512.Sum512([]byte(access))
		sum = h[:]
	default:
		return "", false
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]), true
}

func (t *Token) checkUse(e Expect) Check {
	if e.Use == AnyUse {
		return skip(CheckUse, "access and ID tokens are both taken")
	}
	use, why := t.Use()
	if use != e.Use {
		return fail(CheckUse, "%s, want %s: %s", use.phrase(), e.Use.phrase(), why)
	}
	return pass(CheckUse, why)
}

// phrase names the use in a sentence.
func (u Use) phrase() string {
	return [...]string{"neither clearly an access token nor an ID token", "an access token", "an ID token"}[u]
}
