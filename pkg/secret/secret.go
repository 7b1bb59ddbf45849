// Package secret keeps tokens, client secrets and keys out of places they must
// not reach. A [String] cannot be printed by accident; [Redact] and [Writer]
// clean text that may hold secrets of others.
package secret

import (
	"encoding/base64"
	"net/url"
)

// String is a secret. Printed, logged or encoded it reads [redacted].
//
// The value is behind a pointer because package fmt does not call String on
// unexported fields: held as a plain string it would be printed from there.
type String struct{ p *string }

const redacted = "[redacted]"

// New makes a secret of a value. An empty value is the zero String.
func New(v string) String {
	if v == "" {
		return String{}
	}
	return String{&v}
}

// Reveal is the only way out. To audit what leaves, search for it.
func (s String) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// Basic is a name and a secret as HTTP's Basic authentication sends them (RFC 7617),
// both form-encoded first as OAuth 2.0 wants it (RFC 6749 section 2.3.1): what a
// [Redactor] has to know of a client's secret besides itself.
func Basic(name string, s String) String {
	if s.IsZero() {
		return String{}
	}
	return New(base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(name) + ":" + url.QueryEscape(s.Reveal()))))
}

// IsZero reports whether there is no secret.
func (s String) IsZero() bool { return s.p == nil }

// Equal reports whether two secrets are the same.
func (s String) Equal(other String) bool { return s.Reveal() == other.Reveal() }

// String never shows the secret.
func (s String) String() string {
	if s.p == nil {
		return ""
	}
	return redacted
}

// GoString never shows the secret.
func (s String) GoString() string { return s.String() }

// MarshalText never shows the secret.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
