package caller

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net/textproto"
	"net/url"
	"path/filepath"
	"strings"

	"gatepass/pkg/fault"
)

// Concat is the bodies one after the other, with a text between them.
func Concat(between string, parts ...Body) Body {
	if len(parts) == 1 {
		return parts[0]
	}
	all := Body{}
	var opens []func() (io.ReadCloser, error)
	for i, p := range parts {
		if i > 0 && between != "" {
			all.add(Text(between))
			opens = append(opens, Text(between).Open)
		}
		all.add(p)
		opens = append(opens, p.Open)
	}
	if all.Once {
		only := once(&chain{rest: opens})
		all.Open = only.Open
		return all
	}
	all.Open = func() (io.ReadCloser, error) { return &chain{rest: opens}, nil }
	return all
}

// add adds what is known of another body that follows.
func (b *Body) add(p Body) {
	if p.Size < 0 || b.Size < 0 {
		b.Size = -1
	} else {
		b.Size += p.Size
	}
	b.Once = b.Once || p.Once
	b.Curl = append(b.Curl, p.Curl...)
}

// chain reads bodies one after the other, each opened when it is its turn.
type chain struct {
	rest []func() (io.ReadCloser, error)
	now  io.ReadCloser
}

func (c *chain) Read(p []byte) (int, error) {
	for {
		if c.now == nil {
			if len(c.rest) == 0 {
				return 0, io.EOF
			}
			next, err := c.rest[0]()
			if err != nil {
				return 0, err
			}
			c.now, c.rest = next, c.rest[1:]
		}
		n, err := c.now.Read(p)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		_ = c.now.Close()
		if c.now = nil; n > 0 {
			return n, nil
		}
	}
}

func (c *chain) Close() error {
	if c.now == nil {
		return nil
	}
	return c.now.Close()
}

// Joined is a body without line breaks and NUL bytes: what curl's -d makes of a
// file. One that has a size, and can be read twice, is read once to learn the new one.
func Joined(b Body) (Body, error) {
	out := b
	out.Open = func() (io.ReadCloser, error) {
		r, err := b.Open()
		return &joining{r}, err
	}
	if b.Once || b.Size < 0 { // a device may have no end
		return out, nil
	}
	r, err := out.Open()
	if err != nil {
		return Body{}, err
	}
	defer func() { _ = r.Close() }()
	out.Size, err = io.Copy(io.Discard, r)
	return out, err
}

type joining struct{ io.ReadCloser }

func (j *joining) Read(p []byte) (int, error) {
	for {
		n, err := j.ReadCloser.Read(p)
		kept := 0
		for _, c := range p[:n] {
			if c != '\n' && c != '\r' && c != 0 {
				p[kept] = c
				kept++
			}
		}
		if kept > 0 || err != nil || len(p) == 0 {
			return kept, err
		}
	}
}

// ReadAll reads a body that is to be held in memory, up to a size in bytes.
func (b Body) ReadAll(most int64) ([]byte, error) {
	r, err := b.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return nil, fault.New(fault.Failed, "the body cannot be read: %w", err)
	case int64(len(data)) > most:
		return nil, fault.New(fault.Usage, "that is larger than the %d bytes that are read here", most)
	}
	return data, nil
}

// Escape is percent-encoding as in a query and in the fields of a form. A space
// is %20: a plus is a space to some and a plus to others.
func Escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// Part is a field of a form, or a file in it.
type Part struct {
	Name string
	Text string // of a field
	// TextFile is the file that the text is from, or empty.
	TextFile string
	File     string // the name of the file; empty: it is a field
	Type     string // the media type of the file
	Body     Body   // the file
}

// Multipart is a form with files in it (RFC 7578), and its media type.
func Multipart(parts []Part) (b Body, mediaType string) {
	boundary := "gatepass-" + rand.Text()
	var all []Body
	var curl []string
	for _, p := range parts {
		name := quoteField(p.Name)
		head := "--" + boundary + "\r\nContent-Disposition: form-data; name=" + name
		if p.File != "" {
			head += "; filename=" + quoteField(filepath.Base(p.File)) + "\r\nContent-Type: " + p.Type
			curl = append(curl, "-F", p.Name+"=@"+quoteName(p.File)+";type="+p.Type)
			all = append(all, Text(head+"\r\n\r\n"), p.Body, Text("\r\n"))
			continue
		}
		if p.TextFile != "" {
			curl = append(curl, "-F", p.Name+"=<"+quoteName(p.TextFile))
		} else {
			curl = append(curl, "--form-string", p.Name+"="+p.Text)
		}
		all = append(all, Text(head+"\r\n\r\n"+p.Text+"\r\n"))
	}
	all = append(all, Text("--"+boundary+"--\r\n"))
	b = Concat("", all...)
	b.Curl = curl
	return b, "multipart/form-data; boundary=" + boundary
}

// quoteField is a name as browsers write it into a part's header (the HTML
// standard, multipart/form-data encoding algorithm).
func quoteField(s string) string {
	return `"` + strings.NewReplacer("\n", "%0A", "\r", "%0D", `"`, "%22").Replace(s) + `"`
}

// quoteName is the name of a file as curl's -F takes it.
func quoteName(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// MediaType is what a file is by the end of its name, for the few that APIs take.
func MediaType(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		return "application/json"
	case ".ndjson", ".jsonl":
		return "application/x-ndjson"
	case ".xml":
		return "application/xml"
	case ".yaml", ".yml":
		return "application/yaml"
	case ".csv":
		return "text/csv"
	case ".txt":
		return "text/plain"
	case ".html", ".htm":
		return "text/html"
	case ".pdf":
		return "application/pdf"
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	}
	return "application/octet-stream"
}

// HeaderLines are the header lines in a file, as curl's -H @FILE takes them: one a
// line, empty lines left out.
func HeaderLines(data []byte) []string {
	var lines []string
	for _, l := range bytes.Split(data, []byte("\n")) {
		if l = bytes.TrimRight(l, "\r"); len(textproto.TrimBytes(l)) > 0 {
			lines = append(lines, string(l))
		}
	}
	return lines
}
