package function

import (
	"context"
	"fmt"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/secret"
	"gatepass/pkg/source"
	"gatepass/pkg/token"
)

// Verifier verifies the tokens of one issuer; a *verify.Verifier is one.
type Verifier interface {
	// Recall returns a token that was verified before and still counts. As long as
	// it does, the result holds the same *token.Token.
	Recall(raw string, now time.Time) (token.Verified, bool)
	// VerifyToken verifies a decoded token.
	VerifyToken(ctx context.Context, t *token.Token, now time.Time) (token.Verified, error)
}

// Options are what a [Function] works with.
type Options struct {
	// Verifier makes what verifies the tokens of an entry of the authorizer file.
	Verifier func(authorizer.Expectation) Verifier
	// Refused tells an error of a Verifier that says the token is not right, with
	// the report on it, from one that says it could not be found out.
	Refused func(error) (token.Report, bool)
	// Simple answers events of payload 2.0 with isAuthorized, as the gateway wants it
	// when simple responses are enabled. An event that comes with its authorizer is
	// answered as that one says, whatever this is.
	Simple bool
	// LookUp asks somebody about every verified token; nil asks nobody.
	LookUp LookUp
	// LookUpFor is how long what was found out counts; zero is a minute. It never
	// counts longer than the token.
	LookUpFor time.Duration
	// Remember is of how many tokens answers are kept; zero is 2,000, a negative
	// number none.
	Remember int
}

// Function is the policy authorizer. It may be used by several goroutines.
type Function struct {
	file      *authorizer.File
	o         Options
	issuers   map[string]Verifier
	verifiers []Verifier // the same, in the order of the file
	memory    *memory
}

// New makes the function of an authorizer file. Nothing is asked of anybody.
func New(file *authorizer.File, o Options) *Function {
	if o.LookUpFor <= 0 {
		o.LookUpFor = time.Minute
	}
	f := &Function{file: file, o: o, issuers: map[string]Verifier{}, memory: newMemory(o.Remember)}
	for _, e := range file.Expectations() {
		v := o.Verifier(e)
		f.issuers[e.Issuer] = v
		f.verifiers = append(f.verifiers, v)
	}
	return f
}

// File is the authorizer file.
func (f *Function) File() *authorizer.File { return f.file }

// Answer is an answer with what is worth knowing of how it came about.
type Answer struct {
	Output apigw.Output
	// Trace says why. Its slices are shared with other answers: read them only.
	Trace authorizer.Trace
	// Token is the token of the event, decoded; nil when there is none. What it says
	// may be believed when Trace.Claims is "verified".
	Token *token.Token
}

// Invoke is [Function.Ask], with the parts most callers want.
func (f *Function) Invoke(ctx context.Context, ev apigw.Event, now time.Time) (apigw.Output, authorizer.Trace) {
	a := f.Ask(ctx, ev, now)
	return a.Output, a.Trace
}

// Ask answers an event at a time: finds the token, verifies it, decides.
func (f *Function) Ask(ctx context.Context, ev apigw.Event, now time.Time) Answer {
	form := f.form(ev)
	raw, err := f.file.TokenOf(ev)
	if err != nil {
		return answer(nil)(f.file.Refuse(ev, form, err.Error()))
	}
	verified, err := f.verify(ctx, raw, now)
	if report, refused := f.refused(err); refused {
		return answer(report.Token)(f.file.Refuse(ev, form, reason(report)))
	}
	if err != nil {
		return answer(nil)(authorizer.Fail(err))
	}
	return answer(verified.Token())(f.decide(ctx, ev, form, verified, now))
}

// answer puts an answer together.
func answer(t *token.Token) func(apigw.Output, authorizer.Trace) Answer {
	return func(out apigw.Output, trace authorizer.Trace) Answer { return Answer{out, trace, t} }
}

// Assume answers an event for claims that somebody made up. Nothing is verified,
// looked up or kept.
func (f *Function) Assume(ev apigw.Event, claims token.Claims) (apigw.Output, authorizer.Trace) {
	return f.file.Settle(ev, authorizer.MadeUp(claims), f.form(ev)).Answer(ev)
}

func (f *Function) form(ev apigw.Event) authorizer.Form {
	if ev.Authorizer != nil {
		return authorizer.FormOf(ev, ev.Authorizer.SimpleResponses)
	}
	return authorizer.FormOf(ev, f.o.Simple)
}

// decide answers for a verified token.
func (f *Function) decide(ctx context.Context, ev apigw.Event, form authorizer.Form, t token.Verified, now time.Time) (apigw.Output, authorizer.Trace) {
	stage, known := authorizer.StageOf(ev)
	place := place{stage, form}
	kept := f.memory.recall(t.Token(), now)
	if d := kept.decision(place); known && d != nil {
		return d.Answer(ev)
	}
	found := kept.found
	if f.o.LookUp != nil && !kept.fresh {
		var err error
		if found, err = f.o.LookUp(ctx, t); err != nil {
			return authorizer.Fail(err)
		}
	}
	var d *authorizer.Decision
	if found.Inactive != "" {
		out, trace := f.file.Refuse(ev, form, found.Inactive)
		f.memory.remember(t.Token(), found, f.until(now), place, nil)
		return out, trace
	}
	d = f.file.Settle(ev, authorizer.Verified(t).Adding(found.Claims), form)
	out, trace := d.Answer(ev)
	if !known || trace.Outcome != authorizer.Answered {
		d = nil // it may speak of more than the stage
	}
	f.memory.remember(t.Token(), found, f.until(now), place, d)
	return out, trace
}

// until is when what was looked up now must be looked up again; the zero time for
// never.
func (f *Function) until(now time.Time) time.Time {
	if f.o.LookUp == nil {
		return time.Time{}
	}
	return now.Add(f.o.LookUpFor)
}

// verify checks a token against the entry of the file that is for its issuer. A
// token of another issuer is refused without asking anybody for keys.
func (f *Function) verify(ctx context.Context, raw secret.String, now time.Time) (token.Verified, error) {
	for _, v := range f.verifiers {
		if t, ok := v.Recall(raw.Reveal(), now); ok {
			return t, nil
		}
	}
	t, err := token.Decode(raw.Reveal())
	if err != nil {
		return token.Verified{}, &refusal{one(nil, token.CheckForm, err.Error())}
	}
	issuer := ""
	if t.Kind == token.JWT {
		if n := t.Claims.Get("iss"); n != nil && n.Kind == source.String {
			issuer = n.Text
		}
	}
	if v := f.issuers[issuer]; v != nil {
		return v.VerifyToken(ctx, t, now)
	}
	return token.Verified{}, &refusal{unknown(t, issuer)}
}

// refusal is the error for a token that is refused before any verifier sees it.
type refusal struct{ report token.Report }

func (r *refusal) Error() string { return reason(r.report) }

// refused returns the report of an error that says the token is not right.
func (f *Function) refused(err error) (token.Report, bool) {
	if err == nil {
		return token.Report{}, false
	}
	if r, ok := err.(*refusal); ok { //nolint:errorlint // made here, and never wrapped
		return r.report, true
	}
	return f.o.Refused(err)
}

// unknown is the report on a token that no entry of the file is for.
func unknown(t *token.Token, issuer string) token.Report {
	if t.Kind != token.JWT {
		return token.Report{Token: t, Checks: t.CheckHeader(token.Expect{})}
	}
	return one(t, token.CheckIssuer, fmt.Sprintf("the authorizer file has no tokens of the issuer %q", clip(issuer)))
}

// one is a report with one failed check.
func one(t *token.Token, name, reason string) token.Report {
	return token.Report{Token: t, Checks: []token.Check{{Name: name, Result: token.Fail, Reason: reason}}}
}

// reason is why a token does not count, in a line.
func reason(r token.Report) string {
	if c, ok := r.Failed(); ok {
		return c.Name + ": " + c.Reason
	}
	return "its signature was not checked"
}

// clip shortens text from outside for a message.
func clip(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
