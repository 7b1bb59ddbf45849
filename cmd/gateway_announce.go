package cmd

import (
	"fmt"
	"net"
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
	lines := tryIt(s.URL, st.tokenPlace(st.mainAuthorizer()))
	if socket {
		lines = tryConnect(s.URL, st.tokenPlace(st.mainAuthorizer()))
	}
	for _, line := range lines {
		if g.tls.on() && g.tls.cert == "" { // which curl does not trust
			line = strings.Replace(line, "curl ", "curl -k ", 1)
		}
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

// tryIt are commands that call the gateway.
func tryIt(base string, s authorizer.Source) []string {
	const token = "$(gatepass token)"
	switch s.Place {
	case authorizer.Query:
		return []string{`curl "` + base + "/?" + s.Name + "=" + token + `"`}
	case authorizer.Cookie:
		return []string{`curl -b "` + s.Name + "=" + token + `" ` + base + "/"}
	}
	call := "gatepass call GET / --api-url " + base
	if s != authorizer.DefaultSource() {
		call += " --api-send '" + s.String() + "'"
	}
	value := strings.TrimSpace(s.Scheme + " " + token)
	return []string{call, `curl -H "` + s.Name + ": " + value + `" ` + base + "/"}
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
