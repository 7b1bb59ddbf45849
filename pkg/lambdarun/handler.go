package lambdarun

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"gatepass/pkg/fault"
)

// language is what a handler is written in, as far as it matters here.
type language uint8

const (
	node language = iota
	python
	executable // speaks the Runtime API itself
)

// handler is a handler that was found.
type handler struct {
	language language
	file     string // absolute
	root     string // the folder that takes the place of Lambda's /var/task
	export   string // what of the file is the function; nothing with executables
}

// spec is the handler as Lambda's settings have it, for the variable _HANDLER.
func (h *handler) spec() string {
	if h.language == executable {
		return filepath.Base(h.file)
	}
	return h.module() + "." + h.export
}

// module is the file as Lambda names it: from the root of the function, with slashes
// and without its extension. A package of Python's is named by its folder.
func (h *handler) module() string {
	rel, err := filepath.Rel(h.root, h.file)
	if err != nil {
		rel = filepath.Base(h.file)
	}
	name := filepath.ToSlash(strings.TrimSuffix(rel, filepath.Ext(rel)))
	if h.language == python {
		name = strings.TrimSuffix(name, "/__init__")
	}
	return name
}

// findHandler finds the file that a text names. Its errors are of kind Usage.
func findHandler(dir, text string) (*handler, error) {
	path, export := text, ""
	if at := strings.LastIndexByte(text, '#'); at >= 0 && !exists(dir, text) { // or the file has one in its name
		path, export = text[:at], text[at+1:]
	}
	if path == "" {
		return nil, fault.New(fault.Usage, "which handler? no file is named").WithHint("for example simple.js, or auth.py#check")
	}
	path, err := filepath.Abs(within(dir, path))
	if err != nil {
		return nil, fault.New(fault.Usage, "the handler %s: %w", text, err)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return findBootstrap(path)
	case err == nil:
		return ofFile(path, export, info)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.Usage, "the handler %s: %w", text, errors.Unwrap(err))
	}
	if h := lambdaStyle(dir, path); h != nil && export == "" {
		return h, nil
	}
	return nil, fault.New(fault.Usage, "there is no handler file %s", path).
		WithHint("name a file: simple.js, auth.py#check, bootstrap; or a handler as Lambda has it: src/auth.handler")
}

// within is a path that is relative to a folder, unless it is absolute.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func exists(dir, path string) bool {
	_, err := os.Stat(within(dir, path))
	return err == nil
}

// findBootstrap is the executable in the folder of a function.
func findBootstrap(dir string) (*handler, error) {
	path := filepath.Join(dir, "bootstrap")
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return ofFile(path, "", info)
	}
	return nil, fault.New(fault.Usage, "%s is a folder without an executable bootstrap", dir).WithHint("name the handler's file in it")
}

// ofFile tells what a file is by its name, and by its permissions.
func ofFile(path, export string, info fs.FileInfo) (*handler, error) {
	h := &handler{file: path, root: filepath.Dir(path), export: export}
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".js", ".cjs", ".mjs":
		h.language = node
		setDefault(&h.export, "handler")
	case ".py":
		h.language = python
		setDefault(&h.export, "lambda_handler")
	case ".ts", ".mts", ".cts":
		return nil, fault.New(fault.Usage, "%s is TypeScript, which is not run here", path).
			WithHint("name the JavaScript that is made of it")
	case ".zip", ".jar":
		return nil, fault.New(fault.Usage, "%s is an archive: it is not unpacked here", path).WithHint("name the handler's file")
	default:
		h.language = executable
		if !runnable(path, info) {
			return nil, fault.New(fault.Usage, "%s is no handler: neither JavaScript nor Python by its name, and not executable", path).
				WithHint("if it is to be run as a bootstrap: chmod +x %s", path)
		}
		if export != "" {
			return nil, fault.New(fault.Usage, "%s is an executable, which has no exports: leave out #%s", path, export).
				WithHint("where it reads its handler's name, as bootstraps in shell do: --env _HANDLER=%s", export)
		}
	}
	return h, nil
}

func setDefault(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

// runnable reports whether a file may be run.
func runnable(path string, info fs.FileInfo) bool {
	if runtime.GOOS == "windows" {
		return strings.EqualFold(filepath.Ext(path), ".exe")
	}
	return info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// lambdaStyle finds the file of a handler such as src/auth.handler, or nil. The
// folder it is relative to takes the place of /var/task.
func lambdaStyle(dir, path string) *handler {
	for _, c := range lambdaFiles(path) {
		info, err := os.Stat(c.file)
		if err != nil || info.IsDir() {
			continue
		}
		h, err := ofFile(c.file, c.export, info)
		if err != nil {
			return nil
		}
		h.root = rootOf(dir, h)
		return h
	}
	return nil
}

// rootOf is the folder that Lambda would unpack the function of a handler into: the one
// that its name is relative to. Of a file elsewhere it is the file's, or the one that
// the file's Python packages are in.
func rootOf(dir string, h *handler) string {
	if root, err := filepath.Abs(dir); err == nil && strings.HasPrefix(h.file, root+string(filepath.Separator)) {
		return root
	}
	root := filepath.Dir(h.file)
	for h.language == python {
		if _, err := os.Stat(filepath.Join(root, "__init__.py")); err != nil {
			break
		}
		root = filepath.Dir(root)
	}
	return root
}

// lambdaFile is a file that a handler of Lambda's settings may mean.
type lambdaFile struct{ file, export string }

// lambdaFiles are those files. The first dot ends the file's name in Node, where
// exports may be nested; the last one does in Python, where others are folders. A
// folder stands for its index, or for the package that it is.
func lambdaFiles(path string) []lambdaFile {
	folder, base := filepath.Split(path)
	var list []lambdaFile
	if stem, export, ok := strings.Cut(base, "."); ok && stem != "" && export != "" {
		for _, ending := range []string{".js", ".mjs", ".cjs", string(filepath.Separator) + "index.js"} {
			list = append(list, lambdaFile{folder + stem + ending, export})
		}
	}
	if dot := strings.LastIndexByte(base, '.'); dot > 0 && dot < len(base)-1 {
		module := strings.ReplaceAll(base[:dot], ".", string(filepath.Separator))
		for _, ending := range []string{".py", string(filepath.Separator) + "__init__.py"} {
			list = append(list, lambdaFile{folder + module + ending, base[dot+1:]})
		}
	}
	return list
}

// program finds what runs the handler: the program with its first arguments. Its
// errors are of kind Usage.
func (h *handler) program(look func(string) (string, error)) ([]string, error) {
	candidates, what := [][]string{{"node"}}, "Node.js"
	switch h.language {
	case executable:
		return []string{h.file}, nil
	case python:
		candidates, what = [][]string{{"python3"}, {"python"}}, "Python"
		if runtime.GOOS == "windows" {
			candidates = [][]string{{"py", "-3"}, {"python3"}, {"python"}}
		}
	}
	for _, c := range candidates {
		if look == nil {
			break
		}
		if path, err := look(c[0]); err == nil {
			return append([]string{path}, c[1:]...), nil
		}
	}
	return nil, fault.New(fault.Usage, "%s is needed to run %s, and there is no program %s", what, h.file, candidates[0][0]).
		WithHint("install %s, or put it on the PATH", what)
}
