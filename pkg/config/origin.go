package config

import (
	"fmt"
	"path/filepath"
)

// OriginKind is the kind of source a value is from, the strongest last but for
// the zero kind, which is no source.
type OriginKind uint8

// The kinds of sources.
const (
	Default OriginKind = iota
	User
	Project
	Environment
	Flag
)

// String names the kind as JSON output does.
func (k OriginKind) String() string {
	return [...]string{"default", "user", "project", "environment", "flag"}[k]
}

// Origin is where a value comes from.
type Origin struct {
	Kind OriginKind
	// Name is the flag with its dashes, the variable, or the file.
	Name string
	Line int // in the file, from 1
	// Key is the key that was written, where it is not the setting's own:
	// "subdomain" gives the issuer.
	Key string
}

// String says where, for a person: "flag --issuer", "environment
// GATEPASS_ISSUER", "gatepass.yaml:4" (of the project), "your gatepass.yaml:4",
// "default".
func (o Origin) String() string {
	s := ""
	switch o.Kind {
	case Flag, Environment:
		s = o.Kind.String() + " " + o.Name
	case Project, User:
		s = fmt.Sprintf("%s:%d", o.Name, o.Line)
		if o.Kind == User { // its folder says nothing here
			s = fmt.Sprintf("your %s:%d", filepath.Base(o.Name), o.Line)
		}
		if o.Key != "" {
			s += ", " + o.Key
		}
	default:
		s = "default"
	}
	return s
}
