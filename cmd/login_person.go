package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"gatepass/pkg/config"
	"gatepass/pkg/crash"
	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/login"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// theApp is what an app is called that has logged in for no person.
const theApp = "the app itself"

// get logs a person in, or the app itself.
func (l *loginFlags) get(ctx context.Context, p *config.Profile, cfg login.Config) (token.Set, string, error) {
	if l.credentials {
		if p.SignIn.Subject != "" {
			return token.Set{}, "", fault.New(fault.Usage, "--client-credentials is the login of no person, and expect_subject (%s) wants one", p.Origin("expect_subject"))
		}
		set, err := login.ClientCredentials(ctx, cfg)
		return set, theApp, err
	}
	cfg, err := l.person(p, cfg)
	if err != nil {
		return token.Set{}, "", err
	}
	place := whereabouts(l.app.Getenv, p)
	ui := login.UI{
		Waiting: func(r login.Request) { l.waiting(r, place) },
		Note:    func(s string) { l.say("%s", s) },
	}
	if !l.noBrowser && !place.far {
		ui.Open = func(_ context.Context, address string) error { return l.app.browse(address, p.SignIn.Browser) }
	}
	if l.app.IO.InTerminal && !l.secretStdin {
		pasted, restore := l.pasted()
		defer restore()
		ui.Pasted = pasted
	}
	defer func() { l.countdown.stop(ctx.Err() != nil) }()
	set, result, err := login.Login(ctx, cfg, ui)
	return set, result.Name(), err
}

// person adds to a client how a person logs in with it.
func (l *loginFlags) person(p *config.Profile, cfg login.Config) (login.Config, error) {
	in := p.SignIn
	cfg.Timeout, cfg.LoginHint, cfg.ACRValues, cfg.Reauth = l.timeout, in.Hint, strings.Join(in.ACRValues, " "), l.reauth
	cfg.Subject, cfg.Listen, cfg.FormPost = in.Subject, in.Listen, in.ResponseMode == "form_post"
	for _, c := range p.Sharing() {
		cfg.Sharing = append(cfg.Sharing, c.Issuer)
	}
	if l.force {
		cfg.Prompt = "login"
	}
	var err error
	switch {
	case l.reauth && len(in.ACRValues) > 0 && !slices.Equal(in.ACRValues, []string{login.ReauthACR}):
		err = fault.New(fault.Usage, "--reauth and acr_values (%s) ask for two things", p.Origin("acr_values"))
	case (in.Certificate == "") != (in.Key == ""):
		err = fault.New(fault.Usage, "a certificate needs its key: give both --tls-cert and --tls-key")
	case in.Certificate != "":
		cfg.Certificate, err = login.LoadCertificate(in.Certificate, in.Key)
	}
	return cfg, err
}

// anew reports whether the login that there is will not do.
func (l *loginFlags) anew() bool { return l.force || l.reauth }

// confirms reports whether an ID token says that its user was authenticated in one
// of the given ways. Without any, every token does.
func confirms(id secret.String, acr []string) bool {
	if len(acr) == 0 {
		return true
	}
	t, err := token.Decode(id.Reveal())
	if err != nil {
		return false
	}
	got, ok := t.ClaimSet().Lookup("acr")
	return ok && len(got) == 1 && slices.Contains(acr, got[0])
}

// waiting says what to do while the login waits for its answer.
func (l *loginFlags) waiting(r login.Request, at place) {
	w := l.app.IO.Err
	page := iostreams.Visible(r.URL)
	switch {
	case at.far:
		fmt.Fprintf(w, "This is a session over ssh: open this page in the browser where you are:\n\n  %s\n\n", page)
	case l.noBrowser:
		fmt.Fprintf(w, "Open this page in a browser:\n\n  %s\n\n", page)
	default:
		fmt.Fprintf(w, "The login page opens in your browser. If it does not, open it yourself:\n\n  %s\n\n", page)
	}
	for _, note := range at.notes(r) {
		fmt.Fprintf(w, "%s\n\n", note)
	}
	if r.Fingerprint != "" {
		fmt.Fprintf(w, `Your browser will warn of the certificate: it was made just now for this login
alone, and nobody has signed it. Go on if its SHA-256 fingerprint is:

  %s

No warning comes with a certificate that the browser trusts. Make one, for example
with "mkcert -install" and "mkcert localhost 127.0.0.1 ::1", and give it by
--tls-cert and --tls-key, or tls_cert and tls_key in your own settings.

`, r.Fingerprint[:48]+"\n  "+r.Fingerprint[48:])
	}
	paste := ""
	if l.app.IO.InTerminal {
		paste = "\nIf the browser cannot reach that address, paste it here as the browser shows it."
	}
	fmt.Fprintf(w, "Waiting until %s for the answer at %s.%s\n", r.Until.Local().Format("15:04:05"), r.RedirectURI, paste)
	if l.app.IO.ErrTerminal {
		l.countdown.start(w, l.app.Now, r.Until)
	}
}

func (l *loginFlags) say(format string, args ...any) {
	l.countdown.aside(func() {
		l.app.say(format, args...)
	})
}

// pasted gives the lines that somebody types or pastes. The terminal is in a way of
// its own until it is restored, where that can be: then it shows what is typed
// below whatever is said meanwhile.
func (l *loginFlags) pasted() (lines <-chan string, restore func()) {
	if l.app.rawInput == nil || !l.app.IO.ErrTerminal || l.app.Getenv("TERM") == "dumb" {
		return readLines(l.app.IO.In), func() {}
	}
	restore, err := l.app.rawInput()
	switch {
	case errors.Is(err, os.ErrPermission): // in the background, nobody types here
		return nil, func() {}
	case err != nil:
		return readLines(l.app.IO.In), func() {}
	}
	l.countdown.shown = func(s string) string { return iostreams.Visible(l.app.Secrets.Text(s)) }
	l.countdown.columns = width
	return l.readKeys(l.app.IO.In), restore
}

// readKeys reads keys until there are no more, and gives the lines they make. Nobody
// can stop a read from a terminal, so the goroutine lives as long as the process.
func (l *loginFlags) readKeys(r io.Reader) <-chan string {
	c := make(chan string)
	go func() {
		defer close(c)
		_ = crash.Catch(func() { // the login goes on without
			b := make([]byte, 4<<10)
			for {
				n, err := r.Read(b)
				lines, end := l.countdown.keys(b[:n])
				for _, text := range lines {
					if text = strings.TrimSpace(text); text != "" {
						c <- text
					}
				}
				if end || err != nil {
					return
				}
			}
		})
	}()
	return c
}

// readLines reads lines until there are no more. Nobody can stop a read from a
// terminal, so the goroutine lives as long as the process does.
func readLines(r io.Reader) <-chan string {
	c := make(chan string)
	go func() {
		defer close(c)
		_ = crash.Catch(func() { scan(r, c) }) // the login goes on without
	}()
	return c
}

func scan(r io.Reader, lines chan<- string) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 64<<10)
	for sc.Scan() {
		if text := strings.TrimSpace(sc.Text()); text != "" {
			lines <- text
		}
	}
}

// inContainer reports whether this process runs in a container, as far as they
// say so.
func inContainer(getenv func(string) string) bool {
	if getenv("container") != "" {
		return true
	}
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return false
}
