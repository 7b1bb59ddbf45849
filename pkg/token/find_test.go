package token_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatepass/pkg/fault"
	"gatepass/pkg/token"
)

// wrap breaks a text into lines of n characters.
func wrap(s string, n int, sep string) string {
	var b strings.Builder
	for len(s) > n {
		b.WriteString(s[:n] + sep)
		s = s[n:]
	}
	return b.String() + s
}

func utf16LE(s string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for i := range len(s) {
		b.WriteByte(s[i])
		b.WriteByte(0)
	}
	return b.String()
}

func TestFind(t *testing.T) {
	acc := make1(header, accessPayload(), 256)
	id := make1(header, idPayload(), 256)
	none := b64(`{"alg":"none"}`) + "." + b64(`{"a":1}`) + "."
	odd := make1(header, `{"a":1}`, 7) // a signature of no known length
	jwe := b64(`{"alg":"dir","enc":"A256GCM"}`) + "..aXY.Y2lwaGVy." + b64(strings.Repeat("t", 16))
	const opaque = "MDYwZTQ5ZDM1OWVjNDI5/MzVmYjA+wYWNlNDMw=="
	for _, tc := range []struct {
		name, text  string
		want, where string
		also        []string
	}{
		{"bare", acc, acc, "bare token", nil},
		{"with space around", "\n  " + acc + " \r\n", acc, "bare token", nil},
		{"byte order mark", "\ufeff" + acc + "\r\n", acc, "bare token", nil},
		{"UTF-16", utf16LE(acc + "\r\n"), acc, "bare token", nil},
		{"double quotes", `"` + acc + `"`, acc, "bare token", nil},
		{"single quotes", `'` + acc + `'`, acc, "bare token", nil},
		{"Bearer", "Bearer " + acc, acc, "Bearer token", nil},
		{"bearer in lower case", "bearer   " + acc, acc, "Bearer token", nil},
		{"quoted Bearer", `"Bearer ` + acc + `"`, acc, "Bearer token", nil},
		{"header", "Authorization: Bearer " + acc, acc, "header Authorization", nil},
		{"header of HTTP/2", "authorization:Bearer " + acc, acc, "header authorization", nil},
		{"the tutorial's header", "authorizationToken: " + acc, acc, "header authorizationToken", nil},
		{"the tutorial's simple token", "authorizationToken: allow", "allow", "header authorizationToken", nil},
		{"headers", "GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer " + acc + "\r\nAccept: */*\r\n", acc, "header Authorization", nil},
		{"curl", `curl -sS https://a.example/orders -H 'Authorization: Bearer ` + acc + `' -H "Accept: x"`, acc, "header Authorization", nil},
		{"curl with its option", `curl --oauth2-bearer ` + acc + ` https://a.example/`, acc, "option --oauth2-bearer", nil},
		{"curl on several lines", "curl https://a.example \\\n  -H \"Authorization: Bearer " + acc + "\" \\\n  -i", acc, "header Authorization", nil},
		{"token response", `{"access_token":"` + acc + `","expires_in":3600,"id_token":"` + id + `","token_type":"Bearer"}`, acc, "member access_token", []string{"member id_token"}},
		{"token response the other way round", `{"token_type":"Bearer","id_token":"` + id + `","access_token":"` + acc + `"}`, acc, "member access_token", []string{"member id_token"}},
		{"opaque access token beside an ID token", `{"access_token":"` + opaque + `","id_token":"` + id + `"}`, opaque, "member access_token", []string{"member id_token"}},
		{"ID token alone", `{"id_token":"` + id + `"}`, id, "member id_token", nil},
		{"refresh token too", `{"refresh_token":"abcdefgh","access_token":"` + acc + `"}`, acc, "member access_token", []string{"member refresh_token"}},
		{"cut off JSON", `  "access_token": "` + acc + `",`, acc, "member access_token", nil},
		{"AWS event", `{"type":"TOKEN","authorizationToken":"Bearer ` + acc + `","methodArn":"arn:aws:execute-api:eu-west-1:1:a/b/GET/"}`, acc, "member authorizationToken", nil},
		{"HAR entry", `{"request":{"headers":[{"name":"Host","value":"a"},{"name":"Authorization","value":"Bearer ` + acc + `"}]}}`, acc, "member value", nil},
		{"line of a HAR file", `          "value": "Bearer ` + acc + `"`, acc, "Bearer token", nil},
		{"JSON in JSON", `{"body":"{\"access_token\":\"` + acc + `\"}"}`, acc, "member access_token", nil},
		{"JSON list", `["` + acc + `"]`, acc, "JSON string", nil},
		{"query", "https://a.example/cb?state=x&access_token=" + acc + "&token_type=Bearer", acc, "parameter access_token", nil},
		{"fragment", "https://a.example/cb#id_token=" + id + "&access_token=" + acc, acc, "parameter access_token", []string{"parameter id_token"}},
		{"cookie", "Cookie: theme=dark; session=" + acc + "; a=b", acc, "cookie session", nil},
		{"encoded cookie", "Cookie: auth=" + url.QueryEscape("Bearer") + "%20" + acc, acc, "Bearer token", nil},
		{"log line", `time=12:00 level=debug msg="sending" token=` + acc + ` n=1`, acc, "parameter token", nil},
		{"sentence", "I got " + acc + ". What is it?", acc, "token in the text", nil},
		{"shell", "export TOKEN=" + acc, acc, "parameter TOKEN", nil},
		{"wrapped", wrap(acc, 64, "\n"), acc, "bare token", nil},
		{"wrapped and indented", "Authorization: Bearer " + wrap(acc, 70, "\r\n    ") + "\r\nHost: a.example", acc, "header Authorization", nil},
		{"wrapped with blanks", wrap(acc, 80, " "), acc, "bare token", nil},
		{"wrapped at the dots", strings.ReplaceAll(acc, ".", ".\n"), acc, "bare token", nil},
		{"wrapped in a curl command", "curl -H 'Authorization: Bearer " + wrap(acc, 60, "\n") + "' https://a.example", acc, "header Authorization", nil},
		{"wrapped by the shell", "TOKEN=" + wrap(acc, 60, "\\\n"), acc, "parameter TOKEN", nil},
		{"wrapped, odd signature", wrap(odd, 20, "\n") + "\n", odd, "bare token", nil},
		{"followed by a word", odd + " ok", odd, "bare token", nil},
		{"unsigned", none, none, "bare token", nil},
		{"unsigned in a header", "Authorization: Bearer " + none, none, "header Authorization", nil},
		{"encrypted", "Bearer " + jwe, jwe, "Bearer token", nil},
		{"encrypted and wrapped", wrap(jwe, 30, "\n"), jwe, "bare token", nil},
		{"opaque", opaque, opaque, "bare token", nil},
		{"opaque in a header", "Authorization: Bearer " + opaque, opaque, "header Authorization", nil},
		{"opaque in a curl command", "curl -H 'Authorization: Bearer " + opaque + "' https://a.example", opaque, "header Authorization", nil},
		{"opaque in a query", "https://a.example/?access_token=" + strings.TrimRight(opaque, "=") + "&a=b", strings.TrimRight(opaque, "="), "parameter access_token", nil},
		{"padded", b64(header) + "==." + b64(`{}`) + ".AA", b64(header) + "==." + b64(`{}`) + ".AA", "bare token", nil},
		{"cut off", b64(header) + "." + b64(`{"a":1}`), b64(header) + "." + b64(`{"a":1}`), "bare token", nil},
		{"the same twice", acc + "\n" + acc, acc, "bare token", nil},
		{"two", "first " + id + " second " + acc, id, "token in the text", []string{"token in the text"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := token.Find(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Token.Reveal(); got != tc.want {
				t.Errorf("found %q\n want %q", got, tc.want)
			}
			if f.Where != tc.where {
				t.Errorf("as %q, want %q", f.Where, tc.where)
			}
			if diff := cmp.Diff(tc.also, f.Also); diff != "" {
				t.Errorf("also (-want +got):\n%s", diff)
			}
			if joined := strings.HasPrefix(tc.name, "wrapped") || tc.name == "encrypted and wrapped"; f.Joined != joined {
				t.Errorf("joined: %v", f.Joined)
			}
		})
	}
}

func TestFindRefuses(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", "", "the input is empty"},
		{"white space", " \n\t", "the input is empty"},
		{"a mark alone", "\ufeff", "the input is empty"},
		{"too much", strings.Repeat("a", token.MaxSize+1), "65537 bytes, more than the 65536"},
		{"words", "there is nothing in here", "no token in the input"},
		{"Basic", "Authorization: Basic YTpi", "Basic authorization"},
		{"another header", "Host: a.example", "no token in the input"},
		{"JSON without", `{"a":1}`, "no token in the JSON document"},
		{"token type alone", `{"token_type":"Bearer token"}`, "no token in the JSON document"},
		{"error answer", `{"error":"invalid_grant","error_description":"x"}`, "a request that failed"},
		{"JWS in JSON", `{"payload":"YQ","protected":"eyJhbGciOiJSUzI1NiJ9","signature":"AA"}`, "JWS in JSON form"},
		{"JWS in JSON, general", `{"payload":"YQ","signatures":[{"protected":"eyJhbGciOiJSUzI1NiJ9","signature":"AA"}]}`, "JWS in JSON form"},
		{"JWE in JSON", `{"protected":"eyJhbGciOiJkaXIifQ","ciphertext":"AA","tag":"AA"}`, "JWE in JSON form"},
		{"binary", "\x00\x01\x02", "no token in the input"},
		{"csrf", `{"csrf_token":"abcdef"}`, "no token in the JSON document"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := token.Find(tc.text)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("found %q %q, error %v; want %q", f.Token.Reveal(), f.Where, err, tc.want)
			}
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != fault.Usage {
				t.Errorf("error %#v", err)
			}
		})
	}
}

// Hostile texts must not take more time than ordinary ones of the same length.
// The limit is far above what a linear search needs, and far below what a
// quadratic one does.
func TestFindIsLinear(t *testing.T) {
	fill := func(s string) string { return strings.Repeat(s, token.MaxSize/len(s)) }
	for name, text := range map[string]string{
		"heads":         fill("eyJhbGciOiJSUzI1NiJ9 "),
		"heads in dots": fill("eyJh. "),
		"pieces":        "eyJhbGciOiJSUzI1NiJ9.a.b " + fill("a ")[:60000],
		"dots":          fill("eyJh.."),
		"bearers":       fill("Bearer "),
		"labels":        fill("access_token="),
		"quotes":        fill(`\"`),
		"percents":      fill("%20"),
		"deep JSON":     fill("["),
		"strings":       `["` + fill("eyJh.a ")[:60000] + `"]`,
		"colons":        fill("a:"),
	} {
		began := time.Now()
		_, _ = token.Find(text)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}

// FuzzFind wants that nothing panics, that what is found was in the text, and
// that a token behind "Bearer" is found whatever precedes it on other lines.
func FuzzFind(f *testing.F) {
	f.Add("curl -H 'Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.e30.AA'")
	f.Add(`{"access_token":"eyJhbGciOiJSUzI1NiJ9.e30.AA"}`)
	f.Add("eyJhbGciOi\nJSUzI1NiJ9.e30\n.AA")
	f.Add("\xff\xfee\x00y\x00")
	f.Add("access_token%3DeyJh%2Ee30.")
	f.Add("Bearer \\\n \"")
	f.Fuzz(func(t *testing.T, text string) {
		found, err := token.Find(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			return
		}
		raw := found.Token.Reveal()
		if raw == "" || found.Where == "" {
			t.Fatalf("found %q, %q", raw, found.Where)
		}
		if _, err := token.Find(raw); err != nil {
			t.Errorf("found %q, but not in itself: %v", raw, err)
		}
	})
}
