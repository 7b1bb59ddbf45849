package cmd

import (
	"strings"

	"github.com/spf13/pflag"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
)

// dataKind is how the text of a flag becomes a body, as with curl.
type dataKind uint8

const (
	formData    dataKind = iota // -d: files lose their line breaks
	rawData                     // --data-raw: no files
	binaryData                  // --data-binary: files as they are
	encodedData                 // --data-urlencode
	jsonData                    // --json-data: binaryData that is JSON
)

// datum is one flag with a body, or a part of one.
type datum struct {
	kind dataKind
	text string
}

// data is the flags with bodies. They are one list, because their order counts.
type data struct {
	to   *[]datum
	kind dataKind
}

func dataVar(fs *pflag.FlagSet, to *[]datum, kind dataKind, name, short, usage string) {
	fs.VarP(data{to, kind}, name, short, usage)
}

func (data) String() string { return "" }

func (data) Type() string { return "string" }

func (d data) Set(v string) error {
	*d.to = append(*d.to, datum{d.kind, v})
	return nil
}

// addBody opens the body, and says what it is as curl does, or HTTPie where it
// comes of items.
func (a *call) addBody(items []caller.Item) error {
	fromItems, err := a.itemBody(items)
	switch {
	case err != nil:
		return err
	case fromItems != nil && len(a.data) > 0:
		return fault.New(fault.Usage, "items and -d are two bodies: give one")
	case fromItems != nil:
		a.request.Body = *fromItems
		return nil
	case len(a.data) == 0:
		return nil
	}
	kind := a.data[0].kind
	var parts []caller.Body
	for _, d := range a.data {
		if (d.kind == jsonData) != (kind == jsonData) {
			return fault.New(fault.Usage, "--data and --json-data are two bodies: give one")
		}
		body, err := a.dataBody(d)
		if err != nil {
			return err
		}
		parts = append(parts, body)
	}
	if kind == jsonData { // which curl joins with nothing
		a.request.Body = caller.Concat("", parts...)
		for i := 0; len(parts) > 1 && i < len(a.request.Body.Curl); i += 2 {
			a.request.Body.Curl[i] = "--json" // the others would be joined with &
		}
		a.isJSON()
		return nil
	}
	a.request.Body = caller.Concat("&", parts...)
	caller.Default(a.request.Header, "Content-Type", "application/x-www-form-urlencoded")
	return nil
}

// isJSON says that the body is JSON, and that so may be the answer.
func (a *call) isJSON() {
	caller.Default(a.request.Header, "Content-Type", "application/json")
	caller.Default(a.request.Header, "Accept", "application/json")
}

// dataBody is what a flag with a body stands for.
func (a *call) dataBody(d datum) (caller.Body, error) {
	switch {
	case d.kind == encodedData:
		return a.encoded(d.text)
	case d.kind == rawData || d.text != "-" && !strings.HasPrefix(d.text, "@"):
		b := caller.Text(d.text)
		b.Curl = []string{"--data-raw", d.text}
		return b, nil
	}
	name := strings.TrimPrefix(d.text, "@")
	b, err := a.fileBody(name, "the body")
	if err != nil {
		return b, err
	}
	if d.kind != formData {
		b.Curl = []string{"--data-binary", "@" + name}
		return b, nil
	}
	b, err = caller.Joined(b)
	b.Curl = []string{"--data", "@" + name}
	return b, err
}

// fileBody is a body in a file, or on standard input.
func (a *call) fileBody(name, what string) (caller.Body, error) {
	if name != "-" {
		return caller.File(name)
	}
	if err := a.takeInput(what); err != nil {
		return caller.Body{}, err
	}
	return caller.Stream(a.app.IO.In)
}

// encoded is what --data-urlencode makes of its five forms: text, =text,
// name=text, @FILE and name@FILE.
func (a *call) encoded(text string) (caller.Body, error) {
	name, value := "", text
	i := strings.IndexByte(text, '=') // wherever it is: user@host=x has the name user@host
	if i < 0 {
		i = strings.IndexByte(text, '@')
	}
	if i >= 0 {
		name, value = text[:i], text[i+1:]
		if text[i] == '@' {
			data, err := a.readFile(value, mostItem, "the body")
			if err != nil {
				return caller.Body{}, err
			}
			value = string(data)
		}
	}
	out := caller.Escape(value)
	if name != "" {
		out = name + "=" + out // the name is encoded already, says curl
	}
	b := caller.Text(out)
	b.Curl = []string{"--data-raw", out}
	return b, nil
}
