package cmd_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// Without an argument decode never waits for a person: on a terminal it takes the
// token they are logged in with.
func TestDecodeOnATerminal(t *testing.T) {
	d := newDesk(t)
	d.terminal = true
	_, stderr := d.run(4, "decode")
	if !strings.Contains(stderr, "nobody is logged in") || !strings.Contains(stderr, "gatepass decode FILE") {
		t.Errorf("stderr %q", stderr)
	}
	d.run(0, "login")
	stdout, stderr := d.run(0, "decode", "--json", "--verify")
	var got struct {
		Verified bool
		Use      string
		Claims   struct{ Iss string }
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || !got.Verified || got.Use != "access" || got.Claims.Iss != d.issuer {
		t.Errorf("%+v, %v: %s", got, err, stdout)
	}
	if !strings.Contains(stderr, "gatepass: the access token of the profile default") {
		t.Errorf("stderr %q", stderr)
	}
	// What is piped in is still what is read.
	d.terminal, d.in = false, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."
	if stdout, _ := d.run(0, "decode"); !strings.Contains(stdout, `alg is "none"`) {
		t.Errorf("stdout %q", stdout)
	}
}
