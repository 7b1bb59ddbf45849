package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBrowserCommand(t *testing.T) {
	const u = "https://acme.onelogin.com/oidc/2/auth?a=b&c=d"
	for browser, want := range map[string][]string{
		"":                      nil,
		"  ":                    nil,
		"firefox":               {"firefox", u},
		"open -a  Firefox":      {"open", "-a", "Firefox", u},
		"chrome --app=%s --new": {"chrome", "--app=" + u, "--new"},
		"x %s %s":               {"x", u, u},
		"%s":                    {"%s", u}, // the program itself is never made of the URL
		"sh -c echo;$(id) %s":   {"sh", "-c", "echo;$(id)", u},
	} {
		if diff := cmp.Diff(want, browserArgs(strings.Fields(browser), "%s", u)); diff != "" {
			t.Errorf("BROWSER=%q: %s", browser, diff)
		}
	}
}

func TestBrowse(t *testing.T) {
	sh := shell(t)
	out := filepath.Join(t.TempDir(), "out")
	script := filepath.Join(t.TempDir(), "browser")
	if err := os.WriteFile(script, []byte("#!"+sh+"\nprintf '%s|%s|%s' \"$#\" \"$1\" \"$GATEPASS_CLIENT_SECRET\" >"+out+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GATEPASS_CLIENT_SECRET", "s3cret")
	opened := ""
	app := &App{
		Getenv:  func(string) string { return "" },
		OpenURL: func(u string) error { opened = u; return nil },
	}
	const u = "https://acme.onelogin.com/auth?x=$(id)&y=;ls"
	if err := app.browse(u, nil); err != nil || opened != u {
		t.Errorf("opened %q: %v", opened, err)
	}
	app.Getenv = func(string) string { return script }
	if err := app.browse(u, nil); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if want := "1|" + u + "|"; err != nil || string(got) != want {
		t.Errorf("the browser got %q, want %q (%v)", got, want, err)
	}
	for _, bad := range []string{"file:///etc/passwd", "javascript:alert(1)", "-x", "", "https:", "http://[", "ftp://x/"} {
		if err := app.browse(bad, nil); err == nil {
			t.Errorf("%q was opened", bad)
		}
	}
}
