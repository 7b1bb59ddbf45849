package authorizer

import (
	"fmt"

	"gatepass/pkg/apigw"
	"gatepass/pkg/secret"
)

// TokenOf finds the token of an event by the source of the file. The error says
// in one line why there is none, without showing anything of the request; it is
// the reason to give to [File.Refuse].
//
// A TOKEN event carries one header, the token source of the API's authorizer, and
// not its name: it is taken whatever header the file names. A scheme is wanted as
// the file has it, without regard to case. Where a header, parameter or cookie is
// given twice there is no telling which one counts, so that none does.
func (f *File) TokenOf(ev apigw.Event) (secret.String, error) {
	if ev.Kind == apigw.EventJWT {
		return secret.New(ev.Token), nil // bare, and found by the gateway itself
	}
	raw, err := f.source.find(carried{
		isToken: ev.Kind == apigw.EventToken,
		token:   ev.Token,
		headers: ev.Header,
		query:   ev.Query,
	})
	return secret.New(raw), err
}

// Refuse answers an event whose token does not count, for a reason that is put in
// the trace and not told to the caller: with the error Unauthorized (401), or with
// an explicit Deny of the whole API (403) when the file says "refuse: deny", which
// in the simple form is isAuthorized: false.
//
// It is for tokens that are not valid. When that cannot be found out, because the
// keys of the issuer are not to be had, use [Fail]: a Deny would be cached.
func (f *File) Refuse(ev apigw.Event, form Form, reason string) (apigw.Output, Trace) {
	p, err := placeOf(ev)
	if err != nil && f.refuse == Deny && form == Policy {
		return failed(Trace{}, err).Answer(ev)
	}
	return f.refusal(p, form, reason).Answer(ev)
}

// Fail answers that the authorizer cannot decide: a 500 at the gateway, which
// caches nothing. The error reaches the log and not the caller.
func Fail(err error) (apigw.Output, Trace) {
	d := failed(Trace{}, err)
	return d.out, d.trace
}

// placeOf is the API and stage of an event.
func placeOf(ev apigw.Event) (place, error) {
	a, err := apigw.ParseARN(ev.ARN)
	if err != nil {
		return place{}, fmt.Errorf("the event does not say what is called: %w", err)
	}
	if len(ev.ARN) > apigw.MaxARN {
		return place{}, fmt.Errorf("the ARN of the event has %d bytes; the gateway takes %d", len(ev.ARN), apigw.MaxARN)
	}
	return place{a.Partition, a.Region, a.Account, a.API, a.Stage}, nil
}
