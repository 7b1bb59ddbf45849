package authorizer

import (
	"strings"

	"gatepass/pkg/source"
)

// claimPrefix is what names a claim in templates, conditions and resources.
const claimPrefix = "jwt:"

// template is text with claims in it: "user ${jwt:sub}". "${$}" is a dollar
// sign, as in IAM, and "${jwt:NAME, 'text'}" has a text to use when the token
// has no such claim, as IAM's variables do.
type template []part

// part is a piece of a template: text, or a claim to put there.
type part struct {
	text   string // the text, or what to use when the claim is missing
	claim  string // the name of the claim, or empty
	orElse bool   // whether there is a text for a missing claim
}

// parseTemplate reads a template. Mistakes are recorded at the node.
func parseTemplate(r *source.Reader, n *source.Node) template {
	var t template
	for rest := n.Text; rest != ""; {
		text, after, found := strings.Cut(rest, "${")
		if text != "" {
			t = append(t, part{text: text})
		}
		if !found {
			break
		}
		inner, tail, closed := strings.Cut(after, "}")
		if !closed {
			r.Failf(n, "the variable ${%s has no closing brace", shorten(after))
			return nil
		}
		p, err := parseVariable(n, inner)
		if err != nil {
			r.Fail(err)
			return nil
		}
		t, rest = append(t, p), tail
	}
	return t
}

// parseVariable reads what stands between "${" and "}".
func parseVariable(n *source.Node, inner string) (part, error) {
	if inner == "$" {
		return part{text: "$"}, nil
	}
	name, ok := strings.CutPrefix(inner, claimPrefix)
	if !ok {
		err := n.Errorf("unknown variable ${%s}: want ${jwt:NAME}", shorten(inner))
		if _, claim, dotted := strings.Cut(inner, "jwt."); dotted {
			err.Hint = "did you mean ${jwt:" + shorten(claim) + "}?"
		} else {
			err.Hint = "${jwt:sub} is the claim sub; ${$} is a dollar sign"
		}
		return part{}, err
	}
	name, orElse, given := strings.Cut(name, ",")
	p := part{claim: strings.TrimSpace(name), orElse: given}
	if p.claim == "" {
		return part{}, n.Errorf("${%s} names no claim", shorten(inner))
	}
	if given {
		text := strings.TrimSpace(orElse)
		if len(text) < 2 || text[0] != '\'' || text[len(text)-1] != '\'' {
			return part{}, n.Errorf("want the text for a missing claim in single quotes: ${jwt:%s, 'text'}", shorten(p.claim))
		}
		p.text = text[1 : len(text)-1]
	}
	return p, nil
}

// shorten cuts text from a file for an error message.
func shorten(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
