package cmd

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/gateway"
	"gatepass/pkg/human"
	"gatepass/pkg/view"
)

// served is what the command says of itself once it can be called. docs/json.md
// promises the JSON form.
type served struct {
	SchemaVersion int    `json:"schemaVersion"`
	URL           string `json:"url"` // with the stage
	API           string `json:"api"` // the ARN of the API and stage
	Stage         string `json:"stage"`
	Authorizer    string `json:"authorizer"`
	Source        string `json:"source"` // where the token is
	TTL           int    `json:"ttl"`
	Upstream      string `json:"upstream,omitempty"` // of routes with no integration of their own
	// Backend is what stands behind such routes: upstream, function, mock or echo.
	Backend string `json:"backend"`
	// Open are routes that are served without their authorizer, which cannot be run.
	Open    []string `json:"open,omitempty"`
	Control string   `json:"control,omitempty"` // URL of the calls that flush the cache
}

func (g *gatewayCommand) announce(addr net.Addr, now *generation) error {
	st, o := now.stage, &now.options
	base, open := reachedAt(addr)
	if g.tls.on() {
		base = "https" + strings.TrimPrefix(base, "http")
	}
	if o.API.Kind == apigw.WebSocket {
		base = "ws" + strings.TrimPrefix(base, "http")
	}
	z := st.mainAuthorizer()
	s := served{
		SchemaVersion: 1, URL: base + o.Base.Path, Stage: o.API.Stage, Source: st.tokenPlace(z).String(), TTL: ttlOf(o.API, z), Authorizer: "none",
		Backend: kindOf(&o.Integration), Control: g.controlURL,
		API: "arn:" + o.API.Partition + ":execute-api:" + o.API.Region + ":" + o.API.Account + ":" + o.API.ID + "/" + o.API.Stage,
	}
	if z != nil {
		s.Authorizer = st.describe(z)
	}
	if o.Integration.Upstream != nil {
		s.Upstream = o.Integration.Upstream.String()
	}
	if open && !g.tls.on() {
		g.note("warning: this address is open to other machines; the gateway speaks plain HTTP, so that tokens can be read on the way")
	}
	for _, u := range now.opened {
		s.Open = append(s.Open, u.Route)
	}
	g.warnOpen(now)
	if g.json {
		return view.JSON(g.app.IO.Out, s)
	}
	return g.announceText(&s, st, o)
}

// kindOf is what an integration is, in a word.
func kindOf(i *gateway.Integration) string {
	switch {
	case i.Upstream != nil:
		return "upstream"
	case i.Function != nil:
		return "function"
	case i.Mock != nil:
		return "mock"
	}
	return "echo"
}

// backendWords is what stands behind the gateway, in a line.
func backendWords(o *gateway.Options) string {
	words := "echo: answers with what it was given"
	switch kindOf(&o.Integration) {
	case "upstream":
		words = o.Integration.Upstream.String()
	case "function":
		words = "a Lambda function"
	case "mock":
		words = "always the same answer"
	}
	if n := len(o.Integrations); n > 0 {
		words += fmt.Sprintf("; %d routes have their own", n)
		if n == 1 {
			words = strings.Replace(words, "1 routes have their", "1 route has its", 1)
		}
	}
	return words
}

// warnOpen says loudly which routes are not protected, and which were named in vain.
func (g *gatewayCommand) warnOpen(now *generation) {
	for _, u := range now.opened {
		where := "the route " + u.Route
		if u.Route == gateway.EveryPath {
			where = "EVERY PATH"
		}
		g.note("warning: " + where + " is OPEN, anybody may call it. It has " + u.Reason)
	}
	for _, key := range now.needless {
		g.note("warning: --open '" + key + "' opens nothing: its authorizer can be run, or it has none")
	}
}

// mainAuthorizer is the default one, or the first of the routes; nil where every
// route is open.
func (s *stage) mainAuthorizer() *apigw.Authorizer {
	all := s.authorizers()
	switch {
	case s.api.Default.Authorizer != nil:
		return s.api.Default.Authorizer
	case len(all) > 0:
		return all[0]
	}
	return nil
}

// describe is who decides, in a few words.
func (s *stage) describe(z *apigw.Authorizer) string {
	switch r := s.runners[z.Name]; {
	case r.ours != nil:
		return r.path
	case r.fixed != nil:
		return "always the same answer"
	case r.function != nil:
		return "function " + r.function.name
	}
	return z.Type.String()
}

// issuers are those whose tokens an authorizer takes, as far as is known.
func (s *stage) issuers(z *apigw.Authorizer) []string {
	var all []string
	if r := s.runners[z.Name]; r.ours != nil {
		for _, e := range r.ours.file.Expectations() {
			all = append(all, e.Issuer)
		}
	}
	for _, i := range z.JWT.Issuers {
		all = append(all, i.Issuer)
	}
	return all
}

// ttlOf is for how many seconds answers of an authorizer are kept.
func ttlOf(api *apigw.API, z *apigw.Authorizer) int {
	switch {
	case z == nil || !isFunction(z) || api.Kind == apigw.WebSocket: // which caches nothing
		return 0
	case z.TTL != nil:
		return *z.TTL
	case api.Kind == apigw.REST:
		return 300
	}
	return 0
}

func (g *gatewayCommand) announceText(s *served, st *stage, o *gateway.Options) error {
	out := g.app.printer()
	out.Line(out.Bold("API Gateway"), "at", out.Good(out.Outside(s.URL)))
	cached, socket := "off", o.API.Kind == apigw.WebSocket
	if s.TTL > 0 {
		cached = "answers of the authorizer are kept for " + human.Span(time.Duration(s.TTL)*time.Second)
	}
	pairs := append([]view.Pair{{Name: "API", Value: out.Outside(s.API)}, pathsPair(out, o)}, st.authorizerPairs(out)...)
	pairs = append(pairs, view.Pair{Name: "cache", Value: cached}, view.Pair{Name: "backend", Value: out.Outside(backendWords(o))})
	if s.Control != "" {
		pairs = append(pairs, view.Pair{Name: "flush", Value: out.Outside(flushCommand(o.API, s.Control))})
	}
	if len(s.Open) > 0 {
		pairs = append(pairs, view.Pair{Name: "OPEN", Value: out.Warn(out.Outside(strings.Join(s.Open, ", ")) + ": not protected")})
	}
	out.Pairs(2, pairs)
	out.Heading("Try it")
	lines := tryIt(s.URL, st.tokenPlace(st.mainAuthorizer()), st.sample())
	if socket {
		lines = tryConnect(s.URL, st.tokenPlace(st.mainAuthorizer()))
	}
	if g.tls.on() && g.tls.cert == "" {
		lines = untrusted(lines)
	}
	for _, line := range lines {
		out.Line(" ", out.Outside(line))
	}
	out.Printf("\n%s\n", out.Dim("One line a request follows. Stop it with Ctrl-C."))
	return out.Err()
}

// pathsPair says which paths there are, and what stands before them.
func pathsPair(out *view.Printer, o *gateway.Options) view.Pair {
	if o.API.Kind == apigw.WebSocket { // whose URL says what stands before
		words := "all"
		if o.API.Routes != nil {
			words = strconv.Itoa(len(o.API.Routes))
		}
		return view.Pair{Name: "routes", Value: words}
	}
	words := "all"
	if o.API.Routes != nil {
		words = fmt.Sprintf("%d routes", len(o.API.Routes))
	}
	if o.Base.Path != "" {
		words += ", behind " + o.Base.Path
	}
	if o.Base.Optional {
		words += " or without it"
	}
	return view.Pair{Name: "paths", Value: out.Outside(words)}
}

// authorizerPairs say who decides, whose tokens count, and where they are.
func (s *stage) authorizerPairs(out *view.Printer) []view.Pair {
	all := s.authorizers()
	if len(all) == 0 {
		return []view.Pair{{Name: "authorizer", Value: "none"}}
	}
	var pairs []view.Pair
	for _, z := range all {
		name := "authorizer"
		if len(all) > 1 {
			name = "authorizer " + out.Outside(z.Name)
		}
		pairs = append(pairs, view.Pair{Name: name, Value: out.Outside(s.describe(z))})
		if issuers := s.issuers(z); issuers != nil {
			pairs = append(pairs, view.Pair{Name: "tokens of", Value: out.Outside(strings.Join(issuers, ", "))})
		}
		pairs = append(pairs, view.Pair{Name: "token in", Value: out.Outside(s.tokenPlace(z).String())})
	}
	return pairs
}

// sample is a request that the authorizer which stands for all decides about: for the
// first route with it, a GET and one without variables before others.
func (s *stage) sample() apigw.Route {
	z, best, score := s.mainAuthorizer(), apigw.Route{Method: http.MethodGet, Path: "/"}, -1
	for i := range s.api.Routes {
		r := &s.api.Routes[i]
		if r.Authorizer != z || r.Path == "" {
			continue
		}
		this := apigw.Route{Method: strings.ToUpper(r.Method), Path: filledIn(r.Path)}
		points := 0
		if this.Method == "ANY" {
			this.Method = http.MethodGet
		}
		if this.Method == http.MethodGet {
			points += 2
		}
		if this.Path == r.Path {
			points++
		}
		if points > score {
			best, score = this, points
		}
	}
	return best
}

// filledIn is a path of a template, with a value for each variable.
func filledIn(template string) string {
	parts := strings.Split(template, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") && strings.HasSuffix(p, "}") {
			parts[i] = "1"
		}
	}
	return strings.Join(parts, "/")
}

// tryIt are commands that call the gateway.
func tryIt(base string, s authorizer.Source, r apigw.Route) []string {
	const token = "$(gatepass token)"
	method, path, curl := r.Method, r.Path, "curl "
	if method != http.MethodGet {
		curl += "-X " + method + " "
	}
	switch s.Place {
	case authorizer.Query:
		return []string{curl + `"` + base + path + "?" + s.Name + "=" + token + `"`}
	case authorizer.Cookie:
		return []string{curl + `-b "` + s.Name + "=" + token + `" ` + base + path}
	}
	call := "gatepass call " + method + " " + path + " --api-url " + base
	if s != authorizer.DefaultSource() {
		call += " --api-send '" + s.String() + "'"
	}
	value := strings.TrimSpace(s.Scheme + " " + token)
	return []string{call, curl + `-H "` + s.Name + ": " + value + `" ` + base + path}
}

// untrusted are the commands for a certificate that nobody trusts: "gatepass call" takes
// none, and the others are told to.
func untrusted(lines []string) []string {
	var all []string
	for _, line := range lines {
		switch word, rest, _ := strings.Cut(line, " "); word {
		case "curl":
			all = append(all, "curl -k "+rest)
		case "wscat":
			all = append(all, "wscat --no-check "+rest)
		}
	}
	return all
}

// tryConnect is a command that connects to a WebSocket API.
func tryConnect(base string, s authorizer.Source) []string {
	const token = "$(gatepass token)"
	switch s.Place {
	case authorizer.Query:
		return []string{`wscat -c "` + base + "?" + s.Name + "=" + token + `"`}
	case authorizer.Cookie:
		return []string{`wscat -c ` + base + ` -H "Cookie: ` + s.Name + "=" + token + `"`}
	}
	return []string{`wscat -c ` + base + ` -H "` + s.Name + ": " + strings.TrimSpace(s.Scheme+" "+token) + `"`}
}
