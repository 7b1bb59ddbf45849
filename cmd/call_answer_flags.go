package cmd

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/spf13/pflag"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
	"gatepass/pkg/jq"
	"gatepass/pkg/view"
)

// answerFlags say what is to become of an answer, and are embedded in call. Their
// letters are curl's where curl has one.
type answerFlags struct {
	output, errorBody   string
	jq, writeOut        string
	remoteName, include bool
	silent, showError   bool
	fail, compressed    bool
	rawOutput, withMeta bool

	// What check has made of them.
	filter *jq.Filter    // of --jq, or nil
	format view.WriteOut // of --write-out
}

// define adds the flags.
func (f *answerFlags) define(fs *pflag.FlagSet) {
	fs.StringVarP(&f.output, "output", "o", "", "write the body of a success to a `file`; - shows it, whatever it is")
	fs.BoolVarP(&f.remoteName, "remote-name", "O", false, "write it to a file named as the last part of the path")
	fs.BoolVarP(&f.include, "include", "i", false, "show the status and headers of the answer, too")
	fs.StringVar(&f.jq, "jq", "", "print what a jq `expression` makes of the JSON in the answer")
	fs.BoolVarP(&f.rawOutput, "raw-output", "r", false, "with --jq, print strings without quotes")
	fs.StringVarP(&f.writeOut, "write-out", "w", "", "print a `format` after the answer, such as '%{http_code}\\n'; also @FILE")
	fs.BoolVar(&f.withMeta, "meta", false, "say on standard error what the status was and how long everything took")
	fs.StringVar(&f.errorBody, "error-body", "", "`where` the body of an error goes: stdout, stderr or none")
	fs.BoolVarP(&f.fail, "fail", "f", false, "leave out the body of an error, as --error-body none")
	fs.BoolVarP(&f.silent, "silent", "s", false, "say nothing: no progress, no notes, not what went wrong")
	fs.BoolVarP(&f.showError, "show-error", "S", false, "with -s, say what went wrong all the same")
	fs.BoolVar(&f.compressed, "compressed", false, "ask for a compressed answer and unpack it, also in a pipe")
}

// check refuses what does not go together, and reads what is written in a language
// of its own, before anything is sent.
func (f *answerFlags) check(app *App, asJSON bool) error {
	switch {
	case asJSON && (f.output != "" || f.remoteName || f.include || f.jq != "" || f.writeOut != ""):
		return fault.New(fault.Usage, "--json prints the whole answer as one object: give it without -o, -O, -i, -w and --jq")
	case f.remoteName && f.output != "":
		return fault.New(fault.Usage, "-o and -O both name a file: give one")
	case f.jq != "" && (f.output != "" || f.remoteName):
		return fault.New(fault.Usage, "--jq prints to standard output: give it without -o and -O").
			WithHint("to have it in a file: gatepass call ... --jq EXPR > FILE")
	case f.rawOutput && f.jq == "":
		return fault.New(fault.Usage, "--raw-output is for --jq: bodies are printed as they are anyway").
			WithHint("a part of a body: -H 'Range: bytes=0-499'")
	case f.fail && f.errorBody != "" && f.errorBody != "none":
		return fault.New(fault.Usage, "--fail and --error-body %s at once", f.errorBody)
	}
	switch f.errorBody {
	case "", "stdout", "stderr", "none":
	default:
		return fault.New(fault.Usage, "--error-body is stdout, stderr or none, not %q", f.errorBody)
	}
	return f.read(app)
}

// read reads the expression and the format.
func (f *answerFlags) read(app *App) (err error) {
	if f.jq != "" {
		if f.filter, err = jq.Compile(f.jq); err != nil {
			return err
		}
	}
	format := f.writeOut
	if name, ok := strings.CutPrefix(format, "@"); ok {
		if format, err = readFormat(app, name); err != nil {
			return err
		}
	}
	f.format = view.ParseWriteOut(format)
	return nil
}

// mostFormat is how long a format may be, in bytes.
const mostFormat = 1 << 20

// readFormat reads the format in a file, or in standard input.
func readFormat(app *App, name string) (string, error) {
	in := app.IO.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", fault.New(fault.Usage, "the format of -w cannot be read: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, mostFormat+1))
	switch {
	case err != nil:
		return "", fault.New(fault.Usage, "the format of -w cannot be read: %w", err)
	case len(text) > mostFormat:
		return "", fault.New(fault.Usage, "the format of -w is longer than %d MB", mostFormat>>20)
	}
	return string(text), nil
}

// file is the name of the file that the body of a success goes to; empty: none. That
// it can be written there is looked at before anything is sent.
func (f *answerFlags) file(urlPath string) (string, error) {
	name := f.output
	if f.remoteName {
		var err error
		if name, err = remoteName(urlPath); err != nil {
			return "", err
		}
	}
	if name == "" || name == "-" {
		return "", nil
	}
	return name, caller.CanSave(name)
}

// remoteName is the last part of a path where that is a name a file should have: not
// hidden, nothing that leads elsewhere, nothing a shell or a terminal would act on.
func remoteName(urlPath string) (string, error) {
	name := path.Base(urlPath)
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+@=,~%() ", r)
	}
	switch {
	case strings.HasSuffix(urlPath, "/") || name == "." || urlPath == "":
		return "", fault.New(fault.Usage, "the path ends without a name for a file").WithHint("give it one: -o FILE")
	case strings.HasPrefix(name, ".") || strings.HasPrefix(name, "-") || len(name) > 200 ||
		strings.ContainsFunc(name, odd) || !filepath.IsLocal(name):
		return "", fault.New(fault.Usage, "%q is an odd name for a file", name).WithHint("give it one: -o FILE")
	}
	return name, nil
}
