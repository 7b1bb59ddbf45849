package caller

import (
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"gatepass/pkg/fault"
	"gatepass/pkg/secret"
)

// Request is what is asked of an API.
type Request struct {
	Method string
	URL    *url.URL // absolute, http or https
	// Header holds what the user sets. Names are sent as they are spelt. To
	// another origin a redirect takes along only what says nothing of the user.
	Header http.Header
	// Host is the Host to ask for, where it is not that of the URL.
	Host string
	Body Body

	// Token is the bearer, or nothing. It is sent only to Origin, in the header
	// TokenHeader behind TokenScheme, which may be empty.
	Token       secret.String
	TokenHeader string
	TokenScheme string
	Origin      Origin
	// APIKey is the API key, or nothing. It is sent as x-api-key where the token
	// would be, unless Header has one.
	APIKey secret.String
}

// keyHeader is where API Gateway looks for an API key, unless an authorizer
// hands it one (AWS: "Choose an API key source in API Gateway").
const keyHeader = "x-api-key"

// Body is a request's body.
type Body struct {
	// Open starts to read the body from its beginning; nil: there is none.
	Open func() (io.ReadCloser, error)
	Size int64 // in bytes; negative where it is not known
	Once bool  // Open works once only
	// Curl are the arguments by which curl sends the same body.
	Curl []string
}

// Origin is the scheme, host and port that a token is bound to, in the form
// https://example.com:443. The zero Origin is nowhere.
type Origin string

// OriginOf returns the origin of a URL. Hosts are compared as they are written,
// but for case: 127.0.0.1 is not localhost, and a name in Unicode is not its
// ASCII form.
func OriginOf(u *url.URL) Origin {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	switch {
	case u.Hostname() == "":
		return ""
	case port != "":
	case scheme == "https":
		port = "443"
	case scheme == "http":
		port = "80"
	default:
		return ""
	}
	return Origin(scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port)
}

// check refuses what cannot be sent, before anything is.
func (r *Request) check() error {
	switch {
	case r.URL == nil || r.URL.Scheme != "http" && r.URL.Scheme != "https" || OriginOf(r.URL) == "":
		return fault.New(fault.Usage, "want a URL that starts with https:// or http://")
	case r.URL.User != nil:
		return fault.New(fault.Usage, "a user name or password in a URL is not taken")
	case !isToken(r.Method):
		return fault.New(fault.Usage, "%q is no request method", r.Method).WithHint("usual are GET, POST, PUT, PATCH, DELETE")
	case r.Method == http.MethodConnect:
		return fault.New(fault.Usage, "CONNECT is for proxies, not for APIs")
	}
	if port := r.URL.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return fault.New(fault.Usage, "there is no port %s: the last one is 65535", port)
		}
	}
	for name, values := range r.Header {
		for _, v := range values {
			if !isToken(name) || !isFieldValue(v) {
				return fault.New(fault.Usage, "the header %q cannot be sent", name).
					WithHint(`a header is NAME: VALUE, without line breaks: -H "Accept: application/json"`)
			}
		}
		switch textproto.CanonicalMIMEHeaderKey(name) {
		case "Content-Length", "Transfer-Encoding", "Host", "Trailer":
			return fault.New(fault.Usage, "the header %s is set by how the request is sent", name)
		}
	}
	return r.checkToken()
}

// checkToken refuses a token that would go to another origin, or that cannot
// be sent in a header. It is not shown.
func (r *Request) checkToken() error {
	switch {
	case !r.APIKey.IsZero() && (r.Origin == "" || OriginOf(r.URL) != r.Origin):
		return fault.New(fault.Usage, "the API key is for %s and is not sent to %s", orNowhere(r.Origin), OriginOf(r.URL))
	case !isFieldValue(r.APIKey.Reveal()):
		return fault.New(fault.Usage, "the API key has characters in it that cannot be sent in a header")
	case r.Token.IsZero():
		return nil
	case r.Origin == "" || OriginOf(r.URL) != r.Origin:
		return fault.New(fault.Usage, "the token is for %s and is not sent to %s", orNowhere(r.Origin), OriginOf(r.URL))
	case !isToken(r.TokenHeader) || r.TokenScheme != "" && !isToken(r.TokenScheme):
		return fault.New(fault.Usage, "%q is no header that can carry a token", r.TokenHeader)
	case !isFieldValue(r.Token.Reveal()):
		return fault.New(fault.Usage, "the token has characters in it that cannot be sent in a header")
	}
	return nil
}

func orNowhere(o Origin) Origin {
	if o == "" {
		return "no origin"
	}
	return o
}

// isToken is token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		alnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) < 0
}

// isFieldValue is field-value of RFC 9110 section 5.5, with its obs-text.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// spelt returns a header with its names as the user spelt them, but for those
// that net/http looks up by their canonical names to set them itself.
func spelt(h http.Header) http.Header {
	out := make(http.Header, len(h)+2)
	for name, values := range h {
		switch c := textproto.CanonicalMIMEHeaderKey(name); c {
		case "User-Agent", "Accept-Encoding", "Range", "Connection", "Expect", "Upgrade":
			name = c
		}
		out[name] = append(out[name], values...)
	}
	return out
}

// without removes a field however it is spelt.
func without(h http.Header, name string) {
	for k := range h {
		if strings.EqualFold(k, name) {
			delete(h, k)
		}
	}
}
