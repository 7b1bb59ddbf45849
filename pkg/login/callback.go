package login

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// callback answers the browser at the redirect URI, and nothing else: only GET,
// only the exact path, only with the URI's own host.
type callback struct {
	flow    *flow
	uri     *url.URL
	answers chan<- answer
}

func (c *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !sameHost(c.uri, r.Host):
		show(w, http.StatusMisdirectedRequest, pageWrong)
	case path(r.URL) != path(c.uri):
		show(w, http.StatusNotFound, pageWrong)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		show(w, http.StatusMethodNotAllowed, pageWrong)
	default:
		c.answer(w, r)
	}
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
func (c *callback) answer(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
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
