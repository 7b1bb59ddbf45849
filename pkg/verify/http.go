package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"gatepass/pkg/fault"
	"gatepass/pkg/loopback"
)

// The limits of one request to an issuer.
const (
	timeLimit    = 10 * time.Second
	maxBody      = MaxKeySetSize // bytes, of a discovery document and userinfo too
	maxRedirects = 3
)

var errTooLarge = errors.New("the answer is too large")

// wire makes requests within the limits, and remembers what the answer was:
// go-oidc's errors are texts, and matching on those would break.
type wire struct {
	client *http.Client

	status      int
	contentType string
	large       bool
	broken      error // why a body could not be read to its end
}

func newWire(base *http.Client) *wire {
	w := &wire{}
	c := http.Client{Timeout: timeLimit, CheckRedirect: checkRedirect}
	transport := http.DefaultTransport
	if base != nil {
		c.Jar = base.Jar
		if base.Timeout > 0 && base.Timeout < timeLimit {
			c.Timeout = base.Timeout
		}
		if base.Transport != nil {
			transport = base.Transport
		}
	}
	c.Transport = watch{w, transport}
	w.client = &c
	return w
}

// checkRedirect follows a few redirects, and none to where the answer could be
// changed on the way.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	if err := allowed(req.URL); err != nil {
		return fmt.Errorf("redirected to %s: %w", quote(req.URL.Redacted()), err)
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("redirected from https to http")
	}
	return nil
}

// watch is the transport of a wire.
type watch struct {
	w    *wire
	next http.RoundTripper
}

func (t watch) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	t.w.status, t.w.contentType = resp.StatusCode, resp.Header.Get("Content-Type")
	until, _ := req.Context().Deadline()
	resp.Body = &capped{resp.Body, maxBody, t.w, until}
	return resp, nil
}

// capped is a body of limited size.
type capped struct {
	io.ReadCloser
	left  int
	w     *wire
	until time.Time // when the time of the request is up; zero: never
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left < 0 {
		c.w.large = true
		return 0, errTooLarge
	}
	n, err := c.ReadCloser.Read(p[:min(len(p), c.left+1)])
	c.left -= n
	if c.left < 0 {
		c.w.large = true
		return n, errTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.w.broken = err
		// The client ends a late request a moment before its context does.
		if !c.until.IsZero() && !time.Now().Before(c.until) {
			c.w.broken = context.DeadlineExceeded
		}
	}
	return n, err
}

// get fetches a document. The error is a *fault.Error, or that of the context.
func (w *wire) get(ctx context.Context, what, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fault.New(fault.Usage, "%s is no URL: %s", what, quote(address))
	}
	req.Header.Set("Accept", "application/json")
	return w.do(req, what)
}

func (w *wire) do(req *http.Request, what string) ([]byte, error) {
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, unreachable(req.Context(), what, req.URL, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case w.large:
		return nil, tooLarge(what, req.URL)
	case err != nil:
		return nil, unreachable(req.Context(), what, req.URL, err)
	case resp.StatusCode != http.StatusOK:
		return nil, badStatus(what, req.URL, resp.StatusCode)
	}
	return body, nil
}

// allowed refuses URLs whose answers could be changed on the way: only https
// will do, and http on this machine.
func allowed(u *url.URL) error {
	switch {
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && loopback.Is(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("http is taken for this machine only: want https")
	}
	return errors.New("want a URL that starts with https://")
}
