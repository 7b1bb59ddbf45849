// Package store keeps the tokens of logins for this user alone: sealed in a file
// by a key that is in the keyring of the operating system, in a plain file, or in
// memory. What may be known of a login is readable beside the tokens.
//
// What it promises: a file is either the old one or the new one, whatever dies
// when; nobody else on the machine can read it, and a file that others could
// have read or written is not used; any number of processes that need fresh
// tokens at the same time make one refresh, and of several logins at the same
// time one happens and the others wait; nothing is deleted but by Delete, or by
// saving the same login in another place; and the keyring is asked only to read,
// write or seal tokens, never for [Info].
package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"gatepass/pkg/fault"
)

// ErrNone is in the error of reading tokens that are not there.
var ErrNone = errors.New("no tokens are stored")

// ErrExpired is in the error of [Files.Fresh] when the stored tokens are used up:
// only a new login helps.
var ErrExpired = errors.New("the stored tokens are used up")

// ErrRejected is to be in the error of a refresh that the issuer refused for
// good (invalid_grant).
var ErrRejected = errors.New("the refresh token was refused")

// Key says whose tokens. All three are part of it, so that a profile that is
// given another issuer or client never gets the tokens of the one before.
type Key struct{ Profile, Issuer, ClientID string }

// Kind is how the tokens of a login are kept.
type Kind string

// The kinds. Each login has its own, and keeps it until it is saved as another.
const (
	InKeyring Kind = "keyring" // in a file, sealed by a key in the system's keyring
	InFile    Kind = "file"    // in a file that only its owner can read
	InMemory  Kind = "memory"  // in such a file on a file system that is in memory
)

// Files is a store in a folder: one file for each key, with a lock file beside
// it that holds nothing.
type Files struct {
	// Dir is made when it is needed, with mode 0700. Empty: nothing is stored.
	Dir string
	// LockLimit is how long to wait for another process, 0 meaning a minute.
	LockLimit time.Duration
	// Keyring has the key that seals tokens. Nil: there is none.
	Keyring Keyring
	// KeyringLimit is how long the keyring may take, 0 meaning 3 seconds.
	KeyringLimit time.Duration

	key  sealingKey
	step func(point string) // called after each change on disk, for tests that die there
}

// at tells of a point where the process may die.
func (s *Files) at(point string) {
	if s.step != nil {
		s.step(point)
	}
}

// Where says where the tokens of a key are: the path of their file. Its name
// begins with that of the profile, for people; the rest tells apart what the
// profile's name does not.
func (s *Files) Where(k Key) string {
	sum := sha256.Sum256([]byte(k.Profile + "\x00" + k.Issuer + "\x00" + k.ClientID))
	return filepath.Join(s.Dir, slug(k.Profile)+"-"+hex.EncodeToString(sum[:8])+".json")
}

// slug is a name made fit for a file name.
func slug(name string) string {
	const most = 40
	s := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return s[:min(len(s), most)]
}

// usable reports a store without a folder.
func (s *Files) usable() error {
	if s.Dir == "" {
		return fault.New(fault.Failed, "there is no folder to keep tokens in").
			WithHint("set HOME, or GATEPASS_HOME to a folder of your own")
	}
	return nil
}

// none is the error for a key without tokens.
func none() error { return &fault.Error{Kind: fault.Login, Msg: ErrNone.Error(), Err: ErrNone} }
