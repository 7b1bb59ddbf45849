package token

import (
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/source"
)

// json looks for tokens in a JSON document. It is false when the text is none.
func (c *candidates) json(text string) bool {
	if text[0] != '{' && text[0] != '[' {
		return false
	}
	n, err := source.JSON("input", []byte(text))
	if err != nil {
		return false
	}
	if c.err = serialization(n); c.err != nil {
		return true
	}
	c.node("", n)
	if len(c.list) == 0 {
		c.err = notInJSON(n)
	}
	return true
}

// serialization refuses the JSON forms of JWS and JWE (RFC 7515 section 7.2, RFC
// 7516 section 7.2): a JWT has the compact form only (RFC 7519 section 3).
func serialization(n *source.Node) error {
	const hint = "a JWT has the compact form: three parts with dots between them"
	switch {
	case n.Get("ciphertext") != nil:
		return fault.New(fault.Usage, "this is a JWE in JSON form: it is encrypted, and no JWT").WithHint(hint)
	case n.Get("signatures") != nil || n.Get("signature") != nil && (n.Get("payload") != nil || n.Get("protected") != nil):
		return fault.New(fault.Usage, "this is a JWS in JSON form, which is no JWT").WithHint(hint)
	}
	return nil
}

// node looks at a value and whatever is in it. The reader limits the depth.
func (c *candidates) node(name string, n *source.Node) {
	for _, it := range n.Items {
		c.node(name, it)
	}
	for _, m := range n.Members {
		c.node(m.Key, m.Value)
	}
	if n.Kind != source.String {
		return
	}
	lower := strings.ToLower(name)
	had := len(c.list)
	value := strings.TrimSpace(n.Text)
	c.text(unescape(value), name)
	for i := had; i < len(c.list); i++ {
		if c.list[i].where == bare {
			c.list[i].where = member(name)
		}
	}
	if lower == "token_type" {
		return // it says "Bearer", which is not a token
	}
	if scheme, rest, ok := strings.Cut(value, " "); ok && strings.EqualFold(scheme, "bearer") {
		value = strings.TrimSpace(rest)
	} else if !carriesToken(lower) {
		return
	}
	if len(c.list) == had && isOpaque(value) {
		c.add(candidate{token: value, name: lower, where: member(name)})
	}
}

func member(name string) string {
	if name == "" {
		return "JSON string"
	}
	return "member " + clip(name)
}

// clip keeps names from outside short.
func clip(name string) string {
	const most = 40
	if len(name) > most {
		return strings.ToValidUTF8(name[:most], "") + "…"
	}
	return name
}

// notInJSON says why a JSON document has no token in it.
func notInJSON(n *source.Node) error {
	if e := n.Get("error"); e != nil {
		return fault.New(fault.Usage, "there is no token in the input: it is the answer to a request that failed").
			WithHint("its error is %s", quote(e.Text))
	}
	return fault.New(fault.Usage, "there is no token in the JSON document").
		WithHint("looked for: access_token, id_token, token, and whatever looks like a JWT")
}
