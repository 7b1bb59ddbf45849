package caller

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"

	"gatepass/pkg/fault"
)

// Copy passes a body on, in constant memory.
func Copy(w io.Writer, r io.Reader) (int64, error) {
	// Hiding what else the two can do keeps the buffer ours: a file would take
	// small pieces by itself.
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, 4*buffer))
}

// Save writes a body into a file. It is written aside and renamed once it is
// complete, so that a body that breaks off leaves an earlier file as it was. What
// is no regular file, such as /dev/null or a named pipe, is written to as it is.
func Save(path string, r io.Reader) (int64, error) {
	var keep fs.FileMode // the mode of an earlier file
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return saveInPlace(path, r)
	case err == nil:
		keep = info.Mode().Perm()
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return 0, saveError(path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return 0, saveError(path, err)
	}
	f, err := aside(path)
	if err != nil {
		return 0, saveError(path, err)
	}
	if keep != 0 {
		_ = f.Chmod(keep) // not every file system has modes
	}
	n, err := Copy(f, r)
	if closing := f.Close(); err == nil && closing != nil {
		err = saveError(path, closing)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return n, saveError(path, err)
	}
	return n, nil
}

// CanSave refuses a path that Save could not write to, as far as that can be told
// without writing: a folder, or a file in a folder that does not exist.
func CanSave(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fault.New(fault.Usage, "%s is a folder", path).WithHint("name a file in it: %s", filepath.Join(path, "NAME"))
	case err == nil:
		return nil
	}
	dir := filepath.Dir(path)
	info, err = os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.Usage, "there is no folder %s to write %s to", dir, filepath.Base(path))
	case err == nil && !info.IsDir():
		return fault.New(fault.Usage, "%s is no folder", dir)
	}
	return nil
}

// aside creates a file beside another, with a name nobody can foresee.
func aside(path string) (*os.File, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%x.part", filepath.Base(path), n))
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // readable for whom the umask lets, as any file that is saved
}

func saveInPlace(path string, r io.Reader) (int64, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return 0, saveError(path, err)
	}
	n, err := Copy(f, r)
	if closing := f.Close(); err == nil && closing != nil {
		err = closing
	}
	return n, saveError(path, err)
}

// saveError names the file, unless it was the network that failed.
func saveError(path string, err error) error {
	var p *fs.PathError
	var l *os.LinkError
	var f *fault.Error
	switch {
	case err == nil, errors.As(err, &f):
		return err
	case errors.As(err, &p):
		err = p.Err
	case errors.As(err, &l):
		err = l.Err
	default:
		return err
	}
	return fault.New(fault.Failed, "%s cannot be written: %w", path, err)
}
