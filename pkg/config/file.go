package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"gatepass/pkg/fault"
	"gatepass/pkg/source"
)

// File is a settings file that was looked for.
type File struct {
	Kind  OriginKind // Project or User
	Path  string     // as it is shown; where nothing was found, where one would be
	Found bool
}

// document is a file that was read. The nil document is none.
type document struct {
	File
	chosen   *source.Node // the value of "default", or nil
	profiles map[string]layer
}

// layer is what the file says of a profile.
func (d *document) layer(name string) layer {
	if d == nil {
		return nil
	}
	return d.profiles[name]
}

// projectFile looks for the project's file and reads it.
func (s Sources) projectFile() (*document, error) {
	if s.Dir == "" {
		return nil, nil
	}
	dir := filepath.Clean(s.Dir)
	for at := dir; ; at = filepath.Dir(at) {
		if at == dir || !everybodys(at) {
			path := filepath.Join(at, FileName)
			switch data, err := read(path); {
			case err == nil && !s.isUserFile(path):
				return parse(File{Kind: Project, Path: shownPath(dir, path), Found: true}, at, data)
			case err != nil && !errors.Is(err, fs.ErrNotExist):
				return nil, err
			}
			if err := misnamed(at); err != nil {
				return nil, err
			}
		}
		if at == filepath.Dir(at) || at == filepath.Clean(s.Home) && s.Home != "" || exists(filepath.Join(at, ".git")) {
			return &document{File: File{Kind: Project, Path: FileName}}, nil
		}
	}
}

// userFile reads the user's own file.
func (s Sources) userFile() (*document, error) {
	if s.UserDir == "" {
		return nil, nil
	}
	path := filepath.Join(s.UserDir, FileName)
	data, err := read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &document{File: File{Kind: User, Path: path}}, misnamed(s.UserDir)
	case err != nil:
		return nil, err
	}
	return parse(File{Kind: User, Path: path, Found: true}, s.UserDir, data)
}

// isUserFile keeps the user's own file from being taken for a project's, for a
// search that starts in its folder.
func (s Sources) isUserFile(path string) bool {
	return s.UserDir != "" && path == filepath.Join(s.UserDir, FileName)
}

// read reads a file of bounded size. Other errors than fs.ErrNotExist are for
// the user.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fs.ErrNotExist
	case err != nil:
		return nil, cannot(path, err)
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Usage, "%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cannot(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, source.MaxYAML+1))
	if err != nil {
		return nil, cannot(path, err)
	}
	return data, nil
}

func cannot(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fault.New(fault.Usage, "%s cannot be read: %w", path, err)
}

// misnamed notices a file that would be read under its right name, because to
// pass over it in silence would be a puzzle.
func misnamed(dir string) error {
	if path := filepath.Join(dir, "gatepass.yml"); exists(path) {
		return fault.New(fault.Usage, "%s is not read under this name", path).
			WithHint("mv %s %s", path, filepath.Join(dir, FileName))
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// everybodys reports whether every user of the machine may put files into a
// folder, as into /tmp. A file in one above the working directory may be
// somebody else's trap.
func everybodys(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0
}

// shownPath is a path as people find it: relative to where they are.
func shownPath(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil {
		return rel
	}
	return path
}
