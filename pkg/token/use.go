package token

import (
	"strings"

	"gatepass/pkg/source"
)

// Use is what a token is for.
type Use uint8

// The uses.
const (
	AnyUse    Use = iota // not established; as an expectation: whatever it is
	AccessUse            // to be shown to an API
	IDUse                // to tell the client who has logged in
)

// String is the name of the use in JSON output: access, id or unknown.
func (u Use) String() string { return [...]string{"unknown", "access", "id"}[u] }

// MarshalText is String.
func (u Use) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// Use tells access tokens and ID tokens apart by their content, and says by
// what. OneLogin's two share issuer, audience, key and type, so there is nothing
// else to go by (reference: inferred from published tokens). Marks of both make
// the use unknown: whoever insists on one must not be fooled.
func (t *Token) Use() (Use, string) {
	if t.Kind != JWT {
		return AnyUse, "only the claims of a JWT tell"
	}
	if typ := t.Header.Get("typ"); typ != nil {
		if v := strings.ToLower(typ.Text); v == "at+jwt" || v == "application/at+jwt" {
			return AccessUse, "its type is at+jwt (RFC 9068)"
		}
	}
	if n := t.Claims.Get("token_use"); n != nil {
		switch n.Text {
		case "access":
			return AccessUse, "its token_use says so"
		case "id":
			return IDUse, "its token_use says so"
		}
	}
	id, scope := t.has("at_hash", "c_hash", "s_hash", "rt_hash", "nonce"), t.has("scope", "scp")
	switch {
	case id != "" && scope != "":
		return AnyUse, "it has " + id + " as ID tokens do, and " + scope + " as access tokens do"
	case id != "":
		return IDUse, "it has " + id
	case scope == "scope" && t.has("jti") != "":
		return AccessUse, "it has jti and scope"
	case scope != "" && t.has("jti") != "":
		return AccessUse, "it has jti and " + scope
	case scope != "":
		return AccessUse, "it has " + scope
	}
	if id = t.has("sid", "auth_time", "preferred_username", "email", "updated_at", "given_name", "family_name"); id != "" {
		return IDUse, "it has " + id + " and no scope"
	}
	if t.has("sub") == "" && t.has("aud") != "" && t.has("jti") != "" {
		return AccessUse, "it has jti, no sub and no scope, as client-credentials tokens do"
	}
	return AnyUse, "no claim tells"
}

// has returns the first of the names that the claims have, or "".
func (t *Token) has(names ...string) string {
	for _, name := range names {
		if n := t.Claims.Get(name); n != nil && n.Kind != source.Null {
			return name
		}
	}
	return ""
}
