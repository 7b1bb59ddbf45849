package cmd

import (
	"encoding/base64"
	"errors"
	"testing"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// A token for an API is not one that a login would make good for userinfo.
func TestTokenIsNotForUserInfo(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	jwt := func(claims string) string {
		return b64([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + b64([]byte(claims)) + "." + b64([]byte("signature"))
	}
	refused := fault.New(fault.Login, "userinfo says no")
	for access, want := range map[string]fault.Kind{
		"opaque":                                              fault.Login,
		jwt(`{"sub":"1"}`):                                    fault.Login,
		jwt(`{"aud":"client"}`):                               fault.Login,
		jwt(`{"aud":["orders","client"]}`):                    fault.Login,
		jwt(`{"aud":["https://issuer.example"]}`):             fault.Login,
		jwt(`{"aud":["orders","https://issuer.example/me"]}`): fault.Login,
		jwt(`{"aud":["orders","billing"],"a":""}`):            fault.Failed,
	} {
		set := token.Set{Access: secret.New(access), ClientID: "client", Issuer: "https://issuer.example"}
		var f *fault.Error
		if err := notForUserInfo(set, "https://issuer.example/me", refused); !errors.As(err, &f) || f.Kind != want {
			t.Errorf("%s: %v, want kind %d", access, err, want)
		}
		down := fault.New(fault.Network, "down")
		if err := notForUserInfo(set, "https://issuer.example/me", down); !errors.Is(err, down) {
			t.Errorf("%s: a network error became %v", access, err)
		}
	}
}
