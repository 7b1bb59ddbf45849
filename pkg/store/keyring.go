package store

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/zalando/go-keyring"

	"gatepass/pkg/crash"
	"gatepass/pkg/fault"
)

// Keyring keeps one text for this user and this program. It may take as long as
// it likes and fail as it likes.
type Keyring interface {
	// Get returns the text, or an error with ErrNoKey in it.
	Get() (string, error)
	Set(text string) error
}

// ErrNoKey is in the error of a keyring that works and has no key.
var ErrNoKey = errors.New("the keyring has no key of gatepass")

// ErrKeyring is in the error of what failed because the keyring does not work.
var ErrKeyring = errors.New("the keyring cannot be used")

// System is the keyring of the operating system: the Secret Service on a desktop
// of Linux or BSD, the Keychain of macOS, the Credential Manager of Windows.
type System struct{}

// The item in the keyring, as people see it there.
const (
	keyringService = "gatepass"
	keyringUser    = "key of the stored tokens"
)

// Get reads the item.
func (System) Get() (string, error) {
	text, err := keyring.Get(keyringService, keyringUser)
	if errors.Is(err, keyring.ErrNotFound) {
		return "", ErrNoKey
	}
	return text, err
}

// Set writes the item.
func (System) Set(text string) error { return keyring.Set(keyringService, keyringUser, text) }

// keyringLimit is how long the keyring may take by default. One that is locked
// asks somebody, who may not be there.
const keyringLimit = 3 * time.Second

// sealingKey is the key once it has been read: the keyring is asked once in a
// process.
type sealingKey struct {
	mu   sync.Mutex
	aead cipher.AEAD
}

// keySize is the size of the key, in bytes: AES-256.
const keySize = 32

// makeKey makes sure of a key in the keyring. Processes that find none at the
// same time agree on one by a lock, and take what the keyring gives back.
func (s *Files) makeKey(ctx context.Context) error {
	asking, cancel := s.asking(ctx)
	defer cancel()
	switch _, err := s.readKey(asking); {
	case err == nil:
		return nil
	case !errors.Is(err, ErrNoKey):
		return err
	}
	unlock, err := s.lockFile(ctx, filepath.Join(s.Dir, "keyring.lock"), lockLimit)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := s.readKey(asking); !errors.Is(err, ErrNoKey) {
		return err
	}
	var key [keySize]byte
	_, _ = rand.Read(key[:]) // never fails
	text := base64.StdEncoding.EncodeToString(key[:])
	if _, err := s.ask(asking, func() (string, error) { return "", s.Keyring.Set(text) }); err != nil {
		return err
	}
	s.at("key stored")
	_, err = s.readKey(asking)
	if errors.Is(err, ErrNoKey) {
		return fault.New(fault.Failed, "%w: it takes a key and does not have it then", ErrKeyring)
	}
	return err
}

// readKey reads the key. Its error has ErrNoKey or ErrKeyring in it.
func (s *Files) readKey(ctx context.Context) (cipher.AEAD, error) {
	s.key.mu.Lock()
	defer s.key.mu.Unlock()
	if s.key.aead != nil {
		return s.key.aead, nil
	}
	if s.Keyring == nil {
		return nil, fault.New(fault.Failed, "%w: there is none here", ErrKeyring)
	}
	text, err := s.ask(ctx, s.Keyring.Get)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != keySize {
		return nil, fault.New(fault.Failed, "%w: what it has of gatepass is no key", ErrKeyring).
			WithHint("remove the item %q of gatepass from the keyring", keyringUser)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	s.key.aead, err = cipher.NewGCMWithRandomNonce(block)
	return s.key.aead, err
}

// asking limits what is asked of the keyring, all of it together.
func (s *Files) asking(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.keyringLimit())
}

func (s *Files) keyringLimit() time.Duration {
	if s.KeyringLimit > 0 {
		return s.KeyringLimit
	}
	return keyringLimit
}

// ask waits for the keyring until the context ends. What it does after that
// nobody hears of.
func (s *Files) ask(ctx context.Context, question func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		// A service may answer with other types than it should.
		mistake := crash.Catch(func() { a.text, a.err = question() })
		a.err = cmp.Or(mistake, a.err)
		answers <- a
	}()
	select {
	case a := <-answers:
		if a.err == nil || errors.Is(a.err, ErrNoKey) {
			return a.text, a.err
		}
		return "", fault.New(fault.Failed, "%w: %s", ErrKeyring, a.err)
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return "", ctx.Err()
		}
		return "", fault.New(fault.Failed, "%w: it did not answer within %s", ErrKeyring, s.keyringLimit()).
			WithHint("is it locked? Unlock it and try again")
	}
}

// associated is what a sealed secret is bound to: moved to the file of another
// profile, issuer or client it does not open.
func associated(k Key) []byte {
	text, _ := json.Marshal([]string{"gatepass tokens", k.Profile, k.Issuer, k.ClientID}) // strings always work
	return text
}

// seal encrypts by AES-256-GCM with a random nonce, which stands first.
func (s *Files) seal(k Key, plain []byte) ([]byte, error) {
	ctx, cancel := s.asking(context.Background())
	defer cancel()
	aead, err := s.readKey(ctx)
	if err != nil {
		return nil, fault.New(fault.Failed, "the tokens cannot be stored: %w", err).
			WithHint("unlock the keyring, or keep them elsewhere: gatepass login --store file")
	}
	return aead.Seal(nil, nil, plain, associated(k)), nil //nolint:gosec // G407: this cipher makes a random nonce of its own
}

// unseal is the reverse of seal.
func (s *Files) unseal(k Key, path string, sealed []byte) ([]byte, error) {
	ctx, cancel := s.asking(context.Background())
	defer cancel()
	aead, err := s.readKey(ctx)
	switch {
	case errors.Is(err, ErrNoKey):
		return nil, damaged(path, "their key is no longer in the keyring")
	case err != nil:
		return nil, fault.New(fault.Login, "the stored tokens cannot be read: %w", err).
			WithHint("unlock the keyring, or log in without it: gatepass login --store file")
	}
	plain, err := aead.Open(nil, nil, sealed, associated(k))
	if err != nil {
		return nil, damaged(path, "they are sealed by another key, or were changed")
	}
	return plain, nil
}
