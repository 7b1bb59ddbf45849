package view

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"gatepass/pkg/source"
)

// Session is who is logged in with a profile, without any token: the result of
// login and status.
type Session struct {
	SchemaVersion int        `json:"schemaVersion"`
	Profile       string     `json:"profile"`
	Why           string     `json:"why"` // it is this profile
	LoggedIn      bool       `json:"loggedIn"`
	Already       bool       `json:"already,omitempty"` // login had nothing to do
	Subject       string     `json:"subject,omitempty"`
	Name          string     `json:"name,omitempty"`
	Issuer        string     `json:"issuer"`
	ClientID      string     `json:"clientId"`
	Scope         string     `json:"scope,omitempty"`
	ExpiresAt     *time.Time `json:"expiresAt,omitempty"` // of the access token
	CanRefresh    bool       `json:"canRefresh"`
	Store         string     `json:"store"`
	Where         string     `json:"where"`
	APIs          []string   `json:"apis,omitempty"` // the origins the token may go to
}

// Session prints who is logged in: one line, then the particulars.
func (p *Printer) Session(s Session) {
	switch {
	case s.LoggedIn && s.Already:
		p.Line("still logged in as " + p.user(s))
	case s.LoggedIn:
		p.Line("logged in as " + p.user(s))
	case s.ExpiresAt != nil && p.Now().Before(*s.ExpiresAt):
		p.Line(p.Warn("not for long enough:") + " logged in as " + p.user(s))
	case s.ExpiresAt != nil:
		p.Line(p.Warn("not logged in:") + " the login of " + p.user(s) + " has ended")
	default:
		p.Line(p.Warn("not logged in"))
	}
	pairs := []Pair{{"profile", p.Outside(s.Profile + ", " + s.Why)}}
	add := func(name, value string) {
		if value != "" {
			pairs = append(pairs, Pair{name, p.Outside(value)})
		}
	}
	add("issuer", s.Issuer)
	add("client", s.ClientID)
	add("scopes", s.Scope)
	add("token", p.life(s))
	if s.LoggedIn || s.ExpiresAt != nil {
		add("for the API", strings.Join(s.APIs, ", "))
		add("kept in", kept(s))
	}
	p.Pairs(2, pairs)
}

// kept says where the tokens are, and how safe that is.
func kept(s Session) string {
	switch s.Store {
	case "keyring":
		return "sealed by the keyring: " + s.Where
	case "memory":
		return "in memory: " + s.Where
	}
	return "a file that only you can read: " + s.Where
}

// user is what somebody is called, and the name the issuer tells people apart by.
func (p *Printer) user(s Session) string {
	name, subject := p.Outside(s.Name), p.Outside(s.Subject)
	switch {
	case name == "" && subject == "":
		return "somebody"
	case name == "" || name == subject:
		return p.Bold(subject)
	case subject == "":
		return p.Bold(name)
	}
	return p.Bold(name) + " (" + subject + ")"
}

// life is how long the access token is good, and what comes then.
func (p *Printer) life(s Session) string {
	renewed := ""
	if s.CanRefresh {
		renewed = "; renewed when it is needed"
	}
	switch {
	case s.ExpiresAt == nil && s.LoggedIn:
		return "does not say when it expires"
	case s.ExpiresAt == nil:
		return ""
	case p.Now().Before(*s.ExpiresAt):
		return "until " + p.Time(*s.ExpiresAt) + renewed
	}
	return "expired " + p.Time(*s.ExpiresAt) + renewed
}

// Token is a token for other programs.
type Token struct {
	SchemaVersion int        `json:"schemaVersion"`
	Type          string     `json:"type"` // access or id
	Token         string     `json:"token"`
	TokenType     string     `json:"tokenType"`
	ExpiresAt     *time.Time `json:"expiresAt,omitempty"`
}

// User is the profile of a user, as the issuer's userinfo endpoint gives it.
type User struct {
	Profile, Issuer string
	Claims          *source.Node // an object
}

// UserJSON prints the user as JSON, the claims as they came.
func UserJSON(w io.Writer, u User) error {
	claims, err := json.Marshal(u.Claims.Any())
	if err != nil {
		return err
	}
	subject := ""
	if n := u.Claims.Get("sub"); n != nil {
		subject = n.Text
	}
	return JSON(w, struct {
		SchemaVersion int             `json:"schemaVersion"`
		Profile       string          `json:"profile"`
		Issuer        string          `json:"issuer"`
		Subject       string          `json:"subject"`
		Claims        json.RawMessage `json:"claims"`
	}{1, u.Profile, u.Issuer, subject, claims})
}

// User prints the claims about the user.
func (p *Printer) User(u User) { p.members(u.Claims) }

// Logout is what a logout did, step by step. Without steps nobody was logged in.
type Logout struct {
	SchemaVersion int          `json:"schemaVersion"`
	Profile       string       `json:"profile"`
	Steps         []LogoutStep `json:"steps"`
}

// LogoutStep is one step: done, failed or skipped, and why.
type LogoutStep struct {
	Step   string `json:"step"`
	Result string `json:"result"`
	Reason string `json:"reason,omitempty"`
}

// Logout prints the steps.
func (p *Printer) Logout(l Logout) {
	if len(l.Steps) == 0 {
		p.Line("nobody was logged in with the profile " + p.Outside(l.Profile))
		return
	}
	for _, s := range l.Steps {
		mark := p.Good("✓")
		switch s.Result {
		case "failed":
			mark = p.Bad("✗")
		case "skipped":
			mark = p.Dim("–")
		}
		text := s.Step
		if s.Reason != "" {
			text += ": " + p.Outside(s.Reason)
		}
		p.Printf("%s %s\n", mark, p.Wrap(2, strings.TrimSpace(text)))
	}
}
