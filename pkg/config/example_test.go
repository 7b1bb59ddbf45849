package config_test

import (
	"fmt"

	"gatepass/pkg/config"
)

func ExampleLoad() {
	env := map[string]string{"GATEPASS_SUBDOMAIN": "acme"}
	p, err := config.Load(config.Sources{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Issuer, "from", p.Origin("issuer"))
	fmt.Println(p.API.Send, "from", p.Origin("api.send"))
	// Output:
	// https://acme.onelogin.com/oidc/2 from environment GATEPASS_SUBDOMAIN
	// header Authorization Bearer from default
}
