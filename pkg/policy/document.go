package policy

import (
	"bytes"
	"encoding/json"

	"gatepass/pkg/source"
)

// The versions of the policy language (IAM: reference_policies_elements_version).
// Only Version2012 knows policy variables; a document without a Version is
// Version2008.
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// The values of [Statement.Effect].
const (
	EffectAllow = "Allow"
	EffectDeny  = "Deny"
)

// Document is an IAM policy. It is read only: [Parse] and [Specialize] make it,
// with everything compiled that a decision needs.
type Document struct {
	Version    string // "2012-10-17", "2008-10-17", or "" when the document has none
	ID         string // the Id member
	Statements []Statement

	one     bool    // Statement was written as one object
	options Options // what it was parsed with
	node    *source.Node
}

// Statement is one statement of a policy. Of each of the pairs Action and
// NotAction, Resource and NotResource, Principal and NotPrincipal at most one is
// given.
type Statement struct {
	Sid          string
	Effect       string // "Allow" or "Deny"
	Principal    *Principals
	NotPrincipal *Principals
	Action       Strings
	NotAction    Strings
	Resource     Strings
	NotResource  Strings
	Conditions   []Condition // all must hold

	c    *compiled
	node *source.Node
}

// Condition is one key of one operator of a Condition element.
type Condition struct {
	Operator string // as written, for example "ForAnyValue:StringLikeIfExists"
	Key      string // as written, for example "aws:SourceIp"
	Values   Strings

	c    *condition
	node *source.Node // of the values
}

// Strings is a string or a list of strings. A nil Items means that the element is
// not there at all; an empty list matches nothing.
type Strings struct {
	Items []string
	One   bool // written, and printed, as a bare string

	nodes []*source.Node // of the items, when they were parsed
}

// Given reports whether the element is there.
func (s Strings) Given() bool { return s.Items != nil }

// at is the node of an item, or nil.
func (s Strings) at(i int) *source.Node {
	if i < len(s.nodes) {
		return s.nodes[i]
	}
	return nil
}

// one is a list of one string, printed as a string.
func one(s string) Strings { return Strings{Items: []string{s}, One: true} }

// MarshalJSON prints the string or the list.
func (s Strings) MarshalJSON() ([]byte, error) {
	if s.One && len(s.Items) == 1 {
		return encode(s.Items[0])
	}
	if s.Items == nil {
		return []byte("[]"), nil
	}
	return encode(s.Items)
}

// encode is json.Marshal that leaves <, > and & alone: a policy is not HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
