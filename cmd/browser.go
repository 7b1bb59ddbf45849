package cmd

import (
	"net/url"
	"os"
	"os/exec"
	"strings"

	"gatepass/pkg/fault"
)

// browse shows a page in the user's browser: by the command in BROWSER, where
// that is set, else by what the platform has. It returns when that command does.
// A URL that is not http or https is not shown.
func (app *App) browse(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fault.New(fault.Failed, "only pages with http and https are shown in a browser")
	}
	argv := browserCommand(app.Getenv("BROWSER"), u.String())
	if argv == nil {
		return app.OpenURL(u.String())
	}
	// No context: a browser that this starts must not end with gatepass.
	c := exec.Command(argv[0], argv[1:]...) //nolint:gosec,noctx // the user's own command, without a shell, and it outlives us
	c.Env = withoutSecrets(os.Environ())
	if err := c.Run(); err != nil {
		return fault.New(fault.Failed, "BROWSER (%s): %w", argv[0], err)
	}
	return nil
}

// browserCommand is the program in BROWSER with its arguments. There is no shell:
// spaces separate, nothing else means anything, and the URL is one argument, in
// the place of %s or at the end.
func browserCommand(browser, address string) []string {
	argv := strings.Fields(browser)
	if len(argv) == 0 {
		return nil
	}
	placed := false
	for i := 1; i < len(argv); i++ {
		if strings.Contains(argv[i], "%s") {
			argv[i] = strings.ReplaceAll(argv[i], "%s", address)
			placed = true
		}
	}
	if !placed {
		argv = append(argv, address)
	}
	return argv
}

// withoutSecrets is an environment for programs that need none of ours.
func withoutSecrets(environ []string) []string {
	out := environ[:0:0]
	for _, e := range environ {
		if !strings.HasPrefix(e, secretVariable+"=") {
			out = append(out, e)
		}
	}
	return out
}
