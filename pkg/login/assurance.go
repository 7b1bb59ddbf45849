package login

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/token"
)

// ReauthACR is OneLogin's one acr value: the user proves again who they are,
// whatever session the browser has.
const ReauthACR = "onelogin:nist:level:1:re-auth"

// assurance is how a user is to be authenticated, beyond being so.
type assurance struct {
	acr    []string // one of them is to be confirmed
	prompt string
	since  time.Time // of the authentication, at the earliest; zero: at any time
}

// assured is what a login asks for. An issuer that does not know OneLogin's acr
// value is asked in the words of OpenID Connect Core section 3.1.2.1, to which an
// auth_time must answer.
func assured(cfg Config, meta metadata) assurance {
	a := assurance{acr: strings.Fields(cfg.ACRValues), prompt: cfg.Prompt}
	switch {
	case !cfg.Reauth:
	case slices.Contains(meta.ACRValues, ReauthACR):
		a.acr = []string{ReauthACR}
	default:
		a.prompt, a.since = "login", cfg.Now()
	}
	return a
}

// maxAge is the parameter that makes auth_time a required claim.
func (a assurance) maxAge() string {
	if a.since.IsZero() {
		return ""
	}
	return "0"
}

// wanted checks that a login is the one that was asked for: its user, and how and
// when they were authenticated (OpenID Connect Core section 3.1.3.7, points 12
// and 13). The ID token has been verified before.
func (f *flow) wanted(claims token.Claims) error {
	if sub := text(claims, "sub"); f.cfg.Subject != "" && sub != f.cfg.Subject {
		return fault.New(fault.Denied, "this is the login of the user %s, and the profile expects %s", shownID(sub), shownID(f.cfg.Subject)).
			WithHint("log in as the right user: the browser may be logged in with another account, which --reauth or a private window changes. Or change expect_subject")
	}
	return f.asked.check(claims, hostOf(f.cfg.Issuer))
}

func (a assurance) check(claims token.Claims, issuer string) error {
	if acr := text(claims, "acr"); len(a.acr) > 0 && !slices.Contains(a.acr, acr) {
		said := "says nothing of it"
		if acr != "" {
			said = fmt.Sprintf("says %q", iostreams.Visible(clip(acr)))
		}
		return fault.New(fault.Denied, "%s did not confirm the authentication that was asked for: want acr %s, and the ID token %s", issuer, strings.Join(a.acr, " or "), said).
			WithHint("the app or its policy may not offer it; log in without --acr-values")
	}
	if a.since.IsZero() {
		return nil
	}
	at, ok, err := claims.Date("auth_time")
	if err != nil || !ok || at.Before(a.since.Add(-leeway)) {
		return fault.New(fault.Denied, "%s did not confirm that the user was authenticated anew", issuer).
			WithHint("the ID token's auth_time must be of now; log in without --reauth")
	}
	return nil
}

// shownID is a user's identifier for a message.
func shownID(sub string) string { return fmt.Sprintf("%q", iostreams.Visible(clip(sub))) }
