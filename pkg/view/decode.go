package view

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gatepass/pkg/human"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// Decode is a token taken apart, and what came of checking it.
type Decode struct {
	Token    *token.Token
	Warnings []token.Warning
	// Report has the checks; nil if nobody asked for them.
	Report *token.Report
	// SignatureOnly says that the checks are of the signature alone.
	SignatureOnly bool
	// At is the time the token was looked at for, where that is not now.
	At time.Time
}

// state is what the checks came to.
type state uint8

const (
	notChecked state = iota // nobody asked
	notKnown                // nothing is wrong, but the signature could not be checked
	invalid
	verified
)

func (d *Decode) state() state {
	if d.Report == nil {
		return notChecked
	}
	if _, ok := d.Report.Verified(); ok {
		return verified
	}
	if _, failed := d.Report.Failed(); failed {
		return invalid
	}
	return notKnown
}

// DecodeJSON prints the token as JSON: the form of docs/json.md. "verified" is
// null where nothing was checked, or where it could not be.
func DecodeJSON(w io.Writer, d *Decode) error {
	use, why := d.Token.Use()
	out := struct {
		SchemaVersion   int             `json:"schemaVersion"`
		Kind            token.Kind      `json:"kind"`
		Use             token.Use       `json:"use"`
		UseReason       string          `json:"useReason"`
		Header          json.RawMessage `json:"header"`
		Claims          json.RawMessage `json:"claims"`
		Payload         *string         `json:"payload,omitempty"`
		PayloadEncoding string          `json:"payloadEncoding,omitempty"`
		Verified        *bool           `json:"verified"`
		Checks          []token.Check   `json:"checks"`
		Notes           []string        `json:"notes,omitempty"`
		Warnings        []token.Warning `json:"warnings"`
	}{
		SchemaVersion: 1, Kind: d.Token.Kind, Use: use, UseReason: why,
		Header: rawOrNull(d.Token.HeaderJSON), Claims: json.RawMessage("null"),
		Checks: []token.Check{}, Warnings: []token.Warning{},
	}
	switch d.Token.Kind {
	case token.JWT:
		out.Claims = d.Token.Payload
	case token.JWS:
		s := string(d.Token.Payload)
		if !utf8.ValidString(s) {
			s, out.PayloadEncoding = base64.RawURLEncoding.EncodeToString(d.Token.Payload), "base64url"
		}
		out.Payload = &s
	}
	if st := d.state(); st == verified || st == invalid {
		yes := st == verified
		out.Verified = &yes
	}
	if d.Report != nil {
		out.Checks = append(out.Checks, d.Report.Checks...)
		out.Notes = d.Report.Notes
	}
	out.Warnings = append(out.Warnings, d.Warnings...)
	return JSON(w, out)
}

func rawOrNull(data []byte) json.RawMessage {
	if len(data) == 0 {
		return json.RawMessage("null")
	}
	return data
}

// Decode prints the token: what came of it first, then what is in it, what is
// wrong with it, and the checks.
func (p *Printer) Decode(d *Decode) {
	p.decodeState(d)
	t := d.Token
	if t.Header != nil {
		p.Heading("Header")
		p.members(t.Header)
	}
	switch t.Kind {
	case token.JWT:
		p.Heading("Claims")
		p.members(t.Claims)
	case token.JWS:
		p.Heading("Payload")
		p.payload(t.Payload)
	}
	if len(d.Warnings) > 0 {
		p.Heading("Warnings")
		for _, w := range d.Warnings {
			p.Printf("  %s %s\n", p.Warn("!"), p.Wrap(4, p.Outside(w.Message)))
		}
	}
	if d.Report != nil {
		p.Heading("Checks")
		p.checks(d.Report)
	}
}

// decodeState prints whether the token may be believed, and what it is.
func (p *Printer) decodeState(d *Decode) {
	switch d.state() {
	case verified:
		word, rest := "VERIFIED", unchecked(d.Report)
		if d.SignatureOnly {
			word, rest = "SIGNATURE RIGHT", "nothing else was checked"
		}
		p.Line(strings.TrimRight(p.Good(p.Bold(word))+"  "+p.Warn(rest), " "))
	case invalid:
		c, _ := d.Report.Failed()
		p.Printf("%s  %s\n", p.Bad(p.Bold("INVALID")), p.Wrap(9, p.Outside(c.Name+": "+c.Reason)))
	case notKnown:
		p.Line(p.Warn(p.Bold("NOT VERIFIED")) + "  " + p.Dim("the signature could not be checked"))
	default:
		p.Line(p.Bold("DECODED") + "  " + p.Warn("not verified"))
	}
	p.Line(p.Wrap(0, p.Outside(describe(d.Token))))
	p.lifetime(d.Token)
	if !d.At.IsZero() {
		p.Line(p.Dim("as of " + d.At.In(p.Zone).Format("Mon 2 Jan 2006 15:04:05 MST")))
	}
}

// unchecked says what a verified token was not compared with.
func unchecked(r *token.Report) string {
	var names []string
	for _, c := range r.Checks {
		if c.Result == token.Skip && (c.Name == token.CheckIssuer || c.Name == token.CheckAudience) {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, " and ") + " not checked"
}

// lifetime prints what most people look at a token for.
func (p *Printer) lifetime(t *token.Token) {
	exp, ok, err := t.ClaimSet().Date("exp")
	switch left := exp.Sub(p.Now()); {
	case t.Kind != token.JWT || err != nil:
	case !ok:
		p.Line(p.Warn("no expiry"))
	case left > 0:
		p.Line("expires " + human.Relative(exp, p.Now()))
	default:
		p.Line(p.Bad("expired " + human.Relative(exp, p.Now())))
	}
}

// describe is what the token is, in a line.
func describe(t *token.Token) string {
	switch t.Kind {
	case token.Opaque:
		return "opaque token: only its issuer can say what it means"
	case token.JWE:
		return "encrypted token (JWE): only its receiver can read more than the header"
	case token.JWS:
		return "signed message (JWS), no JWT: its payload is no object of claims"
	}
	use, why := t.Use()
	switch use {
	case token.AccessUse:
		return "JWT, access token: " + why
	case token.IDUse:
		return "JWT, ID token: " + why
	}
	return "JWT, access or ID token is not clear: " + why
}

// checks prints what was checked, with the reasons.
func (p *Printer) checks(r *token.Report) {
	n := 0
	for _, c := range r.Checks {
		n = max(n, len(c.Name))
	}
	for _, c := range r.Checks {
		mark, reason := p.Dim("–"), c.Reason
		switch c.Result {
		case token.Pass:
			mark = p.Good("✓")
		case token.Fail:
			mark = p.Bad("✗")
		}
		p.Printf("  %s %s  %s\n", mark, Pad(c.Name, n), p.Wrap(n+6, p.Outside(reason)))
	}
	for _, note := range r.Notes {
		p.Printf("  %s %s\n", p.Warn("!"), p.Wrap(4, p.Outside(note)))
	}
}

// payload prints a payload that is no object of claims.
func (p *Printer) payload(data []byte) {
	text := string(data)
	if !utf8.Valid(data) {
		text = base64.RawURLEncoding.EncodeToString(data)
		p.Printf("  %s\n", p.Dim("no text; in base64url:"))
	}
	p.Printf("  %s\n", p.fit(2, shorten(text)))
}

// member is one line of an object: objects inside it are shown by the path that
// policies name them by.
type memberLine struct {
	name string
	node *source.Node
}

func flatten(prefix string, n *source.Node, to []memberLine) []memberLine {
	for _, m := range n.Members {
		name := prefix + m.Key
		if m.Value.Kind == source.Object && len(m.Value.Members) > 0 {
			to = flatten(name+".", m.Value, to)
			continue
		}
		to = append(to, memberLine{name, m.Value})
	}
	return to
}

// The widths of the columns of names and of dates.
const (
	mostName = 28
	dateText = len("1772369520")
)

// members prints the members of an object in two columns.
func (p *Printer) members(n *source.Node) {
	lines := flatten("", n, nil)
	if len(lines) == 0 {
		p.Line("  " + p.Dim("none"))
		return
	}
	width := 0
	for i := range lines {
		lines[i].name = shorten(p.Outside(lines[i].name))
		width = min(max(width, utf8.RuneCountInString(lines[i].name)), mostName)
	}
	for _, l := range lines {
		p.Printf("  %s  %s\n", p.Name(Pad(l.name, width)), p.value(l.name, width+4, l.node))
	}
}

// value is a claim as it is shown: dates with what they mean.
func (p *Printer) value(name string, indent int, n *source.Node) string {
	switch name {
	case "exp", "iat", "nbf", "auth_time", "updated_at":
		if at, err := token.Date(n); err == nil {
			return Pad(n.Text, dateText) + "  " + p.Dim(p.Time(at))
		}
		if at, ok := token.Milliseconds(n); ok {
			return n.Text + "  " + p.Warn("milliseconds?") + " " + p.Dim(p.Time(at))
		}
	}
	return p.fit(indent, shorten(p.Outside(plain(n))))
}

// fit wraps text unless that would change its spaces.
func (p *Printer) fit(indent int, text string) string {
	safe := p.Outside(text)
	if strings.Join(strings.Fields(safe), " ") != safe {
		return safe
	}
	return p.Wrap(indent, safe)
}

// mostValue is how much of a long value is shown, in bytes.
const mostValue = 4096

func shorten(s string) string {
	if len(s) <= mostValue {
		return s
	}
	cut := strings.ToValidUTF8(s[:mostValue], "")
	return cut + "… (" + strconv.Itoa(len(s)-len(cut)) + " bytes more, see --json)"
}

// plain is a value as text: strings without quotes, unless they could be taken
// for something else.
func plain(n *source.Node) string {
	switch n.Kind {
	case source.String:
		var other any
		if strings.TrimSpace(n.Text) != n.Text || json.Unmarshal([]byte(n.Text), &other) == nil || n.Text == "" {
			return strconv.Quote(n.Text)
		}
		return n.Text
	case source.Null:
		return "null"
	case source.List:
		items := make([]string, len(n.Items))
		for i, it := range n.Items {
			items[i] = compact(it)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case source.Object:
		return "{}"
	}
	return n.Text
}

// compact is a value as JSON on one line.
func compact(n *source.Node) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(n.Any()); err != nil {
		return n.Kind.String()
	}
	return strings.TrimSuffix(b.String(), "\n")
}
