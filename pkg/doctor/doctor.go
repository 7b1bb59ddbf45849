// Package doctor examines a set-up: the settings, the way to the issuer and the
// API, what the issuer says of the client, the ports of the redirect URIs, the
// stored login and the authorizer file.
//
// It promises that an examination changes nothing: it logs nobody in, sends no
// token, and sends the client secret to the issuer's token endpoint only; that
// every check has a time limit of its own and the whole has one; and that every
// finding that is not good says why it matters and what to change. Text of
// servers in findings has not been made safe for a terminal.
//
// It reads nothing of the process: clock, environment, secret and store come in
// as [Options].
package doctor

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"gatepass/pkg/authorizer"
	"gatepass/pkg/crash"
	"gatepass/pkg/secret"
)

// Limits of an examination.
const (
	// Limit is how long all of it may take.
	Limit = 30 * time.Second
	// checkLimit is how long one request or look-up may take.
	checkLimit = 9 * time.Second
)

// Result is what came of a check.
type Result string

// The results.
const (
	OK      Result = "ok"
	Warning Result = "warning" // it works, or may, but not as it should
	Failed  Result = "failed"
	Skipped Result = "skipped" // there was nothing to check, or no way to
)

// Finding is what one check found.
type Finding struct {
	Check   string // a short name that stays the same: settings, proxy, dns, ...
	Subject string // of what, where there are several: a host, a redirect URI
	Result  Result
	What    string   // what was found, a line
	Why     string   // why it matters, where something is wrong
	Change  string   // what to change
	Details []string // more lines
	// Terraform is a fragment for those who keep their OneLogin apps in
	// Terraform, where the change is one of the app.
	Terraform string
	// Network says that the way there is what failed.
	Network bool

	unknown bool // the issuer does not know the client
}

// Report is all findings, in the order of the checks.
type Report struct{ Findings []Finding }

// Well reports whether nothing is wrong.
func (r Report) Well() bool {
	for _, f := range r.Findings {
		if f.Result == Warning || f.Result == Failed {
			return false
		}
	}
	return true
}

// NetworkOnly reports whether something is wrong, and all of it with the network.
func (r Report) NetworkOnly() bool {
	for _, f := range r.Findings {
		if (f.Result == Warning || f.Result == Failed) && !f.Network {
			return false
		}
	}
	return !r.Well()
}

// Setting is a setting as it is shown.
type Setting struct{ Key, Value, From string }

// API is the API that is called.
type API struct {
	URL            string // empty: none is set
	Path           string // that is asked, below URL; empty: /
	Token          string // access or id
	Header, Scheme string // where the token goes
}

// Login is what is known of the stored login.
type Login struct {
	Name     string // empty: there is none
	LoggedIn bool
	Expiry   time.Time // of the access token; zero: unknown
	Renewed  bool      // it is renewed without a login
	Store    string    // keyring, file or memory
	Where    string
}

// CAFile is a file with certificates to trust besides the system's.
type CAFile struct {
	Path string
	PEM  []byte
}

// Options are what is examined, and the means.
type Options struct {
	Profile, Why string // its name, and why it is this one
	Settings     []Setting

	Issuer, ClientID string
	IssuerNote       string // how the issuer differs from what the settings say
	Auth             string // none, post or basic
	RedirectURIs     []string
	// Sharing are the logins at issuers of somebody else's that have one of these
	// redirect URIs, too, as the end of a sentence.
	Sharing  []string
	Scopes   []string
	Resource string
	CAFiles  []CAFile
	API      API
	// AuthorizerFile is the path of the authorizer file, empty where none is set.
	AuthorizerFile string

	Client *http.Client // its transport is used; nil: the default
	Now    func() time.Time
	Getenv func(string) string
	// Proxy chooses the proxy of a request; nil: none.
	Proxy func(*http.Request) (*url.URL, error)
	// Resolve looks a host up; nil: as usual.
	Resolve func(ctx context.Context, host string) ([]string, error)
	// Listen is where a login listens, an address with or without a port; empty: at
	// the redirect URIs.
	Listen string
	// PortOwner names the program that has a port, empty where that is not known,
	// and the command that finds out. It may be nil.
	PortOwner func(port int) (owner, command string)
	// Keys counts the keys that can be used in a key set.
	Keys func(name string, data []byte) (int, error)
	// Secret is the client secret.
	Secret func(ctx context.Context) (secret.String, error)
	// Store is the kind of store that the settings ask for, empty where they leave
	// it open. Keyring reads from the system's keyring; nil: there is none.
	Store   string
	Keyring func() error
	// Login looks at the stored login.
	Login func() (Login, error)
	// Authorizer reads the authorizer file.
	Authorizer func() (*authorizer.File, error)
}

// examination is one run.
type examination struct {
	Options
	issuer *url.URL // nil: none that can be asked
	api    *url.URL // nil: none that can be asked
}

// Run examines a set-up. Checks that do not need each other run at the same
// time. It returns when all is done, Limit has passed or the context ends.
func Run(ctx context.Context, o Options) Report {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	e := &examination{Options: o, issuer: asked(o.Issuer), api: asked(o.API.URL)}
	return Report{e.together(
		ctx, e.settings, e.proxy, e.roots, e.names, e.atIssuer, e.ports, e.login, e.atAPI, e.authorizer,
	)}
}

// asked is a URL that requests can be made to.
func asked(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	return u
}

// together runs checks at the same time, and gives their findings in order.
func (e *examination) together(ctx context.Context, checks ...func(context.Context) []Finding) []Finding {
	found := make([][]Finding, len(checks))
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() {
			if err := crash.Catch(func() { found[i] = check(ctx) }); err != nil {
				found[i] = one(Finding{
					Check: "gatepass", Result: Failed, What: err.Error(), Why: "a check could not be made", Change: "please report it",
				})
			}
		})
	}
	wg.Wait()
	var all []Finding
	for _, f := range found {
		all = append(all, f...)
	}
	return all
}

// one is a list of one finding.
func one(f Finding) []Finding { return []Finding{f} }

func ok(check, what string) Finding { return Finding{Check: check, Result: OK, What: what} }

func skipped(check, what string) Finding { return Finding{Check: check, Result: Skipped, What: what} }
