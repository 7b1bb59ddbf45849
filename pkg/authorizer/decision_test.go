package authorizer

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gatepass/pkg/apigw"
	"gatepass/pkg/policy"
)

// http2 is an event of payload 2.0 for a request of the test API.
func http2(request, ip string) apigw.Event {
	ev := event(request)
	ev.Kind = apigw.EventHTTP2
	ev.Context = apigw.EventContext{SourceIP: ip, Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	return ev
}

// The simple form says of every request what the gateway makes of the policy form.
func TestSimpleIsThePolicyEvaluated(t *testing.T) {
	f := load(t, designFile)
	for _, claims := range []string{
		`{"sub":"42"}`, `{"sub":"42","groups":["Admins"]}`, `{"sub":"*","groups":"Users;Admins"}`, `{"groups":["Admins"]}`, `{"sub":""}`,
	} {
		c := MadeUp(claimsOf(t, claims))
		for _, request := range []string{"GET /", "GET /users/42/orders", "GET /users/43/orders", "DELETE /orders", "POST /users/42/x"} {
			for _, ip := range []string{"203.0.113.7", "198.51.100.1", ""} {
				ev := http2(request, ip)
				whole, _ := f.Settle(ev, c, Policy).Answer(ev)
				out, trace := f.Settle(ev, c, Simple).Answer(ev)
				if whole.Kind == apigw.Failed {
					if out.Kind != apigw.Failed || out.Message != whole.Message {
						t.Errorf("%s of %s: %+v, want the failure %s", request, claims, out, whole.Message)
					}
					continue
				}
				keys := apigw.ConditionKeys(&apigw.Request{Time: ev.Context.Time, SourceIP: ev.Context.SourceIP, Header: ev.Header})
				allowed := parsed(t, whole).Decide(&policy.Request{Action: invoke, Resource: ev.ARN, Keys: keys}) == policy.Allow
				var got struct {
					IsAuthorized *bool
					Context      map[string]any
				}
				if err := json.Unmarshal([]byte(out.Text), &got); err != nil || got.IsAuthorized == nil || *got.IsAuthorized != allowed {
					t.Errorf("%s of %s from %q: %s, want %t; %s", request, claims, ip, out.Text, allowed, trace.Reason)
				}
				if !allowed && got.Context != nil {
					t.Errorf("the context is told to nobody: %s", out.Text)
				}
			}
		}
	}
}

func TestSimpleRefusal(t *testing.T) {
	for refuse, want := range map[string]string{"unauthorized": unauthorized, "deny": notAuthorized} {
		f := load(t, strings.Replace(designFile, "refuse: unauthorized", "refuse: "+refuse, 1))
		out, trace := f.Refuse(http2("GET /", ""), Simple, "the token has expired")
		if out.Text+out.Message != want || trace.Outcome != Refused {
			t.Errorf("%s: %+v, %+v", refuse, out, trace)
		}
	}
}

func TestFormOf(t *testing.T) {
	for _, kind := range []apigw.EventKind{apigw.EventToken, apigw.EventRequest, apigw.EventHTTP1, apigw.EventHTTP2, apigw.EventConnect} {
		want := Policy
		if kind == apigw.EventHTTP2 {
			want = Simple
		}
		if got := FormOf(apigw.Event{Kind: kind}, true); got != want {
			t.Errorf("kind %d: form %d, want %d", kind, got, want)
		}
		if got := FormOf(apigw.Event{Kind: kind}, false); got != Policy {
			t.Errorf("kind %d: form %d unasked", kind, got)
		}
	}
}

// One decision answers every event of its API and stage.
func TestDecisionIsForTheStage(t *testing.T) {
	f := load(t, designFile)
	c := MadeUp(claimsOf(t, `{"sub":"42"}`))
	d := f.Settle(http2("GET /users/42/x", ""), c, Simple)
	for request, want := range map[string]string{"GET /users/42/x": "true", "GET /users/43/x": "false", "POST /users/42/x": "false"} {
		out, _ := d.Answer(http2(request, ""))
		if got := out.Value.Get("isAuthorized"); got == nil || got.Text != want {
			t.Errorf("%s: %s", request, out.Text)
		}
	}
}

// More claims add to those of the token, and change none of them.
func TestAdding(t *testing.T) {
	c := MadeUp(claimsOf(t, `{"sub":"42","scope":"read","email":"a@b","address":{"city":"x"}}`))
	more := claimsOf(t, `{"sub":"43","scope":"admin","aud":"other","exp":1,"email":"c@d","address.city":"y","groups":["Admins"],"locale":"de"}`).Node()
	got := c.Adding(more).claims
	for name, want := range map[string]string{
		"sub": "42", "scope": "read", "email": "a@b", "address.city": "x", "groups": "Admins", "locale": "de", "aud": "", "exp": "",
	} {
		v, _ := got.Lookup(name)
		if strings.Join(v, ",") != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	if _, ok := c.claims.Lookup("groups"); ok {
		t.Error("the claims themselves were changed")
	}
	if got := (Claims{}).Adding(more); got.origin != "" || got.claims.Node() != nil {
		t.Error("claims that nobody vouches for became more")
	}
	if got := c.Adding(nil); got.claims.Node() != c.claims.Node() {
		t.Error("nothing was added, and something changed")
	}
}

// FuzzStageOf: events with the same stage by StageOf are decided alike, for the stage
// that their ARNs name.
func FuzzStageOf(f *testing.F) {
	f.Add(testARN+"GET/x", testARN+"POST/y/z")
	f.Add(testARN+"GET/x", testARN+"/")
	f.Add("arn:aws:execute-api:eu-west-1:1:a/b/GET", "arn:aws:execute-api:eu-west-1:1:a/b/c:d/e")
	f.Add("arn:aws:execute-api::::/b/GET", "arn:aws:execute-api:::a/b/")
	f.Fuzz(func(t *testing.T, one, other string) {
		a, okA := StageOf(apigw.Event{ARN: one})
		b, okB := StageOf(apigw.Event{ARN: other})
		placeA, errA := placeOf(apigw.Event{ARN: one})
		placeB, errB := placeOf(apigw.Event{ARN: other})
		switch {
		case !okA || !okB || errA != nil:
		case a == b && (errB != nil || placeA != placeB):
			t.Errorf("%q and %q have the stage %q, and are %+v and %+v, %v", one, other, a, placeA, placeB, errB)
		case !strings.HasPrefix(one, a):
			t.Errorf("the stage of %q is %q", one, a)
		}
	})
}
