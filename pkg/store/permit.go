package store

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"gatepass/pkg/fault"
)

// permits is the file that says which issuers may be sent a client secret. It has
// no secret in it, and is looked at as closely as those that have: whoever can
// write it can have the secret sent to them.
type permits struct {
	Version int      `json:"version"`
	Issuers []string `json:"issuers"`
}

// mostPermits is how many issuers are remembered, those permitted last.
const mostPermits = 256

func (s *Files) permitsPath() string { return filepath.Join(s.Dir, "client-secrets.allow") }

// Permitted reports whether [Files.Permit] has been called for an issuer: that a
// client secret may be sent to it is the user's to say, and is remembered.
func (s *Files) Permitted(issuer string) (bool, error) {
	p, err := s.permits()
	return slices.Contains(p.Issuers, issuer), err
}

// Permit remembers that a client secret may be sent to an issuer.
func (s *Files) Permit(ctx context.Context, issuer string) error {
	unlock, err := s.lockFile(ctx, s.permitsPath()+".lock", lockLimit)
	if err != nil {
		return err
	}
	defer unlock()
	p, err := s.permits()
	if err != nil || slices.Contains(p.Issuers, issuer) {
		return err
	}
	p.Version, p.Issuers = 1, append(p.Issuers, issuer)
	p.Issuers = p.Issuers[max(0, len(p.Issuers)-mostPermits):]
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return s.replace(s.permitsPath(), append(data, '\n'))
}

func (s *Files) permits() (permits, error) {
	var p permits
	if s.Dir == "" {
		return p, nil
	}
	switch err := s.checkDir(); {
	case errors.Is(err, fs.ErrNotExist):
		return p, nil
	case err != nil:
		return p, err
	}
	path := s.permitsPath()
	data, err := readPrivate(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p, nil
	case err != nil:
		return p, err
	}
	if json.Unmarshal(data, &p) != nil || p.Version != 1 {
		return permits{}, fault.New(fault.Failed, "%s cannot be used: it is not what was written", path).
			WithHint("remove it; you will be asked again where a client secret may go")
	}
	return p, nil
}
