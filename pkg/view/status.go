package view

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

// statusText is a status with its words (RFC 9110 section 15), as on a status
// line.
func statusText(code int) string {
	words := map[int]string{
		200: "OK", 101: "Switching Protocols", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
		413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type", 429: "Too Many Requests",
		500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
	}
	if w := words[code]; w != "" {
		return itoa(code) + " " + w
	}
	return itoa(code)
}
