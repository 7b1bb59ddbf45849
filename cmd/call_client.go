package cmd

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"gatepass/pkg/caller"
	"gatepass/pkg/fault"
	"gatepass/pkg/human"
	"gatepass/pkg/iostreams"
)

// connectionFlags say how a request is made.
type connectionFlags struct {
	follow, verbose, http1, insecure bool
	redirects, retries               int
	timeout, connect, backoff        span
	cacert                           string
}

// mostRedirects is how many redirects -L follows unless --max-redirs says it.
const mostRedirects = 10

// mostRetries is the most that --retry takes: a typing error must not run for a
// month.
const mostRetries = 100

func (f *connectionFlags) define(fs *pflag.FlagSet) {
	fs.BoolVarP(&f.follow, "location", "L", false, "follow redirects")
	fs.IntVar(&f.redirects, "max-redirs", mostRedirects, "the most redirects that -L follows, a `number`")
	fs.VarP(&f.timeout, "max-time", "m", "`time` for everything, such as 30s (default none)")
	fs.Var(&f.timeout, "timeout", "another name of --max-time, a `time`")
	_ = fs.MarkHidden("timeout") // it is there
	fs.Var(&f.connect, "connect-timeout", "`time` to reach the host (default 15s)")
	fs.IntVar(&f.retries, "retry", 0, "try again so many `times` after 408, 429, 500, 502, 503 and 504, and without a connection")
	fs.Var(&f.backoff, "retry-delay", "`time` before the first retry, then twice as long each time (default 1s, or Retry-After)")
	fs.StringVar(&f.cacert, "cacert", "", "PEM `file` with more certificates to trust")
	fs.BoolVarP(&f.insecure, "insecure", "k", false, "")
	_ = fs.MarkHidden("insecure") // it says what there is instead
	fs.BoolVar(&f.http1, "http1.1", false, "keep to HTTP/1.1")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "show what is sent and received, without secrets")
}

func (f *connectionFlags) check() error {
	switch {
	case f.insecure:
		return fault.New(fault.Usage, "there is no way around a certificate").
			WithHint("trust the server's: --cacert FILE, or ca_file in your own settings")
	case f.redirects < 0:
		return fault.New(fault.Usage, "--max-redirs is %d, want 0 or more", f.redirects)
	case f.retries < 0 || f.retries > mostRetries:
		return fault.New(fault.Usage, "--retry is %d, want 0 to %d", f.retries, mostRetries)
	}
	return nil
}

func (a *call) client() (*caller.Client, error) {
	o := caller.Options{
		Proxy: http.ProxyFromEnvironment, Timeout: time.Duration(a.timeout), Connect: time.Duration(a.connect),
		Retries: a.retries, Backoff: time.Duration(a.backoff), Retrying: a.retrying,
		HTTP1: a.http1,
	}
	if a.retries > 0 && a.request.Body.Once {
		a.note("the body can be read only once, so that nothing is tried again")
	}
	if a.follow {
		o.Redirects = a.redirects
	}
	var err error
	if o.Roots, err = readRoots(a.rootFiles()); err != nil {
		return nil, err
	}
	if a.verbose {
		o.Line = func(d caller.Direction, s string) {
			fmt.Fprintf(a.app.IO.Err, "%c %s\n", d, iostreams.Visible(a.app.Secrets.Text(s)))
		}
	}
	return caller.New(o)
}

// rootFiles are the files with certificates to trust besides the system's.
func (a *call) rootFiles() []string {
	files := slices.Clone(a.profile.CAFiles)
	if a.cacert != "" {
		files = append(files, a.cacert)
	}
	return files
}

func (a *call) retrying(r caller.Retry) {
	wait := "at once"
	if r.Wait >= time.Second {
		wait = "in " + human.Span(r.Wait)
	}
	a.note("%s; trying again %s (%d of %d)", r.Why, wait, r.Number, r.Of)
}
