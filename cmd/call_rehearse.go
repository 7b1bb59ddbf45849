package cmd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/iostreams"
	"gatepass/pkg/token"
	"gatepass/pkg/view"
)

// rehearse shows the request and sends nothing. No token is asked for: whether
// there is one is seen when the request is made.
func (a *call) rehearse(context.Context) error {
	wanted, err := a.wantsToken()
	if err != nil {
		return err
	}
	if err := a.addKey(); err != nil {
		return err
	}
	if a.printAs == "curl" {
		return a.printCurl(wanted)
	}
	if a.unpacks() {
		a.askPacked()
	}
	r, err := a.shownRequest(wanted)
	if err != nil {
		return err
	}
	if a.asJSON {
		return view.JSON(a.app.IO.Out, r)
	}
	return r.Text(a.app.IO.Out, fieldNames(r.Headers), a.app.IO.OutTerminal)
}

// shownBody is how much of a body --dry-run shows, in bytes.
const shownBody = 2 << 10

// shownRequest is the request without its secrets.
func (a *call) shownRequest(withToken bool) (*view.Request, error) {
	r := a.request
	out := &view.Request{
		SchemaVersion: 1, DryRun: true, Method: r.Method, URL: a.app.Secrets.Text(r.URL.String()),
		Headers: map[string][]string{},
	}
	for name, values := range r.Header {
		for _, v := range values {
			out.Headers[name] = append(out.Headers[name], a.withoutSecret(name, v))
		}
	}
	host := r.URL.Host
	if r.Host != "" {
		host = r.Host
	}
	out.Headers["Host"] = []string{host}
	if withToken {
		send := a.profile.API.Send
		out.Headers[send.Header] = []string{send.Value("[redacted]")}
		if out.Token = a.profile.API.Token; a.token != "" {
			out.Token = "given"
		}
	}
	if !r.APIKey.IsZero() {
		out.Headers["x-api-key"] = []string{r.APIKey.String()}
	}
	return out, a.showBody(out)
}

// withoutSecret is the value of a field as it may be shown. What a user writes by
// hand into one of these is who they are.
func (a *call) withoutSecret(name, value string) string {
	if isSecretField(name) || strings.EqualFold(name, a.profile.API.Send.Header) {
		if scheme, _, ok := strings.Cut(value, " "); ok && strings.EqualFold(name, "Authorization") {
			return scheme + " [redacted]"
		}
		return "[redacted]"
	}
	return a.app.Secrets.Text(value)
}

// isSecretField reports whether a field's value is a secret by its name.
func isSecretField(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie", "x-api-key", "x-amz-security-token":
		return true
	}
	return false
}

// showBody adds the size and the beginning of the body.
func (a *call) showBody(out *view.Request) error {
	body := a.request.Body
	if body.Open == nil {
		out.BodySize = new(int64)
		return nil
	}
	if body.Size >= 0 {
		out.BodySize = &body.Size
		out.Headers["Content-Length"] = []string{fmt.Sprint(body.Size)}
	} else {
		out.Headers["Transfer-Encoding"] = []string{"chunked"}
	}
	if body.Once {
		return nil
	}
	r, err := body.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	beginning, err := io.ReadAll(io.LimitReader(r, shownBody))
	out.SetBody([]byte(a.app.Secrets.Text(string(beginning))), int64(len(beginning)) < body.Size)
	return err
}

// printCurl prints the request as a command, without the token in it.
func (a *call) printCurl(withToken bool) error {
	c := curlCommand{call: a, groups: [][]string{{"curl"}}}
	c.options()
	c.method()
	if withToken {
		c.token()
	}
	c.header()
	c.body()
	c.url()
	text := view.Command(c.groups)
	if safe := iostreams.VisibleLines(text); a.app.IO.OutTerminal && safe != text {
		a.note("there are characters in it that a terminal would act on: shown are their codes, so print it into a file")
		text = safe
	}
	_, err := io.WriteString(a.app.IO.Out, text)
	return err
}

// curlCommand is a command on its way.
type curlCommand struct {
	*call
	groups [][]string
}

// add adds an option with its values.
func (c *curlCommand) add(words ...string) {
	for i, w := range words {
		words[i] = view.Word(w)
	}
	c.groups = append(c.groups, words)
}

// options are those that curl has by the same names.
func (c *curlCommand) options() {
	for _, f := range []struct {
		on   bool
		name string
	}{
		{c.include && !c.head, "-i"}, {c.silent, "-s"}, {c.showError, "-S"}, {c.fail, "-f"}, {c.remoteName, "-O"}, // not -v: curl's shows the token
		{c.compressed, "--compressed"}, {c.http1, "--http1.1"}, {c.follow, "-L"},
	} {
		if f.on {
			c.groups[0] = append(c.groups[0], f.name)
		}
	}
	if c.follow {
		c.add("--max-redirs", fmt.Sprint(c.redirects))
	}
	if c.output != "" {
		c.add("-o", c.output)
	}
	if c.writeOut != "" {
		c.add("-w", c.writeOut)
	}
	for _, t := range []struct {
		of   span
		name string
	}{{c.timeout, "--max-time"}, {c.connect, "--connect-timeout"}} {
		if t.of != 0 {
			c.add(t.name, curlTime(t.of))
		}
	}
	if c.retries > 0 {
		c.add("--retry", fmt.Sprint(c.retries))
	}
	switch files := c.rootFiles(); len(files) {
	case 0:
	case 1:
		c.add("--cacert", files[0])
	default:
		c.note("curl takes one file with --cacert: put these into one: %s", strings.Join(files, ", "))
	}
}

// method adds the method where curl would take another.
func (c *curlCommand) method() {
	r := c.request
	usual := http.MethodGet
	if r.Body.Open != nil {
		usual = http.MethodPost
	}
	switch {
	case c.head || r.Method == http.MethodHead:
		c.groups[0] = append(c.groups[0], "-I")
		usual = http.MethodHead
	}
	if r.Method != usual {
		c.add("-X", r.Method)
	}
}

// token adds what gets the token when the command is run.
func (c *curlCommand) token() {
	send := c.profile.API.Send
	text := send.Header + ": "
	if send.Scheme != "" {
		text += send.Scheme + " "
	}
	c.groups = append(c.groups, []string{"-H", view.Expanded(text, c.tokenSource())})
}

// tokenSource is what the shell replaces by the token.
func (c *curlCommand) tokenSource() string {
	if c.call.token == "" {
		return "$(" + strings.Join(c.tokenCommand(), " ") + ")"
	}
	if name, ok := strings.CutPrefix(c.call.token, "@"); ok && name != "-" {
		// The shell takes line breaks off the end, and finds no token in text.
		data, err := readFile(c.app, name, token.MaxSize)
		if found, ferr := token.Find(string(data)); err == nil && ferr == nil && strings.TrimRight(string(data), "\n") == found.Token.Reveal() {
			return "$(cat " + view.Word(name) + ")"
		}
	}
	c.note("the token is not printed: put it into the variable TOKEN")
	return "$TOKEN"
}

// tokenCommand is the command that prints the token which this run would send.
func (c *curlCommand) tokenCommand() []string {
	words := []string{"gatepass", "token"}
	if len(c.profile.Known) > 1 || c.given("profile") {
		words = append(words, "--profile", view.Word(c.profile.Name))
	}
	for _, name := range []string{"issuer", "subdomain", "client-id", "client-auth", "resource", "ca-file"} {
		values, _ := c.settings.given(name)
		for _, v := range values {
			words = append(words, "--"+name, view.Word(v))
		}
	}
	if c.given("api-token") {
		words = append(words, "--type", c.profile.API.Token)
	}
	return words
}

// given reports whether a flag of the settings was given.
func (c *curlCommand) given(flag string) bool {
	_, ok := c.settings.given(flag)
	return ok
}

// header adds the fields but those that curl sends by itself. Secrets are left to
// variables.
func (c *curlCommand) header() {
	r := c.request
	if r.Host != "" {
		c.add("-H", "Host: "+r.Host)
	}
	if !r.APIKey.IsZero() {
		c.groups = append(c.groups, []string{"-H", view.Expanded("x-api-key: ", "$"+keyVariable)})
		if c.follow {
			c.note("curl -L takes x-api-key along to other hosts; gatepass does not")
		}
	}
	for _, name := range fieldNames(r.Header) {
		c.field(name, r.Header[name])
	}
}

func (c *curlCommand) field(name string, values []string) {
	args := c.request.Body.Curl
	multipart := len(args) > 0 && (args[0] == "-F" || args[0] == "--form-string")
	switch {
	case len(values) == 0:
		c.add("-H", name+":")
		return
	case strings.EqualFold(name, "User-Agent") && values[0] == userAgent(),
		strings.EqualFold(name, "Accept") && values[0] == "*/*",
		strings.EqualFold(name, "Content-Type") && multipart && strings.HasPrefix(values[0], "multipart/form-data; boundary=gatepass-"),
		strings.EqualFold(name, "Content-Type") && values[0] == formType && len(args) > 0:
		return
	}
	for _, v := range values {
		switch {
		case isSecretField(name) || c.app.Secrets.Text(name+": "+v) != name+": "+v:
			variable := strings.ToUpper(strings.Map(func(r rune) rune {
				if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
					return r
				}
				return '_'
			}, name))
			c.note("the value of %s is not printed: put it into the variable %s", name, variable)
			c.groups = append(c.groups, []string{"-H", view.Expanded(name+": ", "$"+variable)})
		case v == "":
			c.add("-H", name+";")
		default:
			c.add("-H", name+": "+v)
		}
	}
}

// formType is the media type that curl sends with a body unasked.
const formType = "application/x-www-form-urlencoded"

// body adds the flags by which curl sends the same body.
func (c *curlCommand) body() {
	args := c.request.Body.Curl
	for i := 0; i+1 < len(args); i += 2 {
		c.add(args[i], args[i+1])
	}
}

// url adds the URL, and keeps curl from changing it.
func (c *curlCommand) url() {
	u := c.request.URL.String()
	if strings.ContainsAny(u, "[]{}") {
		c.groups[0] = append(c.groups[0], "-g")
	}
	if path := c.request.URL.EscapedPath() + "/"; strings.Contains(path, "/./") || strings.Contains(path, "/../") {
		c.groups[0] = append(c.groups[0], "--path-as-is")
	}
	c.add(u)
}

// curlTime is a time as curl takes it.
func curlTime(s span) string {
	return strconv.FormatFloat(time.Duration(s).Seconds(), 'f', -1, 64)
}
