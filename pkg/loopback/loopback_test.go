package loopback_test

import (
	"fmt"
	"testing"

	"gatepass/pkg/loopback"
)

func TestIs(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "127.0.0.1": true, "127.255.0.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.": false, "a.localhost": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false,
		"0.0.0.0": false, "::": false, "10.0.0.1": false, "[::1]": false, "127.1": false, "2130706433": false, "0x7f.1": false, "fe80::1%lo": false,
		"acme.onelogin.com": false, "127.0.0.1:80": false,
	} {
		if got := loopback.Is(host); got != want {
			t.Errorf("Is(%q) = %t, want %t", host, got, want)
		}
	}
}

func ExampleIs() {
	fmt.Println(loopback.Is("127.0.0.1"), loopback.Is("acme.onelogin.com"))
	// Output: true false
}
