package token_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// make1 makes a token with a signature of n zero bytes.
func make1(header, payload string, n int) string {
	return b64(header) + "." + b64(payload) + "." + b64(strings.Repeat("\x00", n))
}

const (
	header = `{"alg":"RS256","typ":"JWT","kid":"JRcO4nxs5jgc8YdN7I2hLO4V_ql1bdoiMXmcYgHm4Hs"}`
	client = "e0001112-9e47-0138-5b6c-023242b000010000ab"
	issuer = "https://acme.onelogin.com/oidc/2"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// accessPayload and idPayload have the shapes of OneLogin's tokens.
func accessPayload() string {
	return fmt.Sprintf(`{"jti":"XGZ3p~1","sub":"35666371","iss":%q,"iat":%d,"exp":%d,"scope":"openid profile","aud":%q}`,
		issuer, now.Unix()-480, now.Unix()+3120, client)
}

func idPayload() string {
	return fmt.Sprintf(`{"sub":"35666371","email":"a@x.example","preferred_username":"a","name":"A","updated_at":1725879903,`+
		`"groups":["Role 1"],"nonce":"n-1","at_hash":"h","sid":"6e1c","aud":%q,"exp":%d,"iat":%d,"iss":%q}`,
		client, now.Unix()+7200, now.Unix(), issuer)
}

func decode(t testing.TB, raw string) *token.Token {
	t.Helper()
	tok, err := token.Decode(raw)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return tok
}

func claims(t testing.TB, doc string) token.Claims {
	t.Helper()
	n, err := source.JSON("claims", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return token.NewClaims(n)
}

func TestKinds(t *testing.T) {
	jwe := b64(`{"alg":"dir","enc":"A256GCM"}`) + "..aXY.Y2lwaGVy.dGFn"
	for _, tc := range []struct {
		name, raw string
		want      token.Kind
	}{
		{"jwt", make1(header, accessPayload(), 256), token.JWT},
		{"jwt without a signature", b64(`{"alg":"none"}`) + "." + b64(`{}`) + ".", token.JWT},
		{"jwt with white space in its JSON", make1(" {\r\n \"alg\":\"RS256\"}", " {} ", 256), token.JWT},
		{"payload of text", make1(header, "foo", 256), token.JWS},
		{"payload of a list", make1(header, "[1]", 256), token.JWS},
		{"empty payload", make1(header, "", 256), token.JWS},
		{"a claim twice", make1(header, `{"sub":"a","sub":"b"}`, 256), token.JWS},
		{"a claim twice by an escape", make1(header, `{"sub":"a","s\u0075b":"b"}`, 256), token.JWS},
		{"payload that is not encoded", b64(`{"alg":"HS256","b64":false,"crit":["b64"]}`) + ".$02." + b64("x"), token.JWS},
		{"jwe", jwe, token.JWE},
		{"opaque", "MDYwZTQ5ZDM1OWVjNDI5MzVmYjAwYWNlNDMw", token.Opaque},
		{"opaque with dots", "ya29.a0AfH6.SMBx", token.Opaque},
		{"opaque that begins like base64 of a brace", "ezEyMzQ1Njc4OTA", token.Opaque},
		{"the tutorial's token", "allow", token.Opaque},
		{"dots", "..", token.Opaque},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tok := decode(t, tc.raw)
			if tok.Kind != tc.want {
				t.Errorf("kind %v, want %v (%v)", tok.Kind, tc.want, tok.PayloadErr)
			}
			if (tok.Kind == token.JWT) != (tok.Claims != nil) || (tok.Kind == token.JWS) != (tok.PayloadErr != nil) {
				t.Errorf("claims %v, payload error %v", tok.Claims, tok.PayloadErr)
			}
			if tok.Raw().Reveal() != tc.raw {
				t.Error("the raw token is another")
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	good := make1(header, `{"a":1}`, 32)
	parts := strings.Split(good, ".")
	for _, tc := range []struct{ name, raw, want string }{
		{"empty", "", "it is empty"},
		{"too long", strings.Repeat("a", token.MaxSize+1), "more than the 65536"},
		{"one part", parts[0], "has 1 part;"},
		{"two parts", parts[0] + "." + parts[1], "has 2 parts;"},
		{"four parts", good + ".x", "has 4 parts;"},
		{"thousands of parts", parts[0] + strings.Repeat(".", 60000), "has 60001 parts;"},
		{"padding", parts[0] + "==." + parts[1] + "." + parts[2], "header is not base64url: padding (=) at character"},
		{"line break", parts[0] + "." + parts[1] + ".ab\ncd", "signature is not base64url: white space at character 3"},
		{"plain base64", parts[0] + "." + parts[1] + ".ab+d", `signature is not base64url: '+', which is of plain base64, at character 3`},
		{"control character", parts[0] + "." + parts[1] + ".ab\x1bd", "signature is not base64url: byte 0x1b"},
		{"unused bits", parts[0] + "." + parts[1] + ".AB", "signature is not base64url: its last character does not fit"},
		{"impossible length", parts[0] + "." + parts[1] + ".AAAAA", "signature is not base64url: its last character does not fit"},
		{"broken header", b64(`{"alg":"RS256"`) + "." + parts[1] + "." + parts[2], "header:1:15: the JSON document ends too early"},
		{"header twice", b64(`{"alg":"RS256","alg":"none"}`) + "." + parts[1] + "." + parts[2], `the key "alg" is given twice`},
		{"header with a tail", b64(`{"alg":"RS256"}{}`) + "." + parts[1] + "." + parts[2], "unexpected text"},
		{"header not UTF-8", b64("{\"alg\":\"\xff\"}") + "." + parts[1] + "." + parts[2], "invalid UTF-8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tok, err := token.Decode(tc.raw)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			var f *fault.Error
			if tok != nil || !errors.As(err, &f) || f.Kind != fault.Usage || strings.Contains(f.Msg, "\n") {
				t.Errorf("token %v, error %#v", tok, err)
			}
		})
	}
}

func TestHeaderValues(t *testing.T) {
	tok := decode(t, make1(header, `{}`, 1))
	if alg, ok := tok.Algorithm(); !ok || alg != "RS256" {
		t.Errorf("alg %q %v", alg, ok)
	}
	if kid, ok := tok.KeyID(); !ok || !strings.HasPrefix(kid, "JRcO") {
		t.Errorf("kid %q %v", kid, ok)
	}
	odd := decode(t, make1(`{"alg":256,"kid":[]}`, `{}`, 1))
	if _, ok := odd.Algorithm(); ok {
		t.Error("a number is taken for an alg")
	}
	if _, ok := odd.KeyID(); ok {
		t.Error("a list is taken for a kid")
	}
}

func TestUse(t *testing.T) {
	for _, tc := range []struct {
		name, header, payload string
		want                  token.Use
		why                   string
	}{
		{"OneLogin access", header, accessPayload(), token.AccessUse, "jti and scope"},
		{"OneLogin ID", header, idPayload(), token.IDUse, "at_hash"},
		{"client credentials", header, `{"jti":"x","iss":"i","iat":1,"exp":2,"aud":"c"}`, token.AccessUse, "client-credentials"},
		{"RFC 9068", `{"alg":"RS256","typ":"at+JWT"}`, `{"sub":"a"}`, token.AccessUse, "RFC 9068"},
		{"access token with custom claims", header, `{"jti":"x","sub":"a","scope":"s","email":"a@x","sid":"1"}`, token.AccessUse, "jti and scope"},
		{"scopes as a list", header, `{"jti":"x","sub":"a","scp":["s"]}`, token.AccessUse, "jti and scp"},
		{"both", header, `{"jti":"x","scope":"s","nonce":"n"}`, token.AnyUse, "nonce as ID tokens do, and scope"},
		{"nothing", header, `{"sub":"a"}`, token.AnyUse, "no claim tells"},
		{"nulls", header, `{"nonce":null,"sub":"a"}`, token.AnyUse, "no claim tells"},
		{"ID without nonce", header, `{"sub":"a","email":"x","aud":"c"}`, token.IDUse, "email and no scope"},
		{"says so", header, `{"sub":"a","token_use":"id"}`, token.IDUse, "token_use"},
		{"no claims", header, `[]`, token.AnyUse, "only the claims"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			use, why := decode(t, make1(tc.header, tc.payload, 1)).Use()
			if use != tc.want || !strings.Contains(why, tc.why) {
				t.Errorf("%v, %q; want %v, %q", use, why, tc.want, tc.why)
			}
		})
	}
}

// Secrets must not get out by printing.
func TestRawIsRedacted(t *testing.T) {
	raw := make1(header, accessPayload(), 256)
	tok := decode(t, raw)
	if s := fmt.Sprint(tok.Raw()); strings.Contains(s, raw) {
		t.Errorf("printed %q", s)
	}
	f, err := token.Find(raw)
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%v %+v", f, f); strings.Contains(s, raw) {
		t.Errorf("printed %q", s)
	}
}

func TestSetFresh(t *testing.T) {
	s := token.Set{Access: secret.New("x"), Expiry: now.Add(time.Minute)}
	for _, tc := range []struct {
		name   string
		set    token.Set
		margin time.Duration
		want   bool
	}{
		{"good", s, 59 * time.Second, true},
		{"margin reached", s, time.Minute, false},
		{"no token", token.Set{Expiry: now.Add(time.Minute)}, 0, false},
		{"expiry not known", token.Set{Access: s.Access}, time.Hour, true},
	} {
		if got := tc.set.Fresh(now, tc.margin); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestMargin(t *testing.T) {
	for life, want := range map[time.Duration]time.Duration{
		-time.Hour: 0, 0: 0, 10 * time.Second: time.Second, 5 * time.Minute: 30 * time.Second, time.Hour: time.Minute, 1 << 62: time.Minute,
	} {
		if got := token.Margin(life); got != want {
			t.Errorf("of %s: %s, want %s", life, got, want)
		}
	}
}

// FuzzDecode wants that nothing panics, and that what was decoded encodes to
// what was given.
func FuzzDecode(f *testing.F) {
	f.Add(make1(header, accessPayload(), 256))
	f.Add(make1(header, "foo", 3))
	f.Add(b64(`{"alg":"dir","enc":"A256GCM"}`) + "..aXY.Y2lwaGVy.dGFn")
	f.Add(b64(`{"alg":"HS256","b64":false,"crit":["b64"]}`) + ".$02.eA")
	f.Add("..")
	f.Add("eyJ")
	f.Add("e30..")
	f.Fuzz(func(t *testing.T, raw string) {
		tok, err := token.Decode(raw)
		if err != nil {
			if tok != nil || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%v, %q", tok, err)
			}
			return
		}
		tok.Lint(now)
		tok.Use()
		tok.CheckHeader(token.Expect{})
		tok.CheckClaims(token.Expect{Issuer: "x", Audience: []string{"y"}, Nonce: "n", AccessToken: secret.New("a"), Now: now})
		if tok.Kind != token.JWT && tok.Kind != token.JWS {
			return
		}
		first, _, _ := strings.Cut(raw, ".")
		payload := base64.RawURLEncoding.EncodeToString(tok.Payload)
		if b := tok.Header.Get("b64"); b != nil && b.Text == "false" && b.Kind == source.Bool {
			payload = string(tok.Payload)
		}
		again := first + "." + payload + "." + base64.RawURLEncoding.EncodeToString(tok.Signature)
		if again != raw || tok.SigningInput() != first+"."+payload {
			t.Errorf("decoded and encoded again:\n%q\n%q", raw, again)
		}
	})
}
