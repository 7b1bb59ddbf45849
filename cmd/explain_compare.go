package cmd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/caller"
	"gatepass/pkg/config"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
	"gatepass/pkg/verify"
	"gatepass/pkg/view"
)

// inquiry is an answer of an API with all that is known of its request: what
// "explain" and "call" explain.
type inquiry struct {
	app  *App
	p    *config.Profile
	jwks string
	// wanted says whether to find out what would be decided here.
	wanted func([]apigw.Cause) bool

	method, path, query string
	// host is that of the URL, empty where it is not known. Whole says that path is the
	// whole path of a URL that is not below the base URL of the API.
	host          string
	whole         bool
	header        map[string][]string // of the request, the token among it
	tokenHeader   string
	authorization string        // its value in there
	unknown       bool          // whether a token was sent is not known
	veiled        bool          // it was, without its signature
	token         secret.String // that was given; it goes where the API wants it
	claims        *source.Node
	at            time.Time

	status int
	answer map[string][]string
	body   []byte
}

// compareLimit is how long deciding here may take: the keys of the issuer may have
// to be fetched.
const compareLimit = 3 * time.Second

// explain finds the causes, and what would be decided here.
func (q *inquiry) explain(ctx context.Context) view.Explained {
	x := view.Explained{Method: q.method, Path: q.path, Status: q.status}
	d, err := q.define()
	if q.whole {
		q.path = q.withoutStage(d)
		x.Path = q.path
	}
	seen := q.seen()
	if err == nil {
		seen.API, seen.Expect = d.API, d.expectations()
	}
	x.Causes = apigw.ExplainResponse(seen)
	q.cleanCauses(x.Causes)
	if len(x.Causes) > 0 && q.wanted(x.Causes) {
		x.Local = q.compare(ctx, d, err, x.Causes)
	}
	if l := x.Local; l != nil && l.Agrees && x.Causes[0].ID == "implicit-deny" {
		// The files here refuse it, too: no cache is needed for that.
		x.Causes[0].Next, _, _ = strings.Cut(x.Causes[0].Next, " If ")
	}
	return x
}

// cleanCauses takes secrets out of what quotes the answer or the token.
func (q *inquiry) cleanCauses(causes []apigw.Cause) {
	for i := range causes {
		c := &causes[i]
		for _, text := range []*string{&c.Meaning, &c.Next, &c.Sign} {
			*text = q.app.Secrets.Text(*text)
		}
		for j := range c.Facts {
			c.Facts[j] = q.app.Secrets.Text(c.Facts[j])
		}
	}
}

// unsettled reports whether nothing is set about the API and its authorizer.
func (q *inquiry) unsettled() bool {
	d, err := q.p.Definition()
	return err == nil && !d.Defined() && q.p.Authorizer == ""
}

// seen is the answer as the table of causes looks at it.
func (q *inquiry) seen() apigw.Seen {
	_, key := caller.Find(q.header, "x-api-key")
	_, origin := caller.Find(q.header, "Origin")
	_, preflight := caller.Find(q.header, "Access-Control-Request-Method")
	return apigw.Seen{
		Method: q.method, Path: q.path, TokenHeader: q.tokenHeader, Authorization: q.authorization, APIKeySent: key, RequestUnknown: q.unknown,
		Origin: origin, Preflight: preflight && q.method == http.MethodOptions,
		Status: q.status, Header: q.answer, Body: q.body, Claims: q.claims, Time: q.at,
	}
}

// quiet is the app without a voice, and with little patience: what is found out
// for an explanation must not be in its way.
func (q *inquiry) quiet() *App {
	app, streams := *q.app, *q.app.IO
	streams.Err = io.Discard
	app.IO = &streams
	if q.app.HTTP != nil {
		client := *q.app.HTTP
		client.Timeout = compareLimit
		app.HTTP = &client
	}
	return &app
}

// define puts the API of the settings together.
func (q *inquiry) define() (*defined, error) {
	key, _ := caller.Find(q.header, "x-api-key")
	return (&apiFlags{}).define(q.quiet(), q.p, hints{apiKey: key})
}

// expectations are whose tokens the profile's authorizer file takes.
func (d *defined) expectations() []token.Expect {
	if d.file == nil {
		return nil
	}
	var all []token.Expect
	for _, e := range d.file.Expectations() {
		all = append(all, token.Expect{Issuer: e.Issuer, Audience: e.Audience, Use: e.Use, Leeway: e.Leeway})
	}
	return all
}

// compare decides about the request as "authorize" does.
func (q *inquiry) compare(ctx context.Context, d *defined, err error, causes []apigw.Cause) *view.Local {
	cannot := func(why string) *view.Local { return &view.Local{Why: q.app.clean(why)} }
	switch {
	case q.unsettled():
		return cannot("the settings do not say who authorizes the API's requests; name it with --authorizer FILE or --api-file FILE")
	case err != nil:
		return cannot(firstLine(err.Error()))
	case q.elsewhere():
		return cannot("it is an answer of " + q.host + ", and the settings are for " + q.p.API.URL)
	case q.path == "" && d.API.Kind != apigw.WebSocket:
		return cannot("which request it was is not known; give METHOD and PATH")
	}
	ctx, cancel := context.WithTimeout(ctx, compareLimit)
	defer cancel()
	quiet := q.quiet()
	keys, err := issuerKeys(quiet, q.jwks, func(string) {})
	if err != nil {
		return cannot(err.Error())
	}
	var missed error
	watched := func(issuer string) verify.KeySource { return &watchedKeys{keys(issuer), issuer, &missed} }
	s, err := newStage(quiet, d, nil, watched)
	if err != nil {
		return cannot(firstLine(err.Error()))
	}
	defer s.close()
	req := q.request(d.API.Kind)
	z, _ := s.authorizerFor(req)
	if z != nil && s.runners[z.Name].function != nil {
		return cannot("a function of yours decides, which is not run unasked: gatepass authorize " + req.Method + " " + req.Path)
	}
	if err := s.answered(z); err != nil {
		return cannot(err.Error())
	}
	switch {
	case z != nil && q.veiled && q.token.IsZero():
		return cannot("the token is not whole in the file; give it with --token @FILE")
	case z != nil && q.unknown:
		return cannot("which token was sent is not known; give it with --token @FILE")
	}
	if !q.token.IsZero() {
		put(req, s.tokenPlace(z), q.token.Reveal())
	}
	j := &judgement{inquiry: q, stage: s, by: z, here: s.decide(ctx, req, identity{now: q.at}, nil), there: causes[0]}
	if missed != nil {
		return cannot(firstLine(missed.Error()))
	}
	return j.local()
}

// request is the request as it arrived at API Gateway, as far as is known. That to a
// WebSocket API is a connection.
func (q *inquiry) request(k apigw.Kind) *apigw.Request {
	req := &apigw.Request{
		Method: q.method, Path: q.path, RawQuery: q.query, Header: q.header, SourceIP: "127.0.0.1", Time: q.at,
		ID: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", ExtendedID: "JZDDOGbfIAMFZ5A=",
	}
	if req.Method == "" {
		req.Method = http.MethodGet
	}
	if k == apigw.WebSocket {
		req.Path, req.ConnectionID = "/", "JZDDOdRQIAMCJ5A="
	}
	return req
}

// watchedKeys are keys that tell when they cannot be had.
type watchedKeys struct {
	verify.KeySource
	issuer string
	missed *error
}

// KeySet passes the question on.
func (w *watchedKeys) KeySet(ctx context.Context, keyID string) (*verify.KeySet, error) {
	set, err := w.KeySource.KeySet(ctx, keyID)
	if err != nil {
		*w.missed = fmt.Errorf("the keys of %s could not be had: %w", w.issuer, err)
	}
	return set, err
}

// elsewhere reports whether the answer is of another host than that of the API in
// the settings.
func (q *inquiry) elsewhere() bool {
	host := hostOf(q.p.API.URL)
	return q.host != "" && host != "" && !strings.EqualFold(host, q.host)
}

// withoutStage is the path of a URL without the stage, with which the paths of
// execute-api addresses begin. Where nothing is known of the API, it is the first
// part of the path; HTTP APIs may do without, so that theirs stay whole.
func (q *inquiry) withoutStage(d *defined) string {
	stage, rest, more := strings.Cut(strings.TrimPrefix(q.path, "/"), "/")
	if d != nil && stage != d.API.Stage || !more {
		return q.path
	}
	_, isHTTP := caller.Find(q.answer, "apigw-requestid")
	if d == nil && (isHTTP || !strings.Contains(q.host, ".execute-api.")) {
		return q.path
	}
	return "/" + rest
}

// below is the path of a URL below the API's base URL, as "gatepass authorize"
// takes it; false when it is not below it.
func below(p *config.Profile, u *url.URL) (string, bool) {
	path := u.EscapedPath()
	base, err := url.Parse(p.API.URL)
	if err != nil || p.API.URL == "" {
		return path, false
	}
	if rest, ok := strings.CutPrefix(path, base.EscapedPath()); ok && strings.HasPrefix(rest, "/") {
		return rest, true
	}
	return path, false
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
