package cmd

import (
	"strings"

	"github.com/spf13/pflag"
)

// list is a flag that may be given several times. It is pflag's StringArray but
// for its default text, for which that one starts a CSV writer: at every start
// of the program, for every such flag of every command.
type list struct{ values *[]string }

// listVar adds a flag that may be given several times. The usage has the
// placeholder in back quotes.
func listVar(fs *pflag.FlagSet, to *[]string, name, short, usage string) {
	fs.VarP(list{to}, name, short, usage)
}

func (l list) String() string {
	if l.values == nil {
		return ""
	}
	return strings.Join(*l.values, ",")
}

func (list) Type() string { return "stringArray" }

func (l list) Set(v string) error { return l.Append(v) }

// Append, Replace and GetSlice make it a pflag.SliceValue.

func (l list) Append(v string) error {
	*l.values = append(*l.values, v)
	return nil
}

func (l list) Replace(v []string) error {
	*l.values = v
	return nil
}

func (l list) GetSlice() []string { return *l.values }
