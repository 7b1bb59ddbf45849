// Package store keeps the tokens of logins on disk, for this user alone.
//
// What it promises: a file is either the old one or the new one, whatever dies
// when; nobody else on the machine can read it, and a file that others could
// have read or written is not used; any number of processes that need fresh
// tokens at the same time make one refresh; and nothing is deleted but by
// [Files.Delete].
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

// Files is a store in a folder: one file for each key, with a lock file beside
// it that holds nothing.
type Files struct {
	// Dir is made when it is needed, with mode 0700. Empty: nothing is stored.
	Dir string
	// LockLimit is how long to wait for another process, 0 meaning 30 seconds.
	LockLimit time.Duration
}

// Kind is the name of this kind of store in the output of status.
func (s *Files) Kind() string { return "file" }

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
