package caller

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"gatepass/pkg/fault"
)

// ItemKind is what an item adds to a request.
type ItemKind uint8

// The kinds, with their signs as HTTPie and xh have them.
const (
	FieldItem  ItemKind = iota // name=text       a string in the JSON body, a field of a form
	JSONItem                   // name:=json      any JSON value in the body
	QueryItem                  // name==text      a parameter of the query
	HeaderItem                 // Name:value      a header; without a value, one to leave out
	EmptyItem                  // Name;           a header with an empty value
	FileItem                   // name@file       a file in a form
)

// Item is one of the words behind a path, as HTTPie and xh take them.
type Item struct {
	Kind ItemKind
	// Name is of the field, parameter or header. Of the JSON body it may be a
	// path, in Path as well.
	Name string
	// Path is where in the JSON body the value goes: for user[names][] the key
	// "user", the key "names", the end of the list. It is set for FieldItem and
	// JSONItem.
	Path []Step
	// Value is taken as it is written; of a FileItem it is the file's name.
	Value string
	// FromFile says that Value is the name of a file which has the value: the
	// signs with an @ behind them, such as name=@file.
	FromFile bool
	word     string
}

// Step is a step into a JSON document.
type Step struct {
	Key    string
	Index  int  // of a list, where List is set; -1: behind its end
	List   bool // a step into a list, else into an object
	at, to int  // where it stands in the word, in bytes
}

// sign is what stands between the name and the value of an item.
type sign struct {
	text     string
	kind     ItemKind
	fromFile bool
}

// signs are all of them; of two that fit the longer one counts.
func signs() []sign {
	return []sign{
		{":=@", JSONItem, true},
		{"==@", QueryItem, true},
		{":=", JSONItem, false},
		{"==", QueryItem, false},
		{"=@", FieldItem, true},
		{":@", HeaderItem, true},
		{"=", FieldItem, false},
		{":", HeaderItem, false},
		{"@", FileItem, false},
	}
}

// special are the characters that a backslash makes plain in a name. Before any
// other it is a backslash.
const special = `=:;@[]\`

// ParseItem reads an item. A backslash takes the meaning from the character
// behind it, in the name; the value is taken as it is written. Its errors are
// *fault.Error of kind Usage and show where in the word the mistake is.
func ParseItem(word string) (Item, error) {
	if !utf8.ValidString(word) || strings.ContainsRune(word, 0) {
		return Item{}, fault.New(fault.Usage, "an item behind the path is no text in UTF-8")
	}
	at, s, found := findSign(word)
	it := Item{Kind: s.kind, FromFile: s.fromFile, word: word}
	switch name, empty := strings.CutSuffix(word, ";"); {
	case found:
		it.Value = word[at+len(s.text):]
	case empty && !endsEscaped(name):
		it.Kind, at = EmptyItem, len(name)
	default:
		return Item{}, itemError(word, len(word), "that is no item: there is no = or : in it").
			WithHint("items are name=text, name:=json, name==query and Header:value")
	}
	if at == 0 && it.Kind != FieldItem && it.Kind != JSONItem || word == "" {
		return Item{}, itemError(word, 0, "the name is missing")
	}
	it.Name = unescape(word[:at])
	return it, it.check(at)
}

// findSign finds the first sign of a word.
func findSign(word string) (at int, s sign, found bool) {
	all := signs()
	for i := 0; i < len(word); i++ {
		if word[i] == '\\' && i+1 < len(word) && strings.IndexByte(special, word[i+1]) >= 0 {
			i++
			continue
		}
		for _, s := range all {
			if strings.HasPrefix(word[i:], s.text) {
				return i, s, true
			}
		}
	}
	return 0, sign{}, false
}

// endsEscaped reports whether what follows a text is made plain by it.
func endsEscaped(s string) bool {
	escaped := false
	for i := 0; i < len(s); i++ {
		escaped = !escaped && s[i] == '\\' && (i+1 == len(s) || strings.IndexByte(special, s[i+1]) >= 0)
	}
	return escaped
}

func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(special, s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func escapeName(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(special, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// check looks at what the kind asks for. The name ends at a byte of the word.
func (it *Item) check(end int) (err error) {
	switch it.Kind {
	case HeaderItem, EmptyItem:
		if !isToken(it.Name) {
			return itemError(it.word, 0, "that is no name of a header").
				WithHint("a header is Name:value; a path starts with /")
		}
		if !it.FromFile && !isFieldValue(it.Value) {
			return itemError(it.word, end, "the header's value has a line break or another control character in it")
		}
	case FieldItem, JSONItem:
		it.Path, err = parsePath(it.word, end)
	}
	if err == nil && (it.FromFile || it.Kind == FileItem) && it.Value == "" {
		return itemError(it.word, len(it.word), "the name of the file is missing")
	}
	return err
}

// String is the item as a word that reads the same.
func (it Item) String() string {
	if it.Kind == EmptyItem {
		return escapeName(it.Name) + ";"
	}
	name := escapeName(it.Name)
	if it.Path != nil {
		name = pathString(it.Path)
	}
	for _, s := range signs() {
		if s.kind == it.Kind && s.fromFile == it.FromFile {
			return name + s.text + it.Value
		}
	}
	return ""
}

// mostIndex is the highest index of a list that is taken: what lies before it is
// filled up.
const mostIndex = 999

// mostSteps is how deep a path may lead.
const mostSteps = 100

// parsePath reads the path of a JSON value, which ends at a byte of the word: a
// key, then keys, indices or nothing in brackets. A key of digits in brackets is
// written with a backslash behind the opening bracket.
func parsePath(word string, end int) ([]Step, error) {
	i := nextBracket(word, 0, end)
	if i < end && word[i] == ']' {
		return nil, itemError(word, i, "there is no [ before this ]").WithHint(`a ] that is part of the name is written \]`)
	}
	var path []Step
	if i > 0 || end == 0 {
		path = append(path, Step{Key: unescape(word[:i]), to: i})
	}
	for i < end {
		if word[i] != '[' {
			return nil, itemError(word, i, "want [ or the end of the name behind a ]").WithHint(`a ] that is part of the name is written \]`)
		}
		to := nextBracket(word, i+1, end)
		switch {
		case to == end:
			return nil, itemError(word, i, "this [ is not closed").WithHint(`a [ that is part of the name is written \[`)
		case word[to] == '[':
			return nil, itemError(word, to, "there is a [ within brackets").WithHint(`a [ that is part of the name is written \[`)
		case len(path) == mostSteps:
			return nil, itemError(word, i, "this leads deeper than %d steps", mostSteps)
		}
		s, err := parseStep(word, i+1, to)
		if err != nil {
			return nil, err
		}
		path = append(path, s)
		i = to + 1
	}
	return path, nil
}

// nextBracket is where the next bracket is that no backslash makes plain.
func nextBracket(word string, i, end int) int {
	for ; i < end; i++ {
		switch {
		case word[i] == '\\' && i+1 < end && strings.IndexByte(special, word[i+1]) >= 0:
			i++
		case word[i] == '[', word[i] == ']':
			return i
		}
	}
	return end
}

// parseStep reads what is between two brackets.
func parseStep(word string, from, to int) (Step, error) {
	text := word[from:to]
	s := Step{at: from, to: to}
	switch {
	case text == "":
		s.List, s.Index = true, -1
	case isDigits(text):
		n, err := strconv.Atoi(text)
		if err != nil || n > mostIndex {
			return s, itemError(word, from, "the highest index of a list is %d", mostIndex).WithHint(`a key of digits is written [\%s]`, cutWord(text))
		}
		s.List, s.Index = true, n
	case text[0] == '\\' && isDigits(text[1:]):
		s.Key = text[1:]
	default:
		s.Key = unescape(text)
	}
	return s, nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// pathString is a path as parsePath reads it.
func pathString(path []Step) string {
	var b strings.Builder
	for i, s := range path {
		switch {
		case i == 0 && !s.List:
			b.WriteString(escapeName(s.Key))
		case s.List && s.Index < 0:
			b.WriteString("[]")
		case s.List:
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case isDigits(s.Key):
			b.WriteString(`[\` + s.Key + "]")
		default:
			b.WriteString("[" + escapeName(s.Key) + "]")
		}
	}
	return b.String()
}

// shownBefore is how much of a word is shown before a mistake, shownWord how much in
// all, in characters.
const (
	shownBefore = 50
	shownWord   = 70
)

// itemError marks where in a word a mistake is, at a byte of it.
func itemError(word string, at int, format string, args ...any) *fault.Error {
	e := fault.New(fault.Usage, format, args...)
	start := at
	for range shownBefore {
		_, n := utf8.DecodeLastRuneInString(word[:start])
		start -= n
	}
	shown := cutWord(word[start:])
	if start > 0 {
		shown = "…" + shown
	}
	e.Detail = shown + "\n" + strings.Repeat(" ", utf8.RuneCountInString(word[start:at])+min(start, 1)) + "^"
	return e
}

// cutWord cuts a word to what fits a line.
func cutWord(s string) string {
	r := []rune(s)
	if len(r) > shownWord {
		r = append(r[:shownWord], '…')
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, string(r))
}
