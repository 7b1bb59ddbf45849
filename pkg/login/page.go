package login

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
)

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

// page is one of the pages that a browser may see at the end of a login. They are
// static: nothing of a request is ever in them.
type page uint8

// The pages.
const (
	pageDone   page = iota // the login is complete
	pageFailed             // it was answered, and came to nothing
	pageWrong              // the request is not the answer to a login
	pageUsed               // the login has been answered already
)

// The marks of the pages, as paths of SVG.
const (
	tick  = "M7 17l6 6L25 10"
	cross = "M9 9l14 14M23 9L9 23"
)

// words are the page's title and text.
func (p page) words() (title, text string) {
	switch p {
	case pageDone:
		return "You are logged in", "You can close this window and go back to your terminal."
	case pageFailed:
		return "The login was not completed", "Your terminal says why, and what to do next. You can close this window."
	case pageUsed:
		return "This login has been answered", "A login takes one answer. Your terminal says how it went. You can close this window."
	}
	return "Nothing was done", "This page only takes the answer to a login that was started in your terminal. Start one there, and use the page it opens."
}

func (p page) html() string {
	title, text := p.words()
	class, mark := "bad", cross
	if p == pageDone {
		class, mark = "good", tick
	}
	return strings.NewReplacer(
		"{title}", title, "{text}", text, "{class}", class, "{icon}", mark, "{style}", pageCSS,
	).Replace(pageHTML)
}

// policy allows the page its own style and nothing else.
func policy() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// show sends a page. No part of the login may be kept by the browser or be told
// to another site, and the address it is shown at has the code in it.
func show(w http.ResponseWriter, status int, p page) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(p.html()))
}
