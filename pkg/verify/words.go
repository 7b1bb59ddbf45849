package verify

import (
	"strconv"
	"strings"
)

// longest is how much of a text from outside a message shows, in bytes.
const longest = 120

// clip cuts text from outside to what a message can hold.
func clip(s string) string {
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// quote is clip, in quotes.
func quote(s string) string { return strconv.Quote(clip(s)) }
