package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
)

// holders is the file that says which issuers have been sent which client secret.
// There is a salted sum of each secret in it, and it is looked at as closely as the
// files with tokens: whoever can write it can have a secret sent to them.
type holders struct {
	Version int      `json:"version"`
	Salt    []byte   `json:"salt"`
	Sent    []holder `json:"sent"`
}

type holder struct {
	Secret []byte `json:"secret"` // its sum
	Issuer string `json:"issuer"`
}

// mostHolders is how many are remembered, the last ones.
const mostHolders = 256

func (s *Files) holdersPath() string { return filepath.Join(s.Dir, "client-secrets.json") }

// Holders are the issuers that have been sent a client secret, as [Files.AddHolder]
// was told.
func (s *Files) Holders(of secret.String) ([]string, error) {
	h, err := s.holders()
	return h.issuers(h.sum(of)), err
}

// AddHolder remembers that a client secret is sent to an issuer. Without a folder
// nothing is remembered.
func (s *Files) AddHolder(ctx context.Context, of secret.String, issuer string) error {
	if s.Dir == "" {
		return nil
	}
	unlock, err := s.lockFile(ctx, s.holdersPath()+".lock", lockLimit)
	if err != nil {
		return err
	}
	defer unlock()
	h, err := s.holders()
	if err != nil {
		return err
	}
	if h.Version == 0 {
		h = holders{Version: 1, Salt: make([]byte, sha256.Size)}
		_, _ = rand.Read(h.Salt) // never fails
	}
	sum := h.sum(of)
	if slices.Contains(h.issuers(sum), issuer) {
		return nil
	}
	h.Sent = append(h.Sent, holder{sum, issuer})
	h.Sent = h.Sent[max(0, len(h.Sent)-mostHolders):]
	data, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return s.replace(s.holdersPath(), append(data, '\n'))
}

func (h *holders) sum(of secret.String) []byte {
	m := hmac.New(sha256.New, h.Salt)
	m.Write([]byte(of.Reveal()))
	return m.Sum(nil)
}

func (h *holders) issuers(sum []byte) []string {
	var all []string
	for i := range h.Sent {
		if hmac.Equal(h.Sent[i].Secret, sum) {
			all = append(all, h.Sent[i].Issuer)
		}
	}
	return all
}

func (s *Files) holders() (holders, error) {
	var h holders
	if s.Dir == "" {
		return h, nil
	}
	switch err := s.checkDir(); {
	case errors.Is(err, fs.ErrNotExist):
		return h, nil
	case err != nil:
		return h, err
	}
	path := s.holdersPath()
	data, err := readPrivate(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return h, nil
	case err != nil:
		return h, err
	}
	if json.Unmarshal(data, &h) != nil || h.Version != 1 || len(h.Salt) < sha256.Size {
		return holders{}, fault.New(fault.Failed, "%s cannot be used: it is not what was written", path).
			WithHint("it says where client secrets have been sent; remove it if you know that nobody else has changed it")
	}
	return h, nil
}
