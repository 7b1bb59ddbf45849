package cmd

import (
	"errors"
	"io"
	"io/fs"

	"gatepass/pkg/fault"
)

// fileError says what is wrong with a file the user named.
func fileError(err error) error {
	var p *fs.PathError
	if !errors.As(err, &p) {
		return fault.New(fault.Usage, "%w", err)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.Usage, "there is no file %s", p.Path)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Usage, "%s may not be read by you", p.Path)
	}
	return fault.New(fault.Usage, "%s: %w", p.Path, p.Err)
}

// readUpTo reads all there is, and refuses more than a size.
func readUpTo(in io.Reader, what string, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fileError(err)
	}
	if int64(len(data)) > most {
		return nil, fault.New(fault.Usage, "%s is larger than the %d bytes that are read", what, most)
	}
	return data, nil
}
