package login

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// callback answers the browser at the redirect URI, and nothing else: only GET,
// and POST of a form where one was asked for, only the exact path, only with the
// URI's own host.
type callback struct {
	flow    *flow
	uri     *url.URL
	forms   bool // POST is taken, too
	answers chan<- answer
}

func (c *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !sameHost(c.uri, r.Host):
		show(w, http.StatusMisdirectedRequest, pageWrong)
	case path(r.URL) != path(c.uri):
		show(w, http.StatusNotFound, pageWrong)
	case r.Method == http.MethodGet:
		c.answer(w, r.URL.RawQuery)
	case r.Method == http.MethodPost && c.forms:
		c.form(w, r)
	default:
		w.Header().Set("Allow", c.methods())
		show(w, http.StatusMethodNotAllowed, pageWrong)
	}
}

func (c *callback) methods() string {
	if c.forms {
		return http.MethodGet + ", " + http.MethodPost
	}
	return http.MethodGet
}

// maxForm caps what is read of a posted answer, in bytes, as long as the server's
// limit of a request's head, in which the other kind of answer comes.
const maxForm = 64 << 10

// form takes an answer that comes as a form (OAuth 2.0 Form Post Response Mode).
// Nothing is taken from the address then.
func (c *callback) form(w http.ResponseWriter, r *http.Request) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		show(w, http.StatusUnsupportedMediaType, pageWrong)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		show(w, http.StatusBadRequest, pageWrong)
		return
	}
	c.answer(w, string(body))
}

func path(u *url.URL) string {
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

// answer hands the answer to the login that waits, and shows its outcome. The
// browser's connection is kept until then, so that nobody reads of a success
// that was none.
func (c *callback) answer(w http.ResponseWriter, parameters string) {
	q, err := url.ParseQuery(parameters)
	if err != nil {
		show(w, http.StatusBadRequest, pageWrong)
		return
	}
	a, err := c.flow.take(q)
	switch {
	case errors.Is(err, strayUsed):
		show(w, http.StatusConflict, pageUsed)
		return
	case err != nil:
		show(w, http.StatusBadRequest, pageWrong)
		return
	}
	if c.outcome(a) != nil {
		show(w, http.StatusBadRequest, pageFailed)
		return
	}
	show(w, http.StatusOK, pageDone)
}

// outcome waits for the login to finish with an answer.
func (c *callback) outcome(a answer) error {
	done := make(chan error, 1)
	a.done = done
	select {
	case c.answers <- a:
	case <-c.flow.ended:
		return context.Canceled
	}
	select {
	case err := <-done:
		return err
	case <-c.flow.ended:
		// Both may have happened.
		select {
		case err := <-done:
			return err
		default:
			return context.Canceled
		}
	}
}
