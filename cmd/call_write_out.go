package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/caller"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/view"
)

// printFormat prints what -w asks for, after an answer or after there was none.
func (a *call) printFormat(ctx context.Context, resp *caller.Response, err error) error {
	if len(a.format) == 0 {
		return nil
	}
	o := &outcome{call: a, resp: resp, err: err}
	if err != nil {
		o.exit = classify(ctx, err).Kind.ExitCode()
	}
	if resp != nil {
		o.timings = resp.Timings()
	}
	out, errs, unknown := a.format.Print(view.WriteOutValues{Variable: o.variable, Header: o.header}, err != nil)
	for i, name := range unknown {
		known := ""
		if i == len(unknown)-1 {
			known = "; there are " + strings.Join(writeOutNames(), ", ") + ", header_json and json"
		}
		a.note("-w: there is no variable %q%s", name, known)
	}
	if a.app.IO.OutTerminal {
		out = iostreams.VisibleLines(out)
	}
	if _, werr := io.WriteString(a.app.IO.Out, out); werr != nil {
		return werr
	}
	_, werr := io.WriteString(a.app.IO.Err, iostreams.VisibleLines(errs))
	return werr
}

// outcome is what came of a call, for the variables of -w. Resp is nil where there
// was no answer.
type outcome struct {
	*call
	resp    *caller.Response
	err     error
	exit    int
	timings caller.Timings
}

// seconds is a time that -w prints as curl does, in seconds.
type seconds time.Duration

func (s seconds) text() string { return fmt.Sprintf("%.6f", time.Duration(s).Seconds()) }

// variable is the text of a variable.
func (o *outcome) variable(name string) (text string, known bool) {
	switch name {
	case "header_json":
		return o.headerJSON(), true
	case "json":
		return o.json(), true
	}
	v := o.value(name)
	switch v := v.(type) {
	case nil:
		return "", false
	case seconds:
		return v.text(), true
	case httpStatus:
		return fmt.Sprintf("%03d", int(v)), true
	}
	return fmt.Sprint(v), true
}

// httpStatus is a status, 0 where there was none.
type httpStatus int

// writeOutNames are the variables that %{json} has, in its order.
func writeOutNames() []string {
	return []string{
		"content_type", "errormsg", "exitcode", "filename_effective", "http_code", "http_version", "local_ip", "local_port", "method",
		"num_headers", "num_redirects", "redirect_url", "remote_ip", "remote_port", "response_code", "scheme",
		"size_download", "size_upload", "speed_download", "speed_upload", "time_appconnect", "time_connect", "time_namelookup",
		"time_pretransfer", "time_redirect", "time_starttransfer", "time_total", "url", "url_effective",
	}
}

// value is what a variable stands for, as curl has it; nil: there is none.
func (o *outcome) value(name string) any {
	t := o.timings
	switch name {
	case "errormsg":
		return o.message()
	case "exitcode":
		return o.exit
	case "filename_effective":
		return o.savedTo()
	case "method":
		return o.request.Method
	case "scheme":
		return o.effective().scheme
	case "size_download":
		return o.answer.transfer.down.Bytes()
	case "size_upload":
		return o.answer.transfer.up.Bytes()
	case "speed_download":
		return speed(o.answer.transfer.down.Bytes(), t.Total)
	case "speed_upload":
		return speed(o.answer.transfer.up.Bytes(), t.Total)
	case "time_namelookup":
		return seconds(t.DNS)
	case "time_connect":
		return seconds(t.Connect)
	case "time_appconnect":
		return seconds(t.TLS)
	case "time_pretransfer":
		return seconds(max(t.DNS, t.Connect, t.TLS))
	case "time_redirect":
		return seconds(t.Redirects)
	case "time_starttransfer":
		return seconds(t.FirstByte)
	case "time_total":
		return seconds(t.Total)
	case "url":
		return o.app.Secrets.Text(o.request.URL.String())
	case "url_effective":
		return o.effective().url
	}
	return o.ofAnswer(name)
}

// ofAnswer are the variables that stand for nothing much where there is no answer.
func (o *outcome) ofAnswer(name string) any {
	code, hops, header, protocol := 0, 0, map[string][]string(nil), ""
	if o.resp != nil {
		code, hops, header, protocol = o.resp.StatusCode, len(o.resp.Hops), o.resp.Header, o.resp.Proto
	}
	switch name {
	case "http_code", "response_code":
		return httpStatus(code)
	case "http_version":
		return strings.TrimSuffix(strings.TrimPrefix(protocol, "HTTP/"), ".0")
	case "content_type":
		return o.header("Content-Type")
	case "num_headers":
		n := 0
		for _, values := range header {
			n += len(values)
		}
		return n
	case "num_redirects":
		return hops
	case "redirect_url":
		return o.redirect()
	case "local_ip", "local_port", "remote_ip", "remote_port":
		return o.end(name)
	}
	return nil
}

// end is the address or port of one end of the connection; as curl has it, nothing and
// 0 where there is none.
func (o *outcome) end(name string) any {
	var local, remote netip.AddrPort
	if o.resp != nil {
		local, remote = o.resp.Connection()
	}
	at, what, _ := strings.Cut(name, "_")
	end := map[string]netip.AddrPort{"local": local, "remote": remote}[at]
	switch {
	case what == "port":
		return int(end.Port())
	case end.IsValid():
		return end.Addr().Unmap().String()
	}
	return ""
}

func (o *outcome) header(name string) string {
	if o.resp == nil {
		return ""
	}
	return o.resp.Header.Get(name)
}

func (o *outcome) message() string {
	if o.err == nil {
		return ""
	}
	return o.app.clean(o.err.Error())
}

func (o *outcome) savedTo() string {
	if !o.answer.saved {
		return ""
	}
	return o.answer.file
}

// where is where the last request went.
type where struct{ url, scheme string }

func (o *outcome) effective() where {
	u := o.request.URL
	if o.resp != nil && o.resp.Request != nil {
		u = o.resp.Request.URL
	}
	return where{o.app.Secrets.Text(u.String()), u.Scheme}
}

// redirect is where a redirect that was not followed leads.
func (o *outcome) redirect() string {
	location := o.header("Location")
	if location == "" || o.resp.StatusCode/100 != 3 {
		return ""
	}
	u, err := o.resp.Request.URL.Parse(location)
	if err != nil {
		return ""
	}
	return o.app.Secrets.Text(u.String())
}

// speed is in bytes a second.
func speed(n int64, d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64(float64(n) / d.Seconds())
}

// headerJSON are the headers of the answer, their names in lower case.
func (o *outcome) headerJSON() string {
	lower := map[string][]string{}
	if o.resp != nil {
		for name, values := range o.resp.Header {
			lower[strings.ToLower(name)] = values
		}
	}
	return compactJSON(lower)
}

// json is every variable as a member of an object.
func (o *outcome) json() string {
	var b strings.Builder
	for i, name := range writeOutNames() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(name) + ":")
		if v, ok := o.value(name).(seconds); ok {
			b.WriteString(v.text())
		} else {
			b.WriteString(compactJSON(o.value(name)))
		}
	}
	return "{" + b.String() + "}"
}

func compactJSON(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return "null" // strings, numbers and lists of them can be encoded
	}
	return strings.TrimSpace(b.String())
}
