package cmd_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"gatepass/pkg/idp"
)

// Whatever the issuer says of the user, no command hands it to the terminal.
func TestClaimsDoNotDriveTheTerminal(t *testing.T) {
	d := newDesk(t)
	settings := idp.Default(d.uri)
	for n := range settings.Users {
		settings.Users[n].Name = "Ada \x1b]0;owned\x07\x1b[2J\u202egnp\r"
		settings.Users[n].Groups = []string{"a\x1b[31m", "b\u200f"}
	}
	ts := httptest.NewUnstartedServer(nil)
	server, err := idp.New(idp.Options{Base: "http://" + ts.Listener.Addr().String(), Settings: settings, RedirectURIs: []string{d.uri}, AutoLogin: "ada", Now: d.now})
	if err != nil {
		t.Fatal(err)
	}
	ts.Config.Handler = server
	ts.Start()
	t.Cleanup(ts.Close)
	d.env["GATEPASS_ISSUER"] = ts.URL + idp.IssuerPath
	shown := 0
	for _, args := range [][]string{
		{"login"}, {"login"}, {"status"}, {"status", "--prompt"}, {"status", "--json"}, {"whoami"}, {"whoami", "--json"}, {"logout", "--yes"},
	} {
		if args[0] == "logout" {
			args = args[:1]
		}
		out, errs := d.run(0, args...)
		all := out + errs
		// JSON is for programs, and has the bidirectional characters as they are.
		bad := "\x1b\x07\r\u202e\u200f"
		if args[len(args)-1] == "--json" {
			bad = "\x1b\x07\r"
		}
		if i := strings.IndexAny(all, bad); i >= 0 {
			t.Errorf("%v: %q", args, all)
		}
		if strings.Contains(all, `\x1b`) {
			shown++
		}
	}
	if shown < 4 {
		t.Errorf("the name was shown by %d commands only", shown)
	}
}
