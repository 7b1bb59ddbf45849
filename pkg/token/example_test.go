package token_test

import (
	"fmt"
	"time"

	"gatepass/pkg/token"
)

// A token is found in whatever it was pasted with, and decoded without being
// believed.
func Example() {
	found, err := token.Find("curl -H 'Authorization: Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0." +
		"eyJqdGkiOiJ4IiwiaXNzIjoiaHR0cHM6Ly9hY21lLm9uZWxvZ2luLmNvbS9vaWRjLzIiLCJzY29wZSI6Im9wZW5pZCBncm91cHMiLCJhdWQiOiJlMDAwIn0.c2ln'")
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := token.Decode(found.Token.Reveal())
	if err != nil {
		fmt.Println(err)
		return
	}
	use, why := t.Use()
	scopes, _ := t.ClaimSet().Lookup("scope")
	fmt.Println(found.Where)
	fmt.Println(t.Kind, use, "-", why)
	fmt.Println(scopes)
	for _, w := range t.Lint(time.Unix(1700000000, 0)) {
		fmt.Println(w.ID)
	}
	// Output:
	// header Authorization
	// jwt access - it has jti and scope
	// [openid groups]
	// exp-missing
}
