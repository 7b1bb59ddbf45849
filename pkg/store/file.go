package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/token"
)

// maxFile caps what is read, in bytes: three tokens of the largest size that is
// read, sealed or not, and room.
const maxFile = 6 * token.MaxSize

// Load reads the tokens of a key. Without any, [ErrNone] is in the error.
func (s *Files) Load(k Key) (token.Set, error) {
	r, err := s.read(k)
	if err != nil {
		return token.Set{}, err
	}
	path, plain := s.Where(k), []byte(r.Secrets)
	if len(r.Sealed) > 0 {
		if plain, err = s.unseal(k, path, r.Sealed); err != nil {
			return token.Set{}, err
		}
	}
	return r.set(path, plain)
}

// Info reads what may be known of a key's tokens, and not the tokens. Without
// any, [ErrNone] is in the error.
func (s *Files) Info(k Key) (Info, error) {
	r, err := s.read(k)
	return r.info(), err
}

func (s *Files) read(k Key) (record, error) {
	if err := s.usable(); err != nil {
		return record{}, err
	}
	switch err := s.checkDir(); {
	case errors.Is(err, fs.ErrNotExist):
		return record{}, none()
	case err != nil:
		return record{}, err
	}
	path := s.Where(k)
	data, err := readPrivate(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return record{}, none()
	case err != nil:
		return record{}, err
	}
	return decode(k, path, data)
}

// readPrivate reads a file that only its owner can have read or written. It is
// opened first and looked at then: between looking and opening it could be
// replaced.
func readPrivate(path string) ([]byte, error) {
	f, err := openNoFollow(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil:
		return nil, fault.New(fault.Failed, "%s cannot be opened: %w", path, cause(err)).WithHint("is it a symbolic link, or somebody else's? Remove it and log in again")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fault.New(fault.Failed, "%s cannot be looked at: %w", path, cause(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Failed, "%s is no ordinary file", path).WithHint("remove it and log in again")
	}
	if err := checkPrivate(path, f, info, 0o600); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, fault.New(fault.Failed, "%s cannot be read: %w", path, cause(err))
	case len(data) > maxFile:
		return nil, damaged(path, "it is too long")
	}
	return data, nil
}

// checkDir looks at the folder: it must be a folder of ours that nobody else can
// look into or write to.
func (s *Files) checkDir() error {
	info, err := os.Lstat(s.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return err
	case err != nil:
		return fault.New(fault.Failed, "the folder %s cannot be looked at: %w", s.Dir, cause(err))
	case !info.IsDir():
		return fault.New(fault.Failed, "%s is no folder", s.Dir).WithHint("tokens are kept in it; remove what is there")
	}
	return checkPrivate(s.Dir, nil, info, 0o700)
}

// makeDir makes the folder if it is not there.
func (s *Files) makeDir() error {
	if err := s.usable(); err != nil {
		return err
	}
	if err := makePrivateDir(s.Dir); err != nil {
		return fault.New(fault.Failed, "the folder %s cannot be made: %w", s.Dir, cause(err)).
			WithHint("tokens are kept there; set GATEPASS_HOME to use another folder")
	}
	return s.checkDir()
}

// Check reports whether tokens can be kept in a way, before somebody logs in for
// them. It makes the folder, a file in it that it removes, and the key in the
// keyring. That the keyring does not work is [ErrKeyring] in the error.
func (s *Files) Check(ctx context.Context, kind Kind) error {
	if err := s.makeDir(); err != nil {
		return err
	}
	const usual = 16 << 10 // bytes
	if err := s.room(filepath.Join(s.Dir, "check"), usual); err != nil {
		return fault.New(fault.Failed, "tokens cannot be stored in %s: %w", s.Dir, cause(err)).
			WithHint("is it read-only, or the disk full? Set GATEPASS_HOME to use another folder")
	}
	switch kind {
	case InKeyring:
		return s.makeKey(ctx)
	case InMemory:
		return inMemory(s.Dir)
	}
	return nil
}

// Save stores the tokens of a key in place of those before. When it fails, the
// old tokens are still there.
func (s *Files) Save(ctx context.Context, k Key, l Login, set token.Set) error {
	unlock, err := s.lock(ctx, k)
	if err != nil {
		return err
	}
	defer unlock()
	return s.save(k, l, set)
}

// save is Save under the lock.
func (s *Files) save(k Key, l Login, set token.Set) error {
	old, _ := s.read(k) // a file that cannot be read has nothing to keep
	l = l.over(old)
	var seal func([]byte) ([]byte, error)
	if l.Kind == InKeyring {
		seal = func(plain []byte) ([]byte, error) { return s.seal(k, plain) }
	}
	data, err := encode(k, l, set, seal)
	if err != nil {
		return err
	}
	s.sweep()
	return s.replace(s.Where(k), data)
}

// Remember changes what is remembered of a login, but not its kind, and leaves
// the tokens alone: it needs no keyring.
func (s *Files) Remember(ctx context.Context, k Key, l Login) error {
	unlock, err := s.lock(ctx, k)
	if err != nil {
		return err
	}
	defer unlock()
	r, err := s.read(k)
	if err != nil {
		return err
	}
	l = l.over(r)
	r.Name, r.LoginAt, r.APIs = l.Name, l.At, l.APIs
	data, err := r.bytes()
	if err != nil {
		return err
	}
	return s.replace(s.Where(k), data)
}

// replace puts a new file in the place of another, in one step: written aside,
// forced to disk, renamed.
func (s *Files) replace(path string, data []byte) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return fault.New(fault.Failed, "%s is no ordinary file", path).WithHint("remove it and log in again")
	}
	aside, err := s.writeAside(path, data)
	if err == nil {
		if err = os.Rename(aside, path); err == nil {
			s.at("renamed")
			syncDir(filepath.Dir(path))
			s.at("folder synced")
			return nil
		}
		_ = os.Remove(aside)
	}
	return notStored(path, err)
}

func notStored(path string, err error) error {
	return fault.New(fault.Failed, "the tokens cannot be stored in %s: %w", path, cause(err)).
		WithHint("those from before are still there. Is the disk full?")
}

// roomFor makes sure that new tokens of a key can take the place of those it has.
func (s *Files) roomFor(k Key) error {
	path := s.Where(k)
	info, err := os.Lstat(path)
	if err == nil {
		const more = 4 << 10 // bytes
		err = s.room(path, min(info.Size(), maxFile)+more)
	}
	if err != nil {
		return notStored(path, err)
	}
	return nil
}

// room finds out whether so many bytes can be written beside a file.
func (s *Files) room(path string, size int64) error {
	aside, err := s.writeAside(path, make([]byte, size))
	if err != nil {
		return err
	}
	err = os.Remove(aside)
	s.at("made room")
	return err
}

// suffix marks files being written.
const suffix = ".new"

// writeAside writes a file nobody else has, beside another, and removes it if
// that fails.
func (s *Files) writeAside(path string, data []byte) (string, error) {
	var unique [8]byte
	_, _ = rand.Read(unique[:]) // never fails
	aside := path + "." + hex.EncodeToString(unique[:]) + suffix
	f, err := createPrivate(aside)
	if err != nil {
		return "", err
	}
	s.at("created")
	err = s.fill(f, data)
	if err == nil {
		err = f.Sync()
		s.at("synced")
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = os.Remove(aside)
		return "", err
	}
	s.at("closed")
	return aside, nil
}

// fill writes to a file, a block at a time.
func (s *Files) fill(f *os.File, data []byte) error {
	const block = 16 << 10
	for part := range slices.Chunk(data, block) {
		if _, err := f.Write(part); err != nil {
			return err
		}
		s.at("written")
	}
	return nil
}

// sweep removes what processes that were killed while writing left behind: they
// have tokens in them.
func (s *Files) sweep() {
	const old = time.Hour
	left, _ := filepath.Glob(filepath.Join(s.Dir, "*"+suffix))
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > old {
			_ = os.Remove(path)
		}
	}
}

// Delete forgets the tokens of a key. It reports whether there were any.
func (s *Files) Delete(ctx context.Context, k Key) (bool, error) {
	if err := s.usable(); err != nil {
		return false, err
	}
	if _, err := os.Lstat(s.Where(k)); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	unlock, err := s.lock(ctx, k)
	if err != nil {
		return false, err
	}
	defer unlock()
	switch err := s.remove(k); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

// remove is Delete under the lock. Its error is fs.ErrNotExist where there is
// nothing.
func (s *Files) remove(k Key) error {
	switch err := os.Remove(s.Where(k)); {
	case errors.Is(err, fs.ErrNotExist):
		return fs.ErrNotExist
	case err != nil:
		return fault.New(fault.Failed, "%s cannot be removed: %w", s.Where(k), cause(err))
	}
	s.at("removed")
	syncDir(s.Dir)
	s.at("folder synced")
	return nil
}

// cause is an error of the file system without the path, which is in the message
// already.
func cause(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}
