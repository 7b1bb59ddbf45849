package caller

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"

	"gatepass/pkg/fault"
)

// Hop is a redirect that was followed.
type Hop struct {
	Status    int    // of the answer that redirected
	URL       string // where to, without a password
	WithToken bool   // whether the token went along
	// Left are the names of the fields that stayed behind here, sorted: to another
	// origin goes only what says nothing of the user.
	Left []string
}

// hop is one request of those a chain of redirects is made of.
type hop struct {
	method  string
	url     *url.URL
	header  http.Header
	host    string
	body    bool
	trusted bool // no redirect has led to another origin yet
	left    []string
}

// after returns the request that an answer redirects to, and whether it
// redirects at all (RFC 9110 section 15.4).
func (h hop) after(resp *http.Response) (next hop, redirects bool, err error) {
	next = h
	next.left = nil
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound:
		// A POST becomes a GET, as everybody has done since the beginning.
		if h.method == http.MethodPost {
			next.toGet(http.MethodGet)
		}
	case http.StatusSeeOther:
		if h.method != http.MethodHead {
			next.toGet(http.MethodGet)
		}
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return hop{}, false, nil
	}
	location := resp.Header.Get("Location")
	if location == "" {
		return hop{}, false, nil
	}
	u, err := h.url.Parse(location)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || OriginOf(u) == "" {
		return hop{}, true, fault.New(fault.Network, "the API redirects to what is no web address")
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	next.url = u
	if OriginOf(u) != OriginOf(h.url) {
		all := next.header
		next.trusted, next.host, next.header = false, "", harmless(all)
		for name := range all {
			if _, kept := next.header[name]; !kept {
				next.left = append(next.left, name)
			}
		}
		slices.Sort(next.left)
	}
	return next, true, nil
}

// toGet leaves the body behind, and what is said of it.
func (h *hop) toGet(method string) {
	h.method, h.body = method, false
	h.header = h.header.Clone()
	for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Content-MD5", "Digest"} {
		without(h.header, name)
	}
}

// harmless keeps the fields that say nothing of who the user is. What is not
// known to be harmless stays behind: an API key has many names.
func harmless(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		switch textproto.CanonicalMIMEHeaderKey(name) {
		case "Accept", "Accept-Language", "Accept-Charset", "Accept-Encoding", "User-Agent",
			"Content-Type", "Content-Encoding", "Content-Language", "Range", "If-Range",
			"If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since", "Cache-Control", "Pragma":
			out[name] = values
		}
	}
	return out
}
