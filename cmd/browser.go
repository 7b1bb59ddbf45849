package cmd

import (
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"

	"gatepass/pkg/fault"
)

// browse shows a page in the user's browser: by the program of the settings, else
// by the command in BROWSER, else by what the platform has. It returns when that
// command does. A URL that is not http or https is not shown.
func (app *App) browse(address string, setting []string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fault.New(fault.Failed, "only pages with http and https are shown in a browser")
	}
	name, argv := "the setting browser", browserArgs(setting, "{url}", u.String())
	if argv == nil {
		name, argv = "BROWSER", browserArgs(strings.Fields(app.Getenv("BROWSER")), "%s", u.String())
	}
	if argv == nil {
		return app.OpenURL(u.String())
	}
	// No context: a browser that this starts must not end with gatepass.
	c := exec.Command(argv[0], argv[1:]...) //nolint:gosec,noctx // the user's own command, without a shell, and it outlives us
	c.Env = without(os.Environ(), append(secretVariables(), tokenVariable)...)
	if err := c.Run(); err != nil {
		return fault.New(fault.Failed, "%s (%s): %w", name, argv[0], err)
	}
	return nil
}

// browserArgs is a browser's program with its arguments. There is no shell: nothing
// means anything, and the URL is in one argument, in place of the mark, or is the
// last one. The program itself is never made of the URL.
func browserArgs(command []string, mark, address string) []string {
	if len(command) == 0 {
		return nil
	}
	argv := slices.Clone(command)
	placed := false
	for i := 1; i < len(argv); i++ {
		if strings.Contains(argv[i], mark) {
			argv[i] = strings.ReplaceAll(argv[i], mark, address)
			placed = true
		}
	}
	if !placed {
		argv = append(argv, address)
	}
	return argv
}
