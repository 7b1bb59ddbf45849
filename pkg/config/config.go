// Package config finds out what gatepass is to work with: the issuer, the client,
// the API. It merges flags, the environment, the project's gatepass.yaml and the
// user's own into one [Profile], key by key in that order, and remembers of each
// value where it comes from.
//
// It promises that a mistake in a file is a [gatepass/pkg/source.Error] that
// points at its line, that a file with a client secret in it is refused, and
// that a project's file cannot make the user's machine run a command.
//
// It reads files, and nothing else of the process: flags and environment come in
// as function values.
package config

import (
	"slices"

	"gatepass/pkg/secret"
	"gatepass/pkg/source"
)

// FileName is the name of a settings file, the project's and the user's.
const FileName = "gatepass.yaml"

// Sources are where settings come from. The zero value has none, which gives a
// profile of defaults.
type Sources struct {
	// Flag returns the values of a flag by its name without dashes, and whether
	// it was given at all. It may be nil.
	Flag func(name string) (values []string, given bool)
	// Getenv returns an environment variable, empty where it is not set. It may
	// be nil.
	Getenv func(name string) string
	// Dir is where the search for the project's file starts: there, then in each
	// folder above, up to the root of the repository (the folder with .git in
	// it), to Home, or to the root of the file system. Empty: no project file.
	Dir string
	// Home is the user's home folder, above which is not searched. May be empty.
	Home string
	// UserDir is the folder of the user's own file. Empty: none.
	UserDir string
}

// Profile is the settings to work with.
type Profile struct {
	Name string
	// Why says why it is this profile, as the end of the sentence "it is ...".
	Why string

	Issuer string
	// OwnIssuer is the issuer as flags, the environment and the user's own file name
	// it, whatever the project's says; empty where they name none. Anybody can write
	// a project's file: what is secret goes to this one.
	OwnIssuer    string
	ClientID     string
	ClientAuth   string // none, post or basic
	RedirectURIs []string
	Scopes       []string
	Resource     string // OneLogin's API Authorization; empty: do not send it
	// ClientSecretCommand prints the client secret: a program and its arguments,
	// to be run without a shell. Never from a project's file.
	ClientSecretCommand []string
	SignIn              SignIn
	Store               string // where tokens are kept: keyring, file, memory, or empty: the best that works
	// CAFiles are the paths of PEM files with certificates to trust besides the
	// system's, for every request. Never from a project's file.
	CAFiles    []string
	API        API
	Authorizer string // path of the authorizer file, or empty

	// Values are the same settings with where each comes from, in the order of
	// [Settings]. Those that are not set are in it too, without values.
	Values []Value
	// Known are the names of all profiles, sorted.
	Known []string
	// Files are the files that were looked for: the project's, the user's.
	Files []File

	block Value // the api block that defines the API; its node is nil where none does
	files []*document
}

// SignIn is how a person logs in.
type SignIn struct {
	ACRValues    []string // kinds of authentication, one of which is to be confirmed
	Hint         string   // who is about to log in
	Subject      string   // the only sub that is taken; empty: any. Never from a project's file
	Browser      []string // a program and its arguments; {url} is the page. Never from a project's file
	ResponseMode string   // query or form_post
	Listen       string   // address in place of the redirect URI's. Never from a project's file
	// Certificate and Key are PEM files for https redirect URIs. Never from a
	// project's file.
	Certificate, Key string
}

// API is the API that is called.
type API struct {
	URL   string // base URL with the stage's path; no slash at the end
	File  string // path of the API file, or empty: see Profile.Definition
	Token string // which token it wants: access or id
	Send  Send   // where the token goes
	// Key is the API key, or nothing. Never from a project's file.
	Key secret.String
}

// Value is a setting with where it comes from.
type Value struct {
	Setting
	Values []string // one for a setting that is no list; nil where it is not set
	Origin Origin

	node *source.Node // of the api block, which is read later
	dir  string       // of the file it stands in
}

// Set reports whether the setting has a value that is not empty.
func (v Value) Set() bool { return len(v.Values) > 0 && (v.List || v.Values[0] != "") }

// Origin returns where a setting comes from, by its key such as "api.url".
func (p *Profile) Origin(key string) Origin {
	for _, v := range p.Values {
		if v.Key == key {
			return v.Origin
		}
	}
	return Origin{}
}

// Load reads all sources. Its errors are of the user's making: *fault.Error of
// kind Usage for flags, variables and the choice of the profile, *source.Error
// (joined) for what a file says.
func Load(s Sources) (*Profile, error) {
	project, err := s.projectFile()
	if err != nil {
		return nil, err
	}
	user, err := s.userFile()
	if err != nil {
		return nil, err
	}
	p := &Profile{Known: known(project, user)}
	for _, f := range []*document{project, user} {
		if f != nil {
			p.Files = append(p.Files, f.File)
		}
	}
	if err := p.choose(s, project, user); err != nil {
		return nil, err
	}
	flags, err := s.flags()
	if err != nil {
		return nil, err
	}
	env, err := s.environment()
	if err != nil {
		return nil, err
	}
	p.merge(flags, env, project.layer(p.Name), user.layer(p.Name))
	p.files = []*document{project, user}
	if own := strongest(flags, env, user.layer(p.Name))["issuer"].Values; len(own) > 0 {
		p.OwnIssuer = own[0]
	}
	return p, nil
}

// strongest takes each setting from the first layer that has it.
func strongest(layers ...layer) layer {
	all := layer{}
	for _, l := range layers {
		for key, v := range l {
			if _, stronger := all[key]; !stronger {
				all[key] = v
			}
		}
	}
	return all
}

// blockKey is the key of a layer's api block as a whole. No setting has it.
const blockKey = "api"

// layer is what one source says, by key.
type layer map[string]Value

// merge takes each setting from the first layer that has it.
func (p *Profile) merge(layers ...layer) {
	for _, st := range Settings() {
		v := Value{Setting: st, Values: st.Default, Origin: Origin{Kind: Default}}
		for _, l := range layers {
			if got, ok := l[st.Key]; ok {
				v.Values, v.Origin = got.Values, got.Origin
				break
			}
		}
		if st.assign != nil && len(v.Values) > 0 {
			st.assign(p, slices.Clone(v.Values))
		}
		if st.secret && v.Set() {
			v.Values = []string{secret.New(v.Values[0]).String()}
		}
		p.Values = append(p.Values, v)
	}
	for _, l := range layers {
		if got, ok := l[blockKey]; ok {
			p.block = got
			break
		}
	}
}
