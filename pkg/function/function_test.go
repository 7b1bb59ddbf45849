package function_test

import (
	"context"
	cryptorand "crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/function"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

const (
	issuer = "https://acme.onelogin.com/oidc/2"
	other  = "https://other.onelogin.com/oidc/2"
	stage  = "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/"
)

// start is the time at which tests happen.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(cryptorand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func keySet(t testing.TB) *verify.KeySet {
	t.Helper()
	k := key()
	b64 := base64.RawURLEncoding.EncodeToString
	set, err := verify.ParseKeySet("keys.json", fmt.Appendf(nil, `{"keys":[{"kty":"RSA","kid":"k1","use":"sig","n":%q,"e":%q}]}`,
		b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// accessToken is an access token as OneLogin makes them, with more claims.
func accessToken(t testing.TB, sub string, expires time.Duration, more jwt.MapClaims) string {
	t.Helper()
	claims := jwt.MapClaims{
		"jti": "j-" + sub, "sub": sub, "iss": issuer, "aud": "app", "scope": "openid", "iat": start.Unix(), "exp": start.Add(expires).Unix(),
	}
	for name, v := range more {
		claims[name] = v
	}
	tok := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	tok.Header["kid"] = "k1"
	raw, err := tok.SignedString(key())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const fileText = `
version: 1
tokens: [{issuer: https://acme.onelogin.com/oidc/2, audience: app, leeway: 30s}]
context: {who: "${jwt:sub}", groups: "${jwt:groups}"}
policy:
  Version: "2012-10-17"
  Statement:
    - {Sid: Admins, Effect: Allow, Resource: "* /*", Condition: {"ForAnyValue:StringEquals": {"jwt:groups": [Admins]}}}
    - {Sid: Own, Effect: Allow, Resource: "GET /users/${jwt:sub}/*"}
    - {Sid: Office, Effect: Deny, Resource: "DELETE /*", Condition: {NotIpAddress: {"aws:SourceIp": [203.0.113.0/24]}}}
`

func load(t testing.TB, text string) *authorizer.File {
	t.Helper()
	n, err := source.YAML("authorizer.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f, err := authorizer.Load(n)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// counting is a key source that counts how often it is asked.
type counting struct {
	verify.KeySource
	asked int
	err   error
}

func (c *counting) KeySet(ctx context.Context, kid string) (*verify.KeySet, error) {
	c.asked++
	if c.err != nil {
		return nil, c.err
	}
	return c.KeySource.KeySet(ctx, kid)
}

// options are those of a function that verifies with keys and remembers as many
// tokens as said.
func options(keys verify.KeySource, remember int) function.Options {
	return function.Options{
		Verifier: func(e authorizer.Expectation) function.Verifier {
			return verify.NewVerifier(token.Expect{
				Issuer: e.Issuer, Audience: e.Audience, Algorithms: e.Algorithms, Use: e.Use, Leeway: e.Leeway,
			}, keys, remember)
		},
		Refused: verify.IsRefused, Remember: remember,
	}
}

func event(kind apigw.EventKind, arn, ip, raw string) apigw.Event {
	ev := apigw.Event{Kind: kind, ARN: arn, Context: apigw.EventContext{SourceIP: ip, Time: start}}
	if kind == apigw.EventToken {
		ev.Token = "Bearer " + raw
		return ev
	}
	ev.Header = map[string][]string{
		"Host": {"abc123.execute-api.eu-west-1.amazonaws.com"}, "Authorization": {"Bearer " + raw}, "User-Agent": {"curl/7.88"}, "Accept": {"*/*"},
		"X-Forwarded-For": {ip}, "X-Forwarded-Port": {"443"}, "X-Forwarded-Proto": {"https"},
	}
	return ev
}

func TestInvoke(t *testing.T) {
	admin := accessToken(t, "1", time.Hour, jwt.MapClaims{"groups": []string{"Admins"}})
	user := accessToken(t, "42", time.Hour, nil)
	for name, tc := range map[string]struct {
		raw, route, ip string
		now            time.Duration
		simple         bool
		want           string // in the answer
	}{
		"an admin":           {raw: admin, route: "POST/x", want: `"principalId":"1"`},
		"a user":             {raw: user, route: "GET/users/42/x", want: stage + "GET/users/42/*"},
		"a late token":       {raw: user, route: "GET/", now: time.Hour + 20*time.Second, want: `"principalId":"42"`}, // within the leeway
		"an expired token":   {raw: user, route: "GET/", now: time.Hour + 30*time.Second, want: "Unauthorized"},
		"another signature":  {raw: user[:len(user)-8] + "AAAAAAAA", route: "GET/", want: "Unauthorized"},
		"another issuer":     {raw: accessToken(t, "1", time.Hour, jwt.MapClaims{"iss": other}), route: "GET/", want: "Unauthorized"},
		"no token":           {raw: "", route: "GET/", want: "Unauthorized"},
		"no JWT":             {raw: "opaque", route: "GET/", want: "Unauthorized"},
		"half a JWT":         {raw: user[:100], route: "GET/", want: "Unauthorized"},
		"simple, allowed":    {raw: user, route: "GET/users/42/x", simple: true, want: `{"isAuthorized":true,"context":{"who":"42"}}`},
		"simple, another's":  {raw: user, route: "GET/users/43/x", simple: true, want: `{"isAuthorized":false}`},
		"simple, the office": {raw: admin, route: "DELETE/x", ip: "203.0.113.9", simple: true, want: `{"isAuthorized":true,`},
		"simple, elsewhere":  {raw: admin, route: "DELETE/x", ip: "198.51.100.9", simple: true, want: `{"isAuthorized":false}`},
		"simple, no token":   {raw: "", route: "GET/", simple: true, want: "Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(keySet(t), 0)
			o.Simple = tc.simple
			f := function.New(load(t, fileText), o)
			for range 3 { // asked again, the answer is the same
				out, trace := f.Invoke(t.Context(), event(apigw.EventHTTP2, stage+tc.route, tc.ip, tc.raw), start.Add(tc.now))
				if text := out.Text + out.Message; !strings.Contains(text, tc.want) {
					t.Errorf("answer %s, want %s; trace %+v", text, tc.want, trace)
				}
			}
		})
	}
}

// A token of an issuer that the file does not name makes nobody ask for keys.
func TestStrangersAskForNoKeys(t *testing.T) {
	keys := &counting{KeySource: keySet(t)}
	f := function.New(load(t, fileText), options(keys, 0))
	raw := accessToken(t, "1", time.Hour, jwt.MapClaims{"iss": other})
	_, trace := f.Invoke(t.Context(), event(apigw.EventToken, stage+"GET/", "", raw), start)
	if keys.asked != 0 || !strings.Contains(trace.Reason, "no tokens of the issuer") {
		t.Errorf("keys were asked for %d times; %s", keys.asked, trace.Reason)
	}
}

// Without keys the answer is an error, whatever the file says of refusals, and the
// next request tries again.
func TestNoKeysIsNoDeny(t *testing.T) {
	keys := &counting{KeySource: keySet(t), err: errors.New("the issuer cannot be reached")}
	f := function.New(load(t, fileText+"refuse: deny\n"), options(keys, 0))
	ev := event(apigw.EventToken, stage+"GET/", "", accessToken(t, "1", time.Hour, nil))
	for range 2 {
		out, trace := f.Invoke(t.Context(), ev, start)
		if out.Kind != apigw.Failed || out.Message == "Unauthorized" || trace.Outcome != authorizer.Failed {
			t.Errorf("output %+v, trace %+v", out, trace)
		}
	}
	keys.err = nil
	if out, _ := f.Invoke(t.Context(), ev, start); out.Kind != apigw.Returned {
		t.Errorf("with keys: %+v", out)
	}
}

// The gateway's authorizer says what form it takes, whatever the function is set to.
func TestAuthorizerSaysForm(t *testing.T) {
	f := function.New(load(t, fileText), options(keySet(t), 0))
	ev := event(apigw.EventHTTP2, stage+"GET/", "", accessToken(t, "1", time.Hour, nil))
	ev.Authorizer = &apigw.Authorizer{SimpleResponses: true}
	if out, _ := f.Invoke(t.Context(), ev, start); out.Text != `{"isAuthorized":false}` {
		t.Errorf("answer %s", out.Text)
	}
	ev.Kind = apigw.EventHTTP1
	if out, _ := f.Invoke(t.Context(), ev, start); !strings.Contains(out.Text, "policyDocument") {
		t.Errorf("answer %s", out.Text)
	}
}

// pair is a function that remembers and one that does not, with what to ask them.
type pair struct {
	with, without *function.Function
	raws, arns    []string
}

func newPair(t testing.TB) func() pair {
	raws := []string{
		accessToken(t, "1", time.Hour, jwt.MapClaims{"groups": []string{"Admins"}}),
		accessToken(t, "42", time.Hour, nil),
		accessToken(t, "*", time.Hour, nil),
		accessToken(t, "7", 5*time.Minute, jwt.MapClaims{"groups": "Staff;Admins"}),
		accessToken(t, "", time.Hour, nil),                       // no principal
		accessToken(t, strings.Repeat("x", 500), time.Hour, nil), // too long a resource
		"opaque", "",
	}
	arns := []string{
		stage + "GET/users/42/x", stage + "DELETE/x", strings.Replace(stage, "prod", "dev", 1) + "GET/", strings.Replace(stage, "abc", "abd", 1) + "GET/",
		"arn:aws:execute-api:eu-west-1:123456789012:abc123/prod//", "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod", "x", stage + "GET/" + strings.Repeat("y", 1600),
	}
	o, plain := options(keySet(t), 3), options(keySet(t), -1)
	o.Simple, plain.Simple = true, true
	file := load(t, fileText)
	return func() pair { return pair{function.New(file, o), function.New(file, plain), raws, arns} }
}

// compare asks both the same, four bytes a request: whose token, for what, of which
// kind and from where, and how many seconds after the one before.
func (p pair) compare(t *testing.T, steps []byte) {
	kinds := []apigw.EventKind{apigw.EventToken, apigw.EventRequest, apigw.EventHTTP2}
	now := start
	for ; len(steps) >= 4 && now.Before(start.Add(2*time.Hour)); steps = steps[4:] {
		raw, arn := p.raws[int(steps[0])%len(p.raws)], p.arns[int(steps[1])%len(p.arns)]
		ip := [...]string{"203.0.113.9", "198.51.100.9"}[steps[2]>>4&1]
		ev := event(kinds[int(steps[2]&15)%len(kinds)], arn, ip, raw)
		now = now.Add(time.Duration(steps[3]) * time.Second)
		got, trace := p.with.Invoke(t.Context(), ev, now)
		want, wantTrace := p.without.Invoke(t.Context(), ev, now)
		if got.Kind != want.Kind || got.Text != want.Text || got.Message != want.Message {
			t.Fatalf("at %s with memory %+v, without %+v", now, got, want)
		}
		if d := cmp.Diff(wantTrace, trace); d != "" {
			t.Fatal(d)
		}
	}
}

// What is remembered never changes an answer. Long sequences of requests by several
// callers for several APIs, at any times, are answered by a function that remembers
// and by one that does not.
func TestMemory(t *testing.T) {
	fresh := newPair(t)
	r := rand.New(rand.NewPCG(1, 2)) // the same every time
	for range 10 {
		steps := make([]byte, 400)
		for i := range steps {
			steps[i] = byte(r.Uint32())
			if i%4 == 3 {
				steps[i] %= 60
			}
		}
		fresh().compare(t, steps)
	}
}

// FuzzMemory is TestMemory for whatever sequence there may be.
func FuzzMemory(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 2, 10})
	f.Add([]byte("the same token at many places and times, over and over: the same token"))
	f.Add([]byte{3, 0, 0, 60, 3, 0, 0, 60, 3, 1, 0, 250, 3, 1, 0, 250, 4, 0, 0, 0, 5, 2, 2, 2, 5, 2, 2, 2})
	fresh := newPair(f)
	f.Fuzz(func(t *testing.T, steps []byte) { fresh().compare(t, steps) })
}

// Several goroutines get the same answers as one.
func TestConcurrently(t *testing.T) {
	f := function.New(load(t, fileText), options(keySet(t), 2))
	var raws []string
	for i := range 4 {
		raws = append(raws, accessToken(t, fmt.Sprint(i), time.Hour, nil))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				sub := fmt.Sprint(i % 4)
				out, _ := f.Invoke(t.Context(), event(apigw.EventToken, stage+"GET/", "", raws[i%4]), start)
				if !strings.Contains(out.Text, `"principalId":"`+sub+`"`) {
					t.Errorf("for %s: %s", sub, out.Text)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkSeenBefore is one decision about a token that was seen before: the event
// as it was read in, the answer as it is printed.
func BenchmarkSeenBefore(b *testing.B) {
	raw := accessToken(b, "42", time.Hour, jwt.MapClaims{"groups": []string{"Staff"}})
	for _, form := range []string{"policy", "simple"} {
		b.Run(form, func(b *testing.B) {
			o := options(keySet(b), 0)
			o.Simple = form == "simple"
			f := function.New(load(b, fileText), o)
			ev := event(apigw.EventHTTP2, stage+"GET/users/42/orders", "203.0.113.9", raw)
			b.ReportAllocs()
			for b.Loop() {
				if out, _ := f.Invoke(b.Context(), ev, start); out.Kind != apigw.Returned {
					b.Fatal(out)
				}
			}
		})
	}
}

// BenchmarkFirstSeen is the same for a token that nothing is remembered of:
// decoding, checking the signature, specializing, printing.
func BenchmarkFirstSeen(b *testing.B) {
	raw := accessToken(b, "42", time.Hour, jwt.MapClaims{"groups": []string{"Staff"}})
	f := function.New(load(b, fileText), options(keySet(b), -1))
	ev := event(apigw.EventHTTP2, stage+"GET/users/42/orders", "203.0.113.9", raw)
	for b.Loop() {
		if out, _ := f.Invoke(b.Context(), ev, start); out.Kind != apigw.Returned {
			b.Fatal(out)
		}
	}
}
