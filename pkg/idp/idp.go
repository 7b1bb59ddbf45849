// Package idp is an OpenID Connect provider that behaves like OneLogin's, for
// demonstrations, tests and CI. It owns the stand-in's users, clients, APIs,
// pages, tokens and the shapes of its answers, and promises that what a client
// sees (paths, discovery, claims and their order, kinds of client
// authentication, error texts) is what is publicly known of OneLogin from its
// documentation and from published answers and tokens. Where nothing is known of OneLogin the behaviour is that of
// node-oidc-provider 5, on which OneLogin seems to be built; such places are
// marked "inferred".
//
// Everything lives in memory and ends with the process. It proves nobody's
// identity: whoever can reach it may log in as anybody without a password.
package idp

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// IssuerPath is what OneLogin appends to a tenant's address to name the issuer.
const IssuerPath = "/oidc/2"

// Options say what a [Server] is to be. Only Base must be set.
type Options struct {
	// Base is where the server is reached: scheme, host and port, without a path,
	// such as http://127.0.0.1:9998. The issuer is Base with [IssuerPath].
	Base string
	// Settings are the users, clients and APIs; nil means [Default] with
	// RedirectURIs.
	Settings *Settings
	// RedirectURIs are registered for every client, in addition to its own.
	RedirectURIs []string
	// Key signs the tokens; nil means a new RSA key of 2048 bits.
	Key *rsa.PrivateKey
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Rand is where codes and identifiers come from; nil means crypto/rand.
	Rand io.Reader
	// AutoLogin is the username of who is logged in without any page. While it is
	// set, a login_hint with the username of somebody else logs in that person.
	AutoLogin string
	// OnEvent, if set, is told what happens. It is called from the goroutine of
	// the request and must not call back into the server.
	OnEvent func(Event)
}

// Event is something that happened at the server, for a person who watches it.
// It never holds a token or a secret.
type Event struct {
	Time   time.Time
	What   string // such as "login", "token" or "refused"
	Client string // client id, or empty; as the request said it
	User   string // username, or empty
	Detail string // more about it, or empty; may hold text of the request
}

// Server is the stand-in. Make one with [New]. It is safe for concurrent use.
type Server struct {
	base, issuer string
	clients      map[string]*Client
	settings     *Settings
	autoLogin    *User
	now          func() time.Time
	started      time.Time
	onEvent      func(Event)
	cookies      cookieNames
	routes       map[string]route

	random struct {
		sync.Mutex
		io.Reader
	}
	keys  keyRing
	state state
}

// New makes a stand-in. Errors name the option that is wrong.
func New(o Options) (*Server, error) {
	base, err := checkBase(o.Base)
	if err != nil {
		return nil, err
	}
	settings, err := o.settings()
	if err != nil {
		return nil, err
	}
	s := &Server{
		base: base, issuer: base + IssuerPath,
		settings: settings, clients: make(map[string]*Client),
		now: o.Now, onEvent: o.OnEvent, cookies: cookiesFor(base),
	}
	for i := range settings.Clients {
		s.clients[settings.Clients[i].ID] = &settings.Clients[i]
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.started = s.now()
	if s.random.Reader = o.Rand; o.Rand == nil {
		s.random.Reader = rand.Reader
	}
	if o.AutoLogin != "" {
		if s.autoLogin = settings.user(o.AutoLogin); s.autoLogin == nil {
			return nil, fmt.Errorf("no user %q to log in automatically: there are %s", o.AutoLogin, settings.usernames())
		}
	}
	key := o.Key
	if key == nil {
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, fmt.Errorf("make a signing key: %w", err)
		}
	}
	if err := s.keys.add(key); err != nil {
		return nil, err
	}
	s.routes = s.table()
	return s, nil
}

// settings are the settings to use, with the extra redirect URIs: a copy, so
// that two servers may share one Settings.
func (o *Options) settings() (*Settings, error) {
	for _, uri := range o.RedirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			return nil, fmt.Errorf("redirect URI %q: %w", uri, err)
		}
	}
	if o.Settings == nil {
		return Default(o.RedirectURIs...), nil
	}
	return o.Settings.with(o.RedirectURIs), nil
}

// checkBase takes an origin apart and puts it together again.
func checkBase(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("base address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", errors.New("the base address must be like http://127.0.0.1:9998: scheme, host and port and nothing else")
	}
	return u.Scheme + "://" + u.Host, nil
}

// Issuer is the issuer of the tokens, without a slash at its end.
func (s *Server) Issuer() string { return s.issuer }

// Settings are the users, clients and APIs the server works with. They must not
// be changed.
func (s *Server) Settings() *Settings { return s.settings }

// Rotate makes another key the active one. The keys before it stay in the key
// set, as OneLogin's do while they are "draining"; nil means a new key.
func (s *Server) Rotate(key *rsa.PrivateKey) error {
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return fmt.Errorf("make a signing key: %w", err)
		}
	}
	return s.keys.add(key)
}

// route is what a path does: by method, and whether pages of other origins may
// read the answer.
type route struct {
	methods map[string]http.HandlerFunc
	cors    bool
}

// table is every path there is. /register is advertised by OneLogin, open use of
// it is not established: it asks for a token that nobody has.
func (s *Server) table() map[string]route {
	get := func(h http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{http.MethodGet: h, http.MethodHead: h}
	}
	post := func(h http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{http.MethodPost: h}
	}
	both := func(h http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{http.MethodGet: h, http.MethodPost: h}
	}
	const at = IssuerPath
	return map[string]route{
		at + "/.well-known/openid-configuration": {get(s.discovery), true},
		at + "/certs":                            {get(s.certs), true},
		at + "/auth":                             {both(s.authorize), false},
		at + "/token":                            {post(s.api(s.token)), true},
		at + "/me":                               {both(s.me), true},
		at + "/token/introspection":              {post(s.api(s.introspect)), true},
		at + "/token/revocation":                 {post(s.revoke), true},
		at + "/logout":                           {get(s.logout), false},
		at + "/register":                         {post(s.register), false},
		loginPath: {map[string]http.HandlerFunc{
			http.MethodGet: s.showLogin, http.MethodPost: s.takeLogin,
		}, false},
		"/": {get(s.home), false},
	}
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer: with that, browsers send the login form with "Origin: null".
	h.Set("Referrer-Policy", "same-origin")
	rt, ok := s.routes[r.URL.Path]
	if ok && rt.cors && allowOrigin(w, r) {
		return
	}
	handler := rt.methods[r.Method]
	if handler == nil {
		// The text is OneLogin's for a wrong path.
		writeError(w, &protocolError{http.StatusNotFound, "invalid_request", "unrecognized route or not allowed method"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	handler(w, r)
}

// maxBody is the largest request body, in bytes.
const maxBody = 64 << 10

// allowOrigin lets pages of other origins read what they need: public clients in
// browsers call these endpoints themselves. It reports whether that was all
// there was to do.
func allowOrigin(w http.ResponseWriter, r *http.Request) (done bool) {
	h := w.Header()
	h.Set("Vary", "Origin")
	if r.Header.Get("Origin") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "WWW-Authenticate")
	if r.Method != http.MethodOptions {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", "3600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// register refuses every registration.
func (s *Server) register(w http.ResponseWriter, _ *http.Request) {
	writeError(w, &protocolError{http.StatusUnauthorized, "invalid_token", "invalid token provided"})
}

// tell reports an event.
func (s *Server) tell(what string, client *Client, user *User, format string, args ...any) {
	if s.onEvent == nil {
		return
	}
	e := Event{Time: s.now(), What: what, Detail: fmt.Sprintf(format, args...)}
	if client != nil {
		e.Client = client.ID
	}
	if user != nil {
		e.User = user.Username
	}
	s.onEvent(e)
}
