package cmd

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/fault"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
	"gatepass/pkg/urlpath"
)

// read takes in the files the flags name.
func (a *authorize) read(args []string) (*input, error) {
	in := &input{}
	var err error
	if in.now, err = timeFlag("--at", a.at, a.app.Now); err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(a.sourceIP); err != nil {
		return nil, fault.New(fault.Usage, "--source-ip: %q is no IP address", a.sourceIP)
	}
	if a.eventFile != "" && len(args) > 0 {
		return nil, fault.New(fault.Usage, "--event-file says what the request is: give no METHOD and PATH with it")
	}
	for _, step := range []func(*input) error{a.readEvent, a.readResponse, a.readClaims, a.readCaller} {
		if err := step(in); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// readEvent reads the event of --event-file. It says which kind of API it is of.
func (a *authorize) readEvent(in *input) error {
	if a.eventFile == "" {
		return nil
	}
	n, err := readDocument(a.app, a.eventFile)
	if err != nil {
		return err
	}
	ev, err := apigw.ParseEvent(n)
	if err != nil {
		return err
	}
	arn, err := apigw.ParseARN(ev.ARN)
	if err != nil {
		return n.Errorf("the event's ARN: %s", err)
	}
	in.event, in.hints.arn, in.hints.hasKind, in.hints.variables = &ev, &arn, true, ev.StageVariables
	switch ev.Kind {
	case apigw.EventHTTP1:
		in.hints.kind, in.hints.payload = apigw.HTTP, "1.0"
	case apigw.EventHTTP2:
		in.hints.kind, in.hints.payload = apigw.HTTP, "2.0"
	case apigw.EventConnect:
		in.hints.kind = apigw.WebSocket
	}
	return nil
}

func (a *authorize) readResponse(in *input) error {
	if a.response == "" {
		return nil
	}
	var err error
	in.answer, err = readDocument(a.app, a.response)
	return err
}

func (a *authorize) readClaims(in *input) error {
	if len(a.claims) == 0 && a.claimsFile == "" {
		return nil
	}
	if a.token != "" || a.noToken {
		return fault.New(fault.Usage, "made-up claims and a token at once: give --claim and --claims, or --token")
	}
	var base *source.Node
	var err error
	if a.claimsFile != "" {
		if base, err = readDocument(a.app, a.claimsFile); err != nil {
			return err
		}
	}
	in.claims, err = token.ParseClaims(base, a.claims)
	return err
}

// readCaller reads who signs the request with AWS credentials.
func (a *authorize) readCaller(in *input) error {
	if a.caller == "" && a.callerPolicy == "" {
		return nil
	}
	in.caller = &apigw.Caller{ARN: a.caller}
	if parts := strings.SplitN(a.caller, ":", 6); a.caller != "" && (len(parts) != 6 || parts[0] != "arn" || parts[4] == "") {
		return fault.New(fault.Usage, "--caller: %q is no ARN of a user or role", cutText(a.caller, 80)).
			WithHint("for example arn:aws:iam::123456789012:user/ann")
	}
	if a.callerPolicy == "" {
		return nil
	}
	n, err := readDocument(a.app, a.callerPolicy)
	if err != nil {
		return err
	}
	in.caller.Policy, err = policy.Parse(n, policy.Options{})
	return err
}

// callerOf completes the caller by the account of the API: another account is
// judged by other rules.
func callerOf(c *apigw.Caller, api *apigw.API) *apigw.Caller {
	if c == nil {
		return nil
	}
	if c.ARN == "" {
		c.ARN = "arn:" + api.Partition + ":iam::" + api.Account + ":user/somebody"
	}
	parts := strings.SplitN(c.ARN, ":", 6)
	c.CrossAccount = parts[4] != api.Account
	c.Keys = policy.Keys{"aws:principalarn": {c.ARN}, "aws:principalaccount": {parts[4]}}
	if name, ok := strings.CutPrefix(parts[5], "user/"); ok {
		c.Keys["aws:username"] = []string{name[strings.LastIndexByte(name, '/')+1:]}
	}
	return c
}

// request makes the request, without a token.
func (a *authorize) request(q *asked, in *input, args []string) (*apigw.Request, error) {
	header, err := parseHeaders(a.headers)
	if err != nil {
		return nil, err
	}
	if a.apiKey != "" {
		header["x-api-key"] = []string{a.apiKey}
	}
	req := &apigw.Request{
		Header: header, SourceIP: a.sourceIP, VPC: a.vpc, VPCE: a.vpce, Time: in.now, Caller: callerOf(in.caller, q.api),
		ID: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", ExtendedID: "JZDDOGbfIAMFZ5A=",
	}
	if req.Limit, err = a.limit(q.api.Kind); err != nil {
		return nil, err
	}
	if q.api.Kind == apigw.WebSocket {
		req.ConnectionID = "JZDDOdRQIAMCJ5A="
	}
	if in.event != nil {
		fromEvent(q, in, req)
		return req, nil
	}
	if len(args) == 0 && a.testInvoke {
		args = []string{"/"} // the authorizer is tested, and not a route
	}
	return req, requestLine(q.api.Kind, req, args)
}

// limit is what the usage plan or the stage is to say.
func (a *authorize) limit(k apigw.Kind) (apigw.Limit, error) {
	switch {
	case a.throttled && a.quota:
		return 0, fault.New(fault.Usage, "--throttled and --quota-exceeded are two answers: give one")
	case a.quota && k != apigw.REST:
		return 0, fault.New(fault.Usage, "--quota-exceeded is for REST APIs: %s APIs have no quotas here", k)
	case a.throttled:
		return apigw.Throttled, nil
	case a.quota:
		return apigw.QuotaExceeded, nil
	}
	return apigw.NotLimited, nil
}

// requestLine reads METHOD and PATH, or the route key of a WebSocket API.
func requestLine(k apigw.Kind, req *apigw.Request, args []string) error {
	switch {
	case k == apigw.WebSocket:
		return messageLine(req, args)
	case len(args) == 0:
		return fault.New(fault.Usage, "which request? Give a method and a path").
			WithHint("for example: gatepass authorize GET /orders")
	case len(args) == 1:
		args = []string{"GET", args[0]}
	}
	req.Method = strings.ToUpper(args[0])
	path, query, _ := strings.Cut(args[1], "?")
	if !strings.HasPrefix(path, "/") {
		return fault.New(fault.Usage, "%q is no path: it must start with a slash", path).
			WithHint("for example: gatepass authorize %s /%s", req.Method, path)
	}
	req.Path, req.RawQuery = urlpath.Encoded(path), query
	return nil
}

// messageLine reads what is asked of a WebSocket API: nothing or $connect for a
// connection, the route key of a message, either with a query, which is that of
// the connection.
func messageLine(req *apigw.Request, args []string) error {
	if len(args) > 1 {
		return fault.New(fault.Usage, "a WebSocket API has route keys, no methods and paths").
			WithHint("for example: gatepass authorize '$connect?token=abc' --kind websocket")
	}
	req.Method, req.Path = "GET", "/"
	if len(args) == 0 {
		return nil
	}
	key, query, _ := strings.Cut(args[0], "?")
	req.RawQuery = query
	if key = strings.TrimPrefix(key, "/"); key != "$connect" {
		req.RouteKey = key
	}
	return nil
}

// fromEvent takes the request from an event.
func fromEvent(q *asked, in *input, req *apigw.Request) {
	ev, arn := in.event, in.hints.arn
	req.Method, req.Path, req.RawQuery, req.Query = arn.Method, arn.Path, ev.RawQuery, ev.Query
	if q.api.Kind == apigw.WebSocket {
		req.Method, req.Path = "GET", "/"
		if arn.Method != "$connect" {
			req.RouteKey = arn.Method
		}
	}
	for name, values := range ev.Header {
		if !hasHeader(req.Header, name) {
			req.Header[name] = values
		}
	}
	if ev.Context.SourceIP != "" {
		req.SourceIP = ev.Context.SourceIP
	}
	if z, _ := q.authorizerFor(req); ev.Token != "" {
		req.Header[q.tokenPlace(z).Name] = []string{ev.Token}
	}
}

// earlier makes the requests of --after: those of the same caller to other routes.
func (a *authorize) earlier(q *asked) error {
	for _, text := range a.after {
		req := *q.req
		req.Query = nil
		words := strings.Fields(text)
		if ago, err := time.ParseDuration(first(words)); err == nil && len(words) > 1 && ago >= 0 {
			req.Time = req.Time.Add(-ago)
			words = words[1:]
		}
		if len(words) == 0 || len(words) > 2 {
			return fault.New(fault.Usage, "want --after 'METHOD PATH', got %q", cutText(text, 60)).
				WithHint("for example --after 'GET /pets', or --after '10m GET /pets' for ten minutes ago")
		}
		if err := requestLine(q.api.Kind, &req, words); err != nil {
			return err
		}
		q.earlier = append(q.earlier, &req)
	}
	slices.SortStableFunc(q.earlier, func(x, y *apigw.Request) int { return x.Time.Compare(y.Time) })
	return nil
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// send puts the token into the requests, and says for whom they are.
func (a *authorize) send(ctx context.Context, q *asked, z *apigw.Authorizer, found bool) error {
	place := q.tokenPlace(z)
	raw, subject, err := a.credential(ctx, q, z, found, place)
	if err != nil {
		return err
	}
	q.subject = subject
	if raw == "" {
		return nil
	}
	place.Scheme = q.asSent(z, raw, place.Scheme)
	for _, req := range append(q.earlier, q.req) {
		put(req, place, raw)
	}
	return nil
}

// madeUpToken stands where the token would be when there are only made-up
// claims, or a fixed response.
const madeUpToken = "made-up"

// credential is the token that is sent, and for whom it is. It is empty where
// the request has one already, or is to have none.
func (a *authorize) credential(ctx context.Context, q *asked, z *apigw.Authorizer, found bool, place authorizer.Source) (raw, subject string, err error) {
	function := q.functionOf(z)
	there := slices.ContainsFunc(a.headers, func(h string) bool { return carriesToken(h, place) }) || inQuery(q.req, place)
	switch {
	case a.noToken:
		return "", "nobody: no token is sent", nil
	case q.as.claims != nil && function != nil:
		return "", "", claimsForFunction(function)
	case q.as.claims != nil && there:
		return "", "made-up claims: " + shortClaims(q.as.claims), nil
	case q.as.claims != nil:
		return madeUpToken, "made-up claims: " + shortClaims(q.as.claims), nil
	case a.token != "":
		raw, err := q.tokenFor(a.app, z, a.token)
		return raw, "the token of --token", err
	case a.eventFile != "":
		return "", "the token of " + a.eventFile, nil
	case there:
		return "", "the token of the request", nil
	case z != nil && z.Type == apigw.AuthIAM && q.req.Caller != nil:
		return "", q.req.Caller.ARN, nil
	case z == nil && found, z != nil && z.Type == apigw.AuthIAM:
		return "", "anybody", nil
	case z != nil && q.runners[z.Name].fixed != nil:
		if a.response != "" {
			return madeUpToken, "whomever the answer in " + a.response + " is about", nil
		}
		return madeUpToken, "whomever the authorizer's one answer is about", nil
	}
	if function != nil {
		if err := q.mayRun(ctx, a.app, function); err != nil {
			return "", "", err
		}
	}
	raw, subject, err = a.stored(ctx, q, found)
	if err != nil && function != nil {
		err = withHint(err, "log in with gatepass login, or give %s another token: --token allow, --token @FILE, --no-token", function.name)
	}
	return raw, subject, err
}

// stored is the token of the login. Where there is no route nobody asks for one,
// and none will do.
func (a *authorize) stored(ctx context.Context, q *asked, found bool) (raw, subject string, err error) {
	value, _, err := newSession(a.app).bearer(ctx, q.p, q.p.API.Token, 0)
	switch {
	case err != nil && !found:
		return "", "anybody", nil
	case err != nil:
		return "", "", withHint(err, "log in with gatepass login, or make claims up: --claim sub=42 --claim groups=Admins")
	case q.p.API.Token == "id":
		return value.Reveal(), "the ID token of profile " + q.p.Name, nil
	}
	return value.Reveal(), "the access token of profile " + q.p.Name, nil
}

// inQuery reports whether the query of a request carries the token.
func inQuery(req *apigw.Request, s authorizer.Source) bool {
	if s.Place != authorizer.Query {
		return false
	}
	values, err := url.ParseQuery(req.RawQuery)
	return err == nil && values.Has(s.Name)
}

// put places a token in a request.
func put(req *apigw.Request, s authorizer.Source, raw string) {
	switch s.Place {
	case authorizer.Query:
		if req.RawQuery != "" {
			req.RawQuery += "&"
		}
		req.RawQuery += url.QueryEscape(s.Name) + "=" + url.QueryEscape(raw)
		req.Query = nil
	case authorizer.Cookie:
		req.Header["Cookie"] = append(slices.Clone(req.Header["Cookie"]), s.Name+"="+raw)
	default:
		req.Header[s.Name] = []string{strings.TrimSpace(s.Scheme + " " + raw)}
	}
}
