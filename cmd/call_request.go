package cmd

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
)

// requestFlags say what is sent. Their letters are curl's.
type requestFlags struct {
	method, agent           string
	user                    string
	data                    []datum
	headers, query, cookies []string
	fields                  []string
	form, get, head         bool
	agentGiven              func() bool
}

func (f *requestFlags) define(fs *pflag.FlagSet) {
	fs.StringVarP(&f.method, "request", "X", "", "`method`, whatever the rest would be sent with")
	dataVar(fs, &f.data, formData, "data", "d", "`body`: text, @FILE less its line breaks, or - for stdin; several are joined with &")
	dataVar(fs, &f.data, rawData, "data-raw", "", "`body` as it is written, @ or not")
	dataVar(fs, &f.data, binaryData, "data-binary", "", "`body` as with -d, but files as they are")
	dataVar(fs, &f.data, encodedData, "data-urlencode", "", "`field` to encode: name=text, name@FILE, text, @FILE")
	dataVar(fs, &f.data, jsonData, "json-data", "", "`body` as with --data-binary, and that it is JSON")
	fs.BoolVar(&f.form, "form", false, "items make a form, a multipart one if files are in it")
	fs.BoolVarP(&f.get, "get", "G", false, "put the -d into the query")
	fs.BoolVarP(&f.head, "head", "I", false, "ask for the status and headers alone")
	listVar(fs, &f.headers, "header", "H", "`header`: 'Name: value', 'Name:' to leave it out, 'Name;' for an empty one, or @FILE with lines of these")
	fs.StringVarP(&f.agent, "user-agent", "A", "", "`name` of the program that asks")
	listVar(fs, &f.cookies, "cookie", "b", "cookies, `name=value`")
	listVar(fs, &f.query, "query", "q", "query parameter, `name=value`")
	// What curl's users may try, to say what there is instead.
	fs.StringVarP(&f.user, "user", "u", "", "")
	listVar(fs, &f.fields, "form-field", "F", "")
	_, _ = fs.MarkHidden("user"), fs.MarkHidden("form-field")
	f.agentGiven = func() bool { return fs.Changed("user-agent") }
}

func (f *requestFlags) check() error {
	switch {
	case f.user != "":
		return fault.New(fault.Usage, "a user name and password are not sent: the token says who you are").
			WithHint("if the API wants something else, write it yourself: -H 'Authorization: …'")
	case f.fields != nil:
		return fault.New(fault.Usage, "-F is written as items here").WithHint("gatepass call /path --form name=text name@FILE")
	case slices.ContainsFunc(f.cookies, func(c string) bool { return !strings.Contains(c, "=") }):
		return fault.New(fault.Usage, "-b takes cookies, name=value").WithHint("files of cookies are not read")
	case f.head && len(f.data) > 0 && !f.get:
		return fault.New(fault.Usage, "-I asks with HEAD, which has no body").WithHint("-G puts the data into the query")
	}
	return nil
}

// prepare makes the request that the arguments and flags describe.
func (a *call) prepare(args []string) error {
	method, target, words, err := splitWords(args)
	if err != nil {
		return err
	}
	if method, err = a.chooseMethod(method); err != nil {
		return err
	}
	items, err := parseItems(words)
	if err != nil {
		return err
	}
	a.request = &caller.Request{Method: method}
	for _, step := range []func() error{
		func() error { return a.addURL(target, items) },
		func() error { return a.addHeader(items) },
		func() error { return a.addBody(items) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	a.complete()
	return nil
}

// splitWords tells the arguments apart. Paths start with a slash, or are URLs; a
// word before one is a method.
func splitWords(args []string) (method, target string, items []string, err error) {
	m, isMethod := caller.ParseMethod(args[0])
	switch {
	case isTarget(args[0]):
		return "", args[0], args[1:], nil
	case len(args) == 1 && isMethod && m == strings.ToUpper(args[0]):
		return "", "", nil, fault.New(fault.Usage, "which path? only the method %s is given", m).WithHint("for example: gatepass call %s /orders", m)
	case len(args) == 1 || isMethod && m != strings.ToUpper(m) && !isTarget(args[1]):
		return "", args[0], args[1:], nil // which is no path, as will be said
	case !isMethod:
		return "", "", nil, noMethod(args)
	}
	return m, args[1], args[2:], nil
}

// noMethod says what is wrong with words of which the first is neither a path nor a
// method.
func noMethod(args []string) error {
	e := fault.New(fault.Usage, "%q is no request method", cutText(args[0], 40))
	at := slices.IndexFunc(args, isTarget)
	_, err := caller.ParseItem(args[0])
	switch {
	case strings.HasPrefix(args[0], "{") || strings.HasPrefix(args[0], "["):
		return e.WithHint("a body of JSON is --json-data '{…}'; --json prints the result as JSON")
	case at > 0 && (err == nil || wholeBody(args[0])):
		return e.WithHint("items come behind the path: gatepass call %s %s", args[at], cutText(args[0], 40))
	}
	return e.WithHint("usage: gatepass call [METHOD] PATH [ITEM...]")
}

// isTarget reports whether a word can be a path or a URL.
func isTarget(word string) bool {
	lower := strings.ToLower(word)
	return strings.HasPrefix(word, "/") || strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// chooseMethod is the method that is asked for, or nothing where the rest of the
// request says it.
func (a *call) chooseMethod(word string) (string, error) {
	switch m, ok := caller.ParseMethod(a.method); {
	case a.method == "" && word == "" && a.head:
		return http.MethodHead, nil
	case a.method == "":
		return word, nil
	case !ok:
		return "", fault.New(fault.Usage, "%q is no request method", cutText(a.method, 40)).WithHint("usual are GET, POST, PUT, PATCH, DELETE")
	case word != "" && word != m:
		return "", fault.New(fault.Usage, "-X %s and %s are two methods: give one", m, word)
	default:
		return m, nil
	}
}

// addURL makes the URL with its query.
func (a *call) addURL(target string, items []caller.Item) error {
	u, err := caller.Resolve(a.profile.API.URL, target, a.query)
	if err != nil {
		return err
	}
	a.request.URL = u
	for _, it := range items {
		if it.Kind != caller.QueryItem {
			continue
		}
		text, err := a.itemText(it)
		if err != nil {
			return err
		}
		caller.AddQuery(u, caller.Escape(it.Name)+"="+caller.Escape(text))
	}
	if !a.get {
		return nil
	}
	return a.addDataToQuery(u)
}

// mostQuery is the most that -G puts into the query, in bytes: API Gateway takes
// 10240 for the request line and the headers together.
const mostQuery = 64 << 10

func (a *call) addDataToQuery(u *url.URL) error {
	for _, d := range a.data {
		body, err := a.dataBody(d)
		if err != nil {
			return err
		}
		text, err := body.ReadAll(mostQuery)
		if err != nil {
			return err
		}
		caller.AddQuery(u, string(text))
	}
	a.data = nil
	return nil
}

// addHeader makes the header of flags and items.
func (a *call) addHeader(items []caller.Item) (err error) {
	var lines []string
	for _, h := range a.headers {
		if name, ok := strings.CutPrefix(h, "@"); ok {
			data, err := a.readFile(name, mostHeaders, "-H @-")
			if err != nil {
				return err
			}
			lines = append(lines, caller.HeaderLines(data)...)
			continue
		}
		lines = append(lines, h)
	}
	for _, it := range items {
		switch it.Kind {
		case caller.EmptyItem:
			lines = append(lines, it.Name+";")
		case caller.HeaderItem:
			text, err := a.itemText(it)
			if err != nil {
				return err
			}
			lines = append(lines, it.Name+":"+text)
		}
	}
	a.request.Header, a.request.Host, err = caller.ParseHeader(lines)
	return err
}

// mostHeaders is the most that is read of a file with headers, in bytes.
const mostHeaders = 64 << 10

// complete fills in what nobody has said.
func (a *call) complete() {
	r := a.request
	switch {
	case r.Method != "":
	case r.Body.Open != nil:
		r.Method = http.MethodPost
	default:
		r.Method = http.MethodGet
	}
	if a.head {
		a.include = true
	}
	if a.agentGiven() {
		caller.Default(r.Header, "User-Agent", a.agent)
	}
	for _, c := range a.cookies {
		if old, ok := caller.Find(r.Header, "Cookie"); ok {
			c = old + "; " + c
		}
		caller.Set(r.Header, "Cookie", c)
	}
	caller.Default(r.Header, "User-Agent", userAgent())
	caller.Default(r.Header, "Accept", "*/*")
}

func userAgent() string { return "gatepass/" + buildVersion() }

// readFile reads a file that is to be held in memory, or standard input, which
// then is of this purpose alone.
func (a *call) readFile(name string, most int64, what string) ([]byte, error) {
	if name == "-" {
		if err := a.takeInput(what); err != nil {
			return nil, err
		}
	}
	return readFile(a.app, name, most)
}

// takeInput reserves standard input.
func (a *call) takeInput(what string) error {
	if a.token == "-" || a.token == "@-" {
		return fault.New(fault.Usage, "standard input cannot be both the body and the token").
			WithHint("put one of them into a file: --token @FILE")
	}
	if a.stdin != "" {
		return fault.New(fault.Usage, "standard input cannot be both %s and %s", a.stdin, what)
	}
	a.stdin = what
	return nil
}

// fieldNames are the names of a header's fields, sorted.
func fieldNames(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }
