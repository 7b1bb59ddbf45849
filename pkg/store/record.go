package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/token"
)

// version is the form of the files.
const version = 1

// record is what a file holds. Everything but Secrets may be known: it is what
// status shows, and it is read without looking at the secrets.
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

	Secrets json.RawMessage `json:"secrets"`
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
	ObtainedAt time.Time
	CanRefresh bool // there is a refresh token
}

func encode(k Key, name string, set token.Set) ([]byte, error) {
	//nolint:gosec // G117: this file is where the tokens are meant to be
	raw, err := json.Marshal(secrets{set.Access.Reveal(), set.ID.Reveal(), set.Refresh.Reveal()})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err = enc.Encode(record{
		Version: version, Profile: k.Profile, Issuer: k.Issuer, ClientID: k.ClientID,
		Subject: set.Subject, Name: name, Scope: set.Scope, TokenType: set.TokenType,
		Expiry: set.Expiry, ObtainedAt: set.ObtainedAt, CanRefresh: !set.Refresh.IsZero(),
		Secrets: raw,
	})
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
	case r.Version != version:
		return r, damaged(path, fmt.Sprintf("it has the version %d", r.Version))
	case r.Profile != k.Profile || r.Issuer != k.Issuer || r.ClientID != k.ClientID:
		return r, damaged(path, "it is of another profile, issuer or client")
	}
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
	}
}

func (r record) set(path string) (token.Set, error) {
	var s secrets
	if err := json.Unmarshal(r.Secrets, &s); err != nil || s.Access == "" {
		return token.Set{}, damaged(path, "there are no tokens in it")
	}
	return token.Set{
		Access: secret.New(s.Access), ID: secret.New(s.ID), Refresh: secret.New(s.Refresh),
		TokenType: r.TokenType, Scope: r.Scope, Issuer: r.Issuer, ClientID: r.ClientID, Subject: r.Subject,
		Expiry: r.Expiry, ObtainedAt: r.ObtainedAt,
	}, nil
}
