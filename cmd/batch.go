package cmd

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"gatepass/pkg/apigw"
	"gatepass/pkg/authorizer"
	"gatepass/pkg/fault"
	"gatepass/pkg/ordered"
	"gatepass/pkg/policy"
	"gatepass/pkg/source"
	"gatepass/pkg/view"
)

// batch is one run of authorize --batch: JSON lines in, JSON lines out. A line is
// a request, decided as authorize decides it by itself, or a bare policy question.
type batch struct {
	a     *authorize
	setUp func() (*batchSetUp, error) // at the first request: policy questions need none

	bad, first atomic.Int64 // lines that are wrong, and the number of the first of them
}

// batchSetUp is what all requests of a batch have in common.
type batchSetUp struct {
	*stage
	in    *input
	token string
	notes []string
}

// runBatch answers a batch. A line that is wrong gets an answer that says so, and
// the exit code is 2 when there was one; denials are answers like any other.
func (a *authorize) runBatch(ctx context.Context, args []string) error {
	if err := a.checkBatch(args); err != nil {
		return err
	}
	in := a.app.IO.In
	if a.batch != "-" {
		f, err := os.Open(a.batch)
		if err != nil {
			return fileError(err)
		}
		defer f.Close()
		in = f
	}
	b := &batch{a: a}
	var done func()
	b.setUp = sync.OnceValues(func() (*batchSetUp, error) {
		u, err := b.prepare()
		if u != nil {
			done = u.close
		}
		return u, err
	})
	defer func() {
		if done != nil {
			done()
		}
	}()
	if err := b.run(ctx, batchInput{in}, a.app.IO.Out); err != nil {
		return err
	}
	switch n := b.bad.Load(); n {
	case 0:
		return nil
	case 1:
		return fault.New(fault.Usage, "line %d of %s is wrong, see its answer", b.first.Load(), inputName(a.batch))
	default:
		return fault.New(fault.Usage, "%d lines of %s are wrong, the first is line %d: see their answers", n, inputName(a.batch), b.first.Load())
	}
}

// batchInput is the input, whose errors are of the user's making.
type batchInput struct{ io.Reader }

func (in batchInput) Read(p []byte) (int, error) {
	n, err := in.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fileError(err)
	}
	return n, err
}

func inputName(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

// run answers lines. A line may be as long as a request to API Gateway.
func (b *batch) run(ctx context.Context, in io.Reader, out io.Writer) error {
	m := ordered.Lines{Max: source.MaxJSON, Answer: func(to []byte, l *ordered.Line) ([]byte, error) { return b.answer(ctx, to, l) }}
	return m.Run(ctx, in, out)
}

// checkBatch refuses what does not go with a batch.
func (a *authorize) checkBatch(args []string) error {
	if len(args) > 0 {
		return fault.New(fault.Usage, "--batch says what the requests are: give no METHOD and PATH with it")
	}
	stdin := 0
	for _, x := range []struct{ flag, value string }{
		{"--event-file", a.eventFile}, {"--after", strings.Join(a.after, "")}, {"--batch", a.batch},
		{"--token", a.token}, {"--claims", a.claimsFile}, {"--response", a.response}, {"--caller-policy", a.callerPolicy},
	} {
		switch {
		case x.value == "-":
			stdin++
		case x.value != "" && (x.flag == "--event-file" || x.flag == "--after"):
			return fault.New(fault.Usage, "--batch and %s do not go together: a line is one request, and knows of no other", x.flag)
		}
	}
	if stdin > 1 {
		return fault.New(fault.Usage, "only one thing can come from standard input")
	}
	return nil
}

// prepare reads what all requests have in common, as authorize does for one.
func (b *batch) prepare() (*batchSetUp, error) {
	a := b.a
	p, err := a.settings.load(a.app)
	if err != nil {
		return nil, err
	}
	in, err := a.read(nil)
	if err != nil {
		return nil, err
	}
	var one sync.Mutex // notes come from several goroutines
	s, d, err := a.stage(p, in, func(text string) {
		one.Lock()
		defer one.Unlock()
		a.note(text)
	})
	if err != nil {
		return nil, err
	}
	u := &batchSetUp{stage: s, in: in, notes: d.notes}
	if a.token != "" {
		u.token, err = s.tokenFor(a.app, s.mainAuthorizer(), a.token)
	}
	return u, err
}

// answer answers a line. Its error is none of the line's: it ends the run.
func (b *batch) answer(ctx context.Context, to []byte, l *ordered.Line) ([]byte, error) {
	if l.Blank() {
		return to, nil
	}
	q, err := readQuestion(l)
	switch {
	case err != nil:
	case q.policy != nil:
		var d policy.Decision
		if d, err = q.decide(); err == nil {
			return view.AppendQuestion(to, q.id, d)
		}
	default:
		u, failed := b.setUp()
		if failed != nil {
			return to, failed
		}
		var r *view.Authorize
		if r, err = u.decide(ctx, b.a, q); err == nil {
			return view.AppendAuthorize(to, q.id, r)
		}
	}
	b.count(l.Number)
	return view.AppendMistake(to, q.id, b.mistake(ctx, err, l))
}

// count notes a line that is wrong.
func (b *batch) count(line int64) {
	b.bad.Add(1)
	for {
		first := b.first.Load()
		if first != 0 && first <= line || b.first.CompareAndSwap(first, line) {
			return
		}
	}
}

// mistake says what is wrong with a line, the first of it.
func (b *batch) mistake(ctx context.Context, err error, l *ordered.Line) view.Mistake {
	var s *source.Error
	m := view.Mistake{Kind: fault.Usage.String(), Line: l.Number}
	if errors.As(err, &s) {
		m.Message, m.Hint, m.Column = s.Msg, s.Hint, s.Pos.Column
	} else {
		f := classify(ctx, err)
		m.Kind, m.Message, m.Hint = f.Kind.String(), f.Msg, f.Hint
	}
	if errors.As(err, new(*refusedPolicy)) {
		m.Kind = "policy"
	}
	m.Message, m.Hint = b.a.app.clean(m.Message), b.a.app.clean(m.Hint)
	return m
}

// refusedPolicy is an error about a policy that AWS would not accept.
type refusedPolicy struct{ error }

func (r *refusedPolicy) Unwrap() error { return r.error }

// decide answers a bare policy question. What AWS would not store is refused.
func (q *question) decide() (policy.Decision, error) {
	doc, err := policy.Parse(q.policy, policy.Options{Strict: true})
	if err != nil {
		return policy.Decision{}, &refusedPolicy{err}
	}
	return doc.Explain(&policy.Request{Action: q.action, Resource: q.resource, Keys: q.keys}), nil
}

// decide decides about a request. What the line leaves open is as the flags say;
// where neither names claims or a token none is sent, unless the authorizer's
// answer is fixed, for which any will do.
func (u *batchSetUp) decide(ctx context.Context, a *authorize, q *question) (*view.Authorize, error) {
	in := *u.in
	var err error
	if in.now, err = q.time(u.in.now); err != nil {
		return nil, err
	}
	if in.caller != nil { // completed for each request
		caller := *in.caller
		in.caller = &caller
	}
	if q.claims != nil || q.token != "" {
		in.claims = q.claims
	}
	one := &asked{stage: u.stage, as: identity{claims: in.claims, now: in.now}}
	args := []string{"GET", q.path}
	if q.method != "" {
		args[0] = q.method
	}
	if u.api.Kind == apigw.WebSocket {
		args = args[1:]
	}
	if one.req, err = a.request(one, &in, args); err != nil {
		return nil, err
	}
	q.fill(one.req)
	z, _ := u.authorizerFor(one.req)
	if err := u.answered(z); err != nil {
		return nil, err
	}
	if fn := u.functionOf(z); fn != nil && one.as.claims != nil {
		return nil, claimsForFunction(fn)
	}
	place := u.tokenPlace(z)
	if raw := u.credential(a, one, q, z, place); raw != "" {
		place.Scheme = u.asSent(z, raw, place.Scheme)
		put(one.req, place, raw)
	}
	result := u.stage.decide(ctx, one.req, one.as, nil)
	result.Notes = append(result.Notes, u.notes...)
	return result, nil
}

// fill puts into a request what the line says of it.
func (q *question) fill(req *apigw.Request) {
	if q.sourceIP != "" {
		req.SourceIP = q.sourceIP
	}
	switch {
	case q.rawQuery == "":
	case req.RawQuery == "":
		req.RawQuery = q.rawQuery
	default:
		req.RawQuery += "&" + q.rawQuery
	}
	own := map[string]bool{}
	for _, h := range q.header {
		name := strings.TrimSpace(h[0])
		if key := strings.ToLower(name); !own[key] { // not beside that of a flag
			own[key] = true
			for given := range req.Header {
				if strings.EqualFold(given, name) {
					delete(req.Header, given)
				}
			}
		}
		addHeader(req.Header, name, strings.TrimSpace(h[1]))
	}
}

// credential is the token that is put into a request.
func (u *batchSetUp) credential(a *authorize, one *asked, q *question, z *apigw.Authorizer, place authorizer.Source) string {
	there := hasHeader(one.req.Header, place.Name)
	there = there && place.Place == authorizer.Header || inQuery(one.req, place)
	switch {
	case q.token != "":
		return strings.TrimPrefix(q.token, place.Scheme+" ")
	case a.noToken && q.claims == nil, there:
		return ""
	case one.as.claims != nil:
		return madeUpToken
	case u.token != "":
		return u.token
	case z != nil && u.runners[z.Name].fixed != nil:
		return madeUpToken
	}
	return ""
}
