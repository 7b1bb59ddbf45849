package idp_test

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"gatepass/pkg/idp"
)

// A stand-in on a free port of this machine, with a user and a client of one's
// own.
func Example() {
	settings, err := idp.Read("users.yaml", []byte(`
users:
  - {username: ada, name: Ada Lovelace, groups: [Admins]}
clients:
  - {client_id: my-client, redirect_uris: ["http://127.0.0.1:8127/callback"]}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := idp.New(idp.Options{Base: "http://" + ln.Addr().String(), Settings: settings})
	if err != nil {
		fmt.Println(err)
		return
	}
	web := &http.Server{Handler: server, ReadHeaderTimeout: time.Second}
	go func() { _ = web.Serve(ln) }()
	defer func() { _ = web.Close() }()

	resp, err := http.Get(server.Issuer() + "/.well-known/openid-configuration")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println(resp.StatusCode, server.Settings().Users[0].Groups)
	// Output: 200 [Admins]
}
