package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"gatepass/pkg/authorizer"
	"gatepass/pkg/awsapi"
	"gatepass/pkg/awsapi/sigv4"
	"gatepass/pkg/crash"
	"gatepass/pkg/function"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
)

// Limits of time. Lambda gives a function 10 seconds to start.
const (
	startLimit = 8 * time.Second
	keysRetry  = 2 * time.Second // while there are none at all
)

// machine is what the function is started with.
type machine struct {
	getenv func(string) string
	now    func() time.Time
	out    io.Writer // the log
	http   *http.Client
}

// parts are what a function is built of.
type parts struct {
	machine
	settings settings
	log      *journal
	store    store
	ask      *asker

	mu   sync.Mutex
	keys map[string]verify.KeySource // by issuer; kept when the file changes
	zip  *verify.KeySet              // the keys of GATEPASS_JWKS, when that is a file
	one  *verify.Remote              // … and when it is a URL
}

// start makes the handler and gets at hand what a request needs: the authorizer file
// and the keys. What cannot be had is said in the log, and tried again by requests.
func start(ctx context.Context, m machine) *handler {
	s, err := readSettings(m.getenv)
	log := newJournal(m.out, m.now, m.getenv("AWS_LAMBDA_FUNCTION_NAME"), s.namespace)
	h := &handler{log: log, now: m.now, logSubject: s.logSubject}
	if err != nil {
		log.fail("the settings of the function are wrong: nothing is decided", err)
		h.broken = fmt.Errorf("the settings of the function are wrong: %w", err)
		return h
	}
	p := newParts(m, s, log)
	h.current = &current{place: s.authorizer, refresh: s.refresh, maxStale: s.maxStale, read: p.store.read, build: p.build, log: log}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	f, err := h.current.function(ctx, m.now())
	if err != nil {
		log.fail("nothing is decided until the authorizer file and what it needs can be had", err)
		return h
	}
	p.fetchKeys(ctx, f)
	return h
}

func newParts(m machine, s settings, log *journal) *parts {
	p := &parts{machine: m, settings: s, log: log, keys: map[string]verify.KeySource{}}
	p.store = store{root: m.getenv("LAMBDA_TASK_ROOT"), most: source.MaxYAML, aws: sync.OnceValues(p.client)}
	p.ask = &asker{http: m.http, client: p.issuerClient(), providers: map[string]*verify.Provider{}}
	return p
}

// client makes requests to AWS with the role of the function.
func (p *parts) client() (*awsapi.Client, error) {
	return awsapi.New(awsapi.Options{
		Region: awsapi.Region(p.getenv), Credentials: awsapi.Environment(p.getenv), Sign: sigv4.Sign,
		Endpoint: awsapi.Endpoints(p.getenv), HTTP: p.http, Now: p.now,
	})
}

// issuerClient is who asks the issuer. The secret is got once, when it is needed.
func (p *parts) issuerClient() func(context.Context) (verify.Client, error) {
	var mu sync.Mutex
	as := p.settings.client
	as.Secret = secret.New(p.settings.secret)
	return func(ctx context.Context) (verify.Client, error) {
		mu.Lock()
		defer mu.Unlock()
		if as.Secret.IsZero() && p.settings.secretFrom.kind != "" {
			text, err := p.store.read(ctx, p.settings.secretFrom)
			if err != nil {
				return as, fmt.Errorf("the client secret: %w", err)
			}
			as.Secret = secret.New(strings.TrimSpace(string(text)))
		}
		return as, nil
	}
}

// build makes the function of an authorizer file.
func (p *parts) build(file *authorizer.File) (*function.Function, error) {
	if err := oneIssuer(file, p.settings); err != nil {
		return nil, err
	}
	if err := p.readKeys(); err != nil {
		return nil, err
	}
	return function.New(file, function.Options{
		Verifier: func(e authorizer.Expectation) function.Verifier {
			return verify.NewVerifier(token.Expect{
				Issuer: e.Issuer, Audience: e.Audience, Algorithms: e.Algorithms, Use: e.Use, Leeway: e.Leeway,
			}, p.keysOf(e.Issuer), remembered)
		},
		Refused: verify.IsRefused, Simple: p.settings.simple,
		LookUp: p.ask.lookUp(p.settings), LookUpFor: p.settings.lookUpFor, Remember: remembered,
	}), nil
}

// remembered is of how many tokens a function remembers what it found out: some
// kilobytes each, in functions that may have 128 MB.
const remembered = 2_000

// readKeys reads the keys of GATEPASS_JWKS, when that is a file of the zip.
func (p *parts) readKeys() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := p.settings.jwks
	switch {
	case name == "" || p.zip != nil || p.one != nil:
		return nil
	case strings.HasPrefix(name, "https://"), strings.HasPrefix(name, "http://"):
		p.one = verify.FromURL(name, p.options())
		return nil
	}
	data, err := p.store.readFile(name)
	if err == nil {
		p.zip, err = verify.ParseKeySet(name, data)
	}
	if err != nil {
		return fmt.Errorf("the keys of GATEPASS_JWKS: %w", err)
	}
	return nil
}

// keysOf are the keys of an issuer.
func (p *parts) keysOf(issuer string) verify.KeySource {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.zip != nil:
		return p.zip
	case p.one != nil:
		return p.one
	}
	k := p.keys[issuer]
	if k == nil {
		k = verify.FromIssuer(issuer, p.options())
		p.keys[issuer] = k
	}
	return k
}

func (p *parts) options() verify.Options {
	return verify.Options{
		Client: p.http, Now: p.now, Retry: keysRetry,
		Note: func(text string) { p.log.warn(text, nil) },
		Fetched: func(err error) {
			p.log.count(countKeyFetches)
			if err != nil {
				p.log.count(countKeyFetchErrors)
			}
		},
	}
}

// fetchKeys gets the keys of all issuers at once, before the first request.
func (p *parts) fetchKeys(ctx context.Context, f *function.Function) {
	var all sync.WaitGroup
	for _, e := range f.File().Expectations() {
		all.Go(func() {
			var err error
			if panicked := crash.Catch(func() { _, err = p.keysOf(e.Issuer).KeySet(ctx, "") }); panicked != nil {
				err = panicked
			}
			if err != nil {
				p.log.fail("the keys of "+clip(e.Issuer)+" could not be had; they are asked for again with the next request", err)
			}
		})
	}
	all.Wait()
}
