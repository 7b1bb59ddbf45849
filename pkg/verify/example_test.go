package verify_test

import (
	"context"
	"fmt"
	"time"

	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

// A token is believed when every check that was asked for has passed.
func ExampleVerify() {
	keys, err := verify.ParseKeySet("keys.json", []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := token.Decode("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." +
		"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := verify.Verify(context.Background(), t, token.Expect{
		Algorithms: []string{"EdDSA"}, SignatureOnly: true, Now: time.Unix(1700000000, 0),
	}, keys)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range report.Checks {
		fmt.Println(c.Name, c.Result)
	}
	_, ok := report.Verified()
	fmt.Println(ok)
	// Output:
	// form pass
	// algorithm pass
	// critical pass
	// key pass
	// signature pass
	// true
}
