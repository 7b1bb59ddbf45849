package config

import (
	"fmt"
	"slices"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/source"
)

// Unnamed is the name of the profile where no file has any.
const Unnamed = "default"

// profileVariable chooses the profile where no flag does.
const profileVariable = "GATEPASS_PROFILE"

// known are the names of the profiles of all files.
func known(files ...*document) []string {
	names := []string{}
	for _, f := range files {
		if f != nil {
			for name := range f.profiles {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// choose sets the profile's name, and why it is that one: what is asked for on
// the command line, in the environment, in a file, or the only one there is.
func (p *Profile) choose(s Sources, files ...*document) error {
	if s.Flag != nil {
		if v, given := s.Flag("profile"); given && len(v) > 0 {
			return p.called(v[len(v)-1], "--profile", "named by --profile")
		}
	}
	if s.Getenv != nil {
		if v := s.Getenv(profileVariable); v != "" {
			return p.called(v, profileVariable, "named by "+profileVariable)
		}
	}
	for _, f := range files {
		if f == nil || f.chosen == nil {
			continue
		}
		name := f.chosen.Text
		if !slices.Contains(p.Known, name) {
			err := f.chosen.Errorf("there is no profile %q", name)
			err.Hint = p.hint(name)
			return err
		}
		p.Name, p.Why = name, "the default of "+Origin{Kind: f.Kind, Name: f.Path, Line: f.chosen.Pos().Line}.String()
		return nil
	}
	switch len(p.Known) {
	case 0:
		p.Name, p.Why = Unnamed, "what there is without a settings file"
	case 1:
		p.Name, p.Why = p.Known[0], "the only one"
	default:
		return fault.New(fault.Usage, "which profile? there are %s", strings.Join(p.Known, ", ")).
			WithHint("name one: --profile %s   or for good, in %s: default: %s", p.Known[0], FileName, p.Known[0])
	}
	return nil
}

// called takes a profile by its name.
func (p *Profile) called(name, by, why string) error {
	unnamed := len(p.Known) == 0 && name == Unnamed
	if !unnamed && !slices.Contains(p.Known, name) {
		return fault.New(fault.Usage, "%s: there is no profile %q", by, name).WithHint("%s", p.hint(name))
	}
	p.Name, p.Why = name, why
	return nil
}

// hint helps with a name that is not known.
func (p *Profile) hint(name string) string {
	switch near := source.Nearest(name, p.Known); {
	case near != "":
		return fmt.Sprintf("did you mean %s? there are: %s", near, strings.Join(p.Known, ", "))
	case len(p.Known) > 0:
		return "there are: " + strings.Join(p.Known, ", ")
	}
	return "no settings file has profiles; without --profile, flags and variables alone do"
}
