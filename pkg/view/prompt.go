package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Prompt is a session in a few words, for the prompt of a shell. What the issuer
// said of the user is in it with nothing that a shell could take for more than
// text.
func Prompt(s Session, now time.Time) string {
	const longest = 30
	name := []rune(strings.Map(promptRune, cmp.Or(s.Name, s.Subject, "somebody")))
	if len(name) > longest {
		name = append(name[:longest-1], '…')
	}
	start := s.Profile + ": " + string(name)
	switch {
	case s.ExpiresAt != nil && now.Before(*s.ExpiresAt):
		return start + " " + short(s.ExpiresAt.Sub(now))
	case s.ExpiresAt != nil && s.LoggedIn:
		return start + " renews"
	case s.LoggedIn:
		return start
	}
	return s.Profile + ": logged out"
}

// promptRune lets through what names and addresses are made of. A percent sign
// would be read by zsh, a dollar sign or a back quote by others.
func promptRune(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" .@_+-", r) {
		return r
	}
	return '?'
}

// short is a length of time in one unit: 42m.
func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d/time.Second))
	case d < 100*time.Minute:
		return fmt.Sprintf("%dm", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d/time.Hour))
	}
	return fmt.Sprintf("%dd", int(d/(24*time.Hour)))
}
