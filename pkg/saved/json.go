package saved

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/source"
)

// readJSON reads a HAR file, what "gatepass call --json" printed, or what "aws
// apigateway test-invoke-method" did, whose log is a text.
func readJSON(n *source.Node) ([]Exchange, error) {
	switch log := n.Get("log"); {
	case log != nil && log.Kind != source.String:
		return readHAR(log)
	case n.Get("request") != nil && n.Get("response") != nil: // one entry of a HAR file
		x, err := entry(n)
		if err != nil {
			return nil, err
		}
		x.Line = n.Pos().Line
		return number([]Exchange{x}), nil
	case (n.Get("schemaVersion") != nil || log != nil) && n.Get("status") != nil && n.Get("headers") != nil && n.Get("allowed") == nil:
		x, err := readCall(n)
		if err != nil {
			return nil, err
		}
		return number([]Exchange{x}), nil
	}
	e := n.Errorf("this JSON is no HAR file, and no answer of gatepass call --json")
	e.Hint = hintForms
	return nil, e
}

// readHAR reads the entries of a HAR file (HTTP Archive 1.2).
func readHAR(log *source.Node) ([]Exchange, error) {
	list := log.Get("entries")
	if list == nil || list.Kind != source.List {
		return nil, log.Errorf("a HAR file has a list log.entries, and this one has none")
	}
	if len(list.Items) == 0 {
		e := list.Errorf("the HAR file has no requests")
		e.Hint = "open the browser's network tab before the request is made, then export it"
		return nil, e
	}
	items := list.Items[:min(len(list.Items), MaxExchanges)]
	all := make([]Exchange, 0, len(items))
	for i, at := range source.Positions(items) {
		x, err := entry(items[i])
		if err != nil {
			return nil, err
		}
		x.Line = at.Line
		all = append(all, x)
	}
	return number(all), nil
}

// entry reads one entry of a HAR file.
func entry(n *source.Node) (Exchange, error) {
	request, response := n.Get("request"), n.Get("response")
	if request == nil || response == nil || request.Kind != source.Object || response.Kind != source.Object {
		return Exchange{}, n.Errorf("an entry of a HAR file has a request and a response")
	}
	x := Exchange{Method: text(request, "method"), URL: text(request, "url"), Protocol: text(response, "httpVersion"), Withheld: true}
	x.RequestHeader, x.Header = fields(request.Get("headers")), fields(response.Get("headers"))
	if at, err := time.Parse(time.RFC3339, text(n, "startedDateTime")); err == nil {
		x.Time = at
	}
	var err error
	if x.Status, err = status(response); err != nil {
		return x, err
	}
	if x.Status == 0 {
		x.Failure = text(response, "_error")
	}
	content := response.Get("content")
	x.Body = decode(text(content, "text"), text(content, "encoding") == "base64")
	return x, nil
}

// status reads a status; 0 stands for no answer.
func status(n *source.Node) (int, error) {
	s := n.Get("status")
	if s == nil {
		return 0, n.Errorf("the response has no status")
	}
	code, err := strconv.Atoi(s.Text)
	if err != nil || code < 0 || code > 999 || code > 0 && code < 100 {
		return 0, s.Errorf("want an HTTP status, got %q", fmt.Sprintf("%.40s", s.Text))
	}
	return code, nil
}

// text is a string of an object, or nothing.
func text(n *source.Node, key string) string {
	if v := n.Get(key); v != nil && v.Kind == source.String {
		return v.Text
	}
	return ""
}

// decode is a body, which may be written in base64.
func decode(s string, isBase64 bool) []byte {
	if !isBase64 {
		return []byte(s[:min(len(s), MaxBody)])
	}
	s = s[:min(len(s), base64.StdEncoding.EncodedLen(MaxBody))]
	data, _ := base64.StdEncoding.DecodeString(s) // what comes before a mistake will do
	return data[:min(len(data), MaxBody)]
}

// fields reads a list of names and values. Those of HTTP/2 that begin with a colon
// are no fields.
func fields(n *source.Node) map[string][]string {
	h, count := map[string][]string{}, 0
	if n == nil {
		return h
	}
	for _, item := range n.Items {
		if name := text(item, "name"); name != "" && !strings.HasPrefix(name, ":") {
			add(h, &count, name, text(item, "value"))
		}
	}
	return h
}

// readCall reads the JSON form of "gatepass call", in which no token is.
func readCall(n *source.Node) (Exchange, error) {
	x := Exchange{
		Line: 1, Method: text(n, "method"), URL: text(n, "url"), Protocol: text(n, "protocol"), Header: map[string][]string{},
		Withheld: true, RequestHeader: map[string][]string{},
	}
	var err error
	if x.Status, err = status(n); err != nil {
		return x, err
	}
	count := 0
	for i := range n.Get("headers").Members {
		m := &n.Get("headers").Members[i]
		for _, v := range slices.Concat(m.Value.Items, []*source.Node{m.Value}) {
			if v.Kind == source.String {
				add(x.Header, &count, m.Key, v.Text)
			}
		}
	}
	x.Body = decode(text(n, "body"), false)
	if packed := text(n, "bodyBase64"); packed != "" {
		x.Body = decode(packed, true)
	}
	return x, nil
}
