// Package token reads tokens as data: it finds them in any text, decodes them,
// says what kind they are and what is wrong with them, and checks their claims
// against what a caller expects at a given time.
//
// A decoded [Token] is not a verified one. What a token says may be believed
// only through a [Verified] value, which comes from a [Report] that has a passed
// signature check and no failed check. Checking signatures needs keys and is the
// work of pkg/verify; this package does no I/O and knows no clock.
//
// Everything here takes hostile input: sizes are capped, time is linear in the
// input, and no input panics.
package token

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
)

// MaxSize is the longest token, and the longest text to look for one in, that is
// read, in bytes. API Gateway takes headers of at most 10,240 bytes in all.
const MaxSize = 64 << 10

// Kind is what a token is by its form.
type Kind uint8

// The kinds of tokens.
const (
	Opaque Kind = iota // means something to its issuer only
	JWT                // a signed JSON object of claims (RFC 7519) in compact form
	JWS                // signed (RFC 7515) in compact form, but the payload is no object of claims
	JWE                // encrypted (RFC 7516) in compact form
)

// String is the name of the kind in JSON output: jwt, jws, jwe or opaque.
func (k Kind) String() string {
	return [...]string{"opaque", "jwt", "jws", "jwe"}[k]
}

// MarshalText is String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Token is a token taken apart. Nothing of it has been verified.
type Token struct {
	Kind Kind
	// Header is the JOSE header, an object; nil for an opaque token. HeaderJSON is
	// the same as it was written.
	Header     *source.Node
	HeaderJSON []byte
	// Claims is the payload of a JWT, an object; nil for every other kind.
	Claims *source.Node
	// Payload is the payload of a JWT or JWS, decoded.
	Payload []byte
	// PayloadErr says why the payload of a JWS is no object of claims.
	PayloadErr error
	// Signature is the signature of a JWT or JWS, decoded. It may be empty.
	Signature []byte

	raw     string
	dot     int // where the last dot of a JWS is
	alg     string
	algOK   bool
	keyID   string
	keyIDOK bool
}

// Raw is the token as it was given.
func (t *Token) Raw() secret.String { return secret.New(t.raw) }

// SigningInput is what the signature of a JWT or JWS is over (RFC 7515 section
// 5.1): header and payload as they were given. It is empty for other kinds.
func (t *Token) SigningInput() string {
	if t.Kind != JWT && t.Kind != JWS {
		return ""
	}
	return t.raw[:t.dot]
}

// Algorithm is the header's "alg", which is what the token says and not what may
// be used to check it. It is false when there is none or it is no string.
func (t *Token) Algorithm() (string, bool) { return t.alg, t.algOK }

// KeyID is the header's "kid". It is false when there is none or it is no string.
func (t *Token) KeyID() (string, bool) { return t.keyID, t.keyIDOK }

// ClaimSet is the claims of a JWT for looking up. It is empty for other kinds.
func (t *Token) ClaimSet() Claims { return NewClaims(t.Claims) }

// Decode takes a token apart, strictly by RFC 7515 section 7.1: three parts of
// base64url without padding, white space or unused bits that are set, the first
// of them a JSON object without duplicate members. Five parts are a JWE, of
// which only the header can be read. A token that does not begin like a JOSE
// header is opaque, which is no error. Nor is a payload that is no JSON object:
// it makes the token a JWS.
//
// The error is a *fault.Error of kind Usage; it does not show the token.
func Decode(raw string) (*Token, error) {
	switch {
	case raw == "":
		return nil, fault.New(fault.Usage, "there is no token: it is empty")
	case len(raw) > MaxSize:
		return nil, fault.New(fault.Usage, "the token has %d bytes, more than the %d that are read", len(raw), MaxSize)
	}
	// Dots are counted before anything is split: a hostile token may have
	// thousands (CVE-2025-30204).
	dots := strings.Count(raw, ".")
	first, _, _ := strings.Cut(raw, ".")
	t := &Token{raw: raw}
	if !likeHeader(first) {
		return t, nil
	}
	var err error
	switch dots {
	case 2:
		err = t.decodeJWS()
	case 4:
		t.Kind = JWE
		err = t.decodeHeader(first)
	default:
		err = fault.New(fault.Usage, "the token begins like a JWT but has %s; a signed one has 3, an encrypted one 5",
			count(dots+1, "part")).WithHint("was it cut off or joined with something when it was copied?")
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Token) decodeJWS() error {
	first, rest, _ := strings.Cut(t.raw, ".")
	second, third, _ := strings.Cut(rest, ".")
	t.dot = len(first) + 1 + len(second)
	if err := t.decodeHeader(first); err != nil {
		return err
	}
	var err error
	if t.Signature, err = segment("signature", third); err != nil {
		return err
	}
	t.Kind = JWS
	if b := t.Header.Get("b64"); b != nil && b.Kind == source.Bool && b.Text == "false" {
		// RFC 7797: the payload is not encoded. A JWT must not do that (section 7).
		t.Payload, t.PayloadErr = []byte(second), errors.New("the header says b64: false, which a JWT must not")
		return nil
	}
	if t.Payload, err = segment("payload", second); err != nil {
		return err
	}
	t.Claims, t.PayloadErr = object("claims", t.Payload)
	if t.PayloadErr == nil {
		t.Kind = JWT
	}
	return nil
}

func (t *Token) decodeHeader(first string) error {
	data, err := segment("header", first)
	if err != nil {
		return err
	}
	t.HeaderJSON = data
	if t.Header, err = object("header", data); err != nil {
		return fault.New(fault.Usage, "the token's header is not what RFC 7515 wants: %w", err)
	}
	if n := t.Header.Get("alg"); n != nil && n.Kind == source.String {
		t.alg, t.algOK = n.Text, true
	}
	if n := t.Header.Get("kid"); n != nil && n.Kind == source.String {
		t.keyID, t.keyIDOK = n.Text, true
	}
	return nil
}

// object reads a JSON object.
func object(name string, data []byte) (*source.Node, error) {
	n, err := source.JSON(name, data)
	if err != nil {
		return nil, err
	}
	if n.Kind != source.Object {
		return nil, n.Errorf("want a JSON object, got %s", n.Kind)
	}
	return n, nil
}

// likeHeader reports whether the first part of a token is the base64url of text
// that starts like a JSON object, so that a mistake in it is worth an error.
// An opaque token does so by chance once in 65,536 or less.
func likeHeader(first string) bool {
	head := first[:min(len(first), 64)]
	if i := strings.IndexFunc(head, func(r rune) bool { return !inAlphabet(r) }); i >= 0 {
		head = head[:i]
	}
	if len(head)%4 == 1 { // which is no length base64 can have
		head = head[:len(head)-1]
	}
	data, _ := base64.RawURLEncoding.DecodeString(head)
	body, ok := bytes.CutPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
	body = bytes.TrimLeft(body, " \t\r\n")
	return ok && len(body) > 0 && (body[0] == '"' || body[0] == '}')
}

func inAlphabet(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// segment decodes one part of a token: base64url without padding (RFC 7515
// section 2). The decoder of encoding/base64 lets line breaks pass, strict or
// not, so they are looked for here.
func segment(name, s string) ([]byte, error) {
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil && strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 && sameEnd(data, s) {
		return data, nil
	}
	for i := range len(s) {
		if c := s[i]; !inAlphabet(rune(c)) {
			return nil, fault.New(fault.Usage, "the token's %s is not base64url: %s at character %d", name, character(c), i+1)
		}
	}
	return nil, fault.New(fault.Usage, "the token's %s is not base64url: its last character does not fit its length", name).
		WithHint("was it cut off or changed?")
}

// sameEnd reports whether the last bytes encode to the last characters: whether
// the bits that no byte needs are zero.
func sameEnd(data []byte, s string) bool {
	n := len(data) % 3
	if n == 0 {
		return true
	}
	var buf [4]byte
	end := base64.RawURLEncoding.AppendEncode(buf[:0], data[len(data)-n:])
	return strings.HasSuffix(s, string(end))
}

// character names a byte that has no place in a token.
func character(c byte) string {
	switch {
	case c == '=':
		return "padding (=)"
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		return "white space"
	case c == '+' || c == '/':
		return fmt.Sprintf("%q, which is of plain base64,", c)
	case c > ' ' && c < 0x7f:
		return fmt.Sprintf("%q", c)
	}
	return fmt.Sprintf("byte 0x%02x", c)
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
