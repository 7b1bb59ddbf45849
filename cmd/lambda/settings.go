package main

import (
	"fmt"
	"strings"
	"time"

	"gatepass/pkg/verify"
)

// Settings are what the environment of the function says. The names of the
// variables are promises: see docs/deploy.md.
type settings struct {
	authorizer place         // where the authorizer file is
	refresh    time.Duration // how often it is read again; zero: never
	maxStale   time.Duration // how old the last good one may become; zero: any age
	simple     bool
	jwks       string // a file of the zip or a URL; empty: the issuer's

	introspect bool
	userInfo   bool
	lookUpFor  time.Duration
	client     verify.Client // its secret is not here: see secretFrom
	secret     string        // the secret itself …
	secretFrom place         // … or where it is

	logSubject bool
	namespace  string // of the metrics; empty: none
}

// The least time between two readings of the file, so that no slip of a number
// makes every request wait for S3.
const leastRefresh = time.Second

// reader reads variables, and keeps the first mistakes.
type reader struct {
	getenv func(string) string
	errs   []string
}

func (r *reader) failf(format string, args ...any) {
	r.errs = append(r.errs, fmt.Sprintf(format, args...))
}

// readSettings reads the environment. The error names every mistake.
func readSettings(getenv func(string) string) (settings, error) {
	r := &reader{getenv: getenv}
	s := settings{
		authorizer: r.place("GATEPASS_AUTHORIZER", "authorizer.yaml"),
		refresh:    r.duration("GATEPASS_REFRESH", 0),
		maxStale:   r.duration("GATEPASS_MAX_STALE", 0),
		simple:     r.flag("GATEPASS_SIMPLE"),
		jwks:       getenv("GATEPASS_JWKS"),
		introspect: r.flag("GATEPASS_INTROSPECT"),
		userInfo:   r.flag("GATEPASS_USERINFO"),
		lookUpFor:  r.duration("GATEPASS_LOOKUP_TTL", time.Minute),
		client:     verify.Client{ID: getenv("GATEPASS_CLIENT_ID"), Method: r.method("GATEPASS_CLIENT_AUTH")},
		secret:     getenv("GATEPASS_CLIENT_SECRET"),
		logSubject: r.flag("GATEPASS_LOG_SUBJECT"),
		namespace:  r.namespace("GATEPASS_METRICS"),
	}
	if from := getenv("GATEPASS_CLIENT_SECRET_FROM"); from != "" {
		s.secretFrom = r.place("GATEPASS_CLIENT_SECRET_FROM", "")
	}
	if s.refresh != 0 && s.refresh < leastRefresh {
		r.failf("GATEPASS_REFRESH is %s: want at least %s", s.refresh, leastRefresh)
	}
	if s.maxStale != 0 && s.maxStale <= s.refresh {
		r.failf("GATEPASS_MAX_STALE is %s: want more than GATEPASS_REFRESH, which is %s", s.maxStale, s.refresh)
	}
	r.checkClient(s)
	if len(r.errs) > 0 {
		return s, fmt.Errorf("%s", strings.Join(r.errs, "; "))
	}
	return s, nil
}

// checkClient checks who asks the issuer about tokens.
func (r *reader) checkClient(s settings) {
	secrets := 0
	for _, given := range []bool{s.secret != "", s.secretFrom.kind != ""} {
		if given {
			secrets++
		}
	}
	wants := s.client.Method != verify.ClientNone
	switch {
	case !s.introspect:
	case s.client.ID == "":
		r.failf("GATEPASS_INTROSPECT needs GATEPASS_CLIENT_ID, the client that asks")
	case wants && secrets == 0:
		r.failf("GATEPASS_CLIENT_AUTH is %s and there is no secret: want GATEPASS_CLIENT_SECRET_FROM or GATEPASS_CLIENT_SECRET", s.client.Method)
	case !wants && secrets > 0:
		r.failf("GATEPASS_CLIENT_AUTH is none, and there is a secret: want post or basic, as the app is set at the issuer")
	case secrets > 1:
		r.failf("GATEPASS_CLIENT_SECRET and GATEPASS_CLIENT_SECRET_FROM are both set: want one of them")
	}
}

func (r *reader) flag(name string) bool {
	switch v := strings.ToLower(r.getenv(name)); v {
	case "", "0", "false", "no", "off":
	case "1", "true", "yes", "on":
		return true
	default:
		r.failf("%s is %q: want 1 or 0", name, clip(v))
	}
	return false
}

func (r *reader) duration(name string, unset time.Duration) time.Duration {
	v := r.getenv(name)
	if v == "" {
		return unset
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		r.failf("%s is %q: want a length of time such as 60s or 5m", name, clip(v))
		return unset
	}
	return d
}

func (r *reader) method(name string) verify.ClientMethod {
	switch m := verify.ClientMethod(strings.ToLower(r.getenv(name))); m {
	case "":
		if r.getenv("GATEPASS_CLIENT_SECRET") == "" && r.getenv("GATEPASS_CLIENT_SECRET_FROM") == "" {
			return verify.ClientNone
		}
		return verify.ClientPost // what OneLogin's tutorial sets
	case verify.ClientNone, verify.ClientPost, verify.ClientBasic:
		return m
	}
	r.failf("%s is %q: want none, post or basic", name, clip(r.getenv(name)))
	return verify.ClientNone
}

// namespace is that of the metrics (CloudWatch API Reference, PutMetricData: up to
// 255 characters, not beginning with AWS/).
func (r *reader) namespace(name string) string {
	switch v := r.getenv(name); {
	case v == "":
		return "gatepass"
	case strings.EqualFold(v, "off"), v == "0":
		return ""
	case len(v) > 255, strings.HasPrefix(v, "AWS/"), strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c > '~' }):
		r.failf("%s is %q: want a namespace of CloudWatch, or off", name, clip(v))
		return ""
	default:
		return v
	}
}

func (r *reader) place(name, unset string) place {
	v := r.getenv(name)
	if v == "" {
		v = unset
	}
	p, err := parsePlace(v)
	if err != nil {
		r.failf("%s: %s", name, err)
	}
	return p
}

// clip shortens text from outside for a message.
func clip(s string) string {
	const most = 120
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
