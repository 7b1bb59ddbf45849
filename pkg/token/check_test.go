package token_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// check returns one check of a token with a payload.
func check(t *testing.T, payload, name string, e token.Expect) token.Check {
	t.Helper()
	if e.Now.IsZero() {
		e.Now = now
	}
	for _, c := range decode(t, make1(header, payload, 1)).CheckClaims(e) {
		if c.Name == name {
			return c
		}
	}
	return token.Check{Name: "none"}
}

func TestClaimChecks(t *testing.T) {
	at := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
	lee := func(d time.Duration) token.Expect { return token.Expect{Leeway: d} }
	iss := token.Expect{Issuer: issuer}
	aud := token.Expect{Audience: []string{"a", "b"}}
	sum := sha256.Sum256([]byte("the access token"))
	hash := base64.RawURLEncoding.EncodeToString(sum[:16])
	access := token.Expect{AccessToken: secret.New("the access token")}
	for _, tc := range []struct {
		payload string
		e       token.Expect
		name    string
		want    token.Result
		reason  string
	}{
		{`{"iss":"` + issuer + `"}`, iss, token.CheckIssuer, token.Pass, ""},
		{`{"iss":"` + issuer + `/"}`, iss, token.CheckIssuer, token.Fail, "slash at the end"},
		{`{"iss":"https://other.onelogin.com/oidc/2"}`, iss, token.CheckIssuer, token.Fail, `want "` + issuer},
		{`{"iss":["` + issuer + `"]}`, iss, token.CheckIssuer, token.Fail, "want a string"},
		{`{}`, iss, token.CheckIssuer, token.Fail, "there is no iss"},
		{`{}`, token.Expect{}, token.CheckIssuer, token.Skip, "no issuer is expected"},

		{`{"aud":"b"}`, aud, token.CheckAudience, token.Pass, ""},
		{`{"aud":["x","b"]}`, aud, token.CheckAudience, token.Pass, `"b"`},
		{`{"aud":"x"}`, aud, token.CheckAudience, token.Fail, `"x", want "a" or "b"`},
		{`{"aud":["x","y"]}`, aud, token.CheckAudience, token.Fail, `"x", "y"`},
		{`{"aud":[]}`, aud, token.CheckAudience, token.Fail, "there is no aud"},
		{`{"aud":null}`, aud, token.CheckAudience, token.Fail, "there is no aud"},
		{`{}`, aud, token.CheckAudience, token.Fail, "there is no aud"},
		{`{"aud":7}`, aud, token.CheckAudience, token.Fail, "a string or a list"},
		{`{"aud":["b",7]}`, aud, token.CheckAudience, token.Fail, "a string or a list"},
		{`{"aud":{"b":1}}`, aud, token.CheckAudience, token.Fail, "a string or a list"},
		{`{"aud":"x"}`, token.Expect{}, token.CheckAudience, token.Skip, "no audience"},

		{`{"azp":"me"}`, token.Expect{ClientID: "me"}, token.CheckParty, token.Pass, ""},
		{`{"azp":"you"}`, token.Expect{ClientID: "me"}, token.CheckParty, token.Fail, `"you", want "me"`},
		{`{"azp":["me"]}`, token.Expect{ClientID: "me"}, token.CheckParty, token.Fail, ""},
		{`{"azp":"you"}`, token.Expect{}, token.CheckParty, token.Skip, ""},
		{`{"aud":["a","b"]}`, token.Expect{Use: token.IDUse}, token.CheckParty, token.Fail, "2 audiences"},
		{`{"aud":["a","b"]}`, token.Expect{Use: token.AccessUse, ClientID: "me"}, token.CheckParty, token.Skip, "no azp"},

		{`{"exp":` + at(time.Second) + `}`, lee(0), token.CheckExpiry, token.Pass, "not expired"},
		{`{"exp":` + at(0) + `}`, lee(0), token.CheckExpiry, token.Fail, "expired 0 s ago"},
		{`{"exp":` + at(-29*time.Second) + `}`, lee(30 * time.Second), token.CheckExpiry, token.Pass, "expired 29 s ago, within the leeway of 30 s"},
		{`{"exp":` + at(-30*time.Second) + `}`, lee(30 * time.Second), token.CheckExpiry, token.Fail, "expired 30 s ago, beyond the leeway of 30 s"},
		{`{}`, lee(0), token.CheckExpiry, token.Fail, "there is no exp"},
		{`{"exp":null}`, lee(0), token.CheckExpiry, token.Fail, "there is no exp"},
		{`{"exp":"4102444800"}`, lee(0), token.CheckExpiry, token.Fail, "want a number"},
		{`{"exp":4102444800000}`, lee(0), token.CheckExpiry, token.Fail, "want a number"},
		{`{"exp":1e400}`, lee(0), token.CheckExpiry, token.Fail, "want a number"},

		{`{"nbf":` + at(0) + `}`, lee(0), token.CheckNotBefore, token.Pass, ""},
		{`{"nbf":` + at(time.Second) + `}`, lee(0), token.CheckNotBefore, token.Fail, "good only in 1 s"},
		{`{"nbf":` + at(time.Second) + `}`, lee(time.Second), token.CheckNotBefore, token.Pass, "within the leeway"},
		{`{"nbf":"x"}`, lee(0), token.CheckNotBefore, token.Fail, "want a number"},
		{`{}`, lee(0), token.CheckNotBefore, token.Skip, ""},

		{`{"iat":` + at(-time.Minute) + `}`, lee(0), token.CheckIssuedAt, token.Pass, "in the past"},
		{`{"iat":` + at(time.Minute) + `}`, lee(30 * time.Second), token.CheckIssuedAt, token.Fail, "beyond the leeway of 30 s"},
		{`{"iat":` + at(time.Minute) + `}`, lee(time.Minute), token.CheckIssuedAt, token.Pass, "within the leeway"},
		{`{}`, lee(0), token.CheckIssuedAt, token.Skip, ""},

		{`{"nonce":"n"}`, token.Expect{Nonce: "n"}, token.CheckNonce, token.Pass, ""},
		{`{"nonce":"m"}`, token.Expect{Nonce: "n"}, token.CheckNonce, token.Fail, "not the one"},
		{`{}`, token.Expect{Nonce: "n"}, token.CheckNonce, token.Fail, "there is no nonce"},

		{`{"at_hash":"` + hash + `"}`, access, token.CheckHash, token.Pass, ""},
		{`{"at_hash":"x"}`, access, token.CheckHash, token.Fail, "not of one login"},
		{`{}`, access, token.CheckHash, token.Skip, ""},

		{idPayload(), token.Expect{Use: token.AccessUse}, token.CheckUse, token.Fail, "an ID token, want an access token"},
		{accessPayload(), token.Expect{Use: token.AccessUse}, token.CheckUse, token.Pass, ""},
		{accessPayload(), token.Expect{Use: token.IDUse}, token.CheckUse, token.Fail, "an access token, want an ID token"},
		{`{"sub":"a"}`, token.Expect{Use: token.AccessUse}, token.CheckUse, token.Fail, "neither clearly"},
		{accessPayload(), token.Expect{}, token.CheckUse, token.Skip, ""},
	} {
		c := check(t, tc.payload, tc.name, tc.e)
		if c.Name != tc.name || c.Result != tc.want || !strings.Contains(c.Reason, tc.reason) {
			t.Errorf("%s of %s: %v, %q; want %v, %q", tc.name, tc.payload, c.Result, c.Reason, tc.want, tc.reason)
		}
	}
}

func TestHeaderChecks(t *testing.T) {
	all := []string{"RS256", "none", "EdDSA"}
	for _, tc := range []struct {
		header string
		e      token.Expect
		name   string
		want   token.Result
		reason string
	}{
		{`{"alg":"RS256"}`, token.Expect{}, token.CheckAlgorithm, token.Pass, ""},
		{`{"alg":"rs256"}`, token.Expect{}, token.CheckAlgorithm, token.Fail, "allowed is RS256"},
		{`{"alg":"HS256"}`, token.Expect{}, token.CheckAlgorithm, token.Fail, `"HS256", allowed is RS256`},
		{`{"alg":"EdDSA"}`, token.Expect{Algorithms: all}, token.CheckAlgorithm, token.Pass, ""},
		{`{"alg":"none"}`, token.Expect{Algorithms: all}, token.CheckAlgorithm, token.Fail, "not signed"},
		{`{"alg":"NONE"}`, token.Expect{Algorithms: []string{"NONE"}}, token.CheckAlgorithm, token.Fail, "not signed"},
		{`{}`, token.Expect{}, token.CheckAlgorithm, token.Fail, "no alg"},
		{`{"alg":["RS256"]}`, token.Expect{}, token.CheckAlgorithm, token.Fail, "no alg that is a string"},
		{`{"alg":"RS256"}`, token.Expect{}, token.CheckCritical, token.Pass, ""},
		{`{"alg":"RS256","crit":["exp"],"exp":1}`, token.Expect{}, token.CheckCritical, token.Fail, "crit"},
		{`{"alg":"RS256","crit":[]}`, token.Expect{}, token.CheckCritical, token.Fail, "crit"},
		{`{"alg":"RS256","b64":true}`, token.Expect{}, token.CheckCritical, token.Pass, ""},
		{`{"alg":"RS256","b64":false}`, token.Expect{SignatureOnly: true}, token.CheckCritical, token.Fail, "b64"},
		{`{"alg":"RS256"}`, token.Expect{}, token.CheckForm, token.Pass, ""},
	} {
		found := false
		for _, c := range decode(t, make1(tc.header, `{}`, 1)).CheckHeader(tc.e) {
			if c.Name != tc.name {
				continue
			}
			if found = true; c.Result != tc.want || !strings.Contains(c.Reason, tc.reason) {
				t.Errorf("%s of %s: %v, %q; want %v, %q", tc.name, tc.header, c.Result, c.Reason, tc.want, tc.reason)
			}
		}
		if !found {
			t.Errorf("%s has no check %s", tc.header, tc.name)
		}
	}
}

func TestFormCheck(t *testing.T) {
	text := make1(header, "foo", 1)
	for _, tc := range []struct {
		raw           string
		signatureOnly bool
		want          token.Result
	}{
		{text, false, token.Fail},
		{text, true, token.Pass},
		{"opaque", true, token.Fail},
		{b64(`{"alg":"dir","enc":"A256GCM"}`) + "..aXY.Y2lwaGVy.dGFn", true, token.Fail},
	} {
		got := decode(t, tc.raw).CheckHeader(token.Expect{SignatureOnly: tc.signatureOnly})[0]
		if got.Name != token.CheckForm || got.Result != tc.want {
			t.Errorf("%q, signature only %v: %v", tc.raw[:6], tc.signatureOnly, got)
		}
	}
}

// A token may be believed only if its signature was found right and nothing else
// was found wrong.
func TestVerified(t *testing.T) {
	tok := decode(t, make1(header, accessPayload(), 256))
	sig := func(r token.Result) token.Check { return token.Check{Name: token.CheckSignature, Result: r} }
	exp := func(r token.Result) token.Check { return token.Check{Name: token.CheckExpiry, Result: r} }
	for _, tc := range []struct {
		name string
		r    token.Report
		want bool
	}{
		{"zero", token.Report{}, false},
		{"decoded only", token.Report{Token: tok}, false},
		{"signature passed", token.Report{Token: tok, Checks: []token.Check{sig(token.Pass)}}, true},
		{"all passed", token.Report{Token: tok, Checks: []token.Check{exp(token.Pass), sig(token.Pass)}}, true},
		{"signature skipped", token.Report{Token: tok, Checks: []token.Check{exp(token.Pass), sig(token.Skip)}}, false},
		{"signature failed", token.Report{Token: tok, Checks: []token.Check{sig(token.Fail)}}, false},
		{"something failed", token.Report{Token: tok, Checks: []token.Check{sig(token.Pass), exp(token.Fail)}}, false},
		{"no token", token.Report{Checks: []token.Check{sig(token.Pass)}}, false},
	} {
		v, ok := tc.r.Verified()
		if ok != tc.want || ok != (v.Token() != nil) {
			t.Errorf("%s: %v", tc.name, ok)
		}
		if _, has := v.Claims().Lookup("sub"); has != tc.want {
			t.Errorf("%s: claims of what is not verified", tc.name)
		}
	}
}

func TestReasonsAreOneSafeLine(t *testing.T) {
	evil := `{"iss":"a\u001b[2J\u202e\n` + strings.Repeat("x", 1000) + `","aud":["\u001b]0;"],"azp":"\u0007"}`
	tok := decode(t, make1(`{"alg":"\u001b[2J"}`, evil, 1))
	e := token.Expect{Issuer: issuer, Audience: []string{client}, ClientID: client, Now: now}
	for _, c := range append(tok.CheckHeader(e), tok.CheckClaims(e)...) {
		if strings.ContainsAny(c.Reason, "\x1b\x07\n\u202e") || len(c.Reason) > 600 {
			t.Errorf("%s: %q", c.Name, c.Reason)
		}
	}
	for _, w := range tok.Lint(now) {
		if strings.ContainsAny(w.Message, "\x1b\x07\n\u202e") {
			t.Errorf("%s: %q", w.ID, w.Message)
		}
	}
}
