package cmd

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"gatepass/pkg/apigw"
	"gatepass/pkg/fault"
	"gatepass/pkg/gateway"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/view"
)

// logFlags say which logs are written besides the line for each request.
type logFlags struct {
	access, format, execution string
}

func (l *logFlags) add(f *pflag.FlagSet) {
	f.StringVar(&l.access, "access-log", "", "append a line for each request to this `file`; - is standard error, in place of our own lines")
	f.StringVar(&l.format, "access-log-format", "", "`format` of it: clf, json, csv, xml, or text with variables of $context (default json)")
	f.StringVar(&l.execution, "execution-log", "", "append what API Gateway's execution log would say to this `file`; - is standard error")
}

// gatewayLog tells of requests, one after another.
type gatewayLog struct {
	g  *gatewayCommand
	mu sync.Mutex

	printer *view.Printer // nil: no lines of our own
	enc     *json.Encoder
	access  io.Writer // nil: none
	exec    io.Writer
	files   []*os.File
	broken  bool // a log cannot be written, which was said
}

// openLogs opens what the flags name. Files are appended to, as only their owner may
// read them: logs tell who called what.
func (g *gatewayCommand) openLogs() (*gatewayLog, error) {
	l := &gatewayLog{g: g}
	if g.logs.format != "" && g.logs.access == "" {
		return nil, fault.New(fault.Usage, "--access-log-format is the format of --access-log").WithHint("say where it goes: --access-log access.log, or --access-log - for standard error")
	}
	if _, named := apigw.AccessLogFormat(apigw.REST, g.logs.format); g.logs.format != "" && !named && !strings.Contains(g.logs.format, "$context.") {
		return nil, fault.New(fault.Usage, "want --access-log-format as clf, json, csv or xml, or a text with variables, got %q", g.logs.format).
			WithHint("for example '$context.requestId $context.status $context.authorizer.error'")
	}
	var err error
	if l.access, err = l.open(g.logs.access); err == nil {
		l.exec, err = l.open(g.logs.execution)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	l.enc = json.NewEncoder(g.app.IO.Err)
	l.enc.SetEscapeHTML(false)
	if g.logs.access != "-" {
		l.printer = view.NewPrinter(g.app.IO.Err, g.app.IO.ErrColor, g.app.IO.Width, g.app.Now)
	}
	return l, nil
}

func (l *gatewayLog) open(path string) (io.Writer, error) {
	switch path {
	case "":
		return nil, nil
	case "-":
		return l.g.app.IO.Err, nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fileError(err)
	}
	l.files = append(l.files, f)
	return f, nil
}

func (l *gatewayLog) close() {
	for _, f := range l.files {
		_ = f.Close() // every line has been written
	}
}

// format is the format of the access log of a kind of API.
func (l *gatewayLog) format(k apigw.Kind) string {
	name := l.g.logs.format
	if name == "" {
		name = "json"
	}
	if format, ok := apigw.AccessLogFormat(k, name); ok {
		return format
	}
	return name
}

// requests is told of each request to an API.
func (l *gatewayLog) requests(k apigw.Kind) func(*gateway.Record) {
	format := l.format(k)
	return func(r *gateway.Record) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.line(r)
		if l.access != nil {
			l.write(l.access, r.AccessLog(format))
		}
		if l.exec != nil {
			l.write(l.exec, r.ExecutionLog()...)
		}
	}
}

// line writes the line of our own about a request.
func (l *gatewayLog) line(r *gateway.Record) {
	switch {
	case l.printer == nil:
	case l.g.json:
		_ = l.enc.Encode(l.g.jsonLine(r)) // nobody reads stderr any more, which is no reason to stop
	default:
		l.printer.Line(l.g.textLine(l.printer, r)...)
	}
}

// misdirected is told of a request that was for nobody here. No API was asked, so that
// the logs of the API do not have it.
func (l *gatewayLog) misdirected(r *http.Request, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line(&gateway.Record{Method: r.Method, Path: r.URL.EscapedPath(), Status: http.StatusMisdirectedRequest, Reason: why, Start: l.g.app.Now()})
}

// write writes lines, less the secrets that are known.
func (l *gatewayLog) write(to io.Writer, lines ...string) {
	if len(lines) == 0 {
		return
	}
	for i := range lines {
		lines[i] = l.g.app.clean(lines[i])
	}
	if _, err := io.WriteString(to, strings.Join(lines, "\n")+"\n"); err != nil && !l.broken {
		l.broken = true
		l.g.note("a log cannot be written any more: " + err.Error())
	}
}

// handled is a request in the JSON form of the log.
type handled struct {
	SchemaVersion int    `json:"schemaVersion"`
	Time          string `json:"time"`
	RequestID     string `json:"requestId"`
	Method        string `json:"method"`
	Path          string `json:"path"`
	Status        int    `json:"status"`
	Reason        string `json:"reason"`
	Said          string `json:"authorizer,omitempty"` // what the authorizer said, if it was asked
	Cached        bool   `json:"cached"`
	Opened        bool   `json:"opened,omitempty"` // the route's authorizer was not asked: it cannot be run
	Error         string `json:"error,omitempty"`
	Microseconds  int64  `json:"microseconds"`
}

func (g *gatewayCommand) jsonLine(r *gateway.Record) handled {
	h := handled{
		SchemaVersion: 1, Time: r.Start.UTC().Format(time.RFC3339Nano), RequestID: r.ID, Method: r.Method, Path: g.app.clean(r.Path),
		Status: r.Status, Reason: g.app.clean(r.Reason), Said: g.app.clean(r.Said), Cached: r.Verdict != nil && r.Verdict.Cached, Opened: r.Opened, Microseconds: r.Took.Microseconds(),
	}
	if r.Backend != nil {
		h.Error = g.app.clean(r.Backend.Error())
	}
	return h
}

// longestPath is how much of a path a line for people shows, in characters.
const longestPath = 200

func (g *gatewayCommand) textLine(p *view.Printer, r *gateway.Record) []string {
	status := strconv.Itoa(r.Status)
	switch {
	case r.Status >= 500:
		status = p.Warn(status)
	case r.Status >= 400:
		status = p.Bad(status)
	default:
		status = p.Good(status)
	}
	return []string{
		p.Dim(r.Start.Format("15:04:05")), r.Method, iostreams.Visible(cutText(cmp.Or(r.Path, "-"), longestPath)), status,
		iostreams.Visible(g.app.Secrets.Text(why(r))), p.Dim(r.Took.Round(time.Microsecond).String()),
	}
}

// why is what decided about a request, in a line. What our authorizer says of its
// refusals says more than how the gateway saw them.
func why(r *gateway.Record) string {
	reason := r.Reason
	switch {
	case r.Said == "":
	case r.Status == http.StatusUnauthorized:
		reason = r.Said
	default:
		reason += "; " + r.Said
	}
	if r.Verdict != nil && r.Verdict.Cached {
		reason += " (cached)"
	}
	if r.Opened {
		reason = "OPEN, its authorizer cannot be run; " + reason
	}
	if r.Backend != nil {
		reason += ": " + r.Backend.Error()
	}
	return reason
}
