package store

import (
	"strings"
	"testing"
	"time"

	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// Whatever a file holds, reading it gives tokens of the key or an error, and no
// error shows what is in it.
func FuzzDecode(f *testing.F) {
	k := Key{"dev", "https://acme.onelogin.com/oidc/2", "e0001112"}
	good, err := encode(k, Login{Name: "Ada"}, token.Set{Access: secret.New("a"), TokenType: "Bearer", Expiry: time.Unix(1795377600, 0)}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	sealed, err := encode(k, Login{Kind: InKeyring, APIs: []string{"a"}}, token.Set{Access: secret.New("a")}, func(b []byte) ([]byte, error) { return b, nil })
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	for _, s := range []string{"", "{}", "null", "[]", `{"version":1}`, `{"version":1,"secrets":null}`, strings.Repeat("[", 10000), "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(k, "tokens.json", data)
		if err != nil {
			return
		}
		if len(r.APIs) > 0 { // what is remembered can be added to
			if l := (Login{APIs: []string{"another"}}).over(r); len(l.APIs) == 0 || len(l.APIs) > mostAPIs {
				t.Errorf("%q remembers %d origins", data, len(l.APIs))
			}
		}
		set, err := r.set("tokens.json", r.Secrets)
		if err != nil {
			return
		}
		if set.Access.IsZero() || set.Issuer != k.Issuer || set.ClientID != k.ClientID {
			t.Errorf("%q gives %+v", data, set)
		}
		// What was read can be written and read again.
		again, err := encode(k, Login{}.over(r), set, nil)
		if err != nil {
			return // a time that JSON has no form for
		}
		if _, err := decode(k, "tokens.json", again); err != nil {
			t.Errorf("%q became %q: %v", data, again, err)
		}
	})
}
