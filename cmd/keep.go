package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"gatepass/pkg/caller"
	"gatepass/pkg/config"
	"gatepass/pkg/fault"
	"gatepass/pkg/store"
)

// systemKeyring is the keyring of the operating system, or nil where there can
// be none. On systems with D-Bus one needs a session bus that is there already:
// the keyring's library would start one, which nobody would ever end.
func systemKeyring(getenv func(string) string) store.Keyring {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return store.System{}
	}
	switch at := getenv("DBUS_SESSION_BUS_ADDRESS"); at {
	case "", "autolaunch:":
	case "disabled:":
		return nil
	default:
		return store.System{}
	}
	for _, name := range []string{"bus", "dbus-session"} {
		if _, err := os.Stat(filepath.Join("/run/user", strconv.Itoa(os.Getuid()), name)); err == nil {
			return store.System{}
		}
	}
	return nil
}

// memoryDir is a folder in memory for the tokens that are otherwise in a state
// folder. Empty where the system has none.
func memoryDir(getenv func(string) string, state string) string {
	if runtime.GOOS != "linux" || state == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(state))
	name := hex.EncodeToString(sum[:8])
	if d := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(d) {
		return filepath.Join(d, "gatepass-"+name)
	}
	if _, err := os.Stat("/dev/shm"); err != nil {
		return ""
	}
	// Everybody may write there. The store takes no folder of somebody else's.
	return filepath.Join("/dev/shm", "gatepass-"+strconv.Itoa(os.Getuid())+"-"+name)
}

// likelyKind is how a login's tokens would be kept, as far as can be said without
// asking the keyring.
func (s *session) likelyKind(p *config.Profile) store.Kind {
	switch {
	case p.Store != "":
		return store.Kind(p.Store)
	case s.app.Keyring != nil:
		return store.InKeyring
	}
	return store.InFile
}

// keep finds out how a login's tokens will be kept, before anybody logs in: as it
// is set, else in the keyring where that works, else in a file. Only the last is
// said, unless the login before was kept so, too.
func (l *loginFlags) keep(ctx context.Context, s *session, p *config.Profile) (store.Kind, error) {
	switch {
	case l.requireKeyring && p.Store != "" && p.Store != string(store.InKeyring):
		return "", fault.New(fault.Usage, "--require-keyring, and store is %s (%s)", p.Store, p.Origin("store"))
	case l.requireKeyring || p.Store == string(store.InKeyring):
		return store.InKeyring, l.checkKeyring(ctx, s)
	case p.Store != "":
		if o := p.Origin("store"); p.Store == string(store.InFile) && o.Kind == config.Project {
			l.say("the tokens are kept in a file, not in the keyring, because %s says so", o)
		}
		return store.Kind(p.Store), s.store.Check(ctx, store.Kind(p.Store))
	}
	err := s.store.Check(ctx, store.InKeyring)
	if !errors.Is(err, store.ErrKeyring) {
		return store.InKeyring, err
	}
	if before, infoErr := s.store.Info(s.key(p)); infoErr != nil || before.Kind != store.InFile {
		l.say("%s: the tokens are kept in a file that only you can read", err)
	}
	return store.InFile, s.store.Check(ctx, store.InFile)
}

// checkKeyring looks whether the keyring works, where nothing else will do.
func (l *loginFlags) checkKeyring(ctx context.Context, s *session) error {
	err := s.store.Check(ctx, store.InKeyring)
	if errors.Is(err, store.ErrKeyring) {
		return withHint(err, "unlock the keyring, or keep the tokens in a file that only you can read: gatepass login --store file")
	}
	return err
}

// rearrange gives a login that goes on what this command asks for beside the
// tokens: another way to keep them, and the profile's API as one they may go to.
func (l *loginFlags) rearrange(ctx context.Context, s *session, p *config.Profile) error {
	info, err := s.store.Info(s.key(p))
	if err != nil {
		return err
	}
	if l.requireKeyring || p.Store != "" && p.Store != string(info.Kind) {
		kind, err := l.keep(ctx, s, p)
		if err != nil {
			return err
		}
		if kind != info.Kind {
			if err := s.store.Move(ctx, s.key(p), kind); err != nil {
				return err
			}
		}
	}
	apis := s.newAPI(p, info)
	if len(apis) == 0 {
		return nil
	}
	l.sayAPI(apis, info)
	return s.store.Remember(ctx, s.key(p), store.Login{APIs: apis})
}

// sayAPI tells that the token may go to another API than before.
func (l *loginFlags) sayAPI(apis []string, before store.Info) {
	if len(apis) > 0 && len(before.APIs) > 0 {
		l.say("the token may go to %s from now on, as it may to %s", apis[0], strings.Join(before.APIs, ", "))
	}
}

// newAPI is the origin of the profile's API, where a login does not know of it.
func (s *session) newAPI(p *config.Profile, known store.Info) []string {
	origin := apiOrigin(p)
	if origin == "" || slices.Contains(known.APIs, origin) {
		return nil
	}
	return []string{origin}
}

// apiOrigin is the origin of the profile's API, empty where none is set.
func apiOrigin(p *config.Profile) string {
	u, err := url.Parse(p.API.URL)
	if err != nil || p.API.URL == "" {
		return ""
	}
	return string(caller.OriginOf(u))
}

// mayCall reports an API that the profile's tokens must not go to. A login is for
// the API that was set when it was made. What the user names by a flag, a
// variable or the own settings file is trusted; a project's file is not: anybody
// can write one with the same profile, issuer and client, and an API of theirs.
func (s *session) mayCall(ctx context.Context, p *config.Profile) error {
	info, err := s.store.Info(s.key(p))
	apis := s.newAPI(p, info)
	if err != nil || len(apis) == 0 {
		return nil // without a login there is nothing to send
	}
	if o := p.Origin("api.url"); o.Kind == config.Project {
		known := "no API"
		if len(info.APIs) > 0 {
			known = strings.Join(info.APIs, ", ")
		}
		return fault.New(fault.Usage, "the login with the profile %s is for %s, and %s names another: %s", p.Name, known, o, apis[0]).
			WithHint("if the token may go there, say so by logging in again: gatepass login")
	}
	if len(info.APIs) > 0 {
		return nil
	}
	if err := s.store.Remember(ctx, s.key(p), store.Login{APIs: apis}); err != nil {
		fmt.Fprintf(s.app.IO.Err, "gatepass: which API the login is for could not be noted: %s\n", s.app.clean(err.Error()))
	}
	return nil
}
