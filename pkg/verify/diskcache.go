package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"time"
)

// cached is how a key set is kept on disk. Keys are public, so the file is no
// secret, but whoever can change it can have forged tokens verified: what is not
// the user's own, or others may write to, is ignored.
type cached struct {
	Version int       `json:"version"`
	Name    string    `json:"name"` // issuer or address, against collisions of file names
	Address string    `json:"jwks_uri"`
	At      time.Time `json:"fetched_at"`
	Keys    []byte    `json:"jwks"`
}

const cacheVersion = 1

// maxCached is the largest cache file that is read: a key set in base64, and a
// little more.
const maxCached = 2 * MaxKeySetSize

func (r *Remote) path() string {
	sum := sha256.Sum256([]byte(r.name()))
	return filepath.Join(r.o.CacheDir, "keys-"+hex.EncodeToString(sum[:12])+".json")
}

// load reads the key set from the cache. Whatever is wrong there, the answer is
// that there is none: the issuer can be asked again.
func (r *Remote) load() *snapshot {
	if r.o.CacheDir == "" {
		return nil
	}
	f, err := openOwn(r.path())
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCached+1))
	if err != nil || len(data) > maxCached {
		return nil
	}
	var c cached
	if json.Unmarshal(data, &c) != nil || c.Version != cacheVersion || c.Name != r.name() {
		return nil
	}
	set, err := ParseKeySet(keySet, c.Keys)
	if err != nil || len(set.Keys) == 0 {
		return nil
	}
	return &snapshot{set, c.Keys, c.Address, c.At}
}

// save writes the key set aside and renames it into place. That it cannot be
// kept is nothing to fail for.
func (r *Remote) save(s *snapshot) {
	if r.o.CacheDir == "" || len(s.set.Keys) == 0 || os.MkdirAll(r.o.CacheDir, 0o700) != nil {
		return
	}
	data, err := json.Marshal(cached{cacheVersion, r.name(), s.address, s.at.UTC(), s.data})
	if err != nil {
		return
	}
	f, err := os.CreateTemp(r.o.CacheDir, ".keys-*") // mode 0600
	if err != nil {
		return
	}
	_, err = f.Write(data)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), r.path())
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
}
