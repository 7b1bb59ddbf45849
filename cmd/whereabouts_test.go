package cmd

import (
	"strings"
	"testing"

	"gatepass/pkg/config"
	"gatepass/pkg/login"
)

func TestWhereabouts(t *testing.T) {
	const ssh = "192.0.2.1 50000 192.0.2.7 22"
	for name, tc := range map[string]struct {
		env      string // NAME=value, separated by commas
		uri      string
		listen   string
		browser  []string
		far      bool
		has, not string
	}{
		"at the desk":            {not: "ssh"},
		"ssh":                    {env: "SSH_CONNECTION=" + ssh + ",USER=ada", far: true, has: "ssh -L 3000:127.0.0.1:3000 ada@192.0.2.7\n"},
		"another port":           {env: "SSH_CONNECTION=192.0.2.1 1 192.0.2.7 2222,LOGNAME=ada", far: true, has: "3000 -p 2222 ada@192.0.2.7\n"},
		"IPv6":                   {env: "SSH_CONNECTION=2001:db8::1 1 2001:db8::7 22,USER=ada", uri: "http://[::1]:8127/cb", far: true, has: "ssh -L '[::1]:8127:[::1]:8127' ada@2001:db8::7\n"},
		"https without a port":   {env: "SSH_CONNECTION=" + ssh, uri: "https://localhost/cb", far: true, has: "ssh -L 443:127.0.0.1:443 192.0.2.7\n"},
		"listening elsewhere":    {env: "SSH_CONNECTION=" + ssh, listen: "127.0.0.1:9000", far: true, has: "ssh -L 3000:127.0.0.1:9000 192.0.2.7\n"},
		"ssh with a display":     {env: "SSH_CONNECTION=" + ssh + ",DISPLAY=localhost:10", has: "ssh -L"},
		"ssh with BROWSER":       {env: "SSH_CONNECTION=" + ssh + ",BROWSER=lynx", has: "ssh -L"},
		"ssh with a setting":     {env: "SSH_CONNECTION=" + ssh, browser: []string{"lynx"}, has: "ssh -L"},
		"a name that is a trap":  {env: "SSH_CONNECTION=" + ssh + ",USER=-oProxyCommand=x", far: true, has: "3000 192.0.2.7\n", not: "Proxy"},
		"a name with a command":  {env: "SSH_CONNECTION=" + ssh + ",USER=a;id", far: true, has: "3000 192.0.2.7\n"},
		"an address that is one": {env: "SSH_CONNECTION=192.0.2.1 1 $(id) 22", far: true, not: "id"},
		"WSL":                    {env: "WSL_DISTRO_NAME=Debian", has: "This is WSL"},
		"container":              {env: "container=podman", has: "-p 127.0.0.1:3000:3000 and this login with --listen 0.0.0.0"},
		"container, listening":   {env: "container=podman", listen: "0.0.0.0", not: "container"},
	} {
		t.Run(name, func(t *testing.T) {
			getenv := func(n string) string {
				for _, kv := range strings.Split(tc.env, ",") {
					if v, ok := strings.CutPrefix(kv, n+"="); ok {
						return v
					}
				}
				return ""
			}
			at := whereabouts(getenv, &config.Profile{SignIn: config.SignIn{Listen: tc.listen, Browser: tc.browser}})
			if at.far != tc.far {
				t.Errorf("far away: %v", at.far)
			}
			uri := tc.uri
			if uri == "" {
				uri = "http://localhost:3000/oauth/callback"
			}
			said := strings.Join(at.notes(login.Request{RedirectURI: uri}), "\n") + "\n"
			if !strings.Contains(said, tc.has) || tc.not != "" && strings.Contains(said, tc.not) {
				t.Errorf("said %q; want %q, not %q", said, tc.has, tc.not)
			}
		})
	}
}
