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
	good, err := encode(k, "Ada", token.Set{Access: secret.New("a"), TokenType: "Bearer", Expiry: time.Unix(1795377600, 0)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, s := range []string{"", "{}", "null", "[]", `{"version":1}`, `{"version":1,"secrets":null}`, strings.Repeat("[", 10000), "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(k, "tokens.json", data)
		if err != nil {
			return
		}
		set, err := r.set("tokens.json")
		if err != nil {
			return
		}
		if set.Access.IsZero() || set.Issuer != k.Issuer || set.ClientID != k.ClientID {
			t.Errorf("%q gives %+v", data, set)
		}
		// What was read can be written and read again.
		again, err := encode(k, r.Name, set)
		if err != nil {
			return // a time that JSON has no form for
		}
		if _, err := decode(k, "tokens.json", again); err != nil {
			t.Errorf("%q became %q: %v", data, again, err)
		}
	})
}
