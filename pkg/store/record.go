package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// version is the form of the files. Version 1 had plain secrets only, and is
// read.
const version = 2

// record is what a file holds. Everything but Secrets may be known: it is what
// status shows, and it is read without looking at the secrets. Those are either
// plain in Secrets or sealed in Sealed.
type record struct {
	Version    int       `json:"version"`
	Profile    string    `json:"profile"`
	Issuer     string    `json:"issuer"`
	ClientID   string    `json:"client_id"`
	Subject    string    `json:"subject,omitempty"`
	Name       string    `json:"name,omitempty"`
	Scope      string    `json:"scope,omitempty"`
	TokenType  string    `json:"token_type"`
	Expiry     time.Time `json:"expires_at,omitzero"`
	ObtainedAt time.Time `json:"obtained_at"`
	CanRefresh bool      `json:"can_refresh"`
	LoginAt    time.Time `json:"login_at,omitzero"`
	Kind       Kind      `json:"store,omitempty"`
	APIs       []string  `json:"apis,omitempty"`

	Secrets json.RawMessage `json:"secrets,omitempty"`
	Sealed  []byte          `json:"sealed,omitempty"`
}

// secrets are the tokens themselves.
type secrets struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token,omitempty"`
	Refresh string `json:"refresh_token,omitempty"`
}

// Info is what may be known of stored tokens without reading them.
type Info struct {
	Subject    string
	Name       string // what the user is called, as the issuer said it; may be empty
	Scope      string
	Expiry     time.Time // of the access token; zero when it is not known
	ObtainedAt time.Time // the tokens, by the login or by a refresh
	CanRefresh bool      // there is a refresh token
	LoginAt    time.Time // zero when it is not known
	Kind       Kind
	APIs       []string // the origins the tokens may go to; see Login
}

// Login is what is remembered of a login beside its tokens. What is left empty
// stays as it was.
type Login struct {
	Name string    // what to call the user
	At   time.Time // when somebody logged in
	Kind Kind      // how to keep the tokens; InFile where nothing was said before
	// APIs are origins of APIs that the tokens may be sent to, in whatever form
	// the caller compares. They are added to those before.
	APIs []string
}

// mostAPIs is how many origins are remembered; the oldest are forgotten.
const mostAPIs = 32

// over is what is remembered when l comes after a record.
func (l Login) over(r record) Login {
	l.Name = cmp.Or(l.Name, r.Name)
	l.Kind = cmp.Or(l.Kind, r.Kind, InFile)
	if l.At.IsZero() {
		l.At = r.LoginAt
	}
	all := slices.Clone(r.APIs)
	for _, a := range l.APIs {
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	l.APIs = all[max(0, len(all)-mostAPIs):]
	return l
}

// encode is the file of a login. The function seals the secrets; nil leaves them
// plain.
func encode(k Key, l Login, set token.Set, seal func([]byte) ([]byte, error)) ([]byte, error) {
	r := record{
		Version: version, Profile: k.Profile, Issuer: k.Issuer, ClientID: k.ClientID,
		Subject: set.Subject, Name: l.Name, Scope: set.Scope, TokenType: set.TokenType,
		Expiry: set.Expiry, ObtainedAt: set.ObtainedAt, CanRefresh: !set.Refresh.IsZero(),
		LoginAt: l.At, Kind: l.Kind, APIs: l.APIs,
	}
	//nolint:gosec // G117: this file is where the tokens are meant to be
	raw, err := json.Marshal(secrets{set.Access.Reveal(), set.ID.Reveal(), set.Refresh.Reveal()})
	switch {
	case err != nil:
		return nil, err
	case seal == nil:
		r.Secrets = raw
	default:
		if r.Sealed, err = seal(raw); err != nil {
			return nil, err
		}
	}
	return r.bytes()
}

func (r record) bytes() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(r)
	return b.Bytes(), err
}

// decode reads a file and checks that it is the key's.
func decode(k Key, path string, data []byte) (record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return r, damaged(path, "it is not what was written: "+err.Error())
	}
	switch {
	case r.Version > version:
		return r, fault.New(fault.Failed, "%s was written by a newer gatepass", path).WithHint("use that one, or log in again with: gatepass login --force")
	case r.Version < 1:
		return r, damaged(path, fmt.Sprintf("it has the version %d", r.Version))
	case r.Profile != k.Profile || r.Issuer != k.Issuer || r.ClientID != k.ClientID:
		return r, damaged(path, "it is of another profile, issuer or client")
	}
	r.Kind = cmp.Or(r.Kind, InFile)
	return r, nil
}

func damaged(path, why string) error {
	return fault.New(fault.Login, "the stored tokens in %s cannot be used: %s", path, why).
		WithHint("log in again: gatepass login")
}

func (r record) info() Info {
	return Info{
		Subject: r.Subject, Name: r.Name, Scope: r.Scope,
		Expiry: r.Expiry, ObtainedAt: r.ObtainedAt, CanRefresh: r.CanRefresh,
		LoginAt: r.LoginAt, Kind: r.Kind, APIs: r.APIs,
	}
}

// set is the tokens of a record, the secrets of which have been unsealed.
func (r record) set(path string, plain []byte) (token.Set, error) {
	var s secrets
	if err := json.Unmarshal(plain, &s); err != nil || s.Access == "" {
		return token.Set{}, damaged(path, "there are no tokens in it")
	}
	return token.Set{
		Access: secret.New(s.Access), ID: secret.New(s.ID), Refresh: secret.New(s.Refresh),
		TokenType: r.TokenType, Scope: r.Scope, Issuer: r.Issuer, ClientID: r.ClientID, Subject: r.Subject,
		Expiry: r.Expiry, ObtainedAt: r.ObtainedAt,
	}, nil
}
