package cmd

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"gatepass/pkg/config"
	"gatepass/pkg/login"
)

// place is where a login runs, when that is not the machine of the person's
// browser.
type place struct {
	far       bool   // over ssh, with no browser here to open
	ssh       string // what to run ssh to, such as "-p 2222 ada@192.0.2.7"; empty: this is no ssh
	wsl       bool
	container bool // and nothing is said of where to listen
	listen    string
}

// whereabouts finds out where a login runs from the environment.
func whereabouts(getenv func(string) string, p *config.Profile) place {
	named := len(p.SignIn.Browser) > 0 || getenv("BROWSER") != ""
	display := getenv("DISPLAY") != "" || getenv("WAYLAND_DISPLAY") != ""
	own := named || display // a browser that runs here
	return place{
		ssh:       sshTarget(getenv),
		wsl:       getenv("WSL_DISTRO_NAME") != "" || getenv("WSL_INTEROP") != "",
		container: p.SignIn.Listen == "" && !own && inContainer(getenv),
		listen:    p.SignIn.Listen,
		far:       getenv("SSH_CONNECTION") != "" && !own,
	}
}

// sshTarget is this machine as whoever is connected to it by ssh names it. It is
// for a command line that people paste, so nothing odd is taken over.
func sshTarget(getenv func(string) string) string {
	f := strings.Fields(getenv("SSH_CONNECTION")) // client address and port, ours
	if len(f) != 4 {
		return ""
	}
	host, port := f[2], f[3]
	if _, err := netip.ParseAddr(host); err != nil || strings.ContainsAny(host, "%") {
		return ""
	}
	target := host
	for _, name := range []string{getenv("USER"), getenv("LOGNAME")} {
		if regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`).MatchString(name) {
			target = name + "@" + host
			break
		}
	}
	if port != "22" && regexp.MustCompile(`^[0-9]{1,5}$`).MatchString(port) {
		target = "-p " + port + " " + target
	}
	return target
}

// notes are what a person has to know there.
func (at place) notes(r login.Request) []string {
	u, err := url.Parse(r.RedirectURI)
	if err != nil {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	var notes []string
	if at.ssh != "" {
		notes = append(notes, fmt.Sprintf("For its answer to reach this machine, first run on yours:\n\n  ssh -L %s %s", at.forward(u, port), at.ssh))
	}
	if at.wsl {
		notes = append(notes, "This is WSL: a browser of Windows reaches this login by the name localhost.\nIf none opens, install wslu and set BROWSER=wslview.")
	}
	if at.container {
		notes = append(notes, fmt.Sprintf("This is a container: its port must be forwarded for the answer to reach it.\nStart it with -p 127.0.0.1:%s:%s and this login with --listen 0.0.0.0.", port, port))
	}
	return notes
}

// forward is the argument of ssh -L that brings a port of the person's machine
// here: the redirect URI's there, the one that is listened on here.
func (at place) forward(u *url.URL, port string) string {
	to := "127.0.0.1"
	from := port
	if u.Hostname() == "::1" {
		to, from = "[::1]", "[::1]:"+port
	}
	if _, p, err := net.SplitHostPort(at.listen); err == nil && p != "0" {
		port = p
	}
	if to == "[::1]" {
		return "'" + from + ":" + to + ":" + port + "'" // brackets mean something to shells
	}
	return from + ":" + to + ":" + port
}
