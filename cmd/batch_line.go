package cmd

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/ordered"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// question is a line that was read. It is a bare policy question when there is a
// policy, else a request.
type question struct {
	id json.RawMessage

	policy           *source.Node
	action, resource string
	keys             policy.Keys

	method, path, rawQuery string
	header                 [][2]string
	token                  string
	claims                 *source.Node
	sourceIP, at           string
}

// readQuestion reads a line. The id is there also when the rest is wrong, if it can be
// found at all.
func readQuestion(l *ordered.Line) (*question, error) {
	q := &question{}
	if l.Long {
		return q, fault.New(fault.Usage, "the line is longer than the %d bytes that are read", source.MaxJSON)
	}
	text := l.Text
	if l.Number == 1 {
		text = []byte(strings.TrimPrefix(string(text), "\ufeff"))
	}
	n, err := source.JSON("line", text)
	if err != nil {
		return q, err
	}
	r := &source.Reader{}
	if n.Kind != source.Object {
		r.Failf(n, "want an object, got %s", n.Kind)
		return q, r.Err()
	}
	q.readID(r, n.Get("id"))
	if asksPolicy(n) {
		q.readPolicy(r, n)
	} else {
		q.readRequest(r, n)
	}
	return q, r.Err()
}

// asksPolicy tells a bare policy question from a request.
func asksPolicy(n *source.Node) bool {
	if n.Get("policy") != nil {
		return true
	}
	return n.Get("path") == nil && (n.Get("action") != nil || n.Get("resource") != nil || n.Get("context") != nil)
}

func (q *question) readPolicy(r *source.Reader, n *source.Node) {
	q.policy, q.action = n.Get("policy"), "execute-api:Invoke"
	r.Object(n, source.Fields{
		"id": elsewhere, "policy": elsewhere, "action": stringTo(r, &q.action), "resource": stringTo(r, &q.resource),
		"context": func(n *source.Node) { q.readContext(r, n) },
	})
	switch {
	case q.policy == nil:
		r.Failf(n, "a policy question needs a policy")
	case n.Get("resource") == nil:
		r.Failf(n, "a policy question needs the resource that is asked about, an ARN")
	}
}

// elsewhere is what to do with a member that is read elsewhere.
func elsewhere(*source.Node) {}

func (q *question) readRequest(r *source.Reader, n *source.Node) {
	r.Object(n, source.Fields{
		"id": elsewhere, "method": stringTo(r, &q.method), "path": stringTo(r, &q.path), "token": stringTo(r, &q.token),
		"source_ip": stringTo(r, &q.sourceIP), "at": r.String(&q.at),
		"headers": func(n *source.Node) { q.header = namedValues(r, n) },
		"query":   func(n *source.Node) { q.readQuery(r, n) },
		"claims":  func(n *source.Node) { q.readClaims(r, n) },
	})
	q.check(r, n)
}

// check is what a request needs beyond the types of its members.
func (q *question) check(r *source.Reader, n *source.Node) {
	switch {
	case n.Get("path") == nil:
		r.Failf(n, "a line is a request with a path, or a question with a policy")
	case q.claims != nil && q.token != "":
		r.Failf(n.Get("claims"), "made-up claims and a token at once: give one")
	}
	if ip := n.Get("source_ip"); ip != nil {
		if _, err := netip.ParseAddr(q.sourceIP); err != nil {
			r.Failf(ip, "%q is no IP address", cutText(q.sourceIP, 60))
		}
	}
	if at := n.Get("at"); at != nil {
		if _, err := q.time(time.Time{}); err != nil {
			r.Failf(at, "%q is no time: want 2026-11-22T12:00:00Z, or seconds since 1970", cutText(q.at, 60))
		}
	}
}

// time is when the request comes.
func (q *question) time(otherwise time.Time) (time.Time, error) {
	return timeFlag("at", q.at, func() time.Time { return otherwise })
}

// stringTo reads a string, and nothing that may pass for one.
func stringTo(r *source.Reader, to *string) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind != source.String {
			r.Failf(n, "want a string, got %s", n.Kind)
			return
		}
		*to = n.Text
	}
}

// readID takes a string or number as it is.
func (q *question) readID(r *source.Reader, n *source.Node) {
	switch {
	case n == nil || n.Kind == source.Null:
	case n.Kind == source.Number:
		q.id = json.RawMessage(n.Text)
	case n.Kind == source.String:
		q.id = quoteJSON(n.Text)
	default:
		r.Failf(n, "want a string or a number as id, got %s", n.Kind)
	}
}

func quoteJSON(s string) json.RawMessage {
	data, err := json.Marshal(s)
	if err != nil { // a string always can be
		return nil
	}
	return data
}

// plainValues reads a string, number or boolean, or a list of them.
func plainValues(r *source.Reader, n *source.Node) []string {
	items := []*source.Node{n}
	if n.Kind == source.List {
		items = n.Items
	}
	out := make([]string, 0, len(items))
	for _, it := range items {
		if it.Kind != source.String && it.Kind != source.Number && it.Kind != source.Bool {
			r.Failf(it, "want a string, a number or a boolean, or a list of them, got %s", it.Kind)
			return nil
		}
		out = append(out, it.Text)
	}
	return out
}

// readContext reads the condition keys, whose case does not matter.
func (q *question) readContext(r *source.Reader, n *source.Node) {
	if n.Kind != source.Object {
		r.Failf(n, "want an object of condition keys, got %s", n.Kind)
		return
	}
	q.keys = make(policy.Keys, len(n.Members))
	for i := range n.Members {
		m := &n.Members[i]
		if _, twice := q.keys[strings.ToLower(m.Key)]; twice {
			r.Fail(m.Errorf("the condition key %s is given twice: its case does not matter", m.Key))
			continue
		}
		q.keys.Set(m.Key, plainValues(r, m.Value)...)
	}
}

// namedValues reads an object of strings or lists of strings, in its order.
func namedValues(r *source.Reader, n *source.Node) (list [][2]string) {
	if n.Kind != source.Object {
		r.Failf(n, "want an object, got %s", n.Kind)
		return nil
	}
	for i := range n.Members {
		m := &n.Members[i]
		for _, v := range plainValues(r, m.Value) {
			if strings.ContainsAny(m.Key+v, "\r\n\x00") || strings.TrimSpace(m.Key) == "" {
				r.Fail(m.Errorf("want a name and a value on one line"))
				return nil
			}
			list = append(list, [2]string{m.Key, v})
		}
	}
	return list
}

// readQuery reads the parameters, or the query as it is sent.
func (q *question) readQuery(r *source.Reader, n *source.Node) {
	if n.Kind == source.String {
		q.rawQuery = strings.TrimPrefix(n.Text, "?")
		return
	}
	var parts []string
	for _, p := range namedValues(r, n) {
		parts = append(parts, url.QueryEscape(p[0])+"="+url.QueryEscape(p[1]))
	}
	q.rawQuery = strings.Join(parts, "&")
}

func (q *question) readClaims(r *source.Reader, n *source.Node) {
	var err error
	if n.Kind != source.Object {
		r.Failf(n, "want an object of claims, got %s", n.Kind)
	} else if q.claims, err = token.ParseClaims(n, nil); err != nil {
		r.Fail(err)
	}
}
