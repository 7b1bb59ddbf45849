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

// Margin is how long before its end a token that lives so long is to be renewed: a
// minute, which is time to send a request with it, or a tenth of its life where that
// is less. Tokens of a minute would be renewed for every request otherwise.
func Margin(life time.Duration) time.Duration { return min(time.Minute, max(0, life/10)) }

// Margin is that of the access token.
func (s *Set) Margin() time.Duration { return Margin(s.Expiry.Sub(s.ObtainedAt)) }

// Fresh reports whether the access token is there and good for at least another
// margin. A token whose expiry is not known counts as fresh.
func (s *Set) Fresh(now time.Time, margin time.Duration) bool {
	return !s.Access.IsZero() && (s.Expiry.IsZero() || now.Add(margin).Before(s.Expiry))
}
