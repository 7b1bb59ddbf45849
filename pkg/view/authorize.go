package view

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/human"
	"gatepass/pkg/iostreams"
	"gatepass/pkg/policy"
)

// Authorize is a verdict with what led to it.
type Authorize struct {
	Method, Path string
	Verdict      *apigw.Verdict
	Event        *apigw.Event      // what the authorizer was handed; nil: it was not asked
	Response     json.RawMessage   // what it returned; nil: nothing
	Authorizer   *authorizer.Trace // how our own authorizer came to that; nil: another one, or none
	Claims       string            // whose claims were decided about, for the first line
	Notes        []string          // what the user should know besides
	Earlier      []Earlier         // the requests that were made before

	short func(string) string // spells ARNs of the API as "METHOD /path"
}

// Earlier is a request that was made before, and may have left an answer of the
// authorizer in the cache.
type Earlier struct {
	Method           string        `json:"method,omitempty"`
	Path             string        `json:"path"`
	Ago              time.Duration `json:"-"`
	Status           int           `json:"status"`
	Allowed          bool          `json:"allowed"`
	AuthorizerCalled bool          `json:"authorizerCalled"`
	Cached           bool          `json:"cached,omitempty"`
	Reason           string        `json:"reason"`
}

// AuthorizeJSON prints the verdict as JSON: the form of docs/json.md.
func AuthorizeJSON(w io.Writer, a *Authorize) error { return JSON(w, a.form()) }

// authorizeForm is the JSON form of a verdict.
type authorizeForm struct {
	SchemaVersion int `json:"schemaVersion"`
	*apigw.Verdict
	Event           *apigw.Event      `json:"event"`
	Response        json.RawMessage   `json:"response"`
	Backend         any               `json:"backend"`
	BackendAt       string            `json:"backendAt,omitempty"`
	AuthorizerTrace *authorizer.Trace `json:"authorizerTrace,omitempty"`
	Earlier         []Earlier         `json:"earlier,omitempty"`
	Notes           []string          `json:"notes,omitempty"`
}

func (a *Authorize) form() authorizeForm {
	var value any
	var at string
	if b := a.Verdict.Backend; b != nil {
		value, at = b.Value, b.At
	}
	verdict := *a.Verdict
	if verdict.Headers == nil {
		verdict.Headers = map[string]string{}
	}
	return authorizeForm{1, &verdict, a.Event, a.Response, value, at, a.Authorizer, a.Earlier, a.Notes}
}

// BackendJSON prints what a backend sees of the authorizer, at its place in the
// event of a Lambda proxy integration.
func BackendJSON(w io.Writer, b *apigw.Backend) error {
	if b == nil {
		return JSON(w, map[string]any{"requestContext": map[string]any{}})
	}
	var v any = b.Value
	for _, key := range slices.Backward(strings.Split(b.At, ".")) {
		v = map[string]any{key: v}
	}
	return JSON(w, v)
}

// Authorize prints the verdict: one line with the answer, then the steps with
// their reasons, then exactly what the gateway would answer.
func (p *Printer) Authorize(a *Authorize) {
	a.short = shortener(a.Verdict.ARN)
	p.verdictLine(a)
	p.earlier(a)
	p.Heading("Why")
	for i := range a.Verdict.Trace {
		p.step(&a.Verdict.Trace[i], a)
	}
	for _, n := range a.Notes {
		p.Printf("  %s %s\n", p.Warn("!"), p.Wrap(4, p.Outside(n)))
	}
	if a.Verdict.Allowed {
		p.backend(a.Verdict)
		return
	}
	p.answer(a.Verdict)
}

func (p *Printer) verdictLine(a *Authorize) {
	word := p.Bad(p.Bold("DENIED"))
	if a.Verdict.Allowed {
		word = p.Good(p.Bold("ALLOWED"))
	}
	line := word + "  " + p.Bold(p.Outside(requestName(a.Method, a.Path)))
	if !a.Verdict.Allowed {
		line += "  " + p.Dim(statusText(a.Verdict.Status))
	}
	p.Line(line)
	if a.Claims != "" {
		p.Line(p.Dim(p.Wrap(0, "for "+p.Outside(a.Claims))))
	}
}

// requestName is method and path, or the route key of a WebSocket API.
func requestName(method, path string) string { return strings.TrimSpace(method + " " + path) }

// earlier lists the requests that were made before.
func (p *Printer) earlier(a *Authorize) {
	if len(a.Earlier) == 0 {
		return
	}
	p.Heading("After")
	for _, e := range a.Earlier {
		mark, said := p.Bad("✗"), "the authorizer was not called"
		if e.Allowed {
			mark = p.Good("✓")
		}
		switch {
		case e.AuthorizerCalled:
			said = "the authorizer was called"
		case e.Cached:
			said = "a cached answer decided"
		}
		line := requestName(e.Method, e.Path) + ": " + statusText(e.Status) + "; " + said
		if e.Ago > 0 {
			line += ", " + human.Span(e.Ago) + " ago"
		}
		p.Printf("  %s %s\n", mark, p.Wrap(4, p.Outside(line)))
	}
}

// mark is the sign of a step's outcome.
func (p *Printer) mark(o apigw.Outcome) string {
	switch o {
	case apigw.OutcomeOK, apigw.OutcomeAllowed, apigw.OutcomeReached, apigw.OutcomeHit:
		return p.Good("✓")
	case apigw.OutcomeRefused, apigw.OutcomeDenied, apigw.OutcomeFailed, "explicitly-denied", "implicitly-denied":
		return p.Bad("✗")
	}
	return p.Dim("–")
}

// stepIndent is where the reasons of steps begin: mark, name, space.
const stepIndent = 15

func (p *Printer) step(s *apigw.Step, a *Authorize) {
	reason := a.short(s.Reason)
	if len(s.Statements) > 0 && s.Outcome == "implicitly-denied" && !a.Verdict.Cached { // a cached policy has a story of its own
		reason, _, _ = strings.Cut(reason, ": ") // the statements below say the rest
	}
	p.Printf("  %s %s %s\n", p.mark(s.Outcome), Pad(string(s.Step), 10), p.Wrap(stepIndent, p.Outside(reason)))
	if s.Inferred != "" {
		p.under(p.Warn("inferred: ") + p.Outside(s.Inferred))
	}
	if s.Step == apigw.StepAuthorizer && a.Authorizer != nil {
		p.authorizerTrace(a)
	}
	for i := range s.Statements {
		p.statement(stepIndent, &s.Statements[i], a.short)
	}
}

// under prints a line below a step.
func (p *Printer) under(text string) {
	p.Printf("%s%s\n", strings.Repeat(" ", stepIndent), p.Wrap(stepIndent, text))
}

// authorizerTrace shows which statements of the authorizer file apply to the
// token.
func (p *Printer) authorizerTrace(a *Authorize) {
	t := a.Authorizer
	if t.Reason != "" {
		p.under(p.Outside(t.Reason))
	}
	for i := range t.Statements {
		s := &t.Statements[i]
		mark := p.Dim("–")
		if s.Kept {
			mark = p.Good("✓")
		}
		p.numbered(stepIndent, mark, s.Index, s.Sid, s.Effect, a.short(s.Reason))
	}
	for _, n := range t.Notes {
		p.under(p.Dim(p.Outside(n)))
	}
}

// statement shows whether a statement of a policy matched the request.
func (p *Printer) statement(indent int, s *policy.StatementTrace, short func(string) string) {
	mark := p.Dim("–")
	if s.Matched {
		if mark = p.Good("✓"); s.Effect == "Deny" {
			mark = p.Bad("✗")
		}
	}
	p.numbered(indent, mark, s.Index, s.Sid, s.Effect, short(s.Reason))
}

// numbered prints a statement: its effect and name, and the reason.
func (p *Printer) numbered(indent int, mark string, index int, sid, effect, reason string) {
	text := effect + " " + p.Outside(StatementName(index, sid)) + ": " + p.Outside(reason)
	p.Printf("%s%s %s\n", strings.Repeat(" ", indent), mark, p.Wrap(indent+2, text))
}

// StatementName is how a statement is spoken of: by its Sid, or by its number
// from 1.
func StatementName(index int, sid string) string {
	if sid != "" {
		return sid
	}
	return "statement " + itoa(index+1)
}

// shortener spells the ARNs of one API and stage as policies may be written here,
// "METHOD /path": that is what differs between them.
func shortener(arn string) func(string) string {
	stage, err := apigw.ParseARN(arn)
	if err != nil {
		return asWritten
	}
	prefix := strings.TrimSuffix(stage.With("", "").String(), "/") + "/"
	return func(text string) string {
		parts := strings.Split(text, prefix)
		for i := 1; i < len(parts); i++ {
			if method, path, ok := strings.Cut(parts[i], "/"); ok && !strings.ContainsAny(method, " \"") {
				parts[i] = method + " /" + path
			}
		}
		return strings.Join(parts, "")
	}
}

func asWritten(s string) string { return s }

// backend shows what the integration would see of the authorizer.
func (p *Printer) backend(v *apigw.Verdict) {
	if v.Backend == nil {
		return
	}
	data, err := json.MarshalIndent(v.Backend.Value, "  ", "  ")
	if err != nil {
		return
	}
	p.Heading("What the backend sees as " + v.Backend.At)
	p.Printf("  %s\n", iostreams.VisibleLines(string(data)))
}

// answer shows what the gateway would answer, as it would go over the wire.
func (p *Printer) answer(v *apigw.Verdict) {
	p.Heading("The gateway's answer")
	p.Printf("  HTTP/1.1 %s\n", statusText(v.Status))
	for _, name := range slices.Sorted(maps.Keys(v.Headers)) {
		p.Printf("  %s: %s\n", p.Name(name), p.Outside(v.Headers[name]))
	}
	if v.Body != "" {
		p.Printf("\n  %s\n", iostreams.VisibleLines(v.Body))
	}
}

// Question is a bare policy with the question it was asked.
type Question struct {
	Policy, Action, Resource string
	Decision                 policy.Decision
	Findings                 []policy.Finding
}

// QuestionJSON prints the answer as JSON: the form of docs/json.md.
func QuestionJSON(w io.Writer, q *Question) error {
	return JSON(w, struct {
		SchemaVersion int `json:"schemaVersion"`
		policy.Decision
		Findings []policy.Finding `json:"findings,omitempty"`
	}{1, q.Decision, q.Findings})
}

// Question prints the answer and what every statement had to do with it.
func (p *Printer) Question(q *Question) {
	word := p.Bad(p.Bold("DENIED"))
	if q.Decision.Effect == policy.Allow {
		word = p.Good(p.Bold("ALLOWED"))
	}
	p.Line(word+" ", p.Bold(p.Outside(q.Action)), p.Dim(strings.ReplaceAll(q.Decision.Effect.String(), "-", " ")))
	p.Line(p.Dim(p.Outside(q.Resource)))
	p.Heading("Statements of " + p.Outside(q.Policy))
	for i := range q.Decision.Statements {
		p.statement(2, &q.Decision.Statements[i], asWritten)
	}
	for _, f := range q.Findings {
		p.Printf("  %s %s\n", p.Warn("!"), p.Wrap(4, p.Outside(f.Message)))
	}
}
