package config

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/source"
)

// parse reads a settings file. Its errors are *source.Error, joined.
func parse(f File, dir string, data []byte) (*document, error) {
	d := &document{File: f, profiles: map[string]layer{}}
	n, err := source.Parse(f.Path, data)
	if err != nil {
		return nil, veil(err, data)
	}
	r := reader{document: d, dir: dir}
	if v := n.Get("version"); v != nil {
		r.version(v)
	}
	if r.Err() == nil {
		r.file(n)
	}
	if err := r.Err(); err != nil {
		return nil, veil(inOrder(err), data)
	}
	return d, nil
}

// inOrder sorts mistakes as they stand in the file.
func inOrder(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	all := slices.Clone(joined.Unwrap())
	slices.SortStableFunc(all, func(a, b error) int {
		x, y := position(a), position(b)
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
	return errors.Join(all...)
}

func position(err error) source.Position {
	var e *source.Error
	if errors.As(err, &e) {
		return e.Pos
	}
	return source.Position{}
}

type reader struct {
	source.Reader
	*document
	dir string
}

func (r *reader) file(n *source.Node) {
	r.Object(n, source.Fields{
		"version":  func(*source.Node) {}, // read before all else
		"default":  r.byDefault,
		"profiles": r.all,
	})
}

// version takes the one version there is; a file that names none is of it too.
// Of a file of another version nothing else is said, because it may be right.
func (r *reader) version(n *source.Node) {
	if n.Kind != source.Number || n.Text != "1" {
		err := n.Errorf("want version 1")
		err.Hint = "a file of another version is for another version of gatepass"
		r.Fail(err)
	}
}

func (r *reader) byDefault(n *source.Node) {
	if n.Kind == source.Null {
		return
	}
	var name string
	r.String(&name)(n)
	r.chosen = n
}

func (r *reader) all(n *source.Node) {
	if n.Kind != source.Object && n.Kind != source.Null {
		r.Failf(n, "want an object of profiles by their names, got %s", n.Kind)
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		if !validName(m.Key) {
			err := m.Errorf("%q cannot be the name of a profile", m.Key)
			err.Hint = "letters, digits, dots, dashes and underscores, 64 at most"
			r.Fail(err)
			continue
		}
		r.profiles[m.Key] = r.profile(m.Value)
	}
}

// validName keeps names usable on a command line and as part of a file name.
func validName(s string) bool {
	return len(s) <= 64 && s != "" && !strings.ContainsAny(s[:1], "-.") && strings.IndexFunc(s, func(r rune) bool {
		alnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !alnum && !strings.ContainsRune("._-", r)
	}) < 0
}

// profile reads one profile. Keys with a dot are members of an object, so there
// is one set of fields for each object.
func (r *reader) profile(n *source.Node) layer {
	l := layer{}
	objects := map[string]source.Fields{"": {}}
	for _, st := range written() {
		object, key := "", st.Key
		if o, k, ok := strings.Cut(st.Key, "."); ok {
			object, key = o, k
			if objects[object] == nil {
				objects[object] = source.Fields{}
			}
		}
		objects[object][key] = r.setting(l, st)
	}
	for _, key := range definitionKeys() {
		objects[blockKey][key] = func(*source.Node) {} // see block
	}
	top := objects[""]
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		if name != "" {
			fields := objects[name]
			top[name] = func(n *source.Node) { r.Object(n, fields) }
		}
	}
	r.Object(r.withoutSecret(n), top)
	r.block(l, n.Get(blockKey))
	return l
}

// block keeps an api block that defines the API for whoever wants to know: what is
// in it is read by [Profile.Definition].
func (r *reader) block(l layer, n *source.Node) {
	keys := definitionKeys()
	if n == nil || !slices.ContainsFunc(n.Members, func(m source.Member) bool { return slices.Contains(keys, m.Key) }) {
		return
	}
	if f := n.Get("file"); f != nil && f.Text != "" {
		r.Failf(f, "what the API is, is said in a file and here as well: leave out one of them")
		return
	}
	l[blockKey] = Value{Origin: Origin{Kind: r.Kind, Name: r.Path, Line: n.Pos().Line}, node: n, dir: r.dir}
}

// withoutSecret refuses a client secret in a file, however it is spelt, and
// returns the node without it.
func (r *reader) withoutSecret(n *source.Node) *source.Node {
	rest := *n
	rest.Members = nil
	names := []string{"client_secret"}
	for _, st := range written() {
		names = append(names, st.Key)
	}
	for i := range n.Members {
		m := &n.Members[i]
		if slices.Contains(names[1:], m.Key) || source.Nearest(m.Key, names) != "client_secret" {
			rest.Members = append(rest.Members, *m)
			continue
		}
		err := m.Errorf("a client secret does not belong into a file")
		err.Hint = "give it in GATEPASS_CLIENT_SECRET, or name a program that prints it: client_secret_command: [pass, show, onelogin]"
		r.Fail(err)
	}
	return &rest
}

// setting reads the value of a setting into a layer.
func (r *reader) setting(l layer, st Setting) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind == source.Null {
			return
		}
		values, ok := r.values(n, st)
		if !ok {
			return
		}
		origin := Origin{Kind: r.Kind, Name: r.Path, Line: n.Pos().Line}
		key := st.Key
		if st.target != "" {
			key, origin.Key = st.target, st.Key
		}
		if other, both := l[key]; both {
			r.Failf(n, "line %d says the same: give issuer or subdomain", other.Origin.Line)
			return
		}
		l[key] = Value{Values: values, Origin: origin}
	}
}

// values reads and checks what is written.
func (r *reader) values(n *source.Node, st Setting) ([]string, bool) {
	if st.argv {
		return r.command(n, st)
	}
	if st.own && r.Kind == Project {
		// Whoever clones a repository would do as it says, with their own login.
		err := n.Errorf("%s is not taken from a project's file", st.Key)
		err.Hint = "put it into your own settings file, under the same profile, or into " + st.Env()
		r.Fail(err)
		return nil, false
	}
	nodes := []*source.Node{n}
	if n.Kind == source.List && st.List {
		nodes = n.Items
	}
	all := []string{}
	for _, it := range nodes {
		if it.Kind != source.String && it.Kind != source.Number && it.Kind != source.Bool {
			err := it.Errorf("want a string, got %s", it.Kind)
			if it.Kind == source.Object {
				err.Hint = "a text with a colon in it may need quotes"
			}
			r.Fail(err)
			return nil, false
		}
		values, err := st.take([]string{it.Text})
		if err != nil {
			r.Fail(at(it, err))
			return nil, false
		}
		all = append(all, values...)
	}
	for i, v := range all {
		if st.path && v != "" && !filepath.IsAbs(v) {
			all[i] = filepath.Join(r.dir, filepath.FromSlash(v))
		}
	}
	return all, true
}

// at turns what is wrong with a value into a mistake in a file.
func at(n *source.Node, err error) *source.Error {
	e := n.Errorf("%s", err)
	var f *fault.Error
	if errors.As(err, &f) {
		e.Hint = f.Hint
	}
	return e
}

// command reads a program with its arguments. One string is refused, because it
// would ask for a shell. So is a command in a project's file: whoever clones a
// repository would run it.
func (r *reader) command(n *source.Node, st Setting) ([]string, bool) {
	if r.Kind == Project {
		err := n.Errorf("a command in a project's file would run for everybody who clones it")
		err.Hint = "put it into your own settings file, under the same profile, or into " + st.Env()
		r.Fail(err)
		return nil, false
	}
	var argv []string
	if n.Kind != source.List || len(n.Items) == 0 {
		err := n.Errorf("want a list: a program and its arguments")
		example := "[pass, show, onelogin]"
		if st.Key == "browser" {
			example = "[firefox, -P, work, '{url}']"
		}
		err.Hint = "it is run without a shell: " + st.Key + ": " + example
		r.Fail(err)
		return nil, false
	}
	r.Strings(&argv)(n)
	if len(argv) > 0 && strings.ContainsAny(argv[0], `/\`) && !filepath.IsAbs(argv[0]) {
		argv[0] = filepath.Join(r.dir, filepath.FromSlash(argv[0]))
	}
	return argv, len(argv) > 0
}

// secretLine finds the key of a secret, misspelt or not, in a line of a file.
func secretLine() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:(?:se[a-z]{1,3}et|passw|private_?key)[a-z_-]*|\bkey)["']?[ \t]*[:=]`)
}

// veil keeps secrets that should not be in the file out of the line that an
// error shows.
func veil(err error, data []byte) error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, e := range joined.Unwrap() {
			_ = veil(e, data)
		}
		return err
	}
	var e *source.Error
	if !errors.As(err, &e) {
		return err
	}
	lines := bytes.Split(data, []byte("\n"))
	if e.Pos.Line < 1 || e.Pos.Line > len(lines) {
		return err
	}
	line := string(lines[e.Pos.Line-1])
	if at := secretLine().FindStringIndex(line); at != nil && !strings.Contains(line, "client_secret_command") {
		e.Line = line[:at[1]] + " …"
	}
	return err
}
