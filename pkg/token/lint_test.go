package token_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/token"
)

func ids(list []token.Warning) []string {
	var s []string
	for _, w := range list {
		s = append(s, w.ID)
	}
	slices.Sort(s)
	return s
}

func TestLint(t *testing.T) {
	// A payload without faults, and with one member in place of another.
	good := fmt.Sprintf(`"jti":"x","sub":"1","iss":%q,"scope":"openid","iat":%d,"exp":%d,"aud":%q`, issuer, now.Unix()-60, now.Unix()+60, client)
	with := func(member, value string) string {
		i := strings.Index(good, `"`+member+`":`)
		if i < 0 {
			return "{" + good + `,"` + member + `":` + value + "}"
		}
		rest := good[i:]
		_, after, more := strings.Cut(rest, `,"`)
		s := good[:i]
		if value != "" {
			s += `"` + member + `":` + value
		}
		if more {
			if value != "" {
				s += ","
			}
			s += `"` + after
		}
		return "{" + strings.TrimSuffix(s, ",") + "}"
	}
	in := func(seconds int64) string { return fmt.Sprint(now.Unix() + seconds) }
	for _, tc := range []struct {
		name, header, payload string
		want                  []string
	}{
		{"OneLogin's access token", header, accessPayload(), nil},
		{"OneLogin's ID token", header, idPayload(), []string{"id-token"}},
		{"good", header, "{" + good + "}", nil},
		{"unsigned", `{"alg":"none","kid":"k"}`, "{" + good + "}", []string{"alg-none"}},
		{"unsigned in capitals", `{"alg":"NONE","kid":"k"}`, "{" + good + "}", []string{"alg-none"}},
		{"HMAC", `{"alg":"HS256","kid":"k"}`, "{" + good + "}", []string{"alg-hmac"}},
		{"no alg, no kid", `{}`, "{" + good + "}", []string{"alg-missing", "kid-missing"}},
		{"empty alg, empty kid", `{"alg":"","kid":""}`, "{" + good + "}", []string{"alg-missing", "kid-missing"}},
		{"alg is a list", `{"alg":["RS256"],"kid":"k"}`, "{" + good + "}", []string{"alg-missing"}},
		{"empty iss", header, with("iss", `""`), []string{"iss-missing"}},
		{"empty aud", header, with("aud", `""`), []string{"aud-missing"}},
		{"aud of nothing", header, with("aud", `["",""]`), []string{"aud-missing"}},
		{"kid is a number", `{"alg":"RS256","kid":1}`, "{" + good + "}", []string{"kid-type"}},
		{"crit", `{"alg":"RS256","kid":"k","crit":["x"]}`, "{" + good + "}", []string{"crit"}},
		{"own key", `{"alg":"RS256","kid":"k","jku":"https://x","x5u":"","jwk":{},"x5c":[]}`, "{" + good + "}",
			[]string{"header-jku", "header-jwk", "header-x5c", "header-x5u"}},
		{"another type", `{"alg":"RS256","kid":"k","typ":"logout+jwt"}`, "{" + good + "}", []string{"typ"}},
		{"RFC 9068", `{"alg":"RS256","kid":"k","typ":"at+jwt"}`, "{" + good + "}", nil},
		{"no expiry", header, with("exp", ""), []string{"exp-missing"}},
		{"expired", header, with("exp", in(-1)), []string{"expired"}},
		{"expires now", header, with("exp", in(0)), []string{"expired"}},
		{"milliseconds", header, with("exp", in(60)+"000"), []string{"exp-milliseconds"}},
		{"microseconds", header, with("exp", in(60)+"000000"), []string{"exp-type"}},
		{"expiry as text", header, with("exp", `"`+in(60)+`"`), []string{"exp-type"}},
		{"from the future", header, with("iat", in(30)), []string{"iat-future"}},
		{"not yet", header, with("nbf", in(30)), []string{"nbf-future"}},
		{"never good", header, with("exp", in(-120)), []string{"exp-before-iat", "expired"}},
		{"24 hours", header, with("exp", in(24*3600-60)), nil},
		{"longer", header, with("exp", in(24*3600)), []string{"long-lived"}},
		{"no issuer", header, with("iss", ""), []string{"iss-missing"}},
		{"issuer is a list", header, with("iss", `["a"]`), []string{"iss-type"}},
		{"subject is a number", header, with("sub", `35666371`), []string{"sub-type"}},
		{"no audience", header, with("aud", ""), []string{"aud-missing"}},
		{"empty audience", header, with("aud", "[]"), []string{"aud-missing"}},
		{"audience is an object", header, with("aud", "{}"), []string{"aud-type"}},
		{"two APIs", header, with("aud", `["https://a","https://b"]`), nil},
		{"mixed audiences", header, with("aud", `["https://a","e000"]`), []string{"aud-mixed"}},
		{"joined groups", header, with("groups", `"a;b"`), []string{"groups-joined"}},
		{"updated_at in milliseconds", header, with("updated_at", "1725879903000"), []string{"updated_at-milliseconds"}},
		{"updated_at as text", header, with("updated_at", `"2019-01-01T00:00:00Z"`), nil},
		{"a secret", header, with("Client_Secret", `"hunter2"`), []string{"secret-claim"}},
		{"use not clear", header, with("nonce", `"n"`), []string{"use-unclear"}},
		{"no claims", header, "foo", []string{"no-claims"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := decode(t, make1(tc.header, tc.payload, 1)).Lint(now)
			if diff := cmp.Diff(tc.want, ids(got)); diff != "" {
				t.Errorf("(-want +got):\n%s%v", diff, got)
			}
		})
	}
}

func TestLintOfOtherKinds(t *testing.T) {
	for raw, want := range map[string][]string{
		"opaque": {"opaque"},
		b64(`{"alg":"dir","enc":"A256GCM","kid":"k"}`) + "..aXY.Y2lwaGVy.dGFn":           {"encrypted"},
		b64(header) + "." + b64(accessPayload()) + ".":                                   {"no-signature"},
		b64(`{"alg":"HS256","b64":false,"crit":["b64"],"kid":"k"}`) + ".$02." + b64("x"): {"alg-hmac", "crit", "no-claims"},
	} {
		if diff := cmp.Diff(want, ids(decode(t, raw).Lint(now))); diff != "" {
			t.Errorf("%.10s (-want +got):\n%s", raw, diff)
		}
	}
}

// A missing expiry must not be called expired.
func TestNoExpiryIsNotExpired(t *testing.T) {
	for _, w := range decode(t, make1(header, `{"iss":"i"}`, 1)).Lint(now) {
		if strings.Contains(w.Message, "expired") {
			t.Errorf("%s: %s", w.ID, w.Message)
		}
	}
}
