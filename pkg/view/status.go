package view

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

// statusText is a status with its words (RFC 9110 section 15), as on a status
// line.
func statusText(code int) string {
	words := map[int]string{
		101: "Switching Protocols", 200: "OK",
		400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
		407: "Proxy Authentication Required", 408: "Request Timeout", 409: "Conflict", 410: "Gone", 412: "Precondition Failed",
		413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type", 421: "Misdirected Request", 422: "Unprocessable Content",
		426: "Upgrade Required", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
		500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
	}
	if w := words[code]; w != "" {
		return itoa(code) + " " + w
	}
	return itoa(code)
}
