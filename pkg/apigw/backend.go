package apigw

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// Backend is what the backend sees of the authorizer. It is read only.
type Backend struct {
	// At is where it stands in the event of a Lambda proxy integration, such as
	// requestContext.authorizer.lambda.
	At string `json:"at"`
	// Value is what stands there: strings for REST and WebSocket APIs, typed JSON
	// for HTTP APIs. Numbers are json.Number. What the gateway adds on its own,
	// integrationLatency, is left out.
	Value map[string]any `json:"value"`

	// claimsJSON says that variables of claims are JSON text, as with the JWT
	// authorizers of REST APIs.
	claimsJSON bool
}

// variable is $context.authorizer.KEY: KEY, claims.KEY or claims['KEY'].
func (b *Backend) variable(key string) (string, bool) {
	if b == nil {
		return "", false
	}
	at := b.Value
	for _, part := range splitKey(key) {
		value, ok := at[part]
		if !ok {
			return "", false
		}
		if next, isMap := value.(map[string]any); isMap && part == "claims" {
			at = next
			continue
		}
		if b.claimsJSON && part != key {
			return asciiJSON(value), true
		}
		return plainText(value), true
	}
	return "", false // $context.authorizer.claims itself is null
}

// splitKey splits claims.sub and claims['custom:role'] into two; every other key
// is one.
func splitKey(key string) []string {
	rest, ok := strings.CutPrefix(key, "claims")
	switch {
	case ok && strings.HasPrefix(rest, "."):
		return []string{"claims", rest[1:]}
	case ok && len(rest) > 4 && rest[0] == '[' && rest[len(rest)-1] == ']':
		return []string{"claims", strings.Trim(rest[1:len(rest)-1], `'"`)}
	}
	return []string{key}
}

// plainText is a value in a template or log: strings as they are, everything else
// as JSON.
func plainText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return jsonText(v)
}

// asciiJSON is a value as JSON with everything outside of ASCII escaped, which is
// how REST APIs write the claims of their JWT authorizers (AWS:
// "rest-api-jwt-authorizer-claims").
func asciiJSON(v any) string {
	var b strings.Builder
	for _, r := range jsonText(v) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, "\\u%04x\\u%04x", high, low)
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}

// goText renders a claim as HTTP APIs do: like Go's %v (captured: [a b],
// map[roles:[admin]]). How large numbers and fractions come out is not documented:
// they keep the text of the token.
func goText(v any) string {
	switch v := v.(type) {
	case nil:
		return "<nil>"
	case string:
		return v
	case json.Number:
		return v.String()
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = goText(v[i])
		}
		return "[" + strings.Join(parts, " ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, k+":"+goText(v[k]))
		}
		return "map[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(v)
}
