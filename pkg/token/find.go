package token

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
)

// Found is a token found in a text.
type Found struct {
	Token secret.String
	// Where says what it was found as: "bare token", "header Authorization",
	// "member access_token", "parameter id_token", "cookie session" …
	Where string
	// Also names the other tokens that are in the text, as Where does.
	Also []string
	// Joined says that white space inside the token was taken out: it had been
	// wrapped.
	Joined bool
}

// Find returns the token in a text: a bare token, "Bearer …", a header line, a
// curl command, a JSON token response or any other JSON, a cookie, a URL with a
// query or fragment, a line of a log or HAR file; quoted, wrapped or with a byte
// order mark. Of several it takes an access token before an ID token, and names
// the others. A token that is no JWT is found where something says that it is a
// token, or where it is all there is.
//
// The error is a *fault.Error of kind Usage; it does not show the text.
func Find(text string) (Found, error) {
	if len(text) > MaxSize {
		return Found{}, fault.New(fault.Usage, "the input has %d bytes, more than the %d that are searched for a token", len(text), MaxSize)
	}
	text = strings.TrimSpace(unmark(text))
	if text == "" {
		return Found{}, fault.New(fault.Usage, "there is no token: the input is empty")
	}
	var c candidates
	if !c.json(text) {
		c.word(text)
		if len(c.list) == 0 {
			c.text(unescape(text), "")
		}
	}
	if c.err != nil {
		return Found{}, c.err
	}
	return c.best()
}

// unmark takes a byte order mark off, and turns UTF-16, which Windows PowerShell
// writes, into UTF-8.
func unmark(s string) string {
	if rest, ok := strings.CutPrefix(s, "\ufeff"); ok {
		return rest
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case strings.HasPrefix(s, "\xff\xfe"):
	case strings.HasPrefix(s, "\xfe\xff"):
		order = binary.BigEndian
	default:
		return s
	}
	units := make([]uint16, 0, len(s)/2)
	for b := []byte(s[2:]); len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return string(utf16.Decode(units))
}

// unescape undoes the percent-encoding that may stand around a token in a URL or
// cookie. Nothing in a token itself needs encoding.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	return strings.NewReplacer("%20", " ", "%22", `"`, "%3A", ":", "%3a", ":", "%3D", "=", "%3d", "=",
		"%26", "&", "%7B", "{", "%7b", "{", "%2C", ",", "%2c", ",", "%2E", ".", "%2e", ".").Replace(s)
}

// candidate is something that may be the token.
type candidate struct {
	token  string
	name   string // what it is called where it stands, lower case; may be empty
	where  string
	joined bool
}

// bare is where a token is that is all there is.
const bare = "bare token"

// most is how many candidates are gathered.
const most = 16

type candidates struct {
	list []candidate
	err  error // why there can be none
}

func (c *candidates) add(x candidate) {
	for i := range c.list {
		if c.list[i].token == x.token {
			return
		}
	}
	if len(c.list) < most {
		c.list = append(c.list, x)
	}
}

// rank orders candidates by their name: the lower the better.
func (x *candidate) rank() int {
	switch x.name {
	case "access_token", "accesstoken":
		return 0
	case "bearer", "authorization", "authorizationtoken", "oauth2-bearer":
		return 1
	case "token", "jwt", "":
		return 2
	case "id_token", "idtoken", "id_token_hint":
		return 4
	case "refresh_token", "refreshtoken":
		return 5
	}
	return 3
}

func (c *candidates) best() (Found, error) {
	if len(c.list) == 0 {
		return Found{}, fault.New(fault.Usage, "there is no token in the input").
			WithHint("give a token, a header line, a curl command or the JSON answer of a token endpoint")
	}
	best := 0
	for i := range c.list {
		if c.list[i].rank() < c.list[best].rank() {
			best = i
		}
	}
	f := Found{Token: secret.New(c.list[best].token), Where: c.list[best].where, Joined: c.list[best].joined}
	for i := range c.list {
		if i != best {
			f.Also = append(f.Also, c.list[i].where)
		}
	}
	return f, nil
}

// word takes a text that is nothing but one token, perhaps behind "Bearer" or
// the name of a header, and perhaps in quotes. Whatever is wrong with the token
// stays in it, so that decoding can say what it is.
func (c *candidates) word(text string) {
	x := candidate{where: bare}
	rest := unquote(text)
	if name, value, ok := strings.Cut(rest, ":"); ok && isName(name) {
		lower := strings.ToLower(name)
		if !carriesToken(lower) {
			return
		}
		rest, x.name, x.where = unquote(strings.TrimSpace(value)), lower, "header "+name
	}
	scheme, value, ok := strings.Cut(rest, " ")
	switch {
	case !ok:
	case strings.EqualFold(scheme, "bearer"):
		rest = unquote(strings.TrimSpace(value))
		if x.name == "" {
			x.name, x.where = "bearer", "Bearer token"
		}
	case strings.EqualFold(scheme, "basic") && x.name == "authorization":
		c.err = fault.New(fault.Usage, "this is a Basic authorization: a user name and a password, not a token")
		return
	}
	first, _, _ := strings.Cut(rest, ".")
	if rest == "" || strings.ContainsAny(rest, " \t\r\n") || !likeHeader(first) && !isOpaque(rest) {
		return
	}
	x.token = rest
	c.add(x)
}

// unquote takes one pair of quotes off.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'' || s[0] == '`') && s[len(s)-1] == s[0] {
		return strings.TrimSpace(s[1 : len(s)-1])
	}
	return s
}

// isName reports whether s could be the name of a header.
func isName(s string) bool {
	for i := range len(s) {
		if !inAlphabet(rune(s[i])) {
			return false
		}
	}
	return s != ""
}

// carriesToken reports whether a header, parameter or member of this name, in
// lower case, holds a token.
func carriesToken(name string) bool {
	return name == "authorization" || name == "authorizationtoken" || name == "jwt" || name == "oauth2-bearer" ||
		strings.HasSuffix(name, "token") && !strings.Contains(name, "csrf") && !strings.Contains(name, "xsrf")
}

// isOpaque reports whether s has the form of a bearer token (RFC 6750 section
// 2.1): letters, digits and -._~+/ with = at the end.
func isOpaque(s string) bool {
	body := strings.TrimRight(s, "=")
	for i := range len(body) {
		if !opaqueChar(body[i]) {
			return false
		}
	}
	return body != ""
}

func opaqueChar(b byte) bool {
	return inAlphabet(rune(b)) || bytes.IndexByte([]byte("._~+/"), b) >= 0
}
