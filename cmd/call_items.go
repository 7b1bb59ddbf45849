package cmd

import (
	"strings"
	"unicode/utf8"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
)

// mostItem is the most that is read of a file which is the text of an item, in
// bytes: as much as API Gateway takes.
const mostItem = 10 << 20

// wholeBody marks items that are the whole body: @FILE, and - for standard input.
func wholeBody(word string) bool {
	return word == "-" || strings.HasPrefix(word, "@") && len(word) > 1
}

// parseItems reads the words behind the path.
func parseItems(words []string) ([]caller.Item, error) {
	var items []caller.Item
	for _, w := range words {
		if lower := strings.ToLower(w); strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") {
			shown, _, _ := strings.Cut(w, "?")
			return nil, fault.New(fault.Usage, "a request has one path or URL, and this is another: %s", cutText(shown, 60)).
				WithHint("a header of that name is given with -H")
		}
		if wholeBody(w) {
			items = append(items, caller.Item{Kind: caller.FileItem, Value: strings.TrimPrefix(w, "@")})
			continue
		}
		it, err := caller.ParseItem(w)
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

// itemText is the text of an item, out of a file where it says so.
func (a *call) itemText(it caller.Item) (string, error) {
	if !it.FromFile {
		return it.Value, nil
	}
	data, err := a.readFile(it.Value, mostItem, it.String())
	if err != nil {
		return "", err
	}
	text := string(data)
	if it.Kind == caller.HeaderItem || it.Kind == caller.QueryItem {
		text = strings.TrimRight(text, "\r\n")
	}
	if it.Kind != caller.JSONItem && !utf8.ValidString(text) {
		return "", fault.New(fault.Usage, "%s is no text in UTF-8", it.Value).WithHint("a file as it is goes into a form: --form name@FILE")
	}
	return text, nil
}

// itemBody is the body that the items make, or nil where they make none.
func (a *call) itemBody(items []caller.Item) (*caller.Body, error) {
	var parts []caller.Item
	for _, it := range items {
		switch it.Kind {
		case caller.FieldItem, caller.JSONItem, caller.FileItem:
			parts = append(parts, it)
		}
	}
	switch {
	case len(parts) == 0 && a.form:
		return nil, fault.New(fault.Usage, "--form without fields").WithHint("gatepass call /path --form name=text name@FILE")
	case len(parts) == 0:
		return nil, nil
	case parts[0].Kind == caller.FileItem && parts[0].Name == "":
		return a.wholeItem(parts)
	case a.form:
		return a.formBody(parts)
	}
	return a.jsonBody(parts)
}

// wholeItem is a body that is all of a file.
func (a *call) wholeItem(parts []caller.Item) (*caller.Body, error) {
	if len(parts) > 1 || a.form {
		return nil, fault.New(fault.Usage, "@%s is a body of its own: give it alone", parts[0].Value)
	}
	name := parts[0].Value
	b, err := a.fileBody(name, "the body")
	if err != nil {
		return nil, err
	}
	b.Curl = []string{"--data-binary", "@" + name}
	if name == "-" {
		a.isJSON()
	} else {
		caller.Default(a.request.Header, "Content-Type", caller.MediaType(name))
	}
	return &b, nil
}

// jsonBody is a JSON document of the items.
func (a *call) jsonBody(parts []caller.Item) (*caller.Body, error) {
	var doc caller.Document
	for _, it := range parts {
		switch {
		case it.Kind == caller.FileItem && it.Name == "":
			return nil, fault.New(fault.Usage, "@%s is a body of its own: give it alone", it.Value)
		case it.Kind == caller.FileItem:
			return nil, fault.New(fault.Usage, "%s is a file in a form, and the body is JSON", it).
				WithHint("its text: %s=@%s   its JSON: %s:=@%s   a form: --form", it.Name, it.Value, it.Name, it.Value)
		}
		text, err := a.itemText(it)
		if err != nil {
			return nil, err
		}
		if it.Kind == caller.JSONItem {
			err = doc.SetJSON(it, []byte(text))
		} else {
			err = doc.Set(it, text)
		}
		if err != nil {
			return nil, err
		}
	}
	text := string(doc.JSON())
	b := caller.Text(text)
	b.Curl = []string{"--data-raw", text}
	a.isJSON()
	return &b, nil
}

// formBody is a form of the items, with files in it where there are some.
func (a *call) formBody(items []caller.Item) (*caller.Body, error) {
	var parts []caller.Part
	var fields []string
	files := false
	for _, it := range items {
		p, err := a.formPart(it)
		if err != nil {
			return nil, err
		}
		files = files || p.File != ""
		parts = append(parts, p)
		if !files {
			fields = append(fields, caller.Escape(p.Name)+"="+caller.Escape(p.Text))
		}
	}
	if files {
		b, mediaType := caller.Multipart(parts)
		caller.Default(a.request.Header, "Content-Type", mediaType)
		return &b, nil
	}
	text := strings.Join(fields, "&")
	b := caller.Text(text)
	b.Curl = []string{"--data-raw", text}
	caller.Default(a.request.Header, "Content-Type", "application/x-www-form-urlencoded")
	return &b, nil
}

func (a *call) formPart(it caller.Item) (caller.Part, error) {
	p := caller.Part{Name: it.Name}
	switch it.Kind {
	case caller.JSONItem:
		return p, fault.New(fault.Usage, "%s is JSON, and a form has text", cutText(it.String(), 40)).WithHint("%s=%s", it.Name, cutText(it.Value, 40))
	case caller.FileItem:
		if it.Name == "" {
			return p, fault.New(fault.Usage, "@%s is a body of its own: give it alone", it.Value)
		}
		body, err := a.fileBody(it.Value, "a file of the form")
		p.File, p.Type, p.Body = it.Value, caller.MediaType(it.Value), body
		return p, err
	}
	text, err := a.itemText(it)
	if p.Text = text; it.FromFile {
		p.TextFile = it.Value
	}
	return p, err
}
