package token

import (
	"time"

	"gatepass/pkg/secret"
)

// Set is what a login yields and what is kept of it.
type Set struct {
	Access  secret.String
	ID      secret.String // zero if there was none
	Refresh secret.String // zero if there was none

	TokenType string // as the issuer says it, "Bearer" where it says nothing
	Scope     string // what was granted, words separated by spaces; may be empty
	Issuer    string
	ClientID  string
	Subject   string // the "sub" of the ID token, or of the access token; may be empty

	Expiry     time.Time // of the access token; zero when it is not known
	ObtainedAt time.Time
}

// Fresh reports whether the access token is there and good for at least another
// margin. A token whose expiry is not known counts as fresh.
func (s *Set) Fresh(now time.Time, margin time.Duration) bool {
	return !s.Access.IsZero() && (s.Expiry.IsZero() || now.Add(margin).Before(s.Expiry))
}
