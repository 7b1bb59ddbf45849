package caller

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"

	"gatepass/pkg/fault"
	"gatepass/pkg/loopback"
)

// Text is a body that is given as it is.
func Text(s string) Body {
	return Body{
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil },
		Size: int64(len(s)),
	}
}

// File is a body in a file. It streams; a file that is no regular one, such as a
// named pipe, can be read only once.
func File(path string) (Body, error) {
	f, err := os.Open(path)
	if err != nil {
		return Body{}, openError(path, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		_ = f.Close()
		return Body{}, openError(path, err)
	case info.IsDir():
		_ = f.Close()
		return Body{}, fault.New(fault.Usage, "%s is a folder", path)
	case !info.Mode().IsRegular():
		return once(f), nil
	}
	_ = f.Close()
	return Body{
		Open: func() (io.ReadCloser, error) {
			f, err := os.Open(path)
			if err != nil {
				return nil, openError(path, err)
			}
			return f, nil
		},
		Size: info.Size(),
	}, nil
}

func openError(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fault.New(fault.Usage, "%s cannot be read: %w", path, err)
}

// small is up to which size a stream is read before it is sent, in bytes, so
// that its length can be told, and so that it can be sent again.
const small = 1 << 20

// Stream is a body that is read from a stream, such as standard input. A small
// one is read whole at once; a larger one is passed on as it comes.
func Stream(r io.Reader) (Body, error) {
	if f, ok := r.(*os.File); ok {
		if b, ok := rest(f); ok {
			return b, nil
		}
	}
	head, err := io.ReadAll(io.LimitReader(r, small+1))
	switch {
	case err != nil:
		return Body{}, fault.New(fault.Failed, "the body cannot be read: %w", err)
	case len(head) <= small:
		return Text(string(head)), nil
	}
	return once(io.NopCloser(io.MultiReader(bytes.NewReader(head), r))), nil
}

// rest is what is left to read of a regular file that was opened by somebody
// else, as by "< FILE" in a shell.
func rest(f *os.File) (Body, bool) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return Body{}, false
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return Body{}, false
	}
	size := max(info.Size()-at, 0)
	return Body{
		Open: func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(f, at, size)), nil },
		Size: size,
	}, true
}

func once(r io.ReadCloser) Body {
	var opened atomic.Bool
	return Body{
		Open: func() (io.ReadCloser, error) {
			if opened.Swap(true) {
				return nil, errors.New("this body can be read only once")
			}
			return r, nil
		},
		Size: -1,
		Once: true,
	}
}

// ParseHeader reads header lines as curl takes them: "Name: value", "Name;" for
// an empty value, and "Name:" to leave out a field that would be sent unasked.
// The Host is returned apart.
func ParseHeader(lines []string) (h http.Header, host string, err error) {
	h = http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if empty, found := strings.CutSuffix(line, ";"); !ok && found {
			name, ok = empty, true
			h[name] = append(h[name], "")
			value = ""
		}
		if !ok || !isToken(name) || !isFieldValue(value) {
			return nil, "", fault.New(fault.Usage, "a header is NAME: VALUE, on one line").
				WithHint(`-H "Accept: application/json"`)
		}
		switch {
		case strings.EqualFold(name, "Host"):
			host = value
		case value == "":
			h[name] = append(h[name], nil...)
		default:
			h[name] = append(h[name], value)
		}
	}
	return h, host, nil
}

// Default sets a field unless the header has it, or was told to leave it out.
func Default(h http.Header, name, value string) {
	for k := range h {
		if strings.EqualFold(k, name) {
			return
		}
	}
	h[name] = []string{value}
}

// Set replaces a field, however it is spelt.
func Set(h http.Header, name, value string) {
	without(h, name)
	h[name] = []string{value}
}

// Find returns the first value of a field, however it is spelt.
func Find(h http.Header, name string) (value string, ok bool) {
	for k, v := range h {
		if strings.EqualFold(k, name) && len(v) > 0 {
			return v[0], true
		}
	}
	return "", false
}

// LeftOut reports whether a header was told to leave a field out.
func LeftOut(h http.Header, name string) bool {
	for k, v := range h {
		if strings.EqualFold(k, name) && len(v) == 0 {
			return true
		}
	}
	return false
}

// ParseMethod returns a request method as it is sent: the usual ones may be
// written in lower case. Whether a word is a method at all is the second result.
func ParseMethod(word string) (string, bool) {
	if strings.ContainsAny(word, "/:.?") || !isToken(word) {
		return "", false
	}
	switch up := strings.ToUpper(word); up {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return up, true
	}
	return word, true
}

// Resolve returns the URL of a target: a path below the base URL of an API, or a
// full URL. A path is taken as it is written, with its encoding, double slashes
// and dots, because API Gateway sees it so too. Pairs of the form name=value are
// added to the query.
func Resolve(base, target string, pairs []string) (*url.URL, error) {
	switch lower := strings.ToLower(target); {
	case strings.HasPrefix(lower, "http://"), strings.HasPrefix(lower, "https://"):
	case !strings.HasPrefix(target, "/"):
		e := fault.New(fault.Usage, "want a path that starts with /, or a URL that starts with https://")
		if strings.ContainsAny(target, ".:") {
			return nil, e.WithHint("perhaps %s, or /%s", withScheme(target), target)
		}
		return nil, e.WithHint("perhaps /%s", target)
	case base == "":
		return nil, fault.New(fault.Usage, "which API? there is no base URL for the path").
			WithHint("--api-url https://abc123.execute-api.eu-west-1.amazonaws.com/prod, or api: {url: ...} in the settings, or a full URL")
	default:
		target = strings.TrimRight(base, "/") + target
	}
	u, err := url.Parse(strings.ReplaceAll(target, " ", "%20"))
	if err != nil || OriginOf(u) == "" {
		return nil, fault.New(fault.Usage, "the URL cannot be understood").WithHint("what is not plain text in it is written as %%, two hexadecimal digits")
	}
	u.Fragment, u.RawFragment = "", ""
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fault.New(fault.Usage, "a query parameter is NAME=VALUE").WithHint("-q status=open")
		}
		AddQuery(u, Escape(name)+"="+Escape(value))
	}
	return u, nil
}

// withScheme is an address that was written without a scheme: https, but on this
// machine, which HTTPie writes as :3000/path.
func withScheme(target string) string {
	host, _, _ := strings.Cut(target, "/")
	name, _, err := net.SplitHostPort(host)
	switch {
	case err == nil && name == "":
		return "http://localhost" + target
	case err == nil && loopback.Is(name), loopback.Is(host):
		return "http://" + target
	}
	return "https://" + target
}

// AddQuery adds text to a query as it is, but for what cannot stand in one.
func AddQuery(u *url.URL, text string) {
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"#<>`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	u.RawQuery += b.String()
}
